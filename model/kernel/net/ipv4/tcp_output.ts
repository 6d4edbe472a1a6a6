/** What TCP sends, and when. C: net/ipv4/tcp_output.c. */

import { EAGAIN, EBUSY, ECONNREFUSED, EHOSTUNREACH, EINVAL } from '../../../types/errno.ts';
import { getSock, setSock } from '../../../types/lookup.ts';
import {
  CHECKSUM_PARTIAL,
  IPPROTO_TCP,
  NO_IPH,
  NO_PAYLOAD,
  NO_SKB,
  NO_TH,
  type SkBuff,
  TCPHDR_ACK,
  TCPHDR_FIN,
  TCPHDR_PSH,
  TCPHDR_SYN,
  type Tcphdr,
} from '../../../types/packet.ts';
import type { Rtable } from '../../../types/route.ts';
import { NO_SOCK, type Sock, TCP_CLOSE, type WriteQueueSeg } from '../../../types/sock.ts';
import type { Kernel, Result, World } from '../../../types/world.ts';
import { setTransportChecksum } from '../../include/net/checksum.ts';
import {
  after,
  before,
  MAX_TCP_HEADER,
  MAX_TCP_OPTION_SPACE,
  TCPOLEN_MD5SIG_ALIGNED,
  TCPOLEN_TSTAMP_ALIGNED,
  tcp_time_stamp,
} from '../../include/net/tcp.ts';
import { dev_get_by_index } from '../core/dev.ts';
import { alloc_skb, payloadOf } from '../core/skbuff.ts';
import { inet_sk_rebuild_header } from './af_inet.ts';
import { inet_csk_reset_xmit_timer } from './inet_connection_sock.ts';
import { ip_queue_xmit } from './ip_output.ts';
import { tcp_dst_advmss } from './route.ts';
import { fastopenOption, tcp_fastopen_cookie_check } from './tcp_fastopen.ts';
import { tcp_rbtree_insert } from './tcp_input.ts';
import { tcp_v4_md5_sign, tcp_v4_send_synack } from './tcp_ipv4.ts';
import { TCP_RTO_MIN, TCP_TIMEOUT_INIT } from './tcp_timer.ts';

const TCP_MIN_SND_MSS = 48;

/** Data that fits into a page behind all headers. C: include/linux/skbuff.h, SKB_MAX_HEAD(MAX_TCP_HEADER). */
const SKB_MAX_HEAD = 4096 - MAX_TCP_HEADER - 320;

/** The window scale that this host asks for: 64 KiB grow to tcp_rmem[2], 6 MiB. C: net/ipv4/tcp_output.c, tcp_select_initial_window(). */
export const RCV_WSCALE = 7;

/** Length of an IP and a TCP header without options. */
export const HEADERS = 40;

/** C: include/linux/tcp.h, struct tcp_out_options. `fastopen_cookie` 0 is none. */
interface TcpOutOptions {
  readonly md5: boolean;
  readonly mss: number;
  readonly ts: boolean;
  readonly tsval: number;
  readonly tsecr: number;
  readonly sack: boolean;
  readonly wscale: boolean;
  readonly fastopen_cookie: number;
}

/** End of the sequence space that a segment takes. */
export function endSeq(seg: WriteQueueSeg): number {
  const syn = (seg.flags & TCPHDR_SYN) === 0 ? 0 : 1;
  const fin = (seg.flags & TCPHDR_FIN) === 0 ? 0 : 1;
  return (seg.seq + seg.len + syn + fin) >>> 0;
}

/** The first segment that has been sent and not acknowledged; len -1 for none. C: include/net/tcp.h, tcp_rtx_queue_head(). */
export function tcp_rtx_queue_head(sk: Sock): WriteQueueSeg {
  for (const seg of sk.write_queue) if (seg.sent) return seg;
  return NO_SEG;
}

/** The first segment that waits to be sent; len -1 for none. C: include/net/tcp.h, tcp_send_head(). */
export function tcp_send_head(sk: Sock): WriteQueueSeg {
  for (const seg of sk.write_queue) if (!seg.sent) return seg;
  return NO_SEG;
}

/** No segment. */
export const NO_SEG: WriteQueueSeg = { seq: 0, len: -1, flags: 0, sent: false, busy: false };

