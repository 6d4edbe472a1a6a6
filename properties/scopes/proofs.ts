/**
 * The scope of proofs: scenarios whose structure is given and whose numbers are ranges. `{name}` in a line stands for
 * any number of that name; the solver takes all of them at once, fast-check's agreement check draws some.
 */
import { fill, type PlaceValues } from './template.ts';

/** What a place may stand for: every whole number from `lo` to `hi`. */
export interface Place {
  readonly name: string;
  readonly is: 'address' | 'number';
  readonly lo: number;
  readonly hi: number;
  /** What a reader knows, tried first. */
  readonly familiar: readonly number[];
}

/** A scenario with places in it: the commands of the host, then events. */
export interface ProofShape {
  /** kebab-case. */
  readonly name: string;
  readonly host: readonly string[];
  readonly events: readonly string[];
}

export interface ShapeScope {
  /** kebab-case. */
  readonly name: string;
  /** One line for the report: what is inside. */
  readonly text: string;
  readonly places: readonly Place[];
  /** Smallest first. */
  readonly shapes: readonly ProofShape[];
}

const U32 = 0xffffffff;

/** 10.0.0.1 and the like. */
function address(a: number, b: number, c: number, d: number): number {
  return a * 0x1000000 + b * 0x10000 + c * 0x100 + d;
}

/** The numbers that shapes have places for. */
export const proofPlaces: readonly Place[] = [
  { name: 'a0', is: 'address', lo: address(10, 0, 0, 1), hi: address(10, 0, 0, 126), familiar: [address(10, 0, 0, 1)] },
  { name: 'a1', is: 'address', lo: address(10, 1, 0, 1), hi: address(10, 1, 0, 126), familiar: [address(10, 1, 0, 1)] },
  {
    name: 'g0',
    is: 'address',
    lo: address(10, 0, 0, 129),
    hi: address(10, 0, 0, 254),
    familiar: [address(10, 0, 0, 254)],
  },
  {
    name: 'g1',
    is: 'address',
    lo: address(10, 1, 0, 129),
    hi: address(10, 1, 0, 254),
    familiar: [address(10, 1, 0, 254)],
  },
  {
    name: 'to',
    is: 'address',
    lo: address(8, 0, 0, 0),
    hi: address(8, 255, 255, 255),
    familiar: [address(8, 8, 8, 8)],
  },
  {
    name: 'and',
    is: 'address',
    lo: address(9, 0, 0, 0),
    hi: address(9, 255, 255, 255),
    familiar: [address(9, 9, 9, 9)],
  },
  { name: 'port', is: 'number', lo: 1, hi: 65535, familiar: [80] },
  { name: 'wanted', is: 'number', lo: 1, hi: U32, familiar: [100] },
  { name: 'mask', is: 'number', lo: 1, hi: U32, familiar: [U32] },
  { name: 'mark', is: 'number', lo: 0, hi: U32, familiar: [100] },
];

/** The post's host: two uplinks, and a rule that sends what the mangle table marks through the second. */
const host: readonly string[] = [
  'ip link add eth0 type veth peer name eth0p',
  'ip link set eth0 up',
  'ip addr add {a0}/24 dev eth0',
  'ip link add eth1 type veth peer name eth1p',
  'ip link set eth1 up',
  'ip addr add {a1}/24 dev eth1',
  'ip route add default via {g0} src {a0}',
  'ip route add default via {g1} src {a1} table 100',
  'ip rule add fwmark {wanted}/{mask} table 100',
  'sysctl -w net.ipv4.ping_group_range="0 2147483647"',
  'iptables -t mangle -A OUTPUT -d 8.8.8.8 -j MARK --set-mark {mark}',
];

/** The same, where the marked packets' second lookup fails. */
const unreachable = host.map((line) =>
  line.endsWith('table 100') && line.includes('default') ? 'ip route add unreachable default table 100' : line,
);

