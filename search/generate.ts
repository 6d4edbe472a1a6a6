/**
 * Draws hosts and event sequences of a scope from raw words.
 *
 * Addresses, marks and ports come from the scope's small pools, so that rules, routes and packets meet. Which events
 * are possible in which state comes from the table of a socket's life.
 */
import type { EventName } from '../model/types/event.ts';
import type { RunScope } from '../properties/scopes/runs.ts';
import { fill, type PlaceValues } from '../properties/scopes/template.ts';
import { type SocketEvent, takesOption } from '../scenario/events.ts';
import { type LifeState, nextState, OPENED, possibleEvents } from '../scenario/life.ts';
import { below, chance, mostly, oneOf, type WordSource } from '../scenario/random.ts';

/** What the addresses of a host put into the places of a line. */
function valuesOf(addresses: readonly string[]): PlaceValues {
  const values: Record<string, string> = {};
  addresses.forEach((address, k) => {
    const bare = address.replace(/\/.*/, '');
    values[`a${k}`] = bare;
    values[`g${k}`] = bare.replace(/\d+$/, '254');
  });
  return values;
}

/** How most links are made. */
const VETH: readonly string[] = ['type veth peer name {dev}p'];

/** The commands of a host; some may be refused by the kernel and are then left out by the caller. */
export function drawHost(scope: RunScope, words: WordSource): readonly string[] {
  const links = chance(words, 1, 8) ? 1 : scope.uplinks.length;
  const addresses = scope.uplinks.map((pool) => oneOf(words, pool));
  const values = valuesOf(addresses);
  const commands: string[] = [];
  for (let k = 0; k < links; k++) {
    const types = scope.links[k] ?? VETH;
    const type = types.length > 1 ? oneOf(words, types) : (types[0] as string);
    commands.push(`ip link add eth${k} ${fill(type, { dev: `eth${k}` })}`, `ip link set eth${k} up`);
    if (k === 0 || !chance(words, 1, 16)) commands.push(`ip addr add ${addresses[k]} dev eth${k}`);
  }
  commands.push(
    fill(chance(words, 1, 2) ? 'ip route add default via {g0}' : 'ip route add default via {g0} src {a0}', values),
  );
  const extras = Array.from({ length: below(words, scope.extras + 1) }, () =>
    fill(oneOf(words, scope.extra), values).split('; '),
  ).flat();
  const early = (line: string) => line.startsWith('ip addr') && !line.includes('tun0');
  commands.push(...extras.filter(early));
  if (scope.table100.length > 0) {
    const table = chance(words, 1, 3) ? oneOf(words, scope.table100) : (scope.table100[0] as string);
    const first = { a1: values.a0 as string, g1: values.g0 as string };
    commands.push(fill(table, links > 1 ? values : { ...values, ...first }));
  }
  if (scope.rules.length > 0)
    commands.push(chance(words, 1, 4) ? oneOf(words, scope.rules) : (scope.rules[0] as string));
  for (let n = 1 + below(words, scope.mangleRules); n > 0; n--) {
    const match = oneOf(words, scope.mangle.matches);
    const target = chance(words, 1, 4) ? oneOf(words, scope.mangle.targets) : (scope.mangle.targets[0] as string);
    commands.push(`iptables -t mangle -A OUTPUT ${match}${match === '' ? '' : ' '}-j ${target}`);
  }
  commands.push('sysctl -w net.ipv4.ping_group_range="0 2147483647"', ...scope.base);
  commands.push(...extras.filter((line) => !early(line)));
  return commands;
}

/** What the events may name: the addresses of the host, and what they put into the places of a line. */
interface HostNames {
  readonly addresses: readonly string[];
  readonly values: PlaceValues;
}

const named = new WeakMap<readonly string[], HostNames>();

/** The names of a host, found once for all event sequences on it. */
function namesOf(host: readonly string[]): HostNames {
  const known = named.get(host);
  if (known !== undefined) return known;
  const addresses = host.flatMap((line) => line.match(/^ip addr add (\S+)/)?.[1] ?? []);
  const fresh = { addresses, values: valuesOf(addresses) };
  named.set(host, fresh);
  return fresh;
}

