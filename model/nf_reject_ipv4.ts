/** What the REJECT target sends. C: net/ipv4/netfilter/nf_reject_ipv4.c, ipt_REJECT.c. */
import { setTransportChecksum, transportChecksumCorrect } from './checksum.ts';
import { ICMP_DEST_UNREACH, icmp_send, nf_conntrack_attach } from './icmp.ts';
import { IP4_REPLY_MARK } from './inet_sock.ts';
import { IP_DF, IPDEFTTL, ip_local_out } from './ip_output.ts';
import { getSock } from './net.ts';
import { alloc_skb, kfree_skb } from './skbuff.ts';
import { synFin } from './tcp_ipv4.ts';
import {
  CHECKSUM_NONE,
  CHECKSUM_PARTIAL,
  IPPROTO_TCP,
  NO_IPH,
  NO_SKB,
  NO_TH,
  type SkBuff,
  TCPHDR_ACK,
  TCPHDR_RST,
  type Tcphdr,
} from './types/packet.ts';
import { RTN_BROADCAST, RTN_MULTICAST, RTN_UNSPEC } from './types/route.ts';
import { IPT_TCP_RESET, type Rejection } from './types/verdict.ts';
import type { Kernel, World } from './types/world.ts';

/** Room for any link's header. C: include/linux/netdevice.h, LL_MAX_HEADER as in Debian's configuration. */
const LL_MAX_HEADER = 128;

/** Whether the packet's transport checksum is wrong. C: net/netfilter/utils.c, nf_ip_checksum(). */
function nf_ip_checksum(skb: SkBuff): boolean {
  return skb.ip_summed === CHECKSUM_NONE && !transportChecksumCorrect(skb);
}

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
 * C: net/ipv4/netfilter/nf_reject_ipv4.c, nf_send_reset(). Left out: bridges; nf_ct_set_closing(), which only shortens
 * a connection-tracking entry's life.
 */
function nf_send_reset(kernel: Kernel, net: World, sk: number, oldskb: SkBuff): World {
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
  return ip_local_out(kernel, routed, 0, nf_conntrack_attach(skb, oldskb)).net;
}

/** An ICMP error about the packet. C: net/ipv4/netfilter/nf_reject_ipv4.c, nf_send_unreach(). */
function nf_send_unreach(kernel: Kernel, net: World, skb_in: SkBuff, code: number): World {
  return nf_ip_checksum(skb_in) ? net : icmp_send(kernel, net, skb_in, ICMP_DEST_UNREACH, code);
}

/** Sends what a rule with the target REJECT asks for. C: net/ipv4/netfilter/ipt_REJECT.c, reject_tg(). */
export function sendRejection(kernel: Kernel, net: World, { skb, sk, reject }: Rejection): World {
  return reject === IPT_TCP_RESET ? nf_send_reset(kernel, net, sk, skb) : nf_send_unreach(kernel, net, skb, reject);
}
