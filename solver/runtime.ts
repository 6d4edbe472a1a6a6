/**
 * What lifted code calls instead of JavaScript's operators: each takes plain values and terms alike.
 *
 * On plain values every function does what the operator does, or throws where the dialect forbids it.
 */
import type { Engine } from './engine.ts';
import { isRecord, Return, sameValue } from './merge.ts';
import { binary } from './terms/arithmetic.ts';
import { eqNum, leNum, ltNum } from './terms/compare.ts';
import { not as negation } from './terms/logic.ts';
import { type BinaryTermOp, type Bool, isBool, isNum, isTerm, type Num, NumTerm, Unsupported } from './terms/term.ts';

/** An array is indexed by a term with at most so many values. */
const MOST_INDICES = 64;

let current: Engine | undefined;

/** Runs lifted code on an engine. */
export function runOn<T>(engine: Engine, run: () => T): T {
  const outer = current;
  current = engine;
  try {
    engine.begin();
    return run();
  } finally {
    current = outer;
  }
}

/** The engine that runs now. */
export function runningEngine(): Engine {
  if (!current) throw new Unsupported('a term outside of a search');
  return current;
}

function describe(value: unknown): string {
  if (isTerm(value)) return 'a term';
  if (Array.isArray(value)) return 'an array';
  return value === undefined ? 'undefined' : `a ${typeof value}`;
}

function calculate(op: BinaryTermOp, a: unknown, b: unknown): Num {
  if (isNum(a) && isNum(b)) return binary(op, a, b);
  throw new Unsupported(`${op} of ${describe(a)} and ${describe(b)}`);
}

export function add(a: unknown, b: unknown): Num | string {
  if (typeof a === 'string' && typeof b === 'string') return a + b;
  return calculate('add', a, b);
}

export const sub = (a: unknown, b: unknown): Num => calculate('sub', a, b);
export const mul = (a: unknown, b: unknown): Num => calculate('mul', a, b);
export const mod = (a: unknown, b: unknown): Num => calculate('mod', a, b);
export const bitAnd = (a: unknown, b: unknown): Num => calculate('bitAnd', a, b);
export const bitOr = (a: unknown, b: unknown): Num => calculate('bitOr', a, b);
export const bitXor = (a: unknown, b: unknown): Num => calculate('bitXor', a, b);
export const shiftLeft = (a: unknown, b: unknown): Num => calculate('shiftLeft', a, b);
export const shiftRight = (a: unknown, b: unknown): Num => calculate('shiftRight', a, b);
export const shiftRightUnsigned = (a: unknown, b: unknown): Num => calculate('shiftRightUnsigned', a, b);
export const imul = (a: unknown, b: unknown): Num => calculate('imul', a, b);
export const negate = (a: unknown): Num => calculate('sub', 0, a);
export const bitNot = (a: unknown): Num => calculate('bitXor', a, -1);

function extreme(op: 'min' | 'max', values: readonly unknown[]): Num {
  if (values.length === 0) throw new Unsupported(`Math.${op} of nothing`);
  return values.reduce<Num>((best, value) => calculate(op, best, value), values[0] as Num);
}

export const min = (...values: readonly unknown[]): Num => extreme('min', values);
export const max = (...values: readonly unknown[]): Num => extreme('max', values);

function compare(name: string, apply: (a: Num, b: Num) => Bool, a: unknown, b: unknown): Bool {
  if (isNum(a) && isNum(b)) return apply(a, b);
  throw new Unsupported(`${name} of ${describe(a)} and ${describe(b)}`);
}

export const lt = (a: unknown, b: unknown): Bool => compare('<', ltNum, a, b);
export const le = (a: unknown, b: unknown): Bool => compare('<=', leNum, a, b);
export const gt = (a: unknown, b: unknown): Bool => compare('>', (x, y) => ltNum(y, x), a, b);
export const ge = (a: unknown, b: unknown): Bool => compare('>=', (x, y) => leNum(y, x), a, b);

/** `a === b` */
export function same(a: unknown, b: unknown): Bool {
  return isNum(a) && isNum(b) ? eqNum(a, b) : sameValue(a, b);
}

/** `a !== b` */
export function different(a: unknown, b: unknown): Bool {
  return negation(same(a, b));
}

/** Whether a value counts as true. */
export function test(value: unknown): Bool {
  if (isBool(value)) return value;
  return value instanceof NumTerm ? negation(eqNum(value, 0)) : Boolean(value);
}

export function not(value: unknown): Bool {
  return negation(test(value));
}

