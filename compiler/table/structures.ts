/** The structures of the kernel that a text may use, and their members. */
import type { FieldRow, StructureRow } from './rows.ts';

/** A member that is written and read as it is. */
function plain(name: string, type: string, more: Partial<FieldRow> = {}): FieldRow {
  return { type, write: `${name}: $v`, ...more };
}

/** Members that are written and read as they are. */
function all(type: string, names: readonly string[], more: Partial<FieldRow> = {}): Record<string, FieldRow> {
  return Object.fromEntries(names.map((name) => [name, plain(name, type, more)]));
}

/** One bit of byte 13 of a TCP header. */
function flag(mask: number): FieldRow {
  const others = 0xff ^ mask;
  return {
    type: 'bool',
    read: `($.flags & ${mask}) !== 0`,
    write: `flags: $v ? $.flags | ${mask} : $.flags & ${others}`,
  };
}

/** Fields of struct sock_common, which every kind of socket has. */
const common: Record<string, FieldRow> = {
  sk_family: { type: 'unsigned short', read: '2', range: [2, 2], note: 'AF_INET' },
  sk_state: { type: 'unsigned char' },
  sk_bound_dev_if: plain('sk_bound_dev_if', 'int', { isSeen: true }),
  sk_daddr: { type: '__be32', read: '$.inet_daddr' },
  sk_rcv_saddr: { type: '__be32', read: '$.inet_rcv_saddr', write: 'inet_rcv_saddr: $v', isSeen: true },
  sk_num: { type: '__u16', read: '$.inet_num' },
  sk_dport: { type: '__be16', read: '$.inet_dport' },
  sk_v6_rcv_saddr: { type: 'u32', ignored: 'IPv6 is not modelled' },
};

/** What struct sock has behind it. */
const full: Record<string, FieldRow> = {
  sk_mark: plain('sk_mark', '__u32', { part: 'inet' }),
  sk_protocol: { type: 'u16', part: 'inet' },
  sk_uid: { type: 'kuid_t', part: 'inet' },
  sk_userlocks: plain('sk_userlocks', 'u8', { part: 'inet' }),
  sk_err: plain('sk_err', 'int', { part: 'inet' }),
  sk_type: { type: 'u16', read: 'skType($)', range: [0, 5], part: 'inet' },
  sk_kern_sock: { type: 'bool', read: '$.kind === SOCK_CONTROL', part: 'inet' },
  sk_write_queue: { type: 'struct sk_buff_head', part: 'inet' },
  tcp_rtx_queue: { type: 'struct rb_root', part: 'inet' },
};

const inet: Record<string, FieldRow> = {
  inet_daddr: { type: '__be32' },
  inet_rcv_saddr: plain('inet_rcv_saddr', '__be32', { isSeen: true }),
  inet_dport: { type: '__be16' },
  inet_num: { type: '__u16' },
  inet_saddr: plain('inet_saddr', '__be32', { part: 'inet', isSeen: true }),
  inet_sport: plain('inet_sport', '__be16', { part: 'inet' }),
  tos: { type: '__u8', part: 'inet' },
  hdrincl: { type: 'bool', part: 'inet' },
  defer_connect: { type: 'bool', read: '$.fastopen.defer_connect', part: 'tcp' },
  uc_index: { type: 'int', part: 'inet' },
  'cork.fl.u.ip4': { type: 'struct flowi4', read: '$.cork_fl', write: 'cork_fl: $v', part: 'inet' },
  'cork.fl': { type: 'struct flowi', read: '$.cork_fl', write: 'cork_fl: $v', part: 'inet' },
};

const csk: Record<string, FieldRow> = {
  icsk_retransmits: { type: '__u8', read: '$.retransmits', part: 'tcp' },
  icsk_bind_hash: { type: 'struct inet_bind_bucket *', part: 'tcp' },
  icsk_rto: { type: '__u32', part: 'tcp', note: 'milliseconds, where the kernel has jiffies' },
};

const IN_ONE_STEP = 'the model has one number for what has been sent';

