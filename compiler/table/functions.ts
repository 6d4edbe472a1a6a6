/** The functions and function-like macros of the kernel that a text may use. */
import type { FunctionRow } from './rows.ts';

type Row = Omit<FunctionRow, 'file'>;

/** Rows of one file of the kernel. */
function from(file: string, rows: Readonly<Record<string, Row>>): Record<string, FunctionRow> {
  return Object.fromEntries(Object.entries(rows).map(([name, row]) => [name, { file, ...row }]));
}

/** What changes a type and nothing else. */
function same(what: string, param: string, returns: string): Row {
  return { what, params: [param], returns, value: '$1' };
}

/** Macros whose argument may have any type, which is also that of the result. */
function transparent(what: string): Row {
  return { what, params: ['any'], returns: 'any', value: '$1' };
}

/** What the model has no meaning for. */
function ignored(ignoredBecause: string, params: readonly string[]): Row {
  return { what: 'nothing', params: params.map((one) => `-${one}`), returns: 'void', ignored: ignoredBecause };
}

const LOCK = 'locks are not modelled: what another CPU may do is asked between all statements';
const COUNT = 'references are not counted';
const RCU = 'nothing is freed while the hook runs';
const LOG = 'what is logged is not modelled';
const WARN = 'a warning is not modelled';

