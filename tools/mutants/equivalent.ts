/** Why a change that no promise noticed is none: it makes no other patch, or one that differs only in what is not modelled. */
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
  [
    /^ipt_mangle_out\(\): (?:skb->len < sizeof\(struct iphdr\) \|\| ip_hdrlen\(skb\) < sizeof\(struct iphdr\) -> 0|< -> <= #1|\|\| -> && #1|return NF_ACCEPT; -> ; #1)$/,
    'what becomes of a header that is too short nobody promises; 4.1 alone lets a raw socket send one',
  ],
  [
    /^reroute_udp_hdr\(\)/,
    'the model has no UDP header in a packet of another protocol and sends no fragments: nothing is written there',
  ],
  [
    /^reroute_udp_csum\(\): (?:!uh->check.*|! -> nothing|&& -> \|\||!= -> ==|return; -> ;|uh->check = CSUM_MANGLED_0; -> ;)$/,
    'no socket of the model leaves the checksum out, and one sum in 65,536 is 0',
  ],
  [
    /^reroute_bind\(\): (?:tb = inet_bind_bucket_create.*|goto unlock; -> ;|tb->fastreuse.*|- -> nothing.*|1 -> \(1 \+ 1\)|inet_bind_bucket_destroy.*|err -> 0|!tb2 -> 1)$/,
    'memory does not run out in the model, and the bucket of a port that a socket has just left is there only if it is shared',
  ],
  [
    /^reroute_renumber\(\): .*(?:snd_sml|snd_up|pushed_seq)/,
    "read by Nagle's algorithm, for urgent data and PSH, of which the model has nothing",
  ],
  [/^reroute_renumber\(\): .*end_seq/, 'the model knows a queued segment by where it begins'],
  [
    /^reroute_renumber\(\): inet_proto_csum_replace4\(/,
    'TCP leaves its checksum to the device, and the sum of the pseudo-header has no sequence number in it',
  ],
  [
    /^reroute_is_reply\(\): >= -> >$/,
    'what answers has a bound port, a peer, or is the kernel itself, all of which are left alone, too',
  ],
  [
    /^reroute_admits\(\): (?:sk != state->sk && !\(faults & FAULT_INNER_SENDER\) -> 0|& -> \| #1|return false; -> ; #1)$/,
    'an outer packet has a protocol of its own, which is left alone three conditions later',
  ],
  [
    /^ipt_mangle_out\(\): (?:- -> nothing #1|goto out; -> ; #1)$/,
    'an errno is no verdict with either sign: the packet is not sent, whatever was written into it',
  ],
];

/** The reason why that change of a text makes no difference, '' when none is known. */
export function reasonFor({ within, nth, from, to }: Pick<Change, 'within' | 'nth' | 'from' | 'to'>): string {
  const change = `${within}(): ${from} -> ${to}`;
  return REASONS.find(([pattern]) => pattern.test(change) || pattern.test(`${change} #${nth}`))?.[1] ?? '';
}
