/** Sending IPv4 packets: headers, the two netfilter hooks of local output, and the way onto the wire. */

import { emit } from '../../../types/effects.ts';
import { EHOSTUNREACH } from '../../../types/errno.ts';
import { getSock, setSock } from '../../../types/lookup.ts';
import { LOOPBACK_IFINDEX } from '../../../types/net.ts';
import {
  CHECKSUM_NONE,
  CHECKSUM_PARTIAL,
  CHECKSUM_UNNECESSARY,
  type Iphdr,
  NO_IPH,
  NO_SKB,
  type SkBuff,
  type Tcphdr,
} from '../../../types/packet.ts';
import {
  FLOWI_FLAG_ANYSRC,
  type FlowI4,
  NO_FLOW,
  RTN_BROADCAST,
  RTN_MULTICAST,
  type Rtable,
} from '../../../types/route.ts';
import { IPV4_ICMP_SK, IPV4_TCP_SK, SOCK_REQUEST, type Sock } from '../../../types/sock.ts';
import { NF_INET_LOCAL_OUT, NF_INET_POST_ROUTING } from '../../../types/verdict.ts';
import type { Kernel, Sent, World } from '../../../types/world.ts';
import { vrf_ip_out, vrf_xmit } from '../../drivers/net/vrf.ts';
import { csum_fold, ipSum, setTransportChecksum } from '../../include/net/checksum.ts';
import { INET_ECN_MASK } from '../../include/net/inet_ecn.ts';
import { IP4_REPLY_MARK, RT_CONN_FLAGS_TOS, RT_TOS } from '../../include/net/inet_sock.ts';
import { dev_get_by_index, skb_checksum_help } from '../core/dev.ts';
import { alloc_skb, kfree_skb, LL_RESERVED_SPACE, skb_clone, skbLen } from '../core/skbuff.ts';
import { __sk_dst_check, sk_setup_caps } from '../core/sock.ts';
import { netif_index_is_l3_master, netif_is_l3_master } from '../l3mdev/l3mdev.ts';
import { type NfHookResult, nf_hook } from '../netfilter/core.ts';
import { ip_tunnel_xmit } from './ip_tunnel.ts';
import { ip_route_output_flow, ip_route_output_ports } from './route.ts';

/** What sending came to: 0 or a negative errno. */
export interface Sending {
  readonly err: number;
  readonly net: World;
}

/** Don't fragment. C: include/net/ip.h, IP_DF. */
export const IP_DF = 0x4000;

/** net.ipv4.ip_default_ttl. */
export const IPDEFTTL = 64;

/**
 * The header with its length and checksum, and the hooks of LOCAL_OUT, where the link has a VRF first with that as device.
 *
 * C: net/ipv4/ip_output.c, __ip_local_out(); include/net/l3mdev.h, l3mdev_ip_out().
 */
export function __ip_local_out(kernel: Kernel, net: World, sk: number, skb: SkBuff): NfHookResult {
  const iph = ip_send_check({ ...skb.iph, tot_len: skbLen(skb) });
  const { master } = dev_get_by_index(net, skb.dst.dev);
  if (master === 0) return local_out(kernel, net, sk, { ...skb, iph });
  const passed = vrf_ip_out(kernel, net, dev_get_by_index(net, master), sk, { ...skb, iph });
  return passed.accepted ? local_out(kernel, passed.net, sk, passed.skb) : passed;
}

/** The hooks of LOCAL_OUT with the device that the packet has now. */
function local_out(kernel: Kernel, net: World, sk: number, skb: SkBuff): NfHookResult {
  return nf_hook(kernel, net, skb, { hook: NF_INET_LOCAL_OUT, in: 0, out: skb.dst.dev, sk });
}

/** C: net/ipv4/ip_output.c, ip_local_out(). */
export function ip_local_out(kernel: Kernel, net: World, sk: number, skb: SkBuff): Sending {
  const { err, net: hooked, skb: passed, accepted } = __ip_local_out(kernel, net, sk, skb);
  if (!accepted) return { err, net: hooked };
  return dst_output(kernel, hooked, sk, passed);
}

/** A packet that this host gets, too, and others by a link, takes the way of groups. C: include/net/dst.h, dst_output(), and what __mkroute_output() chose. */
export function dst_output(kernel: Kernel, net: World, sk: number, skb: SkBuff): Sending {
  const { rt_type, rt_local, dev } = skb.dst;
  const shared = rt_local && (rt_type === RTN_BROADCAST || rt_type === RTN_MULTICAST) && dev !== LOOPBACK_IFINDEX;
  return shared ? ip_mc_output(kernel, net, sk, skb) : ip_output(kernel, net, sk, skb);
}

