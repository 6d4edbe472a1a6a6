/**
 * `npm run kernel:confirm`: builds the test kernel where there is none, plays every stored counterexample on it, compares
 * with the model, and writes conformance/patched/confirmed.json.
 *
 *     npx tsx conformance/patched/confirm.ts [FILE…] [--new] [--no-build] [--install]
 *
 * Every one is played; with --new only those of which no record speaks yet. A record stays as it is while its outcome does.
 * --install lets build.sh install missing Debian packages first, as root.
 * Exit codes: 0 none refuted, 1 some are or the build failed, 2 usage, 4 something is missing on this machine, 130 and 143
 * when a signal ended the build.
 */
import { readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { properties } from '../../properties/index.ts';
import { loadScenario } from '../../scenario/scenario.ts';
import type { Warning } from './boot.ts';
import {
  CONFIRMED,
  type Confirmed,
  expressible,
  judge,
  type Records,
  readRecords,
  recordHash,
  recordKey,
  recordOf,
  UNSEEN,
} from './confirmed.ts';
import { playOnPatchedKernel } from './play.ts';
import type { PatchedScenario } from './ports.ts';
import { buildKernel, sanitizingKernel, testKernel } from './prerequisites.ts';

const EXIT = { done: 0, refuted: 1, usage: 2, missing: 4 } as const;

function counterexamples(folder = 'counterexamples'): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => join(folder, file));
}

/** A report of KASAN about the function that the patch changes. */
function isSanitizers({ function: where, reason }: Warning): boolean {
  return reason.startsWith('KASAN') && /^(ipt_mangle_out|iptable_mangle_hook)/.test(where);
}

/** A line for each class of promise: what the kernel said, and how often it crashed. */
function classLines(records: Records): readonly string[] {
  const classOf = (key: string) => properties.find(({ id }) => id === key.split('/')[0])?.concern ?? 'unknown';
  const classes = [...new Set(Object.keys(records).map(classOf))].sort();
  return classes.map((concern) => {
    const mine = Object.entries(records).flatMap(([key, record]) => (classOf(key) === concern ? [record] : []));
    const count = (outcome: Confirmed['outcome']) => mine.filter((one) => one.outcome === outcome).length;
    const crashes = mine.filter(({ seen }) => seen.some((line) => line.includes('oops in '))).length;
    return `${concern}: ${count('confirmed')} confirmed (${crashes} by a crash), ${count('refuted')} refuted, ${count('not expressible')} not expressible`;
  });
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { new: { type: 'boolean' }, 'no-build': { type: 'boolean' }, install: { type: 'boolean' } },
    allowPositionals: true,
  });
  if (!values['no-build']) {
    const status = await buildKernel(values.install ? ['--install'] : []);
    if (status !== 0) return status;
  }
  const machine = testKernel();
  if ('missing' in machine) {
    process.stderr.write(`kernel:confirm: ${machine.missing.join('; ')}\n`);
    return EXIT.missing;
  }
  const began = performance.now();
  const files = positionals.length > 0 ? positionals : counterexamples();
  const known = readRecords();
  const records: Record<string, Confirmed> = {};
  const date = new Date().toISOString().slice(0, 10);
  const kernel = 'Linux 6.1.192, user-mode, with reroute.patch and mended.patch';
  const waiting: { readonly key: string; readonly hash: string; readonly scenario: PatchedScenario }[] = [];
  for (const file of files) {
    const stored = loadScenario(file);
    const [key, hash] = [recordKey(stored), recordHash(stored)];
    const record = values.new ? recordOf(known, stored) : undefined;
    const asked = expressible(stored);
    if (record !== undefined && record.outcome !== 'refuted') records[key] = record;
    else if ('reason' in asked) {
      records[key] = { outcome: 'not expressible', hash, kernel, date, seen: [], reason: asked.reason };
    } else waiting.push({ key, hash, scenario: asked.scenario });
  }
  const traces = await playOnPatchedKernel(
    waiting.map(({ scenario }) => scenario),
    { kernel: machine.kernel },
  );
  for (const [n, { key, hash, scenario }] of waiting.entries()) {
    const property = key.split('/')[0];
    const { outcome, seen, reason } = judge(scenario, traces[n] as (typeof traces)[number], property);
    records[key] = { outcome, hash, kernel, date, seen, reason };
  }
  const unseen = waiting.filter(({ key }) => records[key]?.reason === UNSEEN);
  const sanitizing = unseen.length === 0 ? undefined : sanitizingKernel();
  if (sanitizing !== undefined) {
    const again = await playOnPatchedKernel(
      unseen.map(({ scenario }) => scenario),
      { kernel: sanitizing, kernelArguments: ['kasan_multi_shot'] },
    );
    for (const [n, { key, hash }] of unseen.entries()) {
      const reports = (again[n] as (typeof again)[number]).warnings.filter(isSanitizers);
      if (reports.length === 0) continue;
      const seen = reports.map(({ function: where, reason }) => `${where}: ${reason}`);
      records[key] = { outcome: 'confirmed', hash, kernel: `${kernel}, KASAN`, date, seen, reason: '' };
    }
  }
  for (const [key, now] of Object.entries(records)) {
    const before = known[key];
    const needsKasan = now.reason === UNSEEN && sanitizing === undefined;
    if (before?.hash === now.hash && (before.outcome === now.outcome || needsKasan)) records[key] = before;
  }
  for (const key of Object.keys(records).sort()) {
    const { outcome, reason } = records[key] as Confirmed;
    say(`${outcome.padEnd(15)} ${key}${reason === '' ? '' : `: ${reason}`}`);
  }
  const all = positionals.length > 0 ? { ...known, ...records } : records;
  const sorted = Object.fromEntries(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(`${CONFIRMED}.tmp`, `${JSON.stringify(sorted, null, 2)}\n`);
  renameSync(`${CONFIRMED}.tmp`, CONFIRMED);
  for (const line of classLines(records)) say(line);
  const count = (outcome: Confirmed['outcome']) => Object.values(records).filter((r) => r.outcome === outcome).length;
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  say(
    `${count('confirmed')} confirmed, ${count('refuted')} refuted, ${count('not expressible')} not expressible; ${waiting.length} played in ${seconds} s`,
  );
  return count('refuted') === 0 ? EXIT.done : EXIT.refuted;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`kernel:confirm: ${(error as Error).message}\n`);
  process.exitCode = EXIT.usage;
}
