/** Merges the values that two ways through a program computed into one value that depends on a condition. */
import { iteNum } from './terms/arithmetic.ts';
import { and, iff, iteBool, or } from './terms/logic.ts';
import { type Bool, type BoolTerm, InternalError, isBool, isNum, isTerm, type Num } from './terms/term.ts';

/** The result of merge() when no single value can stand for both. */
export const UNMERGEABLE = Symbol('unmergeable');

/** What a `return` inside a lifted `if` hands to the function around it. */
export class Return {
  readonly value: unknown;

  constructor(value: unknown) {
    this.value = value;
  }
}

/** A way through the program that ended in an exception. */
export class Thrown {
  readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }

  get message(): string {
    return this.error instanceof Error ? this.error.message : String(this.error);
  }
}

interface Origin {
  readonly condition: BoolTerm;
  readonly yes: object;
  readonly no: object;
}

/** Which records a merged record stands for, so that `===` still compares identities. */
const origins = new WeakMap<object, Origin>();

/** `condition ? yes : no` as one value, or UNMERGEABLE. */
export function merge(condition: BoolTerm, yes: unknown, no: unknown): unknown {
  if (yes === no) return yes;
  if (isNum(yes) && isNum(no))
    return isMergeableNumber(yes) && isMergeableNumber(no) ? iteNum(condition, yes, no) : UNMERGEABLE;
  if (isBool(yes) && isBool(no)) return iteBool(condition, yes, no);
  if (yes instanceof Return && no instanceof Return) {
    const value = merge(condition, yes.value, no.value);
    return value === UNMERGEABLE ? UNMERGEABLE : new Return(value);
  }
  if (yes instanceof Thrown && no instanceof Thrown) return yes.message === no.message ? yes : UNMERGEABLE;
  if (Array.isArray(yes) && Array.isArray(no)) return mergeArrays(condition, yes, no);
  if (isRecord(yes) && isRecord(no)) return mergeRecords(condition, yes, no);
  return UNMERGEABLE;
}

function isMergeableNumber(value: Num): boolean {
  return isTerm(value) || Number.isSafeInteger(value);
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

function mergeArrays(condition: BoolTerm, yes: readonly unknown[], no: readonly unknown[]): unknown {
  if (yes.length !== no.length) return UNMERGEABLE;
  const merged: unknown[] = [];
  for (let index = 0; index < yes.length; index++) {
    const item = merge(condition, yes[index], no[index]);
    if (item === UNMERGEABLE) return UNMERGEABLE;
    merged.push(item);
  }
  origins.set(merged, { condition, yes, no });
  return merged;
}

function mergeRecords(
  condition: BoolTerm,
  yes: Readonly<Record<string, unknown>>,
  no: Readonly<Record<string, unknown>>,
): unknown {
  const keys = Object.keys(yes);
  if (keys.length !== Object.keys(no).length) return UNMERGEABLE;
  const merged: Record<string, unknown> = {};
  for (const key of keys) {
    if (!Object.hasOwn(no, key)) return UNMERGEABLE;
    const item = merge(condition, yes[key], no[key]);
    if (item === UNMERGEABLE) return UNMERGEABLE;
    merged[key] = item;
  }
  origins.set(merged, { condition, yes, no });
  return merged;
}

/** Whether two values are the same as `===` means it: numbers and booleans by value, records and arrays by identity. */
export function sameValue(a: unknown, b: unknown): Bool {
  if (a === b) return true;
  if (isBool(a) && isBool(b)) return iff(a, b);
  if (typeof a === 'object' && typeof b === 'object' && a !== null && b !== null && !isTerm(a) && !isTerm(b)) {
    return sameObject(a, b, new Map());
  }
  return false;
}

function sameObject(a: object, b: object, known: Map<object, Map<object, Bool>>): Bool {
  if (a === b) return true;
  const cached = known.get(a)?.get(b);
  if (cached !== undefined) return cached;
  const [from, other, isLeft] = origins.has(a) ? [origins.get(a), b, true] : [origins.get(b), a, false];
  if (!from) return false;
  const compare = (part: object): Bool => (isLeft ? sameObject(part, other, known) : sameObject(other, part, known));
  const result = iteBool(from.condition, compare(from.yes), compare(from.no));
  const row = known.get(a) ?? new Map<object, Bool>();
  known.set(a, row.set(b, result));
  return result;
}

/** One of the values that a piece of program may end with, and when it does. */
export interface Ending {
  readonly guard: Bool;
  readonly value: unknown;
}

/** One way through a piece of program: its decisions in order, and what it ended with. */
export interface Way {
  readonly decisions: readonly { readonly sides: readonly BoolTerm[]; readonly taken: number }[];
  readonly value: unknown;
}

/** Merges all ways through a piece of program into as few endings as possible; their guards exclude each other. */
export function mergeWays(ways: readonly Way[]): readonly Ending[] {
  return mergeFrom(ways, 0);
}

function mergeFrom(ways: readonly Way[], depth: number): readonly Ending[] {
  const [first] = ways;
  if (!first) throw new InternalError('no way through');
  const decision = first.decisions[depth];
  if (!decision) {
    if (ways.length > 1) throw new InternalError('two ways with the same decisions');
    return [{ guard: true, value: first.value }];
  }
  const branches: Branch[] = [];
  for (const [index, condition] of decision.sides.entries()) {
    const taking = ways.filter((way) => way.decisions[depth]?.taken === index);
    if (taking.length > 0) branches.push({ condition, endings: mergeFrom(taking, depth + 1) });
  }
  const [only] = branches;
  return only && branches.length === 1 ? only.endings : joinBranches(branches);
}

interface Branch {
  readonly condition: BoolTerm;
  readonly endings: readonly Ending[];
}

/** An ending that several branches share: the guards with which they reach it, by branch. */
interface Joined {
  value: unknown;
  readonly guards: Map<number, Bool>;
}

function joinBranches(branches: readonly Branch[]): Ending[] {
  const joined: Joined[] = [];
  for (const [index, { condition, endings }] of branches.entries()) {
    for (const { guard, value } of endings) {
      if (!joinInto(joined, index, condition, guard, value)) joined.push({ value, guards: new Map([[index, guard]]) });
    }
  }
  return joined.map(({ value, guards }) => ({ guard: joinedGuard(branches, guards), value }));
}

/** Merges a value into one that another branch ended with; false when none fits. */
function joinInto(joined: readonly Joined[], index: number, condition: BoolTerm, guard: Bool, value: unknown): boolean {
  for (const other of joined) {
    if (other.guards.has(index)) continue;
    const merged = merge(condition, value, other.value);
    if (merged === UNMERGEABLE) continue;
    other.value = merged;
    other.guards.set(index, guard);
    return true;
  }
  return false;
}

function joinedGuard(branches: readonly Branch[], guards: ReadonlyMap<number, Bool>): Bool {
  if (branches.length === 2) {
    const [first] = branches;
    return iteBool(first?.condition ?? true, guards.get(0) ?? false, guards.get(1) ?? false);
  }
  if (branches.every((_, index) => guards.get(index) === true)) return true;
  let guard: Bool = false;
  for (const [index, { condition }] of branches.entries())
    guard = or(guard, and(condition, guards.get(index) ?? false));
  return guard;
}
