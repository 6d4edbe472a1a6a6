/** Classes of IPv4 addresses, and masks. C: include/linux/in.h, include/linux/inetdevice.h. */
import type { InIfaddr } from '../../../types/net.ts';

export const INADDR_LOOPBACK = 0x7f000001;
export const INADDR_BROADCAST = 0xffffffff;
export const INADDR_ALLHOSTS_GROUP = 0xe0000001;

/** 127.0.0.0/8. */
export function ipv4_is_loopback(addr: number): boolean {
  return addr >>> 24 === 127;
}

/** 224.0.0.0/4. */
export function ipv4_is_multicast(addr: number): boolean {
  return addr >>> 28 === 14;
}

/** 224.0.0.0/24: groups that never leave a link. */
export function ipv4_is_local_multicast(addr: number): boolean {
  return addr >>> 8 === 0xe00000;
}

/** 255.255.255.255. */
export function ipv4_is_lbcast(addr: number): boolean {
  return addr === INADDR_BROADCAST;
}

/** 0.0.0.0 alone: the rest of 0.0.0.0/8 is ordinary since Linux 5.3. */
export function ipv4_is_zeronet(addr: number): boolean {
  return addr === 0;
}

/** The netmask of a prefix length. */
export function inet_make_mask(logmask: number): number {
  return logmask === 0 ? 0 : (0xffffffff << (32 - logmask)) >>> 0;
}

/** Whether `addr` lies in the subnet of the address `ifa`. */
export function inet_ifa_match(addr: number, ifa: InIfaddr): boolean {
  return ((addr ^ ifa.ifa_address) & inet_make_mask(ifa.ifa_prefixlen)) === 0;
}
