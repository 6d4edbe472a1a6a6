/** The questions that several properties ask about a packet on the wire: whose it is, and who chose its source. */

import { dev_get_by_name } from '../model/kernel/net/core/dev.ts';
import { inet_select_addr } from '../model/kernel/net/ipv4/devinet.ts';
import { fib_get_table } from '../model/kernel/net/ipv4/fib_frontend.ts';
import { fib_result_prefsrc } from '../model/kernel/net/ipv4/fib_semantics.ts';
import { fib_table_lookup } from '../model/kernel/net/ipv4/fib_trie.ts';
import { countOf } from '../model/kernel/net/ipv4/netfilter/ip_tables.ts';
import { ctTuple, getCt, nf_ct_get_tuple } from '../model/kernel/net/netfilter/nf_conntrack_core.ts';
import type { HostCommand } from '../model/types/host.ts';
import { getSock, sockByName } from '../model/types/lookup.ts';
import { LOOPBACK_IFINDEX } from '../model/types/net.ts';
import { IPPROTO_TCP, IPPROTO_UDP, NO_SKB, type SkBuff, TCPHDR_ACK, TCPHDR_SYN } from '../model/types/packet.ts';
import { type FlowI4, NO_FLOW, RT_SCOPE_LINK } from '../model/types/route.ts';
import {
  NO_SOCK,
  SOCK_PING,
  SOCK_RAW,
  SOCK_REQUEST,
  SOCK_TCP,
  SOCK_TIMEWAIT,
  SOCK_UDP,
  type Sock,
} from '../model/types/sock.ts';
import type { NfTuple } from '../model/types/verdict.ts';
import type { Effect, World } from '../model/types/world.ts';
import { at, effectsOf, eventOf, type Run, worldBefore } from './property.ts';

/** A packet on a link. */
export type Xmit = Extract<Effect, { kind: 'xmit' }>;

/** No packet: device 0. */
export const NO_XMIT: Xmit = { kind: 'xmit', dev: 0, gateway: 0, skb: NO_SKB };

/** A second route lookup. */
export type Reroute = Extract<Effect, { kind: 'reroute' }>;

/** The end of the mangle hook for a packet. */
export type Mangled = Extract<Effect, { kind: 'mangled' }>;

/** Whether that effect is a packet leaving the host: lo does not count, nor what has no whole IP header. */
export function leaves(effect: Effect): effect is Xmit {
  return effect.kind === 'xmit' && effect.dev !== LOOPBACK_IFINDEX && effect.skb.iph.ihl >= 5;
}

export function isReroute(effect: Effect): effect is Reroute {
  return effect.kind === 'reroute';
}

export function isMangled(effect: Effect): effect is Mangled {
  return effect.kind === 'mangled';
}

/** Whether the socket was opened by a user (accepted ones included). */
export function userSocket(sk: Sock): boolean {
  return sk.kind === SOCK_TCP || sk.kind === SOCK_UDP || sk.kind === SOCK_RAW || sk.kind === SOCK_PING;
}

/** Whether the kernel itself sends: nobody's socket, a control socket, or one that answers for a connection. */
export function kernelSends(sk: Sock): boolean {
  return !userSocket(sk);
}

/** The id of the socket that sent that packet itself, 0 for what a tunnel put around it. */
export function senderOf(skb: SkBuff): number {
  return skb.encapsulated > 0 ? 0 : skb.sk;
}

/**
 * The socket that packet belongs to, as it is after step `i`, or before it when the step ended its life. What a tunnel
 * put around a packet is the tunnel's: the packet points to the inner sender's socket, which did not send it.
 */
export function ownerOf(run: Run, i: number, skb: SkBuff): Sock {
  if (skb.encapsulated > 0) return NO_SOCK;
  const after = getSock(at(run, i).world, skb.sk);
  return after.kind === NO_SOCK.kind ? getSock(worldBefore(run, i), skb.sk) : after;
}

/** The address that the user bound that socket to before step `i`, 0 for none: a bind that succeeded is seen in the socket. */
function boundAddress(run: Run, i: number, sk: Sock): number {
  let addr = 0;
  for (let k = 0; k < i; k += 1) {
    const event = eventOf(run, k);
    const bound = event.kind === 'bind' && callOn(run, k, sk);
    if (bound && event.kind === 'bind')
      addr = getSock(worldAfter(run, k), sk.id).inet_rcv_saddr === event.to.addr ? event.to.addr : addr;
  }
  return addr;
}

