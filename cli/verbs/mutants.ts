/** `reroute-check conformance mutants`: whether runs of `conformance` find wrong lines that are put into the model. */
import { release } from 'node:os';
import { openPlayer } from '../../conformance/running/player.ts';
import { EXIT } from '../exit.ts';
import { needRunningKernel } from '../machine.ts';
import { HOME, needSources } from '../place.ts';
import { progress } from '../progress.ts';
import { needToRecord, type Results, record, today } from '../results.ts';
import { chanceSeed, hostsFor } from './conformance.ts';

/** The sizes of the run of the default tests, with seed 1, and of `conformance` unless somebody says otherwise. */
const SHORT = 200;
const DEFAULT = 1000;

function runsOf(name: string, seed: number, cases: number) {
  return [
    { name, kind: 'routing', seed, cases: hostsFor(cases) },
    { name, kind: 'wire', seed, cases },
  ] as const;
}

export interface MutantsOptions {
  /** Of the longer run. */
  readonly seed?: number;
  readonly record?: boolean;
}

/** Prints a line for each wrong line; exit code 1 when one is not found. */
export async function mutants({ seed = chanceSeed(), ...options }: MutantsOptions): Promise<void> {
  needSources('conformance mutants');
  if (options.record) needToRecord();
  needRunningKernel();
  const { MUTANTS, firstToFind } = await import('../../conformance/mutants.ts');
  const runs = [...runsOf('short run', 1, SHORT), ...runsOf('default run', seed, DEFAULT)];
  const player = openPlayer();
  const show = progress();
  const answers: Results['mutants']['mutants'][number][] = [];
  try {
    for (const [n, mutant] of MUTANTS.entries()) {
      show.say(`${n} of ${MUTANTS.length}`);
      const began = performance.now();
      const by = await firstToFind(mutant, runs, player, HOME);
      answers.push({ part: mutant.part, what: mutant.what, foundBy: by?.name ?? '' });
      const seconds = ((performance.now() - began) / 1000).toFixed(1);
      const verdict = by === undefined ? 'NOT FOUND' : `found by the ${by.name}`;
      show.done();
      process.stdout.write(`${mutant.part}: ${mutant.what}: ${verdict} (${seconds} s)\n`);
    }
  } finally {
    await player.close();
  }
  const found = answers.filter(({ foundBy }) => foundBy !== '').length;
  process.stdout.write(`${found} of ${MUTANTS.length} wrong lines found (seed ${seed} of the default run)\n`);
  if (options.record) record('mutants', { kernel: `Linux ${release()}`, date: today(), seed, mutants: answers });
  if (found < MUTANTS.length) process.exitCode = EXIT.violated;
}
