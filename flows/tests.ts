/**
 * What a host asks of its local flows: the rules of its chains and of its routing, each with what it compares, and its routes.
 *
 * Only what a program chooses is compared here. What becomes of a packet on its way, its mark, its link, its connection, is
 * left to the model.
 */
import { inet_make_mask } from '../model/kernel/include/linux/in.ts';
import { fib_props_error } from '../model/kernel/net/ipv4/fib_semantics.ts';
import { ip_set_get_byname, partsOf } from '../model/kernel/net/netfilter/ipset/ip_set_core.ts';
import { type FibAlias, type FibRule, RT_TABLE_LOCAL } from '../model/types/route.ts';
import type { SetDim, XtMatch, XtRule, XtTable } from '../model/types/verdict.ts';
import type { World } from '../model/types/world.ts';
import type { XfrmPolicy } from '../model/types/xfrm.ts';
import { type Asked, type Axis, inRanges, type Range } from './axes.ts';

/** One comparison: the axis, the name of the question, and the answer that fits; '' where all that counts is which answer it is. */
export interface Comparison {
  readonly axis: Axis;
  readonly name: string;
  readonly wants: string;
  /** What a program chose is still what is compared: nothing on the way changes it. */
  readonly sure: boolean;
}

/** A rule as something that tells flows apart. */
export interface Test {
  readonly comparisons: readonly Comparison[];
  /** What it does where it fits, and what else it asks: rules that are alike in this and fit do the same. */
  readonly deed: string;
  /** Nothing but the comparisons decides whether it fits. */
  readonly whole: boolean;
  readonly rule: XtRule | undefined;
}

/** The rules of a chain, and the table that they are in. */
export interface Walk {
  readonly table: XtTable;
  readonly chain: string;
}

/** What a host asks. */
export interface Questions {
  readonly asked: ReadonlyMap<Axis, readonly Asked[]>;
  /** The chains that a packet passes, in order. */
  readonly walks: readonly Walk[];
  readonly testOf: (walk: Walk, rule: XtRule) => Test;
  /** Of routing, and the policies of IPsec. */
  readonly rules: readonly Test[];
  /** Protocols that a rule names, besides those that every host has. */
  readonly protocols: readonly number[];
  /** Control groups by number; 0 is the root. */
  readonly cgroups: readonly string[];
}

const LAST_PORT = 0xffff;
const LAST = 0xffffffff;

/** The name of the question which routes lead to a destination. */
export const ROUTES = 'routes';

export function prefixRange(addr: number, plen: number): Range {
  const mask = inet_make_mask(plen);
  const first = (addr & mask) >>> 0;
  return { first, last: (first | ~mask) >>> 0 };
}

/** The addresses under a mask whose bits are not in one piece, as far as ranges can say it. */
function maskRanges(addr: number, mask: number): readonly Range[] | undefined {
  const plen = Array.from({ length: 33 }, (_, n) => n).find((n) => inet_make_mask(n) === mask >>> 0);
  return plen === undefined ? undefined : [prefixRange(addr, plen)];
}

/**
 * Which routes of every table cover a destination, in the order in which they are tried: what they are, not how long they are.
 * A route that never answers, because one before it does whatever is asked, is none of them.
 */
export function routesAsked(net: World): Asked {
  const suppressed = net.rules.map((rule) => rule.suppress_prefixlen).filter((plen) => plen >= 0);
  const contents = new Map<string, number>();
  const numberOf = (fa: FibAlias): number => {
    const { dst: _dst, plen, fib_priority: _priority, fib_protocol: _protocol, ...content } = fa;
    const text = JSON.stringify([content, suppressed.map((most) => plen <= most)]);
    const known = contents.get(text);
    if (known !== undefined) return known;
    contents.set(text, contents.size);
    return contents.size - 1;
  };
  const tables = net.tables.map(({ tb_id, aliases }) => ({
    tb_id,
    /** By length of the prefix, then by its address. */
    byLength: lengths(aliases, numberOf),
  }));
  const covering = (value: number) => {
    const merged = !net.fib_has_custom_rules;
    const local = tables.find(({ tb_id }) => tb_id === RT_TABLE_LOCAL);
    const isLocal = local?.byLength.some(({ mask, found }) => found.has((value & mask) >>> 0)) === true;
    return tables
      .map(({ tb_id, byLength }) => {
        const all = byLength.flatMap(({ mask, found }) => found.get((value & mask) >>> 0) ?? []);
        const numbers = all
          .filter(({ fa }, at) => !all.slice(0, at).some((before) => answersFor(before.fa, fa)))
          .map(({ fa, number }) => (merged && isLocal ? `${number}/${fa.plen}` : String(number)));
        return numbers.length === 0 ? '' : `${tb_id}:${numbers.join()}`;
      })
      .join(' ');
  };
  const bounds = net.tables.flatMap(({ aliases }) =>
    aliases.flatMap(({ dst, plen }) => {
      const { first, last } = prefixRange(dst, plen);
      return [first, last + 1];
    }),
  );
  return { name: ROUTES, bounds, says: covering };
}

