/**
 * `ip link`, `ip address`, `ip route` and `ip rule` as iproute2 reads them, with its abbreviations, synonyms and defaults.
 *
 * Observed: iproute2 6.1.0, 2026-11-22: which words may be shortened and to what, and what is sent for those left out.
 */
import type { HostCommand } from '../model/types/host.ts';
import {
  type FibRule,
  FR_ACT_BLACKHOLE,
  FR_ACT_GOTO,
  FR_ACT_NOP,
  FR_ACT_PROHIBIT,
  FR_ACT_TO_TBL,
  FR_ACT_UNREACHABLE,
  FR_ACT_UNSPEC,
  NO_RULE,
  RT_SCOPE_UNIVERSE,
  RT_TABLE_DEFAULT,
  RT_TABLE_LOCAL,
  RT_TABLE_MAIN,
  RT_TABLE_UNSPEC,
  RTN_ANYCAST,
  RTN_BLACKHOLE,
  RTN_BROADCAST,
  RTN_LOCAL,
  RTN_MULTICAST,
  RTN_PROHIBIT,
  RTN_THROW,
  RTN_UNICAST,
  RTN_UNREACHABLE,
  RTN_UNSPEC,
  RTPROT_BOOT,
  RTPROT_UNSPEC,
} from '../model/types/route.ts';
import { NO_POLICY, XFRM_POLICY_ALLOW, XFRM_POLICY_BLOCK, type XfrmPolicy } from '../model/types/xfrm.ts';
import { wrong } from './error.ts';
import { formatAddress, formatHex, formatPrefix, formatProtocol, formatTable, maskOf } from './format.ts';
import { readAddress, readDevice, readNumber, readPrefix, U8, U16, U32, Words } from './words.ts';

type Draft<T> = { -readonly [K in keyof T]: T[K] };

/** The command of that name. */
type Of<Name extends HostCommand['kind'], Command = HostCommand> = Command extends { readonly kind: infer Names }
  ? Name extends Names
    ? Command
    : never
  : never;
type LinkAdd = Of<'link add'>;
type LinkSet = Of<'link set'>;
type AddrChange = Of<'addr add'>;
type RouteChange = Of<'route'>;
type RuleChange = Of<'rule add'>;

/** Names with the values they stand for, in the order in which a shortened name is looked up. */
type Names = readonly (readonly [name: string, value: number])[];

/** /etc/iproute2/rt_tables. */
const TABLES: Names = [
  ['local', RT_TABLE_LOCAL],
  ['main', RT_TABLE_MAIN],
  ['default', RT_TABLE_DEFAULT],
  ['unspec', 0],
];

/** /etc/iproute2/rt_scopes. */
const SCOPES: Names = [
  ['global', 0],
  ['nowhere', 255],
  ['host', 254],
  ['link', 253],
  ['site', 200],
];

