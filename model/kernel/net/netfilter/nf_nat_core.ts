/**
 * NAT bindings: which tuple a connection shows to the outside.
 *
 * C: net/netfilter/nf_nat_core.c.
 * Left out: ranges of addresses, NETMAP and PPTP, which no command of the model asks for; skb_ensure_writable(),
 * whose copy nobody can tell apart.
 */

import { IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP, type SkBuff } from '../../../types/packet.ts';
import {
  type CtZone,
  IP_CT_DIR_ORIGINAL,
  IP_CT_DIR_REPLY,
  IP_CT_NEW,
  IP_CT_RELATED,
  NF_ACCEPT,
  NF_DROP,
  NF_INET_LOCAL_IN,
  NF_INET_POST_ROUTING,
  type NfConn,
  type NfHookState,
  type NfTuple,
} from '../../../types/verdict.ts';
import type { HookResult, Kernel, World } from '../../../types/world.ts';
import { inet_proto_csum_replace2 } from '../../include/net/checksum.ts';
import { nf_ct_zone_equal } from '../../include/net/netfilter/nf_conntrack_zones.ts';
import { inet_proto_csum_replace4 } from '../core/utils.ts';
import { ipt_do_table } from '../ipv4/netfilter/ip_tables.ts';
import { decode_session4, xfrm_lookup } from '../xfrm/xfrm_policy.ts';
import {
  ctTuple,
  getCt,
  nf_conntrack_tuple_taken,
  nf_ct_invert_tuple,
  nf_ct_kill,
  nf_ct_tuple_equal,
  setCt,
} from './nf_conntrack_core.ts';
import { gre_manip_pkt, nf_nat_ipv4_manip_pkt, nf_nat_oif_changed } from './nf_nat_proto.ts';

export const NF_NAT_MANIP_SRC = 0;
export const NF_NAT_MANIP_DST = 1;

export const ICMP_REDIRECT = 5;

/** C: include/net/netfilter/nf_nat.h, HOOK2MANIP(). */
export function HOOK2MANIP(hooknum: number): number {
  return hooknum !== NF_INET_POST_ROUTING && hooknum !== NF_INET_LOCAL_IN ? NF_NAT_MANIP_DST : NF_NAT_MANIP_SRC;
}

/** What a binding has to fit. C: include/uapi/linux/netfilter/nf_nat.h, struct nf_nat_range2, with its flags as booleans. */
export interface NfNatRange {
  /** NF_NAT_RANGE_MAP_IPS: the address is this one. */
  readonly mapIps: boolean;
  readonly addr: number;
  /** NF_NAT_RANGE_PROTO_SPECIFIED: the port lies between these. */
  readonly protoSpecified: boolean;
  readonly minProto: number;
  readonly maxProto: number;
  /** NF_NAT_RANGE_PROTO_RANDOM_ALL: a port anywhere in the range. */
  readonly random: boolean;
}

/** What a target says of ports; 0 to 0: nothing. */
export interface NfPortRange {
  readonly portFirst: number;
  readonly portLast: number;
  readonly random: boolean;
}

/** The range of one address with the ports that a target names. */
export function portsAt(addr: number, { portFirst, portLast, random }: NfPortRange): NfNatRange {
  return { mapIps: true, addr, protoSpecified: portFirst !== 0, minProto: portFirst, maxProto: portLast, random };
}

/** Is the tuple of the reply taken by another connection? C: net/netfilter/nf_nat_core.c, nf_nat_used_tuple(). */
function nf_nat_used_tuple(net: World, tuple: NfTuple, ignored_conntrack: NfConn): boolean {
  return nf_conntrack_tuple_taken(net, nf_ct_invert_tuple(tuple), ignored_conntrack);
}

/** C: net/netfilter/nf_nat_core.c, l4proto_in_range(). */
function l4proto_in_range(tuple: NfTuple, maniptype: number, min: number, max: number): boolean {
  const ports = tuple.protonum === IPPROTO_TCP || tuple.protonum === IPPROTO_UDP;
  const source = tuple.protonum === IPPROTO_ICMP || maniptype === NF_NAT_MANIP_SRC;
  const port = source ? tuple.sport : tuple.dport;
  return (!ports && tuple.protonum !== IPPROTO_ICMP) || (port >= min && port <= max);
}

