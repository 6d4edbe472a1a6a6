/** Policy rules: which table, or which refusal, answers a lookup. */
import { fib_get_table, fib_new_table, rt_cache_flush } from './fib_frontend.ts';
import { fib_table_lookup } from './fib_trie.ts';
import { inet_make_mask } from './in.ts';
import { l3mdev_fib_rule_match, l3mdev_fib_table_by_index, l3mdev_update_flow } from './l3mdev.ts';
import { dev_get_by_name } from './net.ts';
import type { NetlinkResult } from './netlink.ts';
import { EACCES, EAGAIN, EEXIST, EINVAL, ENETUNREACH, ENOENT, ESRCH } from './types/errno.ts';
import { LOOPBACK_IFINDEX } from './types/net.ts';
import { IPPROTO_TCP, IPPROTO_UDP, type SkBuff } from './types/packet.ts';
import {
  type FibResult,
  type FibRule,
  type FibTable,
  type FlowI4,
  FR_ACT_GOTO,
  FR_ACT_NOP,
  FR_ACT_PROHIBIT,
  FR_ACT_TO_TBL,
  FR_ACT_UNREACHABLE,
  FR_ACT_UNSPEC,
  NO_ROUTE,
  RT_TABLE_DEFAULT,
  RT_TABLE_MAIN,
  RT_TABLE_UNSPEC,
} from './types/route.ts';
import type { World } from './types/world.ts';

function uid_range_set(rule: FibRule): boolean {
  return rule.uid_start <= rule.uid_end;
}

/** C: include/net/fib_rules.h, fib_rule_port_range_set(). */
function fib_rule_port_range_set(start: number, end: number): boolean {
  return start !== 0 && end !== 0;
}

/** IPv4's part of a rule's selectors. C: net/ipv4/fib_rules.c, fib4_rule_match(). */
function fib4_rule_match(rule: FibRule, fl4: FlowI4): boolean {
  return (
    ((fl4.saddr ^ rule.src) & inet_make_mask(rule.src_len)) === 0 &&
    ((fl4.daddr ^ rule.dst) & inet_make_mask(rule.dst_len)) === 0 &&
    (rule.tos === 0 || rule.tos === fl4.flowi4_tos) &&
    (rule.ip_proto === 0 || rule.ip_proto === fl4.flowi4_proto) &&
    (!fib_rule_port_range_set(rule.sport_start, rule.sport_end) ||
      (fl4.fl4_sport >= rule.sport_start && fl4.fl4_sport <= rule.sport_end)) &&
    (!fib_rule_port_range_set(rule.dport_start, rule.dport_end) ||
      (fl4.fl4_dport >= rule.dport_start && fl4.fl4_dport <= rule.dport_end))
  );
}

/**
 * Whether a rule applies to the key; `not` turns all of it round.
 *
 * C: net/core/fib_rules.c, fib_rule_match().
 * Left out: tun_id, which no command of the model can give.
 */
function fib_rule_match(net: World, rule: FibRule, fl4: FlowI4): boolean {
  const matches: boolean =
    (rule.iifname === '' || ruleIfindex(net, rule.iifname) === fl4.flowi4_iif) &&
    (rule.oifname === '' || ruleIfindex(net, rule.oifname) === fl4.flowi4_oif) &&
    ((rule.mark ^ fl4.flowi4_mark) & rule.mark_mask) === 0 &&
    (!rule.l3mdev || l3mdev_fib_rule_match(net, fl4)) &&
    (!uid_range_set(rule) || (fl4.flowi4_uid >= rule.uid_start && fl4.flowi4_uid <= rule.uid_end)) &&
    fib4_rule_match(rule, fl4);
  return rule.invert ? !matches : matches;
}

/** rule->iifindex and oifindex: -1, which no key has, while there is no device of that name. */
function ruleIfindex(net: World, name: string): number {
  const dev = dev_get_by_name(net, name);
  return dev.ifindex === 0 ? -1 : dev.ifindex;
}

/**
 * The table that a rule leads to.
 *
 * C: include/net/fib_rules.h, fib_rule_get_table(). Left out: `not` before l3mdev, where the table is that of an earlier
 * rule: a host file does not accept it.
 */
function fib_rule_get_table(net: World, rule: FibRule, flp: FlowI4): number {
  return rule.l3mdev ? l3mdev_fib_table_by_index(net, flp.flowi4_l3mdev) : rule.table;
}