/** A sequence of events that are possible one after the other. */
export function drawEvents(scope: RunScope, host: readonly string[], words: WordSource): readonly string[] {
  const { addresses, values } = namesOf(host);
  const names = ['c', 'd', 'e', 'f'].slice(0, scope.maxSockets);
  const states = new Map<string, LifeState>();
  const kinds = new Map<string, string>();
  const events: string[] = [];
  const count = 2 + below(words, scope.events - 1);
  while (events.length < count) {
    if (events.length > 0 && chance(words, 1, 6)) {
      events.push(drawHappening(scope, addresses, words));
      continue;
    }
    const name = drawName(names, words);
    const state = states.get(name);
    if (state === undefined) {
      const [opened = '', ...then] = drawKind(scope, [...kinds.values()], words).split('; ');
      const kind = kindOf(opened);
      kinds.set(name, kind);
      events.push(drawSocket(scope, name, opened, words));
      events.push(...then.map((line) => fill(line.replaceAll('{s}', name), values)));
      states.set(name, then.flatMap(eventName).reduce(nextState, OPENED(kind)));
      if (kind === 'tcp' && scope.conversations && chance(words, 1, 2)) {
        events.push(...drawConversation(scope, name, words));
        states.delete(name);
      }
      continue;
    }
    const kind = kinds.get(name) as string;
    const possible = possibleEvents(state);
    const event = possible.length === 0 ? '' : drawEventName(possible, words);
    if (event === '' || (event === 'close' && !chance(words, 1, 2))) {
      if (possible.length <= 1) states.delete(name);
      if (event === '') continue;
    }
    events.push(drawOperation(scope, event, name, kind, addresses, words));
    if (event === 'retransmit' && scope.silences && chance(words, 1, 2)) {
      events.push(...Array.from({ length: 5 }, () => `retransmit ${name}`));
    }
    const next = nextState(state, event);
    if (event === 'close') states.delete(name);
    else states.set(name, next);
  }
  return events;
}

/** The first of two names more often than the second; one of several. */
function drawName(names: readonly string[], words: WordSource): string {
  if (names.length > 2) return oneOf(words, names);
  return (chance(words, 1, 3) ? names.at(-1) : names[0]) as string;
}

/** The type and protocol of a socket that is opened with those words. */
function kindOf(opened: string): string {
  return opened.match(/^raw \S+|^\S+/)?.[0] ?? '';
}

/** A kind that is there already more often than another; where there are several sockets, any. */
function drawKind({ sockets, maxSockets }: RunScope, known: readonly string[], words: WordSource): string {
  return maxSockets > 2 ? oneOf(words, sockets) : mostly(words, [...known, ...sockets]);
}

/** The event of a socket that a line stands for; none for a packet that arrives. */
function eventName(line: string): readonly SocketEvent[] {
  return line.startsWith('receive') ? [] : [line.replace(/ .*/, '') as SocketEvent];
}

/** A connection from its beginning to its end, and perhaps a pause behind it. */
function drawConversation(scope: RunScope, name: string, words: WordSource): readonly string[] {
  const peer = `${mostly(words, scope.destinations)}:${mostly(words, scope.ports)}`;
  const data = chance(words, 1, 4) ? [`send ${name} ${oneOf(words, scope.lengths)}`, `answer ${name}`] : [];
  const pause = chance(words, 1, 2) ? [`wait ${oneOf(words, scope.waits)}`] : [];
  return [`connect ${name} ${peer}`, `answer ${name}`, ...data, `close ${name}`, `answer ${name}`, ...pause];
}

/** What leads on (connect, send, answer) in half of all cases, else any event that is possible. */
function drawEventName(possible: readonly SocketEvent[], words: WordSource): SocketEvent {
  const onward = possible.filter((event) => event === 'connect' || event === 'send' || event === 'answer');
  return onward.length > 0 && !chance(words, 1, 2) ? oneOf(words, onward) : oneOf(words, possible);
}

