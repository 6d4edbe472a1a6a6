/** Routing decisions for packets that leave and packets that come in, and the three lookups of a connection. */

import { EHOSTUNREACH, EINVAL, ENETUNREACH, ENODEV, EOPNOTSUPP } from '../../../types/errno.ts';
import { LOOPBACK_IFINDEX, type NetDevice } from '../../../types/net.ts';
import { rtnetlinkMessage, strerror } from '../../../types/netlink.ts';
import {
  IPPROTO_ICMP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  NO_IPH,
  NO_SKB,
  NO_TH,
  NO_UH,
  type SkBuff,
} from '../../../types/packet.ts';
import {
  type FibResult,
  FLOWI_FLAG_ANYSRC,
  type FlowI4,
  NO_ANSWER,
  NO_DST,
  NO_FLOW,
  NO_ROUTE,
  type RouteAnswer,
  type RouteQuery,
  RT_SCOPE_HOST,
  RT_SCOPE_LINK,
  RT_SCOPE_UNIVERSE,
  RT_TABLE_MAIN,
  RT_TABLE_UNSPEC,
  RTCF_BROADCAST,
  RTCF_LOCAL,
  RTCF_MULTICAST,
  RTN_BROADCAST,
  RTN_LOCAL,
  RTN_MULTICAST,
  RTN_UNICAST,
  RTN_UNSPEC,
  type Rtable,
} from '../../../types/route.ts';
import type { Sock } from '../../../types/sock.ts';
import type { Kernel, World } from '../../../types/world.ts';
import {
  INADDR_LOOPBACK,
  ipv4_is_lbcast,
  ipv4_is_local_multicast,
  ipv4_is_loopback,
  ipv4_is_multicast,
  ipv4_is_zeronet,
} from '../../include/linux/in.ts';
import { jhash_3words } from '../../include/linux/jhash.ts';
import { inet_sk_flowi_flags, RT_TOS, RTO_ONLINK } from '../../include/net/inet_sock.ts';
import { dev_get_by_index, dev_get_by_name } from '../core/dev.ts';
import { l3mdev_master_dev_rcu, netif_is_l3_master } from '../l3mdev/l3mdev.ts';
import { xfrm_lookup } from '../xfrm/xfrm_policy.ts';
import { __ip_dev_find, IN_DEV_ROUTE_LOCALNET, inet_select_addr } from './devinet.ts';
import { fib_validate_source, IPTOS_RT_MASK } from './fib_frontend.ts';
import { fib_lookup, fib4_rules_early_flow_dissect } from './fib_rules.ts';
import { fib_select_path } from './fib_semantics.ts';
import { ip_check_mc_rcu } from './igmp.ts';
import { HEADERS } from './tcp_output.ts';

const IPPROTO_IGMP = 2;

/** The bits of a TOS that belong to a flow. C: include/net/route.h, RT_FL_TOS(). */
const RT_FL_TOS_MASK = 0x1d;

/** A lookup's route and its key as the lookup leaves it; rt.err is the errno of a failed one (IS_ERR). */
export interface OutputRoute {
  readonly rt: Rtable;
  readonly fl4: FlowI4;
}

/** The same with what the answer says of the route: its TOS and its table. */
interface OutputRouteResult extends OutputRoute {
  readonly dscp: number;
  readonly table: number;
}

function routeError(err: number, fl4: FlowI4): OutputRouteResult {
  return { rt: { ...NO_DST, err }, fl4, dscp: 0, table: RT_TABLE_UNSPEC };
}

/**
 * Makes the route of a decision.
 *
 * C: net/ipv4/route.c, __mkroute_output() and rt_set_nexthop(). `fa` is NO_ROUTE where res->fi is NULL.
 * Left out: nexthop exceptions; the route cached in the nexthop, which is the same unless a unicast route to groups shares
 * its fib_info with another route: then the type is that of the first answer.
 */
