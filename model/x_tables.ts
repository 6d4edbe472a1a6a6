/**
 * Matches and targets of iptables rules.
 *
 * C: net/ipv4/netfilter/ip_tables.c, net/netfilter/x_tables.c and the xt_*.c named below.
 * Left out: fragments, which the matches on ports treat apart.
 */
import { inet_addr_type } from './fib_frontend.ts';
import { getSock } from './net.ts';
import { getCt, setCt } from './nf_conntrack.ts';
import {
  NF_NAT_MANIP_DST,
  NF_NAT_MANIP_SRC,
  type NfNatRange,
  nf_nat_masquerade_ipv4,
  nf_nat_setup_info,
} from './nf_nat.ts';
import { IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP, type Iphdr, type SkBuff } from './types/packet.ts';
import { SOCK_NONE, SOCK_PING, SOCK_RAW, SOCK_REQUEST, SOCK_TCP, SOCK_UDP, type Sock } from './types/sock.ts';
import {
  IP_CT_UNTRACKED,
  NF_ACCEPT,
  NF_DROP,
  type NfHookState,
  type PortRange,
  XT_CONTINUE,
  type XtMatch,
  type XtTarget,
} from './types/verdict.ts';
import type { HookResult, World } from './types/world.ts';

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

/** Source port of TCP and UDP. */
function sportOf(skb: SkBuff): number {
  return skb.iph.protocol === IPPROTO_TCP ? skb.th.source : skb.iph.protocol === IPPROTO_UDP ? skb.uh.source : 0;
}

/** Destination port of TCP and UDP. */
function dportOf(skb: SkBuff): number {
  return skb.iph.protocol === IPPROTO_TCP ? skb.th.dest : skb.iph.protocol === IPPROTO_UDP ? skb.uh.dest : 0;
}

/** C: xt_tcpudp.c, port_match(). */
function port_match(first: number, last: number, port: number): boolean {
  return port >= first && port <= last;
}

/** C: xt_multiport.c, ports_match_v1(). */
function ports_match(ports: readonly PortRange[], port: number): boolean {
  let match = false;
  for (const { first, last } of ports) match = match || port_match(first, last, port);
  return match;
}

/** C: xt_multiport.c, multiport_mt(). */
function multiport_mt(skb: SkBuff, which: 'source' | 'dest' | 'any', ports: readonly PortRange[]): boolean {
  if (which === 'source') return ports_match(ports, sportOf(skb));
  if (which === 'dest') return ports_match(ports, dportOf(skb));
  return ports_match(ports, sportOf(skb)) || ports_match(ports, dportOf(skb));
}

/** C: xt_tcpudp.c, icmp_type_code_match(); type 255 stands for any. */
function icmp_type_code_match(skb: SkBuff, type: number, min_code: number, max_code: number): boolean {
  const { icmph } = skb;
  return type === 0xff || (icmph.type === type && icmph.code >= min_code && icmph.code <= max_code);
}

/** Bits of `--ctstate`. C: include/uapi/linux/netfilter/xt_conntrack.h. */
const XT_CONNTRACK_STATE_INVALID = 1;
const XT_CONNTRACK_STATE_SNAT = 1 << 6;
const XT_CONNTRACK_STATE_DNAT = 1 << 7;
const XT_CONNTRACK_STATE_UNTRACKED = 1 << 8;

/** The bit of a state's name: IP_CT_* + 1 is the place of ESTABLISHED, RELATED and NEW. */
function stateBit(state: string): number {
  switch (state) {
    case 'ESTABLISHED':
      return 2;
    case 'RELATED':
      return 4;
    case 'NEW':
      return 8;
    case 'SNAT':
      return XT_CONNTRACK_STATE_SNAT;
    case 'DNAT':
      return XT_CONNTRACK_STATE_DNAT;
    case 'UNTRACKED':
      return XT_CONNTRACK_STATE_UNTRACKED;
    default:
      return XT_CONNTRACK_STATE_INVALID;
  }
}

/** C: xt_conntrack.c, conntrack_mt(), its state. */
function conntrack_mt(net: World, skb: SkBuff, states: readonly string[]): boolean {
  let state_mask = 0;
  for (const state of states) state_mask |= stateBit(state);
  const ct = getCt(net, skb.ct);
  const tracked =
    (1 << (skb.ctinfo + 1)) | (ct.srcNat ? XT_CONNTRACK_STATE_SNAT : 0) | (ct.dstNat ? XT_CONNTRACK_STATE_DNAT : 0);
  const statebit =
    skb.ct !== 0 ? tracked : skb.ctinfo === IP_CT_UNTRACKED ? XT_CONNTRACK_STATE_UNTRACKED : XT_CONNTRACK_STATE_INVALID;
  return (state_mask & statebit) !== 0;
}

/** The socket that holds a packet's file: a request socket's listener. C: include/net/sock.h, sk_to_full_sk(). */
export function sk_to_full_sk(net: World, sk: Sock): Sock {
  return sk.kind === SOCK_REQUEST ? getSock(net, sk.parent) : sk;
}

