/** `conntrack -D` and `-F`. Observed: conntrack 1.4.7, 2026-11-28. */
import type { HostCommand } from '../../model/types/host.ts';
import type { CtTest } from '../../model/types/verdict.ts';
import { wrong } from '../error.ts';
import { formatHex, formatProtocol } from '../format.ts';
import { readNumber, U16, U32 } from '../words.ts';
import { readIpProtocol } from './names.ts';
import { HostWords, type Reading } from './reading.ts';
import { printMaskedAddress, readAddressMask, readMasked } from './xtValues.ts';

type Conntrack = Extract<HostCommand, { readonly kind: 'conntrack' }>;

/** Options that ask for an address or a port of a connection. */
const TESTS: readonly (readonly [what: CtTest['what'], ...options: string[]])[] = [
  ['origsrc', '-s', '--src', '--orig-src'],
  ['origdst', '-d', '--dst', '--orig-dst'],
  ['replsrc', '-r', '--reply-src'],
  ['repldst', '-q', '--reply-dst'],
  ['origsrcport', '--sport', '--orig-port-src'],
  ['origdstport', '--dport', '--orig-port-dst'],
  ['replsrcport', '--reply-port-src'],
  ['repldstport', '--reply-port-dst'],
  ['proto', '-p', '--proto', '--protonum'],
];

const NAT: readonly (readonly [nat: 'src' | 'dst', ...options: string[]])[] = [
  ['src', '-n', '--src-nat'],
  ['dst', '-g', '--dst-nat'],
];

const ALL: Conntrack = { kind: 'conntrack', tests: [], mark: 0, mask: 0, zone: -1, nat: '' };

function readTest(what: CtTest['what'], word: string): CtTest {
  if (what === 'proto') {
    const first = readIpProtocol(word);
    return { what, first, last: first, invert: false };
  }
  if (what.endsWith('port')) {
    const first = readNumber(word, 'a port', U16);
    return { what, first, last: first, invert: false };
  }
  const { addr, mask } = readAddressMask(word);
  return { what, first: addr, last: mask, invert: false };
}

/** Whether the words behind `conntrack` only show something. */
export function showsConnections(words: readonly string[]): boolean {
  return words.some((word) => /^(-[LGECS]|--(dump|get|event|count|stats))$/.test(word));
}

/** Parses the words behind `conntrack`. */
export function parseConntrack(all: readonly string[], reading: Reading): HostCommand {
  const words = new HostWords('conntrack', all, reading);
  let command = ALL;
  let op = '';
  while (!words.done) {
    const word = words.take();
    const test = TESTS.find(([, ...options]) => options.includes(word));
    const nat = NAT.find(([, ...options]) => options.includes(word));
    if (['-D', '--delete', '-F', '--flush'].includes(word)) {
      op = word.replace(/^-+/, '')[0]?.toUpperCase() ?? '';
      if (words.next === 'conntrack') words.take();
    } else if (test !== undefined) {
      command = { ...command, tests: [...command.tests, readTest(test[0], words.value(word, 'a value'))] };
    } else if (nat !== undefined) {
      command = { ...command, nat: nat[0] };
      if (/^\d/.test(words.next))
        wrong(`"${word} ${words.next}" is not modelled; write "${word}" alone, or --reply-dst`);
    } else if (word === '-m' || word === '--mark') {
      const { value, mask } = readMasked(words.value(word, 'a mark'), 'a mark', U32);
      command = { ...command, mark: value, mask };
    } else if (word === '-w' || word === '--zone') {
      command = { ...command, zone: readNumber(words.value(word, 'a zone'), 'a zone', U16) };
    } else if (word === '-f' || word === '--family') {
      if (words.value(word, 'a family') !== 'ipv4') wrong(`"${word}" of "conntrack" is modelled with ipv4 alone`);
    } else {
      wrong(
        `"${word}" is not a word of "conntrack" that is modelled; write conntrack -F, or -D with -s, -d, -p, --dport, -m`,
      );
    }
  }
  if (op === '') wrong('"conntrack" changes nothing; write conntrack -F, or conntrack -D -d ADDRESS');
  if (op === 'F' && command !== ALL) wrong('"conntrack -F" forgets every connection; write -D to choose some');
  return command;
}

function printTest({ what, first, last }: CtTest): string {
  const option = TESTS.find(([known]) => known === what)?.at(-1);
  const value =
    what === 'proto' ? formatProtocol(first) : what.endsWith('port') ? String(first) : printMaskedAddress(first, last);
  return `${option} ${value}`;
}

export function printConntrack({ tests, mark, mask, zone, nat }: Conntrack): string {
  const words = tests.map(printTest);
  if (nat !== '') words.push(`--${nat}-nat`);
  if (mask !== 0) words.push(`--mark ${mark}${mask === U32 ? '' : `/${formatHex(mask)}`}`);
  if (zone >= 0) words.push(`--zone ${zone}`);
  return words.length === 0 ? 'conntrack -F' : ['conntrack -D', ...words].join(' ');
}
