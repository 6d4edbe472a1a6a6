/** What `ip route show` and `ip rule` print, as text or JSON. Observed: iproute2 6.1.0, 2026-11-28. */
import type { SourceLine } from '../shell.ts';
import { type Json, numberIn, recordsIn, textIn } from './json.ts';

/** A route or a rule, as the words behind `ip route append`, or behind `ip rule add`. */
export interface ListedWords {
  readonly from: SourceLine;
  readonly words: readonly string[];
}

// routes

const TYPES = 'unicast|local|broadcast|multicast|anycast|throw|unreachable|prohibit|blackhole|nat';
const PREFIX = String.raw`(?:default|\d+(?:\.\d+){0,3}(?:\/\d+)?)`;
const ROUTE = new RegExp(
  String.raw`^(?:(?:${TYPES})\s+)?${PREFIX}(?:\s*\\?\s*$|\s+(?:via|dev|table|proto|metric|scope|src|tos|dsfield|nhid|nexthop|onlink|initcwnd|mtu|\\))`,
);
const ROUTE_6 = new RegExp(
  String.raw`^(?:(?:${TYPES})\s+)?(?:[0-9a-f]*:[0-9a-f:.]*(?:\/\d+)?|default via [0-9a-f]*:)`,
  'i',
);
const NEXTHOP = /^\s+nexthop\s/;

/** Whether the line is a route; `inside` says that one stands before it. */
export function isRouteLine(text: string, inside: boolean): boolean {
  return ROUTE.test(text.trimStart()) || (inside && NEXTHOP.test(text));
}

export function isNexthopLine(text: string): boolean {
  return NEXTHOP.test(text);
}

/** Whether the line is a route of IPv6. */
export function isRoute6Line(text: string): boolean {
  return ROUTE_6.test(text.trim());
}

/** Whether the line answers `ip route get`. */
export function isRouteAnswer(text: string): boolean {
  return /^(\w+ )?\d+\.\d+\.\d+\.\d+ .* uid \d+\s*$/.test(text.trimStart());
}

/** Words of a listing that say how a route is, not what it is. */
const STATES = [
  'linkdown',
  'dead',
  'offload',
  'rt_offload',
  'rt_offload_failed',
  'rt_trap',
  'trap',
  'pervasive',
  'unresolved',
];
const STATES_WITH_VALUE = ['pref', 'expires', 'error', 'users', 'age', 'used', 'notify', 'hoplimit'];

/** The words of a route, with the scope that a listing leaves out. */
function routeWords(words: readonly string[]): readonly string[] {
  const kept: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] as string;
    if (STATES.includes(word)) continue;
    if (STATES_WITH_VALUE.includes(word)) at++;
    // The nexthops of an object stand behind its number.
    else if (word === 'nhid' && words.some((one) => one === 'via' || one === 'dev' || one === 'nexthop')) at++;
    else if (word === 'lock' && kept.at(-1) === 'mtu') continue;
    else kept.push(word);
  }
  const gateway = kept.includes('via') || kept.includes('nexthop');
  return kept.includes('scope') || gateway ? kept : [...kept, 'scope', 'global'];
}

/** The words of a route's line, and of the lines of its nexthops. */
export function readRoute(from: SourceLine, lines: readonly string[]): ListedWords {
  const words = lines.flatMap((text) => text.replaceAll('\\', ' ').trim().split(/\s+/));
  return { from, words: routeWords(words) };
}

function pushed(words: string[], name: string, value: string | number): void {
  if (value !== '' && value !== 0) words.push(name, String(value));
}

function nexthopWords(item: Json): string[] {
  const words: string[] = [];
  pushed(words, 'via', textIn(item, 'gateway'));
  pushed(words, 'dev', textIn(item, 'dev'));
  return words;
}

function flagWords(item: Json): string[] {
  return Array.isArray(item.flags) && item.flags.includes('onlink') ? ['onlink'] : [];
}

