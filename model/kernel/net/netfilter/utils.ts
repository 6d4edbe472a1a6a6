/** Checksums as netfilter verifies them. */
import { CHECKSUM_NONE, type SkBuff } from '../../../types/packet.ts';
import { NF_INET_PRE_ROUTING, type NfHookState } from '../../../types/verdict.ts';
import { transportChecksumCorrect } from '../../include/net/checksum.ts';

/** Whether an arriving packet's transport checksum is wrong; nobody computes it where a device or the host itself vouches. C: net/netfilter/utils.c, nf_checksum(). */
export function nf_checksum(skb: SkBuff, state: NfHookState): boolean {
  return state.hook === NF_INET_PRE_ROUTING && skb.ip_summed === CHECKSUM_NONE && !transportChecksumCorrect(skb);
}

/** Whether the packet's transport checksum is wrong. C: net/netfilter/utils.c, nf_ip_checksum(). */
export function nf_ip_checksum(skb: SkBuff): boolean {
  return skb.ip_summed === CHECKSUM_NONE && !transportChecksumCorrect(skb);
}
