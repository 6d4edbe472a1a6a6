/**
 * Random scenarios for packets on the wire: the hosts of the property search, and wider ones of their own, with sockets of
 * every kind, connections both ways, rules on marks, types of service, users and ports, NAT and stateful filters.
 */
import { type RunScope, twoUplinks } from '../properties/scopes/runs.ts';
import { isFilled } from '../properties/scopes/template.ts';
import { drawnOptions } from '../scenario/events.ts';
import { below, chance, oneOf, type WordSource } from '../scenario/random.ts';
import type { Text } from '../scenario/text.ts';
import { drawEvents, drawHost } from '../search/generate.ts';

/** The hosts of the search with what else the model knows. */
const wide: RunScope = {
  ...twoUplinks,
  name: 'wide',
  text: 'two uplinks with everything that the model knows',
  uplinks: [
    ['10.0.0.1/24', '10.0.0.2/24', '192.168.1.10/24', '198.51.100.7/24', '10.0.0.1/31', '10.0.0.1/16'],
    ['10.1.0.1/24', '10.1.0.2/24', '192.169.1.10/24', '203.0.113.9/24', '10.1.0.1/16'],
  ],
  extra: [
    'ip link add eth2 type veth peer name eth2p',
    ...twoUplinks.extra.filter((line) => !line.includes('40000 40001')),
    'iptables -t nat -A POSTROUTING -o eth1 -j MASQUERADE',
    'iptables -t nat -A POSTROUTING -p udp -j MASQUERADE',
    'iptables -t nat -A POSTROUTING -o eth1 -j SNAT --to-source 10.1.0.1',
    'iptables -t nat -A OUTPUT -p tcp --dport 80 -j DNAT --to-destination 9.9.9.9:53',
    'iptables -A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT',
    'iptables -P INPUT DROP',
    'iptables -A INPUT -p udp -j DROP',
    'iptables -A OUTPUT -d 9.9.9.9 -j DROP',
    'iptables -A OUTPUT -m mark --mark 100 -j DROP',
    'iptables -A OUTPUT -o eth1 -j ACCEPT',
    'iptables -P OUTPUT DROP',
    'iptables -A OUTPUT -m addrtype --src-type LOCAL -j ACCEPT',
    'iptables -t raw -A OUTPUT -p udp -j NOTRACK',
    'iptables -t mangle -A OUTPUT -p tcp -j DROP',
    'iptables -t mangle -A OUTPUT -m mark --mark 100 -j CONNMARK --save-mark',
    'iptables -t mangle -A OUTPUT -j CONNMARK --restore-mark',
    'iptables -t mangle -A PREROUTING -i eth1 -j MARK --set-mark 100',
    'iptables -t mangle -A PREROUTING -i eth1 -j CONNMARK --set-mark 100',
    'iptables -t mangle -A POSTROUTING -j TOS --set-tos 0x08',
    'iptables -t mangle -A OUTPUT -p icmp -j DSCP --set-dscp 4',
    'ip rule add from 10.1.0.1 table 100',
    'ip rule add not from 10.0.0.1 table 100',
    'ip rule add to 8.8.8.8 ipproto udp dport 53 table 100',
    'ip rule add oif eth1 table 100',
    'ip rule add iif lo fwmark 0 table main',
    'ip rule add fwmark 100 prohibit',
    'ip rule add fwmark 100 unreachable',
    'ip rule add fwmark 100 blackhole',
    'ip rule add from all lookup main suppress_prefixlength 0 pref 10',
    'ip route add 8.8.8.8 dev eth1',
    'ip route add 8.8.8.8 via {g0} tos 0x10',
    'ip route add prohibit 9.9.9.9',
    'ip route add default via {g1} metric 20',
    'ip addr add 10.9.9.9/32 dev lo',
    'ip addr add 10.9.9.8 peer 8.8.8.8 dev eth1',
    'ip link set eth1 down',
    'sysctl -w net.ipv4.ip_nonlocal_bind=1',
    'sysctl -w net.ipv4.conf.all.rp_filter=1',
    'sysctl -w net.ipv4.conf.all.rp_filter=2',
    'sysctl -w net.ipv4.conf.eth1.src_valid_mark=1',
    'sysctl -w net.ipv4.tcp_timestamps=0',
    'sysctl -w net.ipv4.tcp_fastopen=3',
    'sysctl -w net.ipv4.icmp_echo_ignore_all=1',
  ],
  extras: 4,
  rules: [...twoUplinks.rules, 'ip rule add not fwmark 100 table 100', 'ip rule add fwmark 100 table 100 pref 5'],
  mangle: {
    matches: [
      ...twoUplinks.mangle.matches,
      '-s 10.0.0.1',
      '-o eth0',
      '! -d 8.8.8.8',
      '-p udp --dport 53',
      '-p udp -m multiport --dports 53,80',
      '-p icmp --icmp-type echo-request',
      '-m mark --mark 100',
      '-m tos --tos 0x10',
      '-m conntrack --ctstate NEW',
      '-p tcp --tcp-flags SYN,ACK SYN,ACK',
    ],
    targets: [...twoUplinks.mangle.targets, 'MARK --set-xmark 0x64/0xff', 'TOS --set-tos 0x08', 'DSCP --set-dscp 2'],
  },
  mangleRules: 3,
  sockets: ['tcp', 'udp', 'ping', 'raw icmp', 'hdrincl', 'raw tcp', 'raw udp', 'raw 47'],
  socketOptions: drawnOptions('socket'),
  sendOptions: drawnOptions('send'),
  destinations: ['8.8.8.8', '9.9.9.9', '10.0.0.9', '10.1.0.9', '10.0.0.255', '10.2.0.1', '224.0.0.5'],
  ports: [80, 53, 443],
  lengths: [4, 1, 5, 0, 100, 1000],
  arrivals: [
    ...twoUplinks.arrivals,
    'eth1 8.8.8.8:53 > {a0}:9 udp 4',
    'eth0 10.0.0.9 > {a0} icmp echo-request 5',
    'eth1 8.8.8.8 > {a0} icmp echo-request',
    'eth0 8.8.8.8:5000 > {a0}:80 tcp R',
    'eth0 8.8.8.8:5000 > {a0}:80 tcp S.',
    'eth0 8.8.8.8:5000 > {a0}:80 tcp F.',
    'eth0 8.8.8.8:5000 > {a0}:80 tcp P. 10',
    'eth0 8.8.8.8:5000 > {a1}:80 tcp S',
    'eth0 9.9.9.9:5000 > {a0}:81 tcp S 5',
    'eth0 9.9.9.9 > {a0} 47 20',
  ],
  changes: [
    ...twoUplinks.changes,
    'ip addr del {a1}/24 dev eth1',
    'ip link set eth1 down',
    'ip link set eth1 up',
    'ip rule del fwmark 100 table 100',
    'ip rule add from {a0} table 100',
    'iptables -t nat -F POSTROUTING',
    'iptables -P INPUT DROP',
    'ip route replace default via {g0} src {a0}',
  ],
  events: 9,
};

