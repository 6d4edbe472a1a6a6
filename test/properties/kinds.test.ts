/** Kinds of hosts that people have, and what is said of each: what once was a false alarm, or silence. */
import { describe, expect, it } from 'vitest';
import { ipt_do_table } from '../../model/kernel/net/ipv4/netfilter/ip_tables.ts';
import { kernelNamed } from '../../model/patch/index.ts';
import { stock } from '../../model/patch/stock.ts';
import type { Kernel } from '../../model/types/world.ts';
import { properties } from '../../properties/index.ts';
import { firstBroken, play } from '../../scenario/play.ts';
import { compile } from '../../scenario/text.ts';

const LINKS = [
  'ip link add wan0 type veth peer name wan0p',
  'ip link set wan0 up',
  'ip addr add 192.0.2.10/24 dev wan0',
  'ip link add wan1 type veth peer name wan1p',
  'ip link set wan1 up',
  'ip addr add 198.51.100.20/24 dev wan1',
];
const TWO = [
  ...LINKS,
  'ip route add default via 192.0.2.1',
  'ip route add default via 198.51.100.1 table 7',
  'ip rule add fwmark 7 table 7',
];
const MARKED = [...TWO, 'iptables -t mangle -A OUTPUT -j MARK --set-mark 7'];

const ASKED_AT_ANY_ADDRESS = [
  'socket u udp',
  'bind u 0.0.0.0:53',
  'receive wan0 8.8.4.4:999 > 192.0.2.10:53 udp 4',
  'send u 4 to 8.8.4.4:999',
];

interface Kind {
  readonly what: string;
  readonly on: string;
  readonly host: readonly string[];
  readonly events: readonly string[];
  readonly breaks: readonly string[];
  readonly keeps: readonly string[];
}

