/** Moves: what may change of a socket when a packet of it gets another source, and what a move may not take from others. */
import { transportChecksumCorrect } from '../model/kernel/include/net/checksum.ts';
import {
  inet_is_local_reserved_port,
  inet_sk_get_local_port_range,
} from '../model/kernel/net/ipv4/inet_connection_sock.ts';
import { ip_route_connect } from '../model/kernel/net/ipv4/route.ts';
import { EADDRNOTAVAIL } from '../model/types/errno.ts';
import { sockByName } from '../model/types/lookup.ts';
import type { SkBuff } from '../model/types/packet.ts';
import { NO_SOCK, SOCK_BINDPORT_LOCK, SOCK_RAW, SOCK_TCP, type Sock, type WriteQueueSeg } from '../model/types/sock.ts';
import type { Effect } from '../model/types/world.ts';
import { sameEnds } from './address.ts';
import { everyDeparture, everyReroute } from './every.ts';
import { onOneTuple } from './oneTuple.ts';
import { hasTuple, inSocks, isSyn, ownerOf } from './packets.ts';
import { effectsOf, eventOf, everyStep, type Property, type Run, worldBefore } from './property.ts';
import { fewPorts, owners, takenPorts, twoUplinks } from './scopes/runs.ts';
import { departure } from './sentences.ts';

export const moveProperties: readonly Property[] = [
  everyReroute({
    id: 'failed-move-leaves-socket',
    concern: 'tuple',
    gravity: 'dead connection',
    claim:
      'When the mangle hook drops a packet or lets it keep its source, its socket has every address, port, number and route that it had before.',
    asked: [
      'netfilter: a verdict decides about a packet',
      'tcp_connect_queue_skb(), tcp_transmit_skb(): what is sent again',
    ],
    onStock: '',
    scope: twoUplinks,
    speaksOf: (run, i, { before }) => before.sk !== 0 && (isDropped(run, i, before) || keepsSource(run, i, before)),
    holds: (run, i, { before, socks }) => sameState(inSocks(socks, before.sk), leftByHook(run, i, before)),
    sometimes: (run, i, { before }) => isDropped(run, i, before),
    finding(run, i) {
      let dropped = false;
      for (const e of effectsOf(run, i)) dropped = dropped || (e.kind === 'reroute' && isDropped(run, i, e.before));
      return dropped
        ? 'the hook drops the packet, yet its socket is not what it was before'
        : 'the hook leaves the packet its source, yet its socket is not what it was before';
    },
  }),

  everyReroute({
    id: 'free-port-is-kept',
    concern: 'tuple',
    gravity: 'dead connection',
    claim:
      'A connection whose SYN gets another source keeps its port where that is free at the new address, and is not refused there.',
    asked: [
      'ip(7): ip_local_port_range is what programs and firewalls of the operator count on',
      'connect(2): EADDRNOTAVAIL, all port numbers are in use',
    ],
    onStock: '',
    scope: takenPorts,
    speaksOf: (_run, _i, { err, before }) => err === 0 && isBuiltSyn(before),
    holds(run, i, { before, after, socks }) {
      const left = lastOf(run, i, before);
      const refused = refusedByHook(effectsOf(run, i), before.id);
      const kept = left.th.source === before.th.source && !refused;
      const saddr = refused ? 0 : left.iph.saddr;
      return kept || taken(socks, before.sk, saddr, before.th.source, after.iph.daddr, before.th.dest);
    },
    finding: (run, i) =>
      `${departure(run, i)}, or not at all, although the port that it had is free at the new address`,
  }),

  everyStep({
    id: 'free-port-is-found',
    concern: 'tuple',
    gravity: 'dead connection',
    claim:
      'connect() is refused for want of a port only where each port of the range is reserved, was bound by somebody, or is taken towards that peer from the address that the socket would have.',
    asked: [
      'connect(2): EADDRNOTAVAIL, all port numbers are in use',
      'ip(7): ip_local_port_range',
      '__inet_hash_connect(): it tries an even number of ports',
    ],
    onStock: '',
    proof: 'same-peer',
    scope: takenPorts,
    asksOf: ['syscall'],
    holds: (run, i) => !lacksPort(run, i) || freePorts(run, i) <= 0,
    sometimes: lacksPort,
    finding: () => 'connect() finds no port, although one is free',
  }),

  everyReroute({
    id: 'moved-socket-takes-free-tuple',
    concern: 'tuple',
    gravity: 'wrong connection',
    claim:
      'A socket that gets another address or port does not take the four-tuple of another socket, one that is bound to a device included.',
    asked: [
      'RFC 9293 section 3.3.1 (a connection is a pair of sockets)',
      '__inet_check_established(): what it is asked for',
    ],
    onStock: '',
    scope: fewPorts,
    speaksOf: (_run, _i, { err, before }) => err === 0 && isBuiltSyn(before),
    holds(run, i, { before, socks }) {
      const then = inSocks(socks, before.sk);
      const now = leftByHook(run, i, before);
      const moved = now.id !== 0 && (now.inet_rcv_saddr !== then.inet_rcv_saddr || now.inet_num !== then.inet_num);
      return !moved || !holdsTuple(socks, now);
    },
    finding: (run, i) => `${departure(run, i)}, the four-tuple of another socket`,
  }),

  everyDeparture({
    id: 'user-checksum-stays-right',
    concern: 'checksum',
    gravity: 'lost packet',
    claim:
      'A transport checksum that a user computed, and that was right before the mangle hook, is right on the wire.',
    asked: ['raw(7): the user builds the header', 'RFC 9293 section 3.1', 'RFC 768'],
    onStock: '',
    scope: owners,
    speaksOf: (run, i, { skb }) => ownerOf(run, i, skb).kind === SOCK_RAW && wasRight(run, i, skb),
    holds: (_run, _i, { skb }) => transportChecksumCorrect(skb),
    finding: (run, i) => `${departure(run, i)}, and the checksum that its user computed is wrong there`,
  }),
];

