/** What mangle OUTPUT makes of a packet's mark: its rules as a program, and that program as a list of cases. */
import { xt_find_chain } from '../kernel/net/ipv4/netfilter/ip_tables.ts';
import { IPPROTO_TCP } from '../types/packet.ts';
import { RTN_LOCAL } from '../types/route.ts';
import { NO_XT_RULE, type PortRange, type XtChain, type XtMatch, type XtRule, type XtTable } from '../types/verdict.ts';
import type { World } from '../types/world.ts';
import { ALL_FLOWS, bothFlows, type Flows, sameFlows, unselectable, withinFlows } from './flows.ts';

/** A rule on the way of a packet, and the steps that follow when it fits and when it does not. */
export interface MarkStep {
  readonly rule: XtRule;
  /** `rule 2 of OUTPUT`. */
  readonly place: string;
  readonly yes: number;
  readonly no: number;
}

/** How many steps a chain takes, with those that it leads to. */
function stepsOf(table: XtTable, chain: XtChain): number {
  let steps = chain.builtin ? 0 : 1;
  for (const { target } of chain.rules) {
    const leads = target.kind === 'jump' || target.kind === 'goto';
    steps = steps + 1 + (leads ? stepsOf(table, xt_find_chain(table, target.chain)) : 0);
  }
  return steps;
}

/** The steps of a chain whose first is number `first`; RETURN leads to `back`, a decision to `end`. */
function steps(table: XtTable, chain: XtChain, first: number, back: number, end: number): readonly MarkStep[] {
  let all: readonly MarkStep[] = [];
  let at = first;
  let index = 0;
  for (const rule of chain.rules) {
    const { target } = rule;
    index = index + 1;
    const place = `rule ${index} of ${chain.name}`;
    if (target.kind === 'jump' || target.kind === 'goto') {
      const into = xt_find_chain(table, target.chain);
      const after = at + 1 + stepsOf(table, into);
      const step: MarkStep = { rule, place, yes: at + 1, no: after };
      all = [...all, step, ...steps(table, into, at + 1, target.kind === 'jump' ? after : back, end)];
      at = after;
    } else {
      const decides = target.kind === 'ACCEPT' || target.kind === 'DROP';
      const yes = decides ? end : target.kind === 'RETURN' ? back : at + 1;
      all = [...all, { rule, place, yes, no: at + 1 }];
      at = at + 1;
    }
  }
  return chain.builtin ? all : [...all, { rule: NO_XT_RULE, place: chain.name, yes: back, no: back }];
}

/** The program of mangle OUTPUT: it begins with step 0 and ends behind the last. Jumps lead ahead. */
export function markProgram(net: World): readonly MarkStep[] {
  const chain = xt_find_chain(net.mangle, 'OUTPUT');
  const end = stepsOf(net.mangle, chain);
  return steps(net.mangle, chain, 0, end, end);
}

/** The mark behind a rule that fits. */
export function markAfter({ target }: XtRule, mark: number): number {
  return target.kind === 'MARK' ? ((mark & ~target.mask) ^ target.value) >>> 0 : mark;
}

/** Every mark that a packet can have on its way through the program; at most `limit` and one more. */
export function marksOf(program: readonly MarkStep[], limit: number): readonly number[] {
  let marks: readonly number[] = [0];
  for (let round = 0; round < limit; round += 1) {
    for (const known of marks) {
      for (const { rule } of program) {
        const mark = markAfter(rule, known);
        let there = false;
        for (const other of marks) there = there || other === mark;
        marks = there || marks.length > limit ? marks : [...marks, mark];
      }
    }
  }
  return marks;
}

/** What a rule asks, of packets with one mark: `never` fits, or fits what is in one of `some` and in none of `others`. */
interface Asked {
  readonly why: string;
  readonly never: boolean;
  readonly some: readonly Flows[];
  readonly others: readonly Flows[];
}

function prefixLength(mask: number): number {
  let length = 0;
  for (let i = 0; i < 32; i += 1) length = length === i && ((mask << i) >>> 31) % 2 === 1 ? length + 1 : length;
  return length;
}

