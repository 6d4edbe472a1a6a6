/** Routing lemmas: what a lookup prefers, and whether asking again with the source it chose gives the same route. */

import { newWorld } from '../../model/host/newWorld.ts';
import { inet_make_mask } from '../../model/kernel/include/linux/in.ts';
import { inet_select_addr } from '../../model/kernel/net/ipv4/devinet.ts';
import { fib_get_table } from '../../model/kernel/net/ipv4/fib_frontend.ts';
import { fib_table_lookup } from '../../model/kernel/net/ipv4/fib_trie.ts';
import { ip_route_output_key } from '../../model/kernel/net/ipv4/route.ts';
import { ip_route_reroute } from '../../model/patch/icmp-only.c';
import { newFrame } from '../../model/patch/memory.ts';
import { type InIfaddr, type NetDevice, NO_DEV, NO_IFADDR } from '../../model/types/net.ts';
import { NO_SKB, type SkBuff } from '../../model/types/packet.ts';
import {
  type FibAlias,
  type FibRule,
  type FibTable,
  FLOWI_FLAG_ANYSRC,
  type FlowI4,
  FR_ACT_TO_TBL,
  NO_FLOW,
  NO_ROUTE,
  NO_RULE,
  RT_SCOPE_LINK,
  RTN_UNICAST,
  RTN_UNREACHABLE,
} from '../../model/types/route.ts';
import type { World } from '../../model/types/world.ts';
import {
  asDrawn,
  type Filled,
  hostAddress,
  type Lemma,
  lemma,
  many,
  nothingAssumed,
  number,
  truth,
  word,
} from './lemma.ts';

/** The number of the first table; the others follow. */
const FIRST_TABLE = 100;

/** A host with two links, its rules and tables, and a packet with a mark to a unicast destination. */
function cell(rules: number, tables: number, routes: number) {
  const plen = number(0, 32);
  const table = number(FIRST_TABLE, FIRST_TABLE + tables - 1);
  const rule = { mark: word, mask: word, src: word, src_len: plen, dst: word, dst_len: plen, table };
  const prefsrc = number(0, 0xdfffffff);
  const route = { dst: word, plen, link: number(2, 3), gateway: word, prefsrc, reachable: truth };
  const shape = {
    rules: many(rules, rule),
    tables: many(tables, many(routes, route)),
    addresses: many(2, hostAddress),
    mark: word,
    daddr: hostAddress,
    saddr: hostAddress,
  };
  return { name: `${rules} rules x ${tables} tables x ${routes} routes`, shape };
}

type Network = Filled<ReturnType<typeof cell>['shape']>;
type Rule = Network['rules'][number];
type Route = Network['tables'][number][number];

function device(ifindex: number, name: string, address: number): NetDevice {
  const ifa: InIfaddr = {
    ...NO_IFADDR,
    ifa_local: address,
    ifa_address: address,
    ifa_prefixlen: 24,
    ifa_order: ifindex,
  };
  return { ...NO_DEV, ifindex, name, kind: 'veth', up: true, mtu: 1500, hard_header_len: 14, ifa_list: [ifa] };
}

function fibRule({ mark, mask, src, src_len, dst, dst_len, table }: Rule): FibRule {
  return { ...NO_RULE, pref: 100, action: FR_ACT_TO_TBL, mark, mark_mask: mask, src, src_len, dst, dst_len, table };
}

function fibAlias({ dst, plen, link, gateway, prefsrc, reachable }: Route): FibAlias {
  const fa_type = reachable ? RTN_UNICAST : RTN_UNREACHABLE;
  const nh = { nh_dev: link, nh_gw: gateway, nh_scope: RT_SCOPE_LINK };
  return { ...NO_ROUTE, dst, plen, fa_type, fib_scope: 0, fib_prefsrc: prefsrc, ...nh };
}

function worldOf(n: Network): World {
  const net = newWorld();
  let rules: readonly FibRule[] = [];
  for (const rule of n.rules) rules = [...rules, fibRule(rule)];
  let tables: readonly FibTable[] = [];
  for (const table of n.tables) {
    let aliases: readonly FibAlias[] = [];
    for (const route of table) aliases = [...aliases, fibAlias(route)];
    tables = [...tables, { tb_id: FIRST_TABLE + tables.length, aliases }];
  }
  const [first, second] = n.addresses;
  const devs = [...net.devs, device(2, 'eth0', first as number), device(3, 'eth1', second as number)];
  return { ...net, devs, rules, tables, fib_has_custom_rules: true };
}

