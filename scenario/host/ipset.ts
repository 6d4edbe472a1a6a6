/** `ipset`: sets, and elements as it writes them. Observed: ipset 7.17, 2026-11-28. */
import type { HostCommand } from '../../model/types/host.ts';
import { NO_ENTRY, NO_SET, type SetEntry, type SetType } from '../../model/types/ipset.ts';
import { wrong } from '../error.ts';
import { formatAddress, formatPrefix, formatProtocol, maskOf } from '../format.ts';
import { addressOf, readDevice, readNumber, readPrefix, U16, U32 } from '../words.ts';
import { readIpProtocol } from './names.ts';
import { HostWords, type Reading } from './reading.ts';

type Ipset = Extract<HostCommand, { readonly kind: 'ipset' }>;
type Op = Ipset['op'];

/** Elements of the largest bitmap. C: net/netfilter/ipset/ip_set_bitmap.h, IPSET_BITMAP_MAX_RANGE. */
const LARGEST = 0x10000;

/** Commands with their other names; the first is the full one. */
const OPS: readonly (readonly [op: Op | 'shows' | 'restore', ...names: string[]])[] = [
  ['create', 'create', 'n', '-N', '--create', 'new'],
  ['add', 'add', 'a', '-A', '--add'],
  ['del', 'del', 'd', '-D', '--del'],
  ['destroy', 'destroy', 'x', '-X', '--destroy'],
  ['flush', 'flush', 'f', '-F', '--flush'],
  ['rename', 'rename', 'e', '-E', '--rename'],
  ['swap', 'swap', 'w', '-W', '--swap'],
  ['shows', 'list', 'l', '-L', '--list', 'save', 's', '-S', '--save', 'test', 't', '-T', '--test', 'help', 'version'],
  ['restore', 'restore', 'r', '-R', '--restore'],
];

const TYPES: readonly SetType[] = [
  'hash:ip',
  'hash:net',
  'hash:ip,port',
  'hash:net,port',
  'hash:ip,port,ip',
  'hash:ip,port,net',
  'hash:net,net',
  'hash:net,port,net',
  'hash:net,iface',
  'bitmap:ip',
  'bitmap:port',
  'list:set',
];

/** Names that old scripts use. */
const OLD_TYPES: Readonly<Record<string, SetType>> = {
  iphash: 'hash:ip',
  nethash: 'hash:net',
  ipporthash: 'hash:ip,port',
  netporthash: 'hash:net,port',
  ipportiphash: 'hash:ip,port,ip',
  ipportnethash: 'hash:ip,port,net',
  netnethash: 'hash:net,net',
  ipmap: 'bitmap:ip',
  portmap: 'bitmap:port',
  setlist: 'list:set',
};

const NOTHING: Omit<Ipset, 'op' | 'set' | 'exist'> = {
  kind: 'ipset',
  made: NO_SET,
  entry: NO_ENTRY,
  timeout: -1,
  other: '',
};

/** Options of a new set that decide nothing modelled, with the number of their values. */
const CREATE_OPTIONS: Readonly<Record<string, number>> = {
  ...{ hashsize: 1, maxelem: 1, bucketsize: 1, initval: 1, probes: 1, resize: 1, gc: 1, size: 1 },
  ...{ counters: 0, comment: 0, skbinfo: 0, forceadd: 0 },
};

/** Options of an element that decide nothing modelled. */
const ENTRY_OPTIONS: Readonly<Record<string, number>> = {
  ...{ comment: 1, packets: 1, bytes: 1, skbmark: 1, skbprio: 1, skbqueue: 1 },
};

/** Longest run of ports, and of prefixes, that one element may stand for. */
const MOST = 4096;

function readTimeout(words: HostWords): number {
  return readNumber(words.value('timeout', 'a number of seconds'), 'a time', U32);
}

function isBitmap(type: SetType): boolean {
  return type === 'bitmap:ip' || type === 'bitmap:port';
}

/** `10.0.0.0/24`, `10.0.0.0-10.0.0.9` or `0-1000`, as the first and the last of a bitmap. */
function readRange(type: SetType, word: string): Pick<Ipset['made'], 'first' | 'last'> {
  if (!isBitmap(type)) wrong(`a set of type ${type} has no range; leave "range ${word}" out`);
  const [first = -1, last = -1] = type === 'bitmap:ip' ? readAddresses(word) : readPortRange(word);
  if (first < 0) wrong(`"${word}" is not a range; write FIRST-LAST`);
  if (last - first >= LARGEST) wrong(`"${word}" is more than a bitmap holds; write at most ${LARGEST} addresses`);
  return { first, last };
}

function readAddresses(word: string): readonly number[] {
  if (!word.includes('/')) return inOrder(word.split('-').map(addressOf));
  const { address, length } = readPrefix(word, 'a network');
  return [(address & maskOf(length)) >>> 0, (address | ~maskOf(length)) >>> 0];
}

function readPortRange(word: string): readonly number[] {
  const [from = '', to = ''] = word.split('-');
  return inOrder([from, to].map((port) => readNumber(port, 'a port', U16)));
}

