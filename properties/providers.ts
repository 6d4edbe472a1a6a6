/** Providers: what the other end of a link routes back to the host, and lets through by that. */
import { ipv4_is_loopback } from '../model/kernel/include/linux/in.ts';
import { dev_get_by_index } from '../model/kernel/net/core/dev.ts';
import { leadsTo } from '../model/kernel/net/ipv4/fib_semantics.ts';
import { LOOPBACK_IFINDEX, type NetDevice } from '../model/types/net.ts';
import { RT_SCOPE_LINK, RTN_UNICAST } from '../model/types/route.ts';
import type { World } from '../model/types/world.ts';
import type { Xmit } from './packets.ts';

/** Whether `addr` is one of the device's own, or lies in a subnet of it: the peer's, on a point-to-point link. */
function coveredBy(dev: NetDevice, addr: number): boolean {
  let covered = false;
  for (const { ifa_local, ifa_address, ifa_prefixlen } of dev.ifa_list) {
    const mask = ifa_prefixlen === 0 ? 0 : (0xffffffff << (32 - ifa_prefixlen)) >>> 0;
    covered = covered || addr === ifa_local || ((addr ^ ifa_address) & mask) === 0;
  }
  return covered;
}

/** Whether the host has `addr` on lo, for everybody: an address that is routed to the host, by whatever link. */
function routedToHost(net: World, addr: number): boolean {
  let found = false;
  for (const { ifa_local, ifa_scope } of dev_get_by_index(net, LOOPBACK_IFINDEX).ifa_list)
    found = found || (ifa_local === addr && ifa_scope < RT_SCOPE_LINK && !ipv4_is_loopback(addr));
  return found;
}

/** Whether a route of the operator by that device names `addr` as its source. */
function namedBy(net: World, dev: number, addr: number): boolean {
  let named = false;
  for (const { aliases } of net.tables) {
    for (const fa of aliases)
      named = named || (fa.fa_type === RTN_UNICAST && fa.fib_prefsrc === addr && leadsTo(fa, dev));
  }
  return named;
}

/** Whether the device has an address that is good for more than its link. */
function hasAddress(dev: NetDevice): boolean {
  let has = false;
  for (const { ifa_scope } of dev.ifa_list) has = has || ifa_scope < RT_SCOPE_LINK;
  return has;
}

/**
 * Whether the other end of that link routes `addr` back to the host, as far as the host can know: it is of the link, it is
 * routed to the host by all links, or the operator's routes name it for the link. Of a link without addresses, or with
 * such that are good for the link alone, nothing is known.
 */
export function routedBack(net: World, ifindex: number, addr: number): boolean {
  const dev = dev_get_by_index(net, ifindex);
  return !hasAddress(dev) || coveredBy(dev, addr) || routedToHost(net, addr) || namedBy(net, ifindex, addr);
}

/** Whether the packet goes to one host that is not on the link itself, so that somebody at the other end routes it. */
export function goesToProvider(net: World, { dev, gateway, skb }: Xmit): boolean {
  const beyond = gateway !== 0 || !coveredBy(dev_get_by_index(net, dev), skb.iph.daddr);
  return skb.dst.rt_type === RTN_UNICAST && beyond;
}
