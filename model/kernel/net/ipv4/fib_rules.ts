/** IPv4's part of policy routing: its selectors, actions and suppressors, and the lookup of a flow. */
import { EACCES, EAGAIN, EINVAL, ENETUNREACH, ESRCH } from '../../../types/errno.ts';
import { IPPROTO_TCP, IPPROTO_UDP, type SkBuff } from '../../../types/packet.ts';
import {
  type FibNexthop,
  type FibResult,
  type FibRule,
  type FibTable,
  type FlowI4,
  FR_ACT_PROHIBIT,
  FR_ACT_TO_TBL,
  FR_ACT_UNREACHABLE,
  RT_TABLE_DEFAULT,
  RT_TABLE_MAIN,
} from '../../../types/route.ts';
import type { World } from '../../../types/world.ts';
import { inet_make_mask } from '../../include/linux/in.ts';
import { dev_get_by_index } from '../core/dev.ts';
import {
  type FibLookup,
  fib_rule_get_table,
  fib_rule_port_range_set,
  fib_rule_requires_fldissect,
  fib_rules_lookup,
  noResult,
} from '../core/fib_rules.ts';
import { l3mdev_update_flow } from '../l3mdev/l3mdev.ts';
import { fib_get_table } from './fib_frontend.ts';
import { fib_table_lookup } from './fib_trie.ts';

/** IPv4's part of a rule's selectors. C: net/ipv4/fib_rules.c, fib4_rule_match(). */
export function fib4_rule_match(rule: FibRule, fl4: FlowI4): boolean {
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

/** What a rule that applies says. C: net/ipv4/fib_rules.c, fib4_rule_action(). */
export function fib4_rule_action(net: World, rule: FibRule, flp: FlowI4): FibResult {
  if (rule.action === FR_ACT_TO_TBL) {
    return fib_table_lookup(net, fib_get_table(net, fib_rule_get_table(net, rule, flp)), flp);
  }
  if (rule.action === FR_ACT_UNREACHABLE) return noResult(-ENETUNREACH);
  if (rule.action === FR_ACT_PROHIBIT) return noResult(-EACCES);
  return noResult(-EINVAL);
}

/**
 * Whether a rule's suppressor vetoes what its table found.
 *
 * C: net/ipv4/fib_rules.c, fib4_rule_suppress(): of several paths the first is asked.
 */
export function fib4_rule_suppress(net: World, rule: FibRule, result: FibResult): boolean {
  const { fa } = result;
  const nh_dev = fa.fib_nhs.length > 0 ? (fa.fib_nhs[0] as FibNexthop).nh_dev : fa.nh_dev;
  const ofGroup = nh_dev !== 0 && dev_get_by_index(net, nh_dev).group === rule.suppress_ifgroup;
  return fa.plen <= rule.suppress_prefixlen || ofGroup;
}

/** C: net/ipv4/fib_rules.c, __fib_lookup(). */
function __fib_lookup(net: World, asked: FlowI4): FibLookup {
  const flp = l3mdev_update_flow(net, asked);
  const { err, table, fa, dscp } = fib_rules_lookup(net, flp);
  return { err: err === -ESRCH ? -ENETUNREACH : err, table, fa, dscp, flp };
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
  const { err, table, fa, dscp } = res;
  return { err: err === -EAGAIN ? -ENETUNREACH : err, table, fa, dscp, flp };
}

/** Whether a rule asks for protocol or ports. C: include/net/netns/ipv4.h, fib_rules_require_fldissect. */
export function fib_rules_require_fldissect(net: World): boolean {
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

/** The part of a rule's identity that only IPv4 knows; what is not given is not compared. C: net/ipv4/fib_rules.c, fib4_rule_compare(). */
export function fib4_rule_compare(r: FibRule, rule: FibRule): boolean {
  return (
    (rule.src_len === 0 || (r.src_len === rule.src_len && r.src === rule.src)) &&
    (rule.dst_len === 0 || (r.dst_len === rule.dst_len && r.dst === rule.dst)) &&
    (rule.tos === 0 || r.tos === rule.tos)
  );
}

/** The lowest number from 1 that no table has. C: net/ipv4/fib_rules.c, fib_empty_table(). */
export function fib_empty_table(tables: readonly FibTable[]): number {
  let id = 1;
  for (const pass of tables) {
    for (const tb of tables) id = tb.tb_id === id && pass.tb_id !== 0 ? id + 1 : id;
  }
  return id;
}
