import { expect, test } from 'vitest';
import { variants } from '../../model/patch/index.ts';
import { NO_SKB } from '../../model/types/packet.ts';
import type { Run } from '../../properties/property.ts';
import { play } from '../../scenario/play.ts';
import { checkScenario } from '../../scenario/scenario.ts';
import { checksumOf, traceLines, traceOf } from '../../scenario/trace.ts';

/** The configuration of the post. */
const POST = [
  'ip link add eth0 type veth peer name eth0p',
  'ip link add eth1 type veth peer name eth1p',
  'ip link set eth0 up',
  'ip link set eth1 up',
  'ip addr add 10.0.0.1/24 dev eth0',
  'ip addr add 10.1.0.1/24 dev eth1',
  'ip route add default via 10.0.0.254 dev eth0 src 10.0.0.1',
  'ip route add default via 10.1.0.254 src 10.1.0.1 table 100',
  'ip rule add fwmark 100 table 100',
  'iptables -t mangle -A OUTPUT -d 8.8.8.8 -j MARK --set-mark 100',
];

function run(variant: string, ...events: string[]): Run {
  const kernel = variants.find(({ name }) => name === variant);
  if (kernel === undefined) throw new Error(`no variant ${variant}`);
  return play(kernel, checkScenario('test', { host: POST, events }).scenario);
}

test('a marked SYN leaves the stock kernel by the second link with the first address', () => {
  const trace = traceOf(run('stock', 'socket c tcp', 'connect c 8.8.8.8:80'), [{ property: 'p', event: 1 }]);
  expect(trace).toMatchObject({
    variant: 'stock',
    packets: [
      {
        event: 1,
        dev: 'eth1',
        gateway: '10.1.0.254',
        saddr: '10.0.0.1',
        daddr: '8.8.8.8',
        protocol: 'tcp',
        dport: 80,
        flags: 'S',
        payload: 0,
        mark: 100,
        ip_checksum: 'correct',
        checksum: 'correct',
      },
    ],
    sockets: {
      c: { state: 'SYN_SENT', saddr: '10.0.0.1', rcv_saddr: '10.0.0.1', daddr: '8.8.8.8', dport: 80, hashed: true },
    },
    outcome: 'ok',
    violations: [{ property: 'p', event: 1 }],
  });
  expect(trace.packets[0]?.sport).toBe(trace.sockets.c?.sport);
});

test('a ping has neither ports nor flags, and the second address under the first patch', () => {
  expect(traceOf(run('icmp-only', 'socket p ping', 'send p 56 to 8.8.8.8')).packets).toMatchObject([
    {
      dev: 'eth1',
      saddr: '10.1.0.1',
      protocol: 'icmp',
      sport: null,
      dport: null,
      flags: null,
      payload: 56,
      checksum: 'correct',
    },
  ]);
});

test('lines name the event, the way out, the packet and what is wrong with it', () => {
  const lines = traceLines(run('icmp-only', 'socket u udp', 'send u 12 to 8.8.8.8:53', 'connect u 240.0.0.1:5'));
  expect(lines[0]).toMatch(
    /^events\[1\] eth1 via 10\.1\.0\.254: 10\.1\.0\.1:\d+ > 8\.8\.8\.8:53 udp 12, mark 100, transport checksum incorrect$/,
  );
});

test('a failed call is told in the words of the C library', () => {
  const lines = traceLines(run('stock', 'socket c tcp', 'bind c 10.9.9.9:80'));
  expect(lines).toEqual(['events[1] bind of c fails: Cannot assign requested address (EADDRNOTAVAIL)']);
});

test("an operator who is refused is told the kernel's words", () => {
  expect(traceLines(run('stock', 'host ip rule add goto 1 pref 5', 'host ip addr add 10.0.0.1/24 dev eth0'))).toContain(
    'events[1] refused: RTNETLINK answers: File exists',
  );
});

test('a packet of a protocol without a checksum has none', () => {
  expect(checksumOf({ ...NO_SKB, iph: { ...NO_SKB.iph, protocol: 47 } })).toBe('none');
  expect(checksumOf({ ...NO_SKB, iph: { ...NO_SKB.iph, protocol: 17 } })).toBe('none');
});
