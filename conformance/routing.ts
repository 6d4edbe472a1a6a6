/**
 * Random hosts and `ip route get` questions about them: every selector of a rule, every type, scope and metric of a
 * route and every kind of address that the model knows, in a world small enough that they meet.
 */
import { hostCommand } from '../model/host/commands.ts';
import { newHost } from '../model/host/step.ts';
import { inet_rtm_getroute } from '../model/kernel/net/ipv4/route.ts';
import type { Kernel, World } from '../model/types/world.ts';
import { below, chance, oneOf, type WordSource } from '../scenario/random.ts';
import { parseRouteGetLine, routeAnswerJson } from '../scenario/routeGet.ts';
import { commandOf, type Text } from '../scenario/text.ts';
import { withHashKey } from './choices.ts';
import type { RouteAnswers, SetupRefusal } from './running/player.ts';

/** A routing case is told as a scenario whose events are questions. */
export const QUESTION = 'route get ';

const LINKS = ['eth0', 'eth1', 'eth2'] as const;

/** Networks of the links; the second belongs to several. */
const NETWORKS = ['10.0.0.', '10.1.0.', '192.168.1.'] as const;
const FAR = ['8.8.8.8', '9.9.9.9', '192.0.2.1', '10.2.0.1', '10.0.1.1', '1.2.3.4'] as const;
const SPECIAL = [
  '127.0.0.1',
  '127.0.0.5',
  '224.0.0.1',
  '224.0.0.5',
  '239.1.2.3',
  '255.255.255.255',
  '0.0.0.0',
] as const;
const TABLES = ['100', '100', '200', 'main', 'local', 'default'] as const;

/** Values of a TOS that the reference release and its successors treat alike: see excluded.ts. */
const TOS = ['0x10', '0x08', '0x04', '0x18', '0x1c'] as const;
const MARKS = ['100', '0x64/0xff', '0x164', '200', '0/0xff', '0x4/0x4', '0'] as const;
const METRICS = ['10', '20', '100'] as const;
const GROUPS = ['5', '6', '0'] as const;
const LENGTHS = [24, 24, 24, 16, 30, 31, 32, 8, 25] as const;

/** An address of one of the links' networks. */
function near(words: WordSource): string {
  return `${oneOf(words, NETWORKS)}${oneOf(words, [1, 2, 254, 7, 9, 255, 0, 129])}`;
}

/** Any address that a packet may go to or come from. */
function anyAddress(words: WordSource): string {
  const kind = below(words, 8);
  return kind < 4 ? near(words) : kind < 7 ? oneOf(words, FAR) : oneOf(words, SPECIAL);
}

/** A prefix without bits behind its length. */
function network(address: string, length: number): string {
  const bits = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const kept = length === 0 ? 0 : bits - (bits % 2 ** (32 - length));
  const parts = [24, 16, 8, 0].map((shift) => Math.floor(kept / 2 ** shift) % 256);
  return length === 32 && parts.join('.') !== '0.0.0.0' ? parts.join('.') : `${parts.join('.')}/${length}`;
}

/** A network that addresses of the links lie in. */
function nearPrefix(words: WordSource): string {
  return network(near(words), oneOf(words, [24, 16, 8, 25, 30, 31]));
}

function anyPrefix(words: WordSource): string {
  const length = oneOf(words, [24, 32, 16, 8, 25, 0, 31, 1]);
  return length === 0 ? 'default' : network(anyAddress(words), length);
}

function link(words: WordSource): string {
  return oneOf(words, LINKS);
}

/** An option in one case of `of`. */
function perhaps(words: WordSource, of: number, option: (words: WordSource) => string): readonly string[] {
  return chance(words, 1, of) ? [option(words)] : [];
}