const KINDS: readonly Kind[] = [
  {
    what: 'rules that mark the first SYN and not what follows ask for two links at once',
    on: 'tcp-rehash-only-unasked-rules',
    host: [
      ...TWO,
      'iptables -t mangle -A OUTPUT -m statistic --mode nth --every 2 --packet 0 -j MARK --set-mark 7',
      'iptables -A OUTPUT -m statistic --mode nth --every 2 --packet 0 -j DROP',
    ],
    events: ['socket c tcp', 'connect c 8.8.4.4:80', 'wait 100', 'retransmit c', 'answer c', 'close c'],
    breaks: ['dropped-packet-leaves-socket', 'source-fits-route'],
    keeps: ['connection-keeps-link'],
  },
  {
    what: 'what such rules ask of a connection whose first SYN has left is its own affair',
    on: 'ask-first',
    host: [
      ...TWO,
      'iptables -t mangle -A OUTPUT -j CONNMARK --restore-mark',
      'iptables -t mangle -A OUTPUT -m statistic --mode nth --every 80 --packet 0 -j MARK --set-mark 7',
      'iptables -t nat -A POSTROUTING -o wan1 -j MASQUERADE',
    ],
    events: ['socket c tcp', 'connect c 8.8.4.4:80', 'wait 40000', 'answer c'],
    breaks: [],
    keeps: ['source-fits-route', 'source-passes-provider-filter'],
  },
  ...['tcp-rehash-mended', 'ask-first'].map((on) => ({
    what: 'a connection whose first SYN a rule dropped is the affair of retransmissions',
    on,
    host: [...MARKED, 'iptables -A OUTPUT -p tcp --syn -m statistic --mode nth --every 2 --packet 0 -j DROP'],
    events: ['socket c tcp', 'connect c 8.8.4.4:80', 'retransmit c', 'answer c', 'say c 4'],
    breaks: ['marked-retransmission-works'],
    keeps: [
      'marked-syn-works',
      'marked-connection-works',
      'marked-greeting-works',
      'dropped-packet-leaves-socket',
      'local-name-stays',
    ],
  })),
  {
    what: 'nor is what they say of a SYN that connect() puts off, once they have counted others',
    on: 'ask-first',
    host: [
      ...MARKED,
      'iptables -t mangle -A OUTPUT -m statistic --mode nth --every 2 --packet 1 -j MARK --set-mark 9',
      'sysctl net.ipv4.tcp_fastopen=5',
    ],
    events: ['socket d udp', 'socket c tcp', 'connect c 8.8.4.4:53 tfo', 'send d 1 to 192.0.2.1:53', 'send c 1'],
    breaks: [],
    keeps: ['source-fits-route', 'source-passes-provider-filter'],
  },
  {
    what: 'nor what they say of a later datagram of a connected socket',
    on: 'ask-first',
    host: [
      ...TWO,
      'iptables -t mangle -A OUTPUT -j CONNMARK --restore-mark',
      'iptables -t mangle -A OUTPUT -m statistic --mode nth --every 2 --packet 0 -j MARK --set-mark 7',
    ],
    events: ['socket c udp', 'connect c 8.8.4.4:53', 'send c 1 to 8.8.8.8:80', 'send c 1'],
    breaks: [],
    keeps: ['source-fits-route', 'source-passes-provider-filter'],
  },
  {
    what: 'a SYN of a raw socket opens no connection that what it sends later belongs to',
    on: 'stock',
    host: [...TWO, 'iptables -t mangle -A OUTPUT -p udp -j MARK --set-mark 7'],
    events: ['socket c hdrincl', 'send c 1 to 8.8.4.4:80 flags S', 'send c 1 to 8.8.4.4:53'],
    breaks: ['source-fits-route', 'source-passes-provider-filter'],
    keeps: [],
  },
  {
    what: 'a datagram that connection tracking takes for an answer has the address that was asked',
    on: 'tcp-rehash-mended',
    host: [...MARKED, 'iptables -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED'],
    events: [
      'socket c udp',
      'send c 1 to 8.8.4.4:80 from 192.0.2.10',
      'wait 100',
      'answer c',
      'send c 1 to 8.8.4.4:80',
    ],
    breaks: [],
    keeps: ['marked-datagram-works'],
  },
  {
    what: 'the mark that a datagram is made with is not one that a rule has changed',
    on: 'ask-first',
    host: [
      ...TWO,
      'iptables -t mangle -A OUTPUT -j CONNMARK --restore-mark',
      'iptables -t mangle -A OUTPUT -d 8.8.4.4 -j MARK --set-mark 7',
    ],
    events: ['socket c udp', 'connect c 8.8.4.4:53', 'send c 1 to 8.8.8.8:53'],
    breaks: [],
    keeps: ['unchanged-packet-stays'],
  },
  {
    what: 'connect() chooses the source for a port, too',
    on: 'ask-first',
    host: [...MARKED, 'ip rule add dport 80'],
    events: ['socket c udp', 'connect c 8.8.4.4:53', 'send c 1 to 8.8.4.4:80'],
    breaks: [],
    keeps: ['source-fits-route', 'source-passes-provider-filter'],
  },
  {
    what: 'IP_UNICAST_IF says nothing of groups, which leave by the link of the source',
    on: 'stock',
    host: LINKS,
    events: ['socket c raw icmp unicast-if wan0', 'send c 1 to 224.0.0.5 from 198.51.100.20'],
    breaks: [],
    keeps: ['message-device-kept'],
  },
  {
    what: 'NAT of the operator gives a bound socket another port, where another flow has its tuple',
    on: 'stock',
    host: [...LINKS, 'iptables -t nat -A POSTROUTING -j MASQUERADE'],
    events: [
      'socket u udp',
      'bind u 0.0.0.0:80',
      'send u 1 to 192.0.2.9:80 from 198.51.100.20',
      'send u 1 to 192.0.2.9:80',
    ],
    breaks: [],
    keeps: ['bound-port-kept'],
  },
  {
    what: 'what the rules of a VRF have marked otherwise gets the mark of its socket back behind it',
    on: 'icmp-only',
    host: [
      ...LINKS,
      'iptables -t mangle -A OUTPUT -j MARK --set-mark 100',
      'iptables -t mangle -A OUTPUT -o vrf0 -j MARK --set-mark 53',
      'ip link add vrf0 type vrf table 100',
      'ip link set vrf0 up',
      'ip link set wan1 master vrf0',
      'ip route add default via 198.51.100.1 table 100',
    ],
    events: ['socket c udp mark 100', 'send c 1 to 192.0.2.9:80 via vrf0'],
    breaks: [],
    keeps: ['unchanged-packet-stays'],
  },
  {
    what: 'a point-to-point link whose own address lies outside of its prefix',
    on: 'stock',
    host: [
      'ip link add ppp0 type veth peer name ppp0p',
      'ip link set ppp0 up',
      'ip addr add 203.0.113.40 peer 198.18.0.1 dev ppp0',
      'ip route add default via 198.18.0.1 dev ppp0',
    ],
    events: ['socket u udp', 'send u 9 to 8.8.4.4:53', 'answer u'],
    breaks: [],
    keeps: ['source-passes-provider-filter', 'answer-reaches-sender'],
  },
  {
    what: 'an address on lo that is routed to the host',
    on: 'stock',
    host: [
      ...LINKS,
      'ip link set lo up',
      'ip addr add 203.0.113.5/32 dev lo',
      'ip route add default via 192.0.2.1 src 203.0.113.5',
    ],
    events: ['socket u udp', 'send u 9 to 8.8.4.4:53', 'answer u'],
    breaks: [],
    keeps: ['source-passes-provider-filter', 'answer-reaches-sender'],
  },
  {
    what: 'a route without gateway by a link of another provider',
    on: 'stock',
    host: [...MARKED, 'ip route replace default dev wan1 table 7'],
    events: ['socket u udp', 'send u 9 to 8.8.4.4:53'],
    breaks: ['source-passes-provider-filter'],
    keeps: [],
  },
  {
    what: 'a handshake on a listener',
    on: 'stock',
    host: LINKS,
    events: [
      'socket l tcp',
      'bind l 0.0.0.0:25',
      'listen l',
      'receive wan0 192.0.2.77:40001 > 192.0.2.10:25 tcp S',
      'answer l',
    ],
    breaks: [],
    keeps: ['answer-reaches-sender'],
  },
  {
    what: 'time that passes before the first packet',
    on: 'stock',
    host: MARKED,
    events: ['wait 5', 'socket u udp', 'send u 9 to 8.8.4.4:53'],
    breaks: ['source-fits-route', 'source-passes-provider-filter', 'marked-datagram-works'],
    keeps: [],
  },
  {
    what: 'a command of the operator before the socket is opened',
    on: 'stock',
    host: MARKED,
    events: ['host ip route add 203.0.113.0/24 via 192.0.2.1', 'socket u udp', 'send u 9 to 8.8.4.4:53'],
    breaks: ['source-fits-route'],
    keeps: [],
  },
  {
    what: 'a failed lookup that leaves an address of lo in the socket',
    on: 'icmp-only',
    host: [
      ...TWO,
      'ip addr add 127.0.0.1/8 dev lo',
      'ip route replace default via 198.51.100.1 src 127.0.0.1 table 7',
      'iptables -t mangle -A OUTPUT -d 8.8.4.4 -j MARK --set-mark 7',
    ],
    events: ['socket u udp', 'send u 4 to 8.8.4.4:53', 'send u 4 to 9.9.9.9:53'],
    breaks: ['send-leaves-next-send-alone'],
    keeps: [],
  },
  {
    what: 'a connection that is bound to a device, and one that is moved onto its tuple',
    on: 'tcp-rehash',
    host: [
      ...TWO,
      'iptables -t mangle -A OUTPUT -p tcp --syn -j MARK --set-mark 7',
      'sysctl net.ipv4.ip_local_port_range="50000 50000"',
    ],
    events: ['socket d tcp dev wan1', 'connect d 8.8.4.4:443', 'socket c tcp', 'connect c 8.8.4.4:443'],
    breaks: ['moved-socket-takes-free-tuple'],
    keeps: [],
  },
  {
    what: 'a connection that is bound to a device, and one that is moved onto its tuple, mended',
    on: 'tcp-rehash-mended',
    host: [
      ...TWO,
      'iptables -t mangle -A OUTPUT -p tcp --syn -j MARK --set-mark 7',
      'sysctl net.ipv4.ip_local_port_range="50000 50000"',
    ],
    events: ['socket d tcp dev wan1', 'connect d 8.8.4.4:443', 'socket c tcp', 'connect c 8.8.4.4:443'],
    breaks: [],
    keeps: ['moved-socket-takes-free-tuple'],
  },
  {
    what: 'a connection mark that is written before the packet gets its other source, mended',
    on: 'icmp-only-mended',
    host: [...MARKED, 'iptables -t mangle -A OUTPUT -j CONNMARK --save-mark'],
    events: ['socket u udp', 'send u 4 to 8.8.4.4:53'],
    breaks: [],
    keeps: ['connection-mark-kept'],
  },
  {
    what: 'a server on any address whose answer is marked',
    on: 'icmp-only',
    host: [...MARKED],
    events: ASKED_AT_ANY_ADDRESS,
    breaks: ['server-answers-as-asked'],
    keeps: [],
  },
  {
    what: 'the same server on the mended text, which leaves it alone',
    on: 'icmp-only-mended',
    host: [...MARKED],
    events: ASKED_AT_ANY_ADDRESS,
    breaks: [],
    keeps: ['server-answers-as-asked'],
  },
  {
    what: 'the same server without a patch',
    on: 'stock',
    host: [...MARKED],
    events: ASKED_AT_ANY_ADDRESS,
    breaks: [],
    keeps: ['server-answers-as-asked'],
  },
  {
    what: 'a datagram to a group that is marked',
    on: 'tcp-rehash',
    host: [...MARKED, 'ip route add 224.0.0.0/4 dev wan0'],
    events: ['socket u udp', 'send u 4 to 239.2.3.4:5353'],
    breaks: ['group-traffic-stays'],
    keeps: [],
  },
  {
    what: 'a datagram to a group that is marked, mended',
    on: 'tcp-rehash-mended',
    host: [...MARKED, 'ip route add 224.0.0.0/4 dev wan0'],
    events: ['socket u udp', 'send u 4 to 239.2.3.4:5353'],
    breaks: [],
    keeps: ['group-traffic-stays'],
  },
  {
    what: 'a port that is free at the new address',
    on: 'tcp-rehash',
    host: MARKED,
    events: ['socket c tcp', 'connect c 8.8.4.4:443'],
    breaks: ['free-port-is-kept'],
    keeps: ['marked-syn-works'],
  },
  {
    what: 'a port that is free at the new address, mended',
    on: 'tcp-rehash-mended',
    host: MARKED,
    events: ['socket c tcp', 'connect c 8.8.4.4:443'],
    breaks: [],
    keeps: ['free-port-is-kept', 'marked-syn-works'],
  },
  {
    what: 'a policy that blocks the new source, mended',
    on: 'tcp-rehash-mended',
    host: [...MARKED, 'ip xfrm policy add src 198.51.100.20 dir out action block'],
    events: ['socket c tcp', 'connect c 8.8.4.4:443'],
    breaks: [],
    keeps: ['failed-move-leaves-socket', 'free-port-is-kept'],
  },
  {
    what: 'a message by another link than its socket is bound to',
    on: 'stock',
    host: [
      'ip link add eth0 type veth peer name eth0p',
      'ip addr add 10.0.0.1/24 dev eth0',
      'ip link add eth1 type veth peer name eth1p',
      'ip link set eth1 up',
    ],
    events: ['socket c udp dev eth0', 'send c 1 to 10.1.0.1:80 via eth1', 'answer c'],
    breaks: [],
    keeps: ['answer-reaches-sender'],
  },
  {
    what: 'a packet that a mark leads out of its VRF, which nothing tracks',
    on: 'stock',
    host: [
      'ip link add eth1 type veth peer name eth1p',
      'ip link set eth1 up',
      'ip addr add 10.0.0.1/24 dev eth1',
      'iptables -t mangle -A OUTPUT -j MARK --set-mark 100',
      'ip link add vrf0 type vrf table 100',
      'ip link set eth1 master vrf0',
      'ip route add default via 10.0.0.254 table 100',
      'iptables -t nat -A POSTROUTING -j MASQUERADE',
    ],
    events: ['socket c udp dev eth1', 'send c 1 to 10.1.0.1:80', 'answer c'],
    breaks: [],
    keeps: ['answer-is-established'],
  },
  {
    what: 'a connected socket that a VRF gave no address',
    on: 'stock',
    host: [
      'ip link add eth0 type veth peer name eth0p',
      'ip link set eth0 up',
      'ip addr add 10.0.0.1/24 dev eth0',
      'ip route add default via 10.0.0.254',
      'ip link add vrf0 type vrf table 100',
      'ip link set vrf0 up',
      'ip route add 10.1.0.1 dev vrf0',
    ],
    events: ['socket c udp', 'connect c 10.1.0.1:53', 'send c 1 to 10.1.0.254:80'],
    breaks: [],
    keeps: ['header-matches-socket'],
  },
  {
    what: 'a rule for protocols beside a VRF that is down',
    on: 'stock',
    host: [
      'ip link add eth1 type veth peer name eth1p',
      'ip link set eth1 up',
      'ip addr add 10.0.0.1/24 dev eth1',
      'ip rule add fwmark 100 table 100',
      'iptables -t mangle -A OUTPUT -j MARK --set-mark 53',
      'ip link add vrf0 type vrf table 100',
      'ip link set eth1 master vrf0',
      'ip route add default via 10.0.0.254 table 100',
      'ip rule add ipproto udp',
    ],
    events: ['socket c tcp mark 100', 'connect c 10.1.0.1:80'],
    breaks: [],
    keeps: ['rerouted-by-ports'],
  },
  {
    what: 'a connection mark that a later packet of the connection overwrote',
    on: 'stock',
    host: [
      'ip link add eth0 type veth peer name eth0p',
      'ip link set eth0 up',
      'ip addr add 10.1.0.1/24 dev eth0',
      'ip link add eth1 type veth peer name eth1p',
      'ip link set eth1 up',
      'ip addr add 10.0.0.1/24 dev eth1',
      'ip route add default via 10.0.0.254 table 100',
      'ip rule add fwmark 100 table 100',
      'iptables -t mangle -A OUTPUT -m statistic --mode nth --every 2 --packet 0 -j MARK --set-mark 100',
      'iptables -t mangle -A OUTPUT -j CONNMARK --save-mark',
      'iptables -t mangle -A PREROUTING -j CONNMARK --restore-mark',
      'iptables -t nat -A POSTROUTING -j MASQUERADE',
      'sysctl net.ipv4.conf.all.rp_filter=1',
      'sysctl net.ipv4.conf.all.src_valid_mark=1',
    ],
    events: [
      'socket c tcp',
      'connect c 10.1.0.254:80',
      'socket d tcp',
      'retransmit c',
      'connect d 10.1.0.254:53',
      'answer c',
    ],
    breaks: [],
    keeps: ['strict-filter-lets-answers-in'],
  },
  {
    what: 'a socket that is connected between two packets to one peer',
    on: 'stock',
    host: [
      'ip link add eth0 type veth peer name eth0p',
      'ip link set eth0 up',
      'ip addr add 10.0.0.1/24 dev eth0',
      'ip route replace default nexthop via 10.0.0.254 nexthop via 10.0.0.2',
    ],
    events: ['socket c raw tcp', 'send c 1 to 8.8.8.8:80', 'connect c 8.8.8.8:80', 'send c 1'],
    breaks: [],
    keeps: ['flow-keeps-path'],
  },
  {
    what: "a socket's name that is given again",
    on: 'tcp-rehash-mended',
    host: [
      'ip link add eth0 type veth peer name eth0p',
      'ip link set eth0 up',
      'ip addr add 10.0.0.1/24 dev eth0',
      'ip link add eth1 type veth peer name eth1p',
      'ip link set eth1 up',
      'ip addr add 10.1.0.1/24 dev eth1',
      'ip route add default via 10.1.0.254 table 100',
      'ip rule add table 100',
    ],
    events: [
      'socket c tcp',
      'bind c 10.0.0.1',
      'connect c 10.0.0.254:80',
      'answer c',
      'close c',
      'socket c tcp',
      'connect c 10.0.0.2:80',
      'close c',
      'answer c',
    ],
    breaks: ['marked-bound-sender-works'],
    keeps: ['marked-connection-works'],
  },
  {
    what: 'a mark that is gone when the SYN is sent again',
    on: 'tcp-rehash-mended',
    host: [
      'ip link add eth0 type veth peer name eth0p',
      'ip link set eth0 up',
      'ip addr add 10.0.0.1/24 dev eth0',
      'ip link add eth1 type veth peer name eth1p',
      'ip link set eth1 up',
      'ip addr add 10.1.0.1/24 dev eth1',
      'ip route add default via 10.1.0.254 table 100',
      'ip rule add fwmark 100 table 100',
      'iptables -t mangle -A OUTPUT -j MARK --set-mark 100',
    ],
    events: [
      'socket c tcp',
      'connect c 10.0.0.254:80',
      'host iptables -t mangle -F',
      'wait 100',
      'retransmit c',
      'answer c',
    ],
    breaks: [],
    keeps: ['connection-keeps-link'],
  },
  {
    what: 'a policy that blocks the new source, and a SYN that is sent again without the mark',
    on: 'tcp-rehash-mended',
    host: [
      'ip link add eth0 type veth peer name eth0p',
      'ip link set eth0 up',
      'ip addr add 10.1.0.1/24 dev eth0',
      'ip link add eth1 type veth peer name eth1p',
      'ip link set eth1 up',
      'ip addr add 10.0.0.1/24 dev eth1',
      'ip route add default via 10.0.0.254 table 100',
      'ip rule add fwmark 100 table 100',
      'iptables -t mangle -A OUTPUT -m statistic --mode nth --every 2 --packet 0 -j MARK --set-mark 100',
      'ip xfrm policy add src 10.0.0.1 dir out action block',
    ],
    events: ['socket c tcp', 'connect c 10.1.0.254:80', 'retransmit c'],
    breaks: [],
    keeps: ['policies-obeyed'],
  },
  {
    what: 'a user who wants no gateway',
    on: 'tcp-rehash-mended',
    host: [
      'ip link add eth0 type veth peer name eth0p',
      'ip link set eth0 up',
      'ip addr add 10.0.0.1/24 dev eth0',
      'ip link add eth1 type veth peer name eth1p',
      'ip link set eth1 up',
      'ip addr add 10.1.0.1/24 dev eth1',
      'ip route add default via 10.1.0.254 table 100',
      'iptables -t mangle -A OUTPUT -j MARK --set-mark 100',
      'ip rule add table 100',
    ],
    events: ['socket c tcp dontroute', 'connect c 10.0.0.254:80'],
    breaks: [],
    keeps: ['marked-syn-works'],
  },
  {
    what: 'links whose addresses are of scope link',
    on: 'tcp-rehash',
    host: [
      ...MARKED.filter((line) => !line.includes('addr add') && !line.includes('default via 192')),
      'ip addr add 192.0.2.10/24 scope link dev wan0',
      'ip addr add 198.51.100.20/24 scope link dev wan1',
      'ip route add default via 198.51.100.1 table 7',
    ].filter((line, at, all) => all.lastIndexOf(line) === at),
    events: ['socket u udp', 'send u 4 to 192.0.2.99:53'],
    breaks: ['source-is-an-address'],
    keeps: [],
  },
];

