/**
 * Solver terms: integers with a known interval, and booleans. Equal terms are the same object.
 *
 * A number term stands for exactly the number that JavaScript would compute, always a safe integer.
 */

export type NumOp =
  | 'variable'
  | 'add'
  | 'sub'
  | 'mul'
  | 'mod'
  | 'bitAnd'
  | 'bitOr'
  | 'bitXor'
  | 'shiftLeft'
  | 'shiftRight'
  | 'shiftRightUnsigned'
  | 'imul'
  | 'min'
  | 'max'
  | 'ite';

export type BoolOp = 'not' | 'and' | 'or' | 'iff' | 'ite' | 'eq' | 'lt';

/** Operators with two number operands. */
export type BinaryTermOp = Exclude<NumOp, 'variable' | 'ite'>;

export type Num = number | NumTerm;
export type Bool = boolean | BoolTerm;
export type Operand = Num | Bool;

/** The engine itself is at fault: ends everything, whatever was being tried. Never a finding. */
export class InternalError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'InternalError';
  }
}

/** The model did something with terms that the engine cannot follow. It counts on the ways that reach it only. */
export class Unsupported extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'Unsupported';
  }
}

/** Throws wherever a term would silently become a string or a number. */
abstract class Term {
  readonly id: number;
  readonly args: readonly Operand[];

  constructor(id: number, args: readonly Operand[]) {
    this.id = id;
    this.args = args;
  }

  [Symbol.toPrimitive](): never {
    throw new InternalError('a solver term was used by code that was not lifted');
  }

  toJSON(): never {
    throw new InternalError('a solver term was written as JSON');
  }
}

export class NumTerm extends Term {
  readonly op: NumOp;
  readonly lo: number;
  readonly hi: number;
  /** Of a variable, else ''. */
  readonly name: string;

  constructor(id: number, op: NumOp, args: readonly Operand[], lo: number, hi: number, name: string) {
    super(id, args);
    this.op = op;
    this.lo = lo;
    this.hi = hi;
    this.name = name;
  }
}

export class BoolTerm extends Term {
  readonly op: BoolOp;

  constructor(id: number, op: BoolOp, args: readonly Operand[]) {
    super(id, args);
    this.op = op;
  }
}

export type AnyTerm = NumTerm | BoolTerm;

export function isTerm(value: unknown): value is AnyTerm {
  return value instanceof NumTerm || value instanceof BoolTerm;
}

export function isNum(value: unknown): value is Num {
  return typeof value === 'number' || value instanceof NumTerm;
}

export function isBool(value: unknown): value is Bool {
  return typeof value === 'boolean' || value instanceof BoolTerm;
}

let nextId = 1;
const numbers = new Map<string, NumTerm>();
const booleans = new Map<string, BoolTerm>();
const variables = new Map<string, NumTerm>();

/** Forgets all terms, between two explorations. Identifiers are never used again. */
export function forgetTerms(): void {
  numbers.clear();
  booleans.clear();
  variables.clear();
}

function keyOf(op: string, args: readonly Operand[]): string {
  let key = op;
  for (const arg of args) key += isTerm(arg) ? `,${arg.id}` : `,#${String(arg)}`;
  return key;
}

/** The variable of that name; a name has one range. A range of one value is that value. */
export function variable(name: string, lo: number, hi: number): Num {
  if (!Number.isSafeInteger(lo) || !Number.isSafeInteger(hi) || lo > hi) {
    throw new InternalError(`variable ${name} has the range ${lo}..${hi}`);
  }
  if (lo === hi) return lo;
  const known = variables.get(name);
  if (known) {
    if (known.lo !== lo || known.hi !== hi) throw new InternalError(`variable ${name} has two ranges`);
    return known;
  }
  const made = new NumTerm(nextId++, 'variable', [], lo, hi, name);
  variables.set(name, made);
  return made;
}

/** The number term with these parts. A range of one value is that value. */
export function numTerm(op: NumOp, args: readonly Operand[], lo: number, hi: number): Num {
  if (lo === hi) return lo;
  const key = keyOf(op, args);
  const known = numbers.get(key);
  if (known) return known;
  if (!Number.isSafeInteger(lo) || !Number.isSafeInteger(hi)) {
    throw new Unsupported(`${op} leaves the safe integers: ${lo}..${hi}`);
  }
  const made = new NumTerm(nextId++, op, args, lo, hi, '');
  numbers.set(key, made);
  return made;
}

/** The boolean term with these parts. */
export function boolTerm(op: BoolOp, args: readonly Operand[]): BoolTerm {
  const key = keyOf(op, args);
  const known = booleans.get(key);
  if (known) return known;
  const made = new BoolTerm(nextId++, op, args);
  booleans.set(key, made);
  return made;
}

/** All terms that the given ones are made of, themselves included, parts before wholes. */
export function partsOf(roots: readonly Operand[], isDone: (term: AnyTerm) => boolean = () => false): AnyTerm[] {
  const seen = new Map<number, AnyTerm>();
  const open = roots.filter(isTerm);
  for (let term = open.pop(); term; term = open.pop()) {
    if (seen.has(term.id) || isDone(term)) continue;
    seen.set(term.id, term);
    for (const arg of term.args) if (isTerm(arg)) open.push(arg);
  }
  return [...seen.values()].sort((a, b) => a.id - b.id);
}
