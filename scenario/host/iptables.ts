/**
 * `iptables` as its own parser reads it: tables, chains, matches and targets that local traffic needs.
 *
 * Observed: iptables 1.8.9, 2026-11-22: `iptables -S` after each form of each option.
 */
import type { HostCommand } from '../../model/types/host.ts';
import { NF_ACCEPT, NF_DROP, NO_XT_RULE, type XtMatch, type XtRule, type XtTarget } from '../../model/types/verdict.ts';
import { wrong } from '../error.ts';
import { formatProtocol, maskOf } from '../format.ts';
import { addressOf, prefixLengthOf, readNumber, readPrefix, U32 } from '../words.ts';
import { readIpProtocol } from './names.ts';
import { MATCHES, printMatch } from './xtMatches.ts';
import { OTHER_TARGETS, printTarget, TARGETS } from './xtTargets.ts';
import type { Given } from './xtValues.ts';

type Iptables = Extract<HostCommand, { readonly kind: 'iptables' }>;

const TABLES = ['filter', 'mangle', 'nat', 'raw'];

type Op = Iptables['op'];

/** What stands for what on the command line itself, with the number of values behind it. */
const OPTIONS: readonly (readonly [name: string, letter: string, values: number])[] = [
  ['append', 'A', 1],
  ['delete', 'D', 1],
  ['insert', 'I', 1],
  ['new-chain', 'N', 1],
  ['delete-chain', 'X', 0],
  ['flush', 'F', 0],
  ['policy', 'P', 2],
  ['table', 't', 1],
  ['source', 's', 1],
  ['src', 's', 1],
  ['destination', 'd', 1],
  ['dst', 'd', 1],
  ['in-interface', 'i', 1],
  ['out-interface', 'o', 1],
  ['protocol', 'p', 1],
  ['proto', 'p', 1],
  ['match', 'm', 1],
  ['jump', 'j', 1],
  ['goto', 'g', 1],
  ['wait', 'w', 0],
];

const COMMANDS = 'ADINXFP';
const INVERTIBLE = 'sdiop';

/** One use of a match extension, with its place among the rule's matches. */
interface Use {
  readonly name: string;
  readonly given: Given[];
}

/** What has been read so far. */
class Reader {
  table = 'filter';
  op: Op | '' = '';
  chain = '';
  index = 0;
  policy = NF_ACCEPT;
  protocol = 0;
  target = '';
  gotoChain = '';
  private readonly header = new Map<string, XtMatch>();
  private readonly uses: Use[] = [];
  private readonly targetGiven: Given[] = [];
  private readonly words: readonly string[];
  private position = 0;

  constructor(words: readonly string[]) {
    this.words = words;
  }

  read(): Iptables {
    while (this.position < this.words.length) {
      const invert = this.words[this.position] === '!';
      if (invert) this.position++;
      const word = this.words[this.position++] ?? wrong('"!" ends the line; an option must follow it');
      if (word.startsWith('--') && word.length > 2) this.long(word, invert);
      else if (/^-[A-Za-z]/.test(word)) this.short(word, invert);
      else wrong(`"${word}" is not an option of "iptables"; options begin with "-"`);
    }
    return this.finish();
  }

  private value(option: string): string {
    const word = this.words[this.position++];
    if (word === undefined || word === '!')
      wrong(`"${option}" needs a value behind it${word === '!' ? '; write "!" before the option' : ''}`);
    return word;
  }

  /** A number that may stand behind a command: the place in the chain. */
  private number(): number {
    const word = this.words[this.position] ?? '';
    if (!/^[0-9]+$/.test(word)) return 0;
    this.position++;
    return readNumber(word, 'a rule number', U32, 1);
  }

  private long(word: string, invert: boolean): void {
    const equals = word.indexOf('=');
    const name = word.slice(2, equals < 0 ? undefined : equals);
    const values = equals < 0 ? [] : [word.slice(equals + 1)];
    const implicit = this.implicitModule();
    const uses = implicit === '' ? this.uses : [...this.uses, { name: implicit, given: [] }];
    const own = OPTIONS.map(([full]) => ({ full, use: undefined as Use | undefined }));
    const ofMatches = uses.flatMap((use) =>
      Object.keys(MATCHES[use.name]?.options ?? {}).map((full) => ({ full, use })),
    );
    const ofTarget = Object.keys(TARGETS[this.target]?.options ?? {}).map((full) => ({ full, use: undefined }));
    const all = [...own, ...ofMatches, ...ofTarget];
    const exactly = all.filter(({ full }) => full === name);
    const fitting = exactly.length > 0 ? exactly : all.filter(({ full }) => full.startsWith(name));
    const names = [...new Set(fitting.map(({ full }) => full))];
    const [full] = names;
    if (full === undefined) {
      const known = [...ofMatches, ...ofTarget].map((one) => `--${one.full}`);
      const hint =
        known.length > 0
          ? `; after these words it takes ${known.join(', ')}`
          : '; load its match with -m, or its protocol with -p, before it';
      wrong(`"--${name}" is not an option of "iptables" here${hint}`);
    }
    if (names.length > 1)
      wrong(`"--${name}" could be any of ${names.map((one) => `--${one}`).join(', ')}; write it in full`);
    const global = OPTIONS.find(([known]) => known === full);
    if (global !== undefined) {
      this.option(global[1], `--${full}`, invert, values);
      return;
    }
    const use = fitting.findLast((one) => one.full === full)?.use;
    const count = use === undefined ? TARGETS[this.target]?.options[full] : MATCHES[use.name]?.options[full];
    while (values.length < (count ?? 0)) values.push(this.value(`--${full}`));
    if (use === undefined) {
      if (invert) wrong(`"!" cannot stand before "--${full}"; a target's options are not inverted`);
      this.targetGiven.push({ option: full, values, invert });
    } else {
      if (use.given.some(({ option }) => option === full)) wrong(`"--${full}" stands twice; write it once`);
      if (!this.uses.includes(use)) this.uses.push(use);
      use.given.push({ option: full, values, invert });
    }
  }

