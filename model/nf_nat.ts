/**
 * NAT bindings: which tuple a connection shows to the outside, and the rewriting of its packets.
 *
 * C: net/netfilter/nf_nat_core.c, nf_nat_proto.c, nf_nat_masquerade.c.
 * Left out: persistent and random ranges, NETMAP and PPTP, which no command of the model asks for; skb_ensure_writable(),
 * whose copy nobody can tell apart.
 */
import {
  CSUM_MANGLED_0,
  csum_fold,
  csum_replace4,
  icmpFullSum,
  inet_proto_csum_replace2,
  inet_proto_csum_replace4,
} from './checksum.ts';
import { inet_select_addr } from './devinet.ts';
import {
  ctTuple,
  getCt,
  nf_conntrack_tuple_taken,
  nf_ct_invert_tuple,
  nf_ct_tuple_equal,
  setCt,
  wordAt,
} from './nf_conntrack.ts';
import { CHECKSUM_PARTIAL, IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP, type SkBuff } from './types/packet.ts';
import { RT_SCOPE_UNIVERSE } from './types/route.ts';
import {
  IP_CT_DIR_ORIGINAL,
  IP_CT_DIR_REPLY,
  NF_ACCEPT,
  NF_DROP,
  NF_INET_LOCAL_IN,
  NF_INET_POST_ROUTING,
  type NfConn,
  type NfHookState,
  type NfTuple,
} from './types/verdict.ts';
import type { HookResult, World } from './types/world.ts';

export const NF_NAT_MANIP_SRC = 0;
export const NF_NAT_MANIP_DST = 1;

const ICMP_REDIRECT = 5;

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
}

/** Is the tuple of the reply taken by another connection? C: nf_nat_core.c, nf_nat_used_tuple(). */
function nf_nat_used_tuple(net: World, tuple: NfTuple, ignored_conntrack: NfConn): boolean {
  return nf_conntrack_tuple_taken(net, nf_ct_invert_tuple(tuple), ignored_conntrack);
}

/** C: nf_nat_core.c, l4proto_in_range(). */
function l4proto_in_range(tuple: NfTuple, maniptype: number, min: number, max: number): boolean {
  const ports = tuple.protonum === IPPROTO_TCP || tuple.protonum === IPPROTO_UDP;
  const source = tuple.protonum === IPPROTO_ICMP || maniptype === NF_NAT_MANIP_SRC;
  const port = source ? tuple.sport : tuple.dport;
  return (!ports && tuple.protonum !== IPPROTO_ICMP) || (port >= min && port <= max);
}

/** C: nf_nat_core.c, nf_in_range(). */
function nf_in_range(tuple: NfTuple, range: NfNatRange): boolean {
  return (
    (!range.mapIps || tuple.src === range.addr) &&
    (!range.protoSpecified || l4proto_in_range(tuple, NF_NAT_MANIP_SRC, range.minProto, range.maxProto))
  );
}

/**
 * The source that another connection of the same sender was mapped to, if it fits the range.
 *
 * C: nf_nat_core.c, find_appropriate_src(): the list has the newest connection first.
 */
