/**
 * The other end of a conversation: what a correct host sends back to a packet, from that packet alone.
 *
 * Left out: a memory. A peer that has sent its FIN, or never knew a connection, answers as any other.
 */

import { ipv4_is_lbcast, ipv4_is_multicast, ipv4_is_zeronet } from '../kernel/include/linux/in.ts';
import { ipChecksumCorrect, setTransportChecksum, transportChecksumCorrect } from '../kernel/include/net/checksum.ts';
import { tcp_time_stamp } from '../kernel/include/net/tcp.ts';
import { skbLen } from '../kernel/net/core/skbuff.ts';
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
  TCPHDR_RST,
  TCPHDR_SYN,
  type Tcphdr,
} from '../types/packet.ts';
import { SOCK_RAW } from '../types/sock.ts';
import type { Kernel, Sent, World } from '../types/world.ts';

/** The peer's initial sequence number, window, MSS and window scale. */
const PEER_ISN = 1000000;
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

/**
 * SYN-ACK to a SYN. Data in the SYN is acknowledged when its Fast Open cookie was made for the address it comes from; a
 * request, or another cookie, is answered with the right one.
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
  const options = opt.foc === 0 || valid ? plain : withTfoCookie(plain, cookie);
  const ack_seq = th.seq + 1 + (valid ? skb.payload.len : 0);
  return answerTh(th, PEER_ISN, ack_seq, TCPHDR_SYN | TCPHDR_ACK, options);
}

/** ACK to a SYN-ACK or to data, FIN and ACK to a FIN, from the other end of an open connection. */
function segment(net: World, skb: SkBuff): Tcphdr {
  const { th, payload } = skb;
  const opt = tcp_parse_options(th);
  const options = opt.saw_tstamp ? timestamps(net, 0x0101, opt.rcv_tsval) : [];
  const syn = (th.flags & TCPHDR_SYN) !== 0 ? 1 : 0;
  const fin = (th.flags & TCPHDR_FIN) !== 0 ? 1 : 0;
  const flags = fin === 1 ? TCPHDR_FIN | TCPHDR_ACK : TCPHDR_ACK;
  return answerTh(th, th.ack_seq, th.seq + payload.len + syn + fin, flags, options);
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

/** What a correct peer sends back to the packet `sent`, complete with checksums; NO_SKB (protocol 0) when nothing. */
export function peerAnswer(kernel: Kernel, net: World, sent: Sent): SkBuff {
  if (!answerable(sent.skb)) return NO_SKB;
  const answer = transportAnswer(kernel, net, sent);
  if (answer.iph.protocol === 0) return NO_SKB;
  const { saddr, daddr } = sent.skb.iph;
  const addressed = {
    ...answer,
    th: signedBack(sent.skb, answer.th, answer.payload.len),
    ip_summed: CHECKSUM_NONE,
    iph: { ...answer.iph, frag_off: IP_DF, ttl: IPDEFTTL, saddr: daddr, daddr: saddr },
  };
  const iph = ip_send_check({ ...addressed.iph, tot_len: skbLen(addressed) });
  return setTransportChecksum({ ...addressed, iph }, daddr, saddr);
}
