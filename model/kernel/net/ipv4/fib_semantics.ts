/** What makes a route valid, and what happens to routes when a device or an address goes. */

import { EACCES, EAGAIN, EHOSTUNREACH, EINVAL, ENETDOWN, ENODEV } from '../../../types/errno.ts';
import { LOOPBACK_IFINDEX, type NetDevice } from '../../../types/net.ts';
import {
  type FibAlias,
  type FibConfig,
  type FibNexthop,
  type FibResult,
  type FibTable,
  type FlowI4,
  NO_FLOW,
  NO_ROUTE,
  RT_SCOPE_HOST,
  RT_SCOPE_LINK,
  RT_SCOPE_NOWHERE,
  RT_SCOPE_UNIVERSE,
  RT_TABLE_LOCAL,
  RT_TABLE_MAIN,
  RTN_ANYCAST,
  RTN_BLACKHOLE,
  RTN_BROADCAST,
  RTN_LOCAL,
  RTN_MULTICAST,
  RTN_PROHIBIT,
  RTN_THROW,
  RTN_UNICAST,
  RTN_UNREACHABLE,
} from '../../../types/route.ts';
import type { World } from '../../../types/world.ts';
import { dev_get_by_index } from '../core/dev.ts';
import { l3mdev_fib_table_rcu, l3mdev_master_ifindex_by_index } from '../l3mdev/l3mdev.ts';
import { inet_select_addr } from './devinet.ts';
import { fib_get_table, inet_addr_type_dev_table, inet_addr_type_table } from './fib_frontend.ts';
import { fib_lookup } from './fib_rules.ts';
import { fib_lookup_good_nhc, fib_table_lookup } from './fib_trie.ts';
import { fib_multipath_hash } from './route.ts';

/** What a lookup that ends at a route of this type returns. C: net/ipv4/fib_semantics.c, fib_props[].error. */
export function fib_props_error(type: number): number {
  return type < RTN_BLACKHOLE
    ? 0
    : type === RTN_BLACKHOLE
      ? -EINVAL
      : type === RTN_UNREACHABLE
        ? -EHOSTUNREACH
        : type === RTN_PROHIBIT
          ? -EACCES
          : type === RTN_THROW
            ? -EAGAIN
            : -EINVAL;
}

/** The widest scope that a route of this type may have. C: net/ipv4/fib_semantics.c, fib_props[].scope. */
function fib_props_scope(type: number): number {
  if (type === RTN_LOCAL) return RT_SCOPE_HOST;
  if (type === RTN_BROADCAST || type === RTN_ANYCAST) return RT_SCOPE_LINK;
  if (type >= RTN_UNICAST && type <= RTN_THROW) return RT_SCOPE_UNIVERSE;
  return RT_SCOPE_NOWHERE;
}

/** Whether two aliases of one table share their fib_info. C: net/ipv4/fib_semantics.c, fib_find_info() and nh_comp(). */
export function sameInfo(a: FibAlias, b: FibAlias): boolean {
  return (
    a.fa_type === b.fa_type &&
    a.fib_protocol === b.fib_protocol &&
    a.fib_scope === b.fib_scope &&
    a.fib_prefsrc === b.fib_prefsrc &&
    a.fib_priority === b.fib_priority &&
    a.nh_dev === b.nh_dev &&
    a.nh_gw === b.nh_gw &&
    a.nh_scope === b.nh_scope &&
    a.nh_onlink === b.nh_onlink &&
    sameNexthops(a.fib_nhs, b.fib_nhs)
  );
}

function sameNexthops(a: readonly FibNexthop[], b: readonly FibNexthop[]): boolean {
  if (a.length !== b.length) return false;
  let same = true;
  for (let k = 0; k < a.length; k += 1) {
    const [nh, other] = [a[k] as FibNexthop, b[k] as FibNexthop];
    same =
      same &&
      nh.nh_dev === other.nh_dev &&
      nh.nh_gw === other.nh_gw &&
      nh.nh_scope === other.nh_scope &&
      nh.nh_onlink === other.nh_onlink &&
      nh.fib_nh_weight === other.fib_nh_weight;
  }
  return same;
}

