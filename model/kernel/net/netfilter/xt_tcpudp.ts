/** The matches on ports and on ICMP types. */
import { IPPROTO_TCP, IPPROTO_UDP, type SkBuff } from '../../../types/packet.ts';

/** Source port of TCP and UDP. */
export function sportOf(skb: SkBuff): number {
  return skb.iph.protocol === IPPROTO_TCP ? skb.th.source : skb.iph.protocol === IPPROTO_UDP ? skb.uh.source : 0;
}

/** Destination port of TCP and UDP. */
export function dportOf(skb: SkBuff): number {
  return skb.iph.protocol === IPPROTO_TCP ? skb.th.dest : skb.iph.protocol === IPPROTO_UDP ? skb.uh.dest : 0;
}

/** C: net/netfilter/xt_tcpudp.c, port_match(). */
export function port_match(first: number, last: number, port: number): boolean {
  return port >= first && port <= last;
}

/** C: net/netfilter/xt_tcpudp.c, icmp_type_code_match(); type 255 stands for any. */
export function icmp_type_code_match(skb: SkBuff, type: number, min_code: number, max_code: number): boolean {
  const { icmph } = skb;
  return type === 0xff || (icmph.type === type && icmph.code >= min_code && icmph.code <= max_code);
}
