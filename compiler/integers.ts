/**
 * Arithmetic as C does it, on the numbers of the dialect.
 *
 * The machine is x86-64: int has 32 bits, long 64, and the lowest byte comes first. A number of a network type is kept as
 * it is meant, so that htons() and its like change nothing, and a number that passes without them is turned around.
 * Overflow wraps, as the kernel asks of its compiler (-fno-strict-overflow). Of 64 bits only numbers are supported that
 * are known to stay within those of the dialect.
 */
import type { BinaryOperator } from './ast.ts';
import { type Place, Refused } from './messages.ts';
import { BOOL, INT, type IntegerType, LONG, rangeOf, typeText, UNSIGNED, UNSIGNED_LONG } from './types.ts';
import { constantValue, integerValue, operand, type Value } from './values.ts';

const MOST = Number.MAX_SAFE_INTEGER;

function typeOfInteger(value: Value): IntegerType {
  return value.type as IntegerType;
}

/** Code for a number, of one that may be a truth value. */
export function numberCode(value: Value): string {
  if (value.constant !== undefined) return String(value.constant);
  return value.isTruth ? `(${value.code} ? 1 : 0)` : value.code;
}

/** Code for whether an integer is other than 0. */
export function truthCode(value: Value): string {
  if (value.constant !== undefined) return String(value.constant !== 0);
  return value.isTruth ? value.code : `${operand(value.code)} !== 0`;
}

/** A literal of C. */
export function literal(text: string, place: Place): Value {
  const [, digits = '', suffix = ''] = /^(0[xX][\da-fA-F]+|\d+)([uUlL]*)$/.exec(text) ?? [];
  if (digits === '') throw new Refused(place, `the number ${text}`, 'integers are supported');
  const isOctal = /^0\d/.test(digits);
  const number = isOctal ? Number.parseInt(digits, 8) : Number(digits);
  if (number > MOST) throw new Refused(place, `the number ${text}`, `numbers up to ${MOST} are supported`);
  const isPlain = /^\d+$/.test(digits) && !isOctal;
  const isUnsigned = /u/i.test(suffix);
  const isLong = /l/i.test(suffix);
  const candidates = [INT, UNSIGNED, LONG, UNSIGNED_LONG].filter(
    (type) => (!isLong || type.bits === 64) && (type.isSigned ? !isUnsigned : isUnsigned || !isPlain),
  );
  const type = candidates.find((one) => number <= rangeOf(one)[1]) ?? UNSIGNED_LONG;
  return constantValue(type, number);
}

// byte order

function turned(number: number, bits: number): number {
  const bytes = bits / 8;
  let result = 0;
  for (let i = 0; i < bytes; i++) result = result * 256 + (Math.floor(number / 256 ** i) % 256);
  return result;
}

function turn(value: Value, to: IntegerType): Value {
  if (value.constant !== undefined) return constantValue(to, turned(value.constant, to.bits));
  return integerValue(to, `swab${to.bits}(${numberCode(value)})`);
}

/** The number that the machine sees in memory. */
function asHost(value: Value): Value {
  const type = typeOfInteger(value);
  if (!type.isNetwork) return value;
  return turn(value, { ...(type.bits === 16 ? UNSIGNED_SHORT : UNSIGNED), bits: type.bits });
}

const UNSIGNED_SHORT: IntegerType = { ...UNSIGNED, name: 'unsigned short', bits: 16 };

/** The same number under another type of its width: what htons() and its like do. */
export function retyped(value: Value, type: IntegerType): Value {
  return { ...value, type, lo: Math.max(value.lo, 0), hi: Math.min(value.hi, rangeOf(type)[1]) };
}

// conversions

/** The value in that type, as assignments, casts and calls convert it. */
export function convert(value: Value, to: IntegerType, place: Place): Value {
  const from = typeOfInteger(value);
  if (to.isTruth) {
    if (value.constant !== undefined) return constantValue(to, Number(value.constant !== 0));
    return { ...integerValue(to, truthCode(value), [0, 1]) };
  }
  if (from.isNetwork && to.isNetwork && from.bits === to.bits) return { ...value, type: to };
  const host = asHost(value);
  if (!to.isNetwork) return wrapped(host, to, place);
  const memory = wrapped(host, { ...to, isNetwork: false }, place);
  return turn(memory, to);
}

