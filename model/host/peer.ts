/**
 * The other end of a conversation: what a correct host sends back to a packet, from that packet alone, and what it sends
 * of its own accord, from all that crossed the links before.
 *
 * Left out: an answer's memory. A peer that has sent its FIN, or never knew a connection, answers as any other.
 */

import { ipv4_is_lbcast, ipv4_is_multicast, ipv4_is_zeronet } from '../kernel/include/linux/in.ts';
import { ipChecksumCorrect, setTransportChecksum, transportChecksumCorrect } from '../kernel/include/net/checksum.ts';
import { before, MAX_TCP_OPTION_SPACE, tcp_time_stamp } from '../kernel/include/net/tcp.ts';
import { payloadOf, skbLen } from '../kernel/net/core/skbuff.ts';
import { ICMP_ECHO, ICMP_ECHOREPLY } from '../kernel/net/ipv4/icmp.ts';
import { IP_DF, IPDEFTTL, ip_send_check } from '../kernel/net/ipv4/ip_output.ts';
import { tcp_fastopen_cookie_gen, withTfoCookie } from '../kernel/net/ipv4/tcp_fastopen.ts';
import { tcp_parse_md5sig_option, tcp_parse_options } from '../kernel/net/ipv4/tcp_input.ts';
import { md5sigCorrect, tcp_v4_md5_sign } from '../kernel/net/ipv4/tcp_ipv4.ts';
import { MD5SIG_UNSIGNED } from '../kernel/net/ipv4/tcp_output.ts';
import { getSock } from '../types/lookup.ts';
import {
  CHECKSUM_NONE,
  IPPROTO_ICMP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  NO_IPH,
  NO_PAYLOAD,
  NO_SKB,
  NO_TH,
  NO_UH,
  type SkBuff,
  TCPHDR_ACK,
  TCPHDR_FIN,
  TCPHDR_PSH,
  TCPHDR_RST,
  TCPHDR_SYN,
  type Tcphdr,
} from '../types/packet.ts';
import { SOCK_RAW, SOCK_TCP, SOCK_TIMEWAIT, SOCK_UDP, type Sock } from '../types/sock.ts';
import type { Crossing, Kernel, Sent, World } from '../types/world.ts';

/** The peer's initial sequence number, window, MSS and window scale. */
export const PEER_ISN = 1000000;
const PEER_WINDOW = 65535;
const PEER_MSS = 1460;
const PEER_WSCALE = 7;

/** The two halves of a 32-bit option value. */
function halves(value: number): readonly number[] {
  return [value >>> 16, value & 0xffff];
}

/** The timestamp option of an answer to a segment that carries `tsval`, after the words in front of it. RFC: 7323. */
function timestamps(net: World, front: number, tsval: number): readonly number[] {
  return [front, 0x080a, ...halves(tcp_time_stamp(net)), ...halves(tsval)];
}

/** The sequence number behind a segment. */
function endOf({ th, payload }: SkBuff): number {
  const syn = (th.flags & TCPHDR_SYN) !== 0 ? 1 : 0;
  const fin = (th.flags & TCPHDR_FIN) !== 0 ? 1 : 0;
  return (th.seq + payload.len + syn + fin) >>> 0;
}

/** The header of an answer to `th`. */
function answerTh(th: Tcphdr, seq: number, ack_seq: number, flags: number, options: readonly number[]): Tcphdr {
  const doff = 5 + (options.length >> 1);
  return {
    ...NO_TH,
    source: th.dest,
    dest: th.source,
    seq,
    ack_seq: ack_seq >>> 0,
    doff,
    flags,
    window: PEER_WINDOW,
    options,
  };
}

/** The options with a cookie, where a signature leaves room for it. */
function withRoomForCookie(th: Tcphdr, plain: readonly number[], cookie: number): readonly number[] {
  const offered = withTfoCookie(plain, cookie);
  const signature = tcp_parse_md5sig_option(th) ? MD5SIG_UNSIGNED.length : 0;
  return (offered.length + signature) * 2 <= MAX_TCP_OPTION_SPACE ? offered : plain;
}