/** /etc/iproute2/rt_protos. */
const ROUTE_PROTOCOLS: Names = [
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

/** /etc/protocols, those that `ipproto` is used with. */
const IP_PROTOCOLS: Names = [
  ['icmp', 1],
  ['igmp', 2],
  ['tcp', 6],
  ['udp', 17],
  ['dccp', 33],
  ['gre', 47],
  ['esp', 50],
  ['ah', 51],
  ['sctp', 132],
  ['udplite', 136],
];

function readName(word: string, names: Names, what: string, max: number): number {
  const named = names.find(([name]) => name === word);
  if (named !== undefined) return named[1];
  if (/^[0-9]/.test(word)) return readNumber(word, what, max);
  return wrong(`"${word}" is not ${what}; write a number or one of ${names.map(([name]) => name).join(', ')}`);
}

export function readTable(word: string): number {
  return readName(word, TABLES, 'a routing table', U32);
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

/** A word that the command takes: its name, whether it may be shortened, and what it does to the draft. */
interface Option<T> {
  readonly name: string;
  readonly short: boolean;
  readonly read: (words: Words, draft: T, word: string) => void;
  /** Known to iproute2, and not modelled. */
  readonly refused?: true;
}

function exact<T>(name: string, read: Option<T>['read']): Option<T> {
  return { name, short: false, read };
}

function short<T>(name: string, read: Option<T>['read']): Option<T> {
  return { name, short: true, read };
}

/** Words that iproute2 knows and the model does not. */
function refused<T>(...names: string[]): Option<T>[] {
  return names.map((name) => ({
    name,
    short: false,
    read: (words) => wrong(`"${name}" of "${words.command}" is not modelled; leave it out`),
    refused: true,
  }));
}

/** The words that a table takes, for messages. */
function taken<T>(table: readonly Option<T>[]): string {
  return table
    .filter((option) => option.refused !== true)
    .map(({ name }) => name)
    .join(', ');
}

function fits(word: string, name: string, mayBeShort: boolean): boolean {
  return word === name || (mayBeShort && word !== '' && name.startsWith(word));
}

/** Reads all words: those of the table in its order, and what is none of them through `other`. */
function readOptions<T>(
  words: Words,
  table: readonly Option<T>[],
  draft: T,
  other: (word: string, words: Words, draft: T) => void,
): void {
  while (!words.done) {
    const word = words.take();
    const option = table.find(({ name, short }) => fits(word, name, short));
    if (option === undefined) other(word, words, draft);
    else option.read(words, draft, word);
  }
}

function unknown<T>(word: string, words: Words, table: readonly Option<T>[]): never {
  return wrong(`"${word}" is not a word of "${words.command}"; it takes ${taken(table)}`);
}

// ip link

/** Kinds of link that differ only in their name for the model. */
const KINDS = [
  'veth',
  'dummy',
  'gre',
  'gretap',
  'ipip',
  'sit',
  'vti',
  'vlan',
  'macvlan',
  'bridge',
  'ifb',
  'tun',
  'vxlan',
  'vrf',
];

/** What a kind's own options take, none of which decides anything modelled. */
const KIND_OPTIONS: Readonly<Record<string, readonly string[]>> = {
  gre: ['local', 'remote', 'ttl', 'tos', 'key', 'ikey', 'okey'],
  gretap: ['local', 'remote', 'ttl', 'tos', 'key', 'ikey', 'okey'],
  ipip: ['local', 'remote', 'ttl', 'tos'],
  sit: ['local', 'remote', 'ttl', 'tos'],
  vti: ['local', 'remote', 'key', 'ikey', 'okey'],
  vlan: ['id'],
  macvlan: ['mode'],
  vxlan: ['id', 'local', 'remote', 'dstport', 'dev'],
  vrf: ['table'],
};

function readMtu(words: Words): number {
  return readNumber(words.value('mtu', 'a size'), 'an MTU', 65536, 1);
}

interface LinkDraft extends Draft<LinkAdd> {
  /** The table of a VRF, -1 when none is given. */
  table: number;
}

const LINK_ADD: readonly Option<LinkDraft>[] = [
  exact('link', (words) => {
    readDevice(words.value('link', 'the link below'));
  }),
  exact('name', (words, draft) => {
    draft.name = readDevice(words.value('name', 'a name'));
  }),
  exact('mtu', (words, draft) => {
    draft.mtu = readMtu(words);
  }),
  exact('type', (words, draft) => readKind(words, draft)),
  exact('up', () => wrong('"up" is not modelled here; write "ip link set NAME up" in a line of its own')),
  ...refused<LinkDraft>('address', 'broadcast', 'txqueuelen', 'numtxqueues', 'numrxqueues', 'index', 'netns', 'master'),
];

/** Everything behind `type`. */
function readKind(words: Words, draft: LinkDraft): void {
  const kind = words.value('type', 'a kind of link');
  if (!KINDS.includes(kind)) wrong(`"${kind}" is not a kind of link the model knows; it knows ${KINDS.join(', ')}`);
  draft.type = kind;
  const own = KIND_OPTIONS[kind] ?? [];
  while (!words.done) {
    const word = words.take();
    if (kind === 'veth' && fits(word, 'peer', true)) {
      const first = words.value('peer', '"name" and the name of the other end');
      draft.peer = readDevice(first === 'name' ? words.value('name', 'a name') : first);
    } else if ((kind === 'ipip' || kind === 'gre') && (word === 'local' || word === 'remote')) {
      draft[word] = readAddress(words.value(word, 'an address'), 'an end of a tunnel');
    } else if (kind === 'vrf' && word === 'table') {
      draft.table = readTable(words.value('table', 'a routing table'));
    } else if (own.includes(word)) {
      words.value(word, 'a value');
    } else {
      wrong(
        `"${word}" is not a word of "${words.command} type ${kind}"; ${
          kind === 'veth'
            ? 'it takes peer name NAME'
            : own.length === 0
              ? 'it takes none'
              : `it takes ${own.join(', ')}`
        }`,
      );
    }
  }
}

function vrfAdd({ name, table, mtu }: LinkDraft): HostCommand {
  if (table < 0) wrong('a VRF needs a table: ip link add NAME type vrf table ID');
  if (mtu !== 0) wrong('"mtu" of a VRF decides nothing; leave it out');
  return { kind: 'vrf add', name, table };
}

function parseLinkAdd(words: Words): HostCommand {
  const draft: LinkDraft = { kind: 'link add', name: '', type: '', peer: '', mtu: 0, local: 0, remote: 0, table: -1 };
  readOptions(words, LINK_ADD, draft, (word) => {
    if (draft.name !== '') unknown(word, words, LINK_ADD);
    draft.name = readDevice(word);
  });
  if (draft.name === '') wrong('"ip link add" needs a name: ip link add NAME type KIND');
  if (draft.type === '') wrong('"ip link add" needs a kind: ip link add NAME type KIND');
  if (draft.type === 'gre' && draft.local === 0 && draft.remote === 0)
    wrong('a gre link without ends is there already, as gre0; write type gre local ADDRESS');
  if (draft.type === 'vrf') return vrfAdd(draft);
  const { table: _, ...command } = draft;
  return command;
}

function readOnOff(words: Words, option: string): number {
  const word = words.value(option, '"on" or "off"');
  return word === 'on' ? 1 : word === 'off' ? 0 : wrong(`"${word}" is not a value of "${option}"; write on or off`);
}

interface LinkSetDraft extends Draft<LinkSet> {
  /** `master VRF`; '' is `nomaster`. */
  master?: string;
}

const LINK_SET: readonly Option<LinkSetDraft>[] = [
  exact('up', (_, draft) => {
    draft.up = 1;
  }),
  exact('down', (_, draft) => {
    draft.up = 0;
  }),
  exact('arp', (words, draft) => {
    draft.arp = readOnOff(words, 'arp');
  }),
  exact('mtu', (words, draft) => {
    draft.mtu = readMtu(words);
  }),
  exact('dev', (words, draft) => {
    draft.name = readDevice(words.value('dev', 'a link'));
  }),
  exact('master', (words, draft) => {
    draft.master = readDevice(words.value('master', 'a VRF'));
  }),
  exact('nomaster', (_, draft) => {
    draft.master = '';
  }),
  exact('vrf', (words, draft) => {
    draft.master = readDevice(words.value('vrf', 'a VRF'));
  }),
  ...refused<LinkSetDraft>(
    'netns',
    'name',
    'address',
    'multicast',
    'allmulticast',
    'promisc',
    'txqueuelen',
    'group',
    'alias',
  ),
];

function parseLinkSet(words: Words): HostCommand {
  const draft: LinkSetDraft = { kind: 'link set', name: '', up: -1, arp: -1, mtu: 0 };
  readOptions(words, LINK_SET, draft, (word) => {
    if (draft.name !== '') unknown(word, words, LINK_SET);
    draft.name = readDevice(word);
  });
  if (draft.name === '') wrong('"ip link set" needs a link: ip link set NAME up');
  const { master, ...command } = draft;
  const changes = draft.up >= 0 || draft.arp >= 0 || draft.mtu !== 0;
  if (master !== undefined) {
    if (changes) wrong('"master" is modelled in a line of its own only: ip link set NAME master VRF');
    return { kind: 'link master', name: draft.name, master };
  }
  if (!changes)
    wrong('"ip link set" changes nothing; write up, down, arp on, arp off, mtu SIZE, master VRF or nomaster');
  return command;
}

/** `[dev] NAME`, and nothing behind it. */
function readOneDevice(words: Words): string {
  const first = words.value(words.command, 'the name of a link');
  const name = readDevice(first === 'dev' ? words.value('dev', 'the name of a link') : first);
  if (!words.done && words.next !== 'type')
    wrong(`"${words.next}" is not a word of "${words.command}"; it takes the name of a link`);
  if (words.next === 'type') {
    words.take();
    words.value('type', 'a kind of link');
  }
  return name;
}

// ip address

const ADDR: readonly Option<Draft<AddrChange>>[] = [
  exact('peer', readPeer),
  exact('remote', readPeer),
  short('broadcast', readBroadcast),
  exact('brd', readBroadcast),
  exact('scope', (words, draft) => {
    draft.scope = readName(words.value('scope', 'a scope'), SCOPES, 'a scope', U8);
  }),
  exact('dev', (words, draft) => {
    draft.dev = readDevice(words.value('dev', 'a link'));
  }),
  exact('label', (words) => {
    const label = words.value('label', 'a label');
    if (label.length > 15) wrong(`"${label}" is not a label; write LINK:NAME of at most 15 characters`);
  }),
  exact('local', (words, draft) => readLocal(words.value('local', 'an address'), draft)),
  ...refused<Draft<AddrChange>>(
    'anycast',
    'metric',
    'valid_lft',
    'preferred_lft',
    'noprefixroute',
    'nodad',
    'home',
    'mngtmpaddr',
    'autojoin',
    'proto',
  ),
];

/** `brd +` and `brd -`, which stand for addresses that follow from the others. */
const BROADCAST_SET = -1;
const BROADCAST_UNSET = -2;

function readBroadcast(words: Words, draft: Draft<AddrChange>, word: string): void {
  const value = words.value(word, 'an address, "+" or "-"');
  draft.broadcast =
    value === '+' ? BROADCAST_SET : value === '-' ? BROADCAST_UNSET : readAddress(value, 'a broadcast address');
}

function readPeer(words: Words, draft: Draft<AddrChange>, word: string): void {
  const { address, length } = readPrefix(words.value(word, 'an address'), "the peer's address");
  draft.peer = address;
  draft.prefixlen = length;
}

function readLocal(word: string, draft: Draft<AddrChange>): void {
  if (draft.local !== 0) wrong(`"${word}" is a second address; write one address a command`);
  const { address, length, given } = readPrefix(word, 'an address');
  if (address === 0) wrong(`"${word}" is not an address of a link; write one such as 10.0.0.1/24`);
  draft.local = address;
  if (draft.peer === 0) draft.prefixlen = given ? length : -1;
}

function parseAddrChange(act: 'addr add' | 'addr del', words: Words): HostCommand {
  const draft: Draft<AddrChange> = { kind: act, dev: '', local: 0, peer: 0, prefixlen: -1, scope: -1, broadcast: 0 };
  readOptions(words, ADDR, draft, (word) => {
    if (/^[0-9]/.test(word)) readLocal(word, draft);
    else unknown(word, words, ADDR);
  });
  if (draft.local === 0) wrong(`"${words.command}" needs an address: ${words.command} 10.0.0.1/24 dev eth0`);
  if (draft.dev === '') wrong(`"${words.command}" needs a link; add dev NAME`);
  if (draft.prefixlen < 0 && act === 'addr add') draft.prefixlen = 32;
  if (draft.peer === 0) draft.peer = draft.local;
  const network = draft.prefixlen <= 30 && draft.prefixlen >= 0 ? draft.prefixlen : 32;
  const hostBits = ~maskOf(network) >>> 0;
  if (draft.broadcast === BROADCAST_SET) draft.broadcast = network === 32 ? 0 : (draft.peer | hostBits) >>> 0;
  if (draft.broadcast === BROADCAST_UNSET) draft.broadcast = network === 32 ? 0 : (draft.peer & ~hostBits) >>> 0;
  return draft;
}

// ip route

/** Names of route types; those marked may be shortened. */
const ROUTE_TYPES: readonly (readonly [name: string, type: number, short: boolean])[] = [
  ['local', RTN_LOCAL, false],
  ['broadcast', RTN_BROADCAST, true],
  ['brd', RTN_BROADCAST, false],
  ['anycast', RTN_ANYCAST, true],
  ['multicast', RTN_MULTICAST, true],
  ['prohibit', RTN_PROHIBIT, true],
  ['unreachable', RTN_UNREACHABLE, true],
  ['blackhole', RTN_BLACKHOLE, true],
  ['unicast', RTN_UNICAST, true],
  ['throw', RTN_THROW, false],
];

function routeType(word: string): number {
  return ROUTE_TYPES.find(([name, , mayBeShort]) => fits(word, name, mayBeShort))?.[1] ?? RTN_UNSPEC;
}

export function routeTypeName(type: number): string {
  return ROUTE_TYPES.find(([, number]) => number === type)?.[0] ?? String(type);
}

/** `nexthop`, and everything behind it. */
function readNexthop(words: Words, draft: RouteDraft): void {
  const nexthop = { gw: 0, dev: '', weight: 1, onlink: false };
  while (['via', 'dev', 'weight', 'onlink'].includes(words.next)) {
    const word = words.take();
    if (word === 'via') nexthop.gw = readAddress(words.value(word, 'an address'), 'a gateway');
    if (word === 'dev') nexthop.dev = readDevice(words.value(word, 'a link'));
    if (word === 'weight') nexthop.weight = readNumber(words.value(word, 'a weight'), 'a weight', 256, 1);
    if (word === 'onlink') nexthop.onlink = true;
  }
  draft.nexthops = [...draft.nexthops, nexthop];
}

interface RouteDraft extends Draft<RouteChange> {
  hasDst: boolean;
  hasTable: boolean;
  hasVia: boolean;
}

const readMetric: Option<RouteDraft>['read'] = (words, draft, word) => {
  draft.metric = readNumber(words.value(word, 'a number'), 'a metric', U32);
};
const readRouteTos: Option<RouteDraft>['read'] = (words, draft, word) => {
  draft.tos = readDsfield(words.value(word, 'a dsfield'));
};
const readRouteDev: Option<RouteDraft>['read'] = (words, draft, word) => {
  draft.dev = readDevice(words.value(word, 'a link'));
};

const ROUTE: readonly Option<RouteDraft>[] = [
  exact('src', (words, draft) => {
    draft.prefsrc = readAddress(words.value('src', 'an address'), 'a source address');
  }),
  exact('via', (words, draft) => {
    if (words.next === 'inet') words.take();
    draft.gw = readAddress(words.value('via', 'an address'), 'a gateway');
    draft.hasVia = true;
  }),
  exact('tos', readRouteTos),
  short('dsfield', readRouteTos),
  short('metric', readMetric),
  short('priority', readMetric),
  exact('preference', readMetric),
  exact('scope', (words, draft) => {
    draft.scope = readName(words.value('scope', 'a scope'), SCOPES, 'a scope', U8);
  }),
  exact('onlink', (_, draft) => {
    draft.onlink = true;
  }),
  short('protocol', (words, draft, word) => {
    draft.protocol = readName(words.value(word, 'a protocol'), ROUTE_PROTOCOLS, 'a routing protocol', U8);
  }),
  short('table', (words, draft, word) => {
    draft.table = readTable(words.value(word, 'a table'));
    draft.hasTable = true;
  }),
  exact('dev', readRouteDev),
  exact('oif', readRouteDev),
  exact('nexthop', readNexthop),
  exact('to', (words, draft) => readDestination(words.value('to', 'a prefix'), words, draft)),
  ...refused<RouteDraft>(
    'from',
    'as',
    'mtu',
    'hoplimit',
    'advmss',
    'reordering',
    'rtt',
    'rto_min',
    'window',
    'cwnd',
    'initcwnd',
  ),
  ...refused<RouteDraft>(
    'initrwnd',
    'features',
    'quickack',
    'congctl',
    'rttvar',
    'ssthresh',
    'realms',
    'realm',
    'nhid',
  ),
  ...refused<RouteDraft>('pref', 'encap', 'ttl-propagate', 'fastopen_no_cookie', 'expires', 'vrf', 'nat', 'xresolve'),
];

function readDestination(first: string, words: Words, draft: RouteDraft): void {
  const type = /^[0-9]/.test(first) ? RTN_UNSPEC : routeType(first);
  const word = type === RTN_UNSPEC ? first : words.value(first, 'a prefix');
  if (type !== RTN_UNSPEC) draft.type = type;
  if (draft.hasDst) wrong(`"${word}" is a second destination; write one prefix a command`);
  if (type === RTN_UNSPEC && !/^[0-9]/.test(word) && !['default', 'any', 'all'].includes(word))
    unknown(word, words, ROUTE);
  const { address, length } = readPrefix(word, 'a destination');
  draft.dst = address;
  draft.plen = length;
  draft.hasDst = true;
}

function parseRouteChange(op: RouteChange['op'], words: Words): HostCommand {
  const deletes = op === 'del';
  const draft: RouteDraft = {
    kind: 'route',
    op,
    table: RT_TABLE_MAIN,
    type: deletes ? RTN_UNSPEC : RTN_UNICAST,
    dst: 0,
    plen: 0,
    tos: 0,
    gw: 0,
    dev: '',
    prefsrc: 0,
    scope: -1,
    metric: 0,
    onlink: false,
    protocol: deletes ? RTPROT_UNSPEC : RTPROT_BOOT,
    nexthops: [],
    hasDst: false,
    hasTable: false,
    hasVia: false,
  };
  readOptions(words, ROUTE, draft, readDestination);
  const { hasDst, hasTable, hasVia, ...read } = draft;
  // A gateway 0.0.0.0 is none to the kernel, but the tool does not narrow the scope.
  const isWide = hasVia && read.gw === 0 && read.scope < 0 && read.type === RTN_UNICAST && !deletes;
  const command: RouteChange = isWide ? { ...read, scope: RT_SCOPE_UNIVERSE } : read;
  if (command.nexthops.length === 1) wrong('one nexthop is a route of one path; write via and dev without "nexthop"');
  if (command.nexthops.length > 0 && (command.gw !== 0 || command.dev !== '' || deletes))
    wrong(
      `"nexthop" of "${words.command}" stands for via and dev; leave them out${deletes ? ', and the nexthops of a route to be deleted, too' : ''}`,
    );
  if (!hasDst) wrong(`"${words.command}" needs a destination: ${words.command} default via 10.0.0.254`);
  const ofLocalTable = [RTN_LOCAL, RTN_BROADCAST, RTN_ANYCAST].includes(command.type);
  return !hasTable && ofLocalTable ? { ...command, table: RT_TABLE_LOCAL } : command;
}

function parseRouteFlush(words: Words): HostCommand {
  const word = words.value(words.command, 'table TABLE, or cache');
  if (fits(word, 'cached', true)) return { kind: 'sysctl', key: 'net.ipv4.route.flush', values: [1] };
  if (!fits(word, 'table', true))
    wrong(`"${word}" is not a word of "ip route flush" that is modelled; write table TABLE, or cache`);
  const table = words.value(word, 'a table');
  if (!words.done) wrong(`"${words.next}" is not modelled in "ip route flush"; it takes table TABLE alone`);
  if (table === 'cache') return { kind: 'sysctl', key: 'net.ipv4.route.flush', values: [1] };
  return { kind: 'route flush', table: readTable(table) };
}

// ip rule

type RuleDraft = Draft<FibRule>;

const readPref: Option<RuleDraft>['read'] = (words, draft, word) => {
  draft.pref = readNumber(words.value(word, 'a number'), 'a preference', U32);
};
const readRuleTos: Option<RuleDraft>['read'] = (words, draft, word) => {
  draft.tos = readDsfield(words.value(word, 'a dsfield'));
};
const readRuleTable: Option<RuleDraft>['read'] = (words, draft, word) => {
  draft.table = readTable(words.value(word, 'a table'));
};
const readIif: Option<RuleDraft>['read'] = (words, draft, word) => {
  draft.iifname = readDevice(words.value(word, 'a link'));
};
const readSuppress: Option<RuleDraft>['read'] = (words, draft, word) => {
  draft.suppress_prefixlen = readNumber(words.value(word, 'a prefix length'), 'a prefix length', 32);
};

function readPortRange(words: Words, option: string): [first: number, last: number] {
  const word = words.value(option, 'a port or FIRST-LAST');
  const [first = '', last = first, more] = word.split('-');
  if (more !== undefined) wrong(`"${word}" is not a range of ports; write FIRST-LAST`);
  return [readNumber(first, 'a port', U16), readNumber(last, 'a port', U16)];
}

const RULE: readonly Option<RuleDraft>[] = [
  exact('not', (_, draft) => {
    draft.invert = true;
  }),
  exact('from', (words, draft) => {
    const { address, length } = readPrefix(words.value('from', 'a prefix'), 'a prefix');
    draft.src = address;
    draft.src_len = length;
  }),
  exact('to', (words, draft) => {
    const { address, length } = readPrefix(words.value('to', 'a prefix'), 'a prefix');
    draft.dst = address;
    draft.dst_len = length;
  }),
  short('preference', readPref),
  short('order', readPref),
  short('priority', readPref),
  exact('tos', readRuleTos),
  short('dsfield', readRuleTos),
  exact('fwmark', (words, draft) => {
    const [mark = '', mask] = words.value('fwmark', 'MARK or MARK/MASK').split('/', 2);
    draft.mark = readNumber(mark, 'a mark', U32);
    // The kernel compares all bits of a mark other than 0 when no mask is given, and none of 0.
    draft.mark_mask = mask === undefined ? (draft.mark === 0 ? 0 : U32) : readNumber(mask, 'a mask', U32);
  }),
  short('protocol', (words, draft, word) => {
    draft.protocol = readName(words.value(word, 'a protocol'), ROUTE_PROTOCOLS, 'a routing protocol', U8);
  }),
  short('tun_id', (words) =>
    wrong(`"tun_id" of "${words.command}" is not modelled; leave it out, or write "table" in full`),
  ),
  short('table', readRuleTable),
  exact('lookup', readRuleTable),
  exact('suppress_prefixlength', readSuppress),
  exact('sup_pl', readSuppress),
  exact('iif', readIif),
  exact('dev', readIif),
  exact('oif', (words, draft) => {
    draft.oifname = readDevice(words.value('oif', 'a link'));
  }),
  exact('uidrange', (words, draft) => {
    const word = words.value('uidrange', 'FIRST-LAST');
    const [first = '', last, more] = word.split('-');
    if (last === undefined || more !== undefined)
      wrong(`"${word}" is not a range of users; write FIRST-LAST, such as ${first}-${first}`);
    draft.uid_start = readNumber(first, 'a user', U32);
    draft.uid_end = readNumber(last, 'a user', U32);
    if (draft.uid_start > draft.uid_end) wrong(`"${word}" is not a range of users; write the smaller number first`);
  }),
  exact('ipproto', (words, draft) => {
    draft.ip_proto = readIpProtocol(words.value('ipproto', 'a protocol'));
  }),
  exact('sport', (words, draft) => {
    [draft.sport_start, draft.sport_end] = readPortRange(words, 'sport');
  }),
  exact('dport', (words, draft) => {
    [draft.dport_start, draft.dport_end] = readPortRange(words, 'dport');
  }),
  exact('goto', (words, draft) => {
    draft.action = FR_ACT_GOTO;
    draft.target = readNumber(words.value('goto', 'a preference'), 'a preference', U32);
  }),
  short('nop', (_, draft) => {
    draft.action = FR_ACT_NOP;
  }),
  exact('type', (words, draft) => readAction(words.value('type', 'an action'), words, draft)),
  exact('l3mdev', (_, draft) => {
    draft.l3mdev = true;
  }),
  ...refused<RuleDraft>('suppress_ifgroup', 'sup_group', 'realms', 'realm', 'nat', 'map-to', 'masquerade'),
];

const ACTIONS: Names = [
  ['blackhole', FR_ACT_BLACKHOLE],
  ['unreachable', FR_ACT_UNREACHABLE],
  ['prohibit', FR_ACT_PROHIBIT],
  ['unicast', FR_ACT_TO_TBL],
];

function readAction(word: string, words: Words, draft: RuleDraft): void {
  const action = ACTIONS.find(([name]) => fits(word, name, true));
  if (action === undefined) {
    wrong(
      `"${word}" is not a word of "${words.command}"; it takes ${taken(RULE)}, ${ACTIONS.map(([name]) => name).join(', ')}`,
    );
  }
  draft.action = action[1];
}

function parseRuleChange(act: 'rule add' | 'rule del', words: Words): HostCommand {
  if (words.done) wrong(`"${words.command}" needs a selector or an action: ${words.command} fwmark 100 table 100`);
  const rule: RuleDraft = { ...NO_RULE, table: -1 };
  readOptions(words, RULE, rule, readAction);
  const looksUp = act === 'rule add' && rule.action === FR_ACT_UNSPEC;
  if (looksUp) rule.action = FR_ACT_TO_TBL;
  // A rule with another action is given no table.
  if (rule.table < 0) rule.table = looksUp && !rule.l3mdev ? RT_TABLE_MAIN : RT_TABLE_UNSPEC;
  if (rule.l3mdev && rule.table > 0) wrong('table can not be specified for l3mdev rules');
  if (rule.l3mdev && rule.invert) wrong('"not" with "l3mdev" is not modelled; leave it out');
  return { kind: act, rule };
}

// ip xfrm policy

const XFRM_ACTIONS: Names = [
  ['allow', XFRM_POLICY_ALLOW],
  ['block', XFRM_POLICY_BLOCK],
];

interface PolicyDraft extends Draft<XfrmPolicy> {
  dir: string;
}

const readPolicyPort = (words: Words, option: string): number =>
  readNumber(words.value(option, 'a port'), 'a port', U16);

const POLICY: readonly Option<PolicyDraft>[] = [
  exact('src', (words, draft) => {
    const { address, length } = readPrefix(words.value('src', 'a prefix'), 'a prefix');
    draft.saddr = address;
    draft.prefixlen_s = length;
  }),
  exact('dst', (words, draft) => {
    const { address, length } = readPrefix(words.value('dst', 'a prefix'), 'a prefix');
    draft.daddr = address;
    draft.prefixlen_d = length;
  }),
  exact('proto', (words, draft) => {
    draft.proto = readIpProtocol(words.value('proto', 'a protocol'));
  }),
  exact('sport', (words, draft) => {
    draft.sport = readPolicyPort(words, 'sport');
  }),
  exact('dport', (words, draft) => {
    draft.dport = readPolicyPort(words, 'dport');
  }),
  exact('dir', (words, draft) => {
    draft.dir = words.value('dir', 'out');
    if (draft.dir !== 'out') wrong(`policies of direction "${draft.dir}" are not modelled; write dir out`);
  }),
  exact('action', (words, draft) => {
    draft.action = readName(words.value('action', 'allow or block'), XFRM_ACTIONS, 'an action', 1);
  }),
  exact('priority', (words, draft) => {
    draft.priority = readNumber(words.value('priority', 'a number'), 'a priority', U32);
  }),
  exact('tmpl', (words, draft) => {
    draft.tmpl = true;
    if (words.done) wrong('"tmpl" ends the command, and a word such as "proto esp" must follow it');
    while (!words.done) {
      const option = words.take();
      if (!['src', 'dst', 'proto', 'mode', 'reqid', 'spi'].includes(option))
        wrong(`"${option}" is not a word of a template that is modelled; it takes src, dst, proto, mode, reqid, spi`);
      words.value(option, 'a value');
    }
  }),
  ...refused<PolicyDraft>('index', 'flag', 'limit', 'ptype', 'mark', 'dev', 'if_id', 'offload', 'ctx', 'sel'),
];

function parsePolicyAdd(words: Words): HostCommand {
  const draft: PolicyDraft = { ...NO_POLICY, priority: 0, dir: '' };
  readOptions(words, POLICY, draft, (word) => unknown(word, words, POLICY));
  const { dir, ...policy } = draft;
  if (dir === '') wrong(`"${words.command}" needs a direction; write dir out`);
  if ((policy.sport !== 0 || policy.dport !== 0) && ![0, 6, 17, 33, 132].includes(policy.proto))
    wrong(`ports of "${words.command}" need a protocol that has them; write proto tcp or udp`);
  return { kind: 'xfrm policy add', policy };
}

/** `ip xfrm policy …`; associations are not modelled. */
function parseXfrm(object: string, words: readonly string[]): HostCommand {
  const [verb = '', ...rest] = words;
  if (!fits(object, 'policy', true)) wrong(`"ip xfrm ${object}" is not modelled; associations are taken to exist`);
  if (fits(verb, 'add', true)) return parsePolicyAdd(new Words('ip xfrm policy add', rest));
  if (fits(verb, 'flush', true) && rest.length === 0) return { kind: 'xfrm policy flush' };
  return wrong(`"ip xfrm policy ${verb}" is not modelled; it takes add, flush`);
}

// ip

/** Objects in iproute2's order, so that `ip r` is route and `ip a` is address. */
const OBJECTS = ['address', 'route', 'rule', 'link'];

type Verb = readonly [name: string, short: boolean, parse: ((words: Words) => HostCommand) | 'shows' | 'not modelled'];

const ROUTE_VERB =
  (op: RouteChange['op']) =>
  (words: Words): HostCommand =>
    parseRouteChange(op, words);

const VERBS: Readonly<Record<string, readonly Verb[]>> = {
  link: [
    ['add', true, parseLinkAdd],
    ['set', true, parseLinkSet],
    ['change', false, parseLinkSet],
    ['delete', true, (words) => ({ kind: 'link del', name: readOneDevice(words) })],
    ['show', true, 'shows'],
    ['list', true, 'shows'],
    ['lst', true, 'shows'],
  ],
  address: [
    ['add', true, (words) => parseAddrChange('addr add', words)],
    ['change', true, 'not modelled'],
    ['replace', true, 'not modelled'],
    ['delete', true, (words) => parseAddrChange('addr del', words)],
    ['show', true, 'shows'],
    ['lst', true, 'shows'],
    ['list', true, 'shows'],
    ['flush', true, (words) => ({ kind: 'addr flush', dev: readOneDevice(words) })],
  ],
  route: [
    ['add', true, ROUTE_VERB('add')],
    ['change', true, ROUTE_VERB('change')],
    ['chg', false, ROUTE_VERB('change')],
    ['replace', true, ROUTE_VERB('replace')],
    ['prepend', true, ROUTE_VERB('prepend')],
    ['append', true, ROUTE_VERB('append')],
    ['delete', true, ROUTE_VERB('del')],
    ['list', true, 'shows'],
    ['show', true, 'shows'],
    ['get', true, 'shows'],
    ['flush', true, parseRouteFlush],
  ],
  rule: [
    ['list', true, 'shows'],
    ['lst', true, 'shows'],
    ['show', true, 'shows'],
    ['add', true, (words) => parseRuleChange('rule add', words)],
    ['delete', true, (words) => parseRuleChange('rule del', words)],
    ['flush', true, (words) => (words.done ? { kind: 'rule flush' } : wrong('"ip rule flush" takes no words'))],
  ],
};

/** Options of `ip` itself; only those that say "IPv4" do not change what a command means. */
function skipGlobalOptions(words: string[]): string[] {
  const [first = '', second = ''] = words;
  if (first === '-4') return skipGlobalOptions(words.slice(1));
  if (['-f', '-family', '--family'].includes(first) && second === 'inet') return skipGlobalOptions(words.slice(2));
  if (first.startsWith('-')) wrong(`"${first}" of "ip" is not modelled; -4 is the only option that may stand here`);
  return words;
}

/** Parses the words behind `ip`. */
export function parseIp(all: string[]): HostCommand {
  const [word = '', verb = '', ...rest] = skipGlobalOptions(all);
  if (word === 'xfrm') return parseXfrm(verb, rest);
  const object = OBJECTS.find((name) => fits(word, name, true));
  if (object === undefined)
    wrong(`"${word}" is not an object of "ip" that is modelled; write link, address, route, rule or xfrm`);
  const verbs = VERBS[object] ?? [];
  const found = verbs.find(([name, mayBeShort]) => fits(verb, name, mayBeShort));
  const changing = verbs.filter(([, , parse]) => typeof parse === 'function').map(([name]) => name);
  if (found === undefined) wrong(`"${verb}" is not a command of "ip ${object}"; it takes ${changing.join(', ')}`);
  const [name, , parse] = found;
  if (parse === 'shows') wrong(`"ip ${object} ${name}" changes nothing; leave it out of a host`);
  if (parse === 'not modelled') wrong(`"ip ${object} ${name}" is not modelled; it takes ${changing.join(', ')}`);
  return parse(new Words(`ip ${object} ${name === 'delete' ? 'del' : name}`, rest));
}

// printing

function nameOf(value: number, names: Names): string {
  return names.find(([, number]) => number === value)?.[0] ?? String(value);
}

function printLinkSet({ name, up, arp, mtu }: LinkSet): string {
  const words = ['ip link set', name];
  if (up >= 0) words.push(up === 1 ? 'up' : 'down');
  if (arp >= 0) words.push('arp', arp === 1 ? 'on' : 'off');
  if (mtu > 0) words.push('mtu', String(mtu));
  return words.join(' ');
}

function printAddr(command: Of<'addr add'>): string {
  const { local, peer, prefixlen, dev, scope, broadcast } = command;
  const length = prefixlen < 0 ? '' : `/${prefixlen}`;
  const words = ['ip', command.kind];
  if (peer === local) words.push(`${formatAddress(local)}${length}`);
  else words.push(formatAddress(local), 'peer', `${formatAddress(peer)}${length}`);
  if (broadcast !== 0) words.push('broadcast', formatAddress(broadcast));
  if (scope >= 0) words.push('scope', nameOf(scope, SCOPES));
  words.push('dev', dev);
  return words.join(' ');
}

/** A prefix, `default` when it covers everything. */
function printPrefix(address: number, length: number): string {
  return length === 0 && address === 0 ? 'default' : formatPrefix(address, length);
}

function printRoute(route: RouteChange): string {
  const usual = route.op === 'del' ? RTN_UNSPEC : RTN_UNICAST;
  const words = ['ip route', route.op];
  if (route.type !== usual) words.push(routeTypeName(route.type));
  words.push(printPrefix(route.dst, route.plen));
  if (route.gw !== 0) words.push('via', formatAddress(route.gw));
  if (route.dev !== '') words.push('dev', route.dev);
  if (route.prefsrc !== 0) words.push('src', formatAddress(route.prefsrc));
  const ofLocalTable = [RTN_LOCAL, RTN_BROADCAST, RTN_ANYCAST].includes(route.type);
  if (route.table !== (ofLocalTable ? RT_TABLE_LOCAL : RT_TABLE_MAIN)) words.push('table', formatTable(route.table));
  if (route.tos !== 0) words.push('tos', formatHex(route.tos));
  if (route.metric !== 0) words.push('metric', String(route.metric));
  if (route.scope >= 0) words.push('scope', nameOf(route.scope, SCOPES));
  if (route.onlink) words.push('onlink');
  if (route.protocol !== (route.op === 'del' ? RTPROT_UNSPEC : RTPROT_BOOT))
    words.push('proto', nameOf(route.protocol, ROUTE_PROTOCOLS));
  for (const { gw, dev, weight, onlink } of route.nexthops) {
    words.push('nexthop');
    if (gw !== 0) words.push('via', formatAddress(gw));
    if (dev !== '') words.push('dev', dev);
    if (weight !== 1) words.push('weight', String(weight));
    if (onlink) words.push('onlink');
  }
  return words.join(' ');
}

function printMark(mark: number, mask: number): string {
  return mask === (mark === 0 ? 0 : U32) ? String(mark) : `${mark}/${formatHex(mask)}`;
}

function printRange(first: number, last: number): string {
  return first === last ? String(first) : `${first}-${last}`;
}

function printRule(command: RuleChange): string {
  const { rule } = command;
  const adds = command.kind === 'rule add';
  const words: string[] = ['ip', command.kind];
  if (rule.invert) words.push('not');
  if (rule.src_len !== 0 || rule.src !== 0) words.push('from', formatPrefix(rule.src, rule.src_len));
  if (rule.dst_len !== 0 || rule.dst !== 0) words.push('to', formatPrefix(rule.dst, rule.dst_len));
  if (rule.mark !== 0 || rule.mark_mask !== 0) words.push('fwmark', printMark(rule.mark, rule.mark_mask));
  if (rule.tos !== 0) words.push('tos', formatHex(rule.tos));
  if (rule.iifname !== '') words.push('iif', rule.iifname);
  if (rule.oifname !== '') words.push('oif', rule.oifname);
  if (rule.uid_start <= rule.uid_end) words.push('uidrange', `${rule.uid_start}-${rule.uid_end}`);
  if (rule.ip_proto !== 0) words.push('ipproto', formatProtocol(rule.ip_proto));
  if (rule.sport_start !== 0 || rule.sport_end !== 0) words.push('sport', printRange(rule.sport_start, rule.sport_end));
  if (rule.dport_start !== 0 || rule.dport_end !== 0) words.push('dport', printRange(rule.dport_start, rule.dport_end));
  if (rule.pref >= 0) words.push('pref', String(rule.pref));
  if (rule.protocol !== RTPROT_UNSPEC) words.push('proto', nameOf(rule.protocol, ROUTE_PROTOCOLS));
  if (rule.suppress_prefixlen >= 0) words.push('suppress_prefixlength', String(rule.suppress_prefixlen));
  const looksUp = rule.action === FR_ACT_TO_TBL || rule.action === FR_ACT_UNSPEC;
  const usualTable = adds && looksUp && !rule.l3mdev ? RT_TABLE_MAIN : RT_TABLE_UNSPEC;
  if (rule.l3mdev) words.push('l3mdev');
  if (rule.table !== usualTable || (adds && looksUp && !rule.l3mdev)) words.push('table', formatTable(rule.table));
  if (rule.action === FR_ACT_GOTO) words.push('goto', String(rule.target));
  else if (rule.action === FR_ACT_NOP) words.push('nop');
  else if (!looksUp || (!adds && rule.action === FR_ACT_TO_TBL)) words.push(nameOf(rule.action, ACTIONS));
  if (words.length === 2) words.push('from', 'all');
  return words.join(' ');
}

function printPolicy(policy: XfrmPolicy): string {
  const words = ['ip xfrm policy add'];
  words.push(
    'src',
    formatPrefix(policy.saddr, policy.prefixlen_s),
    'dst',
    formatPrefix(policy.daddr, policy.prefixlen_d),
  );
  if (policy.proto !== 0) words.push('proto', formatProtocol(policy.proto));
  if (policy.sport !== 0) words.push('sport', String(policy.sport));
  if (policy.dport !== 0) words.push('dport', String(policy.dport));
  words.push('dir out');
  if (policy.action === XFRM_POLICY_BLOCK) words.push('action block');
  if (policy.priority !== 0) words.push('priority', String(policy.priority));
  if (policy.tmpl) words.push('tmpl proto esp');
  return words.join(' ');
}

type IpCommand = Exclude<HostCommand, { readonly kind: 'iptables' | 'sysctl' }>;

/** The command as an operator would type it. */
export function printIp(command: IpCommand): string {
  switch (command.kind) {
    case 'link add': {
      const mtu = command.mtu > 0 ? ` mtu ${command.mtu}` : '';
      const peer = command.peer === '' ? '' : ` peer name ${command.peer}`;
      const local = command.local === 0 ? '' : ` local ${formatAddress(command.local)}`;
      const remote = command.remote === 0 ? '' : ` remote ${formatAddress(command.remote)}`;
      return `ip link add ${command.name}${mtu} type ${command.type}${local}${remote}${peer}`;
    }
    case 'vrf add':
      return `ip link add ${command.name} type vrf table ${formatTable(command.table)}`;
    case 'link master':
      return `ip link set ${command.name} ${command.master === '' ? 'nomaster' : `master ${command.master}`}`;
    case 'link del':
      return `ip link del ${command.name}`;
    case 'link set':
      return printLinkSet(command);
    case 'addr add':
    case 'addr del':
      return printAddr(command);
    case 'addr flush':
      return `ip addr flush dev ${command.dev}`;
    case 'route':
      return printRoute(command);
    case 'route flush':
      return `ip route flush table ${formatTable(command.table)}`;
    case 'rule add':
    case 'rule del':
      return printRule(command);
    case 'rule flush':
      return 'ip rule flush';
    case 'xfrm policy add':
      return printPolicy(command.policy);
    case 'xfrm policy flush':
      return 'ip xfrm policy flush';
  }
}