const tcp: Record<string, FieldRow> = {
  ...all('u32', ['write_seq', 'snd_una', 'snd_nxt', 'snd_sml'], { part: 'tcp' }),
  rcv_nxt: { type: 'u32', part: 'tcp' },
  'rx_opt.ts_recent': { type: 'u32', read: '$.ts_recent', write: 'ts_recent: $v', part: 'tcp' },
  'rx_opt.ts_recent_stamp': {
    type: 'int',
    read: '$.ts_recent_stamp',
    write: 'ts_recent_stamp: $v',
    part: 'tcp',
    note: 'milliseconds, where the kernel has seconds',
  },
  snd_up: { type: 'u32', part: 'tcp', ignored: 'urgent data is not modelled' },
  pushed_seq: { type: 'u32', part: 'tcp', ignored: IN_ONE_STEP },
  advmss: { type: 'u16', read: '$.advmss', write: 'advmss: $v', part: 'tcp' },
  tcp_header_len: { type: 'u16', part: 'tcp' },
  fastopen_req: { type: 'bool', read: '$.fastopen.req', part: 'tcp', note: 'whether the pointer is set' },
  syn_fastopen: { type: 'bool', read: '$.fastopen.syn_fastopen', part: 'tcp' },
  syn_data: { type: 'bool', read: '$.fastopen.syn_data', part: 'tcp' },
  md5sig_info: { type: 'bool', read: '$.md5', part: 'tcp', note: 'whether the pointer is set' },
};