/** The sequence number behind the peer's window. C: include/net/tcp.h, tcp_wnd_end(). */
function tcp_wnd_end(tp: Sock): number {
  return (tp.snd_una + tp.snd_wnd) >>> 0;
}

/** The number that a segment without data carries: one in the peer's window. C: net/ipv4/tcp_output.c, tcp_acceptable_seq(). */
function tcp_acceptable_seq(tp: Sock): number {
  const end = tcp_wnd_end(tp);
  const inside = !before(end, tp.snd_nxt) || (tp.wscale_ok && (tp.snd_nxt - end) >>> 0 < 1 << RCV_WSCALE);
  return inside ? tp.snd_nxt : end;
}

/**
 * The option words of a header, in the kernel's order.
 *
 * C: net/ipv4/tcp_output.c, tcp_options_write().
 * Left out: SACK blocks, SMC, MPTCP.
 */
function tcp_options_write(opts: TcpOutOptions): readonly number[] {
  const md5 = opts.md5 ? MD5SIG_UNSIGNED : [];
  const mss = opts.mss === 0 ? [] : [0x0204, opts.mss];
  const stamps = [opts.tsval >>> 16, opts.tsval & 0xffff, opts.tsecr >>> 16, opts.tsecr & 0xffff];
  const ts = opts.ts ? (opts.sack ? [0x0402, 0x080a, ...stamps] : [0x0101, 0x080a, ...stamps]) : [];
  const sack = opts.sack && !opts.ts ? [0x0101, 0x0402] : [];
  const wscale = opts.wscale ? [0x0103, 0x0300 | RCV_WSCALE] : [];
  return [...md5, ...mss, ...ts, ...sack, ...wscale, ...fastopenOption(opts.fastopen_cookie)];
}

/** Bytes that a Fast Open option takes. */
function fastopenLen(cookie: number): number {
  return cookie === 0 ? 0 : cookie === -1 ? 4 : 12;
}

/** The options of a SYN or SYN-ACK without a Fast Open option that finds no room behind the others. */
function withinSpace(opts: TcpOutOptions): TcpOutOptions {
  const { md5, ts, wscale, sack, fastopen_cookie } = opts;
  const used = (md5 ? TCPOLEN_MD5SIG_ALIGNED : 0) + 4 + (ts ? 12 : 0) + (wscale ? 4 : 0) + (sack && !ts ? 4 : 0);
  return MAX_TCP_OPTION_SPACE - used >= fastopenLen(fastopen_cookie) ? opts : { ...opts, fastopen_cookie: 0 };
}

/** Options of a SYN. C: net/ipv4/tcp_output.c, tcp_syn_options(). */
function tcp_syn_options(net: World, tp: Sock): TcpOutOptions {
  const { tcp_timestamps, tcp_window_scaling, tcp_sack } = net.sysctl;
  return withinSpace({
    md5: tp.md5,
    mss: tcp_advertise_mss(net, tp),
    ts: tcp_timestamps !== 0 && !tp.md5,
    tsval: tcp_time_stamp(net),
    tsecr: tp.ts_recent,
    sack: tcp_sack !== 0,
    wscale: tcp_window_scaling !== 0,
    fastopen_cookie: tp.fastopen.req ? tp.fastopen.req_cookie : 0,
  });
}

/** Options of any other segment. C: net/ipv4/tcp_output.c, tcp_established_options(). Left out: SACK blocks. */
function tcp_established_options(net: World, tp: Sock): TcpOutOptions {
  return {
    md5: tp.md5,
    mss: 0,
    ts: tp.tstamp_ok,
    tsval: tcp_time_stamp(net),
    tsecr: tp.ts_recent,
    sack: false,
    wscale: false,
    fastopen_cookie: 0,
  };
}

/** Options of a SYN-ACK. C: net/ipv4/tcp_output.c, tcp_synack_options(). */
function tcp_synack_options(net: World, req: Sock, md5: boolean, mss: number, foc: number): TcpOutOptions {
  return withinSpace({
    md5,
    mss,
    ts: req.tstamp_ok,
    tsval: tcp_time_stamp(net),
    tsecr: req.ts_recent,
    sack: req.sack_ok,
    wscale: req.wscale_ok,
    fastopen_cookie: foc,
  });
}

