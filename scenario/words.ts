/** Reading command lines: splitting them into words, and the numbers and addresses that the words stand for. */
import type { Endpoint } from '../model/types/event.ts';
import { IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP } from '../model/types/packet.ts';
import { wrong } from './error.ts';
import { maskOf, readFlags } from './format.ts';

/**
 * The words of a command line as a shell would pass them: quotes join, a backslash takes the next character as it is,
 * `#` at the start of a word begins a comment. Everything else that a shell would act on is refused.
 */
export function splitWords(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let i = 0; i < line.length; i++) {
    const c = line[i] as string;
    if (quote !== '') {
      if (c === quote) quote = '';
      else if (c === '\\' && quote === '"' && '"\\$`'.includes(line[i + 1] ?? ' ')) word += line[++i] as string;
      else if (quote === '"' && (c === '$' || c === '`')) wrong(`"${c}" would need a shell; write the value itself`);
      else word += c;
    } else if (c === ' ' || c === '\t' || c === '\r') {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (c === '#' && word === undefined) {
      break;
    } else if (c === '"' || c === "'") {
      quote = c;
      word ??= '';
    } else if (c === '\\') {
      if (i + 1 === line.length) wrong('a command cannot continue on the next line; write it on one line');
      word = (word ?? '') + (line[++i] as string);
    } else if (';&|<>$`(){}*?~'.includes(c)) {
      wrong(`"${c}" would need a shell; write one command a line, with the values themselves`);
    } else {
      word = (word ?? '') + c;
    }
  }
  if (quote !== '') wrong(`the quote ${quote} is not closed; close it`);
  if (word !== undefined) words.push(word);
  return words;
}

/** The words of one command, taken one after the other. */
export class Words {
  readonly command: string;
  private readonly words: readonly string[];
  private position = 0;

  /** `command` names it in messages: `ip rule add`. */
  constructor(command: string, words: readonly string[]) {
    this.command = command;
    this.words = words;
  }

  get count(): number {
    return this.words.length;
  }

  get done(): boolean {
    return this.position >= this.words.length;
  }

  /** The word that comes next, '' at the end. */
  get next(): string {
    return this.words[this.position] ?? '';
  }

  /** The word that was taken last, the command before the first. */
  get last(): string {
    return this.words[this.position - 1] ?? this.command;
  }

  /** All that is left. */
  rest(): string {
    const rest = this.words.slice(this.position).join(' ');
    this.position = this.words.length;
    return rest;
  }

  take(): string {
    return this.words[this.position++] ?? '';
  }

  /** Takes the value that `option` needs. */
  value(option: string, what: string): string {
    if (this.done) wrong(`nothing follows "${option}"; write ${what} after it`);
    return this.take();
  }
}

/** A number as C's strtoul with base 0 reads it: decimal, 0x… or octal 0…. */
export function readNumber(word: string, what: string, max: number, min = 0): number {
  const value = /^(0x[0-9a-f]+|[1-9][0-9]*)$/i.test(word)
    ? Number(word)
    : /^0[0-7]*$/.test(word)
      ? Number.parseInt(word, 8)
      : Number.NaN;
  if (!(value >= min && value <= max)) wrong(`"${word}" is not ${what}; write a number from ${min} to ${max}`);
  return value;
}

export const U8 = 0xff;
export const U16 = 0xffff;
export const U32 = 0xffffffff;

/** The 32 bits of a full dotted address, -1 when it is none. */
export function addressOf(word: string): number {
  const parts = word.split('.');
  if (parts.length !== 4) return -1;
  let address = 0;
  for (const part of parts) {
    if (!/^(0|[1-9][0-9]{0,2})$/.test(part) || Number(part) > 255) return -1;
    address = address * 256 + Number(part);
  }
  return address;
}

export function readAddress(word: string, what: string): number {
  const address = addressOf(word);
  if (address < 0) wrong(`"${word}" is not ${what}; write an IPv4 address such as 10.0.0.1`);
  return address;
}

/** `ADDR` or `ADDR:PORT`. */
export function readEndpoint(word: string, what: string): Endpoint {
  const colon = word.indexOf(':');
  const addr = readAddress(colon < 0 ? word : word.slice(0, colon), what);
  return { given: true, addr, port: colon < 0 ? 0 : readNumber(word.slice(colon + 1), 'a port', U16) };
}

/** A transport protocol by name or number. */
export function readTransport(word: string): number {
  const names: Readonly<Record<string, number>> = { tcp: IPPROTO_TCP, udp: IPPROTO_UDP, icmp: IPPROTO_ICMP };
  const protocol = Object.hasOwn(names, word) ? names[word] : undefined;
  if (protocol !== undefined) return protocol;
  if (!/^[0-9]/.test(word)) wrong(`"${word}" is not a protocol; write tcp, udp, icmp or a number`);
  return readNumber(word, 'a protocol', U8);
}

/** TCP flags as tcpdump writes them. */
export function readTcpFlags(word: string): number {
  const flags = readFlags(word);
  if (flags < 0) wrong(`"${word}" is not a set of TCP flags; write them as tcpdump does: S, S., ., P., F., R., none`);
  return flags;
}

/** The length of a prefix from `24` or `255.255.255.0`, -1 when it is neither. */
export function prefixLengthOf(word: string): number {
  if (/^(0|[1-9][0-9]?)$/.test(word)) return Number(word) <= 32 ? Number(word) : -1;
  const mask = addressOf(word);
  for (let length = 0; mask >= 0 && length <= 32; length++) if (maskOf(length) === mask) return length;
  return -1;
}

export interface Prefix {
  readonly address: number;
  readonly length: number;
  /** Whether a length was written. */
  readonly given: boolean;
}

/** A prefix as iproute2 reads it: `default`, `10/8`, `10.0.0.0/255.0.0.0`; a length that is missing is 32. */
export function readPrefix(word: string, what: string): Prefix {
  if (word === 'default' || word === 'any' || word === 'all') return { address: 0, length: 0, given: true };
  const slash = word.indexOf('/');
  const head = slash < 0 ? word : word.slice(0, slash);
  const short = /^[0-9]+(\.[0-9]+){0,2}$/.test(head) ? `${head}${'.0'.repeat(4 - head.split('.').length)}` : head;
  const address = addressOf(short);
  const length = slash < 0 ? 32 : prefixLengthOf(word.slice(slash + 1));
  if (address < 0 || length < 0)
    wrong(`"${word}" is not ${what}; write ADDRESS/LENGTH such as 10.0.0.0/24, or default`);
  return { address, length, given: slash >= 0 };
}

/** A device name the kernel would take. C: net/core/dev.c, dev_valid_name(). */
export function readDevice(word: string): string {
  if (word === '' || word.length > 15 || word === '.' || word === '..' || /[/:\s]/.test(word)) {
    wrong(`"${word}" is not a link name; write 1 to 15 characters without "/", ":" or spaces`);
  }
  return word;
}
