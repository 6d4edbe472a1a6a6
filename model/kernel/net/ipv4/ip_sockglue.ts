/** What a user says of a packet beside it. C: net/ipv4/ip_sockglue.c. */

import { ENODEV } from '../../../types/errno.ts';
import type { Msghdr } from '../../../types/event.ts';
import { type Sock, TCP_ESTABLISHED } from '../../../types/sock.ts';
import type { World } from '../../../types/world.ts';
import { ipv4_is_lbcast, ipv4_is_multicast } from '../../include/linux/in.ts';
import { dev_get_by_name } from '../core/dev.ts';
import { l3mdev_master_ifindex_by_index, netif_index_is_l3_master } from '../l3mdev/l3mdev.ts';

/**
 * The addresses, the device and the mark of a message; `given`: its user chose source or link, or refused gateways.
 *
 * C: include/net/ip.h, struct ipcm_cookie.
 */
export interface IpcmAddrs {
  readonly err: number;
  readonly addr: number;
  readonly oif: number;
  readonly mark: number;
  readonly given: boolean;
}

/** Whether the user of a message refused gateways, as each sendmsg() asks. C: include/net/sock.h, SOCK_LOCALROUTE; include/linux/socket.h, MSG_DONTROUTE. */
export function refusesGateways(inet: Sock, msg: Msghdr): boolean {
  return inet.sk_localroute || msg.dontroute;
}

/**
 * The mark of a message from the socket's source: the socket's, or that of the lookup by which connect() chose the source.
 *
 * The second is another one only where a text is asked for a source; reroute_connected_mark() of conformance/patched/glue.patch.
 */
function messageMark(inet: Sock): number {
  return inet.sk_state === TCP_ESTABLISHED ? inet.cork_fl.flowi4_mark : inet.sk_mark;
}

/**
 * Source and device of a message: the socket's, unless IP_PKTINFO names others. It names both at once, so that a device
 * without an address takes the socket's address away.
 *
 * C: net/ipv4/ip_sockglue.c, ip_cmsg_send(), and include/net/ip.h, ipcm_init_sk().
 * Left out: IP_TTL, IP_TOS, IP_RETOPTS and SO_MARK as control messages.
 */
export function ip_cmsg_send(net: World, inet: Sock, msg: Msghdr): IpcmAddrs {
  const from = inet.hdrincl ? 0 : msg.from;
  if (from === 0 && msg.via === '') {
    const given = refusesGateways(inet, msg);
    const mark = given ? inet.sk_mark : messageMark(inet);
    return { err: 0, addr: inet.inet_saddr, oif: inet.sk_bound_dev_if, mark, given };
  }
  const { ifindex } = dev_get_by_name(net, msg.via);
  const err = msg.via !== '' && ifindex === 0 ? -ENODEV : 0;
  const oif = ifindex === 0 ? inet.sk_bound_dev_if : ifindex;
  return { err, addr: from, oif, mark: inet.sk_mark, given: true };
}

/**
 * The device of the lookup's key: the one asked for, else that of IP_UNICAST_IF. A VRF does not say by which link a group
 * goes.
 *
 * What ping_v4_sendmsg() and __ip4_datagram_connect() write into the key. Left out: IP_MULTICAST_IF.
 */
export function outputDevice(net: World, inet: Sock, oif: number, daddr: number): number {
  if (ipv4_is_multicast(daddr)) return netif_index_is_l3_master(net, oif) ? 0 : oif;
  return oif === 0 ? inet.uc_index : oif;
}

/**
 * The same for sockets to which a VRF does not say either by which link a broadcast goes.
 *
 * What udp_sendmsg() and raw_sendmsg() write into the key.
 */
export function broadcastDevice(net: World, inet: Sock, oif: number, daddr: number): number {
  const within = inet.uc_index !== 0 && oif === l3mdev_master_ifindex_by_index(net, inet.uc_index);
  return within && ipv4_is_lbcast(daddr) ? inet.uc_index : outputDevice(net, inet, oif, daddr);
}
