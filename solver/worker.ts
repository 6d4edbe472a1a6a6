/** A worker thread that answers questions about shapes, one after the other, with a z3 of its own. */
import { parentPort } from 'node:worker_threads';
import type { NamedKernel } from '../own/patch.ts';
import type { ProofShape, ShapeScope } from '../properties/scopes/proofs.ts';
import type { Stage } from './cells.ts';
import { loadZ3 } from './smt.ts';
import type { SolvedShape } from './solveShape.ts';
import { InternalError } from './terms/term.ts';

/** A question, in what can be sent to a thread. */
export interface Task {
  readonly stage: Stage;
  readonly places: ShapeScope['places'];
  readonly shape: ProofShape;
  /** Ids. */
  readonly properties: readonly string[];
  readonly named: NamedKernel;
  readonly budget: number;
  readonly seed: number;
}

export type WorkerAnswer =
  | { readonly kind: 'solved'; readonly solved: SolvedShape; readonly milliseconds: number }
  | { readonly kind: 'failed'; readonly message: string };

const port = parentPort;
if (!port) throw new InternalError('no thread to answer to');

/** z3 compiles beside the loading of the model. */
const loading = loadZ3();
const modules = Promise.all([
  import('../properties/index.ts'),
  import('./solveShape.ts'),
  import('../own/patch.ts'),
  import('./ownTwin.ts'),
]);

port.on('message', async ({ stage, properties: ids, named, ...task }: Task) => {
  const say = (answer: WorkerAnswer) => port.postMessage(answer);
  try {
    const [{ properties }, { breakDrawn, liftedKernel, solveApart, solveTogether }, { kernelMeant }, { twinOfOwn }] =
      await modules;
    const kernel = kernelMeant(named);
    if (kernel === undefined) throw new InternalError(`no kernel ${named.kernel}`);
    const twin = typeof named.kernel === 'string' ? liftedKernel(kernel) : twinOfOwn(named.kernel, named.release);
    const asked = ids.map((id) => {
      const property = properties.find((one) => one.id === id);
      if (property === undefined) throw new InternalError(`no property ${id}`);
      return property;
    });
    const question = { ...task, properties: asked, kernel, twin };
    const started = performance.now();
    const solved =
      stage === 'drawn'
        ? breakDrawn(question)
        : (stage === 'together' ? solveTogether : solveApart)(await loading, question);
    say({ kind: 'solved', solved, milliseconds: performance.now() - started });
  } catch (error) {
    say({ kind: 'failed', message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
});
