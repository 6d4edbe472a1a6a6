/**
 * Events as a scenario writes them, one string each, and as the model takes them: how the rows of EVENTS are read,
 * printed, drawn, documented and given to the player of a real kernel.
 */
import {
  EVENTS,
  type Event,
  type EventName,
  type EventRow,
  type Meanings,
  NO_ENDPOINT,
  NO_PICKS,
  type Option,
  type SocketType,
  type Word,
} from '../model/types/event.ts';
import { wrong } from './error.ts';
import { formatAddress, formatEndpoint, formatFlags, formatProtocol } from './format.ts';
import { readCgroupPath } from './host/xtMatches.ts';
import { parseHostLine, printHostCommand } from './host.ts';
import { arrivalJson, printArrival, readArrival } from './tcpdump.ts';
import { readAddress, readDevice, readEndpoint, readNumber, readTcpFlags, readTransport, Words } from './words.ts';

const ROWS: Readonly<Record<EventName, EventRow>> = EVENTS;

// kinds of words

/** How a kind of word is read and written. */
interface Codec<T> {
  /** How a manual writes it, unless the row says so. */
  readonly sign: string;
  /** The value where the word is not there. */
  readonly none?: T;
  readonly given: (value: T) => boolean;
  readonly read: (words: Words, row: Word) => T;
  readonly print: (value: T) => string;
  /** As the player takes it. */
  readonly json: (value: T) => unknown;
}

/** A value that is one word; `what` says what is missing where it is missing. */
function word<T>(
  sign: string,
  what: string,
  none: T,
  read: (word: string) => T,
  print: (value: T) => string = String,
  json: (value: T) => unknown = (value) => value,
): Codec<T> {
  const given = (value: T) => value !== none;
  return { sign, none, given, read: (words) => read(words.value(words.last, what)), print, json };
}

function readNewSocket(name: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_-]*$/.test(name)) return name;
  return wrong(`"${name}" is not a name for a new socket; write letters, digits, "-" and "_", such as c`);
}

function readSocket(name: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_-]*(\.[1-9][0-9]*)?$/.test(name)) return name;
  return wrong(`"${name}" is not the name of a socket; write one such as c, or l.1 for a connection that l accepted`);
}

const TYPES: readonly SocketType[] = ['tcp', 'udp', 'ping', 'raw', 'hdrincl'];

function readType(word: string): SocketType {
  const type = TYPES.find((known) => known === word);
  return type ?? wrong(`"${word}" is not a type of socket; write tcp, udp, ping, raw PROTO or hdrincl`);
}

function readCgroup(path: string): string {
  const known = readCgroupPath(path);
  return known === '/' ? '' : known;
}

function readSeconds(word: string): number {
  if (!/^[0-9]{1,9}(\.[0-9]{1,3})?$/.test(word)) wrong(`"${word}" is not a time; write seconds, such as 61 or 0.5`);
  return Math.round(Number(word) * 1000);
}

const CODECS: { readonly [Kind in keyof Meanings]: Codec<Meanings[Kind]> } = {
  newSocket: word('S', 'the name of the socket', '', readNewSocket),
  socket: word('S', 'the name of a socket', '', readSocket),
  type: word('tcp|udp|ping|raw PROTO|hdrincl', 'tcp, udp, ping, raw PROTO or hdrincl', 'tcp', readType),
  protocol: word('PROTO', 'a protocol', 0, readTransport, formatProtocol),
  endpoint: {
    sign: 'ADDR[:PORT]',
    none: NO_ENDPOINT,
    given: ({ given }) => given,
    read: (words) => readEndpoint(words.value(words.last, 'ADDR or ADDR:PORT'), 'an address'),
    print: ({ addr, port }) => (port === 0 ? formatAddress(addr) : formatEndpoint(addr, port)),
    json: ({ addr, port }) => [formatAddress(addr), port],
  },
  address: word('ADDR', 'an address', 0, (text) => readAddress(text, 'an address'), formatAddress, formatAddress),
  link: word('DEV', 'the name of a link', '', readDevice),
  cgroup: word('PATH', 'a control group', '', readCgroup),
  number: {
    sign: 'N',
    none: 0,
    given: (value) => value !== 0,
    read: (words, { what = 'a number', max = 0 }) => readNumber(words.value(words.last, what), what, max),
    print: String,
    json: (value) => value,
  },
  tcpFlags: word('F', 'TCP flags', -1, readTcpFlags, formatFlags),
  set: { sign: '', none: false, given: (set) => set, read: () => true, print: () => '', json: (set) => set },
  packet: { sign: 'PACKET', given: () => true, read: readArrival, print: printArrival, json: arrivalJson },
  command: {
    sign: 'COMMAND',
    given: () => true,
    read: (words) => parseHostLine(words.rest()),
    print: printHostCommand,
    // The operator's own words are in the text.
    json: () => undefined,
  },
  seconds: word('SECONDS', 'a number of seconds', 0, readSeconds, (ms) => String(ms / 1000)),
};

/** How a manual writes the word. */
function signOf(row: Word): string {
  return row.sign ?? codecOf(row).sign;
}

/** The codec of a word; its value is of the type that the table gives the field. */
function codecOf({ is }: Word): Codec<unknown> {
  return CODECS[is] as Codec<unknown>;
}

// reading

