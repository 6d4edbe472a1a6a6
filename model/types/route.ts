/** Flow keys, policy rules, routing tables and the result of a lookup. */

export const RT_SCOPE_UNIVERSE = 0;
export const RT_SCOPE_LINK = 253;
export const RT_SCOPE_HOST = 254;
export const RT_SCOPE_NOWHERE = 255;

export const RTN_UNSPEC = 0;
export const RTN_UNICAST = 1;
export const RTN_LOCAL = 2;
export const RTN_BROADCAST = 3;
export const RTN_ANYCAST = 4;
export const RTN_MULTICAST = 5;
export const RTN_BLACKHOLE = 6;
export const RTN_UNREACHABLE = 7;
export const RTN_PROHIBIT = 8;
export const RTN_THROW = 9;

export const RT_TABLE_UNSPEC = 0;
export const RT_TABLE_DEFAULT = 253;
export const RT_TABLE_MAIN = 254;
export const RT_TABLE_LOCAL = 255;

export const RTPROT_UNSPEC = 0;
export const RTPROT_KERNEL = 2;
export const RTPROT_BOOT = 3;

export const FR_ACT_UNSPEC = 0;
export const FR_ACT_TO_TBL = 1;
export const FR_ACT_GOTO = 2;
export const FR_ACT_NOP = 3;
export const FR_ACT_BLACKHOLE = 6;
export const FR_ACT_UNREACHABLE = 7;
export const FR_ACT_PROHIBIT = 8;

export const FLOWI_FLAG_ANYSRC = 1;
export const FLOWI_FLAG_KNOWN_NH = 2;

/** The key of a route lookup. C: include/net/flow.h, struct flowi4. Ports are host order; for ICMP the first holds type and code. */
export interface FlowI4 {
  readonly flowi4_oif: number;
  readonly flowi4_iif: number;
  readonly flowi4_l3mdev: number;
  readonly flowi4_mark: number;
  /** The masked TOS; bit 0 is RTO_ONLINK. */
  readonly flowi4_tos: number;
  readonly flowi4_scope: number;
  readonly flowi4_proto: number;
  readonly flowi4_flags: number;
  readonly flowi4_uid: number;
  readonly saddr: number;
  readonly daddr: number;
  readonly fl4_sport: number;
  readonly fl4_dport: number;
}

export const NO_FLOW: FlowI4 = {
  flowi4_oif: 0,
  flowi4_iif: 0,
  flowi4_l3mdev: 0,
  flowi4_mark: 0,
  flowi4_tos: 0,
  flowi4_scope: 0,
  flowi4_proto: 0,
  flowi4_flags: 0,
  flowi4_uid: 0,
  saddr: 0,
  daddr: 0,
  fl4_sport: 0,
  fl4_dport: 0,
};

/** A policy rule. C: include/net/fib_rules.h, struct fib_rule, and net/ipv4/fib_rules.c, struct fib4_rule. */
export interface FibRule {
  readonly pref: number;
  /** FR_ACT_*. */
  readonly action: number;
  readonly table: number;
  /** The table is that of the key's layer-3 master, and the rule applies only to a key with one. */
  readonly l3mdev: boolean;
  /** FR_ACT_GOTO: the pref to continue at. */
  readonly target: number;
  /** FIB_RULE_INVERT. */
  readonly invert: boolean;
  readonly src: number;
  readonly src_len: number;
  readonly dst: number;
  readonly dst_len: number;
  readonly tos: number;
  readonly mark: number;
  readonly mark_mask: number;
  /** '' when the rule has none; compared through the ifindex that the name has now (-1 detached). */
  readonly iifname: string;
  readonly oifname: string;
  /** -1 to -1 … as given; uid_start > uid_end means "not set". */
  readonly uid_start: number;
  readonly uid_end: number;
  readonly ip_proto: number;
  /** 0..0 means "not set". */
  readonly sport_start: number;
  readonly sport_end: number;
  readonly dport_start: number;
  readonly dport_end: number;
  /** -1 when not set. */
  readonly suppress_prefixlen: number;
  /** A group of links, -1 when not set. */
  readonly suppress_ifgroup: number;
  /** The key of a tunnel, 0 when not set. */
  readonly tun_id: number;
  /** RTPROT_*: who added it; part of what makes two rules the same. */
  readonly protocol: number;
}

