/** What changes under a host: sets, addresses that go, IPsec policies. */
import { chance, oneOf, type WordSource } from '../../scenario/random.ts';
import type { Text } from '../../scenario/text.ts';
import { LINKS, several, TRAFFIC } from './common.ts';

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

export function drawSets(words: WordSource): Text {
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
export function drawAddresses(words: WordSource): Text {
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

/** IPsec policies that let through or block. */
export function drawPolicies(words: WordSource): Text {
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
