/** A whole text: its functions, each compiled before those that call it, and the module of the dialect that they make. */
import type { Expression } from './ast.ts';
import { BINDINGS, bindingsIn } from './bindings.ts';
import { integer } from './conditions.ts';
import { Context, GIVEN, type KnownFunction, type Unit } from './context.ts';
import { expression } from './expressions.ts';
import { compileFunction } from './function.ts';
import { meant, type Place, Refused } from './messages.ts';
import { type FunctionText, parseUnit, type TranslationUnit } from './parser.ts';
import { type Include, preprocess } from './preprocess.ts';
import { table } from './table/index.ts';
import type { SourceText } from './tokens.ts';
import { TYPE_NAMES } from './types.ts';

/** The function that a text replaces. C: net/ipv4/netfilter/iptable_mangle.c. */
export const HOOK = 'ipt_mangle_out';

/** What a text may have besides, or instead: called before a source is chosen (conformance/patched/glue.patch). */
const SOURCE = 'ipt_mangle_source';

const HOOKS: readonly string[] = [HOOK, SOURCE];

export interface CompileOptions {
  /** Types in the code, for people and for TypeScript's check. */
  readonly isTyped?: boolean;
  /** Functions to compile besides the hook. */
  readonly also?: readonly string[];
  /** The text that `#include "NAME"` names; none by default. */
  readonly include?: Include;
  /** Whether the text has a hook; else `also` says what is compiled. */
  readonly hasHook?: boolean;
}

/** Something that a text uses and the model has no meaning for. */
export interface Ignored {
  readonly name: string;
  readonly because: string;
  readonly place: Place;
}

export interface Compiled {
  /** The functions in the dialect. */
  readonly code: string;
  /** What they use of model/patch/bindings.ts. */
  readonly bindings: readonly string[];
  /** What they export. */
  readonly exports: readonly string[];
  readonly ignored: readonly Ignored[];
  /** The functions of the text that were compiled, in the order of their names in the text. */
  readonly functions: readonly FunctionText[];
  /** Enumerators of the text. */
  readonly enumerators: ReadonlyMap<string, number>;
}

/** The compiled functions as a module that imports what they use from that file. */
export function moduleText({ code, bindings }: Compiled, from: string, types: readonly string[] = []): string {
  const names = [...bindings, ...types.map((type) => `type ${type}`)];
  return `import { ${names.join(', ')} } from '${from}';\n\n${code}`;
}

/** Compiles a text. Throws Refused where it leaves the subset. */
export function compileText(source: SourceText, options: CompileOptions = {}): Compiled {
  const surroundings = {
    config: table.config,
    idleWords: table.idleWords,
    hasMacro: (name: string) => Object.hasOwn(table.functions, name) || Object.hasOwn(table.constants, name),
  };
  const tokens = preprocess(source, surroundings, options.include ?? (() => undefined));
  const walks = new Set(Object.keys(table.walks));
  const parsed = parseUnit(tokens, { types: TYPE_NAMES, walks });
  return new Module(source.file, parsed, options).compile();
}

/** Names that variables and functions of a text cannot have in the dialect. */
const RESERVED: ReadonlySet<string> = new Set([
  ...GIVEN,
  ...[
    'returned',
    'verdict',
    'arguments',
    'eval',
    'undefined',
    'NaN',
    'Infinity',
    'globalThis',
    'Math',
    'Object',
    'Array',
  ],
  ...[
    'await',
    'case',
    'catch',
    'class',
    'const',
    'debugger',
    'delete',
    'enum',
    'export',
    'extends',
    'false',
    'finally',
  ],
  ...['function', 'implements', 'import', 'in', 'instanceof', 'interface', 'let', 'new', 'null', 'package', 'private'],
  ...['protected', 'public', 'super', 'this', 'throw', 'true', 'try', 'typeof', 'var', 'with', 'yield', 'async', 'of'],
]);

