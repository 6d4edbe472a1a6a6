/** UDP sockets: ports, connecting is in datagram.ts, sending and receiving. */

import { EACCES, EADDRINUSE, EDESTADDRREQ, EINVAL, EMSGSIZE } from '../../../types/errno.ts';
import type { Msghdr } from '../../../types/event.ts';
import { getSock, setSock } from '../../../types/lookup.ts';
import { CHECKSUM_PARTIAL, type Iphdr, NO_SKB, type SkBuff } from '../../../types/packet.ts';
import { NO_DST, NO_FLOW, RTN_BROADCAST, RTN_MULTICAST } from '../../../types/route.ts';
import { NO_SOCK, SOCK_UDP, type Sock, TCP_ESTABLISHED } from '../../../types/sock.ts';
import type { Kernel, World } from '../../../types/world.ts';
import { ipv4_is_multicast } from '../../include/linux/in.ts';
import { setTransportChecksum, transportChecksumCorrect } from '../../include/net/checksum.ts';
import { inet_bound_dev_eq, inet_sk_flowi_flags, RT_TOS, RTO_ONLINK } from '../../include/net/inet_sock.ts';
import { consume_skb, kfree_skb, payloadOf, skb_clone } from '../core/skbuff.ts';
import { __sk_dst_check, sk_setup_caps, sock_error } from '../core/sock.ts';
import { ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, icmp_error_of, icmp_send } from './icmp.ts';
import { inet_is_local_reserved_port, inet_rcv_saddr_equal } from './inet_connection_sock.ts';
import { csummode, IP_MAX_MTU, IPHDR_LEN, ip_make_skb, ip_send_skb, type Sending } from './ip_output.ts';
import { broadcastDevice, ip_cmsg_send, refusesGateways } from './ip_sockglue.ts';
import { inet_iif, ip_route_output_flow } from './route.ts';

/** sizeof(struct udphdr). */
export const UDPHDR_LEN = 8;

/**
 * Whether another socket stands in the way of `sk` on port `num`.
 *
 * C: net/ipv4/udp.c, udp_lib_lport_inuse().
 * Left out: SO_REUSEADDR and SO_REUSEPORT, which no event sets.
 */
function udp_lib_lport_inuse(net: World, num: number, sk: Sock): boolean {
  let inuse = false;
  for (const sk2 of net.socks) {
    const conflict =
      sk2.kind === SOCK_UDP &&
      sk2.hashed &&
      sk2.id !== sk.id &&
      sk2.inet_num === num &&
      (sk2.sk_bound_dev_if === 0 || sk.sk_bound_dev_if === 0 || sk2.sk_bound_dev_if === sk.sk_bound_dev_if) &&
      inet_rcv_saddr_equal(sk, sk2);
    inuse = inuse || conflict;
  }
  return inuse;
}

/**
 * A free local port, -1 when all are taken.
 *
 * C: net/ipv4/udp.c, udp_lib_get_port(), port 0.
 * Left out: the order, random steps of an odd multiple of the table's size; here upward from a start that
 * `picks.port_offset` moves and that differs from socket to socket. As many sockets and reserved ports as there are
 * can push the search on that often, then the next port is free or none is.
 */
function findFreePort(net: World, sk: Sock): number {
  const { local_port_low: low, local_port_high: high, local_reserved_ports } = net.sysctl;
  const remaining = high - low + 1;
  let snum = low + ((net.picks.port_offset + sk.id) % remaining);
  for (const _ of net.socks) snum = taken(net, snum, sk) ? following(snum, low, high) : snum;
  for (const _ of local_reserved_ports) snum = taken(net, snum, sk) ? following(snum, low, high) : snum;
  return taken(net, snum, sk) ? -1 : snum;
}

function taken(net: World, port: number, sk: Sock): boolean {
  return inet_is_local_reserved_port(net, port) || udp_lib_lport_inuse(net, port, sk);
}

