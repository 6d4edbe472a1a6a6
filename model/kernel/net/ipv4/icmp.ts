/** ICMP: what the kernel answers by itself, and what errors do to sockets. */

import {
  ECONNREFUSED,
  EHOSTDOWN,
  EHOSTUNREACH,
  EMSGSIZE,
  ENETUNREACH,
  ENONET,
  ENOPROTOOPT,
  EOPNOTSUPP,
  EPROTO,
} from '../../../types/errno.ts';
import { getSock, setSock } from '../../../types/lookup.ts';
import {
  CHECKSUM_NONE,
  type Icmphdr,
  IPPROTO_ICMP,
  IPPROTO_UDP,
  type Iphdr,
  NO_IPH,
  NO_SKB,
  type Payload,
  type SkBuff,
} from '../../../types/packet.ts';
import {
  type FlowI4,
  NO_FLOW,
  RT_SCOPE_LINK,
  RTN_BROADCAST,
  RTN_MULTICAST,
  type Rtable,
} from '../../../types/route.ts';
import { IPV4_ICMP_SK } from '../../../types/sock.ts';
import type { Kernel, World } from '../../../types/world.ts';
import { csum_fold, icmpFullSum, transportChecksumCorrect } from '../../include/net/checksum.ts';
import { IP4_REPLY_MARK, RT_TOS } from '../../include/net/inet_sock.ts';
import { dev_get_by_index } from '../core/dev.ts';
import { consume_skb, kfree_skb, packetWords, skbLen } from '../core/skbuff.ts';
import { l3mdev_master_ifindex_by_index } from '../l3mdev/l3mdev.ts';
import { nf_conntrack_attach, wordAt } from '../netfilter/nf_conntrack_core.ts';
import { inet_select_addr } from './devinet.ts';
import { fib_compute_spec_dst } from './fib_frontend.ts';
import { IPHDR_LEN, ip_make_skb, ip_push_pending_frames } from './ip_output.ts';
import { ping_err, ping_rcv } from './ping.ts';
import { raw_icmp_error } from './raw.ts';
import { ip_route_output_key } from './route.ts';
import { udp_err } from './udp.ts';

export const ICMP_ECHOREPLY = 0;
export const ICMP_DEST_UNREACH = 3;
export const ICMP_SOURCE_QUENCH = 4;
export const ICMP_REDIRECT = 5;
export const ICMP_ECHO = 8;
export const ICMP_TIME_EXCEEDED = 11;
export const ICMP_PARAMETERPROB = 12;

/** The highest type that is known. */
const NR_ICMP_TYPES = 18;

export const ICMP_PROT_UNREACH = 2;
export const ICMP_PORT_UNREACH = 3;
const ICMP_FRAG_NEEDED = 4;
const NR_ICMP_UNREACH = 15;

/** sizeof(struct icmphdr). */
const ICMPHDR_LEN = 8;

/** Precedence of an error. C: include/uapi/linux/ip.h, IPTOS_PREC_INTERNETCONTROL. */
const IPTOS_PREC_INTERNETCONTROL = 0xc0;

/** The DSCP bits of a TOS byte. C: include/net/inet_dscp.h. */
const INET_DSCP_MASK = 0xfc;

/** 192.0.0.8, for an error that no address of this host can carry. C: include/uapi/linux/in.h; RFC 7600. */
const INADDR_DUMMY = 0xc0000008;

/** Most bytes of an error message. RFC: 1812 section 4.3.2.3. */
const MAX_ERROR_LEN = 576;

/** What an error means to a socket: the errno, positive, and whether it is fatal. */
export interface IcmpErr {
  readonly err: number;
  readonly harderr: boolean;
}

/** C: net/ipv4/icmp.c, icmp_err_convert[]; a datagram socket hears "fragmentation needed" as fatal. */
function icmp_err_convert(code: number): IcmpErr {
  if (code === 0 || code === 11) return { err: ENETUNREACH, harderr: false };
  if (code === 1 || code === 12) return { err: EHOSTUNREACH, harderr: false };
  if (code === ICMP_PROT_UNREACH) return { err: ENOPROTOOPT, harderr: true };
  if (code === ICMP_PORT_UNREACH) return { err: ECONNREFUSED, harderr: true };
  if (code === ICMP_FRAG_NEEDED) return { err: EMSGSIZE, harderr: true };
  if (code === 5) return { err: EOPNOTSUPP, harderr: false };
  if (code === 6 || code === 9) return { err: ENETUNREACH, harderr: true };
  if (code === 7) return { err: EHOSTDOWN, harderr: true };
  if (code === 8) return { err: ENONET, harderr: true };
  return { err: EHOSTUNREACH, harderr: code <= NR_ICMP_UNREACH };
}

