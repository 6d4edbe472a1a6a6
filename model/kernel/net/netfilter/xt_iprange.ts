/** The match on a range of addresses. */
import type { SkBuff } from '../../../types/packet.ts';

/** C: net/netfilter/xt_iprange.c, iprange_mt4(). */
export function iprange_mt4(skb: SkBuff, which: 'src' | 'dst', first: number, last: number): boolean {
  const addr = which === 'src' ? skb.iph.saddr : skb.iph.daddr;
  return addr >= first && addr <= last;
}