function find_appropriate_src(net: World, tuple: NfTuple, range: NfNatRange): { found: boolean; result: NfTuple } {
  let found = false;
  let result = tuple;
  for (const ct of net.conntrack) {
    const same_src =
      ct.srcNatDone &&
      !ct.dying &&
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

/** C: nf_nat_core.c, find_best_ips_proto(); a range of the model holds one address. */
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
 * C: nf_nat_core.c, nf_nat_l4proto_unique_tuple() from `another_round`. The new place is drawn at random there; here it
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
 * C: nf_nat_core.c, nf_nat_l4proto_unique_tuple(). `net.picks.port_offset` is the random start.
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

/** The tuple that the connection gets: the old one if it fits and is free, else one made to. C: nf_nat_core.c, get_unique_tuple(). */
function get_unique_tuple(net: World, orig_tuple: NfTuple, range: NfNatRange, ct: NfConn, maniptype: number): NfTuple {
  if (maniptype === NF_NAT_MANIP_SRC) {
    if (nf_in_range(orig_tuple, range)) {
      if (!nf_nat_used_tuple(net, orig_tuple, ct)) return orig_tuple;
    } else {
      const { found, result } = find_appropriate_src(net, orig_tuple, range);
      if (found && !nf_nat_used_tuple(net, result, ct)) return result;
    }
  }
  const tuple = find_best_ips_proto(orig_tuple, range, maniptype);
  if (range.protoSpecified) {
    if (
      l4proto_in_range(tuple, maniptype, range.minProto, range.maxProto) &&
      (range.minProto === range.maxProto || !nf_nat_used_tuple(net, tuple, ct))
    ) {
      return tuple;
    }
  } else if (!nf_nat_used_tuple(net, tuple, ct)) {
    return tuple;
  }
  return nf_nat_l4proto_unique_tuple(net, tuple, range, maniptype, ct);
}

/** Whether a binding of that kind was made. C: include/net/netfilter/nf_nat.h, nf_nat_initialized(). */
export function nf_nat_initialized(ct: NfConn, manip: number): boolean {
  return manip === NF_NAT_MANIP_SRC ? ct.srcNatDone : ct.dstNatDone;
}

/** Binds the connection to a tuple within the range. C: nf_nat_core.c, nf_nat_setup_info(). */
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

/** Keeps the addresses; the port changes only where the tuple is not unique. C: nf_nat_core.c, nf_nat_alloc_null_binding(). */
export function nf_nat_alloc_null_binding(net: World, ct: NfConn, hooknum: number): { verdict: number; net: World } {
  const manip = HOOK2MANIP(hooknum);
  const addr = manip === NF_NAT_MANIP_SRC ? ct.reply.dst : ct.reply.src;
  const range: NfNatRange = { mapIps: true, addr, protoSpecified: false, minProto: 0, maxProto: 0 };
  return nf_nat_setup_info(net, ct, range, manip);
}

/** C: include/net/route.h, rt_nexthop(). */
function rt_nexthop(rt_gw4: number, daddr: number): number {
  return rt_gw4 !== 0 ? rt_gw4 : daddr;
}

/**
 * Gives the connection the address that its output device would choose towards the next hop; the `src` of the route is
 * not asked.
 *
 * C: nf_nat_masquerade.c, nf_nat_masquerade_ipv4().
 * Observed: Linux 6.18: of 172.16.0.9/24 and 10.1.0.1/30 the second is taken towards 10.1.0.2 (2026-11-22).
 */
export function nf_nat_masquerade_ipv4(net: World, skb: SkBuff, state: NfHookState): HookResult {
  const ct = getCt(net, skb.ct);
  if (ct.original.src === 0) return { verdict: NF_ACCEPT, skb, net };
  const nh = rt_nexthop(skb.dst.rt_gw4, skb.iph.daddr);
  const newsrc = inet_select_addr(net, state.out, nh, RT_SCOPE_UNIVERSE);
  if (newsrc === 0) return { verdict: NF_DROP, skb, net };
  const newrange: NfNatRange = { mapIps: true, addr: newsrc, protoSpecified: false, minProto: 0, maxProto: 0 };
  const bound = nf_nat_setup_info(net, { ...ct, masq_index: state.out }, newrange, NF_NAT_MANIP_SRC);
  return { verdict: bound.verdict, skb, net: bound.net };
}

/** Address that a manipulation replaces, and the one it puts there. */
function csumUpdate(sum: number, skb: SkBuff, target: NfTuple, maniptype: number): number {
  const { saddr, daddr } = skb.iph;
  return maniptype === NF_NAT_MANIP_SRC
    ? inet_proto_csum_replace4(sum, skb, saddr, target.src, true)
    : inet_proto_csum_replace4(sum, skb, daddr, target.dst, true);
}

/** C: nf_nat_proto.c, udp_manip_pkt(). */
function udp_manip_pkt(skb: SkBuff, tuple: NfTuple, maniptype: number): SkBuff {
  const source = maniptype === NF_NAT_MANIP_SRC;
  const oldport = source ? skb.uh.source : skb.uh.dest;
  const newport = source ? tuple.sport : tuple.dport;
  const updated = csumUpdate(skb.uh.check, skb, tuple, maniptype);
  const check = inet_proto_csum_replace2(updated, skb, oldport, newport, false);
  const uh = {
    ...skb.uh,
    source: source ? newport : skb.uh.source,
    dest: source ? skb.uh.dest : newport,
    check: skb.uh.check === 0 ? 0 : check === 0 ? CSUM_MANGLED_0 : check,
  };
  return { ...skb, uh };
}

/** C: nf_nat_proto.c, tcp_manip_pkt(). */
function tcp_manip_pkt(skb: SkBuff, tuple: NfTuple, maniptype: number): SkBuff {
  const source = maniptype === NF_NAT_MANIP_SRC;
  const oldport = source ? skb.th.source : skb.th.dest;
  const newport = source ? tuple.sport : tuple.dport;
  const updated = csumUpdate(skb.th.check, skb, tuple, maniptype);
  const check = inet_proto_csum_replace2(updated, skb, oldport, newport, false);
  const th = { ...skb.th, source: source ? newport : skb.th.source, dest: source ? skb.th.dest : newport, check };
  return { ...skb, th };
}

/** Whether the second word of an ICMP message of that type is an identifier. */
function hasId(type: number): boolean {
  return type === 0 || type === 8 || (type >= 13 && type <= 18);
}

/** C: nf_nat_proto.c, icmp_manip_pkt(). */
function icmp_manip_pkt(skb: SkBuff, tuple: NfTuple): SkBuff {
  if (!hasId(skb.icmph.type)) return skb;
  const checksum = inet_proto_csum_replace2(skb.icmph.checksum, skb, skb.icmph.id, tuple.sport, false);
  return { ...skb, icmph: { ...skb.icmph, id: tuple.sport, checksum } };
}

/** Transport header first, with the old addresses still in the IP header. C: nf_nat_proto.c, l4proto_manip_pkt(). */
function l4proto_manip_pkt(skb: SkBuff, tuple: NfTuple, maniptype: number, protonum: number): SkBuff {
  if (protonum === IPPROTO_TCP) return tcp_manip_pkt(skb, tuple, maniptype);
  if (protonum === IPPROTO_UDP) return udp_manip_pkt(skb, tuple, maniptype);
  if (protonum === IPPROTO_ICMP) return icmp_manip_pkt(skb, tuple);
  return skb;
}

/** The packet with the addresses and ports of `target`. C: nf_nat_proto.c, nf_nat_ipv4_manip_pkt(). */
export function nf_nat_ipv4_manip_pkt(skb: SkBuff, target: NfTuple, maniptype: number): SkBuff {
  const moved = l4proto_manip_pkt(skb, target, maniptype, skb.iph.protocol);
  const { iph } = moved;
  if (maniptype === NF_NAT_MANIP_SRC) {
    const check = csum_replace4(iph.check, iph.saddr, target.src);
    return { ...moved, iph: { ...iph, check, saddr: target.src } };
  }
  const check = csum_replace4(iph.check, iph.daddr, target.dst);
  return { ...moved, iph: { ...iph, check, daddr: target.dst } };
}

/** The other direction. */
function opposite(dir: number): number {
  return dir === IP_CT_DIR_ORIGINAL ? IP_CT_DIR_REPLY : IP_CT_DIR_ORIGINAL;
}

/** Whether packets of that direction are rewritten at a hook of that kind. */
function manipulates(ct: NfConn, mtype: number, dir: number): boolean {
  const source = (mtype === NF_NAT_MANIP_SRC) === (dir === IP_CT_DIR_ORIGINAL);
  return source ? ct.srcNat : ct.dstNat;
}

const IPPROTO_GRE = 47;
/** Bytes of a PPTP GRE header without its optional fields. */
const GRE_HEADER_LEN = 8;

/**
 * Whether a GRE packet is long enough to be rewritten.
 *
 * C: nf_nat_proto.c, gre_manip_pkt(). Left out: the call id of PPTP, which only a helper's connection has.
 * Observed: Linux 6.18, a raw socket of protocol 47 that sends 1 byte through SNAT gets EPERM, 2026-11-22.
 */
function gre_manip_pkt(skb: SkBuff): boolean {
  return skb.iph.protocol !== IPPROTO_GRE || skb.payload.len >= GRE_HEADER_LEN;
}

/** Rewrites a packet as its connection's bindings say. C: nf_nat_core.c, nf_nat_packet(); nf_nat_proto.c, nf_nat_manip_pkt(). */
export function nf_nat_packet(net: World, skb: SkBuff, ct: NfConn, hooknum: number): HookResult {
  const mtype = HOOK2MANIP(hooknum);
  if (!manipulates(ct, mtype, skb.ctdir)) return { verdict: NF_ACCEPT, skb, net };
  if (!gre_manip_pkt(skb)) return { verdict: NF_DROP, skb, net };
  const target = nf_ct_invert_tuple(ctTuple(ct, opposite(skb.ctdir)));
  return { verdict: NF_ACCEPT, skb: nf_nat_ipv4_manip_pkt(skb, target, mtype), net };
}

/** Words of the packet quoted in an ICMP error, as far as the rewriting reaches. */
const QUOTED_IP_WORDS = 10;
const QUOTED_TCP_CHECK = 18;

/** The words with one of them replaced. */
function setWord(words: readonly number[], at: number, value: number): readonly number[] {
  let changed: readonly number[] = [];
  let i = 0;
  for (const w of words) {
    changed = [...changed, i === at ? value : w];
    i += 1;
  }
  return changed;
}

/** Replaces a checksum word of the quoted packet for a changed address and port. */
function quotedCheck(skb: SkBuff, check: number, from: number, to: number, port: number, newport: number): number {
  return inet_proto_csum_replace2(inet_proto_csum_replace4(check, skb, from, to, true), skb, port, newport, false);
}

/**
 * Rewrites the packet that an ICMP error quotes.
 *
 * C: nf_nat_proto.c, nf_nat_ipv4_manip_pkt() at the offset of the quoted header. A TCP checksum is corrected only where
 * the quotation is long enough to hold the whole header.
 */
function manipQuoted(skb: SkBuff, tuple: NfTuple, maniptype: number): SkBuff {
  const source = maniptype === NF_NAT_MANIP_SRC;
  let words = skb.payload.words;
  const protonum = wordAt(words, 4) & 0xff;
  const at = source ? 6 : 8;
  const from = wordAt(words, at) * 0x10000 + wordAt(words, at + 1);
  const to = source ? tuple.src : tuple.dst;
  const portAt = source ? QUOTED_IP_WORDS : QUOTED_IP_WORDS + 1;
  const port = wordAt(words, portAt);
  const newport = source ? tuple.sport : tuple.dport;
  if (protonum === IPPROTO_TCP) {
    words = setWord(words, portAt, newport);
    if (words.length >= QUOTED_IP_WORDS + 10) {
      const check = quotedCheck(skb, wordAt(words, QUOTED_TCP_CHECK), from, to, port, newport);
      words = setWord(words, QUOTED_TCP_CHECK, check);
    }
  } else if (protonum === IPPROTO_UDP) {
    const old = wordAt(words, QUOTED_IP_WORDS + 3);
    const check = quotedCheck(skb, old, from, to, port, newport);
    words = setWord(words, QUOTED_IP_WORDS + 3, old === 0 ? 0 : check === 0 ? CSUM_MANGLED_0 : check);
    words = setWord(words, portAt, newport);
  } else if (protonum === IPPROTO_ICMP && hasId(wordAt(words, QUOTED_IP_WORDS) >>> 8)) {
    const id = wordAt(words, QUOTED_IP_WORDS + 2);
    const check = inet_proto_csum_replace2(wordAt(words, QUOTED_IP_WORDS + 1), skb, id, tuple.sport, false);
    words = setWord(words, QUOTED_IP_WORDS + 1, check);
    words = setWord(words, QUOTED_IP_WORDS + 2, tuple.sport);
  }
  words = setWord(words, 5, csum_replace4(wordAt(words, 5), from, to));
  words = setWord(words, at, to >>> 16);
  words = setWord(words, at + 1, to & 0xffff);
  return { ...skb, payload: { ...skb.payload, words } };
}

/**
 * Rewrites an ICMP error together with the packet it quotes, as an answer to that packet.
 *
 * C: nf_nat_proto.c, nf_nat_icmp_reply_translation().
 */
export function nf_nat_icmp_reply_translation(net: World, skb: SkBuff, ct: NfConn, hooknum: number): HookResult {
  const manip = HOOK2MANIP(hooknum);
  if (skb.icmph.type === ICMP_REDIRECT) {
    if (!ct.srcNatDone || !ct.dstNatDone) return { verdict: NF_DROP, skb, net };
    if (ct.srcNat || ct.dstNat) return { verdict: NF_DROP, skb, net };
  }
  if (!manipulates(ct, manip, skb.ctdir)) return { verdict: NF_ACCEPT, skb, net };
  const other = ctTuple(ct, opposite(skb.ctdir));
  const inner = manipQuoted(skb, other, manip === NF_NAT_MANIP_SRC ? NF_NAT_MANIP_DST : NF_NAT_MANIP_SRC);
  const checked =
    inner.ip_summed === CHECKSUM_PARTIAL
      ? inner
      : { ...inner, icmph: { ...inner.icmph, checksum: csum_fold(icmpFullSum(inner)) } };
  const target = nf_ct_invert_tuple(other);
  return { verdict: NF_ACCEPT, skb: nf_nat_ipv4_manip_pkt(checked, { ...target, protonum: IPPROTO_ICMP }, manip), net };
}
