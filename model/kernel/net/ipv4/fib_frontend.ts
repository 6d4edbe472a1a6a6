/** Tables by number, the kind of an address, the check of a packet's source, and what addresses and links do to routes. */

import { EINVAL, ESRCH, EXDEV } from '../../../types/errno.ts';
import { type InIfaddr, LOOPBACK_IFINDEX, type NetDevice, NO_IFADDR } from '../../../types/net.ts';
import type { NetlinkResult } from '../../../types/netlink.ts';
import type { SkBuff } from '../../../types/packet.ts';
import {
  type FibAlias,
  type FibConfig,
  type FibTable,
  type FlowI4,
  NLM_F_APPEND,
  NLM_F_CREATE,
  NO_FLOW,
  NO_TABLE,
  RT_SCOPE_HOST,
  RT_SCOPE_LINK,
  RT_SCOPE_UNIVERSE,
  RT_TABLE_LOCAL,
  RT_TABLE_MAIN,
  RTN_BROADCAST,
  RTN_LOCAL,
  RTN_MULTICAST,
  RTN_UNICAST,
  RTPROT_KERNEL,
} from '../../../types/route.ts';
import type { World } from '../../../types/world.ts';
import {
  inet_ifa_match,
  inet_make_mask,
  ipv4_is_lbcast,
  ipv4_is_multicast,
  ipv4_is_zeronet,
} from '../../include/linux/in.ts';
import { dev_get_by_index } from '../core/dev.ts';
import { l3mdev_fib_table_rcu, l3mdev_master_ifindex_rcu } from '../l3mdev/l3mdev.ts';
import { inet_ifa_byprefix, inet_lookup_ifaddr_rcu, inet_select_addr, sameIfa } from './devinet.ts';
import { fib_lookup, fib4_rules_early_flow_dissect } from './fib_rules.ts';
import { fib_result_prefsrc, fib_sync_down_addr, fib_sync_down_dev, nhc_l3mdev_matches_dev } from './fib_semantics.ts';
import { fib_table_delete, fib_table_flush, fib_table_insert, fib_table_lookup } from './fib_trie.ts';
import { rt_cache_flush } from './route.ts';

/** The bits of a TOS that decide a route. C: include/net/route.h, IPTOS_RT_MASK. */
export const IPTOS_RT_MASK = 0x1c;

/** The table of that number, NO_TABLE when there is none. C: net/ipv4/fib_frontend.c, fib_get_table(). */
export function fib_get_table(net: World, id: number): FibTable {
  const wanted = id === 0 ? RT_TABLE_MAIN : id;
  let found = NO_TABLE;
  for (const tb of net.tables) found = tb.tb_id === wanted ? tb : found;
  return found;
}

/** The world in which the table exists. C: net/ipv4/fib_frontend.c, fib_new_table(), which returns the table. */
export function fib_new_table(net: World, id: number): World {
  const tb_id = id === 0 ? RT_TABLE_MAIN : id;
  if (fib_get_table(net, tb_id).tb_id !== 0) return net;
  const alias = tb_id === RT_TABLE_LOCAL && !net.fib_has_custom_rules ? fib_new_table(net, RT_TABLE_MAIN) : net;
  return { ...alias, tables: [...alias.tables, { tb_id, aliases: [] }] };
}

/** The world with the table of that number replaced, and every cached route obsolete. */
export function changeTable(net: World, changed: FibTable): World {
  let tables: readonly FibTable[] = [];
  for (const tb of net.tables) tables = [...tables, tb.tb_id === changed.tb_id ? changed : tb];
  return { ...net, tables, rt_genid: net.rt_genid + 1 };
}

/** Removes dead routes from every table. C: net/ipv4/fib_frontend.c, fib_flush(). */
function fib_flush(net: World): World {
  let tables: readonly FibTable[] = [];
  for (const tb of net.tables) tables = [...tables, fib_table_flush(tb)];
  return { ...net, tables, rt_genid: net.rt_genid + 1 };
}

/** The address's type as the table says, on one device or (0) on any. C: net/ipv4/fib_frontend.c, __inet_dev_addr_type(). */
function __inet_dev_addr_type(net: World, dev: number, addr: number, tb_id: number): number {
  if (ipv4_is_zeronet(addr) || ipv4_is_lbcast(addr)) return RTN_BROADCAST;
  if (ipv4_is_multicast(addr)) return RTN_MULTICAST;
  const table = fib_get_table(net, tb_id);
  if (table.tb_id === 0) return RTN_BROADCAST;
  const res = fib_table_lookup(net, table, { ...NO_FLOW, daddr: addr });
  return res.err === 0 && (dev === 0 || dev === res.fa.nh_dev) ? res.fa.fa_type : RTN_UNICAST;
}

