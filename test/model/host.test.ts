// Refusals observed on Linux 6.18, iproute2 6.1.0, procps 4.0, in a network namespace, 2026-11-22.
import { expect, test } from 'vitest';
import { hostCommand } from '../../model/host/commands.ts';
import { newWorld } from '../../model/host/newWorld.ts';
import { RTN_BROADCAST, RTN_LOCAL } from '../../model/types/route.ts';
import { host, LINKS, on, says } from './build.ts';

test('a fresh host has lo, up with its address, and the three default rules', () => {
  const net = newWorld();
  expect(net.devs.map(({ name, up, ifa_list }) => [name, up, ifa_list.length])).toEqual([['lo', true, 1]]);
  expect(net.rules.map(({ pref, table }) => [pref, table])).toEqual([
    [0, 255],
    [32766, 254],
    [32767, 253],
  ]);
  // What `ip route show table all` lists of a new namespace after `ip link set lo up` (Linux 6.18).
  const listed = net.tables.flatMap(({ tb_id, aliases }) => aliases.map((fa) => ({ tb_id, ...fa })));
  expect(
    listed.map(({ tb_id, dst, plen, fa_type }) => `${tb_id} ${dst.toString(16)}/${plen} ${fa_type}`).sort(),
  ).toEqual([`255 7f000000/8 ${RTN_LOCAL}`, `255 7f000001/32 ${RTN_LOCAL}`, `255 7fffffff/32 ${RTN_BROADCAST}`]);
  expect(on(net, 'ip link set lo up')).toEqual(net);
});

test('links are refused in the tools’ words', () => {
  const net = host(...LINKS);
  expect(says(net, 'ip link add eth0 type veth peer name eth5')).toBe('RTNETLINK answers: File exists');
  expect(says(net, 'ip link add eth5 type veth peer name eth0p')).toBe('RTNETLINK answers: File exists');
  expect(says(net, 'ip link set eth0 mtu 50')).toBe('Error: mtu less than device minimum.');
  expect(says(net, 'ip link add eth7 mtu 20 type veth peer name eth8')).toBe('RTNETLINK answers: Invalid argument');
  expect(says(net, 'ip link del lo')).toBe('RTNETLINK answers: Operation not supported');
  expect(says(net, 'ip link del eth9')).toBe('Cannot find device "eth9"');
});

test('the other end of a veth can be set up, and takes its link with it when it is deleted', () => {
  const net = on(host(...LINKS), 'ip link set eth0p up');
  expect(says(net, 'ip addr add 10.0.0.9/24 dev eth0p')).toBe('Cannot find device "eth0p"');
  expect(on(net, 'ip link del eth0p').devs.map(({ name }) => name)).toEqual(['lo', 'eth1']);
});

test('a gre link has room for its outer header, a dummy no neighbours', () => {
  const net = host('ip link add gre1 type gre local 10.0.0.1', 'ip link add d0 type dummy', 'ip link set d0 arp on');
  expect(net.devs.map(({ hard_header_len, noarp, mtu }) => [hard_header_len, noarp, mtu])).toEqual([
    [14, false, 65536],
    [24, true, 1476],
    [14, false, 1500],
  ]);
});

test('settings outside their range are refused', () => {
  const key = 'net.ipv4.ip_local_port_range';
  expect(says(host(), `sysctl -w ${key}="40000 30000"`)).toBe(`sysctl: setting key "${key}": Invalid argument`);
  expect(says(host(), `sysctl -w ${key}="100 30000"`)).toBe(`sysctl: setting key "${key}": Invalid argument`);
  expect(says(host(), 'sysctl -w net.ipv4.tcp_tw_reuse=7')).toBe(
    'sysctl: setting key "net.ipv4.tcp_tw_reuse": Invalid argument',
  );
  expect(hostCommand(host(), { kind: 'sysctl', key: 'net.ipv4.conf.eth9.rp_filter', values: [1] }).err).not.toBe(0);
});

test('conf.default.rp_filter reaches new links and those that have no address yet', () => {
  const net = on(host(...LINKS), 'ip link add eth2 type dummy', 'sysctl -w net.ipv4.conf.default.rp_filter=1');
  const after = on(net, 'ip link add eth3 type dummy');
  expect(after.devs.map(({ name, rp_filter }) => [name, rp_filter])).toEqual([
    ['lo', 0],
    ['eth0', 0],
    ['eth1', 0],
    ['eth2', 1],
    ['eth3', 1],
  ]);
});