/** The window that a segment announces. C: net/ipv4/tcp_output.c, tcp_select_window(). Left out: its growth. */
export function tcp_select_window(sk: Sock): number {
  return sk.wscale_ok ? (sk.rcv_wnd + (1 << RCV_WSCALE) - 1) >> RCV_WSCALE : Math.min(sk.rcv_wnd, 0xffff);
}

/** The MSS that a SYN advertises: a cached route that takes less counts. C: net/ipv4/tcp_output.c, tcp_advertise_mss(). */
function tcp_advertise_mss(net: World, tp: Sock): number {
  return tp.sk_dst_cache.dev === 0 ? tp.advmss : Math.min(tp.advmss, tcp_dst_advmss(net, tp.sk_dst_cache));
}

/**
 * The first receive window: the default buffer of 64 KiB in whole segments.
 *
 * C: net/ipv4/tcp_output.c, tcp_select_initial_window().
 */
export function tcp_select_initial_window(mss: number): number {
  return Math.min(65536 - (65536 % mss), 0xffff);
}

/** A packet of TCP's, with checksum base, but without a network header. */
function tcpPacket(
  sk: number,
  mark: number,
  th: Tcphdr,
  len: number,
  cloned: boolean,
  saddr: number,
  daddr: number,
): SkBuff {
  return setTransportChecksum(
    {
      ...NO_SKB,
      sk,
      mark,
      cloned,
      ip_summed: CHECKSUM_PARTIAL,
      headroom: MAX_TCP_HEADER - th.doff * 4 - 20,
      iph: { ...NO_IPH, protocol: IPPROTO_TCP },
      th,
      payload: len === 0 ? NO_PAYLOAD : payloadOf(len),
    },
    saddr,
    daddr,
  );
}

/** What sending a segment came to; `leaked`: the packet was neither sent nor freed, and nobody knows. */
interface Transmitted extends Result {
  readonly leaked: boolean;
}

/**
 * Gives a segment its header and hands it to IP. The port is the socket's now, the checksum is over its addresses now;
 * the addresses of the IP header are those of cork.fl while the route is valid.
 *
 * C: net/ipv4/tcp_output.c, __tcp_transmit_skb().
 * Left out: segmentation, so a long segment leaves whole; ECN, pacing, urgent data.
 */
export function __tcp_transmit_skb(
  kernel: Kernel,
  start: World,
  sk: number,
  skb: WriteQueueSeg,
  clone_it: boolean,
  rcv_nxt: number,
): Transmitted {
  let net = start;
  const inet = getSock(net, sk);
  const syn = (skb.flags & TCPHDR_SYN) !== 0;
  let opts = tcp_established_options(net, inet);
  if (syn) {
    opts = tcp_syn_options(net, inet);
    const hasCookie = opts.fastopen_cookie !== 0;
    if (hasCookie) net = setSock(net, { ...inet, fastopen: { ...inet.fastopen, syn_fastopen: true } });
  }
  const options = tcp_options_write(opts);
  const th: Tcphdr = {
    ...NO_TH,
    source: inet.inet_sport,
    dest: inet.inet_dport,
    seq: skb.seq,
    ack_seq: rcv_nxt,
    doff: 5 + (options.length >> 1),
    flags: skb.flags,
    window: syn ? Math.min(inet.rcv_wnd, 0xffff) : tcp_select_window(inet),
    options,
  };
  const signed = inet.md5 ? tcp_v4_md5_sign(th, skb.len, inet.inet_rcv_saddr, inet.inet_daddr) : th;
  const packet = tcpPacket(sk, inet.sk_mark, signed, skb.len, clone_it, inet.inet_saddr, inet.inet_daddr);
  const made = alloc_skb(net, packet);
  const sent = ip_queue_xmit(kernel, made.net, sk, made.skb);
  return { err: sent.err, net: sent.net, leaked: sent.net.leaked !== net.leaked };
}

/** The queue with the segment at that sequence number marked: its clone is still somewhere in this host. */
function markBusy(queue: readonly WriteQueueSeg[], seq: number): readonly WriteQueueSeg[] {
  let all: readonly WriteQueueSeg[] = [];
  for (const seg of queue) all = [...all, seg.seq === seq ? { ...seg, busy: true } : seg];
  return all;
}