function __mkroute_output(
  net: World,
  res: FibResult,
  resType: number,
  fl4: FlowI4,
  orig_oif: number,
  dev: number,
  flagLocal: boolean,
): OutputRouteResult {
  const dev_out = dev_get_by_index(net, dev);
  if (dev_out.ifindex === 0) return routeError(-EINVAL, fl4);
  const isLoopback = dev_out.ifindex === LOOPBACK_IFINDEX;
  const takesLoopback = isLoopback || netif_is_l3_master(dev_out) || IN_DEV_ROUTE_LOCALNET(net, dev_out);
  if (ipv4_is_loopback(fl4.saddr) && !takesLoopback) {
    return routeError(-EINVAL, fl4);
  }
  if (ipv4_is_zeronet(fl4.daddr)) return routeError(-EINVAL, fl4);
  const lbcast = ipv4_is_lbcast(fl4.daddr);
  const multicast = ipv4_is_multicast(fl4.daddr);
  const type = lbcast ? RTN_BROADCAST : multicast ? RTN_MULTICAST : resType;
  const noGateway = lbcast || (type === RTN_MULTICAST && res.fa.plen < 4) || res.fa.nh_scope !== RT_SCOPE_LINK;
  const rt_local =
    type === RTN_MULTICAST ? ip_check_mc_rcu(dev_out, fl4.daddr) : flagLocal || isLoopback || type === RTN_BROADCAST;
  const rt: Rtable = {
    err: 0,
    dev,
    rt_type: type,
    rt_gw4: noGateway ? 0 : res.fa.nh_gw,
    rt_iif: orig_oif,
    table: res.table,
    rt_genid: net.rt_genid,
    rt_local,
    xfrm: false,
  };
  return { rt, fl4, dscp: res.dscp, table: res.table };
}

/** The device of a local route: the VRF that its link belongs to, else lo. C: net/ipv4/route.c, ip_rt_get_dev(). */
function ip_rt_get_dev(net: World, res: FibResult): number {
  const master = l3mdev_master_dev_rcu(net, dev_get_by_index(net, res.fa.nh_dev));
  return master.ifindex !== 0 ? master.ifindex : LOOPBACK_IFINDEX;
}

const NO_RESULT: FibResult = { err: 0, table: RT_TABLE_UNSPEC, fa: NO_ROUTE, dscp: 0 };

/** The key with a source if it has none: the device's first address of that scope. */
function fillSource(net: World, fl4: FlowI4, dev: number, scope: number): FlowI4 {
  return fl4.saddr !== 0 ? fl4 : { ...fl4, saddr: inet_select_addr(net, dev, 0, scope) };
}

/**
 * Decides where a packet with this key goes, and as whom.
 *
 * C: net/ipv4/route.c, ip_route_output_key_hash_rcu().
 */
