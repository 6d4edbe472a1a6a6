/**
 * VRFs, seen on whole scenarios.
 *
 * Observed: every scenario of this file, Linux 6.1.192 user-mode with the port of the patch, `reroute-check replay --on patched-kernel`,
 * 2026-11-26: the kernel's packets and names are those that are expected here, on stock, icmp-only and tcp-rehash.
 */
import { describe, expect, it, test } from 'vitest';
import { runScenario } from '../../model/host/step.ts';
import { icmpOnly } from '../../model/patch/icmp-only.ts';
import { icmpOnlyMended } from '../../model/patch/mended.ts';
import { releases } from '../../model/patch/releases/index.ts';
import { stock } from '../../model/patch/stock.ts';
import type { Kernel } from '../../model/types/world.ts';
import { parseHostLine } from '../../scenario/host.ts';
import { play } from '../../scenario/play.ts';
import { compile } from '../../scenario/text.ts';
import { traceLines } from '../../scenario/trace.ts';
import { get, host, on, says } from './build.ts';

const LINKS = [
  'ip link add eth0 type veth peer name eth0p',
  'ip link set eth0 up',
  'ip addr add 10.0.0.1/24 dev eth0',
  'ip route add default via 10.0.0.254',
  'ip link add eth1 type veth peer name eth1p',
];
const VRF = ['ip link add vrf0 type vrf table 10', 'ip link set vrf0 up'];
const LINK = ['ip link set eth1 master vrf0', 'ip link set eth1 up', 'ip addr add 10.1.0.1/24 dev eth1'];
const HOST = [...LINKS, ...VRF, ...LINK, 'ip route add default via 10.1.0.254 table 10'];
const MARK = 'iptables -t mangle -A OUTPUT -j MARK --set-mark 100';
const TABLE100 = 'ip route add default via 10.0.0.254 src 10.0.0.1 table 100';

/** What leaves, and calls that fail. */
function wire(lines: readonly string[], events: readonly string[], kernel: Kernel = stock): readonly string[] {
  return traceLines(play(kernel, compile({ host: lines, events })));
}

const ECHO = 'receive eth1 8.8.8.8 > 10.1.0.1 icmp echo-request';
const VIA_VRF = ['socket c udp', 'send c 4 to 8.8.8.8:53 via vrf0'];

describe('what the kernel answers for an enslaved link', () => {
  const cases = [
    ['an echo request', ECHO, '10.1.0.1 > 8.8.8.8 icmp echo-reply, mark 100'],
    [
      'a datagram to a closed port',
      'receive eth1 8.8.8.8:53 > 10.1.0.1:9 udp 4',
      '10.1.0.1 > 8.8.8.8 icmp unreachable/3 32, mark 100, tos 0xc0',
    ],
    [
      'a SYN to a closed port',
      'receive eth1 8.8.8.8:5000 > 10.1.0.1:80 tcp S',
      '10.1.0.1:80 > 8.8.8.8:5000 tcp R., mark 100',
    ],
  ] as const;

  it.each(cases)('%s: stock stays in the VRF, mended too, and version 1 leaves it', (_, event, answer) => {
    const [moved] = wire([...HOST, MARK], [event], icmpOnly);
    expect(wire([...HOST, MARK], [event])).toEqual([`events[0] eth1 via 10.1.0.254: ${answer}`]);
    expect(wire([...HOST, MARK], [event], icmpOnlyMended)).toEqual([`events[0] eth1 via 10.1.0.254: ${answer}`]);
    expect(moved).toContain(`events[0] eth0 via 10.0.0.254: ${answer.replace('10.1.0.1', '10.0.0.1')}`);
  });

  it('a rule behind the one for VRFs is not reached, one before it leads out', () => {
    const by = (pref: number) => [...HOST, TABLE100, `ip rule add fwmark 100 table 100 pref ${pref}`, MARK];
    expect(wire(by(2000), [ECHO])).toEqual([
      'events[0] eth1 via 10.1.0.254: 10.1.0.1 > 8.8.8.8 icmp echo-reply, mark 100',
    ]);
    expect(wire(by(500), [ECHO])).toEqual([
      'events[0] eth0 via 10.0.0.254: 10.1.0.1 > 8.8.8.8 icmp echo-reply, mark 100',
    ]);
  });

  it('a TOS that changes is a second lookup, too', () => {
    const lines = [...HOST, 'iptables -t mangle -A OUTPUT -j TOS --set-tos 0x10'];
    expect(wire(lines, [ECHO])).toEqual([
      'events[0] eth1 via 10.1.0.254: 10.1.0.1 > 8.8.8.8 icmp echo-reply, tos 0x10',
    ]);
  });
});

