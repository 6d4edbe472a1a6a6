/** Connecting a datagram socket: UDP, ping and raw. */

import { EACCES } from '../../../types/errno.ts';
import { getSock, setSock } from '../../../types/lookup.ts';
import { RTN_BROADCAST } from '../../../types/route.ts';
import { SOCK_UDP, TCP_ESTABLISHED } from '../../../types/sock.ts';
import type { Kernel, World } from '../../../types/world.ts';
import { sk_dst_reset, sk_setup_caps } from '../core/sock.ts';
import type { Sending } from './ip_output.ts';
import { outputDevice } from './ip_sockglue.ts';
import { ip_route_connect } from './route.ts';
import { udp_v4_rehash } from './udp.ts';

/**
 * Fixes the peer, and with it route and source address. The key of the lookup stays in `cork_fl`.
 *
 * C: net/ipv4/datagram.c, __ip4_datagram_connect().
 * Left out: IP_MULTICAST_IF, txhash.
 */
export function ip4_datagram_connect(kernel: Kernel, start: World, sk: number, addr: number, port: number): Sending {
  const old = getSock(start, sk);
  const oif = outputDevice(start, old, old.sk_bound_dev_if, addr);
  const { inet_saddr, sk_protocol, inet_sport } = old;
  const route = ip_route_connect(kernel, start, addr, inet_saddr, oif, sk_protocol, inet_sport, port, old);
  const { rt, fl4, net: before } = route;
  const inet = sk_dst_reset(getSock(before, sk));
  const asked = { ...inet, cork_fl: fl4 };
  if (rt.err < 0) return { err: rt.err, net: setSock(before, asked) };
  if (rt.rt_type === RTN_BROADCAST && !inet.sk_broadcast) return { err: -EACCES, net: setSock(before, asked) };
  const wildcard = inet.inet_rcv_saddr === 0;
  const named = {
    ...asked,
    inet_saddr: inet.inet_saddr === 0 ? fl4.saddr : inet.inet_saddr,
    inet_rcv_saddr: wildcard ? fl4.saddr : inet.inet_rcv_saddr,
  };
  const rehashed = wildcard && inet.kind === SOCK_UDP ? udp_v4_rehash(named) : named;
  const connected = { ...rehashed, inet_daddr: fl4.daddr, inet_dport: port, sk_state: TCP_ESTABLISHED };
  return { err: 0, net: setSock(before, sk_setup_caps(connected, rt)) };
}
