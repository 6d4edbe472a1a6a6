// Answers of `ip route get` observed on Linux 6.18, iproute2 6.1.0, in a network namespace, 2026-11-22.
import { expect, test } from 'vitest';
import {
  ip_route_connect,
  ip_route_input,
  ip_route_newports,
  ip_route_output_key,
} from '../../model/kernel/net/ipv4/route.ts';
import { stock } from '../../model/patch/stock.ts';
import { EHOSTUNREACH, EINVAL, ENETUNREACH, ENODEV, EXDEV } from '../../model/types/errno.ts';
import { IPPROTO_TCP, NO_IPH, NO_SKB } from '../../model/types/packet.ts';
import { FLOWI_FLAG_ANYSRC, NO_FLOW, RTN_BROADCAST, RTN_LOCAL } from '../../model/types/route.ts';
import { NO_SOCK } from '../../model/types/sock.ts';
import { dotted, errnos, get, host, ip, LINKS, last, on, POST } from './build.ts';

const net = host(...POST);
const ETH0 = 3;
const ETH1 = 5;

test('the three lookups of the post: with a packet, at connect, and the reroute', () => {
  expect(get(net, '8.8.8.8')).toBe('8.8.8.8 via 10.0.0.254 dev eth0 src 10.0.0.1');
  const connect = ip_route_connect(stock, net, ip('8.8.8.8'), 0, 0, IPPROTO_TCP, 0, 80, NO_SOCK);
  expect([dotted(connect.fl4.saddr), connect.rt.dev]).toEqual(['10.0.0.1', ETH0]);
  const key = { ...NO_FLOW, daddr: ip('8.8.8.8'), flowi4_mark: 100 };
  const reroute = ip_route_output_key(net, key);
  expect([dotted(reroute.fl4.saddr), reroute.rt.dev]).toEqual(['10.1.0.1', ETH1]);
  const kept = ip_route_output_key(net, { ...key, saddr: ip('10.0.0.1'), flowi4_flags: FLOWI_FLAG_ANYSRC });
  expect([dotted(kept.fl4.saddr), kept.rt.dev]).toEqual(['10.0.0.1', ETH1]);
});

test('connect fills the key with its device, and looks again once it has a port', () => {
  const sk = { ...NO_SOCK, sk_mark: 0 };
  const ports = on(net, 'ip rule add sport 4000 table 100');
  const { fl4, rt } = ip_route_connect(stock, ports, ip('8.8.8.8'), 0, 0, IPPROTO_TCP, 0, 80, sk);
  expect(fl4.flowi4_oif).toBe(ETH0);
  expect(ip_route_newports(ports, fl4, rt, 0, 80, 0, 80, sk).rt).toBe(rt);
  const again = ip_route_newports(ports, fl4, rt, 0, 80, 4000, 80, sk);
  expect([dotted(again.fl4.saddr), again.rt.dev]).toEqual(['10.0.0.1', ETH1]);
});

test('SO_DONTROUTE reaches only what is on the link', () => {
  const sk = { ...NO_SOCK, sk_localroute: true };
  expect(ip_route_connect(stock, net, ip('8.8.8.8'), 0, 0, IPPROTO_TCP, 0, 80, sk).rt.err).toBe(-ENETUNREACH);
  expect(ip_route_connect(stock, net, ip('10.1.0.9'), 0, 0, IPPROTO_TCP, 0, 80, sk).rt.dev).toBe(ETH1);
});

// Observed on Linux 6.18, 2026-11-30.
test('a socket on a link that is gone has no device, on one that is down no network', () => {
  const send = 'send s 1 to 8.8.8.8:53';
  const refused = (command: string) => errnos(last(net, ['socket s udp dev eth1', `host ${command}`, send]).effects);
  expect(refused('ip link set eth1 up')).toEqual([0]);
  expect(refused('ip link set eth1 down')).toEqual([-ENETUNREACH]);
  expect(refused('ip link del eth1')).toEqual([-ENODEV]);
});

test('a lookup that finds nothing leaves the source empty; one that fails later does not', () => {
  const none = ip_route_output_key(host(...LINKS), { ...NO_FLOW, daddr: ip('8.8.8.8') });
  expect([none.rt.err, none.fl4.saddr]).toEqual([-ENETUNREACH, 0]);
  const martian = on(host(...LINKS), 'ip route add 8.8.8.8 dev eth0 src 127.0.0.1');
  const late = ip_route_output_key(martian, { ...NO_FLOW, daddr: ip('8.8.8.8') });
  expect([late.rt.err, dotted(late.fl4.saddr)]).toEqual([-EINVAL, '127.0.0.1']);
  const allowed = on(martian, 'sysctl -w net.ipv4.conf.eth0.route_localnet=1');
  expect(get(allowed, '8.8.8.8')).toBe('8.8.8.8 dev eth0 src 127.0.0.1');
});

