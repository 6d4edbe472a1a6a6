/** MASQUERADE: its source, and what becomes of its connections when their device or their address goes. C: net/netfilter/nf_nat_masquerade.c. */

import type { SkBuff } from '../../../types/packet.ts';
import { RT_SCOPE_UNIVERSE } from '../../../types/route.ts';
import { NF_ACCEPT, NF_DROP, type NfHookState } from '../../../types/verdict.ts';
import type { HookResult, World } from '../../../types/world.ts';
import { inet_select_addr } from '../ipv4/devinet.ts';
import { getCt, nf_ct_kill } from './nf_conntrack_core.ts';
import { NF_NAT_MANIP_SRC, type NfPortRange, nf_nat_setup_info, portsAt, rt_nexthop } from './nf_nat_core.ts';

/**
 * Forgets the connections that were masqueraded for a device that went down.
 *
 * C: net/netfilter/nf_nat_masquerade.c, masq_device_event(), device_cmp(). Left out: that a kernel worker does it, a moment later.
 */
export function masq_device_event(start: World, ifindex: number): World {
  let net = start;
  for (const ct of start.conntrack) net = ct.masq_index === ifindex && !ct.dying ? nf_ct_kill(net, ct) : net;
  return net;
}

/** Forgets those that were given an address that went. C: net/netfilter/nf_nat_masquerade.c, masq_inet_event(), inet_cmp(). */
export function masq_inet_event(start: World, ifindex: number, ifa_address: number): World {
  let net = start;
  for (const ct of start.conntrack) {
    const given = ct.masq_index === ifindex && ct.reply.dst === ifa_address;
    net = given && !ct.dying ? nf_ct_kill(net, ct) : net;
  }
  return net;
}

/**
 * Gives the connection the address that its output device would choose towards the next hop; the `src` of the route is
 * not asked.
 *
 * C: net/netfilter/nf_nat_masquerade.c, nf_nat_masquerade_ipv4().
 * Observed: Linux 6.18: of 172.16.0.9/24 and 10.1.0.1/30 the second is taken towards 10.1.0.2 (2026-11-22).
 */
export function nf_nat_masquerade_ipv4(net: World, skb: SkBuff, state: NfHookState, range: NfPortRange): HookResult {
  const ct = getCt(net, skb.ct);
  if (ct.original.src === 0) return { verdict: NF_ACCEPT, skb, net };
  const nh = rt_nexthop(skb.dst.rt_gw4, skb.iph.daddr);
  const newsrc = inet_select_addr(net, state.out, nh, RT_SCOPE_UNIVERSE);
  if (newsrc === 0) return { verdict: NF_DROP, skb, net };
  const newrange = portsAt(newsrc, range);
  const bound = nf_nat_setup_info(net, { ...ct, masq_index: state.out }, newrange, NF_NAT_MANIP_SRC);
  return { verdict: bound.verdict, skb, net: bound.net };
}
