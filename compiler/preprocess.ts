/**
 * The preprocessor: conditions, macros of the text, and includes.
 *
 * Macros of the text are expanded as C does it; the kernel's own are left to the table.
 */
import { valueOfCondition } from './condition.ts';
import { Macros } from './macros.ts';
import { meant, type Place, Refused } from './messages.ts';
import { type SourceText, type Token, tokensOf } from './tokens.ts';

/** What the preprocessor knows of the kernel. */
export interface Surroundings {
  /** Options of the kernel's configuration, without CONFIG_, on or off. */
  readonly config: ReadonlyMap<string, boolean>;
  /** Words that say nothing about what the code does, such as `__always_inline`. */
  readonly idleWords: ReadonlySet<string>;
  /** Whether the kernel has a macro of that name. */
  readonly hasMacro: (name: string) => boolean;
}

/** The text that `#include "NAME"` names in that file; undefined when there is none. */
export type Include = (name: string, from: string) => SourceText | undefined;

/** The tokens of a text and of what it includes. */
export function preprocess(source: SourceText, surroundings: Surroundings, include: Include): Token[] {
  const out: Token[] = [];
  const whole = { surroundings, include, out, macros: new Macros(), once: new Set<string>(), open: [] };
  new FileRun(whole, source).run();
  return out.filter(({ text }) => !surroundings.idleWords.has(text));
}

/** What the files of one run share. */
interface Whole {
  readonly surroundings: Surroundings;
  readonly include: Include;
  readonly out: Token[];
  readonly macros: Macros;
  /** Files with `#pragma once` that were read. */
  readonly once: Set<string>;
  /** The files that are being read, each included by the one before. */
  readonly open: readonly string[];
}

/** One level of `#if`. */
interface Condition {
  readonly place: Place;
  active: boolean;
  /** Whether one of its branches was active. */
  taken: boolean;
  /** Whether it stands in an active branch itself. */
  readonly reachable: boolean;
}

/** One file on its way through the preprocessor. */
class FileRun {
  private readonly conditions: Condition[] = [];
  private readonly whole: Whole;
  private readonly source: SourceText;

  constructor(whole: Whole, source: SourceText) {
    this.whole = { ...whole, open: [...whole.open, source.file] };
    this.source = source;
  }

  run(): void {
    const tokens = tokensOf(this.source);
    let plain: Token[] = [];
    for (let at = 0; at < tokens.length; ) {
      const token = tokens[at] as Token;
      if (!token.startsLine || token.text !== '#') {
        if (this.isActive()) plain.push(token);
        at++;
        continue;
      }
      this.put(plain);
      plain = [];
      const next = tokens.findIndex(({ startsLine }, i) => i > at && startsLine);
      const end = next < 0 ? tokens.length : next;
      this.directive(tokens.slice(at + 1, end), token.place);
      at = end;
    }
    this.put(plain);
    const open = this.conditions.at(-1);
    if (open !== undefined) throw new Refused(open.place, '#if without #endif');
  }

  private put(tokens: readonly Token[]): void {
    for (const token of this.whole.macros.expand(tokens)) this.whole.out.push(token);
  }

  private isActive(): boolean {
    return this.conditions.every(({ active }) => active);
  }

  private directive([word, ...operand]: readonly Token[], place: Place): void {
    switch (word?.text) {
      case 'if':
        this.open(place, () => this.isTrue(operand, place));
        return;
      case 'ifdef':
        this.open(place, () => this.isDefined(operand[0], place));
        return;
      case 'ifndef':
        this.open(place, () => !this.isDefined(operand[0], place));
        return;
      case 'elif':
      case 'else':
      case 'endif':
        this.continue(word.text, operand, place);
        return;
      default:
        if (word !== undefined && this.isActive()) this.command(word.text, operand, place);
    }
  }

  private open(place: Place, test: () => boolean): void {
    const reachable = this.isActive();
    const active = reachable && test();
    this.conditions.push({ place, active, taken: active, reachable });
  }

  private continue(word: 'elif' | 'else' | 'endif', operand: readonly Token[], place: Place): void {
    const innermost = this.conditions.at(-1);
    if (innermost === undefined) throw new Refused(place, `#${word} without #if`);
    if (word === 'endif') {
      this.conditions.pop();
      return;
    }
    const isOpen = innermost.reachable && !innermost.taken;
    innermost.active = isOpen && (word === 'else' || this.isTrue(operand, place));
    innermost.taken ||= innermost.active;
  }

  /** The condition of `#if`; `defined NAME` and `IS_ENABLED(NAME)` become numbers first. */
  private isTrue(operand: readonly Token[], place: Place): boolean {
    const known: (Token | number)[] = [];
    let pending: Token[] = [];
    const flush = (): void => {
      known.push(...this.whole.macros.expand(pending));
      pending = [];
    };
    for (let at = 0; at < operand.length; at++) {
      const token = operand[at] as Token;
      const isTest = /^(?:defined|IS_ENABLED|IS_BUILTIN|IS_REACHABLE)$/.test(token.text);
      if (!isTest) {
        pending.push(token);
        continue;
      }
      flush();
      const isClosed = operand[at + 1]?.text === '(' && operand[at + 3]?.text === ')';
      known.push(this.isDefined(operand[at + (isClosed ? 2 : 1)], place) ? 1 : 0);
      at += isClosed ? 3 : 1;
    }
    flush();
    return valueOfCondition(known, place) !== 0;
  }

  private isDefined(word: Token | undefined, place: Place): boolean {
    const { config, hasMacro } = this.whole.surroundings;
    if (word?.kind !== 'name') throw new Refused(place, 'a condition without a name');
    const name = word.text;
    if (this.whole.macros.has(name)) return true;
    if (!name.startsWith('CONFIG_')) return hasMacro(name);
    const set = config.get(name.slice('CONFIG_'.length));
    if (set !== undefined) return set;
    const names = [...config.keys()].map((one) => `CONFIG_${one}`);
    throw new Refused(word.place, `it is not known whether the kernel has ${name}`, meant(name, names));
  }

  private command(word: string, operand: readonly Token[], place: Place): void {
    const [first] = operand;
    if (word === 'include') this.include(operand, place);
    else if (word === 'define') this.whole.macros.define(operand, place);
    else if (word === 'undef' && first !== undefined) this.whole.macros.undefine(first.text);
    else if (word === 'pragma' && first?.text === 'once') this.whole.once.add(this.source.file);
    else throw new Refused(place, `#${word}`, '#include, #define, #undef and conditions are supported');
  }

  /** `#include`. Headers of the kernel are taken as read. */
  private include([first, ...more]: readonly Token[], place: Place): void {
    if (first?.text === '<') return;
    if (first?.kind !== 'string' || more.length > 0) {
      throw new Refused(place, 'an #include of something else', '"FILE" and <FILE> are supported');
    }
    const found = this.whole.include(first.text.slice(1, -1), this.source.file);
    if (found === undefined) throw new Refused(place, `${first.text} is not there`, 'it is looked for beside the text');
    if (this.whole.once.has(found.file)) return;
    if (this.whole.open.includes(found.file)) throw new Refused(place, `${first.text} includes itself`);
    new FileRun(this.whole, found).run();
  }
}