/** C: net/ipv4/fib_frontend.c, inet_addr_type_table(). */
export function inet_addr_type_table(net: World, addr: number, tb_id: number): number {
  return __inet_dev_addr_type(net, 0, addr, tb_id);
}

/** What an address is to this host: RTN_LOCAL, RTN_BROADCAST, RTN_MULTICAST or RTN_UNICAST. C: net/ipv4/fib_frontend.c. */
export function inet_addr_type(net: World, addr: number): number {
  return inet_addr_type_table(net, addr, RT_TABLE_LOCAL);
}

/** The table that holds the local routes of a device: that of its VRF, else the local one. */
function localTable(net: World, dev: NetDevice): number {
  const tb_id = l3mdev_fib_table_rcu(net, dev);
  return tb_id === 0 ? RT_TABLE_LOCAL : tb_id;
}

/** The same, as if only `dev` were there. C: net/ipv4/fib_frontend.c. */
export function inet_dev_addr_type(net: World, dev: NetDevice, addr: number): number {
  return __inet_dev_addr_type(net, dev.ifindex, addr, localTable(net, dev));
}

/** The same, as the table of the device's VRF says. C: net/ipv4/fib_frontend.c. */
export function inet_addr_type_dev_table(net: World, dev: NetDevice, addr: number): number {
  return inet_addr_type_table(net, addr, localTable(net, dev));
}

/** The same for a socket that is bound to that device, or (0) to none, as inet_bind() and its like ask. */
export function inet_addr_type_bound(net: World, bound_dev_if: number, addr: number): number {
  return inet_addr_type_dev_table(net, dev_get_by_index(net, bound_dev_if), addr);
}

/**
 * The source for an answer to a packet: the address it was sent to, unless that was a group's.
 *
 * C: net/ipv4/fib_frontend.c, fib_compute_spec_dst().
 */
export function fib_compute_spec_dst(net: World, skb: SkBuff): number {
  const rt = skb.dst;
  if (rt.rt_local && rt.rt_type !== RTN_BROADCAST && rt.rt_type !== RTN_MULTICAST) return skb.iph.daddr;
  const dev = dev_get_by_index(net, skb.iif);
  if (ipv4_is_zeronet(skb.iph.saddr)) return inet_select_addr(net, dev.ifindex, skb.iph.saddr, RT_SCOPE_LINK);
  const fl4: FlowI4 = {
    ...NO_FLOW,
    flowi4_iif: LOOPBACK_IFINDEX,
    flowi4_l3mdev: l3mdev_master_ifindex_rcu(dev),
    daddr: skb.iph.saddr,
    flowi4_tos: skb.iph.tos & IPTOS_RT_MASK,
    flowi4_mark: IN_DEV_SRC_VMARK(net, dev) ? skb.mark : 0,
  };
  const res = fib_lookup(net, fl4);
  if (res.err === 0) return fib_result_prefsrc(net, res);
  return inet_select_addr(net, dev.ifindex, skb.iph.saddr, RT_SCOPE_UNIVERSE);
}

function IN_DEV_SRC_VMARK(net: World, in_dev: NetDevice): boolean {
  return net.sysctl.src_valid_mark_all !== 0 || in_dev.src_valid_mark !== 0;
}

function IN_DEV_ACCEPT_LOCAL(net: World, in_dev: NetDevice): boolean {
  return net.sysctl.accept_local_all !== 0 || in_dev.accept_local !== 0;
}

/** C: include/linux/inetdevice.h, IN_DEV_RPFILTER(): the larger of the two. */
function IN_DEV_RPFILTER(net: World, in_dev: NetDevice): number {
  return Math.max(net.sysctl.rp_filter_all, in_dev.rp_filter);
}

/**
 * The full check of a source: which way would an answer go?
 *
 * C: net/ipv4/fib_frontend.c, __fib_validate_source().
 */
