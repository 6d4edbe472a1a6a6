/** Ports, listeners and requests of connection-oriented sockets. C: net/ipv4/inet_connection_sock.c. */

import { EADDRINUSE } from '../../../types/errno.ts';
import { dropSock, getSock, setSock } from '../../../types/lookup.ts';
import { type FlowI4, NO_DST, NO_FLOW, type Rtable } from '../../../types/route.ts';
import { type InetBindBucket, SOCK_REQUEST, type Sock, TCP_CLOSE, TCP_LISTEN } from '../../../types/sock.ts';
import type { Kernel, Result, World } from '../../../types/world.ts';
import { inet_sk_flowi_flags, RT_CONN_FLAGS } from '../../include/net/inet_sock.ts';
import {
  inet_bind_bucket_create,
  inet_bind_bucket_destroy,
  inet_bind_bucket_find,
  inet_bind_hash,
  inet_put_port,
  inet_sk_bound_dev_eq,
  setBucket,
} from './inet_hashtables.ts';
import { ip_route_output_flow } from './route.ts';
import { tcp_rtx_synack } from './tcp_output.ts';
import { TCP_RTO_MAX, TCP_SYNACK_RETRIES } from './tcp_timer.ts';

/** Both ends usable. C: net/ipv4/inet_connection_sock.c, inet_sk_get_local_port_range(), without a socket's own range. */
export function inet_sk_get_local_port_range(net: World): { readonly low: number; readonly high: number } {
  return { low: net.sysctl.local_port_low, high: net.sysctl.local_port_high };
}

/** C: include/net/ip.h, inet_is_local_reserved_port(). */
export function inet_is_local_reserved_port(net: World, port: number): boolean {
  let reserved = false;
  for (const one of net.sysctl.local_reserved_ports) reserved = reserved || one === port;
  return reserved;
}

/** Whether one of them would receive what the other does. C: net/ipv4/inet_connection_sock.c, ipv4_rcv_saddr_equal(). */
function ipv4_rcv_saddr_equal(sk1_rcv_saddr: number, sk2_rcv_saddr: number): boolean {
  return sk1_rcv_saddr === sk2_rcv_saddr || sk1_rcv_saddr === 0 || sk2_rcv_saddr === 0;
}

/**
 * Whether two sockets may not share a port, addresses aside.
 *
 * C: net/ipv4/inet_connection_sock.c, inet_bind_conflict().
 * Left out: SO_REUSEADDR and SO_REUSEPORT, for which there is no event.
 */
function inet_bind_conflict(sk: Sock, sk2: Sock): boolean {
  return (
    sk.id !== sk2.id && (sk.sk_bound_dev_if === 0 || inet_sk_bound_dev_eq(sk2.sk_bound_dev_if, sk.sk_bound_dev_if, 0))
  );
}

/** Whether an owner of the bucket stands in the way. C: net/ipv4/inet_connection_sock.c, inet_csk_bind_conflict(). */
function inet_csk_bind_conflict(net: World, sk: Sock, tb: InetBindBucket): boolean {
  let conflict = false;
  for (const owner of tb.owners) {
    const sk2 = getSock(net, owner);
    conflict = conflict || (inet_bind_conflict(sk, sk2) && ipv4_rcv_saddr_equal(sk.inet_rcv_saddr, sk2.inet_rcv_saddr));
  }
  return conflict;
}

/** One pass of the search: a port without a conflicting owner, 0 for none. */
function scanOpenPort(net: World, sk: Sock, start: number, high: number, remaining: number): number {
  for (let step = 0; step < remaining; step += 2) {
    const port = start + step >= high ? start + step - remaining : start + step;
    if (!inet_is_local_reserved_port(net, port)) {
      if (!inet_csk_bind_conflict(net, sk, inet_bind_bucket_find(net, port))) return port;
    }
  }
  return 0;
}

/**
 * A free port for bind(), odd distances from the lower end first; 0 for none.
 *
 * C: net/ipv4/inet_connection_sock.c, inet_csk_find_open_port().
 */
function inet_csk_find_open_port(net: World, sk: Sock): number {
  const { low, high: last } = inet_sk_get_local_port_range(net);
  const high = last + 1;
  const remaining = high - low > 1 ? (high - low) & ~1 : high - low;
  const offset = (net.picks.port_offset % remaining) | 1;
  const odd = scanOpenPort(net, sk, low + offset, high, remaining);
  if (odd !== 0) return odd;
  return scanOpenPort(net, sk, low + offset - 1, high, remaining);
}

/**
 * Lets the bucket forget that it could be shared.
 *
 * C: net/ipv4/inet_connection_sock.c, inet_csk_update_fastreuse(), for sockets without reuse options.
 */
function inet_csk_update_fastreuse(tb: InetBindBucket): InetBindBucket {
  return { ...tb, fastreuse: 0, fastreuseport: 0 };
}

/**
 * Binds a socket to a port, or to any when it is 0.
 *
 * C: net/ipv4/inet_connection_sock.c, inet_csk_get_port().
 */
export function inet_csk_get_port(net: World, sk: number, snum: number): Result {
  const inet = getSock(net, sk);
  const port = snum === 0 ? inet_csk_find_open_port(net, inet) : snum;
  if (port === 0) return { err: -EADDRINUSE, net };
  const old = inet_bind_bucket_find(net, port);
  const created = old.port === 0 ? inet_bind_bucket_create(net, port, 0, 0) : net;
  const tb = inet_bind_bucket_find(created, port);
  if (snum !== 0 && inet_csk_bind_conflict(created, inet, tb)) {
    return { err: -EADDRINUSE, net: inet_bind_bucket_destroy(created, tb) };
  }
  const updated = setBucket(created, inet_csk_update_fastreuse(tb));
  if (inet.icsk_bind_hash !== 0) return { err: 0, net: updated };
  return { err: 0, net: inet_bind_hash(updated, sk, port, port) };
}

