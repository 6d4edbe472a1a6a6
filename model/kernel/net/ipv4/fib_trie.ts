/**
 * A routing table: the longest prefix that fits, insertion and deletion.
 *
 * Left out: the trie. A table is a list in the order in which the trie is tried, so the first alias that fits is the answer.
 */

import { EAGAIN, EEXIST, ENOENT, ESRCH } from '../../../types/errno.ts';
import { insertBehind } from '../../../types/lookup.ts';
import type { NetlinkResult } from '../../../types/netlink.ts';
import {
  type FibAlias,
  type FibConfig,
  type FibNexthop,
  type FibResult,
  type FibTable,
  type FlowI4,
  NLM_F_APPEND,
  NLM_F_CREATE,
  NLM_F_EXCL,
  NLM_F_REPLACE,
  NO_ROUTE,
  RT_SCOPE_NOWHERE,
  RT_TABLE_LOCAL,
  RT_TABLE_MAIN,
} from '../../../types/route.ts';
import type { World } from '../../../types/world.ts';
import { inet_make_mask } from '../../include/linux/in.ts';
import { changeTable, fib_get_table } from './fib_frontend.ts';
import { fib_create_info, fib_nh_match, fib_props_error, firstPath, goodPath, sameInfo } from './fib_semantics.ts';

/**
 * Whether the alias answers a lookup: prefix, tos and scope fit, and it is an error or its nexthop is usable.
 *
 * C: net/ipv4/fib_trie.c, the loop over a leaf in fib_table_lookup(), and fib_lookup_good_nhc().
 * Left out: RTNH_F_LINKDOWN, which counts only with ignore_routes_with_linkdown.
 */
function aliasFits(fa: FibAlias, flp: FlowI4): boolean {
  return (
    ((flp.daddr ^ fa.dst) & inet_make_mask(fa.plen)) === 0 &&
    (fa.fa_tos === 0 || fa.fa_tos === flp.flowi4_tos) &&
    fa.fib_scope >= flp.flowi4_scope &&
    (fib_props_error(fa.fa_type) !== 0 ||
      (!fa.dead &&
        (fa.fib_nhs.length > 1 ? goodPath(fa, flp.flowi4_oif) : flp.flowi4_oif === 0 || flp.flowi4_oif === fa.nh_dev)))
  );
}

function firstFit(tb: FibTable, flp: FlowI4): FibAlias {
  let found = NO_ROUTE;
  for (const fa of tb.aliases) found = found.plen < 0 && aliasFits(fa, flp) ? fa : found;
  return found;
}

/**
 * Looks `flp` up in one table: -EAGAIN when nothing fits or a throw route does.
 *
 * C: net/ipv4/fib_trie.c, fib_table_lookup(). Until the first custom rule the local and the main table share one trie, in
 * which a local alias comes before a main one of the same prefix length.
 */
export function fib_table_lookup(net: World, tb: FibTable, flp: FlowI4): FibResult {
  const own = firstFit(tb, flp);
  const fit = net.fib_has_custom_rules ? own : mergedFit(net, tb, own, flp);
  const fa = fit.fib_nhs.length > 1 ? firstPath(fit, flp.flowi4_oif) : fit;
  const err = fa.plen < 0 ? -EAGAIN : fib_props_error(fa.fa_type);
  return { err, table: tb.tb_id, fa, dscp: err === 0 ? fa.fa_tos : 0 };
}

function mergedFit(net: World, tb: FibTable, own: FibAlias, flp: FlowI4): FibAlias {
  if (tb.tb_id === RT_TABLE_MAIN) {
    const local = firstFit(fib_get_table(net, RT_TABLE_LOCAL), flp);
    return local.plen >= own.plen ? local : own;
  }
  if (tb.tb_id === RT_TABLE_LOCAL) {
    const main = firstFit(fib_get_table(net, RT_TABLE_MAIN), flp);
    return main.plen > own.plen ? main : own;
  }
  return own;
}

/** Whether an alias comes before `fa` in its table: -1 before, 0 among the same keys, 1 after. */
function compareKeys(other: FibAlias, fa: FibAlias): number {
  if (other.plen !== fa.plen) return other.plen > fa.plen ? -1 : 1;
  if (other.fa_tos !== fa.fa_tos) return other.fa_tos > fa.fa_tos ? -1 : 1;
  if (other.fib_priority !== fa.fib_priority) return other.fib_priority < fa.fib_priority ? -1 : 1;
  return 0;
}

/** The same prefix, tos and priority. */
function sameKeys(a: FibAlias, b: FibAlias): boolean {
  return a.dst === b.dst && compareKeys(a, b) === 0;
}

