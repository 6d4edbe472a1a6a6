/**
 * The life of a socket: which events are possible in which state, and where they lead.
 *
 * One table of typescript-fsm rows, used as data. TCP states are the kernel's; a TCP socket that is bound and neither
 * listens nor connects is in CLOSE there and `bound` here, because a second bind is refused. Datagram and raw sockets are
 * closed, bound or connected. Addresses and ports are the model's business: what fails for their sake is possible here.
 */
import { t } from 'typescript-fsm';
import type { Endpoint, Event } from '../model/types/event.ts';
import {
  SOCK_PING,
  SOCK_RAW,
  SOCK_REQUEST,
  SOCK_TCP,
  SOCK_TIMEWAIT,
  SOCK_UDP,
  type Sock,
  TCP_CLOSE,
  TCP_CLOSE_WAIT,
  TCP_CLOSING,
  TCP_ESTABLISHED,
  TCP_FIN_WAIT1,
  TCP_FIN_WAIT2,
  TCP_LAST_ACK,
  TCP_LISTEN,
  TCP_NEW_SYN_RECV,
  TCP_SYN_RECV,
  TCP_SYN_SENT,
  TCP_TIME_WAIT,
} from '../model/types/sock.ts';
import { wrong } from './error.ts';
import { SOCKET_EVENTS, type SocketEvent, wordOf, writtenOf } from './events.ts';

const TCP_STATES = [
  'tcp CLOSE',
  'tcp bound',
  'tcp LISTEN',
  'tcp SYN_SENT',
  'tcp SYN_RECV',
  'tcp ESTABLISHED',
  'tcp CLOSE_WAIT',
  'tcp FIN_WAIT1',
  'tcp FIN_WAIT2',
  'tcp CLOSING',
  'tcp LAST_ACK',
  'tcp TIME_WAIT',
] as const;
const DATAGRAM_KINDS = ['udp', 'ping', 'raw', 'hdrincl'] as const;
type DatagramState = `${(typeof DATAGRAM_KINDS)[number]} ${'CLOSE' | 'bound' | 'connected'}`;

/** `none`: no socket has the name. */
export type LifeState = 'none' | (typeof TCP_STATES)[number] | DatagramState;

/** What a scenario's events do to a socket that they name, and what else happens to one: it is opened, a Fast Open send connects it, a segment arrives, a timer ends it. */
export type LifeEvent =
  | SocketEvent
  | `socket ${'tcp' | (typeof DATAGRAM_KINDS)[number]}`
  | 'send tfo'
  | `rcv ${'syn' | 'syn-ack' | 'ack' | 'fin' | 'fin-ack' | 'rst'}`
  | 'timeout';

export interface LifeRow {
  readonly fromState: LifeState;
  readonly event: LifeEvent;
  readonly toState: LifeState;
}

const row = (from: LifeState, event: LifeEvent, to: LifeState): LifeRow => t(from, event, to);

/** States in which a TCP socket lives on without its user: the name may be taken again. */
const ORPHANS = ['tcp FIN_WAIT1', 'tcp FIN_WAIT2', 'tcp CLOSING', 'tcp LAST_ACK', 'tcp TIME_WAIT'] as const;

/** Events that leave the socket where it is. */
function stays(state: LifeState, ...events: LifeEvent[]): LifeRow[] {
  return events.map((event) => row(state, event, state));
}