/** The address that the user gave for what socket `sk` sends in step `i`, 0 when the kernel has to choose. */
export function givenSource(run: Run, i: number, sk: Sock): number {
  const event = eventOf(run, i);
  const ofSend = event.kind === 'send' && event.s === sk.name;
  const perPacket = ofSend ? event.from : 0;
  // IP_PKTINFO names address and device at once: a device alone leaves the choice to the kernel.
  const anyOnDevice = ofSend && event.via !== '';
  return perPacket !== 0 || anyOnDevice ? perPacket : boundAddress(run, i, sk);
}

/** Whether the user names a device for what `sk` sends in step `i`, which then counts more than the one it is bound to. */
export function namesDevice(run: Run, i: number, sk: Sock): boolean {
  const event = eventOf(run, i);
  return event.kind === 'send' && event.s === sk.name && event.via !== '';
}

/** The device that the user demands for what `sk` sends in step `i`, where it is not bound to one: IP_PKTINFO, IP_UNICAST_IF. 0 for none. */
export function messageDevice(run: Run, i: number, sk: Sock): number {
  const event = eventOf(run, i);
  if (!userSocket(sk) || sk.kind === SOCK_TCP || event.kind !== 'send' || event.s !== sk.name) return 0;
  if (sk.sk_bound_dev_if !== 0) return 0;
  return event.via === '' ? sk.uc_index : dev_get_by_name(worldBefore(run, i), event.via).ifindex;
}

/** Whether the user demands that this packet goes to a neighbour: SO_DONTROUTE, MSG_DONTROUTE. */
export function dontRoute(run: Run, i: number, sk: Sock): boolean {
  const event = eventOf(run, i);
  return userSocket(sk) && (sk.sk_localroute || (event.kind === 'send' && event.s === sk.name && event.dontroute));
}

/** Whether the call of step `k` is on that very socket: a name can be given again. */
export function callOn(run: Run, k: number, sk: Sock): boolean {
  const event = eventOf(run, k);
  if (event.kind === 'host' || event.kind === 'wait' || event.kind === 'receive') return false;
  const net = event.kind === 'socket' ? worldAfter(run, k) : worldBefore(run, k);
  return sk.id !== 0 && sockByName(net, event.s).id === sk.id;
}

/** How often the user connected that socket by step `i`, and when last; -1 for never. */
export function connects(run: Run, i: number, sk: Sock): { count: number; last: number } {
  let count = 0;
  let last = -1;
  for (let k = 0; k < i + 1; k += 1) {
    const event = eventOf(run, k);
    const connecting = (event.kind === 'connect' || (event.kind === 'send' && event.tfo)) && callOn(run, k, sk);
    count = connecting && event.kind === 'connect' ? count + 1 : count;
    last = connecting ? k : last;
  }
  return { count, last };
}

/** Whether the command changes links, addresses, routes or rules, or a setting: all that a look-up is answered from. */
function rewires({ kind }: HostCommand): boolean {
  return kind !== 'iptables' && kind !== 'ipset' && kind !== 'conntrack';
}

/** Whether the operator gave such a command after step `since`, up to step `i`. */
function changedSince(run: Run, since: number, i: number, isMeant: (command: HostCommand) => boolean): boolean {
  let changed = false;
  let k = 0;
  for (const event of run.events) {
    changed = changed || (k > since && k <= i && event.kind === 'host' && isMeant(event.command));
    k = k + 1;
  }
  return changed;
}

/** Whether the operator changed what look-ups are answered from after step `since`, up to step `i`. */
export function rewiredSince(run: Run, since: number, i: number): boolean {
  return changedSince(run, since, i, rewires);
}

/** Whether the command changes the mangle table, or a set that its rules may name. */
function remarks(command: HostCommand): boolean {
  return command.kind === 'ipset' || (command.kind === 'iptables' && command.table === 'mangle');
}

/** Whether the operator changed what gives packets their marks since that socket was connected: its name was chosen by those of then. */
export function remarkedSinceConnect(run: Run, i: number, sk: Sock): boolean {
  return changedSince(run, connects(run, i, sk).last, i, remarks);
}

/** Whether the operator changed what look-ups are answered from since that socket was connected. */
export function rewiredSinceConnect(run: Run, i: number, sk: Sock): boolean {
  return rewiredSince(run, connects(run, i, sk).last, i);
}

/** Whether the packet goes to the peer of its socket: to that port, too, which rules may ask for. */
export function goesToPeer(sk: Sock, { iph, uh }: SkBuff): boolean {
  return sk.inet_daddr === iph.daddr && (iph.protocol !== IPPROTO_UDP || uh.dest === sk.inet_dport);
}

