/** `conntrack -D` and `-F`: the operator forgets connections. */
import { testMatches } from '../kernel/net/netfilter/xt_conntrack.ts';
import type { HostCommand } from '../types/host.ts';
import { IP_CT_DIR_ORIGINAL, type NfConn } from '../types/verdict.ts';
import type { World } from '../types/world.ts';
import type { CommandResult } from './netlink.ts';

type Conntrack = Extract<HostCommand, { readonly kind: 'conntrack' }>;

/** Whether the operator means that connection. */
function isMeant(ct: NfConn, { tests, mark, mask, zone, nat }: Conntrack): boolean {
  const translated = nat === '' || (nat === 'src' ? ct.srcNat : ct.dstNat);
  let meant = translated && (ct.mark & mask) >>> 0 === mark && (zone < 0 || ct.zone.id === zone);
  for (const test of tests) meant = meant && testMatches(ct, IP_CT_DIR_ORIGINAL, test) !== test.invert;
  return meant;
}

/**
 * Removes every connection that fits, or all.
 *
 * C: net/netfilter/nf_conntrack_netlink.c, ctnetlink_del_conntrack() and ctnetlink_flush_conntrack().
 * Left out: the exit status of a command that finds nothing.
 */
export function conntrackDelete(net: World, command: Conntrack): CommandResult {
  let conntrack: readonly NfConn[] = [];
  for (const ct of net.conntrack) {
    conntrack = [...conntrack, ct.confirmed && isMeant(ct, command) ? { ...ct, dying: true } : ct];
  }
  return { err: 0, message: '', net: { ...net, conntrack } };
}
