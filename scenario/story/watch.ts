/**
 * What the watched twins of the model tell (`tools/watch/`): after which statement of which function the world or a
 * packet was another one.
 */
import type { SkBuff } from '../../model/types/packet.ts';
import type { Effect, World } from '../../model/types/world.ts';

/** A statement of the model. */
export interface Place {
  readonly fn: string;
  /** `model/kernel/net/ipv4/route.ts`. */
  readonly path: string;
  readonly line: number;
}

/** A statement after which something was different. */
export interface Moment {
  readonly at: Place;
  /** The statements that were on the way to it, the outermost first. */
  readonly callers: readonly Place[];
  readonly before: World;
  readonly after: World;
  /** The packet that is another one now, as it was (undefined: it is new) and as it is. */
  readonly packet: { readonly before: SkBuff | undefined; readonly after: SkBuff } | undefined;
  /** What was shown. */
  readonly effects: readonly Effect[];
}

/** Where a statement stands. */
type Spot = Omit<Place, 'fn'>;

interface Frame {
  readonly fn: string;
  spot: Spot;
  /** Called with a world that had been left: what it does there is no change. */
  readonly isAside: boolean;
}

/** What is known while a step is watched; packets live longer than a step. */
interface Watch {
  readonly moments: Moment[];
  readonly frames: Frame[];
  world: World;
  shown: number;
  readonly packets: Packets;
  readonly seen: WeakSet<object>;
}

/** The packets of a run as they were last seen, by id. */
export type Packets = Map<number, SkBuff>;

let running: Watch | undefined;

function isWorld(value: object): value is World {
  return 'rt_genid' in value && 'socks' in value;
}

function isPacket(value: object): value is SkBuff {
  return 'iph' in value && 'headroom' in value && (value as SkBuff).id !== 0;
}

const OUTSIDE: Place = { fn: '', path: '', line: 0 };

function note(watch: Watch, change: Pick<Moment, 'before' | 'after' | 'packet' | 'effects'>): void {
  const callers = watch.frames.map(({ fn, spot }): Place => ({ fn, ...spot }));
  watch.moments.push({ at: callers.pop() ?? OUTSIDE, callers, ...change });
}

function sawWorld(watch: Watch, world: World): void {
  const effects = world.effects.slice(watch.shown);
  if (world === watch.world ? effects.length === 0 : watch.seen.has(world)) return;
  watch.seen.add(world);
  note(watch, { before: watch.world, after: world, packet: undefined, effects });
  watch.world = world;
  watch.shown = Math.max(watch.shown, world.effects.length);
}

function sawPacket(watch: Watch, skb: SkBuff): void {
  const before = watch.packets.get(skb.id);
  if (before === skb || watch.seen.has(skb)) return;
  watch.seen.add(skb);
  watch.packets.set(skb.id, skb);
  note(watch, { before: watch.world, after: watch.world, packet: { before, after: skb }, effects: [] });
}

/** A value, or a record of values. */
function saw(watch: Watch, value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  if (isWorld(value)) sawWorld(watch, value);
  if (isPacket(value)) sawPacket(watch, value);
  const { net, skb } = value as { readonly net?: unknown; readonly skb?: unknown };
  if (typeof skb === 'object' && skb !== null && isPacket(skb)) sawPacket(watch, skb);
  if (typeof net === 'object' && net !== null && isWorld(net)) sawWorld(watch, net);
}

function isLeft(watch: Watch, value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && isWorld(value) && value !== watch.world && watch.seen.has(value)
  );
}

/** A function begins. */
export function enter(fn: string, spot: Spot, parameters: readonly unknown[]): Frame | undefined {
  if (running === undefined) return undefined;
  const watch = running;
  const isAside = watch.frames.at(-1)?.isAside === true || parameters.some((value) => isLeft(watch, value));
  if (!isAside) for (const value of parameters) saw(watch, value);
  const frame = { fn, spot, isAside };
  watch.frames.push(frame);
  return frame;
}

/** That statement of a function begins. */
export function line(frame: Frame | undefined, spot: Spot): void {
  if (frame !== undefined) frame.spot = spot;
}

/** A statement of the innermost function has assigned those values. */
export function at(spot: Spot, values: readonly unknown[]): void {
  const frame = running?.frames.at(-1);
  if (running === undefined || frame === undefined) return;
  frame.spot = spot;
  if (!frame.isAside) for (const value of values) saw(running, value);
}

/** The function returns that value. */
export function leave<T>(frame: Frame | undefined, spot: Spot, value: T): T {
  if (running === undefined || frame === undefined) return value;
  frame.spot = spot;
  if (!frame.isAside) saw(running, value);
  running.frames.pop();
  return value;
}

/** What happens while `act` plays on `start`, statement by statement, and what comes of it. */
export function watching<T>(
  packets: Packets,
  start: World,
  act: (world: World) => T,
): { readonly value: T; readonly moments: readonly Moment[] } {
  const world = { ...start, effects: [] };
  const watch: Watch = {
    moments: [],
    frames: [],
    world,
    shown: 0,
    packets,
    seen: new WeakSet([world]),
  };
  running = watch;
  try {
    return { value: act(world), moments: watch.moments };
  } finally {
    running = undefined;
  }
}
