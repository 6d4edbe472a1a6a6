/** `reroute-check coverage`: what the search exercises, measured with the patched functions instrumented. */
import { coverageText, unexplained } from '../documents/coverage.ts';
import { EXIT } from '../exit.ts';
import { interruptible } from '../interrupt.ts';
import { HOME, needSources } from '../place.ts';
import { needToRecord, record } from '../results.ts';

export interface CoverageOptions {
  /** Scenarios of every scope. */
  readonly runs: number;
  readonly seed: number;
  readonly record?: boolean;
}

/** Prints the report; exit code 1 when a gap has no reason. */
export async function coverage({ runs, seed, ...options }: CoverageOptions): Promise<void> {
  needSources('coverage');
  if (options.record) needToRecord();
  const { runCoverage } = await import('../../tools/coverage/run.ts');
  const interrupt = interruptible();
  const measured = await runCoverage(HOME, seed, runs, interrupt.signal);
  const { aborted } = interrupt.signal;
  const result = { command: `reroute-check coverage --runs ${runs} --seed ${seed}`, ...measured };
  process.stdout.write(coverageText(result));
  if (aborted) {
    process.stdout.write('\ninterrupted: more runs may exercise more\n');
    return interrupt.done();
  }
  if (options.record) record('coverage', result);
  for (const gap of unexplained(measured)) process.stderr.write(`without a reason: ${gap}\n`);
  if (unexplained(measured).length > 0) process.exitCode = EXIT.violated;
  interrupt.done();
}