/** Whether the kernel built the packet, and it opens a connection. */
function isBuiltSyn(skb: SkBuff): boolean {
  return isSyn(skb) && !skb.hdrincl;
}

/** Whether the mangle hook had that packet dropped. */
function isDropped(run: Run, i: number, { id }: SkBuff): boolean {
  let dropped = false;
  for (const e of effectsOf(run, i))
    dropped = dropped || (e.kind === 'free' && e.where === 'iptable_mangle' && e.skb.id === id);
  return dropped;
}

/** Whether the mangle hook left the packet its source. */
function keepsSource(run: Run, i: number, { id, iph }: SkBuff): boolean {
  let keeps = false;
  for (const e of effectsOf(run, i))
    keeps = e.kind === 'mangled' && e.skb.id === id ? e.skb.iph.saddr === iph.saddr : keeps;
  return keeps;
}

/** Whether the mangle hook had it dropped because no port was free. */
function refusedByHook(effects: readonly Effect[], id: number): boolean {
  let refused = false;
  for (const e of effects)
    refused =
      refused || (e.kind === 'free' && e.where === 'iptable_mangle' && e.skb.id === id && e.err === -EADDRNOTAVAIL);
  return refused;
}

/** Whether step `i` is a connect() that finds no port for a socket that has none. */
function lacksPort(run: Run, i: number): boolean {
  const event = eventOf(run, i);
  let lacks = false;
  for (const e of effectsOf(run, i)) {
    const none = e.kind === 'syscall' && e.call === 'connect' && e.err === -EADDRNOTAVAIL;
    lacks = lacks || (none && event.kind === 'connect' && sockByName(worldBefore(run, i), event.s).inet_num === 0);
  }
  return lacks;
}

