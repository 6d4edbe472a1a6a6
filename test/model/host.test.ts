// Refusals observed on Linux 6.18, iproute2 6.1.0, procps 4.0, in a network namespace, 2026-11-22.
import { expect, test } from 'vitest';
import { hostCommand } from '../../model/host/commands.ts';
import { newWorld } from '../../model/host/newWorld.ts';
import { EINVAL } from '../../model/types/errno.ts';
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

// C: ppp_setup(), tun_net_init(), dummy_setup() and their like: IFF_NOARP.
test.each([
  ['veth', false],
  ['bridge', false],
  ['tap', false],
  ['gretap', false],
  ['vxlan', false],
  ['tun', true],
  ['ppp', true],
  ['wireguard', true],
  ['ipip', true],
  ['gre', true],
  ['sit', true],
  ['vti', true],
  ['dummy', true],
  ['ifb', true],
])('a link of kind %s has no neighbours: %s', (type, noarp) => {
  const link = { kind: 'link add', name: 'l0', type, peer: '', mtu: 0, local: 0, remote: 0 } as const;
  const { err, net } = hostCommand(host(), link);
  expect([err, net.devs.at(-1)?.noarp]).toEqual([0, noarp]);
  expect(on(net, `ip link set l0 arp ${noarp ? 'on' : 'off'}`).devs.at(-1)?.noarp).toBe(!noarp);
});

// C: net/core/dev.c, dev_validate_mtu(), with min_mtu and max_mtu of the drivers, of which 0 is none.
test.each([
  ['veth', 68, 65535],
  ['bridge', 68, 65535],
  ['tun', 68, 65535],
  ['dummy', 68, 65536],
  ['ifb', 68, 65536],
  ['ppp', 68, 65536],
  ['wireguard', 68, 65536],
  ['sit', 1280, 65536],
])('the MTU of a link of kind %s is at least %i, and may be %i', (type, least, most) => {
  const add = (mtu: number) =>
    hostCommand(host(), { kind: 'link add', name: 'l0', type, peer: '', mtu, local: 0, remote: 0 });
  const { net } = add(0);
  const set = (mtu: number) => says(net, `ip link set l0 mtu ${mtu}`);
  expect([least - 1, least, most].map((mtu) => add(mtu).err)).toEqual([-EINVAL, 0, 0]);
  expect([least - 1, least, most].map(set)).toEqual(['Error: mtu less than device minimum.', '', '']);
  if (most < 65536) expect([add(65536).err, set(65536)]).toEqual([-EINVAL, 'Error: mtu greater than device maximum.']);
});

test('the MTU of lo and of a VRF may be greater than that of Ethernet', () => {
  const net = host('ip link add vrf0 type vrf table 10');
  for (const dev of ['lo', 'vrf0']) expect(says(net, `ip link set ${dev} mtu 65536`)).toBe('');
  expect(says(net, 'ip link set vrf0 mtu 1279')).toBe('Error: mtu less than device minimum.');
  expect(says(net, 'ip link set vrf0 mtu 1280')).toBe('');
});

test.each(['bridge', 'bond', 'team'])('a link can be put into a %s', (type) => {
  const link = { kind: 'link add', name: 'm0', type, peer: '', mtu: 0, local: 0, remote: 0 } as const;
  const net = hostCommand(host(...LINKS), link).net;
  expect(says(net, 'ip link set eth0 master m0')).toBe('');
  expect(says(net, 'ip link set eth0 master eth1')).toBe('RTNETLINK answers: Operation not supported');
});

// C: net/ipv4/devinet.c, devinet_conf_proc(): rt_cache_flush() where the setting was on and is off.
test.each(['route_localnet', 'accept_local'])(
  '%s makes cached routes obsolete when it goes from on to off',
  (setting) => {
    for (const scope of ['all', 'eth0']) {
      const key = `net.ipv4.conf.${scope}.${setting}`;
      const off = host(...LINKS);
      const onNow = on(off, `sysctl -w ${key}=1`);
      expect(onNow.rt_genid).toBe(off.rt_genid);
      expect(on(off, `sysctl -w ${key}=0`).rt_genid).toBe(off.rt_genid);
      expect(on(onNow, `sysctl -w ${key}=2`).rt_genid).toBe(off.rt_genid);
      expect(on(onNow, `sysctl -w ${key}=0`).rt_genid).toBe(off.rt_genid + 1);
    }
  },
);

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
