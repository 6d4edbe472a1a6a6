/** TCP's timers. C: net/ipv4/tcp_timer.c. Times are milliseconds. */

import { ETIMEDOUT } from '../../../types/errno.ts';
import { getSock, setSock } from '../../../types/lookup.ts';
import { SOCK_TIMEWAIT, type Sock, TCP_LISTEN, TCP_SYN_RECV, TCP_SYN_SENT } from '../../../types/sock.ts';
import type { Kernel, World } from '../../../types/world.ts';
import { tcp_time_stamp } from '../../include/net/tcp.ts';
import { sk_dst_reset } from '../core/sock.ts';
import {
  firstRequest,
  inet_csk_reset_xmit_timer,
  inet_rtx_syn_ack,
  reqsk_timer_handler,
} from './inet_connection_sock.ts';
import { inet_twsk_kill } from './inet_timewait_sock.ts';
import { tcp_done_with_error } from './tcp_input.ts';
import { tcp_retransmit_skb, tcp_rtx_queue_head, tcp_send_head, tcp_send_probe0 } from './tcp_output.ts';

/** C: include/net/tcp.h. */
export const TCP_TIMEOUT_INIT = 1000;
export const TCP_RTO_MIN = 200;
export const TCP_RTO_MAX = 120000;
export const TCP_TIMEWAIT_LEN = 60000;

/** Two jiffies of 4 ms. */
export const TCP_TIMEOUT_MIN = 8;

/** Sysctls with their defaults: tcp_retries2, tcp_synack_retries, the retries of an orphan. */
const TCP_RETRIES2 = 15;
export const TCP_SYNACK_RETRIES = 5;
const TCP_ORPHAN_RETRIES = 8;

/**
 * How long `boundary` retransmissions with doubling timeouts take.
 *
 * C: net/ipv4/tcp_timer.c, tcp_model_timeout().
 */
function tcp_model_timeout(boundary: number, rto_base: number): number {
  const linear_backoff_thresh = rto_base === TCP_TIMEOUT_INIT ? 6 : 9;
  if (boundary <= linear_backoff_thresh) return ((2 << boundary) - 1) * rto_base;
  return ((2 << linear_backoff_thresh) - 1) * rto_base + (boundary - linear_backoff_thresh) * TCP_RTO_MAX;
}

/** The first timeout of a connection in that state. C: net/ipv4/tcp_timer.c, retransmits_timed_out(), rto_base. */
export function rtoBase(sk: Sock): number {
  return sk.sk_state === TCP_SYN_SENT || sk.sk_state === TCP_SYN_RECV ? TCP_TIMEOUT_INIT : TCP_RTO_MIN;
}

/** Whether the peer has been silent for that long. C: net/ipv4/tcp_timer.c, retransmits_timed_out(). */
function retransmits_timed_out(net: World, sk: number, boundary: number, rto_base: number): boolean {
  const tp = getSock(net, sk);
  if (tp.retransmits === 0) return false;
  return tcp_time_stamp(net) - tp.retrans_stamp - tcp_model_timeout(boundary, rto_base) >= 0;
}

/**
 * Whether to give up, and the socket's end if so.
 *
 * C: net/ipv4/tcp_timer.c, tcp_write_timeout() and tcp_write_err().
 * Left out: __dst_negative_advice(), which has nothing to do for a route without expiry; path MTU probing; txhash;
 * black hole detection of Fast Open, off by default.
 */
function tcp_write_timeout(net: World, sk: number): { readonly expired: boolean; readonly net: World } {
  const tp = getSock(net, sk);
  const syn = tp.sk_state === TCP_SYN_SENT || tp.sk_state === TCP_SYN_RECV;
  const orphan = tp.icsk_rto < TCP_RTO_MAX ? TCP_ORPHAN_RETRIES : 0;
  const retry_until = syn ? net.sysctl.tcp_syn_retries : tp.orphan ? orphan : TCP_RETRIES2;
  const expired = (syn && tp.retransmits >= retry_until) || retransmits_timed_out(net, sk, retry_until, rtoBase(tp));
  return expired ? { expired, net: tcp_done_with_error(net, sk, ETIMEDOUT) } : { expired, net };
}

