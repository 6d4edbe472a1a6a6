/** Mutates the model's files, builds them once with all mutants in it, and lets the promises hunt them, then a conformance run. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { esbuildPluginC } from '../../compiler/plugins.ts';
import { CASES } from '../../conformance/cases.ts';
import { below, wordsOfSeed } from '../../scenario/random.ts';
import { modelReasonFor } from './equivalentModel.ts';
import { type Mutant, mutantsOf } from './instrument.ts';
import type { Fate, Tried } from './judge.ts';
import type { HuntOptions } from './model.ts';
import { testedMutants } from './tests.ts';

export interface MutantOptions extends Pick<HuntOptions, 'stored' | 'seed' | 'seconds' | 'turns'> {
  /** The folder of the sources. */
  readonly folder: string;
  /** How many mutants are hunted, drawn by the seed; 0 for all. */
  readonly sample: number;
  /** Whether the tests meet what is left then. */
  readonly tests?: boolean;
  readonly progress: (words: string) => void;
}

/** The kernel's functions and what surrounds them. */
function filesOf(folder: string): readonly string[] {
  return ['model/kernel', 'model/host'].flatMap((room) =>
    readdirSync(join(folder, room), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => `${room}/${name}`)
      .sort(),
  );
}

function drawn(mutants: readonly Mutant[], count: number, seed: number): readonly Mutant[] {
  if (count === 0 || count >= mutants.length) return mutants;
  const words = wordsOfSeed(seed);
  const left = [...mutants];
  return Array.from({ length: count }, () => left.splice(below(words, left.length), 1)[0] as Mutant);
}

function isLeft({ promise, invalid, compared }: Fate): boolean {
  return promise === '' && !invalid && !compared;
}

/** The fates of mutants of the model. */
export async function runMutants(options: MutantOptions): Promise<readonly Tried[]> {
  const { folder, sample, tests = false, stored, seed, seconds, turns, progress } = options;
  const { mutants: all, plugin } = await mutantsOf(folder, filesOf(folder));
  const outfile = join(folder, '.reroute-check', 'mutants-model.mjs');
  await build({
    absWorkingDir: folder,
    entryPoints: ['tools/mutants/model.ts'],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    plugins: [plugin, esbuildPluginC()],
    logLevel: 'warning',
  });
  const { hunt } = (await import(pathToFileURL(outfile).href)) as typeof import('./model.ts');
  const mutants = drawn(all, sample, seed);
  const fates = hunt({
    ids: mutants.map(({ id }) => id),
    stored,
    cases: join(folder, CASES),
    seed,
    seconds,
    turns,
    progress: (left) => progress(`${left} of ${mutants.length} mutants left`),
  });
  const left = mutants.filter((mutant, at) => isLeft(fates[at] as Fate) && modelReasonFor(mutant) === '');
  const tell = (n: number) => progress(`${n} of ${left.length} mutants left for the tests`);
  const tested = tests ? await testedMutants({ folder, mutants: left, progress: tell }) : new Map<string, string>();
  return fates.map((fate, at) => {
    const mutant = mutants[at] as Mutant;
    return { ...fate, ...mutant, test: tested.get(mutant.id) ?? '', reason: modelReasonFor(mutant) };
  });
}
