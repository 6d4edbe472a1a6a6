/** The way of a tunnel's outer packet back into the stack. */
import { NO_IPH, NO_SKB, type SkBuff } from '../../../types/packet.ts';
import type { Rtable } from '../../../types/route.ts';
import { NO_SOCK } from '../../../types/sock.ts';
import type { Kernel, World } from '../../../types/world.ts';
import { alloc_skb, LL_RESERVED_SPACE, packetWords, skbLen } from '../core/skbuff.ts';
import { ip_local_out, type Sending } from './ip_output.ts';
import { IPPROTO_IPIP } from './ip_tunnel.ts';

/**
 * The packet in a packet of the tunnel's, with its own route. Mark and socket stay those of the inner one: only a tunnel
 * into another namespace clears the mark, and none clears the socket.
 *
 * C: net/ipv4/ip_tunnel_core.c, iptunnel_xmit(); net/core/skbuff.c, skb_scrub_packet(). The state's socket is NULL.
 * In C it is the same skb; here the outer packet has a number of its own, and the inner one has left by the tunnel.
 */
export function iptunnel_xmit(
  kernel: Kernel,
  net: World,
  rt: Rtable,
  skb: SkBuff,
  saddr: number,
  daddr: number,
  tos: number,
): Sending {
  const { ttl, frag_off } = skb.iph;
  const made = alloc_skb(net, {
    ...NO_SKB,
    sk: skb.sk,
    mark: skb.mark,
    dst: rt,
    headroom: LL_RESERVED_SPACE(net, rt.dev),
    encapsulated: skb.encapsulated + 1,
    iph: { ...NO_IPH, tos, ttl, frag_off, protocol: IPPROTO_IPIP, saddr, daddr },
    payload: packetWords(skb, skbLen(skb)),
  });
  return ip_local_out(kernel, made.net, NO_SOCK.id, made.skb);
}
