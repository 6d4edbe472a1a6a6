/**
 * Reads the subset of C: tokens to a tree, by recursive descent. What is no part of the subset is refused where it stands.
 *
 * Bodies of functions are read when they are asked for, so that a file may hold functions that nothing of interest calls.
 */
import type {
  BinaryOperator,
  CaseGroup,
  Declarator,
  Enumerator,
  Expression,
  FieldValue,
  FunctionDefinition,
  Parameter,
  Statement,
  TypeName,
} from './ast.ts';
import { type Place, Refused } from './messages.ts';
import type { Token } from './tokens.ts';

/** What the parser has to know of the names in a text. */
export interface KnownNames {
  /** Names of integer types: `u32`, `__be16`. */
  readonly types: ReadonlySet<string>;
  /** Macros that walk a list and are followed by a statement. */
  readonly walks: ReadonlySet<string>;
}

/** Words of a type that are no name. */
const TYPE_WORDS: ReadonlySet<string> = new Set([
  ...['void', 'char', 'short', 'int', 'long', 'unsigned', 'signed', '_Bool', 'float', 'double'],
  ...['struct', 'union', 'enum', 'const', 'volatile', 'static', 'register', 'extern', 'auto', 'inline'],
  ...['typeof', '__typeof__', 'typedef'],
]);

/** Words that C keeps for itself. */
const KEYWORDS: ReadonlySet<string> = new Set([
  ...TYPE_WORDS,
  ...['if', 'else', 'for', 'while', 'do', 'switch', 'case', 'default', 'break', 'continue', 'return', 'goto'],
  ...['sizeof', 'asm', '__asm__', '_Generic', '_Alignof', '_Static_assert', 'restrict'],
]);

/** Binary operators, the weakest first. */
const LEVELS: readonly (readonly string[])[] = [
  ['||'],
  ['&&'],
  ['|'],
  ['^'],
  ['&'],
  ['==', '!='],
  ['<', '<=', '>', '>='],
  ['<<', '>>'],
  ['+', '-'],
  ['*', '/', '%'],
];

const ASSIGNMENTS: ReadonlySet<string> = new Set(['=', '+=', '-=', '*=', '/=', '%=', '&=', '|=', '^=', '<<=', '>>=']);

const ESCAPES: Readonly<Record<string, number>> = { n: 10, t: 9, r: 13, '0': 0, '\\': 92, "'": 39, '"': 34 };

/** A function of the text whose body was not read yet. */
export interface FunctionText {
  readonly name: string;
  readonly place: Place;
  /** Where its last brace stands. */
  readonly end: Place;
  read(): FunctionDefinition;
}

/** What stands at the top level of a text. */
export interface TranslationUnit {
  readonly functions: ReadonlyMap<string, FunctionText>;
  readonly enums: readonly (readonly Enumerator[])[];
  /** What was passed over, by the name that it declares. */
  readonly others: ReadonlyMap<string, { readonly place: Place; readonly what: string }>;
}

/** Something at the top level of a file: a definition, a declaration, or a macro. */
export interface TopLevel {
  readonly name: string;
  /** Its words, blanks and comments aside. */
  readonly text: string;
  readonly place: Place;
  readonly end: Place;
}

/** What stands at the top level of a file whose macros are not expanded. */
export function topLevelOf(tokens: readonly Token[]): readonly TopLevel[] {
  const found: TopLevel[] = [];
  const put = (name: string, item: readonly Token[]): void => {
    const [first, last] = [item[0] as Token, item.at(-1) as Token];
    found.push({ name, text: item.map(({ text }) => text).join(' '), place: first.place, end: last.place });
  };
  const plain: Token[] = [];
  for (let at = 0; at < tokens.length; ) {
    const token = tokens[at] as Token;
    const next = tokens.findIndex(({ startsLine }, i) => i > at && startsLine);
    const line = tokens.slice(at, next < 0 ? tokens.length : next);
    if (token.text !== '#') plain.push(...line);
    else if (line[1]?.text === 'define') put(`#define ${line[2]?.text}`, line);
    at += line.length;
  }
  for (let at = 0; at < plain.length; ) {
    const item = itemAt(plain, at);
    at += item.length;
    put(declaredName(item.slice(0, braceIn(item)))?.text ?? '', item);
  }
  return found;
}

