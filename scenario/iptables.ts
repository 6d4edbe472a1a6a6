/**
 * `iptables` as its own parser reads it: tables, chains, matches and targets that local traffic needs.
 *
 * Observed: iptables 1.8.9, 2026-11-22: `iptables -S` after each form of each option.
 */
import type { HostCommand } from '../model/types/host.ts';
import { IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP } from '../model/types/packet.ts';
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
} from '../model/types/route.ts';
import {
  IPT_TCP_RESET,
  NF_ACCEPT,
  NF_DROP,
  type PortRange,
  type XtMatch,
  type XtRule,
  type XtTarget,
} from '../model/types/verdict.ts';
import { wrong } from './error.ts';
import { formatAddress, formatHex, formatProtocol, maskOf } from './format.ts';
import { readDsfield, readIpProtocol } from './iproute2.ts';
import { addressOf, prefixLengthOf, readAddress, readNumber, readPrefix, U8, U16, U32 } from './words.ts';

type Iptables = Extract<HostCommand, { readonly kind: 'iptables' }>;

const TABLES = ['filter', 'mangle', 'nat', 'raw'];

/** A rule that matches everything and does nothing. */
export const NO_XT_RULE: XtRule = { id: 0, matches: [], target: { kind: 'none' }, count: 0 };

/** One option as it was written. */
interface Given {
  readonly option: string;
  readonly values: readonly string[];
  readonly invert: boolean;
}

/** A match extension: its options with the number of values they take, and what they become. */
interface MatchModule {
  readonly options: Readonly<Record<string, number>>;
  /** Protocols of which one must be given with -p. */
  readonly needs?: readonly number[];
  /** Must one of the options be there? */
  readonly required?: boolean;
  readonly read: (given: readonly Given[]) => XtMatch[];
}

interface TargetModule {
  readonly options: Readonly<Record<string, number>>;
  readonly read: (given: readonly Given[], protocol: number) => XtTarget;
}

// values

function readPort(word: string): number {
  return readNumber(word, 'a port', U16);
}

/** `80`, `80:90`, `:90` or `80:`. */
function readPorts(word: string): PortRange {
  const [first = '', last, more] = word.split(':');
  if (more !== undefined || word === '') wrong(`"${word}" is not a range of ports; write FIRST:LAST`);
  if (last === undefined) return { first: readPort(first), last: readPort(first) };
  const range = { first: first === '' ? 0 : readPort(first), last: last === '' ? U16 : readPort(last) };
  if (range.first > range.last) wrong(`"${word}" is not a range of ports; write the smaller number first`);
  return range;
}

interface Masked {
  readonly value: number;
  readonly mask: number;
}

