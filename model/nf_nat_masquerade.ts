/** What becomes of masqueraded connections when their device or their address goes. C: net/netfilter/nf_nat_masquerade.c. */
import { nf_ct_kill } from './nf_conntrack.ts';
import type { World } from './types/world.ts';

/**
 * Forgets the connections that were masqueraded for a device that went down.
 *
 * C: masq_device_event(), device_cmp(). Left out: that a kernel worker does it, a moment later.
 */
export function masq_device_event(start: World, ifindex: number): World {
  let net = start;
  for (const ct of start.conntrack) net = ct.masq_index === ifindex && !ct.dying ? nf_ct_kill(net, ct) : net;
  return net;
}

/** Forgets those that were given an address that went. C: masq_inet_event(), inet_cmp(). */
export function masq_inet_event(start: World, ifindex: number, ifa_address: number): World {
  let net = start;
  for (const ct of start.conntrack) {
    const given = ct.masq_index === ifindex && ct.reply.dst === ifa_address;
    net = given && !ct.dying ? nf_ct_kill(net, ct) : net;
  }
  return net;
}
