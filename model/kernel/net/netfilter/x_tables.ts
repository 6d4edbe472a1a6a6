/**
 * Matches and targets of iptables rules.
 *
 * The extensions stand in xt_*.ts beside this file. C: net/netfilter/x_tables.c.
 * Left out: fragments, which the matches on ports treat apart.
 */

import { IPPROTO_ICMP, IPPROTO_TCP, type SkBuff } from '../../../types/packet.ts';
import {
  IPT_TCP_RESET,
  NF_ACCEPT,
  NF_DROP,
  type NfHookState,
  XT_CONTINUE,
  type XtChain,
  type XtMatch,
  type XtRule,
  type XtTable,
  type XtTarget,
} from '../../../types/verdict.ts';
import type { HookResult, World } from '../../../types/world.ts';
import { inet_addr_type } from '../ipv4/fib_frontend.ts';
import { endsChain, protoOf, xt_find_chain } from '../ipv4/netfilter/ip_tables.ts';
import { reject_tg } from '../ipv4/netfilter/ipt_REJECT.ts';
import { NF_NAT_MANIP_DST, NF_NAT_MANIP_SRC } from './nf_nat_core.ts';
import { nf_nat_masquerade_ipv4 } from './nf_nat_masquerade.ts';
import { notrack_tg } from './xt_CT.ts';
import { connmark_tg } from './xt_connmark.ts';
import { conntrack_mt } from './xt_conntrack.ts';
import { dscp_tg, tos_tg } from './xt_DSCP.ts';
import { mark_tg } from './xt_mark.ts';
import { multiport_mt } from './xt_multiport.ts';
import { xt_nat_target } from './xt_nat.ts';
import { owner_mt } from './xt_owner.ts';
import { dportOf, icmp_type_code_match, port_match, sportOf } from './xt_tcpudp.ts';

/** Names of the devices that a packet came in and goes out by, '' for none. */
export interface IfNames {
  readonly indev: string;
  readonly outdev: string;
}

/** Whether `name` equals `pattern` from its i-th letter on; a final `+` covers the rest. C: net/netfilter/x_tables.h, ifname_compare_aligned(). */
function ifname_match(name: string, pattern: string, i: number): boolean {
  if (i === pattern.length - 1 && pattern[i] === '+') return true;
  if (i >= pattern.length || i >= name.length) return pattern.length === name.length && i >= name.length;
  return name[i] === pattern[i] && ifname_match(name, pattern, i + 1);
}

function device_match(name: string, pattern: string): boolean {
  return name === pattern || ifname_match(name, pattern, 0);
}

/** The match without its `!`. `statistic-nth` is decided by its rule's counter, see ip_tables.ts. */
function matches(net: World, skb: SkBuff, names: IfNames, m: XtMatch): boolean {
  const { iph } = skb;
  switch (m.kind) {
    case 'src':
      return ((iph.saddr ^ m.addr) & m.mask) === 0;
    case 'dst':
      return ((iph.daddr ^ m.addr) & m.mask) === 0;
    case 'proto':
      return m.protocol === 0 || iph.protocol === m.protocol;
    case 'in':
      return device_match(names.indev, m.dev);
    case 'out':
      return device_match(names.outdev, m.dev);
    case 'sport':
      return port_match(m.first, m.last, sportOf(skb));
    case 'dport':
      return port_match(m.first, m.last, dportOf(skb));
    case 'multiport':
      return multiport_mt(skb, m.which, m.ports);
    case 'tcp-flags':
      return iph.protocol === IPPROTO_TCP && (skb.th.flags & m.mask) === m.comp;
    case 'icmp-type':
      return iph.protocol === IPPROTO_ICMP && icmp_type_code_match(skb, m.type, m.codeFirst, m.codeLast);
    case 'mark':
      return (skb.mark & m.mask) >>> 0 === m.mark;
    case 'ctstate':
      return conntrack_mt(net, skb, m.states);
    case 'owner':
      return owner_mt(net, skb, m.uidFirst, m.uidLast);
    case 'statistic-nth':
      return true;
    case 'tos':
      return (iph.tos & m.mask) === m.value;
    case 'dscp':
      return iph.tos >>> 2 === m.dscp;
    case 'addrtype':
      return inet_addr_type(net, m.which === 'src' ? iph.saddr : iph.daddr) === m.type;
  }
}

