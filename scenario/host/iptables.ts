/**
 * `iptables` as its own parser reads it: tables, chains, matches and targets that local traffic needs.
 *
 * Observed: iptables 1.8.9, 2026-11-22: `iptables -S` after each form of each option.
 */
import type { HostCommand } from '../../model/types/host.ts';
import { NF_ACCEPT, NF_DROP, NO_XT_RULE, type XtMatch, type XtRule, type XtTarget } from '../../model/types/verdict.ts';
import { wrong } from '../error.ts';
import { formatProtocol } from '../format.ts';
import { readNumber, U32 } from '../words.ts';
import { readIpProtocol } from './names.ts';
import { leaveOut, leaveOutAsked, type Reading } from './reading.ts';
import { MATCHES, printMatch, UNMODELLED_MATCHES } from './xtMatches.ts';
import { printTarget, TARGETS, UNMODELLED_TARGETS } from './xtTargets.ts';
import { type Given, readAddressMask } from './xtValues.ts';

type Iptables = Extract<HostCommand, { readonly kind: 'iptables' }>;
type Op = Iptables['op'];

const TABLES = ['filter', 'mangle', 'nat', 'raw'];

/** What stands for what on the command line itself, with the number of values behind it. */
const OPTIONS: readonly (readonly [name: string, letter: string, values: number])[] = [
  ['append', 'A', 1],
  ['check', 'C', 1],
  ['delete', 'D', 1],
  ['insert', 'I', 1],
  ['replace', 'R', 1],
  ['new-chain', 'N', 1],
  ['delete-chain', 'X', 0],
  ['flush', 'F', 0],
  ['zero', 'Z', 0],
  ['policy', 'P', 2],
  ['list', 'L', 0],
  ['list-rules', 'S', 0],
  ['table', 't', 1],
  ['source', 's', 1],
  ['src', 's', 1],
  ['destination', 'd', 1],
  ['dst', 'd', 1],
  ['in-interface', 'i', 1],
  ['out-interface', 'o', 1],
  ['protocol', 'p', 1],
  ['proto', 'p', 1],
  ['fragment', 'f', 0],
  ['match', 'm', 1],
  ['jump', 'j', 1],
  ['goto', 'g', 1],
  ['wait', 'w', 0],
  ['wait-interval', 'W', 1],
  ['set-counters', 'c', 2],
  ['modprobe', 'M', 1],
  ['ipv4', '4', 0],
  ['verbose', 'v', 0],
  ['numeric', 'n', 0],
  ['exact', 'x', 0],
  ['line-numbers', 'x', 0],
];

/** Letters of commands; those of `SHOWS` change nothing. */
const COMMANDS = 'ACDIRNXFZPLS';
const SHOWS = 'LSZ';
const TAKES_RULE: readonly string[] = ['A', 'C', 'I', 'D', 'R'];
const INVERTIBLE = 'sdiopf';

/** Options that change what is printed, waited for or counted. */
const NO_EFFECT = 'wWcM4vnx';

