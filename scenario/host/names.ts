/** Names of iproute2's files with the numbers they stand for: tables, scopes, protocols, types of service. */
import { RT_TABLE_DEFAULT, RT_TABLE_LOCAL, RT_TABLE_MAIN, RTPROT_BOOT } from '../../model/types/route.ts';
import { wrong } from '../error.ts';
import { readNumber, U8, U32 } from '../words.ts';
import type { Reading } from './reading.ts';

/** Names with the values they stand for, in the order in which a shortened name is looked up. */
export type Names = readonly (readonly [name: string, value: number])[];

/** /etc/iproute2/rt_tables. */
const TABLES: Names = [
  ['local', RT_TABLE_LOCAL],
  ['main', RT_TABLE_MAIN],
  ['default', RT_TABLE_DEFAULT],
  ['unspec', 0],
];

/** /etc/iproute2/rt_scopes. */
export const SCOPES: Names = [
  ['global', 0],
  ['nowhere', 255],
  ['host', 254],
  ['link', 253],
  ['site', 200],
];

/** /etc/iproute2/rt_protos. */
export const ROUTE_PROTOCOLS: Names = [
  ['unspec', 0],
  ['redirect', 1],
  ['kernel', 2],
  ['boot', RTPROT_BOOT],
  ['static', 4],
  ['gated', 8],
  ['ra', 9],
  ['mrt', 10],
  ['zebra', 11],
  ['bird', 12],
  ['dnrouted', 13],
  ['xorp', 14],
  ['ntk', 15],
  ['dhcp', 16],
  ['keepalived', 18],
  ['babel', 42],
  ['openr', 99],
  ['bgp', 186],
  ['isis', 187],
  ['ospf', 188],
  ['rip', 189],
  ['eigrp', 192],
];

/** /etc/iproute2/rt_dsfield. */
const DSFIELDS: Names = [
  ['default', 0],
  ['AF11', 0x28],
  ['AF12', 0x30],
  ['AF13', 0x38],
  ['AF21', 0x48],
  ['AF22', 0x50],
  ['AF23', 0x58],
  ['AF31', 0x68],
  ['AF32', 0x70],
  ['AF33', 0x78],
  ['AF41', 0x88],
  ['AF42', 0x90],
  ['AF43', 0x98],
  ['CS1', 0x20],
  ['CS2', 0x40],
  ['CS3', 0x60],
  ['CS4', 0x80],
  ['CS5', 0xa0],
  ['CS6', 0xc0],
  ['CS7', 0xe0],
  ['EF', 0xb8],
];

/** /etc/protocols, those that `ipproto` and `-p` are used with. */
const IP_PROTOCOLS: Names = [
  ['icmp', 1],
  ['igmp', 2],
  ['ipencap', 4],
  ['ipip', 4],
  ['tcp', 6],
  ['udp', 17],
  ['dccp', 33],
  ['ipv6', 41],
  ['gre', 47],
  ['esp', 50],
  ['ipsec-esp', 50],
  ['ah', 51],
  ['ipv6-icmp', 58],
  ['icmpv6', 58],
  ['ospf', 89],
  ['pim', 103],
  ['vrrp', 112],
  ['l2tp', 115],
  ['sctp', 132],
  ['udplite', 136],
];

export function readName(word: string, names: Names, what: string, max: number): number {
  const named = names.find(([name]) => name === word);
  if (named !== undefined) return named[1];
  if (/^[0-9]/.test(word)) return readNumber(word, what, max);
  return wrong(`"${word}" is not ${what}; write a number or one of ${names.map(([name]) => name).join(', ')}`);
}

/** A table by its number or name; names beside the usual ones are those that the host gives. */
export function readTable(word: string, { tables }: Reading): number {
  const given = tables.get(word);
  if (given !== undefined) return given;
  if (/^[0-9]/.test(word) || TABLES.some(([name]) => name === word))
    return readName(word, TABLES, 'a routing table', U32);
  const names = [...TABLES.map(([name]) => name), ...tables.keys()].join(', ');
  return wrong(
    `"${word}" is not a routing table; write a number, one of ${names}, or before it a line "NUMBER ${word}" as in /etc/iproute2/rt_tables`,
  );
}

export function readDsfield(word: string): number {
  const named = DSFIELDS.find(([name]) => name === word);
  if (named !== undefined) return named[1];
  // iproute2 reads a number here as hexadecimal.
  if (!/^(0x)?[0-9a-f]{1,2}$/i.test(word))
    wrong(`"${word}" is not a dsfield; write a number such as 0x10, or a name such as AF11`);
  return Number.parseInt(word, 16);
}

/** A dsfield as iproute2 prints it: by name where it has one. */
export function formatDsfield(value: number): string {
  return DSFIELDS.find(([, number]) => number === value)?.[0] ?? `0x${value.toString(16).padStart(2, '0')}`;
}

export function readIpProtocol(word: string): number {
  return readName(word, IP_PROTOCOLS, 'an IP protocol', U8);
}

export function nameOf(value: number, names: Names): string {
  return names.find(([, number]) => number === value)?.[0] ?? String(value);
}
