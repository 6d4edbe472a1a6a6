/**
 * Scopes of properties over runs: which hosts and which events a search may build. Data, not distributions:
 * fast-check draws from it, the solver enumerates its structure, the report prints `text`. In a line, `{a0}` is the address
 * of the first link and `{g0}` its gateway, `{a1}` and `{g1}` those of the second.
 */

/** What may stand in one rule of mangle OUTPUT, as iptables words. */
export interface MangleWords {
  readonly matches: readonly string[];
  readonly targets: readonly string[];
}

export interface RunScope {
  /** kebab-case. */
  readonly name: string;
  /** One line for the report: what is inside. */
  readonly text: string;
  /** Part of the scenarios of a search that are drawn from it, in percent. */
  readonly share: number;
  /** Per link: the address it may have, with prefix length; the gateway is .254 of that prefix. The first is the post's. */
  readonly uplinks: readonly (readonly string[])[];
  /** Per link: the words behind `ip link add {dev}`, a veth where there are none. */
  readonly links: readonly (readonly string[])[];
  /** Further commands, of which at most `extras` are drawn, each at its place behind the plain host; `;` parts several. */
  readonly extra: readonly string[];
  readonly extras: number;
  /** What table 100 holds. */
  readonly table100: readonly string[];
  /** Rules that may lead to table 100. */
  readonly rules: readonly string[];
  readonly mangle: MangleWords;
  readonly mangleRules: number;
  /** Words of `socket {s} …`; `;` and further events may follow. */
  readonly sockets: readonly string[];
  /** Words that may follow them, of which one is drawn for every fourth socket. */
  readonly socketOptions: readonly string[];
  /** Words that may follow a send of a datagram or raw socket. */
  readonly sendOptions: readonly string[];
  readonly maxSockets: number;
  readonly destinations: readonly string[];
  readonly ports: readonly number[];
  readonly lengths: readonly number[];
  /** Packets that may arrive, as `receive` words. */
  readonly arrivals: readonly string[];
  /** Commands in the middle of things. */
  readonly changes: readonly string[];
  /** Commands of every host. */
  readonly base: readonly string[];
  /** Seconds that may pass. */
  readonly waits: readonly string[];
  /** Whether a TCP socket may go through a whole connection at once: connect, answer, close, answer. */
  readonly conversations: boolean;
  /** Whether a timer that fires may go on firing, until the cached route is dropped. */
  readonly silences: boolean;
  readonly events: number;
  /** Whether connections may be opened with Fast Open, and listeners take it. */
  readonly fastOpen: boolean;
}

/** Hosts like the post's, with everything that issue reports about policy routing mention, small enough to read. */
export const twoUplinks: RunScope = {
  name: 'two-uplinks',
  share: 100,
  text: 'one or two uplinks, up to two mangle OUTPUT rules, up to two source, port or protocol rules, tables with any kind of default, up to two sockets, up to six events',
  uplinks: [
    ['10.0.0.1/24', '10.0.0.2/24', '192.168.1.10/24', '198.51.100.7/24'],
    ['10.1.0.1/24', '10.1.0.2/24', '192.169.1.10/24', '203.0.113.9/24'],
  ],
  links: [],
  extra: [
    'ip addr add 10.1.0.7/24 dev eth1',
    'ip addr add 10.0.0.7/24 dev eth0',
    'ip rule add from 10.1.0.1 table 100',
    'ip rule add from 10.0.0.1 table main',
    'ip rule add ipproto tcp table 100',
    'ip rule add dport 80 table 100',
    'ip rule add uidrange 1000-1000 table 100',
    'ip route add 9.9.9.9 via 10.1.0.254',
    'ip route add 192.0.2.0/24 dev eth1',
    'iptables -A INPUT -m conntrack --ctstate INVALID,NEW -j DROP',
    'iptables -A OUTPUT -s 10.1.0.1 -j DROP',
    'iptables -A OUTPUT -o eth0 -p udp -j DROP',
    'iptables -t mangle -A OUTPUT -d 9.9.9.9 -j DROP',
    'sysctl -w net.ipv4.ip_local_port_range="40000 40000"',
    'sysctl -w net.ipv4.tcp_tw_reuse=1',
    'sysctl -w net.ipv4.tcp_fwmark_accept=1',
    'sysctl -w net.ipv4.fwmark_reflect=1',
  ],
  extras: 2,
  table100: [
    'ip route add default via {g1} src {a1} table 100',
    'ip route add default via {g1} table 100',
    'ip route add default via {g1} src 10.1.0.7 table 100',
    'ip route add unreachable default table 100',
    'ip route add prohibit default table 100',
    'ip route add blackhole default table 100',
    'ip route add throw default table 100',
  ],
  rules: [
    'ip rule add fwmark 100 table 100',
    'ip rule add fwmark 0x64/0xff table 100',
    'ip rule add tos 0x10 table 100',
  ],
  mangle: {
    matches: [
      '',
      '-d 8.8.8.8',
      '-p tcp',
      '-p udp',
      '-p icmp',
      '-p tcp --dport 80',
      '-p tcp --syn',
      '-p tcp --tcp-flags RST RST',
      '-m owner --uid-owner 1000',
      '-m statistic --mode nth --every 2 --packet 0',
    ],
    targets: ['MARK --set-mark 100', 'MARK --set-mark 200', 'TOS --set-tos 0x10'],
  },
  mangleRules: 2,
  sockets: ['tcp', 'udp', 'ping', 'raw icmp', 'hdrincl', 'raw tcp'],
  socketOptions: ['uid 1000', 'mark 100', 'dev eth0', 'dev eth1'],
  sendOptions: [],
  maxSockets: 2,
  destinations: ['8.8.8.8', '9.9.9.9', '10.0.0.9', '10.1.0.9'],
  ports: [80, 53],
  lengths: [4, 1, 5],
  arrivals: [
    'eth0 8.8.8.8 > {a0} icmp echo-request',
    'eth1 8.8.8.8 > {a1} icmp echo-request',
    'eth0 8.8.8.8:5000 > {a0}:80 tcp S',
    'eth0 8.8.8.8:5000 > {a0}:80 tcp .',
    'eth0 8.8.8.8:53 > {a0}:9 udp 4',
    'eth1 8.8.8.8:5000 > {a1}:80 tcp S',
  ],
  changes: [
    'ip route del default',
    'ip route add 192.0.2.7 via {g0}',
    'iptables -t mangle -F OUTPUT',
    'ip addr add 10.0.0.8/24 dev eth0',
  ],
  base: [],
  waits: ['61'],
  conversations: false,
  silences: false,
  events: 6,
  fastOpen: false,
};

