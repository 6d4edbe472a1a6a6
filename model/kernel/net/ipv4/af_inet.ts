/** System calls on IPv4 sockets, given on to the protocol. C: net/ipv4/af_inet.c, net/socket.c. */

import {
  EACCES,
  EADDRNOTAVAIL,
  EAGAIN,
  EALREADY,
  ECONNABORTED,
  EINPROGRESS,
  EINVAL,
  EISCONN,
  EOPNOTSUPP,
} from '../../../types/errno.ts';
import type { EventOf, Msghdr, SocketType } from '../../../types/event.ts';
import { getSock, setSock } from '../../../types/lookup.ts';
import { IPPROTO_ICMP, IPPROTO_RAW, IPPROTO_TCP, IPPROTO_UDP } from '../../../types/packet.ts';
import { RTN_BROADCAST, RTN_MULTICAST } from '../../../types/route.ts';
import {
  NO_SOCK,
  SOCK_BINDADDR_LOCK,
  SOCK_BINDPORT_LOCK,
  SOCK_PING,
  SOCK_RAW,
  SOCK_TCP,
  SOCK_UDP,
  type Sock,
  SS_CONNECTED,
  SS_CONNECTING,
  SS_UNCONNECTED,
  TCP_CLOSE,
  TCP_LISTEN,
  TCP_SYN_RECV,
  TCP_SYN_SENT,
} from '../../../types/sock.ts';
import type { Kernel, Result, World } from '../../../types/world.ts';
import { inet_addr_valid_or_nonlocal, RT_CONN_FLAGS } from '../../include/net/inet_sock.ts';
import { TFO_SERVER_ENABLE, TFO_SERVER_WO_SOCKOPT1 } from '../../include/net/tcp.ts';
import { __sk_dst_check, sk_common_release, sk_dst_reset, sk_setup_caps, sock_error } from '../core/sock.ts';
import { ip4_datagram_connect } from './datagram.ts';
import { inet_addr_type_bound } from './fib_frontend.ts';
import { inet_csk_get_port, inet_csk_listen_start } from './inet_connection_sock.ts';
import type { Sending } from './ip_output.ts';
import { ping_bind, ping_get_port, ping_v4_sendmsg } from './ping.ts';
import { raw_bind, raw_sendmsg } from './raw.ts';
import { ip_route_output_ports } from './route.ts';
import { tcp_close, tcp_disconnect, tcp_fastopen_connect, tcp_sendmsg } from './tcp.ts';
import { tcp_v4_connect } from './tcp_ipv4.ts';
import { udp_sendmsg, udp_v4_get_port } from './udp.ts';

/** What socket(2) is given, and by whom. */
export type SocketCall = Pick<EventOf<'socket'>, 's' | 'type' | 'protocol' | 'uid' | 'gid' | 'cgroup' | 'classid'>;

/** The kind of socket that a type makes. */
function kindOf(type: SocketType): number {
  switch (type) {
    case 'tcp':
      return SOCK_TCP;
    case 'udp':
      return SOCK_UDP;
    case 'ping':
      return SOCK_PING;
    case 'raw':
    case 'hdrincl':
      return SOCK_RAW;
  }
}

/** The protocol of a socket; IP_HDRINCL without one is IPPROTO_RAW. */
function protocolOf(call: SocketCall): number {
  switch (call.type) {
    case 'tcp':
      return IPPROTO_TCP;
    case 'udp':
      return IPPROTO_UDP;
    case 'ping':
      return IPPROTO_ICMP;
    case 'raw':
      return call.protocol;
    case 'hdrincl':
      return call.protocol === 0 ? IPPROTO_RAW : call.protocol;
  }
}

/**
 * Opens a socket, with IP_HDRINCL where its type says so.
 *
 * C: net/ipv4/af_inet.c, inet_create(); net/ipv4/ping.c, ping_init_sock(); net/ipv4/ip_sockglue.c, do_ip_setsockopt().
 * Left out: capabilities; the user has them.
 */
