/** What an operator's command does to the host, or the words in which it is refused. */

import { changeUpper, vrf_add_fib_rules, vrf_rtable_create } from '../kernel/drivers/net/vrf.ts';
import { dev_get_by_index, dev_get_by_name } from '../kernel/net/core/dev.ts';
import { fib_nl_delrule, fib_nl_newrule } from '../kernel/net/core/fib_rules.ts';
import {
  addLoopbackAddr,
  defaultScope,
  flushAddrs,
  inet_rtm_deladdr,
  inet_rtm_newaddr,
  inetdev_destroy,
} from '../kernel/net/ipv4/devinet.ts';
import {
  changeTable,
  fib_get_table,
  fibDevDown,
  fibDevUnregister,
  fibDevUp,
  inet_rtm_delroute,
  inet_rtm_newroute,
} from '../kernel/net/ipv4/fib_frontend.ts';
import { rt_cache_flush } from '../kernel/net/ipv4/route.ts';
import { netif_is_l3_master } from '../kernel/net/l3mdev/l3mdev.ts';
import { masq_device_event } from '../kernel/net/netfilter/nf_nat_masquerade.ts';
import { xfrm_policy_insert } from '../kernel/net/xfrm/xfrm_policy.ts';
import { EEXIST, EINVAL, ENODEV, ENOENT, EOPNOTSUPP } from '../types/errno.ts';
import type { HostCommand } from '../types/host.ts';
import { setDev } from '../types/lookup.ts';
import { type InIfaddr, LOOPBACK_IFINDEX, type NetDevice, NO_DEV, NO_IFADDR } from '../types/net.ts';
import type { NetlinkResult } from '../types/netlink.ts';
import {
  type FibConfig,
  type FibConfigNexthop,
  NLM_F_APPEND,
  NLM_F_CREATE,
  NLM_F_EXCL,
  NLM_F_REPLACE,
  NO_RULE,
  RT_SCOPE_HOST,
  RT_SCOPE_LINK,
  RT_SCOPE_NOWHERE,
  RT_SCOPE_UNIVERSE,
  RT_TABLE_UNSPEC,
  RTN_ANYCAST,
  RTN_BROADCAST,
  RTN_LOCAL,
  RTN_MULTICAST,
  RTN_UNICAST,
  RTN_UNSPEC,
} from '../types/route.ts';
import type { World } from '../types/world.ts';
import { conntrackDelete } from './conntrack.ts';
import { ipsetCommand } from './ipset.ts';
import { iptablesCommand } from './iptables.ts';
import { type CommandResult, refused, rtnetlinkResult } from './netlink.ts';
import { sysctlCommand } from './sysctl.ts';

/** The command of that name. */
type Command<Name extends HostCommand['kind']> = Extract<HostCommand, { readonly kind: Name }>;
type AddrChange = Extract<HostCommand, { readonly prefixlen: number }>;

function answer(err: number, extack: string, net: World): CommandResult {
  return rtnetlinkResult({ err, extack, net });
}

function noDevice(net: World, name: string): CommandResult {
  return refused(net, -ENODEV, `Cannot find device "${name}"`);
}

/** What a kind of device brings with it. */
interface LinkKind {
  readonly mtu: number;
  readonly hard_header_len: number;
  readonly noarp: boolean;
  readonly tx_csum: boolean;
}

/** C: drivers/net/ppp/pppoe.c: the header of PPPoE and of Ethernet, and two bytes of PPP. */
const PPPOE_HEADER = 22;

/**
 * The properties of a kind of link.
 *
 * C: the setup functions in drivers/net and net/ipv4, ether_setup(). A gre link without a remote end has a link-level header,
 * its outer IP header; the others of net/ipv4 ask for needed_headroom instead.
 */
