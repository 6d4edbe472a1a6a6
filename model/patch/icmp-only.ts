/** The post's first patch: inside the reroute of mangle OUTPUT the source is chosen again for sockets without one. */
import { ip_send_check } from '../kernel/net/ipv4/ip_output.ts';
import { ipt_do_table } from '../kernel/net/ipv4/netfilter/ip_tables.ts';
import { getSock, setSock } from '../types/lookup.ts';
import type { SkBuff } from '../types/packet.ts';
import { RTN_UNSPEC } from '../types/route.ts';
import { NF_DROP, NF_DROP_ERR, NF_STOLEN, type NfHookState } from '../types/verdict.ts';
import type { HookResult, Kernel, World } from '../types/world.ts';
import { inet_sk, ip_route_reroute, micro, rerouteKey, writeIph } from './reroute.ts';
import { stock } from './stock.ts';

/**
 * Runs the mangle OUTPUT chain, then looks up the route again if the packet's addresses, TOS or mark changed.
 *
 * C: net/ipv4/netfilter/iptable_mangle.c, ipt_mangle_out().
 * Patch: version 1. A socket whose inet_saddr is 0 gets the source of the new route, in the packet and in itself.
 */
export function ipt_mangle_out(kernel: Kernel, before: World, packet: SkBuff, state: NfHookState): HookResult {
  const { mark } = packet;
  const { saddr, daddr, tos } = packet.iph;
  let { verdict: ret, skb, net } = ipt_do_table(before, packet, state, before.mangle);
  if (ret !== NF_DROP && ret !== NF_STOLEN) {
    let recheck = false;
    if (skb.iph.saddr !== saddr || skb.iph.daddr !== daddr || skb.mark !== mark || skb.iph.tos !== tos) {
      if (skb.sk !== 0) {
        const inet = inet_sk(net, skb.sk, 'ipt_mangle_out');
        net = inet.net;
        if (inet.sk.inet_saddr === 0) {
          const { err, fl4, skb: rerouted, moved, net: after } = ip_route_reroute(net, skb, rerouteKey(skb, inet.sk));
          skb = rerouted;
          net = after;
          if (err < 0) ret = NF_DROP_ERR(err);
          else recheck = true;
          if (saddr !== fl4.saddr) {
            ({ skb, net } = writeIph(net, skb, moved, { ...skb.iph, saddr: fl4.saddr }));
            net = setSock(net, { ...getSock(net, skb.sk), inet_saddr: fl4.saddr });
            net = micro(net, 'inet_saddr written');
            ({ skb, net } = writeIph(net, skb, moved, ip_send_check(skb.iph)));
          }
        }
      }
      if (!recheck) {
        const {
          err,
          skb: rerouted,
          net: after,
        } = kernel.ip_route_me_harder(net, getSock(net, state.sk), skb, RTN_UNSPEC);
        skb = rerouted;
        net = after;
        if (err < 0) ret = NF_DROP_ERR(err);
      }
    }
  }
  return { verdict: ret, skb, net };
}

export const icmpOnly: Kernel = {
  ...stock,
  name: 'icmp-only',
  title: "the post's first patch: sockets without a source get the new route's",
  ipt_mangle_out,
};
