/**
 * `ip link`, `ip address`, `ip route` and `ip rule` as iproute2 reads them, with its abbreviations, synonyms and defaults.
 *
 * Observed: iproute2 6.1.0, 2026-11-22: which words may be shortened and to what, and what is sent for those left out.
 */
import type { HostCommand } from '../../model/types/host.ts';
import { wrong } from '../error.ts';
import { formatTable } from '../format.ts';
import { Words } from '../words.ts';
import { parseAddrChange, printAddr } from './address.ts';
import { parseLinkAdd, parseLinkSet, printLinkAdd, printLinkSet, readOneDevice } from './link.ts';
import { fits } from './options.ts';
import { parseRouteChange, parseRouteFlush, printRoute, type RouteChange } from './route.ts';
import { parseRuleChange, printRule } from './rule.ts';
import { parseXfrm, printPolicy } from './xfrm.ts';

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

type IpCommand = Exclude<HostCommand, { readonly kind: 'iptables' | 'sysctl' }>;

/** The command as an operator would type it. */
export function printIp(command: IpCommand): string {
  switch (command.kind) {
    case 'link add':
      return printLinkAdd(command);
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
