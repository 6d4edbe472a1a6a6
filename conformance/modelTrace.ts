/** A scenario on the model, told as the player tells what a kernel did. */

import { hostCommand } from '../model/host/commands.ts';
import { PEER_ISN } from '../model/host/peer.ts';
import { boot, ended, newHost, step } from '../model/host/step.ts';
import { dev_get_by_index, skb_checksum_help } from '../model/kernel/net/core/dev.ts';
import { tcp_parse_options } from '../model/kernel/net/ipv4/tcp_input.ts';
import { EINPROGRESS, EPIPE } from '../model/types/errno.ts';
import type { Event } from '../model/types/event.ts';
import { getSock, setSock } from '../model/types/lookup.ts';
import { LOOPBACK_IFINDEX } from '../model/types/net.ts';
import {
  IPPROTO_ICMP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  type SkBuff,
  TCPHDR_ACK,
  TCPHDR_FIN,
  TCPHDR_SYN,
} from '../model/types/packet.ts';
import {
  SOCK_PING,
  SOCK_RAW,
  SOCK_REQUEST,
  SOCK_TCP,
  SOCK_TIMEWAIT,
  SOCK_UDP,
  type Sock,
  TCP_LISTEN,
} from '../model/types/sock.ts';
import type { Effect, Kernel, Step, World } from '../model/types/world.ts';
import { errorName } from '../scenario/errno.ts';
import { formatAddress, formatEndpoint, formatFlags, formatProtocol } from '../scenario/format.ts';
import { complete } from '../scenario/tcpdump.ts';
import { commandOf, eventOfLine, type Text } from '../scenario/text.ts';
import { namedSockets, signatureOf, stateName } from '../scenario/trace.ts';
import { ipVerdict, transportVerdict } from './checksums.ts';
import { picksOf, withHashKey, withSecret } from './choices.ts';
import type { KernelCall, KernelDelivery, KernelPacket, KernelTrace } from './running/player.ts';

type Xmit = Extract<Effect, { readonly kind: 'xmit' }>;

/** What both sides can tell of a packet. */
export type SeenPacket = Omit<KernelPacket, 'socket' | 'gateway' | 'seq' | 'ack' | 'cookie'> & {
  readonly cookie?: boolean;
  /** An IPsec policy protects it: what leaves is another packet, or none where nobody has negotiated. */
  readonly protected?: boolean;
};

/** What both sides can tell of a socket at the end. */
export interface SeenSocket {
  readonly state: string;
  readonly hashed: boolean;
}

/** What both sides can tell of a scenario. */
export interface Seen {
  /** Indices of the host's commands that were refused. */
  readonly setup: readonly number[];
  /** Indices of the `host` events that were refused. */
  readonly refused: readonly number[];
  readonly packets: readonly SeenPacket[];
  readonly calls: readonly KernelCall[];
  /** What programs read after each event; all bytes of a connection together. */
  readonly deliveries: readonly KernelDelivery[];
  /** getsockname() of every open socket after each event. */
  readonly names: readonly Readonly<Record<string, string>>[];
  readonly sockets: Readonly<Record<string, SeenSocket>>;
  /** How many events both sides are to be compared for. */
  readonly events: number;
  /** The kernel function in which the last of these events crashed; '' where none did. */
  readonly oops: string;
}

/** What a peer knows of a conversation from the packets that it gets. */
interface Flow {
  hostNext: number;
  hostAck: number;
  peerNext: number;
}

/** Sequence numbers that a segment takes. */
function space({ th, payload }: SkBuff): number {
  return payload.len + ((th.flags & TCPHDR_SYN) !== 0 ? 1 : 0) + ((th.flags & TCPHDR_FIN) !== 0 ? 1 : 0);
}

/** Gives arriving packets the numbers that come next in their conversations, as the player does. */
class Peer {
  private readonly flows = new Map<string, Flow>();

