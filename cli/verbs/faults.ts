/** `reroute-check faults`: what each fault of the patch breaks by itself. */

import { versionName } from '../../model/patch/single-faults.ts';
import { properties } from '../../properties/index.ts';
import { type FaultFinding, searchFaults } from '../../search/faults.ts';
import { RUNS, SEED } from '../../search/review.ts';
import { chooseFaults } from '../choose.ts';
import { EXIT } from '../exit.ts';
import { writeCounterexample } from '../files.ts';
import { paint } from '../paint.ts';
import { progress } from '../progress.ts';

export interface FaultsOptions {
  readonly runs?: number;
  readonly seed?: number;
  readonly save?: boolean;
}

export function faultsVerb(ids: readonly string[], options: FaultsOptions): void {
  const chosen = chooseFaults(ids);
  const show = progress();
  const { runs = RUNS, seed = SEED } = options;
  const findings = searchFaults({ faults: chosen, properties, seed, runs, progress: show.say });
  show.done();
  for (const finding of findings) print(finding, options.save === true);
  if (findings.some(({ counterexample }) => counterexample === null)) process.exitCode = EXIT.undecided;
}

function print({ fault, movesSyn, properties, runs, counterexample }: FaultFinding, save: boolean): void {
  const head = `${paint.bold(fault.id)} in ${versionName(movesSyn)}`;
  if (counterexample === null) {
    process.stdout.write(`${head}: breaks nothing in ${runs.toLocaleString('en')} rerouted scenarios\n`);
    return;
  }
  process.stdout.write(`${head}: breaks ${properties.join(', ')}\n  ${counterexample.finding}\n`);
  for (const line of [...counterexample.host, ...counterexample.events]) process.stdout.write(`    ${line}\n`);
  if (save) process.stdout.write(`  written: ${writeCounterexample(counterexample)}\n`);
}