function drawAddress(words: WordSource, dev: string, home: string): string {
  const address = chance(words, 1, 4) ? near(words) : `${home}${oneOf(words, [1, 2, 7, 129])}`;
  const length = oneOf(words, LENGTHS);
  const peer = chance(words, 1, 10);
  return [
    `ip addr add ${address}`,
    peer
      ? ` peer ${chance(words, 1, 2) ? near(words) : oneOf(words, FAR)}/${oneOf(words, [32, 24, 30])}`
      : `/${length}`,
    ` dev ${dev}`,
    ...perhaps(words, 6, () => ` scope ${oneOf(words, ['link', 'host', 'site', '100', 'global'])}`),
    ...perhaps(words, 6, () => ` brd ${oneOf(words, ['+', '10.0.0.255', '10.9.9.9'])}`),
    ...perhaps(words, 8, () => ` metric ${oneOf(words, METRICS)}`),
    ...perhaps(words, 8, () => ' noprefixroute'),
  ].join('');
}

function drawRoute(words: WordSource): string {
  const op = chance(words, 1, 3) ? oneOf(words, ['append', 'prepend', 'replace', 'change', 'del']) : 'add';
  const kind = below(words, 10);
  const type =
    kind < 6
      ? ''
      : oneOf(words, [
          'blackhole',
          'unreachable',
          'prohibit',
          'throw',
          'local',
          'broadcast',
          'multicast',
          'anycast',
          'unicast',
        ]);
  const noNexthop = ['blackhole', 'unreachable', 'prohibit', 'throw'].includes(type);
  const parts = ['ip route', op, ...(type === '' ? [] : [type]), anyPrefix(words)];
  if (!noNexthop || chance(words, 1, 16)) {
    const via = !['local', 'broadcast', 'anycast'].includes(type) && chance(words, 2, 3);
    if (via) parts.push(`via ${chance(words, 1, 8) ? anyAddress(words) : near(words)}`);
    if (!via || chance(words, 1, 3)) parts.push(`dev ${chance(words, 1, 12) ? 'lo' : link(words)}`);
    parts.push(...perhaps(words, 3, () => `src ${near(words)}`));
    parts.push(
      ...perhaps(words, 8, () => `scope ${oneOf(words, ['link', 'host', 'global', 'site', 'nowhere', '100'])}`),
    );
    parts.push(...perhaps(words, 10, () => 'onlink'));
  }
  parts.push(...perhaps(words, 4, () => `metric ${oneOf(words, ['10', '20', '0', '4294967295'])}`));
  parts.push(...perhaps(words, 6, () => `tos ${oneOf(words, TOS)}`));
  parts.push(...perhaps(words, 2, () => `table ${oneOf(words, TABLES)}`));
  return parts.join(' ');
}

function range(words: WordSource, first: number): string {
  return chance(words, 1, 2) ? String(first) : `${first}-${first + below(words, 3)}`;
}

function drawRule(words: WordSource): string {
  const op = chance(words, 1, 10) ? 'del' : 'add';
  const parts = ['ip rule', op];
  parts.push(...perhaps(words, 8, () => 'not'));
  parts.push(...perhaps(words, 3, () => `from ${oneOf(words, [near, near, anyPrefix, nearPrefix])(words)}`));
  parts.push(...perhaps(words, 4, () => `to ${oneOf(words, [anyPrefix, anyPrefix, nearPrefix])(words)}`));
  parts.push(...perhaps(words, 3, () => `fwmark ${oneOf(words, MARKS)}`));
  parts.push(...perhaps(words, 8, () => `tos ${oneOf(words, TOS)}`));
  parts.push(...perhaps(words, 10, () => `iif ${oneOf(words, [...LINKS, 'lo', 'eth9'])}`));
  parts.push(...perhaps(words, 10, () => `oif ${oneOf(words, [...LINKS, 'lo', 'eth9'])}`));
  parts.push(...perhaps(words, 8, () => `uidrange ${oneOf(words, ['1000-1000', '0-999', '1000-2000'])}`));
  parts.push(...perhaps(words, 8, () => `ipproto ${oneOf(words, ['tcp', 'udp', 'icmp'])}`));
  parts.push(...perhaps(words, 10, () => `sport ${range(words, 1000)}`));
  parts.push(...perhaps(words, 8, () => `dport ${range(words, 80)}`));
  parts.push(...perhaps(words, 3, () => `pref ${oneOf(words, ['10', '20', '30', '32765', '40000', '0', '32766'])}`));
  const action = below(words, 12);
  if (action < 8) {
    parts.push(`table ${oneOf(words, TABLES)}`);
    parts.push(...perhaps(words, 8, () => `suppress_prefixlength ${oneOf(words, ['0', '8', '24'])}`));
    parts.push(...perhaps(words, 8, () => `suppress_ifgroup ${oneOf(words, GROUPS)}`));
  } else if (action === 11) parts.push(`goto ${oneOf(words, ['20', '30', '32766', '40000'])}`);
  else parts.push(oneOf(words, ['unreachable', 'blackhole', 'prohibit', 'nop']));
  return parts.join(' ');
}