/** SYN-ACK of a Fast Open child. C: net/ipv4/tcp_timer.c, tcp_fastopen_synack_timer(). */
function tcp_fastopen_synack_timer(kernel: Kernel, net: World, sk: number, req: number): World {
  const request = getSock(net, req);
  if (request.retransmits >= TCP_SYNACK_RETRIES + 1) return tcp_done_with_error(net, sk, ETIMEDOUT);
  const rtx = inet_rtx_syn_ack(kernel, net, getSock(net, sk), req).net;
  const again = getSock(rtx, req);
  const counted = setSock(rtx, { ...again, retransmits: again.retransmits + 1 });
  const tp = getSock(counted, sk);
  const stamped = setSock(counted, {
    ...tp,
    retransmits: tp.retransmits + 1,
    retrans_stamp: tp.retrans_stamp === 0 ? tcp_time_stamp(net) : tp.retrans_stamp,
  });
  return inet_csk_reset_xmit_timer(stamped, sk, TCP_TIMEOUT_INIT << (again.retransmits + 1));
}

/** The clock at the moment at which a timer fires, or now if that has passed; TIME_WAITs that end until then are gone. */
function clockAt(kernel: Kernel, net: World, timeout: number): World {
  return tcpTimers(kernel, { ...net, now: Math.max(net.now, timeout) });
}

/**
 * The retransmission timer of a socket fires, at its own time: the clock moves there. For a listener it is the timer of
 * the request that is due first; where data waits that could not be sent, the probe timer.
 *
 * C: net/ipv4/tcp_timer.c, tcp_write_timer_handler(), tcp_retransmit_timer() and tcp_probe_timer();
 * net/ipv4/inet_connection_sock.c, reqsk_timer_handler().
 * Left out: tail loss probes, thin streams.
 */
export function tcp_retransmit_timer(kernel: Kernel, before: World, sk: number): World {
  const waiting = getSock(before, sk);
  if (waiting.sk_state === TCP_LISTEN) {
    const req = firstRequest(before, sk);
    if (req === 0) return before;
    return reqsk_timer_handler(kernel, clockAt(kernel, before, getSock(before, req).icsk_timeout), req);
  }
  if (waiting.icsk_timeout === 0) return before;
  let net = clockAt(kernel, before, waiting.icsk_timeout);
  if (waiting.fastopen.rsk !== 0) return tcp_fastopen_synack_timer(kernel, net, sk, waiting.fastopen.rsk);
  if (tcp_rtx_queue_head(waiting).len < 0) {
    net = setSock(net, { ...waiting, icsk_timeout: 0 });
    return tcp_send_head(waiting).len < 0 ? net : tcp_send_probe0(kernel, net, sk);
  }

  const timeout = tcp_write_timeout(net, sk);
  if (timeout.expired) return timeout.net;
  net = setSock(timeout.net, { ...waiting, retransmits: waiting.retransmits + 1 });
  net = tcp_retransmit_skb(kernel, net, sk, tcp_rtx_queue_head(waiting)).net;

  const tp = getSock(net, sk);
  net = setSock(net, { ...tp, icsk_rto: Math.min(tp.icsk_rto * 2, TCP_RTO_MAX) });
  net = inet_csk_reset_xmit_timer(net, sk, getSock(net, sk).icsk_rto);
  if (retransmits_timed_out(net, sk, net.sysctl.tcp_retries1 + 1, kernel.rtoBase(getSock(net, sk)))) {
    net = setSock(net, sk_dst_reset(getSock(net, sk)));
  }
  return net;
}

/** Ends the TIME_WAITs that are over by now. It stands for the timers of tw_timer_handler(). */
export function tcpTimers(_kernel: Kernel, before: World): World {
  let net = before;
  for (const sk of before.socks) {
    if (sk.kind === SOCK_TIMEWAIT && sk.expires <= before.now) net = inet_twsk_kill(net, sk.id);
  }
  return net;
}