function ip_route_output_key_hash_rcu(net: World, key: FlowI4): OutputRouteResult {
  let fl4 = key;
  const orig_oif = key.flowi4_oif;
  if (fl4.saddr !== 0) {
    if (ipv4_is_multicast(fl4.saddr) || ipv4_is_lbcast(fl4.saddr) || ipv4_is_zeronet(fl4.saddr)) {
      return routeError(-EINVAL, fl4);
    }
    if (fl4.flowi4_oif === 0 && (ipv4_is_multicast(fl4.daddr) || ipv4_is_lbcast(fl4.daddr))) {
      const dev_out = __ip_dev_find(net, fl4.saddr);
      if (dev_out === 0) return routeError(-ENETUNREACH, fl4);
      fl4 = { ...fl4, flowi4_oif: dev_out };
      return __mkroute_output(net, NO_RESULT, RTN_UNSPEC, fl4, orig_oif, dev_out, false);
    }
    if ((fl4.flowi4_flags & FLOWI_FLAG_ANYSRC) === 0 && __ip_dev_find(net, fl4.saddr) === 0) {
      return routeError(-ENETUNREACH, fl4);
    }
  }

  if (fl4.flowi4_oif !== 0) {
    const dev_out = dev_get_by_index(net, fl4.flowi4_oif);
    if (dev_out.ifindex === 0) return routeError(-ENODEV, fl4);
    if (!dev_out.up) return routeError(-ENETUNREACH, fl4);
    if (ipv4_is_local_multicast(fl4.daddr) || ipv4_is_lbcast(fl4.daddr) || fl4.flowi4_proto === IPPROTO_IGMP) {
      fl4 = fillSource(net, fl4, dev_out.ifindex, RT_SCOPE_LINK);
      return __mkroute_output(net, NO_RESULT, RTN_UNSPEC, fl4, orig_oif, dev_out.ifindex, false);
    }
    if (ipv4_is_multicast(fl4.daddr)) fl4 = fillSource(net, fl4, dev_out.ifindex, fl4.flowi4_scope);
    else if (fl4.daddr === 0) fl4 = fillSource(net, fl4, dev_out.ifindex, RT_SCOPE_HOST);
  }

  if (fl4.daddr === 0) {
    const addr = fl4.saddr !== 0 ? fl4.saddr : INADDR_LOOPBACK;
    fl4 = { ...fl4, daddr: addr, saddr: addr, flowi4_oif: LOOPBACK_IFINDEX };
    return __mkroute_output(net, NO_RESULT, RTN_LOCAL, fl4, orig_oif, LOOPBACK_IFINDEX, true);
  }

  const res = fib_lookup(net, fl4);
  fl4 = res.flp;
  if (res.err !== 0) {
    if (fl4.flowi4_oif === 0 || (!ipv4_is_multicast(fl4.daddr) && fl4.flowi4_l3mdev !== 0)) {
      return routeError(res.err, fl4);
    }
    fl4 = fillSource(net, fl4, fl4.flowi4_oif, RT_SCOPE_LINK);
    return __mkroute_output(net, { ...NO_RESULT, dscp: res.dscp }, RTN_UNICAST, fl4, orig_oif, fl4.flowi4_oif, false);
  }

  if (res.fa.fa_type === RTN_LOCAL) {
    const addr = res.fa.fib_prefsrc !== 0 ? res.fa.fib_prefsrc : fl4.daddr;
    const dev_out = ip_rt_get_dev(net, res);
    fl4 = { ...fl4, saddr: fl4.saddr !== 0 ? fl4.saddr : addr, flowi4_oif: dev_out };
    return __mkroute_output(net, res, RTN_LOCAL, fl4, res.fa.nh_dev, dev_out, true);
  }

  const path = fib_select_path(net, res, fl4);
  return __mkroute_output(net, path.res, res.fa.fa_type, path.fl4, orig_oif, path.res.fa.nh_dev, false);
}

/** The key as an output lookup takes it. C: net/ipv4/route.c, ip_rt_fix_tos() and ip_route_output_key_hash(). */
function ip_rt_fix_tos(fl4: FlowI4): FlowI4 {
  const tos = fl4.flowi4_tos & RT_FL_TOS_MASK;
  return {
    ...fl4,
    flowi4_iif: LOOPBACK_IFINDEX,
    flowi4_tos: tos & IPTOS_RT_MASK,
    flowi4_scope: (tos & RTO_ONLINK) !== 0 ? RT_SCOPE_LINK : fl4.flowi4_scope,
  };
}

/** C: include/net/route.h, __ip_route_output_key(); net/ipv4/route.c, ip_route_output_key_hash(). */
export function __ip_route_output_key(net: World, fl4: FlowI4): OutputRoute {
  const { rt, fl4: after } = ip_route_output_key_hash_rcu(net, ip_rt_fix_tos(fl4));
  return { rt, fl4: after };
}

/**
 * The output lookup of protocols: the key learns the device it leaves by.
 *
 * C: net/ipv4/route.c, ip_route_output_flow(). IPsec policies are asked when the key has a protocol.
 */
export function ip_route_output_flow(net: World, flp4: FlowI4): OutputRoute {
  const found = __ip_route_output_key(net, flp4);
  if (found.rt.err !== 0 || found.fl4.flowi4_proto === 0) return found;
  const fl4 = { ...found.fl4, flowi4_oif: found.rt.dev };
  return { rt: xfrm_lookup(net, found.rt, fl4), fl4 };
}

/** C: include/net/route.h, ip_route_output_key(). */
export function ip_route_output_key(net: World, flp: FlowI4): OutputRoute {
  return ip_route_output_flow(net, flp);
}

