/** JavaScript's operators on number terms: exact results, folded and normalised where that is free. */
import { eqNum, ltNum } from './compare.ts';
import { not } from './logic.ts';
import {
  addRange,
  andRange,
  hull,
  INT32,
  type Interval,
  isWithin,
  maxRange,
  minRange,
  modRange,
  mulRange,
  orRange,
  shiftLeftRange,
  shiftRightRange,
  shiftRightUnsignedRange,
  subRange,
  UINT32,
  xorRange,
} from './range.ts';
import { type BinaryTermOp, type Bool, BoolTerm, type Num, NumTerm, numTerm, Unsupported } from './term.ts';

/** What each operator computes on plain numbers. */
export const NATIVE: Readonly<Record<BinaryTermOp, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  mod: (a, b) => a % b,
  bitAnd: (a, b) => a & b,
  bitOr: (a, b) => a | b,
  bitXor: (a, b) => a ^ b,
  shiftLeft: (a, b) => a << b,
  shiftRight: (a, b) => a >> b,
  shiftRightUnsigned: (a, b) => a >>> b,
  imul: Math.imul,
  min: Math.min,
  max: Math.max,
};

const RANGES: Readonly<Record<BinaryTermOp, (a: Interval, b: Interval) => Interval>> = {
  add: addRange,
  sub: subRange,
  mul: mulRange,
  mod: modRange,
  bitAnd: andRange,
  bitOr: orRange,
  bitXor: xorRange,
  shiftLeft: shiftLeftRange,
  shiftRight: shiftRightRange,
  shiftRightUnsigned: shiftRightUnsignedRange,
  imul: () => INT32,
  min: minRange,
  max: maxRange,
};

const COMMUTES: ReadonlySet<BinaryTermOp> = new Set(['add', 'mul', 'bitAnd', 'bitOr', 'bitXor', 'imul', 'min', 'max']);
const TAKES_INT32: ReadonlySet<BinaryTermOp> = new Set(['bitAnd', 'bitOr', 'bitXor', 'shiftLeft', 'shiftRight']);

/** Choices between at most so many known values are computed value by value. */
const MOST_KNOWN_VALUES = 16;

export function intervalOf(a: Num): Interval {
  return typeof a === 'number' ? { lo: a, hi: a } : a;
}

/** `a op b` as JavaScript computes it. Throws when the result may leave the safe integers. */
export function binary(op: BinaryTermOp, a: Num, b: Num): Num {
  if (typeof a === 'number' && typeof b === 'number') return safe(op, NATIVE[op](a, b) + 0);
  if (COMMUTES.has(op) && comesBefore(b, a)) return binary(op, b, a);
  const known = overKnownValues(op, a, b);
  if (known !== undefined) return known;
  return simplified(op, a, b) ?? made(op, a, b);
}

function safe(op: string, value: number): number {
  if (Number.isSafeInteger(value)) return value;
  throw new Unsupported(`${op} leaves the safe integers: ${value}`);
}

/** Terms come in the order of their identifiers, numbers last. */
function comesBefore(a: Num, b: Num): boolean {
  if (typeof a === 'number') return false;
  return typeof b === 'number' || a.id < b.id;
}

function made(op: BinaryTermOp, a: Num, b: Num): Num {
  const divisor = intervalOf(b);
  if (op === 'mod' && divisor.lo <= 0 && divisor.hi >= 0) throw new Unsupported('% by what may be 0');
  const { lo, hi } = foldedRange(op, a, b) ?? RANGES[op](intervalOf(a), divisor);
  if (!Number.isSafeInteger(lo) || !Number.isSafeInteger(hi)) {
    throw new Unsupported(`${op} leaves the safe integers: ${lo}..${hi}`);
  }
  return lo === hi ? lo : numTerm(op, [a, b], lo, hi);
}

/** The range of `(x & 0xffff) + (x >>> 16)`, in which the two sides are not both at their highest. */
function foldedRange(op: BinaryTermOp, a: Num, b: Num): Interval | undefined {
  if (op !== 'add' || typeof a === 'number' || typeof b === 'number') return undefined;
  const [low, high] = a.op === 'bitAnd' ? [a, b] : [b, a];
  if (low.op !== 'bitAnd' || low.args[1] !== 0xffff) return undefined;
  if (high.op !== 'shiftRightUnsigned' || high.args[1] !== 16 || high.args[0] !== low.args[0]) return undefined;
  const x = intervalOf(low.args[0] as Num);
  if (!isWithin(x, UINT32)) return undefined;
  const most = x.hi >>> 16;
  return { lo: x.lo > 0 ? 1 : 0, hi: Math.max(most + (x.hi & 0xffff), most > 0 ? most - 1 + 0xffff : 0) };
}

/** How many known values a choice of choices ends in; Infinity when it ends in anything else. */
function knownValues(a: Num): number {
  if (typeof a === 'number') return 1;
  if (a.op !== 'ite') return Number.POSITIVE_INFINITY;
  const left = knownValues(a.args[1] as Num);
  return left > MOST_KNOWN_VALUES ? left : left + knownValues(a.args[2] as Num);
}

/** Moves an operator with a known number into a choice between known numbers. */
function overKnownValues(op: BinaryTermOp, a: Num, b: Num): Num | undefined {
  if (typeof b === 'number' && knownValues(a) <= MOST_KNOWN_VALUES) return mapKnown(a, (value) => binary(op, value, b));
  if (typeof a === 'number' && knownValues(b) <= MOST_KNOWN_VALUES) return mapKnown(b, (value) => binary(op, a, value));
  return undefined;
}