  private flow(saddr: number, sport: number, daddr: number, dport: number): Flow {
    const key = `${saddr}:${sport} ${daddr}:${dport}`;
    const known = this.flows.get(key) ?? { hostNext: -1, hostAck: 0, peerNext: -1 };
    this.flows.set(key, known);
    return known;
  }

  saw(skb: SkBuff): void {
    if (skb.iph.protocol !== IPPROTO_TCP) return;
    const flow = this.flow(skb.iph.saddr, skb.th.source, skb.iph.daddr, skb.th.dest);
    flow.hostNext = (skb.th.seq + space(skb)) >>> 0;
    if ((skb.th.flags & TCPHDR_ACK) !== 0) flow.hostAck = skb.th.ack_seq;
  }

  /** Notes what the peer has sent in that event of its own: it comes before anything else. */
  sent(event: Event, effects: readonly Effect[]): void {
    const came = effects.find((effect) => effect.kind === 'alloc')?.skb;
    if ((event.kind !== 'answer' && event.kind !== 'say') || came?.iph.protocol !== IPPROTO_TCP) return;
    const { iph, th } = came;
    this.flow(iph.daddr, th.dest, iph.saddr, th.source).peerNext = (th.seq + space(came)) >>> 0;
  }

  /** The event with those numbers; other events are as they were. */
  numbered(event: Event): Event {
    return event.kind === 'receive'
      ? { ...event, packet: { ...event.packet, skb: this.withNumbers(event.packet.skb) } }
      : event;
  }

  private withNumbers(skb: SkBuff): SkBuff {
    const { iph, th, icmph } = skb;
    if (iph.protocol === IPPROTO_ICMP) return complete({ ...skb, icmph: { ...icmph, id: 1, sequence: 1 } });
    if (iph.protocol !== IPPROTO_TCP) return skb;
    const flow = this.flow(iph.daddr, th.dest, iph.saddr, th.source);
    const seq = flow.hostAck !== 0 ? flow.hostAck : flow.peerNext >= 0 ? flow.peerNext : PEER_ISN;
    const ack_seq = (th.flags & TCPHDR_ACK) === 0 ? 0 : flow.hostNext >= 0 ? flow.hostNext : 1;
    flow.peerNext = (seq + space(skb)) >>> 0;
    return complete({ ...skb, th: { ...th, seq, ack_seq } });
  }
}

/** Whether packets leave by that link without a neighbour: for a program, or for the other end of a tunnel. */
function hasNoNeighbour(net: World, ifindex: number): boolean {
  return net.devs.some((dev) => dev.ifindex === ifindex && ['tun', 'ppp', 'wireguard', 'gre'].includes(dev.kind));
}

function deviceName(net: World, ifindex: number): string {
  return net.devs.find((dev) => dev.ifindex === ifindex)?.name ?? `if${ifindex}`;
}

function seenXmit(net: World, event: number, { dev, gateway, skb }: Xmit): SeenPacket {
  const { iph, th, uh, icmph } = skb;
  const protocol = formatProtocol(iph.protocol);
  const isTcp = iph.protocol === IPPROTO_TCP;
  const signature = signatureOf(skb);
  const { foc } = isTcp ? tcp_parse_options(th) : { foc: 0 };
  return {
    event,
    dev: deviceName(net, dev),
    nexthop: hasNoNeighbour(net, dev) ? '' : formatAddress(gateway === 0 ? iph.daddr : gateway),
    saddr: formatAddress(iph.saddr),
    daddr: formatAddress(iph.daddr),
    protocol: protocol === String(iph.protocol) ? iph.protocol : protocol,
    ...(isTcp ? { sport: th.source, dport: th.dest, flags: formatFlags(th.flags) } : {}),
    ...(iph.protocol === IPPROTO_UDP ? { sport: uh.source, dport: uh.dest } : {}),
    ...(iph.protocol === IPPROTO_ICMP ? { icmp_type: icmph.type, icmp_code: icmph.code, icmp_id: icmph.id } : {}),
    payload: skb.payload.len,
    tos: iph.tos,
    ip_checksum: ipVerdict(skb),
    checksum: transportVerdict(skb_checksum_help(skb)),
    ...(foc > 0 ? { cookie: true } : {}),
    ...(signature === '' ? {} : { signature }),
    ...(foc < 0 ? { cookie_request: true } : {}),
    ...(skb.dst.xfrm ? { protected: true } : {}),
  };
}

