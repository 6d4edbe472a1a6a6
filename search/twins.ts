/** Kernels that do the same until a packet is routed a second time: what they play up to there is played once. */
import type { Event } from '../model/types/event.ts';
import type { Kernel, Step, World } from '../model/types/world.ts';
import { ownPatchOf } from '../own/patch.ts';
import { type Run, worldBefore } from '../properties/property.ts';
import { playOn } from '../scenario/play.ts';

/** What kernels that carry another patch have in common with each other. */
const OF_THE_PATCH: readonly string[] = ['name', 'title', 'patch', 'ipt_mangle_out'] satisfies (keyof Kernel)[];

/** One's own patch may do anything before a packet is routed a second time. */
function areTwins(a: Kernel, b: Kernel): boolean {
  if (a !== b && (ownPatchOf(a) !== undefined || ownPatchOf(b) !== undefined)) return false;
  return Object.keys(a).every((key) => OF_THE_PATCH.includes(key) || a[key as keyof Kernel] === b[key as keyof Kernel]);
}

/** For each kernel the first one that is its twin: itself, where it has none before it. */
export function firstTwins(kernels: readonly Kernel[]): readonly number[] {
  return kernels.map((kernel) => kernels.findIndex((other) => areTwins(kernel, other)));
}

/** Whether a packet was routed a second time. */
function reroutes({ effects }: Step): boolean {
  return effects.some(({ kind }) => kind === 'reroute');
}

/** Whether a packet of the run was routed a second time. */
export function rerouted({ steps }: Run): boolean {
  return steps.some(reroutes);
}

/** Plays events on a host where a twin has played them: from the first step on in which it routed a packet again. */
export function playFrom(twin: Run, kernel: Kernel, booted: World, events: readonly Event[]): Run {
  const shared = twin.steps.findIndex(reroutes);
  if (shared <= 0) return playOn(kernel, booted, events);
  const rest = playOn(kernel, worldBefore(twin, shared), events.slice(shared));
  return { kernel, events, boot: booted, steps: [...twin.steps.slice(0, shared), ...rest.steps] };
}
