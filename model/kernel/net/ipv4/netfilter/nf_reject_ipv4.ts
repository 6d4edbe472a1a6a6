/** What the REJECT target sends. C: net/ipv4/netfilter/nf_reject_ipv4.c. */

import { getSock } from '../../../../types/lookup.ts';
import {
  CHECKSUM_PARTIAL,
  IPPROTO_TCP,
  NO_IPH,
  NO_SKB,
  NO_TH,
  type SkBuff,
  TCPHDR_ACK,
  TCPHDR_RST,
  type Tcphdr,
} from '../../../../types/packet.ts';
import { RTN_BROADCAST, RTN_MULTICAST, RTN_UNSPEC } from '../../../../types/route.ts';
import type { Kernel, World } from '../../../../types/world.ts';
import { setTransportChecksum } from '../../../include/net/checksum.ts';
import { IP4_REPLY_MARK } from '../../../include/net/inet_sock.ts';
import { alloc_skb, kfree_skb } from '../../core/skbuff.ts';
import { nf_conntrack_attach, nf_ct_set_closing } from '../../netfilter/nf_conntrack_core.ts';
import { nf_ip_checksum } from '../../netfilter/utils.ts';
import { ICMP_DEST_UNREACH, icmp_send } from '../icmp.ts';
import { IP_DF, IPDEFTTL, ip_local_out } from '../ip_output.ts';
import { synFin } from '../tcp_ipv4.ts';

/** Room for any link's header. C: include/linux/netdevice.h, LL_MAX_HEADER as in Debian's configuration. */
const LL_MAX_HEADER = 128;

/** C: net/ipv4/netfilter/nf_reject_ipv4.c, nf_reject_ip_tcphdr_put(). */
function nf_reject_ip_tcphdr_put(oldskb: SkBuff): Tcphdr {
  const oth = oldskb.th;
  const answered = (oth.flags & TCPHDR_ACK) !== 0;
  return {
    ...NO_TH,
    source: oth.dest,
    dest: oth.source,
    seq: answered ? oth.ack_seq : 0,
    ack_seq: answered ? 0 : (oth.seq + synFin(oth) + oldskb.payload.len) >>> 0,
    flags: answered ? TCPHDR_RST : TCPHDR_RST | TCPHDR_ACK,
  };
}

/**
 * A RST in the name of the segment's destination; it belongs to no socket.
 *
 * C: net/ipv4/netfilter/nf_reject_ipv4.c, nf_send_reset(). Left out: bridges.
 */
export function nf_send_reset(kernel: Kernel, net: World, sk: number, oldskb: SkBuff): World {
  if ((oldskb.th.flags & TCPHDR_RST) !== 0 || nf_ip_checksum(oldskb)) return net;
  if (oldskb.dst.rt_type === RTN_BROADCAST || oldskb.dst.rt_type === RTN_MULTICAST) return net;
  const { saddr, daddr } = oldskb.iph;
  const made = alloc_skb(net, {
    ...NO_SKB,
    dst: oldskb.dst,
    mark: IP4_REPLY_MARK(net, oldskb.mark),
    headroom: LL_MAX_HEADER,
    ip_summed: CHECKSUM_PARTIAL,
    iph: { ...NO_IPH, frag_off: IP_DF, protocol: IPPROTO_TCP, saddr: daddr, daddr: saddr, ttl: IPDEFTTL },
    th: nf_reject_ip_tcphdr_put(oldskb),
  });
  const nskb = setTransportChecksum(made.skb, daddr, saddr);
  const { err, skb, net: routed } = kernel.ip_route_me_harder(made.net, getSock(made.net, sk), nskb, RTN_UNSPEC);
  if (err !== 0) return kfree_skb(routed, nskb, 'nf_send_reset', 0);
  const closing = kernel.resetCloses ? nf_ct_set_closing(routed, oldskb) : routed;
  return ip_local_out(kernel, closing, 0, nf_conntrack_attach(skb, oldskb)).net;
}

/** An ICMP error about the packet. C: net/ipv4/netfilter/nf_reject_ipv4.c, nf_send_unreach(). */
export function nf_send_unreach(kernel: Kernel, net: World, skb_in: SkBuff, code: number): World {
  return nf_ip_checksum(skb_in) ? net : icmp_send(kernel, net, skb_in, ICMP_DEST_UNREACH, code);
}