/**
 * The same hosts with rules that mark all packets of a flow alike, on which MASQUERADE may be left in place. A flow that
 * changes its link under NAT is killed by the stock kernel, which is not the matter here.
 */
export const steadyMarks: RunScope = {
  ...twoUplinks,
  name: 'steady-marks',
  text: 'as two-uplinks, but every packet of a flow gets the same mark, and MASQUERADE on the second uplink is possible',
  extra: ['iptables -t nat -A POSTROUTING -o eth1 -j MASQUERADE', ...twoUplinks.extra],
  mangle: { ...twoUplinks.mangle, matches: ['', '-d 8.8.8.8', '-p tcp', '-p udp', '-p icmp', '-p tcp --dport 80'] },
  changes: [],
};

/** The same hosts with everything that a lookup may be told besides mark, destination and bound device. */
export const otherPaths: RunScope = {
  ...twoUplinks,
  name: 'other-paths',
  share: 40,
  text: 'as two-uplinks, with devices of one message, DONTROUTE, broadcasts, groups, links without address, and rules for ports, protocol, user and source',
  extra: [
    'ip rule add from {a1} table 100',
    'ip rule add from {a0} table main',
    'ip rule add from 10.1.0.0/16 unreachable',
    'ip rule add from {a0} unreachable pref 32765',
    'ip rule add from {a0} fwmark 100 unreachable pref 100',
    'ip rule add ipproto tcp table 100',
    'ip rule add ipproto udp dport 80 table 100',
    'ip rule add sport 5000 table 100',
    'ip rule add dport 80 fwmark 100 table main pref 100',
    'ip rule add uidrange 1000-1000 fwmark 100 table main pref 100',
    'ip rule add uidrange 0-0 fwmark 100 unreachable pref 100',
    'ip route add 9.9.9.9 via {g1}',
    'ip route add 9.9.9.0/24 dev eth1',
    'ip route add 8.8.8.0/24 dev eth1 table 100',
    'ip route add 10.0.0.0/24 via {g1} table 100',
    'ip route add default dev eth1 table 100',
    'ip addr add 10.1.0.7/24 dev eth1',
    'ip addr add 192.0.2.1/32 dev lo',
  ],
  extras: 3,
  socketOptions: [
    'uid 1000',
    'uid 1000',
    'dontroute',
    'broadcast',
    'unicast-if eth0',
    'unicast-if eth1',
    'dev eth0',
    'mark 100',
  ],
  sendOptions: ['via eth0', 'via eth1', 'dontroute', 'short'],
  destinations: [
    '8.8.8.8',
    '9.9.9.9',
    '10.0.0.9',
    '10.1.0.9',
    '10.0.0.255',
    '255.255.255.255',
    '224.0.0.5',
    '10.0.0.1',
  ],
};

/** Hosts with one provider, on which marks and TOS serve queueing and change no route. */
export const oneProvider: RunScope = {
  ...twoUplinks,
  name: 'one-provider',
  share: 20,
  text: 'one uplink with up to three addresses, one default route, marks and TOS for queueing in up to two mangle OUTPUT rules, rules by source, port or user, up to two sockets, up to six events',
  uplinks: [twoUplinks.uplinks[0] as readonly string[]],
  extra: [
    'ip addr add 10.0.0.7/24 dev eth0',
    'ip addr add 203.0.113.9/28 dev eth0',
    'ip addr add 192.0.2.1/32 dev lo',
    'ip route add 9.9.9.9 via {g0} src 10.0.0.7',
    'ip route add default via {g0} src 10.0.0.7 table 200',
    'ip rule add from 10.0.0.7 table 200',
    'ip rule add ipproto tcp table 200',
    'ip rule add dport 80 table 200',
    'ip rule add uidrange 1000-1000 table 200',
    'sysctl -w net.ipv4.fwmark_reflect=1',
  ],
  extras: 3,
  table100: [],
  rules: [],
  socketOptions: ['uid 1000', 'mark 100', 'dev eth0'],
  arrivals: [
    'eth0 8.8.8.8 > {a0} icmp echo-request',
    'eth0 8.8.8.8:5000 > {a0}:80 tcp S',
    'eth0 8.8.8.8:53 > {a0}:9 udp 4',
  ],
  changes: [],
};

