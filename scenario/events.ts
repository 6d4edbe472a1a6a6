/** Events as a scenario writes them, one string each, and as the model takes them. */
import { type Event, NO_PICKS } from '../model/types/event.ts';
import { IPPROTO_ICMP, IPPROTO_RAW, IPPROTO_TCP, IPPROTO_UDP } from '../model/types/packet.ts';
import { wrong } from './error.ts';
import { formatAddress, formatEndpoint, formatFlags, formatProtocol, readFlags } from './format.ts';
import { parseHostLine, printHostCommand } from './host.ts';
import { printArrival, readArrival, readEndpoint, readLen, readTransport } from './packets.ts';
import { readAddress, readDevice, readNumber, U32, Words } from './words.ts';

type Of<Name extends Event['kind']> = Extract<Event, { readonly kind: Name }>;

const picks = NO_PICKS;

/** A socket's name; accepted connections are NAME.1, NAME.2, … */
function readName(words: Words, opens = false): string {
  const name = words.value(words.command, 'the name of a socket');
  const shape = opens ? /^[A-Za-z_][A-Za-z0-9_-]*$/ : /^[A-Za-z_][A-Za-z0-9_-]*(\.[1-9][0-9]*)?$/;
  if (!shape.test(name)) {
    wrong(
      `"${name}" is not the name of a socket; write letters, digits, "-" and "_"${opens ? '' : ', with .1, .2, … for accepted connections'}`,
    );
  }
  return name;
}

/** Nothing may follow. */
function end(words: Words, example: string): void {
  if (!words.done) wrong(`"${words.next}" is too much here; write ${example}`);
}

/** Options behind the fixed words, each at most once. */
function readOptions(words: Words, options: Readonly<Record<string, (option: string) => void>>): void {
  const seen = new Set<string>();
  while (!words.done) {
    const word = words.take();
    const read = Object.hasOwn(options, word) ? options[word] : undefined;
    if (read === undefined) {
      const names = Object.keys(options);
      wrong(
        `"${word}" is not an option of "${words.command}"; it takes ${names.length === 0 ? 'none' : names.join(', ')}`,
      );
    }
    if (seen.has(word)) wrong(`"${word}" stands twice; write it once`);
    seen.add(word);
    read(word);
  }
}

const TYPES = ['tcp', 'udp', 'ping', 'raw', 'hdrincl'] as const;
const IMPLIED = { tcp: IPPROTO_TCP, udp: IPPROTO_UDP, ping: IPPROTO_ICMP, hdrincl: IPPROTO_RAW } as const;

function parseSocket(words: Words): Of<'socket'> {
  const s = readName(words, true);
  const word = words.value(s, 'tcp, udp, ping, raw PROTO or hdrincl');
  const type = TYPES.find((known) => known === word);
  if (type === undefined) wrong(`"${word}" is not a kind of socket; write tcp, udp, ping, raw PROTO or hdrincl`);
  const protocol = type === 'raw' ? readTransport(words.value('raw', 'a protocol')) : IMPLIED[type];
  let mark = 0;
  let dev = '';
  let uid = 0;
  let md5 = false;
  let dontroute = false;
  let broadcast = false;
  let unicastIf = '';
  readOptions(words, {
    mark: (option) => {
      mark = readNumber(words.value(option, 'a mark'), 'a mark', U32);
    },
    dev: (option) => {
      dev = readDevice(words.value(option, 'a link'));
    },
    uid: (option) => {
      uid = readNumber(words.value(option, 'a user'), 'a user', U32 - 1);
    },
    md5: () => {
      if (type !== 'tcp') wrong('md5 is an option of TCP; leave it out');
      md5 = true;
    },
    dontroute: () => {
      dontroute = true;
    },
    broadcast: () => {
      broadcast = true;
    },
    'unicast-if': (option) => {
      unicastIf = readDevice(words.value(option, 'a link'));
    },
  });
  if (dev !== '' && unicastIf !== '')
    wrong('the kernel takes no "unicast-if" on a socket bound with "dev"; leave one out');
  return { kind: 'socket', s, type, protocol, mark, dev, uid, dontroute, broadcast, unicastIf, md5, picks };
}

function parseConnect(words: Words): Of<'connect'> {
  const s = readName(words);
  const { addr, port } = readEndpoint(words.value(s, 'ADDR:PORT'), 'an address to connect to');
  let tfo = false;
  readOptions(words, {
    tfo: () => {
      tfo = true;
    },
  });
  return { kind: 'connect', s, addr, port, tfo, picks };
}

function parseBind(words: Words): Of<'bind'> {
  const s = readName(words);
  const { addr, port } = readEndpoint(words.value(s, 'ADDR or ADDR:PORT'), 'an address to bind to');
  end(words, `bind ${s} ADDR[:PORT]`);
  return { kind: 'bind', s, addr, port, picks };
}

