/** The small sockets at both ends of a connection: requests and TIME_WAIT. C: net/ipv4/tcp_minisocks.c. */

import { getSock, setSock } from '../../../types/lookup.ts';
import { type SkBuff, TCPHDR_ACK, TCPHDR_FIN, TCPHDR_RST, TCPHDR_SYN } from '../../../types/packet.ts';
import {
  NO_FASTOPEN,
  SOCK_BINDPORT_LOCK,
  SS_CONNECTED,
  TCP_FIN_WAIT2,
  TCP_SYN_RECV,
  TCP_TIME_WAIT,
} from '../../../types/sock.ts';
import type { Kernel, World } from '../../../types/world.ts';
import { after, before, TCP_TW_ACK, TCP_TW_RST, TCP_TW_SUCCESS, TCP_TW_SYN } from '../../include/net/tcp.ts';
import { reqsk_fastopen_remove } from '../core/request_sock.ts';
import { inet_csk_reqsk_queue_drop, inet_csk_reset_xmit_timer, inet_rtx_syn_ack } from './inet_connection_sock.ts';
import {
  inet_twsk_alloc,
  inet_twsk_deschedule_put,
  inet_twsk_hashdance,
  inet_twsk_reschedule,
} from './inet_timewait_sock.ts';
import { tcp_done } from './tcp.ts';
import {
  __tcp_oow_rate_limited,
  segmentOf,
  tcp_parse_options,
  tcp_paws_reject,
  tcp_rcv_state_process,
  tcp_reset,
} from './tcp_input.ts';
import { tcp_v4_reqsk_send_ack, tcp_v4_send_reset, tcp_v4_syn_recv_sock } from './tcp_ipv4.ts';
import { TCP_RTO_MIN, TCP_TIMEOUT_INIT, TCP_TIMEWAIT_LEN } from './tcp_timer.ts';

/** Whether a segment touches a window. C: net/ipv4/tcp_minisocks.c, tcp_in_window(). */
function tcp_in_window(seq: number, end_seq: number, s_win: number, e_win: number): boolean {
  if (seq === s_win) return true;
  if (after(end_seq, s_win) && before(seq, e_win)) return true;
  return seq === e_win && seq === end_seq;
}

/** What a segment does to a TIME_WAIT socket; `isn` is the sequence number for a connection that may follow at once. */
interface Timewait {
  readonly status: number;
  readonly isn: number;
  readonly net: World;
}

/** C: net/ipv4/tcp_minisocks.c, tcp_timewait_check_oow_rate_limit(). */
function tcp_timewait_check_oow_rate_limit(net: World, tw: number, skb: SkBuff): Timewait {
  const seg = segmentOf(skb);
  if (seg.seq !== seg.end_seq && (skb.th.flags & TCPHDR_SYN) === 0) return { status: TCP_TW_ACK, isn: 0, net };
  const limit = __tcp_oow_rate_limited(net, tw);
  return { status: limit.limited ? TCP_TW_SUCCESS : TCP_TW_ACK, isn: 0, net: limit.net };
}

/**
 * A segment for a TIME_WAIT socket, or for one that stands for FIN_WAIT2 without a user.
 *
 * C: net/ipv4/tcp_minisocks.c, tcp_timewait_state_process(). Left out: sysctl tcp_rfc1337, off by default.
 */
export function tcp_timewait_state_process(net: World, tw: number, skb: SkBuff): Timewait {
  const tcptw = getSock(net, tw);
  const { th } = skb;
  const { seq, end_seq } = segmentOf(skb);
  const rst = (th.flags & TCPHDR_RST) !== 0;
  const syn = (th.flags & TCPHDR_SYN) !== 0;
  const ack = (th.flags & TCPHDR_ACK) !== 0;
  const fin = (th.flags & TCPHDR_FIN) !== 0;
  const opt = tcp_parse_options(th);
  const saw_tstamp = tcptw.tw_has_timestamp && opt.saw_tstamp && net.sysctl.tcp_timestamps !== 0;
  const paws_reject = saw_tstamp && tcp_paws_reject(tcptw, opt.rcv_tsval);
  const stamped = saw_tstamp ? { ...tcptw, ts_recent: opt.rcv_tsval, ts_recent_stamp: net.now } : tcptw;
  const killed = { status: TCP_TW_SUCCESS, isn: 0, net: inet_twsk_deschedule_put(net, tw) };

  if (tcptw.tw_substate === TCP_FIN_WAIT2) {
    const end = (tcptw.rcv_nxt + tcptw.rcv_wnd) >>> 0;
    if (paws_reject || !tcp_in_window(seq, end_seq, tcptw.rcv_nxt, end)) {
      return tcp_timewait_check_oow_rate_limit(net, tw, skb);
    }
    if (rst) return killed;
    if (syn && !before(seq, tcptw.rcv_nxt)) return { status: TCP_TW_RST, isn: 0, net };
    if (!ack || !after(end_seq, tcptw.rcv_nxt) || end_seq === seq) return { status: TCP_TW_SUCCESS, isn: 0, net };
    if (!fin || end_seq !== (tcptw.rcv_nxt + 1) >>> 0) return { status: TCP_TW_RST, isn: 0, net };
    const entered = setSock(net, { ...stamped, tw_substate: TCP_TIME_WAIT, rcv_nxt: end_seq });
    return { status: TCP_TW_ACK, isn: 0, net: inet_twsk_reschedule(entered, tw, TCP_TIMEWAIT_LEN) };
  }

  if (!paws_reject && seq === tcptw.rcv_nxt && (seq === end_seq || rst)) {
    if (rst) return killed;
    return { status: TCP_TW_SUCCESS, isn: 0, net: inet_twsk_reschedule(setSock(net, stamped), tw, TCP_TIMEWAIT_LEN) };
  }

  const newer = saw_tstamp && ((tcptw.ts_recent - opt.rcv_tsval) | 0) < 0;
  if (syn && !rst && !ack && !paws_reject && (after(seq, tcptw.rcv_nxt) || newer)) {
    const isn = (tcptw.snd_nxt + 65535 + 2) >>> 0;
    return { status: TCP_TW_SYN, isn: isn === 0 ? 1 : isn, net };
  }
  if (rst) return { status: TCP_TW_SUCCESS, isn: 0, net };
  const kept = paws_reject || ack ? inet_twsk_reschedule(net, tw, TCP_TIMEWAIT_LEN) : net;
  return tcp_timewait_check_oow_rate_limit(kept, tw, skb);
}