/** A route of `ip -j route`. */
export function readRouteJson(from: SourceLine, item: Json): ListedWords {
  const words: string[] = [];
  const type = textIn(item, 'type');
  if (type !== '') words.push(type);
  words.push(textIn(item, 'dst'));
  pushed(words, 'tos', textIn(item, 'tos'));
  if (textIn(item, 'gateway') === '' && textIn(item, 'dev') === '') pushed(words, 'nhid', textIn(item, 'nhid'));
  words.push(...nexthopWords(item));
  pushed(words, 'table', textIn(item, 'table'));
  pushed(words, 'proto', textIn(item, 'protocol'));
  pushed(words, 'scope', textIn(item, 'scope'));
  pushed(words, 'src', textIn(item, 'prefsrc'));
  pushed(words, 'metric', numberIn(item, 'metric', 0));
  words.push(...flagWords(item));
  for (const metrics of recordsIn(item, 'metrics')) {
    for (const [name, value] of Object.entries(metrics)) {
      const values = Array.isArray(value) ? value : [value];
      words.push(name, ...values.filter((one) => one !== 'lock').map(String));
    }
  }
  for (const nexthop of recordsIn(item, 'nexthops')) {
    words.push(
      'nexthop',
      ...nexthopWords(nexthop),
      'weight',
      String(numberIn(nexthop, 'weight', 1)),
      ...flagWords(nexthop),
    );
  }
  return { from, words: routeWords(words) };
}

export function isRouteJson(item: Json): boolean {
  return 'dst' in item && !('priority' in item) && !('ifname' in item);
}

/** Whether the object answers `ip -j route get`. */
export function isAnswerJson(item: Json): boolean {
  return 'uid' in item && 'cache' in item;
}

export function isRoute6Json(item: Json): boolean {
  return [textIn(item, 'dst'), textIn(item, 'gateway'), textIn(item, 'prefsrc')].some((word) => word.includes(':'));
}

// rules

const RULE = /^\s*(\d+):\s+((?:not\s+)?from\s.*)$/;

export function isRuleLine(text: string): boolean {
  return RULE.test(text);
}

const RULE_STATES = ['[detached]', '[unresolved]', '[l3mdev-table]'];

/** `32765: from all fwmark 0x64 lookup 100` as the words of `ip rule add`. */
export function readRule(from: SourceLine): ListedWords {
  const [, pref = '', rest = ''] = RULE.exec(from.text) ?? [];
  const all = rest.trim().split(/\s+/);
  const isMaster = all.includes('[l3mdev-table]');
  const words: string[] = ['pref', pref];
  for (let at = 0; at < all.length; at++) {
    const word = all[at] as string;
    if (RULE_STATES.includes(word) || (isMaster && word === 'lookup')) continue;
    if (word === 'proto' || word === 'realms') at++;
    else words.push(word);
  }
  return { from, words: isMaster ? [...words, 'l3mdev'] : words };
}

function rangeWords(item: Json, name: string): string {
  const start = textIn(item, `${name}_start`);
  return start === '' ? textIn(item, name) : `${start}-${textIn(item, `${name}_end`)}`;
}

/** A rule of `ip -j rule`. */
export function readRuleJson(from: SourceLine, item: Json): ListedWords {
  const words = ['pref', textIn(item, 'priority')];
  const prefix = (name: string, length: string) => {
    const address = textIn(item, name);
    const bits = textIn(item, length);
    return address === '' || bits === '' ? address : `${address}/${bits}`;
  };
  if ('not' in item) words.push('not');
  pushed(words, 'from', prefix('src', 'srclen'));
  pushed(words, 'to', prefix('dst', 'dstlen'));
  pushed(words, 'tos', textIn(item, 'tos'));
  const mark = textIn(item, 'fwmark');
  const mask = textIn(item, 'fwmask');
  pushed(words, 'fwmark', mask === '' ? mark : `${mark}/${mask}`);
  pushed(words, 'iif', textIn(item, 'iif'));
  pushed(words, 'oif', textIn(item, 'oif'));
  if ('l3mdev' in item) words.push('l3mdev');
  pushed(words, 'uidrange', rangeWords(item, 'uid'));
  pushed(words, 'ipproto', textIn(item, 'ipproto'));
  pushed(words, 'sport', rangeWords(item, 'sport'));
  pushed(words, 'dport', rangeWords(item, 'dport'));
  pushed(words, 'tun_id', textIn(item, 'tun_id'));
  pushed(words, 'table', textIn(item, 'table'));
  if ('suppress_prefixlen' in item) words.push('suppress_prefixlength', textIn(item, 'suppress_prefixlen'));
  pushed(words, 'suppress_ifgroup', textIn(item, 'suppress_ifgroup'));
  pushed(words, 'goto', textIn(item, 'goto'));
  if ('nop' in item) words.push('nop');
  const action = textIn(item, 'action');
  if (action !== '' && action !== 'unicast') words.push(action);
  return { from, words };
}

export function isRuleJson(item: Json): boolean {
  return 'priority' in item && 'src' in item;
}
