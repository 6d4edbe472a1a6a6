/**
 * Hands questions about cells to worker threads, each with a z3 of its own: the main thread stays free, so that Ctrl-C
 * ends everything at once. Neither z3 nor the lifted model is loaded here.
 */
import { once } from 'node:events';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import type { Kernel } from '../model/types/world.ts';
import { namedKernel } from '../own/patch.ts';
import type { Property } from '../properties/property.ts';
import { proofScopes, type ShapeScope } from '../properties/scopes/proofs.ts';
import { Cells, type Job, type SolvedCell, STAGES } from './cells.ts';
import { HEAP_MB, takeThread } from './startThread.ts';
import { InternalError } from './terms/term.ts';
import type { Task, WorkerAnswer } from './worker.ts';

/** Threads at most. */
const WORKERS = 2;

/** Shapes of which a thread draws inputs while another one loads. */
const DRAWN_MEANWHILE = 50;

/** Milliseconds beyond its budget after which a thread is ended from outside: loading, and one question to z3. */
const GRACE = 3_000;

/** Milliseconds for drawn inputs, which nobody waits for in vain. */
const DRAWING = 60_000;

export interface SolveOptions {
  /** Milliseconds for each cell. */
  readonly budget: number;
  readonly seed: number;
  /**
   * The scope of all of them, in which the smallest shape is looked for that breaks each, so that no answer is ready before
   * the end. Where there is none, it is that of each property.
   */
  readonly scope?: ShapeScope;
  /** Hears how far it is, in words and as a part of 1. */
  readonly progress: (message: string, part: number) => void;
  /** Hears each answer as soon as it is there, and of which cell it is. */
  readonly onSolved?: (solved: Solved, at: number) => void;
  /** The folder for every question that was answered with unsat, as SMT-LIB: a file for each shape on each kernel. */
  readonly questions?: string | undefined;
  /** Hears of each such file. */
  readonly onQuestions?: (file: string) => void;
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
  asked: readonly { readonly property: Property; readonly kernel: Kernel }[],
  options: SolveOptions,
): Promise<readonly Solved[]> {
  const solved: Solved[] = [];
  const cells = new Cells(
    asked.map((one) => ({ ...one, scope: options.scope ?? proofScopes[one.property.proof] })),
    options.budget,
    options.scope !== undefined,
  );
  const report = (at: number): void => {
    const answer = { ...(asked[at] as (typeof asked)[number]), cell: cells.result(at) };
    solved[at] = answer;
    options.onSolved?.(answer, at);
  };
  const threads: Thread[] = [];
  let jobsGiven = 0;
  const serve = async (stage: Job['stage'], jobs: Iterator<Parameters<Cells['job']>[0]>, n: number): Promise<void> => {
    threads[n] ??= new Thread(options);
    for (let next = jobs.next(); !next.done; next = jobs.next()) {
      const job = cells.job(next.value);
      if (job === undefined) continue;
      options.progress(
        `z3: ${cells.done} of ${asked.length} cells; ${job.kernel.name}, shape ${job.shape.name}, ${job.cells.length} promises`,
        cells.done / asked.length,
      );
      const properties = job.cells.map((at) => asked[at]?.property.id ?? '');
      const {
        solved: answer,
        milliseconds,
        file,
      } = await threads[n].solve({
        stage,
        places: job.scope.places,
        shape: job.shape,
        properties,
        named: namedKernel(job.kernel),
        budget: job.budget,
        seed: options.seed,
        questions: options.questions && join(options.questions, String(++jobsGiven).padStart(5, '0')),
      });
      if (file !== '') options.onQuestions?.(file);
      const done = cells.take(job, answer, milliseconds);
      if (options.scope === undefined) for (const at of done) report(at);
    }
  };
  const work = async (): Promise<void> => {
    for (const stage of STAGES) {
      const planned = cells.planned(stage);
      const jobs = planned.values();
      const parts = stage === 'drawn' ? planned.length / DRAWN_MEANWHILE : planned.length;
      const workers = Math.min(WORKERS, Math.ceil(parts));
      await Promise.all(Array.from({ length: workers }, (_, n) => serve(stage, jobs, n)));
    }
    for (const at of asked.keys()) if (solved[at] === undefined) report(at);
  };
  try {
    const all = work();
    await (options.stop === undefined ? all : Promise.race([all, once(options.stop, 'abort')]));
  } finally {
    await Promise.all(threads.map((thread) => thread.end()));
  }
  return solved;
}

/** What a thread answers, and how long it took. */
type Answered = Omit<Extract<WorkerAnswer, { readonly kind: 'solved' }>, 'kind'>;

/** A worker thread that is replaced when it had to be ended. */
class Thread {
  private worker: Worker | undefined;
  private readonly options: SolveOptions;

  constructor(options: SolveOptions) {
    this.options = options;
  }

  solve(task: Task): Promise<Answered> {
    this.worker ??= takeThread(this.options.worker);
    const { worker } = this;
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
        resolve(unanswered(task, why));
      };
      const hear = (answer: WorkerAnswer) => {
        finish();
        if (answer.kind === 'solved') resolve(answer);
        else reject(new InternalError(answer.message));
      };
      const failed = (error: NodeJS.ErrnoException) => {
        if (error.code === 'ERR_WORKER_OUT_OF_MEMORY') giveUp(`it needed more than ${HEAP_MB} MB`);
        else {
          finish();
          reject(error);
        }
      };
      const milliseconds = (task.stage === 'drawn' ? DRAWING : task.budget) + GRACE;
      const timer = setTimeout(() => giveUp('the time was up in the middle of a question'), milliseconds).unref();
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

function unanswered({ properties, budget }: Task, reason: string): Answered {
  const answer = { outcome: 'open', text: null, reason, agreed: 0, occurred: 0 } as const;
  const solved = { answers: properties.map(() => answer), paths: 0, queries: 0 };
  return { solved, milliseconds: budget + GRACE, file: '' };
}
