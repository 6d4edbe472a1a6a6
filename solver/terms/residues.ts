/**
 * Numbers modulo 65535, as sums of what they are made of: there an internet checksum is a sum, and folding changes nothing.
 *
 * Two terms with the same sum are equal modulo 65535, whatever their parts are. So the checksum of a header that has just
 * been computed is right without a question to z3, which would have to multiply the adders out.
 */
import { INT32, isWithin, UINT32 } from './range.ts';
import { type BoolTerm, type Num, NumTerm } from './term.ts';

const MODULUS = 65535;

/** A sum of more parts than this counts as one part. */
const MOST_PARTS = 64;

/** A number modulo 65535: how often each part is in it, by the name of the part; '' is the number 1. */
type Residue = ReadonlyMap<string, number>;

const known = new WeakMap<NumTerm, Residue>();

/**
 * What is known of `a === b` from what both are modulo 65535: false where they differ there, true where they do not and
 * are too close to differ by 65535; undefined otherwise.
 */
export function sameResidue(a: Num, b: Num): boolean | undefined {
  const difference = sum(residueOf(a), residueOf(b), -1);
  if (difference.size > 1 || (difference.size === 1 && !difference.has(''))) return undefined;
  if (difference.size === 1) return false;
  const [x, y] = [rangeOf(a), rangeOf(b)];
  return x.hi - y.lo < MODULUS && y.hi - x.lo < MODULUS ? true : undefined;
}

function rangeOf(a: Num): { readonly lo: number; readonly hi: number } {
  return typeof a === 'number' ? { lo: a, hi: a } : a;
}

/** left + times * right, without parts that are in it 0 times. */
function sum(left: Residue, right: Residue, times: number): Residue {
  const parts = new Map(left);
  for (const [part, count] of right) {
    const now = modulo((parts.get(part) ?? 0) + times * count);
    if (now === 0) parts.delete(part);
    else parts.set(part, now);
  }
  return parts;
}

/** Of a product of two residues at most. */
function modulo(value: number): number {
  return ((value % MODULUS) + MODULUS) % MODULUS;
}

const NOTHING: Residue = new Map();

function constant(value: number): Residue {
  return sum(NOTHING, new Map([['', modulo(value)]]), 1);
}

function part(name: string): Residue {
  return new Map([[name, 1]]);
}

function residueOf(a: Num): Residue {
  if (typeof a === 'number') return constant(a);
  const before = known.get(a);
  if (before !== undefined) return before;
  const found = compute(a);
  const residue = found.size > MOST_PARTS ? part(`${a.id}`) : found;
  known.set(a, residue);
  return residue;
}

function compute(a: NumTerm): Residue {
  const [x, y] = a.args as [Num, Num];
  switch (a.op) {
    case 'add':
      return sum(residueOf(x), residueOf(y), 1);
    case 'sub':
      return sum(residueOf(x), residueOf(y), -1);
    case 'mul':
      return typeof y === 'number' ? sum(NOTHING, residueOf(x), modulo(y)) : part(`${a.id}`);
    case 'shiftLeft':
      return isExactShift(x, y) ? sum(NOTHING, residueOf(x), modulo(2 ** y)) : part(`${a.id}`);
    case 'bitAnd':
      return y === 0xffff ? sum(unsigned(x), high(x), -1) : part(`${a.id}`);
    case 'shiftRightUnsigned':
      if (y === 16) return high(x);
      return y === 0 ? unsigned(x) : part(`${a.id}`);
    case 'ite':
      return choice(a.args[0] as BoolTerm, a.args[1] as Num, a.args[2] as Num);
    default:
      return part(`${a.id}`);
  }
}

/** Whether `x << by` loses no bit. */
function isExactShift(x: Num, by: Num): by is number {
  const { lo, hi } = rangeOf(x);
  return typeof by === 'number' && by >= 0 && lo >= 0 && hi * 2 ** by <= INT32.hi;
}

/** `x >>> 0`. All 32 bits set are 65537 times 65535, so that a complement is the negative. */
function unsigned(x: Num): Residue {
  if (isWithin(rangeOf(x), UINT32)) return residueOf(x);
  const inner = complemented(x);
  if (inner !== undefined) return sum(NOTHING, unsigned(inner), -1);
  return typeof x === 'number' ? constant(x >>> 0) : part(`${x.id}>>>0`);
}

/** `x >>> 16`; what lies below that is `x >>> 0` less 65536 times this, which is less this. */
function high(x: Num): Residue {
  if (typeof x === 'number') return constant(x >>> 16);
  if (isWithin(x, { lo: 0, hi: 0xffff })) return NOTHING;
  const inner = complemented(x);
  return inner === undefined ? part(`${x.id}>>>16`) : sum(NOTHING, high(inner), -1);
}

/** What `x` is the 32-bit complement of. */
function complemented(x: Num): Num | undefined {
  if (!(x instanceof NumTerm) || x.op !== 'bitXor' || x.args[1] !== -1) return undefined;
  return x.args[0] as Num;
}

/** `condition ? yes : no`: the second, and where the condition holds what the first is more. */
function choice(condition: BoolTerm, yes: Num, no: Num): Residue {
  const [left, right] = [residueOf(yes), residueOf(no)];
  if (isStandIn(condition, yes, no)) return right;
  if (isStandIn(condition, no, yes)) return left;
  const parts = new Map(right);
  for (const [name, count] of sum(left, right, -1)) parts.set(`${condition.id}?${name}`, count);
  return parts;
}

/** Whether `condition ? m : x` is x modulo 65535, because the condition says so of x: UDP sends 65535 for 0. */
function isStandIn(condition: BoolTerm, m: Num, x: Num): boolean {
  const [left, k] = condition.args;
  if (condition.op !== 'eq' || typeof m !== 'number' || typeof k !== 'number') return false;
  return [1, -1].some((sign) => {
    const rest = sum(residueOf(x), residueOf(left as Num), -sign);
    const isConstant = rest.size === 0 || (rest.size === 1 && rest.has(''));
    return isConstant && modulo(sign * k + (rest.get('') ?? 0)) === modulo(m);
  });
}