/** C: include/net/route.h, ip_route_connect_init(). */
function ip_route_connect_init(
  dst: number,
  src: number,
  oif: number,
  protocol: number,
  sport: number,
  dport: number,
  sk: Sock,
): FlowI4 {
  return {
    ...NO_FLOW,
    flowi4_oif: oif,
    flowi4_iif: LOOPBACK_IFINDEX,
    flowi4_mark: sk.sk_mark,
    flowi4_tos: RT_TOS(sk.tos),
    flowi4_scope: sk.sk_localroute ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
    flowi4_proto: protocol,
    flowi4_flags: sk.transparent ? FLOWI_FLAG_ANYSRC : 0,
    flowi4_uid: sk.sk_uid,
    saddr: src,
    daddr: dst,
    fl4_sport: sport,
    fl4_dport: dport,
  };
}

/** The host is as the patch left it that was asked for a source. */
export interface ConnectRoute extends OutputRoute {
  readonly net: World;
}

/**
 * Whether several paths lead there, between which the ports decide.
 *
 * Not in the kernel; reroute_ports_decide() of conformance/patched/glue.patch.
 */
export function portsDecide(net: World, fl4: FlowI4): boolean {
  return net.sysctl.fib_multipath_hash_policy === 1 && fib_lookup(net, fl4).fa.fib_nhs.length > 0;
}

/**
 * The lookup of connect(): one to learn a missing address, then one with both. The mark of the key is that of a
 * connection's socket from then on.
 *
 * C: include/net/route.h, ip_route_connect(), with the call that conformance/patched/glue.patch has there.
 */
export function ip_route_connect(
  kernel: Kernel,
  before: World,
  dst: number,
  src: number,
  oif: number,
  protocol: number,
  sport: number,
  dport: number,
  sk: Sock,
): ConnectRoute {
  const key = ip_route_connect_init(dst, src, oif, protocol, sport, dport, sk);
  const { saddr, mark, net } = kernel.chooseSource(kernel, before, sk, key, NO_SKB);
  const fl4 = { ...key, flowi4_mark: mark, saddr };
  if (dst !== 0 && saddr !== 0) return { ...ip_route_output_flow(net, fl4), net };
  const learnt = __ip_route_output_key(net, fl4);
  if (learnt.rt.err !== 0) return { ...learnt, net };
  return { ...ip_route_output_flow(net, { ...learnt.fl4, flowi4_oif: oif }), net };
}

/** The route of a socket's packets to that peer. C: include/net/route.h, ip_route_output_ports(). */
export function ip_route_output_ports(
  net: World,
  sk: Sock,
  daddr: number,
  saddr: number,
  dport: number,
  sport: number,
  proto: number,
  tos: number,
  oif: number,
): OutputRoute {
  return ip_route_output_flow(net, {
    ...NO_FLOW,
    flowi4_oif: oif,
    flowi4_mark: sk.sk_mark,
    flowi4_tos: tos,
    flowi4_proto: proto,
    flowi4_flags: inet_sk_flowi_flags(sk),
    flowi4_uid: sk.sk_uid,
    daddr,
    saddr,
    fl4_dport: dport,
    fl4_sport: sport,
  });
}

/** The lookup of connect() again, once the port is known. C: include/net/route.h, ip_route_newports(). */
export function ip_route_newports(
  net: World,
  fl4: FlowI4,
  rt: Rtable,
  orig_sport: number,
  orig_dport: number,
  sport: number,
  dport: number,
  sk: Sock,
): OutputRoute {
  if (sport === orig_sport && dport === orig_dport) return { rt, fl4 };
  const key: FlowI4 = { ...fl4, fl4_dport: dport, fl4_sport: sport, flowi4_oif: sk.sk_bound_dev_if };
  return ip_route_output_flow(net, key);
}

/** Where sockets take a packet to have come in: one that comes back by the way of its route. C: include/net/route.h, inet_iif(). */
export function inet_iif(skb: SkBuff): number {
  return skb.dst.rt_iif !== 0 ? skb.dst.rt_iif : skb.iif;
}