const SETTINGS = ['rp_filter', 'accept_local', 'src_valid_mark'] as const;

/** Before any route, which keeps the source that it was made with: see excluded.ts. */
function drawLocalnet(words: WordSource): string {
  return `sysctl -w net.ipv4.conf.${oneOf(words, [...LINKS, 'all'])}.route_localnet=1`;
}

function drawSetting(words: WordSource): string {
  const name = oneOf(words, SETTINGS);
  const value = name === 'rp_filter' ? oneOf(words, [1, 2, 0]) : oneOf(words, [1, 0]);
  return `sysctl -w net.ipv4.conf.${oneOf(words, [...LINKS, 'all'])}.${name}=${value}`;
}

function drawChange(words: WordSource): string {
  const which = below(words, 10);
  if (which === 8) return `ip link set ${link(words)} group ${oneOf(words, GROUPS)}`;
  if (which === 9) return `ip addr replace ${near(words)}/24 dev ${link(words)} metric ${oneOf(words, METRICS)}`;
  if (which === 0) return `ip link set ${link(words)} down`;
  if (which === 1) return `ip link set ${link(words)} up`;
  if (which === 2) return `ip addr flush dev ${link(words)}`;
  if (which === 3) return `ip route flush table ${oneOf(words, ['100', '200', 'main'])}`;
  if (which === 4) return `ip rule del pref ${oneOf(words, ['32766', '32767', '10', '20'])}`;
  if (which === 5) return `ip addr del ${near(words)}/24 dev ${link(words)}`;
  return drawSetting(words);
}

/** The commands of a host; some are refused, by the model and by the kernel alike. */
export function drawRoutingHost(words: WordSource): readonly string[] {
  const host: string[] = [];
  const links = 1 + below(words, LINKS.length);
  for (let k = 0; k < links; k++) host.push(`ip link add eth${k} type veth peer name eth${k}p`);
  for (let k = 0; k < links; k++) {
    if (chance(words, 1, 6)) host.push(`ip link set eth${k} group ${oneOf(words, GROUPS)}`);
    if (!chance(words, 1, 20)) host.push(`ip link set eth${k} up`);
    for (let n = below(words, 3) + (chance(words, 7, 8) ? 1 : 0); n > 0; n--) {
      host.push(drawAddress(words, `eth${k}`, NETWORKS[k] as string));
    }
  }
  host.push(...perhaps(words, 6, () => `ip addr add ${near(words)}/32 dev lo`));
  host.push(...perhaps(words, 6, drawLocalnet));
  host.push(...perhaps(words, 2, () => `ip route add default via ${oneOf(words, NETWORKS)}254`));
  // A host without rules of its own takes another path through the kernel.
  const rules = chance(words, 1, 4) ? 0 : 1 + below(words, 5);
  const middle = [
    ...Array.from({ length: 1 + below(words, 8) }, () => drawRoute),
    ...Array.from({ length: rules }, () => drawRule),
    ...Array.from({ length: below(words, 3) }, () => drawChange),
  ];
  while (middle.length > 0) {
    host.push((middle.splice(below(words, middle.length), 1)[0] as typeof drawRoute)(words));
    if (chance(words, 1, 6))
      host.push(
        drawAgain(
          words,
          host.filter((line) => !line.includes('flush')),
        ),
      );
  }
  return host;
}

