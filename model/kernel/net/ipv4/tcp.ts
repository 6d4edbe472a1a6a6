/** The life of a TCP socket as its user drives it. C: net/ipv4/tcp.c, include/net/tcp.h. */

import { EAGAIN, EALREADY, EINPROGRESS, EINVAL, EOPNOTSUPP, EPIPE } from '../../../types/errno.ts';
import { getSock, setSock } from '../../../types/lookup.ts';
import { TCPHDR_ACK, TCPHDR_PSH, type Tcphdr } from '../../../types/packet.ts';
import {
  SOCK_BINDPORT_LOCK,
  SOCK_TCP,
  TCP_CLOSE,
  TCP_CLOSE_WAIT,
  TCP_CLOSING,
  TCP_ESTABLISHED,
  TCP_FIN_WAIT1,
  TCP_FIN_WAIT2,
  TCP_LAST_ACK,
  TCP_LISTEN,
  TCP_SYN_RECV,
  TCP_SYN_SENT,
} from '../../../types/sock.ts';
import type { Kernel, Result, World } from '../../../types/world.ts';
import { TFO_CLIENT_ENABLE } from '../../include/net/tcp.ts';
import { reqsk_fastopen_remove } from '../core/request_sock.ts';
import { sk_dst_reset, sock_error } from '../core/sock.ts';
import { connectForSend } from './af_inet.ts';
import { inet_csk_destroy_sock } from './inet_connection_sock.ts';
import { inet_bhash2_reset_saddr, inet_put_port, inet_unhash } from './inet_hashtables.ts';
import type { Sending } from './ip_output.ts';
import { tcp_parse_md5sig_option } from './tcp_input.ts';
import { md5sigCorrect } from './tcp_ipv4.ts';
import { tcp_time_wait } from './tcp_minisocks.ts';
import {
  __tcp_push_pending_frames,
  NO_SEG,
  queueSeg,
  tcp_connect,
  tcp_send_fin,
  tcp_send_head,
  withTail,
} from './tcp_output.ts';
import { TCP_TIMEOUT_INIT, TCP_TIMEWAIT_LEN } from './tcp_timer.ts';

/**
 * Moves a socket to another state; CLOSE takes it out of the tables first.
 *
 * C: net/ipv4/tcp.c, tcp_set_state().
 */
export function tcp_set_state(net: World, sk: number, state: number): World {
  if (state !== TCP_CLOSE) return setSock(net, { ...getSock(net, sk), sk_state: state });
  const unhashed = inet_unhash(net, sk);
  const inet = getSock(unhashed, sk);
  const keeps = inet.icsk_bind_hash === 0 || (inet.sk_userlocks & SOCK_BINDPORT_LOCK) !== 0;
  const put = keeps ? unhashed : inet_put_port(unhashed, sk);
  return setSock(put, { ...getSock(put, sk), sk_state: TCP_CLOSE });
}

/** The connection is over; a socket without user goes with it. C: net/ipv4/tcp.c, tcp_done(). */
export function tcp_done(net: World, sk: number): World {
  const closed = reqsk_fastopen_remove(tcp_set_state(net, sk, TCP_CLOSE), sk);
  const tp = getSock(closed, sk);
  const quiet = setSock(closed, { ...tp, icsk_timeout: 0 });
  return tp.orphan ? inet_csk_destroy_sock(quiet, sk) : quiet;
}

/**
 * Forgets a connection that is over, so that the socket can be used again.
 *
 * C: net/ipv4/tcp.c, tcp_disconnect().
 * Left out: a connection that is not over, since no event is connect() with AF_UNSPEC.
 */
