/** Ping sockets: echo requests without privileges. C: net/ipv4/ping.c. */

import { EACCES, EADDRINUSE, EADDRNOTAVAIL, EDESTADDRREQ, EINVAL, EMSGSIZE } from '../../../types/errno.ts';
import type { Msghdr } from '../../../types/event.ts';
import { getSock, setSock } from '../../../types/lookup.ts';
import { NO_SKB, type SkBuff } from '../../../types/packet.ts';
import { NO_FLOW, RTN_BROADCAST, RTN_LOCAL, RTN_MULTICAST } from '../../../types/route.ts';
import {
  NO_SOCK,
  SOCK_BINDADDR_LOCK,
  SOCK_BINDPORT_LOCK,
  SOCK_PING,
  type Sock,
  TCP_ESTABLISHED,
} from '../../../types/sock.ts';
import type { Kernel, World } from '../../../types/world.ts';
import { csum_fold, icmpFullSum } from '../../include/net/checksum.ts';
import { inet_can_nonlocal_bind, inet_sk_flowi_flags, RT_TOS, RTO_ONLINK } from '../../include/net/inet_sock.ts';
import { consume_skb, kfree_skb, payloadOf } from '../core/skbuff.ts';
import { sk_dst_reset, sock_error } from '../core/sock.ts';
import { inet_addr_type_bound } from './fib_frontend.ts';
import { ICMP_ECHO, icmp_error_of } from './icmp.ts';
import { IP_MAX_MTU, IPHDR_LEN, ip_make_skb, ip_push_pending_frames, type Sending } from './ip_output.ts';
import { ip_cmsg_send, outputDevice, refusesGateways } from './ip_sockglue.ts';
import { inet_iif, ip_route_output_flow } from './route.ts';

/** sizeof(struct icmphdr). */
const ICMPHDR_LEN = 8;

/** Identifiers are 1 to 65535. */
const IDENTS = 0xffff;

/** Whether a ping socket has that identifier. */
function identTaken(net: World, ident: number): boolean {
  let found = false;
  for (const sk2 of net.socks) found = found || (sk2.kind === SOCK_PING && sk2.hashed && sk2.inet_num === ident);
  return found;
}

/**
 * The next free identifier, 0 when all are taken. C: net/ipv4/ping.c, ping_port_rover. The rover, which only grows, is
 * stood for by the socket's own number, moved by `picks.port_offset`.
 */
function nextIdent(net: World, sk: number): number {
  let ident = 1 + ((net.picks.port_offset + sk) % IDENTS);
  for (const _ of net.socks) ident = identTaken(net, ident) ? (ident === IDENTS ? 1 : ident + 1) : ident;
  return identTaken(net, ident) ? 0 : ident;
}

/**
 * Gives the socket an echo identifier and hashes it. An identifier that the user names is never refused: ping sockets
 * are made with SO_REUSEADDR (INET_PROTOSW_REUSE).
 *
 * C: net/ipv4/ping.c, ping_get_port().
 * Observed: Linux 6.18.44, two sockets bound to identifier 77 at once, 2026-11-22.
 */
export function ping_get_port(net: World, sk: number, snum: number): Sending {
  const ident = snum === 0 ? nextIdent(net, sk) : snum;
  if (ident === 0) return { err: -EADDRINUSE, net };
  return { err: 0, net: setSock(net, { ...getSock(net, sk), inet_num: ident, hashed: true, sk_hash: ident }) };
}

/** C: net/ipv4/ping.c, ping_check_bind_addr(). */
function ping_check_bind_addr(net: World, sk: number, addr: number): number {
  if (addr === 0) return 0;
  const inet = getSock(net, sk);
  const chk_addr_ret = inet_addr_type_bound(net, inet.sk_bound_dev_if, addr);
  const group = chk_addr_ret === RTN_MULTICAST || chk_addr_ret === RTN_BROADCAST;
  return group || (chk_addr_ret !== RTN_LOCAL && !inet_can_nonlocal_bind(net, inet)) ? -EADDRNOTAVAIL : 0;
}

/** C: net/ipv4/ping.c, ping_bind(). */
export function ping_bind(before: World, sk: number, addr: number, snum: number): Sending {
  const err = ping_check_bind_addr(before, sk, addr);
  if (err !== 0) return { err, net: before };
  if (getSock(before, sk).inet_num !== 0) return { err: -EINVAL, net: before };
  const got = ping_get_port(before, sk, snum);
  if (got.err !== 0) return { err: -EADDRINUSE, net: before };
  const inet = getSock(got.net, sk);
  const locks = (addr !== 0 ? SOCK_BINDADDR_LOCK : 0) | (snum !== 0 ? SOCK_BINDPORT_LOCK : 0);
  const bound = {
    ...inet,
    inet_saddr: addr,
    inet_rcv_saddr: addr,
    sk_userlocks: inet.sk_userlocks | locks,
    inet_sport: inet.inet_num,
    inet_daddr: 0,
    inet_dport: 0,
  };
  return { err: 0, net: setSock(got.net, sk_dst_reset(bound)) };
}

