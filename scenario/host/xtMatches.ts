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
import type { XtMatch } from '../../model/types/verdict.ts';
import { wrong } from '../error.ts';
import { formatProtocol } from '../format.ts';
import { readNumber, U8, U32 } from '../words.ts';
import {
  type Given,
  printMasked,
  printMaskedAddress,
  printPorts,
  readDscpClass,
  readMasked,
  readPorts,
  readTos,
} from './xtValues.ts';

/** A match extension: its options with the number of values they take, and what they become. */
interface MatchModule {
  readonly options: Readonly<Record<string, number>>;
  /** Protocols of which one must be given with -p. */
  readonly needs?: readonly number[];
  /** Must one of the options be there? */
  readonly required?: boolean;
  readonly read: (given: readonly Given[]) => XtMatch[];
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

const CT_STATES = ['INVALID', 'NEW', 'ESTABLISHED', 'RELATED', 'UNTRACKED'];

function readStates({ values: [word = ''], invert }: Given): XtMatch[] {
  const states = word.toUpperCase().split(',');
  for (const state of states)
    if (!CT_STATES.includes(state)) wrong(`"${state}" is not a state that is modelled; write ${CT_STATES.join(', ')}`);
  return [{ kind: 'ctstate', states, invert }];
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

function readAddressType({ option, values: [word = ''], invert }: Given): XtMatch {
  if (word.includes(',')) wrong(`"${word}" is a list; write one address type a rule`);
  const type = ADDRESS_TYPES.find(([name]) => name === word)?.[1];
  if (type === undefined)
    wrong(`"${word}" is not an address type; write one of ${ADDRESS_TYPES.map(([name]) => name).join(', ')}`);
  return { kind: 'addrtype', which: option === 'src-type' ? 'src' : 'dst', type, invert };
}

function readUsers({ values: [word = ''], invert }: Given): XtMatch {
  const [first = '', last = first, more] = (word === 'root' ? '0' : word).split('-');
  if (more !== undefined || !/^[0-9]/.test(first)) wrong(`"${word}" is not a user; write a number or FIRST-LAST`);
  const uidFirst = readNumber(first, 'a user', U32 - 1);
  const uidLast = readNumber(last, 'a user', U32 - 1);
  if (uidFirst > uidLast) wrong(`"${word}" is not a range of users; write the smaller number first`);
  return { kind: 'owner', uidFirst, uidLast, invert };
}

function readMultiport({ option, values: [word = ''], invert }: Given): XtMatch {
  const ports = word.split(',').map(readPorts);
  const slots = ports.reduce((sum, { first, last }) => sum + (first === last ? 1 : 2), 0);
  if (slots > 15) wrong(`"${word}" is too long; write at most 15 ports, a range counting as two`);
  const which = option === 'ports' ? 'any' : option.startsWith('s') ? 'source' : 'dest';
  return { kind: 'multiport', which, ports, invert };
}

function readStatistic(given: readonly Given[]): XtMatch[] {
  const word = (option: string): string | undefined => given.find((one) => one.option === option)?.values[0];
  if (word('mode') !== 'nth')
    wrong('"statistic" is modelled with --mode nth alone; write --mode nth --every N --packet P');
  const every = readNumber(word('every') ?? '', 'the value of --every', U32, 1);
  const first = word('packet') ?? wrong('statistic: option "--every" also requires "--packet"; write --packet 0');
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
  conntrack: { options: { ctstate: 1 }, required: true, read: (given) => given.flatMap(readStates) },
  state: { options: { state: 1 }, required: true, read: (given) => given.flatMap(readStates) },
  owner: { options: { 'uid-owner': 1 }, required: true, read: (given) => given.map(readUsers) },
  statistic: { options: { mode: 1, every: 1, packet: 1 }, required: true, read: readStatistic },
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
  addrtype: { options: { 'src-type': 1, 'dst-type': 1 }, required: true, read: (given) => given.map(readAddressType) },
  comment: { options: { comment: 1 }, required: true, read: () => [] },
};

function printTcpFlags(flags: number): string {
  if (flags === 0) return 'NONE';
  return TCP_FLAGS.filter(([, bit]) => (flags & bit) !== 0)
    .map(([name]) => name)
    .join(',');
}

/** The extension that an option needs before it, and the option. */
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
    case 'owner':
      return [
        '-m owner',
        `--uid-owner ${match.uidFirst === match.uidLast ? match.uidFirst : `${match.uidFirst}-${match.uidLast}`}`,
      ];
    case 'statistic-nth':
      return ['-m statistic --mode nth', `--every ${match.every} --packet ${match.packet}`];
    case 'tos':
      return ['-m tos', `--tos ${printMasked(match.value, match.mask, U8)}`];
    case 'dscp':
      return ['-m dscp', `--dscp ${match.dscp}`];
    case 'addrtype': {
      const type = ADDRESS_TYPES.find(([, number]) => number === match.type)?.[0] ?? String(match.type);
      return ['-m addrtype', `--${match.which}-type ${type}`];
    }
  }
}