/** The same hosts with the second link in a VRF, as a management network or a customer's has it. */
export const vrfHosts: RunScope = {
  ...twoUplinks,
  name: 'vrf-hosts',
  share: 20,
  text: 'as two-uplinks, with the second link in a VRF, rules before and behind the one for VRFs, sockets and messages with and without the VRF, routes that lead into it and out of it',
  uplinks: [twoUplinks.uplinks[0] as readonly string[], ['10.1.0.1/24']],
  base: [
    'ip link add vrf0 type vrf table 100',
    'ip link set vrf0 up',
    'ip link set eth1 master vrf0',
    'ip route add default via 10.1.0.254 table 100',
  ],
  extra: [
    'ip rule add fwmark 100 table 200 pref 500',
    'ip rule add fwmark 100 table 200 pref 2000',
    'ip rule add from 10.1.0.1 table 100 pref 500',
    'ip rule add fwmark 100 l3mdev pref 500',
    'ip rule add fwmark 100 table 100 pref 500',
    'ip rule add ipproto udp unreachable pref 2000',
    'ip route add throw 8.8.8.0/24 table 100',
    'ip route add unreachable 9.9.9.9 table 100',
    'ip route add 9.9.9.9 via {g0} dev eth0 table 100',
    'ip route add 9.9.9.9 dev vrf0',
    'ip route add 8.8.8.8 via 10.1.0.254 dev eth1 onlink',
    'ip a add 192.0.2.1/32 dev vrf0',
    'iptables -A OUTPUT -o vrf0 -p udp -j DROP',
    'iptables -t nat -A POSTROUTING -o eth1 -j MASQUERADE',
    'sysctl -w net.ipv4.fwmark_reflect=1',
  ],
  table100: ['ip route add default via {g0} table 200', 'ip route add unreachable default table 200'],
  mangle: {
    matches: ['', '-d 8.8.8.8', '-p udp', '-p icmp', '-o vrf0', '-o eth1', '-m owner --uid-owner 1000'],
    targets: ['MARK --set-mark 100', 'MARK --set-mark 200', 'TOS --set-tos 0x10'],
  },
  sockets: ['udp', 'tcp dev vrf0; connect {s} 8.8.8.8:80', 'ping', 'raw icmp', 'tcp', 'hdrincl'],
  socketOptions: ['dev vrf0', 'dev eth1', 'unicast-if vrf0', 'unicast-if eth1', 'mark 100', 'uid 1000'],
  sendOptions: ['via vrf0', 'via eth1', 'dontroute'],
  destinations: ['8.8.8.8', '9.9.9.9', '10.1.0.9', '10.0.0.9'],
  arrivals: [
    'eth1 8.8.8.8 > {a1} icmp echo-request',
    'eth1 8.8.8.8:5000 > {a1}:80 tcp S',
    'eth1 9.9.9.9:53 > {a1}:9 udp 4',
    'eth0 8.8.8.8 > {a0} icmp echo-request',
    'eth0 8.8.8.8:5000 > {a0}:80 tcp S',
  ],
  changes: ['ip link set eth1 nomaster', 'ip link set vrf0 down', 'iptables -t mangle -F OUTPUT'],
};

/** The same hosts with IPsec policies of output by address, protocol and port. */
export const protectedHosts: RunScope = {
  ...twoUplinks,
  name: 'protected-hosts',
  share: 20,
  text: 'as two-uplinks, with IPsec policies by address, protocol and port that protect or block',
  extra: [
    'ip xfrm policy add src {a0} dst 0.0.0.0/0 dir out tmpl proto esp',
    'ip xfrm policy add src {a1} dst 0.0.0.0/0 dir out tmpl proto esp',
    'ip xfrm policy add src 0.0.0.0/0 dst 8.8.8.8 dir out tmpl proto esp',
    'ip xfrm policy add src {a1} dst 8.8.8.8 dir out action block',
    'ip xfrm policy add src {a0} dst 9.9.9.9 dir out action block',
    'ip xfrm policy add src {a1} dst 0.0.0.0/0 proto udp dport 53 dir out action block',
    'ip xfrm policy add src {a1} dst 0.0.0.0/0 proto tcp dport 80 dir out action block',
    'ip xfrm policy add src {a1} dst 0.0.0.0/0 proto tcp sport 80 dir out action block',
    'ip xfrm policy add src {a1} dst 0.0.0.0/0 proto icmp dir out action block',
    'ip rule add from {a1} table 100',
    'ip addr add 10.1.0.7/24 dev eth1',
    'iptables -t nat -A POSTROUTING -o eth1 -j MASQUERADE',
  ],
};