describe.each(KINDS)('$what, on $on', ({ on, host, events, breaks, keeps }) => {
  const run = play(kernelNamed(on) as Kernel, compile({ host, events }));
  const broken = properties.filter((property) => firstBroken(property, run) >= 0).map(({ id }) => id);
  it('breaks what is to be broken', () => expect(broken).toEqual(expect.arrayContaining([...breaks])));
  it('keeps what is kept', () => expect(broken.filter((id) => keeps.includes(id))).toEqual([]));
  it.runIf(breaks.length === 0 && !host.some((line) => line.includes('MARK')))('breaks nothing else', () =>
    expect(broken).toEqual([]),
  );
});

/** A hook that gives an errno where a verdict is expected. */
const errno: Kernel = {
  ...stock,
  name: 'errno',
  ipt_mangle_out: (kernel, net, skb, state) => ({ ...ipt_do_table(kernel, net, skb, state, net.mangle), verdict: 99 }),
};

it('entries-are-freed is broken by a hook that loses a tracked packet', () => {
  const host = [...MARKED, 'iptables -A INPUT -m conntrack --ctstate INVALID -j DROP'];
  const run = play(errno, compile({ host, events: ['socket u udp', 'send u 4 to 8.8.4.4:53'] }));
  const freed = properties.find(({ id }) => id === 'entries-are-freed') as (typeof properties)[number];
  expect(firstBroken(freed, run)).toBe(1);
});
