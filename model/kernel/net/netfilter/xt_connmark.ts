/** The CONNMARK target. */
import type { SkBuff } from '../../../types/packet.ts';
import type { World } from '../../../types/world.ts';
import { getCt, setCt } from './nf_conntrack_core.ts';

/** C: net/netfilter/xt_connmark.c, connmark_tg_shift(). Left out: shifting, and two masks for one operation. */
export function connmark_tg(
  net: World,
  skb: SkBuff,
  op: 'set' | 'save' | 'restore',
  value: number,
  mask: number,
): { skb: SkBuff; net: World } {
  if (skb.ct === 0) return { skb, net };
  const ct = getCt(net, skb.ct);
  if (op === 'restore') return { skb: { ...skb, mark: ((skb.mark & ~mask) ^ (ct.mark & mask)) >>> 0 }, net };
  const change = op === 'set' ? value : skb.mark & mask;
  return { skb, net: setCt(net, { ...ct, mark: ((ct.mark & ~mask) ^ change) >>> 0 }) };
}