/** The same, where the second link has neither address nor gateway. */
const unnumbered = host
  .filter((line) => !line.includes('addr add {a1}'))
  .map((line) => line.replace('via {g1} src {a1}', 'dev eth1'));

/** The same with one mark and one rule: where many events follow, a free mark would split the structure. */
const steady = host.map((line) => fill(line.replace('/{mask}', ''), { wanted: '100', mark: '100' }));

/** A firewall that lets nothing in but answers. */
const stateful: readonly string[] = [
  'iptables -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
  'iptables -A INPUT -j DROP',
];

/** The mark of a packet is kept with its connection and given to answers, and the host's strict filter sees it. */
const connectionMark: readonly string[] = [
  'iptables -t mangle -A OUTPUT -j CONNMARK --save-mark',
  'iptables -t mangle -A PREROUTING -j CONNMARK --restore-mark',
  'sysctl -w net.ipv4.conf.all.rp_filter=1',
  'sysctl -w net.ipv4.conf.all.src_valid_mark=1',
];

/** The mark of a connection comes with answers by the first link, and goes to what is sent next. */
const markedByLink: readonly string[] = [
  'iptables -t mangle -A PREROUTING -i eth0 -j CONNMARK --set-mark 100',
  'iptables -t mangle -A OUTPUT -j CONNMARK --restore-mark',
];

/** A tunnel over the first uplink, whose outer packets are marked. */
const tunnel: readonly string[] = [
  'ip link add tun0 type ipip local {a0} remote {g0}',
  'ip link set tun0 up',
  'ip addr add 10.2.0.1/24 dev tun0',
  'iptables -t mangle -A OUTPUT -d {g0} -j MARK --set-mark {mark}',
];

/** The second link in a VRF. */
const vrf: readonly string[] = [
  'ip link add vrf0 type vrf table 10',
  'ip link set vrf0 up',
  'ip link set eth1 master vrf0',
  'ip route add default via {g1} table 10',
];

/** The marked packets' table has a route of two paths, chosen by ports, too. */
const twoPaths: readonly string[] = [
  'ip route replace default table 100 nexthop via {g1} nexthop via {g0}',
  'sysctl -w net.ipv4.fib_multipath_hash_policy=1',
];

/** One port, whose tuples are used again while they are in TIME_WAIT. */
const onePort: readonly string[] = [
  'sysctl -w net.ipv4.tcp_tw_reuse=1',
  'sysctl -w net.ipv4.ip_local_port_range="40000 40000"',
];

/** Data in a SYN needs no cookie. */
const noCookie = 'sysctl -w net.ipv4.tcp_fastopen=5';

/** Of two packets that leave, the first is dropped. */
const everySecond = 'iptables -A OUTPUT -m statistic --mode nth --every 2 --packet 0 -j DROP';

/** The post's own addresses, and destinations that are familiar. */
const OWN: PlaceValues = {
  a0: '10.0.0.1',
  a1: '10.1.0.1',
  g0: '10.0.0.254',
  g1: '10.1.0.254',
  to: '8.8.8.8',
  and: '9.9.9.9',
};

/** Lines with the post's own addresses in the places for addresses. */
function own(lines: readonly string[]): readonly string[] {
  return lines.map((line) => fill(line, OWN));
}

/** A shape on a host with further commands. */
function on(
  base: readonly string[],
  more: readonly string[],
): (name: string, ...events: readonly string[]) => ProofShape {
  return (name, ...events) => ({ name, host: [...base, ...more], events });
}

const shape = on(host, []);

/** Long scenarios, once with all packets marked and once with none. */
function either(name: string, ...events: readonly string[]): readonly ProofShape[] {
  const sentTo = (to: string) => events.map((line) => fill(line, { to }));
  return [
    { name: `${name}-marked`, host: steady, events: sentTo('8.8.8.8') },
    { name, host: steady, events: sentTo('{and}') },
  ];
}