/** Whether a route answers every lookup that one behind it would: of any link or of the same one, in no smaller scope. */
function answersFor(fa: FibAlias, behind: FibAlias): boolean {
  const anyLink = fib_props_error(fa.fa_type) !== 0;
  const plain = (one: FibAlias) => one.fib_nhs.length <= 1;
  const sameLink = !fa.dead && plain(fa) && plain(behind) && fa.nh_dev === behind.nh_dev;
  return fa.fa_tos === 0 && fa.fib_scope >= behind.fib_scope && (anyLink || sameLink);
}

/** A route and the number of what it says. */
interface Numbered {
  readonly fa: FibAlias;
  readonly number: number;
}

interface OfLength {
  readonly mask: number;
  readonly found: ReadonlyMap<number, readonly Numbered[]>;
}

function lengths(aliases: readonly FibAlias[], numberOf: (fa: FibAlias) => number): readonly OfLength[] {
  const all = new Map<number, Map<number, Numbered[]>>();
  for (const fa of aliases) {
    const found = all.get(fa.plen) ?? new Map<number, Numbered[]>();
    all.set(fa.plen, found);
    found.set(fa.dst, [...(found.get(fa.dst) ?? []), { fa, number: numberOf(fa) }]);
  }
  return [...all].sort(([a], [b]) => b - a).map(([plen, found]) => ({ mask: inet_make_mask(plen), found }));
}

/** Collects what is asked of every axis. */
class Collector {
  readonly asked = new Map<Axis, Map<string, Asked>>();
  readonly protocols = new Set<number>();
  readonly cgroups: string[] = [''];
  private readonly net: World;

  constructor(net: World) {
    this.net = net;
  }

  ask(axis: Axis, question: Asked, wants: string, sure: boolean): Comparison {
    const known = this.asked.get(axis) ?? new Map<string, Asked>();
    this.asked.set(axis, known.set(question.name, question));
    return { axis, name: question.name, wants, sure };
  }

  private ranges(axis: Axis, ranges: readonly Range[], invert: boolean, sure: boolean): Comparison {
    const name = ranges.map(({ first, last }) => `${first}-${last}`).join();
    return this.ask(axis, inRanges(name, ranges), invert ? 'no' : 'yes', sure);
  }

  protocol(protocol: number, invert: boolean, sure: boolean): Comparison {
    this.protocols.add(protocol);
    return this.ranges('protocol', [{ first: protocol, last: protocol }], invert, sure);
  }

  /** What a match compares; undefined where it asks for something that a program does not choose. */
  match(m: XtMatch, answers: boolean, sure: boolean): readonly Comparison[] | undefined {
    const [to, toPort, fromPort]: readonly Axis[] = answers ? ['daddr', 'sport', 'dport'] : ['daddr', 'dport', 'sport'];
    const dst = answers ? 'src' : 'dst';
    switch (m.kind) {
      case 'src':
      case 'dst': {
        if (m.kind !== dst) return undefined;
        const ranges = maskRanges(m.addr, m.mask);
        return ranges === undefined ? undefined : [this.ranges(to as Axis, ranges, m.invert, sure)];
      }
      case 'iprange':
        if (m.which !== dst) return undefined;
        return [this.ranges(to as Axis, [m], m.invert, sure)];
      case 'proto':
        return m.protocol === 0 ? [] : [this.protocol(m.protocol, m.invert, sure)];
      case 'sport':
      case 'dport':
        return [this.ranges((m.kind === 'dport' ? toPort : fromPort) as Axis, [m], m.invert, sure)];
      case 'multiport': {
        if (m.which === 'any') return undefined;
        return [this.ranges((m.which === 'dest' ? toPort : fromPort) as Axis, m.ports, m.invert, sure)];
      }
      case 'owner':
        return answers ? undefined : [this.ranges('uid', [{ first: m.uidFirst, last: m.uidLast }], m.invert, true)];
      case 'owner-gid':
        return answers ? undefined : [this.ranges('gid', [{ first: m.gidFirst, last: m.gidLast }], m.invert, true)];
      case 'cgroup':
        return answers ? undefined : [this.cgroup(m)];
      default:
        return undefined;
    }
  }

