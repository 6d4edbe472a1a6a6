/** `reroute-check review`: the matrix, and a sentence for every violated cell. */
import { rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { variants } from '../../model/patch/index.ts';
import { REFERENCE } from '../../model/patch/releases/index.ts';
import type { Kernel } from '../../model/types/world.ts';
import { kernelWords, ownPatchOf } from '../../own/patch.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { properties } from '../../properties/index.ts';
import type { Property } from '../../properties/property.ts';
import { runScopes } from '../../properties/scopes/runs.ts';
import { wrong } from '../../scenario/error.ts';
import type { Stored } from '../../search/counterexample.ts';
import { searchWith } from '../../search/engines.ts';
import { measure, smaller } from '../../search/minimise.ts';
import { answersOf, type Cell, type EngineName, type Outcome, type Review } from '../../search/outcome.ts';
import { breaks } from '../../search/replays.ts';
import { RUNS, SEED, type SearchOptions } from '../../search/review.ts';
import { verdictsOf } from '../../search/verdicts.ts';
import { isWorse } from '../../search/worse.ts';
import { type Choice, chooseKernels, chooseProperty, chooseVariant } from '../choose.ts';
import {
  counterexamplePath,
  knownCounterexample,
  readCounterexample,
  shippedCounterexample,
  whyNotKept,
  writeCounterexample,
  writeLastPage,
  writeLastReview,
} from '../files.ts';
import { interruptible } from '../interrupt.ts';
import { live } from '../live.ts';
import { page } from '../page.ts';
import { needToRecord, readResult, record, today } from '../results.ts';
import { matrixText, ownText } from '../terminal.ts';
import { widthOfOutput } from '../width.ts';

export interface ReviewOptions extends Choice {
  readonly engine?: EngineName | 'all';
  readonly seed?: number;
  readonly runs?: number;
  readonly budget?: number;
  readonly jobs?: number;
}

export interface ReviewVerbOptions extends ReviewOptions {
  /** Keeps the outcomes as the results that `check` compares with. */
  readonly record?: boolean;
  /** Replaces stored counterexamples by better ones; so does `record`. */
  readonly save?: boolean;
}

/** Makes a review; nothing is written. Ctrl-C ends it with what is known. */
export async function makeReview(
  options: ReviewOptions,
  verb: 'review' | 'check' = 'review',
  given: Pick<SearchOptions, 'played' | 'storedAreSmall' | 'onReplayed'> = {},
): Promise<Review> {
  const seed = options.seed ?? SEED;
  const runs = options.runs ?? RUNS;
  const engine = options.engine ?? 'fast-check';
  const kernels = kernelsOf(options);
  const interrupt = interruptible();
  const show = live(
    properties,
    kernels.map(({ name }) => name),
  );
  const cells = await searchWith(engine, {
    properties,
    kernels,
    scopes: runScopes,
    seed,
    runs,
    budget: (options.budget ?? Number.POSITIVE_INFINITY) * 1000,
    jobs: options.jobs ?? availableParallelism(),
    stored: (property, kernel) =>
      options.patch === undefined
        ? storedFor(property.id, kernel.name, onRelease(options.release))
        : shippedFor(property, kernel, options.against),
    progress: show.say,
    onCell: show.cell,
    stop: interrupt.signal,
    ...given,
  });
  const reached = show.done();
  interrupt.done();
  return {
    version: packageJson.version,
    date: today(),
    release: options.release ?? REFERENCE,
    seed,
    runs,
    interrupted: interrupt.signal.aborted,
    reached,
    command: [
      `reroute-check ${verb} --seed ${seed} --runs ${runs}`,
      ...(engine === 'fast-check' ? [] : [`--engine ${engine}`]),
      ...(options.release === undefined || options.release === REFERENCE ? [] : [`--release ${options.release}`]),
      ...(options.variant ?? []).map((name) => `--variant ${name}`),
      ...(options.patch === undefined ? [] : [`--patch ${options.patch}`]),
      ...(options.against === undefined ? [] : [`--against ${options.against}`]),
    ].join(' '),
    properties: properties.map(({ id, concern, gravity, purpose, claim }) => ({
      id,
      concern,
      gravity,
      purpose,
      claim,
    })),
    variants: kernels.map(({ name, title }) => ({ name, title })),
    verdicts: verdictsOf(
      properties,
      kernels.map(({ name }) => name),
      cells.map((cell) => ({ ...cell, finding: cell.counterexample?.finding ?? '' })),
    ),
    cells,
  };
}

/** The variants of the matrix, or stock and a text of one's own, with what that is compared with. */
function kernelsOf(options: ReviewOptions): readonly Kernel[] {
  const chosen = chooseKernels(options);
  const isCompared = options.patch === undefined || chosen[0]?.name === 'stock';
  return isCompared ? chosen : [chooseVariant('stock', options.release), ...chosen];
}

/** What proves that cell: its own counterexample, or, on another release, the one of the reference. */
export function storedFor(property: string, variant: string, release: string | undefined): Stored | undefined {
  const own = knownCounterexample(property, variant, release);
  const reference = knownCounterexample(property, variant);
  if (own !== undefined || reference === undefined) return own;
  const command = `reroute-check replay ${counterexamplePath(property, variant)} --release ${release}`;
  return { ...reference, found: { ...reference.found, command } };
}

/** A counterexample that the program brings, of that variant or of another, and that this kernel does not survive, either. */
function shippedFor(property: Property, kernel: Kernel, against: string | undefined): Stored | undefined {
  const others = [...(against === undefined ? [] : [against]), ...variants.map(({ name }) => name)];
  for (const name of ownPatchOf(kernel) === undefined ? [kernel.name] : others) {
    const { path, stored } = shippedCounterexample(property.id, name) ?? {};
    if (stored === undefined || !breaks(property, kernel, stored)) continue;
    return { ...stored, found: { ...stored.found, command: `reroute-check replay ${path} ${kernelWords(kernel)}` } };
  }
  return undefined;
}

/** The release in the name of a counterexample's file: none for the reference. */
function onRelease(release: string | undefined): string | undefined {
  return release === REFERENCE ? undefined : release;
}

/** Whether the counterexample of a cell is kept: on another release than the reference only where that of the reference does not show the same. */
function isKeptOn(release: string, { property, variant, worse }: Cell): boolean {
  const reference = release === REFERENCE ? undefined : readCounterexample(property, variant);
  if (reference === undefined) return true;
  const asked = [chooseProperty(property), chooseVariant(variant, release), reference] as const;
  return !breaks(...asked) || isWorse(...asked) !== worse;
}

/**
 * Makes a review, prints it, and stores it and its counterexamples. On another release than the reference, the
 * counterexamples are kept that show what those of the reference do not.
 */
export async function review(options: ReviewVerbOptions): Promise<void> {
  if (options.record) {
    if (options.engine === 'z3')
      wrong("--record keeps fast-check's answers; 'reroute-check prove --record' keeps z3's");
    if (options.patch !== undefined) wrong('--record keeps the variants of the matrix, not a text of your own');
    needToRecord();
  }
  const unkept = options.patch === undefined ? whyNotKept() : [];
  for (const line of unkept) process.stderr.write(`reroute-check: ${line}\n`);
  const result = await makeReview(options);
  if (options.patch !== undefined) {
    process.stdout.write(matrixText(result, widthOfOutput(), () => false));
    process.stdout.write(ownText(result, options.against, widthOfOutput()));
    return;
  }
  const isKept = (cell: Cell) => unkept.length === 0 && cell.reason === '' && isKeptOn(result.release, cell);
  process.stdout.write(matrixText(result, widthOfOutput(), isKept));
  if (unkept.length === 0) {
    for (const cell of result.cells) store(cell, onRelease(result.release), options.save || options.record);
    writeLastReview(result);
    process.stdout.write(`as a page: ${writeLastPage(page(result))}\n`);
  }
  if (options.record && !result.interrupted) recordMatrix(result);
}

/** Records the outcome of every cell on that release. */
function recordMatrix({ release, command, cells }: Review): void {
  const outcomes: Record<string, Record<string, Outcome>> = {};
  const worse: Record<string, string[]> = {};
  for (const cell of cells) {
    const { property, variant } = cell;
    outcomes[property] = { ...outcomes[property], [variant]: sampled(cell) };
    if (cell.worse) worse[property] = [...(worse[property] ?? []), variant];
  }
  const { releases } = readResult('matrix');
  record('matrix', { releases: { ...releases, [release]: { command, outcomes, worse } } });
}

/** The violation, whoever found it: it is stored. Else fast-check's answer. */
function sampled(cell: Cell): Outcome {
  if (cell.outcome === 'violated') return cell.outcome;
  return answersOf(cell).find(({ engine }) => engine === 'fast-check')?.outcome ?? cell.outcome;
}

/**
 * Stores the counterexample of a cell that has none. One that still violates is only replaced on request, and only by a
 * better one: one engine does not undo the other's work.
 */
function store(cell: Cell, release: string | undefined, replaces = false): void {
  const { property, variant, counterexample, reason } = cell;
  const kept = isKeptOn(release ?? REFERENCE, cell);
  const stored = kept ? readCounterexample(property, variant, release) : undefined;
  const asked = [chooseProperty(property), chooseVariant(variant, release)] as const;
  if (stored !== undefined && breaks(...asked, stored)) {
    const storedWorse = isWorse(...asked, stored);
    const isSmaller = counterexample === null || smaller(measure(stored), measure(counterexample));
    if (!replaces || (storedWorse === cell.worse ? isSmaller : storedWorse)) return;
  }
  if (counterexample !== null && kept) {
    if (reason === '') writeCounterexample(counterexample);
  } else if (cell.outcome !== 'undecided') {
    rmSync(counterexamplePath(property, variant, release), { force: true });
  }
}