/** Hosts on which packets of every owner reach the hook: tunnels, listeners, REJECT, answers to what arrives. */
export const owners: RunScope = {
  ...twoUplinks,
  name: 'owners',
  share: 40,
  text: 'as two-uplinks, with an ipip tunnel over the first uplink, REJECT rules, listeners on any address and what arrives for them',
  extra: [
    'ip link add tun0 type ipip local {a0} remote 198.51.100.9; ip link set tun0 up; ip addr add 192.168.9.1/24 dev tun0',
    'ip link add tun0 type ipip remote 198.51.100.9; ip link set tun0 up; ip addr add 192.168.9.1/24 dev tun0',
    'iptables -A INPUT -p tcp --dport 80 -j REJECT --reject-with tcp-reset',
    'iptables -A INPUT -p udp -j REJECT',
    'iptables -A OUTPUT -d 9.9.9.9 -j REJECT',
    'sysctl -w net.ipv4.ip_local_port_range="80 80"',
    'sysctl -w net.ipv4.fwmark_reflect=1',
    'ip rule add from 10.1.0.1 table 100',
  ],
  mangle: {
    matches: ['', '-d 198.51.100.9', '-d 8.8.8.8', '-p tcp', '-p udp', '-p 4', '-p tcp --tcp-flags RST RST'],
    targets: ['MARK --set-mark 100', 'TOS --set-tos 0x10'],
  },
  sockets: [
    'tcp',
    'udp',
    'tcp; bind {s} 0.0.0.0:80; listen {s}; receive eth0 8.8.8.8:5000 > {a0}:80 tcp S',
    'tcp; bind {s} 0.0.0.0:80; listen {s}; receive eth0 8.8.8.8:5000 > {a0}:80 tcp .',
    'ping',
    'raw icmp',
    'hdrincl',
    'raw tcp',
  ],
  socketOptions: ['dev tun0', 'dev eth0', 'mark 100', 'uid 1000'],
  destinations: ['8.8.8.8', '192.168.9.2', '9.9.9.9'],
  ports: [53, 80],
  arrivals: [
    'eth0 8.8.8.8:5000 > {a0}:80 tcp S',
    'eth0 8.8.8.8:5000 > {a0}:80 tcp .',
    'eth0 8.8.8.8 > {a0} icmp echo-request',
    'eth0 8.8.8.8:53 > {a0}:9 udp 4',
    'eth1 9.9.9.9:5000 > {a1}:80 tcp S',
  ],
  changes: ['ip route add 192.0.2.7 via {g0}'],
};

/** The same hosts with routes of several paths. */
export const severalPaths: RunScope = {
  ...twoUplinks,
  name: 'several-paths',
  share: 20,
  text: 'as two-uplinks, with default routes of two paths, over one link or both, hashed by addresses or by ports',
  extra: [
    'sysctl -w net.ipv4.fib_multipath_hash_policy=1',
    'ip rule add from {a1} table 100',
    'ip rule add ipproto tcp table 100',
    'ip addr add 10.1.0.7/24 dev eth1',
    'ip route replace default nexthop via {g0} nexthop via {g1}',
    'ip route replace default nexthop via {g0} nexthop via 10.0.0.253',
  ],
  table100: [
    'ip route add default table 100 nexthop via {g1} nexthop via {g0}',
    'ip route add default table 100 nexthop via {g0} nexthop via {g1} weight 3',
    'ip route add default table 100 nexthop via {g0} dev eth0 onlink nexthop via 10.0.0.253 dev eth0 onlink',
    'ip route add default table 100 src {a1} nexthop via {g1} nexthop via {g0}',
  ],
  rules: ['ip rule add fwmark 100 table 100'],
  changes: [],
};

/** The same hosts, which hash the packets of a flow by its ports. */
export const pathsByPorts: RunScope = {
  ...severalPaths,
  name: 'paths-by-ports',
  share: 10,
  text: 'as several-paths, hashed by ports on every host, with datagrams and connections alone',
  sockets: ['udp', 'tcp', 'tcp; bind {s} 0.0.0.0:80', 'tcp; bind {s} 0.0.0.0:81'],
  base: [...severalPaths.base, 'sysctl -w net.ipv4.fib_multipath_hash_policy=1'],
};

/** The same hosts with nothing but TCP, whose connections may be opened with Fast Open. */
export const fastOpenHosts: RunScope = {
  ...twoUplinks,
  name: 'fast-open-hosts',
  share: 60,
  text: 'as two-uplinks, with TCP sockets alone: connections and listeners with and without Fast Open, cookies of this host and of its peers, SYNs that a filter drops',
  extra: [
    'iptables -A OUTPUT -p tcp --syn -m statistic --mode nth --every 2 --packet 0 -j DROP',
    'iptables -A OUTPUT -p tcp --dport 80 -m statistic --mode nth --every 2 --packet 0 -j DROP',
    'iptables -A OUTPUT -s 10.1.0.1 -j DROP',
    'ip addr add 10.1.0.7/24 dev eth1',
    'ip addr add 10.0.0.7/24 dev eth0',
    'ip rule add from 10.1.0.1 table 100',
    'ip rule add dport 80 table 100',
    'sysctl -w net.ipv4.tcp_fastopen=3',
    'sysctl -w net.ipv4.tcp_fastopen=0x403',
    'sysctl -w net.ipv4.tcp_fastopen=5',
    'sysctl -w net.ipv4.tcp_timestamps=0',
    'sysctl -w net.ipv4.tcp_tw_reuse=1',
  ],
  mangle: {
    matches: [
      '',
      '-d 8.8.8.8',
      '-p tcp',
      '-p tcp --dport 80',
      '-p tcp --syn',
      '-m owner --uid-owner 1000',
      '-m statistic --mode nth --every 2 --packet 0',
    ],
    targets: ['MARK --set-mark 100', 'MARK --set-mark 200', 'TOS --set-tos 0x10'],
  },
  sockets: ['tcp'],
  destinations: ['8.8.8.8', '9.9.9.9', '10.1.0.9'],
  lengths: [4, 1, 0],
  arrivals: [
    'eth0 8.8.8.8:5000 > {a0}:80 tcp S 4 tfo 8.8.8.8',
    'eth0 8.8.8.8:5000 > {a0}:80 tcp S tfo',
    'eth0 8.8.8.8:5000 > {a0}:80 tcp S 4 tfo 9.9.9.9',
    'eth1 8.8.8.8:5000 > {a1}:80 tcp S 4 tfo 8.8.8.8',
    'eth0 8.8.8.8:5000 > {a0}:80 tcp S 4',
    'eth0 8.8.8.8:5000 > {a0}:80 tcp .',
  ],
  changes: [
    'iptables -t mangle -F OUTPUT',
    'iptables -t mangle -A OUTPUT -p tcp -j MARK --set-mark 100',
    'ip route del default',
  ],
  events: 10,
  fastOpen: true,
};

