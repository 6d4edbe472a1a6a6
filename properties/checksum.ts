/** Checksum correctness of what is on the wire. */
import { ipChecksumCorrect, transportChecksumCorrect } from '../model/kernel/include/net/checksum.ts';
import { IPPROTO_ICMP, type SkBuff } from '../model/types/packet.ts';
import { SOCK_RAW } from '../model/types/sock.ts';
import { leaves, ownerOf } from './packets.ts';
import { always, effectsOf, type Property, type Run } from './property.ts';
import { silentPeers, steadyMarks } from './scopes/runs.ts';

export const ipChecksumRight: Property = always({
  id: 'ip-checksum-correct',
  concern: 'checksum',
  claim: 'Every IPv4 packet on the wire has a correct header checksum.',
  asked: ['RFC 791 section 3.1', 'RFC 1122 section 3.2.1.2'],
  onStock: '',
  scope: steadyMarks,
  holds(run, i) {
    let ok = true;
    for (const e of effectsOf(run, i)) ok = ok && (!leaves(e) || ipChecksumCorrect(e.skb.iph));
    return ok;
  },
  sometimes(run, i) {
    let seen = false;
    for (const e of effectsOf(run, i)) seen = seen || leaves(e);
    return seen;
  },
});

/** Whether the kernel computed that packet's transport checksum: on raw sockets the user does. */
function kernelChecksum(run: Run, i: number, skb: SkBuff): boolean {
  return ownerOf(run, i, skb).kind !== SOCK_RAW;
}

export const transportChecksumRight: Property = always({
  id: 'transport-checksum-correct',
  concern: 'checksum',
  claim:
    'Every TCP segment, UDP datagram and ICMP message that the kernel builds has a checksum that its receiver finds right.',
  asked: ['RFC 9293 section 3.1', 'RFC 768', 'RFC 792', 'RFC 1624'],
  onStock: '',
  scope: steadyMarks,
  alsoIn: [silentPeers],
  proof: 'post-addresses',
  holds(run, i) {
    let ok = true;
    for (const e of effectsOf(run, i))
      ok = ok && (!leaves(e) || !kernelChecksum(run, i, e.skb) || transportChecksumCorrect(e.skb));
    return ok;
  },
  sometimes(run, i) {
    let seen = false;
    for (const e of effectsOf(run, i))
      seen =
        seen || (leaves(e) && e.skb.mark !== 0 && e.skb.iph.protocol !== IPPROTO_ICMP && kernelChecksum(run, i, e.skb));
    return seen;
  },
});
