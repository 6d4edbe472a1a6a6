/** Devices by index and name, and checksums that a device leaves to software. */
import { type NetDevice, NO_DEV } from '../../../types/net.ts';
import { CHECKSUM_NONE, CHECKSUM_PARTIAL, IPPROTO_TCP, type SkBuff } from '../../../types/packet.ts';
import type { World } from '../../../types/world.ts';
import { CSUM_MANGLED_0, csum_add, csum_fold, payloadSum, tcpSum, udpSum } from '../../include/net/checksum.ts';

/**
 * Finishes a CHECKSUM_PARTIAL packet: what the field holds is added to the sum of the transport bytes.
 *
 * C: net/core/dev.c, skb_checksum_help(); a device with NETIF_F_HW_CSUM computes the same.
 */
export function skb_checksum_help(skb: SkBuff): SkBuff {
  if (skb.ip_summed !== CHECKSUM_PARTIAL) return skb;
  if (skb.iph.protocol === IPPROTO_TCP) {
    const check = csum_fold(csum_add(csum_add(tcpSum(skb.th), payloadSum(skb.payload)), skb.th.check));
    return { ...skb, ip_summed: CHECKSUM_NONE, th: { ...skb.th, check: check === 0 ? CSUM_MANGLED_0 : check } };
  }
  const check = csum_fold(csum_add(csum_add(udpSum(skb.uh), payloadSum(skb.payload)), skb.uh.check));
  return { ...skb, ip_summed: CHECKSUM_NONE, uh: { ...skb.uh, check: check === 0 ? CSUM_MANGLED_0 : check } };
}

/** The device with that index, NO_DEV when there is none. C: net/core/dev.c, dev_get_by_index(). */
export function dev_get_by_index(net: World, ifindex: number): NetDevice {
  let found = NO_DEV;
  for (const dev of net.devs) found = dev.ifindex === ifindex ? dev : found;
  return found;
}

/** The device with that name, NO_DEV when there is none. C: net/core/dev.c, dev_get_by_name(). */
export function dev_get_by_name(net: World, name: string): NetDevice {
  let found = NO_DEV;
  for (const dev of net.devs) found = dev.name === name ? dev : found;
  return found;
}
