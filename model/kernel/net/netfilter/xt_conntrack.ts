/** The match on a connection's state. */
import type { SkBuff } from '../../../types/packet.ts';
import { IP_CT_UNTRACKED } from '../../../types/verdict.ts';
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

/** C: net/netfilter/xt_conntrack.c, conntrack_mt(), its state. */
export function conntrack_mt(net: World, skb: SkBuff, states: readonly string[]): boolean {
  let state_mask = 0;
  for (const state of states) state_mask |= stateBit(state);
  const ct = getCt(net, skb.ct);
  const tracked =
    (1 << (skb.ctinfo + 1)) | (ct.srcNat ? XT_CONNTRACK_STATE_SNAT : 0) | (ct.dstNat ? XT_CONNTRACK_STATE_DNAT : 0);
  const statebit =
    skb.ct !== 0 ? tracked : skb.ctinfo === IP_CT_UNTRACKED ? XT_CONNTRACK_STATE_UNTRACKED : XT_CONNTRACK_STATE_INVALID;
  return (state_mask & statebit) !== 0;
}
