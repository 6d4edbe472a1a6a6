/** Membership in multicast groups, as far as routing asks for it. */
import type { NetDevice } from '../../../types/net.ts';
import { INADDR_ALLHOSTS_GROUP } from '../../include/linux/in.ts';

/** Whether the device takes part in a group: all take part in 224.0.0.1. C: net/ipv4/igmp.c, ip_check_mc_rcu(). Left out: joined groups. */
export function ip_check_mc_rcu(in_dev: NetDevice, mc_addr: number): boolean {
  return in_dev.up && mc_addr === INADDR_ALLHOSTS_GROUP;
}
