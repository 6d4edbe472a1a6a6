/** Raw sockets: the user builds the transport header, with IP_HDRINCL the IP header, too. */

import { EACCES, EADDRNOTAVAIL, EDESTADDRREQ, EINVAL, EMSGSIZE } from '../../../types/errno.ts';
import type { Msghdr } from '../../../types/event.ts';
import { getSock, setSock } from '../../../types/lookup.ts';
import {
  IPPROTO_ICMP,
  IPPROTO_RAW,
  IPPROTO_TCP,
  IPPROTO_UDP,
  type Iphdr,
  NO_IPH,
  NO_SKB,
  NO_TH,
  type SkBuff,
} from '../../../types/packet.ts';
import {
  FLOWI_FLAG_KNOWN_NH,
  type FlowI4,
  NO_FLOW,
  RTN_BROADCAST,
  RTN_MULTICAST,
  type Rtable,
} from '../../../types/route.ts';
import { SOCK_RAW, type Sock, TCP_CLOSE, TCP_ESTABLISHED } from '../../../types/sock.ts';
import { NF_INET_LOCAL_OUT } from '../../../types/verdict.ts';
import type { Kernel, World } from '../../../types/world.ts';
import { setTransportChecksum } from '../../include/net/checksum.ts';
import {
  inet_addr_valid_or_nonlocal,
  inet_bound_dev_eq,
  inet_sk_flowi_flags,
  RT_CONN_FLAGS,
  RTO_ONLINK,
} from '../../include/net/inet_sock.ts';
import { dev_get_by_index } from '../core/dev.ts';
import { alloc_skb, consume_skb, LL_RESERVED_SPACE, payloadOf, skb_clone, skbLen } from '../core/skbuff.ts';
import { sk_dst_reset, sock_error } from '../core/sock.ts';
import { nf_hook } from '../netfilter/core.ts';
import { inet_addr_type_bound } from './fib_frontend.ts';
import { ICMP_ECHO, icmp_error_of } from './icmp.ts';
import {
  dst_output,
  IP_MAX_MTU,
  IPDEFTTL,
  IPHDR_LEN,
  ip_make_skb,
  ip_push_pending_frames,
  ip_send_check,
  type Sending,
} from './ip_output.ts';
import { broadcastDevice, ip_cmsg_send, refusesGateways } from './ip_sockglue.ts';
import { inet_iif, ip_route_output_flow } from './route.ts';

/** Source port, and echo identifier, of every header that a user builds by hand. */
export const USER_SPORT = 5000;

/** Window of a TCP header built by hand. */
const USER_WINDOW = 65535;

/**
 * What the user of a raw socket writes: a header of the protocol, and `msg.len` bytes behind it.
 *
 * TCP: from port 5000 to that of `to`, sequence number 1, the flags of `flags` (none when absent). UDP: the same ports.
 * ICMP: an echo request, identifier 5000, sequence 1. Other protocols: the bytes alone. Checksums are right for the
 * source that the packet gets from the first lookup, as programs that ask the kernel for it write them.
 */
function userTransport(inet: Sock, msg: Msghdr, protocol: number): SkBuff {
  const dest = msg.to.given ? msg.to.port : inet.inet_dport;
  const payload = payloadOf(msg.len);
  if (protocol === IPPROTO_TCP) {
    const flags = Math.max(msg.flags, 0);
    return { ...NO_SKB, th: { ...NO_TH, source: USER_SPORT, dest, seq: 1, flags, window: USER_WINDOW }, payload };
  }
  if (protocol === IPPROTO_UDP) {
    return { ...NO_SKB, uh: { source: USER_SPORT, dest, len: 8 + msg.len, check: 0 }, payload };
  }
  if (protocol === IPPROTO_ICMP) {
    const icmph = { type: ICMP_ECHO, code: 0, checksum: 0, id: USER_SPORT, sequence: 1 };
    return { ...NO_SKB, icmph, payload };
  }
  return { ...NO_SKB, payload };
}

/** The protocol in a header that the user builds: the socket's, else TCP when flags are given, UDP with a port, or ICMP. */
function userProtocol(inet: Sock, msg: Msghdr): number {
  if (inet.sk_protocol !== IPPROTO_RAW) return inet.sk_protocol;
  const port = msg.to.given ? msg.to.port : inet.inet_dport;
  return msg.flags >= 0 ? IPPROTO_TCP : port !== 0 ? IPPROTO_UDP : IPPROTO_ICMP;
}

