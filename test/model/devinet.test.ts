// Answers and refusals observed on Linux 6.18, iproute2 6.1.0, in a network namespace, 2026-11-22; the words are those of 6.1.
import { expect, test } from 'vitest';
import { __ip_dev_find, inet_select_addr } from '../../model/kernel/net/ipv4/devinet.ts';
import { RT_SCOPE_HOST, RT_SCOPE_LINK, RT_SCOPE_UNIVERSE } from '../../model/types/route.ts';
import type { World } from '../../model/types/world.ts';
import { dotted, get, host, ip, LINKS, on, says } from './build.ts';

/** eth0 and eth1 of LINKS: the other end of a veth takes an index of its own first. */
const ETH0 = 3;
const ETH1 = 5;

const select = (net: World, dev: number, dst: string, scope: number): string =>
  dotted(inet_select_addr(net, dev, ip(dst), scope));

test('the devices are numbered as the kernel numbers veth pairs', () => {
  expect(host(...LINKS).devs.map(({ name, ifindex }) => [name, ifindex])).toEqual([
    ['lo', 1],
    ['eth0', ETH0],
    ['eth1', ETH1],
  ]);
});

test('primary addresses stand by falling scope, secondary ones last', () => {
  const net = on(
    host(...LINKS),
    'ip addr add 10.0.0.2/24 dev eth0',
    'ip addr add 169.254.0.1/16 scope link dev eth0',
    'ip addr add 10.5.0.1/24 dev eth0',
    'ip addr add 10.6.0.1/24 scope host dev eth0',
  );
  const list = net.devs[1]?.ifa_list ?? [];
  expect(list.map(({ ifa_local }) => dotted(ifa_local))).toEqual([
    '10.6.0.1',
    '169.254.0.1',
    '10.0.0.1',
    '10.5.0.1',
    '10.0.0.2',
  ]);
  expect(list.map(({ ifa_secondary }) => ifa_secondary)).toEqual([false, false, false, false, true]);
});

test('a source in the subnet of the destination is preferred, then the first of the device', () => {
  const net = on(host(...LINKS), 'ip addr add 10.5.0.1/24 dev eth0', 'ip addr add 10.5.0.2/24 dev eth0');
  expect(select(net, ETH0, '10.5.0.254', RT_SCOPE_UNIVERSE)).toBe('10.5.0.1');
  expect(select(net, ETH0, '8.8.8.8', RT_SCOPE_UNIVERSE)).toBe('10.0.0.1');
  expect(select(net, ETH0, '0.0.0.0', RT_SCOPE_UNIVERSE)).toBe('10.0.0.1');
});

test('an address of scope link serves links only, and only on its own device', () => {
  const net = on(host(...LINKS), 'ip addr flush dev eth1', 'ip addr add 169.254.0.1/16 scope link dev eth1');
  expect(select(net, ETH1, '8.8.8.8', RT_SCOPE_LINK)).toBe('169.254.0.1');
  expect(select(net, ETH1, '8.8.8.8', RT_SCOPE_UNIVERSE)).toBe('10.0.0.1');
  expect(select(net, 1, '8.8.8.8', RT_SCOPE_HOST)).toBe('127.0.0.1');
});

test('a host without an address selects none, and the lookup still succeeds', () => {
  const net = host('ip link add eth0 type veth peer name eth0p', 'ip link set eth0 up');
  expect(select(net, ETH0, '8.8.8.8', RT_SCOPE_UNIVERSE)).toBe('0.0.0.0');
  expect(get(net, '8.8.8.8 oif eth0')).toBe('8.8.8.8 dev eth0');
});

test('the owner of an address is the device that got it last', () => {
  const net = on(host(...LINKS), 'ip addr add 10.1.0.1/24 dev eth0');
  expect(__ip_dev_find(net, ip('10.1.0.1'))).toBe(ETH0);
  expect(get(net, '224.0.0.7 from 10.1.0.1')).toBe('multicast 224.0.0.7 from 10.1.0.1 dev eth0');
  expect(__ip_dev_find(net, ip('127.9.9.9'))).toBe(1);
  expect(__ip_dev_find(net, ip('8.8.8.8'))).toBe(0);
});

test('addresses are refused in the kernel’s words', () => {
  const net = host(...LINKS);
  expect(says(net, 'ip addr add 10.0.0.1/24 dev eth0')).toBe('RTNETLINK answers: File exists');
  expect(says(net, 'ip addr add 10.0.0.2/24 scope link dev eth0')).toBe('RTNETLINK answers: Invalid argument');
  expect(says(net, 'ip addr add 10.0.0.1/25 dev eth0')).toBe('');
  expect(says(net, 'ip addr del 10.0.0.1/25 dev eth0')).toBe('RTNETLINK answers: Cannot assign requested address');
  expect(says(net, 'ip addr del 10.0.0.1 dev eth0')).toBe('');
  expect(says(net, 'ip addr add 10.0.0.1/24 dev eth9')).toBe('Cannot find device "eth9"');
});