describe('a socket that is not bound to the VRF', () => {
  it('reaches it by a message: stock stays there, version 1 goes out', () => {
    expect(wire([...HOST, MARK], VIA_VRF)).toEqual([
      'events[1] eth1 via 10.1.0.254: 10.1.0.1:32771 > 8.8.8.8:53 udp 4, mark 100',
    ]);
    expect(wire([...HOST, MARK], VIA_VRF, icmpOnly)).toEqual([
      'events[1] eth0 via 10.0.0.254: 10.0.0.1:32771 > 8.8.8.8:53 udp 4, mark 100, transport checksum incorrect',
    ]);
  });

  it('reaches it by IP_UNICAST_IF and by the name of its link', () => {
    const events = ['socket c udp unicast-if vrf0', 'send c 4 to 8.8.8.8:53', 'send c 4 to 8.8.8.8:53 via eth1'];
    const datagram = 'eth1 via 10.1.0.254: 10.1.0.1:32771 > 8.8.8.8:53 udp 4, mark 100';
    expect(wire([...HOST, MARK], events)).toEqual([`events[1] ${datagram}`, `events[2] ${datagram}`]);
  });

  // udp_sendmsg() and raw_sendmsg() ask for IP_UNICAST_IF where the device is its VRF; ping_v4_sendmsg() does not (2026-11-30).
  it.each([
    ['udp', '255.255.255.255:53 via vrf0', 'eth2: 10.2.0.1:32771 > 255.255.255.255:53 udp 4'],
    ['raw 99', '255.255.255.255 via vrf0', 'eth2: 10.2.0.1 > 255.255.255.255 99 4'],
    ['raw 99', '255.255.255.255 via eth0', 'eth0: 10.0.0.1 > 255.255.255.255 99 4'],
    ['ping', '255.255.255.255 via vrf0', 'eth1: 10.1.0.1 > 255.255.255.255 icmp echo-request 4'],
    ['udp', '8.8.8.8:53 via vrf0', 'eth1 via 10.1.0.254: 10.1.0.1:32771 > 8.8.8.8:53 udp 4'],
  ])('sends a broadcast by the link of IP_UNICAST_IF in the VRF: %s to %s', (type, to, line) => {
    const two = [
      ...HOST,
      'ip link add eth2 type veth peer name eth2p',
      'ip link set eth2 master vrf0',
      'ip link set eth2 up',
      'ip addr add 10.2.0.1/24 dev eth2',
    ];
    const events = [`socket c ${type} unicast-if eth2 broadcast`, `send c 4 to ${to}`];
    expect(wire(two, events)).toEqual([`events[1] ${line}`]);
  });

  it('does not get what arrives there, unless it is a raw one', () => {
    const events = [
      'socket d udp',
      'bind d 0.0.0.0:7',
      'socket r raw icmp',
      'receive eth1 8.8.8.8:99 > 10.1.0.1:7 udp 4',
      ECHO,
    ];
    const { steps } = play(stock, compile({ host: HOST, events }));
    const sockets = steps.map(({ effects }) => effects.flatMap((e) => (e.kind === 'deliver' ? [e.sk] : [])));
    expect(sockets).toEqual([[], [], [], [], [4, 0]]);
  });
});

describe('the table of a VRF', () => {
  it('is left by a throw route, and has the last word with an unreachable one', () => {
    const lines = [
      ...HOST.slice(0, -1),
      'ip route add throw 8.8.8.0/24 table 10',
      'ip route add unreachable default table 10 metric 4278198272',
      MARK,
    ];
    expect(wire(lines, [ECHO, ...VIA_VRF, 'send c 4 to 9.9.9.9:53 via vrf0'])).toEqual([
      'events[0] eth0 via 10.0.0.254: 10.1.0.1 > 8.8.8.8 icmp echo-reply, mark 100',
      'events[2] eth0 via 10.0.0.254: 10.1.0.1:32771 > 8.8.8.8:53 udp 4, mark 100',
      'events[3] send of c fails: No route to host (EHOSTUNREACH)',
    ]);
  });

  it('gets the routes of a link that is enslaved later; others are lost, and so it is on the way back', () => {
    const late = ['ip link set eth1 up', 'ip addr add 10.1.0.1/24 dev eth1', 'ip route add 9.9.9.9 via 10.1.0.254'];
    const enslaved = on(host(...LINKS, ...late, ...VRF), 'ip link set eth1 master vrf0');
    expect(get(enslaved, '9.9.9.9')).toBe('9.9.9.9 via 10.0.0.254 dev eth0 src 10.0.0.1');
    expect(get(enslaved, '10.1.0.9 oif vrf0')).toBe('10.1.0.9 dev eth1 table 10 src 10.1.0.1');
    expect(get(enslaved, '10.1.0.9')).toBe('10.1.0.9 via 10.0.0.254 dev eth0 src 10.0.0.1');
    const back = '10.1.0.9 dev eth1 src 10.1.0.1';
    expect(get(on(enslaved, 'ip link set eth1 nomaster'), '10.1.0.9')).toBe(back);
    expect(get(on(enslaved, 'ip link del vrf0'), '10.1.0.9')).toBe(back);
  });

  it('is reached by a route to the VRF, too, and the packet passes the hooks with the VRF and with the link', () => {
    const lines = [
      ...HOST,
      'ip route replace default dev vrf0',
      'iptables -t mangle -A OUTPUT -o eth1 -j MARK --set-mark 100',
    ];
    expect(wire(lines, ['socket c udp', 'send c 4 to 8.8.8.8:53'])).toEqual([
      'events[1] eth1 via 10.1.0.254: 10.1.0.1:32771 > 8.8.8.8:53 udp 4, mark 100',
    ]);
  });
});

