/**
 * `model/types/effects.ts` as it runs natively: the effects of a step are one list, which grows while the step lasts.
 *
 * A world that is left behind within a step shows what came after it, too; nothing looks there. Outside of a step, and
 * on worlds of other steps, an effect makes a new list, as in the model.
 */
import type { Picks } from '../../model/types/event.ts';
import type { Effect, World } from '../../model/types/world.ts';

/** The list of the step that runs; one that nobody has where none does. */
let open: Effect[] = [];

export function beginStep(net: World, picks: Picks): World {
  open = [];
  return { ...net, picks, effects: open };
}

export function emit(net: World, effect: Effect): World {
  if (net.effects !== open) return { ...net, effects: [...net.effects, effect] };
  open.push(effect);
  return net;
}

export function shown(net: World): readonly Effect[] {
  open = [];
  return net.effects;
}
