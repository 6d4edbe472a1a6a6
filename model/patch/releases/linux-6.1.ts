/** Linux 6.1: the reference release, which the rest of the model follows. */
import { __inet_hash_connect, inet_lookup } from '../../kernel/net/ipv4/inet_hashtables.ts';
import { ip_route_me_harder } from '../../kernel/net/ipv4/netfilter.ts';
import { rtoBase } from '../../kernel/net/ipv4/tcp_timer.ts';
import type { FibRule } from '../../types/route.ts';
import { IPV4_TCP_SK, type Sock } from '../../types/sock.ts';
import type { Release } from '../../types/world.ts';

/** The request, or the child of Fast Open. C: net/ipv4/tcp_output.c, tcp_make_synack(). Left out: SYN cookies, which set none. */
function synackOwner(sk: Sock, req: Sock, fastopen: boolean): number {
  return fastopen ? sk.id : req.id;
}

/** The control socket, whatever it answers for. C: net/ipv4/ip_output.c, ip_send_unicast_reply(). */
function replyOwner(): number {
  return IPV4_TCP_SK;
}

/** The mark of the route. C: net/ipv4/ip_output.c, ip_send_unicast_reply(). */
function replyMark(mark: number): number {
  return mark;
}

/** Every kind that a host file accepts. C: net/core/rtnetlink.c, rtnl_link_ops_get(). */
function rtnl_link_ops_get(): boolean {
  return true;
}

/** Every selector. C: net/core/fib_rules.c, fib_nl2rule(). */
function fib_nl2rule(rule: FibRule): FibRule {
  return rule;
}

export const linux61: Release = {
  release: '6.1',
  about: 'SYN-ACKs belong to request sockets, resets to a control socket; the reference',
  ip_route_me_harder,
  synackOwner,
  replyOwner,
  replyMark,
  inet_lookup,
  __inet_hash_connect,
  rtnl_link_ops_get,
  fib_nl2rule,
  multipath_by_saddr: false,
  // C: net/ipv4/tcp_ipv4.c, tcp_v4_destroy_sock(). Observed: the test kernel, Linux 6.1.192, 2026-11-28.
  md5UntilDestruct: false,
  // C: net/ipv4/raw.c, raw_send_hdrinc().
  refusesShortHeader: true,
  resetCloses: true,
  rtoBase,
};