describe('the hooks', () => {
  const lines = [
    ...HOST,
    'iptables -t mangle -A OUTPUT -o vrf0 -j MARK --set-mark 100',
    'iptables -t mangle -A OUTPUT -o eth1 -m mark --mark 100 -j TOS --set-tos 0x10',
    'iptables -A OUTPUT -o vrf0 -p udp --dport 54 -j DROP',
    'iptables -A OUTPUT -o eth1 -p udp --dport 55 -j DROP',
  ];

  it('see a packet with its VRF and then with its link', () => {
    expect(wire(lines, VIA_VRF)).toEqual([
      'events[1] eth1 via 10.1.0.254: 10.1.0.1:32771 > 8.8.8.8:53 udp 4, mark 100, tos 0x10',
    ]);
  });

  it('tell the sender of a packet that they drop with the link, not of one that they drop with the VRF', () => {
    const events = ['socket c udp', 'send c 4 to 8.8.8.8:54 via vrf0', 'send c 4 to 8.8.8.8:55 via vrf0'];
    expect(wire(lines, events)).toEqual([
      'events[1] iptable_filter returns NF_DROP',
      'events[2] iptable_filter returns NF_DROP',
      'events[2] send of c fails: Operation not permitted (EPERM)',
    ]);
  });

  it('are passed with a VRF that is down, behind which only a second lookup finds a way', () => {
    const down = [...HOST, 'ip link set vrf0 down'];
    const events = ['socket c udp', 'send c 4 to 8.8.8.8:53 via eth1'];
    expect(wire(down, events)).toEqual([]);
    expect(wire([...down, MARK], events)).toEqual([
      'events[1] eth1 via 10.1.0.254: 10.1.0.1:32771 > 8.8.8.8:53 udp 4, mark 100',
    ]);
  });
});

test('a packet to the host itself comes back by the VRF, not by lo', () => {
  const events = ['socket d udp dev vrf0', 'bind d 0.0.0.0:7', 'socket c udp', 'send c 4 to 10.1.0.1:7 via vrf0'];
  const { steps } = play(stock, compile({ host: [...HOST, MARK], events }));
  const delivered = steps.at(-1)?.effects.filter(({ kind }) => kind === 'deliver');
  expect(delivered).toMatchObject([{ sk: 3, skb: { iif: 6, dst: { dev: 6, rt_local: true } } }]);
});

test('the first VRF brings its rule, and no other one does', () => {
  const net = host(...VRF);
  expect(net.rules.map(({ pref, l3mdev }) => [pref, l3mdev])).toEqual([
    [0, false],
    [1000, true],
    [32766, false],
    [32767, false],
  ]);
  const again = on(net, 'ip rule del l3mdev', 'ip link add vrf1 type vrf table 20');
  expect(again.rules).toHaveLength(3);
});

test('a rule for VRFs is given no table, and is not turned round', () => {
  expect(() => parseHostLine('ip rule add l3mdev table 10')).toThrow('table can not be specified for l3mdev rules');
  expect(() => parseHostLine('ip rule add not l3mdev')).toThrow('"not" with "l3mdev" is not modelled');
});

test('what cannot be enslaved is refused in the tools’ words', () => {
  const net = host('ip link add eth1 type dummy', ...VRF, 'ip link add vrf1 type vrf table 20');
  expect(says(net, 'ip link set lo master vrf0')).toBe('Error: Can not enslave loopback device to a VRF.');
  expect(says(net, 'ip link set vrf1 master vrf0')).toBe('Error: Can not enslave an L3 master device to a VRF.');
  expect(says(net, 'ip link set eth1 master lo')).toBe('RTNETLINK answers: Operation not supported');
  expect(says(net, 'ip link add vrf0 type vrf table 30')).toBe('RTNETLINK answers: File exists');
  expect(says(net, 'ip link add vrf2 type vrf table 0')).toBe('Error: Invalid VRF table id.');
});

test('Linux 4.1 has no VRFs', () => {
  const lines = VRF.slice(0, 1).map((line) => parseHostLine(line));
  const devs = releases.map((release) => runScenario({ ...stock, ...release }, { host: lines, events: [] }).boot.devs);
  expect(devs.map((list) => list.length)).toEqual([1, 2, 2]);
});
