/** `reroute-check check`: for CI, whether a search contradicts what is recorded. */
import { availableParallelism } from 'node:os';
import { REFERENCE } from '../../model/patch/releases/index.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { properties } from '../../properties/index.ts';
import { runScopes } from '../../properties/scopes/runs.ts';
import { wrong } from '../../scenario/error.ts';
import type { Cell, Review } from '../../search/outcome.ts';
import { breaks } from '../../search/replays.ts';
import { planFor } from '../../search/review.ts';
import { type PlayedPiece, playShard, type Shard } from '../../search/shard.ts';
import { chooseVariants } from '../choose.ts';
import { EXIT } from '../exit.ts';
import { type Expected, expectedBy, readBaseline, recordBaseline, recordedResults } from '../expected.ts';
import { counterexamplePath, knownCounterexample, needToWrite, put } from '../files.ts';
import { FORMS, type FormName } from '../forms/index.ts';
import { interruptible } from '../interrupt.ts';
import { type Difference, differencesOf, judgedBy, type Stale } from '../judge.ts';
import { progress } from '../progress.ts';
import { REVIEW_FORM } from '../reviewForm.ts';
import { type ChosenSeed, chooseSeed } from '../seed.ts';
import { readShards, shardPath, type Whole, writeShard } from '../shardFile.ts';
import { makeReview, type ReviewOptions } from './review.ts';

/** Scenarios of a whole scope: what is stored proves what is known, so that a check is done in seconds. */
export const CHECK_RUNS = 3_000;

/** The name and number of the form in which `--format json` prints a check. */
const CHECK_FORM = 'reroute-check check 1';

/** A form of the result, and the file that takes it; standard output without one. */
export interface Printed {
  readonly form: FormName | 'text';
  readonly file: string | undefined;
}

export interface CheckOptions extends ReviewOptions {
  readonly shard?: Shard;
  readonly merge?: readonly string[];
  readonly baseline?: string;
  readonly record?: boolean;
  readonly reason?: string;
  readonly expires?: string;
  readonly format?: readonly Printed[];
  readonly output?: string;
  readonly json?: boolean;
}

export async function check(options: CheckOptions): Promise<void> {
  if (options.record && options.baseline === undefined)
    wrong("--record writes the file of --baseline; 'reroute-check review --record' keeps the results of this project");
  const printed = printedBy(options);
  for (const path of [...printed.map(({ file }) => file), options.record ? options.baseline : undefined])
    needToWrite(path);
  if (options.shard !== undefined) return checkShard(options.shard, options);
  const isText = printed.some(({ form, file }) => form === 'text' && file === undefined);
  const tell = (text: string) => isText && process.stdout.write(text);
  const { chosen, played, ...rest } = options.merge === undefined ? fresh(options) : merged(options);
  tell(`seed ${chosen.seed}, from ${chosen.from}\n`);
  const expected = options.record ? undefined : expectedOf(options);
  const replayed = new Map<string, boolean>();
  const review = await makeReview({ ...rest, seed: chosen.seed }, 'check', {
    ...given({ played }),
    storedAreSmall: true,
    onReplayed: ({ id }, { name }, isBroken) => replayed.set(`${id} ${name}`, isBroken),
  });
  if (expected === undefined) {
    const { baseline = '', reason, expires } = options;
    if (review.interrupted) return;
    recordBaseline(baseline, review.release, review.cells, { ...(reason && { reason }), ...(expires && { expires }) });
    tell(`recorded: ${baseline}\n`);
    return;
  }
  const differences = differencesOf(review, expected, staleOf(rest, replayed, review.interrupted));
  const judged = judgedBy(review, differences);
  for (const { form, file } of printed) {
    if (form === 'text') put(textOf(review, differences, expected), file);
    else if (form === 'json') put(jsonOf(review, chosen, differences), file);
    else put(await FORMS[form](judged), file);
  }
  if (differences.length > 0 && !review.interrupted) process.exitCode = EXIT.violated;
}

/** The forms that are asked for; the text is printed in any case unless another form takes its place. */
function printedBy({ format = [], output, json }: CheckOptions): readonly Printed[] {
  const asked = [...format, ...(json ? [{ form: 'json', file: undefined } as const] : [])];
  const all = asked.map(({ form, file }) => ({ form, file: file ?? output }));
  const isTaken = all.some(({ form, file }) => file === undefined && form !== 'github');
  const isUnclear = all.filter(({ file, form }) => file === undefined && form !== 'github').length > 1;
  if (isUnclear) wrong('--format: more than one form for standard output; write --format FORM=FILE');
  return isTaken ? all : [{ form: 'text', file: undefined }, ...all];
}

type Asked = Omit<ReviewOptions, 'seed'> & { readonly chosen: ChosenSeed; readonly played?: readonly PlayedPiece[] };

function fresh(options: CheckOptions): Asked {
  const { variant, engine, budget, release, jobs, runs = CHECK_RUNS } = options;
  return { ...given({ variant, engine, budget, release, jobs }), runs, chosen: chooseSeed(options.seed) };
}

