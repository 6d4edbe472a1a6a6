/** Starts solver threads; the first one before anything else of a command is loaded, so that the lifted model is there when it is asked. */
import { Worker } from 'node:worker_threads';

/** A thread's own heap; z3 has a memory of its own, of 2 GiB at most. */
export const HEAP_MB = 1024;

let early: Worker | undefined;

function start(file: URL): Worker {
  return new Worker(file, { resourceLimits: { maxOldGenerationSizeMb: HEAP_MB } });
}

/** Starts a thread that does not keep the program alive. */
export function startEarly(): void {
  const worker = start(new URL('./z3-worker.js', import.meta.url));
  worker.unref();
  worker.on('error', () => {
    early = undefined;
  });
  early = worker;
}

/** A thread: the one that was started early, or a new one of that file. */
export function takeThread(file?: URL): Worker {
  const worker = file === undefined ? early : undefined;
  if (worker === undefined) return start(file ?? new URL('./z3-worker.js', import.meta.url));
  early = undefined;
  worker.ref();
  return worker;
}
