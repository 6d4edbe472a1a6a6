/** Progress on stderr, one line that is written over, and only on a terminal. */
export interface Progress {
  say(message: string): void;
  done(): void;
}

export function progress(): Progress {
  if (!process.stderr.isTTY) return { say() {}, done() {} };
  let last = 0;
  return {
    say(message) {
      const now = performance.now();
      if (now - last < 80) return;
      last = now;
      process.stderr.write(`\r\x1b[K${message}`);
    },
    done() {
      process.stderr.write('\r\x1b[K');
    },
  };
}
