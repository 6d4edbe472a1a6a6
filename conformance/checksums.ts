/**
 * Verifies checksums of the model's packets word by word, without the model's own arithmetic: a fault in that would show on
 * neither side of a comparison.
 *
 * RFC: 1071. A sum of 16-bit words that includes a correct checksum is a multiple of 65535, and not 0.
 */
import { IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP, type SkBuff } from '../model/types/packet.ts';
import type { SeenPacket } from './modelTrace.ts';

type Verdict = SeenPacket['checksum'];

function halves(value: number): readonly number[] {
  return [Math.floor(value / 65536), value % 65536];
}

function isCorrect(words: readonly number[]): boolean {
  const sum = words.reduce((total, word) => total + word, 0);
  return sum > 0 && sum % 65535 === 0;
}

/** The transport header, word by word; undefined for protocols that have no checksum here. */
function transportWords({ iph, th, uh, icmph }: SkBuff): readonly number[] | undefined {
  switch (iph.protocol) {
    case IPPROTO_TCP:
      return [
        th.source,
        th.dest,
        ...halves(th.seq),
        ...halves(th.ack_seq),
        th.doff * 4096 + th.flags,
        th.window,
        th.check,
        th.urg_ptr,
        ...th.options,
      ];
    case IPPROTO_UDP:
      return [uh.source, uh.dest, uh.len, uh.check];
    case IPPROTO_ICMP:
      return [icmph.type * 256 + icmph.code, icmph.checksum, icmph.id, icmph.sequence];
    default:
      return undefined;
  }
}

/** What a receiver finds about the transport checksum of a finished packet. */
export function transportVerdict(skb: SkBuff): Verdict {
  const { iph, uh, payload } = skb;
  const header = transportWords(skb);
  if (header === undefined || (iph.protocol === IPPROTO_UDP && uh.check === 0)) return 'none';
  const length = header.length * 2 + payload.len;
  const pseudo =
    iph.protocol === IPPROTO_ICMP ? [] : [...halves(iph.saddr), ...halves(iph.daddr), iph.protocol, length];
  return isCorrect([...pseudo, ...header, ...payload.words]) ? 'correct' : 'incorrect';
}

/** The same about the header of IP. */
export function ipVerdict({ iph }: SkBuff): SeenPacket['ip_checksum'] {
  const first = (4 * 16 + iph.ihl) * 256 + iph.tos;
  const words = [first, iph.tot_len, iph.id, iph.frag_off, iph.ttl * 256 + iph.protocol, iph.check];
  return isCorrect([...words, ...halves(iph.saddr), ...halves(iph.daddr)]) ? 'correct' : 'incorrect';
}