/** A packet's route on its way in. */
export interface InputRoute {
  readonly err: number;
  readonly rt: Rtable;
  /** TOS of the route that the tables gave. */
  readonly dscp: number;
}

function inputError(err: number): InputRoute {
  return { err, rt: NO_DST, dscp: 0 };
}

/** A route to this host. C: net/ipv4/route.c, ip_route_input_slow(), from local_input. */
function localInput(net: World, type: number, res: FibResult): InputRoute {
  const rt: Rtable = {
    err: 0,
    dev: ip_rt_get_dev(net, res),
    rt_type: type,
    rt_gw4: 0,
    rt_iif: 0,
    table: res.table,
    rt_genid: net.rt_genid,
    rt_local: true,
    xfrm: false,
  };
  return { err: 0, rt, dscp: res.dscp };
}

/** C: net/ipv4/route.c, ip_route_input_slow(), from brd_input. */
function brdInput(net: World, skb: SkBuff, saddr: number, tos: number, dev: NetDevice, res: FibResult): InputRoute {
  if (!ipv4_is_zeronet(saddr)) {
    const err = fib_validate_source(net, skb, saddr, 0, tos, 0, dev);
    if (err < 0) return inputError(err);
  }
  return localInput(net, RTN_BROADCAST, res);
}

/** A route through this host. C: net/ipv4/route.c, ip_mkroute_input(). Left out: the flag that asks for an ICMP redirect. */
function ip_mkroute_input(
  net: World,
  skb: SkBuff,
  res: FibResult,
  daddr: number,
  saddr: number,
  tos: number,
  dev: NetDevice,
): InputRoute {
  const err = fib_validate_source(net, skb, saddr, daddr, tos, res.fa.nh_dev, dev);
  if (err < 0) return inputError(err);
  const rt: Rtable = {
    err: 0,
    dev: res.fa.nh_dev,
    rt_type: res.fa.fa_type,
    rt_gw4: res.fa.nh_scope === RT_SCOPE_LINK ? res.fa.nh_gw : 0,
    rt_iif: 0,
    table: res.table,
    rt_genid: net.rt_genid,
    rt_local: false,
    xfrm: false,
  };
  return { err: 0, rt, dscp: res.dscp };
}

/** Decides about a packet that came in on `dev`. C: net/ipv4/route.c, ip_route_input_slow(). */
function ip_route_input_slow(
  net: World,
  skb: SkBuff,
  daddr: number,
  saddr: number,
  tos: number,
  dev: NetDevice,
): InputRoute {
  if (ipv4_is_multicast(saddr) || ipv4_is_lbcast(saddr)) return inputError(-EINVAL);
  if (ipv4_is_lbcast(daddr) || (saddr === 0 && daddr === 0)) {
    return brdInput(net, skb, saddr, tos, dev, NO_RESULT);
  }
  if (ipv4_is_zeronet(saddr) || ipv4_is_zeronet(daddr)) return inputError(-EINVAL);
  if ((ipv4_is_loopback(daddr) || ipv4_is_loopback(saddr)) && !IN_DEV_ROUTE_LOCALNET(net, dev)) {
    return inputError(-EINVAL);
  }

  const fl4 = fib4_rules_early_flow_dissect(net, skb, {
    ...NO_FLOW,
    flowi4_iif: dev.ifindex,
    flowi4_mark: skb.mark,
    flowi4_tos: tos,
    daddr,
    saddr,
  });
  const res = fib_lookup(net, fl4);
  if (res.err !== 0) return inputError(net.sysctl.ip_forward !== 0 ? res.err : -EHOSTUNREACH);
  if (res.fa.fa_type === RTN_BROADCAST) return brdInput(net, skb, saddr, tos, dev, res);
  if (res.fa.fa_type === RTN_LOCAL) {
    const err = fib_validate_source(net, skb, saddr, daddr, tos, 0, dev);
    return err < 0 ? inputError(err) : localInput(net, RTN_LOCAL, res);
  }
  if (net.sysctl.ip_forward === 0) return inputError(-EHOSTUNREACH);
  if (res.fa.fa_type !== RTN_UNICAST) return inputError(-EINVAL);
  return ip_mkroute_input(net, skb, res, daddr, saddr, tos, dev);
}

