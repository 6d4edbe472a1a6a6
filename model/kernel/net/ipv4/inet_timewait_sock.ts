/** TIME_WAIT sockets: the small socket that keeps a tuple after its connection. C: net/ipv4/inet_timewait_sock.c. */

import { dropSock, getSock, oops, setSock } from '../../../types/lookup.ts';
import { NO_SOCK, SOCK_TIMEWAIT, type Sock, TCP_TIME_WAIT } from '../../../types/sock.ts';
import type { World } from '../../../types/world.ts';
import {
  inet_bind_bucket_destroy,
  inet_bind_bucket_find,
  sk_add_bind_node,
  sk_del_bind_node,
  sk_nulls_add_node,
} from './inet_hashtables.ts';

/**
 * A TIME_WAIT socket with the identity of `sk`, not yet in any table. It keeps the name; events cannot reach it.
 *
 * C: net/ipv4/inet_timewait_sock.c, inet_twsk_alloc().
 * Left out: the limit on their number (sysctl_max_tw_buckets), far above what a scenario opens.
 */
export function inet_twsk_alloc(net: World, sk: Sock, state: number): { readonly net: World; readonly tw: Sock } {
  const tw: Sock = {
    ...NO_SOCK,
    id: net.next_sock,
    name: sk.name,
    kind: SOCK_TIMEWAIT,
    orphan: true,
    sk_protocol: sk.sk_protocol,
    sk_state: TCP_TIME_WAIT,
    tw_substate: state,
    sk_bound_dev_if: sk.sk_bound_dev_if,
    inet_rcv_saddr: sk.inet_rcv_saddr,
    inet_daddr: sk.inet_daddr,
    inet_num: sk.inet_num,
    inet_sport: sk.inet_sport,
    inet_dport: sk.inet_dport,
    tos: sk.tos,
    transparent: sk.transparent,
    sk_hash: sk.sk_hash,
    parent: sk.id,
  };
  return { net: { ...net, next_sock: net.next_sock + 1 }, tw };
}

/**
 * Puts `tw` into the bind bucket and the place in ehash that `sk` has, and takes `sk` out of ehash.
 *
 * C: net/ipv4/inet_timewait_sock.c, inet_twsk_hashdance(). A socket without a bind bucket crashes it.
 * Left out: bhash2.
 */
export function inet_twsk_hashdance(net: World, tw: Sock, sk: number): World {
  const inet = getSock(net, sk);
  if (inet.icsk_bind_hash === 0) return oops(net, 'inet_twsk_hashdance', 'icsk_bind_hash is NULL');
  const bound: Sock = { ...tw, icsk_bind_hash: inet.icsk_bind_hash };
  const added = sk_add_bind_node({ ...net, socks: [...net.socks, bound] }, tw.id, inet.icsk_bind_hash);
  return setSock(sk_nulls_add_node(added, bound), { ...inet, hashed: false });
}

/** Takes `tw` out of its bind bucket. C: net/ipv4/inet_timewait_sock.c, inet_twsk_bind_unhash(). Left out: the second time. */
export function inet_twsk_bind_unhash(net: World, tw: number): World {
  const twsk = getSock(net, tw);
  const removed = setSock(sk_del_bind_node(net, tw, twsk.icsk_bind_hash), { ...twsk, icsk_bind_hash: 0 });
  return inet_bind_bucket_destroy(removed, inet_bind_bucket_find(removed, twsk.icsk_bind_hash));
}

/** Ends a TIME_WAIT: out of ehash, out of the bind bucket, gone. C: net/ipv4/inet_timewait_sock.c, inet_twsk_kill(). */
export function inet_twsk_kill(net: World, tw: number): World {
  return dropSock(inet_twsk_bind_unhash(net, tw), tw);
}

/** The same before its time. C: net/ipv4/inet_timewait_sock.c, inet_twsk_deschedule_put(). */
export function inet_twsk_deschedule_put(net: World, tw: number): World {
  return inet_twsk_kill(net, tw);
}

/** Sets the end of a TIME_WAIT. C: include/net/inet_timewait_sock.h, inet_twsk_reschedule(). */
export function inet_twsk_reschedule(net: World, tw: number, timeo: number): World {
  return setSock(net, { ...getSock(net, tw), expires: net.now + timeo });
}
