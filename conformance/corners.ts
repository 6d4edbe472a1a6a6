/**
 * Random scenarios about what packets seldom meet elsewhere: chains and rules that are taken back, rules that nearly say the
 * same, sets that change, addresses that go, ports of a translation that run out, segments out of turn, and several sockets
 * that could have one packet.
 */
import { below, chance, oneOf, type WordSource } from '../scenario/random.ts';
import type { Text } from '../scenario/text.ts';

const LINKS = [
  'ip link add eth0 type veth peer name eth0p',
  'ip link set eth0 up',
  'ip addr add 10.0.0.1/24 dev eth0',
  'ip link add eth1 type veth peer name eth1p',
  'ip link set eth1 up',
  'ip addr add 10.1.0.1/24 dev eth1',
  'ip route add default via 10.0.0.254',
  'ip rule add fwmark 100 table 100',
  'ip route add default via 10.1.0.254 table 100',
] as const;

/** So many of what is drawn each time. */
function several<T>(words: WordSource, least: number, most: number, draw: (words: WordSource) => T): readonly T[] {
  return Array.from({ length: least + below(words, most - least + 1) }, () => draw(words));
}

/** A packet of each kind that rules look at. */
const TRAFFIC = [
  'socket u udp',
  'send u 4 to 8.8.8.8:53',
  'answer u',
  'socket v udp',
  'connect v 8.8.8.8:53',
  'send v 7',
  'send v 7',
  'socket c tcp',
  'connect c 9.9.9.9:80',
  'answer c',
  'socket p ping',
  'send p 56 to 8.8.8.8',
  'answer p',
  'receive eth0 10.0.0.9:5000 > 10.0.0.1:81 udp 4',
  'receive eth0 10.0.0.9:5000 > 10.0.0.1:81 tcp S',
] as const;

// chains

const TABLES = ['mangle', 'mangle', 'filter', 'nat', 'raw'] as const;
const CHAINS = ['one', 'one', 'two', 'OUTPUT', 'OUTPUT', 'INPUT', 'POSTROUTING', 'PREROUTING', 'FORWARD'] as const;

function drawTarget(words: WordSource): string {
  const plain = ['-j one', '-j two', '-g two', '-j ACCEPT', '-j DROP', '-j RETURN', '-j MARK --set-mark 100', ''];
  return oneOf(words, plain);
}

/** A command about chains; many are refused. */
function drawChainCommand(words: WordSource, table: string): string {
  const chain = oneOf(words, CHAINS);
  const match = oneOf(words, ['', '', '-p udp', '-p tcp', '-s 10.0.0.1', '-d 8.8.8.8']);
  const number = 1 + below(words, 3);
  const command = oneOf(words, [
    `-N ${oneOf(words, ['one', 'two'])}`,
    `-N ${oneOf(words, ['one', 'two', 'OUTPUT'])}`,
    `-A ${chain} ${match} ${drawTarget(words)}`,
    `-A ${chain} ${match} ${drawTarget(words)}`,
    `-A OUTPUT ${match} ${oneOf(words, ['-j one', '-j two', '-g one'])}`,
    `-I ${chain} ${number} ${match} ${drawTarget(words)}`,
    `-R ${chain} ${number} ${match} ${drawTarget(words)}`,
    `-D ${chain} ${match} ${drawTarget(words)}`,
    `-D ${chain} ${number}`,
    `-C ${chain} ${match} ${drawTarget(words)}`,
    `-X ${oneOf(words, ['', 'one', 'two', 'two', 'OUTPUT'])}`,
    `-F ${oneOf(words, ['', 'one', 'two', 'OUTPUT'])}`,
    `-P ${chain} ${oneOf(words, ['ACCEPT', 'ACCEPT', 'DROP'])}`,
  ]);
  return `iptables -t ${table} ${command}`.replaceAll(/ +/g, ' ').trim();
}

function drawChains(words: WordSource): Text {
  const table = oneOf(words, TABLES);
  const commands = several(words, 5, 14, () => drawChainCommand(words, table));
  return { host: [...LINKS, `iptables -t ${table} -N one`, ...commands], events: TRAFFIC };
}

// rules that nearly say the same