function linkKind(kind: string, remote: number): LinkKind {
  switch (kind) {
    case 'gre':
      return { mtu: 1476, hard_header_len: remote === 0 ? 24 : 0, noarp: true, tx_csum: true };
    case 'ipip':
    case 'sit':
    case 'vti':
      return { mtu: 1480, hard_header_len: 0, noarp: true, tx_csum: true };
    case 'gretap':
      return { mtu: 1462, hard_header_len: 14, noarp: false, tx_csum: true };
    case 'vxlan':
      return { mtu: 1450, hard_header_len: 14, noarp: false, tx_csum: true };
    case 'tun':
      return { mtu: 1500, hard_header_len: 0, noarp: true, tx_csum: false };
    case 'tap':
      return { mtu: 1500, hard_header_len: 14, noarp: false, tx_csum: false };
    case 'ppp':
      return { mtu: 1492, hard_header_len: PPPOE_HEADER, noarp: true, tx_csum: false };
    case 'wireguard':
      return { mtu: 1420, hard_header_len: 0, noarp: true, tx_csum: true };
    case 'dummy':
    case 'ifb':
      return { mtu: 1500, hard_header_len: 14, noarp: true, tx_csum: true };
    default:
      return { mtu: 1500, hard_header_len: 14, noarp: false, tx_csum: true };
  }
}

/** The device whose other end has that name, NO_DEV for none. */
function devByPeer(net: World, name: string): NetDevice {
  let found = NO_DEV;
  for (const dev of net.devs) found = name !== '' && dev.peer === name ? dev : found;
  return found;
}

function nameTaken(net: World, name: string): boolean {
  return dev_get_by_name(net, name).ifindex !== 0 || devByPeer(net, name).ifindex !== 0;
}

/** The smallest MTU of a VRF and of a sit tunnel. C: include/uapi/linux/ipv6.h. */
const IPV6_MIN_MTU = 1280;

/** The MTU with which a VRF begins: IP6_MAX_MTU. C: drivers/net/vrf.c, vrf_setup(). */
const VRF_MAX_MTU = 65575;

/** The smallest MTU with which a device keeps IPv4. C: include/linux/inetdevice.h, inetdev_valid_mtu(). */
const IPV4_MIN_MTU = 68;

/** C: net/core/dev.c, dev_validate_mtu(). Left out: that a tunnel of net/ipv4 and a tap take some bytes less than an Ethernet link. */
function mtuError(kind: string, mtu: number): string {
  if (mtu < (kind === 'vrf' || kind === 'sit' ? IPV6_MIN_MTU : IPV4_MIN_MTU)) return 'mtu less than device minimum';
  return mtu > 65535 && !takesLargestMtu(kind) ? 'mtu greater than device maximum' : '';
}

/** Whether a link of that kind has no max_mtu, or one beyond all that can be asked for. */
function takesLargestMtu(kind: string): boolean {
  return (
    kind === 'loopback' ||
    kind === 'vrf' ||
    kind === 'dummy' ||
    kind === 'ifb' ||
    kind === 'ppp' ||
    kind === 'sit' ||
    kind === 'wireguard'
  );
}

/**
 * C: net/core/rtnetlink.c, rtnl_newlink(); drivers/net/veth.c, veth_newlink(), which makes the other end first.
 *
 * Left out: the other end of a veth as a device of this host: it stands for the provider, and is elsewhere and up. Its name is
 * taken, and it can be set up and down, without effect. So every link that is up has a carrier.
 * Left out: MTUs below 68, which switch IPv4 off.
 */
function linkAdd(net: World, command: Command<'link add'>): CommandResult {
  const { name, type: kind, peer } = command;
  if (nameTaken(net, name) || (peer !== '' && (nameTaken(net, peer) || peer === name))) return answer(-EEXIST, '', net);
  const kindOf = linkKind(kind, command.remote);
  const mtu = command.mtu !== 0 ? command.mtu : kindOf.mtu;
  if (mtuError(kind, mtu) !== '') return answer(-EINVAL, '', net);
  const ifindex = kind === 'veth' ? net.next_ifindex + 1 : net.next_ifindex;
  const dev: NetDevice = {
    ...NO_DEV,
    ...kindOf,
    ifindex,
    name,
    kind,
    mtu,
    peer,
    tunnel_saddr: command.local,
    tunnel_daddr: kind === 'ipip' ? command.remote : 0,
    rp_filter: net.sysctl.rp_filter_default,
  };
  return answer(0, '', { ...net, devs: [...net.devs, dev], next_ifindex: ifindex + 1 });
}

