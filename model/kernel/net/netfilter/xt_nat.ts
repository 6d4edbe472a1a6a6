/** The SNAT and DNAT targets. */
import type { SkBuff } from '../../../types/packet.ts';
import type { HookResult, World } from '../../../types/world.ts';
import { getCt } from './nf_conntrack_core.ts';
import { type NfNatRange, nf_nat_setup_info } from './nf_nat_core.ts';

/** C: net/netfilter/xt_nat.c, xt_snat_target_v2(), xt_dnat_target_v2(). */
export function xt_nat_target(
  net: World,
  skb: SkBuff,
  target: { readonly addr: number; readonly portFirst: number; readonly portLast: number; readonly random: boolean },
  manip: number,
): HookResult {
  const range: NfNatRange = {
    mapIps: target.addr !== 0,
    addr: target.addr,
    protoSpecified: target.portFirst !== 0,
    minProto: target.portFirst,
    maxProto: target.portLast,
    random: target.random,
  };
  const { verdict, net: after } = nf_nat_setup_info(net, getCt(net, skb.ct), range, manip);
  return { verdict, skb, net: after };
}
