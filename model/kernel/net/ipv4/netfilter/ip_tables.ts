/**
 * The tables of iptables: how a packet walks through them, and what the kernel checks in them.
 *
 * C: net/ipv4/netfilter/ip_tables.c.
 */

import { EINVAL, ELOOP } from '../../../../types/errno.ts';
import type { SkBuff } from '../../../../types/packet.ts';
import {
  NF_ACCEPT,
  NF_INET_FORWARD,
  NF_INET_LOCAL_IN,
  NF_INET_LOCAL_OUT,
  NF_INET_PRE_ROUTING,
  type NfHookState,
  XT_CONTINUE,
  type XtChain,
  type XtMatch,
  type XtRule,
  type XtTable,
} from '../../../../types/verdict.ts';
import type { HookResult, Kernel, World } from '../../../../types/world.ts';
import { dev_get_by_index } from '../../core/dev.ts';
import { allowedFrom, checkEntry, type IfNames, xt_match, xt_target } from '../../netfilter/x_tables.ts';
import { random_mt, statistic_mt } from '../../netfilter/xt_statistic.ts';

/** Stands for a chain that a table does not have. */
const NO_CHAIN: XtChain = { name: '', builtin: false, policy: NF_ACCEPT, rules: [] };

/** The chain with that name, NO_CHAIN when there is none. */
export function xt_find_chain(table: XtTable, name: string): XtChain {
  for (const chain of table.chains) if (chain.name === name) return chain;
  return NO_CHAIN;
}

/** The built-in chain of a hook. */
export function hookChain(hook: number): string {
  if (hook === NF_INET_PRE_ROUTING) return 'PREROUTING';
  if (hook === NF_INET_LOCAL_IN) return 'INPUT';
  if (hook === NF_INET_FORWARD) return 'FORWARD';
  if (hook === NF_INET_LOCAL_OUT) return 'OUTPUT';
  return 'POSTROUTING';
}

/** The table of that name; the filter table for a name that is none of the others. */
export function getTable(net: World, name: string): XtTable {
  if (name === 'raw') return net.raw;
  if (name === 'mangle') return net.mangle;
  if (name === 'nat') return net.nat;
  return net.filter;
}

/** The world with the table of that name replaced. */
export function setTable(net: World, table: XtTable): World {
  if (table.name === 'raw') return { ...net, raw: table };
  if (table.name === 'mangle') return { ...net, mangle: table };
  if (table.name === 'nat') return { ...net, nat: table };
  return { ...net, filter: table };
}

/** The table with one chain replaced. */
export function setChain(table: XtTable, changed: XtChain): XtTable {
  let chains: readonly XtChain[] = [];
  for (const chain of table.chains) chains = [...chains, chain.name === changed.name ? changed : chain];
  return { ...table, chains };
}

/** How many packets the rule's nth match has counted. */
export function countOf(table: XtTable, id: number): number {
  let count = 0;
  for (const chain of table.chains) for (const rule of chain.rules) count = rule.id === id ? rule.count : count;
  return count;
}

/** The table with that count in its rule. */
export function setCount(table: XtTable, id: number, count: number): XtTable {
  let chains: readonly XtChain[] = [];
  for (const chain of table.chains) {
    let rules: readonly XtRule[] = [];
    for (const rule of chain.rules) rules = [...rules, rule.id === id ? { ...rule, count } : rule];
    chains = [...chains, { ...chain, rules }];
  }
  return { ...table, chains };
}

/** Whether a packet fits a rule, and the world with the rule's counter moved if it was asked. */
export interface EntryMatch {
  readonly hit: boolean;
  readonly net: World;
}

/**
 * Compares the IP header and the devices first, then asks the extensions in order, until one of them says no.
 *
 * C: net/ipv4/netfilter/ip_tables.c, ip_packet_match() and the loop over matches in ipt_do_table().
 */
function entryMatches(
  kernel: Kernel,
  net: World,
  skb: SkBuff,
  state: NfHookState,
  names: IfNames,
  table: string,
  e: XtRule,
  reached: boolean,
): EntryMatch {
  let hit = reached;
  for (const m of e.matches) hit = hit && (!isIptIp(m) || xt_match(kernel, net, skb, state, names, m));
  let after = net;
  for (const m of e.matches) {
    if (m.kind === 'statistic-nth') {
      const asked = hit ? statistic_mt(after, table, e.id, m) : { hit: false, net: after };
      hit = asked.hit;
      after = asked.net;
    } else if (m.kind === 'statistic-random') {
      const asked = hit ? random_mt(after, m) : { hit: false, net: after };
      hit = asked.hit;
      after = asked.net;
    } else {
      hit = hit && (isIptIp(m) || xt_match(kernel, after, skb, state, names, m));
    }
  }
  return { hit, net: after };
}