/** An arrival, an operator's command or the passing of time. */
function drawHappening(scope: RunScope, addresses: readonly string[], words: WordSource): string {
  const which = below(words, 4);
  const [first = '10.0.0.1/24', second = first] = addresses;
  if (which < 2) return `receive ${fill(oneOf(words, scope.arrivals), valuesOf([first, second]))}`;
  if (which === 2 && scope.changes.length > 0) return `host ${fill(oneOf(words, scope.changes), valuesOf(addresses))}`;
  return `wait ${scope.waits.length === 1 ? scope.waits[0] : oneOf(words, scope.waits)}`;
}

/** A socket; one that was opened for a device has no further option. */
function drawSocket(scope: RunScope, name: string, opened: string, words: WordSource): string {
  const option = opened.includes(' dev ') ? '' : drawOption('socket', scope.socketOptions, opened, words);
  return `socket ${name} ${opened}${option}`;
}

/** The options of a list that an event takes for a kind of socket, by list, event and kind. */
const fitting = new WeakMap<readonly string[], Map<string, readonly string[]>>();

function optionsFor(event: EventName, options: readonly string[], kind: string): readonly string[] {
  const ofList = fitting.get(options) ?? new Map<string, readonly string[]>();
  fitting.set(options, ofList);
  const key = `${event} ${kind}`;
  const known = ofList.get(key);
  if (known !== undefined) return known;
  const fresh = options.filter((option) => takesOption(event, option, kind));
  ofList.set(key, fresh);
  return fresh;
}

/** In every fourth case one of the options that the event takes for that kind of socket. */
function drawOption(event: EventName, options: readonly string[], kind: string, words: WordSource): string {
  const fit = optionsFor(event, options, kind.replace(/ .*/, ''));
  return fit.length > 0 && chance(words, 1, 4) ? ` ${oneOf(words, fit)}` : '';
}

/** An event of a socket with its arguments. */
function drawOperation(
  scope: RunScope,
  event: string,
  name: string,
  kind: string,
  addresses: readonly string[],
  words: WordSource,
): string {
  const bare = addresses.map((address) => address.replace(/\/.*/, ''));
  const ports = kind === 'tcp' || kind === 'udp' || kind === 'raw tcp';
  const peer = () => `${mostly(words, scope.destinations)}${ports ? `:${mostly(words, scope.ports)}` : ''}`;
  switch (event) {
    case 'bind':
      return `bind ${name} ${chance(words, 1, 3) ? '0.0.0.0' : oneOf(words, bare)}${ports && kind !== 'raw tcp' && chance(words, 1, 2) ? ':80' : ''}`;
    case 'connect': {
      const to = `${mostly(words, scope.destinations)}:${mostly(words, scope.ports)}`;
      if (!scope.fastOpen || kind !== 'tcp') return `connect ${name} ${to}`;
      const sending = `send ${name} ${oneOf(words, scope.lengths)} to ${to} tfo`;
      return oneOf(words, [sending, `connect ${name} ${to} tfo`, sending, `connect ${name} ${to}`]);
    }
    case 'listen':
      return scope.fastOpen && chance(words, 1, 2) ? `listen ${name} tfo` : `listen ${name}`;
    case 'send': {
      const to = kind === 'tcp' ? '' : ` to ${peer()}`;
      const from = kind !== 'tcp' && chance(words, 1, 5) ? ` from ${oneOf(words, bare)}` : '';
      const flags = kind === 'raw tcp' || kind === 'hdrincl' ? ' flags S' : '';
      const option = drawOption('send', scope.sendOptions, kind, words);
      return `send ${name} ${oneOf(words, scope.lengths)}${to}${from}${option}${flags}`;
    }
    case 'say':
      return `say ${name} ${oneOf(words, scope.lengths)}`;
    default:
      return `${event} ${name}`;
  }
}