/** The flows of a match without its `!`; none where no policy rule can select so. */
function flowsOfMatch(match: XtMatch, proto: number): readonly Flows[] {
  switch (match.kind) {
    case 'dst': {
      const dst_len = prefixLength(match.mask);
      const prefix = match.mask === (dst_len === 0 ? 0 : (0xffffffff << (32 - dst_len)) >>> 0);
      return prefix ? [{ ...ALL_FLOWS, dst: match.addr, dst_len }] : [];
    }
    case 'proto':
      return [{ ...ALL_FLOWS, proto: match.protocol }];
    case 'sport':
      return proto === IPPROTO_TCP ? [] : [{ ...ALL_FLOWS, sportFirst: match.first, sportLast: match.last }];
    case 'dport':
      return [{ ...ALL_FLOWS, dportFirst: match.first, dportLast: match.last }];
    case 'multiport':
      return portFlows(match.which, match.ports, proto);
    case 'owner':
      return match.uidFirst === 0 ? [] : [{ ...ALL_FLOWS, uidFirst: match.uidFirst, uidLast: match.uidLast }];
    default:
      return [];
  }
}

function portFlows(which: 'source' | 'dest' | 'any', ports: readonly PortRange[], proto: number): readonly Flows[] {
  if (which !== 'dest' && proto === IPPROTO_TCP) return [];
  let flows: readonly Flows[] = [];
  for (const { first, last } of ports) {
    const source = { ...ALL_FLOWS, sportFirst: first, sportLast: last };
    const dest = { ...ALL_FLOWS, dportFirst: first, dportLast: last };
    flows = which === 'source' ? [...flows, source] : which === 'dest' ? [...flows, dest] : [...flows, source, dest];
  }
  return flows;
}

/** What a match looks at, where the first lookup of a packet does not know it, or no policy rule asks for it. */
export function beyondRules(match: XtMatch): string {
  switch (match.kind) {
    case 'src':
      return 'the source, which a socket that is not bound does not have before its first lookup';
    case 'dst':
      return 'bits of the destination that are no prefix';
    case 'sport':
    case 'multiport':
      return 'the source port, which a TCP socket that is not bound does not have before its first lookup';
    case 'owner':
      return 'user 0, for whom the kernel looks up what it sends itself';
    case 'out':
      return 'the link, which the first lookup is there to find';
    case 'tcp-flags':
      return 'flags, while a connection is looked up once for all of its segments';
    case 'icmp-type':
      return 'the type of an ICMP message';
    case 'ctstate':
    case 'conntrack':
    case 'connmark':
      return 'what is known of a connection';
    case 'owner-gid':
      return 'the group of a user';
    case 'cgroup':
      return 'a control group';
    case 'socket-exists':
      return 'whether there is a socket';
    case 'set':
      return 'a set';
    case 'statistic-nth':
      return 'how many packets there were before';
    case 'statistic-random':
      return 'chance';
    case 'iprange':
      return 'a range of addresses that is no prefix';
    case 'length':
      return 'the length of a packet';
    case 'policy':
      return 'IPsec';
    case 'tos':
    case 'dscp':
      return 'the type of service, of which a policy rule knows other bits';
    case 'addrtype':
      return 'the kind of an address';
    case 'proto':
    case 'dport':
    case 'in':
    case 'socket':
    case 'mark':
      return match.kind;
  }
}

/** Whether a match decides by what is known of every packet that gets as far as the policy rules; it then fits, or never does. */
export function isKnown(match: XtMatch): boolean {
  switch (match.kind) {
    case 'in':
    case 'mark':
      return true;
    case 'out':
      return match.dev === '+' || match.dev === 'lo';
    case 'addrtype':
      return match.which === 'dst' && match.types === 1 << RTN_LOCAL && match.limit === '';
    default:
      return false;
  }
}

/**
 * Whether such a match fits. A packet of this host came in by no link; one to an address of this host, which leaves by lo,
 * is routed by the table local, ahead of all other rules.
 */
