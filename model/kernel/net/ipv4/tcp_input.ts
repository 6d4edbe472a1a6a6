/** What TCP does with what it receives. C: net/ipv4/tcp_input.c. RFC: 9293 section 3.10.7. */

import { ECONNREFUSED, ECONNRESET, EPIPE } from '../../../types/errno.ts';
import { getSock, setSock } from '../../../types/lookup.ts';
import { type SkBuff, TCPHDR_ACK, TCPHDR_FIN, TCPHDR_RST, TCPHDR_SYN, type Tcphdr } from '../../../types/packet.ts';
import { RTN_BROADCAST, RTN_MULTICAST } from '../../../types/route.ts';
import {
  NO_SOCK,
  SOCK_REQUEST,
  type Sock,
  TCP_CLOSE,
  TCP_CLOSE_WAIT,
  TCP_CLOSING,
  TCP_ESTABLISHED,
  TCP_FIN_WAIT1,
  TCP_FIN_WAIT2,
  TCP_LAST_ACK,
  TCP_LISTEN,
  TCP_NEW_SYN_RECV,
  TCP_SYN_RECV,
  TCP_SYN_SENT,
  TCP_TIME_WAIT,
  type WriteQueueSeg,
} from '../../../types/sock.ts';
import type { Kernel, World } from '../../../types/world.ts';
import {
  after,
  before,
  optionValue,
  TCP_MAX_WSCALE,
  TCPOLEN_MD5SIG,
  TCPOLEN_TSTAMP_ALIGNED,
  TCPOLEN_WINDOW,
  TCPOPT_FASTOPEN,
  TCPOPT_MD5SIG,
  TCPOPT_MSS,
  TCPOPT_SACK_PERM,
  TCPOPT_TIMESTAMP,
  TCPOPT_WINDOW,
  type TcpOption,
  tcp_time_stamp,
  tcpOptions,
} from '../../include/net/tcp.ts';
import { reqsk_fastopen_remove } from '../core/request_sock.ts';
import { inet_sk_rebuild_header } from './af_inet.ts';
import { inet_csk_reqsk_queue_drop, inet_csk_reset_xmit_timer, inet_csk_route_req } from './inet_connection_sock.ts';
import { inet_ehash_insert } from './inet_hashtables.ts';
import { tcp_dst_advmss } from './route.ts';
import { tcp_done, tcp_set_state } from './tcp.ts';
import { tcp_fastopen_add_skb, tcp_try_fastopen } from './tcp_fastopen.ts';
import { synFin, tcp_v4_init_seq_of, tcp_v4_send_synack } from './tcp_ipv4.ts';
import { tcp_fastopen_cache_set } from './tcp_metrics.ts';
import { tcp_check_req, tcp_time_wait } from './tcp_minisocks.ts';
import {
  __tcp_push_pending_frames,
  endSeq,
  packetsOut,
  tcp_select_initial_window,
  tcp_send_ack,
  tcp_send_synack,
  tcp_xmit_retransmit_queue,
} from './tcp_output.ts';
import { TCP_RTO_MAX, TCP_RTO_MIN, TCP_TIMEOUT_INIT, TCP_TIMEOUT_MIN, TCP_TIMEWAIT_LEN } from './tcp_timer.ts';

/** How long a socket waits between two ACKs for segments out of window. C: include/net/netns/ipv4.h, sysctl_tcp_invalid_ratelimit, in milliseconds. */
const TCP_INVALID_RATELIMIT = 500;

/** The place of a segment in sequence space. C: include/net/tcp.h, struct tcp_skb_cb, as tcp_v4_fill_cb() fills it. */
export interface Segment {
  readonly seq: number;
  readonly end_seq: number;
  readonly ack_seq: number;
}

export function segmentOf(skb: SkBuff): Segment {
  const { th } = skb;
  return { seq: th.seq, end_seq: (th.seq + synFin(th) + skb.payload.len) >>> 0, ack_seq: th.ack_seq };
}

/** Options of a header. C: include/linux/tcp.h, struct tcp_options_received. `mss`, `snd_wscale`: 0 none; `foc`: 0 none, -1 a request, else a cookie. */
export interface TcpOptionsReceived {
  readonly mss: number;
  readonly saw_tstamp: boolean;
  readonly rcv_tsval: number;
  readonly rcv_tsecr: number;
  readonly wscale_ok: boolean;
  readonly snd_wscale: number;
  readonly sack_ok: boolean;
  readonly foc: number;
}