function parseSend(words: Words): Of<'send'> {
  const s = readName(words);
  const len = readLen(words.value(s, 'a number of bytes'));
  let to = { addr: 0, port: 0, hasPort: false };
  let hasTo = false;
  let from = 0;
  let via = '';
  let dontroute = false;
  let flags = -1;
  let tfo = false;
  readOptions(words, {
    to: (option) => {
      to = readEndpoint(words.value(option, 'ADDR or ADDR:PORT'), 'a destination');
      hasTo = true;
    },
    from: (option) => {
      from = readAddress(words.value(option, 'an address'), 'a source');
    },
    via: (option) => {
      via = readDevice(words.value(option, 'a link'));
    },
    dontroute: () => {
      dontroute = true;
    },
    flags: (option) => {
      const word = words.value(option, 'TCP flags');
      flags = readFlags(word);
      if (flags < 0) wrong(`"${word}" are not TCP flags; write them as tcpdump does: S, S., ., P., F., R., none`);
    },
    tfo: () => {
      tfo = true;
    },
  });
  return { kind: 'send', s, len, hasTo, to: to.addr, toPort: to.port, from, via, dontroute, flags, tfo, picks };
}

function parseWait(words: Words): Of<'wait'> {
  const word = words.value('wait', 'a number of seconds');
  if (!/^[0-9]{1,9}(\.[0-9]{1,3})?$/.test(word)) wrong(`"${word}" is not a time; write seconds, such as 61 or 0.5`);
  end(words, 'wait SECONDS');
  return { kind: 'wait', ms: Math.round(Number(word) * 1000), picks };
}

function parseListen(words: Words): Of<'listen'> {
  const s = readName(words);
  let tfo = false;
  readOptions(words, {
    tfo: () => {
      tfo = true;
    },
  });
  return { kind: 'listen', s, tfo, picks };
}

/** An event that needs nothing but a name. */
function parseNamed<Name extends 'close' | 'answer' | 'retransmit'>(kind: Name) {
  return (words: Words): { readonly kind: Name; readonly s: string; readonly picks: typeof picks } => {
    const s = readName(words);
    end(words, `${kind} ${s}`);
    return { kind, s, picks };
  };
}

const PARSERS: Readonly<Record<Event['kind'], (words: Words, text: string) => Event>> = {
  socket: parseSocket,
  bind: parseBind,
  listen: parseListen,
  connect: parseConnect,
  close: parseNamed('close'),
  send: parseSend,
  answer: parseNamed('answer'),
  receive: (words) => {
    const dev = readDevice(words.value('receive', 'the name of a link'));
    return { kind: 'receive', dev, ...readArrival(words), picks };
  },
  retransmit: parseNamed('retransmit'),
  host: (_, text) => ({ kind: 'host', command: parseHostLine(text.replace(/^\s*host\s*/, '')), picks }),
  wait: parseWait,
};

/** Parses one event; a fault is `Wrong`, for the caller to place. */
export function parseEvent(text: string): Event {
  const [name = '', ...rest] = text.split(/\s+/).filter((word) => word !== '');
  if (!Object.hasOwn(PARSERS, name)) wrong(`"${name}" is not an event; events are ${Object.keys(PARSERS).join(', ')}`);
  return PARSERS[name as Event['kind']](new Words(name, rest), text);
}

function printSocket(event: Of<'socket'>): string {
  const { s, type, protocol, mark, dev, uid, dontroute, broadcast, unicastIf, md5 } = event;
  const words = ['socket', s, type === 'raw' ? `raw ${formatProtocol(protocol)}` : type];
  if (mark !== 0) words.push(`mark ${mark}`);
  if (dev !== '') words.push(`dev ${dev}`);
  if (uid !== 0) words.push(`uid ${uid}`);
  if (dontroute) words.push('dontroute');
  if (broadcast) words.push('broadcast');
  if (unicastIf !== '') words.push(`unicast-if ${unicastIf}`);
  if (md5) words.push('md5');
  return words.join(' ');
}

/** `ADDR:PORT`, or `ADDR` when the port is 0. */
function printEnd(addr: number, port: number): string {
  return port === 0 ? formatAddress(addr) : formatEndpoint(addr, port);
}

function printSend(event: Of<'send'>): string {
  const { s, len, hasTo, to, toPort, from, via, dontroute, flags, tfo } = event;
  const words = ['send', s, String(len)];
  if (hasTo) words.push(`to ${printEnd(to, toPort)}`);
  if (from !== 0) words.push(`from ${formatAddress(from)}`);
  if (via !== '') words.push(`via ${via}`);
  if (dontroute) words.push('dontroute');
  if (flags >= 0) words.push(`flags ${formatFlags(flags)}`);
  if (tfo) words.push('tfo');
  return words.join(' ');
}

/** The event as a scenario writes it. `parseEvent` reads it back as the same event, but for the kernel's choices. */
export function printEvent(event: Event): string {
  switch (event.kind) {
    case 'socket':
      return printSocket(event);
    case 'bind':
      return `bind ${event.s} ${printEnd(event.addr, event.port)}`;
    case 'connect':
      return `connect ${event.s} ${printEnd(event.addr, event.port)}${event.tfo ? ' tfo' : ''}`;
    case 'send':
      return printSend(event);
    case 'receive':
      return `receive ${event.dev} ${printArrival(event)}`;
    case 'host':
      return `host ${printHostCommand(event.command)}`;
    case 'wait':
      return `wait ${event.ms / 1000}`;
    case 'listen':
      return `listen ${event.s}${event.tfo ? ' tfo' : ''}`;
    case 'close':
    case 'answer':
    case 'retransmit':
      return `${event.kind} ${event.s}`;
  }
}