/** `VALUE` or `VALUE/MASK`. */
function readMasked(word: string, what: string, max: number): Masked {
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
function readTos(word: string): Masked {
  const named = Object.entries(TOS_NAMES).find(([name]) => name.toLowerCase() === word.toLowerCase());
  return named === undefined ? readMasked(word, 'a TOS value', U8) : { value: named[1], mask: 0x3f };
}

function readDscpClass(word: string): number {
  const name = word.toUpperCase();
  if (name === 'BE' || name === 'CS0') return 0;
  if (!/^(CS[1-7]|AF[1-4][1-3]|EF)$/.test(name))
    wrong(`"${word}" is not a DSCP class; write BE, EF, CS0 to CS7 or AF11 to AF43`);
  return readDsfield(name) >> 2;
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

const MATCHES: Readonly<Record<string, MatchModule>> = {
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

/** The only option of a target that may be given once. */
function one(given: readonly Given[], target: string, options: Readonly<Record<string, number>>): Given {
  const [first, second] = given;
  if (first === undefined) {
    wrong(
      `"${target}" says not what to set; it takes one of ${Object.keys(options)
        .map((name) => `--${name}`)
        .join(', ')}`,
    );
  }
  if (second !== undefined) wrong(`"--${second.option}" cannot stand beside "--${first.option}"; write one of them`);
  return first;
}

/** The five ways to change bits, as (old & ~mask) ^ value. */
function readBits({ option, values: [word = ''] }: Given, max: number, what: string): Masked {
  if (option.startsWith('and-')) return { value: 0, mask: (~readNumber(word, what, max) & max) >>> 0 };
  if (option.startsWith('or-')) return { value: readNumber(word, what, max), mask: readNumber(word, what, max) };
  if (option.startsWith('xor-')) return { value: readNumber(word, what, max), mask: 0 };
  const masked = readMasked(word, what, max);
  return option === 'set-mark' ? { value: masked.value, mask: (masked.value | masked.mask) >>> 0 } : masked;
}

const MARK_OPTIONS = { 'set-xmark': 1, 'set-mark': 1, 'and-mark': 1, 'or-mark': 1, 'xor-mark': 1 };
const TOS_OPTIONS = { 'set-tos': 1, 'and-tos': 1, 'or-tos': 1, 'xor-tos': 1 };
const DSCP_OPTIONS = { 'set-dscp': 1, 'set-dscp-class': 1 };

function readConnmark(given: readonly Given[]): XtTarget {
  const masks = given.filter(({ option }) => option.endsWith('mask'));
  const operation = one(
    given.filter((one) => !masks.includes(one)),
    'CONNMARK',
    CONNMARK_OPTIONS,
  );
  if (operation.option in MARK_OPTIONS) {
    if (masks[0] !== undefined)
      wrong(`"--${masks[0].option}" belongs to --save-mark and --restore-mark; write --${operation.option} VALUE/MASK`);
    return { kind: 'CONNMARK', op: 'set', ...readBits(operation, U32, 'a mark') };
  }
  const values = masks.map(({ values: [word = ''] }) => readNumber(word, 'a mask', U32));
  const complete = masks.length !== 1 || masks[0]?.option === 'mask';
  if (!complete || new Set(values).size > 1)
    wrong('--nfmask and --ctmask are modelled only when they are equal; write --mask MASK');
  return {
    kind: 'CONNMARK',
    op: operation.option === 'save-mark' ? 'save' : 'restore',
    value: 0,
    mask: values[0] ?? U32,
  };
}

const CONNMARK_OPTIONS = { ...MARK_OPTIONS, 'save-mark': 0, 'restore-mark': 0, mask: 1, nfmask: 1, ctmask: 1 };

function readNat(target: 'SNAT' | 'DNAT', given: readonly Given[], protocol: number): XtTarget {
  const [to, ...more] = given;
  if (to === undefined || more.length > 0)
    wrong(`"${target}" needs one address; write ${target === 'SNAT' ? '--to-source' : '--to-destination'} 10.0.0.1`);
  const [word = ''] = to.values;
  const [address = '', ports] = word.split(':', 2);
  if (address.includes('-')) wrong(`"${address}" is a range, which is not modelled; write one address`);
  const addr = readAddress(address, 'an address');
  if (ports === undefined) return { kind: target, addr, portFirst: 0, portLast: 0 };
  if (![IPPROTO_TCP, IPPROTO_UDP].includes(protocol)) wrong(`"${word}" has a port, which needs -p tcp or -p udp`);
  const [first = '', last = first] = ports.split('-', 2);
  return {
    kind: target,
    addr,
    portFirst: readNumber(first, 'a port', U16, 1),
    portLast: readNumber(last, 'a port', U16, 1),
  };
}

/** Words of --reject-with, their short forms and the code of each. */
const REJECTS: readonly (readonly [name: string, short: string, code: number])[] = [
  ['icmp-port-unreachable', 'port-unreach', 3],
  ['icmp-net-unreachable', 'net-unreach', 0],
  ['icmp-host-unreachable', 'host-unreach', 1],
  ['icmp-proto-unreachable', 'proto-unreach', 2],
  ['icmp-net-prohibited', 'net-prohib', 9],
  ['icmp-host-prohibited', 'host-prohib', 10],
  ['icmp-admin-prohibited', 'admin-prohib', 13],
  ['tcp-reset', 'tcp-rst', IPT_TCP_RESET],
];

const TARGETS: Readonly<Record<string, TargetModule>> = {
  ACCEPT: { options: {}, read: () => ({ kind: 'ACCEPT' }) },
  DROP: { options: {}, read: () => ({ kind: 'DROP' }) },
  RETURN: { options: {}, read: () => ({ kind: 'RETURN' }) },
  MARK: {
    options: MARK_OPTIONS,
    read: (given) => ({ kind: 'MARK', ...readBits(one(given, 'MARK', MARK_OPTIONS), U32, 'a mark') }),
  },
  CONNMARK: { options: CONNMARK_OPTIONS, read: readConnmark },
  TOS: {
    options: TOS_OPTIONS,
    read: (given) => {
      const only = one(given, 'TOS', TOS_OPTIONS);
      return {
        kind: 'TOS',
        ...(only.option === 'set-tos' ? readTos(only.values[0] ?? '') : readBits(only, U8, 'a TOS value')),
      };
    },
  },
  DSCP: {
    options: DSCP_OPTIONS,
    read: (given) => {
      const {
        option,
        values: [word = ''],
      } = one(given, 'DSCP', DSCP_OPTIONS);
      return { kind: 'DSCP', dscp: option === 'set-dscp' ? readNumber(word, 'a DSCP', 63) : readDscpClass(word) };
    },
  },
  MASQUERADE: { options: {}, read: () => ({ kind: 'MASQUERADE' }) },
  SNAT: { options: { 'to-source': 1 }, read: (given, protocol) => readNat('SNAT', given, protocol) },
  DNAT: { options: { 'to-destination': 1 }, read: (given, protocol) => readNat('DNAT', given, protocol) },
  NOTRACK: { options: {}, read: () => ({ kind: 'NOTRACK' }) },
  REJECT: {
    options: { 'reject-with': 1 },
    read: ([given]) => {
      const [word = 'icmp-port-unreachable'] = given?.values ?? [];
      const known = REJECTS.find(([name, short]) => name === word || short === word);
      if (known === undefined)
        wrong(`"${word}" cannot be rejected with; write ${REJECTS.map(([name]) => name).join(', ')}`);
      return { kind: 'REJECT', reject: known[2] };
    },
  },
  CT: {
    options: { notrack: 0 },
    read: (given) =>
      given.length === 1 ? { kind: 'NOTRACK' } : wrong('"CT" is modelled with --notrack alone; write -j CT --notrack'),
  },
};

/** Targets of iptables that are not modelled: any other name is a chain of the user's. */
const OTHER_TARGETS =
  'AUDIT CHECKSUM CLASSIFY CONNSECMARK ECN HL HMARK IDLETIMER LED LOG NETMAP NFLOG NFQUEUE QUEUE RATEEST REDIRECT SECMARK SET SYNPROXY TCPMSS TCPOPTSTRIP TEE TPROXY TRACE TTL ULOG'.split(
    ' ',
  );

// the command line

type Op = Iptables['op'];

/** What stands for what on the command line itself, with the number of values behind it. */
const OPTIONS: readonly (readonly [name: string, letter: string, values: number])[] = [
  ['append', 'A', 1],
  ['delete', 'D', 1],
  ['insert', 'I', 1],
  ['new-chain', 'N', 1],
  ['delete-chain', 'X', 0],
  ['flush', 'F', 0],
  ['policy', 'P', 2],
  ['table', 't', 1],
  ['source', 's', 1],
  ['src', 's', 1],
  ['destination', 'd', 1],
  ['dst', 'd', 1],
  ['in-interface', 'i', 1],
  ['out-interface', 'o', 1],
  ['protocol', 'p', 1],
  ['proto', 'p', 1],
  ['match', 'm', 1],
  ['jump', 'j', 1],
  ['goto', 'g', 1],
  ['wait', 'w', 0],
];

const COMMANDS = 'ADINXFP';
const INVERTIBLE = 'sdiop';

/** One use of a match extension, with its place among the rule's matches. */
interface Use {
  readonly name: string;
  readonly given: Given[];
}

/** What has been read so far. */
class Reader {
  table = 'filter';
  op: Op | '' = '';
  chain = '';
  index = 0;
  policy = NF_ACCEPT;
  protocol = 0;
  target = '';
  gotoChain = '';
  private readonly header = new Map<string, XtMatch>();
  private readonly uses: Use[] = [];
  private readonly targetGiven: Given[] = [];
  private readonly words: readonly string[];
  private position = 0;

  constructor(words: readonly string[]) {
    this.words = words;
  }

  read(): Iptables {
    while (this.position < this.words.length) {
      const invert = this.words[this.position] === '!';
      if (invert) this.position++;
      const word = this.words[this.position++] ?? wrong('"!" ends the line; an option must follow it');
      if (word.startsWith('--') && word.length > 2) this.long(word, invert);
      else if (/^-[A-Za-z]/.test(word)) this.short(word, invert);
      else wrong(`"${word}" is not an option of "iptables"; options begin with "-"`);
    }
    return this.finish();
  }

  private value(option: string): string {
    const word = this.words[this.position++];
    if (word === undefined || word === '!')
      wrong(`"${option}" needs a value behind it${word === '!' ? '; write "!" before the option' : ''}`);
    return word;
  }

  /** A number that may stand behind a command: the place in the chain. */
  private number(): number {
    const word = this.words[this.position] ?? '';
    if (!/^[0-9]+$/.test(word)) return 0;
    this.position++;
    return readNumber(word, 'a rule number', U32, 1);
  }

  private long(word: string, invert: boolean): void {
    const equals = word.indexOf('=');
    const name = word.slice(2, equals < 0 ? undefined : equals);
    const values = equals < 0 ? [] : [word.slice(equals + 1)];
    const implicit = this.implicitModule();
    const uses = implicit === '' ? this.uses : [...this.uses, { name: implicit, given: [] }];
    const own = OPTIONS.map(([full]) => ({ full, use: undefined as Use | undefined }));
    const ofMatches = uses.flatMap((use) =>
      Object.keys(MATCHES[use.name]?.options ?? {}).map((full) => ({ full, use })),
    );
    const ofTarget = Object.keys(TARGETS[this.target]?.options ?? {}).map((full) => ({ full, use: undefined }));
    const all = [...own, ...ofMatches, ...ofTarget];
    const exactly = all.filter(({ full }) => full === name);
    const fitting = exactly.length > 0 ? exactly : all.filter(({ full }) => full.startsWith(name));
    const names = [...new Set(fitting.map(({ full }) => full))];
    const [full] = names;
    if (full === undefined) {
      const known = [...ofMatches, ...ofTarget].map((one) => `--${one.full}`);
      const hint =
        known.length > 0
          ? `; after these words it takes ${known.join(', ')}`
          : '; load its match with -m, or its protocol with -p, before it';
      wrong(`"--${name}" is not an option of "iptables" here${hint}`);
    }
    if (names.length > 1)
      wrong(`"--${name}" could be any of ${names.map((one) => `--${one}`).join(', ')}; write it in full`);
    const global = OPTIONS.find(([known]) => known === full);
    if (global !== undefined) {
      this.option(global[1], `--${full}`, invert, values);
      return;
    }
    const use = fitting.findLast((one) => one.full === full)?.use;
    const count = use === undefined ? TARGETS[this.target]?.options[full] : MATCHES[use.name]?.options[full];
    while (values.length < (count ?? 0)) values.push(this.value(`--${full}`));
    if (use === undefined) {
      if (invert) wrong(`"!" cannot stand before "--${full}"; a target's options are not inverted`);
      this.targetGiven.push({ option: full, values, invert });
    } else {
      if (use.given.some(({ option }) => option === full)) wrong(`"--${full}" stands twice; write it once`);
      if (!this.uses.includes(use)) this.uses.push(use);
      use.given.push({ option: full, values, invert });
    }
  }

  /** The match that -p loads by itself, '' when it is loaded already. */
  private implicitModule(): string {
    const header = this.header.get('p');
    const name = header?.kind === 'proto' && !header.invert ? formatProtocol(header.protocol) : '';
    return name in MATCHES && !this.uses.some((use) => use.name === name) ? name : '';
  }

  private short(word: string, invert: boolean): void {
    const letter = word[1] as string;
    if (!OPTIONS.some(([, known]) => known === letter)) {
      wrong(
        `"-${letter}" is not an option of "iptables" that is modelled; it takes ${[...new Set(OPTIONS.map(([, known]) => `-${known}`))].join(', ')}`,
      );
    }
    this.option(letter, `-${letter}`, invert, word.length > 2 ? [word.slice(2)] : []);
  }

  private option(letter: string, option: string, invert: boolean, values: string[]): void {
    const count = OPTIONS.find(([, known]) => known === letter)?.[2] ?? 0;
    while (values.length < count) values.push(this.value(option));
    const [value = ''] = values;
    if (invert && !INVERTIBLE.includes(letter)) wrong(`"!" cannot stand before "${option}"`);
    if (COMMANDS.includes(letter)) {
      this.command(letter as Op, option, values);
    } else if (INVERTIBLE.includes(letter)) {
      this.headerMatch(letter, option, value, invert);
    } else if (letter === 't') {
      if (!TABLES.includes(value))
        wrong(`"${value}" is not a table that is modelled; write one of ${TABLES.join(', ')}`);
      this.table = value;
    } else if (letter === 'm') {
      this.loadMatch(value);
    } else if (letter === 'w') {
      this.number();
    } else if (this.target !== '' || this.gotoChain !== '') {
      wrong(`"${option} ${value}" is a second target; write one a rule`);
    } else if (letter === 'g') {
      this.gotoChain = value;
    } else {
      if (OTHER_TARGETS.includes(value))
        wrong(`"${value}" is a target that is not modelled; modelled are ${Object.keys(TARGETS).join(', ')}`);
      this.target = value;
    }
  }

  private command(op: Op, option: string, values: string[]): void {
    if (this.op !== '') wrong(`"${option}" is a second command; write one a line`);
    this.op = op;
    this.chain = values[0] ?? '';
    if ((op === 'F' || op === 'X') && this.chain === '' && /^[^-!]/.test(this.words[this.position] ?? '')) {
      this.chain = this.words[this.position++] ?? '';
    }
    if (op === 'I') this.index = this.number() || 1;
    if (op === 'D') {
      this.index = this.number();
      if (this.index > 0) this.op = 'D#';
    }
    if (op === 'P') {
      const policy = values[1] ?? '';
      if (policy !== 'ACCEPT' && policy !== 'DROP') wrong(`"${policy}" is not a policy; write ACCEPT or DROP`);
      this.policy = policy === 'ACCEPT' ? NF_ACCEPT : NF_DROP;
    }
    if (op === 'N' && (this.chain in TARGETS || OTHER_TARGETS.includes(this.chain)))
      wrong(`"${this.chain}" is a target; give the chain another name`);
    if (this.chain.length > 28 || /^[-!]/.test(this.chain))
      wrong(`"${this.chain}" is not a chain's name; write 1 to 28 characters`);
  }

  private loadMatch(name: string): void {
    const match = MATCHES[name];
    if (match === undefined)
      wrong(`"${name}" is not a match that is modelled; modelled are ${Object.keys(MATCHES).join(', ')}`);
    this.uses.push({ name, given: [] });
  }

  private headerMatch(letter: string, option: string, value: string, invert: boolean): void {
    if (this.header.has(letter)) wrong(`"${option}" stands twice; write it once`);
    const match = readHeaderMatch(letter, option, value, invert);
    if (match.kind === 'proto') this.protocol = invert ? 0 : match.protocol;
    this.header.set(letter, match);
  }

  private finish(): Iptables {
    const { op, table, chain, index, policy } = this;
    if (op === '') wrong('"iptables" changes nothing; write one of -A, -I, -D, -N, -P, -F, -X with a chain');
    const hasRule = this.header.size > 0 || this.uses.length > 0 || this.target !== '' || this.gotoChain !== '';
    if (hasRule && !['A', 'I', 'D'].includes(op))
      wrong(`"-${op === 'D#' ? `D ${chain} ${index}` : op}" takes no rule; leave the matches and the target out`);
    if (this.header.has('i') && ['OUTPUT', 'POSTROUTING'].includes(chain))
      wrong(`"-i" cannot stand in ${chain}; packets there have no input link, write -o`);
    if (this.header.has('o') && ['INPUT', 'PREROUTING'].includes(chain))
      wrong(`"-o" cannot stand in ${chain}; packets there have no output link, write -i`);
    return { kind: 'iptables', table, op, chain, index, policy, rule: hasRule ? this.rule() : NO_XT_RULE };
  }

  /** Header matches first, as the kernel compares them; the others in the order of their extensions. */
  private rule(): XtRule {
    const matches: XtMatch[] = [];
    for (const letter of 'iosdp') {
      const match = this.header.get(letter);
      if (match !== undefined && !isTrivial(match)) matches.push(match);
    }
    for (const { name, given } of this.uses) matches.push(...this.finishMatch(name, given));
    return { ...NO_XT_RULE, matches, target: this.finishTarget() };
  }

  private finishMatch(name: string, given: readonly Given[]): XtMatch[] {
    const match = MATCHES[name];
    if (match === undefined) return [];
    const options = Object.keys(match.options).map((option) => `--${option}`);
    if (match.required === true && given.length === 0)
      wrong(`"-m ${name}" says not what to match; it takes ${options.join(', ')}`);
    if (match.needs !== undefined && !match.needs.includes(this.protocol)) {
      wrong(
        `"-m ${name}" needs ${match.needs.map((protocol) => `-p ${formatProtocol(protocol)}`).join(' or ')} before it`,
      );
    }
    return match.read(given);
  }

  private finishTarget(): XtTarget {
    if (this.gotoChain !== '') return { kind: 'goto', chain: this.gotoChain };
    if (this.target === '') return { kind: 'none' };
    const target = TARGETS[this.target];
    return target === undefined ? { kind: 'jump', chain: this.target } : target.read(this.targetGiven, this.protocol);
  }
}

/** Matches everything, as `-s 0/0` does. */
function isTrivial(match: XtMatch): boolean {
  if (match.kind === 'src' || match.kind === 'dst') return match.mask === 0 && !match.invert;
  if (match.kind === 'proto') return match.protocol === 0;
  return (match.kind === 'in' || match.kind === 'out') && match.dev === '+' && !match.invert;
}

function readHeaderMatch(letter: string, option: string, value: string, invert: boolean): XtMatch {
  if (letter === 's' || letter === 'd') {
    if (value.includes(',')) wrong(`"${value}" is a list; write one address or prefix a rule`);
    const { addr, mask } = readAddressMask(value);
    if (mask === 0 && invert) wrong(`"! ${option} ${value}" matches nothing; leave the rule out`);
    return { kind: letter === 's' ? 'src' : 'dst', addr, mask, invert };
  }
  if (letter === 'p') {
    const protocol = value === 'all' ? 0 : readIpProtocol(value.toLowerCase());
    if (protocol === 0 && invert) wrong('"! -p all" matches nothing; leave the rule out');
    return { kind: 'proto', protocol, invert };
  }
  if (!/^[^/\s!]{1,15}$/.test(value))
    wrong(`"${value}" is not a link's name; write 1 to 15 characters, "+" at the end for all that begin so`);
  return { kind: letter === 'i' ? 'in' : 'out', dev: value, invert };
}

/** `10.0.0.0/8`, `10.0.0.0/255.0.0.0` or any other mask; host bits are cleared. */
function readAddressMask(word: string): { addr: number; mask: number } {
  const slash = word.indexOf('/');
  const tail = word.slice(slash + 1);
  const unusual = slash >= 0 && prefixLengthOf(tail) < 0 ? addressOf(tail) : -1;
  const { address, length } = readPrefix(unusual >= 0 ? word.slice(0, slash) : word, 'an address');
  const mask = unusual >= 0 ? unusual : maskOf(length);
  return { addr: (address & mask) >>> 0, mask };
}

/** Parses the words behind `iptables`. */
export function parseIptables(words: readonly string[]): HostCommand {
  return new Reader(words).read();
}

// printing

function printMaskedAddress(addr: number, mask: number): string {
  for (let length = 0; length <= 32; length++) {
    if (maskOf(length) === mask) return length === 32 ? formatAddress(addr) : `${formatAddress(addr)}/${length}`;
  }
  return `${formatAddress(addr)}/${formatAddress(mask)}`;
}

function printPorts({ first, last }: PortRange): string {
  return first === last ? String(first) : `${first}:${last}`;
}

function printTcpFlags(flags: number): string {
  if (flags === 0) return 'NONE';
  return TCP_FLAGS.filter(([, bit]) => (flags & bit) !== 0)
    .map(([name]) => name)
    .join(',');
}

function printMasked(value: number, mask: number, max: number): string {
  return mask === max ? String(value) : `${value}/${formatHex(mask)}`;
}

/** The extension that an option needs before it, and the option. */
function printMatch(match: XtMatch): [module: string, option: string] {
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

function printTarget(target: XtTarget): string {
  switch (target.kind) {
    case 'none':
      return '';
    case 'ACCEPT':
    case 'DROP':
    case 'RETURN':
    case 'MASQUERADE':
      return `-j ${target.kind}`;
    case 'NOTRACK':
      return '-j CT --notrack';
    case 'REJECT':
      return `-j REJECT --reject-with ${REJECTS.find(([, , code]) => code === target.reject)?.[0]}`;
    case 'jump':
      return `-j ${target.chain}`;
    case 'goto':
      return `-g ${target.chain}`;
    case 'MARK':
      return target.mask === U32
        ? `-j MARK --set-mark ${target.value}`
        : `-j MARK --set-xmark ${target.value}/${formatHex(target.mask)}`;
    case 'CONNMARK':
      if (target.op === 'set') return `-j CONNMARK --set-xmark ${target.value}/${formatHex(target.mask)}`;
      return `-j CONNMARK --${target.op}-mark${target.mask === U32 ? '' : ` --mask ${formatHex(target.mask)}`}`;
    case 'TOS':
      return `-j TOS --set-tos ${target.value}/${formatHex(target.mask)}`;
    case 'DSCP':
      return `-j DSCP --set-dscp ${target.dscp}`;
    case 'SNAT':
    case 'DNAT': {
      const range = target.portFirst === target.portLast ? target.portFirst : `${target.portFirst}-${target.portLast}`;
      const ports = target.portFirst === 0 ? '' : `:${range}`;
      return `-j ${target.kind} --to-${target.kind === 'SNAT' ? 'source' : 'destination'} ${formatAddress(target.addr)}${ports}`;
    }
  }
}

/** The command as an operator would type it. */
export function printIptables({ table, op, chain, index, policy, rule }: Iptables): string {
  const words = table === 'filter' ? ['iptables'] : ['iptables', '-t', table];
  words.push(op === 'D#' ? '-D' : `-${op}`);
  if (chain !== '') words.push(chain);
  if (op === 'D#' || (op === 'I' && index !== 1)) words.push(String(index));
  if (op === 'P') words.push(policy === NF_ACCEPT ? 'ACCEPT' : 'DROP');
  for (const match of rule.matches) {
    const [module, option] = printMatch(match);
    if (module !== '') words.push(module);
    words.push(match.invert ? `! ${option}` : option);
  }
  const target = printTarget(rule.target);
  if (target !== '') words.push(target);
  return words.join(' ');
}