const NO_OPTIONS: TcpOptionsReceived = {
  mss: 0,
  saw_tstamp: false,
  rcv_tsval: 0,
  rcv_tsecr: 0,
  wscale_ok: false,
  snd_wscale: 0,
  sack_ok: false,
  foc: 0,
};

/** What was read so far with one more option. */
function withOption(
  opt: TcpOptionsReceived,
  { kind, length, at }: TcpOption,
  words: readonly number[],
  syn: boolean,
): TcpOptionsReceived {
  if (kind === TCPOPT_TIMESTAMP && length === 10) {
    const rcv_tsval = optionValue(words, at, 4);
    const rcv_tsecr = optionValue(words, at + 4, 4);
    return { ...opt, saw_tstamp: true, rcv_tsval, rcv_tsecr };
  }
  if (!syn) return opt;
  if (kind === TCPOPT_MSS && length === 4) return { ...opt, mss: optionValue(words, at, 2) };
  if (kind === TCPOPT_WINDOW && length === TCPOLEN_WINDOW) {
    return { ...opt, wscale_ok: true, snd_wscale: Math.min(optionValue(words, at, 1), TCP_MAX_WSCALE) };
  }
  if (kind === TCPOPT_SACK_PERM && length === 2) return { ...opt, sack_ok: true };
  if (kind === TCPOPT_FASTOPEN && length === 2) return { ...opt, foc: -1 };
  const cookie = kind === TCPOPT_FASTOPEN && length >= 6 && length <= 18 && (length & 1) === 0;
  return cookie ? { ...opt, foc: optionValue(words, at, 4) } : opt;
}

/**
 * Reads the options of a header, whatever this host would make of them.
 *
 * C: net/ipv4/tcp_input.c, tcp_parse_options(); the sysctls that allow an option are looked at by the callers.
 */
export function tcp_parse_options(th: Tcphdr): TcpOptionsReceived {
  const syn = (th.flags & TCPHDR_SYN) !== 0;
  let opt = NO_OPTIONS;
  for (const option of tcpOptions(th.options)) opt = withOption(opt, option, th.options, syn);
  return opt;
}

/** How much older than the last one a timestamp on a connection may be. C: include/net/tcp.h. */
const TCP_PAWS_WINDOW = 1;

/** Whether a timestamp is at most so much older than the last one. C: include/net/tcp.h, tcp_paws_check(). RFC: 7323. Left out: stamps of 24 days ago. */
function tcp_paws_check(tp: Sock, rcv_tsval: number, paws_win: number): boolean {
  return tp.ts_recent === 0 || ((tp.ts_recent - rcv_tsval) | 0) <= paws_win;
}

/** Whether a timestamp is older than the last one. C: include/net/tcp.h, tcp_paws_reject(). RFC: 7323. */
export function tcp_paws_reject(tp: Sock, rcv_tsval: number): boolean {
  return !tcp_paws_check(tp, rcv_tsval, 0);
}

/** Whether an ACK for a segment out of window has to wait; else its time is noted. C: net/ipv4/tcp_input.c, __tcp_oow_rate_limited(). */
export function __tcp_oow_rate_limited(net: World, sk: number): { readonly limited: boolean; readonly net: World } {
  const tp = getSock(net, sk);
  const last = tp.last_oow_ack_time;
  if (last >= 0 && net.now - last < TCP_INVALID_RATELIMIT) return { limited: true, net };
  return { limited: false, net: setSock(net, { ...tp, last_oow_ack_time: net.now }) };
}

/** Answers a segment out of window, unless that would feed a loop. C: net/ipv4/tcp_input.c, tcp_oow_rate_limited() with tcp_send_dupack(). */
function sendDupack(kernel: Kernel, net: World, sk: number, skb: SkBuff): World {
  const seg = segmentOf(skb);
  if (seg.seq !== seg.end_seq && (skb.th.flags & TCPHDR_SYN) === 0) return tcp_send_ack(kernel, net, sk);
  const limit = __tcp_oow_rate_limited(net, sk);
  return limit.limited ? limit.net : tcp_send_ack(kernel, limit.net, sk);
}

/** C: net/ipv4/tcp_input.c, tcp_send_challenge_ack(). RFC: 5961. */
function tcp_send_challenge_ack(kernel: Kernel, net: World, sk: number): World {
  const limit = __tcp_oow_rate_limited(net, sk);
  return limit.limited ? limit.net : tcp_send_ack(kernel, limit.net, sk);
}