/** A server, and a client that connects to it, in parts that may be missing. */
function drawServer(words: WordSource, address: string): readonly string[] {
  const client = `eth0 10.0.0.9:5000 > ${address}:80 tcp`;
  const story = [
    ['socket l tcp', ...(chance(words, 1, 4) ? ['bind l 0.0.0.0:80'] : [`bind l ${address}:80`]), 'listen l'],
    [`receive ${client} S`],
    chance(words, 1, 4) ? ['retransmit l'] : [],
    ['answer l'],
    chance(words, 2, 3) ? [oneOf(words, [`receive ${client} P. 10`, 'say l.1 10', 'say l.1 700'])] : [],
    chance(words, 2, 3) ? ['send l.1 5', 'answer l.1'] : [],
    chance(words, 1, 4) ? ['say l.1 3'] : [],
    chance(words, 1, 2) ? ['close l.1', 'answer l.1'] : [`receive ${client} ${oneOf(words, ['F.', 'R.', '.', 'S'])}`],
    chance(words, 1, 2) ? ['close l'] : [],
    chance(words, 1, 3) ? [`receive ${client} ${oneOf(words, ['S', '.', 'F.', 'R'])}`] : [],
  ];
  const end = 3 + below(words, story.length - 2);
  return story.slice(0, end).flat();
}

