/** Matches of iptables: which options each extension takes, how they are read, and how they are written. */

import { IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP } from '../../model/types/packet.ts';
import {
  RTN_ANYCAST,
  RTN_BLACKHOLE,
  RTN_BROADCAST,
  RTN_LOCAL,
  RTN_MULTICAST,
  RTN_PROHIBIT,
  RTN_UNICAST,
  RTN_UNREACHABLE,
  RTN_UNSPEC,
} from '../../model/types/route.ts';
import {
  type CtTest,
  IPS_ASSURED,
  IPS_CONFIRMED,
  IPS_EXPECTED,
  IPS_SEEN_REPLY,
  type SetDim,
  type XtMatch,
} from '../../model/types/verdict.ts';
import { wrong } from '../error.ts';
import { formatAddress, formatProtocol } from '../format.ts';
import { readAddress, readNumber, U8, U32 } from '../words.ts';
import { readIpProtocol } from './names.ts';
import type { Reading } from './reading.ts';
import {
  type Given,
  printMasked,
  printMaskedAddress,
  printPorts,
  readAddressMask,
  readDscpClass,
  readMasked,
  readPorts,
  readRange,
  readTos,
} from './xtValues.ts';

/** A match extension that is modelled: its options with the number of values they take, and what they become. */
interface MatchModule {
  readonly options: Readonly<Record<string, number>>;
  /** Protocols of which one must be given with -p. */
  readonly needs?: readonly number[];
  /** Must one of the options be there? */
  readonly required?: boolean;
  readonly read: (given: readonly Given[], reading: Reading) => XtMatch[];
}

/** A match extension that is not modelled. */
interface UnmodelledMatch {
  readonly options: Readonly<Record<string, number>>;
  /** What the rule asks for with it. */
  readonly asks: string;
  /** It is taken as fulfilled where it is left out; otherwise its rule does nothing. */
  readonly fulfilled?: true;
}

const TCP_FLAGS: readonly (readonly [string, number])[] = [
  ['FIN', 0x01],
  ['SYN', 0x02],
  ['RST', 0x04],
  ['PSH', 0x08],
  ['ACK', 0x10],
  ['URG', 0x20],
];

function readTcpFlags(word: string): number {
  if (word === 'ALL') return 0x3f;
  if (word === 'NONE') return 0;
  let flags = 0;
  for (const name of word.split(',')) {
    const bit = TCP_FLAGS.find(([known]) => known === name)?.[1];
    flags |=
      bit ?? wrong(`"${name}" is not a TCP flag; write ${TCP_FLAGS.map(([known]) => known).join(', ')}, ALL or NONE`);
  }
  return flags;
}

const ICMP_TYPES: Readonly<Record<string, string>> = {
  'echo-reply': '0',
  pong: '0',
  'destination-unreachable': '3',
  'network-unreachable': '3/0',
  'host-unreachable': '3/1',
  'protocol-unreachable': '3/2',
  'port-unreachable': '3/3',
  'fragmentation-needed': '3/4',
  'source-quench': '4',
  redirect: '5',
  'echo-request': '8',
  ping: '8',
  'time-exceeded': '11',
  'ttl-exceeded': '11',
  'ttl-zero-during-transit': '11/0',
  'parameter-problem': '12',
  'timestamp-request': '13',
  'timestamp-reply': '14',
};

/** The type that means any. C: net/ipv4/netfilter/ip_tables.c, icmp_type_code_match(). */
const ICMP_ANY = 255;

function readIcmpType({ values: [word = ''], invert }: Given): XtMatch {
  if (word === 'any') return { kind: 'icmp-type', type: ICMP_ANY, codeFirst: 0, codeLast: U8, invert };
  const [type = '', code] = (ICMP_TYPES[word] ?? word).split('/', 2);
  if (!/^[0-9]/.test(type))
    wrong(`"${word}" is not an ICMP type; write TYPE, TYPE/CODE or one of ${Object.keys(ICMP_TYPES).join(', ')}`);
  return {
    kind: 'icmp-type',
    type: readNumber(type, 'an ICMP type', U8),
    codeFirst: code === undefined ? 0 : readNumber(code, 'an ICMP code', U8),
    codeLast: code === undefined ? U8 : readNumber(code, 'an ICMP code', U8),
    invert,
  };
}

