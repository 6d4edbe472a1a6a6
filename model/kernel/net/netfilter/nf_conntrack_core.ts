/**
 * Connection tracking: which packets belong together, and what `--ctstate` and NAT make of that.
 *
 * C: net/netfilter/nf_conntrack_core.c, net/netfilter/nf_conntrack_proto_generic.c, net/netfilter/nf_conntrack_proto_gre.c.
 * Left out: helpers, expectations and accounting, which no command of the model sets up; fragments.
 */

import { IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP, type SkBuff } from '../../../types/packet.ts';
import {
  CT_INVALID,
  type CtZone,
  IP_CT_DIR_ORIGINAL,
  IP_CT_DIR_REPLY,
  IP_CT_ESTABLISHED,
  IP_CT_NEW,
  IP_CT_RELATED,
  IP_CT_UNTRACKED,
  NF_ACCEPT,
  NF_DROP,
  NF_REPEAT,
  type NfConn,
  type NfHookState,
  type NfTuple,
  NO_CT,
  NO_TUPLE,
  NO_ZONE,
} from '../../../types/verdict.ts';
import type { HookResult, World } from '../../../types/world.ts';
import { nf_ct_zone_equal, nf_ct_zone_id } from '../../include/net/netfilter/nf_conntrack_zones.ts';
import { invmap, nf_conntrack_icmp_packet, nf_conntrack_icmpv4_error } from './nf_conntrack_proto_icmp.ts';
import { nf_conntrack_tcp_packet, nf_conntrack_tcp_set_closing, type Tracked } from './nf_conntrack_proto_tcp.ts';
import { nf_conntrack_udp_packet } from './nf_conntrack_proto_udp.ts';
import { GRE_HEADER_LEN, IPPROTO_GRE } from './nf_nat_core.ts';

export const ICMP_ECHOREPLY = 0;
const ICMP_DEST_UNREACH = 3;
const ICMP_SOURCE_QUENCH = 4;
const ICMP_REDIRECT = 5;
export const ICMP_ECHO = 8;
const ICMP_TIME_EXCEEDED = 11;
const ICMP_PARAMETERPROB = 12;
export const ICMP_TIMESTAMP = 13;
export const ICMP_TIMESTAMPREPLY = 14;
export const ICMP_INFO_REQUEST = 15;
export const ICMP_INFO_REPLY = 16;
export const ICMP_ADDRESS = 17;
export const ICMP_ADDRESSREPLY = 18;
export const NR_ICMP_TYPES = 18;

export const UDP_CT_UNREPLIED = 30000;
export const UDP_CT_REPLIED = 120000;
export const UDP_STREAM_TS = 2000;
export const ICMP_TIMEOUT = 30000;
const GENERIC_TIMEOUT = 600000;
const GRE_CT_UNREPLIED = 30000;
const GRE_CT_REPLIED = 180000;

/** The entry with that id, NO_CT when there is none. */
export function getCt(net: World, id: number): NfConn {
  let found = NO_CT;
  for (const ct of net.conntrack) found = ct.id === id ? ct : found;
  return found;
}

/** The world with the entry of that id replaced. */
export function setCt(net: World, changed: NfConn): World {
  let conntrack: readonly NfConn[] = [];
  for (const ct of net.conntrack) conntrack = [...conntrack, ct.id === changed.id ? changed : ct];
  return { ...net, conntrack };
}

/** The tuple of that direction. C: net/netfilter/nf_conntrack_core.c, ct->tuplehash[dir].tuple. */
export function ctTuple(ct: NfConn, dir: number): NfTuple {
  return dir === IP_CT_DIR_ORIGINAL ? ct.original : ct.reply;
}

/** C: include/net/netfilter/nf_conntrack_tuple.h, nf_ct_tuple_equal(). */
export function nf_ct_tuple_equal(a: NfTuple, b: NfTuple): boolean {
  return a.src === b.src && a.dst === b.dst && a.sport === b.sport && a.dport === b.dport && a.protonum === b.protonum;
}

