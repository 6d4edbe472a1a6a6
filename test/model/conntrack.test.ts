// What `conntrack -D` deletes, observed with conntrack 1.4.7 on Linux 6.18, 2026-11-30.
import { expect, test } from 'vitest';
import { host, last, on, POST } from './build.ts';

const HOST = [
  ...POST,
  'iptables -t raw -A OUTPUT -p udp --dport 56 -j CT --zone 7',
  'iptables -t mangle -A OUTPUT -p udp --dport 55 -j CONNMARK --set-mark 5',
  'iptables -t nat -A OUTPUT -p udp --dport 54 -j DNAT --to-destination 8.8.4.4',
  'iptables -t nat -A POSTROUTING -p udp --dport 53 -j SNAT --to-source 10.0.0.9',
];

/** Connections to ports 53 to 56, by one socket. */
const net = last(host(...HOST), [
  'socket s udp',
  ...[53, 54, 55, 56].map((port) => `send s 1 to 8.8.8.8:${port}`),
]).world;

test.each([
  ['-F', []],
  ['-D', []],
  ['-D --src-nat', [54, 55, 56]],
  ['-D --dst-nat', [53, 55, 56]],
  ['-D --mark 5', [53, 54, 56]],
  ['-D --mark 4', [53, 54, 55, 56]],
  ['-D --mark 1/0x1', [53, 54, 56]],
  ['-D --mark 4/0x1', [53, 54, 55, 56]],
  ['-D --mark 0', [55]],
  ['-D --zone 7', [53, 54, 55]],
  ['-D --zone 0', [56]],
  ['-D --zone 8', [53, 54, 55, 56]],
  ['-D -p udp --orig-port-dst 54', [53, 55, 56]],
  ['-D --reply-src 8.8.4.4', [53, 55, 56]],
  ['-D --reply-dst 10.0.0.9', [54, 55, 56]],
  ['-D --orig-dst 8.8.8.8 --src-nat', [54, 55, 56]],
  ['-D --orig-dst 8.8.4.4', [53, 54, 55, 56]],
  ['-D --mark 5 -p udp --orig-port-dst 53', [53, 54, 55, 56]],
  ['-D -p tcp', [53, 54, 55, 56]],
])('conntrack %s leaves the connections to %j', (words, left) => {
  const { conntrack } = on(net, `conntrack ${words}`);
  expect(conntrack.filter(({ dying }) => !dying).map(({ original }) => original.dport)).toEqual(left);
});