const CT_STATES = ['INVALID', 'NEW', 'ESTABLISHED', 'RELATED', 'UNTRACKED', 'SNAT', 'DNAT'];

function readStates({ values: [word = ''] }: Given): readonly string[] {
  const states = word.toUpperCase().split(',');
  for (const state of states)
    if (!CT_STATES.includes(state)) wrong(`"${state}" is not a state; write ${CT_STATES.join(', ')}`);
  return states;
}

const CT_STATUSES: readonly (readonly [name: string, bit: number])[] = [
  ['NONE', 0],
  ['EXPECTED', IPS_EXPECTED],
  ['SEEN_REPLY', IPS_SEEN_REPLY],
  ['ASSURED', IPS_ASSURED],
  ['CONFIRMED', IPS_CONFIRMED],
];

function readStatuses(word: string): number {
  let bits = 0;
  for (const name of word.toUpperCase().split(',')) {
    bits |=
      CT_STATUSES.find(([known]) => known === name)?.[1] ??
      wrong(`"${name}" is not a status; write ${CT_STATUSES.map(([known]) => known).join(', ')}`);
  }
  return bits;
}

const CT_DIRECTIONS = ['ORIGINAL', 'REPLY'];

/** What the options of `-m conntrack` beside --ctstate ask. */
function readCtTest({ option, values: [word = ''], invert }: Given): CtTest {
  const what = option.slice('ct'.length) as CtTest['what'];
  if (what === 'dir') {
    const first = CT_DIRECTIONS.indexOf(word.toUpperCase());
    if (first < 0) wrong(`"${word}" is not a direction; write ORIGINAL or REPLY`);
    return { what, first, last: first, invert };
  }
  if (what === 'proto') {
    const first = readIpProtocol(word.toLowerCase());
    return { what, first, last: first, invert };
  }
  if (what === 'status') {
    const first = readStatuses(word);
    return { what, first, last: first, invert };
  }
  if (what.endsWith('port')) return { what, ...readPorts(word), invert };
  const { addr, mask } = readAddressMask(word);
  return { what, first: addr, last: mask, invert };
}

function readConntrack(given: readonly Given[]): XtMatch[] {
  const state = given.find(({ option }) => option === 'ctstate' || option === 'state');
  const tests = given.filter((one) => one !== state).map(readCtTest);
  const states = state === undefined ? [] : readStates(state);
  const statesInvert = state?.invert ?? false;
  if (tests.length === 0) return [{ kind: 'ctstate', states, invert: statesInvert }];
  return [{ kind: 'conntrack', states, statesInvert, tests, invert: false }];
}

const ADDRESS_TYPES: readonly (readonly [string, number])[] = [
  ['UNSPEC', RTN_UNSPEC],
  ['UNICAST', RTN_UNICAST],
  ['LOCAL', RTN_LOCAL],
  ['BROADCAST', RTN_BROADCAST],
  ['ANYCAST', RTN_ANYCAST],
  ['MULTICAST', RTN_MULTICAST],
  ['BLACKHOLE', RTN_BLACKHOLE],
  ['UNREACHABLE', RTN_UNREACHABLE],
  ['PROHIBIT', RTN_PROHIBIT],
];

/** The bits of a list of address types. */
function readAddressTypes(word: string): number {
  let types = 0;
  for (const name of word.split(',')) {
    const type = ADDRESS_TYPES.find(([known]) => known === name)?.[1];
    if (type === undefined)
      wrong(`"${name}" is not an address type; write one of ${ADDRESS_TYPES.map(([known]) => known).join(', ')}`);
    types |= 1 << type;
  }
  return types;
}

function readAddressType(given: readonly Given[]): XtMatch[] {
  const limits = given.filter(({ option }) => option.startsWith('limit-iface-'));
  const asked = given.filter((one) => !limits.includes(one));
  if (limits.length > 1) wrong('"--limit-iface-in" cannot stand beside "--limit-iface-out"; write one of them');
  if (asked.length === 0)
    wrong('"-m addrtype" needs an option that says what to match; write --src-type or --dst-type');
  const limit = limits[0] === undefined ? '' : limits[0].option === 'limit-iface-in' ? 'in' : 'out';
  return asked.map(({ option, values: [word = ''], invert }) => ({
    kind: 'addrtype',
    which: option === 'src-type' ? 'src' : 'dst',
    types: readAddressTypes(word),
    limit,
    invert,
  }));
}