/** C: net/netfilter/nf_conntrack_core.c, nf_ct_get_tuple(). */
export function nf_ct_get_tuple(skb: SkBuff): NfTuple {
  const { saddr: src, daddr: dst, protocol: protonum } = skb.iph;
  if (protonum === IPPROTO_TCP) return { src, dst, protonum, sport: skb.th.source, dport: skb.th.dest };
  if (protonum === IPPROTO_UDP) return { src, dst, protonum, sport: skb.uh.source, dport: skb.uh.dest };
  if (protonum === IPPROTO_ICMP) {
    return { src, dst, protonum, sport: skb.icmph.id, dport: (skb.icmph.type << 8) | skb.icmph.code };
  }
  return { src, dst, protonum, sport: 0, dport: 0 };
}

/** C: include/uapi/linux/if_tunnel.h, GRE_VERSION, GRE_VERSION_1 and GRE_PROTO_PPP. */
const GRE_VERSION = 7;
const GRE_VERSION_1 = 1;
const GRE_PROTO_PPP = 0x880b;

/**
 * Whether nf_ct_get_tuple() succeeds: it fails for GRE of version 1 that carries something else than PPP.
 *
 * C: net/netfilter/nf_conntrack_core.c, nf_ct_get_tuple(), which asks gre_pkt_to_tuple(). Left out: the keys of PPTP.
 * Observed: Linux 6.18: what a raw socket of protocol 47 sends, 00 01 02 03 and so on, is NEW up to 4 bytes, INVALID from 8 on (2026-11-30).
 */
function nf_ct_readable(skb: SkBuff): boolean {
  const { len, words } = skb.payload;
  if (skb.iph.protocol !== IPPROTO_GRE || len < GRE_HEADER_LEN) return true;
  return (wordAt(words, 0) & GRE_VERSION) !== GRE_VERSION_1 || wordAt(words, 1) === GRE_PROTO_PPP;
}

/** Whether nf_ct_invert_tuple() succeeds: it fails only for ICMP types without an opposite. */
export function nf_ct_invertible(orig: NfTuple): boolean {
  return orig.protonum !== IPPROTO_ICMP || invmap(orig.dport >>> 8) >= 0;
}

/**
 * The tuple that an answer has.
 *
 * C: net/netfilter/nf_conntrack_core.c, nf_ct_invert_tuple(); net/netfilter/nf_conntrack_proto_icmp.c, nf_conntrack_invert_icmp_tuple(). The return
 * value is nf_ct_invertible().
 */
export function nf_ct_invert_tuple(orig: NfTuple): NfTuple {
  const icmp = orig.protonum === IPPROTO_ICMP;
  return {
    src: orig.dst,
    dst: orig.src,
    sport: icmp ? orig.sport : orig.dport,
    dport: icmp ? (Math.max(invmap(orig.dport >>> 8), 0) << 8) | (orig.dport & 0xff) : orig.sport,
    protonum: orig.protonum,
  };
}

/** Whether a lookup can find the entry: confirmed, and neither removed nor expired. */
function inTable(net: World, ct: NfConn): boolean {
  return ct.confirmed && !ct.dying && ct.timeout > net.now;
}

/** Whether an entry has this tuple in that direction, in that zone. C: net/netfilter/nf_conntrack_core.c, nf_ct_key_equal(). */
function nf_ct_key_equal(ct: NfConn, dir: number, tuple: NfTuple, zone: CtZone): boolean {
  return nf_ct_tuple_equal(ctTuple(ct, dir), tuple) && nf_ct_zone_equal(ct.zone, zone, dir);
}

/**
 * The entry that has this tuple in one of its directions and in that zone, NO_CT when there is none.
 *
 * C: net/netfilter/nf_conntrack_core.c, nf_conntrack_find_get(), which asks for the zone of both directions in turn.
 */
export function nf_conntrack_find_get(net: World, zone: CtZone, tuple: NfTuple): { ct: NfConn; dir: number } {
  let found = NO_CT;
  let dir = IP_CT_DIR_ORIGINAL;
  for (const ct of net.conntrack) {
    const live = inTable(net, ct);
    const original = live && nf_ct_key_equal(ct, IP_CT_DIR_ORIGINAL, tuple, zone);
    const reply = live && nf_ct_key_equal(ct, IP_CT_DIR_REPLY, tuple, zone);
    found = original || reply ? ct : found;
    dir = original ? IP_CT_DIR_ORIGINAL : reply ? IP_CT_DIR_REPLY : dir;
  }
  return { ct: found, dir };
}

