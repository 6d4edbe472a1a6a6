/** Values of iptables' options that several extensions take: ports, marks with masks, types of service. */

import type { PortRange } from '../../model/types/verdict.ts';
import { wrong } from '../error.ts';
import { formatAddress, formatHex, maskOf } from '../format.ts';
import { addressOf, prefixLengthOf, readNumber, readPrefix, U8, U16 } from '../words.ts';
import { readDsfield } from './names.ts';

/** One option as it was written. */
export interface Given {
  readonly option: string;
  readonly values: readonly string[];
  readonly invert: boolean;
}

function readPort(word: string): number {
  return readNumber(word, 'a port', U16);
}

/** `80`, `80:90`, `:90` or `80:`. */
export function readPorts(word: string): PortRange {
  const [first = '', last, more] = word.split(':');
  if (more !== undefined || word === '') wrong(`"${word}" is not a range of ports; write FIRST:LAST`);
  if (last === undefined) return { first: readPort(first), last: readPort(first) };
  const range = { first: first === '' ? 0 : readPort(first), last: last === '' ? U16 : readPort(last) };
  if (range.first > range.last) wrong(`"${word}" is not a range of ports; write the smaller number first`);
  return range;
}

/** `-s` and its like: `10.0.0.0/8`, `10.0.0.0/255.0.0.0` or any other mask; host bits are cleared. */
export function readAddressMask(word: string): { readonly addr: number; readonly mask: number } {
  const slash = word.indexOf('/');
  const tail = word.slice(slash + 1);
  const unusual = slash >= 0 && prefixLengthOf(tail) < 0 ? addressOf(tail) : -1;
  const { address, length } = readPrefix(unusual >= 0 ? word.slice(0, slash) : word, 'an address');
  const mask = unusual >= 0 ? unusual : maskOf(length);
  return { addr: (address & mask) >>> 0, mask };
}

/** `FIRST-LAST`, or one value. */
export function readRange<T>(word: string, read: (part: string) => T): { readonly first: T; readonly last: T } {
  const [first = '', last = first, more] = word.split('-');
  if (more !== undefined) wrong(`"${word}" is not a range; write FIRST-LAST`);
  return { first: read(first), last: read(last) };
}

export interface Masked {
  readonly value: number;
  readonly mask: number;
}

/** `VALUE` or `VALUE/MASK`. */
export function readMasked(word: string, what: string, max: number): Masked {
  const [value = '', mask] = word.split('/', 2);
  return { value: readNumber(value, what, max), mask: mask === undefined ? max : readNumber(mask, 'a mask', max) };
}

const TOS_NAMES: Readonly<Record<string, number>> = {
  'Minimize-Delay': 16,
  'Maximize-Throughput': 8,
  'Maximize-Reliability': 4,
  'Minimize-Cost': 2,
  'Normal-Service': 0,
};

/** A name stands for the old TOS bits, so its mask leaves the two ECN bits alone. */
export function readTos(word: string): Masked {
  const named = Object.entries(TOS_NAMES).find(([name]) => name.toLowerCase() === word.toLowerCase());
  return named === undefined ? readMasked(word, 'a TOS value', U8) : { value: named[1], mask: 0x3f };
}

export function readDscpClass(word: string): number {
  const name = word.toUpperCase();
  if (name === 'BE' || name === 'CS0') return 0;
  if (!/^(CS[1-7]|AF[1-4][1-3]|EF)$/.test(name))
    wrong(`"${word}" is not a DSCP class; write BE, EF, CS0 to CS7 or AF11 to AF43`);
  return readDsfield(name) >> 2;
}

export function printMaskedAddress(addr: number, mask: number): string {
  for (let length = 0; length <= 32; length++) {
    if (maskOf(length) === mask) return length === 32 ? formatAddress(addr) : `${formatAddress(addr)}/${length}`;
  }
  return `${formatAddress(addr)}/${formatAddress(mask)}`;
}

export function printPorts({ first, last }: PortRange): string {
  return first === last ? String(first) : `${first}:${last}`;
}

export function printMasked(value: number, mask: number, max: number): string {
  return mask === max ? String(value) : `${value}/${formatHex(mask)}`;
}
