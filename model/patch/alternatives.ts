/**
 * What the alternatives without a patch share: how the policy rules look to a marked packet, and what stands in the way of
 * an alternative.
 *
 * A packet that mangle marks is looked up a second time, with the mark, with the source that the first lookup chose, and
 * for user 0. An alternative chooses in the first lookup, which has no source yet and knows the user.
 */
import { getTable, xt_find_chain } from '../kernel/net/ipv4/netfilter/ip_tables.ts';
import {
  type FibRule,
  type FibTable,
  FR_ACT_BLACKHOLE,
  FR_ACT_PROHIBIT,
  FR_ACT_TO_TBL,
  FR_ACT_UNREACHABLE,
  NO_RULE,
  NO_TABLE,
  RTN_BLACKHOLE,
  RTN_PROHIBIT,
  RTN_UNICAST,
  RTN_UNREACHABLE,
} from '../types/route.ts';
import type { XtChain, XtMatch, XtTable } from '../types/verdict.ts';
import type { World } from '../types/world.ts';
import { ALL_FLOWS, flowsOf, sameFlows } from './flows.ts';
import type { MarkStep } from './markings.ts';

/** What a rule does with the second lookup of a packet with some mark: it takes those that `rest` selects, or none. */
export interface View {
  readonly why: string;
  readonly takes: boolean;
  readonly rest: FibRule;
}

/** Whether a rule asks for the user. */
export function asksUser(rule: FibRule): boolean {
  return rule.uid_start <= rule.uid_end;
}

/** Whether a rule asks for the source. */
function asksSource(rule: FibRule): boolean {
  return rule.src !== 0 || rule.src_len !== 0;
}

/** Whether a rule leads to a table, and takes every route there. */
export function leadsToTable(rule: FibRule): boolean {
  return rule.action === FR_ACT_TO_TBL && rule.suppress_prefixlen < 0 && rule.suppress_ifgroup < 0;
}

/** Whether a rule asks for nothing at all. */
export function asksNothing(rule: FibRule): boolean {
  const links = rule.iifname !== '' || rule.oifname !== '' || rule.l3mdev || rule.tun_id !== 0;
  const others = rule.tos !== 0 || rule.mark_mask !== 0 || links;
  return !others && !asksSource(rule) && sameFlows(flowsOf(rule), ALL_FLOWS);
}

/** The rule without what it asks of mark, user and the link that a packet came by: a packet of this host came by lo. */
function withoutMark(rule: FibRule): FibRule {
  const { uid_start, uid_end } = NO_RULE;
  return { ...rule, mark: 0, mark_mask: 0, uid_start, uid_end, iifname: '' };
}

/** The rule in the eyes of a packet with that mark that is looked up a second time. */
export function viewOf(rule: FibRule, mark: number): View {
  const marked = ((rule.mark ^ mark) & rule.mark_mask) === 0;
  const user = !asksUser(rule) || rule.uid_start === 0;
  const fits = marked && user && (rule.iifname === '' || rule.iifname === 'lo');
  const rest = withoutMark(rule);
  if (!rule.invert) return { why: '', takes: fits, rest };
  const { action, table, target, suppress_prefixlen, suppress_ifgroup } = rule;
  const all = { ...NO_RULE, action, table, target, suppress_prefixlen, suppress_ifgroup };
  if (!fits) return { why: '', takes: true, rest: all };
  if (asksNothing(rest)) return { why: '', takes: false, rest: all };
  return { why: `rule ${rule.pref} turns round more than the mark`, takes: false, rest: all };
}

/** Whether the host has an address that the rule asks for as a source. */
function ownSource(net: World, rule: FibRule): boolean {
  const mask = rule.src_len === 0 ? 0 : (0xffffffff << (32 - rule.src_len)) >>> 0;
  let found = (0 & mask) === rule.src;
  for (const dev of net.devs) {
    for (const ifa of dev.ifa_list) found = found || ((ifa.ifa_local ^ rule.src) & mask) === 0;
  }
  return found;
}

/** Whether a rule asks for what the two lookups of a packet do not have alike: a source that the host has, or the user. */
function seesOtherwise(net: World, rule: FibRule, users: boolean): boolean {
  return (asksSource(rule) && ownSource(net, rule)) || (users && asksUser(rule));
}

/**
 * The first such rule that may decide about a packet with that mark, NO_RULE when none does. One that leads where the
 * next rule leads everybody decides nothing.
 */
export function seenOtherwise(net: World, mark: number, users: boolean): FibRule {
  let found = NO_RULE;
  for (let i = 0; i < net.rules.length; i += 1) {
    const rule = net.rules[i] as FibRule;
    const marked = rule.invert || ((rule.mark ^ mark) & rule.mark_mask) === 0;
    const differs = marked && seesOtherwise(net, rule, users) && !leadsAnyway(net, i, mark, users);
    found = found.pref < 0 && differs ? rule : found;
  }
  return found;
}

/** Whether the rules behind number `i` lead a packet with that mark to the same table, whatever it is. */
function leadsAnyway(net: World, i: number, mark: number, users: boolean): boolean {
  const rule = net.rules[i] as FibRule;
  if (rule.invert || !leadsToTable(rule)) return false;
  for (let k = i + 1; k < net.rules.length; k += 1) {
    const next = net.rules[k] as FibRule;
    const view = viewOf(next, mark);
    const same = leadsToTable(next) && next.table === rule.table;
    if (view.why !== '') return false;
    if (view.takes && !(same && seesOtherwise(net, next, users))) return same && asksNothing(view.rest);
  }
  return false;
}