/** Whether every table has its longest prefixes first: fib_insert_alias() keeps it so. */
function sorted(n: Network): boolean {
  let ok = true;
  for (const table of n.tables) {
    let last = 32;
    for (const route of table) {
      ok = ok && route.plen <= last;
      last = route.plen;
    }
  }
  return ok;
}

/** The network with prefix lengths cut so that they fall. */
function sortedInstance(n: Network): Network {
  let tables: Network['tables'] = [];
  for (const table of n.tables) {
    let routes: readonly Route[] = [];
    let last = 32;
    for (const route of table) {
      last = Math.min(last, route.plen);
      routes = [...routes, { ...route, plen: last }];
    }
    tables = [...tables, routes];
  }
  return { ...n, tables };
}

/** Whether an address lies in a prefix: nothing differs under the mask. prefix-match says the same by shifts. */
function covers(prefix: number, plen: number, addr: number): boolean {
  return ((addr ^ prefix) & inet_make_mask(plen)) === 0;
}

export const prefixMatch: Lemma = lemma({
  id: 'prefix-match',
  claim: 'A masked comparison finds exactly the addresses that agree with a prefix in its leading bits.',
  asked: ['RFC 4632 section 3.1'],
  over: 'words',
  scope: 'any prefix, any length, any address',
  cells: [{ name: 'all', shape: { prefix: word, plen: number(0, 32), addr: word } }],
  assumes: '',
  given: nothingAssumed,
  holds(_, { prefix, plen, addr }) {
    return covers(prefix, plen, addr) === (plen === 0 || (prefix ^ addr) >>> (32 - plen) === 0);
  },
  instance: asDrawn,
  expected: 'exhausted',
});

/** The longest prefix of a table that has the address, whatever the order; the first of equal ones. */
function longest(table: readonly Route[], addr: number): FibAlias {
  let best = NO_ROUTE;
  for (const route of table) {
    best = covers(route.dst, route.plen, addr) && route.plen > best.plen ? fibAlias(route) : best;
  }
  return best;
}

/** What the table of that number has for the destination, by longest(). */
function longestIn(n: Network, id: number): FibAlias {
  let at = FIRST_TABLE;
  let found = NO_ROUTE;
  for (const table of n.tables) {
    const here = longest(table, n.daddr);
    found = id === at ? here : found;
    at = at + 1;
  }
  return found;
}

/** For every rule the route of its table, by longestIn(). */
function longestByRule(n: Network): readonly FibAlias[] {
  let routes: readonly FibAlias[] = [];
  for (const rule of n.rules) routes = [...routes, longestIn(n, rule.table)];
  return routes;
}

/** The same by the kernel's own lookup in that table. */
function foundByRule(net: World, n: Network): readonly FibAlias[] {
  let routes: readonly FibAlias[] = [];
  for (const rule of n.rules) {
    const { fa } = fib_table_lookup(net, fib_get_table(net, rule.table), { ...NO_FLOW, daddr: n.daddr });
    routes = [...routes, fa];
  }
  return routes;
}

/** What the first rule says that applies and whose table has a route, by the words of ip-rule(8). */
function chosen(n: Network, mark: number, routes: readonly FibAlias[]): FibAlias {
  let best = NO_ROUTE;
  let i = 0;
  for (const rule of n.rules) {
    const applies: boolean =
      ((rule.mark ^ mark) & rule.mask) === 0 &&
      covers(rule.src, rule.src_len, 0) &&
      covers(rule.dst, rule.dst_len, n.daddr);
    best = applies && best.plen < 0 ? (routes[i] as FibAlias) : best;
    i = i + 1;
  }
  return best;
}

/** The route that ip-rule(8) and the longest prefix select. */
function preferred(n: Network, mark: number): FibAlias {
  return chosen(n, mark, longestByRule(n));
}

/** The source of a route: its own, else the address of its link. */
function sourceOf(net: World, fa: FibAlias): number {
  return fa.fib_prefsrc !== 0 ? fa.fib_prefsrc : inet_select_addr(net, fa.nh_dev, fa.nh_gw, fa.fib_scope);
}

function packet(n: Network): SkBuff {
  return { ...NO_SKB, mark: n.mark, headroom: 64, iph: { ...NO_SKB.iph, daddr: n.daddr } };
}

const SCOPE =
  'rules by mark, mask, source and destination prefix, each to any table; routes of any prefix, link, gateway and preferred source, reachable or not; any mark, any destination up to 223.255.255.255';

