/**
 * Conditions by which version 2 could choose the SYNs that it moves: the post's own, which it has switched off, and those
 * that come to mind for what it was to do. As C they stand in syn-filters.h.
 */
import { setSock } from '../types/lookup.ts';
import type { SkBuff } from '../types/packet.ts';
import type { Sock } from '../types/sock.ts';
import type { Kernel, World } from '../types/world.ts';
import { reroute_syn_filter } from './tcp-rehash.c';
import { tcpRehash } from './tcp-rehash.ts';

/** A condition on a SYN in the hook. */
export interface SynFilter {
  /** kebab-case; the variant with it is `tcp-rehash-` and this, the enumerator `SYN_FILTER_` and this. */
  readonly name: string;
  /** For people: as C would say it, where that is short. */
  readonly condition: string;
  /** net.ipv4.reroute_syn_filter. */
  readonly number: number;
}

/** The conditions; the first is the post's. */
export const synFilters: readonly SynFilter[] = [
  { name: 'header-len', number: 1, condition: 'tp->tcp_header_len == skb->len' },
  { name: 'header-len-behind-ip', number: 2, condition: 'tp->tcp_header_len + ip_hdrlen(skb) == skb->len' },
  { name: 'no-payload', number: 3, condition: 'skb->len == ip_hdrlen(skb) + tcp_hdrlen(skb)' },
  { name: 'no-fragments', number: 4, condition: 'skb->data_len == 0' },
  { name: 'no-option', number: 5, condition: 'no Fast Open option in the header' },
  { name: 'no-option-no-payload', number: 6, condition: 'no Fast Open option and no payload' },
  { name: 'no-request', number: 7, condition: '!tp->fastopen_req' },
  { name: 'not-fast-open', number: 8, condition: '!tp->syn_fastopen' },
  { name: 'no-syn-data', number: 9, condition: '!tp->syn_data' },
];

/** Version 2 with that condition switched on. */
function withFilter({ name, condition, number }: SynFilter): Kernel {
  return {
    ...tcpRehash,
    name: variantOf(name),
    title: conditionTitle(condition),
    patch: { ...tcpRehash.patch, synFilter: number },
  };
}

function variantOf(name: string): string {
  return `tcp-rehash-${name}`;
}

function conditionTitle(condition: string): string {
  return `the post's second patch, moving a SYN only if ${condition}`;
}

function allFiltered(): readonly Kernel[] {
  let all: readonly Kernel[] = [];
  for (const filter of synFilters) all = [...all, withFilter(filter)];
  return all;
}

/** Version 2 with each of the conditions. */
export const filtered: readonly Kernel[] = allFiltered();

/** Whether the condition moves that SYN of `sk`. */
export function accepts(filter: SynFilter, net: World, sk: Sock, skb: SkBuff): boolean {
  return reroute_syn_filter(withFilter(filter), setSock(net, sk), skb, sk.id).returned;
}