/** Matches of the same kind; `!` may stand in front of most. */
const MATCHES = [
  ['-s 10.0.0.1', '-s 10.0.0.0/24', '! -s 10.0.0.1', '-s 10.1.0.1'],
  ['-d 8.8.8.8', '-d 8.8.0.0/16', '! -d 8.8.8.8', '-d 9.9.9.9'],
  ['-p udp', '-p tcp', '-p icmp', '! -p udp', '-p 47', '-p all'],
  ['-o eth0', '-o eth1', '-o eth+', '! -o eth0'],
  ['-p udp --dport 53', '-p udp --dport 53:54', '-p udp --sport 1:65535', '-p udp ! --dport 53', '-p udp --dport 1:53'],
  ['-p tcp --dport 80', '-p tcp --dport 0:80', '-p tcp --dport 80:', '-p tcp --sport 80', '-p tcp ! --dport 80'],
  [
    '-p udp -m multiport --dports 53,80',
    '-p udp -m multiport --dports 53',
    '-p udp -m multiport --ports 53,80',
    '-p udp -m multiport ! --dports 53,80',
    '-p udp -m multiport --dports 50:53,80',
    '-p tcp -m multiport --dports 53,80',
  ],
  [
    '-p tcp --syn',
    '-p tcp --tcp-flags SYN,ACK SYN',
    '-p tcp --tcp-flags SYN,RST,ACK,FIN SYN',
    '-p tcp ! --syn',
    '-p tcp --tcp-flags SYN,ACK ACK',
  ],
  [
    '-p icmp --icmp-type echo-request',
    '-p icmp --icmp-type 8/0',
    '-p icmp --icmp-type 3/3',
    '-p icmp --icmp-type port-unreachable',
    '-p icmp --icmp-type destination-unreachable',
    '-p icmp --icmp-type any',
    '-p icmp ! --icmp-type echo-request',
  ],
  ['-m mark --mark 0', '-m mark --mark 0/0xff', '-m mark --mark 100', '-m mark ! --mark 0', '-m mark --mark 100/0xff'],
  [
    '-m conntrack --ctstate NEW',
    '-m conntrack --ctstate NEW,ESTABLISHED',
    '-m conntrack --ctstate ESTABLISHED,NEW',
    '-m conntrack ! --ctstate NEW',
    '-m conntrack --ctstate ESTABLISHED,RELATED',
    '-m conntrack --ctstate INVALID',
    '-m conntrack --ctstate SNAT,DNAT',
    '-m conntrack --ctstate UNTRACKED',
    '-m state --state NEW',
  ],
  [
    '-m conntrack --ctorigdst 8.8.8.8',
    '-m conntrack --ctorigdst 8.8.0.0/16',
    '-m conntrack --ctorigsrc 10.0.0.1',
    '-m conntrack --ctreplsrc 8.8.8.8',
    '-m conntrack --ctrepldst 10.0.0.1',
    '-m conntrack ! --ctorigdst 8.8.8.8',
    '-m conntrack --ctproto udp',
    '-m conntrack --ctproto udp --ctorigdstport 53',
    '-m conntrack --ctproto udp --ctreplsrcport 53',
    '-m conntrack --ctproto udp --ctorigdstport 50:53',
    '-m conntrack --ctdir ORIGINAL',
    '-m conntrack --ctdir REPLY',
    '-m conntrack --ctstate NEW --ctdir ORIGINAL',
  ],
  ['-m connmark --mark 0', '-m connmark --mark 0/0xff', '-m connmark ! --mark 0', '-m connmark --mark 100'],
  ['-m owner --uid-owner 0', '-m owner --uid-owner 0-999', '-m owner --uid-owner 1000', '-m owner ! --uid-owner 0'],
  ['-m owner --gid-owner 0', '-m owner --gid-owner 0-999', '-m owner --gid-owner 1000', '-m owner ! --gid-owner 0'],
  ['-m owner --socket-exists', '-m owner ! --socket-exists', '-m owner --uid-owner 0'],
  ['-m cgroup --path app', '-m cgroup --path other', '-m cgroup ! --path app', '-m cgroup --cgroup 7'],
  [
    '-m set --match-set far dst',
    '-m set --match-set far src',
    '-m set ! --match-set far dst',
    '-m set --match-set near dst',
  ],
  [
    '-m iprange --dst-range 8.8.8.8-9.9.9.9',
    '-m iprange --dst-range 8.8.8.8-8.8.8.9',
    '-m iprange --src-range 10.0.0.1-10.0.0.1',
    '-m iprange ! --dst-range 8.8.8.8-9.9.9.9',
  ],
  ['-m length --length 32', '-m length --length 0:60', '-m length --length 33:', '-m length ! --length 32'],
  ['-m policy --dir out --pol none', '-m policy --dir out --pol ipsec'],
  [
    '-m statistic --mode nth --every 2 --packet 0',
    '-m statistic --mode nth --every 2 --packet 1',
    '-m statistic --mode nth --every 3 --packet 0',
    '-m statistic --mode nth ! --every 2 --packet 0',
  ],
  ['-m tos --tos 0x10', '-m tos --tos 0x00', '-m tos --tos 0x00/0x1c', '-m tos ! --tos 0x10'],
  ['-m dscp --dscp 0', '-m dscp --dscp 4', '-m dscp ! --dscp 0', '-m dscp --dscp-class BE'],
  [
    '-m addrtype --dst-type UNICAST',
    '-m addrtype --src-type LOCAL',
    '-m addrtype --dst-type LOCAL',
    '-m addrtype ! --dst-type UNICAST',
    '-m addrtype --dst-type UNICAST,LOCAL',
    '-m addrtype --src-type LOCAL --limit-iface-out',
  ],
] as const;

