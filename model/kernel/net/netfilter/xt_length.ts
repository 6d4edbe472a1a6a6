/** The match on a packet's length. */
import type { SkBuff } from '../../../types/packet.ts';
import { skbLen } from '../core/skbuff.ts';

/** C: net/netfilter/xt_length.c, length_mt(). */
export function length_mt(skb: SkBuff, min: number, max: number): boolean {
  const len = skbLen(skb);
  return len >= min && len <= max;
}
