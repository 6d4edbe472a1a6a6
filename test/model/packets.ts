/** Packets as they arrive, complete with checksums. */
import { setTransportChecksum } from '../../model/kernel/include/net/checksum.ts';
import { payloadOf, skbLen } from '../../model/kernel/net/core/skbuff.ts';
import { ip_send_check } from '../../model/kernel/net/ipv4/ip_output.ts';
import {
  type Icmphdr,
  IPPROTO_ICMP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  NO_IPH,
  NO_SKB,
  NO_TH,
  type SkBuff,
} from '../../model/types/packet.ts';
import { ip } from './play.ts';

function finished(from: string, to: string, protocol: number, transport: SkBuff): SkBuff {
  const iph = { ...NO_IPH, ttl: 64, protocol, saddr: ip(from), daddr: ip(to) };
  const skb = { ...transport, iph };
  const complete = { ...skb, iph: ip_send_check({ ...iph, tot_len: skbLen(skb) }) };
  return setTransportChecksum(complete, iph.saddr, iph.daddr);
}

export function datagram(from: string, sport: number, to: string, dport: number, len: number): SkBuff {
  const uh = { source: sport, dest: dport, len: 8 + len, check: 0 };
  return finished(from, to, IPPROTO_UDP, { ...NO_SKB, uh, payload: payloadOf(len) });
}

export function segment(from: string, sport: number, to: string, dport: number, flags: number, len = 0): SkBuff {
  const th = { ...NO_TH, source: sport, dest: dport, seq: 1000, window: 65535, flags };
  return finished(from, to, IPPROTO_TCP, { ...NO_SKB, th, payload: payloadOf(len) });
}

export function icmp(from: string, to: string, icmph: Partial<Icmphdr>, len = 0): SkBuff {
  const whole = { type: 8, code: 0, checksum: 0, id: 7, sequence: 1, ...icmph };
  return finished(from, to, IPPROTO_ICMP, { ...NO_SKB, icmph: whole, payload: payloadOf(len) });
}

export function bytes(from: string, to: string, protocol: number, len: number): SkBuff {
  return finished(from, to, protocol, { ...NO_SKB, payload: payloadOf(len) });
}