/** Whether the entry stands in the bucket of a tuple in that zone: there it is hashed with its own zone's number. */
function inBucket(ct: NfConn, dir: number, tuple: NfTuple, zone: CtZone, bucket: number): boolean {
  return nf_ct_key_equal(ct, dir, tuple, zone) && nf_ct_zone_id(ct.zone, dir) === nf_ct_zone_id(zone, bucket);
}

/**
 * Whether another connection has this tuple; one with the same original tuple and zone is the same flow.
 *
 * C: net/netfilter/nf_conntrack_core.c, nf_conntrack_tuple_taken(), which looks into the bucket of the zone of replies alone.
 */
export function nf_conntrack_tuple_taken(net: World, tuple: NfTuple, ignored_conntrack: NfConn): boolean {
  const { zone } = ignored_conntrack;
  let taken = false;
  for (const ct of net.conntrack) {
    const has =
      inBucket(ct, IP_CT_DIR_ORIGINAL, tuple, zone, IP_CT_DIR_REPLY) ||
      inBucket(ct, IP_CT_DIR_REPLY, tuple, zone, IP_CT_DIR_REPLY);
    const same =
      nf_ct_tuple_equal(ct.original, ignored_conntrack.original) && nf_ct_zone_equal(ct.zone, zone, IP_CT_DIR_ORIGINAL);
    taken = taken || (ct.id !== ignored_conntrack.id && inTable(net, ct) && has && !same);
  }
  return taken;
}

/** The world with a new entry; what a lookup can no longer find and no packet can carry any more goes. */
function insertCt(net: World, fresh: NfConn): World {
  let conntrack: readonly NfConn[] = [];
  for (const ct of net.conntrack) conntrack = ct.confirmed && !ct.dying ? [...conntrack, ct] : conntrack;
  return { ...net, conntrack: [...conntrack, fresh], next_ct: net.next_ct + 1 };
}

/** A packet is freed: an entry that it alone carried goes with it. C: include/linux/netfilter/nf_conntrack_common.h, nf_conntrack_put(). */
export function nf_conntrack_put(net: World, skb: SkBuff): World {
  if (skb.ct === 0) return net;
  let conntrack: readonly NfConn[] = [];
  for (const ct of net.conntrack) conntrack = ct.id === skb.ct && !ct.confirmed ? conntrack : [...conntrack, ct];
  return { ...net, conntrack };
}

/** C: net/netfilter/nf_conntrack_core.c, nf_conntrack_handle_packet(), nf_conntrack_gre_packet(), generic_packet(). */
function nf_conntrack_handle_packet(net: World, ct: NfConn, skb: SkBuff, dir: number, state: NfHookState): Tracked {
  if (skb.iph.protocol === IPPROTO_TCP) return nf_conntrack_tcp_packet(net, ct, skb, dir, state);
  if (skb.iph.protocol === IPPROTO_UDP) return nf_conntrack_udp_packet(net, ct, skb, state);
  if (skb.iph.protocol === IPPROTO_ICMP) return nf_conntrack_icmp_packet(net, ct);
  if (skb.iph.protocol === IPPROTO_GRE) {
    const timeout = net.now + (ct.seenReply ? GRE_CT_REPLIED : GRE_CT_UNREPLIED);
    return { ret: NF_ACCEPT, ct: { ...ct, timeout, assured: ct.seenReply } };
  }
  return { ret: NF_ACCEPT, ct: { ...ct, timeout: net.now + GENERIC_TIMEOUT } };
}

/** The packet as one that no entry accounts for. */
export function invalid(skb: SkBuff): SkBuff {
  return { ...skb, ct: 0, ctdir: IP_CT_DIR_ORIGINAL, ctinfo: CT_INVALID };
}

/** C: include/net/icmp.h, icmp_is_err(). */
export function icmp_is_err(type: number): boolean {
  return (
    type === ICMP_DEST_UNREACH ||
    type === ICMP_SOURCE_QUENCH ||
    type === ICMP_REDIRECT ||
    type === ICMP_TIME_EXCEEDED ||
    type === ICMP_PARAMETERPROB
  );
}

/** Words of the packet quoted in an ICMP error: 20 bytes of IP header, then at least 8 of the transport header. */
export const QUOTED_WORDS = 14;

