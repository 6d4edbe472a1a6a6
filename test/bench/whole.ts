/**
 * How long a whole search takes against an older checkout that is built (d09beba, or a later one that exports the same), for
 * the promises, the scopes and the variants that both have: `npx tsx test/bench/whole.ts FOLDER [RUNS]`. Each is searched by itself, with
 * what is stored here first, then from nothing, with V8 set as the program sets it (the older one is not slower for it); on
 * an idle machine, since only the ratios of one run say something.
 */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { argv } from 'node:process';
import { pathToFileURL } from 'node:url';
import '../../cli/jit.ts';

const [, , folder = '', runs = '30000'] = argv;
const programOf = (root: string): Promise<typeof import('../../search/library.ts')> =>
  import(pathToFileURL(resolve(root, 'dist/index.js')).href);
const here = await programOf('.');
const base = await programOf(folder);

function stored({ id }: { readonly id: string }, { name }: { readonly name: string }): unknown {
  const path = `counterexamples/${id}/${name}.json`;
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
}

const ids = (program: typeof here): ReadonlySet<string> => new Set(program.properties.map(({ id }) => id));
const both = [...ids(here)].filter((id) => ids(base).has(id));
const names = new Set(base.properties.map(({ scope }) => scope.name));
const scopes = [...new Set(here.properties.map(({ scope }) => scope))].filter(({ name }) => names.has(name));

const variants = here.variants.map(({ name }) => name).filter((name) => base.variants.some((one) => one.name === name));

async function seconds(program: typeof here, more: object): Promise<number> {
  const properties = program.properties.filter(({ id }) => both.includes(id));
  const kernels = program.variants.filter(({ name }) => variants.includes(name));
  const options = { properties, kernels, seed: 1, runs: Number(runs), progress() {}, ...more };
  const started = performance.now();
  await program.search({ ...options, budget: Number.POSITIVE_INFINITY } as never);
  return (performance.now() - started) / 1000;
}

/** Each promise asked of the runs of its own scope alone, as the older checkout does it, on its one thread. */
async function secondsOfOwn(): Promise<number> {
  let all = 0;
  for (const scope of scopes) {
    const own = base.properties.filter((one) => one.scope.name === scope.name).map(({ id }) => id);
    const properties = here.properties.filter(({ id }) => both.includes(id) && own.includes(id));
    if (properties.length > 0) all += await seconds(here, { properties, scopes: [scope], jobs: 1, stored });
  }
  return all;
}

const old = await seconds(base, {});
const withStored = await seconds(here, { scopes, jobs: 2, stored });
const fromNothing = await seconds(here, { scopes, jobs: 2 });
const ofOwn = await secondsOfOwn();
const against = (now: number) => `${now.toFixed(1)} s, ${(old / now).toFixed(1)} times less`;
process.stdout.write(
  `${both.length} promises in ${scopes.length} scopes, ${runs} scenarios of a whole scope, on ${variants.length} variants: ${old.toFixed(1)} s there; ` +
    `here every promise of every run, on two threads, with what is stored ${against(withStored)}, from nothing ${against(fromNothing)}; ` +
    `each of its own scope alone, on one thread, with what is stored ${against(ofOwn)}\n`,
);