/** Sends a segment; of one that is in the queue a clone. C: net/ipv4/tcp_output.c, tcp_transmit_skb(). */
export function tcp_transmit_skb(
  kernel: Kernel,
  net: World,
  sk: number,
  skb: WriteQueueSeg,
  clone_it: boolean,
): Result {
  const { err, net: sent, leaked } = __tcp_transmit_skb(kernel, net, sk, skb, clone_it, getSock(net, sk).rcv_nxt);
  if (!leaked || !clone_it) return { err, net: sent };
  const tp = getSock(sent, sk);
  return { err, net: setSock(sent, { ...tp, write_queue: markBusy(tp.write_queue, skb.seq) }) };
}

/**
 * What the first route says about header, MSS and window, and the sequence numbers of a connection about to begin.
 *
 * C: net/ipv4/tcp_output.c, tcp_connect_init().
 */
function tcp_connect_init(net: World, sk: number): World {
  const tp = getSock(net, sk);
  const advmss = tcp_dst_advmss(net, tp.sk_dst_cache);
  const stamps = net.sysctl.tcp_timestamps !== 0 ? TCPOLEN_TSTAMP_ALIGNED : 0;
  const tcp_header_len = 20 + stamps + (tp.md5 ? TCPOLEN_MD5SIG_ALIGNED : 0);
  return setSock(net, {
    ...tp,
    tcp_header_len,
    advmss,
    rcv_wnd: tcp_select_initial_window(advmss),
    max_window: 0,
    sk_err: 0,
    write_queue: [],
    snd_una: tp.write_seq,
    snd_sml: tp.write_seq,
    snd_nxt: tp.write_seq,
    rcv_nxt: 0,
    icsk_rto: TCP_TIMEOUT_INIT,
    retransmits: 0,
  });
}

/** Queues a segment at the end of the sequence space. C: net/ipv4/tcp_output.c, tcp_connect_queue_skb(), tcp_queue_skb(). */
export function queueSeg(net: World, sk: number, seg: WriteQueueSeg): World {
  const tp = getSock(net, sk);
  return setSock(net, { ...tp, write_seq: endSeq(seg), write_queue: [...tp.write_queue, seg] });
}

/** The queue with its last segment replaced. */
export function withTail(queue: readonly WriteQueueSeg[], tail: WriteQueueSeg): readonly WriteQueueSeg[] {
  let all: readonly WriteQueueSeg[] = [];
  let seen = 0;
  for (const seg of queue) {
    seen += 1;
    all = [...all, seen === queue.length ? tail : seg];
  }
  return all;
}

/** Leaves the Fast Open option out of all further SYNs. */
function excludeCookie(net: World, sk: number): World {
  const tp = getSock(net, sk);
  return setSock(net, { ...tp, fastopen: { ...tp.fastopen, req_cookie: 0 } });
}

/** Sends the plain SYN, asking for a cookie. C: net/ipv4/tcp_output.c, tcp_send_syn_data(), label fallback. */
function synDataFallback(kernel: Kernel, net: World, sk: number, syn: WriteQueueSeg): Result {
  const tp = getSock(net, sk);
  const req_cookie = tp.fastopen.req_cookie === 0 ? 0 : -1;
  const asking = setSock(net, { ...tp, fastopen: { ...tp.fastopen, req_cookie } });
  const sent = tcp_transmit_skb(kernel, asking, sk, syn, true);
  const after = getSock(sent.net, sk);
  const kept = sent.err === 0 ? after : { ...after, fastopen: { ...after.fastopen, syn_fastopen: false } };
  return { err: sent.err, net: excludeCookie(setSock(sent.net, kept), sk) };
}

/**
 * Sends the SYN with data, or the plain SYN when there is no cookie or when sending the data failed. While it is on its
 * way the data is in no queue, and its number is the one that was known before.
 *
 * C: net/ipv4/tcp_output.c, tcp_send_syn_data().
 */
