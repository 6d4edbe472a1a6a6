// Refusals observed on Linux 6.18, iproute2 6.1.0, in a network namespace, 2026-11-22.
import { expect, test } from 'vitest';
import { fib_get_table } from '../../model/kernel/net/ipv4/fib_frontend.ts';
import { fib_props_error, fib_select_multipath } from '../../model/kernel/net/ipv4/fib_semantics.ts';
import { fib_table_lookup } from '../../model/kernel/net/ipv4/fib_trie.ts';
import { EACCES, EAGAIN, EHOSTUNREACH, EINVAL } from '../../model/types/errno.ts';
import { NO_FLOW, RT_TABLE_MAIN } from '../../model/types/route.ts';
import type { World } from '../../model/types/world.ts';
import { dotted, get, host, ip, LINKS, on, says } from './build.ts';

const net = host(...LINKS);

test('a gateway must be reachable on a link', () => {
  expect(says(net, 'ip route add default via 10.0.0.254')).toBe('');
  expect(says(net, 'ip route add default via 5.5.5.5')).toBe('Error: Nexthop has invalid gateway.');
  expect(says(net, 'ip route add default via 10.0.0.254 dev eth1')).toBe('Error: Nexthop has invalid gateway.');
  expect(says(net, 'ip route add default via 10.0.0.255')).toBe('Error: Nexthop has invalid gateway.');
  expect(says(on(net, 'ip route add default via 10.0.0.254'), 'ip route add 1.0.0.0/8 via 5.5.5.5')).toBe(
    'Error: Nexthop has invalid gateway.',
  );
});

test('onlink spares the gateway that check, but wants a device', () => {
  const onlink = on(net, 'ip route add default via 5.5.5.5 dev eth1 onlink');
  expect(get(onlink, '8.8.8.8')).toBe('8.8.8.8 via 5.5.5.5 dev eth1 src 10.1.0.1');
  expect(says(net, 'ip route add default via 5.5.5.5 onlink')).toBe('Error: Nexthop device required for onlink.');
  expect(says(net, 'ip route add 1.0.0.0/8 dev eth1 onlink')).toBe(
    'Error: Invalid flags for nexthop - PERVASIVE and ONLINK can not be set.',
  );
});

test('a gateway that is the host’s own address makes a direct route', () => {
  const direct = on(net, 'ip route add 1.0.0.0/8 via 10.1.0.1');
  expect(get(direct, '1.2.3.4')).toBe('1.2.3.4 dev eth1 src 10.1.0.1');
});

test('a gateway may be reached by a route of the same table', () => {
  const table = on(net, 'ip route add 5.5.5.5 dev eth1 table 100', 'ip route add default via 5.5.5.5 table 100');
  expect(get(on(table, 'ip rule add table 100 pref 9'), '8.8.8.8')).toBe(
    '8.8.8.8 via 5.5.5.5 dev eth1 table 100 src 10.1.0.1',
  );
});

test('a gateway of a route with scope link must be an address of the host', () => {
  expect(says(net, 'ip route add 1.0.0.0/8 via 10.0.0.254 scope link')).toBe('Error: Nexthop has invalid gateway.');
  expect(says(net, 'ip route add 1.0.0.0/8 via 10.0.0.1 scope link')).toBe('');
  expect(says(net, 'ip route add 1.0.0.0/8 via 10.0.0.254 scope 252')).toBe('');
  expect(says(net, 'ip route add 1.0.0.0/8 via 5.5.5.5 dev eth1 onlink scope link')).toBe(
    'Error: Nexthop has invalid scope.',
  );
});

test('a route needs a device that is up', () => {
  expect(says(net, 'ip route add 1.0.0.0/8')).toBe('RTNETLINK answers: No such device');
  expect(says(net, 'ip route add 1.0.0.0/8 dev eth9')).toBe('Cannot find device "eth9"');
  const down = on(net, 'ip link set eth1 down');
  expect(says(down, 'ip route add 1.0.0.0/8 dev eth1')).toBe('Error: Device for nexthop is not up.');
  expect(says(down, 'ip route add 1.0.0.0/8 via 5.5.5.5 dev eth1 onlink')).toBe('Error: Nexthop device is not up.');
  expect(says(down, 'ip route add local 1.0.0.0/8 dev eth1')).toBe('');
});

test('src must be an address of the host', () => {
  expect(says(net, 'ip route add 1.0.0.0/8 dev eth1 src 10.0.0.1')).toBe('');
  expect(says(net, 'ip route add 1.0.0.0/8 dev eth1 src 10.0.0.9')).toBe('Error: Invalid prefsrc address.');
});

test('type, scope, device and prefix must fit together', () => {
  expect(says(net, 'ip route add local 1.2.3.4 dev eth1 scope link')).toBe('Error: Invalid scope.');
  expect(says(net, 'ip route add 1.2.3.4 dev eth1 scope nowhere')).toBe('Error: Invalid scope.');
  expect(says(net, 'ip route add 1.2.3.4 via 10.0.0.254 scope host')).toBe(
    'Error: Route with host scope can not have a gateway.',
  );
  expect(says(net, 'ip route add blackhole 1.2.3.4 dev eth1')).toBe(
    'Error: Gateway, device and multipath can not be specified for this route type.',
  );
  expect(says(net, 'ip route add 10.0.0.1/24 dev eth1')).toBe('Error: Invalid prefix for given prefix length.');
  expect(says(net, 'ip route add 1.0.0.0/8 dev eth1 tos 3')).toBe('Error: Invalid dsfield (tos): ECN bits must be 0.');
});