/** The value in the range of that type. */
function wrapped(value: Value, to: IntegerType, place: Place): Value {
  const [least, most] = rangeOf(to);
  if (value.constant !== undefined) return constantValue(to, wrappedNumber(value.constant, to, place));
  if (value.lo >= least && value.hi <= most) return { ...value, type: to, isTruth: value.isTruth };
  if (to.bits === 64) {
    throw new Refused(
      place,
      `a number that may be negative becomes ${typeText(to)}`,
      '64 bits are supported for numbers that are known to be small; cast it to a type of 32 bits',
    );
  }
  if (value.hi > MOST || value.lo < -MOST) throw tooWide(place, typeOfInteger(value));
  return integerValue(to, wrapCode(numberCode(value), to));
}

function wrapCode(code: string, { bits, isSigned }: IntegerType): string {
  if (bits === 32) return isSigned ? `${operand(code)} | 0` : `${operand(code)} >>> 0`;
  if (!isSigned) return `${operand(code)} & ${2 ** bits - 1}`;
  return `(${operand(code)} << ${32 - bits}) >> ${32 - bits}`;
}

function wrappedNumber(number: number, to: IntegerType, place: Place): number {
  const [least, most] = rangeOf(to);
  if (number >= least && number <= most) return number;
  if (to.bits === 64) throw tooWide(place, to);
  const size = 2 ** to.bits;
  const rest = ((number % size) + size) % size;
  return to.isSigned && rest > most ? rest - size : rest;
}

function tooWide(place: Place, type: IntegerType): Refused {
  return new Refused(
    place,
    `arithmetic on ${typeText(type)} that may need more than 53 bits`,
    'types of up to 32 bits are supported, and sizes beside them',
  );
}

/** The value after the integer promotions. */
export function promoted(value: Value): Value {
  const host = asHost(value);
  const type = typeOfInteger(host);
  return type.bits < 32 ? { ...host, type: INT } : host;
}

/** Both values in the type in which C calculates with them. */
function balanced(a: Value, b: Value, place: Place): readonly [Value, Value, IntegerType] {
  const left = promoted(a);
  const right = promoted(b);
  const type = commonType(typeOfInteger(left), typeOfInteger(right));
  return [convert(left, type, place), convert(right, type, place), type];
}

function commonType(a: IntegerType, b: IntegerType): IntegerType {
  const bits = a.bits === 64 || b.bits === 64 ? 64 : 32;
  const widest = [a, b].filter((type) => type.bits === bits);
  const isSigned = widest.every((type) => type.isSigned);
  if (bits === 64) return isSigned ? LONG : UNSIGNED_LONG;
  return isSigned ? INT : UNSIGNED;
}

// operators

/** `!value`. */
export function negation(value: Value): Value {
  if (value.constant !== undefined) return truth(value.constant === 0);
  return truthOf(value.isTruth ? opposite(value.code) : `${operand(value.code)} === 0`);
}

/** Code for the opposite of a truth value. */
function opposite(code: string): string {
  const [, left, sign, right] = /^([\w.]+(?:\([\w., ]*\))?[\w.]*) ([!=]==) (-?[\w.]+)$/.exec(code) ?? [];
  return sign === undefined ? `!${operand(code)}` : `${left} ${sign === '===' ? '!==' : '==='} ${right}`;
}

/** What a comparison gives: an int that is kept as a truth value. */
export function truth(known: boolean): Value {
  return { ...constantValue(INT, Number(known)), code: String(known), isTruth: true };
}

/** An int that is kept as that truth value. */
export function truthOf(code: string): Value {
  return { ...integerValue(INT, code, [0, 1]), isTruth: true };
}

/** `-value`, `~value` and `+value`. */
export function unary(operator: '-' | '~' | '+', of: Value, place: Place): Value {
  const value = promoted(of);
  const type = typeOfInteger(value);
  if (operator === '+') return value;
  if (operator === '-') return calculated('-', constantValue(type, 0), value, type, place);
  if (value.constant !== undefined) return constantValue(type, wrappedNumber(-1 - value.constant, type, place));
  if (type.bits === 64) throw tooWide(place, type);
  return integerValue(type, type.isSigned ? `~${operand(numberCode(value))}` : `~${operand(numberCode(value))} >>> 0`);
}

const COMPARISONS: Readonly<
  Record<string, { readonly code: string; readonly holds: (a: number, b: number) => boolean }>
