/**
 * The question and the answer of `ip route get`, in its words.
 *
 * Observed: iproute2 6.1.0 on Linux 6.18, 2026-11-22: order and form of what is printed, with and without -j and -o.
 */
import {
  NO_QUERY,
  type RouteAnswer,
  type RouteQuery,
  RTCF_BROADCAST,
  RTCF_LOCAL,
  RTCF_MULTICAST,
  RTN_UNICAST,
} from '../model/types/route.ts';
import { wrong } from './error.ts';
import { formatAddress, formatHex, formatTable } from './format.ts';
import { formatDsfield, readDsfield, readIpProtocol } from './host/names.ts';
import { routeTypeName } from './host/route.ts';
import { readAddress, readDevice, readNumber, readPrefix, splitWords, U16, U32, Words } from './words.ts';

type Draft = { -readonly [K in keyof RouteQuery]: RouteQuery[K] };
type Read = (words: Words, draft: Draft, word: string) => void;

const readTos: Read = (words, draft, word) => {
  draft.tos = readDsfield(words.value(word, 'a dsfield'));
};
const readOif: Read = (words, draft, word) => {
  draft.oif = readDevice(words.value(word, 'a link'));
};
const notModelled: Read = (_, __, word) => wrong(`"${word}" of "ip route get" is not modelled; leave it out`);

/** What it takes, in iproute2's order; those marked may be shortened. */
const OPTIONS: readonly (readonly [name: string, short: boolean, read: Read])[] = [
  ['tos', false, readTos],
  ['dsfield', true, readTos],
  [
    'from',
    true,
    (words, draft, word) => {
      draft.from = readAddress(words.value(word, 'an address').replace(/\/32$/, ''), 'a source address');
    },
  ],
  [
    'iif',
    true,
    (words, draft, word) => {
      draft.iif = readDevice(words.value(word, 'a link'));
    },
  ],
  [
    'mark',
    true,
    (words, draft, word) => {
      draft.mark = readNumber(words.value(word, 'a mark'), 'a mark', U32);
    },
  ],
  ['oif', true, readOif],
  ['dev', false, readOif],
  ['notify', true, notModelled],
  ['connected', true, notModelled],
  ['vrf', true, notModelled],
  [
    'uid',
    true,
    (words, draft, word) => {
      draft.uid = readNumber(words.value(word, 'a user'), 'a user', U32 - 1);
    },
  ],
  ['fibmatch', true, notModelled],
  ['as', false, notModelled],
  [
    'sport',
    false,
    (words, draft) => {
      draft.sport = readNumber(words.value('sport', 'a port'), 'a port', U16);
    },
  ],
  [
    'dport',
    false,
    (words, draft) => {
      draft.dport = readNumber(words.value('dport', 'a port'), 'a port', U16);
    },
  ],
  [
    'ipproto',
    false,
    (words, draft) => {
      draft.ipproto = readIpProtocol(words.value('ipproto', 'a protocol'));
    },
  ],
];

function readDestination(word: string): number {
  if (!/^[0-9]/.test(word) && !['default', 'any', 'all'].includes(word)) {
    const taken = OPTIONS.filter(([, , read]) => read !== notModelled).map(([name]) => name);
    wrong(`"${word}" is not a word of "ip route get"; it takes an address and ${taken.join(', ')}`);
  }
  const { address, length, given } = readPrefix(word, 'a destination');
  if (given && length !== 32 && address !== 0) wrong(`"${word}" is a prefix; write one address`);
  return address;
}

/** Parses the words behind `ip route get`. */
export function parseRouteGet(args: readonly string[]): RouteQuery {
  const words = new Words('ip route get', args);
  const draft: Draft = { ...NO_QUERY };
  let hasDestination = false;
  while (!words.done) {
    const word = words.take();
    const option = OPTIONS.find(([name, short]) => word === name || (short && word !== '' && name.startsWith(word)));
    if (option !== undefined) {
      option[2](words, draft, word);
    } else {
      const dst = readDestination(word === 'to' ? words.value('to', 'an address') : word);
      if (hasDestination) wrong(`"${word}" is a second destination; write one per query`);
      draft.dst = dst;
      hasDestination = true;
    }
  }
  if (!hasDestination) wrong('"ip route get" needs a destination; write an address such as 8.8.8.8');
  return draft;
}