/** Whether the words behind `iptables` only show something. */
export function showsTables(words: readonly string[]): boolean {
  return words.some((word) => /^-[A-Za-z0-9]*[LS]/.test(word) || word === '--list' || word === '--list-rules');
}

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
  private readonly reading: Reading;
  private readonly nft: boolean;
  /** Addresses of `-s` and `-d`, of which a list stands for as many rules. */
  private readonly lists = new Map<string, readonly XtMatch[]>();
  /** Why the rule applies to no packet. */
  private never = '';
  private position = 0;

  constructor(words: readonly string[], reading: Reading, nft: boolean) {
    this.words = words;
    this.reading = reading;
    this.nft = nft;
  }

  /** `iptables -A OUTPUT`, for what is told of the rule. */
  private get command(): string {
    return `iptables${this.table === 'filter' ? '' : ` -t ${this.table}`} -${this.op} ${this.chain}`;
  }

  read(): readonly Iptables[] {
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
      wrong(`"${option}" needs a value after it${word === '!' ? '; write "!" before the option' : ''}`);
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
    const ofMatches = uses.flatMap((use) => Object.keys(matchOptions(use.name)).map((full) => ({ full, use })));
    const ofTarget = Object.keys(targetOptions(this.target)).map((full) => ({ full, use: undefined }));
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
    const count = use === undefined ? targetOptions(this.target)[full] : matchOptions(use.name)[full];
    while (values.length < (count ?? 0)) values.push(this.value(`--${full}`));
    if (use === undefined) {
      if (invert) wrong(`"!" cannot stand before "--${full}"; a target's options are not inverted`);
      this.targetGiven.push({ option: full, values, invert });
    } else {
      if (use.given.some(({ option }) => option === full) && use.name in MATCHES)
        wrong(`"--${full}" stands twice; write it once`);
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
    const behind = word.slice(2);
    const takes = OPTIONS.find(([, known]) => known === letter)?.[2] ?? 0;
    if (behind === '' || takes > 0 || letter === 'w') {
      this.option(letter, `-${letter}`, invert, behind === '' || takes === 0 ? [] : [behind]);
      return;
    }
    // Options without values may stand together: -nvL.
    this.option(letter, `-${letter}`, invert, []);
    this.short(`-${behind}`, invert);
  }

  private option(letter: string, option: string, invert: boolean, values: string[]): void {
    const count = OPTIONS.find(([, known]) => known === letter)?.[2] ?? 0;
    while (values.length < count) values.push(this.value(option));
    const [value = ''] = values;
    if (invert && !INVERTIBLE.includes(letter)) wrong(`"!" cannot stand before "${option}"`);
    if (COMMANDS.includes(letter)) {
      this.setCommand(letter, option, values);
    } else if (letter === 'f') {
      this.fragment(invert);
    } else if (INVERTIBLE.includes(letter)) {
      this.headerMatch(letter, option, value, invert);
    } else if (letter === 't') {
      if (!TABLES.includes(value))
        wrong(`"${value}" is not a table that is modelled; write one of ${TABLES.join(', ')}`);
      this.table = value;
    } else if (letter === 'm') {
      this.loadMatch(value);
    } else if (NO_EFFECT.includes(letter)) {
      if (letter === 'w') this.number();
    } else if (this.target !== '' || this.gotoChain !== '') {
      wrong(`"${option} ${value}" is a second target; write one a rule`);
    } else if (letter === 'g') {
      this.gotoChain = value;
    } else {
      this.target = value;
    }
  }

  private setCommand(op: string, option: string, values: string[]): void {
    if (this.op !== '') wrong(`"${option}" is a second command; write one a line`);
    this.op = op as Op;
    this.chain = values[0] ?? '';
    if (['F', 'X', 'Z', 'L', 'S'].includes(op) && this.chain === '' && /^[^-!]/.test(this.words[this.position] ?? '')) {
      this.chain = this.words[this.position++] ?? '';
    }
    if (op === 'I') this.index = this.number() || 1;
    if (op === 'R') this.index = this.number();
    if (op === 'D') {
      this.index = this.number();
      if (this.index > 0) this.op = 'D#';
    }
    if (op === 'P') {
      const policy = values[1] ?? '';
      if (policy !== 'ACCEPT' && policy !== 'DROP') wrong(`"${policy}" is not a policy; write ACCEPT or DROP`);
      this.policy = policy === 'ACCEPT' ? NF_ACCEPT : NF_DROP;
    }
    if (op === 'N' && (this.chain in TARGETS || this.chain in UNMODELLED_TARGETS))
      wrong(`"${this.chain}" is a target; give the chain another name`);
    if (this.chain.length > 28 || /^[-!]/.test(this.chain))
      wrong(`"${this.chain}" is not a chain's name; write 1 to 28 characters`);
  }

  private loadMatch(name: string): void {
    if (!(name in MATCHES) && !(name in UNMODELLED_MATCHES))
      wrong(`"${name}" is not a match that is known here; modelled are ${Object.keys(MATCHES).join(', ')}`);
    this.uses.push({ name, given: [] });
  }

  /** No packet here is a fragment: what is fragmented has passed all rules. */
  private fragment(invert: boolean): void {
    if (!invert) this.never = '-f';
  }

  private headerMatch(letter: string, option: string, value: string, invert: boolean): void {
    if (this.header.has(letter)) wrong(`"${option}" stands twice; write it once`);
    const parts = letter === 's' || letter === 'd' ? value.split(',') : [value];
    if (parts.length > 1 && invert) wrong(`"! ${option}" takes one address; write a rule for each`);
    const matches = parts.map((part) => readHeaderMatch(letter, option, part, invert));
    const [match] = matches;
    if (match?.kind === 'proto') this.protocol = invert ? 0 : match.protocol;
    if (match !== undefined) this.header.set(letter, match);
    if (matches.length > 1) this.lists.set(letter, matches);
  }

  /** The rules that the line stands for: one for each address of a list. */
  private finish(): readonly Iptables[] {
    const { op, table, chain, index, policy, nft } = this;
    if (op === '') wrong('"iptables" changes nothing; write one of -A, -I, -D, -R, -N, -P, -F, -X with a chain');
    if (SHOWS.includes(op)) return [];
    const hasRule =
      this.header.size > 0 || this.uses.length > 0 || this.target !== '' || this.gotoChain !== '' || this.never !== '';
    if (hasRule && !TAKES_RULE.includes(op))
      wrong(`"-${op === 'D#' ? `D ${chain} ${index}` : op}" takes no rule; leave the matches and the target out`);
    if (this.header.has('i') && ['OUTPUT', 'POSTROUTING'].includes(chain))
      wrong(`"-i" cannot stand in ${chain}; packets there have no input link, write -o`);
    if (this.header.has('o') && ['INPUT', 'PREROUTING'].includes(chain))
      wrong(`"-o" cannot stand in ${chain}; packets there have no output link, write -i`);
    if (op === 'R' && index === 0) wrong('"-R" needs the number of a rule; write -R CHAIN NUMBER');
    const made = { kind: 'iptables', nft, table, op, chain, index, policy } as const;
    if (!hasRule) return [{ ...made, rule: NO_XT_RULE }];
    return this.rules().map((rule) => ({ ...made, rule }));
  }

  /** Header matches first, as the kernel compares them; the others in the order of their extensions. */
  private rules(): readonly XtRule[] {
    const left = this.leftOutRule();
    const others = left ? [] : this.uses.flatMap(({ name, given }) => this.finishMatch(name, given));
    const target = left ? ({ kind: 'none' } as const) : this.finishTarget();
    const pairs = (this.lists.get('s') ?? [undefined]).flatMap((src) =>
      (this.lists.get('d') ?? [undefined]).map((dst) => ({ src, dst })),
    );
    return pairs.map(({ src, dst }) => {
      const header = [...'iosdp']
        .map((letter) => (letter === 's' ? src : letter === 'd' ? dst : undefined) ?? this.header.get(letter))
        .filter((match) => match !== undefined)
        .filter((match) => !isTrivial(match));
      return { ...NO_XT_RULE, matches: left ? [] : [...header, ...others], target };
    });
  }

  /**
   * Whether the rule is left out: it does nothing that is modelled, no packet of this host meets it, or it asks for
   * something that is not modelled and the user wants it left out. A rule without match and target stands for it.
   */
  private leftOutRule(): boolean {
    const { reading, target } = this;
    const matches = this.uses.filter(({ name }) => name in UNMODELLED_MATCHES).map(({ name }) => name);
    const unmodelled = UNMODELLED_TARGETS[target];
    const words = [...matches, ...(unmodelled === undefined ? [] : [target])];
    const [word = this.never] = words;
    if (word === '') return false;
    if (reading.forwardedOnly(this.table, this.chain)) {
      leaveOut(reading, word, this.command, 'only packets that are forwarded get there, which a local packet is not');
      return true;
    }
    if (unmodelled?.harmless !== undefined || (target === '' && this.gotoChain === '')) {
      leaveOut(
        reading,
        target === '' ? word : target,
        this.command,
        unmodelled?.harmless ?? 'a rule without target changes nothing',
      );
      return true;
    }
    if (this.never !== '' && words.length === 0) {
      leaveOut(reading, this.never, this.command, 'no packet is a fragment while rules look at it');
      return true;
    }
    let left = false;
    for (const name of matches) {
      const { asks, fulfilled } = UNMODELLED_MATCHES[name] ?? { asks: '' };
      const applies = fulfilled === true ? 'applies whatever it is' : 'does nothing';
      leaveOutAsked(reading, name, this.command, `the rule, which asks for ${asks}, ${applies}`);
      left = left || fulfilled !== true;
    }
    if (unmodelled?.consequence !== undefined) {
      leaveOutAsked(reading, target, this.command, unmodelled.consequence);
      left = true;
    }
    return left;
  }

  private finishMatch(name: string, given: readonly Given[]): XtMatch[] {
    const match = MATCHES[name];
    if (match === undefined) return [];
    const options = Object.keys(match.options).map((option) => `--${option}`);
    if (match.required === true && given.length === 0)
      wrong(`"-m ${name}" needs an option that says what to match, one of ${options.join(', ')}`);
    if (match.needs !== undefined && !match.needs.includes(this.protocol)) {
      wrong(
        `"-m ${name}" needs ${match.needs.map((protocol) => `-p ${formatProtocol(protocol)}`).join(' or ')} before it`,
      );
    }
    return match.read(given, this.reading);
  }

  private finishTarget(): XtTarget {
    if (this.gotoChain !== '') return { kind: 'goto', chain: this.gotoChain };
    if (this.target === '') return { kind: 'none' };
    const target = TARGETS[this.target];
    if (target === undefined) return { kind: 'jump', chain: this.target };
    return target.read(this.targetGiven, this.protocol, {
      harmless: (word, why) => leaveOut(this.reading, word, this.command, why),
      asked: (word, consequence) => leaveOutAsked(this.reading, word, this.command, consequence),
    });
  }
}

