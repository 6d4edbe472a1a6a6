/**
 * Searches what each fault of the patch breaks by itself.
 *
 * A scenario counts when it breaks a promise on the version in which only that fault is left, and keeps it where that
 * one is mended, too. So every fault is its own cause, and none hides another.
 */

import { setImmediate } from 'node:timers/promises';
import { icmpOnlyMended, tcpRehashMended } from '../model/patch/mended.ts';
import { versionName, withOnly } from '../model/patch/single-faults.ts';
import type { Fault } from '../model/types/faults.ts';
import type { Kernel, World } from '../model/types/world.ts';
import type { Property, Run } from '../properties/property.ts';
import { type RunScope, runScopes } from '../properties/scopes/runs.ts';
import { firstBroken, playOn } from '../scenario/play.ts';
import { eventOfLine, type Text } from '../scenario/text.ts';
import { firstTwins, rerouted } from '../scenario/twins.ts';
import { drawBooted, eventsPerHost, eventWords, scopeNamed, wordsOfRun } from './bulk.ts';
import { counterexampleOf } from './counterexample.ts';
import { shrinkWords } from './fastCheck.ts';
import { drawEvents } from './generate.ts';
import { type Breaks, measure, minimise, smaller } from './minimise.ts';
import type { Counterexample, Failure } from './outcome.ts';
import { breaks, breaksDrawn } from './replays.ts';

export interface FaultOptions {
  readonly faults: readonly Fault[];
  readonly properties: readonly Property[];
  readonly seed: number;
  /** Scenarios of a whole scope. */
  readonly runs: number;
  readonly progress: (message: string) => void;
  /** Ends the search at once; what is known then is the result. */
  readonly stop?: AbortSignal;
}

/** What was found of one fault in one version. */
export interface FaultFinding {
  readonly fault: Fault;
  readonly movesSyn: boolean;
  /** Every promise that it breaks by itself. */
  readonly properties: readonly string[];
  readonly runs: number;
  /** The smallest scenario, null when nothing was found. */
  readonly counterexample: Counterexample | null;
  /** Whether there was time to make it small. */
  readonly finished: boolean;
}

/** Failing scenarios of a property that are made small. */
const ENOUGH = 3;

/** A fault in one version. */
export interface LoneFault {
  readonly fault: Fault;
  readonly movesSyn: boolean;
  /** The version in which that fault alone is left, and the one without any. */
  readonly kernel: Kernel;
  readonly mended: Kernel;
}

interface Candidate extends LoneFault {
  readonly failures: Failure[];
  runs: number;
}

/** Whether that scenario breaks the property because of the fault. */
export function breaksAlone(property: Property, { kernel, mended }: LoneFault): (text: Text) => boolean {
  return (text) => breaks(property, kernel, text) && !breaks(property, mended, text);
}

/** The faults, each in the versions that have it. */
export function loneFaults(chosen: readonly Fault[]): readonly LoneFault[] {
  return [true, false].flatMap((movesSyn) =>
    chosen
      .filter(({ inFirst }) => movesSyn || inFirst)
      .map((fault) => ({
        fault,
        movesSyn,
        kernel: withOnly(movesSyn, fault),
        mended: movesSyn ? tcpRehashMended : icmpOnlyMended,
      })),
  );
}

/** Searches, then makes small what was found; `hear` is told of one fault after the other. */
export async function searchFaults(options: FaultOptions, hear: (finding: FaultFinding) => void): Promise<void> {
  const candidates = loneFaults(options.faults).map((one): Candidate => ({ ...one, failures: [], runs: 0 }));
  await drawLone(candidates, options, {
    asks: ({ failures }, { id }) => failures.filter(({ property }) => property === id).length < ENOUGH,
    plays: (candidate) => {
      candidate.runs++;
      return true;
    },
    broke: (candidate, property, { scope, host, lines, h, e }) => {
      candidate.failures.push({
        property: property.id,
        variant: candidate.kernel.name,
        worse: false,
        text: { host, events: lines },
        scope: scope.name,
        path: `${h}:${e}`,
      });
    },
  });
  for (const candidate of candidates) {
    await setImmediate();
    hear(findingOf(candidate, options));
  }
}