/** The world in which no rate limit holds an acknowledgement back: on the kernel they are off. */
function unlimited(net: World): World {
  return net.socks.some((sk) => sk.last_oow_ack_time >= 0)
    ? { ...net, socks: net.socks.map((sk) => ({ ...sk, last_oow_ack_time: -1 })) }
    : net;
}

/** The user reads pending errors after every event. */
function readErrors(before: World, event: number): { readonly net: World; readonly calls: readonly KernelCall[] } {
  let net = unlimited(before);
  const calls: KernelCall[] = [];
  for (const sk of before.socks) {
    // A reset behind a FIN: recv() says that the peer has ended, and does not look at the error.
    const ended = sk.kind === SOCK_TCP && sk.sk_err === EPIPE;
    if (sk.name === '' || sk.orphan || sk.sk_err === 0 || sk.sk_state === TCP_LISTEN || ended) continue;
    calls.push({ event, socket: sk.name, call: 'recv', errno: errorName(-sk.sk_err) });
    net = setSock(net, { ...getSock(net, sk.id), sk_err: 0 });
  }
  return { net, calls };
}

/** Datagrams that came for open sockets of users in a step, and bytes of their connections. */
function deliveriesIn(before: World, { world, effects }: Step, event: number): readonly KernelDelivery[] {
  const datagrams = effects.flatMap((effect): KernelDelivery[] => {
    if (effect.kind !== 'deliver') return [];
    const { skb } = effect;
    const sk = getSock(world, effect.sk);
    if (!isOpen(sk)) return [];
    if (sk.kind !== SOCK_UDP && sk.kind !== SOCK_RAW && sk.kind !== SOCK_PING) return [];
    const { saddr } = skb.iph;
    const from = sk.kind === SOCK_UDP ? formatEndpoint(saddr, skb.uh.source) : formatAddress(saddr);
    return [{ event, socket: sk.name, from, length: skb.payload.len }];
  });
  const streams = world.socks
    .filter((sk) => sk.kind === SOCK_TCP && isOpen(sk))
    .flatMap((sk): KernelDelivery[] => {
      const length = sk.received - getSock(before, sk.id).received;
      return length === 0 ? [] : [{ event, socket: sk.name, from: '', length }];
    });
  return [...datagrams, ...streams];
}

/** The same with the bytes of each connection together. */
function joined(deliveries: readonly KernelDelivery[]): readonly KernelDelivery[] {
  const all: KernelDelivery[] = [];
  for (const one of deliveries) {
    const at = all.findIndex(({ event, socket }) => one.from === '' && event === one.event && socket === one.socket);
    if (at < 0) all.push(one);
    else all[at] = { ...one, length: one.length + (all[at] as KernelDelivery).length };
  }
  return all;
}

/** Whether events can name the socket, and the user asks for its name. */
function isOpen(sk: Sock): boolean {
  return sk.name !== '' && !sk.orphan && sk.kind !== SOCK_REQUEST && sk.kind !== SOCK_TIMEWAIT;
}

function namesIn(net: World): Readonly<Record<string, string>> {
  return Object.fromEntries(
    net.socks
      .filter(isOpen)
      .map((sk) => [
        sk.name,
        formatEndpoint(sk.inet_rcv_saddr !== 0 ? sk.inet_rcv_saddr : sk.inet_saddr, sk.inet_sport),
      ]),
  );
}

