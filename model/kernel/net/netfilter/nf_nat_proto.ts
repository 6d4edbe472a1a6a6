/** NAT at its hooks, and the rewriting of packets. C: net/netfilter/nf_nat_proto.c. */
import { getSock } from '../../../types/lookup.ts';
import { CHECKSUM_PARTIAL, IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP, type SkBuff } from '../../../types/packet.ts';
import { NO_DST, RTN_UNSPEC } from '../../../types/route.ts';
import {
  IP_CT_DIR_ORIGINAL,
  IP_CT_DIR_REPLY,
  IP_CT_RELATED,
  NF_ACCEPT,
  NF_DROP,
  NF_DROP_ERR,
  NF_INET_POST_ROUTING,
  type NfConn,
  type NfHookState,
  type NfTuple,
} from '../../../types/verdict.ts';
import type { HookResult, Kernel, World } from '../../../types/world.ts';
import {
  CSUM_MANGLED_0,
  csum_fold,
  csum_replace4,
  icmpFullSum,
  inet_proto_csum_replace2,
} from '../../include/net/checksum.ts';
import { ctTuple, getCt, nf_ct_invert_tuple, wordAt } from './nf_conntrack_core.ts';
import {
  csumUpdate,
  GRE_HEADER_LEN,
  HOOK2MANIP,
  hasId,
  ICMP_REDIRECT,
  IPPROTO_GRE,
  manipulates,
  NF_NAT_MANIP_DST,
  NF_NAT_MANIP_SRC,
  nf_nat_inet_fn,
  nf_xfrm_me_harder,
  opposite,
  QUOTED_IP_WORDS,
  QUOTED_TCP_CHECK,
  quotedCheck,
  setWord,
} from './nf_nat_core.ts';

/**
 * Whether a masqueraded flow now leaves by another device.
 *
 * C: include/net/netfilter/nf_nat.h, nf_nat_oif_changed().
 * Observed: Linux 6.18: its next packet fails with EPERM, the one after that starts a new flow (2026-11-22).
 */
export function nf_nat_oif_changed(state: NfHookState, skb: SkBuff, ct: NfConn): boolean {
  return (
    ct.masq_index !== 0 &&
    state.hook === NF_INET_POST_ROUTING &&
    skb.ctdir === IP_CT_DIR_ORIGINAL &&
    ct.masq_index !== state.out
  );
}

/** C: net/netfilter/nf_nat_proto.c, nf_nat_ipv4_fn(). */
function nf_nat_ipv4_fn(kernel: Kernel, net: World, skb: SkBuff, state: NfHookState): HookResult {
  if (skb.ct === 0) return { verdict: NF_ACCEPT, skb, net };
  if (skb.ctinfo === IP_CT_RELATED && skb.iph.protocol === IPPROTO_ICMP) {
    return nf_nat_icmp_reply_translation(net, skb, getCt(net, skb.ct), state.hook);
  }
  return nf_nat_inet_fn(kernel, net, skb, state);
}

/** C: net/netfilter/nf_nat_proto.c, nf_nat_ipv4_pre_routing(). */
export function nf_nat_ipv4_pre_routing(kernel: Kernel, net: World, skb: SkBuff, state: NfHookState): HookResult {
  const { verdict: ret, skb: seen, net: after } = nf_nat_ipv4_fn(kernel, net, skb, state);
  const moved = ret === NF_ACCEPT && skb.iph.daddr !== seen.iph.daddr;
  return { verdict: ret, skb: moved ? { ...seen, dst: NO_DST } : seen, net: after };
}

/** C: net/netfilter/nf_nat_proto.c, nf_nat_ipv4_local_in(). */
export function nf_nat_ipv4_local_in(kernel: Kernel, net: World, skb: SkBuff, state: NfHookState): HookResult {
  const { verdict: ret, skb: seen, net: after } = nf_nat_ipv4_fn(kernel, net, skb, state);
  const moved = ret === NF_ACCEPT && skb.iph.saddr !== seen.iph.saddr;
  return { verdict: ret, skb: moved && !getSock(after, seen.sk).transparent ? { ...seen, sk: 0 } : seen, net: after };
}

/** Asks the IPsec policies again when NAT changed the source. C: net/netfilter/nf_nat_proto.c, nf_nat_ipv4_out(). */
export function nf_nat_ipv4_out(kernel: Kernel, net: World, skb: SkBuff, state: NfHookState): HookResult {
  const { verdict: ret, skb: seen, net: after } = nf_nat_ipv4_fn(kernel, net, skb, state);
  if (ret !== NF_ACCEPT || seen.ct === 0 || after.xfrm_policy.length === 0)
    return { verdict: ret, skb: seen, net: after };
  const ct = getCt(after, seen.ct);
  const dir = seen.ctdir;
  const own = ctTuple(ct, dir);
  const other = ctTuple(ct, dir === IP_CT_DIR_ORIGINAL ? IP_CT_DIR_REPLY : IP_CT_DIR_ORIGINAL);
  if (own.src === other.dst && (own.protonum === IPPROTO_ICMP || own.sport === other.dport)) {
    return { verdict: ret, skb: seen, net: after };
  }
  const { err, skb: asked } = nf_xfrm_me_harder(after, seen);
  return { verdict: err < 0 ? NF_DROP_ERR(err) : ret, skb: asked, net: after };
}