/**
 * The tuple of the packet that an ICMP error quotes.
 *
 * C: net/netfilter/nf_conntrack_core.c, nf_ct_get_tuplepr(). Left out: IP options in the quoted packet.
 */
export function quotedTuple(skb: SkBuff): NfTuple {
  const { words } = skb.payload;
  if (words.length < QUOTED_WORDS) return NO_TUPLE;
  const protonum = wordAt(words, 4) & 0xff;
  const src = wordAt(words, 6) * 0x10000 + wordAt(words, 7);
  const dst = wordAt(words, 8) * 0x10000 + wordAt(words, 9);
  if (protonum === IPPROTO_ICMP) return { src, dst, protonum, sport: wordAt(words, 12), dport: wordAt(words, 10) };
  const ports = protonum === IPPROTO_TCP || protonum === IPPROTO_UDP;
  return { src, dst, protonum, sport: ports ? wordAt(words, 10) : 0, dport: ports ? wordAt(words, 11) : 0 };
}

/** The word at a fixed place, 0 beyond the end. */
export function wordAt(words: readonly number[], at: number): number {
  return at < words.length ? (words[at] as number) : 0;
}

/** The zone of the packet's template, the usual one without. C: include/net/netfilter/nf_conntrack_zones.h, nf_ct_zone_tmpl(). */
export function nf_ct_zone_tmpl(skb: SkBuff): CtZone {
  return skb.ct_tmpl ? skb.ct_zone : NO_ZONE;
}

/** What the packet's tuple leads to: an entry of the table, or one made for it (id 0 when that cannot be). C: net/netfilter/nf_conntrack_core.c, resolve_normal_ct(), init_conntrack(). */
function resolve_normal_ct(net: World, skb: SkBuff): { ct: NfConn; dir: number; fresh: boolean } {
  if (!nf_ct_readable(skb)) return { ct: NO_CT, dir: IP_CT_DIR_ORIGINAL, fresh: false };
  const tuple = nf_ct_get_tuple(skb);
  const zone = nf_ct_zone_tmpl(skb);
  const { ct, dir } = nf_conntrack_find_get(net, zone, tuple);
  if (ct.id !== 0) return { ct, dir, fresh: false };
  if (!nf_ct_invertible(tuple)) return { ct: NO_CT, dir: IP_CT_DIR_ORIGINAL, fresh: false };
  const made = { ...NO_CT, id: net.next_ct, original: tuple, reply: nf_ct_invert_tuple(tuple), zone };
  return { ct: made, dir: IP_CT_DIR_ORIGINAL, fresh: true };
}

/** One round of nf_conntrack_in(); `ret` -NF_REPEAT asks for another, now without the entry found. */
function track(net: World, skb: SkBuff, state: NfHookState): { ret: number; skb: SkBuff; net: World } {
  const { ct, dir, fresh } = resolve_normal_ct(net, skb);
  if (ct.id === 0) return { ret: NF_ACCEPT, skb: invalid(skb), net };
  const ctinfo = dir === IP_CT_DIR_REPLY || ct.seenReply ? IP_CT_ESTABLISHED : IP_CT_NEW;
  const { ret, ct: tracked } = nf_conntrack_handle_packet(net, ct, skb, dir, state);
  if (ret <= 0) return { ret, skb: invalid(skb), net: fresh ? net : setCt(net, tracked) };
  const seen = { ...tracked, seenReply: tracked.seenReply || dir === IP_CT_DIR_REPLY };
  return {
    ret,
    skb: { ...skb, ct: ct.id, ctdir: dir, ctinfo },
    net: fresh ? insertCt(net, seen) : setCt(net, seen),
  };
}

/**
 * Gives the packet its connection-tracking entry and state; a packet that has one, or is to have none, keeps that.
 *
 * C: net/netfilter/nf_conntrack_core.c, nf_conntrack_in().
 */