/** The same where the kernel itself has to do without the first SYN: what replaces it leaves. */
export const refusedSyns: RunScope = {
  ...fastOpenHosts,
  name: 'refused-syns',
  share: 15,
  text: 'as fast-open-hosts, where data in a SYN needs no cookie and a filter drops every other SYN',
  base: [
    'sysctl -w net.ipv4.tcp_fastopen=5',
    'iptables -A OUTPUT -p tcp --syn -m statistic --mode nth --every 2 --packet 0 -j DROP',
  ],
};

/** The same hosts with links of which some need more room in front of a packet than others. */
export const wideHeaders: RunScope = {
  ...twoUplinks,
  name: 'wide-headers',
  share: 20,
  text: 'as two-uplinks, with links of which some need more room for their headers: gre without a remote end more than gre with one or veth',
  links: [
    ['type veth peer name {dev}p', 'type gre remote 198.51.100.9', 'type gre local 198.51.100.7'],
    ['type gre local 198.51.100.7', 'type gre remote 198.51.100.9', 'type veth peer name {dev}p'],
  ],
};

/** Hosts whose connections follow each other on the same few ports, so that one meets what another has left behind. */
export const fewPorts: RunScope = {
  ...twoUplinks,
  name: 'few-ports',
  share: 30,
  text: 'TCP on the hosts of two-uplinks with one or two ports, TIME_WAIT reused, whole connections one after the other, up to ten events',
  base: ['sysctl -w net.ipv4.tcp_tw_reuse=1', 'sysctl -w net.ipv4.ip_local_port_range="40000 40000"'],
  extra: [
    'sysctl -w net.ipv4.ip_local_port_range="40000 40001"',
    'sysctl -w net.ipv4.tcp_timestamps=0',
    'ip rule add from 10.1.0.1 table 100',
  ],
  table100: ['ip route add default via {g1} src {a1} table 100', 'ip route add default via {g1} table 100'],
  mangle: { matches: ['', '-d 8.8.8.8', '-p tcp --syn'], targets: ['MARK --set-mark 100'] },
  mangleRules: 1,
  sockets: ['tcp'],
  socketOptions: ['mark 100', 'mark 100', 'dev eth1'],
  arrivals: ['eth1 8.8.8.8:80 > {a1}:40000 tcp R', 'eth0 8.8.8.8:80 > {a0}:40000 tcp R'],
  destinations: ['8.8.8.8', '8.8.8.8', '9.9.9.9'],
  ports: [80],
  waits: ['2', '61'],
  conversations: true,
  events: 10,
};

/** Hosts of two ports, on which connections that move meet others: they share a port, look for one, or stay. */
export const takenPorts: RunScope = {
  ...fewPorts,
  name: 'taken-ports',
  share: 30,
  text: 'TCP on the hosts of two-uplinks with two or three ports, every SYN marked, up to four sockets: connections of the second link, of one device or of any, over or not, ports that are bound or reserved, and connections that have to share the rest',
  base: ['sysctl -w net.ipv4.tcp_tw_reuse=1', 'sysctl -w net.ipv4.ip_local_port_range="40000 40001"'],
  extra: [
    'sysctl -w net.ipv4.ip_local_port_range="40000 40002"',
    'sysctl -w net.ipv4.ip_local_port_range="40000 40002"; sysctl -w net.ipv4.ip_local_reserved_ports=40001',
    'iptables -A OUTPUT -s {a1} -p tcp --syn -m statistic --mode nth --every 2 --packet 1 -j DROP',
    'iptables -A OUTPUT -p tcp --sport 40001 -j DROP',
  ],
  extras: 1,
  mangle: { matches: ['', '-p tcp --syn'], targets: ['MARK --set-mark 100'] },
  rules: ['ip rule add fwmark 100 table 100'],
  sockets: [
    'tcp; connect {s} 8.8.8.8:80',
    'tcp; connect {s} 8.8.8.8:80',
    'tcp; connect {s} 8.8.8.8:53',
    'tcp mark 100; connect {s} 8.8.8.8:80',
    'tcp mark 100; connect {s} 8.8.8.8:80; answer {s}; close {s}; answer {s}',
    'tcp dev eth1; connect {s} 8.8.8.8:80',
    'tcp dev eth1; connect {s} 8.8.8.8:80; answer {s}; close {s}; answer {s}',
    'tcp; bind {s} 0.0.0.0:40001',
  ],
  socketOptions: [],
  maxSockets: 4,
  destinations: ['8.8.8.8', '8.8.8.8', '9.9.9.9'],
  arrivals: ['eth0 9.9.9.9:80 > {a0}:40000 tcp R'],
  changes: [],
  conversations: false,
  waits: ['2'],
  events: 16,
};

