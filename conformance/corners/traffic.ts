/** Translations that run out of ports, segments out of turn, packets that several sockets could have, and calls out of turn. */
import { below, chance, oneOf, type WordSource } from '../../scenario/random.ts';
import type { Text } from '../../scenario/text.ts';
import { LINKS, several } from './common.ts';

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
export function drawTranslated(words: WordSource): Text {
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
  const at = below(words, events.length);
  const host = [
    ...LINKS,
    ...(chance(words, 1, 4) ? ['iptables -t mangle -A OUTPUT -j CONNMARK --set-mark 100'] : []),
    ...several(words, 1, 3, () => `iptables -t nat -A ${oneOf(words, TRANSLATIONS)}`),
  ];
  return { host, events: [...events.slice(0, at), ...(at > 0 ? strangers : []), ...events.slice(at)] };
}

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
export function drawSegments(words: WordSource): Text {
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

/** Sockets of several kinds and names, and packets that more than one of them could have. */
export function drawReceivers(words: WordSource): Text {
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

const SETTINGS = [
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
] as const;

const KINDS = ['tcp', 'tcp', 'udp', 'ping', 'raw icmp', 'raw 47'] as const;

const OPTIONS = [
  '',
  '',
  '',
  ' dev eth0',
  ' dev eth9',
  ' unicast-if eth1',
  ' unicast-if eth9',
  ' uid 1000',
  ' dontroute',
] as const;

/** Calls out of turn: sockets that are bound, connected or closed twice, and settings that decide what they get. */
export function drawCalls(words: WordSource): Text {
  const events: string[] = [];
  for (const s of ['a', 'b']) {
    const kind = oneOf(words, KINDS);
    events.push(`socket ${s} ${kind}${oneOf(words, OPTIONS)}`);
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
  return { host: [...LINKS, ...several(words, 0, 2, () => `sysctl -w ${oneOf(words, SETTINGS)}`)], events };
}
