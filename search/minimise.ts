/**
 * Makes a failing scenario small in the field's own measure: fewest events, then fewest links, addresses, routes,
 * rules and sockets, then the shortest commands with the most familiar numbers.
 *
 * Works on the text that people read: a command or an event is dropped, a word of it is dropped, a name or number is
 * replaced by a more familiar one, as long as the scenario still is a legal one that breaks the property.
 */
import type { Text } from '../scenario/text.ts';

/** Whether a scenario is legal and breaks the property. */
export type Breaks = (text: Text) => boolean;

/** Networks, addresses, numbers and names, the most familiar first: the post's own, then documentation ranges. */
const NETWORKS = ['10.0.0.', '10.1.0.', '192.168.1.', '192.0.2.', '198.51.100.', '203.0.113.'];
const ADDRESSES = ['8.8.8.8', '10.0.0.1', '10.1.0.1', '10.0.0.254', '10.1.0.254', '9.9.9.9', '10.0.0.2', '10.1.0.2'];
const HOST_ADDRESSES = ADDRESSES.filter((address) => address.startsWith('10.'));
const NUMBERS = ['100', '80', '53', '40000', '40001', '1000'];
const NAMES = ['c', 'd', 'l'];

/** The words of a line, quoted ones kept whole. */
function wordsOf(line: string): readonly string[] {
  return line.match(/"[^"]*"|\S+/g) ?? [];
}

function without<T>(list: readonly T[], i: number, n = 1): readonly T[] {
  return [...list.slice(0, i), ...list.slice(i + n)];
}

/** What a line adds to the measure of its scenario, and what may stand in its place. */
interface Line {
  /** Its index in the measure, for what is counted there; 0 for other commands. */
  readonly counted: number;
  readonly opens: boolean;
  /** Payload bytes of a `send` or `say`; they are no word. */
  readonly bytes: number;
  readonly words: number;
  readonly strange: number;
  /** The same line with some of its words left out, more of them first. */
  readonly shorter: readonly string[];
}

/** Lines that are remembered. */
const MOST_LINES = 20_000;

const lines = new Map<string, Line>();

function lineOf(line: string): Line {
  const known = lines.get(line);
  if (known !== undefined) return known;
  if (lines.size >= MOST_LINES) lines.clear();
  const fresh = readLine(line);
  lines.set(line, fresh);
  return fresh;
}

const COUNTED: readonly RegExp[] = [/^ip link add/, /^ip addr/, /^ip route/, /^(ip rule|iptables)/];

function readLine(line: string): Line {
  const words = wordsOf(line.replace(/^((send|say) \S+) \d+/, '$1'));
  return {
    counted: COUNTED.findIndex((pattern) => pattern.test(line)) + 1,
    opens: line.startsWith('socket '),
    bytes: Number(line.match(/^(?:send|say) \S+ (\d+)/)?.[1] ?? 0),
    words: words.length,
    strange: words.reduce((sum, word) => sum + unfamiliar(word), 0),
    shorter: shorterLines(wordsOf(line)),
  };
}

function shorterLines(words: readonly string[]): readonly string[] {
  const shorter: string[] = [];
  if (words[1] === 'link') return shorter;
  for (let n = 8; n >= 1; n--) {
    for (let k = words.length - n; k >= 1; k--) shorter.push(without(words, k, n).join(' '));
  }
  return shorter;
}

/** How many commands of each kind, in the order of importance, then words, payload bytes, and unfamiliarity. */
export function measure({ host, events }: Text): readonly number[] {
  const size = [events.length, 0, 0, 0, 0, 0, host.length, 0, 0, 0];
  const add = (i: number, value: number) => {
    size[i] = (size[i] as number) + value;
  };
  let weight = host.length + events.length;
  for (const line of host) {
    const { counted, words, strange } = lineOf(line);
    if (counted > 0) add(counted, 1);
    add(7, words);
    add(9, (weight--) ** 2 * strange);
  }
  for (const line of events) {
    const { opens, bytes, words, strange } = lineOf(line);
    if (opens) add(5, 1);
    add(7, words);
    add(8, bytes);
    add(9, (weight--) ** 2 * strange);
  }
  return size;
}

/** Whether measure `a` is smaller than `b`. */
export function smaller(a: readonly number[], b: readonly number[]): boolean {
  const i = a.findIndex((value, k) => value !== b[k]);
  return i >= 0 && (a[i] as number) < (b[i] as number);
}

/** How far the parts of a word are from the familiar ones. */
function unfamiliar(word: string): number {
  const rank = (list: readonly string[], item: string) => (list.includes(item) ? list.indexOf(item) : list.length + 2);
  let sum = 0;
  for (const address of word.match(/\d+\.\d+\.\d+\.\d+/g) ?? []) {
    sum += rank(ADDRESSES, address) + rank(NETWORKS, address.replace(/\d+$/, ''));
  }
  if (/^\d+$/.test(word)) sum += Number(word) <= 5 ? Number(word) : rank(NUMBERS, word);
  if (/^[a-z]$/.test(word)) sum += rank(NAMES, word);
  return sum;
}