/** Reads the top level of a text. */
export function parseUnit(tokens: readonly Token[], known: KnownNames): TranslationUnit {
  const functions = new Map<string, FunctionText>();
  const enums: (readonly Enumerator[])[] = [];
  const others = new Map<string, { place: Place; what: string }>();
  for (let at = 0; at < tokens.length; ) {
    const item = itemAt(tokens, at);
    at += item.length;
    const header = item.slice(0, braceIn(item));
    const name = declaredName(header);
    const place = (name ?? (item[0] as Token)).place;
    if (name !== undefined && isFunction(item, header)) {
      if (functions.has(name.text)) throw new Refused(place, `${name.text}() is defined twice`);
      const end = (item.at(-1) as Token).place;
      const read = (): FunctionDefinition => new Parser(item, known).functionDefinition();
      functions.set(name.text, { name: name.text, place, end, read });
    } else if (header.some(({ text }) => text === 'enum') && header.length < item.length && !isSet(header)) {
      enums.push(new Parser(item.slice(header.length), known).enumerators());
    } else if (name !== undefined && header.at(-1)?.text !== ')') {
      const isType = header.some(({ text }) => text === 'struct') && header.length < item.length && !isSet(header);
      others.set(name.text, { place, what: isType ? 'a type of the text' : 'a variable outside of functions' });
    }
  }
  return { functions, enums, others };
}

/** Tokens up to the end of what begins at that index: behind its `;`, or behind the last brace of a function. */
function itemAt(tokens: readonly Token[], from: number): readonly Token[] {
  let depth = 0;
  for (let at = from; at < tokens.length; at++) {
    const { text } = tokens[at] as Token;
    if ('({['.includes(text)) depth++;
    if (')}]'.includes(text)) depth--;
    if (depth > 0) continue;
    const item = tokens.slice(from, at + 1);
    if (text === ';') return item;
    if (text === '}' && isFunction(item, item.slice(0, braceIn(item)))) return item;
  }
  return tokens.slice(from);
}

function braceIn(item: readonly Token[]): number {
  const brace = item.findIndex(({ text }) => text === '{');
  return brace < 0 ? item.length - 1 : brace;
}

function isFunction(item: readonly Token[], header: readonly Token[]): boolean {
  return header.at(-1)?.text === ')' && item[header.length]?.text === '{' && !isSet(header);
}

function isSet(header: readonly Token[]): boolean {
  return header.some(({ text }) => text === '=');
}

/** The name that a declaration is about: the last one outside of parentheses and brackets. */
function declaredName(header: readonly Token[]): Token | undefined {
  let depth = 0;
  let found: Token | undefined;
  for (const token of header) {
    if (token.text === '=') return found;
    if ('(['.includes(token.text)) depth++;
    if (')]'.includes(token.text)) depth--;
    if (depth === 0 && token.kind === 'name' && !KEYWORDS.has(token.text)) found = token;
  }
  return found;
}

class Parser {
  private at = 0;
  private readonly tokens: readonly Token[];
  private readonly known: KnownNames;

  constructor(tokens: readonly Token[], known: KnownNames) {
    this.tokens = tokens;
    this.known = known;
  }

  // tokens

  private get token(): Token {
    const token = this.tokens[this.at];
    if (token !== undefined) return token;
    const last = this.tokens.at(-1) as Token;
    throw new Refused(last.place, 'the text ends in the middle of something');
  }

  private get place(): Place {
    return this.token.place;
  }

