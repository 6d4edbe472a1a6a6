/**
 * Matches and targets of iptables rules.
 *
 * The extensions stand in xt_*.ts beside this file. C: net/netfilter/x_tables.c.
 * Left out: fragments, which the matches on ports treat apart.
 */

import { IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP, type SkBuff } from '../../../types/packet.ts';
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
import type { HookResult, Kernel, World } from '../../../types/world.ts';
import { endsChain, protoOf, xt_find_chain } from '../ipv4/netfilter/ip_tables.ts';
import { reject_tg } from '../ipv4/netfilter/ipt_REJECT.ts';
import { NF_NAT_MANIP_DST, NF_NAT_MANIP_SRC } from './nf_nat_core.ts';
import { nf_nat_masquerade_ipv4 } from './nf_nat_masquerade.ts';
import { nf_nat_redirect_ipv4 } from './nf_nat_redirect.ts';
import { addrtype_mt } from './xt_addrtype.ts';
import { notrack_tg, xt_ct_target } from './xt_CT.ts';
import { cgroup_mt } from './xt_cgroup.ts';
import { connmark_mt, connmark_tg } from './xt_connmark.ts';
import { conntrack_mt, stateMatches } from './xt_conntrack.ts';
import { dscp_tg, tos_tg } from './xt_DSCP.ts';
import { iprange_mt4 } from './xt_iprange.ts';
import { length_mt } from './xt_length.ts';
import { mark_tg } from './xt_mark.ts';
import { multiport_mt } from './xt_multiport.ts';
import { xt_nat_target } from './xt_nat.ts';
import { owner_exists_mt, owner_gid_mt, owner_mt } from './xt_owner.ts';
import { policy_mt } from './xt_policy.ts';
import { set_match } from './xt_set.ts';
import { socket_match } from './xt_socket.ts';
import { tproxy_tg4 } from './xt_TPROXY.ts';
import { dportOf, icmp_type_code_match, port_match, sportOf } from './xt_tcpudp.ts';

/** Names of the devices that a packet came in and goes out by, '' for none. */
export interface IfNames {
  readonly indev: string;
  readonly outdev: string;
}

/** Whether `name` equals `pattern` from its i-th letter on; a final `+` covers the rest. C: net/netfilter/x_tables.h, ifname_compare_aligned(). */
function ifname_match(name: string, pattern: string, i: number): boolean {
  if (i === pattern.length - 1 && pattern[i] === '+') return true;
  if (i >= name.length) return pattern.length === name.length;
  return name[i] === pattern[i] && ifname_match(name, pattern, i + 1);
}

function device_match(name: string, pattern: string): boolean {
  return name === pattern || ifname_match(name, pattern, 0);
}

/** The match without its `!`. `statistic` is decided by its rule's counter or by a pick, see ip_tables.ts. */
function matches(kernel: Kernel, net: World, skb: SkBuff, state: NfHookState, names: IfNames, m: XtMatch): boolean {
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
      return stateMatches(net, skb, m.states);
    case 'conntrack':
      return conntrack_mt(net, skb, m);
    case 'connmark':
      return connmark_mt(net, skb, m.mark, m.mask, m.invert);
    case 'owner':
      return owner_mt(net, skb, m.uidFirst, m.uidLast);
    case 'owner-gid':
      return owner_gid_mt(net, skb, m.gidFirst, m.gidLast);
    case 'socket-exists':
      return owner_exists_mt(net, skb);
    case 'cgroup':
      return cgroup_mt(net, skb, m);
    case 'set':
      return set_match(net, skb, names, m.set, m.dims);
    case 'iprange':
      return iprange_mt4(skb, m.which, m.first, m.last);
    case 'length':
      return length_mt(skb, m.first, m.last);
    case 'policy':
      return policy_mt(skb, m.out, m.ipsec);
    case 'statistic-nth':
    case 'statistic-random':
      return true;
    case 'tos':
      return (iph.tos & m.mask) === m.value;
    case 'dscp':
      return iph.tos >>> 2 === m.dscp;
    case 'addrtype':
      return addrtype_mt(net, skb, names, m);
    case 'socket':
      return socket_match(kernel, net, skb, state, m.transparent, m.nowildcard);
  }
}

/** Whether a packet satisfies one match of a rule; two extensions turn their answer round themselves. */
export function xt_match(
  kernel: Kernel,
  net: World,
  skb: SkBuff,
  state: NfHookState,
  names: IfNames,
  m: XtMatch,
): boolean {
  const turned = m.kind === 'connmark' || m.kind === 'cgroup';
  return matches(kernel, net, skb, state, names, m) !== (m.invert && !turned);
}

