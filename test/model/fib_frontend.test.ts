// Routes as `ip route show table all` lists them, Linux 6.18, in a network namespace, 2026-11-22.
import { expect, test } from 'vitest';
import { fib_compute_spec_dst, inet_addr_type } from '../../model/kernel/net/ipv4/fib_frontend.ts';
import { NO_IPH, NO_SKB } from '../../model/types/packet.ts';
import { NO_DST, RTN_BROADCAST, RTN_LOCAL, RTN_MULTICAST, RTN_UNICAST } from '../../model/types/route.ts';
import type { World } from '../../model/types/world.ts';
import { dotted, get, host, ip, LINKS, on, says } from './build.ts';

const TYPES = ['', 'unicast', 'local', 'broadcast'];

/** The routes of a device, sorted. */
function routes(net: World, dev: string): readonly string[] {
  const ifindex = net.devs.find(({ name }) => name === dev)?.ifindex;
  return net.tables
    .flatMap(({ tb_id, aliases }) =>
      aliases
        .filter(({ nh_dev }) => nh_dev === ifindex)
        .map(
          (fa) =>
            `${tb_id} ${TYPES[fa.fa_type]} ${dotted(fa.dst)}/${fa.plen} src ${dotted(fa.fib_prefsrc)} scope ${fa.fib_scope}`,
        ),
    )
    .sort();
}

const UP = ['ip link set lo up', 'ip link add eth0 type veth peer name eth0p', 'ip link set eth0 up'];

test('an address brings its own route, its subnet and the broadcast address', () => {
  expect(routes(host(...UP, 'ip addr add 10.0.0.1/24 dev eth0'), 'eth0')).toEqual([
    '254 unicast 10.0.0.0/24 src 10.0.0.1 scope 253',
    '255 broadcast 10.0.0.255/32 src 10.0.0.1 scope 253',
    '255 local 10.0.0.1/32 src 10.0.0.1 scope 254',
  ]);
});

test('an explicit broadcast address comes beside the one of the subnet', () => {
  expect(routes(host(...UP, 'ip addr add 10.0.0.1/24 brd 10.0.0.7 dev eth0'), 'eth0')).toContain(
    '255 broadcast 10.0.0.7/32 src 10.0.0.1 scope 253',
  );
});

test('a /31 has no broadcast address and a /32 no subnet, but a peer has one', () => {
  expect(routes(host(...UP, 'ip addr add 192.168.0.2/31 dev eth0'), 'eth0')).toEqual([
    '254 unicast 192.168.0.2/31 src 192.168.0.2 scope 253',
    '255 local 192.168.0.2/32 src 192.168.0.2 scope 254',
  ]);
  expect(routes(host(...UP, 'ip addr add 172.16.0.1/32 dev eth0'), 'eth0')).toEqual([
    '255 local 172.16.0.1/32 src 172.16.0.1 scope 254',
  ]);
  expect(routes(host(...UP, 'ip addr add 172.16.0.1 peer 172.16.0.2 dev eth0'), 'eth0')).toEqual([
    '254 unicast 172.16.0.2/32 src 172.16.0.1 scope 253',
    '255 local 172.16.0.1/32 src 172.16.0.1 scope 254',
  ]);
});

test('the subnet of lo is local', () => {
  expect(routes(host('ip link set lo up'), 'lo')).toEqual([
    '255 broadcast 127.255.255.255/32 src 127.0.0.1 scope 253',
    '255 local 127.0.0.0/8 src 127.0.0.1 scope 254',
    '255 local 127.0.0.1/32 src 127.0.0.1 scope 254',
  ]);
});

test('an address on a link that is down brings only its own route, the others come with the link', () => {
  const down = host('ip link add eth0 type veth peer name eth0p', 'ip addr add 10.0.0.1/24 dev eth0');
  expect(routes(down, 'eth0')).toEqual(['255 local 10.0.0.1/32 src 10.0.0.1 scope 254']);
  expect(routes(on(down, 'ip link set eth0 up'), 'eth0')).toHaveLength(3);
});

test('a link that goes down loses its routes, and gets only those of its addresses back', () => {
  const net = host(...UP, 'ip addr add 10.0.0.1/24 dev eth0', 'ip route add default via 10.0.0.254');
  const down = on(net, 'ip link set eth0 down');
  expect(routes(down, 'eth0')).toEqual(['255 local 10.0.0.1/32 src 10.0.0.1 scope 254']);
  expect(get(on(down, 'ip link set eth0 up'), '8.8.8.8')).toBe('RTNETLINK answers: Network is unreachable');
});

