/** The match on every nth packet, or on packets at random. */
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

/**
 * Matches at random: `picks.random` says how the dice fall, its lowest bit for the first packet that asks, 0 for a hit.
 *
 * C: net/netfilter/xt_statistic.c, statistic_mt(), XT_STATISTIC_MODE_RANDOM.
 */
export function random_mt(net: World, m: { readonly probability: number; readonly invert: boolean }): EntryMatch {
  const free = m.probability > 0 && m.probability < 0x80000000;
  const hit = free ? (net.picks.random & 1) === 0 : m.probability > 0;
  const after = free ? { ...net, picks: { ...net.picks, random: net.picks.random >>> 1 } } : net;
  return { hit: hit !== m.invert, net: after };
}
