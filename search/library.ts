/** What the package adds for its users: plain words for what the program does with many options. */
import type fc from 'fast-check';
import { kernelNamed } from '../model/patch/index.ts';
import { releases } from '../model/patch/releases/index.ts';
import type { Kernel, Scenario } from '../model/types/world.ts';
import { properties } from '../properties/index.ts';
import { everyStep, type Property, type Run } from '../properties/property.ts';
import { type RunScope, twoUplinks } from '../properties/scopes/runs.ts';
import { InputError, Wrong, wrong } from '../scenario/error.ts';
import { firstBroken } from '../scenario/play.ts';
import { checkScenario, type ScenarioFile } from '../scenario/scenario.ts';
import type { Text } from '../scenario/text.ts';
import { type Trace, traceOf } from '../scenario/trace.ts';
import { searchWith } from './engines.ts';
import { decode, wordLists } from './fastCheck.ts';
import { minimise } from './minimise.ts';
import type { Cell, EngineName } from './outcome.ts';
import { breaks } from './replays.ts';

/**
 * The kernel of that name, on that release.
 *
 * `reroute-check list variants` prints the names: `stock`, `tcp-rehash`, `tcp-rehash-only-stale-cork`, ….
 * A kernel of one's own is a record that spreads another: `{ ...variantNamed('stock'), name: 'mine', ipt_mangle_out }`.
 */
export function variantNamed(name: string, release?: string): Kernel {
  return (
    kernelNamed(name, release) ??
    wrong(
      `there is no variant "${name}" on Linux ${release}; releases are ${releases.map((one) => one.release).join(', ')}`,
    )
  );
}

/** A scenario as its text: the host as commands of ip, iptables and sysctl, what happens as events. */
export type ScenarioText = Text & Pick<ScenarioFile, 'picks'>;

/** Reads a scenario; throws, with the line and what would be right, when a line cannot be read. */
export function scenario(text: ScenarioText): Scenario {
  return checkScenario('scenario', text).scenario;
}

/** What left the host, the sockets in the end, and whether the kernel crashed: as `trace --json` prints it. */
export function trace(run: Run): Trace {
  const violations = properties.map((property) => ({ property: property.id, event: firstBroken(property, run) }));
  return traceOf(
    run,
    violations.filter(({ event }) => event >= 0),
  );
}

/** Ids of the promises that the run breaks; `asked` are all promises of the package unless others are given. */
export function brokenBy(run: Run, asked: readonly Property[] = properties): readonly string[] {
  return asked.filter((property) => firstBroken(property, run) >= 0).map(({ id }) => id);
}

/** A promise of one's own. */
export interface Promised {
  /** kebab-case. */
  readonly id: string;
  /** One sentence that somebody could dispute. */
  readonly claim: string;
  /** Whether step `i` of the run keeps the promise. */
  readonly holds: (run: Run, i: number) => boolean;
  /** Whether step `i` is a case the claim speaks of; without such a step a search says `undecided`. */
  readonly sometimes: (run: Run, i: number) => boolean;
  /** What scenarios are drawn from; hosts with two uplinks unless another one is given. */
  readonly scope?: RunScope;
}

/** A property of every step of every run. */
export function always({ scope = twoUplinks, ...stated }: Promised): Property {
  return everyStep({
    concern: 'address',
    gravity: 'wrong address',
    asked: [],
    onStock: '',
    finding: () => `it breaks: ${stated.claim.replace(/\.$/, '')}`,
    ...stated,
    scope,
  });
}

/**
 * Scenarios of a scope, for `fc.property` and `test.prop` of `@fast-check/vitest`. They print as the text that people read;
 * commands that the kernel refuses are left out.
 */
export function scenarios(scope: RunScope = twoUplinks, kernel: Kernel = variantNamed('stock')): fc.Arbitrary<Text> {
  return wordLists.map((words) => decode(scope, kernel, words)).filter(isScenario);
}

function isScenario(text: Text): boolean {
  try {
    scenario(text);
    return true;
  } catch (error) {
    if (error instanceof Wrong || error instanceof InputError) return false;
    throw error;
  }
}

/** A counterexample as few commands and events as it needs, with the most familiar numbers. */
export function minimised(property: Property, kernel: Kernel, text: Text): Text {
  return minimise(text, (candidate) => breaks(property, kernel, candidate));
}

/** How long and from which seed to search. */
export interface SearchFor {
  /** `z3` and `all` know only the promises and kernels of the package. */
  readonly engine?: EngineName | 'all';
  readonly runs?: number;
  readonly seed?: number;
  /** Milliseconds. */
  readonly budget?: number;
}

/** Searches one promise on one kernel; a counterexample comes minimised. */
export async function searchFor(property: Property, kernel: Kernel, asked: SearchFor = {}): Promise<Cell> {
  const { engine = 'fast-check', runs = 10_000, seed = 1, budget = Number.POSITIVE_INFINITY } = asked;
  const [cell] = await searchWith(engine, {
    properties: [property],
    kernels: [kernel],
    runs,
    seed,
    budget,
    jobs: 1,
    progress() {},
  });
  return cell as Cell;
}