  private cgroup(m: Extract<XtMatch, { readonly kind: 'cgroup' }>): Comparison {
    if (m.path === '') return this.ranges('classid', [{ first: m.classid, last: m.classid }], m.invert, true);
    if (!this.cgroups.includes(m.path)) this.cgroups.push(m.path);
    const within = (group: string) => group === m.path || group.startsWith(`${m.path}/`);
    const { cgroups } = this;
    const question: Asked = {
      name: m.path,
      bounds: [...Array(64).keys()],
      says: (value) => (within(cgroups[value] ?? '') ? 'yes' : 'no'),
    };
    return this.ask('cgroup', question, m.invert ? 'no' : 'yes', true);
  }

  /** What else of a match has to be told apart, although it decides nothing alone. */
  parts(m: XtMatch, answers: boolean): readonly Comparison[] {
    if (m.kind === 'multiport') {
      return (['sport', 'dport'] as const).map((axis) => ({ ...this.ranges(axis, m.ports, false, false), wants: '' }));
    }
    if (m.kind === 'set') return this.set(m.set, m.dims, answers);
    if (m.kind === 'tos' || m.kind === 'dscp') {
      const says = (value: number) => String(m.kind === 'tos' ? (value & m.mask) === m.value : value >>> 2 === m.dscp);
      return [this.ask('tos', { name: `${m.kind} ${JSON.stringify(m)}`, bounds: BYTES, says }, '', false)];
    }
    return [];
  }

  private set(name: string, dims: readonly SetDim[], answers: boolean): readonly Comparison[] {
    const set = ip_set_get_byname(this.net, name);
    if (set.type === 'list:set') return set.entries.flatMap(({ member }) => this.set(member, dims, answers));
    return partsOf(set.type).flatMap((part, n) => {
      const isDestination = (dims[n] === 'dst') !== answers;
      if (part === 'port') {
        const ports = [...new Set(set.entries.map(({ port }) => port))].map((port) => ({ first: port, last: port }));
        const protocols = [...new Set(set.entries.map(({ proto }) => proto))].filter((one) => one !== 0);
        return [
          ...this.single(isDestination ? 'dport' : 'sport', `set ${name} ${n}`, ports),
          ...protocols.map((one) => ({ ...this.protocol(one, false, false), wants: '' })),
        ];
      }
      if (part === 'iface' || !isDestination) return [];
      const prefixes = set.entries.map((e) =>
        part === 'ip' ? prefixRange(e.addr, Math.min(e.plen, set.netmask)) : prefixRange(e.addr2, e.plen2),
      );
      return this.single('daddr', `set ${name} ${n}`, prefixes);
    });
  }

  /** Which of the ranges a value is in. */
  private single(axis: Axis, name: string, ranges: readonly Range[]): readonly Comparison[] {
    const says = (value: number) =>
      ranges.flatMap(({ first, last }, n) => (value >= first && value <= last ? [n] : [])).join();
    const bounds = ranges.flatMap(({ first, last }) => [first, last + 1]);
    return [this.ask(axis, { name, bounds, says }, '', false)];
  }

  /** A policy of IPsec: it is asked of the packet as it is then, whose source and ports can be others. */
  policy(policy: XfrmPolicy): Test {
    const comparisons: Comparison[] = [];
    if (policy.prefixlen_d > 0)
      comparisons.push(this.ranges('daddr', [prefixRange(policy.daddr, policy.prefixlen_d)], false, false));
    if (policy.proto !== 0) comparisons.push(this.protocol(policy.proto, false, false));
    for (const [axis, port] of [['sport', policy.sport] as const, ['dport', policy.dport] as const])
      if (port !== 0) comparisons.push(this.ranges(axis, [{ first: port, last: port }], false, false));
    return { comparisons, deed: '', whole: false, rule: undefined };
  }

  rule(rule: FibRule, translated: boolean): Test {
    const comparisons: Comparison[] = [];
    const add = (axis: Axis, ranges: readonly Range[], sure: boolean) => {
      comparisons.push(this.ranges(axis, ranges, false, sure && !rule.invert));
    };
    if (rule.dst_len > 0) add('daddr', [prefixRange(rule.dst, rule.dst_len)], !translated);
    if (rule.ip_proto !== 0) comparisons.push(this.protocol(rule.ip_proto, false, false));
    // A second lookup is made for user 0, and not every first one knows the ports.
    if (rule.uid_start <= rule.uid_end) {
      add('uid', [{ first: rule.uid_start, last: rule.uid_end }], false);
      add('uid', [{ first: 0, last: 0 }], false);
    }
    if (rule.sport_end !== 0) add('sport', [{ first: rule.sport_start, last: rule.sport_end }], false);
    if (rule.dport_end !== 0) add('dport', [{ first: rule.dport_start, last: rule.dport_end }], false);
    if (rule.tos !== 0) {
      const says = (value: number) => String((value & 0x1c) === rule.tos);
      comparisons.push(this.ask('tos', { name: `rule ${rule.tos}`, bounds: BYTES, says }, '', false));
    }
    return { comparisons, deed: '', whole: false, rule: undefined };
  }
}

