/** Searches properties on variants and makes what it finds small: the matrix, with a counterexample for every violated cell. */
import { REFERENCE } from '../model/patch/releases/index.ts';
import type { Kernel } from '../model/types/world.ts';
import { type Property, type Run, scopesOf } from '../properties/property.ts';
import { firstBroken, legalRun } from '../scenario/play.ts';
import type { Text } from '../scenario/text.ts';
import { traceLines } from '../scenario/trace.ts';
import { type BulkOptions, bulkSearch, type Tally } from './bulk.ts';
import { shrinkWords } from './fastCheck.ts';
import { measure, minimise, smaller, superfluous } from './minimise.ts';
import type { Cell, Counterexample, Failure } from './outcome.ts';
import { breaks } from './replays.ts';

/** Fixed so that two people see the same review. */
export const SEED = 1;

/** Scenarios of a whole scope in a review. */
export const RUNS = 30_000;

/** Failing scenarios that are made small for a cell; the smallest result is kept. */
export const FAILURES = 6;

export interface SearchOptions {
  readonly properties: readonly Property[];
  readonly kernels: readonly Kernel[];
  readonly seed: number;
  readonly runs: number;
  readonly budget: number;
  /** Failing scenarios that are made small for a cell. */
  readonly failures?: number;
  /** Only the run of that path; all without it. */
  readonly path?: string;
  readonly progress: (message: string) => void;
}

/** Searches every property on every kernel with fast-check's outcomes. */
export function search(options: SearchOptions): readonly Cell[] {
  const bulk: BulkOptions = {
    ...options,
    path: options.path ?? '',
    failures: options.failures ?? FAILURES,
    progress: (done, of) => options.progress(`${done.toLocaleString('en')} of ${of.toLocaleString('en')} scenarios`),
  };
  const { tallies, finished } = bulkSearch(bulk);
  return tallies.map((tally) => {
    options.progress(`making ${tally.property.id} on ${tally.kernel.name} small`);
    return cellOf(tally, options, finished);
  });
}

function cellOf(tally: Tally, options: SearchOptions, finished: boolean): Cell {
  const { property, kernel, runs, occurred } = tally;
  const shared = {
    property: property.id,
    variant: kernel.name,
    engine: 'fast-check',
    scope: scopesOf(property)
      .map(({ name }) => name)
      .join(', '),
    runs,
    occurred,
  } as const;
  if (tally.failures.length > 0) {
    return { ...shared, outcome: 'violated', reason: '', counterexample: smallest(tally, options) };
  }
  const reason =
    occurred === 0
      ? 'the case it speaks of never occurred'
      : finished
        ? ''
        : `the budget ended after ${runs.toLocaleString('en')} runs`;
  return { ...shared, outcome: reason === '' ? 'sampled' : 'undecided', reason, counterexample: null };
}

/** The words of a command that name another release than the reference. */
export function onOption(kernel: Kernel): string {
  return kernel.release === REFERENCE ? '' : ` --release ${kernel.release}`;
}

/** The smallest of what the failures of a cell shrink to. */
function smallest(tally: Tally, options: SearchOptions): Counterexample {
  const { property, kernel } = tally;
  const test = (text: Text) => breaks(property, kernel, text);
  let best: { text: Text; failure: Failure } | undefined;
  for (const failure of tally.failures) {
    const shrunk = shrinkWords(property, failure.scope, kernel, failure.words);
    const text = minimise(test(shrunk) ? shrunk : failure.text, test);
    if (best === undefined || smaller(measure(text), measure(best.text))) best = { text, failure };
  }
  const { text, failure } = best as { text: Text; failure: Failure };
  const { seed } = options;
  const command = `reroute-check search ${property.id} --variant ${kernel.name}${onOption(kernel)} --seed ${seed} --path ${failure.path}`;
  return counterexampleOf(property, kernel, text, { by: 'fast-check', seed, command });
}

/** What a run that breaks the property shows, as a whole sentence; the name of a kernel function keeps its spelling. */
export function findingOf(property: Property, run: Run): string {
  const text = property.finding(run, firstBroken(property, run));
  return /^\w+_/.test(text) ? `${text}.` : `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

/** The counterexample as it is stored; checks that it is 1-minimal. */
export function counterexampleOf(
  property: Property,
  kernel: Kernel,
  text: Text,
  found: Counterexample['found'],
): Counterexample {
  const rest = superfluous(text, (candidate) => breaks(property, kernel, candidate));
  if (rest.length > 0)
    throw new Error(`internal error: ${property.id} on ${kernel.name} is not minimal: ${rest.join('; ')}`);
  const run = legalRun(kernel, text) as Run;
  return {
    finding: findingOf(property, run),
    property: property.id,
    variant: kernel.name,
    ...(kernel.release === REFERENCE ? {} : { release: kernel.release }),
    host: text.host,
    events: text.events,
    trace: traceLines(run),
    found,
  };
}
