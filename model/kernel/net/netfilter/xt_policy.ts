/** The match on IPsec. */
import type { SkBuff } from '../../../types/packet.ts';

/**
 * Whether an IPsec policy protects what leaves; what arrives was protected by none.
 *
 * C: net/netfilter/xt_policy.c, policy_mt(), match_policy_in() and match_policy_out(). Left out: elements of a policy.
 */
export function policy_mt(skb: SkBuff, out: boolean, ipsec: boolean): boolean {
  return (out && skb.dst.xfrm) === ipsec;
}
