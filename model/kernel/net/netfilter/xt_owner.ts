/** The match on a socket's owner. */
import { getSock } from '../../../types/lookup.ts';
import type { SkBuff } from '../../../types/packet.ts';
import { SOCK_NONE, SOCK_PING, SOCK_RAW, SOCK_TCP, SOCK_UDP } from '../../../types/sock.ts';
import type { World } from '../../../types/world.ts';
import { sk_to_full_sk } from '../core/sock.ts';

/**
 * Whether the packet's socket belongs to one of the users; a packet without a user's socket belongs to nobody.
 *
 * C: net/netfilter/xt_owner.c, owner_mt(); the kernel's own sockets have no file, closed ones no socket.
 */
export function owner_mt(net: World, skb: SkBuff, uid_min: number, uid_max: number): boolean {
  const sk = sk_to_full_sk(net, getSock(net, skb.sk));
  const user = sk.kind === SOCK_TCP || sk.kind === SOCK_UDP || sk.kind === SOCK_RAW || sk.kind === SOCK_PING;
  return sk.kind !== SOCK_NONE && user && !sk.orphan && sk.sk_uid >= uid_min && sk.sk_uid <= uid_max;
}