function tcp_send_syn_data(kernel: Kernel, start: World, sk: number, syn: WriteQueueSeg): Result {
  const tp = getSock(start, sk);
  const check = tcp_fastopen_cookie_check(start, tp);
  let net = setSock(start, { ...tp, fastopen: { ...tp.fastopen, req_cookie: check.cookie } });
  if (!check.ret) return synDataFallback(kernel, net, sk, syn);

  const mss_clamp = check.mss === 0 ? tp.advmss : check.mss;
  const mss_now = Math.max(
    Math.min(dev_get_by_index(net, tp.sk_dst_cache.dev).mtu - HEADERS, mss_clamp),
    TCP_MIN_SND_MSS,
  );
  const space = Math.min(mss_now - MAX_TCP_OPTION_SPACE, tp.fastopen.req_size, SKB_MAX_HEAD);
  const chosen = getSock(net, sk);
  const data = { ...NO_SEG, seq: (syn.seq + 1) >>> 0, len: space, flags: TCPHDR_ACK | TCPHDR_PSH };
  const fastopen = { ...chosen.fastopen, req_copied: space };
  net = setSock(net, { ...chosen, fastopen, write_seq: endSeq(data) });
  const sent = __tcp_transmit_skb(kernel, net, sk, { ...syn, len: space }, true, chosen.rcv_nxt);
  const after = getSock(sent.net, sk);
  if (sent.err === 0) {
    const queued = {
      ...after,
      write_queue: tcp_rbtree_insert(after.write_queue, { ...data, sent: true, busy: sent.leaked }),
      fastopen: { ...after.fastopen, syn_data: space > 0 },
    };
    return { err: 0, net: excludeCookie(setSock(sent.net, queued), sk) };
  }
  const unsent = setSock(sent.net, { ...after, write_queue: [...after.write_queue, data] });
  return synDataFallback(kernel, unsent, sk, tcp_rtx_queue_head(getSock(unsent, sk)));
}

/**
 * Sends the first SYN and arms its timer. Errors of sending other than ECONNREFUSED are ignored: the timer will try again.
 *
 * C: net/ipv4/tcp_output.c, tcp_connect().
 */
export function tcp_connect(kernel: Kernel, start: World, sk: number): Result {
  const rebuilt = inet_sk_rebuild_header(start, sk);
  if (rebuilt.err !== 0) return { err: -EHOSTUNREACH, net: rebuilt.net };
  let net = tcp_connect_init(rebuilt.net, sk);

  const buff = { ...NO_SEG, seq: getSock(net, sk).write_seq, len: 0, flags: TCPHDR_SYN, sent: true };
  net = setSock(net, { ...getSock(net, sk), retrans_stamp: tcp_time_stamp(net) });
  net = queueSeg(net, sk, buff);
  const sent = getSock(net, sk).fastopen.req
    ? tcp_send_syn_data(kernel, net, sk, buff)
    : tcp_transmit_skb(kernel, net, sk, buff, true);
  if (sent.err === -ECONNREFUSED) return sent;

  const tp = getSock(sent.net, sk);
  const head = tcp_send_head(tp);
  net = setSock(sent.net, { ...tp, snd_nxt: head.len < 0 ? tp.write_seq : head.seq });
  return { err: 0, net: inet_csk_reset_xmit_timer(net, sk, tp.icsk_rto) };
}

/** Whether it is one packet, without a clone still in this host. C: net/ipv4/tcp_output.c, tcp_can_collapse(). Left out: SACK. */
function tcp_can_collapse(sk: Sock, skb: WriteQueueSeg): boolean {
  return skb.len <= sk.advmss && !skb.busy;
}

/** How many segments have been sent and not acknowledged. */
function sentSegments(sk: Sock): number {
  let count = 0;
  for (const seg of sk.write_queue) count += seg.sent ? 1 : 0;
  return count;
}

/** A segment that holds the next one, too: its data and its flags. C: net/ipv4/tcp_output.c, tcp_collapse_retrans(). */
function tcp_collapse_retrans(skb: WriteQueueSeg, next_skb: WriteQueueSeg): WriteQueueSeg {
  return { ...skb, len: skb.len + next_skb.len, flags: skb.flags | next_skb.flags };
}

/**
 * Joins a segment that is sent again with the sent ones behind it, as long as they fit into one packet.
 *
 * C: net/ipv4/tcp_output.c, tcp_retrans_try_collapse(). `to` comes back, and the queue that holds it.
 * Left out: the sysctl tcp_retrans_collapse, which is 1; the end of the peer's window.
 */
