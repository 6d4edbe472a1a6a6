/** Progress on stderr, one line that is written over, and only on a terminal. */
export interface Progress {
  /** How far it is, in words, and as a part of 1 where that is known. */
  say(message: string, part?: number): void;
  done(): void;
}

export function progress(): Progress {
  if (!process.stderr.isTTY) return { say() {}, done() {} };
  const start = performance.now();
  let last = 0;
  return {
    say(message, part) {
      const now = performance.now();
      if (now - last < 80) return;
      last = now;
      process.stderr.write(`\r\x1b[K${cut(`${message}${timesOf(now - start, part)}`, process.stderr.columns)}`);
    },
    done() {
      process.stderr.write('\r\x1b[K');
    },
  };
}

/** The part of the work before which nothing is foretold. */
const EARLY = 0.03;

/** The time that has passed, in milliseconds, and about how much is left when that part of the work is done. */
export function timesOf(passed: number, part: number | undefined): string {
  if (part === undefined) return '';
  const left = part < EARLY ? '' : `, about ${duration((passed * (1 - part)) / part)} left`;
  return `, ${duration(passed)}${left}`;
}

function duration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}

/** The first characters of a plain text, so that it takes one row. */
export function cut(text: string, columns: number): string {
  return text.length < columns ? text : `${text.slice(0, Math.max(columns - 2, 0))}…`;
}