const TCP: readonly LifeRow[] = [
  row('none', 'socket tcp', 'tcp CLOSE'),
  row('tcp CLOSE', 'bind', 'tcp bound'),
  ...(['tcp CLOSE', 'tcp bound'] as const).flatMap((state) => [
    row(state, 'listen', 'tcp LISTEN'),
    row(state, 'connect', 'tcp SYN_SENT'),
    row(state, 'send tfo', 'tcp SYN_SENT'),
    row(state, 'close', 'none'),
  ]),
  ...stays('tcp LISTEN', 'listen', 'answer', 'retransmit'),
  row('tcp LISTEN', 'close', 'none'),
  row('tcp SYN_SENT', 'answer', 'tcp ESTABLISHED'),
  ...stays('tcp SYN_SENT', 'send', 'retransmit'),
  row('tcp SYN_SENT', 'close', 'none'),
  row('tcp SYN_SENT', 'rcv syn-ack', 'tcp ESTABLISHED'),
  row('tcp SYN_SENT', 'rcv syn', 'tcp SYN_RECV'),
  row('tcp SYN_SENT', 'rcv rst', 'tcp CLOSE'),
  row('tcp SYN_SENT', 'timeout', 'tcp CLOSE'),
  row('tcp SYN_RECV', 'answer', 'tcp ESTABLISHED'),
  row('tcp SYN_RECV', 'say', 'tcp ESTABLISHED'),
  ...stays('tcp SYN_RECV', 'send', 'retransmit'),
  row('tcp SYN_RECV', 'close', 'tcp FIN_WAIT1'),
  row('tcp SYN_RECV', 'rcv ack', 'tcp ESTABLISHED'),
  row('tcp SYN_RECV', 'rcv rst', 'tcp CLOSE'),
  ...stays('tcp ESTABLISHED', 'send', 'answer', 'say', 'retransmit'),
  row('tcp ESTABLISHED', 'close', 'tcp FIN_WAIT1'),
  row('tcp ESTABLISHED', 'rcv fin', 'tcp CLOSE_WAIT'),
  row('tcp ESTABLISHED', 'rcv rst', 'tcp CLOSE'),
  row('tcp ESTABLISHED', 'timeout', 'tcp CLOSE'),
  ...stays('tcp CLOSE_WAIT', 'send', 'answer', 'retransmit'),
  row('tcp CLOSE_WAIT', 'close', 'tcp LAST_ACK'),
  row('tcp CLOSE_WAIT', 'rcv rst', 'tcp CLOSE'),
  row('tcp FIN_WAIT1', 'answer', 'tcp TIME_WAIT'),
  row('tcp FIN_WAIT1', 'say', 'none'),
  ...stays('tcp FIN_WAIT1', 'retransmit'),
  row('tcp FIN_WAIT1', 'rcv ack', 'tcp FIN_WAIT2'),
  row('tcp FIN_WAIT1', 'rcv fin', 'tcp CLOSING'),
  row('tcp FIN_WAIT1', 'rcv fin-ack', 'tcp TIME_WAIT'),
  row('tcp FIN_WAIT2', 'rcv fin', 'tcp TIME_WAIT'),
  row('tcp FIN_WAIT2', 'say', 'none'),
  ...stays('tcp FIN_WAIT2', 'answer'),
  row('tcp CLOSING', 'answer', 'tcp TIME_WAIT'),
  ...stays('tcp CLOSING', 'retransmit'),
  row('tcp CLOSING', 'rcv ack', 'tcp TIME_WAIT'),
  ...stays('tcp TIME_WAIT', 'answer'),
  row('tcp TIME_WAIT', 'rcv syn', 'none'),
  row('tcp LAST_ACK', 'answer', 'none'),
  ...stays('tcp LAST_ACK', 'retransmit'),
  row('tcp LAST_ACK', 'rcv ack', 'none'),
  ...ORPHANS.flatMap((state) => [row(state, 'timeout', 'none'), row(state, 'rcv rst', 'none')]),
];

/** UDP and ping sockets get a port or an id with the first packet, and then cannot be bound. Nobody pings unasked. */
function datagram(kind: 'udp' | 'ping'): LifeRow[] {
  const peer = kind === 'udp' ? (['answer', 'say'] as const) : (['answer'] as const);
  return [
    row('none', `socket ${kind}`, `${kind} CLOSE`),
    row(`${kind} CLOSE`, 'bind', `${kind} bound`),
    row(`${kind} CLOSE`, 'send', `${kind} bound`),
    row(`${kind} CLOSE`, 'connect', `${kind} connected`),
    ...stays(`${kind} bound`, 'send', ...peer),
    row(`${kind} bound`, 'connect', `${kind} connected`),
    ...stays(`${kind} connected`, 'send', ...peer, 'connect'),
    ...(['CLOSE', 'bound', 'connected'] as const).map((state) => row(`${kind} ${state}`, 'close', 'none')),
  ];
}

/** Raw sockets have no ports: sending changes nothing, and they may be bound until they are connected. */
function raw(kind: 'raw' | 'hdrincl'): LifeRow[] {
  return [
    row('none', `socket ${kind}`, `${kind} CLOSE`),
    row(`${kind} CLOSE`, 'bind', `${kind} bound`),
    ...stays(`${kind} CLOSE`, 'send', 'answer'),
    row(`${kind} CLOSE`, 'connect', `${kind} connected`),
    ...stays(`${kind} bound`, 'bind', 'send', 'answer'),
    row(`${kind} bound`, 'connect', `${kind} connected`),
    ...stays(`${kind} connected`, 'connect', 'send', 'answer'),
    ...(['CLOSE', 'bound', 'connected'] as const).map((state) => row(`${kind} ${state}`, 'close', 'none')),
  ];
}

/** All transitions. */
export const LIFE: readonly LifeRow[] = [
  ...TCP,
  ...datagram('udp'),
  ...datagram('ping'),
  ...raw('raw'),
  ...raw('hdrincl'),
];

