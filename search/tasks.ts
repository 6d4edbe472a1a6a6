/** What a search is made of: pieces to play, and findings to make small. Each can be done on any thread. */
import type { Text } from '../scenario/text.ts';
import { type Piece, type PieceResult, type Plan, playPiece, scopeNamed, wordsOfRun } from './bulk.ts';
import { type Replayed, replayed, type Stored } from './counterexample.ts';
import { shrinkWords } from './fastCheck.ts';
import { measure, minimise, smaller } from './minimise.ts';
import type { Failure } from './outcome.ts';
import { failing, failingDrawn } from './worse.ts';

export interface PlayTask {
  readonly kind: 'play';
  readonly piece: Piece;
  /** Cells that need no more answers. */
  readonly closed: readonly number[];
  /** When its time is up, in milliseconds as of Date.now(). */
  readonly until: number;
}

export interface SmallTask {
  readonly kind: 'small';
  readonly cell: number;
  readonly failures: readonly Failure[];
  /** Another scenario that breaks the property; null when there is none. */
  readonly stored: Text | null;
  readonly until: number;
}

/** A scenario that is said to break the property of a cell. */
export interface StoredCell {
  readonly cell: number;
  readonly stored: Stored;
}

export interface ReplayTask {
  readonly kind: 'replay';
  readonly cells: readonly StoredCell[];
  /** Whether they are taken to be as small as they get, which need not be asked then. */
  readonly areSmall: boolean;
}

/** What is planned while a search goes on. */
export type Task = PlayTask | SmallTask;

/** What a thread can do. */
export type CrewTask = Task | ReplayTask;

/** The smallest scenario of a cell. */
export interface Small {
  readonly text: Text;
  /** The run that it was made from, and the scope that this was drawn from; '' for the stored one. */
  readonly scope: string;
  readonly path: string;
  /** Whether there was time to make it as small as it gets. */
  readonly finished: boolean;
}

export type Done<T extends CrewTask> = T extends PlayTask
  ? PieceResult
  : T extends SmallTask
    ? Small
    : readonly (Replayed | null)[];

export function doTask<T extends CrewTask>(plan: Plan, task: T): Done<T>;
export function doTask(plan: Plan, task: CrewTask): PieceResult | Small | readonly (Replayed | null)[] {
  const { properties, kernels } = plan;
  switch (task.kind) {
    case 'play':
      return playPiece(plan, task.piece, new Set(task.closed), task.until);
    case 'small':
      return smallest(plan, task);
    case 'replay':
      return task.cells.map(({ cell, stored }) =>
        replayed(...cellAt(properties, kernels, cell), stored, task.areSmall),
      );
  }
}

/** The smallest of what the failures of a cell shrink to: of those that are worse than stock, where there are any. */
function smallest(plan: Plan, task: SmallTask): Small {
  const [{ id }, { name }] = cellAt(plan.properties, plan.kernels, task.cell);
  const best = smallestOf(plan, task, true) ?? smallestOf(plan, task, false);
  if (best === undefined) throw new Error(`internal error: nothing was found of ${id} on ${name}`);
  return { ...best, finished: Date.now() <= task.until };
}

function smallestOf(
  plan: Plan,
  { cell, failures, stored, until }: SmallTask,
  worse: boolean,
): Omit<Small, 'finished'> | undefined {
  const [property, kernel] = cellAt(plan.properties, plan.kernels, cell);
  const test = failing(property, kernel, worse);
  const fails = failingDrawn(property, kernel, worse);
  let best = stored !== null && test(stored) ? { text: minimise(stored, test, until), scope: '', path: '' } : undefined;
  for (const { text: drawn, scope: name, path, ...failure } of failures) {
    if (best !== undefined && Date.now() > until) break;
    if (failure.worse !== worse) continue;
    const scope = scopeNamed(plan, name);
    const shrunk = shrinkWords(fails, scope, kernel, wordsOfRun(scope, plan.seed, path, drawn.host));
    const text = minimise(test(shrunk) ? shrunk : drawn, test, until);
    if (!test(text)) continue;
    if (best === undefined || smaller(measure(text), measure(best.text))) best = { text, scope: name, path };
  }
  return best;
}

/** The property and the kernel of a cell, which is named by its place in the order properties × kernels. */
export function cellAt<P, K>(properties: readonly P[], kernels: readonly K[], cell: number): readonly [P, K] {
  return [properties[Math.floor(cell / kernels.length)] as P, kernels[cell % kernels.length] as K];
}
