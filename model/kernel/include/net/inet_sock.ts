/** What the IPv4 senders derive from a socket before they look up a route. C: include/net/inet_sock.h, route.h, ip.h. */
import { FLOWI_FLAG_ANYSRC, RTN_BROADCAST, RTN_LOCAL, RTN_MULTICAST } from '../../../types/route.ts';
import type { Sock } from '../../../types/sock.ts';
import type { World } from '../../../types/world.ts';

/** Bits of the TOS byte that a route lookup gets; the lowest bit of the key is RTO_ONLINK. */
const IPTOS_TOS_MASK = 0x1e;

/** The key accepts only directly connected destinations. C: include/net/route.h. */
export const RTO_ONLINK = 0x01;

/** C: include/net/route.h, RT_TOS(). */
export function RT_TOS(tos: number): number {
  return tos & IPTOS_TOS_MASK;
}

/** C: include/net/route.h, RT_CONN_FLAGS_TOS(). */
export function RT_CONN_FLAGS_TOS(sk: Sock, tos: number): number {
  return RT_TOS(tos) | (sk.sk_localroute ? RTO_ONLINK : 0);
}

/** C: include/net/route.h, RT_CONN_FLAGS(). */
export function RT_CONN_FLAGS(sk: Sock): number {
  return RT_CONN_FLAGS_TOS(sk, sk.tos);
}

/** C: include/net/inet_sock.h, inet_sk_flowi_flags(). */
export function inet_sk_flowi_flags(sk: Sock): number {
  return sk.transparent || sk.hdrincl ? FLOWI_FLAG_ANYSRC : 0;
}

/** The mark of a packet that the kernel sends in answer to one with `mark`. C: include/net/ip.h, IP4_REPLY_MARK(). */
export function IP4_REPLY_MARK(net: World, mark: number): number {
  return net.sysctl.fwmark_reflect !== 0 ? mark : 0;
}

/**
 * Whether a socket bound to a device, or (0) to none, takes packets of device `dif`, which is the VRF of link `sdif` where that is
 * not 0. An unbound socket takes those of VRFs only with `l3mdev_accept`.
 *
 * C: include/net/inet_sock.h, inet_bound_dev_eq().
 */
export function inet_bound_dev_eq(l3mdev_accept: boolean, bound_dev_if: number, dif: number, sdif: number): boolean {
  if (bound_dev_if === 0) return sdif === 0 || l3mdev_accept;
  return bound_dev_if === dif || bound_dev_if === sdif;
}

/** C: include/net/inet_sock.h, inet_can_nonlocal_bind(). Left out: IP_FREEBIND. */
export function inet_can_nonlocal_bind(net: World, inet: Sock): boolean {
  return net.sysctl.ip_nonlocal_bind !== 0 || inet.transparent;
}

/** Whether the socket may be bound to `addr`, of type `addr_type`. C: include/net/inet_sock.h, inet_addr_valid_or_nonlocal(). */
export function inet_addr_valid_or_nonlocal(net: World, inet: Sock, addr: number, addr_type: number): boolean {
  return (
    inet_can_nonlocal_bind(net, inet) ||
    addr === 0 ||
    addr_type === RTN_LOCAL ||
    addr_type === RTN_MULTICAST ||
    addr_type === RTN_BROADCAST
  );
}