/** Whether the route leaves by that device on one of its paths. */
export function leadsTo(fa: FibAlias, ifindex: number): boolean {
  let uses = fa.nh_dev === ifindex;
  for (const nh of fa.fib_nhs) uses = uses || nh.nh_dev === ifindex;
  return uses;
}

/** Whether a nexthop's device is that one or enslaved to it. C: include/net/ip_fib.h, nhc_l3mdev_matches_dev(). */
export function nhc_l3mdev_matches_dev(net: World, nh_dev: number, ifindex: number): boolean {
  return nh_dev === ifindex || l3mdev_master_ifindex_by_index(net, nh_dev) === ifindex;
}

/** The route by that nexthop. */
function by(fa: FibAlias, { nh_dev, nh_gw, nh_scope, nh_onlink }: FibNexthop): FibAlias {
  return { ...fa, nh_dev, nh_gw, nh_scope, nh_onlink };
}

/** Whether some path of a route with several answers a key with `oif`. */
export function goodPath(fa: FibAlias, oif: number): boolean {
  let good = false;
  for (const nh of fa.fib_nhs) good = good || fib_lookup_good_nhc(nh, oif);
  return good;
}

/** The route by the first of its paths that answers. */
export function firstPath(fa: FibAlias, oif: number): FibAlias {
  let found = fa;
  let done = false;
  for (const nh of fa.fib_nhs) {
    const here: boolean = !done && fib_lookup_good_nhc(nh, oif);
    found = here ? by(fa, nh) : found;
    done = done || here;
  }
  return found;
}

/**
 * Whether the nexthop and the metric that were given, if any, are those of the route.
 *
 * C: net/ipv4/fib_semantics.c, fib_nh_match(), which returns 0 for a match.
 */
export function fib_nh_match(cfg: FibConfig, fa: FibAlias): boolean {
  return (
    (cfg.fc_priority === 0 || cfg.fc_priority === fa.fib_priority) &&
    (cfg.fc_oif === 0 || cfg.fc_oif === fa.nh_dev) &&
    (cfg.fc_gw4 === 0 || cfg.fc_gw4 === fa.nh_gw)
  );
}

/** A checked nexthop. */
interface FibNh {
  readonly err: number;
  readonly extack: string;
  readonly oif: number;
  readonly scope: number;
}

function badNexthop(err: number, extack: string): FibNh {
  return { err, extack, oif: 0, scope: 0 };
}

/**
 * Finds the device of a gateway, which must be reachable by a route of narrower scope.
 *
 * C: net/ipv4/fib_semantics.c, fib_check_nh_v4_gw().
 */
function fib_check_nh_v4_gw(net: World, cfg: FibConfig): FibNh {
  if (cfg.fc_onlink) {
    if (cfg.fc_scope >= RT_SCOPE_LINK) return badNexthop(-EINVAL, 'Nexthop has invalid scope');
    const dev = dev_get_by_index(net, cfg.fc_oif);
    if (dev.ifindex === 0) return badNexthop(-ENODEV, 'Nexthop device required for onlink');
    if (!dev.up) return badNexthop(-ENETDOWN, 'Nexthop device is not up');
    const addr_type = inet_addr_type_dev_table(net, dev, cfg.fc_gw4);
    if (addr_type !== RTN_UNICAST) return badNexthop(-EINVAL, 'Nexthop has invalid gateway');
    return { err: 0, extack: '', oif: dev.ifindex, scope: RT_SCOPE_LINK };
  }
  const fl4: FlowI4 = {
    ...NO_FLOW,
    daddr: cfg.fc_gw4,
    flowi4_scope: Math.max(cfg.fc_scope + 1, RT_SCOPE_LINK),
    flowi4_oif: cfg.fc_oif,
    flowi4_iif: LOOPBACK_IFINDEX,
  };
  const tbl = cfg.fc_table === RT_TABLE_MAIN ? RT_TABLE_MAIN : fib_get_table(net, cfg.fc_table).tb_id;
  const own = tbl === RT_TABLE_MAIN ? NO_LOOKUP : fib_table_lookup(net, fib_get_table(net, tbl), fl4);
  const res = own.err === 0 ? own : fib_lookup(net, fl4);
  if (res.err !== 0) return badNexthop(res.err, 'Nexthop has invalid gateway');
  if (res.fa.fa_type !== RTN_UNICAST && res.fa.fa_type !== RTN_LOCAL) {
    return badNexthop(-EINVAL, 'Nexthop has invalid gateway');
  }
  const dev = dev_get_by_index(net, res.fa.nh_dev);
  return { err: dev.up ? 0 : -ENETDOWN, extack: '', oif: dev.ifindex, scope: res.fa.fib_scope };
}

