/** The second lookup: routing a packet again after netfilter changed it. C: net/ipv4/netfilter.c. */

import { emit } from '../../../types/effects.ts';
import { oops } from '../../../types/lookup.ts';
import type { SkBuff } from '../../../types/packet.ts';
import { FLOWI_FLAG_ANYSRC, type FlowI4, NO_FLOW, RTN_LOCAL, RTN_UNICAST, RTN_UNSPEC } from '../../../types/route.ts';
import type { Sock } from '../../../types/sock.ts';
import type { World } from '../../../types/world.ts';
import { inet_sk_flowi_flags, RT_TOS } from '../../include/net/inet_sock.ts';
import { dev_get_by_index } from '../core/dev.ts';
import { HH_DATA_ALIGN, pskb_expand_head } from '../core/skbuff.ts';
import { sk_to_full_sk } from '../core/sock.ts';
import { l3mdev_master_ifindex_rcu } from '../l3mdev/l3mdev.ts';
import { decode_session4, xfrm_lookup } from '../xfrm/xfrm_policy.ts';
import { inet_addr_type_dev_table } from './fib_frontend.ts';
import { fib4_rules_early_flow_dissect } from './fib_rules.ts';
import { ip_route_output_key } from './route.ts';

/**
 * Routes the packet again by its header, mark and socket; its source stays as it is.
 *
 * C: net/ipv4/netfilter.c, ip_route_me_harder(). The key has neither user nor, unless a rule asks, protocol and ports; it keeps
 * the packet in the layer-3 domain of the route that it has, and has to have.
 * Left out: an error kept in the dst, which output routes of this release report at once; a failing allocation.
 */
export function ip_route_me_harder(
  world: World,
  owner: Sock,
  skb: SkBuff,
  addr_type: number,
): { err: number; skb: SkBuff; net: World } {
  const net = skb.dst.dev === 0 ? oops(world, 'ip_route_me_harder', 'skb_dst(skb) is NULL') : world;
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
      net: emit(net, { kind: 'reroute', before: skb, after: skb, err: rt.err, socks: net.socks, line: '' }),
    };
  }
  const plain = { ...skb, dst: rt };
  const dst = xfrm_lookup(net, rt, decode_session4(plain));
  if (dst.err < 0) {
    return {
      err: dst.err,
      skb,
      net: emit(net, { kind: 'reroute', before: skb, after: skb, err: dst.err, socks: net.socks, line: '' }),
    };
  }
  const routed = { ...plain, dst };
  const hh_len = dev_get_by_index(net, rt.dev).hard_header_len;
  const after = routed.headroom < hh_len ? pskb_expand_head(routed, HH_DATA_ALIGN(hh_len - routed.headroom)) : routed;
  return {
    err: 0,
    skb: after,
    net: emit(net, { kind: 'reroute', before: skb, after, err: 0, socks: net.socks, line: '' }),
  };
}
