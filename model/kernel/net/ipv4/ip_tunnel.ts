/** IP in IP: a tunnel puts a second header in front of a packet and sends it as its own. C: net/ipv4/ip_tunnel.c. */

import { ENETDOWN } from '../../../types/errno.ts';
import type { NetDevice } from '../../../types/net.ts';
import type { SkBuff } from '../../../types/packet.ts';
import { NO_FLOW } from '../../../types/route.ts';
import type { Kernel, World } from '../../../types/world.ts';
import { INET_ECN_encapsulate } from '../../include/net/inet_ecn.ts';
import { kfree_skb } from '../core/skbuff.ts';
import { type Sending, transmitted } from './ip_output.ts';
import { iptunnel_xmit } from './ip_tunnel_core.ts';
import { ip_route_output_key } from './route.ts';

export const IPPROTO_IPIP = 4;

/** Nested transmissions of one packet. C: include/linux/netdevice.h. */
const XMIT_RECURSION_LIMIT = 8;

/**
 * Sends a packet through a tunnel: the outer header carries the tunnel's addresses, and is routed without mark, user and
 * device.
 *
 * C: net/ipv4/ip_tunnel.c, ip_tunnel_xmit(); net/ipv4/ipip.c, ipip_tunnel_xmit(); the recursion limit in
 * net/core/dev.c, __dev_queue_xmit().
 * Left out: `tos`, `ttl`, `dev` and `fwmark` of the tunnel, which it takes from the inner packet or leaves 0; the
 * cached route, which follows every change of routing; path MTU; tunnels without a remote end.
 */
export function ip_tunnel_xmit(kernel: Kernel, net: World, dev: NetDevice, skb: SkBuff): Sending {
  if (skb.encapsulated > XMIT_RECURSION_LIMIT) {
    return { err: -ENETDOWN, net: kfree_skb(net, skb, '__dev_queue_xmit', -ENETDOWN) };
  }
  const tos = INET_ECN_encapsulate(0, skb.iph.tos);
  const { rt, fl4 } = ip_route_output_key(net, {
    ...NO_FLOW,
    daddr: dev.tunnel_daddr,
    saddr: dev.tunnel_saddr,
    flowi4_proto: IPPROTO_IPIP,
  });
  if (rt.err < 0 || rt.dev === dev.ifindex) return { err: 0, net: kfree_skb(net, skb, 'ip_tunnel_xmit', 0) };
  const inner = transmitted(net, dev.ifindex, skb.dst.rt_gw4, skb);
  return { err: 0, net: iptunnel_xmit(kernel, inner, rt, skb, fl4.saddr, fl4.daddr, tos).net };
}
