/** The flows of a host in classes: all flows of one leave by the same link and gateway with the same source, and break the same. */
import { inet_make_mask } from '../model/kernel/include/linux/in.ts';
import type { FibAlias } from '../model/types/route.ts';
import type { Kernel, World } from '../model/types/world.ts';
import { AXES, type Axis, type Cell } from './axes.ts';
import { type Fate, type Flow, fateOf, hostOn, type Left } from './play.ts';
import { type Region, type Space, spaceOf } from './regions.ts';
import type { Box, Node } from './sets.ts';

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
  /** Bindings that were not asked about, because the time was up. */
  readonly left: readonly Bound[];
}

export interface FlowsOptions {
  /** The first is the one whose promises are told. */
  readonly kernels: readonly Kernel[];
  readonly to?: { readonly addr: number; readonly port: number };
  /** Milliseconds after which no further binding is begun. */
  readonly budget: number;
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

/** The same flow from a socket that is bound so. */
export function withBound(flow: Flow, { port, ...bound }: Bound): Flow {
  return { ...flow, ...bound, values: port === 0 ? flow.values : { ...flow.values, sport: port } };
}

const NOBODY = { mark: 0, saddr: 0, dev: '' };

/** One flow of a box: the largest cell on every axis. */
export function flowOf(space: Space, box: Box, bound: Bound, to?: FlowsOptions['to']): Flow {
  const chosen = (axis: Axis, at: number): number => {
    const size = ({ ranges }: Cell) => ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);
    const cells = (box[at] as readonly number[]).map((n) => space.cells[axis][n] as Cell);
    return cells.reduce((a, b) => (size(b) > size(a) ? b : a)).value;
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

function regionFlow(space: Space, { set }: Region, bound: Bound, to: FlowsOptions['to']): Flow {
  const [box] = space.sets.boxes(set, 1).boxes;
  return flowOf(space, box as Box, bound, to);
}

/**
 * The classes of the host's flows: those of free sockets, then of each binding those that fare otherwise. Bindings are asked
 * about until the budget ends.
 */
export function flowsOf(net: World, options: FlowsOptions): Flows {
  const { kernels, to } = options;
  const deadline = performance.now() + options.budget;
  const space = spaceOf(net, MOST, to);
  const free = space.regions.map((region) => regionFlow(space, region, FREE, to));
  const small = withoutOthers(
    net,
    free.map(({ values }) => values.daddr),
  );
  const hosts = kernels.map((kernel) => hostOn(kernel, small));
  const classes: FlowClass[] = [];
  const left: Bound[] = [];
  const asFree: string[] = [];
  for (const bound of boundsOf(net, space)) {
    if (bound !== FREE && performance.now() > deadline) {
      left.push(bound);
      continue;
    }
    const found = new Map<string, FlowClass>();
    for (const [n, region] of space.regions.entries()) {
      const flow = withBound(free[n] as Flow, bound);
      const fates = fatesOf(kernels, hosts, flow);
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

/** What becomes of the flow on every kernel: where nothing is routed again, a patch of that has nothing to do. */
function fatesOf(kernels: readonly Kernel[], hosts: readonly World[], flow: Flow): readonly Fate[] {
  const first = fateOf(kernels[0] as Kernel, hosts[0] as World, flow);
  return kernels.map((kernel, n) => {
    if (n === 0) return first;
    const same = !first.rerouted && kernel.ipt_mangle_out !== (kernels[0] as Kernel).ipt_mangle_out;
    return same ? first : fateOf(kernel, hosts[n] as World, flow);
  });
}
