// Answers and refusals observed on Linux 6.18, iproute2 6.1.0, in a network namespace, 2026-11-22.
import { expect, test } from 'vitest';
import { get, host, LINKS, on, says } from './build.ts';

const net = host(...LINKS, 'ip route add default via 10.0.0.254');

test('a longer prefix wins over an earlier one', () => {
  const more = on(net, 'ip route add 1.0.0.0/8 via 10.0.0.253', 'ip route add 1.2.0.0/16 via 10.1.0.254');
  expect(get(more, '1.2.3.4')).toBe('1.2.3.4 via 10.1.0.254 dev eth1 src 10.1.0.1');
  expect(get(more, '1.3.3.4')).toBe('1.3.3.4 via 10.0.0.253 dev eth0 src 10.0.0.1');
});

test('the smaller metric wins, and a tos before any metric', () => {
  const more = on(
    net,
    'ip route add 1.0.0.0/8 via 10.0.0.253 metric 20',
    'ip route add 1.0.0.0/8 via 10.1.0.254 metric 10',
    'ip route add 1.0.0.0/8 via 10.1.0.253 tos 0x10 metric 30',
  );
  expect(get(more, '1.2.3.4')).toBe('1.2.3.4 via 10.1.0.254 dev eth1 src 10.1.0.1');
  expect(get(more, '1.2.3.4 tos 0x10')).toBe('1.2.3.4 tos 0x10 via 10.1.0.253 dev eth1 src 10.1.0.1');
});

test('an appended route comes after, a prepended one before those of the same prefix and metric', () => {
  const appended = on(net, 'ip route append default via 10.1.0.254');
  expect(get(appended, '8.8.8.8')).toBe('8.8.8.8 via 10.0.0.254 dev eth0 src 10.0.0.1');
  expect(get(appended, '8.8.8.8 oif eth1')).toBe('8.8.8.8 via 10.1.0.254 dev eth1 src 10.1.0.1');
  expect(get(on(net, 'ip route prepend default via 10.1.0.254'), '8.8.8.8')).toBe(
    '8.8.8.8 via 10.1.0.254 dev eth1 src 10.1.0.1',
  );
});

test('add refuses prefix and metric that are there, replace takes their place, change needs them', () => {
  expect(says(net, 'ip route add default via 10.1.0.254')).toBe('RTNETLINK answers: File exists');
  expect(says(net, 'ip route append default via 10.0.0.254')).toBe('RTNETLINK answers: File exists');
  expect(says(net, 'ip route change 1.0.0.0/8 via 10.1.0.254')).toBe('RTNETLINK answers: No such file or directory');
  const replaced = on(net, 'ip route replace default via 10.1.0.254');
  expect(get(replaced, '8.8.8.8')).toBe('8.8.8.8 via 10.1.0.254 dev eth1 src 10.1.0.1');
});

// Observed on Linux 6.18, 2026-11-30.
test('replace takes the place of the first route of its prefix, and refuses what stands behind that', () => {
  const three = on(net, 'ip route append default via 10.0.0.253', 'ip route append default via 10.1.0.254');
  const first = '8.8.8.8 via 10.0.0.254 dev eth0 src 10.0.0.1';
  expect(get(on(three, 'ip route replace default via 10.0.0.254'), '8.8.8.8')).toBe(first);
  for (const there of ['10.0.0.253', '10.1.0.254'])
    expect(says(three, `ip route replace default via ${there}`)).toBe('RTNETLINK answers: File exists');
  const replaced = on(three, 'ip route replace default via 10.0.0.252');
  expect(get(replaced, '8.8.8.8')).toBe('8.8.8.8 via 10.0.0.252 dev eth0 src 10.0.0.1');
  expect(get(on(replaced, 'ip route del default'), '8.8.8.8')).toBe('8.8.8.8 via 10.0.0.253 dev eth0 src 10.0.0.1');
});

test('replace leaves routes of another prefix, TOS or metric alone', () => {
  const others = on(
    net,
    'ip route add 1.0.0.0/8 via 10.0.0.253',
    'ip route add 2.0.0.0/8 via 10.0.0.253 tos 0x10',
    'ip route add 2.0.0.0/8 via 10.0.0.253',
    'ip route add 2.0.0.0/8 via 10.0.0.253 metric 9',
    'ip route replace 2.0.0.0/8 via 10.1.0.254',
  );
  expect(get(others, '1.2.3.4')).toBe('1.2.3.4 via 10.0.0.253 dev eth0 src 10.0.0.1');
  expect(get(others, '2.2.3.4')).toBe('2.2.3.4 via 10.1.0.254 dev eth1 src 10.1.0.1');
  expect(get(others, '2.2.3.4 tos 0x10')).toBe('2.2.3.4 tos 0x10 via 10.0.0.253 dev eth0 src 10.0.0.1');
  expect(get(on(others, 'ip route del 2.0.0.0/8'), '2.2.3.4')).toBe('2.2.3.4 via 10.0.0.253 dev eth0 src 10.0.0.1');
});

test('del takes the first route that fits what was given', () => {
  const two = on(net, 'ip route append default via 10.1.0.254');
  expect(get(on(two, 'ip route del default'), '8.8.8.8')).toBe('8.8.8.8 via 10.1.0.254 dev eth1 src 10.1.0.1');
  expect(get(on(two, 'ip route del default dev eth1'), '8.8.8.8')).toBe('8.8.8.8 via 10.0.0.254 dev eth0 src 10.0.0.1');
  expect(says(net, 'ip route del default via 10.1.0.254')).toBe('RTNETLINK answers: No such process');
  expect(says(net, 'ip route del default table 9')).toBe('Error: FIB table does not exist.');
});

test.each([
  ['unreachable', 'No route to host'],
  ['prohibit', 'Permission denied'],
  ['blackhole', 'Invalid argument'],
])('a route of type %s refuses with its own error, unless the device is given', (type, words) => {
  const more = on(net, `ip route add ${type} 1.2.3.0/24`);
  expect(get(more, '1.2.3.4')).toBe(`RTNETLINK answers: ${words}`);
  expect(get(more, '1.2.3.4 oif eth1')).toBe('1.2.3.4 dev eth1 src 10.1.0.1');
});

test('without custom rules a throw route in main lets the default table answer, other errors do not', () => {
  const fallback = on(net, 'ip route add default via 10.1.0.254 table default');
  expect(get(on(fallback, 'ip route add throw 1.0.0.0/8'), '1.2.3.4')).toBe(
    '1.2.3.4 via 10.1.0.254 dev eth1 table default src 10.1.0.1',
  );
  expect(get(on(fallback, 'ip route add unreachable 1.0.0.0/8'), '1.2.3.4')).toBe(
    'RTNETLINK answers: No route to host',
  );
});

test('until the first custom rule one longest match covers local and main together', () => {
  const longer = on(net, 'ip route add 127.0.0.5 dev eth0');
  expect(get(longer, '127.0.0.5')).toBe('127.0.0.5 dev eth0 src 10.0.0.1');
  expect(get(longer, '127.0.0.6')).toBe('local 127.0.0.6 dev lo src 127.0.0.1');
  expect(get(on(longer, 'ip rule add fwmark 9 table 9'), '127.0.0.5')).toBe(
    'local 127.0.0.5 dev lo table local src 127.0.0.1',
  );
});