/** A client of its own: a handshake, data, both ends. */
function drawClient(words: WordSource): readonly string[] {
  const to = `${oneOf(words, ['8.8.8.8', '9.9.9.9', '10.0.0.9'])}:${oneOf(words, [80, 53])}`;
  const open = [
    `socket c tcp${oneOf(words, ['', '', ' mark 100', ' dev eth1', ' uid 1000', ' md5', ' gid 1000', ' cgroup app'])}`,
  ];
  const tfo = chance(words, 1, 5);
  const story = [
    open,
    chance(words, 1, 4) ? [`bind c 0.0.0.0:${oneOf(words, [4000, 80])}`] : [],
    [`connect c ${to}${tfo ? ' tfo' : ''}`],
    chance(words, 1, 5) ? ['retransmit c'] : [],
    chance(words, 7, 8) ? ['answer c'] : [],
    chance(words, 1, 4) ? ['say c 20'] : [],
    ['send c 4'],
    chance(words, 1, 6) ? ['send c 5'] : [],
    chance(words, 1, 3) ? ['say c 6', 'say c 7'] : [],
    chance(words, 1, 4) ? ['close c', 'retransmit c'] : [],
    chance(words, 1, 4) ? ['retransmit c'] : [],
    ['answer c'],
    chance(words, 1, 4) ? ['say c 8'] : [],
    ['close c'],
    [chance(words, 4, 5) ? 'say c 9' : 'answer c'],
    tfo ? ['socket d tcp', `connect d ${to} tfo`, 'send d 5', 'answer d'] : [],
  ];
  return story.slice(0, 3 + below(words, story.length - 2)).flat();
}

/** A datagram socket that is used more than once. */
function drawDatagrams(words: WordSource): readonly string[] {
  const kind = oneOf(words, ['udp', 'ping', 'raw icmp', 'hdrincl', 'raw udp', 'raw tcp']);
  const to = () =>
    `${oneOf(words, ['8.8.8.8', '9.9.9.9', '10.1.0.9'])}${kind === 'udp' ? `:${oneOf(words, [53, 80])}` : ''}`;
  const send = () => {
    const from = chance(words, 1, 4) ? ` from ${oneOf(words, ['10.1.0.1', '10.0.0.1', '10.0.0.7'])}` : '';
    return `send s ${oneOf(words, [4, 1, 5, 56, 1000])} to ${to()}${from}${kind === 'hdrincl' || kind === 'raw tcp' ? ' flags S' : ''}`;
  };
  const plain = () => `send s ${oneOf(words, [4, 1, 6])}${kind === 'hdrincl' || kind === 'raw tcp' ? ' flags S' : ''}`;
  const events = [
    `socket s ${kind}${oneOf(words, ['', '', '', ' mark 100', ' dev eth1', ' uid 1000', ' gid 1000', ' cgroup app'])}`,
  ];
  if (chance(words, 1, 4))
    events.push(
      `bind s ${oneOf(words, ['10.0.0.1', '10.1.0.1', '0.0.0.0', '10.5.5.5'])}${kind === 'udp' && chance(words, 1, 2) ? ':4000' : ''}`,
    );
  const heard = kind === 'udp' ? ['answer s', 'say s 9'] : ['answer s'];
  for (let n = 1 + below(words, 3); n > 0; n--) events.push(send(), ...heard.filter(() => chance(words, 1, 2)));
  if (chance(words, 1, 2)) {
    events.push(
      `connect s ${oneOf(words, ['8.8.8.8', '9.9.9.9'])}:${oneOf(words, [53, 80])}`,
      plain(),
      ...heard,
      plain(),
    );
    if (chance(words, 1, 2)) events.push(send());
  }
  if (chance(words, 1, 2)) events.push('close s');
  return events;
}

/** Where the sockets of a host with hardly any ports connect to. */
const PORT_PEERS = ['8.8.8.8:80', '8.8.8.8:80', '8.8.8.8:53', '9.9.9.9:80'] as const;

/** Sockets that compete for one port, or for two: who gets it, who shares it, who is refused. */
function drawPortEvents(words: WordSource, ports: 1 | 2): readonly string[] {
  const events: string[] = [];
  for (const s of ['a', 'b', 'd', 'e'].slice(0, 2 + below(words, 3))) {
    const kind = ports === 2 || chance(words, 2, 3) ? 'tcp' : 'udp';
    events.push(`socket ${s} ${kind}`);
    // Which of two ports is shared depends on the choice of the first: then all go to one peer.
    const peer = ports === 2 ? PORT_PEERS[0] : oneOf(words, PORT_PEERS);
    const act = ports === 2 ? 0 : below(words, 8);
    if (act === 5) events.push(`bind ${s} ${oneOf(words, ['10.0.0.1', '0.0.0.0'])}:40000`);
    if (act === 6) events.push(`bind ${s} ${oneOf(words, ['10.0.0.1', '0.0.0.0', '10.1.0.1'])}`);
    if (act === 7 && kind === 'tcp') events.push(`listen ${s}`);
    else events.push(`connect ${s} ${peer}`, ...(chance(words, 1, 3) ? [`answer ${s}`] : []));
    // A bucket that bind() used is another one in later releases once its socket is closed: see excluded.ts.
    if (act < 5 && chance(words, 1, 4))
      events.push(`close ${s}`, ...(chance(words, 1, 2) && kind === 'tcp' ? [`answer ${s}`] : []));
    else if (kind === 'udp' && chance(words, 1, 2)) events.push(`send ${s} 4 to ${peer}`);
  }
  return events;
}