/** A packet to a group. C: net/ipv4/route.c, ip_route_input_mc() and ip_mc_validate_source(). */
function ip_route_input_mc(
  net: World,
  skb: SkBuff,
  daddr: number,
  saddr: number,
  tos: number,
  dev: NetDevice,
): InputRoute {
  if (ipv4_is_multicast(saddr) || ipv4_is_lbcast(saddr)) return inputError(-EINVAL);
  if (ipv4_is_loopback(saddr) && !IN_DEV_ROUTE_LOCALNET(net, dev)) return inputError(-EINVAL);
  if (ipv4_is_zeronet(saddr)) {
    if (!ipv4_is_local_multicast(daddr) && skb.iph.protocol !== IPPROTO_IGMP) return inputError(-EINVAL);
  } else {
    const err = fib_validate_source(net, skb, saddr, 0, tos, 0, dev);
    if (err < 0) return inputError(err);
  }
  return localInput(net, RTN_MULTICAST, NO_RESULT);
}

/** C: net/ipv4/route.c, ip_route_input_rcu(). */
function ip_route_input_rcu(net: World, skb: SkBuff, dev: NetDevice): InputRoute {
  const { daddr, saddr } = skb.iph;
  const tos = skb.iph.tos & IPTOS_RT_MASK;
  if (dev.ifindex === 0) return inputError(-EINVAL);
  if (ipv4_is_multicast(daddr)) {
    return ip_check_mc_rcu(dev, daddr) ? ip_route_input_mc(net, skb, daddr, saddr, tos, dev) : inputError(-EINVAL);
  }
  return ip_route_input_slow(net, skb, daddr, saddr, tos, dev);
}

/**
 * The route of a packet that came in: to this host, or a refusal. Its device is the link, also where that has a VRF.
 *
 * C: net/ipv4/route.c, ip_route_input_noref().
 * Left out: forwarding, which would leave sockets alone: -EHOSTUNREACH, as with ip_forward 0.
 */
export function ip_route_input(net: World, skb: SkBuff): InputRoute {
  const found = ip_route_input_rcu(net, skb, dev_get_by_index(net, skb.sdif === 0 ? skb.iif : skb.sdif));
  return found.err === 0 && !found.rt.rt_local ? inputError(-EHOSTUNREACH) : found;
}

/** The packet that stands for a query. C: net/ipv4/route.c, inet_rtm_getroute_build_skb(). */
function inet_rtm_getroute_build_skb(query: RouteQuery, ip_proto: number, iif: number): SkBuff {
  return {
    ...NO_SKB,
    mark: query.mark,
    iif,
    iph: { ...NO_IPH, protocol: ip_proto, saddr: query.from, daddr: query.dst, tos: query.tos },
    uh: { ...NO_UH, source: query.sport, dest: query.dport },
    th: { ...NO_TH, source: query.sport, dest: query.dport },
  };
}

function answerError(err: number, extack: string): RouteAnswer {
  return {
    ...NO_ANSWER,
    err,
    message: extack === '' ? strerror(err) : extack,
    line: rtnetlinkMessage(err, extack),
  };
}

function noDevice(name: string): RouteAnswer {
  const message = `Cannot find device "${name}"`;
  return { ...NO_ANSWER, err: -ENODEV, message, line: message };
}

/** What a route shows of itself. C: net/ipv4/route.c, rt_fill_info(); the table as iproute2 prints it. */
function rt_fill_info(net: World, query: RouteQuery, rt: Rtable, table: number): RouteAnswer {
  const type = rt.rt_type;
  const kind = type === RTN_BROADCAST ? RTCF_BROADCAST : type === RTN_MULTICAST ? RTCF_MULTICAST : 0;
  return {
    ...NO_ANSWER,
    type,
    dst: query.dst,
    from: query.from,
    gateway: rt.rt_gw4,
    dev: dev_get_by_index(net, rt.dev).name,
    table: table === RT_TABLE_MAIN ? 0 : table,
    mark: query.mark,
    rt_flags: kind + (rt.rt_local ? RTCF_LOCAL : 0),
  };
}

