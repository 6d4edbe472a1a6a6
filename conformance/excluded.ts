/**
 * Behaviour of kernels that is deliberately not compared: the one list.
 *
 * Everything else that a generated case shows is compared; a difference that is not in this list is a fault of the model.
 */
import type { RouteAnswer } from './running/player.ts';

export interface Excluded {
  readonly what: string;
  readonly reason: string;
  /** `newer`: the running kernel is newer than the reference release, and the model follows the latter; the test kernel is compared. */
  readonly kind: 'newer' | 'not modelled' | 'not drawn' | 'tool';
  readonly source: string;
  /** What makes answers of both alike: applied to the model's and to the kernel's. */
  readonly answer?: (question: string, answer: RouteAnswer, host: readonly string[]) => RouteAnswer;
}

/** A unicast route to groups alone. */
const UNICAST_TO_GROUPS = /^ip route (add|append|prepend|replace|change) (unicast )?(22[4-9]|23\d)\./;

export const EXCLUDED: readonly Excluded[] = [
  {
    what: 'The errno for a packet that input routing refuses: EXDEV of the reverse path filter is EINVAL',
    reason:
      'Later releases return a drop reason from input routing, and `ip route get … iif` turns every reason into EINVAL.',
    kind: 'newer',
    source: 'net/ipv4/route.c, ip_route_input_slow() and inet_rtm_getroute(): Linux 6.14 and later',
    answer: (question, answer) =>
      / iif /.test(question) && answer.error === 'Invalid cross-device link' ? { error: 'Invalid argument' } : answer,
  },
  {
    what: 'Whether an answer says multicast, on a host with a unicast route to groups',
    reason:
      'A nexthop keeps the route that it made first, with its type, for all that follow, groups or not; which question came first on a processor decides. The model makes each route anew.',
    kind: 'not modelled',
    source: 'net/ipv4/route.c, __mkroute_output(): nhc_pcpu_rth_output',
    answer: (_, answer, host) => {
      if (!host.some((command) => UNICAST_TO_GROUPS.test(command))) return answer;
      const { type, cache, ...rest } = answer;
      const others = Array.isArray(cache) ? cache.filter((flag) => flag !== 'mc') : cache;
      return { ...rest, cache: others, ...(type === undefined || type === 'multicast' ? {} : { type }) };
    },
  },
  {
    what: 'The flags `offload`, `rt_offload_failed` and their like in an answer',
    reason: 'iproute2 takes RTCF bits of a route for RTM_F bits of the same number: nothing that the kernel decided.',
    kind: 'tool',
    source: 'iproute2 ip/iproute.c, print_rt_flags()',
    answer: (_, { flags, ...answer }) => answer,
  },
  {
    what: 'Rate limits of ICMP messages and of acknowledgements for segments out of window',
    reason:
      'They depend on the clock. The player switches them off; for the comparison the model forgets its last acknowledgement.',
    kind: 'not drawn',
    source: 'net.ipv4.icmp_ratelimit, icmp_msgs_per_sec, tcp_invalid_ratelimit',
  },
  {
    what: 'Waiting: the end of TIME_WAIT, of connection tracking entries and of connections whose retransmissions stop',
    reason:
      "A case would take a minute or more. The model's timers are pinned in test/model; `replay --on kernel` does wait.",
    kind: 'not drawn',
    source: 'conformance/wire.ts, quick()',
  },
  {
    what: 'A host whose lo is down',
    reason: 'The player brings lo up before anything else, as every machine does when it starts.',
    kind: 'not drawn',
    source: 'conformance/player/kernel.py, Host; model/host/newWorld.ts',
  },
  {
    what: 'Retransmissions by a timer during another event, a `wait` included',
    reason:
      'In a scenario a timer fires when an event says so. The player lists what comes by itself apart, as `late`.',
    kind: 'not modelled',
    source: 'conformance/player/events.py, sent()',
  },
  {
    what: 'A FIN, with data or without, behind data that was sent again and is not acknowledged, and what follows it',
    reason:
      'Linux 6.1 sends it whatever the congestion window says; on 6.18 it waits, where the window is one segment.',
    kind: 'newer',
    source: 'net/ipv4/tcp_output.c, tcp_cwnd_test() of Linux 6.1; observed on 6.1 and 6.18',
  },
  {
    what: 'Which echo identifier translation takes instead of one that is taken',
    reason:
      'Linux 6.1 begins to look at a random number, later releases at 0, so that a flow may get what one before it had.',
    kind: 'newer',
    source: 'net/netfilter/nf_nat_core.c, nf_nat_l4proto_unique_tuple(); observed on Linux 6.18: always 0',
  },
  {
    what: 'Tail loss probes, and the timers of two sockets in another order than they were set where a rule counts packets',
    reason:
      'The first come before the timer that an event means, and are switched off. The second depend on slots of the timer wheel; the player keeps such timers apart, or says that the kernel cannot be asked.',
    kind: 'not drawn',
    source: 'net.ipv4.tcp_early_retrans; conformance/player/events.py, do_retransmit()',
  },
  {
    what: 'route_localnet that changes when there are routes',
    reason:
      "A nexthop keeps the source chosen for it until an address changes, and this setting, which widens the choice, does not renew it. The model chooses anew. It is set before a host's routes.",
    kind: 'not drawn',
    source: 'net/ipv4/fib_semantics.c, fib_result_prefsrc(); conformance/routing.ts, drawLocalnet()',
  },
  {
    what: 'A TOS above 0x1c in questions, rules and routes',
    reason: 'The reference release looks at the bits 0x1c of it, later ones at the whole DSCP.',
    kind: 'newer',
    source: 'include/net/ip.h, INET_DSCP_MASK: Linux 6.12 and later',
  },
  {
    what: 'Which port a kernel chooses',
    reason: 'It depends on secrets. Chosen ports are compared for equal or different, and must lie in the range.',
    kind: 'not modelled',
    source: 'net/ipv4/inet_hashtables.c, __inet_hash_connect(); net/ipv4/udp.c, udp_lib_get_port()',
  },
  {
    what: 'Ports that connect() finds after a socket was bound to them beside a connected one, and closed',
    reason:
      'In the reference release such a port is not chosen again as long as the connected socket has it; later releases forget the bind.',
    kind: 'newer',
    source: 'net/ipv4/inet_hashtables.c, __inet_put_port(): Linux 6.18',
  },
  {
    what: 'A datagram to a connected socket whose source port is translated in INPUT, because its tuple was taken',
    reason:
      'The kernel has found the socket before that, by early demux, and keeps it; the model looks for it behind INPUT, and finds none.',
    kind: 'not drawn',
    source: 'net/ipv4/ip_input.c, ip_rcv_finish_core(); conformance/proxy.ts, where TCP alone is translated',
  },
  {
    what: 'A datagram whose connection clashes with one in another zone',
    reason:
      'The reference release, asked by `replay --on patched-kernel`, lets it pass under the connection that was first; later ones drop it. Corners draw whole zones alone.',
    kind: 'newer',
    source: 'net/netfilter/nf_conntrack_core.c, __nf_ct_resolve_clash()',
  },
  {
    what: 'A translation to a tuple whose connection is in TIME_WAIT',
    reason:
      'Later releases end that connection where the sequence number of the new SYN, a secret, lies behind its own.',
    kind: 'newer',
    source: 'net/netfilter/nf_nat_core.c, nf_nat_used_tuple_harder()',
  },
  {
    what: 'A segment that closes the window and is no newer than the last',
    reason: 'Later releases take its window, the reference release does not.',
    kind: 'newer',
    source: 'net/ipv4/tcp_input.c, tcp_may_update_window()',
  },
  {
    what: 'Whether `-D ... -j CT --notrack` takes back what `-j NOTRACK` added',
    reason: 'iptables writes them alike and tells them apart; the model does not.',
    kind: 'tool',
    source: 'iptables extensions/libxt_CT.c',
  },
  {
    what: 'An error that quotes a segment of the peer',
    reason: "The player's peer has options in its segments that the model's has not, so that the quotation is longer.",
    kind: 'not drawn',
    source: 'conformance/player/events.py, note_arrival()',
  },
  {
    what: 'Sets of type hash:net,net and hash:net,port,net',
    reason: 'The running kernel was built without them.',
    kind: 'not drawn',
    source: 'conformance/corners/settings.ts, SET_TYPES',
  },
  {
    what: 'Which path of several a kernel takes',
    reason: 'It depends on a secret. What each path answers to a question with its device is compared.',
    kind: 'not drawn',
    source: 'net/core/flow_dissector.c, hashrnd',
  },
  {
    what: 'IPsec policies with a template',
    reason: 'The running kernel has no ESP, and the model shows a protected packet before its transformation.',
    kind: 'not drawn',
    source: 'model/kernel/net/xfrm/xfrm_policy.ts',
  },
  {
    what: 'A range of two ports or a few',
    reason: "Which sockets may share a port then depends on the kernel's choice; ranges of one port are drawn.",
    kind: 'not drawn',
    source: 'conformance/wire.ts',
  },
  {
    what: 'What happens after SO_BINDTODEVICE fails',
    reason: 'The model opens no socket then, a program has an unbound one; nothing behind that event is compared.',
    kind: 'not modelled',
    source: 'model/kernel/net/ipv4/af_inet.ts, inet_create()',
  },
  {
    what: 'The mark of a packet on the wire',
    reason: 'It is not on the wire. Routing, filters and replies show what it was.',
    kind: 'not modelled',
    source: 'trace --json, packet.mark',
  },
  {
    what: 'Sequence numbers and TCP options other than Fast Open',
    reason:
      'Initial sequence numbers and timestamps depend on secrets and the clock. The peer uses what it saw, so a wrong number shows as an answer that is not taken.',
    kind: 'not modelled',
    source: 'conformance/modelTrace.ts, Peer',
  },
  {
    what: 'Links other than veth and tun',
    reason:
      'This kernel has no gre, ipip, vti, ppp, wireguard and real dummy links; the player makes a tun of a link for programs, and a veth pair of the others. The test kernel has ipip, VRFs and wireguard: stored counterexamples and test/conformance/wireguard.test.ts ask it.',
    kind: 'not drawn',
    source: 'conformance/player/kernel.py, link_command() and ip_command()',
  },
  {
    what: 'What a tunnel is given to send, and answers inside it',
    reason: 'The player sees the wire, where the outer packet is; its peer does not look into that.',
    kind: 'not drawn',
    source: 'conformance/modelTrace.ts, onWire()',
  },
  {
    what: 'On the test kernel, a packet of protocol 47 that arrives, or that a raw socket sends',
    reason:
      'GRE is built into it and takes every packet that arrives; in the model no protocol does, and the sender learns so. Connection tracking there was built without GRE, so that NAT lets one out whose header is too short for it. Drawn with protocol 99.',
    kind: 'not drawn',
    source:
      'net/ipv4/gre_demux.c, gre_rcv(); net/netfilter/nf_nat_proto.c, gre_manip_pkt(); conformance/patched/config',
  },
  {
    what: 'On the test kernel: tables of nf_tables, sets but those of hash:ip and hash:net, `-m cgroup`, `conntrack -D` and `-F`, and with a patch links of kind ppp and wireguard',
    reason:
      'It was not built with them, and a tun stands for those links, which needs less room in front of a packet. Scenarios with such a word are passed over there, and the next ones of the seed played; the running kernel is asked about all of them.',
    kind: 'not drawn',
    source: 'conformance/patched/config; conformance/patched/random.ts, LACKING',
  },
];
