/** Parts of the sentences that findings are made of: which packet left where, whose it is, and where it goes. */
import { dev_get_by_index } from '../model/kernel/net/core/dev.ts';
import { formatAddress, formatEndpoint } from '../model/types/net.ts';
import {
  IPPROTO_ICMP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  type SkBuff,
  TCPHDR_ACK,
  TCPHDR_FIN,
  TCPHDR_RST,
  TCPHDR_SYN,
} from '../model/types/packet.ts';
import { destinationPort, leaves, NO_XMIT, sourcePort, worldAfter, type Xmit } from './packets.ts';
import { effectsOf, eventOf, type Run } from './property.ts';

const ICMP_ECHOREPLY = 0;
const ICMP_ECHO = 8;

/** What kind of TCP segment that is. */
function segment(run: Run, i: number, { th, payload }: SkBuff): string {
  const first = eventOf(run, i).kind === 'retransmit' ? 'the retransmitted SYN' : 'the SYN';
  if ((th.flags & TCPHDR_SYN) !== 0) return (th.flags & TCPHDR_ACK) !== 0 ? 'the SYN-ACK' : first;
  if ((th.flags & TCPHDR_RST) !== 0) return 'the RST';
  if ((th.flags & TCPHDR_FIN) !== 0) return 'the FIN';
  return payload.len > 0 ? 'the data segment' : 'the ACK';
}

/** What kind of packet that is, as one says it. */
function kindOf(run: Run, i: number, skb: SkBuff): string {
  const { iph, icmph } = skb;
  if (iph.protocol === IPPROTO_UDP) return 'the datagram';
  if (iph.protocol === IPPROTO_ICMP && icmph.type === ICMP_ECHO) return 'the echo request';
  if (iph.protocol === IPPROTO_ICMP) return icmph.type === ICMP_ECHOREPLY ? 'the echo reply' : 'the ICMP error';
  if (skb.encapsulated > 0) return "a tunnel's packet";
  return iph.protocol === IPPROTO_TCP ? segment(run, i, skb) : 'the packet';
}

/** `10.0.0.1:80`, or the address alone where there is no port. */
export function end(address: number, port: number): string {
  return port === 0 ? formatAddress(address) : formatEndpoint(address, port);
}

/** The packet that tells the story: the last one that left in step `i`, on device 0 when none did. */
export function lastDeparture(run: Run, i: number): Xmit {
  let last = NO_XMIT;
  for (const e of effectsOf(run, i)) last = leaves(e) ? e : last;
  return last;
}

/** `the SYN to 8.8.8.8:80 leaves by eth1 from 10.0.0.1:40000`; `otherwise` when nothing left in step `i`. */
export function departureOr(run: Run, i: number, otherwise: string): string {
  const last = lastDeparture(run, i);
  return last.dev === 0 ? otherwise : departureOf(run, i, last);
}

/** The same of a packet that left in step `i`. */
export function departureOf(run: Run, i: number, { dev, skb }: Xmit): string {
  const { saddr, daddr } = skb.iph;
  const { name } = dev_get_by_index(worldAfter(run, i), dev);
  return `${kindOf(run, i, skb)} to ${end(daddr, destinationPort(skb))} leaves by ${name} from ${end(saddr, sourcePort(skb))}`;
}

/** The same; `after send` when nothing left in a step that is a send. */
export function departure(run: Run, i: number): string {
  return departureOr(run, i, `after ${eventOf(run, i).kind}`);
}

const OWNERS: readonly string[] = [
  'no socket',
  'a TCP socket',
  'a request socket',
  'a time-wait socket',
  'a UDP socket',
  'a raw socket',
  'a ping socket',
  "the kernel's control socket",
];

/** The owner of a packet, by the kind of its socket. */
export function ownerWord(kind: number): string {
  return OWNERS[kind] as string;
}