/** The peer resets the connection. C: net/ipv4/tcp_input.c, tcp_reset(). */
export function tcp_reset(net: World, sk: number): World {
  const state = getSock(net, sk).sk_state;
  if (state === TCP_CLOSE) return net;
  const err = state === TCP_SYN_SENT ? ECONNREFUSED : state === TCP_CLOSE_WAIT ? EPIPE : ECONNRESET;
  return tcp_done_with_error(net, sk, err);
}

/** The queue with a segment that has been sent, in the order of numbers. C: net/ipv4/tcp_input.c, tcp_rbtree_insert(). */
export function tcp_rbtree_insert(queue: readonly WriteQueueSeg[], skb: WriteQueueSeg): readonly WriteQueueSeg[] {
  let all: readonly WriteQueueSeg[] = [];
  let placed = false;
  for (const seg of queue) {
    const here: boolean = !placed && (!seg.sent || before(skb.seq, seg.seq));
    all = here ? [...all, skb, seg] : [...all, seg];
    placed = placed || here;
  }
  return placed ? all : [...all, skb];
}

/** The window that a segment announces, in bytes: in a SYN it is not scaled. C: net/ipv4/tcp_input.c, tcp_ack_update_window(). RFC: 7323. */
function announcedWindow(tp: Sock, th: Tcphdr): number {
  return (th.flags & TCPHDR_SYN) !== 0 ? th.window : (th.window << tp.snd_wscale) >>> 0;
}

/** Whether the segment is not older than the last that announced a window. C: net/ipv4/tcp_input.c, tcp_may_update_window(). RFC: 9293 section 3.10.7.4. */
function tcp_may_update_window(tp: Sock, ack: number, ack_seq: number, nwin: number): boolean {
  return after(ack, tp.snd_una) || after(ack_seq, tp.snd_wl1) || (ack_seq === tp.snd_wl1 && nwin > tp.snd_wnd);
}

/**
 * Whether it is an ACK that says nothing new and may have been overtaken.
 *
 * C: net/ipv4/tcp_input.c, tcp_disordered_ack(). RFC: 7323 section 5.3.
 * Left out: the flag ACK, which a segment that takes no sequence space has by now.
 */
function tcp_disordered_ack(tp: Sock, skb: SkBuff, rcv_tsval: number): boolean {
  const { seq, end_seq, ack_seq } = segmentOf(skb);
  const pure = seq === end_seq && seq === tp.rcv_nxt;
  const nwin = (skb.th.window << tp.snd_wscale) >>> 0;
  const duplicate = ack_seq === tp.snd_una && !tcp_may_update_window(tp, ack_seq, seq, nwin);
  return pure && duplicate && ((tp.ts_recent - rcv_tsval) | 0) * 1000 <= tp.icsk_rto * 1024;
}

/** Whether a connection refuses a segment for its timestamp. C: net/ipv4/tcp_input.c, tcp_paws_discard(). */
function tcp_paws_discard(tp: Sock, skb: SkBuff, rcv_tsval: number): boolean {
  return !tcp_paws_check(tp, rcv_tsval, TCP_PAWS_WINDOW) && !tcp_disordered_ack(tp, skb, rcv_tsval);
}

/** An `int` result: 1 asks the caller for a RST. */
interface Received {
  readonly ret: number;
  readonly net: World;
}

/**
 * The round trip of a handshake, told by the timestamp that the peer gives back; 0 without one.
 *
 * C: net/ipv4/tcp_input.c, tcp_ack_update_rtt() and tcp_rtt_estimator(), the first measurement. RFC: 6298 section 2.2.
 * Left out: later measurements, the first stands for all; microseconds.
 */
function tcp_rtt_estimator(net: World, skb: SkBuff): number {
  const opt = tcp_parse_options(skb.th);
  const measured = opt.saw_tstamp && opt.rcv_tsecr !== 0;
  return measured ? Math.max(tcp_time_stamp(net) - opt.rcv_tsecr, 0) : 0;
}

/** The retransmission timeout that follows from the round trip. C: include/net/tcp.h, __tcp_set_rto(). RFC: 6298. */
function tcp_set_rto(srtt: number): number {
  return Math.min(srtt + Math.max(2 * srtt, TCP_RTO_MIN), TCP_RTO_MAX);
}

/**
 * Takes an acknowledgement: segments that it covers leave the queue. `ret` is negative for one of data never sent.
 *
 * C: net/ipv4/tcp_input.c, tcp_ack(), tcp_ack_update_window() and tcp_clean_rtx_queue().
 * Left out: congestion control, SACK; the timeout is that of the handshake again after each success.
 */