function tcp_retrans_try_collapse(
  sk: Sock,
  to: WriteQueueSeg,
  space: number,
): { readonly to: WriteQueueSeg; readonly write_queue: readonly WriteQueueSeg[] } {
  if ((to.flags & TCPHDR_SYN) !== 0 || sentSegments(sk) < 2) return { to, write_queue: sk.write_queue };
  let joined = to;
  let ahead: readonly WriteQueueSeg[] = [];
  let behind: readonly WriteQueueSeg[] = [];
  let reached = false;
  let open = tcp_can_collapse(sk, to);
  let left = space;
  for (const skb of sk.write_queue) {
    if (reached) {
      left -= skb.len;
      open = open && skb.sent && tcp_can_collapse(sk, skb) && left >= 0;
      if (open) joined = tcp_collapse_retrans(joined, skb);
      else behind = [...behind, skb];
    } else if (endSeq(skb) === endSeq(to)) reached = true;
    else ahead = [...ahead, skb];
  }
  return { to: joined, write_queue: [...ahead, joined, ...behind] };
}

/**
 * Sends a segment again, with the socket's fields as they are now.
 *
 * C: net/ipv4/tcp_output.c, __tcp_retransmit_skb().
 * Left out: splitting of segments.
 */
function __tcp_retransmit_skb(kernel: Kernel, net: World, sk: number, skb: WriteQueueSeg): Result {
  if (skb.busy) return { err: -EBUSY, net };
  const tp = getSock(net, sk);
  if (before(skb.seq, tp.snd_una) && (skb.flags & TCPHDR_SYN) !== 0) {
    const stripped = { ...skb, seq: (skb.seq + 1) >>> 0, flags: skb.flags & ~TCPHDR_SYN };
    return __tcp_retransmit_skb(kernel, net, sk, stripped);
  }
  if (before(endSeq(skb), tp.snd_una)) return { err: -EINVAL, net };
  const acked = before(skb.seq, tp.snd_una) ? (tp.snd_una - skb.seq) >>> 0 : 0;
  const rebuilt = inet_sk_rebuild_header(net, sk);
  if (rebuilt.err !== 0) return { err: -EHOSTUNREACH, net: rebuilt.net };
  const cur_mss = tp.advmss;
  const rest = { ...skb, seq: (skb.seq + acked) >>> 0, len: skb.len - acked };
  if (!before(rest.seq, tcp_wnd_end(tp)) && rest.seq !== tp.snd_una) return { err: -EAGAIN, net: rebuilt.net };
  if (rest.len >= cur_mss) return tcp_transmit_skb(kernel, rebuilt.net, sk, rest, true);
  const inet = getSock(rebuilt.net, sk);
  const { to, write_queue } = tcp_retrans_try_collapse(inet, rest, cur_mss - rest.len);
  return tcp_transmit_skb(kernel, setSock(rebuilt.net, { ...inet, write_queue }), sk, to, true);
}

/** C: net/ipv4/tcp_output.c, tcp_retransmit_skb(). */
export function tcp_retransmit_skb(kernel: Kernel, net: World, sk: number, skb: WriteQueueSeg): Result {
  const sent = __tcp_retransmit_skb(kernel, net, sk, skb);
  const tp = getSock(sent.net, sk);
  if (tp.retrans_stamp !== 0) return sent;
  return { err: sent.err, net: setSock(sent.net, { ...tp, retrans_stamp: tcp_time_stamp(net) }) };
}

/**
 * Sends all that has been sent and not acknowledged: here the data of a SYN, which is one segment.
 *
 * C: net/ipv4/tcp_output.c, tcp_xmit_retransmit_queue().
 */
export function tcp_xmit_retransmit_queue(kernel: Kernel, start: World, sk: number): World {
  let net = start;
  for (const seg of getSock(start, sk).write_queue) {
    if (seg.sent) {
      const again = tcp_retransmit_skb(kernel, net, sk, seg);
      net = again.net;
      if (again.err !== 0) return net;
    }
  }
  return net;
}

/** Whether anything sent is not acknowledged: tp->packets_out. */
export function packetsOut(sk: Sock): boolean {
  return tcp_rtx_queue_head(sk).len >= 0;
}

/**
 * Whether a small segment has to wait for the acknowledgement of another one.
 *
 * C: net/ipv4/tcp_output.c, tcp_nagle_test(), tcp_nagle_check() and tcp_minshall_check(). RFC: 896.
 */
