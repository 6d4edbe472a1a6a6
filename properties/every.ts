/** Properties stated of one kind of effect: of which of them the claim speaks, and what must be true of those. */
import type { Effect } from '../model/types/world.ts';
import { isMangled, isReroute, leaves, type Mangled, type Reroute, type Xmit } from './packets.ts';
import { effectsOf, everyStep, type Property, type Run, type Stated } from './property.ts';

type Question<E> = (run: Run, i: number, e: E) => boolean;

interface Parts<E> {
  /** Whether the claim speaks of that effect of step `i`; of every one by default. */
  readonly speaksOf?: Question<E>;
  /** What must then be true of it. */
  readonly holds: Question<E>;
  /** Which of those that the claim speaks of show that its case occurs; all by default. */
  readonly sometimes?: Question<E>;
}

type StatedOf<E> = Omit<Stated, 'holds' | 'sometimes' | 'asksOf' | 'asksWhere' | 'each'> & Parts<E>;

function yes(): boolean {
  return true;
}

function every<E extends Xmit | Reroute | Mangled>(
  about: E['kind'],
  isOne: (e: Effect) => e is E,
  { speaksOf = yes, holds, sometimes = yes, ...stated }: StatedOf<E>,
): Property {
  return everyStep({
    ...stated,
    asksOf: [about],
    each: { about, isOne, speaksOf, holds, sometimes },
    holds(run, i) {
      let ok = true;
      for (const e of effectsOf(run, i)) ok = ok && (!isOne(e) || !speaksOf(run, i, e) || holds(run, i, e));
      return ok;
    },
    sometimes(run, i) {
      let seen = false;
      for (const e of effectsOf(run, i)) seen = seen || (isOne(e) && speaksOf(run, i, e) && sometimes(run, i, e));
      return seen;
    },
  });
}

/** A property of every packet that leaves. */
export function everyDeparture(stated: StatedOf<Xmit>): Property {
  return every('xmit', leaves, stated);
}

/** A property of every second route lookup. */
export function everyReroute(stated: StatedOf<Reroute>): Property {
  return every('reroute', isReroute, stated);
}

/** A property of every packet that the mangle hook is done with. */
export function everyMangled(stated: StatedOf<Mangled>): Property {
  return every('mangled', isMangled, stated);
}