export function tcp_disconnect(start: World, sk: number): World {
  const unnamed = inet_bhash2_reset_saddr(setSock(start, { ...getSock(start, sk), inet_dport: 0 }), sk);
  const net = tcp_free_fastopen_req(reqsk_fastopen_remove(unnamed, sk), sk);
  const tp = getSock(net, sk);
  const seq = (tp.write_seq + tp.max_window + 2) >>> 0;
  return setSock(net, {
    ...sk_dst_reset(tp),
    write_queue: [],
    icsk_timeout: 0,
    icsk_rto: TCP_TIMEOUT_INIT,
    srtt: 0,
    retransmits: 0,
    retrans_stamp: 0,
    write_seq: seq === 0 ? 1 : seq,
    tstamp_ok: false,
    sack_ok: false,
    wscale_ok: false,
    ts_recent: 0,
    ts_recent_stamp: 0,
    last_oow_ack_time: -1,
    fastopen: { ...tp.fastopen, defer_connect: false, syn_fastopen: false, syn_data: false },
  });
}

/** What close() makes of a state, and whether it sends a FIN. C: net/ipv4/tcp.c, new_state[]. */
function newState(state: number): { readonly next: number; readonly fin: boolean } {
  if (state === TCP_ESTABLISHED || state === TCP_SYN_RECV) return { next: TCP_FIN_WAIT1, fin: true };
  if (state === TCP_CLOSE_WAIT) return { next: TCP_LAST_ACK, fin: true };
  if (state === TCP_FIN_WAIT1 || state === TCP_FIN_WAIT2) return { next: state, fin: false };
  if (state === TCP_LAST_ACK || state === TCP_CLOSING) return { next: state, fin: false };
  return { next: TCP_CLOSE, fin: false };
}

/** C: net/ipv4/tcp.c, tcp_close_state(). */
function tcp_close_state(net: World, sk: number): { readonly fin: boolean; readonly net: World } {
  const { next, fin } = newState(getSock(net, sk).sk_state);
  return { fin, net: tcp_set_state(net, sk, next) };
}

/**
 * The user closes the socket; what is left of it lives on without a user.
 *
 * C: net/ipv4/tcp.c, __tcp_close().
 * Left out: unread data, because the user reads everything at once; SO_LINGER.
 */
export function tcp_close(kernel: Kernel, start: World, sk: number): World {
  let net = start;
  const state = getSock(net, sk).sk_state;
  if (state === TCP_LISTEN) {
    net = tcp_set_state(net, sk, TCP_CLOSE);
  } else if (state !== TCP_CLOSE) {
    const closing = tcp_close_state(net, sk);
    net = closing.fin ? tcp_send_fin(kernel, closing.net, sk) : closing.net;
  }
  net = setSock(net, { ...getSock(net, sk), orphan: true });
  const tp = getSock(net, sk);
  if (tp.sk_state === TCP_FIN_WAIT2) return tcp_time_wait(net, sk, TCP_FIN_WAIT2, TCP_TIMEWAIT_LEN);
  if (tp.sk_state === TCP_CLOSE) return inet_csk_destroy_sock(reqsk_fastopen_remove(net, sk), sk);
  return net;
}

/** What a call returned: bytes taken, or a negative errno. */
interface Sent {
  readonly err: number;
  readonly copied: number;
  readonly net: World;
}

/**
 * Sends the first data with the SYN: MSG_FASTOPEN, or the first send after a deferred connect.
 *
 * C: net/ipv4/tcp.c, tcp_sendmsg_fastopen().
 */
function tcp_sendmsg_fastopen(
  kernel: Kernel,
  start: World,
  sk: number,
  size: number,
  addr: number,
  port: number,
): Sent {
  let net = start;
  const tp = getSock(net, sk);
  if ((net.sysctl.tcp_fastopen & TFO_CLIENT_ENABLE) === 0) return { err: -EOPNOTSUPP, copied: 0, net };
  if (tp.fastopen.req) return { err: -EALREADY, copied: 0, net };
  const fastopen = { ...tp.fastopen, req: true, req_cookie: 0, req_size: size, req_copied: 0 };
  net = setSock(net, { ...tp, fastopen });
  if (tp.fastopen.defer_connect) {
    const connected = tcp_connect(kernel, net, sk);
    net = connected.net;
    if (connected.err !== 0) {
      net = tcp_set_state(net, sk, TCP_CLOSE);
      net = setSock(net, { ...getSock(net, sk), inet_dport: 0 });
    }
  }
  const { err, net: done } = connectForSend(kernel, net, sk, addr, port);
  const after = getSock(done, sk);
  const copied = after.fastopen.req_copied;
  const freed = tcp_free_fastopen_req(done, sk);
  const last = getSock(freed, sk);
  return { err, copied, net: setSock(freed, { ...last, fastopen: { ...last.fastopen, defer_connect: false } }) };
}