export function inet_create(net: World, call: SocketCall): Sending & { readonly sk: number } {
  const kind = kindOf(call.type);
  if (kind === SOCK_PING && !net.sysctl.ping_group_range_open) return { err: -EACCES, net, sk: 0 };
  const protocol = protocolOf(call);
  const raw = kind === SOCK_RAW;
  const sk: Sock = {
    ...NO_SOCK,
    id: net.next_sock,
    name: call.s,
    kind,
    sk_protocol: protocol,
    sk_uid: call.uid,
    sk_gid: call.gid,
    sk_cgroup: call.cgroup,
    sk_classid: call.classid,
    inet_num: raw ? protocol : 0,
    inet_sport: raw ? protocol : 0,
    hdrincl: call.type === 'hdrincl' || (raw && protocol === IPPROTO_RAW),
    hashed: raw,
    sk_hash: raw ? protocol : 0,
  };
  return { err: 0, net: { ...net, socks: [...net.socks, sk], next_sock: sk.id + 1 }, sk: sk.id };
}

/** sk->sk_prot->get_port(). Raw sockets have none. */
function get_port(net: World, sk: number, snum: number): Sending {
  const { kind } = getSock(net, sk);
  if (kind === SOCK_TCP) return inet_csk_get_port(net, sk, snum);
  if (kind === SOCK_UDP) return udp_v4_get_port(net, sk, snum);
  return ping_get_port(net, sk, snum);
}

/** A port for a socket that has none. C: net/ipv4/af_inet.c, inet_autobind(). */
function inet_autobind(before: World, sk: number): Sending {
  if (getSock(before, sk).inet_num !== 0) return { err: 0, net: before };
  const { err, net } = get_port(before, sk, 0);
  if (err !== 0) return { err: -EAGAIN, net };
  const inet = getSock(net, sk);
  return { err: 0, net: setSock(net, { ...inet, inet_sport: inet.inet_num }) };
}

/** C: net/ipv4/af_inet.c, __inet_bind(). Left out: IP_BIND_ADDRESS_NO_PORT. */
function __inet_bind(before: World, sk: number, addr: number, snum: number): Sending {
  const inet = getSock(before, sk);
  const chk_addr_ret = inet_addr_type_bound(before, inet.sk_bound_dev_if, addr);
  if (!inet_addr_valid_or_nonlocal(before, inet, addr, chk_addr_ret)) return { err: -EADDRNOTAVAIL, net: before };
  if (inet.sk_state !== TCP_CLOSE || inet.inet_num !== 0) return { err: -EINVAL, net: before };
  const useDevice = chk_addr_ret === RTN_MULTICAST || chk_addr_ret === RTN_BROADCAST;
  const named = { ...inet, inet_rcv_saddr: addr, inet_saddr: useDevice ? 0 : addr };
  const got = get_port(setSock(before, named), sk, snum);
  if (got.err !== 0) {
    return { err: got.err, net: setSock(got.net, { ...getSock(got.net, sk), inet_saddr: 0, inet_rcv_saddr: 0 }) };
  }
  const bound = getSock(got.net, sk);
  const locks = (addr !== 0 ? SOCK_BINDADDR_LOCK : 0) | (snum !== 0 ? SOCK_BINDPORT_LOCK : 0);
  const locked = {
    ...bound,
    sk_userlocks: bound.sk_userlocks | locks,
    inet_sport: bound.inet_num,
    inet_daddr: 0,
    inet_dport: 0,
  };
  return { err: 0, net: setSock(got.net, sk_dst_reset(locked)) };
}

/** bind(2). C: net/ipv4/af_inet.c, inet_bind(). */
export function inet_bind(net: World, sk: number, addr: number, port: number): Sending {
  const { kind } = getSock(net, sk);
  if (kind === SOCK_RAW) return raw_bind(net, sk, addr);
  if (kind === SOCK_PING) return ping_bind(net, sk, addr, port);
  return __inet_bind(net, sk, addr, port);
}