/**
 * Sends a packet whose IP header the user built; a source of 0 in it is filled in. A header that is too short goes out as
 * it is, where the release lets it.
 *
 * C: net/ipv4/raw.c, raw_send_hdrinc(). Left out: headers longer than the packet, which all releases refuse.
 */
function raw_send_hdrinc(
  kernel: Kernel,
  before: World,
  sk: number,
  fl4: FlowI4,
  from: SkBuff,
  header: Iphdr,
  rt: Rtable,
): Sending {
  const length = skbLen({ ...from, iph: header });
  if (length > dev_get_by_index(before, rt.dev).mtu) return { err: -EMSGSIZE, net: before };
  const waiting = sock_error(before, sk);
  if (waiting.err < 0) return waiting;
  const short = header.ihl < 5;
  if (short && kernel.refusesShortHeader) return { err: -EINVAL, net: waiting.net };
  const inet = getSock(waiting.net, sk);
  const saddr = header.saddr === 0 && !short ? fl4.saddr : header.saddr;
  const filled = { ...header, saddr, tot_len: length };
  const iph = short ? filled : ip_send_check(filled);
  const { net, skb } = alloc_skb(
    waiting.net,
    setTransportChecksum(
      {
        ...from,
        sk,
        mark: inet.sk_mark,
        dst: rt,
        headroom: LL_RESERVED_SPACE(waiting.net, rt.dev),
        hdrincl: true,
        iph,
      },
      saddr,
      header.daddr,
    ),
  );
  const hooked = nf_hook(kernel, net, skb, { hook: NF_INET_LOCAL_OUT, in: 0, out: rt.dev, sk });
  if (!hooked.accepted) return { err: hooked.err, net: hooked.net };
  return dst_output(kernel, hooked.net, sk, hooked.skb);
}

/**
 * Sends on a raw socket.
 *
 * C: net/ipv4/raw.c, raw_sendmsg().
 * Left out: IP options, IP_MULTICAST_IF.
 */
export function raw_sendmsg(kernel: Kernel, before: World, sk: number, msg: Msghdr): Sending {
  const inet = getSock(before, sk);
  const { hdrincl } = inet;
  const protocol = userProtocol(inet, msg);
  const given = msg.from !== 0 || msg.via !== '' || refusesGateways(inet, msg);
  const transport = { ...userTransport(inet, msg, protocol), saddr_given: given };
  const length = skbLen({ ...transport, iph: { ...NO_IPH, protocol } }) - (hdrincl ? 0 : IPHDR_LEN);
  if (length > IP_MAX_MTU) return { err: -EMSGSIZE, net: before };
  if (!msg.to.given && inet.sk_state !== TCP_ESTABLISHED) return { err: -EDESTADDRREQ, net: before };
  const daddr = msg.to.given ? msg.to.addr : inet.inet_daddr;
  const ipc = ip_cmsg_send(before, inet, msg);
  if (ipc.err < 0) return { err: ipc.err, net: before };
  const saddr = ipc.addr;
  const echo = !hdrincl && protocol === IPPROTO_ICMP;
  const key = {
    ...NO_FLOW,
    flowi4_oif: broadcastDevice(before, inet, ipc.oif, daddr),
    flowi4_mark: ipc.mark,
    flowi4_tos: RT_CONN_FLAGS(inet) | (msg.dontroute ? RTO_ONLINK : 0),
    flowi4_proto: hdrincl ? IPPROTO_RAW : inet.sk_protocol,
    flowi4_flags: inet_sk_flowi_flags(inet) | (hdrincl ? FLOWI_FLAG_KNOWN_NH : 0),
    flowi4_uid: inet.sk_uid,
    daddr,
    saddr,
    fl4_dport: echo ? ICMP_ECHO << 8 : 0,
  };
  const chosen = kernel.chooseSource(kernel, before, inet, key, transport);
  const { saddr: from, mark, net } = chosen;
  const { rt, fl4 } = ip_route_output_flow(net, { ...key, flowi4_mark: mark, saddr: from });
  if (rt.err < 0) return { err: rt.err, net };
  if (rt.rt_type === RTN_BROADCAST && !inet.sk_broadcast) return { err: -EACCES, net };
  if (hdrincl) {
    const header = { ...NO_IPH, ihl: msg.short ? 4 : 5, ttl: IPDEFTTL, protocol, saddr: msg.from, daddr };
    return raw_send_hdrinc(kernel, net, sk, fl4, transport, header, rt);
  }
  if (length > IP_MAX_MTU - IPHDR_LEN) return { err: -EMSGSIZE, net };
  const made = ip_make_skb(net, inet, fl4, transport, { mark }, rt);
  return ip_push_pending_frames(kernel, made.net, setTransportChecksum(made.skb, fl4.saddr, fl4.daddr));
}