> = {
  '<': { code: '<', holds: (a, b) => a < b },
  '<=': { code: '<=', holds: (a, b) => a <= b },
  '>': { code: '>', holds: (a, b) => a > b },
  '>=': { code: '>=', holds: (a, b) => a >= b },
  '==': { code: '===', holds: (a, b) => a === b },
  '!=': { code: '!==', holds: (a, b) => a !== b },
};

/** `a operator b`. */
export function binary(operator: BinaryOperator, a: Value, b: Value, place: Place): Value {
  const comparison = COMPARISONS[operator];
  if (comparison !== undefined) return compared(operator, a, b, place);
  if (operator === '<<' || operator === '>>') return shifted(operator, promoted(a), promoted(b), place);
  if (operator === '&' || operator === '|' || operator === '^') return bitwise(operator, a, b, place);
  const [left, right, type] = balanced(a, b, place);
  if (operator === '/' || operator === '%') return divided(operator, left, right, type, place);
  return calculated(operator as '+' | '-' | '*', left, right, type, place);
}

function compared(operator: BinaryOperator, a: Value, b: Value, place: Place): Value {
  const { code, holds } = COMPARISONS[operator] as (typeof COMPARISONS)[string];
  const isEquality = operator === '==' || operator === '!=';
  const [left, right] = isEquality && inNetworkOrder(a, b) ? [a, b] : balanced(a, b, place);
  if (left.constant !== undefined && right.constant !== undefined) return truth(holds(left.constant, right.constant));
  return truthOf(`${operand(numberCode(left))} ${code} ${operand(numberCode(right))}`);
}

/** Whether both are numbers of one network type, or one of them is 0, which has no order. */
function inNetworkOrder(a: Value, b: Value): boolean {
  const [x, y] = [typeOfInteger(a), typeOfInteger(b)];
  if (x.isNetwork && y.isNetwork) return x.bits === y.bits;
  return (x.isNetwork && b.constant === 0) || (y.isNetwork && a.constant === 0);
}

function bitwise(operator: '&' | '|' | '^', a: Value, b: Value, place: Place): Value {
  const [x, y] = [typeOfInteger(a), typeOfInteger(b)];
  if (x.isNetwork && y.isNetwork && x.bits === y.bits) return bits(operator, a, b, x, place);
  const [left, right, type] = balanced(a, b, place);
  return bits(operator, left, right, type, place);
}

const HALF = 2 ** 31;

function bits(operator: '&' | '|' | '^', a: Value, b: Value, type: IntegerType, place: Place): Value {
  const small = (value: Value): boolean => value.lo >= 0 && value.hi < 2 ** 32;
  if (type.bits === 64 && !(small(a) && small(b))) throw tooWide(place, type);
  if (a.constant !== undefined && b.constant !== undefined) {
    const result =
      operator === '&' ? a.constant & b.constant : operator === '|' ? a.constant | b.constant : a.constant ^ b.constant;
    return constantValue(type, type.isSigned && type.bits === 32 ? result : result >>> 0);
  }
  const code = `${operand(numberCode(a))} ${operator} ${operand(numberCode(b))}`;
  const [least, most] = [Math.min(a.hi, b.hi), Math.max(a.hi, b.hi)];
  const positive = (value: Value): boolean => value.lo >= 0 && value.hi < HALF;
  if (operator === '&' && (positive(a) || positive(b))) {
    const hi = positive(a) && positive(b) ? least : positive(a) ? a.hi : b.hi;
    return integerValue(type, code, [0, hi]);
  }
  if (positive(a) && positive(b)) return integerValue(type, code, [0, allOnes(most)]);
  return type.isSigned ? integerValue(type, code) : integerValue(type, `(${code}) >>> 0`, [0, 2 ** 32 - 1]);
}

/** The greatest number with as many bits. */
function allOnes(number: number): number {
  return 2 ** Math.ceil(Math.log2(number + 1)) - 1;
}