/**
 * SYN-ACK to a SYN. Data in the SYN is acknowledged when its Fast Open cookie was made for the address it comes from; a
 * request, or another cookie, is answered with the right one, where the other options leave room for it.
 *
 * RFC: 9293 section 3.10.7.2; 7413 section 4.2.2.
 */
function synAck(kernel: Kernel, net: World, skb: SkBuff): Tcphdr {
  const { th, iph } = skb;
  const opt = tcp_parse_options(th);
  const cookie = tcp_fastopen_cookie_gen(kernel, iph.saddr, iph.daddr);
  const valid = opt.foc === cookie;
  const ts = opt.saw_tstamp ? timestamps(net, opt.sack_ok ? 0x0402 : 0x0101, opt.rcv_tsval) : [];
  const sack = opt.sack_ok && !opt.saw_tstamp ? [0x0101, 0x0402] : [];
  const wscale = opt.wscale_ok ? [0x0103, 0x0300 | PEER_WSCALE] : [];
  const plain = [0x0204, PEER_MSS, ...ts, ...sack, ...wscale];
  const options = opt.foc === 0 || valid ? plain : withRoomForCookie(th, plain, cookie);
  const ack_seq = th.seq + 1 + (valid ? skb.payload.len : 0);
  return answerTh(th, PEER_ISN, ack_seq, TCPHDR_SYN | TCPHDR_ACK, options);
}

/** ACK to a SYN-ACK or to data, FIN and ACK to a FIN, from the other end of an open connection. */
function segment(net: World, skb: SkBuff): Tcphdr {
  const { th } = skb;
  const opt = tcp_parse_options(th);
  const options = opt.saw_tstamp ? timestamps(net, 0x0101, opt.rcv_tsval) : [];
  return answerTh(th, th.ack_seq, endOf(skb), TCPHDR_ACK | (th.flags & TCPHDR_FIN), options);
}

/** Whether a segment asks for an answer: a SYN always, others when they take sequence space on a connection. */
function wantsAnswer(net: World, sent: Sent): boolean {
  const { th, payload } = sent.skb;
  if ((th.flags & TCPHDR_RST) !== 0) return false;
  if ((th.flags & (TCPHDR_SYN | TCPHDR_ACK)) === TCPHDR_SYN) return true;
  const handMade = getSock(net, sent.sk).kind === SOCK_RAW;
  const takesSpace = (th.flags & (TCPHDR_SYN | TCPHDR_FIN)) !== 0 || payload.len > 0;
  return (th.flags & TCPHDR_ACK) !== 0 && takesSpace && !handMade;
}

/** Transport header and payload of the answer, NO_SKB for none. */
function transportAnswer(kernel: Kernel, net: World, sent: Sent): SkBuff {
  const { skb } = sent;
  const { iph, th, uh, icmph, payload } = skb;
  if (iph.protocol === IPPROTO_TCP) {
    if (!wantsAnswer(net, sent)) return NO_SKB;
    const opening = (th.flags & (TCPHDR_SYN | TCPHDR_ACK)) === TCPHDR_SYN;
    const answer = opening ? synAck(kernel, net, skb) : segment(net, skb);
    return { ...NO_SKB, iph: { ...NO_IPH, protocol: IPPROTO_TCP }, th: answer, payload: NO_PAYLOAD };
  }
  if (iph.protocol === IPPROTO_UDP) {
    const answer = { ...NO_UH, source: uh.dest, dest: uh.source, len: uh.len };
    return { ...NO_SKB, iph: { ...NO_IPH, protocol: IPPROTO_UDP }, uh: answer, payload };
  }
  if (iph.protocol === IPPROTO_ICMP && icmph.type === ICMP_ECHO) {
    const answer = { ...icmph, type: ICMP_ECHOREPLY, checksum: 0 };
    return { ...NO_SKB, iph: { ...NO_IPH, protocol: IPPROTO_ICMP, tos: iph.tos }, icmph: answer, payload };
  }
  return NO_SKB;
}