export function nf_conntrack_in(net: World, skb: SkBuff, state: NfHookState): HookResult {
  if (skb.ct !== 0 || skb.ctinfo === IP_CT_UNTRACKED) return { verdict: NF_ACCEPT, skb, net };
  if (skb.iph.protocol === IPPROTO_ICMP) {
    const icmp = nf_conntrack_icmpv4_error(net, skb, state);
    if (icmp.done) return { verdict: NF_ACCEPT, skb: { ...icmp.skb, ct_tmpl: false }, net };
  }
  const first = track(net, skb, state);
  const { ret, skb: tracked, net: after } = first.ret === -NF_REPEAT ? track(first.net, skb, state) : first;
  return { verdict: ret <= 0 ? -ret : ret, skb: { ...tracked, ct_tmpl: false }, net: after };
}

/** Whether the protocol lets a packet go on with the entry that won. C: include/net/netfilter/nf_conntrack_l4proto.h, allow_clash. */
function allow_clash(protonum: number): boolean {
  return protonum !== IPPROTO_TCP && protonum !== IPPROTO_ICMP && protonum !== IPPROTO_GRE;
}

/**
 * Puts the entry of a packet that has come through into the table, under the tuples recorded when it was made or NATed,
 * whatever the packet looks like by now.
 *
 * C: net/netfilter/nf_conntrack_core.c, nf_conntrack_confirm(), __nf_conntrack_confirm(), nf_ct_resolve_clash().
 * Left out: nf_ct_resolve_clash_harder(): it needs an equal original tuple, and then the packet would have found it.
 */
export function nf_conntrack_confirm(net: World, skb: SkBuff): HookResult {
  if (skb.ct === 0) return { verdict: NF_ACCEPT, skb, net };
  const ct = getCt(net, skb.ct);
  if (ct.confirmed || skb.ctdir !== IP_CT_DIR_ORIGINAL) return { verdict: NF_ACCEPT, skb, net };
  const winner = clashing(net, ct);
  if (winner.id !== 0) {
    const same = nf_ct_tuple_equal(winner.original, ct.original) && nf_ct_tuple_equal(winner.reply, ct.reply);
    const natDone = winner.srcNatDone || winner.dstNatDone;
    if (!allow_clash(ct.original.protonum) || (natDone && !same)) return { verdict: NF_DROP, skb, net };
    return { verdict: NF_ACCEPT, skb: { ...skb, ct: winner.id }, net: nf_conntrack_put(net, skb) };
  }
  return { verdict: NF_ACCEPT, skb, net: setCt(net, { ...ct, confirmed: true }) };
}

/** The entry of the table that has one of the tuples, NO_CT for none. */
function clashing(net: World, ct: NfConn): NfConn {
  const { zone, original, reply } = ct;
  let found = NO_CT;
  for (const other of net.conntrack) {
    const clash =
      other.id !== ct.id &&
      inTable(net, other) &&
      (inBucket(other, IP_CT_DIR_ORIGINAL, original, zone, IP_CT_DIR_ORIGINAL) ||
        inBucket(other, IP_CT_DIR_REPLY, original, zone, IP_CT_DIR_ORIGINAL) ||
        inBucket(other, IP_CT_DIR_ORIGINAL, reply, zone, IP_CT_DIR_REPLY) ||
        inBucket(other, IP_CT_DIR_REPLY, reply, zone, IP_CT_DIR_REPLY));
    found = clash && found.id === 0 ? other : found;
  }
  return found;
}

/** Removes an entry at once. C: include/net/netfilter/nf_conntrack.h, nf_ct_kill_acct(). */
export function nf_ct_kill(net: World, ct: NfConn): World {
  return setCt(net, { ...ct, dying: true });
}

/** A rule resets the connection of that packet, which is one of TCP. C: net/netfilter/nf_conntrack_core.c, nf_conntrack_set_closing(). */
export function nf_ct_set_closing(net: World, skb: SkBuff): World {
  return setCt(net, nf_conntrack_tcp_set_closing(net, getCt(net, skb.ct)));
}

/** Gives a packet the connection of the one it answers. C: net/netfilter/nf_conntrack_core.c, nf_conntrack_attach(). */
export function nf_conntrack_attach(skb: SkBuff, from: SkBuff): SkBuff {
  if (from.ct === 0) return skb;
  const ctdir = from.ctdir === IP_CT_DIR_ORIGINAL ? IP_CT_DIR_REPLY : IP_CT_DIR_ORIGINAL;
  return { ...skb, ct: from.ct, ctdir, ctinfo: IP_CT_RELATED };
}