function __fib_validate_source(
  net: World,
  skb: SkBuff,
  src: number,
  dst: number,
  tos: number,
  oif: number,
  dev: NetDevice,
  rpf: number,
): number {
  const key: FlowI4 = {
    ...NO_FLOW,
    flowi4_iif: oif !== 0 ? oif : LOOPBACK_IFINDEX,
    flowi4_l3mdev: l3mdev_master_ifindex_rcu(dev),
    daddr: src,
    saddr: dst,
    flowi4_tos: tos,
    flowi4_mark: IN_DEV_SRC_VMARK(net, dev) ? skb.mark : 0,
  };
  const no_addr = dev.ifa_list.length === 0;
  const dissected = fib4_rules_early_flow_dissect(net, skb, key);
  const fl4: FlowI4 = { ...dissected, fl4_sport: dissected.fl4_dport, fl4_dport: dissected.fl4_sport };

  const res = fib_lookup(net, fl4);
  const last_resort = rpf !== 0 ? -EXDEV : 0;
  if (res.err !== 0) return last_resort;
  const type = res.fa.fa_type;
  if (type !== RTN_UNICAST && (type !== RTN_LOCAL || !IN_DEV_ACCEPT_LOCAL(net, dev))) return -EINVAL;
  const dev_match =
    fib_info_nh_uses_dev(net, res.fa, dev.ifindex) || (type === RTN_LOCAL && dev.ifindex === LOOPBACK_IFINDEX);
  if (dev_match) return res.fa.nh_scope >= RT_SCOPE_HOST ? 1 : 0;
  if (no_addr) return last_resort;
  if (rpf === 1) return -EXDEV;
  const back = fib_lookup(net, { ...res.flp, flowi4_oif: dev.ifindex });
  return back.err === 0 && back.fa.fa_type === RTN_UNICAST && back.fa.nh_scope >= RT_SCOPE_HOST ? 1 : 0;
}

/**
 * Whether a packet from `src` may come in on `dev`: -EINVAL for the host's own addresses, -EXDEV by reverse path, 1 when the
 * sender is on the link, else 0.
 *
 * C: net/ipv4/fib_frontend.c, fib_validate_source().
 * Left out: send_redirects, taken as on, its default; IPsec.
 */
export function fib_validate_source(
  net: World,
  skb: SkBuff,
  src: number,
  dst: number,
  tos: number,
  oif: number,
  dev: NetDevice,
): number {
  const r = IN_DEV_RPFILTER(net, dev);
  if (r === 0 && dev.ifindex !== oif) {
    if (IN_DEV_ACCEPT_LOCAL(net, dev)) return 0;
    if (!net.fib_has_custom_local_routes && !net.fib_has_custom_rules) {
      return inet_lookup_ifaddr_rcu(net, src) !== 0 ? -EINVAL : 0;
    }
  }
  return __fib_validate_source(net, skb, src, dst, tos, oif, dev, r);
}

/** C: net/ipv4/fib_frontend.c, rtm_to_fib_config(). */
function fibConfigError(cfg: FibConfig): string {
  if ((cfg.fc_dscp & 3) !== 0) return 'Invalid dsfield (tos): ECN bits must be 0';
  if (cfg.fc_dst_len > 32) return 'Invalid prefix length';
  if ((cfg.fc_dst & ~inet_make_mask(cfg.fc_dst_len)) !== 0) return 'Invalid prefix for given prefix length';
  return '';
}

/** Adds a route by an operator's command. C: net/ipv4/fib_frontend.c, inet_rtm_newroute(). The table stays even if the route is refused. */
export function inet_rtm_newroute(net: World, asked: FibConfig): NetlinkResult {
  const bad = fibConfigError(asked);
  if (bad !== '') return { err: -EINVAL, extack: bad, net };
  const cfg = { ...asked, fc_table: asked.fc_table === 0 ? RT_TABLE_MAIN : asked.fc_table };
  const withTable = fib_new_table(net, cfg.fc_table);
  const done = fib_table_insert(withTable, fib_get_table(withTable, cfg.fc_table), cfg);
  if (done.err !== 0 || cfg.fc_type !== RTN_LOCAL) return done;
  return { ...done, net: { ...done.net, fib_has_custom_local_routes: true } };
}

/** Deletes a route by an operator's command. C: net/ipv4/fib_frontend.c, inet_rtm_delroute(). */
export function inet_rtm_delroute(net: World, cfg: FibConfig): NetlinkResult {
  const bad = fibConfigError(cfg);
  if (bad !== '') return { err: -EINVAL, extack: bad, net };
  const tb = fib_get_table(net, cfg.fc_table);
  if (tb.tb_id === 0) return { err: -ESRCH, extack: 'FIB table does not exist', net };
  return fib_table_delete(net, tb, { ...cfg, fc_table: tb.tb_id });
}