/** The rows by state and event; two rows for the same pair are a mistake in the table. */
export function indexLife(rows: readonly LifeRow[]): ReadonlyMap<LifeState, ReadonlyMap<LifeEvent, LifeState>> {
  const index = new Map<LifeState, Map<LifeEvent, LifeState>>();
  for (const { fromState, event, toState } of rows) {
    const ofState = index.get(fromState) ?? new Map<LifeEvent, LifeState>();
    if (ofState.has(event))
      throw new Error(`the table of a socket's life has two rows for "${event}" in "${fromState}"`);
    index.set(fromState, ofState.set(event, toState));
  }
  return index;
}

const INDEX = indexLife(LIFE);
const POSSIBLE = new Map<LifeState, readonly SocketEvent[]>(
  [...INDEX].map(([state, events]) => [state, SOCKET_EVENTS.filter((event) => events.has(event))]),
);

/** Events of a scenario that are possible for a socket in that state. */
export function possibleEvents(state: LifeState): readonly SocketEvent[] {
  return POSSIBLE.get(state) ?? [];
}

/** Where the event leads, undefined when it is impossible there. */
export function next(state: LifeState, event: LifeEvent): LifeState | undefined {
  return INDEX.get(state)?.get(event);
}

/** Where a possible event leads. */
export function nextState(state: LifeState, event: LifeEvent): LifeState {
  return next(state, event) ?? wrong(`"${event}" is not possible in the state "${state}"`);
}

/** The state of a socket that `socket S KIND` has just opened; `raw tcp` is of kind raw. */
export function OPENED(kind: string): LifeState {
  return nextState('none', `socket ${kind.split(' ')[0]}` as LifeEvent);
}

const TCP_NAMES: ReadonlyMap<number, LifeState> = new Map([
  [TCP_ESTABLISHED, 'tcp ESTABLISHED'],
  [TCP_SYN_SENT, 'tcp SYN_SENT'],
  [TCP_SYN_RECV, 'tcp SYN_RECV'],
  [TCP_NEW_SYN_RECV, 'tcp SYN_RECV'],
  [TCP_FIN_WAIT1, 'tcp FIN_WAIT1'],
  [TCP_FIN_WAIT2, 'tcp FIN_WAIT2'],
  [TCP_TIME_WAIT, 'tcp TIME_WAIT'],
  [TCP_CLOSE_WAIT, 'tcp CLOSE_WAIT'],
  [TCP_LAST_ACK, 'tcp LAST_ACK'],
  [TCP_LISTEN, 'tcp LISTEN'],
  [TCP_CLOSING, 'tcp CLOSING'],
]);

/** The state in which the model has a socket, to see which transitions a run has taken; `none` for the kernel's own. */
export function stateOf(sk: Sock): LifeState {
  const bound = sk.inet_num !== 0 || sk.inet_rcv_saddr !== 0;
  if (sk.kind === SOCK_TCP && sk.sk_state === TCP_CLOSE) return bound ? 'tcp bound' : 'tcp CLOSE';
  if (sk.kind === SOCK_TCP || sk.kind === SOCK_REQUEST) return TCP_NAMES.get(sk.sk_state) ?? 'none';
  if (sk.kind === SOCK_TIMEWAIT) return TCP_NAMES.get(sk.tw_substate) ?? 'tcp TIME_WAIT';
  const progress = sk.sk_state === TCP_ESTABLISHED ? 'connected' : bound ? 'bound' : 'CLOSE';
  if (sk.kind === SOCK_UDP) return `udp ${progress}`;
  if (sk.kind === SOCK_PING) return `ping ${progress}`;
  // A raw socket's inet_num is its protocol.
  const rawProgress = progress === 'bound' && sk.inet_rcv_saddr === 0 ? 'CLOSE' : progress;
  return sk.kind === SOCK_RAW ? `${sk.hdrincl ? 'hdrincl' : 'raw'} ${rawProgress}` : 'none';
}

// checking a sequence of events

/** An event that cannot happen where it stands, and why. */
export interface Impossible {
  readonly index: number;
  readonly message: string;
}

type NamedEvent = Extract<Event, { readonly s: string }>;
type States = ReadonlySet<LifeState>;

/** States that others than the user may have led to: arrivals and timers. */
function closure(states: States): Set<LifeState> {
  const reached = new Set(states);
  for (const state of reached) {
    for (const [event, to] of INDEX.get(state) ?? [])
      if (event.startsWith('rcv ') || event === 'timeout') reached.add(to);
  }
  return reached;
}

/** Whether the user no longer has the socket: it ended, or lives on without an owner. */
function isGone(state: LifeState): boolean {
  return state === 'none' || ORPHANS.some((orphan) => orphan === state);
}

/** States in which an accepted connection may be. */
const ACCEPTED: States = new Set(['tcp SYN_RECV', 'tcp ESTABLISHED', 'tcp CLOSE_WAIT']);

/** Events that may come to nothing for the sake of addresses, ports, routes and checksums. */
const MAY_FAIL: readonly LifeEvent[] = ['bind', 'connect', 'send tfo', 'answer', 'say'];