/**
 * A small socket takes the place of `sk`, which ends: TIME_WAIT for a minute, or FIN_WAIT2 for `timeo`.
 *
 * C: net/ipv4/tcp_minisocks.c, tcp_time_wait().
 */
export function tcp_time_wait(net: World, sk: number, state: number, timeo: number): World {
  const tp = getSock(net, sk);
  const made = inet_twsk_alloc(net, tp, state);
  const rto = tp.icsk_rto * 4 - (tp.icsk_rto >> 1);
  const tw = {
    ...made.tw,
    sk_mark: tp.sk_mark,
    md5: tp.md5,
    rcv_nxt: tp.rcv_nxt,
    snd_nxt: tp.snd_nxt,
    rcv_wnd: tp.rcv_wnd,
    wscale_ok: tp.wscale_ok,
    ts_recent: tp.ts_recent,
    ts_recent_stamp: tp.ts_recent_stamp,
    tw_has_timestamp: tp.tstamp_ok,
    expires: net.now + (state === TCP_TIME_WAIT ? TCP_TIMEWAIT_LEN : Math.max(timeo, rto)),
  };
  return tcp_done(inet_twsk_hashdance(made.net, tw, sk), sk);
}

/**
 * The new socket of a connection: a copy of the listener with the request's identity, not hashed yet.
 *
 * C: net/ipv4/tcp_minisocks.c, tcp_create_openreq_child(); net/ipv4/inet_connection_sock.c, inet_csk_clone_lock();
 * net/core/sock.c, sk_clone_lock(); net/ipv4/af_inet.c, inet_accept(), because the user accepts at once. Its name is the
 * listener's with a number: NAME.1, NAME.2 …
 */
export function tcp_create_openreq_child(
  net: World,
  sk: number,
  req: number,
): { readonly child: number; readonly net: World } {
  const listener = getSock(net, sk);
  const treq = getSock(net, req);
  const seq = (treq.snd_una + 1) >>> 0;
  const newsk = {
    ...listener,
    id: net.next_sock,
    name: childName(listener.name, listener.children + 1),
    parent: sk,
    children: 0,
    sk_state: TCP_SYN_RECV,
    ss_state: SS_CONNECTED,
    sk_mark: treq.sk_mark,
    sk_userlocks: listener.sk_userlocks & ~SOCK_BINDPORT_LOCK,
    icsk_bind_hash: 0,
    hashed: false,
    inet_dport: treq.inet_dport,
    inet_num: treq.inet_num,
    inet_sport: treq.inet_num,
    fastopen: NO_FASTOPEN,
    rcv_nxt: (treq.rcv_isn + 1) >>> 0,
    write_seq: seq,
    snd_una: seq,
    snd_nxt: seq,
    snd_sml: seq,
    write_queue: [],
    retransmits: 0,
    retrans_stamp: 0,
    icsk_rto: TCP_TIMEOUT_INIT,
    icsk_timeout: 0,
    received: 0,
    sk_err: 0,
    tstamp_ok: treq.tstamp_ok,
    sack_ok: treq.sack_ok,
    wscale_ok: treq.wscale_ok,
    snd_wscale: treq.snd_wscale,
    snd_wnd: 0,
    snd_wl1: (treq.rcv_nxt - 1) >>> 0,
    ts_recent: treq.ts_recent,
    ts_recent_stamp: net.now,
    rcv_wnd: treq.rcv_wnd,
    advmss: treq.advmss,
    tcp_header_len: treq.tstamp_ok ? 32 : 20,
    last_oow_ack_time: -1,
  };
  const counted = setSock(net, { ...listener, children: listener.children + 1 });
  return { child: newsk.id, net: { ...counted, next_sock: net.next_sock + 1, socks: [...counted.socks, newsk] } };
}

