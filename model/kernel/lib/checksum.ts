/** Sums of words, and of the pseudo-header. */
import { csum_add, sumOf32 } from '../include/net/checksum.ts';

/** Sum of 16-bit words. C: lib/checksum.c, csum_partial(); the bytes come as big-endian words. */
export function csum_partial(words: readonly number[], sum: number): number {
  let total = sum;
  for (const word of words) total = csum_add(total, word);
  return total;
}

/** Sum with the pseudo-header added. C: lib/checksum.c, csum_tcpudp_nofold(); RFC 9293 section 3.1, RFC 768. */
export function csum_tcpudp_nofold(saddr: number, daddr: number, len: number, proto: number, sum: number): number {
  return csum_add(csum_add(sum, sumOf32(saddr) + sumOf32(daddr)), proto + len);
}