const BYTES: readonly number[] = [...Array(256).keys()];

function isTranslation(kind: string): boolean {
  return kind === 'DNAT' || kind === 'REDIRECT' || kind === 'SNAT' || kind === 'MASQUERADE';
}

/** What the host asks of its flows. */
export function questionsOf(net: World): Questions {
  const collector = new Collector(net);
  const translated = net.nat.chains.some(({ rules }) => rules.some(({ target }) => isTranslation(target.kind)));
  const hooks: readonly (readonly [table: XtTable, chain: string])[] = [
    [net.raw, 'OUTPUT'],
    [net.mangle, 'OUTPUT'],
    [net.nat, 'OUTPUT'],
    [net.filter, 'OUTPUT'],
    [net.mangle, 'POSTROUTING'],
    [net.nat, 'POSTROUTING'],
    [net.raw, 'PREROUTING'],
    [net.mangle, 'PREROUTING'],
    [net.nat, 'PREROUTING'],
    [net.mangle, 'INPUT'],
    [net.filter, 'INPUT'],
    [net.nat, 'INPUT'],
  ];
  const walks = hooks.map(([table, chain]) => ({ table, chain }));
  const known = new Map<string, Test>();
  const testOf = (walk: Walk, rule: XtRule): Test => {
    const key = `${walk.table.name} ${walk.chain} ${rule.id}`;
    const test = known.get(key) ?? testOfRule(collector, walk, rule, translated);
    known.set(key, test);
    return test;
  };
  for (const walk of walks) for (const { rule } of rulesOf(walk)) testOf(walk, rule);
  const rules = [
    ...net.rules.map((rule) => collector.rule(rule, translated)),
    ...net.xfrm_policy.map((policy) => collector.policy(policy)),
  ];
  const routes = routesAsked(net);
  collector.ask('daddr', routes, '', false);
  for (const { aliases } of net.tables) {
    for (const { fa_tos } of aliases) {
      const says = (value: number) => String((value & 0x1c) === fa_tos);
      if (fa_tos !== 0) collector.ask('tos', { name: `route ${fa_tos}`, bounds: BYTES, says }, '', false);
    }
  }
  const asked = new Map([...collector.asked].map(([axis, all]) => [axis, [...all.values()]]));
  return { asked, walks, testOf, rules, protocols: [...collector.protocols], cgroups: collector.cgroups };
}

/** A rule where it stands: its chain, and its number there from 1. */
export interface PlacedRule {
  readonly chain: string;
  readonly number: number;
  readonly rule: XtRule;
}

/** The rules that a packet in that hook can come to. */
export function rulesOf({ table, chain }: Walk): readonly PlacedRule[] {
  const names = new Set([chain]);
  const found: PlacedRule[] = [];
  for (const name of names) {
    const { rules = [] } = table.chains.find((one) => one.name === name) ?? {};
    for (const [at, rule] of rules.entries()) {
      found.push({ chain: name, number: at + 1, rule });
      if (rule.target.kind === 'jump' || rule.target.kind === 'goto') names.add(rule.target.chain);
    }
  }
  return found;
}

function testOfRule(collector: Collector, walk: Walk, rule: XtRule, translated: boolean): Test {
  const answers = walk.chain === 'PREROUTING' || walk.chain === 'INPUT';
  const first = walk.chain === 'OUTPUT' && walk.table.name !== 'filter';
  const comparisons: Comparison[] = [];
  const others: XtMatch[] = [];
  for (const m of rule.matches) {
    const compared = collector.match(m, answers, first || !translated);
    if (compared === undefined) {
      others.push(m);
      comparisons.push(...collector.parts(m, answers));
    } else comparisons.push(...compared);
  }
  const counts = others.some(({ kind }) => kind === 'statistic-nth');
  const deed = JSON.stringify([rule.target, others, counts ? rule.id : 0]);
  return { comparisons, deed, whole: others.length === 0 && comparisons.every(({ sure }) => sure), rule };
}

export const WHOLE: Readonly<Record<Axis, Range>> = {
  // 0.0.0.0/8 is no destination.
  daddr: { first: 0x01000000, last: LAST },
  protocol: { first: 0, last: 0xff },
  sport: { first: 0, last: LAST_PORT },
  dport: { first: 1, last: LAST_PORT },
  uid: { first: 0, last: LAST - 1 },
  gid: { first: 0, last: LAST - 1 },
  cgroup: { first: 0, last: 63 },
  classid: { first: 0, last: LAST },
  tos: { first: 0, last: 0xff },
};