/**
 * Whether the kernel chose that packet's source, for its destination, for a user who left it open. A second connect keeps
 * the source of the first, and a connected socket the one that the host had for it when it was connected.
 */
export function kernelChoseSource(run: Run, i: number, skb: SkBuff): boolean {
  const sk = ownerOf(run, i, skb);
  if (!userSocket(sk) || sk.parent !== 0 || givenSource(run, i, sk) !== 0) return false;
  if (sk.inet_daddr === 0) return true;
  const once = connects(run, i, sk).count <= 1;
  return goesToPeer(sk, skb) && once && !rewiredSinceConnect(run, i, sk);
}

/**
 * Whether the first packet of that kind that passed the mangle table for that socket in the steps from `from` to `i`, and may
 * have been dropped behind it, had the same mark and TOS: rules that part the packets of a flow ask for two links at once.
 */
export function markedAsFirst(
  run: Run,
  from: number,
  i: number,
  skb: SkBuff,
  isOne: (skb: SkBuff) => boolean,
): boolean {
  const first = firstMangled(run, from, i, skb, isOne);
  return first.mark === skb.mark && first.iph.tos === skb.iph.tos;
}

/** The first packet of that kind and of that packet's socket that passed the mangle table in the steps from `from` to `i`, itself when none did. */
function firstMangled(run: Run, from: number, i: number, skb: SkBuff, isOne: (skb: SkBuff) => boolean): SkBuff {
  let first = NO_SKB;
  for (let k = from; k < i + 1; k += 1) {
    for (const e of effectsOf(run, k))
      first = first.id === 0 && e.kind === 'mangled' && e.skb.sk === skb.sk && isOne(e.skb) ? e.skb : first;
  }
  return first.id === 0 ? skb : first;
}

/** Whether the second lookup of that packet succeeded in step `i`. */
export function rerouted(run: Run, i: number, id: number): boolean {
  let seen = false;
  for (const e of effectsOf(run, i)) seen = seen || (e.kind === 'reroute' && e.err === 0 && e.after.id === id);
  return seen;
}

/** Where the first SYN of that packet's connection left before step `i`; step -1 when none did. */
export function synBefore(run: Run, i: number, skb: SkBuff): { step: number; e: Xmit } {
  let found = { step: -1, e: NO_XMIT };
  for (let k = 0; k < i; k += 1) {
    for (const e of effectsOf(run, k)) {
      const first = found.step < 0 && leaves(e) && e.skb.sk === skb.sk && isSyn(e.skb);
      if (first && leaves(e)) found = { step: k, e };
    }
  }
  return found;
}

/** Whether that SYN is the first of its connection that came to the mangle table by step `i`: behind a dropped one it is a retransmission. */
export function isFirstMangled(run: Run, i: number, skb: SkBuff): boolean {
  return firstMangled(run, 0, i, skb, isSyn).id === skb.id;
}

/** Whether other packets moved a counter of the mangle table after step `k`, up to step `i`. */
function recounted(run: Run, k: number, i: number): boolean {
  const { mangle } = worldAfter(run, k);
  let moved = false;
  for (const chain of worldBefore(run, i).mangle.chains)
    for (const rule of chain.rules) moved = moved || countOf(mangle, rule.id) !== rule.count;
  return moved;
}

/**
 * Whether rules ask for two sources of one socket, which has its name since connect(): the first SYN that left before step `i`
 * had another mark or TOS, or one before it, which they dropped behind the mangle table; or since connect(), which put its SYN
 * off, or sends none, what they count has gone on; or the operator has changed them since then.
 */
export function parted(run: Run, i: number, skb: SkBuff): boolean {
  const sk = ownerOf(run, i, skb);
  if (sk.inet_daddr === 0) return false;
  if (remarkedSinceConnect(run, i, sk)) return true;
  if (sk.kind === SOCK_TCP) {
    const { step, e } = synBefore(run, i, skb);
    const syn = step < 0 ? skb : e.skb;
    const sentIn = step < 0 ? i : step;
    if (syn.mark !== skb.mark || syn.iph.tos !== skb.iph.tos) return true;
    if (!isSyn(syn)) return false;
    if (!isFirstMangled(run, sentIn, syn)) return !markedAsFirst(run, 0, sentIn, syn, isSyn);
    if (step >= 0) return false;
  }
  const since = connects(run, i, sk).last;
  return since >= 0 && since < i && recounted(run, since, i);
}

/** Whether the packet opens a connection. */
export function isSyn({ iph, th }: SkBuff): boolean {
  return iph.protocol === IPPROTO_TCP && (th.flags & (TCPHDR_SYN | TCPHDR_ACK)) === TCPHDR_SYN;
}