function inOrder(ends: readonly number[]): readonly number[] {
  return ends.length === 2 ? [...ends].sort((a, b) => a - b) : [];
}

function readCreate(words: HostWords, set: string, exist: boolean): Ipset {
  const word = words.value('create', 'the type of the set');
  const type = TYPES.find((known) => known === word) ?? OLD_TYPES[word];
  if (type === undefined) wrong(`"${word}" is not a type of set that is modelled; write one of ${TYPES.join(', ')}`);
  let made = { ...NO_SET, name: set, type };
  while (!words.done) {
    const option = words.take().replace(/^--/, '');
    if (option === 'family') made = { ...made, inet6: words.value('family', 'inet or inet6') === 'inet6' };
    else if (option === 'netmask')
      made = { ...made, netmask: readNumber(words.value(option, 'a length'), 'a length', 32) };
    else if (option === 'timeout') made = { ...made, timeout: readTimeout(words) };
    else if (option === 'range') made = { ...made, ...readRange(type, words.value(option, 'FIRST-LAST')) };
    else skipOption(words, option, CREATE_OPTIONS);
  }
  if (isBitmap(type) && made.last === 0) wrong(`"${word}" needs its range; write range FIRST-LAST`);
  return { ...NOTHING, op: 'create', set, exist, made };
}

function skipOption(words: HostWords, option: string, known: Readonly<Record<string, number>>): void {
  const values = known[option];
  if (values === undefined)
    wrong(
      `"${option}" is not a word of "${words.command}" that is modelled; it takes timeout, ${Object.keys(known).join(', ')}`,
    );
  for (let n = 0; n < values; n++) words.value(option, 'a value');
}

/** Prefixes that cover the addresses from `first` to `last` exactly. */
function prefixesOf(first: number, last: number): readonly (readonly [addr: number, plen: number])[] {
  const prefixes: (readonly [number, number])[] = [];
  for (let addr = first; addr <= last && prefixes.length < MOST; ) {
    let plen = 32;
    while (plen > 0 && (addr & ~maskOf(plen - 1)) >>> 0 === 0 && addr + 2 ** (33 - plen) - 1 <= last) plen--;
    prefixes.push([addr, plen]);
    addr += 2 ** (32 - plen);
  }
  return prefixes;
}

/** `10.0.0.1`, `10.0.0.0/8` or `10.0.0.1-10.0.0.9`, as prefixes. */
function readNets(word: string): readonly (readonly [addr: number, plen: number])[] {
  const [from = '', to] = word.split('-');
  if (to === undefined) {
    const { address, length } = readPrefix(word, 'an address or a network');
    return [[(address & maskOf(length)) >>> 0, length]];
  }
  const [first, last] = [addressOf(from), addressOf(to)];
  if (first < 0 || last < first) wrong(`"${word}" is not a range of addresses; write FIRST-LAST`);
  return prefixesOf(first, last);
}

/** `80`, `udp:53-60` or `icmp:8/0`, as protocol and ports. */
function readPorts(word: string): { readonly proto: number; readonly ports: readonly number[] } {
  const colon = word.indexOf(':');
  const proto = colon < 0 ? 6 : readIpProtocol(word.slice(0, colon).toLowerCase());
  const text = word.slice(colon + 1);
  const icmp = { 'echo-request': '8/0', ping: '8/0', 'echo-reply': '0/0', pong: '0/0' }[text] ?? text;
  if (proto === 1 && icmp.includes('/')) {
    const [type = '', code = ''] = icmp.split('/');
    return { proto, ports: [readNumber(type, 'an ICMP type', 255) * 256 + readNumber(code, 'an ICMP code', 255)] };
  }
  const [from = '', to = from] = text.split('-');
  const [first, last] = [readNumber(from, 'a port', U16), readNumber(to, 'a port', U16)];
  if (last < first || last - first >= MOST)
    wrong(`"${word}" is not a range of at most ${MOST} ports; write FIRST-LAST`);
  return { proto, ports: Array.from({ length: last - first + 1 }, (_, n) => first + n) };
}

const ADDRESS = /^\d+\.\d+\.\d+\.\d+/;
const PORT = /^([a-z][a-z0-9-]*:[a-z0-9/-]+|\d+(-\d+)?)$/i;

/** The elements that a word stands for: ranges are several. */
export function readEntries(word: string): readonly SetEntry[] {
  const [first = '', second, third, more] = word.split(',');
  if (more !== undefined) wrong(`"${word}" has more parts than an element of a set; write at most three`);
  if (second === undefined && !ADDRESS.test(first)) {
    if (!PORT.test(first)) return [{ ...NO_ENTRY, member: first }];
    return readPorts(first).ports.map((port) => ({ ...NO_ENTRY, port }));
  }
  const hosts = readNets(first).map(([addr, plen]) => ({ ...NO_ENTRY, addr, plen }));
  if (second === undefined) return hosts;
  if (third === undefined && ADDRESS.test(second)) return withSecond(hosts, second);
  if (!PORT.test(second)) return hosts.map((entry) => ({ ...entry, iface: readDevice(second) }));
  const { proto, ports } = readPorts(second);
  const full = hosts.flatMap((entry) => ports.map((port) => ({ ...entry, proto, port })));
  return third === undefined ? full : withSecond(full, third);
}

