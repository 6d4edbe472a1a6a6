/** A worker thread that answers questions about shapes, one after the other, with a z3 of its own. */
import { writeFileSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import type { Kernel } from '../model/types/world.ts';
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
  /** How the file for its closed questions begins, with its folder; absent where none is wanted. */
  readonly questions?: string | undefined;
}

export type WorkerAnswer =
  | {
      readonly kind: 'solved';
      readonly solved: Omit<SolvedShape, 'questions'>;
      readonly milliseconds: number;
      /** The file with its closed questions; '' where there are none. */
      readonly file: string;
    }
  | { readonly kind: 'failed'; readonly message: string };

const port = parentPort;
if (!port) throw new InternalError('no thread to answer to');

const modules = Promise.all([
  import('../properties/index.ts'),
  import('./solveShape.ts'),
  import('../own/patch.ts'),
  import('./ownTwin.ts'),
]);

/** Writes questions into a file, each with nothing of the one before; gives its path. */
function written({ stage, shape, properties, questions: prefix }: Task, of: Kernel, all: readonly string[]): string {
  if (prefix === undefined || all.length === 0) return '';
  const file = `${[prefix, of.name, shape.name, ...(stage === 'apart' ? properties : [])].join('--')}.smt2`;
  writeFileSync(file, all.join('(reset)\n'));
  return file;
}

port.on('message', async (task: Task) => {
  const { stage, properties: ids, named, questions: prefix, ...rest } = task;
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
    const question = { ...rest, properties: asked, kernel, twin, showing: prefix !== undefined };
    // Drawn inputs, which are asked first, do without z3.
    const z3 = stage === 'drawn' ? undefined : await loadZ3();
    const started = performance.now();
    const { questions, ...solved } =
      z3 === undefined ? breakDrawn(question) : (stage === 'together' ? solveTogether : solveApart)(z3, question);
    const milliseconds = performance.now() - started;
    say({ kind: 'solved', solved, milliseconds, file: written(task, kernel, questions) });
  } catch (error) {
    say({ kind: 'failed', message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
});
