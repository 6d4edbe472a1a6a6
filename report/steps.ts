/** A story as a row of single steps, each with the host and the packet as they are after it. */
import type { SkBuff } from '../model/types/packet.ts';
import type { World } from '../model/types/world.ts';
import { printEvent } from '../scenario/events.ts';
import type { Story } from '../scenario/story/story.ts';
import { type Line, linesOfStep, patchPlace } from '../scenario/story/tell.ts';
import type { Place } from '../scenario/story/watch.ts';
import { soMarkText, type Violation } from '../scenario/trace.ts';

export interface ShownStep {
  readonly event: number;
  /** The event begins, something changes, something is shown, the kernel crashes, or a promise is broken. */
  readonly is: 'event' | Line['is'] | 'violation';
  readonly text: string;
  /** Where it happens; undefined for what is no statement. */
  readonly place: Place | undefined;
  /** Where people look it up, as `trace` says it; none where it stands alone. */
  readonly where: readonly string[];
  /** The statement of the patch that is running, undefined outside of it. */
  readonly patch: Place | undefined;
  readonly world: World;
  readonly packet: SkBuff | undefined;
}

/** All steps of a story, in order. */
export function stepsOf({ run, moments }: Story, violations: readonly Violation[]): readonly ShownStep[] {
  const steps: ShownStep[] = [];
  let packet: SkBuff | undefined;
  let world = run.boot;
  const plain = (event: number, is: 'event' | 'change' | 'violation', text: string) =>
    steps.push({ event, is, text, place: undefined, where: [], patch: undefined, world, packet });
  for (const [event, step] of run.steps.entries()) {
    const played = run.events[event] as (typeof run.events)[number];
    plain(event, 'event', printEvent(played));
    for (const { is, text, place, where, moment } of linesOfStep(moments[event] ?? [])) {
      packet = moment.packet?.after ?? packet;
      for (const effect of moment.effects) if (effect.kind === 'xmit') packet = effect.skb;
      world = moment.after;
      steps.push({ event, is, text, place, where, patch: patchPlace(moment), world, packet });
    }
    world = step.world;
    const marked = soMarkText(world, played);
    if (marked !== '') plain(event, 'change', marked);
    for (const violation of violations)
      if (violation.event === event) plain(event, 'violation', `violates ${violation.property}`);
  }
  return steps;
}
