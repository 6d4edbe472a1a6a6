/** Answers of correct peers: what is answered, to whom, and what may lawfully keep an answer from its socket. */
import { dev_get_by_index } from '../model/kernel/net/core/dev.ts';
import { inet_lookup_ifaddr_rcu } from '../model/kernel/net/ipv4/devinet.ts';
import { inet_addr_type } from '../model/kernel/net/ipv4/fib_frontend.ts';
import { ICMP_ECHO } from '../model/kernel/net/ipv4/icmp.ts';
import { l3mdev_master_ifindex_by_index } from '../model/kernel/net/l3mdev/l3mdev.ts';
import { getCt } from '../model/kernel/net/netfilter/nf_conntrack_core.ts';
import { EXDEV } from '../model/types/errno.ts';
import { getSock, sockByName } from '../model/types/lookup.ts';
import {
  IPPROTO_ICMP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  NO_SKB,
  type SkBuff,
  TCPHDR_FIN,
  TCPHDR_RST,
  TCPHDR_SYN,
} from '../model/types/packet.ts';
import { RTN_BROADCAST, RTN_MULTICAST, RTN_UNICAST } from '../model/types/route.ts';
import { NO_SOCK, SOCK_PING, SOCK_TCP, SOCK_UDP, type Sock, TCP_CLOSE } from '../model/types/sock.ts';
import { IP_CT_ESTABLISHED, IP_CT_RELATED, IP_CT_UNTRACKED } from '../model/types/verdict.ts';
import type { Effect, Sent, World } from '../model/types/world.ts';
import { reachesTwin } from './oneTuple.ts';
import { destinationPort, leaves, rewiredSince, tupleBeforeNat, worldAfter } from './packets.ts';
import { effectsOf, eventOf, type Run, worldBefore } from './property.ts';

const NO_SENT: Sent = { sk: 0, dev: 0, skb: NO_SKB };

/** The last packet of that socket that nobody has answered, NO_SENT when there is none. */
export function lastSent(net: World, id: number): Sent {
  let last = NO_SENT;
  for (const sent of net.sent) last = sent.sk === id && id !== 0 ? sent : last;
  return last;
}

/** Whether a correct peer answers that packet: one to a group is answered by many or none, one without a source by nobody. */
function answerable({ iph, th, icmph, payload, dst }: SkBuff): boolean {
  const takesSpace = (th.flags & (TCPHDR_SYN | TCPHDR_FIN)) !== 0 || payload.len > 0;
  const segment = (th.flags & TCPHDR_RST) === 0 && takesSpace;
  if (iph.saddr === 0 || dst.rt_type !== RTN_UNICAST) return false;
  return iph.protocol === IPPROTO_TCP
    ? segment
    : iph.protocol === IPPROTO_UDP || (iph.protocol === IPPROTO_ICMP && icmph.type === ICMP_ECHO);
}

/**
 * Whether the socket has one address or device and sent that packet from another, because its user named a source or a link
 * for it (IP_PKTINFO), or the operator took the link out of the socket's VRF: it does not hear the answers that come there.
 */
function deafToAnswers(run: Run, i: number, sk: Sock, { dev, skb }: Sent): boolean {
  let named = false;
  let k = 0;
  for (const event of run.events) {
    const own = k < i && event.kind === 'send' && event.s === sk.name;
    named = named || (own && (event.from !== 0 || event.via !== ''));
    k = k + 1;
  }
  const net = worldBefore(run, i);
  const elsewhere = sk.inet_rcv_saddr !== 0 && tupleBeforeNat(net, skb).src !== sk.inet_rcv_saddr;
  const bound = sk.sk_bound_dev_if;
  const byOther = bound !== 0 && dev !== bound && l3mdev_master_ifindex_by_index(net, dev) !== bound;
  return (named && (elsewhere || byOther)) || (byOther && rewiredSince(run, -1, i));
}

/** Whether something of that socket left in step `k`. */
function departs(run: Run, k: number, { id }: Sock): boolean {
  let seen = false;
  for (const e of effectsOf(run, k)) seen = seen || (leaves(e) && e.skb.sk === id);
  return seen;
}

/** Whether a datagram socket was bound or connected after what is to be answered left: it then hears less, at its new address. */
function renamedSince(run: Run, i: number, sk: Sock): boolean {
  let since = false;
  let k = 0;
  for (const event of run.events) {
    const call = event.kind === 'connect' || event.kind === 'bind' || event.kind === 'send';
    const own = k < i && sk.kind !== SOCK_TCP && call;
    since = own && event.s === sk.name ? event.kind !== 'send' || (since && !departs(run, k, sk)) : since;
    k = k + 1;
  }
  return since;
}

/** Whether step `i` brings what is for the name that a socket had when it last sent: nobody waits for it there any more. */
export function comesTooLate(run: Run, i: number): boolean {
  const event = eventOf(run, i);
  const spoken = event.kind === 'answer' || event.kind === 'say';
  return spoken && renamedSince(run, i, sockByName(worldBefore(run, i), event.s));
}

