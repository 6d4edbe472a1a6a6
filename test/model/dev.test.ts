import { expect, test } from 'vitest';
import { skb_checksum_help } from '../../model/kernel/net/core/dev.ts';
import { CHECKSUM_NONE, CHECKSUM_PARTIAL, type SkBuff } from '../../model/types/packet.ts';
import { packet } from './build.ts';

/** That packet, of which software has to finish the checksum, with one word of payload. */
function unfinished(protocol: 'udp' | 'tcp', word: number): SkBuff {
  const skb = packet(`10.0.0.1:4000 > 8.8.8.8:53 ${protocol === 'udp' ? 'udp 2' : 'tcp P. 2'}`);
  const half = { ...skb, ip_summed: CHECKSUM_PARTIAL, payload: { len: 2, words: [word] } };
  return { ...half, uh: { ...skb.uh, check: 0x1234 }, th: { ...skb.th, check: 0x1234 } };
}

// C: net/core/dev.c, skb_checksum_help(): a sum of 0 is written as CSUM_MANGLED_0. RFC 768: 0 says that there is none.
test.each(['udp', 'tcp'] as const)('a checksum of %s that would be 0 is 0xffff', (protocol) => {
  const finished = (word: number): number => {
    const skb = skb_checksum_help(unfinished(protocol, word));
    expect(skb.ip_summed).toBe(CHECKSUM_NONE);
    return protocol === 'udp' ? skb.uh.check : skb.th.check;
  };
  // A word that is the checksum without it makes the sum 0xffff, of which the complement is 0.
  const whole = finished(0);
  expect([whole - 1, whole, whole + 1].map(finished)).toEqual([1, 0xffff, 0xfffe]);
});

test('a checksum that is complete stays', () => {
  const skb = { ...unfinished('udp', 0), ip_summed: CHECKSUM_NONE };
  expect(skb_checksum_help(skb)).toBe(skb);
});