/** The same with segments that come late, to connections that are over. */
export const lateSegments: RunScope = {
  ...fewPorts,
  name: 'late-segments',
  share: 5,
  text: 'one TCP socket on the hosts of two-uplinks with one port, whole connections, and segments of them that arrive when they are over',
  extra: ['sysctl -w net.ipv4.tcp_timestamps=0'],
  mangle: { matches: ['', '-d 8.8.8.8', '-p tcp'], targets: ['MARK --set-mark 100'] },
  socketOptions: ['uid 1000'],
  maxSockets: 1,
  arrivals: ['eth0 8.8.8.8:80 > {a0}:40000 tcp .', 'eth0 8.8.8.8:80 > {a0}:40000 tcp S'],
  destinations: ['8.8.8.8'],
  changes: [],
  waits: ['2'],
};

/** Links that do not take packets of the same size. */
export const unequalLinks: RunScope = {
  ...twoUplinks,
  name: 'unequal-links',
  share: 5,
  text: 'as two-uplinks, and one of the links may have a smaller MTU; TCP only',
  extra: [
    'ip link set eth1 mtu 1400',
    'ip link set eth0 mtu 1400',
    'ip link set eth1 mtu 576',
    'ip rule add from 10.1.0.1 table 100',
    'ip rule add from 10.0.0.1 table main',
    'ip rule add ipproto tcp table 100',
    'ip rule add dport 80 table 100',
  ],
  sockets: ['tcp'],
};

/** Hosts with rules on connections, and with rules that drop behind the mangle table. */
export const statefulHost: RunScope = {
  ...twoUplinks,
  name: 'stateful-host',
  share: 25,
  text: 'as two-uplinks, connections are tracked, the INPUT chain may accept only what belongs to one, and the OUTPUT chain may drop; a flow has one mark',
  base: ['iptables -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT'],
  extra: [
    'iptables -P INPUT DROP',
    'iptables -A INPUT -m conntrack --ctstate INVALID -j DROP',
    'iptables -A OUTPUT -s 10.1.0.1 -j DROP',
    'iptables -A OUTPUT -o eth0 -p udp -j DROP',
    'iptables -A OUTPUT -p tcp --syn -j DROP',
    'iptables -t nat -A POSTROUTING -o eth1 -j MASQUERADE',
    'ip addr add 10.1.0.7/24 dev eth1',
  ],
  extras: 3,
  mangle: { ...twoUplinks.mangle, matches: ['', '-d 8.8.8.8', '-p tcp', '-p udp', '-p icmp', '-p tcp --dport 80'] },
  sockets: ['tcp', 'udp', 'ping', 'raw icmp'],
  changes: [],
};

/** TCP sessions that sign their segments, as BGP does. */
export const signedSessions: RunScope = {
  ...twoUplinks,
  name: 'signed-sessions',
  share: 10,
  text: 'as two-uplinks with TCP sockets only, of which some have a TCP_MD5SIG key',
  extra: [
    'sysctl -w net.ipv4.tcp_timestamps=0',
    'ip rule add from 10.1.0.1 table 100',
    'ip rule add from 10.0.0.1 table main',
    'ip rule add ipproto tcp table 100',
    'ip rule add dport 80 table 100',
  ],
  sockets: ['tcp'],
  socketOptions: ['md5'],
};

/** Connections whose cached route is dropped or becomes obsolete while they live. */
export const silentPeers: RunScope = {
  ...twoUplinks,
  name: 'silent-peers',
  share: 10,
  text: 'TCP on the hosts of two-uplinks: timers that fire until TCP drops the cached route, routes and addresses that change meanwhile, a round trip of some milliseconds',
  extra: [
    'ip addr add 10.1.0.7/24 dev eth1',
    'ip addr add 10.0.0.7/24 dev eth0',
    'ip rule add from 10.1.0.1 table 100',
    'ip rule add from 10.0.0.1 table main',
    'ip rule add ipproto tcp table 100',
    'ip rule add dport 80 table 100',
  ],
  extras: 1,
  sockets: ['tcp'],
  arrivals: ['eth0 8.8.8.8:5000 > {a0}:80 tcp S'],
  waits: ['0.01', '1', '61'],
  silences: true,
  events: 7,
};

/** Hosts whose mangle rules drop, or mark at another hook, and listeners whose peers close first. */
export const mangledHosts: RunScope = {
  ...twoUplinks,
  name: 'mangled-hosts',
  share: 5,
  text: 'as two-uplinks, with mangle rules that drop or stand at other hooks, and listeners whose peers reset or close',
  extra: [
    'iptables -t mangle -A POSTROUTING -j MARK --set-mark 200',
    'iptables -t mangle -A INPUT -j MARK --set-mark 200',
    'ip rule add from 10.1.0.1 table 100',
  ],
  mangle: {
    ...twoUplinks.mangle,
    matches: [...twoUplinks.mangle.matches, '-s 10.1.0.1'],
    targets: ['MARK --set-mark 100', 'DROP', 'TOS --set-tos 0x10', 'TOS --xor-tos 0x10'],
  },
  sockets: ['tcp', 'udp', 'tcp; bind {s} 0.0.0.0:80; listen {s}; receive eth0 8.8.8.8:5000 > {a0}:80 tcp S', 'ping'],
  arrivals: [
    'eth0 8.8.8.8:5000 > {a0}:80 tcp S',
    'eth0 8.8.8.8:5000 > {a0}:80 tcp .',
    'eth0 8.8.8.8:5000 > {a0}:80 tcp F.',
    'eth0 8.8.8.8:5000 > {a0}:80 tcp R',
  ],
};

