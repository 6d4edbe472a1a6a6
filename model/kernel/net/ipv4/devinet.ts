/** Addresses of devices: which one is chosen as a source, and how they come and go. */

import { EADDRNOTAVAIL, EEXIST, EINVAL, ENODEV } from '../../../types/errno.ts';
import { insertBehind, setDev } from '../../../types/lookup.ts';
import { type InIfaddr, type NetDevice, NO_IFADDR } from '../../../types/net.ts';
import type { NetlinkResult } from '../../../types/netlink.ts';
import {
  NLM_F_EXCL,
  NLM_F_REPLACE,
  NO_FLOW,
  RT_SCOPE_HOST,
  RT_SCOPE_LINK,
  RT_SCOPE_UNIVERSE,
  RT_TABLE_LOCAL,
  RTN_LOCAL,
} from '../../../types/route.ts';
import type { World } from '../../../types/world.ts';
import { INADDR_LOOPBACK, inet_ifa_match, ipv4_is_loopback } from '../../include/linux/in.ts';
import { dev_get_by_index } from '../core/dev.ts';
import { l3mdev_master_ifindex_rcu } from '../l3mdev/l3mdev.ts';
import { masq_inet_event } from '../netfilter/nf_nat_masquerade.ts';
import {
  fib_add_ifaddr,
  fib_del_ifaddr,
  fib_get_table,
  fib_modify_prefix_metric,
  fibAddrDown,
  fibAddrUp,
} from './fib_frontend.ts';
import { fib_table_lookup } from './fib_trie.ts';

/** Whether two records are the same address of one device. */
export function sameIfa(a: InIfaddr, b: InIfaddr): boolean {
  return a.ifa_local === b.ifa_local && a.ifa_address === b.ifa_address && a.ifa_prefixlen === b.ifa_prefixlen;
}

/**
 * The device that has the address, the one that got it last if several have it; 0 when none has.
 *
 * C: net/ipv4/devinet.c, inet_lookup_ifaddr_rcu().
 */
export function inet_lookup_ifaddr_rcu(net: World, addr: number): number {
  let found = 0;
  let order = 0;
  for (const dev of net.devs) {
    for (const ifa of dev.ifa_list) {
      const younger: boolean = ifa.ifa_local === addr && ifa.ifa_order > order;
      found = younger ? dev.ifindex : found;
      order = younger ? ifa.ifa_order : order;
    }
  }
  return found;
}

/** The place in time of the next address. */
function nextOrder(net: World): number {
  let last = 0;
  for (const dev of net.devs) {
    for (const ifa of dev.ifa_list) last = Math.max(last, ifa.ifa_order);
  }
  return last + 1;
}

/**
 * The device that owns an address, or whose local route covers it; 0 for none.
 *
 * C: net/ipv4/devinet.c, __ip_dev_find().
 */
export function __ip_dev_find(net: World, addr: number): number {
  const dev = inet_lookup_ifaddr_rcu(net, addr);
  return dev !== 0 ? dev : deviceOfLocalRoute(net, addr);
}

function deviceOfLocalRoute(net: World, addr: number): number {
  const res = fib_table_lookup(net, fib_get_table(net, RT_TABLE_LOCAL), { ...NO_FLOW, daddr: addr });
  return res.err === 0 && res.fa.fa_type === RTN_LOCAL ? res.fa.nh_dev : 0;
}

/** The first address of that mask whose subnet has `prefix`, NO_IFADDR for none. C: net/ipv4/devinet.c, inet_ifa_byprefix(). */
export function inet_ifa_byprefix(in_dev: NetDevice, prefix: number, prefixlen: number): InIfaddr {
  let found = NO_IFADDR;
  for (const ifa of in_dev.ifa_list) {
    found = found.ifa_local === 0 && ifa.ifa_prefixlen === prefixlen && inet_ifa_match(prefix, ifa) ? ifa : found;
  }
  return found;
}

/** Whether addresses on 127/8 may be used on any device. C: include/linux/inetdevice.h, IN_DEV_ROUTE_LOCALNET(). */
export function IN_DEV_ROUTE_LOCALNET(net: World, in_dev: NetDevice): boolean {
  return net.sysctl.route_localnet_all !== 0 || in_dev.route_localnet !== 0;
}

/** The first primary address of a device in that scope, but none of scope link. C: net/ipv4/devinet.c, in_dev_select_addr(). */
function in_dev_select_addr(in_dev: NetDevice, scope: number): number {
  let addr = 0;
  for (const ifa of in_dev.ifa_list) {
    const fits = !ifa.ifa_secondary && ifa.ifa_scope !== RT_SCOPE_LINK && ifa.ifa_scope <= scope;
    addr = addr === 0 && fits ? ifa.ifa_local : addr;
  }
  return addr;
}

