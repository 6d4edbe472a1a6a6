/** What compiled texts ask of the kernel and no twin has in the form in which C asks it. */
import { inet_proto_csum_replace2 } from '../kernel/include/net/checksum.ts';
import { TCPOPT_MSS, tcpOptions } from '../kernel/include/net/tcp.ts';
import { tfoCookieOf } from '../kernel/net/ipv4/tcp_fastopen.ts';
import { getSock } from '../types/lookup.ts';
import type { SkBuff, Tcphdr } from '../types/packet.ts';
import { SOCK_CONTROL, SOCK_RAW, SOCK_REQUEST, SOCK_TCP, SOCK_TIMEWAIT, type Sock } from '../types/sock.ts';
import { CT_INVALID, IP_CT_DIR_REPLY, IP_CT_UNTRACKED } from '../types/verdict.ts';
import type { World } from '../types/world.ts';

/** What a text can know of struct tcp_fastopen_cookie: its length, -1 for none. */
export interface CookieLength {
  readonly len: number;
}

export const NO_COOKIE: CookieLength = { len: 0 };

/** Bytes of a cookie of the model. */
const COOKIE_BYTES = 8;

/** The length of the Fast Open cookie in a header, 0 for the request of one; `before` when there is no such option. */
export function cookieLength(th: Tcphdr, before: number): number {
  const cookie = tfoCookieOf(th);
  return cookie === 0 ? before : cookie === -1 ? 0 : COOKIE_BYTES;
}

/** The SYN, which announces more, with that MSS. Not in the kernel; reroute_lower_mss() of conformance/patched/glue.patch. */
export function withMss(skb: SkBuff, mss: number): SkBuff {
  const { th } = skb;
  let at = -1;
  for (const option of tcpOptions(th.options)) at = option.kind === TCPOPT_MSS ? option.at >> 1 : at;
  let options: readonly number[] = [];
  let { check } = th;
  for (const word of th.options) {
    const isMss = options.length === at;
    check = isMss ? inet_proto_csum_replace2(check, skb, word, mss, false) : check;
    options = [...options, isMss ? mss : word];
  }
  return { ...skb, th: { ...th, options, check } };
}

/** C: include/net/sock.h, sk_fullsock(). */
export function fullSock(net: World, sk: number): boolean {
  const { kind } = getSock(net, sk);
  return kind !== SOCK_REQUEST && kind !== SOCK_TIMEWAIT;
}

/** sk->sk_type: SOCK_STREAM 1, SOCK_DGRAM 2, SOCK_RAW 3. */
export function skType(sk: Sock): number {
  if (sk.kind === SOCK_TCP) return 1;
  return sk.kind === SOCK_RAW || sk.kind === SOCK_CONTROL ? 3 : 2;
}

/** Whether an option of the socket is set: SO_BROADCAST 6, SO_DONTROUTE 13. C: include/net/sock.h, enum sock_flags, sock_flag(). */
export function hasFlag(sk: Sock, flag: number): boolean {
  return flag === 13 ? sk.sk_localroute : flag === 6 && sk.sk_broadcast;
}

/** enum ip_conntrack_info of a packet: 3 more for the direction of answers. C: include/uapi/linux/netfilter/nf_conntrack_common.h. */
export function ctinfoOf(skb: SkBuff): number {
  if (skb.ctinfo === IP_CT_UNTRACKED) return 7;
  const known = skb.ctinfo === CT_INVALID ? 0 : skb.ctinfo;
  return skb.ctdir === IP_CT_DIR_REPLY ? known + 3 : known;
}