function withSecond(entries: readonly SetEntry[], word: string): readonly SetEntry[] {
  return entries.flatMap((entry) => readNets(word).map(([addr2, plen2]) => ({ ...entry, addr2, plen2 })));
}

function readElement(op: 'add' | 'del', words: HostWords, set: string, exist: boolean): readonly Ipset[] {
  const entries = readEntries(words.value(op, 'an element'));
  let timeout = -1;
  let nomatch = false;
  while (!words.done) {
    const option = words.take().replace(/^--/, '');
    if (option === 'timeout') timeout = readTimeout(words);
    else if (option === 'nomatch') nomatch = true;
    else if (option === 'before' || option === 'after') words.value(option, 'a set');
    else skipOption(words, option, ENTRY_OPTIONS);
  }
  return entries.map((entry) => ({ ...NOTHING, op, set, exist, timeout, entry: { ...entry, nomatch } }));
}

/** Options of the program itself; `exist` is asked for by some of them. */
const EXIST = ['-exist', '--exist', '-!'];
const QUIET = ['-quiet', '--quiet', '-q', '-o', '-sorted', '-name', '-terse'];

/** What the words behind `ipset` ask for, '' for nothing known. */
function opOf(words: readonly string[]): (typeof OPS)[number][0] | '' {
  return OPS.find(([, ...names]) => names.includes(words[0] ?? ''))?.[0] ?? '';
}

function withoutOptions(words: readonly string[]): readonly string[] {
  return words.filter((word) => !EXIST.includes(word) && !QUIET.includes(word));
}

/** Whether the words behind `ipset` only show something. */
export function showsSets(words: readonly string[]): boolean {
  return opOf(withoutOptions(words)) === 'shows';
}

/** Parses the words behind `ipset`; a range stands for several elements. */
export function parseIpset(all: readonly string[], reading: Reading): readonly HostCommand[] {
  const exist = all.some((word) => EXIST.includes(word));
  const given = withoutOptions(all);
  const op = opOf(given);
  const known = OPS.map(([, name]) => name).join(', ');
  if (op === '') wrong(`"${given[0] ?? ''}" is not a command of "ipset"; it takes ${known}`);
  if (op === 'shows') return [];
  if (op === 'restore') wrong('"ipset restore" reads what does not stand here; write what "ipset save" prints instead');
  const words = new HostWords(`ipset ${op}`, given.slice(1), reading);
  if (words.done && (op === 'destroy' || op === 'flush')) return [{ ...NOTHING, op, set: '', exist }];
  const set = words.value(op, 'the name of a set');
  if (op === 'create') return [readCreate(words, set, exist)];
  if (op === 'add' || op === 'del') return readElement(op, words, set, exist);
  const other = op === 'rename' || op === 'swap' ? words.value(op, 'the name of another set') : '';
  if (!words.done) wrong(`"${words.next}" is too much for "${words.command}"`);
  return [{ ...NOTHING, op, set, exist, other }];
}

// printing

function printEntry({ addr, plen, proto, port, addr2, plen2, iface, member }: SetEntry): string {
  if (member !== '') return member;
  const number = proto === 1 ? `${port >>> 8}/${port & 0xff}` : String(port);
  const ports = proto === 0 ? String(port) : `${formatProtocol(proto)}:${number}`;
  if (plen === 0 && proto === 0 && addr2 === 0 && iface === '') return ports;
  const parts = [formatPrefix(addr, plen)];
  if (proto !== 0) parts.push(ports);
  if (plen2 !== 0) parts.push(formatPrefix(addr2, plen2));
  if (iface !== '') parts.push(iface);
  return parts.join(',');
}

function printRange({ type, first, last }: Ipset['made']): string {
  return [first, last].map((end) => (type === 'bitmap:ip' ? formatAddress(end) : String(end))).join('-');
}

export function printIpset(command: Ipset): string {
  const { op, set, made, entry, timeout, other, exist } = command;
  const words = [`ipset${exist ? ' -exist' : ''} ${op}`];
  if (set !== '') words.push(set);
  if (op === 'create') {
    words.push(made.type);
    if (made.inet6) words.push('family inet6');
    if (isBitmap(made.type)) words.push(`range ${printRange(made)}`);
    if (made.netmask !== 32) words.push(`netmask ${made.netmask}`);
    if (made.timeout !== 0) words.push(`timeout ${made.timeout}`);
  }
  if (op === 'add' || op === 'del') words.push(printEntry(entry));
  if (timeout >= 0) words.push(`timeout ${timeout}`);
  if (entry.nomatch) words.push('nomatch');
  if (other !== '') words.push(other);
  return words.join(' ');
}
