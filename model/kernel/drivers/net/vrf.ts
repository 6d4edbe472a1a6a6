/** VRF devices: what passes through one on its way out and in, and how links are enslaved to it. C: drivers/net/vrf.c. */

import type { NetDevice } from '../../../types/net.ts';
import type { SkBuff } from '../../../types/packet.ts';
import {
  FLOWI_FLAG_ANYSRC,
  FR_ACT_TO_TBL,
  NO_DST,
  NO_FLOW,
  NO_RULE,
  RT_SCOPE_LINK,
  RTN_UNICAST,
  RTPROT_KERNEL,
} from '../../../types/route.ts';
import {
  IP_CT_UNTRACKED,
  NF_INET_LOCAL_OUT,
  NF_INET_POST_ROUTING,
  NF_INET_PRE_ROUTING,
} from '../../../types/verdict.ts';
import type { Kernel, World } from '../../../types/world.ts';
import { ipv4_is_lbcast, ipv4_is_multicast } from '../../include/linux/in.ts';
import { RT_TOS } from '../../include/net/inet_sock.ts';
import { dev_get_by_index } from '../../net/core/dev.ts';
import { fib_nl_newrule } from '../../net/core/fib_rules.ts';
import { kfree_skb } from '../../net/core/skbuff.ts';
import { inet_select_addr } from '../../net/ipv4/devinet.ts';
import { fib_new_table, fibDevChangeUpper } from '../../net/ipv4/fib_frontend.ts';
import { dst_output, type Sending } from '../../net/ipv4/ip_output.ts';
import { ip_route_output_flow } from '../../net/ipv4/route.ts';
import { type NfHookResult, nf_hook } from '../../net/netfilter/core.ts';

/** The preference of the rule that the first VRF brings. */
const FIB_RULE_PREF = 1000;

/** C: drivers/net/vrf.c, vrf_nf_set_untracked(). */
function vrf_nf_set_untracked(skb: SkBuff): SkBuff {
  return skb.ct === 0 ? { ...skb, ctinfo: IP_CT_UNTRACKED } : skb;
}

/** C: drivers/net/vrf.c, vrf_nf_reset_ct(). */
function vrf_nf_reset_ct(skb: SkBuff): SkBuff {
  return skb.ct === 0 && skb.ctinfo === IP_CT_UNTRACKED ? { ...skb, ctinfo: 0 } : skb;
}

/** The packet on its way to the VRF device itself. C: drivers/net/vrf.c, vrf_ip_out_redirect() and vrf_rtable_create(). */
function vrf_ip_out_redirect(vrf_dev: NetDevice, skb: SkBuff): SkBuff {
  return { ...skb, dst: { ...NO_DST, dev: vrf_dev.ifindex, rt_type: RTN_UNICAST } };
}

/**
 * The packet passes the hooks of LOCAL_OUT and POST_ROUTING with the VRF as its output device.
 *
 * C: drivers/net/vrf.c, vrf_ip_out_direct() and vrf_output_direct().
 */
function vrf_ip_out_direct(kernel: Kernel, net: World, vrf_dev: NetDevice, sk: number, skb: SkBuff): NfHookResult {
  const out = vrf_dev.ifindex;
  const first = nf_hook(kernel, net, skb, { hook: NF_INET_LOCAL_OUT, in: 0, out, sk });
  if (!first.accepted) return first;
  const second = nf_hook(kernel, first.net, first.skb, { hook: NF_INET_POST_ROUTING, in: 0, out, sk });
  return { ...second, skb: vrf_nf_reset_ct(second.skb) };
}

/**
 * A packet that leaves by an enslaved link passes its VRF first, and the hooks of LOCAL_OUT and POST_ROUTING a second time
 * behind it, with the link that it has then.
 *
 * C: drivers/net/vrf.c, vrf_ip_out(). What ends here is no error to the sender: __ip_local_out() returns 0. A VRF that is
 * down has a queueing discipline, the one that drops.
 * Observed: 6.1.192, user-mode, 2026-11-26: a datagram `via eth1`, whose VRF is down, leaves if a rule in mangle OUTPUT
 * marks it, so that its route is looked up again, and is lost if not.
 * Left out: other queueing disciplines, which no command of the model gives a VRF.
 */
export function vrf_ip_out(kernel: Kernel, net: World, vrf_dev: NetDevice, sk: number, packet: SkBuff): NfHookResult {
  const { daddr } = packet.iph;
  if (ipv4_is_multicast(daddr) || ipv4_is_lbcast(daddr)) return { err: 0, net, skb: packet, accepted: true };
  const skb = vrf_nf_set_untracked(packet);
  if (!vrf_dev.up) return { err: 0, net, skb: vrf_ip_out_redirect(vrf_dev, skb), accepted: true };
  return { ...vrf_ip_out_direct(kernel, net, vrf_dev, sk, skb), err: 0 };
}