function following(port: number, low: number, high: number): number {
  return port === high ? low : port + 1;
}

/**
 * Gives the socket port `snum`, or a free one for 0, and hashes it.
 *
 * C: net/ipv4/udp.c, udp_lib_get_port() and udp_v4_get_port().
 */
export function udp_v4_get_port(net: World, sk: number, snum: number): Sending {
  const inet = getSock(net, sk);
  const port = snum === 0 ? findFreePort(net, inet) : snum;
  if (port === -1 || udp_lib_lport_inuse(net, port, inet)) return { err: -EADDRINUSE, net };
  return { err: 0, net: setSock(net, { ...inet, inet_num: port, hashed: true, sk_hash: inet.inet_rcv_saddr }) };
}

/** The socket hashed under the address it has now. C: net/ipv4/udp.c, udp_v4_rehash(). `sk_hash` stands for the address part of the key. */
export function udp_v4_rehash(sk: Sock): Sock {
  return { ...sk, sk_hash: sk.inet_rcv_saddr };
}

/**
 * Sends a datagram.
 *
 * C: net/ipv4/udp.c, udp_sendmsg() and udp_send_skb().
 * Left out: corking, IP options, IP_MULTICAST_IF, BPF, SO_NO_CHECK.
 */
export function udp_sendmsg(kernel: Kernel, before: World, sk: number, msg: Msghdr): Sending {
  let net = before;
  const inet = getSock(net, sk);
  if (msg.len > IP_MAX_MTU) return { err: -EMSGSIZE, net };
  const ulen = msg.len + UDPHDR_LEN;
  let daddr = inet.inet_daddr;
  let dport = inet.inet_dport;
  let connected = true;
  if (msg.to.given) {
    daddr = msg.to.addr;
    dport = msg.to.port;
    connected = false;
    if (dport === 0) return { err: -EINVAL, net };
  } else if (inet.sk_state !== TCP_ESTABLISHED) {
    return { err: -EDESTADDRREQ, net };
  }
  const ipc = ip_cmsg_send(net, inet, msg);
  if (ipc.err < 0) return { err: ipc.err, net };
  const saddr = ipc.addr;
  if (ipc.given) connected = false;
  if (ipv4_is_multicast(daddr)) connected = false;
  let rt = NO_DST;
  let fl4 = inet.cork_fl;
  let { mark } = ipc;
  if (connected) {
    const checked = __sk_dst_check(net, sk);
    net = checked.net;
    rt = checked.dst;
  }
  if (rt.dev === 0) {
    const key = {
      ...NO_FLOW,
      flowi4_oif: broadcastDevice(net, inet, ipc.oif, daddr),
      flowi4_mark: mark,
      flowi4_tos: RT_TOS(inet.tos) | (refusesGateways(inet, msg) ? RTO_ONLINK : 0),
      flowi4_proto: inet.sk_protocol,
      flowi4_flags: inet_sk_flowi_flags(inet),
      flowi4_uid: inet.sk_uid,
      daddr,
      saddr,
      fl4_dport: dport,
      fl4_sport: inet.inet_sport,
    };
    const uh = { source: inet.inet_sport, dest: dport, len: ulen, check: 0 };
    const sent = { ...NO_SKB, uh, saddr_given: ipc.given, payload: payloadOf(msg.len) };
    const chosen = kernel.chooseSource(kernel, net, inet, key, sent);
    net = chosen.net;
    mark = chosen.mark;
    const routed = ip_route_output_flow(net, { ...key, flowi4_mark: mark, saddr: chosen.saddr });
    fl4 = routed.fl4;
    rt = routed.rt;
    if (rt.err < 0) return { err: rt.err, net };
    if (rt.rt_type === RTN_BROADCAST && !inet.sk_broadcast) return { err: -EACCES, net };
    if (connected) net = setSock(net, sk_setup_caps(getSock(net, sk), rt));
  }
  if (ulen > IP_MAX_MTU - IPHDR_LEN) return { err: -EMSGSIZE, net };
  const waiting = sock_error(net, sk);
  net = waiting.net;
  if (waiting.err < 0) return { err: waiting.err, net };
  const uh = { source: inet.inet_sport, dest: fl4.fl4_dport, len: ulen, check: 0 };
  const transport = {
    ...NO_SKB,
    ip_summed: csummode(net, rt, ulen),
    uh,
    saddr_given: ipc.given,
    payload: payloadOf(msg.len),
  };
  const made = ip_make_skb(net, inet, fl4, transport, { mark }, rt);
  return ip_send_skb(kernel, made.net, setTransportChecksum(made.skb, fl4.saddr, fl4.daddr));
}

