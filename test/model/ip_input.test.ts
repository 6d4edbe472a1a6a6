import { describe, expect, test } from 'vitest';
import { dev_get_by_index } from '../../model/kernel/net/core/dev.ts';
import { IPPROTO_ICMP, IPPROTO_TCP, type SkBuff, TCPHDR_SYN } from '../../model/types/packet.ts';
import { bytes, datagram, icmp, segment } from './packets.ts';
import { host, ip, last, receive, sentIn, TWO_UPLINKS } from './play.ts';

/** The packet with another TOS byte; what its header sums to moves along. */
function withTos(skb: SkBuff, tos: number): SkBuff {
  return { ...skb, iph: { ...skb.iph, tos, check: skb.iph.check - tos } };
}

const UNREFLECTED = [...TWO_UPLINKS, 'iptables -t mangle -A PREROUTING -i eth0 -j MARK --set-mark 100'];
const REFLECTED = [...UNREFLECTED, 'sysctl -w net.ipv4.fwmark_reflect=1'];

/*
 * Packets put on eth0 through its veth peer, addressed to eth1's 10.1.0.1, and what came back: Linux 6.18.44,
 * AF_PACKET, 2026-11-22. Columns: link, protocol, TOS, don't fragment, length.
 */
const ANSWERS = [
  ['a datagram to a closed port', datagram('9.9.9.9', 4000, '10.1.0.1', 9, 3), IPPROTO_ICMP, 0xc0, 0, 59],
  [
    'a longer one, of which 548 bytes are quoted',
    datagram('9.9.9.9', 4000, '10.1.0.1', 9, 700),
    IPPROTO_ICMP,
    0xc0,
    0,
    576,
  ],
  ['an echo request', withTos(icmp('9.9.9.9', '10.1.0.1', {}, 5), 0x10), IPPROTO_ICMP, 0x10, 0, 33],
  [
    'a SYN to a closed port',
    withTos(segment('9.9.9.9', 4000, '10.1.0.1', 81, TCPHDR_SYN), 0x13),
    IPPROTO_TCP,
    0x10,
    0x4000,
    40,
  ],
  ['an unknown protocol', bytes('9.9.9.9', '10.1.0.1', 47, 8), IPPROTO_ICMP, 0xc0, 0, 56],
] as const;

describe.each([
  ['without a mark', TWO_UPLINKS, 'eth0'],
  ['with a mark that is not reflected', UNREFLECTED, 'eth0'],
  ['with fwmark_reflect', REFLECTED, 'eth1'],
] as const)('the answer %s', (_, lines, link) => {
  test.each(ANSWERS)('to %s', (_title, skb, protocol, tos, frag_off, tot_len) => {
    const step = last(host(lines), [receive('eth0', skb)]);
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
  const skb = datagram('9.9.9.9', 4000, '10.0.0.1', 9, 3);
  const where = (lines: readonly string[], packet: SkBuff) =>
    last(host(lines), [receive('eth0', packet)]).effects.flatMap((e) => (e.kind === 'free' ? [e.where] : []));

  test('with a wrong header checksum, or longer by its header than it is', () => {
    expect(where(TWO_UPLINKS, { ...skb, iph: { ...skb.iph, ttl: 63 } })).toEqual(['ip_rcv_core']);
    const long = { ...skb.iph, tot_len: skb.iph.tot_len + 1, check: skb.iph.check - 1 };
    expect(where(TWO_UPLINKS, { ...skb, iph: long })).toEqual(['ip_rcv_core']);
  });

  test('when it is for another host', () => {
    expect(where(TWO_UPLINKS, datagram('9.9.9.9', 1, '8.8.8.8', 9, 3))).toEqual(['ip_rcv_finish']);
  });

  test('by the reverse-path filter when its source is reached by another link', () => {
    const strict = [
      ...TWO_UPLINKS,
      'ip route add 9.9.9.0/24 via 10.1.0.254',
      'sysctl -w net.ipv4.conf.all.rp_filter=1',
    ];
    expect(where(strict, skb)).toEqual(['ip_rcv_finish']);
  });

  test('by a rule of INPUT', () => {
    expect(where([...TWO_UPLINKS, 'iptables -A INPUT -p udp -j DROP'], skb)).toEqual(['iptable_filter']);
  });
});