/** Routes the packet again when its connection goes to another destination. C: net/netfilter/nf_nat_proto.c, nf_nat_ipv4_local_fn(). */
export function nf_nat_ipv4_local_fn(kernel: Kernel, net: World, skb: SkBuff, state: NfHookState): HookResult {
  const { verdict: ret, skb: seen, net: after } = nf_nat_ipv4_fn(kernel, net, skb, state);
  if (ret !== NF_ACCEPT) return { verdict: ret, skb: seen, net: after };
  if (seen.ct !== 0) {
    const ct = getCt(after, seen.ct);
    const dir = seen.ctdir;
    const other = dir === IP_CT_DIR_ORIGINAL ? IP_CT_DIR_REPLY : IP_CT_DIR_ORIGINAL;
    if (ctTuple(ct, dir).dst !== ctTuple(ct, other).src) {
      const {
        err,
        skb: rerouted,
        net: routed,
      } = kernel.ip_route_me_harder(after, getSock(after, state.sk), seen, RTN_UNSPEC);
      return { verdict: err < 0 ? NF_DROP_ERR(err) : ret, skb: rerouted, net: routed };
    }
  }
  return { verdict: ret, skb: seen, net: after };
}

/** C: net/netfilter/nf_nat_proto.c, udp_manip_pkt(). */
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

/** C: net/netfilter/nf_nat_proto.c, tcp_manip_pkt(). */
function tcp_manip_pkt(skb: SkBuff, tuple: NfTuple, maniptype: number): SkBuff {
  const source = maniptype === NF_NAT_MANIP_SRC;
  const oldport = source ? skb.th.source : skb.th.dest;
  const newport = source ? tuple.sport : tuple.dport;
  const updated = csumUpdate(skb.th.check, skb, tuple, maniptype);
  const check = inet_proto_csum_replace2(updated, skb, oldport, newport, false);
  const th = { ...skb.th, source: source ? newport : skb.th.source, dest: source ? skb.th.dest : newport, check };
  return { ...skb, th };
}

/** C: net/netfilter/nf_nat_proto.c, icmp_manip_pkt(). */
function icmp_manip_pkt(skb: SkBuff, tuple: NfTuple): SkBuff {
  if (!hasId(skb.icmph.type)) return skb;
  const checksum = inet_proto_csum_replace2(skb.icmph.checksum, skb, skb.icmph.id, tuple.sport, false);
  return { ...skb, icmph: { ...skb.icmph, id: tuple.sport, checksum } };
}

/** Transport header first, with the old addresses still in the IP header. C: net/netfilter/nf_nat_proto.c, l4proto_manip_pkt(). */
function l4proto_manip_pkt(skb: SkBuff, tuple: NfTuple, maniptype: number, protonum: number): SkBuff {
  if (protonum === IPPROTO_TCP) return tcp_manip_pkt(skb, tuple, maniptype);
  if (protonum === IPPROTO_UDP) return udp_manip_pkt(skb, tuple, maniptype);
  if (protonum === IPPROTO_ICMP) return icmp_manip_pkt(skb, tuple);
  return skb;
}

/** The packet with the addresses and ports of `target`. C: net/netfilter/nf_nat_proto.c, nf_nat_ipv4_manip_pkt(). */
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

/**
 * Whether a GRE packet is long enough to be rewritten.
 *
 * C: net/netfilter/nf_nat_proto.c, gre_manip_pkt(). Left out: the call id of PPTP, which only a helper's connection has.
 * Observed: Linux 6.18, a raw socket of protocol 47 that sends 1 byte through SNAT gets EPERM, 2026-11-22.
 */
export function gre_manip_pkt(skb: SkBuff): boolean {
  return skb.iph.protocol !== IPPROTO_GRE || skb.payload.len >= GRE_HEADER_LEN;
}

/**
 * Rewrites the packet that an ICMP error quotes.
 *
 * C: net/netfilter/nf_nat_proto.c, nf_nat_ipv4_manip_pkt() at the offset of the quoted header. A TCP checksum is corrected only where
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
 * C: net/netfilter/nf_nat_proto.c, nf_nat_icmp_reply_translation().
 */
function nf_nat_icmp_reply_translation(net: World, skb: SkBuff, ct: NfConn, hooknum: number): HookResult {
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
