import { describe, expect, test } from 'vitest';
import { kernelNamed } from '../../model/patch/index.ts';
import type { Kernel } from '../../model/types/world.ts';
import { fieldsOf, ipWorking, transportWorking } from '../../report/bytes.ts';
import { play } from '../../scenario/play.ts';
import { compile } from '../../scenario/text.ts';
import { checksumOf } from '../../scenario/trace.ts';

const HOST = [
  'ip link add eth0 type veth',
  'ip link set eth0 up',
  'ip addr add 10.0.0.1/24 dev eth0',
  'ip route add default via 10.0.0.254',
  'ip link add eth1 type veth',
  'ip link set eth1 up',
  'ip addr add 10.1.0.1/24 dev eth1',
  'ip route add default via 10.1.0.254 table 100',
  'ip rule add fwmark 100 table 100',
  'iptables -t mangle -A OUTPUT -j MARK --set-mark 100',
];

/** The packets that leave the host. */
function wire(name: string, ...events: string[]) {
  const run = play(kernelNamed(name) as Kernel, compile({ host: HOST, events }));
  return run.steps.flatMap(({ effects }) => effects.flatMap((effect) => (effect.kind === 'xmit' ? [effect.skb] : [])));
}

test('RFC 1071: all words of a correct header add up to ffff', () => {
  const [syn] = wire('stock', 'socket c tcp', 'connect c 8.8.8.8:80');
  if (syn === undefined) throw new Error('no packet');
  const { ip, transport } = fieldsOf(syn);
  const bytes = [...ip, ...transport].flatMap((field) => field.bytes);
  expect(bytes).toHaveLength(syn.iph.tot_len);
  expect(bytes.slice(0, 2)).toEqual([0x45, 0]);
  expect(bytes.slice(12, 20)).toEqual([10, 0, 0, 1, 8, 8, 8, 8]);
  expect(ipWorking(syn)).toMatchObject({ folded: 0xffff, isCorrect: true });
});

describe('the verdict is the one of the trace', () => {
  test.each([
    ['a TCP handshake', 'tcp-rehash', ['socket c tcp', 'connect c 8.8.8.8:80', 'answer c', 'send c 5']],
    ['a datagram', 'icmp-only', ['socket u udp', 'send u 13 to 8.8.8.8:53']],
    ['an echo request', 'icmp-only', ['socket p ping', 'send p 56 to 8.8.8.8']],
  ])('%s on %s', (_, name, events) => {
    const packets = wire(name, ...events);
    expect(packets.length).toBeGreaterThan(0);
    for (const skb of packets) {
      const worked = transportWorking(skb);
      expect(worked?.isCorrect ? 'correct' : 'incorrect').toBe(checksumOf(skb));
      if (worked && !worked.isCorrect) expect(worked.right).not.toBe(worked.held);
    }
  });
});

test('what would be right makes an incorrect checksum correct', () => {
  const [datagram] = wire('icmp-only', 'socket u udp', 'send u 12 to 8.8.8.8:53');
  if (datagram === undefined) throw new Error('no packet');
  const worked = transportWorking(datagram);
  expect(worked?.isCorrect).toBe(false);
  const mended = { ...datagram, uh: { ...datagram.uh, check: worked?.right ?? 0 } };
  expect(transportWorking(mended)?.isCorrect).toBe(true);
});
