/** How addresses, ports, flags, marks and states are written, in commands, events and traces alike. */

import { formatAddress, formatEndpoint } from '../model/types/net.ts';
import {
  IPPROTO_ICMP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  TCPHDR_ACK,
  TCPHDR_FIN,
  TCPHDR_PSH,
  TCPHDR_RST,
  TCPHDR_SYN,
} from '../model/types/packet.ts';
import { RT_TABLE_DEFAULT, RT_TABLE_LOCAL, RT_TABLE_MAIN } from '../model/types/route.ts';

export { formatAddress, formatEndpoint };

/** `10.0.0.0/24`; a host is written without its /32. */
export function formatPrefix(address: number, length: number): string {
  return length === 32 ? formatAddress(address) : `${formatAddress(address)}/${length}`;
}

/** The netmask of a prefix length. */
export function maskOf(length: number): number {
  return length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0;
}

export function formatHex(value: number): string {
  return `0x${value.toString(16)}`;
}

/** `main`, `local`, `default` or the number. */
export function formatTable(table: number): string {
  if (table === RT_TABLE_MAIN) return 'main';
  if (table === RT_TABLE_LOCAL) return 'local';
  if (table === RT_TABLE_DEFAULT) return 'default';
  return String(table);
}

const PROTOCOLS: readonly (readonly [string, number])[] = [
  ['icmp', IPPROTO_ICMP],
  ['tcp', IPPROTO_TCP],
  ['udp', IPPROTO_UDP],
];

/** `tcp`, `udp`, `icmp` or the number. */
export function formatProtocol(protocol: number): string {
  return PROTOCOLS.find(([, number]) => number === protocol)?.[0] ?? String(protocol);
}

const FLAGS: readonly (readonly [string, number])[] = [
  ['F', TCPHDR_FIN],
  ['S', TCPHDR_SYN],
  ['R', TCPHDR_RST],
  ['P', TCPHDR_PSH],
  ['.', TCPHDR_ACK],
  ['U', 0x20],
  ['E', 0x40],
  ['W', 0x80],
];

/** TCP flags as tcpdump writes them: `S.`, `P.`, `none`. */
export function formatFlags(flags: number): string {
  const letters = FLAGS.filter(([, bit]) => (flags & bit) !== 0).map(([letter]) => letter);
  return letters.length === 0 ? 'none' : letters.join('');
}

/** The reverse; -1 when the word is not one of flags. */
export function readFlags(word: string): number {
  if (word === 'none') return 0;
  let flags = 0;
  for (const letter of word) {
    const bit = FLAGS.find(([name]) => name === letter)?.[1] ?? 0;
    if (bit === 0 || (flags & bit) !== 0) return -1;
    flags |= bit;
  }
  return word === '' ? -1 : flags;
}
