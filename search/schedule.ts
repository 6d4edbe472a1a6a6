/**
 * What there is to do in a search, and what comes of it.
 *
 * Pieces are handed out in the order of their paths and may come back in any order; each counts when all before it have
 * been counted. A cell is closed when it has failures enough, or when there is nothing left to play: then they are
 * made small, before anything else. So what is found depends on the plan alone, unless a budget ends it.
 */
import type { RunScope } from '../properties/scopes/runs.ts';
import type { Text } from '../scenario/text.ts';
import { type Piece, type PieceResult, type Plan, piecesOf, runsIn, scopesOf, Tallies, type Tally } from './bulk.ts';
import { measure, smaller } from './minimise.ts';
import type { Failure } from './outcome.ts';
import type { PlayTask, Small, SmallTask, Task } from './tasks.ts';

/** The part of a budget that is for playing; the rest is for making small what was found last. */
const PLAYING = 3 / 4;

/** A cell of which nothing more will be played. */
export interface Closed {
  readonly cell: number;
  readonly tally: Tally;
  /** What its failures were made into; null when there is none, or none that can beat the scenario that is known. */
  readonly small: Small | null;
}

/** What is known of a cell before anything is played. */
export interface Known {
  readonly text: Text;
  /** Whether only a smaller one is of interest. */
  readonly isSmall: boolean;
  /** Whether stock keeps the property in it. */
  readonly worse: boolean;
}

export class Schedule {
  /** Runs that count so far, and all there are to play. */
  runs = 0;
  readonly allRuns: number;
  /** Whether everything was played before the time was up. */
  finished = true;
  private readonly plan: Plan;
  private readonly budget: number;
  private readonly end: number;
  private readonly scopes: readonly RunScope[];
  private readonly tallies: Tallies;
  private readonly pieces: Iterator<Piece>;
  private isPlayed = false;
  private given = 0;
  private counted = 0;
  private scopeEnd: { readonly scope: string; readonly at: number } | undefined;
  private readonly early = new Map<number, PieceResult>();
  private readonly places = new Map<Task, number>();
  private readonly closed = new Set<number>();
  private readonly known = new Map<number, Known>();
  private readonly small: SmallTask[] = [];
  private readonly hear: (closed: Closed) => void;

  constructor(plan: Plan, budget: number, hear: (closed: Closed) => void) {
    this.plan = plan;
    this.budget = budget;
    this.hear = hear;
    this.end = Date.now() + budget;
    this.scopes = scopesOf(plan);
    this.tallies = new Tallies(plan);
    this.allRuns = this.scopes.reduce((sum, scope) => sum + runsIn(scope, plan), 0);
    this.pieces = this.allPieces();
  }

  /** A scenario is known that breaks the cell's property. */
  know(cell: number, known: Known): void {
    this.known.set(cell, known);
  }

  /** The next task; undefined when there is none, or none before another has come back. */
  next(): Task | undefined {
    return this.small.shift() ?? this.nextPiece() ?? this.small.shift();
  }

  takePiece(task: PlayTask, result: PieceResult): void {
    this.early.set(this.places.get(task) as number, result);
    this.places.delete(task);
    if (result.runs < task.piece.runs) this.finished = false;
    for (let next = this.early.get(this.counted); next !== undefined; next = this.early.get(this.counted)) {
      this.early.delete(this.counted++);
      this.runs += next.runs;
      for (const cell of this.tallies.add(next)) this.close(cell);
    }
    this.closeRest();
  }

  takeSmall({ cell }: SmallTask, small: Small): void {
    this.hear({ cell, tally: this.tallyOf(cell), small });
  }

  private *allPieces(): Generator<Piece> {
    for (const scope of this.scopes) yield* piecesOf(scope, this.plan);
  }

  /** The next piece; a scope whose time is up has none, but every scope has one. */
  private nextPiece(): PlayTask | undefined {
    for (let piece = this.pieces.next(); !piece.done; piece = this.pieces.next()) {
      const { scope } = piece.value;
      const now = Date.now();
      if (this.scopeEnd?.scope !== scope)
        this.scopeEnd = { scope, at: now + (this.budget * PLAYING) / this.scopes.length };
      else if (now > this.scopeEnd.at) {
        this.finished = false;
        continue;
      }
      const task: PlayTask = { kind: 'play', piece: piece.value, closed: [...this.closed], until: this.scopeEnd.at };
      this.places.set(task, this.given++);
      return task;
    }
    this.isPlayed = true;
    this.closeRest();
    return undefined;
  }

  /** Closes all cells when everything was played and counted. */
  private closeRest(): void {
    if (!this.isPlayed || this.counted < this.given) return;
    for (const cell of this.tallies.all.keys()) if (!this.closed.has(cell)) this.close(cell);
  }

  /** What was counted of a cell so far. */
  tallyOf(cell: number): Tally {
    return this.tallies.all[cell] as Tally;
  }

  private close(cell: number): void {
    this.closed.add(cell);
    const tally = this.tallyOf(cell);
    const known = this.known.get(cell);
    const failures = tally.failures.filter((one) => isBetter(one, known));
    if (failures.length === 0 && (known === undefined || known.isSmall)) this.hear({ cell, tally, small: null });
    else this.small.push({ kind: 'small', cell, failures, stored: known?.text ?? null, until: this.end });
  }
}

/** Whether a failure may become a better counterexample than the known one: it is worse than stock, or else smaller. */
function isBetter({ worse, text }: Failure, known: Known | undefined): boolean {
  if (known === undefined || worse !== known.worse) return worse || known === undefined;
  return smaller(measure(text), measure(known.text));
}