export const functions: Readonly<Record<string, FunctionRow>> = {
  ...from('include/linux/netfilter_ipv4/ip_tables.h', {
    ipt_do_table: {
      what: 'runs the rules of mangle OUTPUT',
      params: ['-void *', 'struct sk_buff *', 'const struct nf_hook_state *'],
      returns: 'unsigned int',
      does: [
        'const $r = ipt_do_table(kernel, net, skb, state, net.mangle);',
        'net = $r.net;',
        'skb = $r.skb;',
        'frame = { ...frame, before: skb, socks: net.socks };',
      ],
      value: '$r.verdict',
    },
  }),
  ...from('conformance/patched/glue.patch', {
    reroute_ask: {
      what: 'what mangle OUTPUT, and the hooks before it, make of a packet that nobody sends; nothing is counted or kept',
      params: ['-void *', 'struct sk_buff *', 'const struct nf_hook_state *'],
      returns: 'unsigned int',
      does: ['const $r = askLocalOut(kernel, net, skb, state);', 'net = $r.net;', 'skb = $r.skb;'],
      value: '$r.verdict',
    },
    reroute_ports_decide: {
      what: 'whether several paths lead there, between which the ports decide (net.ipv4.fib_multipath_hash_policy)',
      params: ['struct net *', 'const struct flowi4 *'],
      returns: 'bool',
      value: 'portsDecide(net, $2)',
    },
    reroute_lower_mss: {
      what: 'lets a SYN, which announces more, announce that MSS',
      params: ['struct sk_buff *', 'u16'],
      returns: 'void',
      does: ['skb = withMss(skb, $2);'],
    },
    reroute_ask_later: {
      what: 'whether the hooks behind mangle OUTPUT, with that device, and those of POST_ROUTING let the packet out; nothing is counted, kept or sent',
      params: ['struct sk_buff *', 'const struct nf_hook_state *', 'struct net_device *'],
      returns: 'unsigned int',
      does: ['const $r = askLater(kernel, net, skb, { ...state, out: $3 });', 'net = $r.net;'],
      value: '$r.verdict',
    },
  }),
  ...from('include/uapi/linux/netfilter.h', {
    NF_DROP_ERR: {
      what: 'the verdict that drops a packet with an errno',
      params: ['int'],
      returns: 'int',
      value: '(0 - $1) << 16',
    },
  }),
  ...from('net/ipv4/netfilter.c', {
    ip_route_me_harder: {
      what: 'routes the packet again by its header, mark and socket, and leaves its source',
      params: ['struct net *', 'struct sock *?', 'struct sk_buff *', 'unsigned int'],
      returns: 'int',
      does: [
        'const $r = kernel.ip_route_me_harder(net, getSock(net, $2), skb, $4);',
        'frame = movedIf(frame, skb, $r.skb);',
        'net = $r.net;',
        'skb = $r.skb;',
      ],
      value: '$r.err',
      shows: true,
      moves: true,
      range: [-4095, 0],
    },
  }),

  // packets

  ...from('include/linux/ip.h', { ip_hdr: header('iphdr', 'IPv4') }),
  ...from('include/linux/tcp.h', {
    tcp_hdr: header('tcphdr', 'TCP'),
    tcp_hdrlen: {
      what: 'the length of the TCP header',
      params: ['const struct sk_buff *'],
      returns: 'unsigned int',
      value: 'skb.th.doff * 4',
      range: [0, 60],
    },
    tcp_sk: same('the socket as a tcp_sock, whatever it is', 'const struct sock *?', 'struct tcp_sock *'),
  }),
  ...from('include/linux/udp.h', {
    udp_hdr: header('udphdr', 'UDP'),
  }),
  ...from('include/linux/icmp.h', { icmp_hdr: header('icmphdr', 'ICMP') }),
  ...from('include/net/ip.h', {
    ip_hdrlen: {
      what: 'the length of the IPv4 header',
      params: ['const struct sk_buff *'],
      returns: 'unsigned int',
      value: 'skb.iph.ihl * 4',
      range: [0, 60],
    },
    ip_send_check: {
      what: 'sets the checksum of the IPv4 header',
      params: ['struct iphdr *&'],
      returns: 'void',
      does: ['$1 = ip_send_check($1);'],
    },
    ip_is_fragment: {
      what: 'whether the packet is a fragment',
      params: ['const struct iphdr *'],
      returns: 'bool',
      value: '($1.frag_off & 0x3fff) !== 0',
    },
    inet_is_local_reserved_port: {
      what: 'whether the operator keeps that port from connections',
      params: ['-const struct net *', 'unsigned short'],
      returns: 'bool',
      value: 'inet_is_local_reserved_port(net, $2)',
    },
    IPCB: same("IPv4's part of the control block", 'const struct sk_buff *', 'struct inet_skb_parm *'),
  }),
  ...from('include/net/tcp.h', {
    TCP_SKB_CB: same(
      "TCP's part of the control block of a segment in a queue",
      'struct sk_buff *@',
      'struct tcp_skb_cb *',
    ),
    tcp_parse_options: {
      what: 'looks for a Fast Open cookie among the options',
      params: [
        '-struct net *',
        'const struct sk_buff *',
        '-struct tcp_options_received *',
        '-int',
        'struct tcp_fastopen_cookie *&',
      ],
      returns: 'void',
      does: ['$5 = { ...$5, len: cookieLength(skb.th, $5.len) };'],
    },
    before: {
      what: 'whether a sequence number comes before another',
      params: ['__u32', '__u32'],
      returns: 'bool',
      value: 'before($1, $2)',
    },
    after: {
      what: 'whether a sequence number comes after another',
      params: ['__u32', '__u32'],
      returns: 'bool',
      value: 'after($1, $2)',
    },
  }),
  ...from('include/uapi/linux/tcp.h', {
    tcp_flag_word: {
      what: 'the word of the TCP header that has its flags',
      params: ['const struct tcphdr *'],
      returns: '__be32',
      value: '(($1.doff << 28) | ($1.flags << 16) | $1.window) >>> 0',
    },
  }),
  ...from('include/linux/skbuff.h', {
    skb_dst: {
      what: "the packet's route",
      params: ['const struct sk_buff *'],
      returns: 'struct dst_entry *',
      value: 'skb.dst',
      isSet: true,
    },
    skb_rtable: {
      what: "the packet's route",
      params: ['const struct sk_buff *'],
      returns: 'struct rtable *',
      value: 'skb.dst',
      isSet: true,
    },
    skb_dst_set: {
      what: 'gives the packet a route',
      params: ['struct sk_buff *', 'struct dst_entry *'],
      returns: 'void',
      does: [
        'skb = { ...skb, dst: $2 };',
        'net = frame.looked ? rerouted(net, skb, frame, $line) : net;',
        'frame = { ...frame, looked: false };',
      ],
    },
    skb_headroom: {
      what: 'bytes in front of the IPv4 header',
      params: ['const struct sk_buff *'],
      returns: 'unsigned int',
      value: 'skb.headroom',
      range: [0, 0xffff],
    },
    skb_headlen: {
      what: 'bytes that are in the buffer: all',
      params: ['const struct sk_buff *'],
      returns: 'unsigned int',
      value: 'skbLen(skb)',
      range: [0, 0xffff],
    },
    skb_transport_offset: {
      what: 'where the transport header begins',
      params: ['const struct sk_buff *'],
      returns: 'int',
      value: 'skb.iph.ihl * 4',
      range: [0, 60],
    },
    skb_network_offset: {
      what: 'where the network header begins',
      params: ['-const struct sk_buff *'],
      returns: 'int',
      value: '0',
      range: [0, 0],
    },
    pskb_expand_head: {
      what: 'gives the packet a buffer with more room in front; never fails here',
      params: ['struct sk_buff *', 'int', '-int', '-gfp_t'],
      returns: 'int',
      does: ['net = roomAsked(net, $2, $line);', 'frame = moved(frame, skb);', 'skb = pskb_expand_head(skb, $2);'],
      value: '0',
      moves: true,
      range: [0, 0],
    },
    skb_cloned: {
      what: 'whether another packet shares the buffer',
      params: ['const struct sk_buff *'],
      returns: 'bool',
      value: 'skb.cloned',
    },
  }),
  ...from('include/net/dst.h', {
    skb_dst_drop: {
      what: 'takes the route from the packet',
      params: ['struct sk_buff *'],
      returns: 'void',
      does: ['skb = withoutRoute(skb);'],
    },
    dst_clone: { ...same('the same route once more', 'struct dst_entry *?', 'struct dst_entry *') },
    dst_hold: ignored(COUNT, ['struct dst_entry *']),
    dst_release: ignored(COUNT, ['struct dst_entry *?']),
    dst_mtu: {
      what: "the MTU of the route's link",
      params: ['const struct dst_entry *'],
      returns: 'u32',
      value: 'dev_get_by_index(net, $1.dev).mtu',
    },
    dst_metric_advmss: {
      what: "the MSS for the route's link",
      params: ['const struct dst_entry *'],
      returns: 'u32',
      value: 'tcp_dst_advmss(net, $1)',
      range: [256, 0xffff],
    },
  }),
  ...from('include/linux/netdevice.h', {
    HH_DATA_ALIGN: {
      what: 'a length, rounded up as headroom is',
      params: ['unsigned int'],
      returns: 'unsigned int',
      value: 'HH_DATA_ALIGN($1) >>> 0',
    },
    LL_RESERVED_SPACE: {
      what: 'bytes that a sender leaves in front of the IP header',
      params: ['const struct net_device *'],
      returns: 'unsigned int',
      value: 'LL_RESERVED_SPACE(net, $1)',
      range: [0, 0xffff],
    },
    dev_net: { what: 'the host', params: ['const struct net_device *'], returns: 'struct net *', value: 'net' },
    netif_is_l3_master: {
      what: 'whether a link is a VRF',
      params: ['const struct net_device *'],
      returns: 'bool',
      value: 'netif_is_l3_master(dev_get_by_index(net, $1))',
    },
  }),

  // routes

  ...from('include/net/route.h', {
    ip_route_output_key: {
      what: 'looks up a route; the key comes back with what was chosen',
      params: ['struct net *', 'struct flowi4 *&'],
      returns: 'struct rtable *',
      does: [
        'const $r = ip_route_output_key(net, $2);',
        '$2 = $r.fl4;',
        'net = $r.rt.err < 0 ? failedLookup(net, skb, frame, $r.rt.err, $line) : net;',
        'frame = { ...frame, looked: true };',
      ],
      value: '$r.rt',
    },
    ip_route_output_flow: {
      what: 'the same',
      params: ['struct net *', 'struct flowi4 *&', '-const struct sock *?'],
      returns: 'struct rtable *',
      does: [
        'const $r = ip_route_output_key(net, $2);',
        '$2 = $r.fl4;',
        'net = $r.rt.err < 0 ? failedLookup(net, skb, frame, $r.rt.err, $line) : net;',
        'frame = { ...frame, looked: true };',
      ],
      value: '$r.rt',
    },
    ip_rt_put: ignored(COUNT, ['struct rtable *?']),
    inet_addr_type: {
      what: 'what an address is to this host: RTN_LOCAL, RTN_BROADCAST, RTN_MULTICAST or RTN_UNICAST',
      params: ['struct net *', '__be32'],
      returns: 'unsigned int',
      value: 'inet_addr_type(net, $2)',
      range: [0, 11],
    },
    inet_addr_type_dev_table: {
      what: "the same in the domain of a link's VRF",
      params: ['struct net *', 'const struct net_device *', '__be32'],
      returns: 'unsigned int',
      value: 'inet_addr_type_dev_table(net, dev_get_by_index(net, $2), $3)',
      range: [0, 11],
    },
  }),
  ...from('include/uapi/linux/in_route.h', {
    RT_TOS: { what: 'the bits of a TOS byte', params: ['__u8'], returns: 'int', value: '$1 & 0x1e', range: [0, 0x1e] },
  }),
  ...from('include/net/ip_fib.h', {
    fib4_rules_early_flow_dissect: {
      what: 'puts protocol and ports of the packet into the key, if a rule asks for them',
      params: ['struct net *', 'struct sk_buff *', 'struct flowi4 *&', '-struct flow_keys *'],
      returns: 'bool',
      does: ['$3 = fib4_rules_early_flow_dissect(net, skb, $3);'],
      value: 'fib_rules_require_fldissect(net)',
    },
  }),
  ...from('include/linux/inetdevice.h', {
    inet_select_addr: {
      what: 'an address of a link for a destination',
      params: ['const struct net_device *', '__be32', 'int'],
      returns: '__be32',
      value: 'inet_select_addr(net, $1, $2, $3)',
    },
  }),
  ...from('include/net/l3mdev.h', {
    l3mdev_master_ifindex: {
      what: 'the VRF of a link, 0 for none',
      params: ['struct net_device *?'],
      returns: 'int',
      value: 'l3mdev_master_ifindex_by_index(net, $1)',
    },
    l3mdev_master_ifindex_rcu: {
      what: 'the VRF of a link, 0 for none',
      params: ['const struct net_device *?'],
      returns: 'int',
      value: 'l3mdev_master_ifindex_by_index(net, $1)',
    },
    l3mdev_master_ifindex_by_index: {
      what: 'the VRF of the link of that number, 0 for none',
      params: ['struct net *', 'int'],
      returns: 'int',
      value: 'l3mdev_master_ifindex_by_index(net, $2)',
    },
  }),
  ...from('include/net/xfrm.h', {
    xfrm_decode_session: {
      what: "the key by which IPsec's policies are asked about the packet",
      params: ['struct sk_buff *', 'struct flowi *&', '-unsigned int'],
      returns: 'int',
      does: ['$2 = decode_session4(skb);'],
      value: '0',
      range: [0, 0],
    },
    xfrm_lookup: {
      what: "the route as IPsec's policies leave it, or an error",
      params: ['struct net *', 'struct dst_entry *', 'const struct flowi *', '-const struct sock *?', '-int'],
      returns: 'struct dst_entry *',
      value: 'xfrm_lookup(net, $2, $3)',
    },
  }),

  // sockets

  ...from('include/net/sock.h', {
    sock_net: { what: 'the host', params: ['const struct sock *'], returns: 'struct net *', value: 'net' },
    sk_fullsock: {
      what: 'whether it is no request and no time-wait socket',
      params: ['const struct sock *'],
      returns: 'bool',
      value: 'fullSock(net, $1)',
    },
    sock_flag: {
      what: 'whether the user set SO_BROADCAST or SO_DONTROUTE',
      params: ['const struct sock *', 'enum sock_flags'],
      returns: 'bool',
      value: 'hasFlag(getSock(net, $1), $2)',
      reach: 'inet',
    },
    sk_to_full_sk: {
      what: "the socket, or a request's listener",
      params: ['struct sock *?'],
      returns: 'struct sock *',
      value: 'sk_to_full_sk(net, getSock(net, $1)).id',
    },
    sk_is_tcp: {
      what: "whether it is one of TCP's own",
      params: ['const struct sock *'],
      returns: 'bool',
      value: 'getSock(net, $1).kind === SOCK_TCP',
      reach: 'inet',
    },
    sk_dst_set: {
      what: 'lets the socket remember a route',
      params: ['struct sock *', 'struct dst_entry *?'],
      returns: 'void',
      does: ['net = setSock(net, sk_setup_caps(getSock(net, $1), $2));'],
      reach: 'inet',
    },
    sk_dst_reset: {
      what: 'lets the socket forget its route',
      params: ['struct sock *'],
      returns: 'void',
      does: ['net = setSock(net, sk_dst_reset(getSock(net, $1)));'],
      reach: 'inet',
    },
    lock_sock: ignored(LOCK, ['struct sock *']),
    release_sock: ignored(LOCK, ['struct sock *']),
    bh_lock_sock: ignored(LOCK, ['struct sock *']),
    bh_unlock_sock: ignored(LOCK, ['struct sock *']),
    sock_hold: ignored(COUNT, ['struct sock *']),
    sock_put: ignored(COUNT, ['struct sock *']),
  }),
  ...from('include/net/inet_sock.h', {
    inet_sk: same('the socket as an inet_sock, whatever it is', 'const struct sock *?', 'struct inet_sock *'),
    inet_sk_flowi_flags: {
      what: "the socket's flags for the key of a lookup",
      params: ['const struct sock *'],
      returns: '__u8',
      value: 'inet_sk_flowi_flags(getSock(net, $1))',
      reach: 'inet',
    },
    inet_sk_get_local_port_range: {
      what: 'the ports that connections get, both ends usable',
      params: ['-const struct sock *', 'int *&', 'int *&'],
      returns: 'void',
      does: ['$2 = inet_sk_get_local_port_range(net).low;', '$3 = inet_sk_get_local_port_range(net).high;'],
    },
    inet_sk_bound_l3mdev: {
      what: 'the VRF of the link that the socket is bound to',
      params: ['const struct sock *'],
      returns: 'int',
      value: 'l3mdev_master_ifindex_by_index(net, getSock(net, $1).sk_bound_dev_if)',
    },
  }),
  ...from('include/net/inet_connection_sock.h', {
    inet_csk: same(
      'the socket as an inet_connection_sock, whatever it is',
      'const struct sock *?',
      'struct inet_connection_sock *',
    ),
  }),
  ...from('net/ipv4/tcp_ipv4.c', {
    tcp_twsk_unique: {
      what: 'whether a socket in TIME_WAIT gives way to one that connects, which gets its numbers then',
      params: ['struct sock *', 'struct sock *', 'void *?'],
      returns: 'int',
      does: ['const $r = tcp_twsk_unique(net, $1, getSock(net, $2), $3 !== 0);', 'net = $r.net;'],
      value: '$r.unique ? 1 : 0',
      range: [0, 1],
    },
  }),
  ...from('net/ipv4/inet_hashtables.c', {
    inet_unhash: {
      what: 'takes the socket out of the table that it is in',
      params: ['struct sock *'],
      returns: 'void',
      does: ['net = inet_unhash(net, $1);'],
      shows: true,
      isSeen: true,
    },
    inet_put_port: {
      what: 'takes the port from the socket',
      params: ['struct sock *'],
      returns: 'void',
      does: ['net = inet_put_port(net, $1);'],
      shows: true,
      isSeen: true,
    },
    inet_hash_connect: {
      what: 'finds a port for a connection, or checks the one that there is, and puts the socket into its table',
      params: ['-struct inet_timewait_death_row *', 'struct sock *'],
      returns: 'int',
      does: ['const $r = inet_hash_connect(kernel, net, $2);', 'net = $r.net;'],
      value: '$r.err',
      shows: true,
      isSeen: true,
      range: [-4095, 0],
    },
    inet_bhash2_update_saddr: {
      what: "sets the socket's addresses, and moves it among the ports by address",
      params: ['struct sock *', '__be32 *', '-int'],
      returns: 'int',
      does: ['net = inet_bhash2_update_saddr(net, $1, $2);'],
      value: '0',
      isSeen: true,
      range: [0, 0],
    },
    tcp_or_dccp_get_hashinfo: {
      what: "TCP's tables",
      params: ['const struct sock *'],
      returns: 'struct inet_hashinfo *',
      value: '1',
    },
    inet_ehashfn: {
      what: 'which chain of connections: there is one',
      params: ['-const struct net *', '-const __be32', '-const __u16', '-const __be32', '-const __be16'],
      returns: 'u32',
      value: '0',
      range: [0, 0],
    },
    inet_ehash_bucket: {
      what: 'the chain of all connections',
      params: ['-struct inet_hashinfo *', '-unsigned int'],
      returns: 'struct inet_ehash_bucket *',
      value: '1',
      isSet: true,
    },
    inet_ehash_lockp: {
      what: 'the lock of a chain',
      params: ['-struct inet_hashinfo *', '-unsigned int'],
      returns: 'int',
      value: '0',
      range: [0, 0],
    },
    inet_sk_bound_dev_eq: {
      what: 'whether a socket that is bound like this takes packets of that device',
      params: ['-struct net *', 'int', 'int', 'int'],
      returns: 'bool',
      value: 'inet_sk_bound_dev_eq($2, $3, $4)',
    },
    inet_bhashfn: {
      what: 'which chain of buckets: there is one',
      params: ['-const struct net *', '-const __u16', '-const u32'],
      returns: 'u32',
      value: '0',
      range: [0, 0],
    },
    inet_bhashfn_portaddr: {
      what: 'a chain of buckets by address, of which the model has none',
      params: ['-const struct inet_hashinfo *', '-const struct sock *', '-const struct net *', '-unsigned short'],
      returns: 'struct inet_bind_hashbucket *',
      value: '1',
    },
    inet_bind_bucket_match: {
      what: 'whether a bucket is that of the port',
      params: ['const struct inet_bind_bucket *', '-const struct net *', 'unsigned short', '-int'],
      returns: 'bool',
      value: '$1 === $3',
    },
    inet_bind_bucket_create: {
      what: 'makes a bucket; never fails here',
      params: [
        '-struct kmem_cache *',
        '-struct net *',
        '-struct inet_bind_hashbucket *',
        'const unsigned short',
        '-int',
      ],
      returns: 'struct inet_bind_bucket *',
      does: ['net = inet_bind_bucket_create(net, $4, 0, 0);'],
      value: '$4',
      isSeen: true,
    },
    inet_bind_bucket_destroy: {
      what: 'frees a bucket that nobody owns',
      params: ['-struct kmem_cache *', 'struct inet_bind_bucket *'],
      returns: 'void',
      does: ['net = inet_bind_bucket_destroy(net, inet_bind_bucket_find(net, $2));'],
      isSeen: true,
    },
    inet_bind2_bucket_find: {
      what: 'a bucket by address, of which the model has none',
      params: [
        '-const struct inet_bind_hashbucket *',
        '-const struct net *',
        '-unsigned short',
        '-int',
        '-const struct sock *',
      ],
      returns: 'struct inet_bind2_bucket *',
      value: '1',
    },
    inet_bind2_bucket_create: {
      what: 'makes a bucket by address, of which the model has none',
      params: [
        '-struct kmem_cache *',
        '-struct net *',
        '-struct inet_bind_hashbucket *',
        '-unsigned short',
        '-int',
        '-const struct sock *',
      ],
      returns: 'struct inet_bind2_bucket *',
      value: '1',
    },
    inet_bind_hash: {
      what: 'makes the socket an owner of a bucket',
      params: ['struct sock *', 'struct inet_bind_bucket *', '-struct inet_bind2_bucket *', 'unsigned short'],
      returns: 'void',
      does: ['net = inet_bind_hash(net, $1, $2, $4);'],
      isSeen: true,
    },
  }),
  ...from('include/net/secure_seq.h', {
    secure_tcp_seq: {
      what: 'the initial sequence number of a four-tuple',
      params: ['__be32', '__be32', '__be16', '__be16'],
      returns: 'u32',
      value: 'tcp_v4_init_seq(kernel, net, $1, $2, $3, $4)',
    },
  }),

  // checksums

  ...from('include/net/checksum.h', {
    inet_proto_csum_replace2: {
      what: 'the checksum after a 16-bit word that it covers has changed',
      params: ['__sum16 *&', 'struct sk_buff *', '__be16', '__be16', 'bool'],
      returns: 'void',
      does: ['$1 = inet_proto_csum_replace2($1, skb, $3, $4, $5);'],
    },
    inet_proto_csum_replace4: {
      what: 'the checksum after a 32-bit word that it covers has changed',
      params: ['__sum16 *&', 'struct sk_buff *', '__be32', '__be32', 'bool'],
      returns: 'void',
      does: ['$1 = inet_proto_csum_replace4($1, skb, $3, $4, $5);'],
    },
    csum_replace2: {
      what: 'the same without a look at the packet',
      params: ['__sum16 *&', '__be16', '__be16'],
      returns: 'void',
      does: ['$1 = csum_replace2($1, $2, $3);'],
    },
    csum_replace4: {
      what: 'the same without a look at the packet',
      params: ['__sum16 *&', '__be32', '__be32'],
      returns: 'void',
      does: ['$1 = csum_replace4($1, $2, $3);'],
    },
    csum_tcpudp_magic: {
      what: 'the folded sum of a pseudo-header',
      params: ['__be32', '__be32', '__u32', '__u8', '__wsum'],
      returns: '__sum16',
      value: 'csum_tcpudp_magic($1, $2, $3, $4, $5)',
    },
  }),

  // connection tracking

  ...from('include/net/netfilter/nf_conntrack.h', {
    nf_ct_get: {
      what: "the packet's entry, and what it is to it",
      params: ['const struct sk_buff *', 'enum ip_conntrack_info *&'],
      returns: 'struct nf_conn *',
      does: ['$2 = ctinfoOf(skb);'],
      value: 'skb.ct',
    },
    nf_ct_is_confirmed: {
      what: 'whether a packet of the entry has left or arrived before',
      params: ['const struct nf_conn *'],
      returns: 'bool',
      value: 'getCt(net, $1).confirmed',
    },
  }),
  ...from('include/linux/skbuff.h', {
    nf_reset_ct: {
      what: 'takes the entry from the packet',
      params: ['struct sk_buff *'],
      returns: 'void',
      does: ['net = nf_conntrack_put(net, skb);', 'skb = { ...skb, ct: 0, ctdir: 0, ctinfo: 0 };'],
    },
  }),
  ...from('include/net/netfilter/nf_conntrack_core.h', {
    nf_conntrack_in: {
      what: 'tracks the packet',
      params: ['struct sk_buff *', 'const struct nf_hook_state *'],
      returns: 'unsigned int',
      does: ['const $r = nf_conntrack_in(net, skb, state);', 'net = $r.net;', 'skb = $r.skb;'],
      value: '$r.verdict',
    },
  }),

  // addresses

  ...from('include/linux/in.h', {
    ...Object.fromEntries(
      [
        ['ipv4_is_loopback', 'whether an address lies in 127/8'],
        ['ipv4_is_multicast', 'whether an address lies in 224/4'],
        ['ipv4_is_local_multicast', 'whether an address lies in 224.0.0/24'],
        ['ipv4_is_lbcast', 'whether an address is 255.255.255.255'],
        ['ipv4_is_zeronet', 'whether an address lies in 0/8'],
      ].map(([name, what]): [string, Row] => [
        name as string,
        { what: what as string, params: ['__be32'], returns: 'bool', value: `${name}($1)` },
      ]),
    ),
  }),
  ...from('include/linux/inetdevice.h', {
    inet_make_mask: {
      what: 'the mask of a prefix',
      params: ['int'],
      returns: '__be32',
      value: 'inet_make_mask($1)',
    },
  }),

  // the language of the kernel

  ...from('include/linux/byteorder/generic.h', {
    htons: order('__u16', '__be16'),
    ntohs: order('__be16', '__u16'),
    htonl: order('__u32', '__be32'),
    ntohl: order('__be32', '__u32'),
    cpu_to_be16: order('__u16', '__be16'),
    be16_to_cpu: order('__be16', '__u16'),
    cpu_to_be32: order('__u32', '__be32'),
    be32_to_cpu: order('__be32', '__u32'),
  }),
  ...from('include/asm-generic/rwonce.h', {
    READ_ONCE: transparent('the value'),
  }),
  ...from('include/linux/compiler.h', {
    likely: transparent('the value'),
    unlikely: transparent('the value'),
  }),
  ...from('include/linux/rcupdate.h', {
    rcu_access_pointer: transparent('the value'),
    rcu_dereference: transparent('the value'),
    rcu_read_lock: ignored(RCU, []),
    rcu_read_unlock: ignored(RCU, []),
  }),
  ...from('include/linux/spinlock.h', {
    spin_lock: ignored(LOCK, ['int']),
    spin_unlock: ignored(LOCK, ['int']),
    spin_lock_bh: ignored(LOCK, ['int']),
    spin_unlock_bh: ignored(LOCK, ['int']),
    local_bh_disable: ignored(LOCK, []),
    local_bh_enable: ignored(LOCK, []),
  }),
  ...from('include/linux/uidgid.h', {
    KUIDT_INIT: same('a user', 'kuid_t', 'kuid_t'),
    __kuid_val: same('the number of a user', 'kuid_t', 'u32'),
    sock_net_uid: {
      what: 'the user of a socket, root without one',
      params: ['const struct net *', 'const struct sock *?'],
      returns: 'kuid_t',
      value: '$2 === 0 ? 0 : inetOf(net, $2).sk_uid',
    },
  }),
  ...from('include/linux/err.h', {
    IS_ERR: {
      what: 'whether a pointer is an error',
      params: ['route'],
      returns: 'bool',
      value: '$1.err < 0',
      saysUnset: true,
    },
    IS_ERR_OR_NULL: {
      what: 'whether a pointer is an error or NULL',
      params: ['route?'],
      returns: 'bool',
      value: '$1.err < 0 || $1.dev === 0',
      saysUnset: true,
    },
    PTR_ERR: {
      what: 'the error that a pointer is',
      params: ['route'],
      returns: 'long',
      value: '$1.err',
      range: [-4095, 0],
    },
  }),
  ...from('include/vdso/bits.h', {
    BIT: { what: 'a number with one bit', params: ['unsigned long'], returns: 'unsigned long', value: 'BIT' },
  }),
  ...from('include/linux/printk.h', {
    pr_debug: ignored(LOG, ['...']),
    pr_info: ignored(LOG, ['...']),
    pr_warn: ignored(LOG, ['...']),
    pr_err: ignored(LOG, ['...']),
    net_dbg_ratelimited: ignored(LOG, ['...']),
    net_info_ratelimited: ignored(LOG, ['...']),
    net_warn_ratelimited: ignored(LOG, ['...']),
  }),
  ...from('include/linux/lockdep.h', {
    lockdep_assert_held: ignored(LOCK, ['int']),
    lockdep_sock_is_held: { ...same('true', '-const struct sock *', 'bool'), value: 'true', ignored: LOCK },
  }),
  ...from('include/asm-generic/bug.h', {
    WARN_ON: { ...transparent('the value'), ignored: WARN },
    WARN_ON_ONCE: { ...transparent('the value'), ignored: WARN },
  }),
};

/** `ip_hdr()` and its like. */
function header(structure: string, name: string): Row {
  return {
    what: `the ${name} header in the buffer that the packet is in`,
    params: ['const struct sk_buff *'],
    returns: `struct ${structure} *`,
    value: 'frame.buffer',
  };
}

/** `htons()` and its like. */
function order(from: string, to: string): Row {
  return { what: 'the number in the other byte order', params: [from], returns: to, value: '$1' };
}
