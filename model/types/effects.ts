/**
 * What a step shows of itself, in the order in which it happens.
 *
 * Natively `tools/copies/effectLog.ts` stands in its place and lets one list grow: within a step the model must not go
 * back to a world that it has left.
 */
import type { Picks } from './event.ts';
import type { Effect, World } from './world.ts';

/** The world at the beginning of a step: with its choices, and nothing to show yet. */
export function beginStep(net: World, picks: Picks): World {
  return { ...net, picks, effects: [] };
}

/** The world with one more thing to show. */
export function emit(net: World, effect: Effect): World {
  return { ...net, effects: [...net.effects, effect] };
}

/** The world with other things to show: the text of a patch has its say about what its calls have shown. */
export function showInstead(net: World, effects: readonly Effect[]): World {
  return { ...net, effects };
}

/** What was shown, at the end of a step. */
export function shown(net: World): readonly Effect[] {
  return net.effects;
}

/** The sockets of a moment. */
type Moment = Pick<World, 'socks' | 'bhash'>;

/** Whether two moments have the same sockets, as far as that is known. Natively it is, where nothing was written between them. */
export function areSameSockets(_one: Moment, _other: Moment): boolean {
  return false;
}

/** Whether a step that ended in that world may depend on `picks.stack`. Natively it is known whether it read it. */
export function mayDependOnStack(_net: World): boolean {
  return true;
}