function tcp_ack(net: World, sk: number, skb: SkBuff): Received {
  const old = getSock(net, sk);
  const ack = skb.th.ack_seq;
  if (before(ack, old.snd_una)) return { ret: 0, net };
  if (after(ack, old.snd_nxt)) return { ret: -1, net };
  const nwin = announcedWindow(old, skb.th);
  const updates = tcp_may_update_window(old, ack, skb.th.seq, nwin);
  const max_window = Math.max(old.max_window, nwin);
  const tp = updates ? { ...old, snd_wnd: nwin, max_window, snd_wl1: skb.th.seq } : old;
  if (!after(ack, tp.snd_una)) return { ret: 1, net: setSock(net, tp) };
  let write_queue: readonly WriteQueueSeg[] = [];
  let synAcked = false;
  let out = false;
  let open = true;
  for (const seg of tp.write_queue) {
    const acked: boolean = open && seg.sent && !after(endSeq(seg), ack);
    open = acked;
    synAcked = synAcked || (acked && (seg.flags & TCPHDR_SYN) !== 0);
    write_queue = acked ? write_queue : [...write_queue, seg];
    out = out || (seg.sent && !acked);
  }
  const srtt = synAcked ? tcp_rtt_estimator(net, skb) : tp.srtt;
  const icsk_rto = tcp_set_rto(srtt);
  const settled = setSock(net, {
    ...tp,
    srtt,
    write_queue,
    snd_una: ack,
    retransmits: 0,
    icsk_rto,
    retrans_stamp: synAcked || !out ? 0 : tp.retrans_stamp,
    icsk_timeout: 0,
  });
  return { ret: 1, net: out ? inet_csk_reset_xmit_timer(settled, sk, icsk_rto) : settled };
}

/** The connection is open. C: net/ipv4/tcp_input.c, tcp_finish_connect() and tcp_init_transfer(). */
function tcp_finish_connect(net: World, sk: number): World {
  return inet_sk_rebuild_header(tcp_set_state(net, sk, TCP_ESTABLISHED), sk).net;
}

/**
 * What a SYN-ACK says about Fast Open: a cookie is kept for the addresses that the socket has now, and data of the SYN
 * that it does not acknowledge is sent again at once (`failed`).
 *
 * C: net/ipv4/tcp_input.c, tcp_rcv_fastopen_synack(). Left out: trying the experimental option next time.
 */
function tcp_rcv_fastopen_synack(
  kernel: Kernel,
  net: World,
  sk: number,
  synack: SkBuff,
  opt: TcpOptionsReceived,
): { readonly failed: boolean; readonly net: World } {
  const tp = getSock(net, sk);
  const cookie = tp.fastopen.syn_fastopen && opt.foc !== -1 ? opt.foc : 0;
  const cached = tcp_fastopen_cache_set(net, tp, opt.mss, cookie);
  if (tp.fastopen.syn_data && packetsOut(tp)) {
    return { failed: true, net: tcp_xmit_retransmit_queue(kernel, cached, sk) };
  }
  return { failed: false, net: tcp_fastopen_add_skb(kernel, cached, sk, synack) };
}

/** The socket with what the peer's first segment says about options. */
function withPeerOptions(net: World, tp: Sock, opt: TcpOptionsReceived): Sock {
  const saw_tstamp = opt.saw_tstamp && net.sysctl.tcp_timestamps !== 0;
  return {
    ...tp,
    tstamp_ok: saw_tstamp,
    ts_recent: saw_tstamp ? opt.rcv_tsval : tp.ts_recent,
    ts_recent_stamp: saw_tstamp ? net.now : tp.ts_recent_stamp,
    tcp_header_len: 20 + (saw_tstamp ? TCPOLEN_TSTAMP_ALIGNED : 0),
    wscale_ok: opt.wscale_ok && net.sysctl.tcp_window_scaling !== 0,
    snd_wscale: net.sysctl.tcp_window_scaling !== 0 ? opt.snd_wscale : 0,
    sack_ok: opt.sack_ok && net.sysctl.tcp_sack !== 0,
  };
}

/**
 * A segment for a socket that has sent a SYN.
 *
 * C: net/ipv4/tcp_input.c, tcp_rcv_synsent_state_process(). Left out: PAWS against an inherited timestamp.
 */
