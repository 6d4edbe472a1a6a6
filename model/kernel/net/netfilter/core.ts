/** The hooks that IPv4 packets pass. C: net/netfilter/core.c; the priorities of include/uapi/linux/netfilter_ipv4.h. */

import { emit, showInstead } from '../../../types/effects.ts';
import { EPERM } from '../../../types/errno.ts';
import type { SkBuff } from '../../../types/packet.ts';
import {
  NF_ACCEPT,
  NF_DROP,
  NF_INET_LOCAL_IN,
  NF_INET_LOCAL_OUT,
  NF_INET_POST_ROUTING,
  NF_INET_PRE_ROUTING,
  NF_QUEUE,
  NF_STOLEN,
  type NfHookState,
  type XtTable,
} from '../../../types/verdict.ts';
import type { Effect, HookResult, Kernel, World } from '../../../types/world.ts';
import { hasShortHeader, kfree_skb } from '../core/skbuff.ts';
import { hookChain, ipt_do_table, xt_find_chain } from '../ipv4/netfilter/ip_tables.ts';
import { sendRejection } from '../ipv4/netfilter/ipt_REJECT.ts';
import { iptable_mangle_hook } from '../ipv4/netfilter/iptable_mangle.ts';
import { l3mdev_master_ifindex_by_index } from '../l3mdev/l3mdev.ts';
import { getCt, nf_conntrack_confirm, nf_conntrack_in, nf_conntrack_put, setCt } from './nf_conntrack_core.ts';
import {
  nf_nat_ipv4_local_fn,
  nf_nat_ipv4_local_in,
  nf_nat_ipv4_out,
  nf_nat_ipv4_pre_routing,
} from './nf_nat_proto.ts';

const NF_VERDICT_MASK = 0xff;
const NF_VERDICT_QBITS = 16;
const NF_VERDICT_FLAG_QUEUE_BYPASS = 0x8000;

/** What hook functions are called here, and in effects. */
type HookFn =
  | 'iptable_raw'
  | 'nf_conntrack_in'
  | 'iptable_mangle'
  | 'iptable_nat'
  | 'iptable_filter'
  | 'nf_conntrack_confirm';

/** By rising priority. Defragmentation and the security table are left out: the model has neither fragments nor SELinux. */
const preRouting: readonly HookFn[] = ['iptable_raw', 'nf_conntrack_in', 'iptable_mangle', 'iptable_nat'];
const localIn: readonly HookFn[] = ['iptable_mangle', 'iptable_filter', 'iptable_nat', 'nf_conntrack_confirm'];
const localOut: readonly HookFn[] = [
  'iptable_raw',
  'nf_conntrack_in',
  'iptable_mangle',
  'iptable_nat',
  'iptable_filter',
];
/** Those of LOCAL_OUT that a packet passes before the mangle table, and behind it. */
const beforeMangle: readonly HookFn[] = ['iptable_raw', 'nf_conntrack_in'];
const behindMangle: readonly HookFn[] = ['iptable_nat', 'iptable_filter'];
const postRouting: readonly HookFn[] = ['iptable_mangle', 'iptable_nat', 'nf_conntrack_confirm'];
/** Those of POST_ROUTING that a packet passes before its connection is confirmed. */
const beforeConfirming: readonly HookFn[] = ['iptable_mangle', 'iptable_nat'];
const none: readonly HookFn[] = [];

/** C: net/netfilter/core.c, nf_hook_entries_head(). */
function nf_hook_entries_head(hook: number): readonly HookFn[] {
  if (hook === NF_INET_PRE_ROUTING) return preRouting;
  if (hook === NF_INET_LOCAL_IN) return localIn;
  if (hook === NF_INET_LOCAL_OUT) return localOut;
  if (hook === NF_INET_POST_ROUTING) return postRouting;
  return none;
}

/** Whether the table has anything to say at this hook: a rule, or a policy other than ACCEPT. */
function speaks(table: XtTable, hook: number): boolean {
  if (!table.used) return false;
  const chain = xt_find_chain(table, hookChain(hook));
  return chain.rules.length > 0 || chain.policy !== NF_ACCEPT;
}

/**
 * Whether the function is registered at this hook of the namespace.
 *
 * C: net/netfilter/core.c, ipt_register_table() registers a table's hooks at its first use, nf_ct_netns_get() those of connection tracking.
 * Left out: the call of an empty chain, which accepts without looking.
 */
