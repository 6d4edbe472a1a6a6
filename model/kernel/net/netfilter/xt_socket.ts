/** The match on the socket that a packet is for. */
import { getSock } from '../../../types/lookup.ts';
import type { SkBuff } from '../../../types/packet.ts';
import { SOCK_REQUEST, SOCK_TIMEWAIT } from '../../../types/sock.ts';
import type { NfHookState } from '../../../types/verdict.ts';
import type { Kernel, World } from '../../../types/world.ts';
import { nf_sk_lookup_slow_v4 } from '../ipv4/netfilter/nf_socket_ipv4.ts';

/**
 * Whether there is one: with `transparent` such a one, and without `nowildcard` one that does not receive at every address.
 *
 * C: net/netfilter/xt_socket.c, socket_match(). Left out: --restore-skmark.
 */
export function socket_match(
  kernel: Kernel,
  net: World,
  skb: SkBuff,
  state: NfHookState,
  transparent: boolean,
  nowildcard: boolean,
): boolean {
  const sk = skb.sk === 0 ? nf_sk_lookup_slow_v4(kernel, net, skb, state.in) : getSock(net, skb.sk);
  const fullsock = sk.kind !== SOCK_REQUEST && sk.kind !== SOCK_TIMEWAIT;
  const wildcard = !nowildcard && fullsock && sk.inet_rcv_saddr === 0;
  return sk.id !== 0 && !wildcard && (!transparent || sk.transparent);
}
