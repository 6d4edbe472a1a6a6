/** NAT at its hooks. C: net/netfilter/nf_nat_proto.c; nf_nat_inet_fn() of nf_nat_core.c. */
import { ipt_do_table } from './ip_tables.ts';
import { getSock } from './net.ts';
import { nf_xfrm_me_harder } from './netfilter.ts';
import { ctTuple, getCt, nf_ct_kill } from './nf_conntrack.ts';
import {
  HOOK2MANIP,
  nf_nat_alloc_null_binding,
  nf_nat_icmp_reply_translation,
  nf_nat_initialized,
  nf_nat_packet,
} from './nf_nat.ts';
import { IPPROTO_ICMP, type SkBuff } from './types/packet.ts';
import { NO_DST, RTN_UNSPEC } from './types/route.ts';
import {
  IP_CT_DIR_ORIGINAL,
  IP_CT_DIR_REPLY,
  IP_CT_NEW,
  IP_CT_RELATED,
  NF_ACCEPT,
  NF_DROP,
  NF_DROP_ERR,
  NF_INET_POST_ROUTING,
  type NfConn,
  type NfHookState,
} from './types/verdict.ts';
import type { HookResult, Kernel, World } from './types/world.ts';

/**
 * Whether a masqueraded flow now leaves by another device.
 *
 * C: include/net/netfilter/nf_nat.h, nf_nat_oif_changed().
 * Observed: Linux 6.18: its next packet fails with EPERM, the one after that starts a new flow (2026-11-22).
 */
function nf_nat_oif_changed(state: NfHookState, skb: SkBuff, ct: NfConn): boolean {
  return (
    ct.masq_index !== 0 &&
    state.hook === NF_INET_POST_ROUTING &&
    skb.ctdir === IP_CT_DIR_ORIGINAL &&
    ct.masq_index !== state.out
  );
}

/**
 * Binds a new connection as the nat table says, or to itself, then rewrites the packet.
 *
 * C: net/netfilter/nf_nat_core.c, nf_nat_inet_fn(). Left out: layer-3 masters.
 */
function nf_nat_inet_fn(net: World, skb: SkBuff, state: NfHookState): HookResult {
  const ct = getCt(net, skb.ct);
  const maniptype = HOOK2MANIP(state.hook);
  const fresh = skb.ctinfo === IP_CT_NEW || skb.ctinfo === IP_CT_RELATED;
  if (fresh && !nf_nat_initialized(ct, maniptype)) {
    const { verdict: ret, skb: seen, net: after } = ipt_do_table(net, skb, state, net.nat);
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

/** C: nf_nat_proto.c, nf_nat_ipv4_fn(). */
function nf_nat_ipv4_fn(net: World, skb: SkBuff, state: NfHookState): HookResult {
  if (skb.ct === 0) return { verdict: NF_ACCEPT, skb, net };
  if (skb.ctinfo === IP_CT_RELATED && skb.iph.protocol === IPPROTO_ICMP) {
    return nf_nat_icmp_reply_translation(net, skb, getCt(net, skb.ct), state.hook);
  }
  return nf_nat_inet_fn(net, skb, state);
}

/** C: nf_nat_proto.c, nf_nat_ipv4_pre_routing(). */
export function nf_nat_ipv4_pre_routing(net: World, skb: SkBuff, state: NfHookState): HookResult {
  const { verdict: ret, skb: seen, net: after } = nf_nat_ipv4_fn(net, skb, state);
  const moved = ret === NF_ACCEPT && skb.iph.daddr !== seen.iph.daddr;
  return { verdict: ret, skb: moved ? { ...seen, dst: NO_DST } : seen, net: after };
}

/** C: nf_nat_proto.c, nf_nat_ipv4_local_in(). */
export function nf_nat_ipv4_local_in(net: World, skb: SkBuff, state: NfHookState): HookResult {
  const { verdict: ret, skb: seen, net: after } = nf_nat_ipv4_fn(net, skb, state);
  const moved = ret === NF_ACCEPT && skb.iph.saddr !== seen.iph.saddr;
  return { verdict: ret, skb: moved ? { ...seen, sk: 0 } : seen, net: after };
}

/** Asks the IPsec policies again when NAT changed the source. C: nf_nat_proto.c, nf_nat_ipv4_out(). */
export function nf_nat_ipv4_out(net: World, skb: SkBuff, state: NfHookState): HookResult {
  const { verdict: ret, skb: seen, net: after } = nf_nat_ipv4_fn(net, skb, state);
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

/** Routes the packet again when its connection goes to another destination. C: nf_nat_proto.c, nf_nat_ipv4_local_fn(). */
export function nf_nat_ipv4_local_fn(kernel: Kernel, net: World, skb: SkBuff, state: NfHookState): HookResult {
  const { verdict: ret, skb: seen, net: after } = nf_nat_ipv4_fn(net, skb, state);
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
