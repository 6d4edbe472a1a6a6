/** The socket that an arriving packet belongs to, asked for in a hook. C: net/ipv4/netfilter/nf_socket_ipv4.c. */

import { IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP, type SkBuff } from '../../../../types/packet.ts';
import { NO_SOCK, type Sock } from '../../../../types/sock.ts';
import {
  IP_CT_DIR_REPLY,
  IP_CT_ESTABLISHED,
  IP_CT_RELATED,
  type NfTuple,
  NO_TUPLE,
} from '../../../../types/verdict.ts';
import type { Kernel, World } from '../../../../types/world.ts';
import { getCt, icmp_is_err, quotedTuple } from '../../netfilter/nf_conntrack_core.ts';
import { dportOf, sportOf } from '../../netfilter/xt_tcpudp.ts';
import { __udp4_lib_lookup } from '../udp.ts';

/** The tuple of what the socket sends: the packet's turned round, or that of the packet which an ICMP error quotes. C: net/ipv4/netfilter/nf_socket_ipv4.c, extract_icmp4_fields(). */
function ownTuple(skb: SkBuff): NfTuple {
  const { protocol, saddr, daddr } = skb.iph;
  if (protocol === IPPROTO_ICMP) return icmp_is_err(skb.icmph.type) ? quotedTuple(skb) : NO_TUPLE;
  return { protonum: protocol, src: daddr, sport: dportOf(skb), dst: saddr, dport: sportOf(skb) };
}

/**
 * The packet's socket, NO_SOCK for none; an answer to translated packets is looked up by what they were before.
 *
 * C: net/ipv4/netfilter/nf_socket_ipv4.c, nf_sk_lookup_slow_v4() and nf_socket_get_sock_v4().
 */
export function nf_sk_lookup_slow_v4(kernel: Kernel, net: World, skb: SkBuff, dev: number): Sock {
  const ct = getCt(net, skb.ct);
  const ofReply = skb.iph.protocol === IPPROTO_ICMP ? IP_CT_RELATED : IP_CT_ESTABLISHED;
  const translated = skb.ct !== 0 && skb.ctdir === IP_CT_DIR_REPLY && skb.ctinfo === ofReply && ct.srcNatDone;
  const { protonum, dst, dport, ...own } = ownTuple(skb);
  const { src, sport } = translated ? ct.original : own;
  if (protonum === IPPROTO_TCP) return kernel.inet_lookup(kernel, net, dst, dport, src, sport, dev, 0);
  if (protonum === IPPROTO_UDP) return __udp4_lib_lookup(net, dst, dport, src, sport, dev, 0);
  return NO_SOCK;
}