function tcp_rcv_synsent_state_process(kernel: Kernel, start: World, sk: number, skb: SkBuff): Received {
  let net = start;
  const tp = getSock(net, sk);
  const { th } = skb;
  const { seq } = segmentOf(skb);
  const opt = tcp_parse_options(th);
  const rst = (th.flags & TCPHDR_RST) !== 0;
  const syn = (th.flags & TCPHDR_SYN) !== 0;

  if ((th.flags & TCPHDR_ACK) !== 0) {
    if (!after(th.ack_seq, tp.snd_una) || after(th.ack_seq, tp.snd_nxt)) {
      return { ret: 1, net: tp.retransmits === 0 ? inet_csk_reset_xmit_timer(net, sk, TCP_TIMEOUT_MIN) : net };
    }
    if (opt.saw_tstamp && net.sysctl.tcp_timestamps !== 0 && opt.rcv_tsecr !== 0) {
      const between = !before(opt.rcv_tsecr, tp.retrans_stamp) && !after(opt.rcv_tsecr, tcp_time_stamp(net));
      if (!between) return { ret: 1, net };
    }
    if (rst) return { ret: 0, net: tcp_reset(net, sk) };
    if (!syn) return { ret: 0, net };

    net = tcp_ack(net, sk, skb).net;
    const opened = withPeerOptions(net, getSock(net, sk), opt);
    const advmss = opened.tstamp_ok ? opened.advmss - TCPOLEN_TSTAMP_ALIGNED : opened.advmss;
    net = setSock(net, { ...opened, advmss, rcv_nxt: (seq + 1) >>> 0 });
    net = tcp_finish_connect(net, sk);

    const { fastopen } = getSock(net, sk);
    let failed = false;
    if (fastopen.syn_fastopen || fastopen.syn_data) {
      const answer = tcp_rcv_fastopen_synack(kernel, net, sk, skb, opt);
      net = answer.net;
      failed = answer.failed;
    }
    if (!failed) net = tcp_send_ack(kernel, net, sk);
    return { ret: 0, net: tcp_data_snd_check(kernel, net, sk) };
  }

  if (rst || !syn) return { ret: 0, net };
  net = tcp_set_state(net, sk, TCP_SYN_RECV);
  const crossed = withPeerOptions(net, getSock(net, sk), opt);
  const peer = { snd_wnd: th.window, max_window: th.window, snd_wl1: seq };
  net = setSock(net, { ...crossed, ...peer, rcv_nxt: (seq + 1) >>> 0 });
  return { ret: 0, net: tcp_send_synack(kernel, net, sk) };
}

/**
 * Whether a segment may be looked at further: timestamp, sequence number, RST, SYN, in that order.
 *
 * C: net/ipv4/tcp_input.c, tcp_validate_incoming() and tcp_replace_ts_recent().
 */
function tcp_validate_incoming(
  kernel: Kernel,
  net: World,
  sk: number,
  skb: SkBuff,
): { readonly valid: boolean; readonly net: World } {
  const tp = getSock(net, sk);
  const { th } = skb;
  const { seq, end_seq } = segmentOf(skb);
  const rst = (th.flags & TCPHDR_RST) !== 0;
  const syn = (th.flags & TCPHDR_SYN) !== 0;
  const opt = tcp_parse_options(th);
  const saw_tstamp = tp.tstamp_ok && opt.saw_tstamp;
  if (!rst && saw_tstamp && tcp_paws_discard(tp, skb, opt.rcv_tsval)) {
    return { valid: false, net: sendDupack(kernel, net, sk, skb) };
  }
  const closing = tp.sk_state === TCP_CLOSE_WAIT || tp.sk_state === TCP_LAST_ACK || tp.sk_state === TCP_CLOSING;
  const reset_check = closing && seq === (tp.rcv_nxt - 1) >>> 0;
  if (before(end_seq, tp.rcv_nxt) || after(seq, (tp.rcv_nxt + tp.rcv_wnd) >>> 0)) {
    if (rst) return { valid: false, net: reset_check ? tcp_reset(net, sk) : net };
    if (syn) return { valid: false, net: tcp_send_challenge_ack(kernel, net, sk) };
    return { valid: false, net: sendDupack(kernel, net, sk, skb) };
  }
  if (rst) {
    if (seq === tp.rcv_nxt || reset_check) return { valid: false, net: tcp_reset(net, sk) };
    return { valid: false, net: tcp_send_challenge_ack(kernel, net, sk) };
  }
  if (syn) {
    const crossed =
      tp.sk_state === TCP_SYN_RECV &&
      (th.flags & TCPHDR_ACK) !== 0 &&
      (seq + 1) >>> 0 === end_seq &&
      end_seq === tp.rcv_nxt &&
      th.ack_seq === tp.snd_nxt;
    if (!crossed) return { valid: false, net: tcp_send_challenge_ack(kernel, net, sk) };
  }
  const stamp = saw_tstamp && !after(seq, tp.rcv_nxt) && !tcp_paws_reject(tp, opt.rcv_tsval);
  return {
    valid: true,
    net: stamp ? setSock(net, { ...tp, ts_recent: opt.rcv_tsval, ts_recent_stamp: net.now }) : net,
  };
}