export function knownFits(match: XtMatch, mark: number): boolean {
  switch (match.kind) {
    case 'mark':
      return ((mark & match.mask) >>> 0 === match.mark) !== match.invert;
    case 'in':
    case 'out':
      return (match.dev === '+') !== match.invert;
    default:
      return match.kind === 'addrtype' && match.invert;
  }
}

/** The protocol that a rule asks for, 0 for none. */
function protoOfRule(rule: XtRule): number {
  let proto = 0;
  for (const m of rule.matches) proto = m.kind === 'proto' && !m.invert ? m.protocol : proto;
  return proto;
}

/** Whether the flows are a range of ports from somewhere up to 65535, which only its complement can say. */
function upwards({ sportFirst, sportLast, dportFirst, dportLast }: Flows): boolean {
  return (sportFirst > 1 && sportLast === 0xffff) || (dportFirst > 1 && dportLast === 0xffff);
}

/** The ports below such a range. */
function below(flows: Flows): Flows {
  return flows.sportFirst > 1
    ? { ...flows, sportFirst: 1, sportLast: flows.sportFirst - 1 }
    : { ...flows, dportFirst: 1, dportLast: flows.dportFirst - 1 };
}

/** The intersections of one of each. */
function products(some: readonly Flows[], more: readonly Flows[]): readonly Flows[] {
  let all: readonly Flows[] = [];
  for (const a of some) {
    for (const b of more) {
      const both = bothFlows(a, b);
      all = both.empty ? all : [...all, both];
    }
  }
  return all;
}

function ask({ rule, place }: MarkStep, mark: number): Asked {
  const proto = protoOfRule(rule);
  let asked: Asked = { why: '', never: false, some: [ALL_FLOWS], others: [] };
  for (const match of rule.matches) {
    if (isKnown(match)) {
      asked = { ...asked, never: asked.never || !knownFits(match, mark) };
    } else {
      const flows = flowsOfMatch(match, proto);
      const single = flows.length === 1 ? (flows[0] as Flows) : ALL_FLOWS;
      const turned = upwards(single);
      const selected = turned ? [below(single)] : flows;
      if (match.invert !== turned) asked = { ...asked, others: [...asked.others, ...selected] };
      else asked = { ...asked, some: products(asked.some, selected) };
      const bad = flows.length === 0 ? `looks at ${beyondRules(match)}` : badOf(selected);
      asked = { ...asked, why: asked.why === '' && bad !== '' ? `${place} ${bad}` : asked.why };
    }
  }
  const none = asked.why === '' && asked.some.length === 0;
  return none || asked.never ? { ...asked, why: '', never: true } : asked;
}

function badOf(all: readonly Flows[]): string {
  let bad = '';
  for (const flows of all) bad = bad === '' ? unselectable(flows) : bad;
  return bad === '' ? '' : `names ports, and ${bad}`;
}

/** Packets, and the mark that they end with. */
export interface Case {
  readonly flows: Flows;
  readonly mark: number;
}

/** The first case that a packet is in counts, the last one is for all. `why`: this cannot be told so. */
export interface Cases {
  readonly why: string;
  readonly list: readonly Case[];
}

function onlyMark(mark: number): Cases {
  return { why: '', list: [{ flows: ALL_FLOWS, mark }] };
}

function sameCases(a: Cases, b: Cases): boolean {
  let same = a.why === b.why && a.list.length === b.list.length;
  for (let i = 0; i < a.list.length; i += 1) {
    same = same && sameFlows((a.list[i] as Case).flows, (b.list[i] as Case).flows);
    same = same && (a.list[i] as Case).mark === (b.list[i] as Case).mark;
  }
  return same;
}

/** Whether both lists have the same flows in the same order. */
function aligned(a: readonly Case[], b: readonly Case[]): boolean {
  let same = a.length === b.length;
  for (let i = 0; i < b.length; i += 1) {
    same = same && i < a.length && sameFlows((a[i] as Case).flows, (b[i] as Case).flows);
  }
  return same;
}

/** The cases of a list that lie in `flows`. */
function inside(flows: Flows, list: readonly Case[]): readonly Case[] {
  let all: readonly Case[] = [];
  for (const one of list) {
    const both = bothFlows(flows, one.flows);
    all = both.empty ? all : [...all, { flows: both, mark: one.mark }];
  }
  return all;
}