/** Words of rules, routes and addresses that may be missing, with their values. */
const OPTIONS = [
  'from',
  'to',
  'fwmark',
  'tos',
  'uidrange',
  'ipproto',
  'dport',
  'pref',
  'via',
  'src',
  'scope',
  'metric',
  'brd',
];

/** A rule, route or address once more, or taken back: as it was, or without a word that it may have. */
function drawAgain(words: WordSource, host: readonly string[]): string {
  const [, what = '', , ...rest] = oneOf(words, host).split(' ');
  if (!['rule', 'route', 'addr'].includes(what)) return drawChange(words);
  const option = oneOf(words, OPTIONS);
  const at = chance(words, 1, 2) ? rest.indexOf(option) : -1;
  const kept = at < 0 ? rest : [...rest.slice(0, at), ...rest.slice(at + 2)];
  // A rule without any word is none.
  return kept.length === 0 ? drawChange(words) : ['ip', what, oneOf(words, ['add', 'del', 'del']), ...kept].join(' ');
}

/** The arguments of one `ip route get`. */
export function drawQuestion(words: WordSource): string {
  const input = chance(words, 1, 8);
  const parts = [anyAddress(words)];
  if (input) {
    parts.push(`from ${anyAddress(words)}`, `iif ${chance(words, 1, 16) ? 'lo' : link(words)}`);
  } else {
    parts.push(...perhaps(words, 3, () => `from ${chance(words, 1, 3) ? anyAddress(words) : near(words)}`));
    parts.push(...perhaps(words, 5, () => `oif ${chance(words, 1, 16) ? 'lo' : link(words)}`));
  }
  parts.push(...perhaps(words, 2, () => `mark ${oneOf(words, [100, 200, 0x164, 0x1c8, 4])}`));
  parts.push(...perhaps(words, 6, () => `tos ${oneOf(words, TOS)}`));
  const proto = chance(words, 1, 3) ? oneOf(words, ['tcp', 'udp', 'icmp']) : '';
  if (proto !== '') parts.push(`ipproto ${proto}`);
  if (proto !== 'icmp') {
    parts.push(...perhaps(words, 4, () => `sport ${oneOf(words, [1000, 1001, 5])}`));
    parts.push(...perhaps(words, 4, () => `dport ${oneOf(words, [80, 81, 443])}`));
  }
  parts.push(...perhaps(words, 6, () => `uid ${oneOf(words, [1000, 0, 1500])}`));
  return parts.join(' ');
}

/** A host with questions about it. */
export function drawRouting(words: WordSource, questions: number): Text {
  const host = drawRoutingHost(words);
  return { host, events: Array.from({ length: questions }, () => QUESTION + drawQuestion(words)) };
}

/** A fresh host of that kernel, with that secret. */
export function freshHost(kernel: Kernel, secret = 0): World {
  return withHashKey(newHost(kernel), secret);
}

/** What the model says: the commands it refuses, and an answer for each question. */
export function modelAnswers(
  kernel: Kernel,
  { host, events }: Text,
  secret = 0,
): Pick<RouteAnswers, 'refused' | 'routes'> {
  let net = freshHost(kernel, secret);
  const refused: SetupRefusal[] = [];
  for (const [index, command] of host.entries()) {
    const answer = hostCommand(net, commandOf(command));
    net = answer.net;
    if (answer.err !== 0) refused.push({ index, command, message: answer.message });
  }
  const routes = events.map((event) => {
    const query = parseRouteGetLine(event.slice(QUESTION.length));
    return routeAnswerJson(inet_rtm_getroute(net, query)) as RouteAnswers['routes'][number];
  });
  return { refused, routes };
}
