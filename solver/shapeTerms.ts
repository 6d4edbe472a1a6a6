/**
 * A shape as text of known numbers, and as commands and events whose numbers are terms.
 *
 * The lines are read twice with different numbers in their places: what differs afterwards is a place, what is equal is
 * no place. A number that differs but is no place's own would be computed while reading; that is refused.
 */
import { setTransportChecksum } from '../model/kernel/include/net/checksum.ts?lifted';
import { ip_send_check } from '../model/kernel/net/ipv4/ip_output.ts?lifted';
import type { Place, ProofShape, ShapeScope } from '../properties/scopes/proofs.ts';
import { compile } from '../scenario/text.ts';
import type { Fresh } from './inputs.ts';
import { type Numbers, placesOf, textOf } from './shapeText.ts';
import { InternalError, type Num } from './terms/term.ts';

/** Numbers of two readings, none of which stands anywhere else in the scenario. */
function marks(places: readonly Place[], reading: 0 | 1): Numbers {
  return Object.fromEntries(
    places.map(({ name, lo, hi }, at) => [
      name,
      lo + Math.floor(((hi - lo) * (2 * at + 1 + reading)) / (2 * places.length + 2)),
    ]),
  );
}

/** Fields that a reader of packets computes; the model's own functions compute them again. */
const COMPUTED = new Set(['check', 'checksum']);

/** The scenario of a shape with terms (or numbers) in its places. */
export type Template = (fresh: Fresh) => { readonly host: unknown; readonly events: unknown };

/** Reads a shape once; the result makes its scenario for any numbers. */
export function templateOf(scope: Pick<ShapeScope, 'places'>, shape: ProofShape): Template {
  const places = placesOf(scope, shape);
  const [first, second] = [marks(places, 0), marks(places, 1)];
  const [a, b] = [compile(textOf(scope, shape, first)), compile(textOf(scope, shape, second))];
  return (fresh) => {
    const number = (x: number, y: number): Num => {
      const place = places.find(({ name }) => first[name] === x && second[name] === y);
      if (!place) throw new InternalError(`${shape.name}: ${x} is computed from a place`);
      return fresh(place.name, place.lo, place.hi);
    };
    const fill = (x: unknown, y: unknown, key: string): unknown => {
      if (typeof x === 'number' && x !== y && !COMPUTED.has(key)) return number(x, y as number);
      if (Array.isArray(x)) return x.map((item, at) => fill(item, (y as unknown[])[at], key));
      if (typeof x !== 'object' || x === null) return x;
      const other = y as Record<string, unknown>;
      return Object.fromEntries(Object.entries(x).map(([name, value]) => [name, fill(value, other[name], name)]));
    };
    const events = fill(a.events, b.events, '') as { kind: string; packet?: object }[];
    return { host: fill(a.host, b.host, ''), events: events.map(complete) };
  };
}

/** An arriving packet with the checksums of a correct sender. */
function complete(event: { readonly kind: string; readonly packet?: object }): unknown {
  if (event.kind !== 'receive') return event;
  const packet = event.packet as { readonly skb: { readonly iph: { readonly saddr: Num; readonly daddr: Num } } };
  const iph = ip_send_check(packet.skb.iph);
  return { ...event, packet: { ...packet, skb: setTransportChecksum({ ...packet.skb, iph }, iph.saddr, iph.daddr) } };
}
