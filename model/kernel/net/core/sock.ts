/** The route that a socket remembers. */
import { dropSock, getSock, setSock } from '../../../types/lookup.ts';
import { NO_DST, type Rtable } from '../../../types/route.ts';
import { SOCK_REQUEST, type Sock } from '../../../types/sock.ts';
import type { World } from '../../../types/world.ts';
import { ipv4_dst_check } from '../ipv4/route.ts';

/** The socket with that route remembered. C: include/net/sock.h, __sk_dst_set(); net/core/sock.c, sk_setup_caps(). */
export function sk_setup_caps(sk: Sock, dst: Rtable): Sock {
  return { ...sk, sk_dst_cache: dst };
}

/** The socket without a remembered route. C: include/net/sock.h, sk_dst_reset(). */
export function sk_dst_reset(sk: Sock): Sock {
  return { ...sk, sk_dst_cache: NO_DST };
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

/** A datagram socket is gone at once. C: net/core/sock.c, sk_common_release(). */
export function sk_common_release(net: World, sk: number): World {
  return dropSock(net, sk);
}

/** The socket that holds a packet's file: a request socket's listener. C: include/net/sock.h, sk_to_full_sk(). */
export function sk_to_full_sk(net: World, sk: Sock): Sock {
  return sk.kind === SOCK_REQUEST ? getSock(net, sk.parent) : sk;
}
