/**
 * Shapes made from a scope of runs, smallest first: every host with at most so many optional features, every sequence of at
 * most so many events that the life of a socket allows, and all numbers at once.
 *
 * A feature is a line that the scope may add to the plain host, another line in the place of one of that host's, or an
 * option of a socket or of a send. A sequence that is the beginning of another one is part of that, since promises are asked
 * of every step; so it ends with an event by which something can leave. A packet that arrives finds no socket.
 */
import { type ProofShape, proofPlaces, type ShapeScope } from '../properties/scopes/proofs.ts';
import type { RunScope } from '../properties/scopes/runs.ts';
import { type SocketEvent, takesOption } from '../scenario/events.ts';
import { type LifeState, nextState, OPENED, possibleEvents } from '../scenario/life.ts';

/** How large the structures are. */
export interface StructureSize {
  readonly features: number;
  readonly events: number;
}

/** A host in which the lines of the plain one have names, so that a feature can replace one. */
interface Host {
  readonly plain: Readonly<Record<string, string>>;
  readonly more: readonly string[];
}

/** What may be added to a host or to the events. */
interface Feature {
  readonly name: string;
  /** Features of one kind exclude each other. */
  readonly kind: string;
  readonly on?: (host: Host) => Host;
  /** The option of the event that begins so. */
  readonly option?: { readonly event: 'socket' | 'send'; readonly words: string };
}

const PLAIN: Host = {
  plain: {
    link0: 'ip link add eth0 type veth peer name eth0p',
    up0: 'ip link set eth0 up',
    address0: 'ip addr add {a0}/24 dev eth0',
    link1: 'ip link add eth1 type veth peer name eth1p',
    up1: 'ip link set eth1 up',
    address1: 'ip addr add {a1}/24 dev eth1',
    addresses: '',
    route: 'ip route add default via {g0} src {a0}',
    table100: 'ip route add default via {g1} src {a1} table 100',
    rule: 'ip rule add fwmark {wanted}/{mask} table 100',
    ping: 'sysctl -w net.ipv4.ping_group_range="0 2147483647"',
    mangle: 'iptables -t mangle -A OUTPUT -d 8.8.8.8 -j MARK --set-mark {mark}',
  },
  more: [],
};

function replaced(line: string, by: string): (host: Host) => Host {
  return ({ plain, more }) => ({ plain: { ...plain, [line]: by }, more });
}

function added(lines: readonly string[]): (host: Host) => Host {
  const isEarly = (line: string) => line.startsWith('ip addr') && !line.includes('tun0');
  return ({ plain, more }) => ({
    plain: {
      ...plain,
      addresses: [plain.addresses, ...lines.filter(isEarly)].filter((line) => line !== '').join('\n'),
    },
    more: [...more, ...lines.filter((line) => !isEarly(line))],
  });
}

/** The features of a scope. */
function featuresOf(scope: RunScope): readonly Feature[] {
  const mangle = (match: string, target: string) => `iptables -t mangle -A OUTPUT ${match}${match && ' '}-j ${target}`;
  const marking = 'MARK --set-mark {mark}';
  const [, ...tables] = scope.table100;
  const [, ...rules] = scope.rules;
  const [, ...targets] = scope.mangle.targets;
  return [
    { name: 'no preferred source', kind: 'route', on: replaced('route', 'ip route add default via {g0}') },
    ...tables.map((line) => ({ name: line, kind: 'table100', on: replaced('table100', line) })),
    ...rules.map((line) => ({ name: line, kind: 'rule', on: replaced('rule', line) })),
    ...scope.mangle.matches
      .filter((match) => match !== '-d 8.8.8.8')
      .map((match) => ({ name: `match ${match}`, kind: 'mangle', on: replaced('mangle', mangle(match, marking)) })),
    ...targets.map((target) => ({
      name: target,
      kind: 'mangle',
      on: replaced('mangle', mangle('-d 8.8.8.8', target)),
    })),
    ...(scope.mangleRules > 1
      ? targets.map((target) => ({ name: `and ${target}`, kind: 'mangle2', on: added([mangle('', target)]) }))
      : []),
    ...scope.extra.map((line) => ({ name: line, kind: line, on: added(line.split('; ')) })),
    ...scope.socketOptions.map((words) => ({
      name: words,
      kind: 'socket',
      option: { event: 'socket' as const, words },
    })),
    ...scope.sendOptions.map((words) => ({ name: words, kind: 'send', option: { event: 'send' as const, words } })),
  ];
}

/** Sets of at most so many features that do not exclude each other, the smaller ones first. */
function setsOf(features: readonly Feature[], most: number): readonly (readonly Feature[])[] {
  let layer: readonly (readonly number[])[] = [[]];
  const sets = [...layer];
  for (let size = 1; size <= most; size++) {
    layer = layer.flatMap((set) =>
      [...features.keys()]
        .slice((set.at(-1) ?? -1) + 1)
        .filter((at) => set.every((other) => features[other]?.kind !== features[at]?.kind))
        .map((at) => [...set, at]),
    );
    sets.push(...layer);
  }
  return sets.map((set) => set.map((at) => features[at] as Feature));
}

/** A sequence of events as it grows: the sockets that are open, by name. */
interface Sequence {
  readonly lines: readonly string[];
  readonly open: readonly { readonly name: string; readonly kind: string; readonly state: LifeState }[];
}