/** The first address of any device of a layer-3 domain, its master's before all; 0 stands for the domain of the others. */
function anyDeviceAddr(net: World, master_idx: number, scope: number): number {
  let addr = in_dev_select_addr(dev_get_by_index(net, master_idx), scope);
  for (const dev of net.devs) {
    const here: boolean = addr === 0 && l3mdev_master_ifindex_rcu(dev) === master_idx;
    addr = here ? in_dev_select_addr(dev, scope) : addr;
  }
  return addr;
}

/**
 * Chooses a source address for packets to `dst` by the device: one in dst's subnet, else the first of the device, else of any
 * in the same layer-3 domain. 0 when there is none of that scope.
 *
 * C: net/ipv4/devinet.c, inet_select_addr().
 */
export function inet_select_addr(net: World, dev: number, dst: number, scope: number): number {
  const in_dev = dev_get_by_index(net, dev);
  const localnet_scope = IN_DEV_ROUTE_LOCALNET(net, in_dev) ? RT_SCOPE_LINK : RT_SCOPE_HOST;
  let inSubnet = 0;
  let first = 0;
  for (const ifa of in_dev.ifa_list) {
    const fits = !ifa.ifa_secondary && Math.min(ifa.ifa_scope, localnet_scope) <= scope;
    inSubnet = inSubnet === 0 && fits && (dst === 0 || inet_ifa_match(dst, ifa)) ? ifa.ifa_local : inSubnet;
    first = first === 0 && fits ? ifa.ifa_local : first;
  }
  const addr = inSubnet !== 0 ? inSubnet : first;
  return addr !== 0 ? addr : anyDeviceAddr(net, l3mdev_master_ifindex_rcu(in_dev), scope);
}

/** The address that is already there with that mask and subnet, NO_IFADDR for none. C: net/ipv4/devinet.c, find_matching_ifa(). */
function find_matching_ifa(in_dev: NetDevice, ifa: InIfaddr): InIfaddr {
  let found = NO_IFADDR;
  for (const ifa1 of in_dev.ifa_list) {
    const same =
      ifa1.ifa_prefixlen === ifa.ifa_prefixlen &&
      inet_ifa_match(ifa1.ifa_address, ifa) &&
      ifa1.ifa_local === ifa.ifa_local;
    found = found.ifa_local === 0 && same ? ifa1 : found;
  }
  return found;
}

/** The list with the address put at its place: primary by falling scope, secondary at the end. */
function insertIfa(list: readonly InIfaddr[], ifa: InIfaddr): readonly InIfaddr[] {
  if (ifa.ifa_secondary) return [...list, ifa];
  let last_primary = 0;
  let position = 0;
  for (const ifa1 of list) {
    position = position + 1;
    last_primary = !ifa1.ifa_secondary && ifa.ifa_scope <= ifa1.ifa_scope ? position : last_primary;
  }
  return insertBehind(list, last_primary, ifa);
}

/** The list without that address. */
function withoutIfa(list: readonly InIfaddr[], ifa: InIfaddr): readonly InIfaddr[] {
  let result: readonly InIfaddr[] = [];
  for (const ifa1 of list) result = sameIfa(ifa1, ifa) ? result : [...result, ifa1];
  return result;
}

/**
 * Puts an address on a device. The second address of a subnet is secondary.
 *
 * C: net/ipv4/devinet.c, __inet_insert_ifa().
 */
function __inet_insert_ifa(net: World, ifindex: number, asked: InIfaddr): NetlinkResult {
  if (asked.ifa_local === 0) return { err: 0, extack: '', net };
  const in_dev = dev_get_by_index(net, ifindex);
  let ifa_secondary = false;
  let duplicate = false;
  let badScope = false;
  for (const ifa1 of in_dev.ifa_list) {
    if (ifa1.ifa_prefixlen === asked.ifa_prefixlen && inet_ifa_match(ifa1.ifa_address, asked)) {
      duplicate = duplicate || (!badScope && ifa1.ifa_local === asked.ifa_local);
      badScope = badScope || (!duplicate && ifa1.ifa_scope !== asked.ifa_scope);
      ifa_secondary = true;
    }
  }
  if (duplicate) return { err: -EEXIST, extack: '', net };
  if (badScope) return { err: -EINVAL, extack: '', net };
  const ifa: InIfaddr = { ...asked, ifa_secondary, ifa_order: nextOrder(net) };
  const after = setDev(net, { ...in_dev, rp_filter_set: true, ifa_list: insertIfa(in_dev.ifa_list, ifa) });
  return { err: 0, extack: '', net: fibAddrUp(after, ifindex, ifa) };
}

