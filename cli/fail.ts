/** Ends a verb that could not do its work: one line for what the user can mend, a trace for what only we can. */
import { InputError, Wrong } from '../scenario/error.ts';
import { EXIT } from './exit.ts';

/** A required part of the machine is missing. */
export class MissingError extends Error {
  override name = 'MissingError';
}

/** Prints the error and gives the exit code it stands for. */
export function fail(error: unknown): number {
  if (error instanceof InputError || error instanceof Wrong) {
    process.stderr.write(`${error instanceof Wrong ? 'reroute-check: ' : ''}${error.message}\n`);
    return EXIT.usage;
  }
  if (error instanceof MissingError) {
    process.stderr.write(`reroute-check: ${error.message}\n`);
    return EXIT.missing;
  }
  const { code, path } = error as NodeJS.ErrnoException;
  if (typeof code === 'string' && typeof path === 'string') {
    process.stderr.write(`${path}: ${(error as Error).message}\n`);
    return EXIT.usage;
  }
  process.stderr.write(
    `reroute-check: internal error, please report it: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  return EXIT.internal;
}