test('deleting a primary address deletes its secondaries, or promotes the first of them', () => {
  const net = host(...UP, 'ip addr add 10.0.0.1/24 dev eth0', 'ip addr add 10.0.0.2/24 dev eth0');
  const gone = on(net, 'ip addr del 10.0.0.1/24 dev eth0');
  expect(routes(gone, 'eth0')).toEqual([]);
  const promoted = on(
    host('sysctl -w net.ipv4.conf.all.route_localnet=0'),
    ...UP,
    'ip addr add 10.0.0.1/24 dev eth0',
    'ip addr add 10.0.0.2/24 dev eth0',
  );
  const promoting = { ...promoted, sysctl: { ...promoted.sysctl, promote_secondaries_all: 1 } };
  expect(routes(on(promoting, 'ip addr del 10.0.0.1/24 dev eth0'), 'eth0')).toEqual([
    '254 unicast 10.0.0.0/24 src 10.0.0.2 scope 253',
    '255 broadcast 10.0.0.255/32 src 10.0.0.2 scope 253',
    '255 local 10.0.0.2/32 src 10.0.0.2 scope 254',
  ]);
});

// Observed on Linux 6.18, 2026-11-30.
test.each([
  ['of a longer subnet with the same end', ['10.0.0.129/24', '10.0.0.129/25'], ['10.0.0.255']],
  ['of a longer subnet, if it named that', ['10.0.0.1/24 brd 10.0.0.127', '10.0.0.1/25'], ['10.0.0.127']],
  [
    'of a longer subnet, even its first address',
    ['10.0.0.1/24 brd 10.0.0.0', '10.0.0.1/25'],
    ['10.0.0.0', '10.0.0.127'],
  ],
  ['that the other one named', ['10.0.0.1/25', '10.0.0.1/24 brd 10.0.0.127'], ['10.0.0.127', '10.0.0.255']],
  [
    'that the other one named, even its own first address',
    ['10.0.0.1/25', '10.0.0.1/24 brd 10.0.0.0'],
    ['10.0.0.0', '10.0.0.255'],
  ],
  ['that both named', ['10.0.0.1/24 brd 10.0.0.7', '10.0.0.1/25 brd 10.0.0.7'], ['10.0.0.127', '10.0.0.7']],
  ['but not that of a /31', ['10.0.0.254/24', '10.0.0.254/31'], []],
  ['but not that of a peer', ['10.0.0.1/24', '10.0.0.1 peer 10.0.0.255/32'], []],
  ['but not that of another address', ['10.0.0.129/24', '10.0.0.130/25'], ['10.0.0.255']],
])('an address that goes leaves the broadcast address of another one: %s', (_, addresses, left) => {
  const net = host(...UP, ...addresses.map((address) => `ip addr add ${address} dev eth0`));
  const gone = on(net, `ip addr del ${(addresses[0] as string).replace(/ .*/, '')} dev eth0`);
  const broadcast = routes(gone, 'eth0').filter((route) => route.includes('broadcast'));
  expect(broadcast.map((route) => route.replace(/.*broadcast (.*)\/32 .*/, '$1'))).toEqual(left);
});

// Observed on Linux 6.18, 2026-11-30.
test.each([
  ['10.0.0.253/30', '10.0.0.252', false],
  ['10.0.0.253/30', '10.0.0.254', true],
  ['10.0.0.254/31', '10.0.0.255', true],
  ['0.0.0.5/24', '0.0.0.255', true],
])(
  '%s takes its first and its last address as broadcast addresses with it: %s stays: %s',
  (address, broadcast, stays) => {
    const src = address.replace(/\/.*/, '');
    const net = host(
      ...UP,
      'ip addr add 10.9.0.1/24 dev eth0',
      `ip addr add ${address} dev eth0`,
      `ip route append broadcast ${broadcast} dev eth0 src ${src} proto kernel scope link`,
    );
    const route = `255 broadcast ${broadcast}/32 src ${src} scope 253`;
    expect(routes(net, 'eth0')).toContain(route);
    expect(routes(on(net, `ip addr del ${address} dev eth0`), 'eth0').includes(route)).toBe(stays);
  },
);

test('a going address takes the routes of main that use it as source, but not those of other tables', () => {
  const net = on(
    host(...LINKS),
    'ip route add 1.0.0.0/8 dev eth0 src 10.1.0.1',
    'ip route add 1.0.0.0/8 dev eth0 src 10.1.0.1 table 100',
    'ip addr del 10.1.0.1/24 dev eth1',
  );
  expect(routes(net, 'eth0').filter((route) => route.includes('1.0.0.0/8'))).toEqual([
    '100 unicast 1.0.0.0/8 src 10.1.0.1 scope 253',
  ]);
});

test('the last address that goes takes every route of the device with it', () => {
  const net = on(host(...LINKS), 'ip route add 1.0.0.0/8 dev eth1 table 100', 'ip addr flush dev eth1');
  expect(routes(net, 'eth1')).toEqual([]);
});