/** The table with the first alias of the same keys as `new_fa` replaced by it. */
function replaceFirst(tb: FibTable, new_fa: FibAlias): FibTable {
  let aliases: readonly FibAlias[] = [];
  let done = false;
  for (const fa of tb.aliases) {
    const here: boolean = !done && sameKeys(fa, new_fa);
    aliases = [...aliases, here ? new_fa : fa];
    done = done || here;
  }
  return { ...tb, aliases };
}

/**
 * Adds a route.
 *
 * C: net/ipv4/fib_trie.c, fib_table_insert() and fib_insert_alias().
 * Left out: FA_S_ACCESSED; a replaced route counts as used, so the cache is always flushed.
 */
export function fib_table_insert(net: World, tb: FibTable, cfg: FibConfig): NetlinkResult {
  const info = fib_create_info(net, cfg);
  if (info.err < 0) return { err: info.err, extack: info.extack, net };
  const new_fa = info.fa;

  let exists = false;
  let matchIsFirst = false;
  let fa_match = false;
  // How many stand before those of its length, tos and priority, and how many up to the last of them.
  let before = 0;
  let upTo = 0;
  for (const fa of tb.aliases) {
    const order = compareKeys(fa, new_fa);
    before = order < 0 ? before + 1 : before;
    upTo = order > 0 ? upTo : upTo + 1;
    const same = order === 0 && fa.dst === new_fa.dst;
    const match = same && sameInfo(fa, new_fa);
    matchIsFirst = matchIsFirst || (match && !exists);
    fa_match = fa_match || match;
    exists = exists || same;
  }
  if (exists) {
    if ((cfg.fc_nlflags & NLM_F_EXCL) !== 0) return { err: -EEXIST, extack: '', net };
    if ((cfg.fc_nlflags & NLM_F_REPLACE) !== 0) {
      if (fa_match) return { err: matchIsFirst ? 0 : -EEXIST, extack: '', net };
      return { err: 0, extack: '', net: changeTable(net, replaceFirst(tb, new_fa)) };
    }
    if (fa_match) return { err: -EEXIST, extack: '', net };
  }
  if ((cfg.fc_nlflags & NLM_F_CREATE) === 0) return { err: -ENOENT, extack: '', net };

  const behind = (cfg.fc_nlflags & NLM_F_APPEND) === 0 ? before : upTo;
  return { err: 0, extack: '', net: changeTable(net, { ...tb, aliases: insertBehind(tb.aliases, behind, new_fa) }) };
}

/**
 * Deletes the first route that fits everything that was given.
 *
 * C: net/ipv4/fib_trie.c, fib_table_delete().
 * Left out: FA_S_ACCESSED, as in fib_table_insert().
 */
export function fib_table_delete(net: World, tb: FibTable, cfg: FibConfig): NetlinkResult {
  let aliases: readonly FibAlias[] = [];
  let deleted = false;
  for (const fa of tb.aliases) {
    const here: boolean =
      !deleted &&
      fa.dst === cfg.fc_dst &&
      fa.plen === cfg.fc_dst_len &&
      fa.fa_tos === cfg.fc_dscp &&
      (cfg.fc_type === 0 || fa.fa_type === cfg.fc_type) &&
      (cfg.fc_scope === RT_SCOPE_NOWHERE || fa.fib_scope === cfg.fc_scope) &&
      (cfg.fc_prefsrc === 0 || fa.fib_prefsrc === cfg.fc_prefsrc) &&
      (cfg.fc_protocol === 0 || fa.fib_protocol === cfg.fc_protocol) &&
      fib_nh_match(cfg, fa);
    aliases = here ? aliases : [...aliases, fa];
    deleted = deleted || here;
  }
  if (!deleted) return { err: -ESRCH, extack: '', net };
  return { err: 0, extack: '', net: changeTable(net, { ...tb, aliases }) };
}

/**
 * The table without its dead routes.
 *
 * C: net/ipv4/fib_trie.c, fib_table_flush() with flush_all false.
 */
export function fib_table_flush(tb: FibTable): FibTable {
  let aliases: readonly FibAlias[] = [];
  for (const fa of tb.aliases) aliases = fa.dead ? aliases : [...aliases, fa];
  return { ...tb, aliases };
}

/** Whether that nexthop of a route answers a key with `oif`. C: net/ipv4/fib_trie.c, fib_lookup_good_nhc(). */
export function fib_lookup_good_nhc(nh: FibNexthop, oif: number): boolean {
  return !nh.dead && (oif === 0 || oif === nh.nh_dev);
}