/**
 * Sends a packet to a group or to everybody, and a copy of it back to this host.
 *
 * C: net/ipv4/ip_output.c, ip_mc_output() and ip_mc_finish_output(); net/core/dev.c, dev_loopback_xmit().
 * Left out: IP_MULTICAST_LOOP, which is on, and a TTL of 0.
 */
function ip_mc_output(kernel: Kernel, before: World, sk: number, skb: SkBuff): Sending {
  const { dev } = skb.dst;
  const clone = skb_clone(before, skb);
  const state = { hook: NF_INET_POST_ROUTING, in: 0, out: dev, sk };
  const { net, skb: passed, accepted } = nf_hook(kernel, clone.net, clone.skb, state);
  const ip_summed = passed.ip_summed === CHECKSUM_NONE ? CHECKSUM_UNNECESSARY : passed.ip_summed;
  const looped = { ...passed, sk: 0, iif: dev, ip_summed };
  return ip_output(kernel, accepted ? { ...net, backlog: [...net.backlog, looped] } : net, sk, skb);
}

/** C: net/ipv4/ip_output.c, ip_output(). */
export function ip_output(kernel: Kernel, net: World, sk: number, skb: SkBuff): Sending {
  const state = { hook: NF_INET_POST_ROUTING, in: 0, out: skb.dst.dev, sk };
  const { err, net: hooked, skb: passed, accepted } = nf_hook(kernel, net, skb, state);
  if (!accepted) return { err, net: hooked };
  return ip_finish_output(kernel, hooked, passed);
}

/**
 * The packet goes to its device; on lo it comes back in. One that is down drops it, and nobody hears of that: a group is
 * reached by the link of the packet's source, whatever its state.
 *
 * C: net/ipv4/ip_output.c, ip_finish_output() and ip_finish_output2(); net/core/dev.c, validate_xmit_skb();
 * drivers/net/loopback.c, loopback_xmit(); net/sched/sch_generic.c, noop_enqueue().
 * Left out: fragmentation, so a datagram longer than the MTU leaves whole; neighbours, which always answer.
 */
export function ip_finish_output(kernel: Kernel, net: World, skb: SkBuff): Sending {
  const { dev, rt_gw4 } = skb.dst;
  if (dev === LOOPBACK_IFINDEX) {
    return { err: 0, net: { ...net, backlog: [...net.backlog, { ...skb, sk: 0, iif: LOOPBACK_IFINDEX }] } };
  }
  const out = dev_get_by_index(net, dev);
  if (netif_is_l3_master(out)) return vrf_xmit(kernel, net, out, skb);
  if (!out.up) return { err: 0, net: kfree_skb(net, skb, 'noop_enqueue', 0) };
  const wire = skb_checksum_help(skb);
  if (out.tunnel_daddr !== 0) return ip_tunnel_xmit(kernel, net, out, wire);
  return { err: 0, net: transmitted(net, dev, rt_gw4, wire) };
}

/** The device has the packet. Nobody answers what a tunnel of this host put around one. */
export function transmitted(net: World, dev: number, gateway: number, skb: SkBuff): World {
  const shown = emit(net, { kind: 'xmit', dev, gateway, skb });
  return skb.encapsulated === 0 ? remember(shown, { sk: answeredAs(net, skb.sk), dev, skb }) : shown;
}

/** Under which socket a packet of `sk` is remembered: a SYN-ACK under the listener, which users can name. */
function answeredAs(net: World, sk: number): number {
  const owner = getSock(net, sk);
  return owner.kind === SOCK_REQUEST ? owner.parent : sk;
}

/** The packet is its socket's last one, and on its way to a peer. */
function remember(net: World, packet: Sent): World {
  let sent: readonly Sent[] = [];
  for (const old of net.sent) sent = old.sk === packet.sk ? sent : [...sent, old];
  return { ...net, sent: [...sent, packet], crossed: [...net.crossed, { ...packet, came: false }] };
}

/**
 * The time to live of a packet on that route.
 *
 * C: net/ipv4/ip_output.c, ip_select_ttl(), and mc_ttl of __ip_make_skb().
 * Left out: IP_TTL and the hoplimit of routes.
 */