test.each([
  ['8.8.8.8 from 1.2.3.4', 'RTNETLINK answers: Network is unreachable'],
  ['8.8.8.8 from 224.0.0.1', 'RTNETLINK answers: Invalid argument'],
  ['8.8.8.8 oif eth9', 'Cannot find device "eth9"'],
  ['8.8.8.8 ipproto 132', 'Error: Unsupported ip proto.'],
  ['10.0.0.1', 'local 10.0.0.1 dev lo table local src 10.0.0.1'],
  ['127.0.0.9', 'local 127.0.0.9 dev lo table local src 127.0.0.1'],
  ['0.0.0.0', 'local 0.0.0.0 dev lo src 127.0.0.1'],
  ['10.0.0.255', 'broadcast 10.0.0.255 dev eth0 table local src 10.0.0.1'],
  ['255.255.255.255', 'broadcast 255.255.255.255 dev eth0 src 10.0.0.1'],
  ['255.255.255.255 oif eth1', 'broadcast 255.255.255.255 dev eth1 src 10.1.0.1'],
  ['224.0.0.7', 'multicast 224.0.0.7 dev eth0 src 10.0.0.1'],
  ['224.0.0.7 from 10.1.0.1', 'multicast 224.0.0.7 from 10.1.0.1 dev eth1'],
  ['8.8.8.8 oif eth1', '8.8.8.8 dev eth1 src 10.1.0.1'],
  ['8.8.8.8 oif lo', '8.8.8.8 dev lo src 10.0.0.1'],
])('route get %s', (query, answer) => {
  expect(get(net, query)).toBe(answer);
});

test.each([
  ['10.0.0.1 from 10.0.0.9 iif eth0', 'local 10.0.0.1 from 10.0.0.9 dev lo table local'],
  ['10.0.0.255 from 10.0.0.9 iif eth0', 'broadcast 10.0.0.255 from 10.0.0.9 dev lo table local'],
  ['255.255.255.255 from 10.0.0.9 iif eth0', 'broadcast 255.255.255.255 from 10.0.0.9 dev lo'],
  ['224.0.0.1 from 10.0.0.9 iif eth0', 'multicast 224.0.0.1 from 10.0.0.9 dev lo'],
  ['8.8.8.8 from 10.0.0.9 iif eth0', 'RTNETLINK answers: No route to host'],
  ['10.0.0.1 from 10.0.0.1 iif eth0', 'RTNETLINK answers: Invalid argument'],
  ['10.0.0.1 iif eth0', 'RTNETLINK answers: Invalid argument'],
  ['127.0.0.1 from 10.0.0.9 iif eth0', 'RTNETLINK answers: Invalid argument'],
])('a packet that comes in: %s', (query, answer) => {
  expect(get(net, query)).toBe(answer);
});

test('with forwarding on, a query about a packet that comes in shows where it goes', () => {
  const router = on(net, 'sysctl -w net.ipv4.ip_forward=1');
  expect(get(router, '8.8.8.8 from 10.1.0.9 iif eth1')).toBe('8.8.8.8 from 10.1.0.9 via 10.0.0.254 dev eth0');
});

/** A packet from 9.9.9.9 that arrives on eth1. */
const arriving = (daddr: string, mark = 0) => ({
  ...NO_SKB,
  iif: ETH1,
  mark,
  iph: { ...NO_IPH, saddr: ip('9.9.9.9'), daddr: ip(daddr) },
});

test.each([
  ['9.9.9.9', 0],
  ['239.9.9.9', -EINVAL],
  ['255.255.255.255', -EINVAL],
  ['127.0.0.9', -EINVAL],
  ['0.0.0.0', 0],
])('what comes for all hosts of a link from %s is taken or not', (saddr, err) => {
  const came = arriving('224.0.0.1');
  expect(ip_route_input(net, { ...came, iph: { ...came.iph, saddr: ip(saddr) } }).err).toBe(err);
});

test('strict reverse-path filter wants the way back through the device of arrival', () => {
  const strict = on(net, 'sysctl -w net.ipv4.conf.eth1.rp_filter=1');
  const loose = on(net, 'sysctl -w net.ipv4.conf.all.rp_filter=2');
  expect(ip_route_input(net, arriving('10.1.0.1')).err).toBe(0);
  expect(ip_route_input(strict, arriving('10.1.0.1')).err).toBe(-EXDEV);
  expect(ip_route_input(loose, arriving('10.1.0.1')).err).toBe(0);
  expect(ip_route_input(on(strict, 'ip rule add from 10.1.0.1 table 100'), arriving('10.1.0.1')).err).toBe(0);
  const vmark = on(strict, 'sysctl -w net.ipv4.conf.all.src_valid_mark=1');
  expect(ip_route_input(vmark, arriving('10.1.0.1', 100)).err).toBe(0);
});

test('a packet to this host gets a local route, one to a broadcast address a broadcast one', () => {
  const local = ip_route_input(net, arriving('10.0.0.1'));
  expect([local.err, local.rt.dev, local.rt.rt_type, local.rt.rt_local]).toEqual([0, 1, RTN_LOCAL, true]);
  expect(ip_route_input(net, arriving('255.255.255.255')).rt.rt_type).toBe(RTN_BROADCAST);
});

test('packets through this host are refused', () => {
  expect(ip_route_input(net, arriving('8.8.8.8')).err).toBe(-EHOSTUNREACH);
  expect(ip_route_input(on(net, 'sysctl -w net.ipv4.ip_forward=1'), arriving('8.8.8.8')).err).toBe(-EHOSTUNREACH);
});
