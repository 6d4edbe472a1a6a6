/** Tunnels: the outer header is the tunnel's, and the socket that the packet points to is the inner sender's. */
import { ip_route_output_key } from '../model/kernel/net/ipv4/route.ts';
import type { NetDevice } from '../model/types/net.ts';
import type { SkBuff } from '../model/types/packet.ts';
import { NO_FLOW } from '../model/types/route.ts';
import type { World } from '../model/types/world.ts';

/** Whether a tunnel of the host goes to the packet's destination under the packet's source, or under any it has not been given. */
export function addressedByTunnel(net: World, skb: SkBuff): boolean {
  let known = false;
  for (const dev of net.devs) {
    const right = dev.tunnel_saddr === 0 || dev.tunnel_saddr === skb.iph.saddr;
    known = known || (dev.tunnel_daddr === skb.iph.daddr && right);
  }
  return known;
}

/** Whether the packet is one of that tunnel's own. */
export function ownOf(dev: NetDevice, skb: SkBuff): boolean {
  return skb.encapsulated > 0 && dev.tunnel_daddr !== 0 && skb.iph.daddr === dev.tunnel_daddr;
}

/** Whether the operator's rules and routes lead a packet with that mark and destination to the device. */
export function routedTo(net: World, skb: SkBuff, dev: number): boolean {
  const { rt } = ip_route_output_key(net, {
    ...NO_FLOW,
    daddr: skb.iph.daddr,
    flowi4_mark: skb.mark,
    flowi4_tos: skb.iph.tos,
  });
  return rt.dev === dev;
}