/** The rules of one chain, and of those that it leads to, for as long as the verdict is XT_CONTINUE. */
function walkChain(
  kernel: Kernel,
  from: HookResult,
  state: NfHookState,
  names: IfNames,
  table: XtTable,
  chain: XtChain,
): HookResult {
  let walk = from;
  let here = true;
  for (const e of chain.rules) {
    const t = e.target;
    const reached = here && walk.verdict === XT_CONTINUE;
    const { hit, net } = entryMatches(kernel, walk.net, walk.skb, state, names, table.name, e, reached);
    const counted: HookResult = { verdict: walk.verdict, skb: walk.skb, net };
    if (t.kind === 'jump' || t.kind === 'goto') {
      walk = hit ? walkChain(kernel, counted, state, names, table, xt_find_chain(table, t.chain)) : counted;
    } else {
      walk = hit ? xt_target(kernel, net, counted.skb, state, t) : counted;
    }
    here = here && !(hit && (t.kind === 'RETURN' || t.kind === 'goto'));
  }
  return walk;
}

/**
 * Takes a packet through the chain of the hook, and gives the verdict of the first rule that decides, else the policy.
 *
 * C: net/ipv4/netfilter/ip_tables.c, ipt_do_table(). RETURN in a built-in chain leads to its policy. A rule that does
 * not apply leaves packet and world as they are, so that the whole walk is one expression.
 * Left out: packet and byte counters, TRACE, TEE.
 */
export function ipt_do_table(kernel: Kernel, net: World, skb: SkBuff, state: NfHookState, table: XtTable): HookResult {
  const chain = xt_find_chain(table, hookChain(state.hook));
  const names: IfNames = {
    indev: dev_get_by_index(net, state.in).name,
    outdev: dev_get_by_index(net, state.out).name,
  };
  const walk = walkChain(kernel, { verdict: XT_CONTINUE, skb, net }, state, names, table, chain);
  return walk.verdict === XT_CONTINUE ? { ...walk, verdict: chain.policy } : walk;
}

/** An empty built-in chain. */
function builtin(name: string): XtChain {
  return { name, builtin: true, policy: NF_ACCEPT, rules: [] };
}

/** A table as it is before its first rule. C: net/netfilter/xt_repldata.h; the valid_hooks of iptable_*.c. */
export function ipt_alloc_initial_table(name: 'raw' | 'mangle' | 'nat' | 'filter'): XtTable {
  const pre = builtin('PREROUTING');
  const input = builtin('INPUT');
  const forward = builtin('FORWARD');
  const output = builtin('OUTPUT');
  const post = builtin('POSTROUTING');
  switch (name) {
    case 'raw':
      return { name, used: false, nft: false, chains: [pre, output] };
    case 'mangle':
      return { name, used: false, nft: false, chains: [pre, input, forward, output, post] };
    case 'nat':
      return { name, used: false, nft: false, chains: [pre, input, output, post] };
    case 'filter':
      return { name, used: false, nft: false, chains: [input, forward, output] };
  }
}

/** A rule that every packet fits and that decides at once: what follows it is never reached. C: net/ipv4/netfilter/ip_tables.c, unconditional(). */
export function endsChain(e: XtRule): boolean {
  const t = e.target.kind;
  return e.matches.length === 0 && (t === 'ACCEPT' || t === 'DROP' || t === 'RETURN');
}

/** Whether jumps from this chain, `depth` deep so far, run in a circle. C: net/ipv4/netfilter/ip_tables.c, mark_source_chains(). */
function loops(table: XtTable, chain: XtChain, depth: number): boolean {
  if (depth > table.chains.length) return true;
  for (const e of chain.rules) {
    const t = e.target;
    if (t.kind === 'jump' || t.kind === 'goto') {
      if (loops(table, xt_find_chain(table, t.chain), depth + 1)) return true;
    }
    if (endsChain(e)) return false;
  }
  return false;
}

/** The protocol that a rule asks for, 0 for none; `invert` when it asks for any other one. */
export function protoOf(e: XtRule): { protocol: number; invert: boolean } {
  let found = { protocol: 0, invert: false };
  for (const m of e.matches) found = m.kind === 'proto' ? { protocol: m.protocol, invert: m.invert } : found;
  return found;
}

/** What the kernel says to a table that replaces the old one: 0, -ELOOP or -EINVAL. C: net/ipv4/netfilter/ip_tables.c, translate_table(). */
export function translate_table(table: XtTable): number {
  for (const chain of table.chains) if (chain.builtin && loops(table, chain, 0)) return -ELOOP;
  for (const chain of table.chains) {
    if (chain.builtin && !allowedFrom(table, chain, chain.name)) return -EINVAL;
    for (const e of chain.rules) if (!checkEntry(table.name, e)) return -EINVAL;
  }
  return 0;
}

/** Whether the match belongs to struct ipt_ip, which is compared before all extensions. C: net/ipv4/netfilter/ip_tables.c, ip_packet_match(). */
function isIptIp(m: XtMatch): boolean {
  return m.kind === 'src' || m.kind === 'dst' || m.kind === 'proto' || m.kind === 'in' || m.kind === 'out';
}