export const rerouteSource: Lemma = lemma({
  id: 'reroute-source-is-preferred',
  claim:
    "The patch's own lookup chooses the source that the route prefers which ip-rule(8) and the longest prefix select, and leaves by its link.",
  asked: ['the post: the source of the new route', 'ip-rule(8)', 'ip-route(8), src'],
  over: 'words',
  scope: SCOPE,
  cells: [cell(2, 2, 2)],
  assumes: 'tables are sorted by falling prefix length, as fib_insert_alias() keeps them',
  given(_, n) {
    return sorted(n);
  },
  holds(_, n) {
    return reroutesBy(n, worldOf(n), preferred(n, n.mark));
  },
  instance: sortedInstance,
  expected: 'exhausted',
});

/** The key of the patch's own lookup for a packet without TOS and without a bound socket. */
function keyOf({ daddr, mark }: Network): FlowI4 {
  return { ...NO_FLOW, daddr, flowi4_mark: mark };
}

function rerouteBy(net: World, skb: SkBuff, fl4: FlowI4): ReturnType<typeof ip_route_reroute> {
  return ip_route_reroute(net, skb, newFrame(net, skb), fl4);
}

/** Whether the patch's lookup takes the source and the way of that route, and fails when it is none to leave by. */
function reroutesBy(n: Network, net: World, fa: FibAlias): boolean {
  const { returned: err, fl4, skb } = rerouteBy(net, packet(n), keyOf(n));
  const source = sourceOf(net, fa);
  const found = fa.plen >= 0 && fa.fa_type === RTN_UNICAST && source >>> 24 !== 127;
  const right = fl4.saddr === source && skb.dst.dev === fa.nh_dev && skb.dst.rt_gw4 === fa.nh_gw;
  return found ? err === 0 && right : err < 0;
}

function tableCell(routes: number) {
  const { shape } = cell(0, 1, routes);
  return { name: `${routes} routes`, shape };
}

export const tableLongest: Lemma = lemma({
  id: 'table-finds-longest-prefix',
  claim:
    'What a table finds for a destination is the route with the longest prefix that has it, the first of equal ones.',
  asked: ['RFC 1812 section 5.2.4.3', 'fib_table_lookup()'],
  over: 'words',
  scope:
    'tables of up to eight routes: any prefix, link, gateway and preferred source, reachable or not; any destination',
  cells: [tableCell(1), tableCell(4), tableCell(8)],
  assumes: 'the table is sorted by falling prefix length, as fib_insert_alias() keeps it',
  given(_, n) {
    return sorted(n);
  },
  holds(_, n) {
    const net = worldOf(n);
    const { fa } = fib_table_lookup(net, fib_get_table(net, FIRST_TABLE), { ...NO_FLOW, daddr: n.daddr });
    return sameRoute(fa, longestIn(n, FIRST_TABLE));
  },
  instance: sortedInstance,
  expected: 'exhausted',
});

function numberedCell(tables: number, routes: number) {
  const { shape } = cell(0, tables, routes);
  const id = number(FIRST_TABLE, FIRST_TABLE + tables - 1);
  return { name: `${tables} tables x ${routes} routes`, shape: { n: shape, id } };
}

export const tableByNumber: Lemma = lemma({
  id: 'table-by-number',
  claim: 'Looking into the table of a number finds what that table finds.',
  asked: ['fib_get_table()'],
  over: 'words',
  scope: 'as of table-finds-longest-prefix, four tables of up to eight routes, sorted or not; any of their numbers',
  cells: [numberedCell(2, 2), numberedCell(4, 8)],
  assumes: '',
  given: nothingAssumed,
  holds(_, { n, id }) {
    const net = worldOf(n);
    const { aliases } = fib_get_table(net, id);
    let ok = true;
    for (const tb of net.tables) {
      let i = 0;
      for (const fa of tb.aliases) {
        ok = ok && (tb.tb_id !== id || sameRoute(fa, aliases[i] as FibAlias));
        i = i + 1;
      }
    }
    return ok;
  },
  instance: asDrawn,
  expected: 'exhausted',
});

function sameRoute(a: FibAlias, b: FibAlias): boolean {
  return (
    a.dst === b.dst &&
    a.plen === b.plen &&
    a.fa_type === b.fa_type &&
    a.fib_prefsrc === b.fib_prefsrc &&
    a.fib_scope === b.fib_scope &&
    a.nh_dev === b.nh_dev &&
    a.nh_gw === b.nh_gw
  );
}