/** Whether a segment is unsigned, or signed for the header that it came with. */
export function signatureCorrect({ iph, th, payload }: SkBuff): boolean {
  const signed = iph.protocol === IPPROTO_TCP && tcp_parse_md5sig_option(th);
  return !signed || md5sigCorrect(th, payload.len, iph.saddr, iph.daddr);
}

/** Whether a host may answer that packet at all. RFC: 1122 sections 3.2.1.3 and 3.2.2. */
function answerable(skb: SkBuff): boolean {
  const { saddr, daddr } = skb.iph;
  const toOne = !ipv4_is_multicast(daddr) && !ipv4_is_lbcast(daddr);
  const fromOne = !ipv4_is_multicast(saddr) && !ipv4_is_lbcast(saddr) && !ipv4_is_zeronet(saddr);
  return toOne && fromOne && ipChecksumCorrect(skb.iph) && transportChecksumCorrect(skb) && signatureCorrect(skb);
}

/** The SYN with the Fast Open cookie that this host, as a server, gave to `addr`. RFC: 7413 section 4.1.2. */
export function withCookieOf(kernel: Kernel, skb: SkBuff, addr: number): SkBuff {
  const options = withTfoCookie(skb.th.options, tcp_fastopen_cookie_gen(kernel, addr, skb.iph.daddr));
  const opened = { ...skb, th: { ...skb.th, options, doff: 5 + (options.length >> 1) } };
  const iph = ip_send_check({ ...skb.iph, tot_len: skbLen(opened) });
  return setTransportChecksum({ ...opened, iph }, iph.saddr, iph.daddr);
}

/** The answer's header, signed if the segment that it answers was. RFC: 2385. */
function signedBack({ th, iph }: SkBuff, answer: Tcphdr, len: number): Tcphdr {
  if (iph.protocol !== IPPROTO_TCP || !tcp_parse_md5sig_option(th)) return answer;
  const options = [...MD5SIG_UNSIGNED, ...answer.options];
  return tcp_v4_md5_sign({ ...answer, options, doff: 5 + (options.length >> 1) }, len, iph.daddr, iph.saddr);
}

/** The peer's packet to where `heard` came from, complete with addresses, signature and checksums. */
function sentBack(heard: SkBuff, packet: SkBuff): SkBuff {
  const { saddr, daddr } = heard.iph;
  const addressed = {
    ...packet,
    th: signedBack(heard, packet.th, packet.payload.len),
    ip_summed: CHECKSUM_NONE,
    iph: { ...packet.iph, frag_off: IP_DF, ttl: IPDEFTTL, saddr: daddr, daddr: saddr },
  };
  const iph = ip_send_check({ ...addressed.iph, tot_len: skbLen(addressed) });
  return setTransportChecksum({ ...addressed, iph }, daddr, saddr);
}

/** What a correct peer sends back to the packet `sent`, complete with checksums; NO_SKB (protocol 0) when nothing. */
export function peerAnswer(kernel: Kernel, net: World, sent: Sent): SkBuff {
  if (!answerable(sent.skb)) return NO_SKB;
  const answer = transportAnswer(kernel, net, sent);
  return answer.iph.protocol === 0 ? NO_SKB : sentBack(sent.skb, answer);
}

const NO_CROSSING: Crossing = { sk: 0, dev: 0, skb: NO_SKB, came: false };

/** Whether the packet left under that socket; what a request sent for a connection left under its listener. */
function isOf(sk: Sock, { came, sk: owner, skb }: Crossing): boolean {
  const asRequest = skb.iph.daddr === sk.inet_daddr && skb.th.dest === sk.inet_dport;
  const own = owner === sk.id || (owner === sk.parent && (sk.kind === SOCK_TIMEWAIT || asRequest));
  return !came && owner !== 0 && own;
}