/** What a rule that applies says. C: net/ipv4/fib_rules.c, fib4_rule_action(). */
function fib4_rule_action(net: World, rule: FibRule, flp: FlowI4): FibResult {
  if (rule.action === FR_ACT_TO_TBL) {
    return fib_table_lookup(net, fib_get_table(net, fib_rule_get_table(net, rule, flp)), flp);
  }
  if (rule.action === FR_ACT_UNREACHABLE) return noResult(-ENETUNREACH);
  if (rule.action === FR_ACT_PROHIBIT) return noResult(-EACCES);
  return noResult(-EINVAL);
}

function noResult(err: number): FibResult {
  return { err, table: RT_TABLE_UNSPEC, fa: NO_ROUTE, dscp: 0 };
}

const NO_MATCH: FibResult = noResult(-ESRCH);
const PASSED: FibResult = noResult(-EAGAIN);

/**
 * Whether a rule's suppressor vetoes what its table found.
 *
 * C: net/ipv4/fib_rules.c, fib4_rule_suppress().
 * Left out: suppress_ifgroup.
 */
function fib4_rule_suppress(rule: FibRule, result: FibResult): boolean {
  return result.fa.plen <= rule.suppress_prefixlen;
}

/** Whether a rule has that preference: a goto without a target is passed over. */
function hasPref(rules: readonly FibRule[], pref: number): boolean {
  let found = false;
  for (const rule of rules) found = found || rule.pref === pref;
  return found;
}

/**
 * Asks the rules in their order until one answers.
 *
 * C: net/core/fib_rules.c, fib_rules_lookup(). A jump is taken by passing over rules up to the target, which lies ahead.
 * Observed: Linux 6.18, `ip route get 10.0.0.1 oif eth1 tos 0x1c`, 2026-11-22: a failed result keeps the TOS of the route that a
 * suppressor vetoed last.
 */
export function fib_rules_lookup(net: World, flp: FlowI4): FibResult {
  let answer = NO_MATCH;
  let done = false;
  let jumping = false;
  let target = 0;
  let dscp = 0;
  for (const rule of net.rules) {
    const reached: boolean = !done && (!jumping || rule.pref === target);
    const matches: boolean = reached && fib_rule_match(net, rule, flp);
    jumping = jumping && !reached;
    if (rule.action === FR_ACT_GOTO) {
      const jumps: boolean = matches && hasPref(net.rules, rule.target);
      jumping = jumping || jumps;
      target = jumps ? rule.target : target;
    } else if (rule.action !== FR_ACT_NOP) {
      const result: FibResult = matches ? fib4_rule_action(net, rule, flp) : PASSED;
      const vetoed: boolean = result.err === 0 && fib4_rule_suppress(rule, result);
      const answers: boolean = result.err !== -EAGAIN && !vetoed;
      dscp = result.err === 0 ? result.dscp : dscp;
      answer = answers ? result : answer;
      done = done || answers;
    }
  }
  return answer.err === 0 ? answer : { ...answer, dscp };
}

/** What a lookup found, and its key as it leaves it. */
export interface FibLookup extends FibResult {
  readonly flp: FlowI4;
}

/** C: net/ipv4/fib_rules.c, __fib_lookup(). */
function __fib_lookup(net: World, asked: FlowI4): FibLookup {
  const flp = l3mdev_update_flow(net, asked);
  const res = fib_rules_lookup(net, flp);
  return { ...res, err: res.err === -ESRCH ? -ENETUNREACH : res.err, flp };
}

/**
 * The route for a key.
 *
 * C: include/net/ip_fib.h, fib_lookup(): without custom rules the rules are not asked; the default table follows main only
 * where main says nothing.
 */
export function fib_lookup(net: World, flp: FlowI4): FibLookup {
  if (net.fib_has_custom_rules) return __fib_lookup(net, flp);
  const main = fib_table_lookup(net, fib_get_table(net, RT_TABLE_MAIN), flp);
  const res = main.err === -EAGAIN ? fib_table_lookup(net, fib_get_table(net, RT_TABLE_DEFAULT), flp) : main;
  return { ...res, err: res.err === -EAGAIN ? -ENETUNREACH : res.err, flp };
}

/** C: include/net/fib_rules.h, fib_rule_requires_fldissect(). */
function fib_rule_requires_fldissect(net: World, rule: FibRule): boolean {
  return (
    (rule.ip_proto !== 0 ||
      fib_rule_port_range_set(rule.sport_start, rule.sport_end) ||
      fib_rule_port_range_set(rule.dport_start, rule.dport_end)) &&
    (rule.iifname === '' || dev_get_by_name(net, rule.iifname).ifindex !== LOOPBACK_IFINDEX)
  );
}