const RTM_NEWROUTE = 24;
const RTM_DELROUTE = 25;

/** Adds or deletes a route that an address brings with it; a refusal is ignored. C: net/ipv4/fib_frontend.c, fib_magic(). */
function fib_magic(
  net: World,
  cmd: number,
  type: number,
  dst: number,
  dst_len: number,
  dev: NetDevice,
  ifa: InIfaddr,
  rt_priority: number,
): World {
  const ofDomain = l3mdev_fib_table_rcu(net, dev);
  const tb_id = ofDomain !== 0 ? ofDomain : type === RTN_UNICAST ? RT_TABLE_MAIN : RT_TABLE_LOCAL;
  const withTable = fib_new_table(net, tb_id);
  const cfg: FibConfig = {
    fc_table: tb_id,
    fc_type: type,
    fc_dst: dst,
    fc_dst_len: dst_len,
    fc_dscp: 0,
    fc_protocol: RTPROT_KERNEL,
    fc_scope: type !== RTN_LOCAL ? RT_SCOPE_LINK : RT_SCOPE_HOST,
    fc_gw4: 0,
    fc_mp: [],
    fc_oif: dev.ifindex,
    fc_onlink: false,
    fc_prefsrc: ifa.ifa_local,
    fc_priority: rt_priority,
    fc_nlflags: NLM_F_CREATE | NLM_F_APPEND,
  };
  const tb = fib_get_table(withTable, tb_id);
  const done = cmd === RTM_NEWROUTE ? fib_table_insert(withTable, tb, cfg) : fib_table_delete(withTable, tb, cfg);
  return done.net;
}

/** The type of the route to an address's own subnet. */
function subnetType(dev: NetDevice): number {
  return dev.ifindex === LOOPBACK_IFINDEX ? RTN_LOCAL : RTN_UNICAST;
}

/**
 * Adds the routes of an address: its own, and on an up device its broadcast addresses and its subnet.
 *
 * C: net/ipv4/fib_frontend.c, fib_add_ifaddr().
 */
export function fib_add_ifaddr(net: World, dev: NetDevice, ifa: InIfaddr): World {
  const mask = inet_make_mask(ifa.ifa_prefixlen);
  const addr = ifa.ifa_local;
  const prefix = (ifa.ifa_address & mask) >>> 0;
  const prim = ifa.ifa_secondary ? inet_ifa_byprefix(dev, prefix, ifa.ifa_prefixlen) : ifa;
  if (prim.ifa_local === 0) return net;

  let after = fib_magic(net, RTM_NEWROUTE, RTN_LOCAL, addr, 32, dev, prim, 0);
  if (!dev.up) return after;
  if (ifa.ifa_broadcast !== 0 && !ipv4_is_lbcast(ifa.ifa_broadcast)) {
    after = fib_magic(after, RTM_NEWROUTE, RTN_BROADCAST, ifa.ifa_broadcast, 32, dev, prim, 0);
  }
  if (!ipv4_is_zeronet(prefix) && !ifa.ifa_secondary && (prefix !== addr || ifa.ifa_prefixlen < 32)) {
    if (!ifa.ifa_noprefixroute) {
      const { ifa_prefixlen, ifa_rt_priority } = ifa;
      after = fib_magic(after, RTM_NEWROUTE, subnetType(dev), prefix, ifa_prefixlen, dev, prim, ifa_rt_priority);
    }
    if (ifa.ifa_prefixlen < 31) {
      after = fib_magic(after, RTM_NEWROUTE, RTN_BROADCAST, (prefix | ~mask) >>> 0, 32, dev, prim, 0);
    }
  }
  return after;
}

/**
 * Moves the route of an address to another metric.
 *
 * C: net/ipv4/fib_frontend.c, fib_modify_prefix_metric().
 */
export function fib_modify_prefix_metric(net: World, dev: NetDevice, ifa: InIfaddr, new_metric: number): World {
  const prefix = (ifa.ifa_address & inet_make_mask(ifa.ifa_prefixlen)) >>> 0;
  if (!dev.up || ifa.ifa_secondary || ifa.ifa_noprefixroute || ipv4_is_zeronet(prefix)) return net;
  if (prefix === ifa.ifa_local && ifa.ifa_prefixlen === 32) return net;
  const type = subnetType(dev);
  const added = fib_magic(net, RTM_NEWROUTE, type, prefix, ifa.ifa_prefixlen, dev, ifa, new_metric);
  return fib_magic(added, RTM_DELROUTE, type, prefix, ifa.ifa_prefixlen, dev, ifa, ifa.ifa_rt_priority);
}

