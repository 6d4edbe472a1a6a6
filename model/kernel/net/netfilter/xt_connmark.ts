/** The mark of a connection: the target that sets, saves and restores it, and the match on it. */
import type { SkBuff } from '../../../types/packet.ts';
import type { World } from '../../../types/world.ts';
import { getCt, setCt } from './nf_conntrack_core.ts';

/** C: net/netfilter/xt_connmark.c, connmark_tg_shift(). Left out: shifting. */
export function connmark_tg(
  net: World,
  skb: SkBuff,
  info: {
    readonly op: 'set' | 'save' | 'restore';
    readonly value: number;
    readonly mask: number;
    readonly nfmask: number;
  },
): { skb: SkBuff; net: World } {
  if (skb.ct === 0) return { skb, net };
  const { op, value, mask: ctmask, nfmask } = info;
  const ct = getCt(net, skb.ct);
  if (op === 'restore') return { skb: { ...skb, mark: ((skb.mark & ~nfmask) ^ (ct.mark & ctmask)) >>> 0 }, net };
  const change = op === 'set' ? value : skb.mark & nfmask;
  return { skb, net: setCt(net, { ...ct, mark: ((ct.mark & ~ctmask) ^ change) >>> 0 }) };
}

/** What a connection's mark says of a packet; without a connection no rule with that match applies. C: net/netfilter/xt_connmark.c, connmark_mt(). */
export function connmark_mt(net: World, skb: SkBuff, mark: number, mask: number, invert: boolean): boolean {
  return skb.ct !== 0 && ((getCt(net, skb.ct).mark & mask) >>> 0 === mark) !== invert;
}