/** A number, or a name that the reading knows. */
function readOwner(word: string, what: string, numberOf: (name: string) => number): number {
  if (/^[0-9]/.test(word)) return readNumber(word, `a ${what}`, U32 - 1);
  if (word === 'root') return 0;
  const known = numberOf(word);
  if (known < 0)
    wrong(`"${word}" is not a ${what} that the host names; write a number, or a line of /etc/passwd or /etc/group`);
  return known;
}

function readOwners(given: readonly Given[], { user, group }: Reading): XtMatch[] {
  return given.flatMap(({ option, values: [word = ''], invert }): XtMatch[] => {
    if (option === 'socket-exists') return [{ kind: 'socket-exists', invert }];
    // A socket of a scenario has one group, and no others beside it.
    if (option === 'suppl-groups') return [];
    const isUser = option === 'uid-owner';
    const owner = (part: string) => (isUser ? readOwner(part, 'user', user) : readOwner(part, 'group', group));
    const known = isUser ? user(word) : group(word);
    const { first, last } = known >= 0 ? { first: known, last: known } : readRange(word, owner);
    if (first > last)
      wrong(`"${word}" is not a range of ${isUser ? 'users' : 'groups'}; write the smaller number first`);
    return isUser
      ? [{ kind: 'owner', uidFirst: first, uidLast: last, invert }]
      : [{ kind: 'owner-gid', gidFirst: first, gidLast: last, invert }];
  });
}

function readCgroup(given: readonly Given[]): XtMatch[] {
  if (given.length > 1) wrong('"--path" cannot stand beside "--cgroup"; write one of them');
  return given.map(({ option, values: [word = ''], invert }) => ({
    kind: 'cgroup',
    path: option === 'path' ? readCgroupPath(word) : '',
    classid: option === 'path' ? 0 : readNumber(word, 'a class', U32),
    invert,
  }));
}

/** A path below the root of the unified hierarchy, without slashes around it; the root itself is `/`. */
export function readCgroupPath(word: string): string {
  const path = word.replace(/^\/+|\/+$/g, '').replace(/\/+/g, '/');
  return path === '' ? '/' : path;
}

function readSetMatch(given: readonly Given[]): XtMatch[] {
  return given.map(({ values: [set = '', word = ''], invert }) => {
    const dims = word.split(',').map((dim): SetDim => {
      if (dim !== 'src' && dim !== 'dst')
        wrong(`"${dim}" is not a part of a packet; write src or dst, with commas between`);
      return dim;
    });
    return { kind: 'set', set, dims, invert };
  });
}

function readPolicyMatch(given: readonly Given[]): XtMatch[] {
  const word = (option: string): string => given.find((one) => one.option === option)?.values[0] ?? '';
  const further = given.find(({ option }) => option !== 'dir' && option !== 'pol');
  if (further !== undefined)
    wrong(`"--${further.option}" asks for a part of an IPsec association, which are taken to exist; leave it out`);
  const [dir, pol] = [word('dir'), word('pol')];
  if (dir !== 'in' && dir !== 'out') wrong('"-m policy" needs a direction; write --dir out');
  if (pol !== 'none' && pol !== 'ipsec') wrong('"-m policy" needs a policy; write --pol ipsec or --pol none');
  return [{ kind: 'policy', out: dir === 'out', ipsec: pol === 'ipsec', invert: false }];
}

function readMultiport({ option, values: [word = ''], invert }: Given): XtMatch {
  const ports = word.split(',').map(readPorts);
  const slots = ports.reduce((sum, { first, last }) => sum + (first === last ? 1 : 2), 0);
  if (slots > 15) wrong(`"${word}" is too long; write at most 15 ports, a range counting as two`);
  const which = option === 'ports' ? 'any' : option.startsWith('s') ? 'source' : 'dest';
  return { kind: 'multiport', which, ports, invert };
}

