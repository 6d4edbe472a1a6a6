/** The match on a socket's owner. */
import { getSock } from '../../../types/lookup.ts';
import type { SkBuff } from '../../../types/packet.ts';
import { NO_SOCK, SOCK_CONTROL, SOCK_PING, SOCK_RAW, SOCK_TCP, SOCK_UDP, type Sock } from '../../../types/sock.ts';
import type { World } from '../../../types/world.ts';
import { sk_to_full_sk } from '../core/sock.ts';

/**
 * The packet's socket, if a user has it open; the kernel's own sockets have no file, closed ones no `sk_socket`.
 *
 * C: net/netfilter/xt_owner.c, owner_mt(), its first tests.
 */
function ownedSock(net: World, skb: SkBuff): Sock {
  const sk = sk_to_full_sk(net, getSock(net, skb.sk));
  const user = sk.kind === SOCK_TCP || sk.kind === SOCK_UDP || sk.kind === SOCK_RAW || sk.kind === SOCK_PING;
  return user && !sk.orphan ? sk : NO_SOCK;
}

/** Whether the packet's socket belongs to one of the users; a packet without a user's socket belongs to nobody. C: net/netfilter/xt_owner.c, owner_mt(). */
export function owner_mt(net: World, skb: SkBuff, uid_min: number, uid_max: number): boolean {
  const sk = ownedSock(net, skb);
  return sk.id !== 0 && sk.sk_uid >= uid_min && sk.sk_uid <= uid_max;
}

/** The same of its group. Left out: supplementary groups, of which no socket of a scenario has any. C: net/netfilter/xt_owner.c, owner_mt(). */
export function owner_gid_mt(net: World, skb: SkBuff, gid_min: number, gid_max: number): boolean {
  const sk = ownedSock(net, skb);
  return sk.id !== 0 && sk.sk_gid >= gid_min && sk.sk_gid <= gid_max;
}

/**
 * Whether there is a socket that is not closed; the kernel's own are such sockets, too.
 *
 * C: net/netfilter/xt_owner.c, owner_mt(), XT_OWNER_SOCKET.
 */
export function owner_exists_mt(net: World, skb: SkBuff): boolean {
  return ownedSock(net, skb).id !== 0 || getSock(net, skb.sk).kind === SOCK_CONTROL;
}