/** C: include/net/udp.h, udp_sk_bound_dev_eq(); udp_l3mdev_accept is off. */
function udp_sk_bound_dev_eq(bound_dev_if: number, dif: number, sdif: number): boolean {
  return inet_bound_dev_eq(false, bound_dev_if, dif, sdif);
}

/** C: net/ipv4/udp.c, compute_score(): -1 when the socket must not have the packet. Left out: SO_INCOMING_CPU. */
function compute_score(
  sk: Sock,
  saddr: number,
  sport: number,
  daddr: number,
  rcv_saddr: number,
  hnum: number,
  dif: number,
  sdif: number,
): number {
  const fits =
    sk.kind === SOCK_UDP &&
    sk.hashed &&
    sk.inet_num === hnum &&
    sk.inet_rcv_saddr === rcv_saddr &&
    (rcv_saddr === 0 || rcv_saddr === daddr) &&
    (sk.inet_daddr === 0 || sk.inet_daddr === saddr) &&
    (sk.inet_dport === 0 || sk.inet_dport === sport) &&
    udp_sk_bound_dev_eq(sk.sk_bound_dev_if, dif, sdif);
  const score = 2 + (sk.inet_daddr !== 0 ? 4 : 0) + (sk.inet_dport !== 0 ? 4 : 0) + (sk.sk_bound_dev_if !== 0 ? 4 : 0);
  return fits ? score : -1;
}

/** The best socket among those bound to `rcv_saddr`. C: net/ipv4/udp.c, udp4_lib_lookup2(); the newest stands first in a chain. */
function udp4_lib_lookup2(
  net: World,
  saddr: number,
  sport: number,
  daddr: number,
  rcv_saddr: number,
  hnum: number,
  dif: number,
  sdif: number,
): Sock {
  let result = NO_SOCK;
  let badness = 0;
  for (const sk of net.socks) {
    const score = compute_score(sk, saddr, sport, daddr, rcv_saddr, hnum, dif, sdif);
    result = score > 0 && score >= badness ? sk : result;
    badness = Math.max(badness, score);
  }
  return result;
}

/** C: net/ipv4/udp.c, __udp4_lib_lookup(). NO_SOCK when nobody listens. */
export function __udp4_lib_lookup(
  net: World,
  saddr: number,
  sport: number,
  daddr: number,
  dport: number,
  dif: number,
  sdif: number,
): Sock {
  const bound = udp4_lib_lookup2(net, saddr, sport, daddr, daddr, dport, dif, sdif);
  const wildcard = udp4_lib_lookup2(net, saddr, sport, daddr, 0, dport, dif, sdif);
  return bound.id !== 0 ? bound : wildcard;
}

/**
 * The datagram reaches its socket.
 *
 * C: net/ipv4/udp.c, udp_queue_rcv_skb(); the checksum is what udp_recvmsg() verifies while it copies.
 */
function udp_queue_rcv_skb(net: World, sk: number, skb: SkBuff): World {
  if (!udp_lib_checksum_complete(skb)) return kfree_skb(net, skb, 'udp_queue_rcv_skb', 0);
  const inet = getSock(net, sk);
  return consume_skb(setSock(net, { ...inet, received: inet.received + skb.payload.len }), skb, sk);
}

