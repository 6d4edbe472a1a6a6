/**
 * Hunts mutants of the patch with the promises: one that breaks a promise in a run in which the text as it is keeps it is
 * killed. Runs in the build that has the mutants in it.
 */
import { isDeepStrictEqual } from 'node:util';
import { kernelNamed } from '../../model/patch/index.ts';
import { mended } from '../../model/patch/mended.ts';
import { versionName } from '../../model/patch/single-faults.ts';
import { EVERY_FAULT } from '../../model/types/faults.ts';
import type { Kernel, World } from '../../model/types/world.ts';
import { properties } from '../../properties/index.ts';
import type { Run } from '../../properties/property.ts';
import { type RunScope, runScopes } from '../../properties/scopes/runs.ts';
import { bootHost, firstBroken, inexpressible, playOn } from '../../scenario/play.ts';
import { commandOf, eventOfLine } from '../../scenario/text.ts';
import { drawBooted, eventsPerHost, eventWords } from '../../search/bulk.ts';
import { drawEvents } from '../../search/generate.ts';

/** What became of a mutant. */
export interface Fate {
  readonly id: string;
  /** The promise that killed it; '' for none. */
  readonly promise: string;
  /** Whether TypeScript would have refused it: it threw what no kernel does. */
  readonly invalid: boolean;
  /** Scenarios in which its place was reached; in how many of them something was different, and packets or what sockets receive. */
  readonly reached: number;
  readonly different: number;
  readonly seen: number;
}

/** The instrumenter's switches, which the instrumented files have made by now. */
interface Switches {
  activeMutant?: string | undefined;
  mutantCoverage?: { static: Record<string, number>; perTest: object };
}

const switches = (globalThis as unknown as { __stryker__: Switches }).__stryker__;

/** What was reached since it was asked last. */
function reachedSince(): readonly string[] {
  const coverage = switches.mutantCoverage;
  const ids = Object.keys(coverage?.static ?? {});
  if (coverage !== undefined) coverage.static = {};
  return ids;
}

/** Does that with a mutant switched on. */
function withMutant<T>(id: string, doIt: () => T): T {
  switches.activeMutant = id;
  try {
    return doIt();
  } finally {
    switches.activeMutant = undefined;
  }
}

type Hunted = { -readonly [part in keyof Fate]: Fate[part] };

/** What the hunt is told. */
export interface HuntOptions {
  /** The variant whose text is mutated, or `model`. */
  readonly what: string;
  readonly ids: readonly string[];
  readonly seed: number;
  /** Time after which the survivors have survived. */
  readonly seconds: number;
  readonly progress: (left: number) => void;
}

/** The kernels that are played with and without a mutant: a mended text without a fault, and with all of its switches on. */
function kernelsOf(what: string): readonly Kernel[] {
  const named = (what === 'model' ? ['stock', 'tcp-rehash-mended'] : [what]).map((name) => kernelNamed(name) as Kernel);
  const movesSyn = what === 'tcp-rehash-mended';
  const faulty = mended(`${versionName(movesSyn)}-every-fault`, '', movesSyn, EVERY_FAULT);
  return what.endsWith('-mended') ? [...named, faulty] : named;
}

/** The fates of those mutants; the scopes take turns, a host at a time. */
export function hunt({ what, ids, seed, seconds, progress }: HuntOptions): readonly Fate[] {
  const kernels = kernelsOf(what);
  const fates = new Map(
    ids.map((id): [string, Hunted] => [id, { id, promise: '', invalid: false, reached: 0, different: 0, seen: 0 }]),
  );
  const alive = new Set(ids);
  const until = Date.now() + seconds * 1000;
  for (let h = 0; alive.size > 0 && Date.now() < until; h++) {
    for (const scope of runScopes) {
      for (const kernel of kernels) {
        if (alive.size > 0 && Date.now() < until) huntOnHost(kernel, scope, seed, h, alive, fates);
      }
    }
    progress(alive.size);
  }
  return [...fates.values()];
}

function huntOnHost(
  kernel: Kernel,
  scope: RunScope,
  seed: number,
  h: number,
  alive: Set<string>,
  fates: ReadonlyMap<string, Hunted>,
): void {
  const { host } = drawBooted(scope, seed, h, [kernel]);
  const commands = host.map(commandOf);
  reachedSince();
  const booted = bootHost(kernel, commands);
  const reachedByBoot = new Set(reachedSince());
  const boots = new Map<string, World>();
  for (let e = 0; e < eventsPerHost; e++) {
    const events = drawEvents(scope, host, eventWords(seed, h, e)).map(eventOfLine);
    reachedSince();
    const run = playOn(kernel, booted, events);
    const reached = new Set([...reachedSince(), ...reachedByBoot].filter((id) => alive.has(id)));
    const kept = new Map<number, boolean>();
    for (const id of reached) {
      const fate = fates.get(id) as Hunted;
      fate.reached++;
      try {
        const mutated = withMutant(id, () => {
          const boot = reachedByBoot.has(id) ? (boots.get(id) ?? bootHost(kernel, commands)) : booted;
          boots.set(id, boot);
          return playOn(kernel, boot, events);
        });
        judge(fate, run, mutated, kept);
      } catch (error) {
        if (!(error instanceof TypeError || error instanceof ReferenceError || error instanceof RangeError))
          throw error;
        fate.invalid = true;
      }
      if (fate.promise !== '' || fate.invalid) alive.delete(id);
    }
  }
}

/** What leaves the host, and what sockets receive. */
function seenOf({ steps }: Run): readonly unknown[] {
  return steps.flatMap(({ effects }) => effects.filter((e) => e.kind === 'xmit' || e.kind === 'deliver'));
}

/** Asks the promises about a run on a mutant; `kept` remembers which of them the text as it is keeps in it. */
function judge(fate: Hunted, run: Run, mutated: Run, kept: Map<number, boolean>): void {
  if (isDeepStrictEqual(mutated.steps, run.steps)) return;
  fate.different++;
  if (!isDeepStrictEqual(seenOf(mutated), seenOf(run))) fate.seen++;
  if (inexpressible(run) !== '') return;
  for (const [at, property] of properties.entries()) {
    const broken = withMutant(fate.id, () => firstBroken(property, mutated) >= 0);
    if (!broken) continue;
    const keeps = kept.get(at) ?? firstBroken(property, run) < 0;
    kept.set(at, keeps);
    if (!keeps) continue;
    fate.promise = property.id;
    return;
  }
}
