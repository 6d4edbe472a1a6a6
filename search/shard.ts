/**
 * A search on several machines: each plays every so-manieth piece, and what they saw is put together as if one had
 * played all. A machine leaves a cell alone when its own pieces have failures enough: in the order of all pieces the
 * cell is closed by then, too.
 */
import { type Piece, type PieceResult, type Plan, piecesOf, scopesOf, Tallies } from './bulk.ts';
import { type Crew, hire } from './crew.ts';
import type { CrewTask, Done } from './tasks.ts';

/** Which part of how many; the first is 1. */
export interface Shard {
  readonly part: number;
  readonly of: number;
}

/** A piece and what was seen in it. */
export interface PlayedPiece {
  readonly piece: Piece;
  readonly result: PieceResult;
}

export interface ShardOptions {
  readonly jobs: number;
  readonly progress: (message: string, part: number) => void;
  readonly stop: AbortSignal;
}

/** Plays the pieces of one part; fewer when it is stopped. */
export async function playShard(plan: Plan, { part, of }: Shard, options: ShardOptions): Promise<PlayedPiece[]> {
  const { jobs, progress, stop } = options;
  const pieces = scopesOf(plan).flatMap((scope) => [...piecesOf(scope, plan)]);
  const mine = pieces.filter((_, at) => at % of === part - 1);
  const played: PlayedPiece[] = [];
  const tallies = new Tallies(plan);
  const closed = new Set<number>();
  const crew = hire(plan, jobs);
  let next = 0;
  let counted = 0;
  let done = 0;
  const work = async () => {
    for (let at = next++; at < mine.length && !stop.aborted; at = next++) {
      const piece = mine[at] as Piece;
      const until = Number.POSITIVE_INFINITY;
      const result = await crew.do({ kind: 'play', piece, closed: [...closed], until });
      played[at] = { piece, result };
      for (let one = played[counted]; one !== undefined; one = played[++counted])
        for (const cell of tallies.add(one.result)) closed.add(cell);
      done++;
      progress(`${done.toLocaleString('en')} of ${mine.length.toLocaleString('en')} pieces`, done / mine.length);
    }
  };
  try {
    await Promise.all(Array.from({ length: crew.size }, work));
  } finally {
    await crew.end();
  }
  return played;
}

/** A crew for which the pieces were played elsewhere; it only makes small what was found. */
export class Assembled implements Crew {
  readonly size = 1;
  private readonly crew: Crew;
  private readonly results: ReadonlyMap<string, PieceResult>;

  constructor(plan: Plan, played: readonly PlayedPiece[]) {
    this.crew = hire(plan, 1);
    this.results = new Map(played.map(({ piece, result }) => [nameOf(piece), result]));
  }

  async do<T extends CrewTask>(task: T): Promise<Done<T>> {
    if (task.kind !== 'play') return this.crew.do(task);
    const result = this.results.get(nameOf(task.piece));
    if (result === undefined) throw new Error(`internal error: nobody played ${nameOf(task.piece)}`);
    return result as Done<T>;
  }

  end(): Promise<void> {
    return this.crew.end();
  }
}

function nameOf({ scope, host }: Piece): string {
  return `${scope} from host ${host}`;
}
