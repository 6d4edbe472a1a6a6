/** Receiving IPv4 packets. */

import { IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP, type SkBuff } from '../../../types/packet.ts';
import { RTN_BROADCAST, RTN_MULTICAST } from '../../../types/route.ts';
import { NF_INET_LOCAL_IN, NF_INET_PRE_ROUTING } from '../../../types/verdict.ts';
import type { Kernel, World } from '../../../types/world.ts';
import { vrf_ip_rcv } from '../../drivers/net/vrf.ts';
import { ipChecksumCorrect } from '../../include/net/checksum.ts';
import { dev_get_by_index } from '../core/dev.ts';
import { consume_skb, kfree_skb, skbLen } from '../core/skbuff.ts';
import { l3mdev_master_dev_rcu } from '../l3mdev/l3mdev.ts';
import { nf_hook } from '../netfilter/core.ts';
import { ICMP_DEST_UNREACH, ICMP_PROT_UNREACH, icmp_rcv, icmp_send } from './icmp.ts';
import { raw_local_deliver } from './raw.ts';
import { ip_route_input } from './route.ts';
import { tcp_v4_rcv } from './tcp_ipv4.ts';
import { udp_rcv } from './udp.ts';

/**
 * Raw sockets get copies, then the protocol gets the packet.
 *
 * C: net/ipv4/ip_input.c, ip_protocol_deliver_rcu(). Left out: IPsec policies, protocols of modules.
 */
function ip_protocol_deliver_rcu(kernel: Kernel, before: World, skb: SkBuff): World {
  const { protocol } = skb.iph;
  const { delivered: raw, net } = raw_local_deliver(before, skb);
  if (protocol === IPPROTO_TCP) return tcp_v4_rcv(kernel, net, skb);
  if (protocol === IPPROTO_UDP) return udp_rcv(kernel, net, skb);
  if (protocol === IPPROTO_ICMP) return icmp_rcv(kernel, net, skb);
  if (raw) return consume_skb(net, skb, 0);
  const answered = icmp_send(kernel, net, skb, ICMP_DEST_UNREACH, ICMP_PROT_UNREACH);
  return kfree_skb(answered, skb, 'ip_protocol_deliver_rcu', 0);
}

/** C: net/ipv4/ip_input.c, ip_local_deliver(). Left out: reassembly. */
function ip_local_deliver(kernel: Kernel, net: World, skb: SkBuff): World {
  const state = { hook: NF_INET_LOCAL_IN, in: skb.iif, out: 0, sk: 0 };
  const hooked = nf_hook(kernel, net, skb, state);
  if (!hooked.accepted) return hooked.net;
  return ip_protocol_deliver_rcu(kernel, hooked.net, hooked.skb);
}

/**
 * The packet gets its route and goes where it leads. A packet that comes back on lo has kept the route it left by. One of an
 * enslaved link becomes one of its VRF first.
 *
 * C: net/ipv4/ip_input.c, ip_rcv_finish() and ip_rcv_finish_core(); include/net/l3mdev.h, l3mdev_ip_rcv().
 * Left out: forwarding, and early demux, by which a packet of an established socket skips the lookup that an earlier
 * packet of it passed.
 */
function ip_rcv_finish(kernel: Kernel, before: World, packet: SkBuff): World {
  const master = l3mdev_master_dev_rcu(before, dev_get_by_index(before, packet.iif));
  const { accepted, net, skb } =
    master.ifindex === 0 ? { accepted: true, net: before, skb: packet } : vrf_ip_rcv(kernel, before, master, packet);
  if (!accepted) return net;
  let routed = skb;
  if (skb.dst.dev === 0) {
    const { err, rt } = ip_route_input(net, skb);
    if (err < 0) return kfree_skb(net, skb, 'ip_rcv_finish', err);
    routed = { ...skb, dst: rt };
  }
  if (!deliversLocally(routed)) return kfree_skb(net, routed, 'dst_discard', 0);
  return ip_local_deliver(kernel, net, routed);
}

/** Whether dst.input is ip_local_deliver(). */
function deliversLocally(skb: SkBuff): boolean {
  return skb.dst.rt_local || skb.dst.rt_type === RTN_BROADCAST || skb.dst.rt_type === RTN_MULTICAST;
}

/** Whether the header may be believed. C: net/ipv4/ip_input.c, ip_rcv_core(). */
function ip_rcv_core(skb: SkBuff): boolean {
  const { iph } = skb;
  return iph.ihl >= 5 && ipChecksumCorrect(iph) && iph.tot_len >= iph.ihl * 4 && iph.tot_len <= skbLen(skb);
}

/** Receives the packet, which came in by `skb.iif`. C: net/ipv4/ip_input.c, ip_rcv(). */
export function ip_rcv(kernel: Kernel, net: World, skb: SkBuff): World {
  const received = { ...skb, sk: 0 };
  if (!ip_rcv_core(received)) return kfree_skb(net, received, 'ip_rcv_core', 0);
  const state = { hook: NF_INET_PRE_ROUTING, in: skb.iif, out: 0, sk: 0 };
  const hooked = nf_hook(kernel, net, received, state);
  if (!hooked.accepted) return hooked.net;
  return ip_rcv_finish(kernel, hooked.net, hooked.skb);
}