/** Hosts whose rules say something else of a packet as soon as it has another source or link. */
export const askedTwice: RunScope = {
  ...twoUplinks,
  name: 'asked-twice',
  share: 8,
  text: 'as two-uplinks, with rules by source, link and user, which say something else of a packet that has another source or link',
  uplinks: [['10.0.0.1/24'], ['10.1.0.1/24']],
  extra: [
    'ip rule add uidrange 1000-1000 fwmark 100 table main pref 100',
    'ip rule add from 10.0.0.1 unreachable pref 32765',
    'ip rule add from 10.0.0.1 fwmark 100 unreachable pref 100',
    'ip rule add fwmark 200 table main pref 100',
    'ip rule add tos 0x10 table main pref 100',
    'ip rule add from 10.1.0.1 unreachable pref 32765',
    'iptables -t mangle -A OUTPUT -o eth1 -j MARK --set-mark 200',
    'iptables -t mangle -A OUTPUT -s 10.1.0.1 -j TOS --xor-tos 0x10',
    'iptables -A OUTPUT -s 10.0.0.1 -j DROP',
    'iptables -t mangle -A OUTPUT -s 10.1.0.1 -j DROP',
    'sysctl -w net.ipv4.fib_multipath_hash_policy=1; ip route add default table 101 nexthop via {g1} nexthop via {g0}; ip rule add fwmark 100 table 101 pref 100',
  ],
  extras: 3,
  table100: ['ip route add default via {g1} table 100', 'ip route add default dev eth1 table 100'],
  rules: [
    'ip rule add fwmark 100 table 100',
    'ip rule add fwmark 100 table 100',
    'ip rule add tos 0x10 table 100',
    'ip rule add fwmark 100 dport 53 table 100',
    'ip rule add fwmark 100 sport 80 table 100',
  ],
  mangle: {
    matches: [
      '',
      '-d 8.8.8.8',
      '-s 10.0.0.1',
      '-o eth0',
      '-m mark --mark 0',
      '-m mark --mark 0',
      '-m owner --uid-owner 1000',
    ],
    targets: ['MARK --set-mark 100', 'TOS --xor-tos 0x10', 'DROP'],
  },
  sockets: ['udp', 'tcp', 'tcp; bind {s} 0.0.0.0:80', 'tcp md5', 'ping'],
  socketOptions: ['uid 1000', 'uid 1000', 'mark 200'],
  conversations: true,
};

/** Conversations that are under way: who has the next word is open. */
export const openConversations: RunScope = {
  ...twoUplinks,
  name: 'open-conversations',
  share: 30,
  text: 'as two-uplinks, with sockets whose connection is open or whose peer has heard of them, every packet of a flow marked alike; either side speaks next, and timers fire',
  extra: [
    'ip addr add 10.1.0.7/24 dev eth1',
    'ip rule add from {a1} table 100',
    'ip rule add dport 80 table 100',
    'iptables -t nat -A POSTROUTING -o eth1 -j MASQUERADE',
    'iptables -A INPUT -m conntrack --ctstate INVALID,NEW -j DROP',
    'sysctl -w net.ipv4.ip_local_port_range="40000 40000"',
  ],
  mangle: { ...twoUplinks.mangle, matches: ['', '-d 8.8.8.8', '-p tcp', '-p udp'] },
  sockets: [
    'tcp; connect {s} 8.8.8.8:80; answer {s}',
    'udp; connect {s} 8.8.8.8:53; send {s} 4',
    'udp; send {s} 4 to 8.8.8.8:53',
    'tcp; connect {s} 8.8.8.8:80',
  ],
  changes: [],
  waits: ['1', '61'],
};

/** Hosts that keep the mark of a connection with its entry, as those do whose answers pass a strict reverse-path filter. */
export const connectionMarks: RunScope = {
  ...twoUplinks,
  name: 'connection-marks',
  share: 20,
  text: 'as two-uplinks, with CONNMARK that saves what mangle OUTPUT gave and restores it to answers, strict reverse-path filters that see it (src_valid_mark), and one or two marks that lead to the same table, for all packets or for new connections alone',
  uplinks: [['10.0.0.1/24'], ['10.1.0.1/24']],
  base: [
    'iptables -t mangle -A OUTPUT -j CONNMARK --save-mark',
    'iptables -t mangle -A PREROUTING -j CONNMARK --restore-mark',
  ],
  extra: [
    'sysctl -w net.ipv4.conf.all.rp_filter=1; sysctl -w net.ipv4.conf.all.src_valid_mark=1',
    'iptables -t mangle -I OUTPUT 1 -m mark ! --mark 0 -j ACCEPT; iptables -t mangle -I OUTPUT 1 -j CONNMARK --restore-mark',
    'iptables -t mangle -I OUTPUT 1 -j CONNMARK --restore-mark',
    'sysctl -w net.ipv4.ip_local_port_range="40000 40000"',
    'iptables -t nat -A POSTROUTING -o eth1 -j MASQUERADE',
  ],
  mangle: {
    ...twoUplinks.mangle,
    matches: [
      '',
      '-d 8.8.8.8',
      '-m conntrack --ctstate NEW',
      '-m conntrack --ctstate NEW -m statistic --mode nth --every 2 --packet 0',
      '-m statistic --mode nth --every 3 --packet 0',
      '-m statistic --mode nth --every 3 --packet 2',
    ],
    targets: ['MARK --set-mark 100', 'MARK --set-mark 0x164', 'MARK --set-mark 0x164'],
  },
  rules: ['ip rule add fwmark 0x64/0xff table 100'],
  sockets: ['tcp', 'udp', 'ping', 'udp; send {s} 4 to 8.8.8.8:53; answer {s}; send {s} 4 to 8.8.8.8:53'],
  socketOptions: [],
  changes: [],
};