/**
 * Adds an address by an operator's command, or changes the metric of its route.
 *
 * C: net/ipv4/devinet.c, inet_rtm_newaddr(). Left out: lifetimes. The refusals have no explanation of their own in the reference release.
 * Observed: Linux 6.18 says `Error: ipv4: Address already assigned.` and `Error: ipv4: Invalid scope value.` instead.
 */
export function inet_rtm_newaddr(net: World, ifindex: number, ifa: InIfaddr, nlmsg_flags: number): NetlinkResult {
  const in_dev = dev_get_by_index(net, ifindex);
  if (in_dev.ifindex === 0) return { err: -ENODEV, extack: '', net };
  const ifa_existing = ifa.ifa_local === 0 ? NO_IFADDR : find_matching_ifa(in_dev, ifa);
  if (ifa_existing.ifa_local === 0) return __inet_insert_ifa(net, ifindex, ifa);
  if ((nlmsg_flags & NLM_F_EXCL) !== 0 || (nlmsg_flags & NLM_F_REPLACE) === 0) {
    return { err: -EEXIST, extack: '', net };
  }
  const new_metric = ifa.ifa_rt_priority;
  if (ifa_existing.ifa_rt_priority === new_metric) return { err: 0, extack: '', net };
  const moved = fib_modify_prefix_metric(net, in_dev, ifa_existing, new_metric);
  return { err: 0, extack: '', net: setIfa(moved, ifindex, { ...ifa_existing, ifa_rt_priority: new_metric }) };
}

/** The world in which that address of the device is as given. */
function setIfa(net: World, ifindex: number, changed: InIfaddr): World {
  let ifa_list: readonly InIfaddr[] = [];
  for (const ifa of dev_get_by_index(net, ifindex).ifa_list) {
    ifa_list = [...ifa_list, sameIfa(ifa, changed) ? changed : ifa];
  }
  return setIfaList(net, ifindex, ifa_list);
}

/** The 127.0.0.1/8 that lo gets when it comes up. C: net/ipv4/devinet.c, inetdev_event(), NETDEV_UP. */
export function addLoopbackAddr(net: World, ifindex: number): World {
  const ifa: InIfaddr = {
    ...NO_IFADDR,
    ifa_local: INADDR_LOOPBACK,
    ifa_address: INADDR_LOOPBACK,
    ifa_prefixlen: 8,
    ifa_scope: RT_SCOPE_HOST,
  };
  return __inet_insert_ifa(net, ifindex, ifa).net;
}

/** The scope of an address that names none, as iproute2 chooses it. */
export function defaultScope(local: number): number {
  return ipv4_is_loopback(local) ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE;
}

function IN_DEV_PROMOTE_SECONDARIES(net: World, in_dev: NetDevice): boolean {
  return net.sysctl.promote_secondaries_all !== 0 || in_dev.promote_secondaries !== 0;
}

/** Whether `ifa` is of the subnet of the going address. */
function ofSubnet(ifa1: InIfaddr, ifa: InIfaddr): boolean {
  return ifa1.ifa_prefixlen === ifa.ifa_prefixlen && inet_ifa_match(ifa1.ifa_address, ifa);
}

/** The world in which the device has that list of addresses. */
function setIfaList(net: World, ifindex: number, ifa_list: readonly InIfaddr[]): World {
  return setDev(net, { ...dev_get_by_index(net, ifindex), ifa_list });
}

/** Deletes the secondary addresses of a primary one, one after the other. */
function deleteSecondaries(net: World, ifindex: number, ifa1: InIfaddr): World {
  let after = net;
  for (const ifa of dev_get_by_index(net, ifindex).ifa_list) {
    if (ifa.ifa_secondary && ofSubnet(ifa, ifa1)) {
      after = setIfaList(after, ifindex, withoutIfa(dev_get_by_index(after, ifindex).ifa_list, ifa));
      after = inetaddrDown(after, ifindex, ifa);
    }
  }
  return after;
}

/** The first secondary address of the subnet of `ifa1`, NO_IFADDR for none. */
function firstSecondary(in_dev: NetDevice, ifa1: InIfaddr): InIfaddr {
  let found = NO_IFADDR;
  for (const ifa of in_dev.ifa_list) {
    found = found.ifa_local === 0 && ifa.ifa_secondary && ofSubnet(ifa, ifa1) ? ifa : found;
  }
  return found;
}