/** The socket may take Fast Open SYNs. C: include/linux/tcp.h, fastopen_queue_tune(), without the length of the queue. */
function fastopen_queue_tune(net: World, sk: number): World {
  const tp = getSock(net, sk);
  return setSock(net, { ...tp, fastopen: { ...tp.fastopen, listener: true } });
}

/**
 * listen(2), after TCP_FASTOPEN when `tfo`.
 *
 * C: net/ipv4/af_inet.c, inet_listen(); net/core/sock.c, sock_no_listen(); net/ipv4/tcp.c, do_tcp_setsockopt().
 */
export function inet_listen(net: World, sk: number, tfo: boolean): Sending {
  const { kind, ss_state, sk_state } = getSock(net, sk);
  if (kind !== SOCK_TCP) return { err: -EOPNOTSUPP, net };
  if (ss_state !== SS_UNCONNECTED) return { err: -EINVAL, net };
  if (sk_state !== TCP_CLOSE && sk_state !== TCP_LISTEN) return { err: -EINVAL, net };
  const asked = tfo ? fastopen_queue_tune(net, sk) : net;
  if (sk_state === TCP_LISTEN) return { err: 0, net: asked };
  const { tcp_fastopen } = net.sysctl;
  const every = (tcp_fastopen & TFO_SERVER_WO_SOCKOPT1) !== 0 && (tcp_fastopen & TFO_SERVER_ENABLE) !== 0;
  return inet_csk_listen_start(every ? fastopen_queue_tune(asked, sk) : asked, sk);
}

/** connect(2) on datagram and raw sockets. C: net/ipv4/af_inet.c, inet_dgram_connect(). Left out: AF_UNSPEC. */
function inet_dgram_connect(kernel: Kernel, before: World, sk: number, addr: number, port: number): Sending {
  const { err, net } = inet_autobind(before, sk);
  if (err !== 0) return { err: -EAGAIN, net };
  return ip4_datagram_connect(kernel, net, sk, addr, port);
}

function setSockState(net: World, sk: number, ss_state: number): World {
  return setSock(net, { ...getSock(net, sk), ss_state });
}

/**
 * connect(2) on a stream socket that does not block.
 *
 * C: net/ipv4/af_inet.c, __inet_stream_connect().
 * Left out: AF_UNSPEC.
 */
export function inet_stream_connect(kernel: Kernel, before: World, sk: number, addr: number, port: number): Sending {
  const { ss_state, sk_state, fastopen } = getSock(before, sk);
  if (ss_state === SS_CONNECTED) return { err: -EISCONN, net: before };
  let net = before;
  let err = fastopen.defer_connect ? -EISCONN : -EALREADY;
  if (ss_state === SS_UNCONNECTED) {
    if (sk_state !== TCP_CLOSE) return { err: -EISCONN, net };
    const connected = tcp_v4_connect(kernel, net, sk, addr, port);
    if (connected.err < 0) return connected;
    net = setSockState(connected.net, sk, SS_CONNECTING);
    if (getSock(net, sk).fastopen.defer_connect) return { err: 0, net };
    err = -EINPROGRESS;
  }
  const state = getSock(net, sk).sk_state;
  if (state === TCP_SYN_SENT || state === TCP_SYN_RECV) return { err, net };
  if (state === TCP_CLOSE) {
    const error = sock_error(net, sk);
    return {
      err: error.err !== 0 ? error.err : -ECONNABORTED,
      net: setSockState(tcp_disconnect(error.net, sk), sk, SS_UNCONNECTED),
    };
  }
  return { err: 0, net: setSockState(net, sk, SS_CONNECTED) };
}