/** C: drivers/net/vrf.c, vrf_newlink(). */
function vrfAdd(net: World, { name, table }: Command<'vrf add'>): CommandResult {
  if (nameTaken(net, name)) return answer(-EEXIST, '', net);
  if (table === RT_TABLE_UNSPEC) return answer(-EINVAL, 'Invalid VRF table id', net);
  const dev: NetDevice = {
    ...NO_DEV,
    ifindex: net.next_ifindex,
    name,
    kind: 'vrf',
    noarp: true,
    mtu: VRF_MAX_MTU,
    hard_header_len: 14,
    tx_csum: true,
    vrf_tb_id: table,
    rp_filter: net.sysctl.rp_filter_default,
  };
  const after = vrf_rtable_create({ ...net, devs: [...net.devs, dev], next_ifindex: dev.ifindex + 1 }, table);
  return answer(0, '', vrf_add_fib_rules(after));
}

/** A link that is up goes down and up again, so that routes of its addresses are made anew. C: drivers/net/vrf.c, cycle_netdev(). */
function cycle_netdev(net: World, ifindex: number): World {
  return dev_get_by_index(net, ifindex).up ? setUp(setUp(net, ifindex, false), ifindex, true) : net;
}

/**
 * Puts a link into a VRF, or takes it out of the one it is in.
 *
 * C: net/core/rtnetlink.c, do_set_master(); drivers/net/vrf.c, vrf_add_slave() and vrf_del_slave().
 * Left out: what a bridge, a bond or a team does with its ports: what leaves by it is shown as leaving by itself.
 */
function linkMaster(net: World, { name, master }: Command<'link master'>): CommandResult {
  const dev = dev_get_by_name(net, name);
  const upper = dev_get_by_name(net, master);
  if (master !== '' && upper.ifindex === 0) {
    return refused(net, -ENODEV, `Error: argument "${master}" is wrong: Device does not exist`);
  }
  if (dev.ifindex === 0) return noDevice(net, name);
  if (dev.master === upper.ifindex) return answer(0, '', net);
  const { ifindex } = dev;
  const free = dev.master === 0 ? net : cycle_netdev(changeUpper(net, ifindex, 0), ifindex);
  if (upper.ifindex === 0) return answer(0, '', free);
  if (isSwitch(upper)) return answer(0, '', free);
  if (!netif_is_l3_master(upper)) return answer(-EOPNOTSUPP, '', free);
  if (netif_is_l3_master(dev)) return answer(-EINVAL, 'Can not enslave an L3 master device to a VRF', free);
  if (ifindex === LOOPBACK_IFINDEX) return answer(-EOPNOTSUPP, 'Can not enslave loopback device to a VRF', free);
  return answer(0, '', cycle_netdev(changeUpper(free, ifindex, upper.ifindex), ifindex));
}

/** Whether the link hands packets on to ports of its own. */
function isSwitch({ kind }: NetDevice): boolean {
  return kind === 'bridge' || kind === 'bond' || kind === 'team';
}

/** The links of a VRF that is being removed are free again. C: drivers/net/vrf.c, vrf_dellink(). */
function freeLinks(before: World, master: number): World {
  let net = before;
  for (const { ifindex, master: upper } of before.devs) {
    if (upper === master) net = cycle_netdev(changeUpper(net, ifindex, 0), ifindex);
  }
  return net;
}

/** C: net/core/dev.c, unregister_netdevice_many(). */
function linkDel(net: World, name: string): CommandResult {
  const named = dev_get_by_name(net, name);
  const dev = named.ifindex !== 0 ? named : devByPeer(net, name);
  if (dev.ifindex === 0) return noDevice(net, name);
  if (dev.ifindex === LOOPBACK_IFINDEX) return answer(-EOPNOTSUPP, '', net);
  const down = setUp(freeLinks(net, dev.ifindex), dev.ifindex, false);
  const after = fibDevUnregister(inetdev_destroy(down, dev.ifindex), dev.ifindex);
  let devs: readonly NetDevice[] = [];
  for (const other of after.devs) devs = other.ifindex === dev.ifindex ? devs : [...devs, other];
  return answer(0, '', { ...after, devs });
}

