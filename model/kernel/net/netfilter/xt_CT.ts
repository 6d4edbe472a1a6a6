/** The NOTRACK target. */
import type { SkBuff } from '../../../types/packet.ts';
import { IP_CT_UNTRACKED } from '../../../types/verdict.ts';

/** C: net/netfilter/xt_CT.c, notrack_tg(). */
export function notrack_tg(skb: SkBuff): SkBuff {
  return skb.ct !== 0 ? skb : { ...skb, ctinfo: IP_CT_UNTRACKED };
}