/** Which routes of a going address another address of the device still needs. */
interface StillUsed {
  readonly gone: boolean;
  readonly local: boolean;
  readonly brd: boolean;
  readonly brd0: boolean;
  readonly brd1: boolean;
}

/** C: net/ipv4/fib_frontend.c, the scan of the address list in fib_del_ifaddr(). `iprim` is NO_IFADDR unless secondaries are promoted. */
function stillUsed(dev: NetDevice, ifa: InIfaddr, prim: InIfaddr, iprim: InIfaddr): StillUsed {
  const mask = inet_make_mask(ifa.ifa_prefixlen);
  const brd = (ifa.ifa_address | ~mask) >>> 0;
  const any = (ifa.ifa_address & mask) >>> 0;
  let used: StillUsed = { gone: true, local: false, brd: false, brd0: false, brd1: false };
  let prim1 = NO_IFADDR;
  let same_prefsrc = false;
  for (const ifa1 of dev.ifa_list) {
    if (sameIfa(ifa1, ifa)) {
      used = { ...used, gone: false };
    } else if (!sameSubnet(ifa1, iprim)) {
      if (!ifa1.ifa_secondary) {
        if (prim.ifa_local === ifa1.ifa_local) {
          prim1 = ifa1;
          same_prefsrc = same_prefsrc || !sameIfa(prim, prim1);
          used = usedBy(used, ifa, ifa1, prim1, brd, any);
        }
      } else if (sameSubnet(ifa1, prim)) {
        prim1 = prim;
        used = usedBy(used, ifa, ifa1, prim1, brd, any);
      } else if (same_prefsrc) {
        if (!sameSubnet(ifa1, prim1)) prim1 = inet_ifa_byprefix(dev, ifa1.ifa_address, ifa1.ifa_prefixlen);
        if (prim1.ifa_local !== 0 && prim1.ifa_local === prim.ifa_local) {
          used = usedBy(used, ifa, ifa1, prim1, brd, any);
        }
      }
    }
  }
  return used;
}

/** Whether two addresses are of one subnet with the same mask; never with NO_IFADDR. */
function sameSubnet(ifa1: InIfaddr, ifa: InIfaddr): boolean {
  return ifa.ifa_local !== 0 && ifa1.ifa_prefixlen === ifa.ifa_prefixlen && inet_ifa_match(ifa1.ifa_address, ifa);
}

function usedBy(used: StillUsed, ifa: InIfaddr, ifa1: InIfaddr, prim1: InIfaddr, brd: number, any: number): StillUsed {
  const mask1 = inet_make_mask(ifa1.ifa_prefixlen);
  const brd1 = (ifa1.ifa_address | ~mask1) >>> 0;
  const any1 = (ifa1.ifa_address & mask1) >>> 0;
  const own = sameIfa(prim1, ifa1) && ifa1.ifa_prefixlen < 31 && !ipv4_is_zeronet(any1);
  return {
    ...used,
    local: used.local || ifa.ifa_local === ifa1.ifa_local,
    brd:
      used.brd ||
      ifa.ifa_broadcast === ifa1.ifa_broadcast ||
      (own && (ifa.ifa_broadcast === brd1 || ifa.ifa_broadcast === any1)),
    brd1: used.brd1 || brd === ifa1.ifa_broadcast || (own && (brd === brd1 || brd === any1)),
    brd0: used.brd0 || any === ifa1.ifa_broadcast || (own && (any === brd1 || any === any1)),
  };
}

/**
 * Deletes the routes of an address that goes, as far as no other address needs them, and the routes that used it as source.
 *
 * C: net/ipv4/fib_frontend.c, fib_del_ifaddr(). `dying` is in_dev->dead; `iprim` is NO_IFADDR for NULL.
 */
