/** Hosts, events and packets in the words of a scenario, and what becomes of them: for tests of the model. */
import { hostCommand } from '../../model/host/commands.ts';
import { newWorld } from '../../model/host/newWorld.ts';
import { boot, step } from '../../model/host/step.ts';
import { transportChecksumCorrect } from '../../model/kernel/include/net/checksum.ts';
import { inet_rtm_getroute } from '../../model/kernel/net/ipv4/route.ts';
import { stock } from '../../model/patch/stock.ts';
import { type Event, NO_PICKS, type Picks } from '../../model/types/event.ts';
import { getSock, setSock } from '../../model/types/lookup.ts';
import type { SkBuff } from '../../model/types/packet.ts';
import type { Sock } from '../../model/types/sock.ts';
import type { Effect, Kernel, Step, World } from '../../model/types/world.ts';
import { parseEvent } from '../../scenario/events.ts';
import { formatAddress, formatFlags } from '../../scenario/format.ts';
import { parseHostLine } from '../../scenario/host.ts';
import { parseRouteGet, printRouteAnswer } from '../../scenario/routeGet.ts';
import { complete } from '../../scenario/tcpdump.ts';
import { addressOf } from '../../scenario/words.ts';

/** The 32 bits of an address written with dots, and the other way round. */
export { addressOf as ip, formatAddress as dotted };

// hosts

/** Two links, up, with the addresses of the original report. */
export const LINKS = [
  'ip link add eth0 type veth peer name eth0p',
  'ip link add eth1 type veth peer name eth1p',
  'ip link set eth0 up',
  'ip link set eth1 up',
  'ip addr add 10.0.0.1/24 dev eth0',
  'ip addr add 10.1.0.1/24 dev eth1',
] as const;

/** The host of the original report: marked packets leave by the second link. */
export const POST = [
  ...LINKS,
  'ip route add default via 10.0.0.254 src 10.0.0.1',
  'ip rule add fwmark 100 table 100',
  'ip route add default via 10.1.0.254 src 10.1.0.1 table 100',
] as const;

/** A host with one link and two addresses, for TCP with a neighbour. */
export const ONE_LINK = [
  'ip link add eth0 type veth peer name eth0p',
  'ip link set eth0 up',
  'ip addr add 10.0.0.1/24 dev eth0',
  'ip addr add 10.0.0.2/24 dev eth0',
] as const;

/** The first address of that host, and the neighbour. */
/** A home with two providers: the second one's routes in table 100. */
export const TWO_PROVIDERS = [
  'ip link add eth0 type veth peer name eth0p',
  'ip link set eth0 up',
  'ip addr add 192.168.1.10/24 dev eth0',
  'ip route add default via 192.168.1.1 dev eth0',
  'ip link add eth1 type veth peer name eth1p',
  'ip link set eth1 up',
  'ip addr add 10.8.0.2/24 dev eth1',
  'ip route add default via 10.8.0.1 dev eth1 table 100',
];

export const HERE = addressOf('10.0.0.1');
export const PEER = addressOf('10.0.0.254');

/** The rule of the report's host for packets to 8.8.8.8. */
export const MARK = 'iptables -t mangle -A OUTPUT -d 8.8.8.8 -j MARK --set-mark 100';

/** The host after more commands, all of which must be accepted. */
export function on(net: World, ...lines: readonly string[]): World {
  return lines.reduce((world, line) => {
    const done = hostCommand(world, parseHostLine(line));
    if (done.err !== 0) throw new Error(`${line}: ${done.message}`);
    return done.net;
  }, net);
}

/** A fresh host after the commands. */
export function host(...lines: readonly string[]): World {
  return on(newWorld(), ...lines);
}

/** The first line that `ip route get` prints, without mark, user and flags; the words of a refusal. */
export function get(net: World, args: string): string {
  const answer = inet_rtm_getroute(net, parseRouteGet(args.split(' ')));
  return printRouteAnswer(answer).replace(/( rt_offload_failed)?( mark \w+)?( uid \d+)? *\n[\s\S]*/, '');
}

/** A fresh host that a kernel has booted, with what its operator adds; refused commands show in its effects. */
export function booted(kernel: Kernel, ...lines: readonly string[]): World {
  return boot(kernel, lines.map(parseHostLine));
}

