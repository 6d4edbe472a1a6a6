/** The match on a connection: its state, and what it was before and after NAT. */
import type { SkBuff } from '../../../types/packet.ts';
import {
  type CtTest,
  IP_CT_DIR_ORIGINAL,
  IP_CT_DIR_REPLY,
  IP_CT_UNTRACKED,
  IPS_ASSURED,
  IPS_CONFIRMED,
  IPS_SEEN_REPLY,
  type NfConn,
} from '../../../types/verdict.ts';
import type { World } from '../../../types/world.ts';
import { getCt } from './nf_conntrack_core.ts';

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

/** Whether the packet's state is one of these. C: net/netfilter/xt_conntrack.c, conntrack_mt(), its state. */
export function stateMatches(net: World, skb: SkBuff, states: readonly string[]): boolean {
  let state_mask = 0;
  for (const state of states) state_mask |= stateBit(state);
  const ct = getCt(net, skb.ct);
  const tracked =
    (1 << (skb.ctinfo + 1)) | (ct.srcNat ? XT_CONNTRACK_STATE_SNAT : 0) | (ct.dstNat ? XT_CONNTRACK_STATE_DNAT : 0);
  const statebit =
    skb.ct !== 0 ? tracked : skb.ctinfo === IP_CT_UNTRACKED ? XT_CONNTRACK_STATE_UNTRACKED : XT_CONNTRACK_STATE_INVALID;
  return (state_mask & statebit) !== 0;
}

/** Bits of ct->status that a rule can ask for; nothing is ever expected here. */
function statusOf(ct: NfConn): number {
  return (ct.seenReply ? IPS_SEEN_REPLY : 0) | (ct.assured ? IPS_ASSURED : 0) | (ct.confirmed ? IPS_CONFIRMED : 0);
}

function inNetwork(address: number, { first, last }: CtTest): boolean {
  return ((address ^ first) & last) === 0;
}

function inRange(value: number, { first, last }: CtTest): boolean {
  return value >= first && value <= last;
}

/** One of the questions that are asked about a connection. C: net/netfilter/xt_conntrack.c, conntrack_mt() and its helpers. */
export function testMatches(ct: NfConn, ctdir: number, test: CtTest): boolean {
  switch (test.what) {
    case 'dir':
      return (ctdir === IP_CT_DIR_ORIGINAL ? IP_CT_DIR_ORIGINAL : IP_CT_DIR_REPLY) === test.first;
    case 'proto':
      return ct.original.protonum === test.first;
    case 'status':
      return (statusOf(ct) & test.first) !== 0;
    case 'origsrc':
      return inNetwork(ct.original.src, test);
    case 'origdst':
      return inNetwork(ct.original.dst, test);
    case 'replsrc':
      return inNetwork(ct.reply.src, test);
    case 'repldst':
      return inNetwork(ct.reply.dst, test);
    case 'origsrcport':
      return inRange(ct.original.sport, test);
    case 'origdstport':
      return inRange(ct.original.dport, test);
    case 'replsrcport':
      return inRange(ct.reply.sport, test);
    case 'repldstport':
      return inRange(ct.reply.dport, test);
  }
}

/**
 * Whether the packet's state fits, and its connection every question; without a connection only the state is asked for.
 *
 * C: net/netfilter/xt_conntrack.c, conntrack_mt().
 */
export function conntrack_mt(
  net: World,
  skb: SkBuff,
  info: { readonly states: readonly string[]; readonly statesInvert: boolean; readonly tests: readonly CtTest[] },
): boolean {
  const asksState = info.states.length > 0;
  let fits = !asksState || stateMatches(net, skb, info.states) !== info.statesInvert;
  if (skb.ct === 0) return fits && asksState;
  const ct = getCt(net, skb.ct);
  for (const test of info.tests) fits = fits && testMatches(ct, skb.ctdir, test) !== test.invert;
  return fits;
}