/** Whether a second lookup, with the source that the first one chose, leaves by the same link and gateway. */
function sameAgain(n: Network): boolean {
  const net = worldOf(n);
  const key = { ...NO_FLOW, daddr: n.daddr, flowi4_mark: n.mark, flowi4_flags: FLOWI_FLAG_ANYSRC };
  const first = ip_route_output_key(net, key);
  const again = ip_route_output_key(net, { ...key, saddr: first.fl4.saddr });
  const same = again.rt.err === 0 && again.rt.dev === first.rt.dev && again.rt.rt_gw4 === first.rt.rt_gw4;
  return first.rt.err !== 0 || same;
}

/** No source prefix covers 0.0.0.0 but `from all`, and no source is a loopback address. */
function ordinary(n: Network): boolean {
  let ok = true;
  for (const rule of n.rules) ok = ok && (rule.src_len === 0 || !covers(rule.src, rule.src_len, 0));
  for (const address of n.addresses) ok = ok && address >>> 24 !== 127;
  for (const table of n.tables) for (const route of table) ok = ok && route.prefsrc >>> 24 !== 127;
  return ok;
}

function withoutFrom(n: Network): boolean {
  let ok = true;
  for (const rule of n.rules) ok = ok && rule.src_len === 0;
  return ok;
}

const AGAIN = ['ip_route_connect(): two lookups', 'ip_route_me_harder(): a third'];
const ORDINARY = 'no source prefix but `from all` covers 0.0.0.0; no source is a loopback address';

export const againWithoutFrom: Lemma = lemma({
  id: 'lookup-again-without-from',
  claim: 'Without rules that select by source, looking up again with the chosen source gives the same route.',
  asked: AGAIN,
  over: 'words',
  scope: SCOPE,
  cells: [cell(2, 2, 2), cell(4, 3, 4)],
  assumes: 'no source prefixes; no source is a loopback address',
  given(_, n) {
    return withoutFrom(n) && ordinary(n);
  },
  holds(_, n) {
    return sameAgain(n);
  },
  instance(n) {
    let rules: readonly Rule[] = [];
    for (const rule of n.rules) rules = [...rules, { ...rule, src_len: 0 }];
    return { ...n, rules };
  },
  expected: 'exhausted',
});

export const againSmall: Lemma = lemma({
  id: 'lookup-again-one-rule-or-table',
  claim: 'With one rule or one table, looking up again with the chosen source gives the same route.',
  asked: AGAIN,
  over: 'words',
  scope: SCOPE,
  cells: [cell(1, 1, 1), cell(1, 2, 2), cell(2, 1, 2), cell(4, 1, 4)],
  assumes: ORDINARY,
  given(_, n) {
    return ordinary(n);
  },
  holds(_, n) {
    return sameAgain(n);
  },
  instance: asDrawn,
  expected: 'exhausted',
});

export const againWithFrom: Lemma = lemma({
  id: 'lookup-again-with-from',
  claim: 'Looking up again with the chosen source gives the same route even if rules select by source.',
  asked: AGAIN,
  over: 'words',
  scope: `the smallest host for which it fails: ${SCOPE}`,
  cells: [cell(2, 2, 1)],
  assumes: ORDINARY,
  given(_, n) {
    return ordinary(n);
  },
  holds(_, n) {
    return sameAgain(n);
  },
  instance: asDrawn,
  expected: 'violated',
});

/** For hosts larger than any seen, in steps: what the rules make of the tables' answers, and what these are. */
export const rerouteSourceLarge: Lemma = lemma({
  id: 'reroute-source-is-preferred-large',
  claim:
    "The patch's own lookup chooses the source of the route that the first rule which applies finds in its table, and leaves by its link.",
  asked: ['the post: the source of the new route', 'ip-rule(8)', 'ip-route(8), src'],
  over: 'words',
  scope: SCOPE,
  cells: [cell(8, 4, 8)],
  assumes:
    'nothing; with table-by-number and table-finds-longest-prefix in place of the answer for each rule, it says what reroute-source-is-preferred says',
  given: nothingAssumed,
  holds(_, n) {
    const net = worldOf(n);
    return reroutesBy(n, net, chosen(n, n.mark, foundByRule(net, n)));
  },
  instance: asDrawn,
  expected: 'exhausted',
});