const NO_LOOKUP: FibResult = { err: -EAGAIN, table: 0, fa: NO_ROUTE, dscp: 0 };

/** Checks the device of a route without a gateway. C: net/ipv4/fib_semantics.c, fib_check_nh_nongw(). */
function fib_check_nh_nongw(net: World, cfg: FibConfig): FibNh {
  if (cfg.fc_onlink) {
    return badNexthop(-EINVAL, 'Invalid flags for nexthop - PERVASIVE and ONLINK can not be set');
  }
  const dev = dev_get_by_index(net, cfg.fc_oif);
  if (dev.ifindex === 0) return badNexthop(-ENODEV, '');
  if (!dev.up) return badNexthop(-ENETDOWN, 'Device for nexthop is not up');
  return { err: 0, extack: '', oif: dev.ifindex, scope: RT_SCOPE_HOST };
}

/** C: net/ipv4/fib_semantics.c, fib_check_nh(). */
function fib_check_nh(net: World, cfg: FibConfig): FibNh {
  return cfg.fc_gw4 !== 0 ? fib_check_nh_v4_gw(net, cfg) : fib_check_nh_nongw(net, cfg);
}

/** Whether the host has the address that a route names as its source. C: net/ipv4/fib_semantics.c, fib_valid_prefsrc(). */
function fib_valid_prefsrc(net: World, cfg: FibConfig): boolean {
  if (cfg.fc_type === RTN_LOCAL && cfg.fc_dst !== 0 && cfg.fc_prefsrc === cfg.fc_dst) return true;
  const tb_id = cfg.fc_table === RT_TABLE_MAIN ? RT_TABLE_LOCAL : cfg.fc_table;
  return (
    inet_addr_type_table(net, cfg.fc_prefsrc, tb_id) === RTN_LOCAL ||
    inet_addr_type_table(net, cfg.fc_prefsrc, RT_TABLE_LOCAL) === RTN_LOCAL
  );
}

/** A new route, or why there is none. */
interface FibInfo {
  readonly err: number;
  readonly extack: string;
  readonly fa: FibAlias;
}

function noInfo(err: number, extack: string): FibInfo {
  return { err, extack, fa: NO_ROUTE };
}

function newAlias(cfg: FibConfig, nh_dev: number, nh_scope: number): FibInfo {
  return {
    err: 0,
    extack: '',
    fa: {
      dst: cfg.fc_dst,
      plen: cfg.fc_dst_len,
      fa_tos: cfg.fc_dscp,
      fa_type: cfg.fc_type,
      fib_priority: cfg.fc_priority,
      fib_protocol: cfg.fc_protocol,
      fib_scope: cfg.fc_scope,
      fib_prefsrc: cfg.fc_prefsrc,
      nh_dev,
      nh_gw: cfg.fc_gw4,
      nh_scope,
      nh_onlink: cfg.fc_onlink,
      dead: false,
      fib_nhs: [],
    },
  };
}

/**
 * Checks what was asked for and makes the route.
 *
 * C: net/ipv4/fib_semantics.c, fib_create_info().
 * Left out: nexthop objects, metrics and encapsulation, which no command of the model can give.
 */
