/**
 * How fast scenarios are played, asked about and searched. With `BASE=FOLDER`, an older checkout that is built (d09beba
 * and later ones that export the same), it does the same work beside. Trust the ratios: the machine's load changes the rest.
 */
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { bench, describe } from 'vitest';
import { esbuildPluginC } from '../../compiler/plugins.ts';
import { esbuildPluginCopies, rewriteCopies } from '../../tools/copies/copies.ts';

/** As the built program has it, with what it does not export. */
const ENTRY = `
import './cli/jit.ts';
export { variants } from './model/patch/index.ts';
export { properties } from './properties/index.ts';
export { runScopes } from './properties/scopes/runs.ts';
export { bootHost, firstBroken, occurs, playOn } from './scenario/play.ts';
export { commandOf, eventOfLine } from './scenario/text.ts';
export { Answers, questionsOf, together } from './scenario/ask.ts';
export { Beside } from './scenario/beside.ts';
export { drawBooted, eventWords } from './search/bulk.ts';
export { drawEvents } from './search/generate.ts';
export { search } from './search/review.ts';
`;

async function bundled() {
  const outfile = join(mkdtempSync(join(tmpdir(), 'reroute-bench-')), 'program.mjs');
  const plugins = [esbuildPluginC({ rewrite: rewriteCopies }), esbuildPluginCopies()];
  const stdin = { contents: ENTRY, resolveDir: resolve('.'), loader: 'ts' } as const;
  await build({ stdin, bundle: true, format: 'esm', platform: 'node', outfile, plugins, logLevel: 'error' });
  return import(/* @vite-ignore */ pathToFileURL(outfile).href);
}

const here = await bundled();
const { BASE } = process.env;
const base =
  BASE === undefined ? undefined : await import(/* @vite-ignore */ pathToFileURL(`${BASE}/dist/index.js`).href);
const programs = [['here', here] as const, ...(base === undefined ? [] : [['base', base] as const])];

/** Two tables, a mark that leads to the second, connect and the peer's answer: three events. */
const HOST = [
  'ip link add eth0 type veth peer name eth0p',
  'ip link set eth0 up',
  'ip addr add 10.0.0.1/24 dev eth0',
  'ip link add eth1 type veth peer name eth1p',
  'ip link set eth1 up',
  'ip addr add 10.1.0.1/24 dev eth1',
  'ip route add default via 10.0.0.254 src 10.0.0.1',
  'ip route add default via 10.1.0.254 src 10.1.0.1 table 100',
  'ip rule add fwmark 100 table 100',
  'iptables -t mangle -A OUTPUT -d 8.8.8.8 -j MARK --set-mark 100',
];
const EVENTS = ['socket c tcp', 'connect c 8.8.8.8:80', 'answer c'];

describe.each(['stock', 'tcp-rehash'])('connect, mark, reroute, answer on %s', (variant) => {
  for (const [name, { variants, commandOf, eventOfLine, bootHost, playOn }] of programs) {
    const kernel = variants.find((one: { name: string }) => one.name === variant);
    const booted = bootHost(kernel, HOST.map(commandOf));
    const events = EVENTS.map(eventOfLine);
    bench(name, () => playOn(kernel, booted, events), { time: 3000, warmupTime: 3000 });
  }
});

describe('a review of 300 scenarios a scope with the promises and variants that both have, from nothing, on one thread', () => {
  const ids: readonly string[] = (base ?? here).properties.map(({ id }: { id: string }) => id);
  const once = { iterations: 2, time: 0, warmupIterations: 0, warmupTime: 0 };
  const names: readonly string[] = (base ?? here).variants.map((one: { name: string }) => one.name);
  for (const [name, { properties, variants, search }] of programs) {
    const asked = properties.filter(({ id }: { id: string }) => ids.includes(id));
    const kernels = variants.filter((one: { name: string }) => names.includes(one.name));
    const options = { properties: asked, kernels, seed: 1, runs: 300, budget: Number.POSITIVE_INFINITY };
    bench(name, async () => void (await search({ ...options, progress() {} })), once);
  }
});

/** Drawn scenarios of every scope, on hosts that all variants have. */
const drawn = here.runScopes.flatMap((scope: unknown) => {
  const { host, booted } = here.drawBooted(scope, 1, 0, here.variants);
  return Array.from({ length: 16 }, (_, e) => ({
    booted,
    events: here.drawEvents(scope, host, here.eventWords(1, 0, e)).map(here.eventOfLine),
  }));
});

describe('352 scenarios on six variants', () => {
  const beside = new here.Beside(here.variants, here.properties.length);
  bench('beside each other', () => {
    for (const { booted, events } of drawn) beside.play(booted, events);
  });
  bench('each by itself', () => {
    for (const { booted, events } of drawn)
      for (const [k, kernel] of here.variants.entries()) here.playOn(kernel, booted[k], events);
  });
});

describe('every promise, asked of 352 runs', () => {
  const questions = here.together(here.questionsOf(here.properties));
  const runs = drawn.map(({ booted, events }: (typeof drawn)[number]) =>
    here.playOn(here.variants[0], booted[0], events),
  );
  bench('in one pass, where a step shows what they speak of', () => {
    for (const run of runs) new here.Answers(run, here.properties.length).ask(questions);
  });
  bench('one after the other, of every step', () => {
    for (const run of runs)
      for (const property of here.properties) [here.firstBroken(property, run), here.occurs(property, run)];
  });
});

const built = await import(/* @vite-ignore */ pathToFileURL(resolve('dist/index.js')).href);

function stored({ id }: { id: string }, { name }: { name: string }): unknown {
  const path = `counterexamples/${id}/${name}.json`;
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
}

describe('a search of 300 scenarios a scope on six variants', () => {
  const once = { iterations: 2, time: 0, warmupIterations: 0, warmupTime: 0 };
  const { properties, variants: kernels, search } = built;
  const options = { properties, kernels, seed: 1, runs: 300, budget: Number.POSITIVE_INFINITY, progress() {} };
  bench('from nothing, on one thread', () => search(options), once);
  bench('from what is stored, on one thread', () => search({ ...options, stored }), once);
  bench('from what is stored, on two threads', () => search({ ...options, stored, jobs: 2 }), once);
});

/** A record as large as a world, replaced again and again. */
const FIELDS = Array.from({ length: 32 }, (_, i) => `f${i}`);
const spread = new Function('record', 'i', 'return { ...record, f0: i };');
const literal = new Function(
  'record',
  'i',
  `return { f0: i, ${FIELDS.slice(1).map((field) => `${field}: record.${field}`)} };`,
);
const start = Object.fromEntries(FIELDS.map((field, i) => [field, i]));

describe('a chain of 100 copies of a record with 32 fields', () => {
  bench('by spread', () => {
    let record = start;
    for (let i = 0; i < 100; i++) record = spread(record, i);
  });
  bench('by a literal with all fields', () => {
    let record = start;
    for (let i = 0; i < 100; i++) record = literal(record, i);
  });
});
