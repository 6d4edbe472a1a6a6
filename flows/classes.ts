/** The flows of a host in classes: all flows of one leave by the same link and gateway with the same source, and break the same. */
import { inet_make_mask } from '../model/kernel/include/linux/in.ts';
import type { FibAlias } from '../model/types/route.ts';
import type { XtTable, XtTarget } from '../model/types/verdict.ts';
import type { Kernel, World } from '../model/types/world.ts';
import { AXES, type Axis, type Cell } from './axes.ts';
import { type Fate, Fates, type Flow, hostOn, type Left } from './play.ts';
import { hitKey, type Region, type Space, spaceOf } from './regions.ts';
import type { Box, Node } from './sets.ts';
import { rulesOf } from './tests.ts';
import { cellsOfFlow } from './why.ts';

/** What a socket is bound to, or marked with, before it sends. */
export interface Bound {
  readonly mark: number;
  /** 0 for none. */
  readonly saddr: number;
  /** '' for none. */
  readonly dev: string;
  /** A local port, 0 for one that the kernel chooses. */
  readonly port: number;
}

export const FREE: Bound = { mark: 0, saddr: 0, dev: '', port: 0 };

/** Stands for a port that a program binds to, where no rule asks which it is. */
const SOME_PORT = 5000;

export interface FlowClass {
  readonly bound: Bound;
  readonly set: Node;
  /** One of them, and what becomes of it on each kernel, in the order of the kernels. */
  readonly flow: Flow;
  readonly fates: readonly Fate[];
}

export interface Flows {
  readonly net: World;
  readonly kernels: readonly Kernel[];
  readonly space: Space;
  /** The gravest first. */
  readonly classes: readonly FlowClass[];
  /** Bindings that were not asked about, because enough flows were played. */
  readonly left: readonly Bound[];
}

export interface FlowsOptions {
  /** The first is the one whose promises are told. */
  readonly kernels: readonly Kernel[];
  readonly to?: { readonly addr: number; readonly port: number };
  /** So many flows of bound sockets are played at most. */
  readonly bound: number;
}

/** Regions at most. */
const MOST = 20_000;

function marksOf(net: World): readonly number[] {
  const tests: (readonly [mark: number, mask: number])[] = net.rules
    .filter(({ mark_mask }) => mark_mask !== 0)
    .map(({ mark, mark_mask }) => [mark, mark_mask]);
  for (const { chains } of [net.raw, net.mangle, net.nat, net.filter]) {
    for (const { rules } of chains) {
      for (const { matches } of rules) {
        for (const m of matches) if (m.kind === 'mark') tests.push([m.mark, m.mask]);
      }
    }
  }
  const marks = new Set([0]);
  for (const [mark, mask] of tests) {
    for (const one of [...marks]) if (marks.size < 64) marks.add(((one & ~mask) | mark) >>> 0);
  }
  const other = Array.from({ length: 4096 }, (_, n) => n + 1).find((one) =>
    tests.every(([mark, mask]) => ((one ^ mark) & mask) !== 0),
  );
  return [...[...marks].filter((mark) => mark !== 0), ...(other === undefined || tests.length === 0 ? [] : [other])];
}

/** Every way to bind a socket that the host gives: to a port, to an address, to a link, or with a mark. */
function boundsOf(net: World, { cells }: Space): readonly Bound[] {
  const devs = net.devs.filter(({ ifindex, up }) => ifindex !== 1 && up);
  return [
    FREE,
    ...(cells.sport.length === 1 ? [{ ...FREE, port: SOME_PORT }] : []),
    ...devs.flatMap(({ ifa_list }) => ifa_list.map(({ ifa_local }) => ({ ...FREE, saddr: ifa_local }))),
    ...devs.map(({ name }) => ({ ...FREE, dev: name })),
    ...marksOf(net).map((mark) => ({ ...FREE, mark })),
  ];
}

/** Addresses that lookups for these destinations can ask for: a route that covers none of them answers none. */
function addressesOf(net: World, destinations: readonly number[]): readonly number[] {
  const own = net.devs.flatMap(({ ifa_list }) =>
    ifa_list.flatMap(({ ifa_local, ifa_address, ifa_broadcast }) => [ifa_local, ifa_address, ifa_broadcast]),
  );
  const gateways = net.tables.flatMap(({ aliases }) =>
    aliases.flatMap((fa) => [fa.nh_gw, fa.fib_prefsrc, ...fa.fib_nhs.map(({ nh_gw }) => nh_gw)]),
  );
  const targets = [net.nat, net.filter].flatMap(({ chains }) =>
    chains.flatMap(({ rules }) => rules.flatMap(({ target }) => ('addr' in target ? [target.addr] : []))),
  );
  return [...new Set([...destinations, ...own, ...gateways, ...targets, 0, 0x7f000001, 0xffffffff])];
}

/** The host without the routes that none of these destinations meets. */
export function withoutOthers(net: World, destinations: readonly number[]): World {
  const addresses = addressesOf(net, destinations);
  const byLength = new Map<number, ReadonlySet<number>>();
  const networks = (plen: number): ReadonlySet<number> => {
    const known = byLength.get(plen) ?? new Set(addresses.map((address) => (address & inet_make_mask(plen)) >>> 0));
    byLength.set(plen, known);
    return known;
  };
  const covers = ({ dst, plen }: FibAlias) => networks(plen).has(dst);
  return { ...net, tables: net.tables.map((table) => ({ ...table, aliases: table.aliases.filter(covers) })) };
}

