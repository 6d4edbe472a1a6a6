/** The match on sets. */
import type { SkBuff } from '../../../types/packet.ts';
import type { SetDim } from '../../../types/verdict.ts';
import type { World } from '../../../types/world.ts';
import { ip_set_test } from './ipset/ip_set_core.ts';
import type { IfNames } from './x_tables.ts';

/** C: net/netfilter/xt_set.c, set_match_v4() and match_set(). Left out: counters. */
export function set_match(net: World, skb: SkBuff, names: IfNames, set: string, dims: readonly SetDim[]): boolean {
  return ip_set_test(net, set, skb, dims, names.indev, names.outdev);
}