/** Data received, and whether an acknowledgement is due. */
interface Queued {
  readonly ack: boolean;
  readonly net: World;
}

/** The peer has sent all. C: net/ipv4/tcp_input.c, tcp_fin(). */
export function tcp_fin(kernel: Kernel, net: World, sk: number): World {
  const state = getSock(net, sk).sk_state;
  if (state === TCP_SYN_RECV || state === TCP_ESTABLISHED) return tcp_set_state(net, sk, TCP_CLOSE_WAIT);
  if (state === TCP_FIN_WAIT1) return tcp_set_state(tcp_send_ack(kernel, net, sk), sk, TCP_CLOSING);
  if (state === TCP_FIN_WAIT2) return tcp_time_wait(tcp_send_ack(kernel, net, sk), sk, TCP_TIME_WAIT, 0);
  return net;
}

/**
 * Data and FIN of a segment, as far as they are new.
 *
 * C: net/ipv4/tcp_input.c, tcp_data_queue() and tcp_queue_rcv().
 * Left out: the queue of segments out of order, each of which is dropped with an ACK.
 */
function tcp_data_queue(kernel: Kernel, net: World, sk: number, skb: SkBuff): Queued {
  const tp = getSock(net, sk);
  const { seq, end_seq } = segmentOf(skb);
  if (seq === end_seq) return { ack: false, net };
  if (!after(end_seq, tp.rcv_nxt) || after(seq, tp.rcv_nxt)) return { ack: true, net };
  const fin = (skb.th.flags & TCPHDR_FIN) !== 0;
  const old = (tp.rcv_nxt - seq) >>> 0;
  const taken = setSock(net, { ...tp, rcv_nxt: end_seq, received: tp.received + skb.payload.len - old });
  if (!fin) return { ack: true, net: taken };
  const at = tp.sk_state;
  return { ack: at !== TCP_FIN_WAIT1 && at !== TCP_FIN_WAIT2, net: tcp_fin(kernel, taken, sk) };
}

/** Sends what an acknowledgement allows. C: net/ipv4/tcp_input.c, tcp_data_snd_check(). */
function tcp_data_snd_check(kernel: Kernel, net: World, sk: number): World {
  return __tcp_push_pending_frames(kernel, net, sk, false);
}

/** The last step of every segment: data that may go now carries the acknowledgement; else it goes alone. */
function dataAndAck(kernel: Kernel, net: World, sk: number, ack: boolean): World {
  const tp = getSock(net, sk);
  if (tp.sk_state === TCP_CLOSE) return net;
  const pushed = tcp_data_snd_check(kernel, net, sk);
  const carried = getSock(pushed, sk).snd_nxt !== tp.snd_nxt;
  return ack && !carried ? tcp_send_ack(kernel, pushed, sk) : pushed;
}

/**
 * A segment for a socket in a synchronized state.
 *
 * C: net/ipv4/tcp_input.c, tcp_rcv_state_process() from step 1 on, and tcp_rcv_established(), whose slow path is the same.
 * Left out: delayed acknowledgements, each is sent at once; urgent data.
 */
