/** Lemmas and the planted fault are proved on a thread, so that the main one hears Ctrl-C. */
import { on } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Proof } from '../solver/proveLemma.ts';
import type { solveCell } from '../solver/solveCell.ts';

/** Runs of fast-check that pass the planted fault. */
export const PLANTED_RUNS = 200_000;

/** The promise that the planted fault breaks. */
export const PLANTED_BREAKS = 'header-matches-socket';

/** What the thread is to prove. */
export interface Work {
  /** Ids, in their order. */
  readonly lemmas: readonly string[];
  readonly planted: boolean;
  /** For a lemma, and for the planted fault. */
  readonly milliseconds: number;
  /** Whether every question that z3 answered with unsat is told. */
  readonly tells: boolean;
}

/** What both engines say of the planted fault. */
export interface Planted {
  /** Whether the search saw nothing in runs of which some were cases of the promise. */
  readonly isPassed: boolean;
  readonly cell: ReturnType<typeof solveCell>;
}

/** What the thread says: a closed question comes before the lemma that it is of. */
export type Heard =
  | { readonly kind: 'closed'; readonly smtlib: string }
  | { readonly kind: 'proved'; readonly proof: Proof }
  | { readonly kind: 'planted'; readonly planted: Planted };

/** Each answer when it is there; ends early when it is stopped. */
export async function* provedOnThread(work: Work, stop: AbortSignal): AsyncGenerator<Heard> {
  const worker = new Worker(new URL('./proof-worker.js', import.meta.url), { workerData: work });
  try {
    for await (const [heard] of on(worker, 'message', { signal: stop, close: ['exit'] })) yield heard as Heard;
  } catch (error) {
    if (!stop.aborted) throw error;
  } finally {
    await worker.terminate();
  }
}
