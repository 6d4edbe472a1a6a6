/**
 * Devices, their addresses and the settings of the host.
 *
 * Addresses are unsigned 32-bit numbers in host order; 0 is "none" wherever the kernel uses 0 so.
 */

/** `10.0.0.1`. */
export function formatAddress(address: number): string {
  return `${address >>> 24}.${(address >>> 16) & 0xff}.${(address >>> 8) & 0xff}.${address & 0xff}`;
}

/** `10.0.0.1:80`. */
export function formatEndpoint(address: number, port: number): string {
  return `${formatAddress(address)}:${port}`;
}

/** One IPv4 address of a device. C: include/linux/inetdevice.h, struct in_ifaddr. */
export interface InIfaddr {
  readonly ifa_local: number;
  /** The peer's address on a point-to-point link, else ifa_local. */
  readonly ifa_address: number;
  readonly ifa_prefixlen: number;
  readonly ifa_broadcast: number;
  /** RT_SCOPE_*. */
  readonly ifa_scope: number;
  /** IFA_F_SECONDARY: never chosen as a source by itself. */
  readonly ifa_secondary: boolean;
  /** IFA_F_NOPREFIXROUTE: it brings no route to its subnet. */
  readonly ifa_noprefixroute: boolean;
  /** The metric of that route. */
  readonly ifa_rt_priority: number;
  /** Rises with every address that the host gets: the youngest comes first in the kernel's hash of addresses. */
  readonly ifa_order: number;
}

/** No address: NULL. */
export const NO_IFADDR: InIfaddr = {
  ifa_local: 0,
  ifa_address: 0,
  ifa_prefixlen: 0,
  ifa_broadcast: 0,
  ifa_scope: 0,
  ifa_secondary: false,
  ifa_noprefixroute: false,
  ifa_rt_priority: 0,
  ifa_order: 0,
};

/** A network device. C: include/linux/netdevice.h, struct net_device, and its struct in_device. */
export interface NetDevice {
  /** Unique, from 1 (lo); never reused in a run. */
  readonly ifindex: number;
  readonly name: string;
  /** The type of `ip link add`: veth, dummy, gre, ipip …; `loopback` for lo. */
  readonly kind: string;
  /** IFF_UP. */
  readonly up: boolean;
  /** IFF_NOARP: no neighbour is resolved, so a route through a gateway still leaves, without a next hop. */
  readonly noarp: boolean;
  readonly mtu: number;
  readonly hard_header_len: number;
  /** Whether the device finishes transport checksums itself (NETIF_F_HW_CSUM). */
  readonly tx_csum: boolean;
  /** Effective only together with the `all` value: the larger one counts. net.ipv4.conf.DEV.rp_filter, 0..2. */
  readonly rp_filter: number;
  readonly accept_local: number;
  readonly src_valid_mark: number;
  readonly route_localnet: number;
  readonly promote_secondaries: number;
  /** The device's rp_filter no longer follows conf.default. C: net/ipv4/devinet.c, struct ipv4_devconf, state. */
  readonly rp_filter_set: boolean;
  /** The name of a veth's other end, '' for other kinds: a device elsewhere, so no device of this host. */
  readonly peer: string;
  /** An ipip tunnel's own address and its other end's, 0 for other kinds. C: struct ip_tunnel, parms.iph. */
  readonly tunnel_saddr: number;
  readonly tunnel_daddr: number;
  /** The table of a VRF device, 0 for other kinds. C: drivers/net/vrf.c, struct net_vrf, tb_id. */
  readonly vrf_tb_id: number;
  /** Its group, 0 unless an operator gave it another one. C: struct net_device, group. */
  readonly group: number;
  /** ifindex of the VRF device that it is enslaved to, 0 for none. C: net/core/dev.c, netdev_master_upper_dev_get(). */
  readonly master: number;
  /** ip_ptr->ifa_list: primary addresses by falling scope first, secondary ones after them. */
  readonly ifa_list: readonly InIfaddr[];
}

/** IFINDEX of lo. C: LOOPBACK_IFINDEX, include/net/flow.h. */
export const LOOPBACK_IFINDEX = 1;

export const NO_DEV: NetDevice = {
  ifindex: 0,
  name: '',
  kind: 'none',
  up: false,
  noarp: false,
  mtu: 0,
  hard_header_len: 0,
  tx_csum: false,
  rp_filter: 0,
  accept_local: 0,
  src_valid_mark: 0,
  route_localnet: 0,
  promote_secondaries: 0,
  rp_filter_set: false,
  peer: '',
  tunnel_saddr: 0,
  tunnel_daddr: 0,
  vrf_tb_id: 0,
  group: 0,
  master: 0,
  ifa_list: [],
};

/** Settings under net.ipv4 (and net.ipv4.conf.all / .default) that decide something modelled. */
export interface Sysctl {
  /** ip_local_port_range, both ends usable. */
  readonly local_port_low: number;
  readonly local_port_high: number;
  /** ip_local_reserved_ports. */
  readonly local_reserved_ports: readonly number[];
  readonly tcp_tw_reuse: number;
  readonly tcp_timestamps: number;
  readonly tcp_sack: number;
  readonly tcp_window_scaling: number;
  /** Bit 1 client, bit 2 server, bit 4 data without cookie (client), bit 0x200 no cookie needed (server). */
  readonly tcp_fastopen: number;
  readonly tcp_syn_retries: number;
  readonly tcp_retries1: number;
  readonly tcp_fwmark_accept: number;
  readonly fwmark_reflect: number;
  readonly ip_nonlocal_bind: number;
  readonly fib_multipath_hash_policy: number;
  readonly ip_forward: number;
  readonly ping_group_range_open: boolean;
  readonly icmp_echo_ignore_all: number;
  readonly icmp_errors_use_inbound_ifaddr: number;
  /** conf.all.* */
  readonly rp_filter_all: number;
  readonly accept_local_all: number;
  readonly src_valid_mark_all: number;
  readonly route_localnet_all: number;
  readonly promote_secondaries_all: number;
  /** conf.default.*: what a new device starts with. */
  readonly rp_filter_default: number;
}