export function fib_create_info(net: World, cfg: FibConfig): FibInfo {
  if (fib_props_scope(cfg.fc_type) > cfg.fc_scope) return noInfo(-EINVAL, 'Invalid scope');
  if (fib_props_error(cfg.fc_type) !== 0) {
    if (cfg.fc_gw4 !== 0 || cfg.fc_oif !== 0 || cfg.fc_mp.length > 0) {
      return noInfo(-EINVAL, 'Gateway, device and multipath can not be specified for this route type');
    }
    return newAlias(cfg, 0, RT_SCOPE_UNIVERSE);
  }
  if (cfg.fc_type < RTN_UNICAST || cfg.fc_type > RTN_MULTICAST) return noInfo(-EINVAL, 'Invalid route type');
  if (cfg.fc_scope > RT_SCOPE_HOST) return noInfo(-EINVAL, 'Invalid scope');

  if (cfg.fc_mp.length > 0) return createMultipath(net, cfg);
  let oif = cfg.fc_oif;
  let nh_scope = RT_SCOPE_NOWHERE;
  if (cfg.fc_scope === RT_SCOPE_HOST) {
    if (cfg.fc_gw4 !== 0) return noInfo(-EINVAL, 'Route with host scope can not have a gateway');
    if (dev_get_by_index(net, oif).ifindex === 0) return noInfo(-ENODEV, '');
  } else {
    const nh = fib_check_nh(net, cfg);
    if (nh.err !== 0) return noInfo(nh.err, nh.extack);
    oif = nh.oif;
    nh_scope = nh.scope;
  }
  if (cfg.fc_prefsrc !== 0 && !fib_valid_prefsrc(net, cfg)) return noInfo(-EINVAL, 'Invalid prefsrc address');
  return newAlias(cfg, oif, nh_scope);
}

/** Checks every nexthop of a route with several paths. C: net/ipv4/fib_semantics.c, fib_get_nhs() and fib_create_info(). */
function createMultipath(net: World, cfg: FibConfig): FibInfo {
  let fib_nhs: readonly FibNexthop[] = [];
  for (const { fc_gw4, fc_oif, fc_onlink, weight } of cfg.fc_mp) {
    const nh = fib_check_nh(net, { ...cfg, fc_gw4, fc_oif, fc_onlink });
    if (nh.err !== 0) return noInfo(nh.err, nh.extack);
    const checked = {
      nh_dev: nh.oif,
      nh_gw: fc_gw4,
      nh_scope: nh.scope,
      nh_onlink: fc_onlink,
      fib_nh_weight: weight,
      dead: false,
    };
    fib_nhs = [...fib_nhs, checked];
  }
  if (cfg.fc_prefsrc !== 0 && !fib_valid_prefsrc(net, cfg)) return noInfo(-EINVAL, 'Invalid prefsrc address');
  const info = newAlias(cfg, 0, RT_SCOPE_NOWHERE);
  return { ...info, fa: by({ ...info.fa, fib_nhs }, fib_nhs[0] as FibNexthop) };
}

/**
 * Whether a hash of 31 bits lies in the part of the space that ends with a nexthop, at `w` of `total` weights.
 *
 * C: net/ipv4/fib_semantics.c, fib_rebalance() and fib_nh_upper_bound. The bound is rounded to the nearest.
 */
function withinBound(hash: number, w: number, total: number): boolean {
  return (hash + 1) * total <= w * 0x80000000 + (total >> 1);
}

/**
 * The first path of those that fit best: one that the hash chooses, and with `by_saddr` before it one whose source the flow has.
 *
 * C: net/ipv4/fib_semantics.c, fib_select_multipath(); the source since 6.16.
 * Observed: Linux 6.18.44, conformance/cases/path-with-the-source.json.
 * Left out: fib_multipath_use_neigh; the copy of the source kept in the nexthop, as in fib_result_prefsrc().
 */
export function fib_select_multipath(net: World, res: FibResult, hash: number, saddr: number): FibResult {
  const { fib_nhs, fib_scope } = res.fa;
  let total = 0;
  for (const nh of fib_nhs) total = nh.dead ? total : total + nh.fib_nh_weight;
  let w = 0;
  let fa = res.fa;
  let score = -1;
  for (const nh of fib_nhs) {
    w = nh.dead ? w : w + nh.fib_nh_weight;
    const own =
      net.multipath.by_saddr && saddr !== 0 && inet_select_addr(net, nh.nh_dev, nh.nh_gw, fib_scope) === saddr;
    const nh_score = nh.dead ? -1 : (own ? 2 : 0) + (withinBound(hash, w, total) ? 1 : 0);
    fa = nh_score > score ? by(res.fa, nh) : fa;
    score = Math.max(score, nh_score);
  }
  return { ...res, fa };
}

/**
 * The source that a route gives a packet without one: its own, else one of its device.
 *
 * C: net/ipv4/fib_semantics.c, fib_result_prefsrc() and fib_info_update_nhc_saddr().
 * Left out: the copy kept in the nexthop, which any change of an address renews, but not a change of route_localnet.
 */
