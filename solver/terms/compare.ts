/** Comparisons of number terms. Disjoint intervals decide, and a choice between known values decides arm by arm. */
import { iteBool, not } from './logic.ts';
import { INT32, type Interval, isWithin, UINT32 } from './range.ts';
import { sameResidue } from './residues.ts';
import { type Bool, type BoolTerm, boolTerm, type Num, NumTerm } from './term.ts';

const lowest = (a: Num): number => (typeof a === 'number' ? a : a.lo);
const highest = (a: Num): number => (typeof a === 'number' ? a : a.hi);

/** Comparisons of a choice with a number, as far as they came out simpler. */
const pushed = new Map<string, Bool | undefined>();

/** Whether sums are compared modulo 65535 before z3 is asked. */
let areSumsCompared = false;

/** Forgets what was compared; from now on sums are compared, or left to z3. */
export function forgetComparisons(sums = false): void {
  pushed.clear();
  areSumsCompared = sums;
}

export function eqNum(a: Num, b: Num): Bool {
  if (a === b) return true;
  if (typeof a === 'number') return typeof b === 'number' ? false : eqNum(b, a);
  if (highest(a) < lowest(b) || highest(b) < lowest(a)) return false;
  if (typeof b === 'number') return eqConstant(a, b);
  if (a.op === 'ite' && b.op === 'ite' && a.args[0] === b.args[0]) {
    return iteBool(
      a.args[0] as BoolTerm,
      eqNum(a.args[1] as Num, b.args[1] as Num),
      eqNum(a.args[2] as Num, b.args[2] as Num),
    );
  }
  const [x, y] = [signedView(a), signedView(b)];
  if (x && y) return eqNum(x, y);
  const known = areSumsCompared ? sameResidue(a, b) : undefined;
  if (known !== undefined) return known;
  const chosen = push('eq', a, b, (arm) => eqNum(arm, b)) ?? push('eq', b, a, (arm) => eqNum(arm, a));
  if (chosen !== undefined) return chosen;
  return a.id < b.id ? boolTerm('eq', [a, b]) : boolTerm('eq', [b, a]);
}

function eqConstant(a: NumTerm, k: number): Bool {
  if (a.op === 'add' && typeof a.args[1] === 'number') return eqNum(a.args[0] as Num, k - a.args[1]);
  if (a.op === 'sub' && typeof a.args[0] === 'number') return eqNum(a.args[1] as Num, a.args[0] - k);
  const x = signedView(a);
  if (x) return eqNum(x, k | 0);
  if (a.op === 'bitXor') {
    const [left, right] = sameBits(a.args[0] as Num, int32(a.args[1] as Num, k)) ?? [];
    if (left !== undefined && right !== undefined) return eqNum(left, right);
  }
  const known = areSumsCompared ? sameResidue(a, k) : undefined;
  return known ?? pushEq(a, k) ?? boolTerm('eq', [a, k]);
}

/** `(right ^ k) | 0` of plain numbers, and of anything for no k. */
function int32(right: Num, k: number): Num | undefined {
  if (typeof right === 'number') return right ^ k;
  return k === 0 ? right : undefined;
}

/** Two numbers that are equal when their 32 bits are: both taken as unsigned, or both as signed. */
function sameBits(left: Num, right: Num | undefined): readonly [Num, Num] | undefined {
  if (right === undefined) return undefined;
  for (const range of [UINT32, INT32]) {
    const [x, y] = [within(left, range), within(right, range)];
    if (x !== undefined && y !== undefined) return [x, y];
  }
  return undefined;
}

/** The number in that range of 32 bits, as far as it is one without computing. */
function within(a: Num, range: Interval): Num | undefined {
  if (typeof a === 'number') return range === UINT32 ? a >>> 0 : a | 0;
  return isWithin(a, range) ? a : undefined;
}

/** The operand of `x >>> 0`, when x has 32 signed bits, so that equal results mean equal operands. */
function signedView(a: NumTerm): NumTerm | undefined {
  const [x, by] = a.args;
  return a.op === 'shiftRightUnsigned' && by === 0 && x instanceof NumTerm && isWithin(x, INT32) ? x : undefined;
}

export function ltNum(a: Num, b: Num): Bool {
  if (a === b || lowest(a) >= highest(b)) return false;
  if (highest(a) < lowest(b)) return true;
  if (a instanceof NumTerm && typeof b === 'number') {
    if (a.op === 'add' && typeof a.args[1] === 'number') return ltNum(a.args[0] as Num, b - a.args[1]);
    return push('lt', a, b, (arm) => ltNum(arm, b)) ?? boolTerm('lt', [a, b]);
  }
  if (b instanceof NumTerm && typeof a === 'number') {
    if (b.op === 'add' && typeof b.args[1] === 'number') return ltNum(a - b.args[1], b.args[0] as Num);
    return push('gt', b, a, (arm) => ltNum(a, arm)) ?? boolTerm('lt', [a, b]);
  }
  return boolTerm('lt', [a, b]);
}

export function leNum(a: Num, b: Num): Bool {
  return not(ltNum(b, a));
}

function pushEq(a: NumTerm, k: number): Bool | undefined {
  return push('eq', a, k, (arm) => eqNum(arm, k));
}

/** Compares the arms of a choice instead of the choice, if that decides at least one of them. */
function push(op: string, a: NumTerm, other: Num, compare: (arm: Num) => Bool): Bool | undefined {
  if (a.op !== 'ite') return undefined;
  const key = `${op},${a.id},${typeof other === 'number' ? other : `#${other.id}`}`;
  if (pushed.has(key)) return pushed.get(key);
  const [condition, yes, no] = a.args as [BoolTerm, Num, Num];
  const [left, right] = [compare(yes), compare(no)];
  const folds = typeof left === 'boolean' || typeof right === 'boolean';
  const result = folds ? iteBool(condition, left, right) : undefined;
  pushed.set(key, result);
  return result;
}