  private is(text: string, ahead = 0): boolean {
    const token = this.tokens[this.at + ahead];
    return token?.text === text && token.kind !== 'string' && token.kind !== 'character';
  }

  private accept(text: string): boolean {
    if (!this.is(text)) return false;
    this.at++;
    return true;
  }

  private expect(text: string, after: string): void {
    if (this.accept(text)) return;
    throw new Refused(this.place, `${this.token.text} where ${text} is expected`, `${after} ends with ${text}`);
  }

  private name(what: string): string {
    const { kind, text, place } = this.token;
    if (kind !== 'name' || KEYWORDS.has(text)) throw new Refused(place, `${text} where ${what} is expected`);
    this.at++;
    return text;
  }

  // declarations

  functionDefinition(): FunctionDefinition {
    const returns = this.typeName();
    const { place } = this;
    const name = this.name('the name of a function');
    const parameters = this.parameters();
    const body = this.block();
    return { place, name, returns, parameters, body, end: (this.tokens.at(-1) as Token).place };
  }

  private parameters(): Parameter[] {
    this.expect('(', 'the name of a function');
    const list: Parameter[] = [];
    if (this.is('void') && this.is(')', 1)) this.at++;
    while (!this.accept(')')) {
      if (list.length > 0) this.expect(',', 'a parameter');
      if (this.is('...')) throw new Refused(this.place, 'a variable number of parameters');
      const type = this.typeName();
      const { place } = this;
      if (this.is('(')) throw new Refused(place, 'a pointer to a function', 'functions are called by their names');
      const name = this.is(',') || this.is(')') ? '' : this.name('a parameter');
      if (this.is('[')) throw new Refused(this.place, 'an array', 'integers, structures and pointers are supported');
      list.push({ place, type, name });
    }
    return list;
  }

  enumerators(): Enumerator[] {
    this.expect('{', 'enum');
    const list: Enumerator[] = [];
    while (!this.accept('}')) {
      const { place } = this;
      const name = this.name('an enumerator');
      const value = this.accept('=') ? this.conditional() : undefined;
      list.push({ place, name, value });
      if (!this.is('}')) this.expect(',', 'an enumerator');
    }
    return list;
  }

  private startsType(ahead = 0): boolean {
    const token = this.tokens[this.at + ahead];
    if (token?.kind !== 'name') return false;
    if (TYPE_WORDS.has(token.text)) return true;
    return this.known.types.has(token.text);
  }

  /** A base type and its `*`. */
  private typeName(): TypeName {
    const base = this.baseType();
    return { ...base, pointers: this.pointers() };
  }

  private pointers(): number {
    let pointers = 0;
    for (; this.is('*') || this.is('const') || this.is('volatile'); this.at++) if (this.is('*')) pointers++;
    return pointers;
  }

  private baseType(): Omit<TypeName, 'pointers'> {
    const { place } = this;
    const words: string[] = [];
    while (this.startsType()) {
      const { text } = this.token;
      if (words.length > 0 && this.known.types.has(text)) break;
      this.at++;
      if (text === 'struct' || text === 'enum') words.push(text, this.name(`the name of the ${text}`));
      else if (['union', 'float', 'double', 'typeof', '__typeof__', 'typedef'].includes(text)) {
        throw new Refused(place, text, 'integers, structures of the kernel and pointers to them are supported');
      } else if (!['const', 'volatile', 'register', 'static', 'extern', 'auto', 'inline'].includes(text)) {
        words.push(text);
      }
    }
    if (words.length === 0) {
      throw new Refused(
        this.place,
        `${this.token.text} is no type that is known`,
        'integers and structures of the kernel are',
      );
    }
    if (this.is('{')) throw new Refused(this.place, 'a type defined here', 'the types of the kernel are supported');
    return { place, base: words.join(' ') };
  }