/** C: net/netfilter/nf_nat_core.c, nf_in_range(). */
function nf_in_range(tuple: NfTuple, range: NfNatRange): boolean {
  return (
    (!range.mapIps || tuple.src === range.addr) &&
    (!range.protoSpecified || l4proto_in_range(tuple, NF_NAT_MANIP_SRC, range.minProto, range.maxProto))
  );
}

/**
 * The source that another connection of the same sender was mapped to, if it fits the range.
 *
 * C: net/netfilter/nf_nat_core.c, find_appropriate_src(): the list has the newest connection first.
 */
function find_appropriate_src(
  net: World,
  zone: CtZone,
  tuple: NfTuple,
  range: NfNatRange,
): { found: boolean; result: NfTuple } {
  let found = false;
  let result = tuple;
  for (const ct of net.conntrack) {
    const same_src =
      ct.srcNatDone &&
      !ct.dying &&
      nf_ct_zone_equal(ct.zone, zone, IP_CT_DIR_ORIGINAL) &&
      ct.original.protonum === tuple.protonum &&
      ct.original.src === tuple.src &&
      ct.original.sport === tuple.sport;
    const mapped = nf_ct_invert_tuple(ct.reply);
    const candidate = { ...mapped, dst: tuple.dst, dport: tuple.dport };
    const fits = same_src && nf_in_range(candidate, range);
    found = found || fits;
    result = fits ? candidate : result;
  }
  return { found, result };
}

/** C: net/netfilter/nf_nat_core.c, find_best_ips_proto(); a range of the model holds one address. */
function find_best_ips_proto(tuple: NfTuple, range: NfNatRange, maniptype: number): NfTuple {
  if (!range.mapIps) return tuple;
  return maniptype === NF_NAT_MANIP_SRC ? { ...tuple, src: range.addr } : { ...tuple, dst: range.addr };
}

/** The tuple with its identifier or port replaced. */
function withKey(tuple: NfTuple, maniptype: number, key: number): NfTuple {
  const source = tuple.protonum === IPPROTO_ICMP || maniptype === NF_NAT_MANIP_SRC;
  return source ? { ...tuple, sport: key } : { ...tuple, dport: key };
}

const max_attempts = 128;

/**
 * Tries ports from `off` on until one is free: `attempts` of them, then half as many from another place.
 *
 * C: net/netfilter/nf_nat_core.c, nf_nat_l4proto_unique_tuple() from `another_round`. The new place is drawn at random there; here it
 * lies that many ports further.
 */
function tryPorts(
  net: World,
  tuple: NfTuple,
  maniptype: number,
  ct: NfConn,
  search: { readonly min: number; readonly range_size: number; readonly attempts: number },
  i: number,
  off: number,
): NfTuple {
  const { min, range_size, attempts } = search;
  const tried = withKey(tuple, maniptype, min + ((off & 0xffff) % range_size));
  if (!nf_nat_used_tuple(net, tried, ct)) return tried;
  if (i + 1 < attempts) return tryPorts(net, tuple, maniptype, ct, search, i + 1, off + 1);
  if (attempts >= range_size || attempts < 16) return tried;
  return tryPorts(net, tuple, maniptype, ct, { ...search, attempts: attempts >>> 1 }, 0, off + 1);
}

/**
 * Changes the port, or the identifier of an ICMP query, until the tuple is unique.
 *
 * C: net/netfilter/nf_nat_core.c, nf_nat_l4proto_unique_tuple(). `net.picks.port_offset` is the random start.
 */
function nf_nat_l4proto_unique_tuple(
  net: World,
  tuple: NfTuple,
  range: NfNatRange,
  maniptype: number,
  ct: NfConn,
): NfTuple {
  const icmp = tuple.protonum === IPPROTO_ICMP;
  if (!icmp && tuple.protonum !== IPPROTO_TCP && tuple.protonum !== IPPROTO_UDP) return tuple;
  if (!icmp && !range.protoSpecified && maniptype === NF_NAT_MANIP_DST) return tuple;
  const port = maniptype === NF_NAT_MANIP_SRC ? tuple.sport : tuple.dport;
  const low = port < 512 ? 1 : port < 1024 ? 600 : 1024;
  const high = port < 512 ? 511 : port < 1024 ? 1023 : 65535;
  const min = range.protoSpecified ? range.minProto : icmp ? 0 : low;
  const max = range.protoSpecified ? range.maxProto : icmp ? 65535 : high;
  const range_size = max - min + 1;
  const attempts = Math.min(range_size, max_attempts);
  return tryPorts(net, tuple, maniptype, ct, { min, range_size, attempts }, 0, net.picks.port_offset & 0xffff);
}