function seenSocket(sk: Sock): SeenSocket {
  return { state: stateName(sk), hashed: sk.hashed };
}

/** `first` holds, by name, the least id that the socket opened last under that name can have. */
function socketsIn(net: World, first: ReadonlyMap<string, number>): Readonly<Record<string, SeenSocket>> {
  const socks = net.socks.filter(
    ({ name, kind, id, parent }) => (kind === SOCK_TIMEWAIT ? parent : id) >= (first.get(name) ?? 0),
  );
  return Object.fromEntries([...namedSockets({ ...net, socks })].map(([name, sk]) => [name, seenSocket(sk)]));
}

/** Whether the far end of that device sees packets: not of lo, nor of a tunnel, whose packets leave by another one. */
function onWire(net: World, dev: number): boolean {
  return dev !== LOOPBACK_IFINDEX && dev_get_by_index(net, dev).tunnel_daddr === 0;
}

/** Plays a scenario on a model kernel, with that garbage where nobody initialised memory, and that secret (choices.ts). */
export function modelSees(variant: Kernel, text: Text, stack = 0, secret = 0): Seen {
  const kernel = withSecret(variant, secret);
  const host = text.host.map(commandOf);
  const setup: number[] = [];
  let trial = newHost(kernel);
  for (const [index, command] of host.entries()) {
    const done = hostCommand(trial, command);
    trial = done.net;
    if (done.err !== 0) setup.push(index);
  }
  const peer = new Peer();
  const refused: number[] = [];
  const packets: SeenPacket[] = [];
  const calls: KernelCall[] = [];
  const deliveries: KernelDelivery[] = [];
  const names: Readonly<Record<string, string>>[] = [];
  const first = new Map<string, number>();
  let net = withHashKey(boot(kernel, host), secret);
  for (const [index, line] of text.events.entries()) {
    const event = eventOfLine(line);
    if (event.kind === 'socket') first.set(event.s, net.next_sock);
    const done = step(kernel, net, { ...peer.numbered(event), picks: picksOf(index, secret, stack) });
    peer.sent(event, done.effects);
    for (const effect of done.effects) {
      if (effect.kind === 'refused') refused.push(index);
      if (effect.kind === 'xmit' && onWire(done.world, effect.dev)) {
        packets.push(seenXmit(done.world, index, effect));
        peer.saw(effect.skb);
      }
      if (effect.kind === 'syscall') {
        const errno = effect.err === 0 || effect.err === -EINPROGRESS ? '' : errorName(effect.err);
        calls.push({ event: index, socket: 's' in event ? event.s : '', call: effect.call, errno });
      }
    }
    deliveries.push(...deliveriesIn(net, done, index));
    const read = readErrors(done.world, index);
    calls.push(...read.calls);
    net = read.net;
    names.push(namesIn(net));
    if (ended(net)) break;
  }
  const sockets = socketsIn(net, first);
  return { setup, refused, packets, calls, deliveries, names, sockets, events: names.length, oops: net.oops.where };
}

/** The same of what the player saw a kernel do. */
export function kernelSees(trace: KernelTrace): Seen {
  const unbound = trace.calls.find(({ call, errno }) => call === 'setsockopt' && errno !== '');
  return {
    setup: trace.setup.map(({ index }) => index),
    refused: trace.refused.map(({ event }) => event),
    packets: trace.packets.map(({ socket, gateway, seq, ack, cookie, ...packet }) => ({
      ...packet,
      ...(cookie === undefined ? {} : { cookie: true }),
    })),
    calls: trace.calls.filter(({ call }) => call !== 'setsockopt'),
    deliveries: joined(trace.deliveries),
    names: trace.names,
    sockets: Object.fromEntries(
      Object.entries(trace.sockets).map(([name, { state, hashed }]) => [name, { state, hashed }]),
    ),
    events: unbound?.event ?? trace.names.length,
    oops: '',
  };
}