/** Those that only packets on their way in can fit. */
const ARRIVING = [
  ['-i eth0', '-i eth1', '-i eth+', '! -i eth0'],
  [
    '-m socket',
    '-m socket --transparent',
    '-m socket --nowildcard',
    '-p udp -m socket',
    '-m socket --transparent --nowildcard',
  ],
  ['-p udp --dport 81', '-p udp --dport 80:82', '-p udp --sport 5000', '-p udp ! --dport 81', '-p tcp --dport 81'],
] as const;

/** Targets of the same kind, by the table that takes them. */
const TARGETS: readonly (readonly [table: string, chain: string, targets: readonly string[]])[] = [
  [
    'mangle',
    'OUTPUT',
    ['MARK --set-mark 100', 'MARK --set-xmark 100/0xff', 'MARK --or-mark 100', 'MARK --set-mark 101'],
  ],
  ['mangle', 'OUTPUT', ['TOS --set-tos 0x10', 'TOS --set-tos 0x10/0xff', 'TOS --or-tos 0x10', 'TOS --set-tos 0x08']],
  ['mangle', 'OUTPUT', ['DSCP --set-dscp 4', 'DSCP --set-dscp 2', 'DSCP --set-dscp-class CS1']],
  [
    'mangle',
    'OUTPUT',
    [
      'CONNMARK --set-mark 100',
      'CONNMARK --set-xmark 100/0xff',
      'CONNMARK --save-mark',
      'CONNMARK --restore-mark',
      'CONNMARK --save-mark --nfmask 0xff --ctmask 0xff',
      'CONNMARK --restore-mark --nfmask 0xff --ctmask 0xff',
    ],
  ],
  ['mangle', 'PREROUTING', ['MARK --set-mark 100', 'DROP', 'CONNMARK --set-mark 100', 'ACCEPT', 'TOS --set-tos 0x10']],
  ['filter', 'OUTPUT', ['DROP', 'ACCEPT', 'RETURN', 'REJECT', 'REJECT --reject-with icmp-host-prohibited']],
  [
    'filter',
    'INPUT',
    [
      'DROP',
      'REJECT',
      'REJECT --reject-with icmp-net-unreachable',
      'REJECT --reject-with icmp-proto-unreachable',
      'REJECT --reject-with icmp-admin-prohibited',
      'ACCEPT',
    ],
  ],
  [
    'nat',
    'POSTROUTING',
    ['MASQUERADE', 'SNAT --to-source 10.0.0.77', 'SNAT --to-source 10.1.0.1', 'ACCEPT', 'MASQUERADE --random'],
  ],
  [
    'nat',
    'OUTPUT',
    [
      'DNAT --to-destination 9.9.9.9',
      'DNAT --to-destination 10.1.0.9',
      'REDIRECT',
      'RETURN',
      'DNAT --to-destination 8.8.4.4',
    ],
  ],
  ['raw', 'OUTPUT', ['CT --zone 1', 'CT --zone 2', 'NOTRACK']],
];

const SETS = ['ipset create far hash:ip', 'ipset create near hash:net', 'ipset add far 8.8.8.8'] as const;

/** What the chains of the nat table make of connections, so that states tell of it. */
const TRANSLATED = [
  'iptables -t nat -A OUTPUT -d 9.9.9.9 -j DNAT --to-destination 9.9.9.8',
  'iptables -t nat -A POSTROUTING -d 8.8.8.8 -j SNAT --to-source 10.0.0.77',
] as const;

/** Two of them, which are often the same. */
function pair(words: WordSource, all: readonly string[]): readonly [string, string] {
  const first = oneOf(words, all);
  return [first, chance(words, 2, 5) ? first : oneOf(words, all)];
}