function tcp_rcv_synchronized(kernel: Kernel, start: World, sk: number, skb: SkBuff): Received {
  let net = start;
  const { th } = skb;
  const req = getSock(net, sk).fastopen.rsk;
  if (req !== 0) {
    const checked = tcp_check_req(kernel, net, sk, skb, req, true);
    if (checked.sk === 0) return { ret: 0, net: checked.net };
    net = checked.net;
  }
  if ((th.flags & (TCPHDR_ACK | TCPHDR_RST | TCPHDR_SYN)) === 0) return { ret: 0, net };
  const validated = tcp_validate_incoming(kernel, net, sk, skb);
  net = validated.net;
  if (!validated.valid) return { ret: 0, net };
  if ((th.flags & TCPHDR_ACK) === 0) return { ret: 0, net };

  const established = getSock(net, sk).sk_state === TCP_ESTABLISHED;
  const acked = tcp_ack(net, sk, skb);
  net = acked.net;
  if (acked.ret <= 0) {
    if (getSock(net, sk).sk_state === TCP_SYN_RECV) return { ret: 1, net };
    if (acked.ret < 0) return { ret: 0, net: established ? net : tcp_send_challenge_ack(kernel, net, sk) };
  }

  const tp = getSock(net, sk);
  const state = tp.sk_state;
  if (state === TCP_SYN_RECV) {
    net = reqsk_fastopen_remove(net, sk);
    const opened = getSock(net, sk);
    const srtt = tcp_rtt_estimator(net, skb);
    const icsk_rto = tcp_set_rto(srtt);
    net = setSock(net, {
      ...opened,
      srtt,
      sk_state: TCP_ESTABLISHED,
      advmss: opened.tstamp_ok ? opened.advmss - TCPOLEN_TSTAMP_ALIGNED : opened.advmss,
      retrans_stamp: 0,
      retransmits: 0,
      snd_una: th.ack_seq,
      snd_wnd: announcedWindow(opened, th),
      snd_wl1: th.seq,
      icsk_rto,
      icsk_timeout: packetsOut(opened) ? net.now + icsk_rto : 0,
    });
  } else if (state === TCP_FIN_WAIT1) {
    net = reqsk_fastopen_remove(net, sk);
    if (tp.snd_una === tp.write_seq) {
      net = tcp_set_state(net, sk, TCP_FIN_WAIT2);
      if (dataAfterClose(tp, skb)) return { ret: 1, net: tcp_reset(net, sk) };
      if ((th.flags & TCPHDR_FIN) === 0) {
        return { ret: 0, net: tcp_time_wait(net, sk, TCP_FIN_WAIT2, TCP_TIMEWAIT_LEN) };
      }
    }
  } else if (state === TCP_CLOSING && tp.snd_una === tp.write_seq) {
    return { ret: 0, net: tcp_time_wait(net, sk, TCP_TIME_WAIT, 0) };
  } else if (state === TCP_LAST_ACK && tp.snd_una === tp.write_seq) {
    return { ret: 0, net: tcp_done_with_error(net, sk, 0) };
  }
  return tcp_rcv_text(kernel, net, sk, skb);
}

/** Whether a segment brings data for a user who has closed. C: net/ipv4/tcp_input.c, tcp_rcv_state_process(), RCV_SHUTDOWN. */
function dataAfterClose(tp: Sock, skb: SkBuff): boolean {
  const { seq, end_seq } = segmentOf(skb);
  const fin = (skb.th.flags & TCPHDR_FIN) === 0 ? 0 : 1;
  return end_seq !== seq && after((end_seq - fin) >>> 0, tp.rcv_nxt);
}

/** Step 7: the segment's text. C: net/ipv4/tcp_input.c, tcp_rcv_state_process(). */
function tcp_rcv_text(kernel: Kernel, net: World, sk: number, skb: SkBuff): Received {
  const tp = getSock(net, sk);
  const state = tp.sk_state;
  const closed = state === TCP_CLOSE_WAIT || state === TCP_CLOSING || state === TCP_LAST_ACK;
  if (closed && !before(skb.th.seq, tp.rcv_nxt)) return { ret: 0, net: dataAndAck(kernel, net, sk, false) };
  if ((closed || state === TCP_FIN_WAIT1 || state === TCP_FIN_WAIT2) && tp.orphan && dataAfterClose(tp, skb)) {
    return { ret: 1, net: tcp_reset(net, sk) };
  }
  const queued = tcp_data_queue(kernel, net, sk, skb);
  return { ret: 0, net: dataAndAck(kernel, queued.net, sk, queued.ack) };
}

/**
 * A segment for a full socket; `tw_isn` is the sequence number that a TIME_WAIT leaves to its successor, 0 for none.
 * `ret` 1 asks for a RST.
 *
 * C: net/ipv4/tcp_input.c, tcp_rcv_state_process().
 */
export function tcp_rcv_state_process(kernel: Kernel, net: World, sk: number, skb: SkBuff, tw_isn: number): Received {
  const { flags } = skb.th;
  const state = getSock(net, sk).sk_state;
  if (state === TCP_CLOSE) return { ret: 0, net };
  if (state === TCP_LISTEN) {
    if ((flags & TCPHDR_ACK) !== 0) return { ret: 1, net };
    if ((flags & TCPHDR_RST) !== 0 || (flags & TCPHDR_SYN) === 0) return { ret: 0, net };
    if ((flags & TCPHDR_FIN) !== 0) return { ret: 0, net };
    return { ret: 0, net: tcp_conn_request(kernel, net, sk, skb, tw_isn) };
  }
  if (state === TCP_SYN_SENT) return tcp_rcv_synsent_state_process(kernel, net, sk, skb);
  return tcp_rcv_synchronized(kernel, net, sk, skb);
}