export const postHost: ShapeScope = {
  name: 'post-host',
  text: "the post's host, every address and gateway in its two /24s, every mark, rule mark and mask; packets to 8.8.8.8 are marked; any destination in 8.0.0.0/8 (9.0.0.0/8 for a second one), any port; also with the marked packets' table unreachable or its link unnumbered, rules by source, port and user, a bound or asked device, DONTROUTE, an IPsec policy, a small MTU, TCP-MD5, a stateful firewall, a rule that drops, an ipip tunnel, the second link in a VRF; what one or two sockets, or one arriving packet, make the host send; longer TCP exchanges and Fast Open with the mark 100 or none, data in a SYN, a server that speaks first, one on any address, a connection's mark, a group, a route of two paths and a user's own segment with the post's own addresses",
  places: proofPlaces,
  shapes: [
    shape('ping', 'socket c ping', 'send c 4 to {to}'),
    shape('udp', 'socket c udp', 'send c 4 to {to}:{port}'),
    shape('tcp', 'socket c tcp', 'connect c {to}:{port}'),
    on(unreachable, [])('udp-unreachable', 'socket c udp', 'send c 4 to {to}:{port}'),
    on(unreachable, [])('tcp-unreachable', 'socket c tcp', 'connect c {to}:{port}'),
    on(unnumbered, [])('udp-unnumbered', 'socket c udp', 'send c 4 to {to}:{port}'),
    shape('udp-bound', 'socket c udp', 'bind c {a0}:5000', 'send c 4 to {to}:{port}'),
    shape('udp-source', 'socket c udp', 'send c 4 to {to}:{port} from {a0}'),
    shape('hdrincl-source', 'socket c hdrincl', 'send c 4 to {to} from {a0}'),
    shape('udp-twice', 'socket c udp', 'send c 4 to {to}:{port}', 'send c 4 to {and}:{port}'),
    shape('udp-connected', 'socket c udp', 'connect c {to}:{port}', 'send c 4'),
    shape('ping-connected', 'socket c ping', 'connect c {to}:0', 'send c 4'),
    shape('echo', 'receive eth0 {to} > {a0} icmp echo-request'),
    shape('closed-port', 'receive eth0 {to}:{port} > {a0}:80 tcp S'),
    shape('tcp-bound', 'socket c tcp', 'bind c 0.0.0.0:5000', 'connect c {to}:{port}'),
    shape('listener', 'socket c tcp', 'bind c {a0}:80', 'listen c', 'receive eth0 {and}:{port} > {a0}:80 tcp S'),
    on(steady, [])(
      'listener-marked',
      'socket c tcp',
      'bind c {a0}:80',
      'listen c',
      'receive eth0 8.8.8.8:{port} > {a0}:80 tcp S',
    ),
    on(steady, [])(
      'stray-segment',
      'socket c tcp',
      'bind c {a0}:80',
      'listen c',
      'receive eth0 8.8.8.8:{port} > {a0}:80 tcp .',
    ),
    shape('device-bound', 'socket c udp dev eth0', 'send c 4 to {to}:{port}'),
    shape('device-asked', 'socket c udp', 'send c 4 to {to}:{port} via eth0'),
    shape('dontroute', 'socket c udp dev eth0', 'send c 4 to {to}:{port} dontroute'),
    on(host, ['ip rule add from {a0} table 101', 'ip route add default via {g1} table 101'])(
      'rule-by-source',
      'socket c udp',
      'bind c {a0}:5000',
      'send c 4 to {to}:{port}',
    ),
    on(host, ['ip rule add dport 53 table 100'])('rule-by-port', 'socket c udp', 'send c 4 to {to}:{port}'),
    on(host, ['ip rule add uidrange 53-53 table 100'])(
      'rule-by-user',
      'socket c udp uid 53',
      'send c 4 to {to}:{port}',
    ),
    on(host, ['ip xfrm policy add dir out src 10.0.0.0/8 dst 8.0.0.0/8 tmpl proto esp'])(
      'policy',
      'socket c udp',
      'send c 4 to {to}:{port}',
    ),
    on(host, ['iptables -A OUTPUT -d 8.8.8.8 -j DROP'])('dropped-later', 'socket c udp', 'send c 4 to {to}:{port}'),
    on(host, stateful)('stateful-udp', 'socket c udp', 'send c 4 to {to}:{port}', 'answer c'),
    on(steady, stateful)('stateful-tcp', 'socket c tcp', 'connect c 8.8.8.8:{port}', 'answer c'),
    on(host, ['ip link set eth1 mtu 1000'])('small-link', 'socket c tcp', 'connect c {to}:{port}'),
    shape('tcp-signed', 'socket c tcp md5', 'connect c {to}:{port}'),
    on(host, vrf)('vrf-echo', 'receive eth1 {to} > {a1} icmp echo-request'),
    on(host, tunnel)('tunnel', 'socket c ping dev tun0', 'send c 4 to 10.2.0.254'),
    ...either('tcp-retransmitted', 'socket c tcp', 'connect c {to}:{port}', 'retransmit c'),
    ...either('tcp-two', 'socket c tcp', 'connect c {to}:{port}', 'socket d tcp', 'connect d {to}:{port}'),
    ...either('tcp-answered', 'socket c tcp', 'connect c {to}:{port}', 'answer c'),
    ...either('tcp-data', 'socket c tcp', 'connect c {to}:{port}', 'answer c', 'send c 4'),
    on(own(steady), connectionMark)('connection-mark', 'socket c udp', 'send c 4 to 8.8.8.8:53', 'answer c'),
    on(own(steady), ['iptables -t mangle -A OUTPUT -d 224.0.0.5 -j MARK --set-mark 100'])(
      'group',
      'socket c udp',
      'send c 4 to 224.0.0.5:53',
    ),
    on(own(steady), [])(
      'server',
      'socket c udp',
      'bind c 0.0.0.0:53',
      'receive eth0 8.8.8.8:999 > 10.0.0.1:53 udp 4',
      'send c 4 to 8.8.8.8:999',
    ),
    on(own(steady), own(twoPaths))(
      'two-paths',
      'socket c udp',
      'bind c 10.0.0.1:5000',
      'send c 4 to 8.8.8.8:53',
      'send c 4 to 8.8.8.8:53',
    ),
    on(own(steady), [])('raw-segment', 'socket c raw tcp', 'send c 4 to 8.8.8.8:80 flags S'),
    on(own(steady), [])('tcp-greeted', 'socket c tcp', 'connect c 8.8.8.8:80', 'answer c', 'say c 4'),
    on(own(steady), [noCookie])('syn-data', 'socket c tcp', 'send c 4 to 8.8.8.8:80 tfo', 'answer c'),
    on(own(steady), [noCookie, everySecond])('syn-data-dropped', 'socket c tcp', 'send c 4 to 8.8.8.8:80 tfo'),
    on(steady, [])(
      'cookie',
      'socket c tcp',
      'connect c 8.8.8.8:{port} tfo',
      'answer c',
      'socket d tcp',
      'send d 4 to 8.8.8.8:{port} tfo',
    ),
    // Version 2 takes the cookie from what it moves, so that only a SYN that no rule marks leaves with one.
    on(steady, [])(
      'cookie-unmarked',
      'socket c tcp',
      'connect c 9.9.9.9:80 tfo',
      'answer c',
      'socket d tcp',
      'send d 4 to 9.9.9.9:80 tfo',
    ),
  ],
};

