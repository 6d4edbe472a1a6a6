/** Intervals of the results of JavaScript's operators on integers. */

export interface Interval {
  readonly lo: number;
  readonly hi: number;
}

export const INT32: Interval = { lo: -(2 ** 31), hi: 2 ** 31 - 1 };
export const UINT32: Interval = { lo: 0, hi: 2 ** 32 - 1 };

/** Bits needed to write a non-negative safe integer. */
export function bitsOf(value: number): number {
  const high = Math.floor(value / 2 ** 32);
  return high > 0 ? 64 - Math.clz32(high) : 32 - Math.clz32(value);
}

export function isWithin(inner: Interval, outer: Interval): boolean {
  return inner.lo >= outer.lo && inner.hi <= outer.hi;
}

export function hull(a: Interval, b: Interval): Interval {
  return { lo: Math.min(a.lo, b.lo), hi: Math.max(a.hi, b.hi) };
}

/** What an operand of `& | ^ << >>` is after conversion to 32 signed bits. */
export function toInt32(a: Interval): Interval {
  if (isWithin(a, INT32)) return a;
  return a.lo > INT32.hi && a.hi <= UINT32.hi ? { lo: a.lo - 2 ** 32, hi: a.hi - 2 ** 32 } : INT32;
}

function toUint32(a: Interval): Interval {
  if (isWithin(a, UINT32)) return a;
  return a.hi < 0 && a.lo >= INT32.lo ? { lo: a.lo + 2 ** 32, hi: a.hi + 2 ** 32 } : UINT32;
}

/** The 32 bits of a number: those that are 1 in every value, and those that are 1 in any. */
interface Bits {
  readonly must: number;
  readonly may: number;
}

/** The values of an interval share the bits above the highest one in which its ends differ. */
function bitsIn(a: Interval): Bits {
  const { lo, hi } = toInt32(a);
  const free = bitsOf((lo ^ hi) >>> 0);
  const unknown = free === 32 ? -1 : 2 ** free - 1;
  return { must: lo & ~unknown, may: lo | unknown };
}

/** Numbers with these bits that also lie in the interval. */
function withBits({ must, may }: Bits, { lo, hi }: Interval): Interval {
  const isSignKnown = must < 0 === may < 0;
  const least = isSignKnown ? must : must | INT32.lo;
  const most = isSignKnown ? may : may & INT32.hi;
  return { lo: Math.max(lo, least), hi: Math.min(hi, most) };
}

function corners(a: Interval, b: Interval, apply: (x: number, y: number) => number): Interval {
  const values = [apply(a.lo, b.lo), apply(a.lo, b.hi), apply(a.hi, b.lo), apply(a.hi, b.hi)];
  return { lo: Math.min(...values), hi: Math.max(...values) };
}

function isNatural(a: Interval): boolean {
  return a.lo >= 0;
}

function isShift(b: Interval): boolean {
  return b.lo >= 0 && b.hi <= 31;
}

export function addRange(a: Interval, b: Interval): Interval {
  return { lo: a.lo + b.lo, hi: a.hi + b.hi };
}

export function subRange(a: Interval, b: Interval): Interval {
  return { lo: a.lo - b.hi, hi: a.hi - b.lo };
}

export function mulRange(a: Interval, b: Interval): Interval {
  return corners(a, b, (x, y) => x * y);
}

/** Of a remainder; the divisor must not contain 0. */
export function modRange(a: Interval, b: Interval): Interval {
  const most = Math.max(Math.abs(b.lo), Math.abs(b.hi)) - 1;
  return { lo: a.lo >= 0 ? 0 : Math.max(a.lo, -most), hi: a.hi <= 0 ? 0 : Math.min(a.hi, most) };
}

export function andRange(a: Interval, b: Interval): Interval {
  const [x, y] = [bitsIn(a), bitsIn(b)];
  return withBits({ must: x.must & y.must, may: x.may & y.may }, andBounds(a, b));
}

function andBounds(a: Interval, b: Interval): Interval {
  const [x, y] = [toInt32(a), toInt32(b)];
  if (isNatural(x) && isNatural(y)) return { lo: 0, hi: Math.min(x.hi, y.hi) };
  if (isNatural(x)) return { lo: 0, hi: x.hi };
  if (isNatural(y)) return { lo: 0, hi: y.hi };
  return INT32;
}

export function orRange(a: Interval, b: Interval): Interval {
  const [x, y] = [bitsIn(a), bitsIn(b)];
  return withBits({ must: x.must | y.must, may: x.may | y.may }, orBounds(a, b));
}

function orBounds(a: Interval, b: Interval): Interval {
  const [x, y] = [toInt32(a), toInt32(b)];
  if (!isNatural(x) || !isNatural(y)) return INT32;
  return { lo: Math.max(x.lo, y.lo), hi: 2 ** bitsOf(Math.max(x.hi, y.hi)) - 1 };
}

export function xorRange(a: Interval, b: Interval): Interval {
  const [x, y] = [bitsIn(a), bitsIn(b)];
  const unknown = (x.must ^ x.may) | (y.must ^ y.may);
  const known = (x.must ^ y.must) & ~unknown;
  return withBits({ must: known, may: known | unknown }, xorBounds(a, b));
}

function xorBounds(a: Interval, b: Interval): Interval {
  const [x, y] = [toInt32(a), toInt32(b)];
  if (!isNatural(x) || !isNatural(y)) return INT32;
  return { lo: 0, hi: 2 ** bitsOf(Math.max(x.hi, y.hi)) - 1 };
}

export function shiftLeftRange(a: Interval, b: Interval): Interval {
  if (!isShift(b)) return INT32;
  const exact = corners(toInt32(a), b, (x, y) => x * 2 ** y);
  return isWithin(exact, INT32) ? exact : INT32;
}

export function shiftRightRange(a: Interval, b: Interval): Interval {
  const x = toInt32(a);
  if (isShift(b)) return corners(x, b, (value, by) => value >> by);
  return { lo: Math.min(x.lo, 0), hi: Math.max(x.hi, -1) };
}

export function shiftRightUnsignedRange(a: Interval, b: Interval): Interval {
  const x = toUint32(a);
  if (isShift(b)) return corners(x, b, (value, by) => value >>> by);
  return { lo: 0, hi: x.hi };
}

export function minRange(a: Interval, b: Interval): Interval {
  return { lo: Math.min(a.lo, b.lo), hi: Math.min(a.hi, b.hi) };
}

export function maxRange(a: Interval, b: Interval): Interval {
  return { lo: Math.max(a.lo, b.lo), hi: Math.max(a.hi, b.hi) };
}