/** What the tool prints about a command, '' when it is accepted. */
export function says(net: World, line: string): string {
  return hostCommand(net, parseHostLine(line)).message;
}

/** The host with other values of its sysctls. */
export function sysctl(net: World, values: Partial<World['sysctl']>): World {
  return { ...net, sysctl: { ...net.sysctl, ...values } };
}

/** The world with a socket's fields changed. */
export function changed(net: World, id: number, fields: Partial<Sock>): World {
  return setSock(net, { ...getSock(net, id), ...fields });
}

// packets

/** A packet as tcpdump would write it, complete with checksums; `words` take the place of its payload. */
export function packet(text: string, words?: readonly number[]): SkBuff {
  const event = parseEvent(`receive eth0 ${text}`);
  if (event.kind !== 'receive') throw new Error(`no packet: ${text}`);
  const skb = { ...event.packet.skb, id: 1 };
  return words === undefined ? skb : complete({ ...skb, payload: { len: skb.payload.len, words } });
}

/** That packet arrives. */
export function arrives(dev: string, skb: SkBuff, cookieFor = 0): Event {
  return { kind: 'receive', dev, packet: { skb, cookieFor }, picks: NO_PICKS };
}

/** That TCP segment of PEER arrives at HERE. */
export function segment(
  flags: number,
  sport: number,
  dport: number,
  seq: number,
  ack_seq: number,
  len = 0,
  more: { readonly options?: readonly number[]; readonly cookieFor?: number; readonly mark?: number } = {},
): Event {
  const { options = [], cookieFor = 0, mark = 0 } = more;
  const skb = packet(`10.0.0.254:${sport} > 10.0.0.1:${dport} tcp none ${len}`);
  const th = { ...skb.th, flags, seq: seq >>> 0, ack_seq: ack_seq >>> 0, doff: 5 + options.length / 2, options };
  return arrives('eth0', complete({ ...skb, mark, th }), cookieFor);
}

/** A segment's flags as tcpdump writes them, and what a receiver says about its checksum. */
export function letters(skb: SkBuff): string {
  return `${formatFlags(skb.th.flags)}${transportChecksumCorrect(skb) ? '' : ' bad checksum'}`;
}

// what happens

/** An event, or the words of one. */
export type Happening = Event | string;

/** The steps of the events on that host. */
export function play(world: World, events: readonly Happening[], kernel = stock, picks?: Picks): readonly Step[] {
  const steps: Step[] = [];
  let net = world;
  for (const one of events) {
    const event = typeof one === 'string' ? parseEvent(one) : one;
    const next = step(kernel, net, { ...event, picks: picks ?? event.picks });
    steps.push(next);
    net = next.world;
  }
  return steps;
}

/** The last step of the events. */
export function last(world: World, events: readonly Happening[], kernel: Kernel = stock): Step {
  const step = play(world, events, kernel).at(-1);
  if (step === undefined) throw new Error('no event');
  return step;
}

/** The host after the events, and all that they showed. */
export function run(
  world: World,
  events: readonly Happening[],
  kernel: Kernel = stock,
  picks?: Picks,
): { readonly net: World; readonly effects: readonly Effect[] } {
  const steps = play(world, events, kernel, picks);
  return { net: steps.at(-1)?.world ?? world, effects: steps.flatMap(({ effects }) => effects) };
}

export type Xmit = Extract<Effect, { kind: 'xmit' }>;

/** The packets that left in a step. */
export function sentIn({ effects }: Step): readonly Xmit[] {
  return effects.filter((effect) => effect.kind === 'xmit');
}

/** The first packet that left in a step; a test that sees none fails here. */
export function firstSent(step: Step): Xmit {
  const [first] = sentIn(step);
  if (first === undefined) throw new Error('no packet left');
  return first;
}

/** The packets that left, without their links. */
export function wire(effects: readonly Effect[]): readonly SkBuff[] {
  return effects.flatMap((effect) => (effect.kind === 'xmit' ? [effect.skb] : []));
}

/** What system calls returned. */
export function errnos(effects: readonly Effect[]): readonly number[] {
  return effects.flatMap((effect) => (effect.kind === 'syscall' ? [effect.err] : []));
}
