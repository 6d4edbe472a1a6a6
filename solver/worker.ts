/** A worker thread that solves cells, one after the other, with a z3 of its own. */
import { parentPort } from 'node:worker_threads';
import type { NamedKernel } from '../own/patch.ts';
import { loadZ3 } from './smt.ts';
import type { CellProgress, SolvedCell } from './solveCell.ts';
import { InternalError } from './terms/term.ts';

export interface Task {
  readonly property: string;
  readonly named: NamedKernel;
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
  import('../properties/index.ts'),
  import('../properties/scopes/proofs.ts'),
  import('./solveCell.ts'),
  import('../own/patch.ts'),
  import('./ownTwin.ts'),
]);

port.on('message', async (task: Task) => {
  const say = (answer: WorkerAnswer) => port.postMessage(answer);
  try {
    const [{ properties }, { proofScopes }, { solveCell }, { kernelMeant }, { twinOfOwn }] = await modules;
    const property = properties.find(({ id }) => id === task.property);
    const { named } = task;
    const kernel = kernelMeant(named);
    if (!property || !kernel) throw new InternalError(`no cell ${task.property} on ${named.kernel}`);
    const cell = solveCell(await loading, property, kernel, proofScopes[property.proof], {
      ...task,
      ...(typeof named.kernel === 'string' ? {} : { twin: twinOfOwn(named.kernel, named.release) }),
      onProgress: (progress) => say({ kind: 'progress', progress }),
    });
    say({ kind: 'solved', cell });
  } catch (error) {
    say({ kind: 'failed', message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
});