export const structures: Readonly<Record<string, StructureRow>> = {
  net: {
    file: 'include/net/net_namespace.h',
    what: 'the host',
    held: 'host',
    fields: {
      'ipv4.sysctl_reroute_faults': {
        type: 'unsigned int',
        read: 'kernel.patch.bits',
        note: 'of the test kernel: the faults that are left',
      },
      'ipv4.sysctl_reroute_syn_filter': {
        type: 'u8',
        read: 'kernel.patch.synFilter',
        note: 'of the test kernel: which SYNs are moved',
      },
      'ipv4.sysctl_reroute_key_fill': {
        type: 'unsigned int',
        read: 'net.picks.stack',
        note: 'of the test kernel: what the stack holds',
      },
      'ipv4.sysctl_ip_nonlocal_bind': { type: 'u8', read: 'net.sysctl.ip_nonlocal_bind' },
      'ipv4.sysctl_fwmark_reflect': { type: 'u8', read: 'net.sysctl.fwmark_reflect' },
      'ipv4.sysctl_tcp_fwmark_accept': { type: 'u8', read: 'net.sysctl.tcp_fwmark_accept' },
      'ipv4.sysctl_tcp_fastopen': { type: 'int', read: 'net.sysctl.tcp_fastopen' },
      'ipv4.sysctl_tcp_tw_reuse': { type: 'u8', read: 'net.sysctl.tcp_tw_reuse' },
      'ipv4.fib_has_custom_rules': { type: 'bool', read: 'net.fib_has_custom_rules' },
      'ipv4.tcp_death_row': { type: 'struct inet_timewait_death_row' },
    },
  },
  nf_hook_state: {
    file: 'include/linux/netfilter.h',
    what: 'where the hook is',
    held: 'state',
    fields: {
      hook: { type: 'u8' },
      pf: { type: 'u8', read: '2', range: [2, 2], note: 'NFPROTO_IPV4' },
      in: { type: 'struct net_device *' },
      out: { type: 'struct net_device *' },
      sk: { type: 'struct sock *' },
      net: { type: 'struct net *', read: 'net', isSet: true },
    },
  },
  sk_buff: {
    file: 'include/linux/skbuff.h',
    what: 'the packet in the hook',
    held: 'packet',
    fields: {
      sk: { type: 'struct sock *' },
      mark: plain('mark', '__u32'),
      len: { type: 'unsigned int', read: 'skbLen($)', range: [0, 0xffff] },
      data_len: { type: 'unsigned int', read: '0', range: [0, 0], note: 'the model has no fragments of pages' },
      ip_summed: { type: '__u8', range: [0, 3] },
      cloned: { type: 'bool' },
      protocol: { type: '__be16', read: '0x0800', note: 'ETH_P_IP' },
    },
  },
  inet_skb_parm: {
    file: 'include/net/ip.h',
    what: "IPv4's part of a packet's control block",
    held: 'packet',
    fields: {
      flags: {
        type: 'u16',
        read: '$.saddr_given ? 1024 : 0',
        range: [0, 1024],
        note: 'IPSKB_SADDR_GIVEN alone, of the test kernel',
      },
    },
  },
  tcp_skb_cb: {
    file: 'include/net/tcp.h',
    what: "TCP's part of the control block of a packet in a queue",
    held: 'record',
    fields: {
      seq: plain('seq', '__u32'),
      end_seq: { type: '__u32', ignored: 'the model takes it from seq and length' },
      tcp_flags: { type: '__u8', read: '$.flags' },
    },
  },
  iphdr: {
    file: 'include/uapi/linux/ip.h',
    what: 'the IPv4 header',
    held: 'header',
    header: 'iph',
    size: 20,
    fields: {
      ihl: { type: '__u8', range: [0, 15] },
      version: { type: '__u8', read: '4', range: [4, 4] },
      tos: plain('tos', '__u8'),
      ...all('__be16', ['tot_len', 'id', 'frag_off']),
      ttl: plain('ttl', '__u8'),
      protocol: plain('protocol', '__u8'),
      check: plain('check', '__sum16'),
      ...all('__be32', ['saddr', 'daddr']),
    },
  },
  tcphdr: {
    file: 'include/uapi/linux/tcp.h',
    what: 'the TCP header',
    held: 'header',
    header: 'th',
    size: 20,
    fields: {
      ...all('__be16', ['source', 'dest', 'window', 'urg_ptr']),
      ...all('__be32', ['seq', 'ack_seq']),
      check: plain('check', '__sum16'),
      doff: { type: '__u16', range: [0, 15] },
      fin: flag(0x01),
      syn: flag(0x02),
      rst: flag(0x04),
      psh: flag(0x08),
      ack: flag(0x10),
      urg: flag(0x20),
      ece: flag(0x40),
      cwr: flag(0x80),
    },
  },
  udphdr: {
    file: 'include/uapi/linux/udp.h',
    what: 'the UDP header',
    held: 'header',
    header: 'uh',
    size: 8,
    fields: { ...all('__be16', ['source', 'dest', 'len']), check: plain('check', '__sum16') },
  },
  icmphdr: {
    file: 'include/uapi/linux/icmp.h',
    what: 'the ICMP header',
    held: 'header',
    header: 'icmph',
    size: 8,
    fields: {
      ...all('__u8', ['type', 'code']),
      checksum: plain('checksum', '__sum16'),
      'un.echo.id': { type: '__be16', read: '$.id', write: 'id: $v' },
      'un.echo.sequence': { type: '__be16', read: '$.sequence', write: 'sequence: $v' },
    },
  },
  sock: { file: 'include/net/sock.h', what: 'a socket', held: 'socket', fields: { ...common, ...full } },
  inet_sock: {
    file: 'include/net/inet_sock.h',
    what: 'a socket of IPv4',
    held: 'socket',
    begins: { with: 'sock', member: 'sk' },
    fields: inet,
  },
  inet_connection_sock: {
    file: 'include/net/inet_connection_sock.h',
    what: 'a socket of connections',
    held: 'socket',
    begins: { with: 'inet_sock', member: 'icsk_inet' },
    fields: csk,
  },
  tcp_sock: {
    file: 'include/linux/tcp.h',
    what: 'a socket of TCP',
    held: 'socket',
    begins: { with: 'inet_connection_sock', member: 'inet_conn' },
    fields: tcp,
  },
  net_device: {
    file: 'include/linux/netdevice.h',
    what: 'a link',
    held: 'device',
    fields: {
      ifindex: { type: 'int' },
      mtu: { type: 'unsigned int' },
      hard_header_len: { type: 'unsigned short' },
    },
  },
  rtable: {
    file: 'include/net/route.h',
    what: 'a route',
    held: 'route',
    type: 'Rtable',
    begins: { with: 'dst_entry', member: 'dst' },
    fields: {
      rt_type: { type: '__u16' },
      rt_gw4: { type: '__be32' },
      rt_iif: { type: 'int' },
      rt_genid: { type: 'int' },
      rt_uses_gateway: { type: '__u8', read: '$.rt_gw4 === 0 ? 0 : 1', range: [0, 1] },
    },
  },
  dst_entry: {
    file: 'include/net/dst.h',
    what: 'a route',
    held: 'route',
    type: 'Rtable',
    fields: {
      dev: { type: 'struct net_device *', isSet: true },
      error: { type: 'short', read: '0', range: [0, 0], note: 'a lookup of this release fails at once' },
      xfrm: { type: 'bool', note: 'whether the pointer is set' },
    },
  },
  xfrm_dst: {
    file: 'include/net/xfrm.h',
    what: 'a route with an IPsec policy',
    held: 'route',
    made: 'protectedRoute',
    type: 'Rtable',
    fields: { route: { type: 'struct dst_entry *', read: '{ ...$, xfrm: false }' } },
  },
  flowi4: {
    file: 'include/net/flow.h',
    what: 'the key of a lookup',
    held: 'record',
    zero: 'NO_FLOW',
    wild: 'wildFlow(net)',
    type: 'FlowI4',
    fields: {
      ...all('__be32', ['saddr', 'daddr']),
      ...all('int', ['flowi4_oif', 'flowi4_iif', 'flowi4_l3mdev']),
      flowi4_mark: plain('flowi4_mark', '__u32'),
      ...all('__u8', ['flowi4_tos', 'flowi4_scope', 'flowi4_proto', 'flowi4_flags']),
      flowi4_uid: plain('flowi4_uid', 'kuid_t'),
      ...all('__be16', ['fl4_sport', 'fl4_dport']),
    },
  },
  flowi: {
    file: 'include/net/flow.h',
    what: 'the key of a lookup, of any family',
    held: 'record',
    zero: 'NO_FLOW',
    wild: 'wildFlow(net)',
    type: 'FlowI4',
    fields: { 'u.ip4': { type: 'struct flowi4', read: '$', write: '...$v' } },
  },
  tcp_fastopen_cookie: {
    file: 'include/linux/tcp.h',
    what: 'a Fast Open cookie, of which a text may know the length',
    held: 'record',
    zero: 'NO_COOKIE',
    wild: '{ len: net.picks.stack & 0x7f }',
    type: 'CookieLength',
    fields: { len: plain('len', 's8') },
  },
  inet_bind_bucket: {
    file: 'include/net/inet_hashtables.h',
    what: 'what holds a port',
    held: 'bucket',
    fields: {
      port: { type: 'unsigned short' },
      ...all('signed char', ['fastreuse', 'fastreuseport']),
    },
  },
  nf_conn: {
    file: 'include/net/netfilter/nf_conntrack.h',
    what: 'a tracked connection',
    held: 'entry',
    fields: { mark: plain('mark', 'u32') },
  },
  ...nothing({
    tcp_options_received: ['include/linux/tcp.h', 'what is parsed of the options of a segment'],
    flow_keys: ['include/net/flow_dissector.h', 'what is dissected of a packet'],
    inet_timewait_death_row: ['include/net/inet_timewait_sock.h', "TIME_WAIT's timers"],
    inet_hashinfo: ['include/net/inet_hashtables.h', "TCP's tables"],
    inet_bind_hashbucket: ['include/net/inet_hashtables.h', 'a chain of buckets'],
    inet_ehash_bucket: ['include/net/inet_hashtables.h', 'a chain of connections'],
    hlist_nulls_node: ['include/linux/list_nulls.h', 'where a walk is'],
    inet_bind2_bucket: ['include/net/inet_hashtables.h', 'what holds a port of one address'],
    sk_buff_head: ['include/linux/skbuff.h', 'a queue of packets'],
    rb_root: ['include/linux/rbtree_types.h', 'a tree of packets'],
    kmem_cache: ['include/linux/slab.h', 'where objects are allocated'],
  }),
};

/** Structures that a text may hand around, and of which the model has nothing. */
function nothing(list: Readonly<Record<string, readonly [string, string]>>): Record<string, StructureRow> {
  const members: Readonly<Record<string, Readonly<Record<string, FieldRow>>>> = {
    inet_hashinfo: {
      bhash: { type: 'struct inet_bind_hashbucket *', read: '1' },
      bhash2: { type: 'struct inet_bind_hashbucket *', read: '1' },
      bhash_size: { type: 'unsigned int', read: '1', range: [1, 1] },
      bind_bucket_cachep: { type: 'struct kmem_cache *', read: '1' },
      bind2_bucket_cachep: { type: 'struct kmem_cache *', read: '1' },
    },
    inet_ehash_bucket: { chain: { type: 'struct sk_buff_head' } },
    inet_bind_hashbucket: { lock: { type: 'int', read: '0', range: [0, 0] }, chain: { type: 'struct sk_buff_head' } },
  };
  return Object.fromEntries(
    Object.entries(list).map(([name, [file, what]]) => [
      name,
      { file, what, held: 'nothing', fields: members[name] ?? {} },
    ]),
  );
}
