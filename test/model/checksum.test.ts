import { describe, expect, test } from 'vitest';
import { setTransportChecksum, transportChecksumCorrect } from '../../model/kernel/include/net/checksum.ts';
import {
  IPPROTO_ICMP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  NO_IPH,
  NO_SKB,
  NO_TH,
  type SkBuff,
} from '../../model/types/packet.ts';
import { ip } from './build.ts';

const of = (protocol: number, transport: Partial<SkBuff>): SkBuff => ({
  ...NO_SKB,
  iph: { ...NO_IPH, protocol, saddr: ip('10.0.0.1'), daddr: ip('10.0.0.254') },
  payload: { len: 3, words: [0x6162, 0x6300] },
  ...transport,
});

// Hand calculation: RFC 1071 over the bytes of pseudo-header, header and "abc", with Python's struct.
const TCP = of(IPPROTO_TCP, {
  th: {
    ...NO_TH,
    source: 0x1234,
    dest: 0x5678,
    seq: 0x9abcdef0,
    ack_seq: 0x11223344,
    doff: 6,
    flags: 0x18,
    window: 0x7777,
    check: 0x1f73,
    urg_ptr: 0x0102,
    options: [0x0204, 0x05b4],
  },
});
const UDP = of(IPPROTO_UDP, { uh: { source: 0x1234, dest: 0x5678, len: 11, check: 0xbdca } });
const ICMP = of(IPPROTO_ICMP, { icmph: { type: 8, code: 1, checksum: 0xcaef, id: 0x1234, sequence: 0x5678 } });

describe.each([
  ['TCP', TCP],
  ['UDP', UDP],
  ['ICMP', ICMP],
])('the checksum of %s', (_, skb) => {
  test('is known', () => {
    const { th, uh, icmph } = skb;
    const blank = { ...skb, th: { ...th, check: 0 }, uh: { ...uh, check: 0 }, icmph: { ...icmph, checksum: 0 } };
    expect(setTransportChecksum(blank, skb.iph.saddr, skb.iph.daddr)).toEqual({ ...skb });
    expect(transportChecksumCorrect(skb)).toBe(true);
  });

  test('covers all that is sent', () => {
    const { iph, th, uh, icmph, payload } = skb;
    const header = iph.protocol === IPPROTO_TCP ? th : iph.protocol === IPPROTO_UDP ? uh : icmph;
    const key = iph.protocol === IPPROTO_TCP ? 'th' : iph.protocol === IPPROTO_UDP ? 'uh' : 'icmph';
    const numbers = Object.entries(header).filter(([, value]) => typeof value === 'number');
    for (const [field, value] of numbers) {
      expect(transportChecksumCorrect({ ...skb, [key]: { ...header, [field]: value ^ 1 } }), field).toBe(false);
    }
    expect(transportChecksumCorrect({ ...skb, payload: { ...payload, words: [0x6162, 0x6400] } })).toBe(false);
    const elsewhere = { ...skb, iph: { ...iph, daddr: iph.daddr - 1 } };
    expect(transportChecksumCorrect(elsewhere)).toBe(iph.protocol === IPPROTO_ICMP);
  });
});

test('a datagram without a checksum is taken, one whose sum is 0 carries 0xffff', () => {
  expect(transportChecksumCorrect({ ...UDP, uh: { ...UDP.uh, check: 0 } })).toBe(true);
  const zero = { ...UDP, uh: { ...UDP.uh, source: UDP.uh.source + 0xbdca, check: 0 } };
  expect(setTransportChecksum(zero, zero.iph.saddr, zero.iph.daddr).uh.check).toBe(0xffff);
});

test('other protocols have none', () => {
  expect(transportChecksumCorrect(of(47, {}))).toBe(true);
  expect(setTransportChecksum(of(47, {}), 1, 2)).toEqual(of(47, {}));
});