/** The mark of a connection that a packet opens. C: include/net/inet_sock.h, inet_request_mark(). */
export function inet_request_mark(net: World, sk: Sock, skb: SkBuff): number {
  return sk.sk_mark === 0 && net.sysctl.tcp_fwmark_accept !== 0 ? skb.mark : sk.sk_mark;
}

/**
 * A SYN for a listener: a request, its place in ehash and its SYN-ACK; or, with Fast Open, a child at once.
 *
 * C: net/ipv4/tcp_input.c, tcp_conn_request() with tcp_openreq_init() and tcp_openreq_init_rwin();
 * net/ipv4/tcp_ipv4.c, tcp_v4_conn_request(). The request keeps its snt_isn in snd_una.
 * Left out: SYN cookies and full queues.
 */
function tcp_conn_request(kernel: Kernel, start: World, sk: number, skb: SkBuff, tw_isn: number): World {
  if (skb.dst.rt_type === RTN_BROADCAST || skb.dst.rt_type === RTN_MULTICAST) return start;
  const listener = getSock(start, sk);
  const opt = tcp_parse_options(skb.th);
  const blank = {
    ...NO_SOCK,
    id: start.next_sock,
    kind: SOCK_REQUEST,
    orphan: true,
    sk_protocol: listener.sk_protocol,
    sk_state: TCP_NEW_SYN_RECV,
    sk_mark: inet_request_mark(start, listener, skb),
    transparent: listener.transparent,
    sk_bound_dev_if: listener.sk_bound_dev_if,
    inet_rcv_saddr: skb.iph.daddr,
    inet_daddr: skb.iph.saddr,
    inet_num: skb.th.dest,
    inet_dport: skb.th.source,
    parent: sk,
    rcv_isn: skb.th.seq,
    rcv_nxt: (skb.th.seq + 1) >>> 0,
    icsk_rto: TCP_TIMEOUT_INIT,
  };
  const req = blank.id;
  const dst = inet_csk_route_req(start, listener, blank);
  if (dst.err < 0) return start;
  const advmss = tcp_dst_advmss(start, dst);
  const known = { ...withPeerOptions(start, blank, opt), advmss, tcp_header_len: 0 };
  const isn = tw_isn === 0 ? tcp_v4_init_seq_of(kernel, start, skb) : tw_isn;
  const rcv_wnd = tcp_select_initial_window(advmss - (known.tstamp_ok ? TCPOLEN_TSTAMP_ALIGNED : 0));
  let net: World = {
    ...start,
    next_sock: start.next_sock + 1,
    socks: [...start.socks, { ...known, snd_una: isn, rcv_wnd }],
  };

  const fast = tcp_try_fastopen(kernel, net, sk, skb, req, opt.foc);
  net = fast.net;
  if (fast.child !== 0) {
    return tcp_v4_send_synack(kernel, net, getSock(net, fast.child), dst, req, fast.foc, true).net;
  }
  const hashed = inet_ehash_insert(kernel, net, req, 0);
  if (!hashed.ok) return inet_csk_reqsk_queue_drop(hashed.net, req);
  net = inet_csk_reset_xmit_timer(hashed.net, req, TCP_TIMEOUT_INIT);
  return tcp_v4_send_synack(kernel, net, getSock(net, sk), dst, req, fast.foc, false).net;
}

/** The same with an error for the user. C: net/ipv4/tcp_input.c, tcp_done_with_error(). */
export function tcp_done_with_error(net: World, sk: number, err: number): World {
  return tcp_done(setSock(net, { ...getSock(net, sk), sk_err: err, write_queue: [] }), sk);
}

/** Where the signature begins among a header's option words, -1 where there is none. */
export function md5sigAt(th: Tcphdr): number {
  for (const { kind, length, at } of tcpOptions(th.options)) {
    if (kind === TCPOPT_MD5SIG && length === TCPOLEN_MD5SIG) return at >> 1;
  }
  return -1;
}

/** Whether the segment is signed. C: net/ipv4/tcp_input.c, tcp_parse_md5sig_option(). */
export function tcp_parse_md5sig_option(th: Tcphdr): boolean {
  return md5sigAt(th) >= 0;
}
