/** Ctrl-C: a search ends with what is known, and the program with the exit code that shells give an interrupted one. */
import { EXIT } from './exit.ts';

export interface Interrupt {
  readonly signal: AbortSignal;
  /** Call when the work is done: after an interruption the program ends with its exit code. */
  done(): void;
}

/** From here on the first Ctrl-C stops the work, and a second one the program. */
export function interruptible(): Interrupt {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    controller.abort();
  };
  process.on('SIGINT', stop);
  return {
    signal: controller.signal,
    done() {
      process.off('SIGINT', stop);
      if (controller.signal.aborted) process.exitCode = EXIT.interrupted;
    },
  };
}