  /** The match that -p loads by itself, '' when it is loaded already. */
  private implicitModule(): string {
    const header = this.header.get('p');
    const name = header?.kind === 'proto' && !header.invert ? formatProtocol(header.protocol) : '';
    return name in MATCHES && !this.uses.some((use) => use.name === name) ? name : '';
  }

  private short(word: string, invert: boolean): void {
    const letter = word[1] as string;
    if (!OPTIONS.some(([, known]) => known === letter)) {
      wrong(
        `"-${letter}" is not an option of "iptables" that is modelled; it takes ${[...new Set(OPTIONS.map(([, known]) => `-${known}`))].join(', ')}`,
      );
    }
    this.option(letter, `-${letter}`, invert, word.length > 2 ? [word.slice(2)] : []);
  }

  private option(letter: string, option: string, invert: boolean, values: string[]): void {
    const count = OPTIONS.find(([, known]) => known === letter)?.[2] ?? 0;
    while (values.length < count) values.push(this.value(option));
    const [value = ''] = values;
    if (invert && !INVERTIBLE.includes(letter)) wrong(`"!" cannot stand before "${option}"`);
    if (COMMANDS.includes(letter)) {
      this.command(letter as Op, option, values);
    } else if (INVERTIBLE.includes(letter)) {
      this.headerMatch(letter, option, value, invert);
    } else if (letter === 't') {
      if (!TABLES.includes(value))
        wrong(`"${value}" is not a table that is modelled; write one of ${TABLES.join(', ')}`);
      this.table = value;
    } else if (letter === 'm') {
      this.loadMatch(value);
    } else if (letter === 'w') {
      this.number();
    } else if (this.target !== '' || this.gotoChain !== '') {
      wrong(`"${option} ${value}" is a second target; write one a rule`);
    } else if (letter === 'g') {
      this.gotoChain = value;
    } else {
      if (OTHER_TARGETS.includes(value))
        wrong(`"${value}" is a target that is not modelled; modelled are ${Object.keys(TARGETS).join(', ')}`);
      this.target = value;
    }
  }

  private command(op: Op, option: string, values: string[]): void {
    if (this.op !== '') wrong(`"${option}" is a second command; write one a line`);
    this.op = op;
    this.chain = values[0] ?? '';
    if ((op === 'F' || op === 'X') && this.chain === '' && /^[^-!]/.test(this.words[this.position] ?? '')) {
      this.chain = this.words[this.position++] ?? '';
    }
    if (op === 'I') this.index = this.number() || 1;
    if (op === 'D') {
      this.index = this.number();
      if (this.index > 0) this.op = 'D#';
    }
    if (op === 'P') {
      const policy = values[1] ?? '';
      if (policy !== 'ACCEPT' && policy !== 'DROP') wrong(`"${policy}" is not a policy; write ACCEPT or DROP`);
      this.policy = policy === 'ACCEPT' ? NF_ACCEPT : NF_DROP;
    }
    if (op === 'N' && (this.chain in TARGETS || OTHER_TARGETS.includes(this.chain)))
      wrong(`"${this.chain}" is a target; give the chain another name`);
    if (this.chain.length > 28 || /^[-!]/.test(this.chain))
      wrong(`"${this.chain}" is not a chain's name; write 1 to 28 characters`);
  }

  private loadMatch(name: string): void {
    const match = MATCHES[name];
    if (match === undefined)
      wrong(`"${name}" is not a match that is modelled; modelled are ${Object.keys(MATCHES).join(', ')}`);
    this.uses.push({ name, given: [] });
  }

  private headerMatch(letter: string, option: string, value: string, invert: boolean): void {
    if (this.header.has(letter)) wrong(`"${option}" stands twice; write it once`);
    const match = readHeaderMatch(letter, option, value, invert);
    if (match.kind === 'proto') this.protocol = invert ? 0 : match.protocol;
    this.header.set(letter, match);
  }