/** How many ports are left for the connect() of step `i`, which does not try the last of an odd number. */
function freePorts(run: Run, i: number): number {
  const event = eventOf(run, i);
  if (event.kind !== 'connect') return 0;
  const net = { ...worldBefore(run, i), effects: [] };
  const { low, high } = inet_sk_get_local_port_range(net);
  const last = high > low && (high - low) % 2 === 0 ? high - 1 : high;
  const sk = sockByName(net, event.s);
  const { addr, port } = event.to;
  const { inet_saddr, sk_bound_dev_if, sk_protocol } = sk;
  const { saddr } = ip_route_connect(run.kernel, net, addr, inet_saddr, sk_bound_dev_if, sk_protocol, 0, port, sk).fl4;
  let free = last - low + 1;
  for (const reserved of net.sysctl.local_reserved_ports) {
    const inRange = reserved >= low && reserved <= last;
    free = inRange ? free - 1 : free;
  }
  for (const tb of net.bhash) {
    const inRange = tb.port >= low && tb.port <= last && !inet_is_local_reserved_port(net, tb.port);
    const held = wasBound(run, i, tb.port) || taken(net.socks, 0, saddr, tb.port, addr, port);
    free = inRange && held ? free - 1 : free;
  }
  return free;
}

/** Whether a socket has had that port before it had a peer, until step `i`: who shares it then is up to bind(). */
function wasBound(run: Run, i: number, port: number): boolean {
  let bound = false;
  for (let k = 0; k < i + 1; k += 1) {
    for (const sk of worldBefore(run, k).socks)
      bound = bound || (sk.inet_num === port && ((sk.sk_userlocks & SOCK_BINDPORT_LOCK) !== 0 || sk.inet_daddr === 0));
  }
  return bound;
}

/** The packet as the mangle hook left it. */
function lastOf(run: Run, i: number, skb: SkBuff): SkBuff {
  let last = skb;
  for (const e of effectsOf(run, i)) last = e.kind === 'mangled' && e.skb.id === skb.id ? e.skb : last;
  return last;
}

/** The socket of a packet as the mangle hook left it. */
function leftByHook(run: Run, i: number, { id, sk }: SkBuff): Sock {
  let left = NO_SOCK;
  for (const e of effectsOf(run, i)) left = e.kind === 'mangled' && e.skb.id === id ? inSocks(e.socks, sk) : left;
  return left;
}

/** Whether two queues hold the same segments under the same numbers. */
function sameQueue(a: readonly WriteQueueSeg[], b: readonly WriteQueueSeg[]): boolean {
  let same = a.length === b.length;
  let k = 0;
  for (const { seq, len } of a) {
    const other = k < b.length ? (b[k] as WriteQueueSeg) : { seq: -1, len: -1 };
    same = same && seq === other.seq && len === other.len;
    k = k + 1;
  }
  return same;
}

/** Whether two states of a socket have the same ends, numbers and route. */
function sameState(a: Sock, b: Sock): boolean {
  const numbers = a.write_seq === b.write_seq && a.snd_una === b.snd_una && a.snd_nxt === b.snd_nxt;
  const stamps = a.ts_recent === b.ts_recent && a.ts_recent_stamp === b.ts_recent_stamp;
  const route = a.sk_dst_cache.dev === b.sk_dst_cache.dev && a.cork_fl.saddr === b.cork_fl.saddr;
  const queue = sameQueue(a.write_queue, b.write_queue);
  return sameEnds(a, b) && numbers && stamps && route && a.sk_state === b.sk_state && queue;
}

/** Whether another socket of that list has the tuple that socket `now` has. */
function holdsTuple(socks: readonly Sock[], now: Sock): boolean {
  let held = false;
  for (const sk of socks)
    held = held || (sk.id !== now.id && sk.kind === SOCK_TCP && hasTuple(sk) && onOneTuple(sk, now));
  return held;
}

/** Whether a socket but `id` stands in the table between those ends, of whatever device; at any address where `saddr` is 0. */
function taken(
  socks: readonly Sock[],
  id: number,
  saddr: number,
  sport: number,
  daddr: number,
  dport: number,
): boolean {
  let held = false;
  for (const sk of socks) {
    const there = saddr === 0 || sk.inet_rcv_saddr === saddr;
    const same = sk.inet_num === sport && sk.inet_daddr === daddr && sk.inet_dport === dport;
    held = held || (sk.id !== id && hasTuple(sk) && there && same);
  }
  return held;
}

/** Whether that packet's checksum was right when it was routed again in step `i`. */
function wasRight(run: Run, i: number, { id }: SkBuff): boolean {
  let right = false;
  for (const e of effectsOf(run, i))
    right = right || (e.kind === 'reroute' && e.before.id === id && transportChecksumCorrect(e.before));
  return right;
}