/** A plain host with that many ports. */
function drawPorts(words: WordSource): Text {
  const ports = chance(words, 1, 4) ? 2 : 1;
  const host = [
    'ip link add eth0 type veth peer name eth0p',
    'ip link set eth0 up',
    'ip addr add 10.0.0.1/24 dev eth0',
    'ip addr add 10.1.0.1/24 dev eth0',
    'ip route add default via 10.0.0.254',
    `sysctl -w net.ipv4.ip_local_port_range="40000 ${39999 + ports}"`,
  ];
  return { host, events: drawPortEvents(words, ports) };
}

/** Retransmissions that are waited for, each about a second long. */
const RETRANSMISSIONS = 1;

/** The events without what would take minutes on a real kernel, and without those that name an address that the host does not have. */
function quick(words: WordSource, events: readonly string[]): readonly string[] {
  let left = chance(words, 1, 2) ? RETRANSMISSIONS : 0;
  return events.filter((event) => {
    if (event.startsWith('wait ') || !isFilled(event)) return false;
    return !event.startsWith('retransmit ') || left-- > 0;
  });
}

/** Translation and filters, one group of them in many hosts: single lines of the scope seldom meet their packets. */
const FIREWALLS = [
  ['iptables -t nat -A POSTROUTING -o eth1 -j MASQUERADE'],
  ['iptables -t nat -A POSTROUTING -j MASQUERADE'],
  [
    'iptables -t nat -A POSTROUTING -p tcp -j MASQUERADE',
    'iptables -t nat -A POSTROUTING -j SNAT --to-source 10.0.0.77',
  ],
  ['iptables -t nat -A POSTROUTING -j SNAT --to-source 10.1.0.1'],
  ['iptables -t nat -A OUTPUT -p tcp --dport 80 -j DNAT --to-destination 9.9.9.9:53'],
  ['iptables -t nat -A OUTPUT -p udp -j DNAT --to-destination 9.9.9.9'],
  ['iptables -A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT', 'iptables -P INPUT DROP'],
  ['iptables -A INPUT -m conntrack --ctstate INVALID,NEW -j DROP'],
  ['iptables -A OUTPUT -m conntrack --ctstate ESTABLISHED -j DROP'],
  ['iptables -A OUTPUT -p tcp --dport 80 -j DROP'],
] as const;