  private finish(): Iptables {
    const { op, table, chain, index, policy } = this;
    if (op === '') wrong('"iptables" changes nothing; write one of -A, -I, -D, -N, -P, -F, -X with a chain');
    const hasRule = this.header.size > 0 || this.uses.length > 0 || this.target !== '' || this.gotoChain !== '';
    if (hasRule && !['A', 'I', 'D'].includes(op))
      wrong(`"-${op === 'D#' ? `D ${chain} ${index}` : op}" takes no rule; leave the matches and the target out`);
    if (this.header.has('i') && ['OUTPUT', 'POSTROUTING'].includes(chain))
      wrong(`"-i" cannot stand in ${chain}; packets there have no input link, write -o`);
    if (this.header.has('o') && ['INPUT', 'PREROUTING'].includes(chain))
      wrong(`"-o" cannot stand in ${chain}; packets there have no output link, write -i`);
    return { kind: 'iptables', table, op, chain, index, policy, rule: hasRule ? this.rule() : NO_XT_RULE };
  }

  /** Header matches first, as the kernel compares them; the others in the order of their extensions. */
  private rule(): XtRule {
    const matches: XtMatch[] = [];
    for (const letter of 'iosdp') {
      const match = this.header.get(letter);
      if (match !== undefined && !isTrivial(match)) matches.push(match);
    }
    for (const { name, given } of this.uses) matches.push(...this.finishMatch(name, given));
    return { ...NO_XT_RULE, matches, target: this.finishTarget() };
  }

  private finishMatch(name: string, given: readonly Given[]): XtMatch[] {
    const match = MATCHES[name];
    if (match === undefined) return [];
    const options = Object.keys(match.options).map((option) => `--${option}`);
    if (match.required === true && given.length === 0)
      wrong(`"-m ${name}" says not what to match; it takes ${options.join(', ')}`);
    if (match.needs !== undefined && !match.needs.includes(this.protocol)) {
      wrong(
        `"-m ${name}" needs ${match.needs.map((protocol) => `-p ${formatProtocol(protocol)}`).join(' or ')} before it`,
      );
    }
    return match.read(given);
  }

  private finishTarget(): XtTarget {
    if (this.gotoChain !== '') return { kind: 'goto', chain: this.gotoChain };
    if (this.target === '') return { kind: 'none' };
    const target = TARGETS[this.target];
    return target === undefined ? { kind: 'jump', chain: this.target } : target.read(this.targetGiven, this.protocol);
  }
}

/** Matches everything, as `-s 0/0` does. */
function isTrivial(match: XtMatch): boolean {
  if (match.kind === 'src' || match.kind === 'dst') return match.mask === 0 && !match.invert;
  if (match.kind === 'proto') return match.protocol === 0;
  return (match.kind === 'in' || match.kind === 'out') && match.dev === '+' && !match.invert;
}

function readHeaderMatch(letter: string, option: string, value: string, invert: boolean): XtMatch {
  if (letter === 's' || letter === 'd') {
    if (value.includes(',')) wrong(`"${value}" is a list; write one address or prefix a rule`);
    const { addr, mask } = readAddressMask(value);
    if (mask === 0 && invert) wrong(`"! ${option} ${value}" matches nothing; leave the rule out`);
    return { kind: letter === 's' ? 'src' : 'dst', addr, mask, invert };
  }
  if (letter === 'p') {
    const protocol = value === 'all' ? 0 : readIpProtocol(value.toLowerCase());
    if (protocol === 0 && invert) wrong('"! -p all" matches nothing; leave the rule out');
    return { kind: 'proto', protocol, invert };
  }
  if (!/^[^/\s!]{1,15}$/.test(value))
    wrong(`"${value}" is not a link's name; write 1 to 15 characters, "+" at the end for all that begin so`);
  return { kind: letter === 'i' ? 'in' : 'out', dev: value, invert };
}

/** `10.0.0.0/8`, `10.0.0.0/255.0.0.0` or any other mask; host bits are cleared. */
function readAddressMask(word: string): { addr: number; mask: number } {
  const slash = word.indexOf('/');
  const tail = word.slice(slash + 1);
  const unusual = slash >= 0 && prefixLengthOf(tail) < 0 ? addressOf(tail) : -1;
  const { address, length } = readPrefix(unusual >= 0 ? word.slice(0, slash) : word, 'an address');
  const mask = unusual >= 0 ? unusual : maskOf(length);
  return { addr: (address & mask) >>> 0, mask };
}

/** Parses the words behind `iptables`. */
export function parseIptables(words: readonly string[]): HostCommand {
  return new Reader(words).read();
}

/** The command as an operator would type it. */
export function printIptables({ table, op, chain, index, policy, rule }: Iptables): string {
  const words = table === 'filter' ? ['iptables'] : ['iptables', '-t', table];
  words.push(op === 'D#' ? '-D' : `-${op}`);
  if (chain !== '') words.push(chain);
  if (op === 'D#' || (op === 'I' && index !== 1)) words.push(String(index));
  if (op === 'P') words.push(policy === NF_ACCEPT ? 'ACCEPT' : 'DROP');
  for (const match of rule.matches) {
    const [module, option] = printMatch(match);
    if (module !== '') words.push(module);
    words.push(match.invert ? `! ${option}` : option);
  }
  const target = printTarget(rule.target);
  if (target !== '') words.push(target);
  return words.join(' ');
}
