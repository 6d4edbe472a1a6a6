/** The options of a socket, and the route that it remembers. */
import { EINVAL, ENODEV } from '../../../types/errno.ts';
import type { EventOf } from '../../../types/event.ts';
import { dropSock, getSock, setSock } from '../../../types/lookup.ts';
import { NO_DST, type Rtable } from '../../../types/route.ts';
import { SOCK_REQUEST, SOCK_TCP, type Sock } from '../../../types/sock.ts';
import type { Result, World } from '../../../types/world.ts';
import { INET_ECN_MASK } from '../../include/net/inet_ecn.ts';
import { ipv4_dst_check } from '../ipv4/route.ts';
import { l3mdev_master_ifindex_rcu } from '../l3mdev/l3mdev.ts';
import { dev_get_by_name } from './dev.ts';

/**
 * The options of a new socket: SO_MARK, SO_BINDTODEVICE, SO_DONTROUTE, SO_BROADCAST, IP_UNICAST_IF, IP_TOS, IP_TRANSPARENT and
 * TCP_MD5SIG.
 *
 * C: net/core/sock.c, sock_common_setsockopt(), sk_setsockopt() and sock_bindtoindex(); net/ipv4/ip_sockglue.c,
 * do_ip_setsockopt() and __ip_sock_set_tos(); net/ipv4/tcp.c, do_tcp_setsockopt().
 */
export function sock_common_setsockopt(net: World, sk: number, options: EventOf<'socket'>): Result {
  const dev = dev_get_by_name(net, options.dev);
  if (options.dev !== '' && dev.ifindex === 0) return { err: -ENODEV, net };
  const unicastIf = dev_get_by_name(net, options.unicastIf);
  if (options.unicastIf !== '' && unicastIf.ifindex === 0) return { err: -ENODEV, net };
  const domain = l3mdev_master_ifindex_rcu(unicastIf);
  if (unicastIf.ifindex !== 0 && dev.ifindex !== 0 && domain !== dev.ifindex) return { err: -EINVAL, net };
  const plain = getSock(net, sk);
  const set = {
    ...plain,
    sk_mark: options.mark,
    sk_bound_dev_if: dev.ifindex,
    sk_localroute: options.dontroute,
    sk_broadcast: options.broadcast,
    uc_index: unicastIf.ifindex,
    tos: plain.kind === SOCK_TCP ? options.tos & ~INET_ECN_MASK : options.tos,
    transparent: options.transparent,
    md5: options.md5,
  };
  return { err: 0, net: setSock(net, set) };
}

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
