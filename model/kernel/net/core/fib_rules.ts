/** Policy rules: which table, or which refusal, answers a lookup. */

import { EAGAIN, EEXIST, EINVAL, ENOENT, ESRCH } from '../../../types/errno.ts';
import { LOOPBACK_IFINDEX } from '../../../types/net.ts';
import type { NetlinkResult } from '../../../types/netlink.ts';
import {
  type FibResult,
  type FibRule,
  type FlowI4,
  FR_ACT_GOTO,
  FR_ACT_NOP,
  FR_ACT_TO_TBL,
  FR_ACT_UNSPEC,
  NO_ROUTE,
  RT_TABLE_UNSPEC,
} from '../../../types/route.ts';
import type { World } from '../../../types/world.ts';
import { fib_new_table } from '../ipv4/fib_frontend.ts';
import {
  fib_empty_table,
  fib4_rule_action,
  fib4_rule_compare,
  fib4_rule_match,
  fib4_rule_suppress,
} from '../ipv4/fib_rules.ts';
import { rt_cache_flush } from '../ipv4/route.ts';
import { l3mdev_fib_rule_match, l3mdev_fib_table_by_index } from '../l3mdev/l3mdev.ts';
import { dev_get_by_name } from './dev.ts';

function uid_range_set(rule: FibRule): boolean {
  return rule.uid_start <= rule.uid_end;
}

/** C: include/net/fib_rules.h, fib_rule_port_range_set(). */
export function fib_rule_port_range_set(start: number, end: number): boolean {
  return start !== 0 && end !== 0;
}

/**
 * Whether a rule applies to the key; `not` turns all of it round.
 *
 * C: net/core/fib_rules.c, fib_rule_match(). No key of the model has a tunnel's.
 */
function fib_rule_match(net: World, rule: FibRule, fl4: FlowI4): boolean {
  const matches: boolean =
    (rule.iifname === '' || ruleIfindex(net, rule.iifname) === fl4.flowi4_iif) &&
    (rule.oifname === '' || ruleIfindex(net, rule.oifname) === fl4.flowi4_oif) &&
    ((rule.mark ^ fl4.flowi4_mark) & rule.mark_mask) === 0 &&
    rule.tun_id === 0 &&
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
export function fib_rule_get_table(net: World, rule: FibRule, flp: FlowI4): number {
  return rule.l3mdev ? l3mdev_fib_table_by_index(net, flp.flowi4_l3mdev) : rule.table;
}

export function noResult(err: number): FibResult {
  return { err, table: RT_TABLE_UNSPEC, fa: NO_ROUTE, dscp: 0 };
}

const NO_MATCH: FibResult = noResult(-ESRCH);
const PASSED: FibResult = noResult(-EAGAIN);

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
      const vetoed: boolean = result.err === 0 && fib4_rule_suppress(net, rule, result);
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

/** C: include/net/fib_rules.h, fib_rule_requires_fldissect(). */
export function fib_rule_requires_fldissect(net: World, rule: FibRule): boolean {
  return (
    (rule.ip_proto !== 0 ||
      fib_rule_port_range_set(rule.sport_start, rule.sport_end) ||
      fib_rule_port_range_set(rule.dport_start, rule.dport_end)) &&
    (rule.iifname === '' || dev_get_by_name(net, rule.iifname).ifindex !== LOOPBACK_IFINDEX)
  );
}

/** The preference of a rule that names none: one less than the second rule's. C: net/core/fib_rules.c, fib_default_rule_pref(). */
function fib_default_rule_pref(rules: readonly FibRule[]): number {
  if (rules.length < 2) return 0;
  const { pref } = rules[1] as FibRule;
  return pref === 0 ? 0 : pref - 1;
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
        r.suppress_ifgroup === rule.suppress_ifgroup &&
        r.suppress_prefixlen === rule.suppress_prefixlen &&
        r.mark_mask === rule.mark_mask &&
        r.tun_id === rule.tun_id &&
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
    (rule.suppress_ifgroup < 0 || r.suppress_ifgroup === rule.suppress_ifgroup) &&
    (rule.suppress_prefixlen < 0 || r.suppress_prefixlen === rule.suppress_prefixlen) &&
    (rule.mark_mask === 0 || r.mark_mask === rule.mark_mask) &&
    (rule.tun_id === 0 || r.tun_id === rule.tun_id) &&
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
