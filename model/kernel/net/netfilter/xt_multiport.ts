/** The match on lists of ports. */
import type { SkBuff } from '../../../types/packet.ts';
import type { PortRange } from '../../../types/verdict.ts';
import { dportOf, port_match, sportOf } from './xt_tcpudp.ts';

/** C: net/netfilter/xt_multiport.c, ports_match_v1(). */
function ports_match(ports: readonly PortRange[], port: number): boolean {
  let match = false;
  for (const { first, last } of ports) match = match || port_match(first, last, port);
  return match;
}

/** C: net/netfilter/xt_multiport.c, multiport_mt(). */
export function multiport_mt(skb: SkBuff, which: 'source' | 'dest' | 'any', ports: readonly PortRange[]): boolean {
  if (which === 'source') return ports_match(ports, sportOf(skb));
  if (which === 'dest') return ports_match(ports, dportOf(skb));
  return ports_match(ports, sportOf(skb)) || ports_match(ports, dportOf(skb));
}
