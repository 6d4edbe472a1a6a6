/** `ip route`. */
import type { HostCommand } from '../../model/types/host.ts';
import {
  RT_SCOPE_UNIVERSE,
  RT_TABLE_LOCAL,
  RT_TABLE_MAIN,
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
} from '../../model/types/route.ts';
import { wrong } from '../error.ts';
import { formatAddress, formatHex, formatPrefix, formatTable } from '../format.ts';
import { readAddress, readDevice, readNumber, readPrefix, U8, U32 } from '../words.ts';
import { nameOf, ROUTE_PROTOCOLS, readDsfield, readName, readTable, SCOPES } from './names.ts';
import {
  type Draft,
  decisive,
  exact,
  fits,
  harmless,
  type Of,
  type Option,
  readOptions,
  short,
  unknown,
} from './options.ts';
import { type HostWords, leaveOutAsked } from './reading.ts';

export type RouteChange = Of<'route'>;

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
function readNexthop(words: HostWords, draft: RouteDraft): void {
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
    draft.table = readTable(words.value(word, 'a table'), words.reading);
    draft.hasTable = true;
  }),
  exact('dev', readRouteDev),
  exact('oif', readRouteDev),
  exact('nexthop', readNexthop),
  exact('to', (words, draft) => readDestination(words.value('to', 'a prefix'), words, draft)),
  exact('vrf', (words, draft) => {
    const name = readDevice(words.value('vrf', 'a VRF'));
    draft.table = words.reading.tableOfVrf(name);
    draft.hasTable = true;
    if (draft.table < 0) wrong(`there is no VRF "${name}" here; write "table" and its table, or add the VRF before`);
  }),
  exact('mtu', (words) => {
    words.value('mtu', 'a size');
    if (words.next !== '' && !Number.isNaN(Number(words.next))) words.take();
    leaveOutAsked(words.reading, 'mtu', words.command, 'packets and the MSS would be as large as the link allows');
  }),
  exact('encap', (words) =>
    wrong(
      `"encap" of "${words.command}" is not modelled: the packet would leave in another one; write the route without it`,
    ),
  ),
  ...harmless<RouteDraft>(
    'it decides how fast TCP sends, not where',
    ...['reordering 1', 'rtt 1', 'rttvar 1', 'rto_min 1', 'window 1', 'cwnd 1', 'initcwnd 1', 'initrwnd 1'],
    ...['ssthresh 1', 'quickack 1', 'congctl 1'],
  ),
  ...harmless<RouteDraft>('it decides how far a packet goes', 'hoplimit 1', 'ttl-propagate 1'),
  ...harmless<RouteDraft>('it is counted by, and asked for by no rule of routing', 'realms 1', 'realm 1'),
  ...harmless<RouteDraft>('it concerns IPv6', 'pref 1', 'expires 1'),
  ...harmless<RouteDraft>(
    'it says what a machine has made of the route',
    ...['offload', 'rt_offload', 'rt_offload_failed', 'rt_trap', 'trap', 'pervasive'],
  ),
  ...decisive<RouteDraft>('the MSS would be that of the link', 'advmss 1'),
  ...decisive<RouteDraft>('a SYN would not ask for ECN', 'features 1'),
  ...decisive<RouteDraft>('Fast Open would need a cookie', 'fastopen_no_cookie 1'),
  ...decisive<RouteDraft>('the route would be for all sources', 'from 1'),
  ...decisive<RouteDraft>('the destination would stay as it is', 'as 1', 'nat 1', 'xresolve'),
  ...decisive<RouteDraft>('its nexthop is that of an object', 'nhid 1'),
];

function readDestination(first: string, words: HostWords, draft: RouteDraft): void {
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

export function parseRouteChange(op: RouteChange['op'], words: HostWords): HostCommand {
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

export function parseRouteFlush(words: HostWords): HostCommand {
  const word = words.value(words.command, 'table TABLE, or cache');
  if (fits(word, 'cached', true)) return { kind: 'sysctl', key: 'net.ipv4.route.flush', values: [1] };
  if (!fits(word, 'table', true))
    wrong(`"${word}" is not a word of "ip route flush" that is modelled; write table TABLE, or cache`);
  const table = words.value(word, 'a table');
  if (!words.done) wrong(`"${words.next}" is not modelled in "ip route flush"; it takes table TABLE alone`);
  if (table === 'cache') return { kind: 'sysctl', key: 'net.ipv4.route.flush', values: [1] };
  return { kind: 'route flush', table: readTable(table, words.reading) };
}

/** A prefix, `default` when it covers everything. */
function printPrefix(address: number, length: number): string {
  return length === 0 && address === 0 ? 'default' : formatPrefix(address, length);
}

export function printRoute(route: RouteChange): string {
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
