/** TCP-MD5. The shape of the options is RFC 2385 section 3 and what 6.1.192 sends; what is dropped is section 2.0's. */
import { describe, expect, test } from 'vitest';
import { tcp_parse_md5sig_option } from '../../model/kernel/net/ipv4/tcp_input.ts';
import { md5sigCorrect } from '../../model/kernel/net/ipv4/tcp_ipv4.ts';
import { stock } from '../../model/patch/stock.ts';
import { tcpRehash } from '../../model/patch/tcp-rehash.ts';
import type { SkBuff } from '../../model/types/packet.ts';
import { play } from '../../scenario/play.ts';
import { compile } from '../../scenario/text.ts';
import { traceOf } from '../../scenario/trace.ts';

const HOST = [
  'ip link add eth0 type veth peer name eth0p',
  'ip link set eth0 up',
  'ip addr add 10.0.0.1/24 dev eth0',
  'ip link add eth1 type veth peer name eth1p',
  'ip link set eth1 up',
  'ip addr add 10.1.0.1/24 dev eth1',
  'ip route add default via 10.0.0.254',
  'ip route add default via 10.1.0.254 table 100',
  'ip rule add fwmark 100 table 100',
  'iptables -t mangle -A OUTPUT -d 9.9.9.9 -j MARK --set-mark 100',
];
const SESSION = (to: string) => [
  'socket c tcp md5',
  `connect c ${to}:179`,
  'answer c',
  'send c 4',
  'answer c',
  'close c',
];

const run = (events: readonly string[], kernel = stock) => play(kernel, compile({ host: HOST, events }));
const sent = (events: readonly string[]): readonly SkBuff[] =>
  run(events).steps.flatMap(({ effects }) => effects.flatMap((e) => (e.kind === 'xmit' ? [e.skb] : [])));

describe('a socket with a key', () => {
  test('signs every segment; its SYN has no timestamps', () => {
    const segments = sent(SESSION('8.8.8.8'));
    expect(segments.map(({ th }) => tcp_parse_md5sig_option(th))).toEqual([true, true, true, true]);
    const [syn] = segments as [SkBuff];
    expect(syn.th.options.slice(0, 2)).toEqual([0x0101, 0x1312]);
    expect(syn.th.options.slice(10)).toEqual([0x0204, 1460, 0x0101, 0x0402, 0x0103, 0x0307]);
  });

  test('is answered by a peer that finds the signature right, up to the end', () => {
    const { steps } = run([...SESSION('8.8.8.8'), 'answer c']);
    expect(steps.at(-1)?.world.socks.map(({ sk_state }) => sk_state)).toContain(6);
  });

  test('drops an unsigned answer', () => {
    const { steps } = run([
      'socket c tcp md5',
      'bind c 0.0.0.0:5000',
      'connect c 8.8.8.8:179',
      'receive eth0 8.8.8.8:179 > 10.0.0.1:5000 tcp S.',
    ]);
    expect(steps.at(-1)?.effects.map(({ kind: effect }) => effect)).toEqual(['alloc', 'free']);
  });
});

test('a signature is wrong for another address, port, sequence number, length or flag', () => {
  const [syn] = sent(SESSION('8.8.8.8')) as [SkBuff];
  const { th, iph } = syn;
  const right = (changed: typeof th, len = 0, saddr = iph.saddr) => md5sigCorrect(changed, len, saddr, iph.daddr);
  expect(right(th)).toBe(true);
  expect([
    right(th, 0, iph.saddr + 1),
    right(th, 1),
    right({ ...th, source: th.source + 1 }),
    right({ ...th, seq: (th.seq + 1) >>> 0 }),
    right({ ...th, flags: 0x12 }),
  ]).toEqual([false, false, false, false, false]);
});

// Observed: the same scenario on 6.1.192 with the port of the patch (2026-11-22): the signature is verified with MD5.
test('the second version of the patch leaves a SYN with the signature of another header', () => {
  const [syn] = traceOf(run(SESSION('9.9.9.9').slice(0, 2), tcpRehash)).packets;
  expect([syn?.saddr, syn?.checksum, syn?.signature]).toEqual(['10.1.0.1', 'correct', 'incorrect']);
});

// Found by z3: the cookie that no search by chance draws. RFC 9293 section 3.1: an option's length says where the next begins.
test.each([
  ['a Fast Open cookie', [0x220a, 0x1312, 0xffff, 0x1312, 0xffff, 0x0101]],
  ['a timestamp', [0x0101, 0x080a, 0x1312, 0x0000, 0x1312, 0x0000]],
])('%s with the bytes of a signature in it is none', (_, options) => {
  const [syn] = sent(['socket c tcp', 'connect c 8.8.8.8:179']) as [SkBuff];
  expect(tcp_parse_md5sig_option({ ...syn.th, options })).toBe(false);
  expect(tcp_parse_md5sig_option({ ...syn.th, options: [...options, 0x0101, 0x1312, ...Array(8).fill(0)] })).toBe(true);
});