function drawTwins(words: WordSource): Text {
  const [table, chain, targets] = oneOf(words, TARGETS);
  const host: string[] = [...LINKS, ...SETS];
  // An error quotes a segment with the options of the peer, which the model's peer has not.
  if (chain === 'INPUT') host.push('iptables -A INPUT -p tcp --sport 1:65535 -j ACCEPT');
  if (table !== 'nat' && chance(words, 1, 3)) host.push(oneOf(words, TRANSLATED));
  for (let n = 1 + below(words, 3); n > 0; n--) {
    const isInput = chain === 'INPUT' || chain === 'PREROUTING';
    const family: readonly string[] = oneOf<readonly string[]>(
      words,
      isInput && chance(words, 1, 2) ? ARRIVING : MATCHES,
    );
    // A link that the chain has not is refused by the reader.
    const fits = isInput ? family.filter((match) => !match.includes('-o eth')) : family;
    const [match, other] = pair(words, fits.length > 0 ? fits : ['']);
    const [target, another] = pair(words, targets);
    host.push(`iptables -t ${table} -A ${chain} ${match} -j ${target}`);
    for (let more = below(words, 3); more > 0; more--)
      host.push(`iptables -t ${table} ${oneOf(words, ['-C', '-D', '-D', '-A'])} ${chain} ${other} -j ${another}`);
  }
  return { host, events: [...TRAFFIC, 'send u 5', 'send u 6 to 8.8.8.8:53', 'send c 3'] };
}

// sets

const SET_TYPES: readonly (readonly [type: string, dims: string, entries: readonly string[]])[] = [
  ['hash:ip', 'dst', ['8.8.8.8', '9.9.9.9', '10.0.0.1', '8.8.8.0/30']],
  ['hash:ip netmask 24', 'dst', ['8.8.8.8', '9.9.9.1']],
  ['hash:net', 'dst', ['8.8.0.0/16', '8.8.8.8', '8.0.0.0/8', '8.8.8.0/24 nomatch', '9.9.9.9 nomatch']],
  [
    'hash:ip,port',
    'dst,dst',
    ['8.8.8.8,udp:53', '8.8.8.8,tcp:53', '9.9.9.9,80', '8.8.8.8,icmp:echo-request', '8.8.8.8,54'],
  ],
  ['hash:net,port', 'dst,dst', ['8.8.0.0/16,udp:53', '8.8.0.0/16,tcp:53', '9.9.0.0/16,80', '8.8.8.8,udp:53 nomatch']],
  ['hash:ip,port,ip', 'dst,dst,src', ['8.8.8.8,udp:53,10.0.0.1', '9.9.9.9,80,10.0.0.1', '8.8.8.8,udp:53,10.1.0.1']],
  [
    'hash:ip,port,net',
    'dst,dst,src',
    ['8.8.8.8,udp:53,10.0.0.0/24', '9.9.9.9,80,10.0.0.0/8', '9.9.9.9,80,10.1.0.0/16'],
  ],
  ['hash:net,iface', 'dst,dst', ['8.8.0.0/16,eth0', '8.8.0.0/16,eth1', '9.9.9.9,eth0']],
  ['bitmap:ip range 8.8.8.0-8.8.8.255', 'dst', ['8.8.8.8', '8.8.8.9']],
  ['bitmap:port range 0-1000', 'dst', ['53', '80', '81']],
];

function drawSetCommand(words: WordSource, entries: readonly string[], type: string): string {
  const entry = oneOf(words, entries);
  const exist = chance(words, 1, 4) ? ' -exist' : '';
  return oneOf(words, [
    `ipset add s ${entry}${exist}`,
    `ipset add s ${entry}${exist}`,
    `ipset add t ${entry}`,
    `ipset del s ${entry.replace(' nomatch', '')}${exist}`,
    `ipset create ${oneOf(words, ['s', 't', 'v'])} ${type}${exist}`,
    `ipset flush ${oneOf(words, ['s', 't', ''])}`.trim(),
    `ipset destroy ${oneOf(words, ['s', 't', 'v', ''])}`.trim(),
    `ipset swap s ${oneOf(words, ['t', 'v', 'other'])}`,
    `ipset rename ${oneOf(words, ['t v', 's v', 't s', 'v t'])}`,
    `ipset add all ${oneOf(words, ['s', 't', 'v', 'all'])}${exist}`,
    `ipset del all ${oneOf(words, ['s', 't'])}`,
  ]);
}

