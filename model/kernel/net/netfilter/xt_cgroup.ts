/** The match on a socket's control group. */
import { getSock } from '../../../types/lookup.ts';
import type { SkBuff } from '../../../types/packet.ts';
import { SOCK_NONE, SOCK_REQUEST, SOCK_TIMEWAIT } from '../../../types/sock.ts';
import type { World } from '../../../types/world.ts';

/** Whether a path lies at or below another one, from its i-th letter on. C: include/linux/cgroup.h, cgroup_is_descendant(). */
function isBelow(path: string, ancestor: string, i: number): boolean {
  if (i >= ancestor.length) return path.length === ancestor.length || path[i] === '/';
  return i < path.length && path[i] === ancestor[i] && isBelow(path, ancestor, i + 1);
}

/**
 * Whether the socket is in that group of the unified hierarchy or below it, or in that class of net_cls; a packet without a
 * full socket is in none.
 *
 * C: net/netfilter/xt_cgroup.c, cgroup_mt_v2().
 * Left out: `cgroup_is_descendant()` of a group that was removed since.
 */
export function cgroup_mt(net: World, skb: SkBuff, info: { path: string; classid: number; invert: boolean }): boolean {
  const sk = getSock(net, skb.sk);
  if (sk.kind === SOCK_NONE || sk.kind === SOCK_REQUEST || sk.kind === SOCK_TIMEWAIT) return false;
  const { path, classid, invert } = info;
  const hit = path === '' ? sk.sk_classid === classid : path === '/' || isBelow(sk.sk_cgroup, path, 0);
  return hit !== invert;
}