class Module implements Unit {
  private readonly compiled = new Map<string, KnownFunction>();
  private readonly running: string[] = [];
  private readonly taken = new Set<string>();
  private readonly enumerators = new Map<string, number>();
  private readonly ignored: Ignored[] = [];
  private readonly file: string;
  private readonly parsed: TranslationUnit;
  private readonly options: CompileOptions;

  constructor(file: string, parsed: TranslationUnit, options: CompileOptions) {
    this.file = file;
    this.parsed = parsed;
    this.options = options;
  }

  compile(): Compiled {
    for (const list of this.parsed.enums) this.readEnum(list);
    const { hasHook = true, also = [] } = this.options;
    const start: Place = { file: this.file, line: 1, column: 1 };
    for (const name of [...also, ...(hasHook ? this.hooks() : [])]) {
      if (this.known(name, start) !== undefined) continue;
      throw new Refused(start, `no function ${name}()`, meant(name, this.functionNames) || 'the text defines it');
    }
    const code = [...this.compiled.values()].map(({ text }) => text).join('\n');
    return {
      code,
      bindings: bindingsIn(code),
      exports: [...this.compiled.values()].map((one) => one.code),
      ignored: this.ignored,
      functions: [...this.parsed.functions.values()].filter(({ name }) => this.compiled.has(name)),
      enumerators: this.enumerators,
    };
  }

  /** Those of the text; the first one, which is then missing, where it has none. */
  private hooks(): readonly string[] {
    const hooks = HOOKS.filter((name) => this.parsed.functions.has(name));
    return hooks.length === 0 ? [HOOK] : hooks;
  }

  private readEnum(list: TranslationUnit['enums'][number]): void {
    let next = 0;
    for (const { name, value, place } of list) {
      const number = value === undefined ? next : this.constant(value, place);
      if (this.enumerators.has(name)) throw new Refused(place, `${name} is defined twice`);
      this.enumerators.set(name, number);
      next = number + 1;
    }
  }

  private constant(of: Expression, place: Place): number {
    const { constant } = integer(new Context(this, '', place, expression), of);
    if (constant === undefined) throw new Refused(place, 'an enumerator that is no constant');
    return constant;
  }

  known(name: string, from: Place): KnownFunction | undefined {
    const done = this.compiled.get(name);
    const text = this.parsed.functions.get(name);
    if (done !== undefined || text === undefined) return done;
    if (this.running.includes(name))
      throw new Refused(from, `${name}() calls itself`, 'loops with a bound are supported');
    this.running.push(name);
    const isHook = HOOKS.includes(name);
    const made = compileFunction(this, text.read(), isHook ? name : this.functionName(name), isHook);
    this.running.pop();
    this.compiled.set(name, made);
    return made;
  }

  enumerator(name: string): number | undefined {
    return this.enumerators.get(name);
  }

  unusable(name: string): string {
    const other = this.parsed.others.get(name)?.what ?? '';
    return other === '' && this.parsed.functions.has(name) ? 'a function that is not called' : other;
  }

  get functionNames(): readonly string[] {
    return [...this.parsed.functions.keys()];
  }

  variableName(name: string): string {
    let free = name;
    while (isReserved(free) || this.parsed.functions.has(free)) free = `${free}_`;
    return free;
  }

  functionName(name: string): string {
    let free = name;
    while (isReserved(free) || this.taken.has(free)) free = `${free}_`;
    this.taken.add(free);
    return free;
  }

  annotation(type: string): string {
    return this.options.isTyped ? `: ${type}` : '';
  }

  ignores(name: string, because: string, place: Place): void {
    if (!this.ignored.some((one) => one.name === name)) this.ignored.push({ name, because, place });
  }
}

/** Whether the dialect or the compiler uses that name. */
function isReserved(name: string): boolean {
  return RESERVED.has(name) || BINDINGS.has(name) || /^t\d+$/.test(name) || HOOKS.includes(name);
}
