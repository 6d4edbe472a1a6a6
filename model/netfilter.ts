/** The second lookup: routing a packet again after netfilter changed it. C: net/ipv4/netfilter.c. */
import { inet_addr_type_dev_table } from './fib_frontend.ts';
import { fib4_rules_early_flow_dissect } from './fib_rules.ts';
import { inet_sk_flowi_flags, RT_TOS } from './inet_sock.ts';
import { l3mdev_master_ifindex_rcu } from './l3mdev.ts';
import { dev_get_by_index, emit } from './net.ts';
import { ip_route_output_key } from './route.ts';
import type { SkBuff } from './types/packet.ts';
import { FLOWI_FLAG_ANYSRC, type FlowI4, NO_FLOW, RTN_LOCAL, RTN_UNICAST, RTN_UNSPEC } from './types/route.ts';
import type { Sock } from './types/sock.ts';
import type { World } from './types/world.ts';
import { sk_to_full_sk } from './x_tables.ts';
import { decode_session4, xfrm_lookup } from './xfrm_policy.ts';

/** The route of a packet whose source or port NAT changed, asked of the IPsec policies again. C: net/netfilter/nf_nat_core.c, nf_xfrm_me_harder(). */
export function nf_xfrm_me_harder(net: World, skb: SkBuff): { err: number; skb: SkBuff } {
  const dst = xfrm_lookup(net, { ...skb.dst, xfrm: false }, decode_session4(skb));
  return dst.err < 0 ? { err: dst.err, skb } : { err: 0, skb: { ...skb, dst } };
}

/** C: include/linux/netdevice.h, HH_DATA_ALIGN(). */
export function HH_DATA_ALIGN(len: number): number {
  return (len + 15) & ~15;
}

/** The packet in a buffer of its own with `nhead` bytes more in front. C: net/core/skbuff.c, pskb_expand_head(). */
export function pskb_expand_head(skb: SkBuff, nhead: number): SkBuff {
  return { ...skb, headroom: skb.headroom + nhead, cloned: false };
}

/**
 * Routes the packet again by its header, mark and socket; its source stays as it is.
 *
 * C: net/ipv4/netfilter.c, ip_route_me_harder(). The key has neither user nor, unless a rule asks, protocol and ports; it keeps
 * the packet in the layer-3 domain of the route that it has.
 * Left out: an error kept in the dst, which output routes of this release report at once; a failing allocation.
 */
export function ip_route_me_harder(
  net: World,
  owner: Sock,
  skb: SkBuff,
  addr_type: number,
): { err: number; skb: SkBuff; net: World } {
  const dev = dev_get_by_index(net, skb.dst.dev);
  const { iph } = skb;
  const sk = sk_to_full_sk(net, owner);
  const type = addr_type === RTN_UNSPEC ? inet_addr_type_dev_table(net, dev, iph.saddr) : addr_type;
  const keep = type === RTN_LOCAL || type === RTN_UNICAST;
  const key: FlowI4 = {
    ...NO_FLOW,
    daddr: iph.daddr,
    saddr: keep ? iph.saddr : 0,
    flowi4_tos: RT_TOS(iph.tos),
    flowi4_oif: sk.sk_bound_dev_if,
    flowi4_l3mdev: l3mdev_master_ifindex_rcu(dev),
    flowi4_mark: skb.mark,
    flowi4_flags: keep ? FLOWI_FLAG_ANYSRC : inet_sk_flowi_flags(sk),
  };
  const { rt } = ip_route_output_key(net, fib4_rules_early_flow_dissect(net, skb, key));
  if (rt.err < 0) {
    return {
      err: rt.err,
      skb,
      net: emit(net, { effect: 'reroute', before: skb, after: skb, err: rt.err, socks: net.socks }),
    };
  }
  const plain = { ...skb, dst: rt };
  const dst = xfrm_lookup(net, rt, decode_session4(plain));
  if (dst.err < 0) {
    return {
      err: dst.err,
      skb,
      net: emit(net, { effect: 'reroute', before: skb, after: skb, err: dst.err, socks: net.socks }),
    };
  }
  const routed = { ...plain, dst };
  const hh_len = dev_get_by_index(net, rt.dev).hard_header_len;
  const after = routed.headroom < hh_len ? pskb_expand_head(routed, HH_DATA_ALIGN(hh_len - routed.headroom)) : routed;
  return { err: 0, skb: after, net: emit(net, { effect: 'reroute', before: skb, after, err: 0, socks: net.socks }) };
}
