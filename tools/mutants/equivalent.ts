/** Why a change that no promise noticed is none: it makes no other patch, or one that differs where nothing is modelled. */
import type { Change } from './changes.ts';

/** A reason for every change that fits: `FUNCTION(): FROM -> TO`, and `#2` behind the second of its kind. */
const REASONS: readonly (readonly [change: RegExp, reason: string])[] = [
  [/^reroute_fill_key\(\)/, 'it stands for what lies on the stack, and anything may lie there'],
  [
    /: (?:ip_rt_put|spin_\w+|skb_dst_drop)\(.*\); -> ;$/,
    'references and locks are not modelled; a kernel with KASAN or lock debugging watches them',
  ],
  [/: iph = ip_hdr\(skb\); -> ;$/, 'no target of the model moves the headers of a packet'],
  [/^ipt_mangle_out\(\): sk -> 1$/, 'inet_sk() of no socket is NULL, and that is asked next'],
  [/: fl4\.saddr = 0; -> ;$/, 'the key is zero already, or lies on a stack whose memory is drawn'],
  [
    /: (?:fl4->|fl4\.)flowi4_flags = inet_sk_flowi_flags\(sk\); -> ;$/,
    'the flag lets sources pass that are not of the host, and the key has none or one of the host',
  ],
  [/^ip_route_reroute\(\): (?:< -> <=|- -> \+)$/, 'room is made where there is enough, or more of it than is needed'],
  [/^(?:ip_route_reroute|reroute_ask_policies)\(\): 0 -> \(0 \+ 1\)$/, 'callers ask for errors, which are below 0'],
  [/^ipt_mangle_out\(\): 1 -> \(1 \+ 1\)$/, 'only whether it is 0 is asked'],
  [
    /^ipt_mangle_out\(\): ret = NF_DROP_ERR\(err\); -> ; #1$/,
    'the lookup that failed is made once more by ip_route_me_harder(), which drops the packet',
  ],
];

/** The reason why that change of a text makes no difference, '' when none is known. */
export function reasonFor({ within, nth, from, to }: Pick<Change, 'within' | 'nth' | 'from' | 'to'>): string {
  const change = `${within}(): ${from} -> ${to}`;
  return REASONS.find(([pattern]) => pattern.test(change) || pattern.test(`${change} #${nth}`))?.[1] ?? '';
}