/** Words that operators use in groups: sets, marks of connections, zones, users and groups of processes, dice. */
const NEEDS = [
  [
    'ipset create far hash:net',
    'ipset add far 8.8.0.0/16',
    'iptables -t mangle -A OUTPUT -m set --match-set far dst -j MARK --set-mark 100',
  ],
  [
    'ipset create far hash:net',
    'ipset add far 8.0.0.0/8',
    'ipset add far 8.8.8.0/24 nomatch',
    'iptables -t mangle -A OUTPUT -m set ! --match-set far dst -j MARK --set-mark 100',
  ],
  [
    'ipset create at hash:ip,port',
    'ipset add at 8.8.8.8,tcp:80',
    'ipset add at 9.9.9.9,udp:53',
    'iptables -t mangle -A OUTPUT -m set --match-set at dst,dst -j MARK --set-mark 100',
  ],
  [
    'ipset create ports bitmap:port range 0-1000',
    'ipset add ports 53',
    'iptables -A OUTPUT -m set --match-set ports dst -j DROP',
  ],
  [
    'ipset create far hash:ip',
    'ipset add far 8.8.8.8',
    'ipset create all list:set',
    'ipset add all far',
    'iptables -t mangle -A OUTPUT -m set --match-set all dst -j MARK --set-mark 100',
  ],
  ['iptables -t nat -A OUTPUT -p tcp --dport 80 -j REDIRECT --to-ports 81'],
  ['iptables -t nat -A OUTPUT -p udp -d 8.8.8.8 -j REDIRECT'],
  ['iptables -t nat -A PREROUTING -p tcp --dport 81 -j REDIRECT --to-ports 80'],
  [
    'iptables -t mangle -A OUTPUT -p tcp -j CONNMARK --set-xmark 0x64/0xff',
    'iptables -t mangle -A OUTPUT -m connmark --mark 0x64/0xff -j CONNMARK --restore-mark',
  ],
  [
    'iptables -t mangle -A OUTPUT -m connmark ! --mark 0 -j MARK --set-mark 100',
    'iptables -t mangle -A POSTROUTING -j CONNMARK --or-mark 4',
  ],
  [
    'iptables -t mangle -A PREROUTING -i eth0 -j CONNMARK --set-mark 100',
    'iptables -t mangle -A OUTPUT -j CONNMARK --restore-mark --nfmask 0xff --ctmask 0xff',
  ],
  ['iptables -t raw -A OUTPUT -p tcp -j CT --zone 1', 'iptables -A INPUT -m conntrack --ctstate NEW -j DROP'],
  [
    'iptables -t raw -A OUTPUT -j CT --zone 1',
    'iptables -t raw -A PREROUTING -j CT --zone 1',
    'iptables -t nat -A POSTROUTING -o eth1 -j MASQUERADE',
  ],
  [
    'iptables -t raw -A OUTPUT -p udp -j CT --zone-orig 2',
    'iptables -t nat -A POSTROUTING -p udp -j SNAT --to-source 10.1.0.1',
  ],
  ['iptables -A INPUT -m conntrack --ctdir REPLY -j DROP'],
  ['iptables -t mangle -A OUTPUT -m conntrack --ctorigdst 8.8.8.8 -j MARK --set-mark 100'],
  ['iptables -t mangle -A OUTPUT -m conntrack --ctproto udp --ctorigdstport 53 -j MARK --set-mark 100'],
  ['iptables -t mangle -A OUTPUT -m owner --gid-owner 1000 -j MARK --set-mark 100'],
  ['iptables -t mangle -A OUTPUT -m owner ! --socket-exists -j MARK --set-mark 100'],
  ['iptables -t mangle -A OUTPUT -m cgroup --path app -j MARK --set-mark 100'],
  ['iptables -t mangle -A OUTPUT -m statistic --mode random --probability 0.5 -j MARK --set-mark 100'],
  ['iptables -t mangle -A PREROUTING -m addrtype --dst-type LOCAL --limit-iface-in -j MARK --set-mark 100'],
  ['iptables -t nat -A POSTROUTING -m addrtype ! --src-type LOCAL --limit-iface-out -j MASQUERADE'],
  ['iptables -t mangle -A OUTPUT -m iprange --dst-range 8.8.8.8-9.9.9.9 -j MARK --set-mark 100'],
  ['iptables -t mangle -A OUTPUT -m length --length 40:60 -j MARK --set-mark 100'],
  ['iptables -t mangle -A OUTPUT -m policy --dir out --pol none -j MARK --set-mark 100'],
  ['iptables -t nat -A POSTROUTING -p udp -j MASQUERADE --random-fully'],
  [
    'link wg0 type wireguard',
    'ip link set wg0 up',
    'ip addr add 10.2.0.1/24 dev wg0',
    'ip route replace default dev wg0 table 100',
    'iptables -t mangle -A OUTPUT -p udp -j MARK --set-mark 100',
  ],
  [
    'link ppp0 type ppp',
    'ip link set ppp0 up',
    'ip addr add 10.2.0.1 peer 10.2.0.2/32 dev ppp0',
    'ip route replace default dev ppp0 table 100',
    'iptables -t nat -A POSTROUTING -o ppp0 -j MASQUERADE',
  ],
  [
    'ip tuntap add dev tun0 mode tun',
    'ip link set tun0 up',
    'ip addr add 10.2.0.1/24 dev tun0',
    'ip route add 8.8.8.8 dev tun0',
  ],
] as const;

/** Packets for which there is no socket. */
function drawStrangers(words: WordSource, address: string): readonly string[] {
  const stranger = () => {
    const dev = chance(words, 3, 4) ? 'eth0' : 'eth1';
    const from = oneOf(words, ['10.0.0.9', '8.8.8.8', '10.1.0.9']);
    const packet = oneOf(words, ['udp 4', 'udp 0', 'tcp S', 'tcp .', 'tcp F.', 'tcp R', 'icmp', 'icmp', '47 20']);
    if (packet === 'icmp') return `receive ${dev} ${from} > ${address} icmp echo-request ${oneOf(words, [0, 5, 56])}`;
    if (packet === '47 20') return `receive ${dev} ${from} > ${address} 47 20`;
    return `receive ${dev} ${from}:5000 > ${address}:${oneOf(words, [80, 81, 4000])} ${packet}`;
  };
  return Array.from({ length: 1 + below(words, 4) }, stranger);
}

