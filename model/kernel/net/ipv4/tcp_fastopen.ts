/**
 * TCP Fast Open: data in the SYN, allowed by a cookie. C: net/ipv4/tcp_fastopen.c. RFC: 7413.
 *
 * A cookie is a number: 0 for none (foc->len is -1), -1 for the request of one (len 0), else its value, 32 bits wide and
 * sent twice to fill the usual 8 bytes.
 *
 * Left out: the experimental option, second keys, active disabling after a black hole (its sysctl is 0 by default).
 */

import { getSock, setSock } from '../../../types/lookup.ts';
import type { SkBuff, Tcphdr } from '../../../types/packet.ts';
import { TCPHDR_FIN } from '../../../types/packet.ts';
import type { Sock } from '../../../types/sock.ts';
import type { Kernel, World } from '../../../types/world.ts';
import {
  TCPOPT_FASTOPEN,
  TFO_CLIENT_NO_COOKIE,
  TFO_SERVER_COOKIE_NOT_REQD,
  TFO_SERVER_ENABLE,
} from '../../include/net/tcp.ts';
import { inet_csk_reset_xmit_timer } from './inet_connection_sock.ts';
import { segmentOf, tcp_fin, tcp_parse_options } from './tcp_input.ts';
import { tcp_v4_syn_recv_sock } from './tcp_ipv4.ts';
import { tcp_fastopen_cache_get } from './tcp_metrics.ts';
import { TCP_TIMEOUT_INIT } from './tcp_timer.ts';

/** Two NOPs, which fill the option up to 32 bits. */
const NOP_NOP = 0x0101;

/** The words of a Fast Open option: none, a request, or a cookie. RFC: 7413 section 4.1.1. */
export function fastopenOption(cookie: number): readonly number[] {
  if (cookie === 0) return [];
  if (cookie === -1) return [(TCPOPT_FASTOPEN << 8) | 2, NOP_NOP];
  const high = cookie >>> 16;
  const low = cookie & 0xffff;
  return [(TCPOPT_FASTOPEN << 8) | 10, high, low, high, low, NOP_NOP];
}

/** Options with a Fast Open option behind them. */
export function withTfoCookie(options: readonly number[], cookie: number): readonly number[] {
  return [...options, ...fastopenOption(cookie)];
}

/** The cookie in a header: 0 none, -1 a request, else its value. */
export function tfoCookieOf(th: Tcphdr): number {
  return tcp_parse_options(th).foc;
}

/**
 * The cookie that this host, as a server, gives to `saddr`.
 *
 * C: net/ipv4/tcp_fastopen.c, __tcp_fastopen_cookie_gen_cipher(): a keyed hash of both addresses as received.
 */
export function tcp_fastopen_cookie_gen(kernel: Kernel, saddr: number, daddr: number): number {
  const value = kernel.secure_tcp_seq(saddr, daddr, 0, 0);
  return value === 0 ? 1 : value;
}

/** C: net/ipv4/tcp_fastopen.c, tcp_fastopen_no_cookie(), without the socket option and the route's metric. */
function tcp_fastopen_no_cookie(net: World, flag: number): boolean {
  return (net.sysctl.tcp_fastopen & flag) !== 0;
}

/** `mss` is what the peer announced before, 0 when unknown. */
interface CookieCheck {
  readonly ret: boolean;
  readonly mss: number;
  readonly cookie: number;
}

/**
 * Whether the SYN may carry data, and the cookie to send with it.
 *
 * C: net/ipv4/tcp_fastopen.c, tcp_fastopen_cookie_check(). A cookie that is not known becomes a request.
 */
export function tcp_fastopen_cookie_check(net: World, sk: Sock): CookieCheck {
  const { mss, cookie } = tcp_fastopen_cache_get(net, sk);
  if (tcp_fastopen_no_cookie(net, TFO_CLIENT_NO_COOKIE)) return { ret: true, mss, cookie: 0 };
  if (cookie !== 0) return { ret: true, mss, cookie };
  return { ret: false, mss, cookie: -1 };
}

