/** Why a change that no promise noticed is none: it makes no other patch, or one that differs only in what is not modelled. */
import type { Change } from './changes.ts';

/**
 * A reason for every change that fits: `FUNCTION(): FROM -> TO`, `#2` behind the second of its kind, and then `FILE: ` in front
 * where other texts have another meaning there.
 */
const REASONS: readonly (readonly [change: RegExp, reason: string])[] = [
  [/^reroute_fill_key\(\)/, 'it stands for what lies on the stack, and anything may lie there'],
  [
    /: (?:ip_rt_put|dst_release|spin_\w+|skb_dst_drop|sock_put)\(.*\); -> ;$/,
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
    /^(?:icmp-only|tcp-rehash)\.c: ipt_mangle_out\(\): ret = NF_DROP_ERR\(err\); -> ; #1$/,
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
    /^reroute_bind\(\): (?:- -> nothing #1|goto unlock; -> ; #1|inet_bind_bucket_destroy.*|err -> 0|!tb2 -> 1)$/,
    'memory does not run out in the model',
  ],
  [
    /^reroute_bind\(\): (?:tb->fastreuse >= 0 .* -> 0|>= -> >|0 -> \(0 \+ 1\) #[12]|\|\| -> &&|err = -EADDRINUSE; -> ;|- -> nothing #4|goto unlock; -> ; #2)$/,
    'reroute_is_shared() has asked before: only another CPU makes it true',
  ],
  [
    /^reroute_is_shared\(\): (?:head = .*|break); -> ;$/,
    'the model has one chain of buckets, and a port has one bucket',
  ],
  [
    /^reroute_is_shared\(\): (?:< -> <= #[12]|0 -> \(0 \+ 1\) #[12]|&& -> \|\|)$/,
    'without SO_REUSEADDR and SO_REUSEPORT, which the model has not, both numbers are below 0 or neither is',
  ],
  [/^reroute_bind\(\): 1 -> \(1 \+ 1\) #[12]$/, 'only whether it is below 0 is asked'],
  [
    /^reroute_choose_port\(\): !keeps_port -> 1$/,
    "the port that a socket is bound to is nobody else's without SO_REUSEADDR, which the model has not",
  ],
  [
    /^reroute_find_port\(\): (?:0 -> \(0 \+ 1\) #1|> -> >=)$/,
    'the last port that is asked is that of the socket, which is taken',
  ],
  [
    /^reroute_find_port\(\): (?:i > high - low -> 0|- -> \+ #1|< -> <= #1|break; -> ;)$/,
    'ports that were asked are asked once more, with the same answer',
  ],
  [
    /^reroute_move_sock\(\): (?:port != old_port && (?:inet->inet_num|reroute_bind\(sk, old_port\)) -> 0|!= -> == #[23]|inet_put_port\(sk\); -> ; #2)$/,
    'without a fault only another CPU makes a socket go back',
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
    /^(?:ipt_mangle_out\(\): - -> nothing #1|tcp-rehash\.c: ipt_mangle_out\(\): goto out; -> ; #1)$/,
    'an errno is no verdict with either sign: the packet is not sent, whatever was written into it',
  ],
  [/^reroute_bind\(\): ! -> nothing #3$/, 'the model has no buckets by address: what is asked for one finds one'],
  [
    /^reroute_move_sock\(\): inet->inet_sport = htons\(inet->inet_num\); -> ;$/,
    'inet_hash_connect() has written it where it found a port',
  ],
  [
    /^reroute_renumber\(\): (?:TCP_SKB_CB\(seg\)->seq \+= by; -> ; #2|\+= -> -= #7)$/,
    'nothing waits behind a SYN that moves: it opens its connection, and one with data does not move',
  ],
  [/^reroute_connmark\(\): 0 -> \(0 \+ 1\)$/, 'the mark of a connection that is not there is read by nobody'],
  [/^mended\.h: ipt_mangle_out\(\): & -> \| #1$/, 'a raw segment is not admitted, unless a fault lets it'],
  [
    /^mended\.h: ipt_mangle_out\(\): th = th \? tcp_hdr\(skb\) : NULL; -> ; #1$/,
    'TCP gives its segments more room than the header of any link needs',
  ],
  [
    /^mended\.h: ipt_mangle_out\(\): (?:syn && sk_is_tcp\(sk\) -> 1|&& -> \|\| #17)$/,
    'what moves is the SYN of a TCP socket, unless a fault lets more come here',
  ],
  [/^reroute_bind\(\): !tb -> 0 #2$/, 'memory does not run out in the model'],
  [/^reroute_bind\(\): err -> 1$/, 'a bucket that has an owner is not destroyed, and the socket has just become one'],
  [
    /^reroute_move_sock\(\): (?:!err -> 1|return err; -> ; #2)$/,
    'memory does not run out in the model, and nothing else makes the call fail that was asked',
  ],
  [
    /^reroute_renumber\(\): \+= -> -= #2$/,
    "the end of the last small segment, for Nagle's algorithm: a wrong one counts where it falls among the few bytes in flight",
  ],
  [
    /^reroute_keep_route\(\): fl4->fl4_sport = inet->inet_sport; -> ;$/,
    'of the kept flow the addresses are read; every later lookup takes the ports from the socket',
  ],
  [
    /^(?:reroute_track\(\): return NF_DROP; -> ;|mended\.h: ipt_mangle_out\(\): (?:ret = NF_DROP; -> ; #1|goto out; -> ; #3))$/,
    'nf_conntrack_in() drops where its table is full or memory runs out, which the model has not',
  ],
  [
    /^reroute_ask_policies\(\): (?:err < 0 -> 0|return err; -> ;)$/,
    'the key of an IPv4 packet can always be read; only a security module may refuse it, of which the model has none',
  ],
  [
    /^(?:reroute_ask_policies\(\): (?:skb_headroom\(skb\) < hh_len .* -> 0|< -> <= #2|- -> \+)|ipt_mangle_out\(\): th = tcp_hdr\(skb\); -> ; #2)$/,
    'ip_route_reroute() has made the room that the link needs; only an IPsec tunnel leads by another, of which the model has none',
  ],
  [
    /^mended\.h: ipt_mangle_out\(\): 0 -> \(0 \+ 1\) #5$/,
    'the number of a socket that is not of TCP, which nothing reads',
  ],
  [
    /^reroute_has_cookie\(\): (?:1 -> \(1 \+ 1\)|tcp_parse_options\(.*|>= -> >|0 -> \(0 \+ 1\) #2)$/,
    'a SYN has the option while tp->fastopen_req is set, which is asked first; a raw one of the model has no options',
  ],
];

/** Reasons that hold where a change is made for ask-first.c alone, which shares headers with texts that need what they say. */
const REASONS_OF_ASK_FIRST: typeof REASONS = [
  [
    /^ip_route_reroute\(\): (?:skb_dst\(skb\)->error -> 1|hh_len = .*; -> ;|skb_headroom\(skb\) < hh_len .* -> 0|< -> >=)$/,
    'nobody sends the packet that is asked about: it needs no room for a header',
  ],
  [
    /^ipt_mangle_source\(\): (?:given == mark && .* == tos -> 0|return saddr; -> ; #3)$/,
    'where neither mark nor TOS changes, the lookups that follow lead to the same route',
  ],
  [/^reroute_first_flow\(\): break; -> ; #1$/, 'UDP has its ports where TCP has them'],
  [
    /^reroute_first_flow\(\): (?:fl4->fl4_dport = htons\(icmp_hdr.*|<< -> >>|8 -> \(8 \+ 1\)|\| -> &)$/,
    'no rule and no policy of the model asks for the type of an ICMP message',
  ],
  [/^reroute_flow\(\): fl4->flowi4_l3mdev = .*; -> ;$/, 'nothing is asked where the device is in a VRF'],
  [
    /^reroute_take_source\(\): (?:true -> false|false -> true) #1$/,
    'who has no source, or none that leads anywhere, is asked about next',
  ],
];

/** The reason why that change makes no difference to those texts, '' when none is known. */
export function reasonFor(
  { file, within, nth, from, to }: Omit<Change, 'line' | 'kind' | 'text'>,
  texts: readonly string[],
): string {
  const change = `${within}(): ${from} -> ${to}`;
  const forms = [change, `${change} #${nth}`, `${file.replace(/.*\//, '')}: ${change} #${nth}`];
  const isAskFirst = texts.length === 1 && texts[0] === 'ask-first';
  const all = isAskFirst ? [...REASONS, ...REASONS_OF_ASK_FIRST] : REASONS;
  return all.find(([pattern]) => forms.some((form) => pattern.test(form)))?.[1] ?? '';
}