/**
 * Whether the packet's socket belongs to one of the users; a packet without a user's socket belongs to nobody.
 *
 * C: xt_owner.c, owner_mt(); the kernel's own sockets have no file, closed ones no socket.
 */
function owner_mt(net: World, skb: SkBuff, uid_min: number, uid_max: number): boolean {
  const sk = sk_to_full_sk(net, getSock(net, skb.sk));
  const user = sk.kind === SOCK_TCP || sk.kind === SOCK_UDP || sk.kind === SOCK_RAW || sk.kind === SOCK_PING;
  return sk.kind !== SOCK_NONE && user && !sk.orphan && sk.sk_uid >= uid_min && sk.sk_uid <= uid_max;
}

/** Whether the match belongs to struct ipt_ip, which is compared before all extensions. C: ip_tables.c, ip_packet_match(). */
export function isIptIp(m: XtMatch): boolean {
  return m.match === 'src' || m.match === 'dst' || m.match === 'proto' || m.match === 'in' || m.match === 'out';
}

/** The match without its `!`. `statistic-nth` is decided by its rule's counter, see ip_tables.ts. */
function matches(net: World, skb: SkBuff, names: IfNames, m: XtMatch): boolean {
  const { iph } = skb;
  switch (m.match) {
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

/**
 * The IP header with another TOS byte, its checksum corrected.
 *
 * C: include/net/dsfield.h, ipv4_change_dsfield().
 */
export function ipv4_change_dsfield(iph: Iphdr, mask: number, value: number): Iphdr {
  const dsfield = (iph.tos & mask) | value;
  const plus = iph.check + iph.tos;
  const carried = plus + 1 > 0xffff ? (plus + 1) & 0xffff : plus;
  const minus = (carried - dsfield) >>> 0;
  return { ...iph, check: (minus + (minus >>> 16)) & 0xffff, tos: dsfield };
}

/** C: xt_DSCP.c, tos_tg(). */
function tos_tg(skb: SkBuff, value: number, mask: number): SkBuff {
  const orig = skb.iph.tos;
  const nv = ((orig & ~mask) ^ value) & 0xff;
  return orig !== nv ? { ...skb, iph: ipv4_change_dsfield(skb.iph, 0, nv) } : skb;
}

/** C: xt_DSCP.c, dscp_tg(). */
function dscp_tg(skb: SkBuff, dscp: number): SkBuff {
  return skb.iph.tos >>> 2 !== dscp ? { ...skb, iph: ipv4_change_dsfield(skb.iph, 0x03, dscp << 2) } : skb;
}

/** C: xt_mark.c, mark_tg(). */
function mark_tg(skb: SkBuff, mark: number, mask: number): SkBuff {
  return { ...skb, mark: ((skb.mark & ~mask) ^ mark) >>> 0 };
}

/** C: xt_connmark.c, connmark_tg_shift(). Left out: shifting, and two masks for one operation. */
function connmark_tg(
  net: World,
  skb: SkBuff,
  op: 'set' | 'save' | 'restore',
  value: number,
  mask: number,
): { skb: SkBuff; net: World } {
  if (skb.ct === 0) return { skb, net };
  const ct = getCt(net, skb.ct);
  if (op === 'restore') return { skb: { ...skb, mark: ((skb.mark & ~mask) ^ (ct.mark & mask)) >>> 0 }, net };
  const change = op === 'set' ? value : skb.mark & mask;
  return { skb, net: setCt(net, { ...ct, mark: ((ct.mark & ~mask) ^ change) >>> 0 }) };
}

/** C: xt_CT.c, notrack_tg(). */
function notrack_tg(skb: SkBuff): SkBuff {
  return skb.ct !== 0 ? skb : { ...skb, ctinfo: IP_CT_UNTRACKED };
}

/** C: xt_nat.c, xt_snat_target_v2(), xt_dnat_target_v2(). */
function xt_nat_target(
  net: World,
  skb: SkBuff,
  target: { readonly addr: number; readonly portFirst: number; readonly portLast: number },
  manip: number,
): HookResult {
  const range: NfNatRange = {
    mapIps: target.addr !== 0,
    addr: target.addr,
    protoSpecified: target.portFirst !== 0,
    minProto: target.portFirst,
    maxProto: target.portLast,
  };
  const { verdict, net: after } = nf_nat_setup_info(net, getCt(net, skb.ct), range, manip);
  return { verdict, skb, net: after };
}

/**
 * Notes what is to be sent; the hook sends it when the table is done.
 *
 * C: net/ipv4/netfilter/ipt_REJECT.c, reject_tg(). It sends at once, but no rule comes behind it.
 */
function reject_tg(net: World, skb: SkBuff, { sk }: NfHookState, reject: number): World {
  return { ...net, rejections: [...net.rejections, { skb, sk, reject }] };
}

/** What a target does and says; `jump`, `goto` and RETURN belong to the traversal in ip_tables.ts. */
export function xt_target(net: World, skb: SkBuff, state: NfHookState, t: XtTarget): HookResult {
  switch (t.target) {
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
