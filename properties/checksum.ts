/** Checksum correctness of what is on the wire. */
import { ipChecksumCorrect, transportChecksumCorrect } from '../model/kernel/include/net/checksum.ts';
import { IPPROTO_ICMP, IPPROTO_UDP } from '../model/types/packet.ts';
import { SOCK_RAW, SOCK_UDP } from '../model/types/sock.ts';
import { everyDeparture } from './every.ts';
import { ownerOf } from './packets.ts';
import type { Property } from './property.ts';
import { steadyMarks } from './scopes/runs.ts';
import { departure } from './sentences.ts';

export const checksumProperties: readonly Property[] = [
  everyDeparture({
    id: 'ip-checksum-correct',
    concern: 'checksum',
    gravity: 'lost packet',
    claim: 'Every IPv4 packet on the wire has a correct header checksum.',
    asked: ['RFC 791 section 3.1', 'RFC 1122 section 3.2.1.2'],
    onStock: 'a VRF without an address gives a packet its source behind its checksums: vrf_process_v4_outbound()',
    scope: steadyMarks,
    holds: (_run, _i, { skb }) => ipChecksumCorrect(skb.iph),
    finding: (run, i) => `${departure(run, i)} with a wrong IP header checksum`,
  }),

  everyDeparture({
    id: 'transport-checksum-correct',
    concern: 'checksum',
    gravity: 'lost packet',
    claim:
      'Every TCP segment, UDP datagram and ICMP message that the kernel builds has a checksum that its receiver finds right.',
    asked: ['RFC 9293 section 3.1', 'RFC 768', 'RFC 792', 'RFC 1624'],
    onStock: 'a VRF without an address gives a packet its source behind its checksums: vrf_process_v4_outbound()',
    scope: steadyMarks,
    proof: 'post-addresses',
    // On raw sockets the user computes it.
    speaksOf: (run, i, { skb }) => ownerOf(run, i, skb).kind !== SOCK_RAW,
    holds: (_run, _i, { skb }) => transportChecksumCorrect(skb),
    sometimes: (_run, _i, { skb }) => skb.mark !== 0 && skb.iph.protocol !== IPPROTO_ICMP,
    finding: (run, i) => `${departure(run, i)} with a transport checksum that its receiver finds wrong`,
  }),

  everyDeparture({
    id: 'computed-checksum-not-zero',
    concern: 'checksum',
    gravity: 'books',
    claim: 'A UDP datagram whose checksum the kernel computes never carries 0, which would say that it has none.',
    asked: ['RFC 768: a computed checksum of zero is transmitted as all ones', 'RFC 1122 section 4.1.3.4'],
    onStock: '',
    scope: steadyMarks,
    proof: 'post-addresses',
    speaksOf: (run, i, { skb }) => skb.iph.protocol === IPPROTO_UDP && ownerOf(run, i, skb).kind === SOCK_UDP,
    holds: (_run, _i, { skb }) => skb.uh.check !== 0,
    sometimes: (_run, _i, { skb }) => skb.mark !== 0,
    finding: (run, i) => `${departure(run, i)} with the checksum 0, as if nobody had computed one`,
  }),
];
