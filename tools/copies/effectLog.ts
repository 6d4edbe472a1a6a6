/**
 * `model/types/effects.ts` as it runs natively: the effects of a step are one list, which grows while the step lasts, and
 * the choices of a step know whether it read `picks.stack`.
 *
 * A world that is left behind within a step shows what came after it, too; nothing looks there. Outside of a step, and
 * on worlds of other steps, an effect makes a new list, as in the model.
 */
import type { Picks } from '../../model/types/event.ts';
import type { Effect, World } from '../../model/types/world.ts';

/** The list of the step that runs; one that nobody has where none does. */
let open: Effect[] = [];

/** Choices that notice when somebody asks what memory held. */
class WatchedPicks implements Picks {
  readonly port_offset: number;
  readonly isn: number;
  readonly random: number;
  isStackRead: boolean;
  private readonly picks: Picks;

  constructor(picks: Picks) {
    this.port_offset = picks.port_offset;
    this.isn = picks.isn;
    this.random = picks.random;
    this.isStackRead = false;
    this.picks = picks;
  }

  get stack(): number {
    this.isStackRead = true;
    return this.picks.stack;
  }

  /** As the model has them. */
  toJSON(): Picks {
    return this.picks;
  }
}

export function beginStep(net: World, picks: Picks): World {
  open = [];
  return { ...net, picks: new WatchedPicks(picks), effects: open };
}

export function emit(net: World, effect: Effect): World {
  if (net.effects !== open) return { ...net, effects: [...net.effects, effect] };
  open.push(effect);
  return net;
}

export function showInstead(net: World, effects: readonly Effect[]): World {
  if (net.effects !== open) return { ...net, effects };
  open = [...effects];
  return { ...net, effects: open };
}

export function shown(net: World): readonly Effect[] {
  open = [];
  return net.effects;
}

export function areSameSockets(one: Pick<World, 'socks' | 'bhash'>, other: Pick<World, 'socks' | 'bhash'>): boolean {
  return one.socks === other.socks && one.bhash === other.bhash;
}

export function mayDependOnStack({ picks }: World): boolean {
  return !(picks instanceof WatchedPicks) || picks.isStackRead;
}