/** A scenario that was drawn. */
export interface DrawnScenario {
  readonly scope: RunScope;
  readonly host: readonly string[];
  readonly lines: readonly string[];
  readonly h: number;
  readonly e: number;
}

/** What somebody wants to know of drawn scenarios. */
export interface LoneVisitor<F extends LoneFault> {
  /** Whether the fault is played at all in a scenario that is rerouted. */
  readonly plays: (fault: F) => boolean;
  /** Whether that property is asked of the fault. */
  readonly asks: (fault: F, property: Property) => boolean;
  /** The fault broke the property, and the version without faults kept it. */
  readonly broke: (fault: F, property: Property, drawn: DrawnScenario) => void;
}

/** Draws scenarios of all scopes, and tells which fault breaks what by itself. */
export async function drawLone<F extends LoneFault>(
  lone: readonly F[],
  options: Omit<FaultOptions, 'faults'>,
  visitor: LoneVisitor<F>,
): Promise<void> {
  for (const scope of runScopes) await drawScope(scope, lone, options, visitor);
}

async function drawScope<F extends LoneFault>(
  scope: RunScope,
  lone: readonly F[],
  options: Omit<FaultOptions, 'faults'>,
  { plays, asks, broke }: LoneVisitor<F>,
): Promise<void> {
  const mended = [icmpOnlyMended, tcpRehashMended];
  const kernels = [...mended, ...lone.map(({ kernel }) => kernel)];
  const twins = firstTwins(kernels);
  const last = Math.ceil((options.runs * scope.share) / 100);
  let runs = 0;
  for (let h = 0; runs < last && !options.stop?.aborted; h++) {
    await setImmediate();
    const { host, booted } = drawBooted(scope, options.seed, h, kernels, twins);
    for (let e = 0; e < eventsPerHost && runs < last; e++, runs++) {
      const lines = drawEvents(scope, host, eventWords(options.seed, h, e));
      const events = lines.map(eventOfLine);
      const without = mended.map((kernel, k) => playOn(kernel, booted[k] as World, events));
      if (!without.some(rerouted)) continue;
      lone.forEach((fault, n) => {
        if (!plays(fault)) return;
        const run = playOn(fault.kernel, booted[n + mended.length] as World, events);
        for (const property of options.properties) {
          if (!asks(fault, property) || firstBroken(property, run) < 0) continue;
          if (firstBroken(property, without[mended.indexOf(fault.mended)] as Run) >= 0) continue;
          broke(fault, property, { scope, host, lines, h, e });
        }
      });
    }
    options.progress(`${scope.name}: ${runs.toLocaleString('en')} of ${last.toLocaleString('en')} scenarios`);
  }
}

function findingOf(candidate: Candidate, options: FaultOptions): FaultFinding {
  const { fault, movesSyn, kernel, failures, runs } = candidate;
  const finished = !options.stop?.aborted;
  if (finished) options.progress(`making ${fault.id} in ${versionName(movesSyn)} small`);
  let best: { text: Text; property: Property; failure: Failure } | undefined;
  for (const failure of failures) {
    const property = options.properties.find(({ id }) => id === failure.property) as Property;
    const test = breaksAlone(property, candidate);
    if (!finished) {
      if (best === undefined && test(failure.text)) best = { text: failure.text, property, failure };
      continue;
    }
    const fails: Breaks = (text) => breaksDrawn(property, kernel, text);
    const scope = scopeNamed({ ...options, scopes: runScopes }, failure.scope);
    const words = wordsOfRun(scope, options.seed, failure.path, failure.text.host);
    const shrunk = shrinkWords(fails, scope, kernel, words);
    const text = minimise(test(shrunk) ? shrunk : failure.text, test);
    if (best === undefined || smaller(measure(text), measure(best.text))) best = { text, property, failure };
  }
  const properties = [...new Set(failures.map(({ property }) => property))];
  if (best === undefined) return { fault, movesSyn, properties, runs, counterexample: null, finished };
  const { seed } = options;
  const command = `reroute-check faults ${fault.id} --seed ${seed} --runs ${options.runs}`;
  const found = { by: 'fast-check', seed, command } as const;
  const counterexample = counterexampleOf(best.property, kernel, best.text, found, finished);
  return { fault, movesSyn, properties, runs, counterexample, finished };
}
