/** The targets NOTRACK and CT, which stand before connection tracking. */
import type { SkBuff } from '../../../types/packet.ts';
import { IP_CT_UNTRACKED } from '../../../types/verdict.ts';

/** Whether the packet has a connection or a template, or is to have none: then it keeps that. */
function seen(skb: SkBuff): boolean {
  return skb.ct !== 0 || skb.ct_tmpl || skb.ctinfo === IP_CT_UNTRACKED;
}

/** C: net/netfilter/xt_CT.c, notrack_tg(). */
export function notrack_tg(skb: SkBuff): SkBuff {
  return seen(skb) ? skb : { ...skb, ctinfo: IP_CT_UNTRACKED };
}

/** Gives the packet a template with a zone. C: net/netfilter/xt_CT.c, xt_ct_target() and xt_ct_flags_to_dir(). */
export function xt_ct_target(skb: SkBuff, zone: number, dir: 'both' | 'orig' | 'reply'): SkBuff {
  if (seen(skb)) return skb;
  return { ...skb, ct_tmpl: true, ct_zone: { id: zone, orig: dir !== 'reply', reply: dir !== 'orig' } };
}