function mapKnown(a: Num, apply: (value: number) => Num): Num {
  if (typeof a === 'number') return apply(a);
  const [condition, yes, no] = a.args as [BoolTerm, Num, Num];
  return iteNum(condition, mapKnown(yes, apply), mapKnown(no, apply));
}

function simplified(op: BinaryTermOp, a: Num, b: Num): Num | undefined {
  if (TAKES_INT32.has(op)) {
    const [x, y] = [bitsOnly(a), op === 'shiftLeft' || op === 'shiftRight' ? b : bitsOnly(b)];
    if (x !== a || y !== b) return binary(op, x, y);
  }
  switch (op) {
    case 'add':
      return simplifiedAdd(a, b);
    case 'sub':
      if (a === b) return 0;
      return typeof b === 'number' ? binary('add', a, -b) : undefined;
    case 'mul':
      if (b === 1) return a;
      return b === 0 ? 0 : undefined;
    case 'bitAnd':
      if (b === 0) return 0;
      if (a === b || (typeof b === 'number' && (b | 0) === -1)) return int32(a);
      if (b === 0xffff && isComplementOf16(a)) return binary('sub', 0xffff, a.args[0] as Num);
      return typeof b === 'number' && isMask(b) && isWithin(intervalOf(a), { lo: 0, hi: b }) ? a : undefined;
    case 'bitOr':
      if (b === -1) return -1;
      return b === 0 || a === b ? int32(a) : undefined;
    case 'bitXor':
      if (a === b) return 0;
      return b === 0 ? int32(a) : undefined;
    case 'shiftLeft':
    case 'shiftRight':
      return isZeroShift(b) ? int32(a) : undefined;
    case 'shiftRightUnsigned':
      if (isZeroShift(b) && isWithin(intervalOf(a), UINT32)) return a;
      return bitsOnly(a) !== a ? binary(op, bitsOnly(a), b) : undefined;
    case 'min':
    case 'max':
      return simplifiedExtreme(op, a, b);
    default:
      return undefined;
  }
}

function simplifiedAdd(a: Num, b: Num): Num | undefined {
  if (b === 0) return a;
  if (typeof b !== 'number' || typeof a === 'number' || a.op !== 'add') return undefined;
  const [inner, constant] = a.args as [Num, Num];
  return typeof constant === 'number' ? binary('add', inner, safe('add', constant + b)) : undefined;
}

function simplifiedExtreme(op: 'min' | 'max', a: Num, b: Num): Num | undefined {
  if (a === b) return a;
  const less = ltNum(a, b);
  if (typeof less === 'boolean') return less === (op === 'min') ? a : b;
  return undefined;
}

/** Whether it is `~x`, and x has 16 bits. */
function isComplementOf16(a: Num): a is NumTerm {
  if (typeof a === 'number' || a.op !== 'bitXor' || a.args[1] !== -1) return false;
  return isWithin(intervalOf(a.args[0] as Num), { lo: 0, hi: 0xffff });
}

function isMask(value: number): boolean {
  return value > 0 && value <= INT32.hi && ((value + 1) & value) === 0;
}

function isZeroShift(by: Num): boolean {
  return typeof by === 'number' && (by & 31) === 0;
}

/** The operand of `x >>> 0` and `x | 0`, where only its 32 bits count. */
function bitsOnly(a: Num): Num {
  if (typeof a === 'number') return a;
  const isConversion = (a.op === 'shiftRightUnsigned' || a.op === 'bitOr') && a.args[1] === 0;
  return isConversion ? bitsOnly(a.args[0] as Num) : a;
}

/** `a | 0` */
function int32(a: Num): Num {
  if (typeof a === 'number') return a | 0;
  if (isWithin(a, INT32)) return a;
  return numTerm('bitOr', [bitsOnly(a), 0], INT32.lo, INT32.hi);
}

/** `condition ? yes : no` */
export function iteNum(condition: Bool, yes: Num, no: Num): Num {
  if (typeof condition === 'boolean') return condition ? yes : no;
  if (condition.op === 'not') return iteNum(condition.args[0] as BoolTerm, no, yes);
  if (yes === no) return yes;
  const [then, otherwise] = [assuming(yes, condition, true), assuming(no, condition, false)];
  if (then !== yes || otherwise !== no) return iteNum(condition, then, otherwise);
  if (typeof yes === 'number' && sameAs(condition, no, yes)) return no;
  if (typeof no === 'number' && sameAs(not(condition), yes, no)) return yes;
  const { lo, hi } = carriedRange(condition, yes, no) ?? hull(intervalOf(yes), intervalOf(no));
  return numTerm('ite', [condition, yes, no], lo, hi);
}

/** The range of `x > k ? x - less : x`: what the condition says of x counts on both sides. */
function carriedRange(condition: BoolTerm, yes: Num, x: Num): Interval | undefined {
  const [k, compared] = condition.args;
  if (condition.op !== 'lt' || typeof k !== 'number' || compared !== x || !(yes instanceof NumTerm)) return undefined;
  const [inner, less] = yes.args;
  if (yes.op !== 'add' || inner !== x || typeof less !== 'number') return undefined;
  const { lo, hi } = intervalOf(x);
  return hull({ lo: Math.max(lo, k + 1) + less, hi: hi + less }, { lo, hi: Math.min(hi, k) });
}

/** `x === k ? k : x` is x. */
function sameAs(condition: Bool, x: Num, k: number): boolean {
  return condition instanceof BoolTerm && x instanceof NumTerm && condition === eqNum(x, k);
}

/** A choice by a condition whose value is known. */
function assuming(a: Num, condition: BoolTerm, value: boolean): Num {
  if (typeof a === 'number' || a.op !== 'ite') return a;
  const [test, yes, no] = a.args as [BoolTerm, Num, Num];
  return test === condition ? (value ? yes : no) : a;
}
