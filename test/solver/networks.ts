/** Symbolic networks for the routing fixtures, and random numbers for their variables. */
import { below, wordsOfSeed } from '../../scenario/random.ts';
import type { Fresh } from '../../solver/inputs.ts';

const WORD = 2 ** 32 - 1;

const many = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, at) => make(at));

/** Rules, tables and one packet, all numbers fresh. */
export function networkShape(fresh: Fresh, rules: number, tables: number, routes: number) {
  const rule = (r: number) => ({
    mark: fresh(`rule${r}.mark`, 0, WORD),
    mask: fresh(`rule${r}.mask`, 0, WORD),
    table: fresh(`rule${r}.table`, 0, tables - 1),
  });
  const route = (t: number, r: number) => ({
    dst: fresh(`route${t}.${r}.dst`, 0, WORD),
    plen: fresh(`route${t}.${r}.plen`, 0, 32),
    dev: fresh(`route${t}.${r}.dev`, 1, 4),
    src: fresh(`route${t}.${r}.src`, 0, WORD),
  });
  return {
    net: { rules: many(rules, rule), tables: many(tables, (t) => many(routes, (r) => route(t, r))), sent: 0 },
    skb: { mark: fresh('mark', 0, WORD), saddr: fresh('saddr', 0, WORD), daddr: fresh('daddr', 0, WORD), dev: 0 },
  };
}

/** Numbers of a seed, each below the one that is asked for. */
export function numbersOf(seed: number): (end: number) => number {
  const words = wordsOfSeed(seed);
  return (end) => below(words, end);
}

/** Values for every variable of a network, drawn from pools so that marks and prefixes meet. */
export function networkValues(
  next: (below: number) => number,
  rules: number,
  tables: number,
  routes: number,
): Record<string, number> {
  const pools: Record<string, readonly number[]> = {
    mark: [0, 100, 7, 0x1ff, 0xffffff64],
    mask: [0, 0xff, WORD, 100],
    dst: [0, 0x0a000000, 0x0a000001, 0xc0000000],
    plen: [0, 8, 24, 32],
    src: [0, 0x0a000001, 0x0a010001],
    saddr: [0, 0x0a000001],
    daddr: [0x0a000001, 0x0a0000ff, 0xc0000001],
  };
  const values: Record<string, number> = {};
  networkShape(
    (name, lo, hi) => {
      const pool = pools[name.split('.').at(-1) ?? ''] ?? [];
      values[name] = pool[next(pool.length + 1)] ?? lo + next(hi - lo + 1);
      return lo;
    },
    rules,
    tables,
    routes,
  );
  return values;
}