export function fib_result_prefsrc(net: World, res: FibResult): number {
  const fa = res.fa;
  return fa.fib_prefsrc !== 0 ? fa.fib_prefsrc : inet_select_addr(net, fa.nh_dev, fa.nh_gw, fa.fib_scope);
}

/**
 * Chooses the path of several, and the source, once the route is known.
 *
 * C: net/ipv4/fib_semantics.c, fib_select_path().
 * Left out: fib_select_default(), which takes the first of several equal default routes while no neighbour is known to be dead.
 */
export function fib_select_path(net: World, found: FibResult, fl4: FlowI4): { res: FibResult; fl4: FlowI4 } {
  const several = fl4.flowi4_oif === 0 && found.fa.fib_nhs.length > 1;
  const res = several ? fib_select_multipath(net, found, fib_multipath_hash(net, fl4), fl4.saddr) : found;
  if (fl4.saddr !== 0) return { res, fl4 };
  const l3mdev = dev_get_by_index(net, fl4.flowi4_l3mdev);
  const own = l3mdev.ifindex === 0 || l3mdev_master_ifindex_by_index(net, res.fa.nh_dev) === l3mdev.ifindex;
  const saddr = own ? fib_result_prefsrc(net, res) : inet_select_addr(net, l3mdev.ifindex, 0, RT_SCOPE_LINK);
  return { res, fl4: { ...fl4, saddr } };
}

/** The world with the marked aliases of every table dead. */
function markDead(
  net: World,
  tables: readonly FibTable[],
  found: boolean,
): { readonly net: World; readonly found: boolean } {
  return { net: found ? { ...net, tables } : net, found };
}

/**
 * Marks the routes of the main table, or of the device's VRF, dead whose source is an address that went.
 *
 * C: net/ipv4/fib_semantics.c, fib_sync_down_addr(): routes of other tables keep a source that the host no longer has.
 */
export function fib_sync_down_addr(
  net: World,
  dev: NetDevice,
  local: number,
): { readonly net: World; readonly found: boolean } {
  const ofDomain = l3mdev_fib_table_rcu(net, dev);
  const tb_id = ofDomain === 0 ? RT_TABLE_MAIN : ofDomain;
  let tables: readonly FibTable[] = [];
  let found = false;
  for (const tb of net.tables) {
    let aliases: readonly FibAlias[] = [];
    for (const fa of tb.aliases) {
      const dead = tb.tb_id === tb_id && fa.fib_prefsrc === local;
      aliases = [...aliases, dead ? { ...fa, dead } : fa];
      found = found || dead;
    }
    tables = [...tables, { ...tb, aliases }];
  }
  return markDead(net, tables, found && local !== 0);
}

/** The route with its paths by that device dead. */
function withoutDevice(fa: FibAlias, ifindex: number): FibAlias {
  if (fa.fib_nhs.length < 2) return fa;
  let fib_nhs: readonly FibNexthop[] = [];
  for (const nh of fa.fib_nhs) fib_nhs = [...fib_nhs, nh.nh_dev === ifindex ? { ...nh, dead: true } : nh];
  return { ...fa, fib_nhs };
}

/**
 * Marks the routes dead that leave by a device; those of host scope only with `force`.
 *
 * C: net/ipv4/fib_semantics.c, fib_sync_down_dev(), for NETDEV_DOWN and NETDEV_UNREGISTER.
 * Left out: fib_sync_up(), which revives a path of several when its device comes back.
 */
export function fib_sync_down_dev(
  net: World,
  ifindex: number,
  force: boolean,
): { readonly net: World; readonly found: boolean } {
  let tables: readonly FibTable[] = [];
  let found = false;
  for (const tb of net.tables) {
    let aliases: readonly FibAlias[] = [];
    for (const fa of tb.aliases) {
      const path = withoutDevice(fa, ifindex);
      const dead =
        fa.fib_nhs.length > 1
          ? !goodPath(path, 0)
          : fa.nh_dev === ifindex && (force || fa.nh_scope !== RT_SCOPE_NOWHERE);
      aliases = [...aliases, dead ? { ...path, dead } : path];
      found = found || dead || leadsTo(fa, ifindex);
    }
    tables = [...tables, { ...tb, aliases }];
  }
  return markDead(net, tables, found);
}
