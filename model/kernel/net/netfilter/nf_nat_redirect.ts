/** REDIRECT: a packet is sent to the host itself. */
import type { SkBuff } from '../../../types/packet.ts';
import { NF_DROP, NF_INET_LOCAL_OUT, type NfHookState } from '../../../types/verdict.ts';
import type { HookResult, World } from '../../../types/world.ts';
import { INADDR_LOOPBACK } from '../../include/linux/in.ts';
import { dev_get_by_index } from '../core/dev.ts';
import { getCt } from './nf_conntrack_core.ts';
import { NF_NAT_MANIP_DST, type NfPortRange, nf_nat_setup_info, portsAt } from './nf_nat_core.ts';

/** The first address of a link, 0 for none. */
function firstAddress(net: World, dev: number): number {
  for (const ifa of dev_get_by_index(net, dev).ifa_list) return ifa.ifa_local;
  return 0;
}

/**
 * Sends local packets to lo, and what arrives to the first address of the link that it came by.
 *
 * C: net/netfilter/nf_nat_redirect.c, nf_nat_redirect_ipv4().
 */
export function nf_nat_redirect_ipv4(net: World, skb: SkBuff, state: NfHookState, range: NfPortRange): HookResult {
  const newdst = state.hook === NF_INET_LOCAL_OUT ? INADDR_LOOPBACK : firstAddress(net, state.in);
  if (newdst === 0) return { verdict: NF_DROP, skb, net };
  const bound = nf_nat_setup_info(net, getCt(net, skb.ct), portsAt(newdst, range), NF_NAT_MANIP_DST);
  return { verdict: bound.verdict, skb, net: bound.net };
}