/** What an ICMP error means: the switch that udp_err(), ping_err() and raw_err() share. */
export function icmp_error_of(icmph: Icmphdr): IcmpErr {
  if (icmph.type === ICMP_DEST_UNREACH) return icmp_err_convert(icmph.code);
  if (icmph.type === ICMP_PARAMETERPROB) return { err: EPROTO, harderr: true };
  return { err: EHOSTUNREACH, harderr: false };
}

/** Whether a type is an error message. C: net/ipv4/icmp.c, icmp_pointers[].error. */
function isError(type: number): boolean {
  return (
    (type >= 1 && type <= 7) || type === 9 || type === 10 || type === ICMP_TIME_EXCEEDED || type === ICMP_PARAMETERPROB
  );
}

/** The control socket, its TOS set for the next packet. */
function icmp_xmit_lock(net: World, tos: number): World {
  return setSock(net, { ...getSock(net, IPV4_ICMP_SK), tos });
}

/** Sends an ICMP message through the control socket. C: net/ipv4/icmp.c, icmp_push_reply(). `from` gives its entry of connection tracking. */
function icmp_push_reply(
  kernel: Kernel,
  net: World,
  fl4: FlowI4,
  rt: Rtable,
  mark: number,
  icmph: Icmphdr,
  payload: Payload,
  from: SkBuff,
): World {
  const template = nf_ct_attach({ ...NO_SKB, icmph, payload }, from);
  const made = ip_make_skb(net, getSock(net, IPV4_ICMP_SK), fl4, template, { mark }, rt);
  const checksum = csum_fold(icmpFullSum(made.skb));
  return ip_push_pending_frames(kernel, made.net, { ...made.skb, icmph: { ...icmph, checksum } }).net;
}

/**
 * An error belongs to the connection of the packet it speaks of.
 *
 * C: net/ipv4/icmp.c, icmp_glue_bits().
 */
function nf_ct_attach(skb: SkBuff, from: SkBuff): SkBuff {
  return isError(skb.icmph.type) ? nf_conntrack_attach(skb, from) : skb;
}

/**
 * Answers a query with `icmph`, from the address that was asked.
 *
 * C: net/ipv4/icmp.c, icmp_reply().
 * Left out: rate limits, IP options.
 */
function icmp_reply(kernel: Kernel, net: World, icmph: Icmphdr, skb: SkBuff): World {
  const mark = IP4_REPLY_MARK(net, skb.mark);
  const { rt, fl4 } = ip_route_output_key(net, {
    ...NO_FLOW,
    flowi4_oif: l3mdev_master_ifindex_by_index(net, skb.iif),
    daddr: skb.iph.saddr,
    saddr: fib_compute_spec_dst(net, skb),
    flowi4_mark: mark,
    flowi4_tos: RT_TOS(skb.iph.tos),
    flowi4_proto: IPPROTO_ICMP,
  });
  const locked = icmp_xmit_lock(net, skb.iph.tos);
  if (rt.err < 0) return locked;
  return icmp_push_reply(kernel, locked, fl4, rt, mark, icmph, skb.payload, NO_SKB);
}

/**
 * Sends an error about `skb_in`, with as much of it as fits.
 *
 * C: net/ipv4/icmp.c, __icmp_send() and icmp_route_lookup().
 * RFC: 1122 section 3.2.2; 1812 section 4.3.2.
 * Left out: rate limits, IP options, IPsec; `info`, 0 for the errors that a host sends.
 */