/** The socket that step `i` brings an answer to, NO_SOCK when there is nothing to answer. */
export function asking(run: Run, i: number): Sock {
  const event = eventOf(run, i);
  if (event.kind !== 'answer') return NO_SOCK;
  const net = worldBefore(run, i);
  const sk = sockByName(net, event.s);
  const sent = lastSent(net, sk.id);
  const { skb } = sent;
  const current =
    sk.inet_daddr === 0 ||
    (sk.inet_daddr === skb.iph.daddr && (sk.kind === SOCK_PING || sk.inet_dport === destinationPort(skb)));
  const listens = sk.kind === SOCK_TCP ? sk.sk_state !== TCP_CLOSE : sk.kind === SOCK_UDP || sk.kind === SOCK_PING;
  const asked = listens && skb.iph.protocol !== 0 && current && answerable(skb);
  return asked && !deafToAnswers(run, i, sk, sent) && !renamedSince(run, i, sk) ? sk : NO_SOCK;
}

/** Whether what came in step `i` got to that socket, to a connection that it accepted, or to one that receives for both. */
export function reaches(run: Run, i: number, sk: Sock): boolean {
  let reached = reachesTwin(run, i, sk);
  for (const e of effectsOf(run, i)) {
    const own = e.kind === 'deliver' && e.sk !== 0 && (e.sk === sk.id || parentOf(run, i, e.sk) === sk.id);
    reached = reached || own;
  }
  return reached;
}

/** The listener that socket `id` belongs to, after step `i` or before it: a request ends with the connection that it becomes. */
function parentOf(run: Run, i: number, id: number): number {
  const { parent } = getSock(worldAfter(run, i), id);
  return parent === 0 ? getSock(worldBefore(run, i), id).parent : parent;
}

/** Whether that effect is a firewall's drop of what it takes for part of a connection, or for none of its business. */
function droppedByRule(net: World, e: Effect): boolean {
  if (e.kind !== 'free' || e.skb.iif === 0) return false;
  const { where, skb } = e;
  const rule = where === 'iptable_raw' || where === 'iptable_mangle' || where === 'iptable_filter';
  const known = skb.ctinfo === IP_CT_ESTABLISHED || skb.ctinfo === IP_CT_RELATED;
  return rule && (!net.ct_enabled || skb.ctinfo === IP_CT_UNTRACKED || (skb.ct !== 0 && known));
}

/** Whether that effect is a drop by the host's own strict reverse-path filter. */
function droppedByFilter(e: Effect): boolean {
  return e.kind === 'free' && e.skb.iif !== 0 && e.where === 'ip_rcv_finish' && e.err === -EXDEV;
}

/** Whether an address was the host's in an earlier step and is not any more. */
function lostAddress(run: Run, i: number, addr: number): boolean {
  let had = inet_lookup_ifaddr_rcu(run.boot, addr) !== 0;
  let k = 0;
  for (const { world } of run.steps) {
    had = had || (k < i && inet_lookup_ifaddr_rcu(world, addr) !== 0);
    k = k + 1;
  }
  return had && inet_lookup_ifaddr_rcu(worldBefore(run, i), addr) === 0;
}

/** Whether the operator, time, or MASQUERADE at a change of links has ended the connection that the packet was tracked by. */
export function forgotten(net: World, skb: SkBuff): boolean {
  const ct = getCt(net, skb.ct);
  return skb.ct !== 0 && (ct.id === 0 || ct.dying || ct.timeout <= net.now);
}

/**
 * Whether an answer to `sent` that comes in step `i` is lawfully kept from its socket: a rule or the strict filter drops it,
 * its link is down or in a VRF that the socket or its address is not in, the address that it goes to was taken away, or the tracked
 * connection has ended; or it was a group, a broadcast address or one of the host's own that was asked, from which nobody
 * else answers (RFC 1122 section 3.2.1.3).
 */
export function keptOut(run: Run, i: number, { dev, skb, sk }: Sent): boolean {
  const net = worldBefore(run, i);
  let dropped = false;
  for (const e of effectsOf(run, i)) dropped = dropped || droppedByRule(net, e) || droppedByFilter(e);
  const down = !dev_get_by_index(net, dev).up;
  const vrf = l3mdev_master_ifindex_by_index(net, dev);
  const home = l3mdev_master_ifindex_by_index(net, inet_lookup_ifaddr_rcu(net, skb.iph.saddr));
  const apart = vrf !== home || (vrf !== 0 && getSock(net, sk).sk_bound_dev_if === 0);
  const type = inet_addr_type(net, skb.iph.daddr);
  const nobody = type === RTN_BROADCAST || type === RTN_MULTICAST || inet_lookup_ifaddr_rcu(net, skb.iph.daddr) !== 0;
  return dropped || nobody || down || apart || lostAddress(run, i, skb.iph.saddr) || forgotten(net, skb);
}