/** C: drivers/net/vrf.c, vrf_ip_local_out(). */
function vrf_ip_local_out(kernel: Kernel, net: World, packet: SkBuff): Sending {
  const skb = vrf_nf_reset_ct(packet);
  const state = { hook: NF_INET_LOCAL_OUT, in: 0, out: skb.dst.dev, sk: skb.sk };
  const hooked = nf_hook(kernel, net, skb, state);
  if (!hooked.accepted) return { err: hooked.err, net: hooked.net };
  return dst_output(kernel, hooked.net, skb.sk, hooked.skb);
}

/**
 * A packet whose route leads to the VRF itself: it is routed once more in the VRF's table, without its mark, and comes back in
 * when that is a route to this host.
 *
 * C: drivers/net/vrf.c, vrf_xmit(), vrf_process_v4_outbound() and vrf_local_xmit(). What fails here the sender does not hear.
 */
export function vrf_xmit(kernel: Kernel, net: World, vrf_dev: NetDevice, skb: SkBuff): Sending {
  if (!vrf_dev.up) return { err: 0, net: kfree_skb(net, skb, 'dev_queue_xmit', 0) };
  const { iph } = skb;
  const { rt } = ip_route_output_flow(net, {
    ...NO_FLOW,
    flowi4_l3mdev: vrf_dev.ifindex,
    flowi4_tos: RT_TOS(iph.tos),
    flowi4_flags: FLOWI_FLAG_ANYSRC,
    flowi4_proto: iph.protocol,
    daddr: iph.daddr,
    saddr: iph.saddr,
  });
  if (rt.err < 0) return { err: 0, net: kfree_skb(net, skb, 'vrf_xmit', 0) };
  if (rt.dev === vrf_dev.ifindex) {
    const looped = { ...skb, sk: 0, dst: rt, iif: vrf_dev.ifindex };
    return { err: 0, net: { ...net, backlog: [...net.backlog, looped] } };
  }
  const saddr = iph.saddr === 0 ? inet_select_addr(net, rt.dev, 0, RT_SCOPE_LINK) : iph.saddr;
  const { net: after } = vrf_ip_local_out(kernel, net, { ...skb, dst: rt, iph: { ...iph, saddr } });
  return { err: 0, net: after };
}

/**
 * A packet that came in by an enslaved link goes on as one of the VRF, past the hook of PRE_ROUTING once more; one that the
 * VRF has sent to the host itself goes on at once.
 *
 * C: drivers/net/vrf.c, vrf_ip_rcv().
 */
export function vrf_ip_rcv(kernel: Kernel, net: World, vrf_dev: NetDevice, packet: SkBuff): NfHookResult {
  const skb = { ...packet, iif: vrf_dev.ifindex, sdif: packet.iif };
  const looped = packet.iif === vrf_dev.ifindex;
  if (ipv4_is_multicast(skb.iph.daddr) || looped) return { err: 0, net, skb, accepted: true };
  return nf_hook(kernel, net, skb, { hook: NF_INET_PRE_ROUTING, in: vrf_dev.ifindex, out: 0, sk: 0 });
}

/** Adds the rule for all VRFs with the first of them; one that is there already will do. C: drivers/net/vrf.c, vrf_add_fib_rules(). */
export function vrf_add_fib_rules(net: World): World {
  if (net.vrf_rules_added) return net;
  const rule = { ...NO_RULE, pref: FIB_RULE_PREF, action: FR_ACT_TO_TBL, l3mdev: true, protocol: RTPROT_KERNEL };
  return { ...fib_nl_newrule(net, rule).net, vrf_rules_added: true };
}

/** C: drivers/net/vrf.c, vrf_rtable_create(): the table is there, be it empty. */
export function vrf_rtable_create(net: World, tb_id: number): World {
  return fib_new_table(net, tb_id);
}

/**
 * The link in that VRF, 0 for none: its routes are gone.
 *
 * C: drivers/net/vrf.c, do_vrf_add_slave() and do_vrf_del_slave(), without cycle_netdev(), by which those of its addresses
 * come back in the table they now belong to.
 */
export function changeUpper(net: World, ifindex: number, master: number): World {
  let devs: readonly NetDevice[] = [];
  for (const dev of net.devs) devs = [...devs, dev.ifindex === ifindex ? { ...dev, master } : dev];
  return fibDevChangeUpper({ ...net, devs }, dev_get_by_index(net, ifindex).ifindex);
}