/** Random numbers have 31 bits. */
const RANDOM_ALL = 0x80000000;

function readStatistic(given: readonly Given[]): XtMatch[] {
  const word = (option: string): string | undefined => given.find((one) => one.option === option)?.values[0];
  if (word('mode') === 'random') {
    const probability = word('probability') ?? '';
    const value = /^[0-9.e+-]+$/i.test(probability) ? Number(probability) : Number.NaN;
    if (!(value >= 0 && value <= 1)) wrong(`"${probability}" is not a probability; write a number from 0 to 1`);
    const invert = given.some((one) => one.invert);
    return [{ kind: 'statistic-random', probability: Math.round(value * RANDOM_ALL), invert }];
  }
  if (word('mode') !== 'nth') wrong('"statistic" needs a mode; write --mode nth or --mode random');
  const every = readNumber(word('every') ?? '', 'the value of --every', U32, 1);
  const first = word('packet');
  if (first === undefined) return wrong('"--every" also needs "--packet"; write --packet 0');
  const packet = readNumber(first, 'the value of --packet', every - 1);
  return [{ kind: 'statistic-nth', every, packet, invert: given.some(({ invert }) => invert) }];
}

function readPortMatches(given: readonly Given[]): XtMatch[] {
  return given.map(({ option, values: [word = ''], invert }) => ({
    kind: option.startsWith('s') ? ('sport' as const) : ('dport' as const),
    ...readPorts(word),
    invert,
  }));
}

function readSocket(given: readonly Given[]): XtMatch[] {
  const has = (option: string): boolean => given.some((one) => one.option === option);
  const inverted = given.find(({ invert }) => invert);
  if (inverted !== undefined) wrong(`"--${inverted.option}" cannot be inverted; leave out the "!"`);
  if (has('restore-skmark'))
    wrong('"--restore-skmark" is not modelled: the packet would get the mark of its socket; leave it out');
  return [{ kind: 'socket', transparent: has('transparent'), nowildcard: has('nowildcard'), invert: false }];
}

const PORT_OPTIONS = { sport: 1, 'source-port': 1, dport: 1, 'destination-port': 1 };

/** --syn: FIN, SYN, RST and ACK are looked at, SYN alone is set. */
const SYN_MASK = 0x17;
const SYN_ONLY = 0x02;

