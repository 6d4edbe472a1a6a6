/** A fresh host. */

import { HASHRND } from '../kernel/net/core/flow_dissector.ts';
import { addLoopbackAddr } from '../kernel/net/ipv4/devinet.ts';
import { fibDevUp } from '../kernel/net/ipv4/fib_frontend.ts';
import { ipt_alloc_initial_table } from '../kernel/net/ipv4/netfilter/ip_tables.ts';
import { NO_PICKS } from '../types/event.ts';
import { LOOPBACK_IFINDEX, type NetDevice, NO_DEV, type Sysctl } from '../types/net.ts';
import { IPPROTO_ICMP, IPPROTO_TCP } from '../types/packet.ts';
import {
  type FibRule,
  FR_ACT_TO_TBL,
  NO_RULE,
  RT_TABLE_DEFAULT,
  RT_TABLE_LOCAL,
  RT_TABLE_MAIN,
  RTPROT_KERNEL,
} from '../types/route.ts';
import { IPV4_ICMP_SK, IPV4_TCP_SK, NO_SOCK, SOCK_CONTROL, type Sock } from '../types/sock.ts';
import { NO_OOPS, type World } from '../types/world.ts';

/** C: net/ipv4/fib_rules.c, fib_default_rules_init(). */
function fib_default_rule(pref: number, table: number): FibRule {
  return { ...NO_RULE, pref, action: FR_ACT_TO_TBL, table, protocol: RTPROT_KERNEL };
}

/** C: net/ipv4/af_inet.c, inet_ctl_sock_create(): a raw socket that is in no table. */
function inet_ctl_sock_create(id: number, protocol: number): Sock {
  return { ...NO_SOCK, id, kind: SOCK_CONTROL, sk_protocol: protocol, inet_num: protocol };
}

const LO: NetDevice = {
  ...NO_DEV,
  ifindex: LOOPBACK_IFINDEX,
  name: 'lo',
  kind: 'loopback',
  up: true,
  mtu: 65536,
  hard_header_len: 14,
  tx_csum: true,
};

/** The kernel's defaults, but a ping_group_range that lets everybody ping, as distributions set it. */
const DEFAULT_SYSCTL: Sysctl = {
  local_port_low: 32768,
  local_port_high: 60999,
  local_reserved_ports: [],
  tcp_tw_reuse: 2,
  tcp_timestamps: 1,
  tcp_sack: 1,
  tcp_window_scaling: 1,
  tcp_fastopen: 1,
  tcp_syn_retries: 6,
  tcp_retries1: 3,
  tcp_fwmark_accept: 0,
  fwmark_reflect: 0,
  ip_nonlocal_bind: 0,
  fib_multipath_hash_policy: 0,
  ip_forward: 0,
  ping_group_range_open: true,
  icmp_echo_ignore_all: 0,
  icmp_errors_use_inbound_ifaddr: 0,
  rp_filter_all: 0,
  accept_local_all: 0,
  src_valid_mark_all: 0,
  route_localnet_all: 0,
  promote_secondaries_all: 0,
  rp_filter_default: 0,
};

const NEW_WORLD: World = {
  devs: [LO],
  rules: [
    fib_default_rule(0, RT_TABLE_LOCAL),
    fib_default_rule(32766, RT_TABLE_MAIN),
    fib_default_rule(32767, RT_TABLE_DEFAULT),
  ],
  fib_has_custom_rules: false,
  vrf_rules_added: false,
  fib_has_custom_local_routes: false,
  tables: [],
  rt_genid: 1,
  multipath: { hash_key: HASHRND, by_saddr: false },
  xfrm_policy: [],
  sysctl: DEFAULT_SYSCTL,
  raw: ipt_alloc_initial_table('raw'),
  mangle: ipt_alloc_initial_table('mangle'),
  nat: ipt_alloc_initial_table('nat'),
  filter: ipt_alloc_initial_table('filter'),
  ipsets: [],
  ct_enabled: false,
  conntrack: [],
  socks: [inet_ctl_sock_create(IPV4_TCP_SK, IPPROTO_TCP), inet_ctl_sock_create(IPV4_ICMP_SK, IPPROTO_ICMP)],
  bhash: [],
  table_perturb: 0,
  metrics: [],
  sent: [],
  crossed: [],
  backlog: [],
  rejections: [],
  now: 0,
  next_ifindex: 2,
  next_sock: 3,
  next_skb: 1,
  next_ct: 1,
  next_rule: 1,
  next_ehash: 1,
  leaked: 0,
  picks: NO_PICKS,
  effects: [],
  oops: NO_OOPS,
  inexpressible: '',
};

/** A host on which nobody has done anything yet: lo is up with 127.0.0.1/8, the three default rules are there, everything else is at its default. */
export function newWorld(): World {
  return fibDevUp(addLoopbackAddr(NEW_WORLD, LOOPBACK_IFINDEX), LOOPBACK_IFINDEX);
}