/** Hosts that mark a connection by the link that its answers come by, and lead what it sends next by that mark. */
export const marksByLink: RunScope = {
  ...connectionMarks,
  name: 'marks-by-link',
  share: 5,
  text: 'as two-uplinks, with CONNMARK that remembers the link by which the last packet of a connection came, and restores that mark to what is sent next',
  base: [
    'iptables -t mangle -A PREROUTING -i eth0 -j CONNMARK --set-mark 0x164',
    'iptables -t mangle -A PREROUTING -i eth1 -j CONNMARK --set-mark 100',
    'iptables -t mangle -A OUTPUT -j CONNMARK --restore-mark',
  ],
  extra: [
    'iptables -t nat -A POSTROUTING -o eth1 -j MASQUERADE',
    'sysctl -w net.ipv4.fwmark_reflect=1',
    'ip addr add 10.1.0.7/24 dev eth1',
  ],
  sockets: ['udp; send {s} 4 to 8.8.8.8:53; answer {s}; send {s} 4 to 8.8.8.8:53', 'tcp', 'ping', 'udp'],
};

/** Servers on any address, and callers that they have heard. */
export const wildcardServers: RunScope = {
  ...twoUplinks,
  name: 'wildcard-servers',
  share: 10,
  text: 'as two-uplinks, with UDP servers on any address that have heard a caller and answer it without IP_PKTINFO, and connections whose segments are marked alike',
  sockets: [
    'udp; bind {s} 0.0.0.0:80; receive eth0 8.8.8.8:5000 > {a0}:80 udp 4; send {s} 4 to 8.8.8.8:5000',
    'udp; bind {s} 0.0.0.0:80; receive eth0 8.8.8.8:5000 > {a0}:80 udp 4; connect {s} 8.8.8.8:5000; send {s} 4',
    'tcp; connect {s} 8.8.8.8:80; answer {s}',
  ],
  arrivals: ['eth0 8.8.8.8:5000 > {a0}:80 udp 4', 'eth1 8.8.8.8:5000 > {a1}:80 udp 4'],
  mangle: { ...twoUplinks.mangle, matches: ['', '-d 8.8.8.8', '-p udp', '-p tcp'] },
  changes: [],
};

/** Links whose addresses are of the link alone, and links without any: what leaves by them may have no source. */
export const unnumberedLinks: RunScope = {
  ...twoUplinks,
  name: 'unnumbered-links',
  share: 5,
  text: 'as two-uplinks, with addresses of the scope of their link, of which no other link makes use, addresses on lo, and a second link without an address',
  uplinks: [
    ['10.0.0.1/24 scope link', '10.0.0.1/24'],
    ['10.1.0.1/24 scope link', '10.1.0.1/24'],
  ],
  extra: [
    'ip addr add 192.0.2.1/32 dev lo',
    'ip addr add 192.0.2.1/32 scope link dev lo',
    'ip rule add from {a1} table 100',
  ],
  table100: ['ip route add default via {g1} table 100', 'ip route add default via {g1} src {a1} table 100'],
  changes: [],
};

/** Packets to groups and to everybody on a link. */
export const groupTraffic: RunScope = {
  ...twoUplinks,
  name: 'group-traffic',
  share: 5,
  text: 'as two-uplinks, with packets to groups and broadcast addresses, from sockets that are bound, unbound or told a link',
  extra: ['ip addr add 10.1.0.7/24 dev eth1', 'ip rule add from {a1} table 100', 'ip route add 224.0.0.0/4 dev eth1'],
  mangle: { ...twoUplinks.mangle, matches: ['', '-p udp', '-d 224.0.0.0/4'] },
  sockets: ['udp broadcast', 'raw icmp broadcast', 'udp'],
  socketOptions: ['unicast-if eth1', 'mark 100', 'dev eth0'],
  destinations: ['224.0.0.5', '239.1.1.1', '10.0.0.255', '255.255.255.255'],
  arrivals: ['eth0 8.8.8.8:53 > {a0}:9 udp 4'],
  changes: [],
};

/** Every scope that hosts and events are drawn from. */
export const runScopes: readonly RunScope[] = [
  twoUplinks,
  silentPeers,
  owners,
  fewPorts,
  takenPorts,
  lateSegments,
  wideHeaders,
  steadyMarks,
  mangledHosts,
  askedTwice,
  statefulHost,
  otherPaths,
  vrfHosts,
  oneProvider,
  protectedHosts,
  severalPaths,
  pathsByPorts,
  fastOpenHosts,
  refusedSyns,
  unequalLinks,
  signedSessions,
  openConversations,
  connectionMarks,
  marksByLink,
  wildcardServers,
  unnumberedLinks,
  groupTraffic,
];