export const MATCHES: Readonly<Record<string, MatchModule>> = {
  tcp: {
    options: { ...PORT_OPTIONS, 'tcp-flags': 2, syn: 0 },
    needs: [IPPROTO_TCP],
    read: (given) =>
      given.flatMap((one): XtMatch[] => {
        const [mask = '', comp = ''] = one.values;
        if (one.option === 'syn') return [{ kind: 'tcp-flags', mask: SYN_MASK, comp: SYN_ONLY, invert: one.invert }];
        if (one.option !== 'tcp-flags') return readPortMatches([one]);
        return [{ kind: 'tcp-flags', mask: readTcpFlags(mask), comp: readTcpFlags(comp), invert: one.invert }];
      }),
  },
  udp: { options: PORT_OPTIONS, needs: [IPPROTO_UDP], read: readPortMatches },
  icmp: { options: { 'icmp-type': 1 }, needs: [IPPROTO_ICMP], read: (given) => given.map(readIcmpType) },
  mark: {
    options: { mark: 1 },
    required: true,
    read: (given) =>
      given.map(({ values: [word = ''], invert }) => {
        const { value, mask } = readMasked(word, 'a mark', U32);
        return { kind: 'mark', mark: value, mask, invert };
      }),
  },
  connmark: {
    options: { mark: 1 },
    required: true,
    read: (given) =>
      given.map(({ values: [word = ''], invert }) => {
        const { value, mask } = readMasked(word, 'a mark', U32);
        return { kind: 'connmark', mark: value, mask, invert };
      }),
  },
  conntrack: {
    options: {
      ...{ ctstate: 1, ctproto: 1, ctorigsrc: 1, ctorigdst: 1, ctreplsrc: 1, ctrepldst: 1, ctstatus: 1, ctdir: 1 },
      ...{ ctorigsrcport: 1, ctorigdstport: 1, ctreplsrcport: 1, ctrepldstport: 1 },
    },
    required: true,
    read: readConntrack,
  },
  state: { options: { state: 1 }, required: true, read: readConntrack },
  owner: {
    options: { 'uid-owner': 1, 'gid-owner': 1, 'socket-exists': 0, 'suppl-groups': 0 },
    required: true,
    read: readOwners,
  },
  cgroup: { options: { path: 1, cgroup: 1 }, required: true, read: readCgroup },
  set: { options: { 'match-set': 2 }, required: true, read: readSetMatch },
  statistic: { options: { mode: 1, every: 1, packet: 1, probability: 1 }, required: true, read: readStatistic },
  iprange: {
    options: { 'src-range': 1, 'dst-range': 1 },
    required: true,
    read: (given) =>
      given.map(({ option, values: [word = ''], invert }) => ({
        kind: 'iprange',
        which: option === 'src-range' ? 'src' : 'dst',
        ...readRange(word, (part) => readAddress(part, 'an address')),
        invert,
      })),
  },
  length: {
    options: { length: 1 },
    required: true,
    read: (given) => given.map(({ values: [word = ''], invert }) => ({ kind: 'length', ...readPorts(word), invert })),
  },
  policy: {
    options: {
      dir: 1,
      pol: 1,
      strict: 0,
      reqid: 1,
      spi: 1,
      proto: 1,
      mode: 1,
      'tunnel-src': 1,
      'tunnel-dst': 1,
      next: 0,
    },
    required: true,
    read: readPolicyMatch,
  },
  multiport: {
    options: { sports: 1, 'source-ports': 1, dports: 1, 'destination-ports': 1, ports: 1 },
    needs: [IPPROTO_TCP, IPPROTO_UDP],
    required: true,
    read: (given) => given.map(readMultiport),
  },
  tos: {
    options: { tos: 1 },
    required: true,
    read: (given) => given.map(({ values: [word = ''], invert }) => ({ kind: 'tos', ...readTos(word), invert })),
  },
  dscp: {
    options: { dscp: 1, 'dscp-class': 1 },
    required: true,
    read: (given) =>
      given.map(({ option, values: [word = ''], invert }) => ({
        kind: 'dscp',
        dscp: option === 'dscp' ? readNumber(word, 'a DSCP', 63) : readDscpClass(word),
        invert,
      })),
  },
  addrtype: {
    options: { 'src-type': 1, 'dst-type': 1, 'limit-iface-in': 0, 'limit-iface-out': 0 },
    required: true,
    read: readAddressType,
  },
  socket: { options: { transparent: 0, nowildcard: 0, 'restore-skmark': 0 }, read: readSocket },
  comment: { options: { comment: 1 }, required: true, read: () => [] },
};

/** How many there are, in what time, from whom: a rule that limits is taken as one whose limit is not reached. */
const COUNTS = 'how many packets there have been';