/** Follows what could be the state of every socket. */
class Lives {
  private readonly states = new Map<string, States>();
  private readonly listeners = new Set<string>();

  /** Takes the event in; what is wrong with it, '' when it is possible. */
  take(event: Event): string {
    if (event.kind === 'socket') return misfitOf(event, event.type) || this.open(event.s, event.type);
    return 's' in event ? this.act(event) : '';
  }

  private open(s: string, type: string): string {
    const states = this.states.get(s);
    if (states !== undefined && ![...closure(states)].some(isGone))
      return `"${s}" is already open; close it first, or use another name`;
    this.states.set(s, new Set([OPENED(type)]));
    return '';
  }

  /** The states in which the named socket can be. */
  private possible(s: string): States | undefined {
    const [listener = '', child] = s.split('.');
    if (child !== undefined && !this.states.has(s) && this.listeners.has(listener)) this.states.set(s, ACCEPTED);
    return this.states.get(s);
  }

  private act(event: Exclude<NamedEvent, { readonly kind: 'socket' }>): string {
    const { s } = event;
    const states = this.possible(s);
    if (states === undefined) return `there is no socket "${s}"; open it first, for example with "socket ${s} tcp"`;
    const now = closure(states);
    const outlives = event.kind === 'answer' || event.kind === 'say' || event.kind === 'retransmit';
    if ([...states].every(isGone) && !outlives)
      return `"${s}" is closed; open it again first, for example with "socket ${s} tcp"`;
    const [type = ''] = ([...states].find((state) => state !== 'none') ?? 'none').split(' ');
    const misfit = misfitOf(event, type);
    if (misfit !== '') return misfit;
    const name: LifeEvent = event.kind === 'send' && event.tfo ? 'send tfo' : event.kind;
    // Fast Open on a socket that is connected already is an ordinary send.
    const names: LifeEvent[] = name === 'send tfo' ? ['send tfo', 'send'] : [name];
    const able = [...now].filter((state) => names.some((one) => next(state, one) !== undefined));
    if (able.length === 0) return this.unable(event, states);
    if (event.kind === 'send' && !event.to.given && able.every(needsDestination)) {
      return `"${s}" is not connected, so a send needs a destination; write "send ${s} ${event.len} to ADDR${type === 'udp' ? ':PORT' : ''}"`;
    }
    const after = able.flatMap((state) => names.map((one) => next(state, one)).filter((to) => to !== undefined));
    this.states.set(s, new Set(MAY_FAIL.includes(name) ? [...after, ...able] : after));
    if (event.kind === 'listen') this.listeners.add(s);
    return '';
  }

  private unable(event: NamedEvent, states: States): string {
    const state = [...states].find((one) => one !== 'none') ?? 'none';
    if (state === 'none')
      return `"${event.s}" is closed, and nothing of it is left to ${event.kind}; open it again first`;
    const events = possibleEvents(state).join(', ');
    const extra = next(state, 'send tfo') !== undefined ? ', send with tfo' : '';
    return `${event.kind} is not possible for "${event.s}", a ${describe(state)}; what is possible: ${events}${extra}`;
  }
}

function needsDestination(state: LifeState): boolean {
  return !state.startsWith('tcp') && !state.endsWith('connected');
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  tcp: 'TCP socket',
  udp: 'UDP socket',
  ping: 'ping socket',
  raw: 'raw socket',
  hdrincl: 'raw socket with headers of its own',
};

function describe(state: LifeState): string {
  const [kind = '', progress = ''] = state.split(' ');
  return `${TYPE_NAMES[kind] ?? kind} in state ${progress}`;
}

/** Words that a type of socket does not take as they are, whatever its state; '' when all fit. */
function misfitOf(event: NamedEvent, type: string): string {
  const named = `"${event.s}" is a ${TYPE_NAMES[type] ?? type}`;
  const written = writtenOf(event);
  for (const { field, row, value } of written) {
    const { port = [] } = row;
    if (port.some((one) => one === type) && (value as Endpoint).port === 0)
      return `${named} and needs a port; write ADDR:PORT`;
    if (!('says' in row) || row.only === undefined || row.only.some((one) => one === type)) continue;
    const { unless, why } = row;
    if (written.some((one) => one.field === unless)) continue;
    const remedy = unless === undefined ? 'leave it out' : `leave it out, or add ${unless}`;
    return `${named} and takes no "${wordOf(field)}" (${why}); ${remedy}`;
  }
  return '';
}

/** The first event that is impossible where it stands, undefined when there is none. Runs nothing. */
export function impossibleEvent(events: readonly Event[]): Impossible | undefined {
  const lives = new Lives();
  for (const [index, event] of events.entries()) {
    const message = lives.take(event);
    if (message !== '') return { index, message };
  }
  return undefined;
}
