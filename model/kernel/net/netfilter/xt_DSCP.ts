/** The targets that change a packet's TOS byte. */
import type { Iphdr, SkBuff } from '../../../types/packet.ts';

/**
 * The IP header with another TOS byte, its checksum corrected.
 *
 * C: include/net/dsfield.h, ipv4_change_dsfield().
 */
export function ipv4_change_dsfield(iph: Iphdr, mask: number, value: number): Iphdr {
  const dsfield = (iph.tos & mask) | value;
  const plus = iph.check + iph.tos;
  const carried = plus + 1 > 0xffff ? (plus + 1) & 0xffff : plus;
  const minus = (carried - dsfield) >>> 0;
  return { ...iph, check: (minus + (minus >>> 16)) & 0xffff, tos: dsfield };
}

/** C: net/netfilter/xt_DSCP.c, tos_tg(). */
export function tos_tg(skb: SkBuff, value: number, mask: number): SkBuff {
  const orig = skb.iph.tos;
  const nv = ((orig & ~mask) ^ value) & 0xff;
  return orig !== nv ? { ...skb, iph: ipv4_change_dsfield(skb.iph, 0, nv) } : skb;
}

/** C: net/netfilter/xt_DSCP.c, dscp_tg(). */
export function dscp_tg(skb: SkBuff, dscp: number): SkBuff {
  return skb.iph.tos >>> 2 !== dscp ? { ...skb, iph: ipv4_change_dsfield(skb.iph, 0x03, dscp << 2) } : skb;
}