/** Matches that are not modelled, each with what a rule asks for with it. */
export const UNMODELLED_MATCHES: Readonly<Record<string, UnmodelledMatch>> = {
  limit: { options: { limit: 1, 'limit-burst': 1 }, asks: COUNTS, fulfilled: true },
  hashlimit: {
    options: {
      ...{ hashlimit: 1, 'hashlimit-upto': 1, 'hashlimit-above': 1, 'hashlimit-burst': 1, 'hashlimit-mode': 1 },
      ...{ 'hashlimit-srcmask': 1, 'hashlimit-dstmask': 1, 'hashlimit-name': 1, 'hashlimit-htable-size': 1 },
      ...{ 'hashlimit-htable-max': 1, 'hashlimit-htable-expire': 1, 'hashlimit-htable-gcinterval': 1 },
      ...{ 'hashlimit-rate-match': 0, 'hashlimit-rate-interval': 1 },
    },
    asks: COUNTS,
  },
  recent: {
    options: {
      ...{ name: 1, set: 0, rcheck: 0, update: 0, remove: 0, seconds: 1, reap: 0, hitcount: 1, rttl: 0 },
      ...{ rsource: 0, rdest: 0, mask: 1 },
    },
    asks: COUNTS,
  },
  connlimit: {
    options: {
      ...{ 'connlimit-upto': 1, 'connlimit-above': 1, 'connlimit-mask': 1 },
      'connlimit-saddr': 0,
      'connlimit-daddr': 0,
    },
    asks: 'how many connections there are',
  },
  connbytes: {
    options: { connbytes: 1, 'connbytes-dir': 1, 'connbytes-mode': 1 },
    asks: 'how much a connection has carried',
  },
  quota: { options: { quota: 1 }, asks: COUNTS },
  time: {
    options: {
      ...{ timestart: 1, timestop: 1, datestart: 1, datestop: 1, weekdays: 1, monthdays: 1 },
      ...{ utc: 0, kerneltz: 0, localtz: 0, contiguous: 0 },
    },
    asks: 'what time it is',
  },
  string: {
    options: { algo: 1, from: 1, to: 1, string: 1, 'hex-string': 1, icase: 0 },
    asks: 'what the packet carries',
  },
  u32: { options: { u32: 1 }, asks: 'what the packet carries' },
  bpf: { options: { bytecode: 1, 'object-pinned': 1 }, asks: 'what a program says of the packet' },
  helper: { options: { helper: 1 }, asks: 'which helper looks into the connection' },
  physdev: {
    options: {
      ...{ 'physdev-in': 1, 'physdev-out': 1, 'physdev-is-in': 0, 'physdev-is-out': 0, 'physdev-is-bridged': 0 },
    },
    asks: 'which port of a bridge the packet uses',
  },
  mac: { options: { 'mac-source': 1 }, asks: 'which network card the packet comes from' },
  pkttype: { options: { 'pkt-type': 1 }, asks: 'how the packet was addressed on its link' },
  realm: { options: { realm: 1 }, asks: 'the realm of the route' },
  devgroup: { options: { 'src-group': 1, 'dst-group': 1 }, asks: 'the group of a link' },
  ttl: { options: { 'ttl-eq': 1, 'ttl-lt': 1, 'ttl-gt': 1, ttl: 1 }, asks: "the packet's time to live" },
  ecn: { options: { 'ecn-tcp-cwr': 0, 'ecn-tcp-ece': 0, 'ecn-ip-ect': 1 }, asks: 'bits of ECN' },
  tcpmss: { options: { mss: 1 }, asks: 'the MSS of a SYN' },
  rpfilter: { options: { loose: 0, validmark: 0, 'accept-local': 0, invert: 0 }, asks: 'which way an answer would go' },
  sctp: { options: { ...PORT_OPTIONS, 'chunk-types': 2 }, asks: 'ports of SCTP' },
  dccp: { options: { ...PORT_OPTIONS, 'dccp-types': 1, 'dccp-option': 1 }, asks: 'ports of DCCP' },
  esp: { options: { espspi: 1 }, asks: 'the association of an ESP packet' },
  ah: { options: { ahspi: 1 }, asks: 'the association of an AH packet' },
  nfacct: { options: { 'nfacct-name': 1 }, asks: 'a counter', fulfilled: true },
  connlabel: { options: { label: 1, set: 0 }, asks: 'a label of the connection' },
  cpu: { options: { cpu: 1 }, asks: 'which processor handles the packet' },
};

function printTcpFlags(flags: number): string {
  if (flags === 0) return 'NONE';
  return TCP_FLAGS.filter(([, bit]) => (flags & bit) !== 0)
    .map(([name]) => name)
    .join(',');
}

function printRange<T>(first: T, last: T, print: (value: T) => string): string {
  return first === last ? print(first) : `${print(first)}-${print(last)}`;
}

function printCtTest({ what, first, last, invert }: CtTest): string {
  const value =
    what === 'dir'
      ? CT_DIRECTIONS[first]
      : what === 'proto'
        ? formatProtocol(first)
        : what === 'status'
          ? printStatuses(first)
          : what.endsWith('port')
            ? printPorts({ first, last })
            : printMaskedAddress(first, last);
  return `${invert ? '! ' : ''}--ct${what} ${value}`;
}

function printStatuses(bits: number): string {
  const names = CT_STATUSES.filter(([, bit]) => (bits & bit) !== 0).map(([name]) => name);
  return names.length === 0 ? 'NONE' : names.join(',');
}

