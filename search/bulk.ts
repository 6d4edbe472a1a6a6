/**
 * The bulk search: plays generated scenarios on every variant and asks every property about each run.
 *
 * A host is configured once and used for several event sequences; the words of run H:E depend on the seed and on
 * H and E alone, so that any run can be played again by its path.
 */
import type { Kernel, World } from '../model/types/world.ts';
import { type Property, type Run, scopesOf } from '../properties/property.ts';
import type { RunScope } from '../properties/scopes/runs.ts';
import { firstBroken, occurs, playOn } from '../scenario/play.ts';
import { recorded, type WordSource, wordsOfSeed } from '../scenario/random.ts';
import { eventOfLine } from '../scenario/text.ts';
import type { WordLists } from './fastCheck.ts';
import { drawEvents, drawHost } from './generate.ts';
import type { Failure } from './outcome.ts';
import { acceptedCommands, bootLines } from './replays.ts';

/** Event sequences that are played on one host. */
export const eventsPerHost = 16;

export interface BulkOptions {
  readonly properties: readonly Property[];
  readonly kernels: readonly Kernel[];
  readonly seed: number;
  /** Scenarios of a scope, if its share is 100; each is played on every kernel. */
  readonly runs: number;
  /** Milliseconds, after which it stops; Infinity for none. */
  readonly budget: number;
  /** Only the run of that path (`H:E`); '' for all. */
  readonly path: string;
  /** Failing scenarios to collect for a cell before it is left alone. */
  readonly failures: number;
  readonly progress: (done: number, of: number) => void;
}

/** What the search saw of one property on one variant. */
export interface Tally {
  readonly property: Property;
  readonly kernel: Kernel;
  runs: number;
  occurred: number;
  readonly failures: Failure[];
}

/** The words of the host of run H:E, and of its events. */
export function hostWords(seed: number, host: number): WordSource {
  return wordsOfSeed(Math.imul(seed + 1, 0x01000193) ^ (host * 2 + 1));
}

export function eventWords(seed: number, host: number, events: number): WordSource {
  return wordsOfSeed(Math.imul(seed + 1, 0x01000193) ^ Math.imul(host * eventsPerHost + events + 1, 0x9e3779b1));
}

export interface BulkResult {
  readonly tallies: readonly Tally[];
  readonly runs: number;
  readonly finished: boolean;
}

/** Runs the search, one scope after the other; the tallies come in the order properties × kernels. */
export function bulkSearch(options: BulkOptions): BulkResult {
  const { properties, kernels, budget, progress } = options;
  const scopes = [...new Set(properties.flatMap(scopesOf))];
  const tallies = properties.flatMap((property) =>
    kernels.map((kernel): Tally => ({ property, kernel, runs: 0, occurred: 0, failures: [] })),
  );
  const all = scopes.map(({ share }) => Math.ceil((options.runs * share) / 100));
  let runs = 0;
  let finished = true;
  scopes.forEach((scope, s) => {
    const before = runs;
    const asked = tallies.filter(({ property }) => scopesOf(property).includes(scope));
    const result = searchScope(scope, asked, {
      ...options,
      runs: all[s] as number,
      budget: budget / scopes.length,
      progress: (done) => progress(before + done, sum(all)),
    });
    runs += result.runs;
    finished &&= result.finished;
  });
  return { tallies, runs, finished };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0);
}

/** Runs the search in one scope and adds to the tallies. */
function searchScope(
  scope: RunScope,
  tallies: readonly Tally[],
  options: BulkOptions & { readonly progress: (done: number) => void },
): Pick<BulkResult, 'runs' | 'finished'> {
  const { kernels, seed } = options;
  const byKernel = kernels.map((kernel) => tallies.filter((tally) => tally.kernel === kernel));
  const twins = kernels.map((kernel) => kernels.findIndex((other) => sameUntilReroute(kernel, other)));
  const deadline = performance.now() + options.budget;
  let runs = 0;
  const only = options.path === '' ? undefined : options.path.split(':').map(Number);
  const last = only === undefined ? options.runs : 1;
  for (let h = only?.[0] ?? 0; runs < last; h++) {
    const { host, booted } = drawBooted(scope, seed, h, kernels);
    for (let e = only?.[1] ?? 0; e < eventsPerHost && runs < last; e++) {
      const lines = drawEvents(scope, host, eventWords(seed, h, e));
      const events = lines.map(eventOfLine);
      const where = () => ({
        text: { host, events: lines },
        scope,
        words: wordsOfRun(scope, seed, h, e, host),
        path: `${h}:${e}`,
      });
      const played: Played[] = [];
      for (let k = 0; k < kernels.length; k++) {
        const twin = played[twins[k] as number];
        const same = twin !== undefined && !rerouted(twin.run);
        const now: Played = same
          ? twin
          : { run: playOn(kernels[k] as Kernel, booted[k] as World, events), answers: [] };
        played.push(now);
        (byKernel[k] as Tally[]).forEach((tally, p) => {
          if (tally.failures.length >= options.failures) return;
          now.answers[p] ??= answer(tally.property, now.run);
          note(tally, now.answers[p], where);
        });
      }
      runs++;
    }
    options.progress(runs);
    if (performance.now() > deadline) return { runs, finished: runs >= options.runs };
  }
  return { runs, finished: true };
}

/** A run, and what the properties of the scope said about it, as far as they were asked. */
interface Played {
  readonly run: Run;
  readonly answers: (Asked | undefined)[];
}

interface Asked {
  readonly occurs: boolean;
  readonly broken: boolean;
}

/** What kernels that carry another patch have in common with each other. */
const OF_THE_PATCH: readonly string[] = ['name', 'title', 'patch', 'ipt_mangle_out'] satisfies (keyof Kernel)[];

/** Whether two kernels do the same as long as no packet is routed a second time. */
function sameUntilReroute(a: Kernel, b: Kernel): boolean {
  return Object.keys(a).every((key) => OF_THE_PATCH.includes(key) || a[key as keyof Kernel] === b[key as keyof Kernel]);
}

/** Whether a packet of the run was routed a second time. */
export function rerouted(run: Run): boolean {
  return run.steps.some(({ effects }) => effects.some(({ kind }) => kind === 'reroute'));
}

function answer(property: Property, run: Run): Asked {
  return { occurs: occurs(property, run), broken: firstBroken(property, run) >= 0 };
}

/** Counts the answer, and keeps the run that it speaks against. */
function note(
  tally: Tally,
  { occurs: occurred, broken }: Asked,
  where: () => Omit<Failure, 'property' | 'variant'>,
): void {
  tally.runs++;
  if (occurred) tally.occurred++;
  if (broken) tally.failures.push({ property: tally.property.id, variant: tally.kernel.name, ...where() });
}

/** A host of the scope without the commands that the kernel refuses, configured on every kernel. */
export function drawBooted(
  scope: RunScope,
  seed: number,
  h: number,
  kernels: readonly Kernel[],
): { host: readonly string[]; booted: readonly World[] } {
  const host = acceptedCommands(kernels[0] as Kernel, drawHost(scope, hostWords(seed, h)));
  return { host, booted: kernels.map((kernel) => bootLines(kernel, host)) };
}

/** The words that run H:E consumes. */
export function wordsOfRun(scope: RunScope, seed: number, h: number, e: number, host: readonly string[]): WordLists {
  const ofHost = recorded(hostWords(seed, h));
  const ofEvents = recorded(eventWords(seed, h, e));
  drawHost(scope, ofHost);
  drawEvents(scope, host, ofEvents);
  return [ofHost.list, ofEvents.list];
}