function matchOptions(name: string): Readonly<Record<string, number>> {
  return (MATCHES[name] ?? UNMODELLED_MATCHES[name])?.options ?? {};
}

function targetOptions(name: string): Readonly<Record<string, number>> {
  return (TARGETS[name] ?? UNMODELLED_TARGETS[name])?.options ?? {};
}

/** Matches everything, as `-s 0/0` does. */
function isTrivial(match: XtMatch): boolean {
  if (match.kind === 'src' || match.kind === 'dst') return match.mask === 0 && !match.invert;
  if (match.kind === 'proto') return match.protocol === 0;
  return (match.kind === 'in' || match.kind === 'out') && match.dev === '+' && !match.invert;
}

function readHeaderMatch(letter: string, option: string, value: string, invert: boolean): XtMatch {
  if (letter === 's' || letter === 'd') {
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

/** Programs that speak to one back end; `iptables` alone is legacy, whose mangle table the patch is in. */
const PROGRAMS: Readonly<Record<string, boolean>> = {
  iptables: false,
  'iptables-legacy': false,
  'iptables-nft': true,
};

export function isIptables(program: string): boolean {
  return program in PROGRAMS;
}

/** Parses the words behind `iptables`; a list of addresses stands for several commands. */
export function parseIptables(program: string, words: readonly string[], reading: Reading): readonly HostCommand[] {
  const nft = program === 'iptables' ? reading.nft : PROGRAMS[program] === true;
  return new Reader(words, reading, nft).read();
}

/** The command as an operator would type it. */
export function printIptables({ nft, table, op, chain, index, policy, rule }: Iptables): string {
  const words = [nft ? 'iptables-nft' : 'iptables', ...(table === 'filter' ? [] : ['-t', table])];
  words.push(op === 'D#' ? '-D' : `-${op}`);
  if (chain !== '') words.push(chain);
  if (op === 'D#' || op === 'R' || (op === 'I' && index !== 1)) words.push(String(index));
  if (op === 'P') words.push(policy === NF_ACCEPT ? 'ACCEPT' : 'DROP');
  for (const match of rule.matches) {
    const [module, option] = printMatch(match);
    if (module !== '') words.push(module);
    if (option !== '') words.push(match.invert ? `! ${option}` : option);
  }
  const target = printTarget(rule.target);
  if (target !== '') words.push(target);
  return words.join(' ');
}
