/**
 * The lines of a host, told apart: commands of a shell, and what machines print about themselves, in any order.
 *
 * What a listing is about follows from its form, and from the command before it where that is shown: `ip route show table 52`.
 */
import { InputError, locating, wrong } from '../error.ts';
import { programOf } from './command.ts';
import { showsConnections } from './conntrack.ts';
import { readIp, showsOnly } from './ip.ts';
import { showsSets } from './ipset.ts';
import { isIptables, showsTables } from './iptables.ts';
import { isRecord, type Json } from './listing/json.ts';
import { isLinkLine, LinkListing, type ListedLink } from './listing/links.ts';
import {
  isAnswerJson,
  isNexthopLine,
  isRoute6Json,
  isRoute6Line,
  isRouteAnswer,
  isRouteJson,
  isRouteLine,
  isRuleJson,
  isRuleLine,
  type ListedWords,
  readRoute,
  readRouteJson,
  readRule,
  readRuleJson,
} from './listing/routes.ts';
import { isNftTable, isOfOthers, readNftTable, showsRuleset } from './nft.ts';
import { logicalLine, refuseStrangers, Shell, type ShellCommand, type SourceLine } from './shell.ts';
import { showsSettings } from './sysctl.ts';

/** What the command before a listing asked for. */
export interface Heading {
  /** What it shows: `ip route`, `ip rule`, a program, '' where no command stands before. */
  readonly shows: string;
  /** Of routes, or of rules of iptables; '' where the lines say it. */
  readonly table: string;
  /** The link of lines that name none. */
  readonly dev: string;
  readonly nft: boolean;
  /** It was asked for a part. */
  readonly part: boolean;
}

export const NO_HEADING: Heading = { shows: '', table: '', dev: '', nft: false, part: false };

/** A table of iptables-save, or of `iptables -S`. */
export interface ListedTable {
  readonly from: SourceLine;
  readonly name: string;
  readonly nft: boolean;
  /** `:CHAIN POLICY`, `-P`, `-N`, `-A`. */
  readonly lines: readonly SourceLine[];
  /** Its chains are flushed before, as iptables-restore does without -n. */
  readonly whole: boolean;
}

export type Item =
  | { readonly kind: 'command'; readonly command: ShellCommand; readonly failed: boolean }
  | { readonly kind: 'links'; readonly links: readonly ListedLink[] }
  | {
      readonly kind: 'routes';
      readonly from: SourceLine;
      readonly heading: Heading;
      readonly routes: readonly ListedWords[];
    }
  /** `whole`: there are no others. */
  | {
      readonly kind: 'rules';
      readonly from: SourceLine;
      readonly whole: boolean;
      readonly rules: readonly ListedWords[];
    }
  | { readonly kind: 'table'; readonly table: ListedTable }
  | { readonly kind: 'setting'; readonly from: SourceLine; readonly key: string; readonly value: string }
  /** A line of `ipset save`. */
  | { readonly kind: 'set'; readonly from: SourceLine };

/** What the lines say about names, and what they are. */
export interface Collected {
  readonly items: readonly Item[];
  readonly tables: ReadonlyMap<string, number>;
  readonly users: ReadonlyMap<string, number>;
  readonly groups: ReadonlyMap<string, number>;
  /** Lines that are about IPv6 alone. */
  readonly ipv6: readonly SourceLine[];
}