/** What an operator does under way. */
const CHANGES = [
  'ip link set eth1 down',
  'ip link set eth0 down',
  'ip rule del fwmark 100 table 100',
  'ip rule add fwmark 100 table 100 pref 5',
  'ip route replace default dev eth0',
  'ip route del default',
  'ip route flush cache',
  'ip route add 8.8.8.8 dev eth1',
  'iptables -t mangle -F OUTPUT',
  'iptables -t mangle -A OUTPUT -j MARK --set-mark 100',
  'iptables -t nat -A POSTROUTING -j MASQUERADE',
  'iptables -P INPUT DROP',
  'ip addr add 10.0.0.33/24 dev eth0',
  'ip addr flush dev eth1',
  'conntrack -F',
  'conntrack -D -p udp',
  'conntrack -D -d 8.8.8.8',
] as const;

/** The events with a command somewhere among them. */
function withChange(words: WordSource, events: readonly string[]): readonly string[] {
  const at = 1 + below(words, Math.max(events.length - 1, 1));
  return [...events.slice(0, at), `host ${oneOf(words, CHANGES)}`, ...events.slice(at)];
}

/** The first address of the first link. */
function firstAddress(host: readonly string[]): string {
  return host.flatMap((line) => line.match(/^ip addr add ([\d.]+)/)?.[1] ?? [])[0] ?? '10.0.0.1';
}

/** A command that takes back, asks for or replaces what some line of the host has added, or something much like it. */
function drawEdit(words: WordSource, host: readonly string[]): readonly string[] {
  const added = host.filter((line) => / rule add |^iptables .*-A /.test(line));
  if (added.length === 0) return [];
  const line = oneOf(words, added);
  if (line.startsWith('ip ')) return [line.replace(' rule add ', ' rule del ')];
  const [, table = '', chain = '', rule = ''] = /^iptables (-t \S+ )?-A (\S+) (.*)$/.exec(line) ?? [];
  const start = `iptables ${table}-A ${chain} `;
  const other = oneOf(
    words,
    added.filter((one) => one.startsWith(start)),
  ).slice(start.length);
  const place = 1 + below(words, 3);
  const edit = oneOf(words, [
    `-D ${chain} ${rule}`,
    `-D ${chain} ${other}`,
    `-D ${chain} ${place}`,
    `-C ${chain} ${rule}`,
    `-C ${chain} ${other}`,
    `-R ${chain} ${place} ${rule}`,
    `-I ${chain} ${place} ${rule}`,
  ]);
  return [`iptables ${table}${edit}`];
}

/** The same, with the rules in nf_tables. */
function onNft(lines: readonly string[]): readonly string[] {
  return lines.map((line) => line.replace(/^(host )?iptables /, '$1iptables-nft '));
}

/** A host and events on it; some commands may be refused, by the model and by the kernel alike. */
export function drawWire(words: WordSource): Text {
  if (chance(words, 1, 6)) return drawPorts(words);
  const scope = chance(words, 1, 3) ? twoUplinks : wide;
  const plain = drawHost(scope, words).filter((line) => !line.includes('40000 40001') && isFilled(line));
  const built = [
    ...plain,
    ...(chance(words, 1, 3) ? oneOf(words, FIREWALLS) : []),
    ...(chance(words, 1, 3) ? oneOf(words, NEEDS) : []),
  ];
  const host = chance(words, 1, 3) ? [...built, ...drawEdit(words, built), ...drawEdit(words, built)] : built;
  const address = firstAddress(host);
  const stories = [
    () => drawEvents(scope, host, words),
    () => drawEvents(scope, host, words),
    () => drawServer(words, address),
    () => drawClient(words),
    () => drawClient(words),
    () => drawDatagrams(words),
    () => drawDatagrams(words),
    () => [...drawClient(words), ...drawDatagrams(words)],
    () => drawStrangers(words, address),
    () => [...drawDatagrams(words), ...drawStrangers(words, address)],
  ];
  const drawn = quick(words, oneOf(words, stories)());
  const events = chance(words, 1, 6) ? withChange(words, drawn) : drawn;
  return chance(words, 1, 8) ? { host: onNft(host), events: onNft(events) } : { host, events };
}
