/**
 * Linux 4.1 to 4.3, the post's own era. The `C:` lines of this file refer to 4.1.
 *
 * Left out, because no outcome hangs on it: an illegal verdict is leaked as in 6.1 (nf_hook_slow() matches none of its
 * cases); a failed lookup gives -ENETUNREACH whatever the route said; ports up to 61000; the control socket is the
 * namespace's own; multipath without a hash; a local packet without a device of its own comes in by lo in the eyes of sockets, and for raw ones always; a request's tuple does not keep a connecting socket from it.
 */
import { inet_sk_get_local_port_range } from '../../kernel/net/ipv4/inet_connection_sock.ts';
import {
  __inet_check_established,
  __inet_lookup_established,
  __inet_lookup_listener,
  inet_bind_bucket_find,
  inet_ehash_nolisten,
  takePort,
  tryPort,
} from '../../kernel/net/ipv4/inet_hashtables.ts';
import { TCP_RTO_MIN } from '../../kernel/net/ipv4/tcp_timer.ts';
import { EADDRNOTAVAIL } from '../../types/errno.ts';
import { getSock } from '../../types/lookup.ts';
import type { SkBuff } from '../../types/packet.ts';
import { type FibRule, NO_RULE } from '../../types/route.ts';
import { NO_SOCK, SOCK_REQUEST, type Sock } from '../../types/sock.ts';
import type { Kernel, Release, Result, World } from '../../types/world.ts';
import { linux61 } from './linux-6.1.ts';

/**
 * As in 6.1, by the socket that the packet points to: for a tunnel's outer header the inner sender's. state->sk is not
 * looked at. C: net/ipv4/netfilter.c, ip_route_me_harder().
 */
function ip_route_me_harder(
  net: World,
  _owner: Sock,
  skb: SkBuff,
  addr_type: number,
): { err: number; skb: SkBuff; net: World } {
  return linux61.ip_route_me_harder(net, getSock(net, skb.sk), skb, addr_type);
}

/** The listener, for Fast Open too. C: net/ipv4/tcp_output.c, tcp_make_synack(): sock_wmalloc(sk). */
function synackOwner(sk: Sock, req: Sock, fastopen: boolean): number {
  return fastopen ? req.parent : sk.id;
}

/** The control socket's sk_mark, 0; the route alone knows the reflected one. C: net/ipv4/ip_output.c, ip_send_unicast_reply(). */
function replyMark(): number {
  return 0;
}

/**
 * Established sockets, then the listener, then the requests of that listener: they are in its own table, not in ehash,
 * and nobody finds them when the listener is not found.
 *
 * C: net/ipv4/tcp_ipv4.c, tcp_v4_rcv() and tcp_v4_hnd_req(); net/ipv4/inet_connection_sock.c, inet_csk_search_req().
 */
function inet_lookup(
  kernel: Kernel,
  net: World,
  saddr: number,
  sport: number,
  daddr: number,
  dport: number,
  dif: number,
  sdif: number,
): Sock {
  const sk = __inet_lookup_established(kernel, net, saddr, sport, daddr, dport, dif, sdif);
  if (sk.id !== 0 && sk.kind !== SOCK_REQUEST) return sk;
  const listener = __inet_lookup_listener(net, daddr, dport, dif, sdif);
  if (sk.id === 0) return listener;
  return listener.id === sk.parent ? sk : NO_SOCK;
}

/**
 * Every port in order from a start; a port that the socket has and shares with nobody is taken unchecked.
 *
 * C: net/ipv4/inet_hashtables.c, __inet_hash_connect().
 */
function __inet_hash_connect(kernel: Kernel, net: World, sk: number, port_offset: number): Result {
  const { inet_num } = getSock(net, sk);
  if (inet_num !== 0) {
    const { owners } = inet_bind_bucket_find(net, inet_num);
    if (owners.length === 1) return { err: 0, net: inet_ehash_nolisten(kernel, net, sk, 0).net };
    return __inet_check_established(kernel, net, sk, inet_num, false);
  }
  const { low, high } = inet_sk_get_local_port_range(net);
  const remaining = high - low + 1;
  const offset = ((net.table_perturb + port_offset) >>> 0) % remaining;
  for (let step = 0; step < remaining; step += 1) {
    const port = low + ((step + offset) % remaining);
    const { found, tw, net: tried } = tryPort(kernel, net, sk, port);
    if (found) {
      const hint = (net.table_perturb + step + 1) >>> 0;
      return takePort(kernel, { ...tried, table_perturb: hint }, sk, port, tw);
    }
  }
  return { err: -EADDRNOTAVAIL, net };
}

/**
 * Without user, protocol and ports: the attributes are unknown and passed over, so that such a rule is for everybody.
 *
 * C: include/net/fib_rules.h, FRA_GENERIC_POLICY; lib/nlattr.c, nla_parse().
 */
function fib_nl2rule(rule: FibRule): FibRule {
  const { uid_start, uid_end, ip_proto, sport_start, sport_end, dport_start, dport_end } = NO_RULE;
  return { ...rule, uid_start, uid_end, ip_proto, sport_start, sport_end, dport_start, dport_end };
}

/** There are no VRFs before 4.3. C: net/core/rtnetlink.c, rtnl_link_ops_get(). */
function rtnl_link_ops_get(kind: string): boolean {
  return kind !== 'vrf';
}

/** 200 ms in every state where the cached route is concerned. C: net/ipv4/tcp_timer.c, tcp_retransmit_timer(): syn_set 0. */
function rtoBase(): number {
  return TCP_RTO_MIN;
}

export const linux41: Release = {
  ...linux61,
  release: '4.1',
  about: 'SYN-ACKs belong to their listener, which the patch takes for a socket without an address',
  ip_route_me_harder,
  synackOwner,
  replyMark,
  inet_lookup,
  __inet_hash_connect,
  rtnl_link_ops_get,
  fib_nl2rule,
  // C: net/ipv4/raw.c, raw_send_hdrinc(), which looks at headers that are longer than the packet alone.
  refusesShortHeader: false,
  // C: net/ipv4/netfilter/nf_reject_ipv4.c, nf_send_reset().
  resetCloses: false,
  rtoBase,
};