/** What checksums of whole exchanges do not close in. */
const TOO_LONG = /^(cookie|cookie-unmarked|tcp-answered|tcp-data)$/;

/** For promises about checksums, which do not close over symbolic addresses; the lemmas on checksums speak of those. */
export const postAddresses: ShapeScope = {
  name: 'post-addresses',
  text: `the shapes of ${postHost.name} but for cookies and unmarked exchanges, with the post's own addresses, 8.8.8.8 and 9.9.9.9; every mark, rule mark, mask and port, and whatever sequence numbers the hash gives`,
  places: proofPlaces,
  shapes: postHost.shapes
    .filter(({ name }) => !TOO_LONG.test(name))
    .map((one) => ({ ...one, host: own(one.host), events: own(one.events) })),
};

/** For promises about a connection that follows another on its tuple; under NAT so many events do not close. */
const timeWait: ShapeScope = {
  name: 'time-wait',
  text: "the post's host with every address and gateway in its two /24s, all traffic to 8.8.8.8 marked, one local port, TIME_WAIT reused: a connection to any port, closed, and another one a second later",
  places: proofPlaces,
  shapes: ['socket d tcp', 'socket d tcp mark 100'].map((second, at) =>
    on(steady, onePort)(
      at === 0 ? 'then-unmarked' : 'then-marked',
      'socket c tcp mark 100',
      'connect c 8.8.8.8:{port}',
      'answer c',
      'close c',
      'answer c',
      'wait 1',
      second,
      'connect d 8.8.8.8:{port}',
    ),
  ),
};