function drawSets(words: WordSource): Text {
  const [type, dims, entries] = oneOf(words, SET_TYPES);
  const asked = chance(words, 1, 4) ? 'all' : 's';
  const not = chance(words, 1, 4) ? '! ' : '';
  const host = [
    ...LINKS,
    `ipset create s ${type}`,
    `ipset create t ${type}`,
    'ipset create other hash:ip',
    'ipset create all list:set',
    ...several(words, 1, 5, () => drawSetCommand(words, entries, type)),
    `iptables -t mangle -A OUTPUT -m set ${not}--match-set ${asked} ${dims} -j MARK --set-mark 100`,
    ...several(words, 0, 4, () => drawSetCommand(words, entries, type)),
  ];
  const change = () => `host ${drawSetCommand(words, entries, type)}`;
  return { host, events: [...TRAFFIC, change(), 'send u 5 to 8.8.8.8:53', change(), 'send p 57 to 8.8.8.8'] };
}

// addresses

function drawAddressCommand(words: WordSource): string {
  const address = oneOf(words, ['10.0.0.1', '10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.129', '10.5.0.1']);
  const length = oneOf(words, [24, 24, 24, 25, 25, 32, 16]);
  const brd = oneOf(words, ['', '', '', ' brd 10.0.0.255', ' brd +', ' brd 10.0.0.127', ' brd 10.0.0.0']);
  const peer = ' peer 10.7.0.2/32';
  return oneOf(words, [
    `ip addr add ${address}/${length}${brd} dev eth0`,
    `ip addr add ${address}/${length}${brd} dev eth0`,
    `ip addr add ${address}/${length} dev eth0 scope ${oneOf(words, ['link', 'host'])}`,
    `ip addr add ${address}${peer} dev eth0`,
    `ip addr del ${address}${chance(words, 1, 2) ? peer : '/32'} dev eth0`,
    `ip addr replace ${address}/${length}${brd} dev eth0`,
    `ip addr add ${address}/24 dev eth1`,
    `ip addr del ${address}/${length} dev eth0`,
    `ip addr del ${address}/24 dev eth0`,
    `ip addr del ${address}/24 dev eth0`,
    'ip addr flush dev eth0',
    `sysctl -w net.ipv4.conf.${oneOf(words, ['all', 'eth0', 'eth1'])}.promote_secondaries=${oneOf(words, [1, 1, 0])}`,
  ]);
}

/** Addresses that come and go, and questions about where packets go then. */
function drawAddresses(words: WordSource): Text {
  const far = () =>
    oneOf(words, ['8.8.8.8', '10.0.0.9', '10.0.0.130', '10.5.0.9', '10.0.0.255', '10.0.0.2', '10.7.0.2']);
  const send = () => `send u 4 to ${far()}:53`;
  const change = () => `host ${drawAddressCommand(words)}`;
  const arrival = () =>
    `receive eth0 10.0.0.9:53 > ${oneOf(words, ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.255', '10.0.0.127', '10.0.0.0', '255.255.255.255'])}:4000 udp 4`;
  return {
    host: [...LINKS, ...several(words, 2, 8, drawAddressCommand)],
    events: [
      ...['socket u udp broadcast', 'bind u 0.0.0.0:4000'],
      ...[send(), send(), arrival(), change(), send(), arrival(), change(), send(), send(), arrival()],
    ],
  };
}

// translation

const TRANSLATIONS = [
  'POSTROUTING -p udp -j SNAT --to-source 10.0.0.1:5000-5001',
  'POSTROUTING -p tcp -j SNAT --to-source 10.0.0.1:5000-5001',
  'POSTROUTING -p tcp -j SNAT --to-source 10.0.0.77:5000',
  'POSTROUTING -p udp -j MASQUERADE --to-ports 5000-5002',
  'POSTROUTING -p tcp -j MASQUERADE --to-ports 5000',
  'POSTROUTING -j MASQUERADE',
  'POSTROUTING -o eth1 -j MASQUERADE',
  'POSTROUTING -p icmp -j SNAT --to-source 10.0.0.77',
  'POSTROUTING -j SNAT --to-source 10.0.0.1',
  'OUTPUT -p tcp -d 8.8.8.8 -j DNAT --to-destination 9.9.9.9:81-82',
  'OUTPUT -p udp --dport 54 -j DNAT --to-destination 8.8.8.8:53',
  'OUTPUT -p icmp -d 9.9.9.9 -j DNAT --to-destination 8.8.8.8',
  'OUTPUT -d 9.9.9.9 -j DNAT --to-destination 10.0.0.1',
  'OUTPUT -p udp -d 9.9.9.9 -j REDIRECT --to-ports 4000-4001',
  'PREROUTING -p tcp --dport 81 -j REDIRECT --to-ports 80',
  'PREROUTING -p udp --dport 81 -j DNAT --to-destination 10.1.0.1:4000',
  'PREROUTING -p icmp -j DNAT --to-destination 10.1.0.1',
  'INPUT -p udp -j SNAT --to-source 10.0.0.8',
  'INPUT -p tcp -j SNAT --to-source 10.0.0.8:6000-6001',
] as const;