/** Whether the checksum is right or nobody had to fill it in. C: include/net/udp.h, udp_lib_checksum_complete(). */
function udp_lib_checksum_complete(skb: SkBuff): boolean {
  return skb.ip_summed === CHECKSUM_PARTIAL || transportChecksumCorrect(skb);
}

/** C: net/ipv4/udp.c, __udp_is_mcast_sock(). Left out: multicast membership. */
function __udp_is_mcast_sock(sk: Sock, skb: SkBuff): boolean {
  return (
    sk.kind === SOCK_UDP &&
    sk.hashed &&
    sk.inet_num === skb.uh.dest &&
    (sk.inet_daddr === 0 || sk.inet_daddr === skb.iph.saddr) &&
    (sk.inet_dport === 0 || sk.inet_dport === skb.uh.source) &&
    (sk.inet_rcv_saddr === 0 || sk.inet_rcv_saddr === skb.iph.daddr) &&
    udp_sk_bound_dev_eq(sk.sk_bound_dev_if, skb.iif, skb.sdif)
  );
}

/** A broadcast goes to every socket on its port. C: net/ipv4/udp.c, __udp4_lib_mcast_deliver(). */
function __udp4_lib_mcast_deliver(before: World, skb: SkBuff): World {
  let net = before;
  let first = 0;
  for (const sk of before.socks) {
    if (__udp_is_mcast_sock(sk, skb)) {
      if (first === 0) {
        first = sk.id;
      } else {
        const clone = skb_clone(net, skb);
        net = udp_queue_rcv_skb(clone.net, sk.id, clone.skb);
      }
    }
  }
  if (first === 0) return kfree_skb(net, skb, '__udp4_lib_mcast_deliver', 0);
  return udp_queue_rcv_skb(net, first, skb);
}

/**
 * Receives a datagram; one that TPROXY gave a socket goes to that.
 *
 * C: net/ipv4/udp.c, __udp4_lib_rcv().
 */
export function udp_rcv(kernel: Kernel, net: World, skb: SkBuff): World {
  const { uh, iph } = skb;
  if (uh.len < UDPHDR_LEN || uh.len > UDPHDR_LEN + skb.payload.len) return kfree_skb(net, skb, 'udp_rcv', 0);
  if (skb.sk !== 0) return udp_queue_rcv_skb(net, skb.sk, skb);
  if (skb.dst.rt_type === RTN_BROADCAST || skb.dst.rt_type === RTN_MULTICAST) return __udp4_lib_mcast_deliver(net, skb);
  const sk = __udp4_lib_lookup(net, iph.saddr, uh.source, iph.daddr, uh.dest, inet_iif(skb), skb.sdif);
  if (sk.id !== 0) return udp_queue_rcv_skb(net, sk.id, skb);
  if (!udp_lib_checksum_complete(skb)) return kfree_skb(net, skb, 'udp_rcv', 0);
  const reset = { ...skb, ct: 0, ctdir: 0, ctinfo: 0 };
  return kfree_skb(icmp_send(kernel, net, reset, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH), skb, 'udp_rcv', 0);
}

/**
 * An ICMP error about a datagram of this host: a connected socket's next call returns it.
 *
 * C: net/ipv4/udp.c, __udp4_lib_err().
 * Left out: path MTU and redirects, IP_RECVERR, tunnels.
 */
export function udp_err(net: World, skb: SkBuff, iph: Iphdr, sport: number, dport: number): World {
  const sk = __udp4_lib_lookup(net, iph.daddr, dport, iph.saddr, sport, skb.iif, skb.sdif);
  const { err, harderr } = icmp_error_of(skb.icmph);
  if (sk.id === 0 || !harderr || sk.sk_state !== TCP_ESTABLISHED) return net;
  return setSock(net, { ...sk, sk_err: err });
}
