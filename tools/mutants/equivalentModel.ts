/** Why a change of the model that nothing notices is none: it computes the same for every world that the model can be in. */
import type { Mutant } from './instrument.ts';

/** A reason for every change of that file that fits `FROM -> TO`. */
const REASONS: readonly (readonly [file: string, change: RegExp, reason: string])[] = [
  [
    'model/host/iptables.ts',
    /^b\.kind === a\.kind -> true$/,
    'the kinds were compared in the first line; once more for the types alone',
  ],
  [
    'model/host/sysctl.ts',
    /^low < 1 \|\| high < 1(?: \|\| low > 65535 -> false| -> low < 1 && high < 1)$/,
    'the next line refuses them: a range in order does not begin below 1024',
  ],
  [
    'model/kernel/net/ipv4/netfilter/ip_tables.ts',
    /^depth > table\.chains\.length -> depth >= table\.chains\.length$/,
    'a way through n chains without a circle is at most n - 1 deep',
  ],
  [
    'model/kernel/net/ipv4/netfilter.ts',
    /^routed\.headroom < hh_len -> routed\.headroom <= hh_len$/,
    'no room is made where just enough is there',
  ],
  [
    'model/kernel/net/ipv4/netfilter/iptable_mangle.ts',
    /^skb\.iph\.(?:saddr !== saddr|daddr !== daddr|saddr !== saddr \|\| skb\.iph\.daddr !== daddr) -> (?:false|skb\.iph\.saddr !== saddr && skb\.iph\.daddr !== daddr)$/,
    'no target of the mangle table changes an address',
  ],
  [
    'model/kernel/net/ipv4/fib_frontend.ts',
    /^!sameSubnet\(ifa1, prim1\) -> true$/,
    'looked for once more, the primary address of a subnet is the same: a device has one, before all secondary ones',
  ],
  ['model/kernel/net/core/sock.ts', /^dst\.dev !== 0 -> true$/, 'a socket that has no route drops none'],
  [
    'model/kernel/net/netfilter/nf_nat_core.ts',
    /^ct\.dstNatDone \|\| !source -> true$/,
    'on its way a packet has its destination bound first, then its source',
  ],
  [
    'model/kernel/net/ipv4/inet_hashtables.ts',
    /^sk\.sk_bound_dev_if === 0 -> sk\.sk_bound_dev_if !== 0$/,
    'without SO_REUSEADDR, which the model has not, a listener of one device and one of none do not share a port',
  ],
  [
    'model/kernel/net/ipv4/tcp_ipv4.ts',
    /^i - at -> i \+ at$/,
    'only the last bit of it counts, and sum and difference have the same',
  ],
  [
    'model/host/peer.ts',
    /^iph\.protocol === IPPROTO_ICMP -> true$/,
    'the ICMP header of another protocol is zero, which is no echo request',
  ],
];

/** The reason why that change of the model makes no difference, '' when none is known. */
export function modelReasonFor({ file, from, to }: Pick<Mutant, 'file' | 'from' | 'to'>): string {
  return REASONS.find(([known, change]) => known === file && change.test(`${from} -> ${to}`))?.[2] ?? '';
}