const FORGET = [
  'conntrack -F',
  'conntrack -D -p udp',
  'conntrack -D -p tcp --dport 80',
  'conntrack -D -p tcp --sport 4000',
  'conntrack -D -s 10.0.0.1',
  'conntrack -D -d 8.8.8.8',
  'conntrack -D -r 9.9.9.9',
  'conntrack -D -q 10.0.0.77',
  'conntrack -D --src-nat',
  'conntrack -D --dst-nat',
  'conntrack -D -m 100',
  'conntrack -D --mark 0x4/0xff',
  'conntrack -D -p udp --reply-port-src 53',
  'conntrack -D -p udp --reply-port-dst 5000',
  'conntrack -D -w 1',
  'ip addr del 10.1.0.1/24 dev eth1',
  'ip link set eth1 down',
] as const;

/** Connections beside each other, more than there are ports or addresses for. */
function drawTranslated(words: WordSource): Text {
  const events: string[] = [];
  const to = () => oneOf(words, ['8.8.8.8', '8.8.8.8', '9.9.9.9']);
  for (const s of ['a', 'b', 'c', 'd'].slice(0, 2 + below(words, 3))) {
    const kind = oneOf(words, ['udp', 'udp', 'tcp', 'tcp', 'ping', 'raw icmp']);
    events.push(`socket ${s} ${kind}${chance(words, 1, 5) ? ' mark 100' : ''}`);
    if (kind === 'udp')
      events.push(...(chance(words, 1, 2) ? [`bind ${s} 0.0.0.0:${oneOf(words, [4000, 5000])}`] : []));
    if (kind === 'tcp') events.push(`connect ${s} ${to()}:80`);
    else events.push(`send ${s} 56 to ${to()}${kind === 'udp' ? `:${oneOf(words, [53, 54])}` : ''}`);
    if (chance(words, 3, 4)) events.push(`answer ${s}`);
    if (kind === 'tcp' && chance(words, 1, 2)) events.push(`send ${s} 5`, `say ${s} 4`);
    if (chance(words, 1, 4)) events.push(`host ${oneOf(words, FORGET)}`);
    if (chance(words, 1, 4)) events.push(`close ${s}`);
  }
  const { length } = events;
  const strangers = several(words, 0, 3, () =>
    oneOf(words, [
      'receive eth0 10.0.0.9:7000 > 10.0.0.1:81 tcp S',
      'receive eth0 10.0.0.9:7000 > 10.0.0.1:81 udp 4',
      'receive eth0 10.0.0.9:7001 > 10.0.0.1:81 udp 4',
      'receive eth0 10.0.0.9 > 10.0.0.1 icmp echo-request 5',
      'receive eth0 8.8.8.8:53 > 10.0.0.1:5000 udp 4',
      'receive eth0 8.8.8.8:53 > 10.0.0.77:5000 udp 4',
    ]),
  );
  const at = below(words, length);
  const host = [
    ...LINKS,
    ...(chance(words, 1, 4) ? ['iptables -t mangle -A OUTPUT -j CONNMARK --set-mark 100'] : []),
    ...several(words, 1, 3, () => `iptables -t nat -A ${oneOf(words, TRANSLATIONS)}`),
  ];
  return { host, events: [...events.slice(0, at), ...strangers.filter(() => at > 0), ...events.slice(at)] };
}

// segments

const FLAGS = ['S', '.', 'F.', 'R', 'R.', 'P. 10', 'S.', 'F', 'P. 3', '. 7'] as const;

const WATCHES = [
  'iptables -A INPUT -m conntrack --ctstate INVALID -j DROP',
  'iptables -A OUTPUT -m conntrack --ctstate INVALID -j DROP',
  'iptables -A INPUT -m conntrack --ctstate NEW -p tcp ! --syn -j DROP',
  'iptables -A INPUT -m conntrack --ctstate ESTABLISHED -p tcp -j REJECT --reject-with tcp-reset',
  'iptables -A INPUT -p tcp --tcp-flags SYN,ACK ACK -j REJECT --reject-with tcp-reset',
  'sysctl -w net.ipv4.tcp_timestamps=0',
  'sysctl -w net.ipv4.tcp_window_scaling=0',
  'sysctl -w net.ipv4.tcp_sack=0',
  'sysctl -w net.ipv4.tcp_tw_reuse=1',
] as const;