/** A rule without a selector and without an action; pref -1: not given. */
export const NO_RULE: FibRule = {
  pref: -1,
  action: FR_ACT_UNSPEC,
  table: RT_TABLE_UNSPEC,
  l3mdev: false,
  target: 0,
  invert: false,
  src: 0,
  src_len: 0,
  dst: 0,
  dst_len: 0,
  tos: 0,
  mark: 0,
  mark_mask: 0,
  iifname: '',
  oifname: '',
  uid_start: 1,
  uid_end: 0,
  ip_proto: 0,
  sport_start: 0,
  sport_end: 0,
  dport_start: 0,
  dport_end: 0,
  suppress_prefixlen: -1,
  suppress_ifgroup: -1,
  tun_id: 0,
  protocol: RTPROT_UNSPEC,
};

/**
 * One route: an alias of a prefix with its fib_info.
 *
 * C: net/ipv4/fib_lookup.h struct fib_alias, include/net/ip_fib.h struct fib_info and struct fib_nh.
 */
export interface FibAlias {
  readonly dst: number;
  readonly plen: number;
  readonly fa_tos: number;
  /** RTN_*. */
  readonly fa_type: number;
  /** The metric; smaller wins. */
  readonly fib_priority: number;
  readonly fib_protocol: number;
  /** RT_SCOPE_* of the route itself. */
  readonly fib_scope: number;
  readonly fib_prefsrc: number;
  /** ifindex; 0 for blackhole, unreachable, prohibit, throw. */
  readonly nh_dev: number;
  readonly nh_gw: number;
  readonly nh_scope: number;
  readonly nh_onlink: boolean;
  /** RTNH_F_DEAD. */
  readonly dead: boolean;
  /** All nexthops of a route with several paths, of which nh_dev, nh_gw, nh_scope and nh_onlink are the first or the chosen one; else none. */
  readonly fib_nhs: readonly FibNexthop[];
}

/** One path of several. C: include/net/ip_fib.h, struct fib_nh. */
export interface FibNexthop {
  readonly nh_dev: number;
  readonly nh_gw: number;
  readonly nh_scope: number;
  readonly nh_onlink: boolean;
  readonly fib_nh_weight: number;
  /** RTNH_F_DEAD. */
  readonly dead: boolean;
}

export const NO_ROUTE: FibAlias = {
  dst: 0,
  plen: -1,
  fa_tos: 0,
  fa_type: RTN_UNSPEC,
  fib_priority: 0,
  fib_protocol: RTPROT_UNSPEC,
  fib_scope: RT_SCOPE_NOWHERE,
  fib_prefsrc: 0,
  nh_dev: 0,
  nh_gw: 0,
  nh_scope: RT_SCOPE_NOWHERE,
  nh_onlink: false,
  dead: false,
  fib_nhs: [],
};

/** A routing table: aliases in the order in which fib_table_lookup tries them (plen falling, tos falling, priority rising). */
export interface FibTable {
  readonly tb_id: number;
  readonly aliases: readonly FibAlias[];
}

/** What fib_get_table returns when there is no such table. */
export const NO_TABLE: FibTable = { tb_id: RT_TABLE_UNSPEC, aliases: [] };

/** What is asked of a table when a route is added or deleted. C: include/net/ip_fib.h, struct fib_config. */
export interface FibConfig {
  readonly fc_table: number;
  readonly fc_type: number;
  readonly fc_dst: number;
  readonly fc_dst_len: number;
  readonly fc_dscp: number;
  readonly fc_protocol: number;
  readonly fc_scope: number;
  readonly fc_gw4: number;
  /** ifindex, 0 when not given. */
  readonly fc_oif: number;
  /** RTNH_F_ONLINK. */
  readonly fc_onlink: boolean;
  /** The nexthops of a route with several paths; then fc_gw4 and fc_oif are 0. */
  readonly fc_mp: readonly FibConfigNexthop[];
  readonly fc_prefsrc: number;
  readonly fc_priority: number;
  /** NLM_F_*. */
  readonly fc_nlflags: number;
}

/** One nexthop that is asked for. C: include/uapi/linux/rtnetlink.h, struct rtnexthop. */
export interface FibConfigNexthop {
  readonly fc_gw4: number;
  readonly fc_oif: number;
  readonly fc_onlink: boolean;
  readonly weight: number;
}