  private declaration(): Statement {
    const { place } = this;
    if (this.is('static')) {
      throw new Refused(place, 'a static variable', 'what lasts from packet to packet belongs to sockets and tables');
    }
    const base = this.baseType();
    const declarators: Declarator[] = [];
    do {
      const pointers = this.pointers();
      const { place: at } = this;
      if (this.is('(')) throw new Refused(at, 'a pointer to a function', 'functions are called by their names');
      const name = this.name('a variable');
      if (this.is('[')) throw new Refused(this.place, 'an array', 'integers, structures and pointers are supported');
      const value = this.accept('=') ? this.initialiser() : undefined;
      declarators.push({ place: at, type: { ...base, pointers }, name, value });
    } while (this.accept(','));
    this.expect(';', 'a declaration');
    return { kind: 'declaration', place, declarators };
  }

  private initialiser(): Declarator['value'] {
    return this.is('{') ? { kind: 'fields', fields: this.fields() } : this.assignment();
  }

  /** `{ .name = value, … }`. */
  private fields(): FieldValue[] {
    this.expect('{', 'an initialiser');
    const list: FieldValue[] = [];
    if (this.is('0') && this.is('}', 1)) this.at++;
    while (!this.accept('}')) {
      const { place } = this;
      if (!this.is('.'))
        throw new Refused(place, 'an initialiser without names', '{ .name = value } and { } are supported');
      let name = '';
      while (this.accept('.')) name += `${name === '' ? '' : '.'}${this.name('a member')}`;
      this.expect('=', 'the name of a member');
      list.push({ place, name, value: this.assignment() });
      if (!this.is('}')) this.expect(',', 'a value');
    }
    return list;
  }

  // statements

  private block(): Statement[] {
    this.expect('{', 'a header');
    const body: Statement[] = [];
    while (!this.accept('}')) body.push(this.statement());
    return body;
  }

  private statement(): Statement {
    const { place, text, kind } = this.token;
    if (kind === 'name' && this.is(':', 1) && !KEYWORDS.has(text)) return this.label();
    if (kind === 'name' && this.known.walks.has(text) && this.is('(', 1)) {
      this.at++;
      return { kind: 'walk', place, name: text, args: this.args(), body: this.statement() };
    }
    if (this.startsType()) return this.declaration();
    switch (text) {
      case '{':
        return { kind: 'block', place, body: this.block() };
      case ';':
        this.at++;
        return { kind: 'empty', place };
      case 'if':
        return this.ifStatement();
      case 'switch':
        return this.switchStatement();
      case 'for':
        return this.forStatement();
      case 'while':
        this.at++;
        return { kind: 'while', place, test: this.parenthesised(), body: this.statement() };
      case 'do':
        return this.doStatement();
      case 'return':
      case 'goto':
      case 'break':
      case 'continue':
        return this.jump(text);
      case 'asm':
      case '__asm__':
        throw new Refused(place, 'assembly');
      case 'case':
      case 'default':
        throw new Refused(place, `${text} in a block of its own`, 'the labels of a switch stand in its own braces');
      default: {
        const of = this.expression();
        this.expect(';', 'a statement');
        return { kind: 'expression', place, of };
      }
    }
  }

  private label(): Statement {
    const { place } = this;
    const name = this.name('a label');
    this.expect(':', 'a label');
    // Since C23 a label may stand at the end of a block, and gcc has always taken it with an empty statement.
    const body: Statement = this.is('}') ? { kind: 'empty', place } : this.statement();
    return { kind: 'label', place, name, body };
  }

  private parenthesised(): Expression {
    this.expect('(', 'the word before a condition');
    const of = this.expression();
    this.expect(')', 'a condition');
    return of;
  }

  private ifStatement(): Statement {
    const { place } = this;
    this.at++;
    const test = this.parenthesised();
    const yes = this.statement();
    const no = this.accept('else') ? this.statement() : undefined;
    return { kind: 'if', place, test, yes, no };
  }