/** The tuple that the connection gets: the old one if it fits and is free, else one made to. C: net/netfilter/nf_nat_core.c, get_unique_tuple(). */
function get_unique_tuple(net: World, orig_tuple: NfTuple, range: NfNatRange, ct: NfConn, maniptype: number): NfTuple {
  if (maniptype === NF_NAT_MANIP_SRC && !range.random) {
    if (nf_in_range(orig_tuple, range)) {
      if (!nf_nat_used_tuple(net, orig_tuple, ct)) return orig_tuple;
    } else {
      const { found, result } = find_appropriate_src(net, ct.zone, orig_tuple, range);
      if (found && !nf_nat_used_tuple(net, result, ct)) return result;
    }
  }
  const tuple = find_best_ips_proto(orig_tuple, range, maniptype);
  if (range.protoSpecified && !range.random) {
    if (
      l4proto_in_range(tuple, maniptype, range.minProto, range.maxProto) &&
      (range.minProto === range.maxProto || !nf_nat_used_tuple(net, tuple, ct))
    ) {
      return tuple;
    }
  } else if (!range.random && !nf_nat_used_tuple(net, tuple, ct)) {
    return tuple;
  }
  return nf_nat_l4proto_unique_tuple(net, tuple, range, maniptype, ct);
}

/** Whether a binding of that kind was made. C: include/net/netfilter/nf_nat.h, nf_nat_initialized(). */
export function nf_nat_initialized(ct: NfConn, manip: number): boolean {
  return manip === NF_NAT_MANIP_SRC ? ct.srcNatDone : ct.dstNatDone;
}

/** Binds the connection to a tuple within the range. C: net/netfilter/nf_nat_core.c, nf_nat_setup_info(). */
export function nf_nat_setup_info(
  net: World,
  ct: NfConn,
  range: NfNatRange,
  maniptype: number,
): { verdict: number; net: World } {
  if (ct.confirmed) return { verdict: NF_ACCEPT, net };
  if (nf_nat_initialized(ct, maniptype)) return { verdict: NF_DROP, net };
  const curr_tuple = nf_ct_invert_tuple(ct.reply);
  const new_tuple = get_unique_tuple(net, curr_tuple, range, ct, maniptype);
  const changed = !nf_ct_tuple_equal(new_tuple, curr_tuple);
  const source = maniptype === NF_NAT_MANIP_SRC;
  const bound: NfConn = {
    ...ct,
    reply: changed ? nf_ct_invert_tuple(new_tuple) : ct.reply,
    srcNat: ct.srcNat || (source && changed),
    dstNat: ct.dstNat || (!source && changed),
    srcNatDone: ct.srcNatDone || source,
    dstNatDone: ct.dstNatDone || !source,
  };
  return { verdict: NF_ACCEPT, net: setCt(net, bound) };
}

/** Keeps the addresses; the port changes only where the tuple is not unique. C: net/netfilter/nf_nat_core.c, nf_nat_alloc_null_binding(). */
export function nf_nat_alloc_null_binding(net: World, ct: NfConn, hooknum: number): { verdict: number; net: World } {
  const manip = HOOK2MANIP(hooknum);
  const addr = manip === NF_NAT_MANIP_SRC ? ct.reply.dst : ct.reply.src;
  const range: NfNatRange = { mapIps: true, addr, protoSpecified: false, minProto: 0, maxProto: 0, random: false };
  return nf_nat_setup_info(net, ct, range, manip);
}

/** C: include/net/route.h, rt_nexthop(). */
export function rt_nexthop(rt_gw4: number, daddr: number): number {
  return rt_gw4 !== 0 ? rt_gw4 : daddr;
}

/** Address that a manipulation replaces, and the one it puts there. */
export function csumUpdate(sum: number, skb: SkBuff, target: NfTuple, maniptype: number): number {
  const { saddr, daddr } = skb.iph;
  return maniptype === NF_NAT_MANIP_SRC
    ? inet_proto_csum_replace4(sum, skb, saddr, target.src, true)
    : inet_proto_csum_replace4(sum, skb, daddr, target.dst, true);
}

/** Whether the second word of an ICMP message of that type is an identifier. */
export function hasId(type: number): boolean {
  return type === 0 || type === 8 || (type >= 13 && type <= 18);
}