const NAMES = ['c', 'd'] as const;

/** What may follow a sequence. A second socket gets the second name, so that no sequence differs from another by names alone. */
function following(scope: RunScope, { lines, open }: Sequence): readonly Sequence[] {
  if (lines.length > 0 && open.length === 0) return [];
  const kinds = scope.sockets.filter((kind) => !kind.includes(';'));
  const name = NAMES.slice(0, scope.maxSockets)[open.length];
  const opened = name === undefined ? [] : kinds;
  return [
    ...opened.map((kind) => ({
      lines: [...lines, `socket ${name} ${kind}`],
      open: [...open, { name: name as string, kind, state: OPENED(kind) }],
    })),
    ...open.flatMap((socket, at) =>
      possibleEvents(socket.state)
        .filter((event) => event !== 'close')
        .flatMap((event) =>
          written(event, socket).map((line) => ({
            lines: [...lines, line],
            open: open.with(at, { ...socket, state: nextState(socket.state, event) }),
          })),
        ),
    ),
    ...(lines.length === 0 ? scope.arrivals.map((arrival) => ({ lines: [`receive ${arrival}`], open })) : []),
  ];
}

/** An event of a socket with its arguments, for every kind of arguments. */
function written(
  event: SocketEvent,
  { name, kind }: { readonly name: string; readonly kind: string },
): readonly string[] {
  const hasPorts = kind === 'tcp' || kind === 'udp' || kind === 'raw tcp';
  const flags = kind === 'raw tcp' || kind === 'hdrincl' ? ' flags S' : '';
  switch (event) {
    case 'bind':
      return hasPorts && kind !== 'raw tcp'
        ? [`bind ${name} {a0}:5000`, `bind ${name} 0.0.0.0:5000`]
        : [`bind ${name} {a0}`];
    case 'connect':
      return [`connect ${name} {to}:${hasPorts ? '{port}' : '0'}`];
    case 'send':
      if (kind === 'tcp') return [`send ${name} 4`];
      return ['', ' from {a0}'].map((from) => `send ${name} 4 to {to}${hasPorts ? ':{port}' : ''}${from}${flags}`);
    case 'say':
      return [`say ${name} 4`];
    default:
      return [`${event} ${name}`];
  }
}

/** All sequences of at most so many events that are the beginning of no other, the shorter ones first. */
function sequencesOf(scope: RunScope, most: number): readonly (readonly string[])[] {
  let layer: readonly Sequence[] = [{ lines: [], open: [] }];
  const ended: Sequence[] = [];
  for (let length = 1; length <= most; length++) {
    const next = layer.map((one) => following(scope, one));
    ended.push(...layer.filter((one, at) => one.lines.length > 0 && next[at]?.length === 0));
    layer = next.flat();
  }
  return [...ended, ...layer].map(({ lines }) => lines).filter(sends);
}

/** Whether something can leave the host by its last event. */
function sends(lines: readonly string[]): boolean {
  const [event, name] = lines.at(-1)?.split(' ') ?? [];
  if (event === 'connect') return lines.includes(`socket ${name} tcp`);
  return event !== 'socket' && event !== 'bind' && event !== 'listen';
}

/** The events with the options of the features; undefined where one of them fits nowhere. */
function withOptions(lines: readonly string[], features: readonly Feature[]): readonly string[] | undefined {
  let now = lines;
  for (const { option } of features) {
    if (option === undefined) continue;
    const kind = (name: string) => now.find((line) => line.startsWith(`socket ${name} `))?.split(' ')[2] ?? '';
    const at = now.findLastIndex((line) => {
      const [event, name = ''] = line.split(' ');
      return event === option.event && takesOption(option.event, option.words, kind(name));
    });
    const line = now[at];
    if (line === undefined) return undefined;
    const [before, ...flags] = line.split(' flags ');
    now = now.with(at, [`${before} ${option.words}`, ...flags].join(' flags '));
  }
  return now;
}

function linesOf({ plain, more }: Host): readonly string[] {
  return [...Object.values(plain).flatMap((line) => line.split('\n')), ...more].filter((line) => line !== '');
}

/** Everything of a scope that is not larger, the fewest features first, then the fewest events. */
export function structuresOf(scope: RunScope, { features, events }: StructureSize): ShapeScope {
  const sequences = sequencesOf(scope, events);
  const known = new Set<string>();
  const shapes: ProofShape[] = [];
  for (const set of setsOf(featuresOf(scope), features)) {
    const host = linesOf(set.reduce((now, { on }) => on?.(now) ?? now, PLAIN));
    for (const sequence of sequences) {
      const lines = withOptions(sequence, set);
      if (lines === undefined) continue;
      const key = [...host, ...lines].join('\n');
      if (known.has(key)) continue;
      known.add(key);
      shapes.push({ name: `${scope.name}-${shapes.length}`, host: [...host, ...scope.base], events: lines });
    }
  }
  return {
    name: `${scope.name}, at most ${features} features and ${events} events`,
    text: `the post's host with at most ${features} of what ${scope.name} may add or change, every sequence of at most ${events} events; every address, gateway, mark, rule mark, mask and port, any destination in 8.0.0.0/8`,
    places: proofPlaces,
    shapes,
  };
}