  private doStatement(): Statement {
    const { place } = this;
    this.at++;
    const body = this.statement();
    this.expect('while', 'the body of do');
    const test = this.parenthesised();
    this.expect(';', 'do … while');
    return { kind: 'do', place, body, test };
  }

  private forStatement(): Statement {
    const { place } = this;
    this.at++;
    this.expect('(', 'for');
    const first = this.is(';') ? undefined : this.forFirst();
    if (first === undefined) this.at++;
    const test = this.is(';') ? undefined : this.expression();
    this.expect(';', 'the condition of for');
    const step = this.is(')') ? undefined : this.expression();
    this.expect(')', 'the head of for');
    return { kind: 'for', place, first, test, step, body: this.statement() };
  }

  private forFirst(): Statement {
    if (this.startsType()) return this.declaration();
    const { place } = this;
    const of = this.expression();
    this.expect(';', 'the first part of for');
    return { kind: 'expression', place, of };
  }

  private switchStatement(): Statement {
    const { place } = this;
    this.at++;
    const of = this.parenthesised();
    this.expect('{', 'switch');
    const groups: CaseGroup[] = [];
    while (!this.accept('}')) groups.push(this.caseGroup());
    return { kind: 'switch', place, of, groups };
  }

  private caseGroup(): CaseGroup {
    const { place } = this;
    const values: Expression[] = [];
    let isDefault = false;
    if (!this.is('case') && !this.is('default')) {
      throw new Refused(place, 'a statement before the first label of a switch');
    }
    while (this.is('case') || this.is('default')) {
      if (this.accept('default')) isDefault = true;
      else {
        this.at++;
        values.push(this.conditional());
        if (this.is('...')) throw new Refused(this.place, 'a range of cases', 'each case has one value');
      }
      this.expect(':', 'a label of a switch');
    }
    const body: Statement[] = [];
    while (!this.is('case') && !this.is('default') && !this.is('}')) body.push(this.statement());
    return { place, values, isDefault, body };
  }

  private jump(word: 'return' | 'goto' | 'break' | 'continue'): Statement {
    const { place } = this;
    this.at++;
    const statement: Statement =
      word === 'return'
        ? { kind: 'return', place, value: this.is(';') ? undefined : this.expression() }
        : word === 'goto'
          ? { kind: 'goto', place, label: this.name('a label') }
          : { kind: word, place };
    this.expect(';', word);
    return statement;
  }

  // expressions

  private expression(): Expression {
    let left = this.assignment();
    for (let { place } = this; this.accept(','); { place } = this) {
      left = { kind: 'comma', place, left, right: this.assignment() };
    }
    return left;
  }

  private assignment(): Expression {
    const { place } = this;
    const left = this.conditional();
    const { text, kind } = this.token;
    if (kind !== 'sign' || !ASSIGNMENTS.has(text)) return left;
    this.at++;
    const operator = text === '=' ? undefined : (text.slice(0, -1) as BinaryOperator);
    return { kind: 'assignment', place, operator, left, right: this.assignment() };
  }

  private conditional(): Expression {
    const test = this.binary(0);
    const { place } = this;
    if (!this.accept('?')) return test;
    const yes = this.is(':') ? undefined : this.expression();
    this.expect(':', 'the first choice of ?');
    return { kind: 'conditional', place, test, yes, no: this.conditional() };
  }

  private binary(level: number): Expression {
    const operators = LEVELS[level];
    if (operators === undefined) return this.unary();
    let left = this.binary(level + 1);
    for (;;) {
      const { text, kind, place } = this.token;
      if (kind !== 'sign' || !operators.includes(text)) return left;
      this.at++;
      const right = this.binary(level + 1);
      left =
        text === '&&' || text === '||'
          ? { kind: 'logical', place, operator: text, left, right }
          : { kind: 'binary', place, operator: text as BinaryOperator, left, right };
    }
  }

