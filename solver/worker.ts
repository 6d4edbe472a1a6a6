/** A worker thread that solves cells, one after the other, with a z3 of its own. */
import { parentPort } from 'node:worker_threads';
import { loadZ3 } from './smt.ts';
import type { CellProgress, SolvedCell } from './solveCell.ts';
import { InternalError } from './terms/term.ts';

export interface Task {
  readonly property: string;
  readonly variant: string;
  readonly release: string;
  readonly budget: number;
  readonly seed: number;
}

export type WorkerAnswer =
  | { readonly kind: 'progress'; readonly progress: CellProgress }
  | { readonly kind: 'solved'; readonly cell: SolvedCell }
  | { readonly kind: 'failed'; readonly message: string };

const port = parentPort;
if (!port) throw new InternalError('no thread to answer to');

/** z3 compiles beside the loading of the model. */
const loading = loadZ3();
const modules = Promise.all([
  import('../model/patch/index.ts'),
  import('../properties/index.ts'),
  import('../properties/scopes/proofs.ts'),
  import('./solveCell.ts'),
]);

port.on('message', async (task: Task) => {
  const say = (answer: WorkerAnswer) => port.postMessage(answer);
  try {
    const [{ kernelNamed }, { properties }, { proofScopes }, { solveCell }] = await modules;
    const property = properties.find(({ id }) => id === task.property);
    const kernel = kernelNamed(task.variant, task.release);
    if (!property || !kernel) throw new InternalError(`no cell ${task.property} on ${task.variant}`);
    const cell = solveCell(await loading, property, kernel, proofScopes[property.proof], {
      ...task,
      onProgress: (progress) => say({ kind: 'progress', progress }),
    });
    say({ kind: 'solved', cell });
  } catch (error) {
    say({ kind: 'failed', message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
});
