/** What TCP remembers of a peer. C: net/ipv4/tcp_metrics.c. */
import type { Sock } from './types/sock.ts';
import type { TcpMetrics, World } from './types/world.ts';

/**
 * The cookie kept for the socket's address pair, as its fields are at the moment of the call; 0 for none.
 *
 * C: net/ipv4/tcp_metrics.c, tcp_fastopen_cache_get(). Left out: the cached MSS.
 */
export function tcp_fastopen_cache_get(net: World, sk: Sock): number {
  let cookie = 0;
  for (const tm of net.metrics) {
    cookie = tm.saddr === sk.inet_saddr && tm.daddr === sk.inet_daddr ? tm.cookie : cookie;
  }
  return cookie;
}

/**
 * Keeps a cookie for the socket's address pair.
 *
 * C: net/ipv4/tcp_metrics.c, tcp_fastopen_cache_set().
 * Left out: the MSS and the counts of lost SYNs, which nothing in the release reads to decide about the next SYN.
 */
export function tcp_fastopen_cache_set(net: World, sk: Sock, cookie: number): World {
  if (cookie === 0) return net;
  let metrics: readonly TcpMetrics[] = [];
  for (const tm of net.metrics) {
    metrics = tm.saddr === sk.inet_saddr && tm.daddr === sk.inet_daddr ? metrics : [...metrics, tm];
  }
  return { ...net, metrics: [...metrics, { saddr: sk.inet_saddr, daddr: sk.inet_daddr, cookie }] };
}