  private unary(): Expression {
    const { text, place, kind } = this.token;
    if (kind === 'sign') {
      switch (text) {
        case '!':
        case '~':
        case '-':
        case '+':
          this.at++;
          return { kind: 'unary', place, operator: text, of: this.unary() };
        case '*':
          this.at++;
          return { kind: 'dereference', place, of: this.unary() };
        case '&':
          this.at++;
          return { kind: 'address', place, of: this.unary() };
        case '&&':
          throw new Refused(place, 'the address of a label', 'goto LABEL is supported');
        case '++':
        case '--':
          this.at++;
          return { kind: 'step', place, by: text === '++' ? 1 : -1, isPrefix: true, of: this.unary() };
        case '(':
          if (this.startsType(1)) return this.cast();
          break;
      }
    }
    if (text === 'sizeof') return this.sizeOf();
    return this.postfix(this.primary());
  }

  private cast(): Expression {
    const { place } = this;
    this.at++;
    const type = this.typeName();
    this.expect(')', 'a type in parentheses');
    if (this.is('{')) return this.postfix({ kind: 'compound', place, type, fields: this.fields() });
    return { kind: 'cast', place, type, of: this.unary() };
  }

  private sizeOf(): Expression {
    const { place } = this;
    this.at++;
    if (!this.is('(') || !this.startsType(1)) return { kind: 'sizeof', place, of: this.unary() };
    this.at++;
    const of = this.typeName();
    this.expect(')', 'a type in parentheses');
    return { kind: 'sizeof', place, of };
  }

  private primary(): Expression {
    const { text, place, kind } = this.token;
    this.at++;
    if (kind === 'number') return { kind: 'number', place, text };
    if (kind === 'character') return { kind: 'character', place, value: characterValue(text, place) };
    if (kind === 'string') {
      while (this.token.kind === 'string') this.at++;
      return { kind: 'string', place };
    }
    if (kind === 'name' && !KEYWORDS.has(text)) return { kind: 'name', place, name: text };
    if (text === '(') {
      if (this.is('{'))
        throw new Refused(place, 'statements inside an expression', 'a function of the text does the same');
      const of = this.expression();
      this.expect(')', 'an expression in parentheses');
      return of;
    }
    throw new Refused(place, `${text} where a value is expected`);
  }

  private postfix(start: Expression): Expression {
    let of = start;
    for (;;) {
      const { text, place, kind } = this.token;
      if (kind !== 'sign') return of;
      if (text === '(') {
        if (of.kind !== 'name') {
          throw new Refused(of.place, 'a call through a pointer', 'functions are called by their names');
        }
        of = { kind: 'call', place: of.place, name: of.name, args: this.args() };
      } else if (text === '.' || text === '->') {
        this.at++;
        const { place: named } = this;
        of = { kind: 'member', place: named, of, name: this.name('a member'), isArrow: text === '->' };
      } else if (text === '[') {
        this.at++;
        of = { kind: 'index', place, of, index: this.expression() };
        this.expect(']', 'an index');
      } else if (text === '++' || text === '--') {
        this.at++;
        of = { kind: 'step', place, by: text === '++' ? 1 : -1, isPrefix: false, of };
      } else return of;
    }
  }

  private args(): Expression[] {
    this.expect('(', 'the name of a function');
    const list: Expression[] = [];
    while (!this.accept(')')) {
      if (list.length > 0) this.expect(',', 'an argument');
      list.push(this.assignment());
    }
    return list;
  }
}

/** The value of a character in quotes. */
function characterValue(text: string, place: Place): number {
  const inner = text.slice(1, -1);
  if (inner.length === 1 && inner < '\x7f') return inner.charCodeAt(0);
  const escaped = inner.length === 2 && inner[0] === '\\' ? ESCAPES[inner[1] as string] : undefined;
  if (escaped === undefined) throw new Refused(place, `the character ${text}`, 'plain letters are supported');
  return escaped;
}
