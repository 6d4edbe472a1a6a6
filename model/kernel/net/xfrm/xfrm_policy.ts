/**
 * IPsec policies: which packets leave protected, as they are, or not at all.
 *
 * Left out: associations, which are taken to exist; the transformation itself, so that a protected packet is shown as it is
 * before, and with it the second way of the ESP packet through the hooks; policies of sockets, of input and forwarding,
 * links of type xfrm and the default policy.
 */

import { EEXIST, EPERM } from '../../../types/errno.ts';
import { LOOPBACK_IFINDEX } from '../../../types/net.ts';
import type { NetlinkResult } from '../../../types/netlink.ts';
import { IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP, type SkBuff } from '../../../types/packet.ts';
import { type FlowI4, NO_DST, NO_FLOW, type Rtable } from '../../../types/route.ts';
import type { World } from '../../../types/world.ts';
import { NO_POLICY, XFRM_POLICY_BLOCK, type XfrmPolicy } from '../../../types/xfrm.ts';
import { inet_make_mask } from '../../include/linux/in.ts';
import { rt_cache_flush } from '../ipv4/route.ts';

/** Whether a policy applies to the key. C: net/xfrm/xfrm_policy.c, __xfrm4_selector_match(). */
function __xfrm4_selector_match(sel: XfrmPolicy, fl4: FlowI4): boolean {
  return (
    ((fl4.daddr ^ sel.daddr) & inet_make_mask(sel.prefixlen_d)) === 0 &&
    ((fl4.saddr ^ sel.saddr) & inet_make_mask(sel.prefixlen_s)) === 0 &&
    (sel.dport === 0 || sel.dport === fl4.fl4_dport) &&
    (sel.sport === 0 || sel.sport === fl4.fl4_sport) &&
    (sel.proto === 0 || sel.proto === fl4.flowi4_proto)
  );
}

/**
 * Whether a policy is for the key.
 *
 * C: net/xfrm/xfrm_policy.c, xfrm_policy_match(). No packet is sent through a link of type xfrm, so that none has an if_id.
 */
function xfrm_policy_match(pol: XfrmPolicy, fl: FlowI4): boolean {
  return pol.if_id === 0 && ((fl.flowi4_mark ^ pol.mark) & pol.mark_mask) === 0 && __xfrm4_selector_match(pol, fl);
}

/** The policy of output for the key, NO_POLICY when there is none. C: net/xfrm/xfrm_policy.c, xfrm_policy_lookup(). */
export function xfrm_policy_lookup(net: World, fl: FlowI4): XfrmPolicy {
  let found = NO_POLICY;
  for (const policy of net.xfrm_policy) {
    const applies = found.priority < 0 && xfrm_policy_match(policy, fl);
    found = applies ? policy : found;
  }
  return found;
}

/**
 * The route as the policies leave it: protected, as it was, or refused.
 *
 * C: net/xfrm/xfrm_policy.c, xfrm_lookup_with_ifid() and xfrm_lookup_route(). lo has disable_xfrm.
 */
export function xfrm_lookup(net: World, dst_orig: Rtable, fl: FlowI4): Rtable {
  if (net.xfrm_policy.length === 0 || dst_orig.dev === LOOPBACK_IFINDEX) return dst_orig;
  const policy = xfrm_policy_lookup(net, fl);
  if (policy.priority < 0) return dst_orig;
  if (policy.action === XFRM_POLICY_BLOCK) return { ...NO_DST, err: -EPERM };
  return policy.tmpl ? { ...dst_orig, xfrm: true } : dst_orig;
}

/** The key of a packet as it is. C: net/xfrm/xfrm_policy.c, decode_session4(). */
export function decode_session4(skb: SkBuff): FlowI4 {
  const { iph, th, uh, icmph } = skb;
  const tcp = iph.protocol === IPPROTO_TCP;
  const udp = iph.protocol === IPPROTO_UDP;
  const icmp = iph.protocol === IPPROTO_ICMP;
  return {
    ...NO_FLOW,
    flowi4_mark: skb.mark,
    flowi4_oif: skb.dst.dev,
    flowi4_proto: iph.protocol,
    daddr: iph.daddr,
    saddr: iph.saddr,
    fl4_sport: tcp ? th.source : udp ? uh.source : icmp ? icmph.type : 0,
    fl4_dport: tcp ? th.dest : udp ? uh.dest : icmp ? icmph.code : 0,
  };
}

/** Whether two policies select the same, for the same marks and interface. */
function sameSelector(a: XfrmPolicy, b: XfrmPolicy): boolean {
  return (
    a.saddr === b.saddr &&
    a.prefixlen_s === b.prefixlen_s &&
    a.daddr === b.daddr &&
    a.prefixlen_d === b.prefixlen_d &&
    a.proto === b.proto &&
    a.sport === b.sport &&
    a.dport === b.dport &&
    a.mark === b.mark &&
    a.mark_mask === b.mark_mask &&
    a.if_id === b.if_id
  );
}

/** Adds a policy behind those of its priority. C: net/xfrm/xfrm_policy.c, xfrm_policy_insert(), as `ip xfrm policy add` asks. */
export function xfrm_policy_insert(net: World, policy: XfrmPolicy): NetlinkResult {
  let list: readonly XfrmPolicy[] = [];
  let placed = false;
  for (const other of net.xfrm_policy) {
    if (sameSelector(other, policy)) return { err: -EEXIST, extack: '', net };
    const here: boolean = !placed && other.priority > policy.priority;
    list = here ? [...list, policy, other] : [...list, other];
    placed = placed || here;
  }
  const xfrm_policy = placed ? list : [...list, policy];
  return { err: 0, extack: '', net: rt_cache_flush({ ...net, xfrm_policy }) };
}