function ip_select_ttl(rt: Rtable): number {
  return rt.rt_type === RTN_MULTICAST ? 1 : IPDEFTTL;
}

/** C: include/net/ip.h, ip_dont_fragment(): path MTU discovery is on everywhere but for ICMP. Left out: IP_MTU_DISCOVER. */
function ip_dont_fragment(sk: Sock): boolean {
  return sk.id !== IPV4_ICMP_SK;
}

/**
 * The network header of a packet of `sk`, without length and checksum.
 *
 * Left out: the identification, which is a random counter per connection; here it is 0. IP options.
 */
function ipHeader(sk: Sock, rt: Rtable, tos: number, saddr: number, daddr: number): Iphdr {
  return {
    ...NO_IPH,
    tos,
    frag_off: ip_dont_fragment(sk) ? IP_DF : 0,
    ttl: ip_select_ttl(rt),
    protocol: sk.sk_protocol,
    saddr,
    daddr,
  };
}

/**
 * Sends a segment of a connected socket. Addresses come from the key of the last lookup, `cork_fl`, as long as its
 * route may be used; else from a new lookup for the socket's own addresses, which rewrites that key.
 *
 * C: net/ipv4/ip_output.c, __ip_queue_xmit().
 */
export function __ip_queue_xmit(kernel: Kernel, before: World, sk: number, skb: SkBuff, tos: number): Sending {
  let net = before;
  let rt = skb.dst;
  if (rt.dev === 0) {
    const checked = __sk_dst_check(net, sk);
    net = checked.net;
    rt = checked.dst;
    if (rt.dev === 0) {
      const inet = getSock(net, sk);
      const { inet_daddr, inet_saddr, inet_dport, inet_sport, sk_protocol, sk_bound_dev_if } = inet;
      const routed = ip_route_output_ports(
        net,
        inet,
        inet_daddr,
        inet_saddr,
        inet_dport,
        inet_sport,
        sk_protocol,
        RT_CONN_FLAGS_TOS(inet, tos),
        sk_bound_dev_if,
      );
      net = setSock(net, { ...inet, cork_fl: routed.fl4 });
      if (routed.rt.err < 0) {
        return { err: -EHOSTUNREACH, net: kfree_skb(net, skb, '__ip_queue_xmit', -EHOSTUNREACH) };
      }
      rt = routed.rt;
      net = setSock(net, sk_setup_caps(getSock(net, sk), rt));
    }
  }
  const inet = getSock(net, sk);
  const iph = ipHeader(inet, rt, tos, inet.cork_fl.saddr, inet.cork_fl.daddr);
  return ip_local_out(kernel, net, sk, { ...skb, dst: rt, iph, mark: inet.sk_mark });
}

/** C: net/ipv4/ip_output.c, ip_queue_xmit(). */
export function ip_queue_xmit(kernel: Kernel, net: World, sk: number, skb: SkBuff): Sending {
  return __ip_queue_xmit(kernel, net, sk, skb, getSock(net, sk).tos);
}

/**
 * Sends a packet that has its route already: the SYN-ACK. `sk` is the listener, `skb.sk` the request.
 *
 * C: net/ipv4/ip_output.c, ip_build_and_send_pkt().
 * Left out: the parameter `tos`, which is the listener's unless tcp_reflect_tos is set.
 */
export function ip_build_and_send_pkt(
  kernel: Kernel,
  net: World,
  skb: SkBuff,
  sk: number,
  saddr: number,
  daddr: number,
): Sending {
  const inet = getSock(net, sk);
  const iph = ipHeader(inet, skb.dst, inet.tos, saddr, daddr);
  const mark = skb.mark === 0 ? inet.sk_mark : skb.mark;
  return ip_local_out(kernel, net, skb.sk, { ...skb, iph, mark });
}

/** What a socket's message says besides its bytes. C: include/net/ip.h, struct ipcm_cookie. */
export interface IpcmCookie {
  readonly mark: number;
}

/** Most that an IPv4 packet can hold. C: include/net/ip.h, IP_MAX_MTU. */
export const IP_MAX_MTU = 0xffff;

/** Length of an IP header without options. */
export const IPHDR_LEN = 20;

/**
 * Whether a datagram of `length` bytes behind the IP header leaves its checksum to the device.
 *
 * C: net/ipv4/ip_output.c, __ip_append_data(), csummode.
 */