/** The check whose parts other machines played. */
function merged({ merge = [] }: CheckOptions): Asked {
  const { whole, played } = readShards(merge);
  const own = properties.map(({ id }) => id);
  if (whole.version !== packageJson.version || JSON.stringify(whole.properties) !== JSON.stringify(own))
    wrong('--merge: these shards were played by another version of this program');
  const { release, runs, seed, variants } = whole;
  const usual = chooseVariants([], release).map(({ name }) => name);
  const variant = variants.join() === usual.join() ? undefined : variants;
  return { ...given({ variant }), release, runs, played, chosen: { seed, from: 'the shards' } };
}

/** The members that have a value. */
function given<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never;
}

async function checkShard(shard: Shard, options: CheckOptions): Promise<void> {
  const { runs = CHECK_RUNS, chosen, variant, release } = fresh(options);
  const path = options.output ?? shardPath(shard);
  needToWrite(path);
  const kernels = chooseVariants(variant ?? [], release);
  const show = progress();
  const interrupt = interruptible();
  const pieces = await playShard(planFor({ properties, kernels, scopes: runScopes, seed: chosen.seed, runs }), shard, {
    jobs: options.jobs ?? availableParallelism(),
    progress: show.say,
    stop: interrupt.signal,
  });
  show.done();
  interrupt.done();
  if (interrupt.signal.aborted) return;
  const whole: Whole = {
    version: packageJson.version,
    release: release ?? REFERENCE,
    seed: chosen.seed,
    runs,
    properties: properties.map(({ id }) => id),
    variants: kernels.map(({ name }) => name),
  };
  writeShard(path, whole, shard, pieces);
  const scenarios = pieces.reduce((sum, { result }) => sum + result.runs, 0).toLocaleString('en');
  process.stdout.write(
    `seed ${chosen.seed}, from ${chosen.from}\nshard ${shard.part} of ${shard.of}: ${scenarios} scenarios\nwritten: ${path}\n`,
  );
}

function expectedOf({ baseline, release = REFERENCE }: CheckOptions): Expected {
  if (baseline === undefined) return recordedResults(release);
  const read = readBaseline(baseline);
  if (read.release !== release)
    wrong(`${baseline} is about Linux ${read.release}, and this check about ${release}; add --release ${read.release}`);
  return expectedBy(read);
}

/** The stored counterexamples that prove nothing any more. The search has replayed them; what an engine did not replay is replayed here, unless it was interrupted. */
function staleOf(
  { variant = [], release }: ReviewOptions,
  replayed: ReadonlyMap<string, boolean>,
  isInterrupted: boolean,
): readonly Stale[] {
  const own = release === REFERENCE ? undefined : release;
  const kernels = chooseVariants(variant, release);
  return properties.flatMap((property) =>
    kernels.flatMap((kernel): Stale[] => {
      const stored = knownCounterexample(property.id, kernel.name, own);
      if (stored === undefined) return [];
      if (replayed.get(`${property.id} ${kernel.name}`) ?? (isInterrupted || breaks(property, kernel, stored)))
        return [];
      return [{ property: property.id, variant: kernel.name, file: counterexamplePath(property.id, kernel.name, own) }];
    }),
  );
}

function textOf(review: Review, differences: readonly Difference[], expected: Expected): string {
  const cellOf = ({ property, variant }: Difference) =>
    review.cells.find((cell) => cell.property === property && cell.variant === variant);
  const lines = differences.map((one) => {
    const head = `${one.property} on ${one.variant}: ${one.message}\n`;
    const counterexample = one.kind === 'stale' ? null : (cellOf(one)?.counterexample ?? null);
    if (counterexample === null) return head;
    const { finding, host, events, found } = counterexample;
    return `${head}  ${finding}\n${[...host, ...events].map((line) => `    ${line}\n`).join('')}  again: ${found.command}\n`;
  });
  const { cells, reached, interrupted, command } = review;
  const violated = cells.filter(({ outcome }) => outcome === 'violated').length;
  const unseen = cells.filter((cell) => cell.outcome !== 'violated' && isRecorded(cell, expected));
  const without = unseen.length === 0 ? '' : `; ${unseen.length} recorded violations were not seen`;
  const verdict = differences.length === 0 ? 'nothing contradicts the record' : `differences: ${differences.length}`;
  const cut = interrupted ? 'interrupted: ' : '';
  return `${lines.join('')}${cut}${verdict}; ${reached}, ${violated} of ${cells.length} cells violated${without}\nagain: ${command}\n`;
}

function isRecorded({ property, variant, engine }: Cell, expected: Expected): boolean {
  return expected.outcome(property, variant, engine) === 'violated';
}

function jsonOf(review: Review, { seed, from }: ChosenSeed, differences: readonly Difference[]): string {
  const whole = {
    form: CHECK_FORM,
    seed: { value: seed, from },
    differences,
    review: { form: REVIEW_FORM, ...review },
  };
  return `${JSON.stringify(whole, null, 2)}\n`;
}