/** connect(2), after TCP_FASTOPEN_CONNECT when `tfo`. */
export function inet_connect(
  kernel: Kernel,
  net: World,
  sk: number,
  addr: number,
  port: number,
  tfo: boolean,
): Sending {
  if (getSock(net, sk).kind !== SOCK_TCP) return inet_dgram_connect(kernel, net, sk, addr, port);
  if (!tfo) return inet_stream_connect(kernel, net, sk, addr, port);
  const option = tcp_fastopen_connect(net, sk);
  if (option.err !== 0) return option;
  return inet_stream_connect(kernel, option.net, sk, addr, port);
}

/** MSG_FASTOPEN connects, too: the socket is on its way when its protocol has left CLOSE. */
function inet_stream_sendmsg(kernel: Kernel, before: World, sk: number, msg: Msghdr): Sending {
  const { ss_state } = getSock(before, sk);
  const { err, net } = tcp_sendmsg(kernel, before, sk, msg.len, msg.tfo, msg.to.addr, msg.to.port);
  const tp = getSock(net, sk);
  if (!msg.tfo || ss_state !== SS_UNCONNECTED || tp.sk_state === TCP_CLOSE) return { err, net };
  return { err, net: setSockState(net, sk, SS_CONNECTING) };
}

/** sendmsg(2); `err` is negative, or the bytes taken by a stream. C: net/ipv4/af_inet.c, inet_sendmsg(). */
export function inet_sendmsg(kernel: Kernel, net: World, sk: number, msg: Msghdr): Sending {
  const { kind } = getSock(net, sk);
  if (kind === SOCK_TCP) return inet_stream_sendmsg(kernel, net, sk, msg);
  const bound = inet_autobind(net, sk);
  if (bound.err !== 0) return { err: -EAGAIN, net: bound.net };
  if (kind === SOCK_UDP) return udp_sendmsg(kernel, bound.net, sk, msg);
  if (kind === SOCK_PING) return ping_v4_sendmsg(kernel, bound.net, sk, msg);
  return raw_sendmsg(kernel, bound.net, sk, msg);
}

/** close(2). C: net/ipv4/af_inet.c, inet_release(). */
export function inet_release(kernel: Kernel, net: World, sk: number): World {
  return getSock(net, sk).kind === SOCK_TCP ? tcp_close(kernel, net, sk) : sk_common_release(net, sk);
}

/**
 * Connects as part of sendmsg().
 *
 * C: net/ipv4/af_inet.c, __inet_stream_connect() with is_sendmsg; a call without an address fails in tcp_v4_connect().
 */
export function connectForSend(kernel: Kernel, net: World, sk: number, addr: number, port: number): Result {
  const tp = getSock(net, sk);
  if (tp.sk_state === TCP_SYN_SENT && tp.fastopen.defer_connect) return { err: -EINPROGRESS, net };
  if (tp.ss_state === SS_UNCONNECTED && addr === 0 && port === 0) return { err: -EINVAL, net };
  return inet_stream_connect(kernel, net, sk, addr, port);
}

/**
 * Makes sure that the socket has a route; a new one is looked up for its own addresses and rewrites cork.fl.
 *
 * C: net/ipv4/af_inet.c, inet_sk_rebuild_header().
 * Left out: sysctl ip_dynaddr, off by default.
 */
export function inet_sk_rebuild_header(start: World, sk: number): Result {
  const { dst, net } = __sk_dst_check(start, sk);
  if (dst.dev !== 0) return { err: 0, net };
  const inet = getSock(net, sk);
  const { inet_daddr, inet_saddr, inet_dport, inet_sport, sk_protocol, sk_bound_dev_if } = inet;
  const { rt, fl4 } = ip_route_output_ports(
    net,
    inet,
    inet_daddr,
    inet_saddr,
    inet_dport,
    inet_sport,
    sk_protocol,
    RT_CONN_FLAGS(inet),
    sk_bound_dev_if,
  );
  const keyed = { ...inet, cork_fl: fl4 };
  if (rt.err < 0) return { err: rt.err, net: setSock(net, keyed) };
  return { err: 0, net: setSock(net, sk_setup_caps(keyed, rt)) };
}
