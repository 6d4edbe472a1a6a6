/**
 * Hands cells to worker threads, each with a z3 of its own: the main thread stays free, so that Ctrl-C ends everything
 * at once. Neither z3 nor the lifted model is loaded here.
 */
import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import type { Kernel } from '../model/types/world.ts';
import { namedKernel } from '../own/patch.ts';
import type { Property } from '../properties/property.ts';
import { proofScopes, type ShapeScope } from '../properties/scopes/proofs.ts';
import type { CellProgress, SolvedCell } from './solveCell.ts';
import { HEAP_MB, takeThread } from './startThread.ts';
import { InternalError } from './terms/term.ts';
import type { Task, WorkerAnswer } from './worker.ts';

/** Threads at most. */
const WORKERS = 2;

/** Milliseconds beyond its budget after which a thread is ended from outside: loading, and one question to z3. */
const GRACE = 3_000;

export interface SolveOptions {
  /** Milliseconds for each cell. */
  readonly budget: number;
  readonly seed: number;
  /** Hears how far it is, in words and as a part of 1. */
  readonly progress: (message: string, part: number) => void;
  /** Hears each answer as soon as it is there, and of which cell it is. */
  readonly onSolved?: (solved: Solved, at: number) => void;
  /** Ends the work at once; what is not answered then is missing in the result. */
  readonly stop?: AbortSignal;
  /** The built worker. */
  readonly worker?: URL;
}

/** A cell with z3's answer. */
export interface Solved {
  readonly property: Property;
  readonly kernel: Kernel;
  readonly cell: SolvedCell;
}

/** z3's answers, in the order of the cells. */
export async function solveCells(
  cells: readonly { readonly property: Property; readonly kernel: Kernel }[],
  options: SolveOptions,
): Promise<readonly Solved[]> {
  const solved: Solved[] = [];
  let next = 0;
  let done = 0;
  const threads: Thread[] = [];
  const serve = async (): Promise<void> => {
    const thread = new Thread(options);
    threads.push(thread);
    for (let at = next++; at < cells.length; at = next++) {
      const { property, kernel } = cells[at] as (typeof cells)[number];
      const task = { property: property.id, named: namedKernel(kernel), budget: options.budget, seed: options.seed };
      const cell = await thread.solve(task, proofScopes[property.proof], ({ shape, paths }) =>
        options.progress(
          `z3: ${done} of ${cells.length} cells; ${property.id} on ${kernel.name}, shape ${shape}, ${paths} paths`,
          done / cells.length,
        ),
      );
      const answer = { property, kernel, cell };
      solved[at] = answer;
      done++;
      options.onSolved?.(answer, at);
    }
  };
  try {
    const all = Promise.all(Array.from({ length: Math.min(WORKERS, cells.length) }, serve));
    await (options.stop === undefined ? all : Promise.race([all, once(options.stop, 'abort')]));
  } finally {
    await Promise.all(threads.map((thread) => thread.end()));
  }
  return solved;
}

/** A worker thread that is replaced when it had to be ended. */
class Thread {
  private worker: Worker | undefined;
  private readonly options: SolveOptions;

  constructor(options: SolveOptions) {
    this.options = options;
  }

  solve(task: Task, scope: ShapeScope, onProgress: (progress: CellProgress) => void): Promise<SolvedCell> {
    this.worker ??= takeThread(this.options.worker);
    const { worker } = this;
    let last: CellProgress | undefined;
    return new Promise((resolve, reject) => {
      const finish = () => {
        clearTimeout(timer);
        worker.off('message', hear);
        worker.off('error', failed);
      };
      const giveUp = (why: string) => {
        finish();
        worker.on('error', () => {});
        void this.end();
        resolve(unfinished(task, scope, last, why));
      };
      const hear = (answer: WorkerAnswer) => {
        if (answer.kind === 'progress') {
          last = answer.progress;
          onProgress(last);
          return;
        }
        finish();
        if (answer.kind === 'solved') resolve(answer.cell);
        else reject(new InternalError(answer.message));
      };
      const failed = (error: NodeJS.ErrnoException) => {
        if (error.code === 'ERR_WORKER_OUT_OF_MEMORY') giveUp(`it needed more than ${HEAP_MB} MB`);
        else {
          finish();
          reject(error);
        }
      };
      const timer = setTimeout(() => giveUp('the time was up in the middle of a question'), task.budget + GRACE);
      worker.on('message', hear);
      worker.on('error', failed);
      worker.postMessage(task);
    });
  }

  async end(): Promise<void> {
    const { worker } = this;
    this.worker = undefined;
    await worker?.terminate();
  }
}

function unfinished(task: Task, scope: ShapeScope, last: CellProgress | undefined, why: string): SolvedCell {
  const left = scope.shapes.slice(last?.closed ?? 0).map(({ name }) => name);
  return {
    outcome: 'undecided',
    text: null,
    reason: `${why}; left: ${left.join(', ')}`,
    shapes: scope.shapes.length,
    closed: last?.closed ?? 0,
    paths: last?.paths ?? 0,
    queries: last?.queries ?? 0,
    agreed: 0,
    occurred: 0,
    milliseconds: task.budget + GRACE,
  };
}