/** The other direction. */
export function opposite(dir: number): number {
  return dir === IP_CT_DIR_ORIGINAL ? IP_CT_DIR_REPLY : IP_CT_DIR_ORIGINAL;
}

/** Whether packets of that direction are rewritten at a hook of that kind. */
export function manipulates(ct: NfConn, mtype: number, dir: number): boolean {
  const source = (mtype === NF_NAT_MANIP_SRC) === (dir === IP_CT_DIR_ORIGINAL);
  return source ? ct.srcNat : ct.dstNat;
}

export const IPPROTO_GRE = 47;

/** Bytes of a PPTP GRE header without its optional fields. */
export const GRE_HEADER_LEN = 8;

/** Rewrites a packet as its connection's bindings say. C: net/netfilter/nf_nat_core.c, nf_nat_packet(); net/netfilter/nf_nat_proto.c, nf_nat_manip_pkt(). */
export function nf_nat_packet(net: World, skb: SkBuff, ct: NfConn, hooknum: number): HookResult {
  const mtype = HOOK2MANIP(hooknum);
  if (!manipulates(ct, mtype, skb.ctdir)) return { verdict: NF_ACCEPT, skb, net };
  if (!gre_manip_pkt(skb)) return { verdict: NF_DROP, skb, net };
  const target = nf_ct_invert_tuple(ctTuple(ct, opposite(skb.ctdir)));
  return { verdict: NF_ACCEPT, skb: nf_nat_ipv4_manip_pkt(skb, target, mtype), net };
}

/** Words of the packet quoted in an ICMP error, as far as the rewriting reaches. */
export const QUOTED_IP_WORDS = 10;
export const QUOTED_TCP_CHECK = 18;

/** The words with one of them replaced. */
export function setWord(words: readonly number[], at: number, value: number): readonly number[] {
  let changed: readonly number[] = [];
  for (let i = 0; i < words.length; i += 1) changed = [...changed, i === at ? value : (words[i] as number)];
  return changed;
}

/** Replaces a checksum word of the quoted packet for a changed address and port. */
export function quotedCheck(
  skb: SkBuff,
  check: number,
  from: number,
  to: number,
  port: number,
  newport: number,
): number {
  return inet_proto_csum_replace2(inet_proto_csum_replace4(check, skb, from, to, true), skb, port, newport, false);
}

/** The route of a packet whose source or port NAT changed, asked of the IPsec policies again. C: net/netfilter/nf_nat_core.c, nf_xfrm_me_harder(). */
export function nf_xfrm_me_harder(net: World, skb: SkBuff): { err: number; skb: SkBuff } {
  const dst = xfrm_lookup(net, { ...skb.dst, xfrm: false }, decode_session4(skb));
  return dst.err < 0 ? { err: dst.err, skb } : { err: 0, skb: { ...skb, dst } };
}

/**
 * Binds a new connection as the nat table says, or to itself, then rewrites the packet.
 *
 * C: net/netfilter/nf_nat_core.c, nf_nat_inet_fn(). Left out: layer-3 masters.
 */
export function nf_nat_inet_fn(kernel: Kernel, net: World, skb: SkBuff, state: NfHookState): HookResult {
  const ct = getCt(net, skb.ct);
  const maniptype = HOOK2MANIP(state.hook);
  const fresh = skb.ctinfo === IP_CT_NEW || skb.ctinfo === IP_CT_RELATED;
  if (fresh && !nf_nat_initialized(ct, maniptype)) {
    const { verdict: ret, skb: seen, net: after } = ipt_do_table(kernel, net, skb, state, net.nat);
    if (ret !== NF_ACCEPT) return { verdict: ret, skb: seen, net: after };
    const bound = getCt(after, seen.ct);
    if (nf_nat_initialized(bound, maniptype)) return nf_nat_packet(after, seen, bound, state.hook);
    const { verdict, net: nulled } = nf_nat_alloc_null_binding(after, bound, state.hook);
    if (verdict !== NF_ACCEPT) return { verdict, skb: seen, net: nulled };
    return nf_nat_packet(nulled, seen, getCt(nulled, seen.ct), state.hook);
  }
  if (nf_nat_oif_changed(state, skb, ct)) return { verdict: NF_DROP, skb, net: nf_ct_kill(net, ct) };
  return nf_nat_packet(net, skb, ct, state.hook);
}