/** Whether a rule asks for protocol or ports. C: struct netns_ipv4, fib_rules_require_fldissect. */
function fib_rules_require_fldissect(net: World): boolean {
  let required = false;
  for (const rule of net.rules) required = required || fib_rule_requires_fldissect(net, rule);
  return required;
}

/**
 * The key with the protocol and ports of a packet, when some rule asks for them; else as it was.
 *
 * C: include/net/ip_fib.h, fib4_rules_early_flow_dissect().
 */
export function fib4_rules_early_flow_dissect(net: World, skb: SkBuff, fl4: FlowI4): FlowI4 {
  if (!fib_rules_require_fldissect(net)) return fl4;
  const { protocol } = skb.iph;
  const fl4_sport = protocol === IPPROTO_TCP ? skb.th.source : protocol === IPPROTO_UDP ? skb.uh.source : 0;
  const fl4_dport = protocol === IPPROTO_TCP ? skb.th.dest : protocol === IPPROTO_UDP ? skb.uh.dest : 0;
  return { ...fl4, flowi4_proto: protocol, fl4_sport, fl4_dport };
}

/** The preference of a rule that names none: one less than the second rule's. C: net/core/fib_rules.c, fib_default_rule_pref(). */
function fib_default_rule_pref(rules: readonly FibRule[]): number {
  let pref = 0;
  let position = 0;
  for (const rule of rules) {
    pref = position === 1 && rule.pref !== 0 ? rule.pref - 1 : pref;
    position = position + 1;
  }
  return pref;
}

function withPref(net: World, rule: FibRule): FibRule {
  return rule.pref < 0 ? { ...rule, pref: fib_default_rule_pref(net.rules) } : rule;
}

/** Why a rule is malformed, '' when it is not. C: net/core/fib_rules.c, fib_nl2rule(); net/ipv4/fib_rules.c, fib4_rule_configure(). */
function ruleError(rule: FibRule): string {
  if (rule.action === FR_ACT_GOTO && rule.target <= rule.pref) return 'Backward goto not supported';
  if (rule.l3mdev && rule.table !== RT_TABLE_UNSPEC) return 'l3mdev and table are mutually exclusive';
  if (badPorts(rule.sport_start, rule.sport_end)) return 'Invalid sport range';
  if (badPorts(rule.dport_start, rule.dport_end)) return 'Invalid dport range';
  return '';
}

function tosError(rule: FibRule): string {
  if ((rule.tos & 3) !== 0) return 'Invalid dsfield (tos): ECN bits must be 0';
  return (rule.tos & 0xe1) !== 0 ? 'Invalid tos' : '';
}

/** C: net/core/fib_rules.c, nla_get_port_range(). 0 to 0 is no attribute at all. */
function badPorts(start: number, end: number): boolean {
  if (start === 0 && end === 0) return false;
  return start === 0 || end >= 0xffff || start > end;
}

/** The part of a rule's identity that only IPv4 knows; what is not given is not compared. C: net/ipv4/fib_rules.c, fib4_rule_compare(). */
function fib4_rule_compare(r: FibRule, rule: FibRule): boolean {
  return (
    (rule.src_len === 0 || (r.src_len === rule.src_len && r.src === rule.src)) &&
    (rule.dst_len === 0 || (r.dst_len === rule.dst_len && r.dst === rule.dst)) &&
    (rule.tos === 0 || r.tos === rule.tos)
  );
}

function sameUids(r: FibRule, rule: FibRule): boolean {
  if (!uid_range_set(r) || !uid_range_set(rule)) return uid_range_set(r) === uid_range_set(rule);
  return r.uid_start === rule.uid_start && r.uid_end === rule.uid_end;
}

/**
 * Whether the same rule is there already.
 *
 * C: net/core/fib_rules.c, rule_exists(). `not` and the target of a goto are not compared, and a rule from all or to all is the
 * same as one with an address.
 */
function rule_exists(rules: readonly FibRule[], rule: FibRule): boolean {
  let exists = false;
  for (const r of rules) {
    exists =
      exists ||
      (r.action === rule.action &&
        r.table === rule.table &&
        r.pref === rule.pref &&
        r.iifname === rule.iifname &&
        r.oifname === rule.oifname &&
        r.mark === rule.mark &&
        r.suppress_prefixlen === rule.suppress_prefixlen &&
        r.mark_mask === rule.mark_mask &&
        r.l3mdev === rule.l3mdev &&
        sameUids(r, rule) &&
        r.ip_proto === rule.ip_proto &&
        r.protocol === rule.protocol &&
        r.sport_start === rule.sport_start &&
        r.sport_end === rule.sport_end &&
        r.dport_start === rule.dport_start &&
        r.dport_end === rule.dport_end &&
        fib4_rule_compare(r, rule));
  }
  return exists;
}

