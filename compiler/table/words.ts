/** What the preprocessor and the parser have to know of the kernel: its configuration, idle words, and walks over lists. */
import type { WalkRow } from './rows.ts';

/** Options of the test kernel's configuration (conformance/patched/config). */
export const config: ReadonlyMap<string, boolean> = new Map([
  ...[
    ...[
      'NET',
      'INET',
      'NET_NS',
      '64BIT',
      'IP_MULTIPLE_TABLES',
      'IP_ROUTE_MULTIPATH',
      'SYN_COOKIES',
      'TCP_MD5SIG',
      'IPV6',
    ],
    ...[
      'XFRM',
      'NETFILTER',
      'NF_CONNTRACK',
      'NF_CONNTRACK_MARK',
      'NF_NAT',
      'IP_NF_MANGLE',
      'NET_L3_MASTER_DEV',
      'NET_VRF',
    ],
  ].map((name): [string, boolean] => [name, true]),
  ...[
    'SMP',
    'PREEMPTION',
    'MPTCP',
    'NF_CONNTRACK_ZONES',
    'SECURITY_NETWORK',
    'BRIDGE_NETFILTER',
    'IP_ROUTE_CLASSID',
  ].map((name): [string, boolean] => [name, false]),
]);

/** Words that say nothing about what the code does. */
export const idleWords: ReadonlySet<string> = new Set([
  ...[
    '__always_inline',
    'noinline',
    '__inline',
    '__maybe_unused',
    '__always_unused',
    '__must_check',
    '__cold',
    '__hot',
  ],
  ...['__force', '__rcu', '__percpu', '__user', '__bitwise', '__read_mostly', '__ro_after_init', '__init', '__exit'],
  ...[
    '__net_init',
    '__net_exit',
    '__initdata',
    'fallthrough',
    '__fallthrough',
    '__visible',
    '__pure',
    'noinline_for_stack',
  ],
]);

export const walks: Readonly<Record<string, WalkRow>> = {
  skb_queue_walk: {
    file: 'include/linux/skbuff.h',
    what: 'the segments that were not sent yet',
    element: 1,
    list: 'sk_write_queue',
  },
  skb_rbtree_walk: {
    file: 'include/linux/skbuff.h',
    what: 'the segments that were sent',
    element: 0,
    list: 'tcp_rtx_queue',
  },
  inet_bind_bucket_for_each: {
    file: 'include/net/inet_hashtables.h',
    what: 'the bind buckets of all ports; the element is NULL behind the last',
    element: 0,
    list: 'bhash',
  },
  sk_nulls_for_each: {
    file: 'include/net/sock.h',
    what: 'the sockets of the table of connections, what was put there last first; the element is not set behind it',
    element: 0,
    list: 'ehash',
  },
};