// C: net/ipv4/fib_semantics.c, fib_props[]: unspec, unicast, local, broadcast, anycast, multicast, blackhole, …, nat, xresolve.
test('each type of route has its error', () => {
  const errors = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11].map(fib_props_error);
  expect(errors).toEqual([0, 0, 0, 0, 0, 0, -EINVAL, -EHOSTUNREACH, -EACCES, -EAGAIN, -EINVAL, -EINVAL]);
});

test.each([
  ['', ''],
  ['metric 5', ''],
  ['metric 6', 'RTNETLINK answers: No such process'],
  ['dev eth0', ''],
  ['dev eth1', 'RTNETLINK answers: No such process'],
  ['via 10.0.0.254', ''],
  ['via 10.0.0.253', 'RTNETLINK answers: No such process'],
  ['via 10.0.0.254 dev eth0 metric 5', ''],
  ['via 10.0.0.254 dev eth0 metric 6', 'RTNETLINK answers: No such process'],
])('a route is deleted only with the nexthop and the metric that it has: "%s"', (words, answer) => {
  const there = on(net, 'ip route add 1.0.0.0/8 via 10.0.0.254 dev eth0 metric 5');
  expect(says(there, `ip route del 1.0.0.0/8 ${words}`.trim())).toBe(answer);
});

// Observed on Linux 6.18, 2026-11-30.
test.each([
  ['the same', 'via 5.5.5.5 dev eth0 onlink', 'via 10.1.0.254', 'RTNETLINK answers: File exists'],
  ['another link of the first', 'via 5.5.5.5 dev eth1 onlink', 'via 10.1.0.254', ''],
  ['another gateway of the first', 'via 5.5.5.6 dev eth0 onlink', 'via 10.1.0.254', ''],
  ['another weight of the first', 'via 5.5.5.5 dev eth0 weight 2 onlink', 'via 10.1.0.254', ''],
  ['another gateway of the last', 'via 5.5.5.5 dev eth0 onlink', 'via 10.1.0.253', ''],
  ['another flag of the last', 'via 5.5.5.5 dev eth0 onlink', 'via 10.1.0.254 dev eth1 onlink', ''],
  ['one path more', 'via 5.5.5.5 dev eth0 onlink', 'via 10.1.0.254 nexthop via 10.1.0.253', ''],
  ['the other order', 'via 10.1.0.254', 'via 5.5.5.5 dev eth0 onlink', ''],
])('routes of several paths are two if a path differs: %s', (_, one, two, answer) => {
  const there = on(net, 'ip route add 8.0.0.0/8 nexthop via 5.5.5.5 dev eth0 onlink nexthop via 10.1.0.254');
  expect(says(there, `ip route append 8.0.0.0/8 nexthop ${one} nexthop ${two}`)).toBe(answer);
});

test('the hash chooses among several paths by their weights', () => {
  const several = on(net, 'ip route add 8.0.0.0/8 nexthop via 10.0.0.254 nexthop via 10.1.0.254 weight 2');
  const res = fib_table_lookup(several, fib_get_table(several, RT_TABLE_MAIN), { ...NO_FLOW, daddr: ip('8.8.8.8') });
  // fib_rebalance() by hand: round(2^31 / 3) - 1 is 715827882.
  for (const [hash, gateway] of [
    [0, '10.0.0.254'],
    [715827882, '10.0.0.254'],
    [715827883, '10.1.0.254'],
    [0x7fffffff, '10.1.0.254'],
  ] as const)
    expect(dotted(fib_select_multipath(several, res, hash, 0).fa.nh_gw)).toBe(gateway);
});

test('on 6.18 a path that has the source of the flow goes before the one that the hash chooses', () => {
  const several = on(net, 'ip route add 8.0.0.0/8 nexthop via 10.0.0.254 nexthop via 10.1.0.254');
  const res = fib_table_lookup(several, fib_get_table(several, RT_TABLE_MAIN), { ...NO_FLOW, daddr: ip('8.8.8.8') });
  const newer = { ...several, multipath: { ...several.multipath, by_saddr: true } };
  const by = (host: World, hash: number, saddr: string) =>
    dotted(fib_select_multipath(host, res, hash, ip(saddr)).fa.nh_gw);
  for (const hash of [0, 0x7fffffff]) {
    expect(by(newer, hash, '10.0.0.1')).toBe('10.0.0.254');
    expect(by(newer, hash, '10.1.0.1')).toBe('10.1.0.254');
    for (const other of ['0.0.0.0', '192.0.2.1']) expect(by(newer, hash, other)).toBe(by(several, hash, other));
  }
  expect(by(several, 0, '10.1.0.1')).toBe('10.0.0.254');
});

test('among paths with that source the hash chooses', () => {
  const several = on(
    net,
    'ip route add 8.0.0.0/8 nexthop via 10.0.0.254 nexthop via 10.1.0.253 nexthop via 10.1.0.254',
  );
  const res = fib_table_lookup(several, fib_get_table(several, RT_TABLE_MAIN), { ...NO_FLOW, daddr: ip('8.8.8.8') });
  const newer = { ...several, multipath: { ...several.multipath, by_saddr: true } };
  const by = (hash: number) => dotted(fib_select_multipath(newer, res, hash, ip('10.1.0.1')).fa.nh_gw);
  expect([by(0x7fffffff), by(0x50000000), by(0)]).toEqual(['10.1.0.254', '10.1.0.253', '10.1.0.253']);
});

test('a path whose link went down is not chosen', () => {
  const several = on(
    net,
    'ip route add 8.0.0.0/8 nexthop via 10.0.0.254 nexthop via 10.1.0.254',
    'ip link set eth0 down',
  );
  for (const last of [1, 2, 3, 4, 5, 6]) expect(get(several, `8.8.8.${last}`)).toContain('via 10.1.0.254 dev eth1');
  expect(get(on(several, 'ip link set eth1 down'), '8.8.8.8')).not.toContain('via');
});
