/** Incremental updates of transport checksums. */
import { CHECKSUM_PARTIAL, type SkBuff } from '../../../types/packet.ts';
import { csum_add, csum_fold, csum_replace4, csum_sub, csum_unfold } from '../../include/net/checksum.ts';

/**
 * The transport checksum after a 32-bit value that it covers was changed.
 *
 * C: net/core/utils.c, inet_proto_csum_replace4().
 * Left out: skb->csum of CHECKSUM_COMPLETE, which only received packets have.
 */
export function inet_proto_csum_replace4(
  sum: number,
  skb: SkBuff,
  from: number,
  to: number,
  pseudohdr: boolean,
): number {
  if (skb.ip_summed !== CHECKSUM_PARTIAL) return csum_replace4(sum, from, to);
  if (pseudohdr) return ~csum_fold(csum_add(csum_sub(csum_unfold(sum), from), to)) & 0xffff;
  return sum;
}