/**
 * Binds a raw socket to an address; there is no port.
 *
 * C: net/ipv4/raw.c, raw_bind().
 */
export function raw_bind(net: World, sk: number, addr: number): Sending {
  const inet = getSock(net, sk);
  if (inet.sk_state !== TCP_CLOSE) return { err: -EINVAL, net };
  const chk_addr_ret = inet_addr_type_bound(net, inet.sk_bound_dev_if, addr);
  if (!inet_addr_valid_or_nonlocal(net, inet, addr, chk_addr_ret)) return { err: -EADDRNOTAVAIL, net };
  const useDevice = chk_addr_ret === RTN_MULTICAST || chk_addr_ret === RTN_BROADCAST;
  const bound = { ...inet, inet_rcv_saddr: addr, inet_saddr: useDevice ? 0 : addr };
  return { err: 0, net: setSock(net, sk_dst_reset(bound)) };
}

/** C: include/net/raw.h, raw_sk_bound_dev_eq(); raw_l3mdev_accept is on, as it is by default. */
function raw_sk_bound_dev_eq(bound_dev_if: number, dif: number, sdif: number): boolean {
  return inet_bound_dev_eq(true, bound_dev_if, dif, sdif);
}

/** Whether a raw socket wants packets of protocol `num` from `raddr` to `laddr`. C: net/ipv4/raw.c, raw_v4_match(). */
function raw_v4_match(sk: Sock, num: number, raddr: number, laddr: number, dif: number, sdif: number): boolean {
  return (
    sk.kind === SOCK_RAW &&
    sk.hashed &&
    sk.inet_num === num &&
    (sk.inet_daddr === 0 || sk.inet_daddr === raddr) &&
    (sk.inet_rcv_saddr === 0 || sk.inet_rcv_saddr === laddr) &&
    raw_sk_bound_dev_eq(sk.sk_bound_dev_if, dif, sdif)
  );
}

/**
 * Every raw socket that wants the packet gets a copy; `delivered` whether one did.
 *
 * C: net/ipv4/raw.c, raw_local_deliver() and raw_v4_input(). Left out: ICMP_FILTER, multicast membership.
 */
export function raw_local_deliver(before: World, skb: SkBuff): { delivered: boolean; net: World } {
  const { protocol, saddr, daddr } = skb.iph;
  let net = before;
  let delivered = false;
  for (const sk of before.socks) {
    if (raw_v4_match(sk, protocol, saddr, daddr, inet_iif(skb), skb.sdif)) {
      const clone = skb_clone(net, skb);
      net = consume_skb(clone.net, clone.skb, sk.id);
      delivered = true;
    }
  }
  return { delivered, net };
}

/**
 * An ICMP error about a packet with the header `iph`: a connected raw socket's next call may return it.
 *
 * C: net/ipv4/raw.c, raw_icmp_error() and raw_err(). Left out: IP_RECVERR, path MTU.
 */
export function raw_icmp_error(before: World, skb: SkBuff, iph: Iphdr): World {
  const { err, harderr } = icmp_error_of(skb.icmph);
  let net = before;
  for (const sk of before.socks) {
    if (
      raw_v4_match(sk, iph.protocol, iph.daddr, iph.saddr, skb.iif, skb.sdif) &&
      harderr &&
      sk.sk_state === TCP_ESTABLISHED
    ) {
      net = setSock(net, { ...sk, sk_err: err });
    }
  }
  return net;
}

/** Whether an older raw socket follows in its list. C: net/ipv4/raw.c, raw_hash_sk(). Left out: other protocols of the bucket. */
export function raw_next(net: World, inet: Sock): boolean {
  let found = false;
  for (const sk of net.socks) {
    const same = sk.kind === SOCK_RAW && sk.hashed && sk.inet_num === inet.inet_num;
    found = found || (same && sk.id < inet.id);
  }
  return found;
}
