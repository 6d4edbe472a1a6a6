/** The match on every nth packet. */
import type { World } from '../../../types/world.ts';
import { countOf, type EntryMatch, getTable, setCount, setTable } from '../ipv4/netfilter/ip_tables.ts';

/**
 * Counts a packet and matches every n-th.
 *
 * C: net/netfilter/xt_statistic.c, statistic_mt(): the counter there runs up to n - 1 from n - 1 - packet.
 */
export function statistic_mt(
  net: World,
  table: string,
  id: number,
  m: { readonly every: number; readonly packet: number; readonly invert: boolean },
): EntryMatch {
  const counted = getTable(net, table);
  const count = countOf(counted, id);
  const next = count + 1 === m.every ? 0 : count + 1;
  return { hit: (count === m.packet) !== m.invert, net: setTable(net, setCount(counted, id, next)) };
}
