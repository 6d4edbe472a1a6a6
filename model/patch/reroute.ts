/** What both versions of the patch share: their own second lookup, and how they touch packet and socket. */

import { inet_sk_flowi_flags, RT_TOS } from '../kernel/include/net/inet_sock.ts';
import { dev_get_by_index } from '../kernel/net/core/dev.ts';
import { HH_DATA_ALIGN, pskb_expand_head } from '../kernel/net/core/skbuff.ts';
import { ip_route_output_key } from '../kernel/net/ipv4/route.ts';
import { emit } from '../types/effects.ts';
import { getSock } from '../types/lookup.ts';
import type { Iphdr, SkBuff, Tcphdr } from '../types/packet.ts';
import { type FlowI4, NO_FLOW } from '../types/route.ts';
import { SOCK_REQUEST, SOCK_TIMEWAIT, type Sock } from '../types/sock.ts';
import type { World } from '../types/world.ts';

/** A point between two statements of a patched region, as another CPU would find the sockets. */
export function micro(net: World, where: string): World {
  return emit(net, { kind: 'micro', where, socks: net.socks, bhash: net.bhash });
}

/**
 * The socket of that id, seen as an inet_sock.
 *
 * C: include/net/inet_sock.h, inet_sk(): a cast without a check. For a request or time-wait socket inet_saddr lies
 * beyond the object; until the patch writes there, what is read is taken as 0 (`picks.stack`), and the access is shown.
 * Observed: the first SYN-ACK of a marked listener leaves from the new address, its repetition from the old one (6.1.192
 * with the port of the patch, version 1, 2026-11-22).
 */
export function inet_sk(net: World, id: number, where: string): { sk: Sock; net: World } {
  const sk = getSock(net, id);
  const short = sk.kind === SOCK_REQUEST || sk.kind === SOCK_TIMEWAIT;
  if (!short) return { sk, net };
  return {
    sk: { ...sk, inet_saddr: sk.inet_saddr === 0 ? net.picks.stack : sk.inet_saddr },
    net: emit(net, { kind: 'wrong-kind', where, sk: id, sk_kind: sk.kind }),
  };
}

/**
 * The key of the patch's own lookup: the packet's destination, TOS and mark, the socket's device, no source.
 *
 * Patch: both versions; no ports, protocol, user or layer-3 master.
 */
export function rerouteKey(skb: SkBuff, sk: Sock): FlowI4 {
  return {
    ...NO_FLOW,
    saddr: 0,
    daddr: skb.iph.daddr,
    flowi4_tos: RT_TOS(skb.iph.tos),
    flowi4_oif: sk.sk_bound_dev_if,
    flowi4_mark: skb.mark,
    flowi4_flags: inet_sk_flowi_flags(sk),
  };
}

/**
 * The key as it is on the way past its initialiser: what nobody assigned is what the stack held.
 *
 * Patch: version 2, the jump to `doit`. `picks.stack` stands for that memory; the C standard leaves it open. Scope,
 * protocol, and the words for ports, user and layer-3 master take different bits of it.
 */
export function uninitialisedKey(net: World, key: FlowI4): FlowI4 {
  const { stack } = net.picks;
  return {
    ...key,
    flowi4_scope: stack & 0xff,
    flowi4_proto: (stack >>> 8) & 0xff,
    flowi4_uid: stack >>> 16,
    flowi4_l3mdev: stack >>> 16,
    fl4_sport: stack >>> 16,
    fl4_dport: stack >>> 16,
  };
}

/**
 * Routes the packet by `fl4` and makes room for the new device's header; `fl4.saddr` comes back chosen.
 *
 * Patch: ip_route_reroute(), ip_route_me_harder() without its address types and without IPsec. `moved` says that the
 * headers now live in another buffer than the pointers that the caller took before.
 */
export function ip_route_reroute(
  net: World,
  skb: SkBuff,
  fl4: FlowI4,
): { err: number; skb: SkBuff; fl4: FlowI4; moved: boolean; net: World } {
  const { rt, fl4: key } = ip_route_output_key(net, fl4);
  if (rt.err < 0) {
    return {
      err: rt.err,
      skb,
      fl4: key,
      moved: false,
      net: emit(net, { kind: 'reroute', before: skb, after: skb, err: rt.err, socks: net.socks }),
    };
  }
  const routed = { ...skb, dst: rt };
  const hh_len = dev_get_by_index(net, rt.dev).hard_header_len;
  const moved = routed.headroom < hh_len;
  const grown = moved ? pskb_expand_head(routed, HH_DATA_ALIGN(hh_len - routed.headroom)) : routed;
  return {
    err: 0,
    skb: grown,
    fl4: key,
    moved,
    net: emit(net, { kind: 'reroute', before: skb, after: grown, err: 0, socks: net.socks }),
  };
}

/**
 * Writes the IP header through a pointer taken before the lookup.
 *
 * Patch: `iph` is never taken again. After the headers moved, a cloned packet's old buffer survives in the write queue
 * and swallows the write; an uncloned one's is freed, and the write goes to freed memory.
 */
export function writeIph(net: World, skb: SkBuff, moved: boolean, iph: Iphdr): { skb: SkBuff; net: World } {
  if (!moved) return { skb: { ...skb, iph }, net };
  return { skb, net: skb.cloned ? net : emit(net, { kind: 'use-after-free', where: 'ipt_mangle_out', what: 'iph' }) };
}

/** The same for the TCP header. */
export function writeTh(net: World, skb: SkBuff, moved: boolean, th: Tcphdr): { skb: SkBuff; net: World } {
  if (!moved) return { skb: { ...skb, th }, net };
  return { skb, net: skb.cloned ? net : emit(net, { kind: 'use-after-free', where: 'ipt_mangle_out', what: 'th' }) };
}
