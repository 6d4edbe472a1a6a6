/** A checksum that comes to 0 is sent as all ones: one datagram in 65,536, whose port is worked out here. */
import { expect, it } from 'vitest';
import { kernelNamed } from '../../model/patch/index.ts';
import type { Kernel } from '../../model/types/world.ts';
import { properties } from '../../properties/index.ts';
import type { Property } from '../../properties/property.ts';
import { firstBroken, play } from '../../scenario/play.ts';
import { compile } from '../../scenario/text.ts';
import { changed } from './changed.ts';

const HOST = [
  'ip tuntap add dev eth0 mode tun',
  'ip link set eth0 up',
  'ip addr add 10.0.0.1/24 dev eth0',
  'ip route add default via 10.0.0.254',
  'ip link add eth1 type veth peer name eth1p',
  'ip link set eth1 up',
  'ip addr add 10.1.0.1/24 dev eth1',
  'ip route add default via 10.1.0.254 table 100',
  'ip rule add fwmark 100 table 100',
  'iptables -t mangle -A OUTPUT -j MARK --set-mark 100',
];

function sent(kernel: Kernel, port: number) {
  return play(kernel, compile({ host: HOST, events: ['socket c udp', `send c 1 to 8.8.8.8:${port}`] }));
}

function checkOf(kernel: Kernel, port: number): number | undefined {
  const [packet] = sent(kernel, port).steps.flatMap(({ effects }) =>
    effects.flatMap((e) => (e.kind === 'xmit' ? [e.skb] : [])),
  );
  return packet?.uh.check;
}

it('is broken by a text that writes 0, and kept by the mended one', () => {
  const mended = kernelNamed('icmp-only-mended', '6.1') as Kernel;
  const property = properties.find(({ id }) => id === 'computed-checksum-not-zero') as Property;
  // The mended text without its care for 0.
  const own = changed('icmp-only-mended', /\tif \(!uh->check\)\n\t\tuh->check = CSUM_MANGLED_0;\n/, '');
  // The checksum is the complement of a sum, which a larger port makes larger.
  const port = 5 + (checkOf(own, 5) as number);
  expect(port).toBeLessThan(0x10000);
  expect(checkOf(own, port)).toBe(0);
  expect(firstBroken(property, sent(own, port))).toBe(1);
  expect(checkOf(mended, port)).toBe(0xffff);
  expect(firstBroken(property, sent(mended, port))).toBe(-1);
});
