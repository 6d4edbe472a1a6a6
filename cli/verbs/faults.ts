/** `reroute-check faults`: what each fault of the patch breaks by itself. */

import { versionName } from '../../model/patch/single-faults.ts';
import type { Fault } from '../../model/types/faults.ts';
import { properties } from '../../properties/index.ts';
import { wrong } from '../../scenario/error.ts';
import { loadScenario } from '../../scenario/scenario.ts';
import { type FaultFinding, searchFaults } from '../../search/faults.ts';
import { RUNS, SEED } from '../../search/review.ts';
import { type SharedFault, sharedFaults } from '../../search/sharedFaults.ts';
import { chooseFaults, choosePatch } from '../choose.ts';
import { EXIT } from '../exit.ts';
import { counterexampleFiles, writeCounterexample } from '../files.ts';
import { interruptible } from '../interrupt.ts';
import { paint } from '../paint.ts';
import { progress } from '../progress.ts';

export interface FaultsOptions {
  readonly runs?: number;
  readonly seed?: number;
  readonly save?: boolean;
  /** A text of one's own, which is asked which of the faults it has. */
  readonly patch?: string;
}

/** Scenarios of every scope that a text is asked about. */
const PATCH_RUNS = 600;

export async function faultsVerb(ids: readonly string[], options: FaultsOptions): Promise<void> {
  const chosen = chooseFaults(ids);
  if (options.patch !== undefined) {
    if (options.save) wrong('--save keeps counterexamples of the published versions, not of a text of your own');
    return printShared(chosen, options.patch, options);
  }
  const show = progress();
  const { runs = RUNS, seed = SEED } = options;
  const interrupt = interruptible();
  const search = { faults: chosen, properties, seed, runs, progress: show.say, stop: interrupt.signal };
  await searchFaults(search, (finding) => {
    show.done();
    print(finding, options.save === true);
    if (finding.counterexample === null) process.exitCode = EXIT.undecided;
  });
  show.done();
  interrupt.done();
}

function print({ fault, movesSyn, properties, runs, counterexample, finished }: FaultFinding, save: boolean): void {
  const head = `${paint.bold(fault.id)} in ${versionName(movesSyn)}`;
  if (counterexample === null) {
    process.stdout.write(`${head}: breaks nothing in ${runs.toLocaleString('en')} rerouted scenarios\n`);
    return;
  }
  process.stdout.write(`${head}: breaks ${properties.join(', ')}\n  ${counterexample.finding}\n`);
  for (const line of [...counterexample.host, ...counterexample.events]) process.stdout.write(`    ${line}\n`);
  if (!finished) process.stdout.write('  it was interrupted before this was small\n');
  else if (save) process.stdout.write(`  written: ${writeCounterexample(counterexample)}\n`);
}

/** Which of the faults a text has: what it breaks where the fault alone breaks it. */
async function printShared(
  chosen: readonly Fault[],
  patch: string,
  { runs = PATCH_RUNS, seed = SEED }: FaultsOptions,
): Promise<void> {
  const kernel = choosePatch(patch);
  const show = progress();
  const stored = counterexampleFiles().flatMap((file) => {
    if (!file.includes('-only-')) return [];
    const { property = '', variant = '', host, events } = loadScenario(file);
    return [{ file, variant, property, text: { host, events } }];
  });
  const interrupt = interruptible();
  const { signal: stop } = interrupt;
  const all = await sharedFaults({ kernel, faults: chosen, properties, stored, seed, runs, progress: show.say, stop });
  show.done();
  const has = all.filter(({ shown }) => shown !== null);
  const asked = all.filter((one) => one.shown === null && one.asked > 0);
  const never = all.filter((one) => one.asked === 0);
  const cut = stop.aborted ? 'interrupted: ' : '';
  const lines = [
    `${cut}${kernel.name} breaks what ${has.length} of ${all.length} faults break`,
    ...has.flatMap(sharedLines),
    ...asked.map(
      (one) =>
        `${paint.bold(one.fault.id)}: not seen in ${one.asked === 1 ? 'a scenario that shows' : `${one.asked.toLocaleString('en')} scenarios that show`} it`,
    ),
    ...never.map(({ fault }) => `${paint.bold(fault.id)}: undecided, no scenario shows it`),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  if (never.length > 0) process.exitCode = EXIT.undecided;
  interrupt.done();
}

function sharedLines({ fault, shown }: SharedFault): readonly string[] {
  if (shown === null) return [];
  const { property, finding, file, host, events } = shown;
  const where = file === '' ? [...host, ...events].map((line) => `    ${line}`) : [`  in ${file}`];
  return [`${paint.bold(fault.id)}: breaks ${property}`, `  ${finding}`, ...where];
}