/** The word of an option's field: `unicast-if` for `unicastIf`. */
export function wordOf(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** The options of every event by their words, with their fields. */
const OPTIONS = new Map(
  Object.entries(ROWS).map(([name, { options }]) => [
    name,
    new Map(Object.entries(options).map(([field, option]) => [wordOf(field), { field, option }] as const)),
  ]),
);

/** The event as a manual writes it: `connect S ADDR[:PORT] [tfo]`. */
export function usageOf(name: EventName): string {
  const { words, options } = ROWS[name];
  const signs = Object.values(words).filter(({ only }) => only === undefined);
  return [
    name,
    ...signs.map(signOf),
    ...Object.entries(options).map(([field, option]) => `[${`${wordOf(field)} ${signOf(option)}`.trim()}]`),
  ].join(' ');
}

function isEventName(name: string): name is EventName {
  return Object.hasOwn(EVENTS, name);
}

/** Whether a word is for sockets of that type. */
function isFor({ only }: Word, type: unknown): boolean {
  return only === undefined || only.some((one) => one === type);
}

function misplaced(name: EventName, text: string): string {
  return `"${text}" does not belong here; write ${usageOf(name)}`;
}

/** Reads the options behind an event's words, each at most once. */
function readOptions(name: EventName, words: Words, fields: Record<string, unknown>): void {
  const { options } = ROWS[name];
  const seen = new Set<string>();
  while (!words.done) {
    const text = words.take();
    const { field, option } = OPTIONS.get(name)?.get(text) ?? wrong(misplaced(name, text));
    if (seen.has(field)) wrong(`"${text}" is given twice; write it once`);
    seen.add(field);
    fields[field] = codecOf(option).read(words, option);
  }
  for (const field of seen) {
    const { without } = options[field] as Option;
    if (without !== undefined && seen.has(without))
      wrong(`"${wordOf(field)}" cannot be combined with "${wordOf(without)}"; leave one out`);
  }
}

/** Parses one event; a fault is `Wrong`, for the caller to place. */
export function parseEvent(text: string): Event {
  const [name = '', ...rest] = text.split(/\s+/).filter((one) => one !== '');
  if (!isEventName(name)) wrong(`"${name}" is not an event; the events are ${Object.keys(EVENTS).join(', ')}`);
  const row = ROWS[name];
  const words = new Words(name, rest);
  const fields: Record<string, unknown> = { kind: name, picks: NO_PICKS };
  for (const [field, one] of Object.entries(row.words)) {
    const codec = codecOf(one);
    fields[field] = isFor(one, fields.type) ? codec.read(words, one) : codec.none;
  }
  for (const [field, option] of Object.entries(row.options)) fields[field] = codecOf(option).none;
  readOptions(name, words, fields);
  return fields as unknown as Event;
}

// writing

/** A word that was written, with its field and value. */
export interface Written {
  readonly field: string;
  readonly row: Option | Word;
  readonly value: unknown;
}

/** The words of the event that were written, options last. */
export function writtenOf(event: Event): readonly Written[] {
  const fields = event as unknown as Readonly<Record<string, unknown>>;
  const { words, options } = ROWS[event.kind];
  const all = (rows: Readonly<Record<string, Word>>) =>
    Object.entries(rows).map(([field, row]): Written => ({ field, row, value: fields[field] }));
  return [
    ...all(words).filter(({ row }) => isFor(row, fields.type)),
    ...all(options).filter(({ row, value }) => codecOf(row).given(value)),
  ];
}

/** The event as a scenario writes it. `parseEvent` reads it back as the same event, but for the kernel's choices. */
export function printEvent(event: Event): string {
  const words = writtenOf(event).flatMap(({ field, row, value }) => {
    const text = codecOf(row).print(value);
    return 'says' in row ? [wordOf(field), text] : [text];
  });
  return [event.kind, ...words].filter((one) => one !== '').join(' ');
}

/** The event as the player of a real kernel takes it: what was written, addresses with dots, the text beside it. */
export function eventJson(text: string): object {
  const event = parseEvent(text);
  const fields = writtenOf(event).map(({ field, row, value }) => [field, codecOf(row).json(value)] as const);
  return { kind: event.kind, text, ...Object.fromEntries(fields) };
}

// sockets

/** The events of a socket that is open. */
export type SocketEvent = {
  [N in EventName]: (typeof EVENTS)[N]['words'] extends { readonly s: { readonly is: 'socket' } } ? N : never;
}[EventName];

function isSocketEvent(name: EventName): name is SocketEvent {
  return ROWS[name].words.s?.is === 'socket';
}

export const SOCKET_EVENTS: readonly SocketEvent[] = (Object.keys(EVENTS) as EventName[]).filter(isSocketEvent);

/** Whether the event takes that option, written with its value, for sockets of that type. */
export function takesOption(name: EventName, option: string, type: string): boolean {
  const [text = ''] = option.split(' ', 1);
  const known = OPTIONS.get(name)?.get(text);
  return known !== undefined && isFor(known.option, type);
}

/** Every option that a generator may draw for the event, with its values. */
export function drawnOptions(name: EventName): readonly string[] {
  return Object.entries(ROWS[name].options).flatMap(([field, { draws = [] }]) =>
    draws.map((value) => `${wordOf(field)} ${value}`.trim()),
  );
}

// the manual

/** What the event and its options do, in one line. */
function manualOf(name: EventName): string {
  const { says, options } = ROWS[name];
  const further = Object.entries(options).map(
    ([field, option]) => `\`${`${wordOf(field)} ${signOf(option)}`.trim()}\` is ${option.says}`,
  );
  return [says, ...further].join('; ');
}

/** The table of events in Markdown. */
export function eventTable(): string {
  const rows = (Object.keys(EVENTS) as EventName[]).map((name) => {
    const usage = `\`${usageOf(name).replaceAll('|', '\\|')}\``;
    return `| ${usage} | ${manualOf(name)} |`;
  });
  return ['| event | meaning |', '| --- | --- |', ...rows].join('\n');
}