/** Whether a packet satisfies one match of a rule. */
export function xt_match(net: World, skb: SkBuff, names: IfNames, m: XtMatch): boolean {
  return matches(net, skb, names, m) !== m.invert;
}

/** What a target does and says; `jump`, `goto` and RETURN belong to the traversal in ip_tables.ts. */
export function xt_target(net: World, skb: SkBuff, state: NfHookState, t: XtTarget): HookResult {
  switch (t.kind) {
    case 'none':
    case 'jump':
    case 'goto':
    case 'RETURN':
      return { verdict: XT_CONTINUE, skb, net };
    case 'ACCEPT':
      return { verdict: NF_ACCEPT, skb, net };
    case 'DROP':
      return { verdict: NF_DROP, skb, net };
    case 'MARK':
      return { verdict: XT_CONTINUE, skb: mark_tg(skb, t.value, t.mask), net };
    case 'CONNMARK':
      return { verdict: XT_CONTINUE, ...connmark_tg(net, skb, t.op, t.value, t.mask) };
    case 'TOS':
      return { verdict: XT_CONTINUE, skb: tos_tg(skb, t.value, t.mask), net };
    case 'DSCP':
      return { verdict: XT_CONTINUE, skb: dscp_tg(skb, t.dscp), net };
    case 'NOTRACK':
      return { verdict: XT_CONTINUE, skb: notrack_tg(skb), net };
    case 'REJECT':
      return { verdict: NF_DROP, skb, net: reject_tg(net, skb, state, t.reject) };
    case 'MASQUERADE':
      return nf_nat_masquerade_ipv4(net, skb, state);
    case 'SNAT':
      return xt_nat_target(net, skb, t, NF_NAT_MANIP_SRC);
    case 'DNAT':
      return xt_nat_target(net, skb, t, NF_NAT_MANIP_DST);
  }
}

/** What the kernel checks of a rule wherever it stands. C: net/netfilter/x_tables.c, xt_check_match(), xt_check_target(). */
export function checkEntry(table: string, e: XtRule): boolean {
  const { invert, protocol } = protoOf(e);
  const { target } = e;
  if (target.kind === 'REJECT' && target.reject === IPT_TCP_RESET && (protocol !== IPPROTO_TCP || invert)) return false;
  for (const m of e.matches) {
    const needsProto = m.kind === 'sport' || m.kind === 'dport' || m.kind === 'tcp-flags' || m.kind === 'icmp-type';
    if (needsProto && invert) return false;
    if (m.kind === 'owner' && m.uidFirst > m.uidLast) return false;
  }
  return tableAllows(table, e.target);
}

/** Whether the kernel's match or target may be used from a chain that this hook reaches. C: net/netfilter/x_tables.c, xt_check_match() and xt_check_target(), on the `hooks` that each extension declares. */
function allowedAt(e: XtRule, hook: string): boolean {
  const output = hook === 'OUTPUT';
  const post = hook === 'POSTROUTING';
  for (const m of e.matches) if (m.kind === 'owner' && !output && !post) return false;
  switch (e.target.kind) {
    case 'MASQUERADE':
      return post;
    case 'SNAT':
      return post || hook === 'INPUT';
    case 'DNAT':
      return output || hook === 'PREROUTING';
    case 'REJECT':
      return output || hook === 'INPUT' || hook === 'FORWARD';
    default:
      return true;
  }
}

/** Whether everything that a built-in chain leads to may be used from it. */
export function allowedFrom(table: XtTable, chain: XtChain, hook: string): boolean {
  for (const e of chain.rules) {
    const t = e.target;
    if (!allowedAt(e, hook)) return false;
    if (t.kind === 'jump' || t.kind === 'goto') {
      if (!allowedFrom(table, xt_find_chain(table, t.chain), hook)) return false;
    }
    if (endsChain(e)) return true;
  }
  return true;
}

/** Whether the target may be used in that table. C: net/netfilter/x_tables.c, xt_check_target(), on the `table` that each extension declares. */
function tableAllows(table: string, target: XtTarget): boolean {
  switch (target.kind) {
    case 'TOS':
    case 'DSCP':
      return table === 'mangle';
    case 'NOTRACK':
      return table === 'raw';
    case 'REJECT':
      return table === 'filter';
    case 'MASQUERADE':
    case 'SNAT':
    case 'DNAT':
      return table === 'nat';
    default:
      return true;
  }
}
