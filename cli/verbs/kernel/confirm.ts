/** `reroute-check kernel confirm`: every stored counterexample on the test kernel, beside the model. */
import { confirmAll } from '../../../conformance/patched/confirm.ts';
import { buildKernel, sanitizingKernel } from '../../../conformance/patched/prerequisites.ts';
import { toolsOf } from '../../../conformance/tools.ts';
import { loadScenario } from '../../../scenario/scenario.ts';
import { classTable, withOutcome } from '../../documents/confirmations.ts';
import { EXIT } from '../../exit.ts';
import { counterexampleFiles } from '../../files.ts';
import { needTestKernel } from '../../machine.ts';
import { progress } from '../../progress.ts';
import { needToRecord, readResult, record, today } from '../../results.ts';

export interface ConfirmVerbOptions {
  readonly new?: boolean;
  /** False with --no-build. */
  readonly build: boolean;
  readonly install?: boolean;
  readonly record?: boolean;
}

/** Prints a line for each counterexample, then the counts; exit code 1 when one is refuted. */
export async function confirm(files: readonly string[], options: ConfirmVerbOptions): Promise<void> {
  if (options.record) needToRecord();
  const chosen = files.length > 0 ? files : counterexampleFiles();
  const stored = chosen.map((file) => loadScenario(file));
  if (options.build) {
    const status = await buildKernel(options.install ? ['--install'] : []);
    if (status !== 0) {
      process.exitCode = status;
      return;
    }
  }
  const kernel = needTestKernel(toolsOf(stored));
  const began = performance.now();
  const show = progress();
  const before = readResult('confirmations');
  const { records, played } = await confirmAll(stored, {
    kernel,
    sanitizing: sanitizingKernel(),
    known: before.records,
    onlyNew: options.new === true,
    progress: (done, of) => show.say(`${done} of ${of} counterexamples`),
  });
  show.done();
  const lines = Object.entries(records).map(
    ([key, { outcome, reason }]) => `${outcome.padEnd(15)} ${key}${reason === '' ? '' : `: ${reason}`}`,
  );
  const seconds = (performance.now() - began) / 1000;
  const [confirmed, refuted, left] = (['confirmed', 'refuted', 'not expressible'] as const).map(
    (outcome) => withOutcome(records, outcome).length,
  );
  lines.push(
    classTable(records),
    `${confirmed} confirmed, ${refuted} refuted, ${left} not expressible; ${played} played in ${seconds.toFixed(1)} s`,
  );
  process.stdout.write(`${lines.join('\n')}\n`);
  if (options.record) {
    const all = files.length > 0 ? { ...before.records, ...records } : records;
    const sorted = Object.fromEntries(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1)));
    const isWhole = files.length === 0 && !options.new;
    const run = isWhole ? { date: today(), played, seconds: Math.round(seconds) } : before;
    record('confirmations', { ...run, records: sorted });
  }
  if (refuted !== 0) process.exitCode = EXIT.violated;
}