/** Rules that ask for the TOS, and one that sets it. */
const byTos: readonly string[] = [
  'ip rule add tos 0x10 table 100',
  'iptables -t mangle -A OUTPUT -d 8.8.8.8 -j TOS --set-tos 0x10',
];

/** For promises about what a packet has from its socket: its mark and its TOS. */
const ownMark: ShapeScope = {
  name: 'own-mark',
  text: "the post's host with every address and gateway in its two /24s, every mark, rule mark and mask, and a rule by TOS: what a socket with or without a mark sends to any destination in 8.0.0.0/8",
  places: proofPlaces,
  shapes: [
    on(host, byTos)('udp-tos', 'socket c udp', 'send c 4 to {to}:{port}'),
    on(host, byTos)('tcp-tos', 'socket c tcp', 'connect c {to}:{port}'),
    shape('udp-own-mark', 'socket c udp mark 100', 'send c 4 to {to}:{port}'),
    shape('udp-other-mark', 'socket c udp mark 7', 'send c 4 to {to}:{port}'),
    shape('tcp-other-mark', 'socket c tcp mark 7', 'connect c {to}:{port}'),
  ],
};

/** For promises about ports: connections to one peer, for which there is one. */
const samePeer: ShapeScope = {
  name: 'same-peer',
  text: "the post's host with every address and gateway in its two /24s, all traffic to 8.8.8.8 marked, one local port: a connection there, and two to one peer in 9.0.0.0/8, any port",
  places: proofPlaces,
  shapes: [
    on(steady, onePort)(
      'two-unmarked',
      'socket c tcp',
      'connect c 8.8.8.8:{port}',
      'socket d tcp',
      'connect d {and}:{port}',
      'socket e tcp',
      'connect e {and}:{port}',
    ),
  ],
};

/** For promises about the marks of connections that answers get. */
const answeredMark: ShapeScope = {
  name: 'answered-mark',
  text: "the post's host with its own addresses, on which answers by the first link give their connection the mark 100, which what is sent next gets: three datagrams to any port of 8.8.8.8, and answers between them",
  places: proofPlaces,
  shapes: [
    on(own(steady), markedByLink)(
      'udp',
      'socket c udp',
      'send c 4 to 8.8.8.8:{port}',
      'answer c',
      'send c 4 to 8.8.8.8:{port}',
      'answer c',
      'send c 4 to 8.8.8.8:{port}',
    ),
  ],
};

/** The scopes of proofs, by name. */
export const proofScopes = {
  'post-host': postHost,
  'post-addresses': postAddresses,
  'time-wait': timeWait,
  'own-mark': ownMark,
  'same-peer': samePeer,
  'answered-mark': answeredMark,
} as const;

export type ProofScope = keyof typeof proofScopes;