test('a deleted link is gone with its addresses and routes', () => {
  const net = on(host(...LINKS), 'ip route add 1.0.0.0/8 dev eth0 src 10.1.0.1', 'ip link del eth1');
  expect(net.devs.map(({ name }) => name)).toEqual(['lo', 'eth0']);
  expect(get(net, '1.2.3.4')).toBe('RTNETLINK answers: Network is unreachable');
  expect(inet_addr_type(net, ip('10.1.0.1'))).toBe(RTN_UNICAST);
});

test('a deleted link takes a local route with it, also without any address', () => {
  const net = host(...UP, 'ip route add local 1.2.3.4 dev eth0');
  expect(get(net, '1.2.3.4')).toBe('local 1.2.3.4 dev lo src 1.2.3.4');
  expect(on(net, 'ip link del eth0').tables.flatMap(({ aliases }) => aliases)).toEqual(
    host(...UP.slice(0, 1)).tables.flatMap(({ aliases }) => aliases),
  );
});

// C: net/ipv4/fib_frontend.c, __fib_validate_source(), flowi4_iif. Linux 6.18 has the same answers, with other words of refusal.
test('the way back of a packet that is forwarded is asked for as if the answer came in by its output link', () => {
  const net = host(
    ...LINKS,
    'ip route add default via 10.0.0.254',
    'ip route add default via 10.1.0.254 table 100',
    'sysctl -w net.ipv4.ip_forward=1',
    'sysctl -w net.ipv4.conf.eth1.rp_filter=1',
  );
  const query = '10.0.0.9 from 9.9.9.9 iif eth1';
  const refused = 'RTNETLINK answers: Invalid cross-device link';
  expect(get(net, query)).toBe(refused);
  expect(get(on(net, 'ip rule add iif lo table 100'), query)).toBe(refused);
  expect(get(on(net, 'ip rule add iif eth0 table 100'), query)).toBe('10.0.0.9 from 9.9.9.9 dev eth0');
  // To the host itself the answer comes from lo.
  const local = '10.0.0.1 from 9.9.9.9 iif eth1';
  expect(get(on(net, 'ip rule add iif eth0 table 100'), local)).toBe(refused);
  expect(get(on(net, 'ip rule add iif lo table 100'), local)).toBe('local 10.0.0.1 from 9.9.9.9 dev lo table local');
});

test('the type of an address comes from the local table', () => {
  const net = host(...LINKS);
  expect(inet_addr_type(net, ip('10.0.0.1'))).toBe(RTN_LOCAL);
  expect(inet_addr_type(net, ip('127.1.2.3'))).toBe(RTN_LOCAL);
  expect(inet_addr_type(net, ip('10.0.0.255'))).toBe(RTN_BROADCAST);
  expect(inet_addr_type(net, 0)).toBe(RTN_BROADCAST);
  expect(inet_addr_type(net, ip('255.255.255.255'))).toBe(RTN_BROADCAST);
  expect(inet_addr_type(net, ip('224.0.0.1'))).toBe(RTN_MULTICAST);
  expect(inet_addr_type(net, ip('8.8.8.8'))).toBe(RTN_UNICAST);
  // Nothing has made the table yet: the value that C starts with.
  expect(inet_addr_type({ ...host(), tables: [] }, ip('8.8.8.8'))).toBe(RTN_BROADCAST);
});

test('every change of a route, rule, address or link makes cached routes obsolete', () => {
  const net = host(...LINKS);
  for (const line of [
    'ip route add 1.0.0.0/8 dev eth0',
    'ip route del 10.0.0.0/24 dev eth0',
    'ip rule add fwmark 1 table 1',
    'ip addr add 10.0.0.2/24 dev eth0',
    'ip link set eth0 down',
    'ip link set eth0 mtu 1400',
  ]) {
    expect(on(net, line).rt_genid, line).toBeGreaterThan(net.rt_genid);
  }
  expect(on(net, 'ip link set eth0 up').rt_genid).toBe(net.rt_genid);
});

test('an answer comes from the address that was asked, to a group from one that fits the asker', () => {
  const net = host(...LINKS);
  const skb = { ...NO_SKB, iif: 3, iph: { ...NO_IPH, saddr: ip('10.1.0.9'), daddr: ip('10.0.0.1') } };
  const local = { ...NO_DST, rt_local: true, rt_type: RTN_LOCAL };
  expect(dotted(fib_compute_spec_dst(net, { ...skb, dst: local }))).toBe('10.0.0.1');
  expect(dotted(fib_compute_spec_dst(net, { ...skb, dst: { ...local, rt_type: RTN_BROADCAST } }))).toBe('10.1.0.1');
});

test('tables and links that do not exist are named', () => {
  expect(says(host(), 'ip route flush table 77')).toBe('Error: ipv4: FIB table does not exist.');
  expect(says(host(), 'ip addr flush dev eth9')).toBe('Device "eth9" does not exist.');
  expect(says(host(), 'ip link set eth9 up')).toBe('Cannot find device "eth9"');
});