/** Makes the first secondary address the primary one of the subnet, and moves the others' routes to it. */
function promoteSecondary(net: World, ifindex: number, ifa1: InIfaddr, promote: InIfaddr): World {
  let after = net;
  const before = dev_get_by_index(net, ifindex);
  for (const ifa of before.ifa_list) {
    if (ifa.ifa_secondary && ofSubnet(ifa, ifa1)) after = fib_del_ifaddr(after, before, ifa, ifa1, false);
  }
  after = setIfaList(after, ifindex, withoutIfa(before.ifa_list, ifa1));
  after = inetaddrDown(after, ifindex, ifa1);

  const promoted: InIfaddr = { ...promote, ifa_secondary: false };
  const list = withoutIfa(dev_get_by_index(after, ifindex).ifa_list, promote);
  after = setIfaList(after, ifindex, insertBehind(list, lastPrimary(before.ifa_list, ifa1), promoted));
  after = fibAddrUp(after, ifindex, promoted);
  for (const ifa of list) {
    if (ifa.ifa_secondary && ofSubnet(ifa, ifa1)) after = fib_add_ifaddr(after, dev_get_by_index(after, ifindex), ifa);
  }
  return after;
}

/** How many addresses of the list, without `ifa1` itself, stand before the place of a new primary in its stead. */
function lastPrimary(list: readonly InIfaddr[], ifa1: InIfaddr): number {
  let last_prim = 0;
  let position = 0;
  let seen = false;
  for (const ifa of list) {
    if (sameIfa(ifa, ifa1)) {
      seen = true;
      last_prim = position;
    } else {
      position = position + 1;
      last_prim = seen && !ifa.ifa_secondary && ifa1.ifa_scope <= ifa.ifa_scope ? position : last_prim;
    }
  }
  return last_prim;
}

/** Tells routing and masquerading that an address went. C: net/ipv4/devinet.c, inetaddr_chain. */
function inetaddrDown(net: World, ifindex: number, ifa: InIfaddr): World {
  return masq_inet_event(fibAddrDown(net, ifindex, ifa, false), ifindex, ifa.ifa_address);
}

/** Takes an address off a device, with its secondaries. C: net/ipv4/devinet.c, __inet_del_ifa(). */
function __inet_del_ifa(net: World, ifindex: number, ifa1: InIfaddr): World {
  const in_dev = dev_get_by_index(net, ifindex);
  const promote = firstSecondary(in_dev, ifa1);
  if (!ifa1.ifa_secondary && promote.ifa_local !== 0 && IN_DEV_PROMOTE_SECONDARIES(net, in_dev)) {
    return promoteSecondary(net, ifindex, ifa1, promote);
  }
  let after = ifa1.ifa_secondary ? net : deleteSecondaries(net, ifindex, ifa1);
  after = setIfaList(after, ifindex, withoutIfa(dev_get_by_index(after, ifindex).ifa_list, ifa1));
  return inetaddrDown(after, ifindex, ifa1);
}

/**
 * Deletes an address by an operator's command; a prefix length below 0 was not given and is not compared.
 *
 * C: net/ipv4/devinet.c, inet_rtm_deladdr().
 * Observed: Linux 6.18 says `Error: ipv4: Address not found.` instead.
 */
export function inet_rtm_deladdr(
  net: World,
  ifindex: number,
  local: number,
  address: number,
  prefixlen: number,
): NetlinkResult {
  let found = NO_IFADDR;
  for (const ifa of dev_get_by_index(net, ifindex).ifa_list) {
    const fits =
      ifa.ifa_local === local && (prefixlen < 0 || (ifa.ifa_prefixlen === prefixlen && inet_ifa_match(address, ifa)));
    found = found.ifa_local === 0 && fits ? ifa : found;
  }
  if (found.ifa_local === 0) return { err: -EADDRNOTAVAIL, extack: '', net };
  return { err: 0, extack: '', net: __inet_del_ifa(net, ifindex, found) };
}

/** Deletes every address of a device, as `ip addr flush` does. */
export function flushAddrs(net: World, ifindex: number): World {
  let after = net;
  for (const ifa of dev_get_by_index(net, ifindex).ifa_list) {
    const done = inet_rtm_deladdr(after, ifindex, ifa.ifa_local, ifa.ifa_address, ifa.ifa_prefixlen);
    after = done.net;
  }
  return after;
}

/** Takes IPv4 off a device that is being removed: its addresses go one by one. C: net/ipv4/devinet.c, inetdev_destroy(). */
export function inetdev_destroy(net: World, ifindex: number): World {
  let after = net;
  for (const ifa of dev_get_by_index(net, ifindex).ifa_list) {
    after = setIfaList(after, ifindex, withoutIfa(dev_get_by_index(after, ifindex).ifa_list, ifa));
    after = fibAddrDown(after, ifindex, ifa, true);
  }
  return after;
}