/** C: net/core/dev.c, __dev_open() and __dev_close(); the notifiers of net/ipv4/devinet.c and fib_frontend.c. */
function setUp(net: World, ifindex: number, up: boolean): World {
  const dev = dev_get_by_index(net, ifindex);
  if (dev.up === up) return net;
  const changed = setDev(net, { ...dev, up });
  if (!up) return masq_device_event(fibDevDown(changed, ifindex), ifindex);
  return fibDevUp(ifindex === LOOPBACK_IFINDEX ? addLoopbackAddr(changed, ifindex) : changed, ifindex);
}

/** C: net/core/rtnetlink.c, do_setlink(): the MTU and the group first, then the flags. */
function linkSet(net: World, command: Command<'link set'>): CommandResult {
  const dev = dev_get_by_name(net, command.name);
  if (dev.ifindex === 0) {
    return devByPeer(net, command.name).ifindex !== 0 ? answer(0, '', net) : noDevice(net, command.name);
  }
  let after = net;
  if (command.mtu !== 0 && command.mtu !== dev.mtu) {
    const bad = mtuError(dev.kind, command.mtu);
    if (bad !== '') return answer(-EINVAL, bad, net);
    after = rt_cache_flush(setDev(after, { ...dev, mtu: command.mtu }));
  }
  if (command.group >= 0) after = setDev(after, { ...dev_get_by_index(after, dev.ifindex), group: command.group });
  if (command.arp >= 0 && dev.noarp !== (command.arp === 0)) {
    after = setDev(after, { ...dev_get_by_index(after, dev.ifindex), noarp: command.arp === 0 });
    if (dev.up && command.up !== 0) after = rt_cache_flush(after);
  }
  if (command.up >= 0) after = setUp(after, dev.ifindex, command.up === 1);
  return answer(0, '', after);
}

/** `ip address add`, and `change` or `replace`, which may find the address there. */
function addrAdd(net: World, command: AddrChange): CommandResult {
  const dev = dev_get_by_name(net, command.dev);
  if (dev.ifindex === 0) return noDevice(net, command.dev);
  const { local } = command;
  const ifa: InIfaddr = {
    ...NO_IFADDR,
    ifa_local: local,
    ifa_address: command.peer !== 0 ? command.peer : local,
    ifa_prefixlen: command.prefixlen,
    ifa_broadcast: command.broadcast,
    ifa_scope: command.scope >= 0 ? command.scope : defaultScope(local),
    ifa_noprefixroute: command.noprefixroute,
    ifa_rt_priority: command.metric,
  };
  const flags = command.kind === 'addr add' ? NLM_F_CREATE | NLM_F_EXCL : NLM_F_CREATE | NLM_F_REPLACE;
  return rtnetlinkResult(inet_rtm_newaddr(net, dev.ifindex, ifa, flags));
}

function addrDel(net: World, command: AddrChange): CommandResult {
  const dev = dev_get_by_name(net, command.dev);
  if (dev.ifindex === 0) return noDevice(net, command.dev);
  const address = command.peer !== 0 ? command.peer : command.local;
  return rtnetlinkResult(inet_rtm_deladdr(net, dev.ifindex, command.local, address, command.prefixlen));
}

function addrFlush(net: World, name: string): CommandResult {
  const dev = dev_get_by_name(net, name);
  if (dev.ifindex === 0) return refused(net, -ENODEV, `Device "${name}" does not exist.`);
  return answer(0, '', flushAddrs(net, dev.ifindex));
}

/** The scope that iproute2 gives a route that names none. */
function routeScope(command: Command<'route'>): number {
  const { type } = command;
  if (command.scope >= 0) return command.scope;
  if (type === RTN_LOCAL) return RT_SCOPE_HOST;
  if (type === RTN_BROADCAST || type === RTN_MULTICAST || type === RTN_ANYCAST) return RT_SCOPE_LINK;
  if (command.op === 'del') return RT_SCOPE_NOWHERE;
  return type === RTN_UNICAST && command.gw === 0 && command.nexthops.length === 0 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
}