/**
 * Answers `ip route get`.
 *
 * C: net/ipv4/route.c, inet_rtm_getroute().
 */
export function inet_rtm_getroute(net: World, query: RouteQuery): RouteAnswer {
  const iif = dev_get_by_name(net, query.iif);
  const oif = dev_get_by_name(net, query.oif);
  if (query.iif !== '' && iif.ifindex === 0) return noDevice(query.iif);
  if (query.oif !== '' && oif.ifindex === 0) return noDevice(query.oif);
  const ip_proto = query.ipproto === 0 ? IPPROTO_UDP : query.ipproto;
  if (ip_proto !== IPPROTO_TCP && ip_proto !== IPPROTO_UDP && ip_proto !== IPPROTO_ICMP) {
    return answerError(-EOPNOTSUPP, 'Unsupported ip proto');
  }

  if (query.iif !== '') {
    const skb = inet_rtm_getroute_build_skb(query, ip_proto, iif.ifindex);
    const found = ip_route_input_rcu(net, skb, iif);
    if (found.err !== 0) return answerError(found.err, '');
    const answer = rt_fill_info(net, query, found.rt, found.rt.table);
    return { ...answer, tos: found.dscp, uid: query.uid, iif: query.iif };
  }

  const key: FlowI4 = {
    ...NO_FLOW,
    flowi4_iif: LOOPBACK_IFINDEX,
    flowi4_oif: oif.ifindex,
    flowi4_mark: query.mark,
    flowi4_tos: query.tos & IPTOS_RT_MASK,
    flowi4_proto: ip_proto,
    flowi4_uid: Math.max(query.uid, 0),
    saddr: query.from,
    daddr: query.dst,
    fl4_sport: query.sport,
    fl4_dport: query.dport,
  };
  const found = ip_route_output_key_hash_rcu(net, key);
  if (found.rt.err !== 0) return answerError(found.rt.err, '');
  const answer = rt_fill_info(net, query, found.rt, found.table);
  return {
    ...answer,
    tos: found.dscp,
    prefsrc: found.fl4.saddr === query.from ? 0 : found.fl4.saddr,
    uid: found.fl4.flowi4_uid,
  };
}

/** Whether a route may still be used. C: net/ipv4/route.c, ipv4_dst_check() and rt_is_expired(). */
export function ipv4_dst_check(net: World, dst: Rtable): boolean {
  return dst.rt_genid === net.rt_genid;
}

/** Makes every cached route obsolete. C: net/ipv4/route.c, rt_cache_flush(). */
export function rt_cache_flush(net: World): World {
  return { ...net, rt_genid: net.rt_genid + 1 };
}

/**
 * The hash of a flow, 31 bits, from what its key holds at that moment: the source may still be open.
 *
 * C: net/ipv4/route.c, fib_multipath_hash(); net/core/flow_dissector.c, flow_hash_from_keys(), siphash there.
 * Left out: policy 3; flowi4_multipath_hash, which only forwarded ICMP errors set.
 */
export function fib_multipath_hash(net: World, fl4: FlowI4): number {
  const { hash_key } = net.multipath;
  const policy = net.sysctl.fib_multipath_hash_policy;
  const low = Math.min(fl4.saddr, fl4.daddr);
  const high = Math.max(fl4.saddr, fl4.daddr);
  const ports = Math.min(fl4.fl4_sport, fl4.fl4_dport) * 0x10000 + Math.max(fl4.fl4_sport, fl4.fl4_dport);
  const third = policy === 1 ? jhash_3words(ports, fl4.flowi4_proto, 0, hash_key) : 0;
  return jhash_3words(low, high, third, hash_key) >>> 1;
}

/** The MSS that a route advertises. C: net/ipv4/route.c, ipv4_default_advmss(). */
export function tcp_dst_advmss(net: World, dst: Rtable): number {
  return Math.max(Math.min(dev_get_by_index(net, dst.dev).mtu, 0xffff) - HEADERS, 256);
}