/** Without what an earlier case takes away, and without what the last one says as well. */
function reduced(list: readonly Case[]): readonly Case[] {
  let kept: readonly Case[] = [];
  for (const one of list) {
    let covered = false;
    for (const earlier of kept) covered = covered || withinFlows(one.flows, earlier.flows);
    kept = covered ? kept : [...kept, one];
  }
  const last = kept[kept.length - 1] as Case;
  let needed = 0;
  for (let i = 0; i < kept.length; i += 1) needed = (kept[i] as Case).mark === last.mark ? needed : i + 1;
  let short: readonly Case[] = [];
  for (let i = 0; i < needed; i += 1) short = [...short, kept[i] as Case];
  return [...short, last];
}

/** What a rule makes of the cases that follow when it fits, `yes`, and when it does not, `no`. */
function choose(asked: Asked, yes: Cases, no: Cases): Cases {
  if (asked.never || sameCases(yes, no)) return no;
  if (asked.why !== '') return { why: asked.why, list: [] };
  if (yes.why !== '' || no.why !== '') return { why: yes.why !== '' ? yes.why : no.why, list: [] };
  let list: readonly Case[] = [];
  if (aligned(yes.list, no.list)) {
    for (let i = 0; i < no.list.length; i += 1) {
      const fits = yes.list[i] as Case;
      const other = no.list[i] as Case;
      if (fits.mark !== other.mark) {
        for (const flows of products(asked.others, asked.some)) list = [...list, ...inside(flows, [other])];
        for (const flows of asked.some) list = [...list, ...inside(flows, [fits])];
      }
      list = [...list, other];
    }
    return { why: '', list: reduced(list) };
  }
  for (const flows of products(asked.others, asked.some)) list = [...list, ...inside(flows, no.list)];
  for (const flows of asked.some) list = [...list, ...inside(flows, yes.list)];
  return { why: '', list: reduced([...list, ...no.list]) };
}

/** Most marks that a program may go through, and most cases that it may come to. */
export const MOST_MARKS = 8;
const MOST_CASES = 32;

/** The cases of packets with one mark, from one step on and from each that follows. */
interface Ahead {
  readonly mark: number;
  readonly lists: readonly Cases[];
}

function aheadOf(all: readonly Ahead[], mark: number, place: number): Cases {
  let found = onlyMark(mark);
  for (const ahead of all) found = ahead.mark === mark ? (ahead.lists[place] as Cases) : found;
  return found;
}

/** Every packet's mark at the end, if it begins with none. One that is dropped is told as if that rule were not there: it leaves by no link. */
export function markCases(program: readonly MarkStep[]): Cases {
  const marks = marksOf(program, MOST_MARKS);
  if (marks.length > MOST_MARKS) return { why: `its rules give more than ${MOST_MARKS} marks`, list: [] };
  let ahead: readonly Ahead[] = [];
  for (const mark of marks) ahead = [...ahead, { mark, lists: [onlyMark(mark)] }];
  for (let n = 1; n < program.length + 1; n += 1) {
    const at = program.length - n;
    const step = program[at] as MarkStep;
    const { target } = step.rule;
    let next: readonly Ahead[] = [];
    for (const { mark, lists } of ahead) {
      const asked = ask(step, mark);
      const restores = target.kind === 'CONNMARK' && target.op === 'restore';
      const yes = restores
        ? { why: `${step.place} takes the mark of the connection`, list: [] }
        : aheadOf(ahead, markAfter(step.rule, mark), step.yes - at - 1);
      const no = lists[step.no - at - 1] as Cases;
      const found = choose(asked, target.kind === 'DROP' ? no : yes, no);
      const many = found.list.length > MOST_CASES;
      const told = many ? { why: `its rules make more than ${MOST_CASES} cases`, list: [] } : found;
      next = [...next, { mark, lists: [told, ...lists] }];
    }
    ahead = next;
  }
  return aheadOf(ahead, 0, 0);
}