function tcp_nagle_test(tp: Sock, skb: WriteQueueSeg, push: boolean): boolean {
  if (push || (skb.flags & TCPHDR_FIN) !== 0) return true;
  const minshall = after(tp.snd_sml, tp.snd_una) && !after(tp.snd_sml, tp.snd_nxt);
  return !(skb.len < tp.advmss && packetsOut(tp) && minshall);
}

/** The queue with the segment at that sequence number among those that have been sent. */
function markSent(queue: readonly WriteQueueSeg[], seq: number): readonly WriteQueueSeg[] {
  let others: readonly WriteQueueSeg[] = [];
  let sent = NO_SEG;
  for (const seg of queue) {
    const found = !seg.sent && seg.seq === seq;
    sent = found ? { ...seg, sent: true } : sent;
    others = found ? others : [...others, seg];
  }
  return sent.sent ? tcp_rbtree_insert(others, sent) : others;
}

/**
 * Sends what waits, as far as Nagle's rule and the peer's window let it; an error of sending ends the round, and so does
 * an empty segment, which a Fast Open connect without data leaves behind.
 *
 * C: net/ipv4/tcp_output.c, tcp_write_xmit(), tcp_snd_wnd_test() and tcp_event_new_data_sent().
 * Left out: the congestion window; splitting of segments, so one of which a part would fit waits.
 */
function tcp_write_xmit(kernel: Kernel, start: World, sk: number, push: boolean): World {
  let net = start;
  for (const seg of getSock(start, sk).write_queue) {
    if (!seg.sent) {
      const tp = getSock(net, sk);
      if (!tcp_nagle_test(tp, seg, push)) return net;
      if (endSeq(seg) === seg.seq) return net;
      if (after(endSeq(seg), tcp_wnd_end(tp))) return net;
      const sent = tcp_transmit_skb(kernel, net, sk, seg, true);
      net = sent.net;
      if (sent.err !== 0) return net;
      const now = getSock(net, sk);
      const prior = packetsOut(now);
      net = setSock(net, {
        ...now,
        snd_nxt: endSeq(seg),
        snd_sml: seg.len < now.advmss ? endSeq(seg) : now.snd_sml,
        write_queue: markSent(now.write_queue, seg.seq),
      });
      if (!prior) net = inet_csk_reset_xmit_timer(net, sk, now.icsk_rto);
    }
  }
  return net;
}

/**
 * Sends what waits; where nothing could be sent and nothing is under way, the probe timer will try again.
 *
 * C: net/ipv4/tcp_output.c, __tcp_push_pending_frames(); include/net/tcp.h, tcp_check_probe_timer().
 */
export function __tcp_push_pending_frames(kernel: Kernel, net: World, sk: number, push: boolean): World {
  if (getSock(net, sk).sk_state === TCP_CLOSE) return net;
  const pushed = tcp_write_xmit(kernel, net, sk, push);
  const tp = getSock(pushed, sk);
  const stuck = !packetsOut(tp) && tcp_send_head(tp).len >= 0 && tp.icsk_timeout === 0;
  return stuck ? inet_csk_reset_xmit_timer(pushed, sk, Math.max(tp.icsk_rto, TCP_RTO_MIN)) : pushed;
}

/** Asks whether the peer has room again, by a number that it knows. C: net/ipv4/tcp_output.c, tcp_xmit_probe_skb(). */
function tcp_xmit_probe_skb(kernel: Kernel, net: World, sk: number): World {
  const seg = { ...NO_SEG, seq: (getSock(net, sk).snd_una - 1) >>> 0, len: 0, flags: TCPHDR_ACK };
  return tcp_transmit_skb(kernel, net, sk, seg, false).net;
}

/**
 * Tries to send what waits while nothing is under way; behind the peer's window lies but a probe.
 *
 * C: net/ipv4/tcp_output.c, tcp_send_probe0() and tcp_write_wakeup().
 * Left out: the growing distance between probes; the end of a connection that was probed too often.
 */
export function tcp_send_probe0(kernel: Kernel, net: World, sk: number): World {
  const tp = getSock(net, sk);
  if (before(tcp_send_head(tp).seq, tcp_wnd_end(tp))) return __tcp_push_pending_frames(kernel, net, sk, true);
  return inet_csk_reset_xmit_timer(tcp_xmit_probe_skb(kernel, net, sk), sk, Math.max(tp.icsk_rto, TCP_RTO_MIN));
}