/** Prompts of shells and of programs that say what they run. */
const PROMPTS: readonly RegExp[] = [
  /^\[#\]\s+/,
  /^\++\s+(?=\S)/,
  /^\(?\[?[\w.+-]+@[\w.-]+[^#$%]*[#$%]\s+/,
  /^(?:ba|da|a|k|z)?sh-[\d.]+[#$]\s*/,
  /^(?:~|\/)[\w./-]*\s*[#$]\s+/,
  /^[$%]\s+/,
  /^[\w.-]+[#>]\s*(?=(?:sudo |ip |iptables|ip6tables|sysctl |ipset |wg |nft |conntrack ))/,
];

function withoutPrompt(text: string): string {
  const trimmed = text.trimStart();
  const prompt = PROMPTS.find((known) => known.test(trimmed));
  return prompt === undefined ? text : trimmed.replace(prompt, '');
}

/** A command behind a root prompt, or in a comment. */
const BEHIND_HASH =
  /^#\s*((?:sudo\s+)?(?:ip|iptables|iptables-legacy|iptables-nft|iptables-save|sysctl|ipset|conntrack|nft|wg)\s.*|iptables-save|ip)$/;

const COMMAND = /^(?:sudo\s+)?(?:\/\w+)*\/?(?:ip|iptables|iptables-legacy|iptables-nft|sysctl|ipset|conntrack|link)\s/;

/** What other tools print, with what to paste instead. */
const ELSEWHERE: readonly (readonly [form: RegExp, what: string, instead: string])[] = [
  [/^Chain \S+ \((policy|\d+ references)/, 'what "iptables -L" prints does not say everything', 'iptables-save'],
  [/^Kernel IP routing table/, 'what "route" prints does not say everything', 'ip route show table all'],
  [/^\S+:?\s+(flags=\d+<|Link encap:)/, 'what "ifconfig" prints does not say everything', 'ip addr'],
  [
    /^\S+@?\S*\s+(UP|DOWN|UNKNOWN)\s+(\S+\/\d+|[0-9a-f]{2}:|<)/,
    'what "ip -br" prints does not say everything',
    'ip addr',
  ],
  [
    /^\[(Interface|Peer|Match|Network|Route|RoutingPolicyRule)\]/,
    'a configuration file says what a program will do',
    'what it leaves behind: ip addr, ip rule, ip route show table all',
  ],
];

const REFUSED =
  /^(RTNETLINK answers: |Error: (?!argument)|Cannot find device |iptables: |iptables v[\d.]+|ipset v[\d.]+:|sysctl: )/;

/** Lines that frame what iptables-save prints. */
const SAVE_COMMENT = /^# (?:Generated by|Completed on|Warning: iptables-)/;

class Collector {
  readonly items: Item[] = [];
  readonly tables = new Map<string, number>();
  readonly users = new Map<string, number>();
  readonly groups = new Map<string, number>();
  readonly ipv6: SourceLine[] = [];
  private readonly lines: readonly SourceLine[];
  private readonly shell = new Shell();
  private readonly links = new LinkListing();
  private readonly hashIsPrompt: boolean;
  private heading: Heading = NO_HEADING;
  private save: { from: SourceLine; name: string; lines: SourceLine[] } | undefined;
  private saveIsNft = false;
  /** Places of iptables that chains of nf_tables are asked at. */
  private readonly nftHooks = new Set<string>();
  private at = 0;

  constructor(lines: readonly SourceLine[]) {
    this.lines = lines;
    this.hashIsPrompt = !lines.some(({ text }) => COMMAND.test(withoutPrompt(text).trimStart()));
  }

  collect(): void {
    while (this.at < this.lines.length) {
      const line = this.lines[this.at] as SourceLine;
      locating(line.file, line.where, () => this.takeLine(line));
    }
    if (this.save !== undefined)
      throw new InputError(
        this.save.from.file,
        this.save.from.where,
        `the table "${this.save.name}" has no end; write COMMIT after it`,
      );
    const listed = this.links.listed;
    if (listed.length > 0) this.items.push({ kind: 'links', links: listed });
  }

  private takeLine(line: SourceLine): void {
    const { text } = line;
    if (text.trim() === '') {
      this.at++;
      return;
    }
    if (this.takeSave(line) || this.takeComment(line)) return;
    const plain = withoutPrompt(text);
    if (plain !== text) {
      this.takeShell(plain);
      return;
    }
    if (!this.takeListing(line)) this.takeShell(text);
  }

  /** iptables-save, and what `iptables -S` prints. */
  private takeSave(line: SourceLine): boolean {
    const text = line.text.trim();
    if (SAVE_COMMENT.test(text)) {
      if (text.includes('(nf_tables)')) this.saveIsNft = true;
      else if (text.startsWith('# Generated')) this.saveIsNft = false;
      this.at++;
      return true;
    }
    const started = /^\*(\w+)$/.exec(text)?.[1];
    if (started !== undefined) {
      this.links.leave();
      this.save = { from: line, name: started, lines: [] };
    } else if (this.save === undefined) {
      return this.takeRuleLine(line);
    } else if (text === 'COMMIT') {
      const { from, name, lines } = this.save;
      this.items.push({ kind: 'table', table: { from, name, nft: this.saveIsNft, lines, whole: true } });
      this.save = undefined;
    } else if (/^(:\S+\s|-|\[\d+:\d+\]\s+-)/.test(text)) {
      this.save.lines.push(line);
    } else if (!text.startsWith('#')) {
      wrong(`"${text}" is no line of table "${this.save.name}"; write COMMIT where it ends`);
    }
    this.at++;
    return true;
  }

  /** A table of `nft list ruleset`. */
  private takeNft(first: SourceLine): boolean {
    const from = this.at;
    for (let open = 0; ; this.at++) {
      const line = this.lines[this.at];
      if (line === undefined) wrong('this table of nf_tables has no end; write } behind it');
      open += openBrackets(line.text.replace(/#.*$/, ''));
      if (open <= 0) break;
    }
    this.at++;
    const lines = this.lines.slice(from, this.at);
    if (isOfOthers(first.text)) {
      this.ipv6.push(first);
      return true;
    }
    const { tables, sets, hooks } = readNftTable(lines);
    for (const hook of hooks) {
      if (this.nftHooks.has(hook))
        wrong(
          `two chains of nf_tables are asked at the place of ${hook}, of which one is modelled; put their rules into one`,
        );
      this.nftHooks.add(hook);
    }
    for (const one of sets) this.items.push({ kind: 'set', from: one });
    for (const table of tables) this.items.push({ kind: 'table', table });
    return true;
  }

  /** A line of `iptables -S`: the table is that of the command before. */
  private takeRuleLine(line: SourceLine): boolean {
    const text = line.text.trim();
    if (!/^(\[\d+:\d+\]\s+)?-[APN]\s/.test(text)) return false;
    const { table, nft } = this.heading;
    if (table === '')
      wrong(
        `"${text.slice(0, 40)}" is a rule of a table that is not named; write "*filter", "*mangle" or another table before it and COMMIT after it`,
      );
    const last = this.items.at(-1);
    const into = last?.kind === 'table' && last.table.name === table && !last.table.whole ? last.table : undefined;
    if (into !== undefined) this.items.pop();
    const lines = [...(into?.lines ?? []), line];
    this.items.push({ kind: 'table', table: { from: into?.from ?? line, name: table, nft, lines, whole: false } });
    this.at++;
    return true;
  }

  /** A comment; behind it can stand what was typed at a root prompt. */
  private takeComment(line: SourceLine): boolean {
    const text = line.text.trim();
    if (!text.startsWith('#')) return false;
    const [, behind] = BEHIND_HASH.exec(text) ?? [];
    if (behind !== undefined && (this.hashIsPrompt || this.isHeading(behind))) {
      this.takeShell(behind);
      return true;
    }
    this.at++;
    return true;
  }

  private isHeading(text: string): boolean {
    try {
      return this.shell.commands(this.lines[this.at] as SourceLine, text, []).every((command) => isShowing(command));
    } catch {
      return false;
    }
  }

  private takeListing(line: SourceLine): boolean {
    const { text } = line;
    for (const [form, what, instead] of ELSEWHERE) if (form.test(text)) wrong(`${what}; paste ${instead}`);
    if (REFUSED.test(text)) return this.takeRefusal();
    if (isNftTable(text)) return this.takeNft(line);
    if (/^\s*[[{]/.test(text)) return this.takeJson(line);
    if (isLinkLine(text, this.links.inside)) {
      refuseStrangers(text);
      this.links.take(line);
      this.at++;
      return true;
    }
    this.links.leave();
    return this.takeAnswer(line) || this.takeRoutes(line) || this.takeName(text) || this.takeOther(line);
  }

  private takeOther(line: SourceLine): boolean {
    const { text } = line;
    if (isRuleLine(text)) {
      refuseStrangers(text);
      this.addRules(line, [readRule(line)]);
    } else if (isRoute6Line(text)) {
      this.ipv6.push(line);
    } else if (/^(create|add)\s+\S+\s+\S/.test(text.trim())) {
      this.items.push({ kind: 'set', from: line });
    } else {
      const [, key, value] = /^\s*([a-z][\w-]*(?:[./][\w@:./-]+)+)\s*=\s*(.*?)\s*$/.exec(text) ?? [];
      if (key === undefined || value === undefined) return false;
      this.items.push({ kind: 'setting', from: line, key, value });
    }
    this.at++;
    return true;
  }

  /** The answer to `ip route get`. */
  private takeAnswer({ text }: SourceLine): boolean {
    if (!isRouteAnswer(text) && !/^\s+cache\b/.test(text)) return false;
    this.at++;
    return true;
  }

  /** A route with the lines of its nexthops. */
  private takeRoutes(line: SourceLine): boolean {
    if (!isRouteLine(line.text, false) || isRoute6Line(line.text)) return false;
    refuseStrangers(line.text);
    const lines = [line.text];
    this.at++;
    while (this.at < this.lines.length && isNexthopLine((this.lines[this.at] as SourceLine).text)) {
      lines.push((this.lines[this.at++] as SourceLine).text);
    }
    this.addRoutes(line, [readRoute(line, lines)]);
    return true;
  }

  /** Routes that follow each other are one listing. */
  private addRoutes(from: SourceLine, routes: readonly ListedWords[]): void {
    const last = this.items.at(-1);
    const { heading } = this;
    if (last?.kind !== 'routes' || last.heading !== heading) this.items.push({ kind: 'routes', from, heading, routes });
    else this.items[this.items.length - 1] = { ...last, routes: [...last.routes, ...routes] };
  }

  /** A listing is whole when it is JSON, or when the command for it asks for all. */
  private addRules(from: SourceLine, rules: readonly ListedWords[], isJson = false): void {
    const last = this.items.at(-1);
    const { shows, part } = this.heading;
    const whole = (isJson || shows === 'ip rule') && !part;
    if (last?.kind !== 'rules') this.items.push({ kind: 'rules', from, whole, rules });
    else this.items[this.items.length - 1] = { ...last, rules: [...last.rules, ...rules] };
  }

  /** A name of a table, of a user or of a group. */
  private takeName(text: string): boolean {
    const [, table, tableName] = /^\s*(0x[0-9a-f]+|\d+)\s+([A-Za-z][\w.-]*)\s*(?:#.*)?$/i.exec(text) ?? [];
    const [, user, uid] = /^([a-z_][\w.-]*\$?):[^:]*:(\d+):\d+:[^:]*:[^:]*:[^:]*$/i.exec(text.trim()) ?? [];
    const [, group, gid] = /^([a-z_][\w.-]*):[^:]*:(\d+):[\w.,$-]*$/i.exec(text.trim()) ?? [];
    if (tableName !== undefined) this.tables.set(tableName, Number(table));
    else if (user !== undefined) this.users.set(user, Number(uid));
    else if (group !== undefined) this.groups.set(group, Number(gid));
    else return false;
    this.at++;
    return true;
  }

  /** The machine refused the command before. */
  private takeRefusal(): boolean {
    const last = this.items.at(-1);
    if (last?.kind === 'command') this.items[this.items.length - 1] = { ...last, failed: true };
    this.at++;
    return true;
  }

  /** JSON of iproute2, in one line or many. */
  private takeJson(first: SourceLine): boolean {
    const texts: string[] = [];
    let open = 0;
    for (let end = this.at; end < this.lines.length; end++) {
      const { text } = this.lines[end] as SourceLine;
      texts.push(text);
      open += openBrackets(text);
      const value = open === 0 ? parsed(texts.join('\n')) : undefined;
      if (value !== undefined) {
        this.at = end + 1;
        this.addJson(first, Array.isArray(value) ? value.filter(isRecord) : [value as Json]);
        return true;
      }
      if (open <= 0) break;
    }
    return wrong('this begins like JSON and does not end; paste all that "ip -j" prints');
  }

  private addJson(from: SourceLine, values: readonly Json[]): void {
    for (const item of values) {
      if (isAnswerJson(item)) continue;
      if (isRouteJson(item) && isRoute6Json(item)) this.ipv6.push(from);
      else if (isRouteJson(item)) this.addRoutes(from, [readRouteJson(from, item)]);
      else if (isRuleJson(item)) this.addRules(from, [readRuleJson(from, item)], true);
      else if ('ifname' in item) this.links.takeJson(from, item);
      else if (Object.keys(item).length > 0)
        wrong(
          `this JSON, with "${Object.keys(item).slice(0, 3).join('", "')}", is not what ip -j addr, route or rule prints; paste one of these`,
        );
    }
    this.links.leave();
  }

  /** A line of a shell, which may go on in the next ones. */
  private takeShell(first: string): void {
    this.links.leave();
    const { from, text, documents, next } = logicalLine(this.lines, this.at, first);
    this.at = next;
    for (const command of this.shell.commands(from, text, documents)) {
      locating(from.file, from.where, () => this.takeCommand(command));
    }
  }

  private takeCommand(command: ShellCommand): void {
    this.heading = headingOf(command);
    if (this.heading.shows === '') this.items.push({ kind: 'command', command, failed: false });
  }
}

/** What the command shows, NO_HEADING if it does something. */
function headingOf({ words: [first = '', ...words], filtered }: ShellCommand): Heading {
  const program = programOf(first);
  const heading = { ...NO_HEADING, shows: program, part: filtered };
  const behind = (...options: readonly string[]) => words[words.findIndex((word) => options.includes(word)) + 1] ?? '';
  if (program === 'ip') return words.length === 0 ? NO_HEADING : headingOfIp(words, filtered);
  if (isIptables(program)) {
    const table = words.includes('-t') ? behind('-t') : words.includes('--table') ? behind('--table') : 'filter';
    return showsTables(words) ? { ...heading, table, nft: program === 'iptables-nft' } : NO_HEADING;
  }
  const shows =
    (program === 'sysctl' && showsSettings(words)) ||
    (program === 'ipset' && showsSets(words)) ||
    (program === 'conntrack' && showsConnections(words)) ||
    (program === 'nft' && showsRuleset(words)) ||
    /^iptables(-legacy|-nft)?-save$/.test(program);
  return shows ? heading : NO_HEADING;
}

function isShowing(command: ShellCommand): boolean {
  return headingOf(command).shows !== '';
}

/** `ip route show table 100 dev eth0` and its like. */
function headingOfIp(words: readonly string[], filtered: boolean): Heading {
  if (words.includes('-6') || !showsOnly(words)) return NO_HEADING;
  const { object, verb, rest } = readIp(words);
  const heading = { ...NO_HEADING, shows: `ip ${object}${verb[0] === 'get' ? ' get' : ''}`, part: filtered };
  let { table, dev, part } = heading;
  for (let at = 0; at < rest.length; at++) {
    const word = rest[at] as string;
    const isTable = word === 'table' || word === 't';
    if (isTable) table = rest[++at] ?? '';
    else if (word === 'dev' || word === 'oif') dev = rest[++at] ?? '';
    part ||= !isTable;
  }
  return object === 'route' || object === 'rule' ? { ...heading, table, dev, part } : heading;
}

/** How many brackets a line opens more than it closes. */
function openBrackets(text: string): number {
  const bare = text.replace(/"(?:[^"\\]|\\.)*"/g, '');
  return bare.replace(/[^[{]/g, '').length - bare.replace(/[^\]}]/g, '').length;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Tells the lines of a host apart. */
export function collect(lines: readonly SourceLine[]): Collected {
  const collector = new Collector(lines);
  collector.collect();
  return collector;
}