/** Every scenario with one thing less. */
function* smallerTexts(text: Text): Generator<Text> {
  for (const name of new Set(
    text.events.filter((event) => event.startsWith('socket ')).map((event) => wordsOf(event)[1] as string),
  )) {
    const events = text.events.filter((event) => wordsOf(event)[1] !== name);
    yield { ...text, events };
  }
  for (let n = 2; n >= 1; n--) {
    for (let i = text.events.length - n; i >= 0; i--) yield { ...text, events: without(text.events, i, n) };
  }
  for (const device of new Set(text.host.flatMap((line) => line.match(/^ip link add (\S+)/)?.[1] ?? []))) {
    yield { ...text, host: text.host.filter((line) => !wordsOf(line).includes(device)) };
  }
  for (let i = text.host.length - 1; i >= 0; i--) yield { ...text, host: without(text.host, i) };
  for (let i = text.host.length - 1; i >= 0; i--) {
    for (let k = i - 1; k >= 0; k--) yield { ...text, host: without(without(text.host, i), k) };
  }
}

/** Every scenario with up to eight words less in one line. */
function* shorterTexts(text: Text): Generator<Text> {
  for (const part of ['host', 'events'] as const) {
    for (const [i, line] of text[part].entries()) {
      for (const shorter of lineOf(line).shorter) yield { ...text, [part]: text[part].with(i, shorter) };
    }
  }
}

function replaceAll(text: Text, change: (line: string) => string): Text {
  return { ...text, host: text.host.map(change), events: text.events.map(change) };
}

/** Every scenario with one name or number replaced, everywhere or in one line. */
function* familiarTexts(text: Text): Generator<Text> {
  const lines = [...text.host, ...text.events];
  const networks = new Set(lines.flatMap((line) => line.match(/\d+\.\d+\.\d+\.(?=\d)/g) ?? []));
  for (const old of networks) {
    for (const network of NETWORKS) {
      if (!networks.has(network)) yield replaceAll(text, (line) => line.replaceAll(old, network));
      else {
        yield replaceAll(text, (line) => line.replaceAll(old, '#').replaceAll(network, old).replaceAll('#', network));
      }
    }
  }
  const addresses = new Set(lines.flatMap((line) => line.match(/\d+\.\d+\.\d+\.\d+/g) ?? []));
  const own = text.host.filter((line) => !line.startsWith('iptables')).join('\n');
  for (const old of addresses) {
    const isOwn = new RegExp(`${old}(?!\\d)`).test(own);
    for (const address of (isOwn ? HOST_ADDRESSES : ADDRESSES).filter((one) => !addresses.has(one)))
      yield replaceAll(text, (line) => line.replaceAll(new RegExp(`${old}(?!\\d)`, 'g'), address));
  }
  const numbers = new Set(lines.flatMap((line) => line.match(/(?<![\w./])\d+(?![\w./])/g) ?? []));
  for (const old of numbers) {
    for (const number of NUMBERS.filter((one) => !numbers.has(one))) {
      yield replaceAll(text, (line) => line.replaceAll(new RegExp(`(?<![\\w./])${old}(?![\\w./])`, 'g'), number));
    }
  }
  for (let i = 0; i < text.events.length; i++) {
    for (const match of (text.events[i] as string).matchAll(/(?<![\w.])\d+(?![\w.])/g)) {
      for (const number of ['1', ...NUMBERS]) {
        const line = text.events[i] as string;
        yield {
          ...text,
          events: text.events.with(
            i,
            `${line.slice(0, match.index)}${number}${line.slice(match.index + match[0].length)}`,
          ),
        };
      }
    }
  }
  const sockets = text.events.flatMap((event) => event.match(/^socket (\S+)/)?.[1] ?? []);
  for (const old of sockets) {
    for (const name of NAMES) {
      if (!sockets.includes(name)) {
        yield {
          ...text,
          events: text.events.map((event) => event.replace(new RegExp(`^(\\S+) ${old}(?=[ .]|$)`), `$1 ${name}`)),
        };
      }
    }
  }
}

/** The smallest scenario that these steps lead to from `text`, which must break the property itself, before the time is up. */
export function minimise(text: Text, breaks: Breaks, until: number = Number.POSITIVE_INFINITY): Text {
  let best = text;
  let size = measure(best);
  for (;;) {
    const better = firstSmaller(best, size, breaks, until);
    if (better === undefined) return best;
    best = better;
    size = measure(best);
  }
}

/** The same, where the answer takes its time: a scenario is tried on a real kernel. */
export async function minimiseAsync(text: Text, breaks: (text: Text) => Promise<boolean>): Promise<Text> {
  let best = text;
  for (;;) {
    const size = measure(best);
    let better: Text | undefined;
    for (const candidate of candidatesOf(best)) {
      if (smaller(measure(candidate), size) && (await breaks(candidate))) {
        better = candidate;
        break;
      }
    }
    if (better === undefined) return best;
    best = better;
  }
}

/** Every scenario that is one step away, those with less first. */
function* candidatesOf(text: Text): Generator<Text> {
  for (const candidates of [smallerTexts, shorterTexts, familiarTexts]) yield* candidates(text);
}

function firstSmaller(text: Text, size: readonly number[], breaks: Breaks, until: number): Text | undefined {
  for (const candidate of candidatesOf(text)) {
    if (Date.now() > until) return undefined;
    if (smaller(measure(candidate), size) && breaks(candidate)) return candidate;
  }
  return undefined;
}

/** What could still be left out, none for a 1-minimal scenario: the lines without which it breaks the property as well. */
export function superfluous(text: Text, breaks: Breaks): readonly string[] {
  const host = text.host.filter((_, i) => breaks({ ...text, host: without(text.host, i) }));
  const events = text.events.filter((_, i) => breaks({ ...text, events: without(text.events, i) }));
  return [...host, ...events];
}
