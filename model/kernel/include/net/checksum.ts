/**
 * Internet checksums: RFC 1071 sums over the bytes of a packet, and the incremental updates of RFC 1624.
 *
 * A sum is an unsigned 32-bit number, a folded sum and a checksum field are 16 bits wide.
 */
import {
  CHECKSUM_PARTIAL,
  type Icmphdr,
  IPPROTO_ICMP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  type Iphdr,
  type Payload,
  type SkBuff,
  type Tcphdr,
  type Udphdr,
} from '../../../types/packet.ts';
import { csum_partial, csum_tcpudp_nofold } from '../../lib/checksum.ts';
import { inet_proto_csum_replace4 } from '../../net/core/utils.ts';

/** What UDP sends in place of a checksum of zero. C: include/net/checksum.h, CSUM_MANGLED_0; RFC 768. */
export const CSUM_MANGLED_0 = 0xffff;

/** C: include/net/checksum.h, csum_add(): ones' complement addition on 32 bits. */
export function csum_add(csum: number, addend: number): number {
  const res = csum + addend;
  return res > 0xffffffff ? res - 0xffffffff : res;
}

/** C: include/net/checksum.h, csum_sub(). */
export function csum_sub(csum: number, addend: number): number {
  return csum_add(csum, ~addend >>> 0);
}

/** Folds 32 bits to 16 and complements. C: include/asm-generic/checksum.h, csum_fold(). */
export function csum_fold(csum: number): number {
  const once = (csum & 0xffff) + (csum >>> 16);
  const twice = (once & 0xffff) + (once >>> 16);
  return ~twice & 0xffff;
}

/** The 32-bit sum that a folded one stands for. C: include/net/checksum.h, csum_unfold(). */
export function csum_unfold(folded: number): number {
  return folded;
}

/** Sum of a 32-bit value as its two 16-bit words. */
export function sumOf32(value: number): number {
  return (value >>> 16) + (value & 0xffff);
}

/** C: include/asm-generic/checksum.h, csum_tcpudp_magic(). */
export function csum_tcpudp_magic(saddr: number, daddr: number, len: number, proto: number, sum: number): number {
  return csum_fold(csum_tcpudp_nofold(saddr, daddr, len, proto, sum));
}

/**
 * Replaces a 32-bit value under a checksum.
 *
 * C: net/core/utils.c, inet_proto_csum_replace4() reaches it; include/net/checksum.h, csum_replace4().
 * RFC: 1624, equation 3.
 */
export function csum_replace4(sum: number, from: number, to: number): number {
  const tmp = csum_sub(~csum_unfold(sum) >>> 0, from);
  return csum_fold(csum_add(tmp, to));
}

/**
 * Replaces one 16-bit word under a checksum.
 *
 * C: include/net/checksum.h, csum_replace2().
 * RFC: 1624, equation 3.
 */
export function csum_replace2(sum: number, from: number, to: number): number {
  return csum_fold16(~sum & 0xffff, from, to);
}

function csum_fold16(complement: number, from: number, to: number): number {
  const minus = complement + (~from & 0xffff);
  const less = (minus & 0xffff) + (minus >>> 16);
  const plus = less + to;
  const more = (plus & 0xffff) + (plus >>> 16);
  return ~more & 0xffff;
}

/** The same for a 16-bit value. C: include/net/checksum.h, inet_proto_csum_replace2(). */
export function inet_proto_csum_replace2(
  sum: number,
  skb: SkBuff,
  from: number,
  to: number,
  pseudohdr: boolean,
): number {
  return inet_proto_csum_replace4(sum, skb, from, to, pseudohdr);
}

/** Sum of the IPv4 header without its checksum field. RFC 791. */
export function ipSum(iph: Iphdr): number {
  return (
    ((4 << 12) | (iph.ihl << 8) | iph.tos) +
    iph.tot_len +
    iph.id +
    iph.frag_off +
    ((iph.ttl << 8) | iph.protocol) +
    sumOf32(iph.saddr) +
    sumOf32(iph.daddr)
  );
}

/** Whether the header's checksum is right: it sums to all ones. C: include/asm-generic/checksum.h, ip_fast_csum(). */
export function ipChecksumCorrect(iph: Iphdr): boolean {
  return csum_fold(ipSum(iph) + iph.check) === 0;
}

/** Sum of the TCP header without its checksum field. */
export function tcpSum(th: Tcphdr): number {
  const fixed =
    th.source + th.dest + sumOf32(th.seq) + sumOf32(th.ack_seq) + ((th.doff << 12) | th.flags) + th.window + th.urg_ptr;
  return csum_partial(th.options, fixed);
}