export const routingLemmas: readonly Lemma[] = [
  prefixMatch,
  tableLongest,
  tableByNumber,
  rerouteSource,
  againWithoutFrom,
  againSmall,
  againWithFrom,
  rerouteSourceLarge,
];

/** Without the assumption that tables are sorted. */
export const rerouteUnsorted: Lemma = lemma({
  id: 'reroute-source-is-preferred/unsorted',
  claim: 'The claim without its assumption: tables in any order.',
  asked: ['twin of reroute-source-is-preferred'],
  over: 'words',
  scope: SCOPE,
  cells: [cell(2, 2, 2)],
  assumes: '',
  given: nothingAssumed,
  holds(_, n) {
    const net = worldOf(n);
    const { returned: err, fl4 } = rerouteBy(net, packet(n), keyOf(n));
    return err < 0 || fl4.saddr === sourceOf(net, preferred(n, n.mark));
  },
  instance: asDrawn,
  expected: 'violated',
});

/** A lookup that keeps the source which the packet has, as the second lookup of the unchanged kernel does. */
export const rerouteKeepsSource: Lemma = lemma({
  id: 'reroute-source-is-preferred/source-kept',
  claim: 'The claim for a second lookup that keeps the source of the first.',
  asked: ['twin of reroute-source-is-preferred'],
  over: 'words',
  scope: SCOPE,
  cells: [cell(2, 2, 2)],
  assumes: 'tables are sorted; the packet has the source that the route without a mark prefers',
  given(_, n) {
    return sorted(n) && n.saddr === sourceOf(worldOf(n), preferred(n, 0));
  },
  holds(_, n) {
    const net = worldOf(n);
    const key = { ...keyOf(n), saddr: n.saddr, flowi4_flags: FLOWI_FLAG_ANYSRC };
    const { returned: err, fl4 } = rerouteBy(net, packet(n), key);
    return err < 0 || fl4.saddr === sourceOf(net, preferred(n, n.mark));
  },
  instance(drawn) {
    const n = sortedInstance(drawn);
    return { ...n, saddr: Math.max(1, sourceOf(worldOf(n), preferred(n, 0))) };
  },
  expected: 'violated',
});

/** A shift by 32, which JavaScript and most processors take for a shift by 0. */
export const prefixByShift: Lemma = lemma({
  id: 'prefix-match/default-by-shift',
  claim: 'Shifting tells prefixes of every length, 0 included.',
  asked: ['twin of prefix-match'],
  over: 'words',
  scope: 'any prefix, any length, any address',
  cells: [{ name: 'all', shape: { prefix: word, plen: number(0, 32), addr: word } }],
  assumes: '',
  given: nothingAssumed,
  holds(_, { prefix, plen, addr }) {
    return covers(prefix, plen, addr) === ((prefix ^ addr) >>> (32 - plen) === 0);
  },
  instance: asDrawn,
  expected: 'violated',
});

/** Without the assumption that the table is sorted. */
export const tableUnsorted: Lemma = lemma({
  id: 'table-finds-longest-prefix/unsorted',
  claim: 'The claim without its assumption: routes in any order.',
  asked: ['twin of table-finds-longest-prefix'],
  over: 'words',
  scope: 'two routes',
  cells: [tableCell(2)],
  assumes: '',
  given: nothingAssumed,
  holds(_, n) {
    const net = worldOf(n);
    const { fa } = fib_table_lookup(net, fib_get_table(net, FIRST_TABLE), { ...NO_FLOW, daddr: n.daddr });
    return sameRoute(fa, longestIn(n, FIRST_TABLE));
  },
  instance: asDrawn,
  expected: 'violated',
});

/** One table taken for all. */
export const tableIgnored: Lemma = lemma({
  id: 'table-by-number/number-ignored',
  claim: 'The first table has the first route of the table of every number.',
  asked: ['twin of table-by-number'],
  over: 'words',
  scope: 'two tables of two routes',
  cells: [numberedCell(2, 2)],
  assumes: '',
  given: nothingAssumed,
  holds(_, { n, id }) {
    const net = worldOf(n);
    const [first] = fib_get_table(net, FIRST_TABLE).aliases;
    const [fa] = fib_get_table(net, id).aliases;
    return sameRoute(first as FibAlias, fa as FibAlias);
  },
  instance: asDrawn,
  expected: 'violated',
});

export const routingTwins: readonly Lemma[] = [
  prefixByShift,
  tableUnsorted,
  tableIgnored,
  rerouteUnsorted,
  rerouteKeepsSource,
];