export function fib_del_ifaddr(net: World, dev: NetDevice, ifa: InIfaddr, iprim: InIfaddr, dying: boolean): World {
  const mask = inet_make_mask(ifa.ifa_prefixlen);
  const brd = (ifa.ifa_address | ~mask) >>> 0;
  const any = (ifa.ifa_address & mask) >>> 0;
  const prim = ifa.ifa_secondary ? inet_ifa_byprefix(dev, any, ifa.ifa_prefixlen) : ifa;
  if (prim.ifa_local === 0) return net;
  const subnet = !ifa.ifa_secondary && !ipv4_is_zeronet(any) && (any !== ifa.ifa_local || ifa.ifa_prefixlen < 32);

  let after = net;
  if (subnet && !ifa.ifa_noprefixroute) {
    after = fib_magic(after, RTM_DELROUTE, subnetType(dev), any, ifa.ifa_prefixlen, dev, prim, 0);
  }
  const ok = dying
    ? { gone: true, local: false, brd: false, brd0: false, brd1: false }
    : stillUsed(dev, ifa, prim, iprim);
  if (!ok.brd) after = fib_magic(after, RTM_DELROUTE, RTN_BROADCAST, ifa.ifa_broadcast, 32, dev, prim, 0);
  if (subnet && ifa.ifa_prefixlen < 31) {
    if (!ok.brd1) after = fib_magic(after, RTM_DELROUTE, RTN_BROADCAST, brd, 32, dev, prim, 0);
    if (!ok.brd0) after = fib_magic(after, RTM_DELROUTE, RTN_BROADCAST, any, 32, dev, prim, 0);
  }
  if (ok.local) return after;
  after = fib_magic(after, RTM_DELROUTE, RTN_LOCAL, ifa.ifa_local, 32, dev, prim, 0);
  if (!ok.gone || inet_addr_type_dev_table(after, dev, ifa.ifa_local) === RTN_LOCAL) return after;
  const synced = fib_sync_down_addr(after, dev, ifa.ifa_local);
  return synced.found ? fib_flush(synced.net) : synced.net;
}

/** Takes the routes of a device away. C: net/ipv4/fib_frontend.c, fib_disable_ip(). */
function fib_disable_ip(net: World, ifindex: number, force: boolean): World {
  const synced = fib_sync_down_dev(net, ifindex, force);
  return synced.found ? fib_flush(synced.net) : rt_cache_flush(synced.net);
}

/** An address came. C: net/ipv4/fib_frontend.c, fib_inetaddr_event(), NETDEV_UP. */
export function fibAddrUp(net: World, ifindex: number, ifa: InIfaddr): World {
  return rt_cache_flush(fib_add_ifaddr(net, dev_get_by_index(net, ifindex), ifa));
}

/** An address went; it is no longer on the list. C: net/ipv4/fib_frontend.c, fib_inetaddr_event(), NETDEV_DOWN. */
export function fibAddrDown(net: World, ifindex: number, ifa: InIfaddr, dying: boolean): World {
  const dev = dev_get_by_index(net, ifindex);
  const after = fib_del_ifaddr(net, dev, ifa, NO_IFADDR, dying);
  return dev.ifa_list.length === 0 ? fib_disable_ip(after, ifindex, true) : rt_cache_flush(after);
}

/** A device came up. C: net/ipv4/fib_frontend.c, fib_netdev_event(), NETDEV_UP. */
export function fibDevUp(net: World, ifindex: number): World {
  const dev = dev_get_by_index(net, ifindex);
  let after = net;
  for (const ifa of dev.ifa_list) after = fib_add_ifaddr(after, dev, ifa);
  return rt_cache_flush(after);
}

/** A device went down. C: net/ipv4/fib_frontend.c, fib_netdev_event(), NETDEV_DOWN. */
export function fibDevDown(net: World, ifindex: number): World {
  return fib_disable_ip(net, ifindex, false);
}

/** A device was put into a VRF or taken out of it: all its routes go. C: net/ipv4/fib_frontend.c, fib_netdev_event(), NETDEV_CHANGEUPPER. */
export function fibDevChangeUpper(net: World, ifindex: number): World {
  return fib_disable_ip(net, ifindex, true);
}

/** A device is being removed. C: net/ipv4/fib_frontend.c, fib_netdev_event(), NETDEV_UNREGISTER. */
export function fibDevUnregister(net: World, ifindex: number): World {
  return fib_disable_ip(net, ifindex, true);
}

/** Whether the route leads to that device, or to a link of that VRF, by one of its paths. C: net/ipv4/fib_frontend.c, fib_info_nh_uses_dev(). */
function fib_info_nh_uses_dev(net: World, fa: FibAlias, ifindex: number): boolean {
  let uses: boolean = nhc_l3mdev_matches_dev(net, fa.nh_dev, ifindex);
  for (const nh of fa.fib_nhs) uses = uses || nhc_l3mdev_matches_dev(net, nh.nh_dev, ifindex);
  return uses;
}