/** Whether a rule fits what `ip rule del` named; what is not given fits all. C: net/core/fib_rules.c, rule_find(). */
function rule_find_match(r: FibRule, rule: FibRule): boolean {
  return (
    (rule.action === FR_ACT_UNSPEC || r.action === rule.action) &&
    (rule.table === RT_TABLE_UNSPEC || r.table === rule.table) &&
    (rule.pref < 0 || r.pref === rule.pref) &&
    (rule.iifname === '' || r.iifname === rule.iifname) &&
    (rule.oifname === '' || r.oifname === rule.oifname) &&
    (rule.mark === 0 || r.mark === rule.mark) &&
    (rule.suppress_prefixlen < 0 || r.suppress_prefixlen === rule.suppress_prefixlen) &&
    (rule.mark_mask === 0 || r.mark_mask === rule.mark_mask) &&
    (!rule.l3mdev || r.l3mdev) &&
    (!uid_range_set(rule) || sameUids(r, rule)) &&
    (rule.ip_proto === 0 || r.ip_proto === rule.ip_proto) &&
    (rule.protocol === 0 || r.protocol === rule.protocol) &&
    (!fib_rule_port_range_set(rule.sport_start, rule.sport_end) ||
      (r.sport_start === rule.sport_start && r.sport_end === rule.sport_end)) &&
    (!fib_rule_port_range_set(rule.dport_start, rule.dport_end) ||
      (r.dport_start === rule.dport_start && r.dport_end === rule.dport_end)) &&
    fib4_rule_compare(r, rule)
  );
}

/** The lowest number from 1 that no table has. C: net/ipv4/fib_rules.c, fib_empty_table(). */
function fib_empty_table(tables: readonly FibTable[]): number {
  let id = 1;
  for (const pass of tables) {
    for (const tb of tables) id = tb.tb_id === id && pass.tb_id !== 0 ? id + 1 : id;
  }
  return id;
}

/** The rules with one more, behind those of its preference. */
function insertRule(rules: readonly FibRule[], rule: FibRule): readonly FibRule[] {
  let list: readonly FibRule[] = [];
  let placed = false;
  for (const r of rules) {
    const here: boolean = !placed && r.pref > rule.pref;
    list = here ? [...list, rule, r] : [...list, r];
    placed = placed || here;
  }
  return placed ? list : [...list, rule];
}

/**
 * Adds a rule; a preference that is not given (-1) is chosen.
 *
 * C: net/core/fib_rules.c, fib_nl_newrule(); net/ipv4/fib_rules.c, fib4_rule_configure().
 */
export function fib_nl_newrule(net: World, asked: FibRule): NetlinkResult {
  const rule = withPref(net, asked);
  const bad = ruleError(rule);
  if (bad !== '') return { err: -EINVAL, extack: bad, net };
  if (rule_exists(net.rules, rule)) return { err: -EEXIST, extack: '', net };
  const badTos = tosError(rule);
  if (badTos !== '') return { err: -EINVAL, extack: badTos, net };
  if (rule.action === FR_ACT_TO_TBL && rule.table === RT_TABLE_UNSPEC && !rule.l3mdev) {
    const table = fib_empty_table(net.tables);
    return addRule(fib_new_table(net, table), { ...rule, table });
  }
  return addRule(net, rule);
}

function addRule(net: World, rule: FibRule): NetlinkResult {
  const added = { ...net, rules: insertRule(net.rules, rule), fib_has_custom_rules: true };
  return { err: 0, extack: '', net: rt_cache_flush(added) };
}

/** Deletes the first rule that fits. C: net/core/fib_rules.c, fib_nl_delrule(); net/ipv4/fib_rules.c, fib4_rule_delete(). */
export function fib_nl_delrule(net: World, rule: FibRule): NetlinkResult {
  const bad = ruleError(withPref(net, rule));
  if (bad !== '') return { err: -EINVAL, extack: bad, net };
  let rules: readonly FibRule[] = [];
  let deleted = false;
  for (const r of net.rules) {
    const here: boolean = !deleted && rule_find_match(r, rule);
    rules = here ? rules : [...rules, r];
    deleted = deleted || here;
  }
  if (!deleted) return { err: -ENOENT, extack: '', net };
  return { err: 0, extack: '', net: rt_cache_flush({ ...net, rules, fib_has_custom_rules: true }) };
}