/** NAME.1, NAME.2 … for the children of a listener. */
function childName(listener: string, number: number): string {
  return `${listener}.${number}`;
}

/** What becomes of a segment for a request: the socket that goes on with it, 0 for none. */
interface CheckReq {
  readonly sk: number;
  readonly net: World;
}

/** Takes out the request, unless it belongs to a Fast Open child. */
function embryonicReset(kernel: Kernel, net: World, sk: number, skb: SkBuff, req: number, fastopen: boolean): CheckReq {
  const rst = (skb.th.flags & TCPHDR_RST) !== 0;
  if (!rst) {
    const reset = tcp_v4_send_reset(kernel, net, getSock(net, sk), skb);
    return { sk: 0, net: fastopen ? reset : inet_csk_reqsk_queue_drop(reset, req) };
  }
  if (fastopen) return { sk: 0, net: tcp_reset(reqsk_fastopen_remove(net, sk), sk) };
  return { sk: 0, net: inet_csk_reqsk_queue_drop(net, req) };
}

/**
 * A segment for a connection that is not open yet. `sk` is the listener, or with `fastopen` the child itself.
 *
 * C: net/ipv4/tcp_minisocks.c, tcp_check_req(). Left out: TCP_DEFER_ACCEPT.
 */
export function tcp_check_req(
  kernel: Kernel,
  net: World,
  sk: number,
  skb: SkBuff,
  req: number,
  fastopen: boolean,
): CheckReq {
  const treq = getSock(net, req);
  const { th } = skb;
  const { seq, end_seq } = segmentOf(skb);
  const flg = th.flags & (TCPHDR_RST | TCPHDR_SYN | TCPHDR_ACK);
  const opt = tcp_parse_options(th);
  const saw_tstamp = opt.saw_tstamp && net.sysctl.tcp_timestamps !== 0;
  const paws_reject = saw_tstamp && treq.tstamp_ok && tcp_paws_reject(treq, opt.rcv_tsval);

  if (seq === treq.rcv_isn && flg === TCPHDR_SYN && !paws_reject) {
    const limit = __tcp_oow_rate_limited(net, req);
    if (limit.limited) return { sk: 0, net: limit.net };
    const rtx = inet_rtx_syn_ack(kernel, limit.net, getSock(limit.net, sk), req);
    if (rtx.err !== 0) return { sk: 0, net: rtx.net };
    const again = getSock(rtx.net, req);
    return { sk: 0, net: inet_csk_reset_xmit_timer(rtx.net, req, again.icsk_rto << again.retransmits) };
  }

  if ((flg & TCPHDR_ACK) !== 0 && (flg & TCPHDR_RST) === 0 && !fastopen && th.ack_seq !== (treq.snd_una + 1) >>> 0) {
    return { sk, net };
  }

  const end = (treq.rcv_nxt + treq.rcv_wnd) >>> 0;
  if (paws_reject || !tcp_in_window(seq, end_seq, treq.rcv_nxt, end)) {
    if ((flg & TCPHDR_RST) !== 0) return { sk: 0, net };
    const data = seq !== end_seq && (flg & TCPHDR_SYN) === 0;
    const limit = data ? { limited: false, net } : __tcp_oow_rate_limited(net, req);
    if (limit.limited) return { sk: 0, net: limit.net };
    return { sk: 0, net: tcp_v4_reqsk_send_ack(kernel, limit.net, getSock(limit.net, sk), skb, treq) };
  }

  const syn = (flg & TCPHDR_SYN) !== 0 && seq !== treq.rcv_isn;
  const rst = (flg & TCPHDR_RST) !== 0;
  if (rst && seq !== treq.rcv_nxt) {
    const limit = __tcp_oow_rate_limited(net, req);
    if (limit.limited) return { sk: 0, net: limit.net };
    return { sk: 0, net: tcp_v4_reqsk_send_ack(kernel, limit.net, getSock(limit.net, sk), skb, treq) };
  }
  if (rst || syn) return embryonicReset(kernel, net, sk, skb, req, fastopen);
  if ((flg & TCPHDR_ACK) === 0) return { sk: 0, net };
  if (fastopen) return { sk, net };

  const made = tcp_v4_syn_recv_sock(kernel, net, sk, req, true);
  if (made.child === 0) return { sk: 0, net: made.net };
  const child = getSock(made.net, made.child);
  const stamp = saw_tstamp && child.tstamp_ok && !after(seq, treq.rcv_nxt) ? opt.rcv_tsval : child.ts_recent;
  const ready = setSock(made.net, {
    ...child,
    ts_recent: stamp,
    icsk_rto: TCP_RTO_MIN,
    retrans_stamp: 0,
  });
  return { sk: made.child, net: inet_csk_reqsk_queue_drop(ready, req) };
}

/** Feeds the segment to the new socket. C: net/ipv4/tcp_minisocks.c, tcp_child_process(). */
export function tcp_child_process(
  kernel: Kernel,
  net: World,
  child: number,
  skb: SkBuff,
): { readonly ret: number; readonly net: World } {
  return tcp_rcv_state_process(kernel, net, child, skb, 0);
}