export function csummode(net: World, rt: Rtable, length: number): number {
  const dev = dev_get_by_index(net, rt.dev);
  return dev.tx_csum && length + IPHDR_LEN <= dev.mtu ? CHECKSUM_PARTIAL : CHECKSUM_NONE;
}

/**
 * A datagram of `sk` on route `rt`, with the addresses of the key; `transport` holds its headers and payload.
 *
 * C: net/ipv4/ip_output.c, ip_append_data() and __ip_make_skb(), ip_make_skb().
 * Left out: corking and fragments.
 */
export function ip_make_skb(
  net: World,
  sk: Sock,
  fl4: FlowI4,
  transport: SkBuff,
  ipc: IpcmCookie,
  rt: Rtable,
): { net: World; skb: SkBuff } {
  return alloc_skb(net, {
    ...transport,
    sk: sk.id,
    mark: ipc.mark,
    dst: rt,
    headroom: LL_RESERVED_SPACE(net, rt.dev),
    iph: ipHeader(sk, rt, sk.tos, fl4.saddr, fl4.daddr),
  });
}

/** C: net/ipv4/ip_output.c, ip_send_skb(). */
export function ip_send_skb(kernel: Kernel, net: World, skb: SkBuff): Sending {
  return ip_local_out(kernel, net, skb.sk, skb);
}

/** C: net/ipv4/ip_output.c, ip_push_pending_frames(), for the one packet that ip_make_skb() made. */
export function ip_push_pending_frames(kernel: Kernel, net: World, skb: SkBuff): Sending {
  return ip_send_skb(kernel, net, skb);
}

/** What the reply takes from the socket it speaks for. C: include/net/ip.h, struct ip_reply_arg. */
export interface IpReplyArg {
  readonly tos: number;
  readonly bound_dev_if: number;
  readonly uid: number;
  /** IP_REPLY_ARG_NOSRCCHECK: the answer may leave from an address that is not the host's. */
  readonly nosrccheck: boolean;
  /** What the caller writes to the control socket's sk_mark. */
  readonly mark: number;
}

/**
 * Answers the segment `skb` with the TCP header `th`, which speaks for `saddr`, through the control socket, on behalf of
 * `orig_sk` (NO_SOCK for none).
 *
 * C: net/ipv4/ip_output.c, ip_send_unicast_reply(). The checksum is complete: arg->csum and csumoffset.
 * Left out: IP options.
 */
export function ip_send_unicast_reply(
  kernel: Kernel,
  net: World,
  orig_sk: Sock,
  skb: SkBuff,
  daddr: number,
  saddr: number,
  th: Tcphdr,
  arg: IpReplyArg,
): World {
  const reflected = IP4_REPLY_MARK(net, skb.mark);
  const { rt, fl4 } = ip_route_output_flow(net, {
    ...NO_FLOW,
    flowi4_oif: arg.bound_dev_if === 0 && netif_index_is_l3_master(net, skb.iif) ? skb.iif : arg.bound_dev_if,
    flowi4_mark: reflected === 0 ? arg.mark : reflected,
    flowi4_tos: RT_TOS(arg.tos),
    flowi4_proto: skb.iph.protocol,
    flowi4_flags: arg.nosrccheck ? FLOWI_FLAG_ANYSRC : 0,
    flowi4_uid: arg.uid,
    daddr,
    saddr,
    fl4_dport: skb.th.source,
    fl4_sport: skb.th.dest,
  });
  if (rt.err < 0) return net;
  const sk = {
    ...getSock(net, IPV4_TCP_SK),
    sk_mark: arg.mark,
    tos: arg.tos & ~INET_ECN_MASK,
    sk_protocol: skb.iph.protocol,
    sk_bound_dev_if: arg.bound_dev_if,
  };
  const ipc = { mark: kernel.replyMark(fl4.flowi4_mark) };
  const made = ip_make_skb(setSock(net, sk), sk, fl4, { ...NO_SKB, th }, ipc, rt);
  const nskb = { ...setTransportChecksum(made.skb, saddr, daddr), sk: kernel.replyOwner(orig_sk) };
  return ip_push_pending_frames(kernel, made.net, nskb).net;
}

/** The header with its checksum computed. C: net/ipv4/ip_output.c, ip_send_check(). */
export function ip_send_check(iph: Iphdr): Iphdr {
  return { ...iph, check: csum_fold(ipSum(iph)) };
}
