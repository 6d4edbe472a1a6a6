/** What the test kernel did with the patch, held against the model. Observed: 6.1.192, `replay --on patched-kernel`, 2026-11-28. */
import { describe, expect, test } from 'vitest';
import { packetText } from '../../conformance/compare.ts';
import { modelSees, type Seen } from '../../conformance/modelTrace.ts';
import { kernelNamed } from '../../model/patch/index.ts';
import { stock } from '../../model/patch/stock.ts';
import { tcpRehash } from '../../model/patch/tcp-rehash.ts';
import type { Kernel } from '../../model/types/world.ts';

const TWO_UPLINKS = [
  'ip link add eth0 type veth peer name eth0p',
  'ip link set eth0 up',
  'ip addr add 10.0.0.1/24 dev eth0',
  'ip link add eth1 type veth peer name eth1p',
  'ip link set eth1 up',
  'ip addr add 10.1.0.1/24 dev eth1',
  'ip route add default via 10.0.0.254',
  'ip route add default via 10.1.0.254 table 100',
  'ip rule add fwmark 100 table 100',
];
const MARK_ALL = 'iptables -t mangle -A OUTPUT -j MARK --set-mark 100';
const ONE_PORT = 'sysctl -w net.ipv4.ip_local_port_range="40000 40000"';
const WITHOUT_COOKIE = 'sysctl -w net.ipv4.tcp_fastopen=5';

function sees(kernel: Kernel, host: readonly string[], events: readonly string[]): Seen {
  return modelSees(kernel, { host, events });
}

/** The packets of an event, with the ports that the kernel chose left out. */
function packets(seen: Seen, event: number): readonly string[] {
  return seen.packets.filter((packet) => packet.event === event).map((p) => packetText(p).replace(/:\d{5}\b/g, ''));
}

describe('when the ports ran out under version 2', () => {
  const host = [...TWO_UPLINKS, MARK_ALL, ONE_PORT, WITHOUT_COOKIE];

  test('a SYN whose clone nobody freed is not sent again, as if it still waited in the host', () => {
    const seen = sees(tcpRehash, host, [
      'socket d tcp',
      'connect d 8.8.8.8:80',
      'socket c tcp',
      'connect c 8.8.8.8:80',
      'retransmit c',
      'retransmit c',
    ]);
    expect(seen.oops).toBe('');
    expect([3, 4, 5].map((event) => packets(seen, event))).toEqual([[], [], []]);
    expect(seen.sockets.c).toMatchObject({ state: 'SYN_SENT', hashed: false });
  });

  // The clone that nobody freed is that of the data, which is a segment of its own.
  test('a SYN that was sent with data is sent again without it, and gives a port back that it has not', () => {
    const seen = sees(tcpRehash, host, [
      'socket d tcp',
      'connect d 8.8.8.8:80',
      'socket c tcp',
      'send c 4 to 8.8.8.8:80 tfo',
      'retransmit c',
    ]);
    expect(seen.oops).toBe('inet_put_port');
    expect(seen.events).toBe(5);
  });
});

describe('two sockets on one tuple, one of them bound to the device', () => {
  const events = (first: string, second: string) => [
    `socket ${first}`,
    `socket ${second}`,
    'connect d 8.8.8.8:80',
    'connect c 8.8.8.8:80',
    'answer c',
    'answer d',
  ];

  // Observed: on the running Linux 6.18.44, too.
  test.each([
    ['c tcp', 'd tcp dev eth0'],
    ['d tcp dev eth0', 'c tcp'],
  ])('an answer reaches the one that connected last, whichever was opened first: %s', (first, second) => {
    const seen = sees(stock, [...TWO_UPLINKS, ONE_PORT], events(first, second));
    expect(seen.sockets).toMatchObject({ c: { state: 'ESTABLISHED' }, d: { state: 'SYN_SENT' } });
  });

  test('an answer reaches the one that was moved there last', () => {
    const seen = sees(tcpRehash, [...TWO_UPLINKS, MARK_ALL, ONE_PORT], events('c tcp', 'd tcp dev eth1'));
    expect(seen.sockets).toMatchObject({ c: { state: 'ESTABLISHED' }, d: { state: 'SYN_SENT' } });
  });
});

/** The kernel with another secret for its sequence numbers. */
function withSecret(kernel: Kernel, secret: number): Kernel {
  return { ...kernel, secure_tcp_seq: (...tuple) => kernel.secure_tcp_seq(...tuple) ^ Math.imul(tuple[0], secret) };
}

/** The mended patch, except that it moves the SYN of a Fast Open connect. */
const movesCookies = kernelNamed('tcp-rehash-only-moves-cookies') as Kernel;

const SECRETS = [0, 1, 2, 3, 4, 5, 6, 7];

describe('data of a Fast Open SYN that moved to another sequence number', () => {
  const host = [...TWO_UPLINKS, MARK_ALL, WITHOUT_COOKIE];
  const events = ['socket c tcp', 'connect c 8.8.8.8:80 tfo', 'send c 4', 'answer c'];

  // It keeps the number that follows the old one: before the new one it counts as acknowledged, behind it lies beyond the
  // peer's window. Observed: an ACK alone, or nothing, from run to run.
  test.each(SECRETS)('is not sent again, whatever the numbers: secret %i', (secret) => {
    const seen = sees(withSecret(movesCookies, secret), host, events);
    expect(packets(seen, 2)).toEqual(['eth1 10.1.0.1 > 8.8.8.8:80 tcp S 4']);
    expect([[], ['eth1 10.1.0.1 > 8.8.8.8:80 tcp . 0']]).toContainEqual(packets(seen, 3));
    expect(seen.sockets.c).toMatchObject({ state: 'ESTABLISHED' });
  });
});

describe('a SYN that took the tuple of a TIME_WAIT on its way', () => {
  const swapped = [
    'ip link add eth0 type veth peer name eth0p',
    'ip link set eth0 up',
    'ip addr add 10.1.0.1/24 dev eth0',
    'ip link add eth1 type veth peer name eth1p',
    'ip link set eth1 up',
    'ip addr add 10.0.0.1/24 dev eth1',
    'ip route add default via 10.0.0.254 table 100',
    'ip rule add fwmark 100 table 100',
  ];
  const host = [...swapped, MARK_ALL, ONE_PORT, 'sysctl -w net.ipv4.tcp_tw_reuse=1'];
  const events = [
    'socket c tcp mark 100',
    'connect c 10.1.0.254:80',
    'answer c',
    'close c',
    'answer c',
    'wait 1',
    'socket c tcp',
    'connect c 10.1.0.254:80',
    'answer c',
    'send c 4',
    'retransmit c',
  ];
  const RESET = ['eth1 10.0.0.1 > 10.1.0.254:80 tcp R 0'];
  const ACK = ['eth1 10.1.0.1 > 10.1.0.254:80 tcp . 0'];

  // Numbers that jumped back: the SYN-ACK is refused. That jumped forward: data lies beyond the peer's window, what the
  // timer sends is a probe.
  test.each(SECRETS)('never sends data: secret %i', (secret) => {
    const seen = sees(withSecret(tcpRehash, secret), host, events);
    const [opened, sent, probe] = [8, 9, 10].map((event) => packets(seen, event));
    expect([RESET, ACK]).toContainEqual(opened);
    expect(sent).toEqual([]);
    if (opened?.[0] === ACK[0]) expect(probe).toEqual(ACK);
    else expect(seen.calls.at(-1)).toMatchObject({ call: 'send', errno: 'EAGAIN' });
  });
});