/**
 * Whether connect() waits with the SYN for the first data (TCP_FASTOPEN_CONNECT and a cookie for the peer).
 *
 * C: net/ipv4/tcp_fastopen.c, tcp_fastopen_defer_connect(). Without a cookie the SYN asks for one.
 */
export function tcp_fastopen_defer_connect(net: World, sk: number): { readonly ret: boolean; readonly net: World } {
  const tp = getSock(net, sk);
  if (!tp.fastopen.fastopen_connect || tp.fastopen.req) return { ret: false, net };
  const check = tcp_fastopen_cookie_check(net, tp);
  if (check.ret) return { ret: true, net: setSock(net, { ...tp, fastopen: { ...tp.fastopen, defer_connect: true } }) };
  const fastopen = { ...tp.fastopen, req: true, req_cookie: check.cookie, req_size: 0, req_copied: 0 };
  return { ret: false, net: setSock(net, { ...tp, fastopen }) };
}

/** Takes over what a SYN or SYN-ACK carries besides itself. C: net/ipv4/tcp_fastopen.c, tcp_fastopen_add_skb(). */
export function tcp_fastopen_add_skb(kernel: Kernel, net: World, sk: number, skb: SkBuff): World {
  const tp = getSock(net, sk);
  const seg = segmentOf(skb);
  if (seg.end_seq === tp.rcv_nxt) return net;
  const taken = setSock(net, { ...tp, rcv_nxt: seg.end_seq, received: tp.received + skb.payload.len });
  return (skb.th.flags & TCPHDR_FIN) === 0 ? taken : tcp_fin(kernel, taken, sk);
}

/** A child made from the SYN alone; its request waits beside ehash. C: net/ipv4/tcp_fastopen.c, tcp_fastopen_create_child(). */
function tcp_fastopen_create_child(
  kernel: Kernel,
  net: World,
  sk: number,
  skb: SkBuff,
  req: number,
): { readonly child: number; readonly net: World } {
  const made = tcp_v4_syn_recv_sock(kernel, net, sk, req, false);
  if (made.child === 0) return made;
  const tp = getSock(made.net, made.child);
  const request = getSock(made.net, req);
  const linked = setSock(made.net, {
    ...tp,
    icsk_rto: TCP_TIMEOUT_INIT,
    rcv_nxt: (segmentOf(skb).seq + 1) >>> 0,
    snd_wnd: skb.th.window,
    fastopen: { ...tp.fastopen, rsk: req },
  });
  const armed = inet_csk_reset_xmit_timer(linked, made.child, TCP_TIMEOUT_INIT);
  const filled = tcp_fastopen_add_skb(kernel, armed, made.child, skb);
  const rcv_nxt = getSock(filled, made.child).rcv_nxt;
  return { child: made.child, net: setSock(filled, { ...request, rcv_nxt }) };
}

/**
 * Whether the SYN opens the connection at once: then `child` is set. `foc` is the cookie for the SYN-ACK.
 *
 * C: net/ipv4/tcp_fastopen.c, tcp_try_fastopen(). Left out: the length of the queue.
 */
export function tcp_try_fastopen(
  kernel: Kernel,
  net: World,
  sk: number,
  skb: SkBuff,
  req: number,
  foc: number,
): { readonly child: number; readonly foc: number; readonly net: World } {
  const listener = getSock(net, sk);
  const enabled = (net.sysctl.tcp_fastopen & TFO_SERVER_ENABLE) !== 0 && listener.fastopen.listener;
  if (!enabled || (skb.payload.len === 0 && foc === 0)) return { child: 0, foc: 0, net };
  const notRequired = tcp_fastopen_no_cookie(net, TFO_SERVER_COOKIE_NOT_REQD);
  const own = tcp_fastopen_cookie_gen(kernel, skb.iph.saddr, skb.iph.daddr);
  const valid_foc = notRequired || foc === 0 ? 0 : own;
  if (notRequired || foc === own) {
    const made = tcp_fastopen_create_child(kernel, net, sk, skb, req);
    return { child: made.child, foc: made.child === 0 ? valid_foc : 0, net: made.net };
  }
  return { child: 0, foc: valid_foc, net };
}
