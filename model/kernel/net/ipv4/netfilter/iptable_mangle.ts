/** The mangle table at its hooks. C: net/ipv4/netfilter/iptable_mangle.c. */

import { emit } from '../../../../types/effects.ts';
import { getSock } from '../../../../types/lookup.ts';
import type { SkBuff } from '../../../../types/packet.ts';
import { RTN_UNSPEC } from '../../../../types/route.ts';
import {
  NF_ACCEPT,
  NF_DROP,
  NF_DROP_ERR,
  NF_INET_LOCAL_OUT,
  NF_STOLEN,
  type NfHookState,
} from '../../../../types/verdict.ts';
import type { HookResult, Kernel, World } from '../../../../types/world.ts';
import { hasShortHeader } from '../../core/skbuff.ts';
import { nf_route_table_hook4 } from '../../netfilter/nft_chain_route.ts';
import { ipt_do_table } from './ip_tables.ts';

/**
 * Runs the mangle OUTPUT chain, then looks up the route again if the packet's addresses, TOS or mark changed.
 *
 * C: net/ipv4/netfilter/iptable_mangle.c, ipt_mangle_out(); the test for a short header is that of 4.1, in 6.1 there are none.
 */
export function ipt_mangle_out(kernel: Kernel, before: World, packet: SkBuff, state: NfHookState): HookResult {
  if (hasShortHeader(packet)) return { verdict: NF_ACCEPT, skb: packet, net: before };
  const { mark } = packet;
  const { saddr, daddr, tos } = packet.iph;
  const { verdict: ret, skb, net } = ipt_do_table(kernel, before, packet, state, before.mangle);
  if (ret !== NF_DROP && ret !== NF_STOLEN) {
    if (skb.iph.saddr !== saddr || skb.iph.daddr !== daddr || skb.mark !== mark || skb.iph.tos !== tos) {
      const {
        err,
        skb: rerouted,
        net: after,
      } = kernel.ip_route_me_harder(net, getSock(net, state.sk), skb, RTN_UNSPEC);
      return { verdict: err < 0 ? NF_DROP_ERR(err) : ret, skb: rerouted, net: after };
    }
  }
  return { verdict: ret, skb, net };
}

/** C: net/ipv4/netfilter/iptable_mangle.c, iptable_mangle_hook(). A table of nf_tables has its own hook. */
export function iptable_mangle_hook(kernel: Kernel, net: World, skb: SkBuff, state: NfHookState): HookResult {
  if (state.hook === NF_INET_LOCAL_OUT) {
    const out = net.mangle.nft
      ? nf_route_table_hook4(kernel, net, skb, state)
      : kernel.ipt_mangle_out(kernel, net, skb, state);
    const { socks, bhash } = out.net;
    return { ...out, net: emit(out.net, { kind: 'mangled', skb: out.skb, socks, bhash }) };
  }
  return ipt_do_table(kernel, net, skb, state, net.mangle);
}
