/** Ends the program without a word when the reader of its output has gone, as `… | head -1` does. */

/** What a shell says of a program that SIGPIPE ended. */
const SIGPIPE = 128 + 13;

/** Call before anything is written. */
export function endWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(SIGPIPE);
  });
}
