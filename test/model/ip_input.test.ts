import { describe, expect, test } from 'vitest';
import { dev_get_by_index } from '../../model/kernel/net/core/dev.ts';
import { IPPROTO_ICMP, IPPROTO_TCP, type SkBuff } from '../../model/types/packet.ts';
import { arrives, host, ip, last, POST, packet, sentIn } from './build.ts';

/** The packet with another TOS byte; what its header sums to moves along. */
function withTos(skb: SkBuff, tos: number): SkBuff {
  return { ...skb, iph: { ...skb.iph, tos, check: skb.iph.check - tos } };
}

const UNREFLECTED = [...POST, 'iptables -t mangle -A PREROUTING -i eth0 -j MARK --set-mark 100'];
const REFLECTED = [...UNREFLECTED, 'sysctl -w net.ipv4.fwmark_reflect=1'];

/*
 * Packets put on eth0 through its veth peer, addressed to eth1's 10.1.0.1, and what came back: Linux 6.18.44,
 * AF_PACKET, 2026-11-22. Columns: link, protocol, TOS, don't fragment, length.
 */
const ANSWERS = [
  ['a datagram to a closed port', packet('9.9.9.9:4000 > 10.1.0.1:9 udp 3'), IPPROTO_ICMP, 0xc0, 0, 59],
  [
    'a longer one, of which 548 bytes are quoted',
    packet('9.9.9.9:4000 > 10.1.0.1:9 udp 700'),
    IPPROTO_ICMP,
    0xc0,
    0,
    576,
  ],
  ['an echo request', withTos(packet('9.9.9.9 > 10.1.0.1 icmp 8/0 5 id 7 seq 1'), 0x10), IPPROTO_ICMP, 0x10, 0, 33],
  [
    'a SYN to a closed port',
    withTos(packet('9.9.9.9:4000 > 10.1.0.1:81 tcp S seq 1000'), 0x13),
    IPPROTO_TCP,
    0x10,
    0x4000,
    40,
  ],
  ['an unknown protocol', packet('9.9.9.9 > 10.1.0.1 47 8'), IPPROTO_ICMP, 0xc0, 0, 56],
] as const;

describe.each([
  ['without a mark', POST, 'eth0'],
  ['with a mark that is not reflected', UNREFLECTED, 'eth0'],
  ['with fwmark_reflect', REFLECTED, 'eth1'],
] as const)('the answer %s', (_, lines, link) => {
  test.each(ANSWERS)('to %s', (_title, skb, protocol, tos, frag_off, tot_len) => {
    const step = last(host(...lines), [arrives('eth0', skb)]);
    const sent = sentIn(step).map(({ dev, skb: { iph } }) => [dev_get_by_index(step.world, dev).name, iph]);
    expect(sent).toEqual([
      [
        link,
        expect.objectContaining({ protocol, tos, frag_off, tot_len, saddr: ip('10.1.0.1'), daddr: ip('9.9.9.9') }),
      ],
    ]);
  });
});

describe('a packet is dropped', () => {
  const skb = packet('9.9.9.9:4000 > 10.0.0.1:9 udp 3');
  const where = (lines: readonly string[], packet: SkBuff) =>
    last(host(...lines), [arrives('eth0', packet)]).effects.flatMap((e) => (e.kind === 'free' ? [e.where] : []));

  test('with a wrong header checksum, or longer by its header than it is', () => {
    expect(where(POST, { ...skb, iph: { ...skb.iph, ttl: 63 } })).toEqual(['ip_rcv_core']);
    const long = { ...skb.iph, tot_len: skb.iph.tot_len + 1, check: skb.iph.check - 1 };
    expect(where(POST, { ...skb, iph: long })).toEqual(['ip_rcv_core']);
  });

  test('when it is for another host', () => {
    expect(where(POST, packet('9.9.9.9:1 > 8.8.8.8:9 udp 3'))).toEqual(['ip_rcv_finish']);
  });

  test('by the reverse-path filter when its source is reached by another link', () => {
    const strict = [...POST, 'ip route add 9.9.9.0/24 via 10.1.0.254', 'sysctl -w net.ipv4.conf.all.rp_filter=1'];
    expect(where(strict, skb)).toEqual(['ip_rcv_finish']);
  });

  test('by a rule of INPUT', () => {
    expect(where([...POST, 'iptables -A INPUT -p udp -j DROP'], skb)).toEqual(['iptable_filter']);
  });
});
