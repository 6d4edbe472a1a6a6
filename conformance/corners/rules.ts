/** Chains and rules that are taken back, and rules that nearly say the same. */
import { below, chance, oneOf, type WordSource } from '../../scenario/random.ts';
import type { Text } from '../../scenario/text.ts';
import { LINKS, several, TRAFFIC } from './common.ts';

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

export function drawChains(words: WordSource): Text {
  const table = oneOf(words, TABLES);
  const commands = several(words, 5, 14, () => drawChainCommand(words, table));
  return { host: [...LINKS, `iptables -t ${table} -N one`, ...commands], events: TRAFFIC };
}

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

export function drawTwins(words: WordSource): Text {
  const [table, chain, targets] = oneOf(words, TARGETS);
  const isInput = chain === 'INPUT' || chain === 'PREROUTING';
  const host: string[] = [...LINKS, ...SETS];
  // An error quotes a segment with the options of the peer, which the model's peer has not.
  if (chain === 'INPUT') host.push('iptables -A INPUT -p tcp --sport 1:65535 -j ACCEPT');
  if (table !== 'nat' && chance(words, 1, 3)) host.push(oneOf(words, TRANSLATED));
  for (let n = 1 + below(words, 3); n > 0; n--) {
    const family = oneOf<readonly string[]>(words, isInput && chance(words, 1, 2) ? ARRIVING : MATCHES);
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
