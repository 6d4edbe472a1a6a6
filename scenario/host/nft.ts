/**
 * What `nft list ruleset` prints, as the rules of iptables-nft that do the same.
 *
 * A chain of type route is what iptables-nft calls mangle OUTPUT: behind it a packet whose mark or addresses have changed is
 * routed again. A chain of type filter that is asked of output marks, too, but routes nothing again: it becomes filter OUTPUT.
 */
import { locating, wrong } from '../error.ts';
import type { ListedTable } from './collect.ts';
import type { SourceLine } from './shell.ts';

export interface NftTable {
  readonly tables: readonly ListedTable[];
  /** Lines of `ipset save`. */
  readonly sets: readonly SourceLine[];
  /** The chains that hooks call, `mangle OUTPUT`. */
  readonly hooks: readonly string[];
}

const TABLE = /^\s*table\s+(?:(ip|ip6|inet|arp|bridge|netdev)\s+)?([\w.-]+)\s*\{\s*$/;

export function isNftTable(text: string): boolean {
  return TABLE.test(text);
}

/** `nft list ruleset` and its like. */
export function showsRuleset(words: readonly string[]): boolean {
  return words.find((word) => !word.startsWith('-')) === 'list';
}

/** Whether IPv4 packets of a host do not meet that table. */
export function isOfOthers(text: string): boolean {
  return ['ip6', 'arp'].includes(TABLE.exec(text)?.[1] ?? '');
}

interface Chain {
  readonly name: string;
  readonly from: SourceLine;
  base: Base | undefined;
  policy: string;
  readonly rules: SourceLine[];
}

/** Where a chain is called, in words of iptables. */
interface Base {
  readonly table: string;
  readonly hook: string;
}

const HOOKS: Readonly<Record<string, string>> = {
  output: 'OUTPUT',
  prerouting: 'PREROUTING',
  postrouting: 'POSTROUTING',
  input: 'INPUT',
};

const PRIORITIES: Readonly<Record<string, number>> = {
  raw: -300,
  mangle: -150,
  dstnat: -100,
  filter: 0,
  security: 50,
  srcnat: 100,
};

function priorityOf(text: string): number {
  const [, name = '', sign = '+', more = '0'] = /^(-?\d+|[a-z]+)(?:\s*([+-])\s*(\d+))?$/.exec(text) ?? [];
  const first = PRIORITIES[name] ?? Number(name);
  if (name === '' || Number.isNaN(first)) wrong(`"${text}" is not a priority; write a number, or ${names(PRIORITIES)}`);
  return sign === '+' ? first + Number(more) : first - Number(more);
}

function names(all: object): string {
  return Object.keys(all).join(', ');
}

/** The chain of iptables that is asked at that place. */
function baseOf(type: string, hookName: string, priority: number): Base {
  const hook = HOOKS[hookName] ?? '';
  // What is asked of forward alone is not met by packets of the host.
  if (hook === '') return { table: 'filter', hook };
  if (type === 'route') return { table: 'mangle', hook };
  if (type === 'nat') return { table: 'nat', hook };
  if (hook === 'OUTPUT' || hook === 'INPUT') {
    if (priority < -200) return { table: 'raw', hook };
    return { table: hook === 'INPUT' && priority < 0 ? 'mangle' : 'filter', hook };
  }
  if (priority < -200) return { table: 'raw', hook };
  if (priority <= -100 || hook === 'POSTROUTING') return { table: 'mangle', hook };
  return wrong(`a chain of type filter that is asked of prerouting behind nat is not modelled; leave it out`);
}

/** The parts of a rule: quoted, brackets, commas, words. */
function tokensOf(text: string): readonly string[] {
  return text.match(/"[^"]*"|[{},]|[^\s{},]+/g) ?? [];
}

function withoutComment(text: string): string {
  return text
    .replace(/("[^"]*")|#.*$/g, (_, quoted: string | undefined) => quoted ?? '')
    .replace(/;\s*$/, '')
    .trim();
}

/** Alternatives, each with its words of iptables. */
type Words = readonly string[];

const PROTOCOLS = ['tcp', 'udp', 'icmp', 'udplite', 'sctp', 'dccp', 'esp', 'ah', 'gre'];

const JOINED = new Set([
  'counter',
  'packets',
  'bytes',
  'comment',
  'log',
  'prefix',
  'level',
  'flags',
  'group',
  'queue-threshold',
  'snaplen',
]);

/** One rule while it is read. */
class RuleReader {
  /** Alternatives; '' for any. */
  private protocols: Words = [''];
  private ports: string[] = [];
  private readonly tests: Words[] = [];
  readonly targets: string[] = [];
  /** It is about IPv6 alone. */
  other = false;
  private readonly tokens: readonly string[];
  private at = 0;

  constructor(text: string) {
    this.tokens = tokensOf(text);
  }

  private get next(): string {
    return this.tokens[this.at] ?? '';
  }

  private take(what: string): string {
    const word = this.tokens[this.at++];
    return word ?? wrong(`the rule ends where ${what} should follow`);
  }

  private takes(...words: readonly string[]): boolean {
    const fits = words.every((word, n) => this.tokens[this.at + n] === word);
    if (fits) this.at += words.length;
    return fits;
  }

  read(): void {
    while (this.at < this.tokens.length) {
      if (this.statement()) continue;
      if (this.targets.length > 0) wrong(`"${this.next}" stands behind what the rule does; write two rules`);
      this.test();
    }
  }

  /** All ways in which the rule fits, in words of iptables. */
  matches(): Words {
    const protocols = this.protocols.map((one) => [one === '' ? '' : `-p ${one}`, ...this.ports].join(' '));
    return [protocols, ...this.tests].reduce(
      (all, more) => all.flatMap((one) => more.map((word) => `${one} ${word}`)),
      [''],
    );
  }

  private isNot(): string {
    if (this.takes('!=')) return '! ';
    this.takes('==');
    return '';
  }

  /** One value, or those in braces. */
  private values(what: string): Words {
    if (!this.takes('{')) return [plain(this.take(what))];
    const all: string[] = [];
    while (!this.takes('}')) {
      all.push(plain(this.take(what)));
      this.takes(',');
    }
    return all;
  }

  /** A test whose values are alternatives. */
  private oneOf(what: string, word: (value: string) => string): void {
    const not = this.isNot();
    const all = this.values(what);
    if (not !== '' && all.length > 1) this.tests.push([all.map((value) => `${not}${word(value)}`).join(' ')]);
    else this.tests.push(all.map((value) => `${not}${word(value)}`));
  }

  private address(side: 's' | 'd'): void {
    const set = side === 's' ? 'src' : 'dst';
    this.oneOf('an address', (value) => {
      if (value.startsWith('@')) return `-m set --match-set ${value.slice(1)} ${set}`;
      return value.includes('-') ? `-m iprange --${set}-range ${value}` : `-${side} ${value}`;
    });
    this.moveNot();
  }

  /** Behind `-m NAME` stands the sign that iptables wants before the option. */
  private moveNot(): void {
    const last = this.tests.pop() ?? [];
    this.tests.push(last.map((text) => text.replace(/! (-m \S+) /g, '$1 ! ')));
  }

  private port(protocol: string): void {
    const option = this.take('dport or sport');
    if (protocol !== 'th') this.protocol([protocol]);
    if (protocol === 'icmp' && option === 'type') {
      this.ports.push(`${this.isNot()}--icmp-type ${this.take('a type')}`);
      return;
    }
    if (option !== 'dport' && option !== 'sport')
      wrong(`"${protocol} ${option}" is not modelled; the rule may ask for ${protocol} dport and sport`);
    const not = this.isNot();
    const all = this.values('a port').map((value) => value.replace('-', ':'));
    if (all.some((value) => value.startsWith('@'))) wrong('sets of ports are not modelled; write the ports themselves');
    this.ports.push(all.length === 1 ? `${not}--${option} ${all[0]}` : `-m multiport ${not}--${option}s ${all.join()}`);
  }

  private protocol(all: Words): void {
    const known = this.protocols.filter((one) => all.includes(one));
    this.protocols = this.protocols[0] === '' ? all : known;
  }

  private protocolTest(): void {
    if (this.isNot() !== '') wrong('"!=" of a protocol is not modelled; write the protocols that the rule is for');
    this.protocol(this.values('a protocol'));
  }

  private mark(match: string): void {
    const masked = this.takes('&') || this.takes('and') ? `/${this.take('a mask')}` : '';
    const not = this.isNot();
    this.tests.push(this.values('a mark').map((value) => `-m ${match} ${not}--mark ${value}${masked}`));
  }

  private ofUser(option: string): void {
    const not = this.isNot();
    const all = this.values('a user or a group');
    const words = all.map((value) => `${not}--${option} ${value}`);
    if (not !== '' && all.length > 1) wrong(`"!=" of several is not modelled; write rules for each`);
    // A packet without a socket fits no comparison.
    this.tests.push(words.map((word) => `-m owner ${not === '' ? '' : '--socket-exists '}${word}`));
  }

  private link(option: string): void {
    this.oneOf('a link', (value) => `${option} ${value.replace(/\*$/, '+')}`);
  }

  private test(): void {
    const word = this.take('a test');
    switch (word) {
      case 'ip':
        this.ofIp(this.take('a field'));
        break;
      case 'ip6':
      case 'icmpv6':
        this.other = true;
        this.at = this.tokens.length;
        return;
      case 'meta':
        this.meta(this.take('a key'));
        break;
      case 'mark':
      case 'skuid':
      case 'skgid':
      case 'oifname':
      case 'iifname':
      case 'oif':
      case 'iif':
        this.meta(word);
        break;
      case 'ct':
        this.ct(this.take('a key'));
        break;
      case 'fib':
        this.fib();
        break;
      case 'socket':
        if (!this.takes('cgroupv2', 'level')) wrong(`"socket ${this.next}" is not modelled; leave the rule out`);
        this.take('a level');
        this.tests.push([`-m cgroup ${this.isNot()}--path /${plain(this.take('a group')).replace(/^\//, '')}`]);
        return;
      default:
        if (word === 'th' || PROTOCOLS.includes(word)) this.port(word);
        else
          wrong(
            `"${word}" of a rule of nf_tables is not modelled; leave the rule out, or write it as iptables-nft does`,
          );
    }
  }

  private ofIp(field: string): void {
    if (field === 'daddr') this.address('d');
    else if (field === 'saddr') this.address('s');
    else if (field === 'protocol') this.protocolTest();
    else if (field === 'dscp')
      this.tests.push([`-m dscp ${this.isNot()}--dscp-class ${this.take('a class').toUpperCase()}`]);
    else wrong(`"ip ${field}" is not modelled; a rule may ask for ip saddr, daddr, protocol and dscp`);
  }

  private meta(key: string): void {
    switch (key) {
      case 'mark':
        this.mark('mark');
        break;
      case 'l4proto':
        this.protocolTest();
        break;
      case 'nfproto':
        this.other = this.take('a family') === 'ipv6';
        return;
      case 'skuid':
        this.ofUser('uid-owner');
        break;
      case 'skgid':
        this.ofUser('gid-owner');
        break;
      case 'oifname':
      case 'oif':
        this.link('-o');
        break;
      case 'iifname':
      case 'iif':
        this.link('-i');
        break;
      case 'cgroup':
        this.tests.push([`-m cgroup ${this.isNot()}--cgroup ${this.take('a class')}`]);
        return;
      case 'length':
        this.tests.push([`-m length ${this.isNot()}--length ${this.take('a length').replace('-', ':')}`]);
        return;
      default:
        wrong(`"meta ${key}" is not modelled; leave the rule out`);
    }
  }

  private ct(key: string): void {
    if (key === 'mark') {
      this.mark('connmark');
      return;
    }
    if (key === 'direction') {
      this.tests.push([`-m conntrack ${this.isNot()}--ctdir ${this.take('a direction').toUpperCase()}`]);
      return;
    }
    if (key !== 'state') wrong(`"ct ${key}" is not modelled; a rule may ask for ct state, mark and direction`);
    const not = this.isNot();
    const braces = this.takes('{');
    const all = [this.take('a state')];
    while (this.takes(',')) all.push(this.take('a state'));
    if (braces) this.takes('}');
    this.tests.push([`-m conntrack ${not}--ctstate ${all.join().toUpperCase()}`]);
  }

  private fib(): void {
    const side = this.take('daddr or saddr');
    if (!this.takes('type') || !['daddr', 'saddr'].includes(side))
      wrong('of "fib" only daddr type and saddr type are modelled');
    const type = side === 'daddr' ? 'dst' : 'src';
    const not = this.isNot();
    const all = this.values('a type').map((value) => value.toUpperCase());
    this.tests.push([`-m addrtype ${not}--${type}-type ${all.join()}`]);
  }

  /** What the rule does; false where a test follows. */
  private statement(): boolean {
    const { next } = this;
    if (['counter', 'comment', 'log'].includes(next)) {
      this.at++;
      while (JOINED.has(this.next) || /^(\d+|"[^"]*"|warn|info|debug|notice|all)$/.test(this.next)) this.at++;
      return true;
    }
    if (this.takes('meta', 'mark', 'set') || this.takes('mark', 'set')) this.targets.push(`-j ${this.newMark()}`);
    else if (this.takes('ct', 'mark', 'set')) this.targets.push(`-j ${this.newConnmark()}`);
    else if (this.takes('ct', 'zone', 'set')) this.targets.push(`-j CT --zone ${this.take('a zone')}`);
    else if (this.takes('ip', 'dscp', 'set'))
      this.targets.push(`-j DSCP --set-dscp-class ${this.take('a class').toUpperCase()}`);
    else if (['accept', 'drop', 'return'].includes(next)) this.targets.push(`-j ${this.take('').toUpperCase()}`);
    else if (this.takes('jump')) this.targets.push(`-j ${this.take('a chain')}`);
    else if (this.takes('goto')) this.targets.push(`-g ${this.take('a chain')}`);
    else if (this.takes('notrack')) this.targets.push('-j CT --notrack');
    else if (this.takes('reject')) this.targets.push(this.reject());
    else if (['masquerade', 'redirect', 'snat', 'dnat'].includes(next)) this.targets.push(this.nat(this.take('')));
    else return false;
    return true;
  }

  private newMark(): string {
    if (this.takes('ct', 'mark')) return 'CONNMARK --restore-mark';
    if (!this.takes('meta', 'mark') && !this.takes('mark')) return `MARK --set-mark ${this.take('a mark')}`;
    return this.changed('MARK');
  }

  private newConnmark(): string {
    if (this.takes('meta', 'mark') || this.takes('mark')) return 'CONNMARK --save-mark';
    if (!this.takes('ct', 'mark')) return `CONNMARK --set-mark ${this.take('a mark')}`;
    return this.changed('CONNMARK');
  }

  /** Bits that are kept, set or turned: `mark & A | B`. */
  private changed(target: string): string {
    const number = () => {
      const word = this.take('a number');
      return /^(0x[0-9a-f]+|\d+)$/i.test(word) ? Number(word) : wrong(`"${word}" is not a number`);
    };
    let keep = 0xffffffff;
    let turn = 0;
    for (;;) {
      if (this.takes('&') || this.takes('and')) {
        const mask = number();
        keep &= mask;
        turn &= mask;
      } else if (this.takes('|') || this.takes('or')) {
        const bits = number();
        keep &= ~bits;
        turn |= bits;
      } else if (this.takes('^') || this.takes('xor')) turn ^= number();
      else break;
    }
    const hex = (value: number) => `0x${(value >>> 0).toString(16)}`;
    return `${target} --set-xmark ${hex(turn)}/${hex(~keep)}`;
  }

  private reject(): string {
    if (!this.takes('with')) return '-j REJECT';
    if (this.takes('tcp', 'reset')) return '-j REJECT --reject-with tcp-reset';
    if (this.takes('icmp') || this.takes('icmpx')) this.takes('type');
    return `-j REJECT --reject-with icmp-${this.take('a reason')}`;
  }

  private nat(kind: string): string {
    this.takes('ip');
    const options: Readonly<Record<string, string>> = { snat: '--to-source', dnat: '--to-destination' };
    let to = '';
    if (this.takes('to')) {
      const value = this.take('an address or a port').replace(/^:/, '');
      to = ` ${options[kind] ?? '--to-ports'} ${value}`;
    }
    const more = ['random', 'fully-random', 'persistent'].filter((word) => this.takes(word));
    const flags = more.map((word) => ` --${word === 'fully-random' ? 'random-fully' : word}`).join('');
    return `-j ${kind.toUpperCase()}${to}${flags}`;
  }
}

function plain(word: string): string {
  return word.replace(/^"(.*)"$/, '$1');
}

/** Rules of iptables that do what one of nft does; one that does several things has a chain of its own. */
function rulesOf(chain: string, line: SourceLine, own: string): readonly string[] {
  const reader = new RuleReader(withoutComment(line.text));
  reader.read();
  if (reader.other) return [];
  const { targets } = reader;
  if (targets.length === 0) return [];
  const add = (target: string) => reader.matches().map((match) => `-A ${chain}${match} ${target}`.replace(/ +/g, ' '));
  const [first = '', ...more] = targets;
  if (more.length === 0) return add(first);
  const last = targets.at(-1) ?? '';
  const leaves = last === '-j RETURN' || last.startsWith('-g ');
  return [
    `-N ${own}`,
    ...targets.filter((target) => target !== '-j RETURN').map((target) => `-A ${own} ${target}`),
    ...add(`${leaves ? '-g' : '-j'} ${own}`),
  ];
}

/** The chains that rules of a chain lead to. */
function calledBy({ rules }: Chain): readonly string[] {
  return rules.flatMap(({ text }) => [...text.matchAll(/\b(?:jump|goto) ([\w.-]+)/g)].map(([, name]) => name ?? ''));
}

/** The elements of a set, each a line of `ipset save`. */
function setLines(from: SourceLine, name: string, text: string): readonly SourceLine[] {
  const [, type = ''] = /type ([^;\n{}]+?)\s*(?:;|\n|flags|elements|$)/.exec(text) ?? [];
  if (type !== 'ipv4_addr') wrong(`sets of "${type}" are not modelled; a set of nf_tables may have ipv4_addr`);
  const [, elements = ''] = /elements = \{([^}]*)\}/.exec(text) ?? [];
  const all = elements
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
  return [`create ${name} hash:net`, ...all.map((one) => `add ${name} ${one}`)].map((line) => ({
    ...from,
    text: line,
  }));
}

/** Reads a table, from its first line to its closing bracket. */
export function readNftTable(lines: readonly SourceLine[]): NftTable {
  const chains: Chain[] = [];
  const sets: SourceLine[] = [];
  let chain: Chain | undefined;
  let set: { readonly name: string; readonly from: SourceLine; text: string; depth: number } | undefined;
  for (const line of lines.slice(1, -1)) {
    locating(line.file, line.where, () => {
      const text = withoutComment(line.text);
      if (set !== undefined) {
        set.text += `${text}\n`;
        set.depth += (text.match(/\{/g) ?? []).length - (text.match(/\}/g) ?? []).length;
        if (set.depth > 0) return;
        sets.push(...setLines(set.from, set.name, set.text));
        set = undefined;
        return;
      }
      const [, kind = '', name = ''] = /^(chain|set)\s+([\w.-]+)\s*\{$/.exec(text) ?? [];
      if (kind === 'set') set = { name, from: line, text: '', depth: 1 };
      else if (kind === 'chain') {
        chain = { name, from: line, base: undefined, policy: 'ACCEPT', rules: [] };
        chains.push(chain);
      } else if (text === '}') chain = undefined;
      else if (text !== '' && chain === undefined)
        wrong(`"${text}" of a table of nf_tables is not modelled; leave it out`);
      else if (text !== '' && chain !== undefined) takeChainLine(chain, { ...line, text });
    });
  }
  const hooked = chains.filter((one) => one.base !== undefined && one.base.hook !== '');
  return {
    tables: hooked.map((one) => tableOf(one, chains)),
    sets,
    hooks: hooked.map(({ base }) => `${base?.table} ${base?.hook}`),
  };
}

function takeChainLine(chain: Chain, line: SourceLine): void {
  const [, type, hook, priority, policy] =
    /^type (\w+) hook (\w+)(?: device \S+)? priority ([^;]+?)(?:;\s*policy (\w+))?$/.exec(line.text) ?? [];
  if (type !== undefined && hook !== undefined && priority !== undefined) {
    chain.base = baseOf(type, hook, priorityOf(priority));
    chain.policy = (policy ?? 'accept').toUpperCase();
    return;
  }
  const [, alone] = /^policy (\w+)$/.exec(line.text) ?? [];
  if (alone !== undefined) chain.policy = alone.toUpperCase();
  else chain.rules.push(line);
}

/** The chain that a hook calls and those that it leads to, as a table of iptables. */
function tableOf(base: Chain, chains: readonly Chain[]): ListedTable {
  const { table, hook } = base.base as Base;
  const names = new Set([base.name]);
  for (const name of names)
    for (const one of chains) if (one.name === name) for (const to of calledBy(one)) names.add(to);
  const lines: SourceLine[] = [];
  const rules: SourceLine[] = [];
  for (const chain of chains.filter(({ name }) => names.has(name))) {
    const name = chain === base ? hook : chain.name;
    if (chain !== base) lines.push({ ...chain.from, text: `-N ${name}` });
    else if (chain.policy === 'DROP') lines.push({ ...chain.from, text: `-P ${hook} DROP` });
    for (const [n, line] of chain.rules.entries()) {
      locating(line.file, line.where, () => {
        for (const text of rulesOf(name, line, `${chain.name}-${n + 1}`))
          (text.startsWith('-N') ? lines : rules).push({ ...line, text });
      });
    }
  }
  return { from: base.from, name: table, nft: true, lines: [...lines, ...rules], whole: false };
}
