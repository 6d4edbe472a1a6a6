/** The route that a socket remembers. */
import { getSock, setSock } from './net.ts';
import { NO_DST, type Rtable } from './types/route.ts';
import type { Sock } from './types/sock.ts';
import type { World } from './types/world.ts';

/** The socket with that route remembered. C: include/net/sock.h, __sk_dst_set(); net/core/sock.c, sk_setup_caps(). */
export function sk_setup_caps(sk: Sock, dst: Rtable): Sock {
  return { ...sk, sk_dst_cache: dst };
}

/** The socket without a remembered route. C: include/net/sock.h, sk_dst_reset(). */
export function sk_dst_reset(sk: Sock): Sock {
  return { ...sk, sk_dst_cache: NO_DST };
}

/** Whether a route may still be used. C: net/ipv4/route.c, ipv4_dst_check() and rt_is_expired(). */
export function ipv4_dst_check(net: World, dst: Rtable): boolean {
  return dst.rt_genid === net.rt_genid;
}

/**
 * The route that socket `sk` remembers, NO_DST when there is none; one that has become obsolete is forgotten.
 *
 * C: net/core/sock.c, __sk_dst_check() and sk_dst_check().
 */
export function __sk_dst_check(net: World, sk: number): { dst: Rtable; net: World } {
  const { sk_dst_cache: dst } = getSock(net, sk);
  if (dst.dev !== 0 && !ipv4_dst_check(net, dst)) {
    return { dst: NO_DST, net: setSock(net, sk_dst_reset(getSock(net, sk))) };
  }
  return { dst, net };
}

/** The error that waits for the next system call, negative, and the socket without it. C: include/net/sock.h, sock_error(). */
export function sock_error(net: World, sk: number): { err: number; net: World } {
  const { sk_err } = getSock(net, sk);
  if (sk_err === 0) return { err: 0, net };
  return { err: -sk_err, net: setSock(net, { ...getSock(net, sk), sk_err: 0 }) };
}