function registered(net: World, fn: HookFn, hook: number): boolean {
  switch (fn) {
    case 'iptable_raw':
      return speaks(net.raw, hook);
    case 'iptable_mangle':
      return speaks(net.mangle, hook);
    case 'iptable_filter':
      return speaks(net.filter, hook);
    case 'iptable_nat':
      return net.nat.used;
    case 'nf_conntrack_in':
    case 'nf_conntrack_confirm':
      return net.ct_enabled;
  }
}

/** NAT at this hook; without a connection-tracking entry it accepts. */
function iptable_nat(kernel: Kernel, net: World, skb: SkBuff, state: NfHookState): HookResult {
  if (state.hook === NF_INET_PRE_ROUTING) return nf_nat_ipv4_pre_routing(kernel, net, skb, state);
  if (state.hook === NF_INET_LOCAL_IN) return nf_nat_ipv4_local_in(kernel, net, skb, state);
  if (state.hook === NF_INET_LOCAL_OUT) return nf_nat_ipv4_local_fn(kernel, net, skb, state);
  return nf_nat_ipv4_out(kernel, net, skb, state);
}

/**
 * Calls a hook function. On the way out all but that of the mangle table accept a header that is too short unseen; that one
 * is the patch's, and its text has to.
 *
 * C: include/linux/netfilter.h, nf_hook_entry_hookfn(); 4.1: iptable_raw_hook(), ipv4_conntrack_local(),
 * nf_nat_ipv4_local_fn(), iptable_filter_hook() and nf_nat_ipv4_out(). 6.1 refuses such headers in raw_send_hdrinc().
 */
function nf_hook_entry_hookfn(kernel: Kernel, net: World, fn: HookFn, skb: SkBuff, state: NfHookState): HookResult {
  if (hasShortHeader(skb) && fn !== 'iptable_mangle') return { verdict: NF_ACCEPT, skb, net };
  switch (fn) {
    case 'iptable_raw':
      return ipt_do_table(kernel, net, skb, state, net.raw);
    case 'nf_conntrack_in':
      return nf_conntrack_in(net, skb, state);
    case 'iptable_mangle':
      return iptable_mangle_hook(kernel, net, skb, state);
    case 'iptable_nat':
      return iptable_nat(kernel, net, skb, state);
    case 'iptable_filter':
      return ipt_do_table(kernel, net, skb, state, net.filter);
    case 'nf_conntrack_confirm':
      return nf_conntrack_confirm(net, skb);
  }
}

/** Sends what the rules of a table rejected. */
function sendRejections(kernel: Kernel, before: World): World {
  if (before.rejections.length === 0) return before;
  let net: World = { ...before, rejections: [] };
  for (const rejection of before.rejections) net = sendRejection(kernel, net, rejection);
  return net;
}

/** What becomes of a packet at a hook: `accepted` it goes on, else `err` is what the sender hears. */
export interface NfHookResult {
  readonly err: number;
  readonly net: World;
  readonly skb: SkBuff;
  readonly accepted: boolean;
}

/** C: include/linux/netfilter.h, NF_DROP_GETERR(). */
function NF_DROP_GETERR(verdict: number): number {
  return 0 - (verdict >>> NF_VERDICT_QBITS);
}

/** Whether a packet that nobody reads from its queue goes on. */
function isBypass(verdict: number): boolean {
  return (verdict & NF_VERDICT_MASK) === NF_QUEUE && (verdict & NF_VERDICT_FLAG_QUEUE_BYPASS) !== 0;
}

/** Nobody will send or free the packet. */
function leak(net: World, skb: SkBuff, where: string): World {
  return emit({ ...net, leaked: net.leaked + 1 }, { kind: 'leak', skb, where });
}

/** The packet is freed, and an unconfirmed connection with it. */
function drop(net: World, skb: SkBuff, where: string, err: number): World {
  return nf_conntrack_put(kfree_skb(net, skb, where, err), skb);
}

/**
 * Calls the functions of a hook in order, until one does not accept.
 *
 * C: net/netfilter/core.c, nf_hook_slow(); include/linux/netfilter.h, nf_hook(). A verdict that is none of the legal ones
 * makes the kernel warn, and return 0 without sending or freeing the packet.
 * Left out: queueing, as nobody listens: nf_queue() then frees the packet and returns 0. No function of the model takes
 * a packet for itself, so that NF_STOLEN leaves it to nobody, too.
 */
