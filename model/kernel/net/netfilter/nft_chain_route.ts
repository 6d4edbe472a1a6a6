/** Chains of type route of nf_tables, as the mangle OUTPUT chain of `iptables-nft` is one: no version of the patch is in them. */
import { getSock } from '../../../types/lookup.ts';
import type { SkBuff } from '../../../types/packet.ts';
import { RTN_UNSPEC } from '../../../types/route.ts';
import { NF_ACCEPT, NF_DROP_ERR, type NfHookState } from '../../../types/verdict.ts';
import type { HookResult, Kernel, World } from '../../../types/world.ts';
import { ipt_do_table } from '../ipv4/netfilter/ip_tables.ts';

/**
 * Runs the chain, then looks up the route again if the packet's addresses, TOS or mark changed.
 *
 * C: net/netfilter/nft_chain_route.c, nf_route_table_hook4().
 */
export function nf_route_table_hook4(kernel: Kernel, before: World, packet: SkBuff, state: NfHookState): HookResult {
  const { mark } = packet;
  const { saddr, daddr, tos } = packet.iph;
  const { verdict: ret, skb, net } = ipt_do_table(kernel, before, packet, state, before.mangle);
  if (ret !== NF_ACCEPT) return { verdict: ret, skb, net };
  const { iph } = skb;
  if (iph.saddr === saddr && iph.daddr === daddr && skb.mark === mark && iph.tos === tos) {
    return { verdict: ret, skb, net };
  }
  const routed = kernel.ip_route_me_harder(net, getSock(net, state.sk), skb, RTN_UNSPEC);
  return { verdict: routed.err < 0 ? NF_DROP_ERR(routed.err) : ret, skb: routed.skb, net: routed.net };
}
