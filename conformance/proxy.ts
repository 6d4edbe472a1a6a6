/** Random scenarios of a transparent proxy: TPROXY, `-m socket`, and sockets with IP_TRANSPARENT beside others. */
import { below, chance, oneOf, type WordSource } from '../scenario/random.ts';
import type { Text } from '../scenario/text.ts';
import { UPLINKS } from './corners/common.ts';

/** What marks lead to: this host, or the second link. */
const ROUTES = [
  'ip rule add fwmark 1 table 100',
  'ip route add local default dev lo table 100',
  'ip rule add fwmark 7 table 7',
  'ip route add default via 10.1.0.254 table 7',
] as const;

/** Packets of connections that are open are marked without asking the rules behind. */
function drawDivert(words: WordSource): readonly string[] {
  const options = oneOf(words, ['', ' --transparent', ' --nowildcard', ' --transparent --nowildcard']);
  const protocol = oneOf(words, ['', '-p tcp ', '-p udp ']);
  return [
    'iptables -t mangle -N DIVERT',
    'iptables -t mangle -A DIVERT -j MARK --set-mark 1',
    'iptables -t mangle -A DIVERT -j ACCEPT',
    `iptables -t mangle -A PREROUTING ${protocol}-m socket${options} -j DIVERT`,
  ];
}

function drawTproxy(words: WordSource, protocol: 'tcp' | 'udp', port: number): string {
  const to = chance(words, 4, 5) ? ` --dport ${port}` : '';
  const onPort = oneOf(words, [50080, 50080, 0]);
  const onIp = oneOf(words, ['', '', ' --on-ip 127.0.0.1', ' --on-ip 10.1.0.1', ' --on-ip 0.0.0.0']);
  const mark = oneOf(words, [' --tproxy-mark 1', ' --tproxy-mark 0x1/0x1', ' --tproxy-mark 7', '']);
  return `iptables -t mangle -A PREROUTING -p ${protocol}${to} -j TPROXY --on-port ${onPort}${onIp}${mark}`;
}

const OTHERS = [
  ['iptables -A INPUT -m socket -j ACCEPT', 'iptables -P INPUT DROP'],
  ['iptables -A INPUT -m socket --nowildcard -j DROP'],
  ['iptables -t nat -A POSTROUTING -p tcp -j SNAT --to-source 10.0.0.1'],
  ['iptables -t mangle -A OUTPUT -p tcp --sport 80 -j MARK --set-mark 7'],
  ['iptables -t mangle -A OUTPUT -j MARK --set-mark 7'],
  ['sysctl -w net.ipv4.tcp_fwmark_accept=1'],
  ['sysctl -w net.ipv4.fwmark_reflect=1'],
] as const;

/** Mostly so. */
function drawTransparent(words: WordSource): string {
  return chance(words, 4, 5) ? ' transparent' : '';
}

/** A proxy for connections, and a client that asks a foreign address. */
function drawConnections(words: WordSource): readonly string[] {
  const bound = oneOf(words, ['0.0.0.0:50080', '0.0.0.0:50080', '10.0.0.1:50080', '127.0.0.1:50080', '8.8.8.8:80']);
  const server = oneOf(words, ['8.8.8.8:80', '8.8.8.8:80', '10.0.0.1:80', '8.8.8.8:443']);
  const client = `eth0 10.0.0.9:5000 > ${server} tcp`;
  const story = [
    [`socket l tcp${drawTransparent(words)}`, `bind l ${bound}`, 'listen l'],
    chance(words, 1, 4) ? [`receive ${client} ${oneOf(words, ['.', 'P. 4', 'F.'])}`] : [],
    [`receive ${client} S`],
    ['answer l'],
    chance(words, 1, 2) ? ['say l.1 10'] : [],
    ['send l.1 5', 'answer l.1'],
    chance(words, 1, 3) ? [`receive ${client} ${oneOf(words, ['S', 'R', 'P. 4'])}`] : [],
    chance(words, 1, 3) ? ['close l'] : [],
    ['close l.1'],
    chance(words, 2, 3) ? ['answer l.1'] : [],
    [`receive ${client} ${oneOf(words, ['S', '.', 'P. 4'])}`],
  ];
  return story.slice(0, 3 + below(words, story.length - 2)).flat();
}

/** A proxy for datagrams, which answers as the address that was asked. */
function drawDatagrams(words: WordSource): readonly string[] {
  const asked = oneOf(words, ['8.8.8.8:53', '8.8.8.8:53', '10.0.0.1:53', '8.8.8.8:54']);
  const query = `receive eth0 10.0.0.9:${oneOf(words, [5000, 5001])} > ${asked} udp 12`;
  return [
    `socket u udp${drawTransparent(words)}`,
    `bind u ${oneOf(words, ['0.0.0.0:50080', '10.0.0.1:50080', '0.0.0.0:53', '8.8.8.8:53'])}`,
    query,
    ...(chance(words, 1, 2) ? ['send u 4 to 10.0.0.9:5000 from 8.8.8.8'] : []),
    ...(chance(words, 1, 2)
      ? [
          `socket v udp${drawTransparent(words)}`,
          'bind v 8.8.8.8:53',
          'connect v 10.0.0.9:5000',
          'send v 6',
          'answer v',
        ]
      : []),
    query,
    ...(chance(words, 1, 3) ? ['close u', query] : []),
  ];
}

/** A client that speaks as somebody else. */
function drawClient(words: WordSource): readonly string[] {
  const kind = oneOf(words, ['tcp', 'tcp', 'udp', 'ping', 'raw icmp']);
  const port = kind === 'tcp' || kind === 'udp' ? oneOf(words, ['', ':4000']) : '';
  return [
    `socket c ${kind}${drawTransparent(words)}${oneOf(words, ['', '', ' mark 7', ' dev eth1'])}`,
    `bind c ${oneOf(words, ['10.0.0.9', '9.9.9.9', '10.1.0.1'])}${port}`,
    'connect c 8.8.8.8:80',
    'answer c',
    `send c ${kind === 'tcp' ? 4 : 56}`,
    'answer c',
    ...(kind === 'tcp' && chance(words, 1, 2) ? ['close c', 'answer c'] : []),
  ];
}

export function drawProxy(words: WordSource): Text {
  const host = [
    ...UPLINKS,
    ...ROUTES,
    ...(chance(words, 2, 3) ? drawDivert(words) : []),
    ...(chance(words, 5, 6) ? [drawTproxy(words, 'tcp', 80)] : []),
    ...(chance(words, 5, 6) ? [drawTproxy(words, 'udp', 53)] : []),
    ...(chance(words, 1, 2) ? oneOf(words, OTHERS) : []),
  ];
  const stories = [drawConnections, drawConnections, drawConnections, drawDatagrams, drawClient];
  return { host, events: oneOf(words, stories)(words) };
}