/** TOS bits that a route lookup sees. C: include/uapi/linux/in_route.h, IPTOS_RT_MASK. */
const IPTOS_RT_MASK = 0x1c;

/**
 * The source that the packet's own route prefers: its `src`, else what its device has for the next hop.
 *
 * Asked of the table again, since a route cache entry remembers no source; a forced device without a route in the
 * table gives its first address.
 */
export function routeSource(net: World, skb: SkBuff): number {
  const { dst, iph } = skb;
  const key = { ...NO_FLOW, daddr: iph.daddr, flowi4_oif: dst.dev, flowi4_tos: iph.tos & IPTOS_RT_MASK };
  const res = fib_table_lookup(net, fib_get_table(net, dst.table), key);
  const byGateway = res.fa.fib_nhs.length > 0 || res.fa.nh_gw === dst.rt_gw4;
  const onRoute = res.err === 0 && res.fa.nh_dev === dst.dev && byGateway;
  return onRoute ? fib_result_prefsrc(net, res) : inet_select_addr(net, dst.dev, dst.rt_gw4, RT_SCOPE_LINK);
}

/** Who the packet is from: the name that it has on the wire, or the one that NAT has taken from it. */
export function senderName(net: World, skb: SkBuff): { addr: number; port: number } {
  const { src, sport } = tupleBeforeNat(net, skb);
  return { addr: src, port: skb.iph.protocol === IPPROTO_TCP || skb.iph.protocol === IPPROTO_UDP ? sport : 0 };
}

/** The tuple of the packet on the wire, or the one that NAT has taken from it. */
export function tupleBeforeNat(net: World, skb: SkBuff): NfTuple {
  const ct = getCt(net, skb.ct);
  return ct.srcNat || ct.dstNat ? ctTuple(ct, skb.ctdir) : nf_ct_get_tuple(skb);
}

/** The source port of the packet, 0 for protocols without one. */
export function sourcePort(skb: SkBuff): number {
  return skb.iph.protocol === IPPROTO_TCP ? skb.th.source : skb.iph.protocol === IPPROTO_UDP ? skb.uh.source : 0;
}

/** The destination port likewise. */
export function destinationPort(skb: SkBuff): number {
  return skb.iph.protocol === IPPROTO_TCP ? skb.th.dest : skb.iph.protocol === IPPROTO_UDP ? skb.uh.dest : 0;
}

/** Everything that a rule may select by, as the packet has it. */
export function keyOf(skb: SkBuff, sk: Sock, saddr: number, uid: number): FlowI4 {
  const ports = skb.iph.protocol === IPPROTO_TCP || skb.iph.protocol === IPPROTO_UDP;
  return {
    ...NO_FLOW,
    flowi4_oif: sk.sk_bound_dev_if,
    flowi4_mark: skb.mark,
    flowi4_tos: skb.iph.tos & 0x1e,
    flowi4_proto: skb.iph.protocol,
    flowi4_uid: uid,
    saddr,
    daddr: skb.iph.daddr,
    fl4_sport: ports ? sourcePort(skb) : 0,
    fl4_dport: ports ? destinationPort(skb) : 0,
  };
}

/** getsockname(2): the address that the user is told. */
export function sockName(sk: Sock): number {
  return sk.inet_rcv_saddr !== 0 ? sk.inet_rcv_saddr : sk.inet_saddr;
}

/** Whether the socket is in the table of four-tuples: connected or connecting TCP, requests and TIME_WAIT. */
export function hasTuple(sk: Sock): boolean {
  const ofTcp = sk.kind === SOCK_TCP || sk.kind === SOCK_REQUEST || sk.kind === SOCK_TIMEWAIT;
  return ofTcp && sk.hashed && sk.inet_daddr !== 0;
}

/** The socket of that id in a list, NO_SOCK when it is not there. */
export function inSocks(socks: readonly Sock[], id: number): Sock {
  let found = NO_SOCK;
  for (const sk of socks) found = sk.id === id ? sk : found;
  return found;
}

/** Whether two packets belong to the same four-tuple. */
export function sameTuple(a: SkBuff, b: SkBuff): boolean {
  return (
    a.iph.saddr === b.iph.saddr &&
    a.iph.daddr === b.iph.daddr &&
    sourcePort(a) === sourcePort(b) &&
    destinationPort(a) === destinationPort(b)
  );
}

/** The world after step `i`. */
export function worldAfter(run: Run, i: number): World {
  return at(run, i).world;
}