/** Parses a line of a batch: the arguments, or the whole of `[ip] route get …`. */
export function parseRouteGetLine(line: string): RouteQuery {
  const words = splitWords(line);
  const rest = words[0] === 'ip' ? words.slice(1) : words;
  const isWhole =
    rest[0] !== undefined && 'route'.startsWith(rest[0]) && rest[1] !== undefined && 'get'.startsWith(rest[1]);
  return parseRouteGet(isWhole ? rest.slice(2) : rest);
}

/** `local`, `brd`, `mc` of the cache line. */
function cacheFlags(answer: RouteAnswer): string[] {
  const flags: readonly (readonly [number, string])[] = [
    [RTCF_LOCAL, 'local'],
    [RTCF_MULTICAST, 'mc'],
    [RTCF_BROADCAST, 'brd'],
  ];
  return flags.filter(([bit]) => (answer.rt_flags & bit) !== 0).map(([, name]) => name);
}

/** iproute2 takes the bit of a multicast route for that of a failed offload. */
function routeFlags(answer: RouteAnswer): string[] {
  return (answer.rt_flags & RTCF_MULTICAST) !== 0 ? ['rt_offload_failed'] : [];
}

/** The answer as `ip route get` prints it, in two lines; a refusal in one. */
export function printRouteAnswer(answer: RouteAnswer): string {
  if (answer.err !== 0) return answer.line;
  const words: string[] = [];
  if (answer.type !== RTN_UNICAST) words.push(routeTypeName(answer.type));
  words.push(formatAddress(answer.dst));
  if (answer.from !== 0) words.push('from', formatAddress(answer.from));
  if (answer.tos !== 0) words.push('tos', formatDsfield(answer.tos));
  if (answer.gateway !== 0) words.push('via', formatAddress(answer.gateway));
  words.push('dev', answer.dev);
  if (answer.table !== 0) words.push('table', formatTable(answer.table));
  if (answer.prefsrc !== 0) words.push('src', formatAddress(answer.prefsrc));
  words.push(...routeFlags(answer));
  if (answer.mark !== 0) words.push('mark', answer.mark >= 16 ? formatHex(answer.mark) : String(answer.mark));
  if (answer.uid >= 0) words.push('uid', String(answer.uid));
  const flags = cacheFlags(answer);
  const cache = ['    cache', ...(flags.length === 0 ? [] : [`<${flags.join(',')}>`])];
  if (answer.iif !== '') cache.push('iif', answer.iif);
  return `${words.join(' ')} \n${cache.join(' ')} `;
}

/** The same in one line, as `ip -o route get` prints it. */
export function printRouteAnswerLine(answer: RouteAnswer): string {
  return printRouteAnswer(answer).replace('\n', '\\');
}

/** The answer with the keys of `ip -j route get`; a refusal in the kernel's words. */
export function routeAnswerJson(answer: RouteAnswer): object {
  if (answer.err !== 0) return { error: answer.message };
  return {
    ...(answer.type === RTN_UNICAST ? {} : { type: routeTypeName(answer.type) }),
    dst: formatAddress(answer.dst),
    ...(answer.from === 0 ? {} : { from: formatAddress(answer.from) }),
    ...(answer.tos === 0 ? {} : { tos: formatDsfield(answer.tos) }),
    ...(answer.gateway === 0 ? {} : { gateway: formatAddress(answer.gateway) }),
    dev: answer.dev,
    ...(answer.table === 0 ? {} : { table: formatTable(answer.table) }),
    ...(answer.prefsrc === 0 ? {} : { prefsrc: formatAddress(answer.prefsrc) }),
    flags: routeFlags(answer),
    ...(answer.mark === 0 ? {} : { mark: answer.mark }),
    ...(answer.uid < 0 ? {} : { uid: answer.uid }),
    cache: cacheFlags(answer),
    ...(answer.iif === '' ? {} : { iif: answer.iif }),
  };
}
