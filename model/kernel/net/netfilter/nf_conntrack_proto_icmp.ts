/** Connection tracking of ICMP: echoes, and errors about other connections. */
import type { SkBuff } from '../../../types/packet.ts';
import { IP_CT_RELATED, NF_ACCEPT, type NfConn, type NfHookState } from '../../../types/verdict.ts';
import type { World } from '../../../types/world.ts';
import {
  ctTuple,
  ICMP_ADDRESS,
  ICMP_ADDRESSREPLY,
  ICMP_ECHO,
  ICMP_ECHOREPLY,
  ICMP_INFO_REPLY,
  ICMP_INFO_REQUEST,
  ICMP_TIMEOUT,
  ICMP_TIMESTAMP,
  ICMP_TIMESTAMPREPLY,
  icmp_is_err,
  invalid,
  NR_ICMP_TYPES,
  nf_conntrack_find_get,
  nf_ct_invert_tuple,
  nf_ct_invertible,
  nf_ct_zone_tmpl,
  QUOTED_WORDS,
  quotedTuple,
} from './nf_conntrack_core.ts';
import type { Tracked } from './nf_conntrack_proto_tcp.ts';
import { nf_checksum } from './utils.ts';

/** The type that answers an ICMP type, -1 for a type that no other one answers. C: net/netfilter/nf_conntrack_proto_icmp.c, invmap. */
export function invmap(type: number): number {
  return type === ICMP_ECHO
    ? ICMP_ECHOREPLY
    : type === ICMP_ECHOREPLY
      ? ICMP_ECHO
      : type === ICMP_TIMESTAMP
        ? ICMP_TIMESTAMPREPLY
        : type === ICMP_TIMESTAMPREPLY
          ? ICMP_TIMESTAMP
          : type === ICMP_INFO_REQUEST
            ? ICMP_INFO_REPLY
            : type === ICMP_INFO_REPLY
              ? ICMP_INFO_REQUEST
              : type === ICMP_ADDRESS
                ? ICMP_ADDRESSREPLY
                : type === ICMP_ADDRESSREPLY
                  ? ICMP_ADDRESS
                  : -1;
}

/** Only a request starts an entry. C: net/netfilter/nf_conntrack_proto_icmp.c, nf_conntrack_icmp_packet(). */
export function nf_conntrack_icmp_packet(net: World, ct: NfConn): Tracked {
  const type = ct.original.dport >>> 8;
  const valid_new =
    type === ICMP_ECHO || type === ICMP_TIMESTAMP || type === ICMP_INFO_REQUEST || type === ICMP_ADDRESS;
  return { ret: valid_new ? NF_ACCEPT : -NF_ACCEPT, ct: { ...ct, timeout: net.now + ICMP_TIMEOUT } };
}

/**
 * Relates an ICMP error to the connection of the packet that it quotes.
 *
 * C: net/netfilter/nf_conntrack_proto_icmp.c, nf_conntrack_icmpv4_error(), nf_conntrack_inet_error(). `done` says that the packet is
 * no echo or other query, so that no entry is looked up for it.
 */
export function nf_conntrack_icmpv4_error(net: World, skb: SkBuff, state: NfHookState): { done: boolean; skb: SkBuff } {
  const refused = { done: true, skb: invalid(skb) };
  if (nf_checksum(skb, state) || skb.icmph.type > NR_ICMP_TYPES) return refused;
  if (!icmp_is_err(skb.icmph.type)) return { done: false, skb };
  if (skb.payload.words.length < QUOTED_WORDS) return refused;
  const origtuple = quotedTuple(skb);
  if (!nf_ct_invertible(origtuple)) return refused;
  const { ct, dir } = nf_conntrack_find_get(net, nf_ct_zone_tmpl(skb), nf_ct_invert_tuple(origtuple));
  if (ct.id === 0) return refused;
  if (skb.iph.daddr !== ctTuple(ct, dir).dst) return refused;
  return { done: true, skb: { ...skb, ct: ct.id, ctdir: dir, ctinfo: IP_CT_RELATED } };
}