/**
 * Turns a socket into a listener.
 *
 * C: net/ipv4/inet_connection_sock.c, inet_csk_listen_start().
 */
export function inet_csk_listen_start(net: World, sk: number): Result {
  const inet = getSock(net, sk);
  const listening = setSock(net, { ...inet, sk_state: TCP_LISTEN });
  const port = inet_csk_get_port(listening, sk, inet.inet_num);
  const after = getSock(port.net, sk);
  if (port.err !== 0) return { err: port.err, net: setSock(port.net, { ...after, sk_state: TCP_CLOSE }) };
  return {
    err: 0,
    net: setSock(port.net, {
      ...after,
      inet_sport: after.inet_num,
      sk_dst_cache: NO_DST,
      hashed: true,
      sk_hash: after.inet_rcv_saddr,
    }),
  };
}

/**
 * The last of a socket: its port and the socket itself.
 *
 * C: net/ipv4/inet_connection_sock.c, inet_csk_destroy_sock(), with net/ipv4/tcp_ipv4.c, tcp_v4_destroy_sock().
 */
export function inet_csk_destroy_sock(net: World, sk: number): World {
  const put = getSock(net, sk).icsk_bind_hash === 0 ? net : inet_put_port(net, sk);
  return dropSock(put, sk);
}

/** Arms the retransmission timer. C: include/net/inet_connection_sock.h, inet_csk_reset_xmit_timer(). */
export function inet_csk_reset_xmit_timer(net: World, sk: number, when: number): World {
  return setSock(net, { ...getSock(net, sk), icsk_timeout: net.now + Math.min(when, TCP_RTO_MAX) });
}

/** The flow key of a request's answers. */
function requestFlow(sk: Sock, req: Sock): FlowI4 {
  return {
    ...NO_FLOW,
    flowi4_oif: req.sk_bound_dev_if,
    flowi4_mark: req.sk_mark,
    flowi4_tos: RT_CONN_FLAGS(sk),
    flowi4_proto: sk.sk_protocol,
    flowi4_flags: inet_sk_flowi_flags(sk),
    flowi4_uid: sk.sk_uid,
    daddr: req.inet_daddr,
    saddr: req.inet_rcv_saddr,
    fl4_dport: req.inet_dport,
    fl4_sport: req.inet_num,
  };
}

/** Route of a SYN-ACK; `err` negative when there is none. C: net/ipv4/inet_connection_sock.c, inet_csk_route_req(). */
export function inet_csk_route_req(net: World, sk: Sock, req: Sock): Rtable {
  return ip_route_output_flow(net, requestFlow(sk, req)).rt;
}

/** Route of a new child; the key becomes its cork.fl. C: net/ipv4/inet_connection_sock.c, inet_csk_route_child_sock(). */
export function inet_csk_route_child_sock(
  net: World,
  sk: Sock,
  req: Sock,
): { readonly rt: Rtable; readonly fl4: FlowI4 } {
  return ip_route_output_flow(net, requestFlow(sk, req));
}

/** Unhashes and forgets a request. C: net/ipv4/inet_connection_sock.c, inet_csk_reqsk_queue_drop(). */
export function inet_csk_reqsk_queue_drop(net: World, req: number): World {
  return dropSock(net, req);
}

/** The request of a listener whose timer fires first, 0 for none. */
export function firstRequest(net: World, listener: number): number {
  let first = 0;
  let when = 0;
  for (const req of net.socks) {
    const earlier = req.kind === SOCK_REQUEST && req.parent === listener && req.hashed;
    const better = earlier && (first === 0 || req.icsk_timeout < when);
    first = better ? req.id : first;
    when = better ? req.icsk_timeout : when;
  }
  return first;
}

/**
 * Sends a SYN-ACK again, and counts it.
 *
 * C: net/ipv4/inet_connection_sock.c, inet_rtx_syn_ack().
 */
export function inet_rtx_syn_ack(kernel: Kernel, net: World, parent: Sock, req: number): Result {
  return tcp_rtx_synack(kernel, net, parent, req);
}

/**
 * The timer of a request: another SYN-ACK, or the end of it.
 *
 * C: net/ipv4/inet_connection_sock.c, reqsk_timer_handler().
 * Left out: pruning of young requests under pressure, defer accept, migration to another listener.
 */
export function reqsk_timer_handler(kernel: Kernel, net: World, req: number): World {
  const oreq = getSock(net, req);
  const sk_listener = getSock(net, oreq.parent);
  if (sk_listener.sk_state !== TCP_LISTEN) return inet_csk_reqsk_queue_drop(net, req);
  if (oreq.retransmits >= TCP_SYNACK_RETRIES) return inet_csk_reqsk_queue_drop(net, req);
  const rtx = inet_rtx_syn_ack(kernel, net, sk_listener, req);
  if (rtx.err !== 0) return inet_csk_reqsk_queue_drop(rtx.net, req);
  const after = getSock(rtx.net, req);
  const counted = setSock(rtx.net, { ...after, retransmits: after.retransmits + 1 });
  return inet_csk_reset_xmit_timer(counted, req, after.icsk_rto << (after.retransmits + 1));
}

/** Whether two sockets could receive the same datagram. C: net/ipv4/inet_connection_sock.c, inet_rcv_saddr_equal(). */
export function inet_rcv_saddr_equal(sk: Sock, sk2: Sock): boolean {
  return sk.inet_rcv_saddr === 0 || sk2.inet_rcv_saddr === 0 || sk.inet_rcv_saddr === sk2.inet_rcv_saddr;
}