/** What a target does and says; `jump`, `goto` and RETURN belong to the traversal in ip_tables.ts. */
export function xt_target(kernel: Kernel, net: World, skb: SkBuff, state: NfHookState, t: XtTarget): HookResult {
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
      return { verdict: XT_CONTINUE, ...connmark_tg(net, skb, t) };
    case 'TOS':
      return { verdict: XT_CONTINUE, skb: tos_tg(skb, t.value, t.mask), net };
    case 'DSCP':
      return { verdict: XT_CONTINUE, skb: dscp_tg(skb, t.dscp), net };
    case 'NOTRACK':
      return { verdict: XT_CONTINUE, skb: notrack_tg(skb), net };
    case 'zone':
      return { verdict: XT_CONTINUE, skb: xt_ct_target(skb, t.zone, t.dir), net };
    case 'REJECT':
      return { verdict: NF_DROP, skb, net: reject_tg(net, skb, state, t.reject) };
    case 'MASQUERADE':
      return nf_nat_masquerade_ipv4(net, skb, state, t);
    case 'REDIRECT':
      return nf_nat_redirect_ipv4(net, skb, state, t);
    case 'SNAT':
      return xt_nat_target(net, skb, t, NF_NAT_MANIP_SRC);
    case 'DNAT':
      return xt_nat_target(net, skb, t, NF_NAT_MANIP_DST);
    case 'TPROXY':
      return tproxy_tg4(kernel, net, skb, state, t);
  }
}

/** What the kernel checks of a rule wherever it stands. C: net/netfilter/x_tables.c, xt_check_match(), xt_check_target(). */
export function checkEntry(table: string, e: XtRule): boolean {
  const { invert, protocol } = protoOf(e);
  const { target } = e;
  if (target.kind === 'REJECT' && target.reject === IPT_TCP_RESET && (protocol !== IPPROTO_TCP || invert)) return false;
  const ported = (protocol === IPPROTO_TCP || protocol === IPPROTO_UDP) && !invert;
  if (target.kind === 'TPROXY' && !ported) return false;
  for (const m of e.matches) if (!checkMatch(m, invert)) return false;
  return tableAllows(table, e.target);
}

/** What the kernel checks of a match wherever it stands, `inverted` in a rule for all protocols but one. C: net/netfilter/x_tables.c, xt_check_match(). */
function checkMatch(m: XtMatch, inverted: boolean): boolean {
  switch (m.kind) {
    case 'sport':
    case 'dport':
    case 'tcp-flags':
    case 'icmp-type':
      return !inverted;
    case 'owner':
      return m.uidFirst <= m.uidLast;
    case 'owner-gid':
      return m.gidFirst <= m.gidLast;
    default:
      return true;
  }
}

/** Whether the match may be used from a chain that this hook reaches. C: net/netfilter/x_tables.c, xt_check_match(), on the `hooks` that each extension declares. */
function matchAllowedAt(m: XtMatch, hook: string): boolean {
  const leaving = hook === 'OUTPUT' || hook === 'POSTROUTING';
  const input = hook === 'INPUT' || hook === 'PREROUTING';
  switch (m.kind) {
    case 'owner':
    case 'owner-gid':
    case 'socket-exists':
      return leaving;
    case 'cgroup':
      return leaving || hook === 'INPUT';
    case 'addrtype':
      return m.limit === 'out' ? !input : m.limit === 'in' ? !leaving : true;
    case 'socket':
      return input;
    case 'policy':
      return m.out ? !input : !leaving;
    default:
      return true;
  }
}

/** Whether the rule may be used from a chain that this hook reaches; for its target, C: net/netfilter/x_tables.c, xt_check_target(). */
function allowedAt(e: XtRule, hook: string): boolean {
  const output = hook === 'OUTPUT';
  const post = hook === 'POSTROUTING';
  for (const m of e.matches) if (!matchAllowedAt(m, hook)) return false;
  switch (e.target.kind) {
    case 'MASQUERADE':
      return post;
    case 'SNAT':
      return post || hook === 'INPUT';
    case 'DNAT':
    case 'REDIRECT':
      return output || hook === 'PREROUTING';
    case 'REJECT':
      return output || hook === 'INPUT' || hook === 'FORWARD';
    case 'TPROXY':
      return hook === 'PREROUTING';
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
    case 'TPROXY':
      return table === 'mangle';
    case 'NOTRACK':
    case 'zone':
      return table === 'raw';
    case 'REJECT':
      return table === 'filter';
    case 'MASQUERADE':
    case 'REDIRECT':
    case 'SNAT':
    case 'DNAT':
      return table === 'nat';
    default:
      return true;
  }
}