export function icmp_send(kernel: Kernel, net: World, skb_in: SkBuff, type: number, code: number): World {
  const { iph, dst: rt } = skb_in;
  if (rt.dev === 0 && !rt.rt_local) return net;
  if (rt.rt_type === RTN_BROADCAST || rt.rt_type === RTN_MULTICAST) return net;
  if (isError(type) && iph.protocol === IPPROTO_ICMP) {
    if (skb_in.icmph.type > NR_ICMP_TYPES || isError(skb_in.icmph.type)) return net;
  }
  const inbound = net.sysctl.icmp_errors_use_inbound_ifaddr !== 0;
  const other = inbound ? inet_select_addr(net, skb_in.iif, iph.saddr, RT_SCOPE_LINK) : 0;
  const saddr = rt.rt_local ? iph.daddr : other;
  const tos = isError(type) ? RT_TOS(iph.tos) | IPTOS_PREC_INTERNETCONTROL : iph.tos;
  const mark = IP4_REPLY_MARK(net, skb_in.mark);
  const routed = ip_route_output_key(net, {
    ...NO_FLOW,
    flowi4_oif: l3mdev_master_ifindex_by_index(net, skb_in.iif === 0 ? rt.dev : skb_in.iif),
    daddr: iph.saddr,
    saddr,
    flowi4_mark: mark,
    flowi4_tos: tos & INET_DSCP_MASK,
    flowi4_proto: IPPROTO_ICMP,
    fl4_dport: (type << 8) | code,
  });
  const locked = icmp_xmit_lock(net, tos);
  if (routed.rt.err < 0) return locked;
  const { mtu } = dev_get_by_index(net, routed.rt.dev);
  const room = Math.min(mtu, MAX_ERROR_LEN) - IPHDR_LEN - ICMPHDR_LEN;
  if (room <= IPHDR_LEN) return locked;
  const fl4 = routed.fl4.saddr === 0 ? { ...routed.fl4, saddr: INADDR_DUMMY } : routed.fl4;
  const icmph = { type, code, checksum: 0, id: 0, sequence: 0 };
  const quoted = packetWords(skb_in, Math.min(skbLen(skb_in), room));
  return icmp_push_reply(kernel, locked, fl4, routed.rt, mark, icmph, quoted, skb_in);
}

/** C: net/ipv4/icmp.c, icmp_echo(). Left out: extended echo (RFC 8335), off by default. */
function icmp_echo(kernel: Kernel, net: World, skb: SkBuff): World {
  if (net.sysctl.icmp_echo_ignore_all !== 0) return net;
  return icmp_reply(kernel, net, { ...skb.icmph, type: ICMP_ECHOREPLY, checksum: 0 }, skb);
}

/** Words of the quoted IP header, and of the transport header that an error must quote. */
const QUOTED_IP_WORDS = 10;
const QUOTED_LEN = 28;

/** The IP header that an error quotes. Left out: IP options in it. */
function quotedIph(words: readonly number[]): Iphdr {
  return {
    ...NO_IPH,
    protocol: wordAt(words, 4) & 0xff,
    saddr: ((wordAt(words, 6) << 16) | wordAt(words, 7)) >>> 0,
    daddr: ((wordAt(words, 8) << 16) | wordAt(words, 9)) >>> 0,
  };
}

/**
 * Hands an error to the sockets whose packet it quotes.
 *
 * C: net/ipv4/icmp.c, icmp_unreach(), icmp_redirect(), icmp_socket_deliver() and icmp_err().
 * Left out: path MTU and redirects; tcp_v4_err(), as no link brings errors for TCP.
 */
function icmp_socket_deliver(before: World, skb: SkBuff): World {
  if (skb.payload.len < QUOTED_LEN || skb.icmph.type === ICMP_REDIRECT) return before;
  const { words } = skb.payload;
  const iph = quotedIph(words);
  const first = wordAt(words, QUOTED_IP_WORDS);
  const net = raw_icmp_error(before, skb, iph);
  if (iph.protocol === IPPROTO_UDP) return udp_err(net, skb, iph, first, wordAt(words, QUOTED_IP_WORDS + 1));
  if (iph.protocol === IPPROTO_ICMP) return ping_err(net, skb, first, wordAt(words, QUOTED_IP_WORDS + 2));
  return net;
}

/**
 * Receives an ICMP message.
 *
 * C: net/ipv4/icmp.c, icmp_rcv().
 * Left out: timestamps, which are taken and not answered; icmp_echo_ignore_broadcasts is on, as it is by default.
 */
export function icmp_rcv(kernel: Kernel, net: World, skb: SkBuff): World {
  const { type } = skb.icmph;
  if (skb.ip_summed === CHECKSUM_NONE && !transportChecksumCorrect(skb)) return kfree_skb(net, skb, 'icmp_rcv', 0);
  if (type > NR_ICMP_TYPES) return kfree_skb(net, skb, 'icmp_rcv', 0);
  if (skb.dst.rt_type === RTN_BROADCAST || skb.dst.rt_type === RTN_MULTICAST) return kfree_skb(net, skb, 'icmp_rcv', 0);
  if (type === ICMP_ECHOREPLY) return ping_rcv(net, skb);
  if (type === ICMP_ECHO) return consume_skb(icmp_echo(kernel, net, skb), skb, 0);
  const error =
    type === ICMP_DEST_UNREACH ||
    type === ICMP_SOURCE_QUENCH ||
    type === ICMP_REDIRECT ||
    type === ICMP_TIME_EXCEEDED ||
    type === ICMP_PARAMETERPROB;
  return consume_skb(error ? icmp_socket_deliver(net, skb) : net, skb, 0);
}