/** Flags of a netlink request. C: include/uapi/linux/netlink.h. */
export const NLM_F_REPLACE = 0x100;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
export const NLM_F_APPEND = 0x800;

/** What fib_lookup found. C: include/net/ip_fib.h, struct fib_result; `err` is its return value. */
export interface FibResult {
  readonly err: number;
  readonly table: number;
  readonly fa: FibAlias;
  /** TOS of the last route that a table gave, one that a suppressor vetoed included. */
  readonly dscp: number;
}

/** A route cache entry, as the packet or the socket holds it. C: include/net/route.h, struct rtable. It remembers no source address. */
export interface Rtable {
  /** Negative errno when the lookup failed (IS_ERR), else 0. */
  readonly err: number;
  /** Output device, 0 in NO_DST. */
  readonly dev: number;
  readonly rt_type: number;
  /** Gateway, 0 when the destination itself is the next hop. */
  readonly rt_gw4: number;
  /** The device that the key named, or that a local route belongs to, 0 for none: a packet that comes back with this route came in by it. */
  readonly rt_iif: number;
  readonly table: number;
  /** net.rt_genid at creation: the entry is obsolete once that has moved. */
  readonly rt_genid: number;
  /** RTCF_LOCAL: the packet comes back in on lo. */
  readonly rt_local: boolean;
  /** dst->xfrm: an IPsec policy protects what leaves by it. */
  readonly xfrm: boolean;
}

export const NO_DST: Rtable = {
  err: 0,
  dev: 0,
  rt_type: RTN_UNSPEC,
  rt_gw4: 0,
  rt_iif: 0,
  table: 0,
  rt_genid: 0,
  rt_local: false,
  xfrm: false,
};

/** What `ip route get` asks. C: net/ipv4/route.c, the attributes of RTM_GETROUTE. */
export interface RouteQuery {
  readonly dst: number;
  /** 0: not given. */
  readonly from: number;
  /** '' when not given: a packet that the host itself sends. */
  readonly iif: string;
  /** '' when not given. */
  readonly oif: string;
  readonly mark: number;
  readonly tos: number;
  /** -1: not given. */
  readonly uid: number;
  /** 0: not given. */
  readonly ipproto: number;
  readonly sport: number;
  readonly dport: number;
}

export const NO_QUERY: RouteQuery = {
  dst: 0,
  from: 0,
  iif: '',
  oif: '',
  mark: 0,
  tos: 0,
  uid: -1,
  ipproto: 0,
  sport: 0,
  dport: 0,
};

/** Bits of rtable.rt_flags that `ip route get` shows. C: include/uapi/linux/in_route.h. */
export const RTCF_BROADCAST = 0x10000000;
export const RTCF_MULTICAST = 0x20000000;
export const RTCF_LOCAL = 0x80000000;

/** What `ip route get` answers; numbers that it does not print are 0, names ''. */
export interface RouteAnswer {
  /** 0 or a negative errno; then only `message` counts. */
  readonly err: number;
  /** The words of the refusal: `Network is unreachable`, or the kernel's or the tool's own. */
  readonly message: string;
  /** The whole line that `ip` prints about a refusal: `RTNETLINK answers: Network is unreachable`. */
  readonly line: string;
  /** RTN_*. */
  readonly type: number;
  readonly dst: number;
  readonly from: number;
  readonly tos: number;
  readonly gateway: number;
  readonly dev: string;
  /** 0: nothing is printed, as for main. */
  readonly table: number;
  readonly prefsrc: number;
  readonly mark: number;
  /** -1: not printed. */
  readonly uid: number;
  /** RTCF_*: `cache <local,brd,mc>`. With RTCF_MULTICAST iproute2 also prints the flag rt_offload_failed. */
  readonly rt_flags: number;
  readonly iif: string;
}

export const NO_ANSWER: RouteAnswer = {
  err: 0,
  message: '',
  line: '',
  type: RTN_UNSPEC,
  dst: 0,
  from: 0,
  tos: 0,
  gateway: 0,
  dev: '',
  table: 0,
  prefsrc: 0,
  mark: 0,
  uid: -1,
  rt_flags: 0,
  iif: '',
};