/** Sum of the UDP header without its checksum field. */
export function udpSum(uh: Udphdr): number {
  return uh.source + uh.dest + uh.len;
}

/** Sum of the ICMP header without its checksum field. */
function icmpSum(icmph: Icmphdr): number {
  return ((icmph.type << 8) | icmph.code) + icmph.id + icmph.sequence;
}

/** Length in bytes of the transport header and payload that iph.protocol says. */
export function transportLen(skb: SkBuff): number {
  const header =
    skb.iph.protocol === IPPROTO_TCP
      ? skb.th.doff * 4
      : skb.iph.protocol === IPPROTO_UDP || skb.iph.protocol === IPPROTO_ICMP
        ? 8
        : 0;
  return header + skb.payload.len;
}

/** Sum of a payload's bytes. */
export function payloadSum(payload: Payload): number {
  return csum_partial(payload.words, 0);
}

/** Sum of everything a TCP checksum covers but the field itself, with the pseudo-header of these addresses. */
export function tcpFullSum(skb: SkBuff, saddr: number, daddr: number): number {
  return csum_tcpudp_nofold(
    saddr,
    daddr,
    transportLen(skb),
    IPPROTO_TCP,
    csum_add(tcpSum(skb.th), payloadSum(skb.payload)),
  );
}

/** The same for UDP. */
export function udpFullSum(skb: SkBuff, saddr: number, daddr: number): number {
  return csum_tcpudp_nofold(saddr, daddr, skb.uh.len, IPPROTO_UDP, csum_add(udpSum(skb.uh), payloadSum(skb.payload)));
}

/** Sum of an ICMP message without the field itself. */
export function icmpFullSum(skb: SkBuff): number {
  return csum_add(icmpSum(skb.icmph), payloadSum(skb.payload));
}

/**
 * The packet with its transport checksum set for a pseudo-header of `saddr` and `daddr`: complete under CHECKSUM_NONE,
 * the folded pseudo-header sum under CHECKSUM_PARTIAL.
 *
 * One function for what __tcp_v4_send_check(), udp4_hwcsum(), udp_set_csum() and icmp_push_reply() do.
 */
export function setTransportChecksum(skb: SkBuff, saddr: number, daddr: number): SkBuff {
  const partial = skb.ip_summed === CHECKSUM_PARTIAL;
  if (skb.iph.protocol === IPPROTO_TCP) {
    const pseudo = ~csum_tcpudp_magic(saddr, daddr, transportLen(skb), IPPROTO_TCP, 0) & 0xffff;
    const check = partial ? pseudo : csum_fold(tcpFullSum(skb, saddr, daddr));
    return { ...skb, th: { ...skb.th, check } };
  }
  if (skb.iph.protocol === IPPROTO_UDP) {
    const pseudo = ~csum_tcpudp_magic(saddr, daddr, skb.uh.len, IPPROTO_UDP, 0) & 0xffff;
    const full = csum_fold(udpFullSum(skb, saddr, daddr));
    const check = partial ? pseudo : full === 0 ? CSUM_MANGLED_0 : full;
    return { ...skb, uh: { ...skb.uh, check } };
  }
  if (skb.iph.protocol === IPPROTO_ICMP) {
    return { ...skb, icmph: { ...skb.icmph, checksum: csum_fold(icmpFullSum(skb)) } };
  }
  return skb;
}

/**
 * Whether the transport checksum of a finished packet is right for the addresses in its IP header, as its receiver
 * verifies it. True for protocols without one the model knows, and for UDP without a checksum.
 *
 * RFC: 9293 section 3.1, 768, 792.
 */
export function transportChecksumCorrect(skb: SkBuff): boolean {
  if (skb.iph.protocol === IPPROTO_TCP) {
    return csum_fold(csum_add(tcpFullSum(skb, skb.iph.saddr, skb.iph.daddr), skb.th.check)) === 0;
  }
  if (skb.iph.protocol === IPPROTO_UDP) {
    return skb.uh.check === 0 || csum_fold(csum_add(udpFullSum(skb, skb.iph.saddr, skb.iph.daddr), skb.uh.check)) === 0;
  }
  if (skb.iph.protocol === IPPROTO_ICMP) return csum_fold(csum_add(icmpFullSum(skb), skb.icmph.checksum)) === 0;
  return true;
}