/** `condition ? yes() : no()` */
export function choose(condition: unknown, yes: () => unknown, no: () => unknown): unknown {
  const tested = test(condition);
  if (typeof tested === 'boolean') return tested ? yes() : no();
  const engine = runningEngine();
  return engine.piece('?:', [tested], () => (engine.branch(tested) ? yes() : no()));
}

/** `a && b()` */
export function and(a: unknown, b: () => unknown): unknown {
  return choose(a, b, () => a);
}

/** `a || b()` */
export function or(a: unknown, b: () => unknown): unknown {
  return choose(a, () => a, b);
}

/**
 * An `if`: the body gets the test's outcome and the values of the variables that it assigns, and returns their new
 * values, or a Return.
 */
export function join(
  site: string,
  condition: unknown,
  state: readonly unknown[],
  body: (test: boolean, state: readonly unknown[]) => unknown,
): unknown {
  const tested = test(condition);
  if (typeof tested === 'boolean') return body(tested, state);
  const engine = runningEngine();
  return engine.piece(site, [tested], () => body(engine.branch(tested), state));
}

/** `return value`, inside of an `if`. */
export function leave(value?: unknown): Return {
  return value instanceof Return ? value : new Return(value);
}

export function isReturn(value: unknown): value is Return {
  return value instanceof Return;
}

/** Calls the body of a function of the model. */
export function call<T>(site: string, body: (...args: readonly unknown[]) => T, args: readonly unknown[]): T {
  return current ? current.piece(site, args, () => body(...args)) : body(...args);
}

/** A function that another one makes: while modules load, since every repetition of a run would make it anew. */
export function made<T>(site: string, value: T): T {
  if (current) throw new Unsupported(`${site}: a function made during a run`);
  return value;
}

/** What `for…of` and `...` go through. */
export function each(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new Unsupported(`iteration over ${describe(value)}`);
}

/** Where `for (let i = …; i < …; i += 1)` begins and where it ends: how often its body runs is known. */
export function count(site: string, value: unknown): number {
  if (typeof value === 'number') return value;
  throw new Unsupported(`${site}: a loop that counts from or to ${describe(value)}`);
}

/** What `{ ...value }` copies. */
export function record(value: unknown): object {
  if (isRecord(value)) return value;
  throw new Unsupported(`{ ...x } of ${describe(value)}`);
}

function isNamespace(value: unknown): value is Readonly<Record<string, unknown>> {
  return Object.prototype.toString.call(value) === '[object Module]';
}

/** The function in a field of a record or of a module. */
export function member(owner: unknown, name: string): unknown {
  if (!(isRecord(owner) || isNamespace(owner)) || !Object.hasOwn(owner, name)) {
    throw new Unsupported(`call of .${name}() on ${describe(owner)}`);
  }
  return owner[name];
}

/** `owner[key]` */
export function index(owner: unknown, key: unknown): unknown {
  if (typeof key === 'string' && isRecord(owner)) return Object.hasOwn(owner, key) ? owner[key] : undefined;
  if (typeof key === 'number' && typeof owner === 'string') return owner[key];
  if (!Array.isArray(owner) || !isNum(key)) throw new Unsupported(`${describe(owner)}[${describe(key)}]`);
  if (typeof key === 'number') return owner[key];
  const first = Math.max(key.lo, 0);
  const last = Math.min(key.hi, owner.length - 1);
  if (last - first >= MOST_INDICES) throw new Unsupported(`an index with ${last - first + 1} values`);
  const engine = runningEngine();
  return engine.piece('[]', [key], () => {
    for (let at = first; at <= last; at++) if (engine.branch(eqNum(key, at))) return owner[at];
    return undefined;
  });
}

/** The name of a field in `{ [key]: value }`. */
export function key(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new Unsupported(`a field named by ${describe(value)}`);
}

/** What `switch` looks at. */
export function tag(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new Unsupported(`switch on ${describe(value)}`);
}

/** A value inside a template literal. */
export function text(value: unknown): unknown {
  if (isTerm(value)) throw new Unsupported('a term in a template literal');
  return value;
}

/** A value inside the reason of bug(). */
export function show(value: unknown): unknown {
  return isTerm(value) ? '(a term)' : value;
}

/** The model reached a state that it rules out itself. */
export class ModelBug extends Error {
  constructor(why: string) {
    super(`model bug: ${why}`);
    this.name = 'ModelBug';
  }
}

export function bug(why: string): never {
  throw new ModelBug(why);
}
