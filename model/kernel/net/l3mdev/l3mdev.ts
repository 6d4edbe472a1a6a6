/** Layer-3 masters: VRF devices, the links enslaved to them, and the routing domain that both stand for. C: net/l3mdev/l3mdev.c. */

import { LOOPBACK_IFINDEX, type NetDevice, NO_DEV } from '../../../types/net.ts';
import type { FlowI4 } from '../../../types/route.ts';
import type { World } from '../../../types/world.ts';
import { dev_get_by_index } from '../core/dev.ts';

/** C: include/linux/netdevice.h, netif_is_l3_master(). */
export function netif_is_l3_master(dev: NetDevice): boolean {
  return dev.vrf_tb_id !== 0;
}

/** C: include/linux/netdevice.h, netif_is_l3_slave(). */
export function netif_is_l3_slave(dev: NetDevice): boolean {
  return dev.master !== 0;
}

/** The layer-3 domain of a device: itself for a VRF, the VRF of an enslaved link, else 0. C: net/l3mdev/l3mdev.c. */
export function l3mdev_master_ifindex_rcu(dev: NetDevice): number {
  return netif_is_l3_master(dev) ? dev.ifindex : dev.master;
}

/** C: include/net/l3mdev.h. */
export function l3mdev_master_ifindex_by_index(net: World, ifindex: number): number {
  return l3mdev_master_ifindex_rcu(dev_get_by_index(net, ifindex));
}

/** The same as a device, NO_DEV for none. C: include/net/l3mdev.h. */
export function l3mdev_master_dev_rcu(net: World, dev: NetDevice): NetDevice {
  const ifindex = l3mdev_master_ifindex_rcu(dev);
  return ifindex === 0 ? NO_DEV : dev_get_by_index(net, ifindex);
}

/** The table of a device's domain, 0 for none. C: net/l3mdev/l3mdev.c. */
export function l3mdev_fib_table_rcu(net: World, dev: NetDevice): number {
  return l3mdev_master_dev_rcu(net, dev).vrf_tb_id;
}

/** C: net/l3mdev/l3mdev.c. */
export function l3mdev_fib_table_by_index(net: World, ifindex: number): number {
  return l3mdev_fib_table_rcu(net, dev_get_by_index(net, ifindex));
}

/** Whether that is the number of a VRF device. C: include/net/l3mdev.h. */
export function netif_index_is_l3_master(net: World, ifindex: number): boolean {
  return netif_is_l3_master(dev_get_by_index(net, ifindex));
}

/** Whether the key belongs to a domain that has a table. C: net/l3mdev/l3mdev.c. */
export function l3mdev_fib_rule_match(net: World, fl: FlowI4): boolean {
  return netif_index_is_l3_master(net, fl.flowi4_l3mdev);
}

/**
 * The key with the domain of its output device, else of its input device. A VRF as output device stands for its table
 * and is then no device of a route any more.
 *
 * C: net/l3mdev/l3mdev.c, l3mdev_update_flow().
 */
export function l3mdev_update_flow(net: World, fl: FlowI4): FlowI4 {
  const out = dev_get_by_index(net, fl.flowi4_oif);
  const dev = out.ifindex === 0 && fl.flowi4_iif > LOOPBACK_IFINDEX ? dev_get_by_index(net, fl.flowi4_iif) : out;
  const flowi4_l3mdev = fl.flowi4_l3mdev === 0 ? l3mdev_master_ifindex_rcu(dev) : fl.flowi4_l3mdev;
  const isMaster = netif_is_l3_master(out);
  if (flowi4_l3mdev === fl.flowi4_l3mdev && !isMaster) return fl;
  return { ...fl, flowi4_l3mdev, flowi4_oif: isMaster ? 0 : fl.flowi4_oif };
}