/** A server and its client, or a client of one's own, with segments that nobody waits for. */
function drawSegments(words: WordSource): Text {
  const isServer = chance(words, 1, 2);
  const [arrives, s] = isServer
    ? ['eth0 10.0.0.9:5000 > 10.0.0.1:80', 'l.1']
    : ['eth0 8.8.8.8:80 > 10.0.0.1:4000', 'c'];
  const story = isServer
    ? ['socket l tcp', 'bind l 10.0.0.1:80', 'listen l', `receive ${arrives} tcp S`, 'answer l']
    : ['socket c tcp', 'bind c 10.0.0.1:4000', 'connect c 8.8.8.8:80', 'answer c'];
  const kept = story.slice(0, story.length - below(words, 2));
  const odd = () => `receive ${arrives} tcp ${oneOf(words, FLAGS)}${isServer && chance(words, 1, 3) ? ' win 3' : ''}`;
  const steps = [odd, odd, ...(kept.length === story.length ? [() => `send ${s} 5`] : [])];
  const ends = isServer && kept.length < story.length ? [] : [`close ${s}`, `answer ${s}`];
  const events = [
    ...[...kept, ...several(words, 1, 6, () => oneOf(words, steps)())],
    ...ends.slice(0, below(words, ends.length + 1)),
    ...several(words, 0, 5, odd),
  ];
  return { host: [...LINKS, ...several(words, 0, 2, () => oneOf(words, WATCHES))], events };
}

// receivers

/** Sockets of several kinds and names, and packets that more than one of them could have. */
function drawReceivers(words: WordSource): Text {
  const events: string[] = [];
  for (const s of ['a', 'b', 'c', 'd'].slice(0, 2 + below(words, 3))) {
    const kind = oneOf(words, ['udp', 'udp', 'udp', 'raw icmp', 'raw udp', 'raw 47', 'ping']);
    events.push(`socket ${s} ${kind}${oneOf(words, ['', '', '', ' dev eth0', ' dev eth1', ' broadcast'])}`);
    const address = oneOf(words, ['0.0.0.0', '10.0.0.1', '10.1.0.1', '10.0.0.255', '224.0.0.5']);
    const port = kind === 'udp' ? `:${oneOf(words, [4000, 4000, 4001])}` : '';
    if (chance(words, 3, 4)) events.push(`bind ${s} ${address}${port}`);
    if (chance(words, 1, 3)) events.push(`connect ${s} ${oneOf(words, ['8.8.8.8:53', '10.0.0.9:53', '10.0.0.9:54'])}`);
    // The user of a raw socket makes the checksum, for the source that getsockname() tells.
    if (kind !== 'raw udp' && chance(words, 1, 3))
      events.push(`send ${s} 9${chance(words, 1, 2) ? ` to 8.8.8.8${kind === 'udp' ? ':53' : ''}` : ''}`);
  }
  const arrival = () => {
    const dev = oneOf(words, ['eth0', 'eth0', 'eth1']);
    const from = oneOf(words, ['8.8.8.8', '8.8.8.8', '10.0.0.9', '10.0.0.9', '0.0.0.0', '10.0.0.1']);
    const to = oneOf(words, [
      '10.0.0.1',
      '10.0.0.1',
      '10.1.0.1',
      '10.0.0.255',
      '255.255.255.255',
      '10.0.0.77',
      '224.0.0.1',
    ]);
    const what = oneOf(words, ['udp', 'udp', 'udp', 'icmp', '47']);
    if (what === 'udp')
      return `receive ${dev} ${from}:${oneOf(words, [53, 54])} > ${to}:${oneOf(words, [4000, 4001])} udp 4`;
    if (what === '47') return `receive ${dev} ${from} > ${to} 47 20`;
    const type = oneOf(words, ['echo-request', 'echo-reply', 'unreachable/3', '13/0', '19/0', 'unreachable/1 40']);
    return `receive ${dev} ${from} > ${to} icmp ${type}`;
  };
  return { host: LINKS, events: [...events, ...several(words, 2, 6, arrival)] };
}

// calls

