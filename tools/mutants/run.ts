/** Mutates files, builds the model once with all mutants in it, and lets the promises hunt them. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { esbuildPluginC } from '../../compiler/plugins.ts';
import { below, wordsOfSeed } from '../../scenario/random.ts';
import type { Fate } from './hunt.ts';
import { type Mutant, mutantsOf } from './instrument.ts';

/** A mutant, and what became of it. */
export interface Hunted extends Fate, Mutant {}

export interface MutantOptions {
  /** The folder of the sources. */
  readonly folder: string;
  /** A variant, whose text is mutated: model/patch/NAME.c with what it includes; or `model`, for the kernel's functions. */
  readonly what: string;
  /** How many mutants are hunted, drawn by the seed; 0 for all. */
  readonly sample: number;
  readonly seed: number;
  /** Time after which those that are left have survived. */
  readonly seconds: number;
  readonly progress: (words: string) => void;
}

function filesOf(folder: string, what: string): readonly string[] {
  if (what !== 'model') return [`model/patch/${what}.c`];
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

/** The fates of those mutants. */
export async function runMutants(options: MutantOptions): Promise<readonly Hunted[]> {
  const { folder, what, sample, seed, seconds, progress } = options;
  const { mutants: all, plugin } = await mutantsOf(folder, filesOf(folder, what));
  const outfile = join(folder, '.reroute-check', `mutants-${what}.mjs`);
  await build({
    absWorkingDir: folder,
    entryPoints: ['tools/mutants/hunt.ts'],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    plugins: [plugin, esbuildPluginC()],
    logLevel: 'warning',
  });
  const { hunt } = (await import(pathToFileURL(outfile).href)) as typeof import('./hunt.ts');
  const mutants = drawn(all, sample, seed);
  const fates = hunt({
    what,
    ids: mutants.map(({ id }) => id),
    seed,
    seconds,
    progress: (left) => progress(`${what}: ${left} of ${mutants.length} mutants left`),
  });
  return fates.map((fate, at) => ({ ...fate, ...(mutants[at] as Mutant) }));
}