function shifted(operator: '<<' | '>>', a: Value, by: Value, place: Place): Value {
  const type = typeOfInteger(a);
  if (by.lo < 0 || by.hi >= type.bits) {
    throw new Refused(
      place,
      `a shift by what may be less than 0 or more than ${type.bits - 1}`,
      'shifts by constants are supported',
    );
  }
  if (a.constant !== undefined && by.constant !== undefined) {
    const size = 2 ** by.constant;
    const result = operator === '<<' ? a.constant * size : Math.floor(a.constant / size);
    if (Math.abs(result) > MOST) throw tooWide(place, type);
    return constantValue(type, wrappedNumber(result, type, place));
  }
  if (type.bits === 64 && (a.lo < 0 || a.hi >= 2 ** 32 || by.hi >= 32)) throw tooWide(place, type);
  const [number, count] = [operand(numberCode(a)), operand(numberCode(by))];
  if (operator === '>>') {
    const hi = by.constant === undefined ? a.hi : Math.floor(a.hi / 2 ** by.constant);
    const lo = by.constant === undefined ? Math.min(a.lo, 0) : Math.floor(a.lo / 2 ** by.constant);
    return integerValue(type, `${number} ${type.isSigned && a.lo < 0 ? '>>' : '>>>'} ${count}`, [lo, hi]);
  }
  const least = a.lo * 2 ** by.hi;
  const most = a.hi * 2 ** by.hi;
  const [lowest, highest] = rangeOf(type);
  if (a.lo >= 0 && most < HALF) return integerValue(type, `${number} << ${count}`, [0, most]);
  if (type.bits === 64) throw tooWide(place, type);
  const range: readonly [number, number] =
    least >= lowest && most <= highest ? [Math.min(least, 0), most] : [lowest, highest];
  return integerValue(type, type.isSigned ? `${number} << ${count}` : `(${number} << ${count}) >>> 0`, range);
}

function calculated(operator: '+' | '-' | '*', a: Value, b: Value, type: IntegerType, place: Place): Value {
  const ends = [a.lo, a.hi].flatMap((x) =>
    [b.lo, b.hi].map((y) => (operator === '+' ? x + y : operator === '-' ? x - y : x * y)),
  );
  const [lo, hi] = [Math.min(...ends) + 0, Math.max(...ends) + 0];
  const [least, most] = rangeOf(type);
  if (a.constant !== undefined && b.constant !== undefined) {
    if (Math.abs(lo) > MOST) throw tooWide(place, type);
    return constantValue(type, wrappedNumber(lo, type, place));
  }
  const [left, right] = [operand(numberCode(a)), operand(numberCode(b))];
  const code = `${left} ${operator} ${right}`;
  if (lo >= least && hi <= most && Math.abs(lo) <= MOST && hi <= MOST) return integerValue(type, code, [lo, hi]);
  if (type.bits === 64) throw tooWide(place, type);
  const isExact = Math.abs(lo) <= MOST && Math.abs(hi) <= MOST;
  return integerValue(type, wrapCode(isExact ? code : `Math.imul(${numberCode(a)}, ${numberCode(b)})`, type));
}

function divided(operator: '/' | '%', a: Value, b: Value, type: IntegerType, place: Place): Value {
  const by = b.constant;
  if (by === undefined || by <= 0) {
    throw new Refused(
      place,
      'a division by what is no positive constant',
      'multiplication, shifts and masks are supported',
    );
  }
  if (a.constant !== undefined) {
    const rest = a.constant % by;
    return constantValue(type, (operator === '%' ? rest : (a.constant - rest) / by) + 0);
  }
  if (a.hi > MOST || a.lo < -MOST) throw tooWide(place, type);
  const number = operand(numberCode(a));
  if (operator === '%') {
    // Of a negative number JavaScript gives -0 where C gives 0.
    return a.lo >= 0
      ? integerValue(type, `${number} % ${by}`, [0, by - 1])
      : integerValue(type, `(${number} % ${by}) + 0`, [1 - by, by - 1]);
  }
  const shift = Math.log2(by);
  if (!Number.isInteger(shift) || a.lo < 0 || a.hi >= 2 ** 32) {
    throw new Refused(
      place,
      `a division by ${by}`,
      'a division of what is not negative by a power of two is supported',
    );
  }
  return integerValue(type, `${number} >>> ${shift}`, [0, Math.floor(a.hi / by)]);
}

/** The type of `test ? a : b`. */
export function choiceType(a: Value, b: Value): IntegerType {
  const [x, y] = [typeOfInteger(a), typeOfInteger(b)];
  if (x.isNetwork && y.isNetwork && x.bits === y.bits) return x;
  if (x.isNetwork && b.constant === 0) return x;
  if (y.isNetwork && a.constant === 0) return y;
  if (x.isTruth && y.isTruth) return BOOL;
  return commonType(typeOfInteger(promoted(a)), typeOfInteger(promoted(b)));
}
