/** Hosts and events in short, for tests that play scenarios on the model. */
import { boot, step } from '../../model/host/step.ts';
import { stock } from '../../model/patch/stock.ts';
import { type Event, type EventOf, NO_ENDPOINT, NO_PICKS } from '../../model/types/event.ts';
import type { SkBuff } from '../../model/types/packet.ts';
import type { Effect, Kernel, Step, World } from '../../model/types/world.ts';
import { parseEvent } from '../../scenario/events.ts';
import { parseHostCommand } from '../../scenario/host.ts';
import { addressOf } from '../../scenario/words.ts';

/** The address written with dots. */
export function ip(text: string): number {
  return addressOf(text);
}

/** A host with the two providers of the original post; only packets to 8.8.8.8 are marked. */
export const TWO_UPLINKS = [
  'ip link set lo up',
  'ip link add eth0 type veth peer name eth0p',
  'ip link add eth1 type veth peer name eth1p',
  'ip link set eth0 up',
  'ip link set eth1 up',
  'ip addr add 10.0.0.1/24 dev eth0',
  'ip addr add 10.1.0.1/24 dev eth1',
  'ip route add default via 10.0.0.254 src 10.0.0.1',
  'ip route add default via 10.1.0.254 src 10.1.0.1 table 100',
  'ip rule add fwmark 100 table 100',
];

export const MARK_ALL = 'iptables -t mangle -A OUTPUT -d 8.8.8.8 -j MARK --set-mark 100';

export function host(lines: readonly string[], kernel: Kernel = stock): World {
  return boot(
    kernel,
    lines.map((line) => parseHostCommand(line)),
  );
}

export function socket(s: string, type: EventOf<'socket'>['type'], more: Partial<EventOf<'socket'>> = {}): Event {
  const plain = parseEvent(`socket ${s} ${type === 'raw' ? 'raw icmp' : type}`) as EventOf<'socket'>;
  return { ...plain, protocol: 0, ...more };
}

export function bind(s: string, addr: string, port = 0): Event {
  return { kind: 'bind', s, to: { given: true, addr: ip(addr), port }, picks: NO_PICKS };
}

export function connect(s: string, addr: string, port: number, tfo = false): Event {
  return { kind: 'connect', s, to: { given: true, addr: ip(addr), port }, tfo, picks: NO_PICKS };
}

export function send(s: string, len: number, more: Partial<EventOf<'send'>> = {}): Event {
  return {
    kind: 'send',
    s,
    len,
    to: NO_ENDPOINT,
    from: 0,
    via: '',
    dontroute: false,
    flags: -1,
    tfo: false,
    picks: NO_PICKS,
    ...more,
  };
}

export function sendTo(s: string, len: number, addr: string, port = 0, more: Partial<EventOf<'send'>> = {}): Event {
  return send(s, len, { to: { given: true, addr: ip(addr), port }, ...more });
}

export function simple(event: 'listen' | 'close' | 'answer' | 'retransmit', s: string): Event {
  return event === 'listen' ? { kind: event, s, tfo: false, picks: NO_PICKS } : { kind: event, s, picks: NO_PICKS };
}

export function receive(dev: string, skb: SkBuff): Event {
  return { kind: 'receive', dev, packet: { skb, cookieFor: 0 }, picks: NO_PICKS };
}

export function command(line: string): Event {
  return { kind: 'host', command: parseHostCommand(line), picks: NO_PICKS };
}

export function wait(ms: number): Event {
  return { kind: 'wait', ms, picks: NO_PICKS };
}

/** The steps of the events on that host. */
export function play(world: World, events: readonly Event[], kernel: Kernel = stock): Step[] {
  const steps: Step[] = [];
  let net = world;
  for (const event of events) {
    const next = step(kernel, net, event);
    steps.push(next);
    net = next.world;
  }
  return steps;
}

/** The last step of the events. */
export function last(world: World, events: readonly Event[], kernel: Kernel = stock): Step {
  return play(world, events, kernel).at(-1) as Step;
}

/** What the events' system calls returned. */
export function errnos(world: World, events: readonly Event[]): number[] {
  return play(world, events).flatMap(({ effects }) => effects.flatMap((e) => (e.kind === 'syscall' ? [e.err] : [])));
}

export type Xmit = Extract<Effect, { kind: 'xmit' }>;

/** The packets that left in a step. */
export function sentIn({ effects }: Step): Xmit[] {
  return effects.filter((e): e is Xmit => e.kind === 'xmit');
}

/** The first packet that left in a step; a test that sees none fails here. */
export function firstSent(step: Step): Xmit {
  const [packet] = sentIn(step);
  if (packet === undefined) throw new Error('no packet left');
  return packet;
}

/** The world after a step; a test that has none fails here. */
export function worldAt(steps: readonly Step[], at: number): World {
  const step = steps[at];
  if (step === undefined) throw new Error(`no step ${at}`);
  return step.world;
}