/**
 * Sends `size` bytes on a socket that never blocks: `err` is what the call returns, bytes taken or a negative errno.
 * `fastopen` is MSG_FASTOPEN, with the address to connect to.
 *
 * C: net/ipv4/tcp.c, tcp_sendmsg() and tcp_sendmsg_locked().
 */
export function tcp_sendmsg(
  kernel: Kernel,
  start: World,
  sk: number,
  size: number,
  fastopen: boolean,
  addr: number,
  port: number,
): Result {
  let net = start;
  if (fastopen || getSock(net, sk).fastopen.defer_connect) {
    const first = tcp_sendmsg_fastopen(kernel, net, sk, size, addr, port);
    if (first.err === -EINPROGRESS && first.copied > 0) return { err: first.copied, net: first.net };
    if (first.err !== 0) return { err: first.err, net: first.net };
    net = first.net;
  }
  const tp = getSock(net, sk);
  const state = tp.sk_state;
  const passive = tp.fastopen.rsk !== 0;
  if (state !== TCP_ESTABLISHED && state !== TCP_CLOSE_WAIT && !passive) {
    const error = sock_error(net, sk);
    if (error.err !== 0) return error;
    return { err: state === TCP_SYN_SENT || state === TCP_SYN_RECV ? -EAGAIN : -EPIPE, net };
  }
  if (size === 0) return { err: 0, net };
  return { err: size, net: __tcp_push_pending_frames(kernel, tcp_queue_data(net, sk, size), sk, false) };
}

/**
 * setsockopt(TCP_FASTOPEN_CONNECT).
 *
 * C: net/ipv4/tcp.c, do_tcp_setsockopt().
 */
export function tcp_fastopen_connect(net: World, sk: number): Sending {
  const tp = getSock(net, sk);
  if (tp.kind !== SOCK_TCP || (net.sysctl.tcp_fastopen & TFO_CLIENT_ENABLE) === 0) return { err: -EOPNOTSUPP, net };
  if (tp.sk_state !== TCP_CLOSE) return { err: -EINVAL, net };
  return { err: 0, net: setSock(net, { ...tp, fastopen: { ...tp.fastopen, fastopen_connect: true } }) };
}

/** Forgets the call that sends data with the SYN. C: net/ipv4/tcp.c, tcp_free_fastopen_req(). */
function tcp_free_fastopen_req(net: World, sk: number): World {
  const tp = getSock(net, sk);
  if (!tp.fastopen.req) return net;
  const fastopen = { ...tp.fastopen, req: false, req_cookie: 0, req_size: 0, req_copied: 0 };
  return setSock(net, { ...tp, fastopen });
}

/**
 * Whether a socket with or without a key takes the segment: signed rightly with one, unsigned without.
 *
 * C: net/ipv4/tcp.c, tcp_inbound_md5_hash().
 */
export function tcp_inbound_md5_hash(md5: boolean, th: Tcphdr, len: number, saddr: number, daddr: number): boolean {
  const signed = tcp_parse_md5sig_option(th);
  return signed === md5 && (!signed || md5sigCorrect(th, len, saddr, daddr));
}

/** Queues `len` bytes of data behind what waits. C: net/ipv4/tcp.c, the copying part of tcp_sendmsg_locked(). */
function tcp_queue_data(net: World, sk: number, len: number): World {
  const tp = getSock(net, sk);
  const tail = tcp_send_head(tp);
  if (tail.len < 0) return queueSeg(net, sk, { ...NO_SEG, seq: tp.write_seq, len, flags: TCPHDR_ACK | TCPHDR_PSH });
  const write_queue = withTail(tp.write_queue, { ...tail, len: tail.len + len });
  return setSock(net, { ...tp, write_queue, write_seq: (tp.write_seq + len) >>> 0 });
}