/** Sends a FIN, with the data that waits if there is some. C: net/ipv4/tcp_output.c, tcp_send_fin(). */
export function tcp_send_fin(kernel: Kernel, net: World, sk: number): World {
  const tp = getSock(net, sk);
  const tail = tcp_send_head(tp);
  if (tail.len < 0) {
    const fin = { ...NO_SEG, seq: tp.write_seq, len: 0, flags: TCPHDR_ACK | TCPHDR_FIN };
    return __tcp_push_pending_frames(kernel, queueSeg(net, sk, fin), sk, true);
  }
  const write_queue = withTail(tp.write_queue, { ...tail, flags: tail.flags | TCPHDR_FIN });
  const tacked = setSock(net, { ...tp, write_queue, write_seq: (tp.write_seq + 1) >>> 0 });
  return __tcp_push_pending_frames(kernel, tacked, sk, true);
}

/** Sends an acknowledgement. C: net/ipv4/tcp_output.c, tcp_send_ack() and __tcp_send_ack(). */
export function tcp_send_ack(kernel: Kernel, net: World, sk: number): World {
  const tp = getSock(net, sk);
  if (tp.sk_state === TCP_CLOSE) return net;
  const seg = { ...NO_SEG, seq: tcp_acceptable_seq(tp), len: 0, flags: TCPHDR_ACK };
  return __tcp_transmit_skb(kernel, net, sk, seg, false, tp.rcv_nxt).net;
}

/**
 * Sends the answer to a SYN that crossed our own: SYN and ACK with the first sequence number again.
 *
 * C: net/ipv4/tcp_output.c, tcp_send_synack(). Left out: what it returns, which nobody looks at.
 */
export function tcp_send_synack(kernel: Kernel, net: World, sk: number): World {
  const tp = getSock(net, sk);
  const head = tcp_rtx_queue_head(tp);
  if (head.len < 0 || (head.flags & TCPHDR_SYN) === 0) return net;
  const synack = { ...head, flags: head.flags | TCPHDR_ACK };
  let write_queue: readonly WriteQueueSeg[] = [];
  for (const seg of tp.write_queue) write_queue = [...write_queue, (seg.flags & TCPHDR_SYN) !== 0 ? synack : seg];
  return tcp_transmit_skb(kernel, setSock(net, { ...tp, write_queue }), sk, synack, true).net;
}

/**
 * The SYN-ACK for a request. Whose it is depends on the release.
 *
 * C: net/ipv4/tcp_output.c, tcp_make_synack().
 */
export function tcp_make_synack(
  kernel: Kernel,
  net: World,
  sk: Sock,
  dst: Rtable,
  req: Sock,
  foc: number,
  fastopen: boolean,
): { readonly net: World; readonly skb: SkBuff } {
  const { md5 } = sk;
  const mss = tcp_dst_advmss(net, dst);
  const options = tcp_options_write(tcp_synack_options(net, req, md5, mss, foc));
  const th: Tcphdr = {
    ...NO_TH,
    source: req.inet_num,
    dest: req.inet_dport,
    seq: req.snd_una,
    ack_seq: req.rcv_nxt,
    doff: 5 + (options.length >> 1),
    flags: TCPHDR_SYN | TCPHDR_ACK,
    window: Math.min(req.rcv_wnd, 0xffff),
    options,
  };
  const signed = md5 ? tcp_v4_md5_sign(th, 0, req.inet_rcv_saddr, req.inet_daddr) : th;
  const owner = kernel.synackOwner(sk, req, fastopen);
  const skb = tcpPacket(owner, req.sk_mark, signed, 0, false, req.inet_rcv_saddr, req.inet_daddr);
  return alloc_skb(net, { ...skb, dst });
}

/** Sends a SYN-ACK again. C: net/ipv4/tcp_output.c, tcp_rtx_synack(). */
export function tcp_rtx_synack(kernel: Kernel, net: World, sk: Sock, req: number): Result {
  return tcp_v4_send_synack(kernel, net, sk, NO_SOCK.sk_dst_cache, req, 0, false);
}

/** NOP, NOP, kind and length, then 16 bytes for the signature. C: net/ipv4/tcp_output.c, tcp_options_write(). */
export const MD5SIG_UNSIGNED: readonly number[] = [0x0101, 0x1312, 0, 0, 0, 0, 0, 0, 0, 0];
