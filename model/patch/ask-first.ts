/** Not in the hook: connect() and sendmsg() ask what mark a packet will get, and choose its source by that. */

import { RTO_ONLINK } from '../kernel/include/net/inet_sock.ts';
import { skbLen } from '../kernel/net/core/skbuff.ts';
import { ICMP_ECHO } from '../kernel/net/ipv4/icmp.ts';
import { ip_route_output_flow } from '../kernel/net/ipv4/route.ts';
import { UDPHDR_LEN } from '../kernel/net/ipv4/udp.ts';
import { l3mdev_master_ifindex_by_index } from '../kernel/net/l3mdev/l3mdev.ts';
import { showInstead } from '../types/effects.ts';
import { NO_PATCH } from '../types/faults.ts';
import { NO_IPH, NO_TH, type SkBuff, TCPHDR_SYN } from '../types/packet.ts';
import { type FlowI4, RT_SCOPE_LINK, type Rtable } from '../types/route.ts';
import type { Sock } from '../types/sock.ts';
import { NF_INET_LOCAL_OUT } from '../types/verdict.ts';
import type { ChosenSource, Effect, Kernel, World } from '../types/world.ts';
import { ipt_mangle_source } from './ask-first.c';
import { stock } from './stock.ts';

/** Words of 32 bits in the header of an ordinary SYN: MSS, SACK, timestamps and window scale. */
const SYN_WORDS = 10;

/** The packet as it would be sent, as far as it is known. */
function probe(sk: Sock, rt: Rtable, fl4: FlowI4, transport: SkBuff): SkBuff {
  const protocol = sk.sk_protocol;
  const { saddr, daddr, flowi4_mark: mark, fl4_sport: source, fl4_dport: dest } = fl4;
  const iph = { ...NO_IPH, tos: sk.tos, ttl: 64, protocol, saddr, daddr };
  const th = { ...NO_TH, source, dest, flags: TCPHDR_SYN, doff: SYN_WORDS };
  const length = transport.uh.len === 0 ? UDPHDR_LEN : transport.uh.len;
  const uh = { ...transport.uh, source, dest, len: length };
  const icmph = { type: ICMP_ECHO, code: 0, checksum: 0, id: sk.inet_sport, sequence: 1 };
  const skb = { ...transport, sk: sk.id, mark, dst: rt, iph, th, uh };
  const known = transport.icmph.type === ICMP_ECHO ? transport.icmph : icmph;
  return { ...skb, icmph: known, iph: { ...iph, tot_len: skbLen(skb) } };
}

/** What happened before, and faults of the text: its lookups are of no packet. */
function withoutLookups(net: World, from: number): World {
  let effects: readonly Effect[] = [];
  for (let at = 0; at < net.effects.length; at += 1) {
    const effect = net.effects[at] as Effect;
    const isFault = effect.kind === 'wrong-kind' || effect.kind === 'use-after-free';
    effects = at < from || isFault ? [...effects, effect] : effects;
  }
  return showInstead(net, effects);
}

/**
 * Asks for the source before the lookup, unless the user has given one, or a link. Where the route's device is in a VRF, which shows the packet to the rules twice,
 * nothing is asked.
 *
 * Not in the kernel: reroute_source() of conformance/patched/glue.patch.
 */
export function chooseSource(kernel: Kernel, net: World, sk: Sock, flp4: FlowI4, transport: SkBuff): ChosenSource {
  const asIs = { saddr: flp4.saddr, mark: flp4.flowi4_mark };
  const onLink = flp4.flowi4_scope === RT_SCOPE_LINK || (flp4.flowi4_tos & RTO_ONLINK) !== 0;
  if (flp4.saddr !== 0 || flp4.daddr === 0 || transport.saddr_given || onLink) return { ...asIs, net };
  const { rt, fl4 } = ip_route_output_flow(net, flp4);
  if (rt.err < 0 || l3mdev_master_ifindex_by_index(net, rt.dev) !== 0) return { ...asIs, net };
  const state = { hook: NF_INET_LOCAL_OUT, in: 0, out: rt.dev, sk: sk.id };
  const { length } = net.effects;
  const asked = kernel.ipt_mangle_source(kernel, net, probe(sk, rt, fl4, transport), state);
  const after = withoutLookups(asked.net, length);
  if (asked.verdict === fl4.saddr) return { ...asIs, net: after };
  return { saddr: asked.verdict, mark: asked.skb.mark, net: after };
}

export const askFirst: Kernel = {
  ...stock,
  name: 'ask-first',
  title: 'connect() and sendmsg() ask for the mark before they choose a source; the hook stays as it is',
  ipt_mangle_source,
  chooseSource,
  patch: { ...NO_PATCH, text: 'ask-first' },
};
