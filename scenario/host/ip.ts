/**
 * `ip` with its objects as iproute2 reads them, with its abbreviations, synonyms and defaults.
 *
 * Observed: iproute2 6.1.0, 2026-11-22: which words may be shortened and to what, and what is sent for those left out.
 */
import type { HostCommand } from '../../model/types/host.ts';
import { wrong } from '../error.ts';
import { formatTable } from '../format.ts';
import { parseAddrChange, printAddr } from './address.ts';
import {
  parseLinkAdd,
  parseLinkSet,
  parseTunnelAdd,
  parseTuntapAdd,
  parseTuntapDel,
  printLinkAdd,
  printLinkSet,
  printVrfAdd,
  readOneDevice,
} from './link.ts';
import { fits } from './options.ts';
import { HostWords, type Reading } from './reading.ts';
import { parseRouteChange, parseRouteFlush, printRoute, type RouteChange } from './route.ts';
import { parseRuleChange, printRule } from './rule.ts';
import { parseXfrm, printPolicy } from './xfrm.ts';

type Parse = (words: HostWords) => HostCommand | readonly HostCommand[];

/** `shows` and `not modelled` stand for what changes nothing and for what the model does not have. */
type Verb = readonly [name: string, short: boolean, parse: Parse | 'shows' | 'not modelled'];

const ROUTE_VERB =
  (op: RouteChange['op']): Parse =>
  (words) =>
    parseRouteChange(op, words);

const SHOWS: readonly Verb[] = [
  ['list', true, 'shows'],
  ['lst', true, 'shows'],
  ['show', true, 'shows'],
];

/** Objects in iproute2's order, so that `ip r` is route and `ip a` is address; each with what can be done to it. */
const OBJECTS: readonly (readonly [name: string, verbs: readonly Verb[]])[] = [
  [
    'address',
    [
      ['add', true, (words) => parseAddrChange('addr add', words)],
      ['change', true, (words) => parseAddrChange('addr replace', words)],
      ['chg', false, (words) => parseAddrChange('addr replace', words)],
      ['replace', true, (words) => parseAddrChange('addr replace', words)],
      ['delete', true, (words) => parseAddrChange('addr del', words)],
      ...SHOWS,
      ['flush', true, (words) => ({ kind: 'addr flush', dev: readOneDevice(words) })],
    ],
  ],
  [
    'route',
    [
      ['add', true, ROUTE_VERB('add')],
      ['change', true, ROUTE_VERB('change')],
      ['chg', false, ROUTE_VERB('change')],
      ['replace', true, ROUTE_VERB('replace')],
      ['prepend', true, ROUTE_VERB('prepend')],
      ['append', true, ROUTE_VERB('append')],
      ['delete', true, ROUTE_VERB('del')],
      ...SHOWS,
      ['get', true, 'shows'],
      ['flush', true, parseRouteFlush],
    ],
  ],
  [
    'rule',
    [
      ...SHOWS,
      ['add', true, (words) => parseRuleChange('rule add', words)],
      ['delete', true, (words) => parseRuleChange('rule del', words)],
      ['flush', true, (words) => (words.done ? { kind: 'rule flush' } : wrong('nothing may follow "ip rule flush"'))],
    ],
  ],
  [
    'link',
    [
      ['add', true, parseLinkAdd],
      ['set', true, parseLinkSet],
      ['change', false, parseLinkSet],
      ['delete', true, (words) => ({ kind: 'link del', name: readOneDevice(words) })],
      ...SHOWS,
    ],
  ],
  [
    'tunnel',
    [
      ['add', true, parseTunnelAdd],
      ['change', true, 'not modelled'],
      ['delete', true, (words) => ({ kind: 'link del', name: readOneDevice(words) })],
      ...SHOWS,
    ],
  ],
  ['tuntap', [['add', true, parseTuntapAdd], ['delete', true, parseTuntapDel], ...SHOWS]],
  ['neighbour', SHOWS],
];

/** Options of `ip` itself that change how it prints, not what it does. */
const PRINTING = /^-(4|d|details|o|oneline|j|json|p|pretty|br|brief|s|stats|statistics|n|N|Numeric|c|color|t|r|h|iec)$/;

/** The words behind the options of `ip` itself. */
function skipGlobalOptions(words: readonly string[]): readonly string[] {
  const [first = '', second = ''] = words;
  if (PRINTING.test(first)) return skipGlobalOptions(words.slice(1));
  if (['-f', '-family', '--family'].includes(first) && second === 'inet') return skipGlobalOptions(words.slice(2));
  if (first.startsWith('-')) wrong(`"${first}" of "ip" is not modelled; -4 is the only option that may stand here`);
  return words;
}

/** What the words behind `ip` are about: the object and the verb in full, the verb '' for one that shows, and what follows. */
interface IpWords {
  readonly object: string;
  readonly verb: Verb;
  readonly rest: readonly string[];
}

export function readIp(all: readonly string[]): IpWords {
  const [word = '', verb = '', ...rest] = skipGlobalOptions(all);
  const found = OBJECTS.find(([name]) => fits(word, name, true));
  if (found === undefined)
    wrong(
      `"${word}" is not an object of "ip" that is modelled; write link, address, route, rule, tunnel, tuntap or xfrm`,
    );
  const [object, verbs] = found;
  const changing = verbs.filter(([, , parse]) => typeof parse === 'function').map(([name]) => name);
  const known = verb === '' ? (SHOWS[0] as Verb) : verbs.find(([name, mayBeShort]) => fits(verb, name, mayBeShort));
  if (known === undefined) wrong(`"${verb}" is not a command of "ip ${object}"; it takes ${changing.join(', ')}`);
  if (known[2] === 'not modelled') wrong(`"ip ${object} ${known[0]}" is not modelled; it takes ${changing.join(', ')}`);
  return { object, verb: known, rest };
}

/** Whether the words behind `ip` only show something. */
export function showsOnly(words: readonly string[]): boolean {
  const [object = ''] = skipGlobalOptions(words);
  return object !== 'xfrm' && readIp(words).verb[2] === 'shows';
}

/** Parses the words behind `ip`; one line can ask for several things. */
export function parseIp(all: readonly string[], reading: Reading): readonly HostCommand[] {
  const [word = '', object = '', ...behind] = skipGlobalOptions(all);
  if (word === 'xfrm') return [parseXfrm(object, behind, reading)];
  const { object: name, verb, rest } = readIp(all);
  const [full, , parse] = verb;
  if (typeof parse !== 'function') wrong(`"ip ${name} ${full}" changes nothing; leave it out of a host`);
  const made = parse(new HostWords(`ip ${name} ${full === 'delete' ? 'del' : full}`, rest, reading));
  return 'kind' in made ? [made] : made;
}

type IpCommand = Exclude<HostCommand, { readonly kind: 'iptables' | 'ipset' | 'conntrack' | 'sysctl' }>;

/** The command as an operator would type it. */
export function printIp(command: IpCommand): string {
  switch (command.kind) {
    case 'link add':
      return printLinkAdd(command);
    case 'vrf add':
      return printVrfAdd(command);
    case 'link master':
      return `ip link set ${command.name} ${command.master === '' ? 'nomaster' : `master ${command.master}`}`;
    case 'link del':
      return `ip link del ${command.name}`;
    case 'link set':
      return printLinkSet(command);
    case 'addr add':
    case 'addr replace':
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