function printConntrack({ states, statesInvert, tests }: Extract<XtMatch, { kind: 'conntrack' }>): string {
  const state = states.length === 0 ? [] : [`${statesInvert ? '! ' : ''}--ctstate ${states.join(',')}`];
  return [...state, ...tests.map(printCtTest)].join(' ');
}

/** The extension that an option needs before it, and the option; an option that is not inverted can stand with the former. */
export function printMatch(match: XtMatch): [module: string, option: string] {
  switch (match.kind) {
    case 'src':
    case 'dst':
      return ['', `-${match.kind[0]} ${printMaskedAddress(match.addr, match.mask)}`];
    case 'proto':
      return ['', `-p ${formatProtocol(match.protocol)}`];
    case 'in':
    case 'out':
      return ['', `-${match.kind[0]} ${match.dev}`];
    case 'sport':
    case 'dport':
      return ['', `--${match.kind} ${printPorts(match)}`];
    case 'tcp-flags':
      if (match.mask === SYN_MASK && match.comp === SYN_ONLY) return ['', '--syn'];
      return ['', `--tcp-flags ${printTcpFlags(match.mask)} ${printTcpFlags(match.comp)}`];
    case 'icmp-type': {
      const code = match.codeFirst === match.codeLast ? `/${match.codeFirst}` : '';
      return ['', `--icmp-type ${match.type === ICMP_ANY ? 'any' : `${match.type}${code}`}`];
    }
    case 'multiport': {
      const option = { source: 'sports', dest: 'dports', any: 'ports' }[match.which];
      return ['-m multiport', `--${option} ${match.ports.map(printPorts).join(',')}`];
    }
    case 'mark':
      return ['-m mark', `--mark ${printMasked(match.mark, match.mask, U32)}`];
    case 'ctstate':
      return ['-m conntrack', `--ctstate ${match.states.join(',')}`];
    case 'conntrack':
      return [`-m conntrack ${printConntrack(match)}`, ''];
    case 'connmark':
      return ['-m connmark', `--mark ${printMasked(match.mark, match.mask, U32)}`];
    case 'owner':
      return ['-m owner', `--uid-owner ${printRange(match.uidFirst, match.uidLast, String)}`];
    case 'owner-gid':
      return ['-m owner', `--gid-owner ${printRange(match.gidFirst, match.gidLast, String)}`];
    case 'socket-exists':
      return ['-m owner', '--socket-exists'];
    case 'cgroup':
      return ['-m cgroup', match.path === '' ? `--cgroup ${match.classid}` : `--path ${match.path}`];
    case 'set':
      return ['-m set', `--match-set ${match.set} ${match.dims.join(',')}`];
    case 'iprange':
      return ['-m iprange', `--${match.which}-range ${printRange(match.first, match.last, formatAddress)}`];
    case 'length':
      return ['-m length', `--length ${printPorts(match)}`];
    case 'policy':
      return [`-m policy --dir ${match.out ? 'out' : 'in'}`, `--pol ${match.ipsec ? 'ipsec' : 'none'}`];
    case 'statistic-random':
      return ['-m statistic --mode random', `--probability ${(match.probability / RANDOM_ALL).toFixed(11)}`];
    case 'statistic-nth':
      return ['-m statistic --mode nth', `--every ${match.every} --packet ${match.packet}`];
    case 'tos':
      return ['-m tos', `--tos ${printMasked(match.value, match.mask, U8)}`];
    case 'dscp':
      return ['-m dscp', `--dscp ${match.dscp}`];
    case 'addrtype': {
      const names = ADDRESS_TYPES.filter(([, type]) => (match.types & (1 << type)) !== 0).map(([name]) => name);
      const limit = match.limit === '' ? '' : ` --limit-iface-${match.limit}`;
      return [`-m addrtype${limit}`, `--${match.which}-type ${names.join(',')}`];
    }
    case 'socket': {
      const options = [...(match.transparent ? ['--transparent'] : []), ...(match.nowildcard ? ['--nowildcard'] : [])];
      return [['-m socket', ...options].join(' '), ''];
    }
  }
}