/** Targets behind which other packets than those of the flow and of its peer meet the rules. */
const OTHERS: ReadonlySet<XtTarget['kind']> = new Set(['REJECT', 'DNAT', 'REDIRECT']);

/** The rules that surely fit no packet of a flow. */
function missedBy({ questions, hits, sets }: Space, cells: readonly number[]): ReadonlySet<number> {
  const missed = new Set<number>();
  const met = new Set<number>();
  for (const walk of questions.walks) {
    for (const { rule } of rulesOf(walk)) {
      const hit = hits.get(hitKey(walk, rule));
      const meets = hit !== undefined && sets.has(hit, cells);
      if (meets && OTHERS.has(rule.target.kind)) return new Set();
      (meets ? met : missed).add(rule.id);
    }
  }
  for (const id of met) missed.delete(id);
  return missed;
}

/** The host without those rules: a play then walks past none of them. */
function withoutRules(net: World, ids: ReadonlySet<number>): World {
  const less = (table: XtTable): XtTable => ({
    ...table,
    chains: table.chains.map((chain) => ({ ...chain, rules: chain.rules.filter(({ id }) => !ids.has(id)) })),
  });
  return { ...net, raw: less(net.raw), mangle: less(net.mangle), nat: less(net.nat), filter: less(net.filter) };
}

/** The same flow from a socket that is bound so. */
export function withBound(flow: Flow, { port, ...bound }: Bound): Flow {
  return { ...flow, ...bound, values: port === 0 ? flow.values : { ...flow.values, sport: port } };
}

const NOBODY = { mark: 0, saddr: 0, dev: '' };

/** One flow of a box: the largest cell on every axis. */
export function flowOf(space: Space, box: Box, bound: Bound, to?: FlowsOptions['to']): Flow {
  const chosen = (axis: Axis, at: number): number => {
    const cells = (box[at] as readonly number[]).map((n) => space.cells[axis][n] as Cell);
    return cells.reduce((a, b) => (b.size > a.size ? b : a)).value;
  };
  const values = Object.fromEntries(AXES.map((axis, at) => [axis, chosen(axis, at)])) as Record<Axis, number>;
  if (to !== undefined && to.addr !== 0) values.daddr = to.addr;
  if (to !== undefined && to.port !== 0) values.dport = to.port;
  return withBound({ ...NOBODY, values, cgroup: space.questions.cgroups[values.cgroup] ?? '' }, bound);
}

/** What of a fate makes a class; the mark that the program itself set is none that the host gave. */
export function signature(fates: readonly Fate[], bound: Bound): string {
  const own = (left: Left | undefined) =>
    left === undefined || bound.mark === 0 || left.mark !== bound.mark ? left : { ...left, mark: 0 };
  return JSON.stringify(
    fates.map(({ first, others, end, broken, crashed }) => [own(first), others.map(own), end, broken, crashed]),
  );
}

/** A flow of a region, and the host as that flow meets it, on each kernel. */
interface Played {
  readonly region: Region;
  readonly flow: Flow;
  readonly hosts: readonly World[];
}

/**
 * The classes of the host's flows: those of free sockets, then of each binding those that fare otherwise. Bindings are asked
 * about as long as not too many flows are played.
 */
export function flowsOf(net: World, options: FlowsOptions): Flows {
  const { kernels, to } = options;
  const space = spaceOf(net, MOST, to);
  const free = space.regions.map(({ set }) => flowOf(space, space.sets.boxes(set, 1).boxes[0] as Box, FREE, to));
  const small = withoutOthers(
    net,
    free.map(({ values }) => values.daddr),
  );
  const booted = kernels.map((kernel) => hostOn(kernel, small));
  const played = space.regions.map((region, n): Played => {
    const flow = free[n] as Flow;
    const missed = missedBy(space, cellsOfFlow(space, flow));
    return { region, flow, hosts: booted.map((host) => withoutRules(host, missed)) };
  });
  const asked = new Fates(kernels);
  const classes: FlowClass[] = [];
  const left: Bound[] = [];
  const asFree: string[] = [];
  let playedBound = 0;
  for (const bound of boundsOf(net, space)) {
    if (bound !== FREE && playedBound + played.length > options.bound) {
      left.push(bound);
      continue;
    }
    if (bound !== FREE) playedBound += played.length;
    const found = new Map<string, FlowClass>();
    for (const [n, { region, flow: unbound, hosts }] of played.entries()) {
      const flow = withBound(unbound, bound);
      const fates = asked.of(hosts, flow);
      const key = signature(fates, bound);
      if (bound === FREE) asFree.push(key);
      else if (asFree[n] === key) continue;
      const known = found.get(key);
      const set = known === undefined ? region.set : space.sets.or(known.set, region.set);
      found.set(key, known === undefined ? { bound, set, flow, fates } : { ...known, set });
    }
    classes.push(...found.values());
  }
  return { net: small, kernels, space, classes, left };
}