/** The table of that number, NO_TABLE when there is none. */
export function tableOf(net: World, tb_id: number): FibTable {
  for (const table of net.tables) if (table.tb_id === tb_id) return table;
  return NO_TABLE;
}

/** Whether the table has a route for every destination, and refuses none. */
function routesAll({ aliases }: FibTable): boolean {
  let all = false;
  let refuses = false;
  for (const fa of aliases) {
    const error = fa.fa_type === RTN_BLACKHOLE || fa.fa_type === RTN_UNREACHABLE || fa.fa_type === RTN_PROHIBIT;
    refuses = refuses || (error && !all);
    all = all || (fa.plen === 0 && fa.fa_tos === 0 && !fa.dead && fa.fa_type === RTN_UNICAST);
  }
  return all && !refuses;
}

/** Whether the table refuses a destination. */
function refusesSome({ aliases }: FibTable): boolean {
  let refuses = false;
  for (const fa of aliases) {
    const error = fa.fa_type === RTN_BLACKHOLE || fa.fa_type === RTN_UNREACHABLE || fa.fa_type === RTN_PROHIBIT;
    refuses = refuses || error;
  }
  return refuses;
}

/** Whether every packet without a mark finds a route: one that finds none is refused before mangle could mark it. */
function routesUnmarked(net: World): boolean {
  for (const rule of net.rules) {
    const asked = (rule.mark & rule.mark_mask) !== 0;
    const arrived = rule.iifname !== '' && rule.iifname !== 'lo';
    const maybe = rule.invert || (!asked && !arrived);
    const unmarked = { ...rule, mark: 0, mark_mask: 0, iifname: '' };
    const everybody = rule.invert ? asked : maybe && asksNothing(unmarked);
    const { action } = rule;
    const error = action === FR_ACT_BLACKHOLE || action === FR_ACT_UNREACHABLE || action === FR_ACT_PROHIBIT;
    if (maybe && error) return false;
    if (maybe && action === FR_ACT_TO_TBL) {
      const table = tableOf(net, rule.table);
      if (everybody && leadsToTable(rule) && routesAll(table)) return true;
      if (refusesSome(table)) return false;
    }
  }
  return false;
}

/** Whether a match looks at the link or the source of the first lookup. */
function looksBack(match: XtMatch): boolean {
  return (match.kind === 'out' && match.dev !== '+' && match.dev !== 'lo') || looksAtSource(match);
}

function looksAtSource(match: XtMatch): boolean {
  return match.kind === 'src' || (match.kind === 'addrtype' && match.which === 'src');
}

/** Whether a rule of that chain, or of one that it leads to, looks at the source, or with `link` at the link of the first lookup. */
function chainLooksBack(table: XtTable, chain: XtChain, link: boolean): boolean {
  let looks = false;
  for (const rule of chain.rules) {
    for (const match of rule.matches) looks = looks || (link ? looksBack(match) : looksAtSource(match));
    const { target } = rule;
    const leads = target.kind === 'jump' || target.kind === 'goto';
    looks = looks || (leads && chainLooksBack(table, xt_find_chain(table, target.chain), link));
  }
  return looks;
}

/** The chain that looks at what a packet was before it was routed again, '' for none. */
function chainThatLooksBack(net: World, program: readonly MarkStep[]): string {
  for (const name of ['raw', 'nat', 'filter']) {
    const table = getTable(net, name);
    if (chainLooksBack(table, xt_find_chain(table, 'OUTPUT'), true)) return `${name} OUTPUT`;
  }
  if (chainLooksBack(net.mangle, xt_find_chain(net.mangle, 'POSTROUTING'), false)) return 'mangle POSTROUTING';
  let drops = false;
  for (const { rule } of program) {
    for (const match of rule.matches) drops = drops || (rule.target.kind === 'DROP' && looksBack(match));
  }
  return drops ? 'mangle OUTPUT' : '';
}

/** Whether mangle marks what arrives. */
function marksArrivals(net: World): boolean {
  let marks = false;
  for (const { name, rules } of net.mangle.chains) {
    for (const { target } of rules) {
      const sets = target.kind === 'MARK' || (target.kind === 'CONNMARK' && target.op === 'restore');
      marks = marks || (sets && name !== 'OUTPUT' && name !== 'POSTROUTING');
    }
  }
  return marks;
}

/** What no alternative is compared on, '' for nothing: where it could not say what the marks do. */
export function obstacle(net: World, program: readonly MarkStep[]): string {
  for (const dev of net.devs) {
    if (dev.vrf_tb_id !== 0) return `${dev.name} is a VRF, whose packets are routed twice`;
    if (dev.tunnel_daddr !== 0) return `${dev.name} is a tunnel, whose packets are marked inside and outside`;
  }
  if (net.xfrm_policy.length > 0) return 'IPsec policies look at the source';
  for (const rule of net.rules) {
    const ports = rule.ip_proto !== 0 || rule.sport_end !== 0 || rule.dport_end !== 0;
    if (rule.iifname === 'lo' && ports) return `rule ${rule.pref} knows protocol and ports in first lookups alone`;
  }
  const chain = chainThatLooksBack(net, program);
  if (chain !== '') return `${chain} looks at the source or the link that a packet had before it was routed again`;
  const reflects = net.sysctl.fwmark_reflect !== 0 || net.sysctl.tcp_fwmark_accept !== 0;
  if (reflects && marksArrivals(net)) return 'answers begin with the mark of what they answer';
  return routesUnmarked(net) ? '' : 'a packet that finds no route without a mark is refused before it is marked';
}