/** Whether one of the two packets goes to where the other comes from. */
function opposite(a: SkBuff, b: SkBuff): boolean {
  const addresses = a.iph.saddr === b.iph.daddr && a.iph.daddr === b.iph.saddr;
  const ofTcp = a.th.source === b.th.dest && a.th.dest === b.th.source;
  const ofUdp = a.uh.source === b.uh.dest && a.uh.dest === b.uh.source;
  return a.iph.protocol === b.iph.protocol && addresses && ofTcp && ofUdp;
}

/** The peer's last segment to that socket. */
function lastSaid(net: World, sk: Sock): Crossing {
  let said = NO_CROSSING;
  for (const came of net.crossed) {
    let toSocket = false;
    for (const left of net.crossed) toSocket = toSocket || (isOf(sk, left) && opposite(came.skb, left.skb));
    said = came.came && toSocket ? came : said;
  }
  return said;
}

/** The furthest segment that got to the peer in good order since the connection began. */
function lastHeard(net: World, said: SkBuff): SkBuff {
  let heard = NO_SKB;
  for (const { came, skb } of net.crossed) {
    const begins = (skb.th.flags & (TCPHDR_SYN | TCPHDR_ACK)) === TCPHDR_SYN;
    const further = heard.iph.protocol === 0 || begins || !before(endOf(skb), endOf(heard));
    heard = !came && opposite(said, skb) && answerable(skb) && further ? skb : heard;
  }
  return heard;
}

/** A packet that a peer sends, and the link that it comes by. */
export interface Said {
  readonly dev: number;
  readonly skb: SkBuff;
}

const NOTHING: Said = { dev: 0, skb: NO_SKB };

/** Data on a connection that is open at the peer's end: neither end was reset, and the peer has sent no FIN. */
function tcpSays(net: World, sk: Sock, len: number): Said {
  const { dev, skb: said } = lastSaid(net, sk);
  const heard = lastHeard(net, said);
  const open = (heard.th.flags & (TCPHDR_ACK | TCPHDR_RST)) === TCPHDR_ACK;
  if (!open || (said.th.flags & (TCPHDR_FIN | TCPHDR_RST)) !== 0 || len === 0) return NOTHING;
  const opt = tcp_parse_options(heard.th);
  const options = opt.saw_tstamp ? timestamps(net, 0x0101, opt.rcv_tsval) : [];
  const th = answerTh(heard.th, endOf(said), endOf(heard), TCPHDR_PSH | TCPHDR_ACK, options);
  const segment = { ...NO_SKB, iph: { ...NO_IPH, protocol: IPPROTO_TCP }, th, payload: payloadOf(len) };
  return { dev, skb: sentBack(heard, segment) };
}

/** A datagram to where the last one came from. */
function udpSays(net: World, sk: Sock, len: number): Said {
  let heard = NO_CROSSING;
  for (const left of net.crossed) {
    heard = isOf(sk, left) && left.skb.iph.protocol === IPPROTO_UDP && answerable(left.skb) ? left : heard;
  }
  if (heard.skb.iph.protocol === 0) return NOTHING;
  let { dev } = heard;
  for (const came of net.crossed) dev = came.came && opposite(came.skb, heard.skb) ? came.dev : dev;
  const uh = { ...NO_UH, source: heard.skb.uh.dest, dest: heard.skb.uh.source, len: 8 + len };
  const datagram = { ...NO_SKB, iph: { ...NO_IPH, protocol: IPPROTO_UDP }, uh, payload: payloadOf(len) };
  return { dev, skb: sentBack(heard.skb, datagram) };
}

/**
 * What the peer of that socket sends of its own accord, NO_SKB when it has nobody to send to: data of a connection in
 * order, behind all that it has sent so far, or a datagram.
 */
export function peerSays(net: World, sk: Sock, len: number): Said {
  if (sk.kind === SOCK_UDP) return udpSays(net, sk, len);
  return sk.kind === SOCK_TCP || sk.kind === SOCK_TIMEWAIT ? tcpSays(net, sk, len) : NOTHING;
}
