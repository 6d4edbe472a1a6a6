/** How a transparent proxy finds the socket that a packet is for. C: net/ipv4/netfilter/nf_tproxy_ipv4.c. */

import { IPPROTO_TCP, type SkBuff, TCPHDR_ACK, TCPHDR_FIN, TCPHDR_RST, TCPHDR_SYN } from '../../../../types/packet.ts';
import { NO_SOCK, type Sock, TCP_ESTABLISHED } from '../../../../types/sock.ts';
import type { Kernel, World } from '../../../../types/world.ts';
import { dev_get_by_index } from '../../core/dev.ts';
import { sportOf } from '../../netfilter/xt_tcpudp.ts';
import { __inet_lookup_established, __inet_lookup_listener } from '../inet_hashtables.ts';
import { inet_twsk_deschedule_put } from '../inet_timewait_sock.ts';
import { __udp4_lib_lookup } from '../udp.ts';

/** The address of a proxy that was given none: the first one of the link that the packet came by, else the packet's own. C: net/ipv4/netfilter/nf_tproxy_ipv4.c, nf_tproxy_laddr4(). */
export function nf_tproxy_laddr4(net: World, dev: number, user_laddr: number, daddr: number): number {
  if (user_laddr !== 0) return user_laddr;
  let laddr = 0;
  for (const ifa of dev_get_by_index(net, dev).ifa_list) {
    laddr = laddr === 0 && !ifa.ifa_secondary ? ifa.ifa_local : laddr;
  }
  return laddr !== 0 ? laddr : daddr;
}

/**
 * The socket of the packet's own connection, NO_SOCK when there is none.
 *
 * C: net/ipv4/netfilter/nf_tproxy_ipv4.c, nf_tproxy_get_sock_v4(), NF_TPROXY_LOOKUP_ESTABLISHED.
 * Left out: 4.1 finds the listener of a request, and in that the request; here the request itself.
 */
export function nf_tproxy_get_established(kernel: Kernel, net: World, skb: SkBuff, dev: number): Sock {
  const { saddr, daddr, protocol } = skb.iph;
  if (protocol === IPPROTO_TCP) {
    return __inet_lookup_established(kernel, net, saddr, skb.th.source, daddr, skb.th.dest, dev, 0);
  }
  const sk = __udp4_lib_lookup(net, saddr, skb.uh.source, daddr, skb.uh.dest, dev, 0);
  return sk.sk_state === TCP_ESTABLISHED && sk.inet_rcv_saddr !== 0 ? sk : NO_SOCK;
}

/** The socket that waits at the proxy's address and port. C: net/ipv4/netfilter/nf_tproxy_ipv4.c, nf_tproxy_get_sock_v4(), NF_TPROXY_LOOKUP_LISTENER. */
export function nf_tproxy_get_listener(net: World, skb: SkBuff, laddr: number, lport: number, dev: number): Sock {
  if (skb.iph.protocol === IPPROTO_TCP) return __inet_lookup_listener(net, laddr, lport, dev, 0);
  const sk = __udp4_lib_lookup(net, skb.iph.saddr, sportOf(skb), laddr, lport, dev, 0);
  return sk.sk_state === TCP_ESTABLISHED ? NO_SOCK : sk;
}

/** A SYN to a TIME_WAIT goes to the proxy instead, if that waits: then the TIME_WAIT ends. C: net/ipv4/netfilter/nf_tproxy_ipv4.c, nf_tproxy_handle_time_wait4(). */
export function nf_tproxy_handle_time_wait4(
  net: World,
  skb: SkBuff,
  laddr: number,
  lport: number,
  dev: number,
  tw: Sock,
): { readonly sk: Sock; readonly net: World } {
  const flags = skb.th.flags & (TCPHDR_SYN | TCPHDR_RST | TCPHDR_ACK | TCPHDR_FIN);
  if (flags !== TCPHDR_SYN) return { sk: tw, net };
  const sk2 = nf_tproxy_get_listener(net, skb, laddr, lport, dev);
  return sk2.id === 0 ? { sk: tw, net } : { sk: sk2, net: inet_twsk_deschedule_put(net, tw.id) };
}