/**
 * Sends an echo request with `msg.len` bytes behind the ICMP header, sequence number 1.
 *
 * C: net/ipv4/ping.c, ping_v4_sendmsg() and ping_v4_push_pending_frames().
 * Left out: IP options, IP_MULTICAST_IF.
 */
export function ping_v4_sendmsg(kernel: Kernel, before: World, sk: number, msg: Msghdr): Sending {
  const inet = getSock(before, sk);
  const len = msg.len + ICMPHDR_LEN;
  if (len > IP_MAX_MTU) return { err: -EMSGSIZE, net: before };
  if (!msg.to.given && inet.sk_state !== TCP_ESTABLISHED) return { err: -EDESTADDRREQ, net: before };
  const daddr = msg.to.given ? msg.to.addr : inet.inet_daddr;
  const ipc = ip_cmsg_send(before, inet, msg);
  if (ipc.err < 0) return { err: ipc.err, net: before };
  const saddr = ipc.addr;
  const key = {
    ...NO_FLOW,
    flowi4_oif: outputDevice(before, inet, ipc.oif, daddr),
    flowi4_mark: ipc.mark,
    flowi4_tos: RT_TOS(inet.tos) | (refusesGateways(inet, msg) ? RTO_ONLINK : 0),
    flowi4_proto: inet.sk_protocol,
    flowi4_flags: inet_sk_flowi_flags(inet),
    flowi4_uid: inet.sk_uid,
    daddr,
    saddr,
    fl4_dport: ICMP_ECHO << 8,
  };
  const icmph = { type: ICMP_ECHO, code: 0, checksum: 0, id: inet.inet_sport, sequence: 1 };
  const transport = { ...NO_SKB, icmph, saddr_given: ipc.given, payload: payloadOf(msg.len) };
  const chosen = kernel.chooseSource(kernel, before, inet, key, transport);
  const { saddr: from, mark, net } = chosen;
  const { rt, fl4 } = ip_route_output_flow(net, { ...key, flowi4_mark: mark, saddr: from });
  if (rt.err < 0) return { err: rt.err, net };
  if (rt.rt_type === RTN_BROADCAST && !inet.sk_broadcast) return { err: -EACCES, net };
  if (len > IP_MAX_MTU - IPHDR_LEN) return { err: -EMSGSIZE, net };
  const waiting = sock_error(net, sk);
  if (waiting.err < 0) return waiting;
  const made = ip_make_skb(waiting.net, inet, fl4, transport, { mark }, rt);
  const checksum = csum_fold(icmpFullSum(made.skb));
  return ip_push_pending_frames(kernel, made.net, { ...made.skb, icmph: { ...icmph, checksum } });
}

/** The socket with that identifier that may have the packet; the newest stands first. C: net/ipv4/ping.c, ping_lookup(). */
function ping_lookup(net: World, skb: SkBuff, ident: number): Sock {
  let found = NO_SOCK;
  for (const sk of net.socks) {
    const fits =
      sk.kind === SOCK_PING &&
      sk.hashed &&
      sk.inet_num === ident &&
      (sk.inet_rcv_saddr === 0 || sk.inet_rcv_saddr === skb.iph.daddr) &&
      (sk.sk_bound_dev_if === 0 || sk.sk_bound_dev_if === inet_iif(skb) || sk.sk_bound_dev_if === skb.sdif);
    found = fits ? sk : found;
  }
  return found;
}

/** Receives an echo reply. C: net/ipv4/ping.c, ping_rcv(), which queues a clone and frees the packet. */
export function ping_rcv(net: World, skb: SkBuff): World {
  const sk = ping_lookup(net, skb, skb.icmph.id);
  if (sk.id === 0) return kfree_skb(net, skb, 'ping_rcv', 0);
  return consume_skb(setSock(net, { ...sk, received: sk.received + skb.payload.len }), skb, sk.id);
}

/**
 * An ICMP error about an ICMP message with first word `first` and identifier `ident`.
 *
 * C: net/ipv4/ping.c, ping_err(). Left out: IP_RECVERR, path MTU and redirects.
 */
export function ping_err(net: World, skb: SkBuff, first: number, ident: number): World {
  if (first !== ICMP_ECHO << 8) return net;
  const sk = ping_lookup(net, skb, ident);
  const { err, harderr } = icmp_error_of(skb.icmph);
  if (sk.id === 0 || !harderr || sk.sk_state !== TCP_ESTABLISHED) return net;
  return setSock(net, { ...sk, sk_err: err });
}