/** Calls out of turn: sockets that are bound, connected or closed twice, and settings that decide what they get. */
function drawCalls(words: WordSource): Text {
  const settings = [
    'net.ipv4.ip_local_port_range="40000 40100"',
    'net.ipv4.ip_local_port_range="40100 40000"',
    'net.ipv4.ip_local_port_range="0 40000"',
    'net.ipv4.ip_local_port_range="70000 80000"',
    'net.ipv4.ping_group_range="1 0"',
    'net.ipv4.ping_group_range="0 0"',
    'net.ipv4.ip_nonlocal_bind=1',
    'net.ipv4.tcp_timestamps=7',
    'net.ipv4.tcp_tw_reuse=3',
    'net.ipv4.tcp_syn_retries=0',
    'net.ipv4.conf.eth0.rp_filter=1',
    'net.ipv4.conf.eth9.rp_filter=1',
    'net.ipv4.tcp_fastopen=1',
  ];
  const kinds = ['tcp', 'tcp', 'udp', 'ping', 'raw icmp', 'raw 47'];
  const options = [
    '',
    '',
    '',
    ' dev eth0',
    ' dev eth9',
    ' unicast-if eth1',
    ' unicast-if eth9',
    ' uid 1000',
    ' dontroute',
  ];
  const events: string[] = [];
  for (const s of ['a', 'b']) {
    const kind = oneOf(words, kinds);
    events.push(`socket ${s} ${kind}${oneOf(words, options)}`);
    const hasPort = kind === 'tcp' || kind === 'udp';
    const address = () =>
      oneOf(words, ['10.0.0.1', '0.0.0.0', '10.1.0.1', '10.0.0.255', '224.0.0.5', '10.9.9.9', '127.0.0.1']);
    const peer = () =>
      oneOf(words, ['8.8.8.8', '8.8.8.8', '10.0.0.9', '10.0.0.255', '224.0.0.5', '0.0.0.0', '10.0.0.1']);
    const call = () =>
      oneOf(words, [
        `bind ${s} ${address()}${hasPort && chance(words, 1, 2) ? ':4000' : ''}`,
        `bind ${s} ${address()}${hasPort ? ':80' : ''}`,
        `connect ${s} ${peer()}:80`,
        `connect ${s} ${peer()}:53`,
        `connect ${s} ${peer()}:80`,
        `send ${s} 4`,
        kind === 'tcp' ? `send ${s} 5` : `send ${s} 4 to ${peer()}${hasPort ? ':53' : ''}`,
        `answer ${s}`,
        `answer ${s}`,
        kind === 'tcp' ? `listen ${s}` : `send ${s} 3${oneOf(words, ['', ' via eth1', ' dontroute'])}`,
      ]);
    events.push(...several(words, 2, 6, call), ...(chance(words, 1, 3) ? [`close ${s}`] : []));
  }
  return { host: [...LINKS, ...several(words, 0, 2, () => `sysctl -w ${oneOf(words, settings)}`)], events };
}

// policies

/** IPsec policies that let through or block. */
function drawPolicies(words: WordSource): Text {
  const selector = () => {
    const from = oneOf(words, ['src 0.0.0.0/0', 'src 10.0.0.0/24', 'src 10.0.0.1']);
    const to = oneOf(words, ['dst 8.8.8.8', 'dst 0.0.0.0/0', 'dst 9.0.0.0/8']);
    const what = oneOf(words, [
      '',
      '',
      ' proto udp',
      ' proto udp dport 53',
      ' proto tcp dport 80',
      ' proto tcp dport 81',
      ' proto udp sport 4000',
    ]);
    return `${from} ${to}${what} dir out`;
  };
  const action = () => oneOf(words, [' action block', ' action block', ' action allow', '']);
  const priority = () => oneOf(words, ['', '', ' priority 10', ' priority 20']);
  const command = () =>
    chance(words, 1, 8) ? 'ip xfrm policy flush' : `ip xfrm policy add ${selector()}${action()}${priority()}`;
  const bound = ['socket w udp', 'bind w 0.0.0.0:4000', 'send w 4 to 8.8.8.8:54'];
  return { host: [...LINKS, ...several(words, 1, 5, command)], events: [...TRAFFIC, ...bound] };
}

const STORIES = [
  drawChains,
  drawTwins,
  drawTwins,
  drawSets,
  drawAddresses,
  drawTranslated,
  drawSegments,
  drawReceivers,
  drawCalls,
  drawPolicies,
] as const;

export function drawCorners(words: WordSource): Text {
  return oneOf(words, STORIES)(words);
}
