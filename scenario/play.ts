/** Plays a scenario on a kernel and asks properties about it. */
import { boot, ended, step } from '../model/host/step.ts';
import type { Event } from '../model/types/event.ts';
import type { HostCommand } from '../model/types/host.ts';
import { type Kernel, NO_OPERATION, type Scenario, type Step, type World } from '../model/types/world.ts';
import { type Property, type Run, worldBefore } from '../properties/property.ts';
import { Wrong } from './error.ts';
import { printHostCommand } from './host.ts';
import { impossibleEvent } from './life.ts';
import { compile, type Text } from './text.ts';

/** The host as a kernel has it once all its commands, and those of the variant's operator, have run. */
export function bootHost(kernel: Kernel, host: readonly HostCommand[]): World {
  return boot(kernel, host);
}

/** Plays events on a configured host, up to the end; `hear` is called after each step. */
export function playOn(kernel: Kernel, booted: World, events: readonly Event[], hear?: () => void): Run {
  const steps: Step[] = [];
  let world = booted;
  for (const event of events) {
    if (ended(world)) break;
    const next = step(kernel, world, event);
    steps.push(next);
    hear?.();
    world = next.world;
  }
  return { kernel, events, boot: booted, steps };
}

/** Plays a whole scenario. */
export function play(kernel: Kernel, scenario: Scenario): Run {
  return playOn(kernel, bootHost(kernel, scenario.host), scenario.events);
}

/** The first step at which the run breaks the property, -1 when none does. */
export function firstBroken(property: Property, run: Run): number {
  for (let i = 0; i < run.steps.length; i++) if (!property.holds(run, i)) return i;
  return -1;
}

/** Whether the case that the property speaks of occurs in the run. */
export function occurs(property: Property, run: Run): boolean {
  for (let i = 0; i < run.steps.length; i++) if (property.sometimes(run, i)) return true;
  return false;
}

/** Whether a run keeps a promise: it does not break it, and, where the promise is what the patch is for, its case occurs. */
export function isKept({ purpose }: Pick<Property, 'purpose'>, seen: { occurs: boolean; broken: boolean }): boolean {
  return !seen.broken && (!purpose || seen.occurs);
}

/**
 * Whether what a run does in step `i`, which breaks the property there, can be compared with another run of the same events.
 * Not where rules that count packets, or dice, stood otherwise when the step began: they may have said something else of
 * the same packet. What the patch is for has to occur there, too, where it occurred last.
 */
export function isComparable(
  property: Pick<Property, 'purpose' | 'sometimes'>,
  run: Run,
  other: Run,
  i: number,
): boolean {
  return countsAlike(run, other, i) && (!property.purpose || occursAlike(property, run, other, i));
}

/** Whether the last step up to `i` in which the case of a property occurs is one in which it occurs in the other run, too. */
function occursAlike(property: Pick<Property, 'sometimes'>, run: Run, other: Run, i: number): boolean {
  for (let last = i; last >= 0; last--) {
    if (property.sometimes(run, last)) return last < other.steps.length && property.sometimes(other, last);
  }
  return true;
}

function countsAlike(run: Run, other: Run, i: number): boolean {
  const one = counts(worldBefore(run, i));
  const there = counts(worldBefore(other, Math.min(i, other.steps.length)));
  return one.length === there.length && one.every((count, at) => count === there[at]);
}

function counts({ raw, mangle, nat, filter, picks }: World): readonly number[] {
  const rules = [raw, mangle, nat, filter].flatMap(({ chains }) => chains.flatMap((chain) => chain.rules));
  const counting = rules.filter(({ matches }) => matches.some(({ kind }) => kind === 'statistic-nth'));
  return [picks.random, ...counting.map(({ count }) => count)];
}

/** The first command that the kernel refused, '' when it took all. */
export function refusal(run: Run): string {
  for (const effects of [run.boot.effects, ...run.steps.map((s) => s.effects)]) {
    for (const effect of effects) if (effect.kind === 'refused') return effect.message;
  }
  return '';
}

/** Why the variant could not do in the run what it stands for, '' when it could. */
export function inexpressible(run: Run): string {
  return (run.steps.at(-1)?.world ?? run.boot).inexpressible;
}

/** A scenario as somebody types it who does by hand what a variant's operator and programs do. */
export interface Typed extends Text {
  /** Why they cannot, '' when they can. */
  readonly why: string;
  /** What they do to the host. */
  readonly commands: readonly string[];
}

/** What is left of a variant without a patch on the unchanged kernel: the commands of its operator, the marks of its programs. */
export function typed(kernel: Kernel, text: Text): Typed {
  const { host, events } = compile(text);
  const run = play(kernel, { host, events });
  const { commands } = kernel.operator(bootHost({ ...kernel, operator: () => NO_OPERATION }, host));
  const lines = commands.map(printHostCommand);
  const marked = text.events.map((line, i) => {
    const event = events[i];
    const world = i === 0 ? run.boot : run.steps[i - 1]?.world;
    if (event?.kind !== 'socket' || world === undefined) return line;
    const { mark } = kernel.socketMark(world, event);
    return mark === event.mark ? line : `${line} mark ${mark}`;
  });
  return { why: inexpressible(run), commands: lines, host: [...text.host, ...lines], events: marked };
}

/** Plays a text on a kernel; undefined when it is no legal scenario. */
export function legalRun(kernel: Kernel, text: Text): Run | undefined {
  try {
    const scenario = compile(text);
    if (impossibleEvent(scenario.events) !== undefined) return undefined;
    const run = play(kernel, scenario);
    return refusal(run) === '' && inexpressible(run) === '' ? run : undefined;
  } catch (error) {
    if (error instanceof Wrong) return undefined;
    throw error;
  }
}