export function nf_hook(kernel: Kernel, before: World, packet: SkBuff, state: NfHookState): NfHookResult {
  let net = before;
  let skb = packet;
  for (const fn of nf_hook_entries_head(state.hook)) {
    if (registered(net, fn, state.hook)) {
      const result = nf_hook_entry_hookfn(kernel, net, fn, skb, state);
      const verdict = result.verdict >>> 0;
      const word = verdict & NF_VERDICT_MASK;
      skb = result.skb;
      net = emit(sendRejections(kernel, result.net), { kind: 'verdict', where: fn, verdict });
      if (word === NF_DROP) {
        const given = NF_DROP_GETERR(verdict);
        const err = given === 0 ? -EPERM : given;
        return { err, net: drop(net, skb, fn, err), skb, accepted: false };
      }
      const bypass = isBypass(verdict);
      if (word === NF_QUEUE && !bypass) {
        return { err: 0, net: drop(net, skb, 'nf_queue', 0), skb, accepted: false };
      }
      if (word === NF_STOLEN) {
        return { err: NF_DROP_GETERR(verdict), net: leak(net, skb, fn), skb, accepted: false };
      }
      if (word !== NF_ACCEPT && !bypass) {
        return { err: 0, net: leak(net, skb, 'nf_hook_slow'), skb, accepted: false };
      }
    }
  }
  return { err: 0, net, skb, accepted: true };
}

function firstOf(effects: readonly Effect[], length: number): readonly Effect[] {
  let first: readonly Effect[] = [];
  for (let at = 0; at < length; at += 1) first = [...first, effects[at] as Effect];
  return first;
}

/** What hook functions make of a packet that nobody sends, as long as they accept it. */
function passes(kernel: Kernel, from: HookResult, state: NfHookState, fns: readonly HookFn[]): HookResult {
  let asked = from;
  for (const fn of fns) {
    if (asked.verdict === NF_ACCEPT && registered(asked.net, fn, state.hook)) {
      asked = nf_hook_entry_hookfn(kernel, asked.net, fn, asked.skb, state);
      asked = isBypass(asked.verdict) ? { ...asked, verdict: NF_ACCEPT } : asked;
    }
  }
  return asked;
}

/** The host stays as it is, but for what lies in the dice. */
function unasked(net: World, asked: HookResult, length: number): World {
  return showInstead({ ...net, picks: asked.net.picks }, firstOf(net.effects, length));
}

/**
 * What the hooks of LOCAL_OUT up to the mangle table make of a packet that nobody sends.
 *
 * Not in the kernel; reroute_ask() of conformance/patched/glue.patch. A table of nf_tables is not asked.
 */
export function askLocalOut(kernel: Kernel, net: World, packet: SkBuff, at: NfHookState): HookResult {
  const { length } = net.effects;
  const state = { ...at, out: packet.dst.dev };
  const fresh: HookResult = { verdict: NF_ACCEPT, skb: { ...packet, ct: 0, ctdir: 0, ctinfo: 0 }, net };
  let asked = passes(kernel, fresh, state, beforeMangle);
  if (asked.verdict === NF_ACCEPT && !net.mangle.nft) {
    asked = ipt_do_table(kernel, asked.net, asked.skb, state, net.mangle);
  }
  return { ...asked, net: unasked(net, asked, length) };
}

/** Tracks a packet anew that is tracked, its entry with the mark of the other one. */
function trackedAnew(net: World, skb: SkBuff, state: NfHookState): HookResult {
  if (skb.ct === 0) return { verdict: NF_ACCEPT, skb, net };
  const { mark } = getCt(net, skb.ct);
  const tracked = nf_conntrack_in(net, { ...skb, ct: 0, ctdir: 0, ctinfo: 0 }, state);
  if (mark === 0 || tracked.skb.ct === 0) return tracked;
  return { ...tracked, net: setCt(tracked.net, { ...getCt(tracked.net, tracked.skb.ct), mark }) };
}

/**
 * NF_ACCEPT if the hooks behind the mangle table and those of POST_ROUTING let a packet out, as far as a copy tells that
 * nobody sends, else NF_DROP.
 *
 * Not in the kernel; reroute_ask_later() of conformance/patched/glue.patch. Not asked: whether its connection is confirmed; a
 * VRF, which shows packets to the rules twice.
 */
export function askLater(kernel: Kernel, net: World, skb: SkBuff, state: NfHookState): HookResult {
  const { length } = net.effects;
  if (l3mdev_master_ifindex_by_index(net, skb.dst.dev) !== 0) return { verdict: NF_DROP, skb, net };
  const behind = passes(kernel, trackedAnew(net, skb, state), state, behindMangle);
  const posted = { ...state, hook: NF_INET_POST_ROUTING, out: behind.skb.dst.dev };
  const asked = passes(kernel, behind, posted, beforeConfirming);
  return { verdict: asked.verdict === NF_ACCEPT ? NF_ACCEPT : NF_DROP, skb, net: unasked(net, asked, length) };
}
