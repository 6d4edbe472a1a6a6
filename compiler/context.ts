/** What the parts of the compiler share while they compile one function. */
import type { Expression } from './ast.ts';
import { Facts } from './facts.ts';
import { type Place, Refused } from './messages.ts';
import { type Role, Scope, type Variable } from './scope.ts';
import { table } from './table/index.ts';
import type { Type } from './types.ts';
import type { Value } from './values.ts';
import { Writer } from './writer.ts';

/** A parameter of a function of the text, as its callers have to know it. */
export interface KnownParameter {
  readonly variable: Variable;
  /** `target`: what it leads to comes back. */
  isWritten: boolean;
}

/** A function of the text that was compiled. */
export interface KnownFunction {
  readonly name: string;
  /** Its name in the dialect. */
  readonly code: string;
  readonly returns: Type;
  readonly parameters: readonly KnownParameter[];
  /** Which of `kernel`, `net`, `skb`, `frame` and `state` it is given. */
  readonly takes: readonly string[];
  /** Which of `net`, `skb` and `frame` it gives back. */
  readonly gives: readonly string[];
  /** Whether the packet may have another buffer behind it. */
  readonly moves: boolean;
  /** The functions in the dialect that it became. */
  readonly text: string;
}

/** What the functions of a text share. */
export interface Unit {
  /** The compiled function of that name; undefined when the text has none. */
  known(name: string, from: Place): KnownFunction | undefined;
  /** The value of an enumerator of the text. */
  enumerator(name: string): number | undefined;
  /** Says why a name of the text cannot be used; '' when there is no such name. */
  unusable(name: string): string;
  /** Names of the functions of the text, for messages. */
  readonly functionNames: readonly string[];
  /** A name for a variable that means nothing else in the dialect. */
  variableName(name: string): string;
  /** A name for a function that no other has. */
  functionName(name: string): string;
  /** `: TYPE` where the code is to have types, else ''. */
  annotation(type: string): string;
  /** Notes that the text uses something that the model has no meaning for. */
  ignores(name: string, because: string, place: Place): void;
}

/** Compiles an expression. The parts of the compiler call it through the context, since an expression may hold all of them. */
type Evaluate = (ctx: Context, of: Expression) => Value;

/** The names that every function of the dialect may use: not for variables of the text. */
export const STATE = ['net', 'skb', 'frame'] as const;
export const GIVEN = ['kernel', ...STATE, 'state'] as const;

export class Context {
  readonly unit: Unit;
  readonly name: string;
  writer = new Writer();
  scope = new Scope();
  facts = new Facts();
  /** The statement that is being compiled. */
  statement: Place;
  moves = false;
  /** A place is named for longer: the pointers that lead to it are kept apart from their variables. */
  keepsPointers = false;
  readonly variables: Variable[] = [];
  private temporaries = 0;
  private readonly taken = new Set<string>();

  private readonly evaluate: Evaluate;

  constructor(unit: Unit, name: string, place: Place, evaluate: Evaluate) {
    this.unit = unit;
    this.name = name;
    this.statement = place;
    this.evaluate = evaluate;
  }

  /** The value of an expression. */
  value(of: Expression): Value {
    return this.evaluate(this, of);
  }

  /** `'FILE:LINE'` of the statement. */
  get line(): string {
    return quoted(`${this.statement.file}:${this.statement.line}`);
  }

  /** The name of the function, as effects show it. */
  get where(): string {
    return quoted(this.name);
  }

  /** Compiles something that does not happen: for its type. */
  aside<T>(compile: () => T): T {
    const { writer, facts, moves } = this;
    this.writer = new Writer();
    this.facts = facts.copy();
    for (const { id } of this.variables) this.facts.learn('is', id);
    try {
      return compile();
    } finally {
      this.writer = writer;
      this.facts = facts;
      this.moves = moves;
    }
  }

  declare(
    name: string,
    type: Type,
    role: Role,
    place: Place,
    more: Pick<Variable, 'location' | 'value'> = {},
  ): Variable {
    if (this.scope.isHere(name)) throw new Refused(place, `${name} is declared twice`);
    const code = role === 'value' || role === 'target' || role === 'segment' ? this.freeCode(name) : name;
    const variable: Variable = {
      id: this.variables.length,
      name,
      code,
      type,
      role,
      place,
      isReadUnset: false,
      ...more,
    };
    this.variables.push(variable);
    this.scope.declare(variable);
    return variable;
  }

  private freeCode(name: string): string {
    const base = this.unit.variableName(name);
    let code = base;
    for (let i = 2; this.taken.has(code); i++) code = `${base}_${i}`;
    this.taken.add(code);
    return code;
  }

  /** A name for a temporary; code that begins so means the same everywhere. */
  temporary(): string {
    return `t${++this.temporaries}`;
  }

  /** Facts of their own, which begin with what is known of a variable. */
  newFacts(variable: number): number {
    const own = this.variables.length;
    this.variables.push({ ...(this.variables[variable] as Variable), id: own, code: '' });
    this.facts.follow(own, variable);
    return own;
  }

  /** A constant with that value, for code that would be evaluated twice, or too late. */
  held(code: string): string {
    const name = this.temporary();
    this.writer.add(`const ${name} = ${code};`);
    return name;
  }

  add(text: string): void {
    this.writer.add(text);
  }

  /** Says in the code where the statement stands in the text. */
  note(): void {
    const { file, line } = this.statement;
    this.writer.later(
      () => `// ${file}:${line}`,
      () => '',
    );
  }

  /** The packet may have another buffer from here on. */
  packetMoves(): void {
    this.moves = true;
    this.facts.forgetFresh();
  }
}

/** A string in the dialect. */
export function quoted(text: string): string {
  return `'${text.replace(/\\/g, '\\\\').replace(/'/g, "\\'")}'`;
}

/** The row of a structure that a type leads to. */
export function structureRow(name: string): (typeof table.structures)[string] {
  return table.structures[name] as (typeof table.structures)[string];
}
