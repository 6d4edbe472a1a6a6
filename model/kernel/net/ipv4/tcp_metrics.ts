/** What TCP remembers of a peer. C: net/ipv4/tcp_metrics.c. */
import type { Sock } from '../../../types/sock.ts';
import type { TcpMetrics, World } from '../../../types/world.ts';

/** Nothing is known of the peer. */
const NO_METRICS: TcpMetrics = { saddr: 0, daddr: 0, mss: 0, cookie: 0 };

/** What is kept for the socket's address pair, as its fields are at the moment of the call. C: net/ipv4/tcp_metrics.c, tcp_get_metrics(). */
function tcp_get_metrics(net: World, sk: Sock): TcpMetrics {
  let found = NO_METRICS;
  for (const tm of net.metrics) found = tm.saddr === sk.inet_saddr && tm.daddr === sk.inet_daddr ? tm : found;
  return found;
}

/**
 * The cookie kept for the socket's address pair, 0 for none, and the MSS that the peer announced, 0 when unknown.
 *
 * C: net/ipv4/tcp_metrics.c, tcp_fastopen_cache_get().
 */
export function tcp_fastopen_cache_get(net: World, sk: Sock): { readonly mss: number; readonly cookie: number } {
  const { mss, cookie } = tcp_get_metrics(net, sk);
  return { mss, cookie };
}

/**
 * Keeps the peer's MSS and, if there is one, a cookie for the socket's address pair; nothing without a route.
 *
 * C: net/ipv4/tcp_metrics.c, tcp_fastopen_cache_set().
 * Left out: the counts of lost SYNs, which nothing in the release reads to decide about the next SYN; whether to try the
 * experimental option next time.
 */
export function tcp_fastopen_cache_set(net: World, sk: Sock, mss: number, cookie: number): World {
  if (sk.sk_dst_cache.dev === 0) return net;
  const old = tcp_get_metrics(net, sk);
  let metrics: readonly TcpMetrics[] = [];
  for (const tm of net.metrics) {
    metrics = tm.saddr === sk.inet_saddr && tm.daddr === sk.inet_daddr ? metrics : [...metrics, tm];
  }
  const tm: TcpMetrics = {
    saddr: sk.inet_saddr,
    daddr: sk.inet_daddr,
    mss: mss === 0 ? old.mss : mss,
    cookie: cookie === 0 ? old.cookie : cookie,
  };
  return { ...net, metrics: [...metrics, tm] };
}