/** What `ip route` OP asks for. */
function routeFlags(op: Command<'route'>['op']): number {
  switch (op) {
    case 'add':
      return NLM_F_CREATE | NLM_F_EXCL;
    case 'append':
      return NLM_F_CREATE | NLM_F_APPEND;
    case 'prepend':
      return NLM_F_CREATE;
    case 'replace':
      return NLM_F_CREATE | NLM_F_REPLACE;
    case 'change':
      return NLM_F_REPLACE;
    case 'del':
      return 0;
  }
}

/** C: net/core/rtnetlink.c; iproute2's iproute.c makes the request. */
function routeCommand(net: World, command: Command<'route'>): CommandResult {
  const dev = dev_get_by_name(net, command.dev);
  if (command.dev !== '' && dev.ifindex === 0) return noDevice(net, command.dev);
  let fc_mp: readonly FibConfigNexthop[] = [];
  for (const { gw, dev: name, weight, onlink } of command.nexthops) {
    const { ifindex } = dev_get_by_name(net, name);
    if (name !== '' && ifindex === 0) return noDevice(net, name);
    fc_mp = [...fc_mp, { fc_gw4: gw, fc_oif: ifindex, fc_onlink: onlink, weight }];
  }
  const cfg: FibConfig = {
    fc_mp,
    fc_table: command.table,
    fc_type: command.type === RTN_UNSPEC && command.op !== 'del' ? RTN_UNICAST : command.type,
    fc_dst: command.dst,
    fc_dst_len: command.plen,
    fc_dscp: command.tos,
    fc_protocol: command.protocol,
    fc_scope: routeScope(command),
    fc_gw4: command.gw,
    fc_oif: dev.ifindex,
    fc_onlink: command.onlink,
    fc_prefsrc: command.prefsrc,
    fc_priority: command.metric,
    fc_nlflags: routeFlags(command.op),
  };
  return rtnetlinkResult(command.op === 'del' ? inet_rtm_delroute(net, cfg) : inet_rtm_newroute(net, cfg));
}

/** Deletes every route of a table; the dump that comes before needs the table. C: net/ipv4/fib_frontend.c, inet_dump_fib(). */
function routeFlush(net: World, id: number): CommandResult {
  const tb = fib_get_table(net, id);
  if (tb.tb_id === 0) return answer(-ENOENT, 'ipv4: FIB table does not exist', net);
  return answer(0, '', tb.aliases.length === 0 ? net : changeTable(net, { ...tb, aliases: [] }));
}

/** Deletes every rule but those of preference 0, the default ones included, as `ip rule flush` does. */
function ruleFlush(net: World): CommandResult {
  let after: NetlinkResult = { err: 0, extack: '', net };
  for (const rule of net.rules) {
    if (rule.pref !== 0) after = fib_nl_delrule(after.net, { ...NO_RULE, pref: rule.pref });
  }
  return answer(0, '', after.net);
}

/** What the command does: 0, or a negative errno and the words in which the tool or the kernel refuses it. */
export function hostCommand(net: World, command: HostCommand): CommandResult {
  switch (command.kind) {
    case 'link add':
      return linkAdd(net, command);
    case 'vrf add':
      return vrfAdd(net, command);
    case 'link master':
      return linkMaster(net, command);
    case 'link del':
      return linkDel(net, command.name);
    case 'link set':
      return linkSet(net, command);
    case 'addr add':
    case 'addr replace':
      return addrAdd(net, command);
    case 'addr del':
      return addrDel(net, command);
    case 'addr flush':
      return addrFlush(net, command.dev);
    case 'route':
      return routeCommand(net, command);
    case 'route flush':
      return routeFlush(net, command.table);
    case 'rule add':
      return rtnetlinkResult(fib_nl_newrule(net, command.rule));
    case 'rule del':
      return rtnetlinkResult(fib_nl_delrule(net, command.rule));
    case 'rule flush':
      return ruleFlush(net);
    case 'xfrm policy add':
      return rtnetlinkResult(xfrm_policy_insert(net, command.policy));
    case 'xfrm policy flush':
      return answer(0, '', rt_cache_flush({ ...net, xfrm_policy: [] }));
    case 'iptables':
      return iptablesCommand(net, command);
    case 'ipset':
      return ipsetCommand(net, command);
    case 'conntrack':
      return conntrackDelete(net, command);
    case 'sysctl':
      return sysctlCommand(net, command.key, command.values);
  }
}
