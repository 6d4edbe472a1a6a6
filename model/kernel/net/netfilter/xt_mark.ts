/** The MARK target. */
import type { SkBuff } from '../../../types/packet.ts';

/** C: net/netfilter/xt_mark.c, mark_tg(). */
export function mark_tg(skb: SkBuff, mark: number, mask: number): SkBuff {
  return { ...skb, mark: ((skb.mark & ~mask) ^ mark) >>> 0 };
}
