/** What an expression of the text is in the dialect: its code, its type, and what is known of it. */
import { type IntegerType, rangeOf, type Type } from './types.ts';

/** A place that can be read and, mostly, written. */
export interface Location {
  readonly type: Type;
  /** The model has no use for it: it can be written, and that is forgotten. */
  readonly isIgnored?: boolean;
  read(): Value;
  write(value: Value): void;
}

/** What is known of a pointer; of one that a variable holds the facts of that moment say more, see `known`. */
export interface PointerFacts {
  /** It is not NULL. */
  readonly isSet: boolean;
  /** A header: the packet has not moved since it was taken. */
  readonly isFresh: boolean;
  /** Parts of sockets that it was seen to reach. */
  readonly reached: readonly string[];
  /** The variable that holds it, -1 for none: what is found out is remembered of it. */
  readonly variable: number;
  /** What it is called in messages. */
  readonly name: string;
}

export const NOTHING_KNOWN: PointerFacts = {
  isSet: false,
  isFresh: false,
  reached: [],
  variable: -1,
  name: 'a pointer',
};

export interface Value {
  readonly type: Type;
  readonly code: string;
  /** Whether `code` is a truth value, which C takes for 0 or 1. */
  readonly isTruth: boolean;
  /** Integers: the number, where it is known. */
  readonly constant: number | undefined;
  /** Integers: no less and no more than these. */
  readonly lo: number;
  readonly hi: number;
  readonly pointer: PointerFacts;
  /** A pointer to a place that is known: that place. */
  readonly target?: Location;
  /** NULL as such, of no type yet. */
  readonly isNull?: boolean;
}

/** A value of any type but an integer. */
export function typedValue(type: Type, code: string, pointer: PointerFacts = NOTHING_KNOWN): Value {
  return { type, code, isTruth: false, constant: undefined, lo: 0, hi: 0, pointer };
}

/** An integer, of which nothing is known but its type, or its range, too. */
export function integerValue(type: IntegerType, code: string, range: readonly [number, number] = rangeOf(type)): Value {
  const [lo, hi] = range;
  if (lo === hi) return constantValue(type, lo);
  return { type, code, isTruth: type.isTruth, constant: undefined, lo, hi, pointer: NOTHING_KNOWN };
}

/** A known number. */
export function constantValue(type: IntegerType, constant: number): Value {
  const code = type.isTruth ? String(constant !== 0) : String(constant);
  return { type, code, isTruth: type.isTruth, constant, lo: constant, hi: constant, pointer: NOTHING_KNOWN };
}

/** The code as an operand: in parentheses where that matters. */
export function operand(code: string): string {
  return isAtom(code) ? code : `(${code})`;
}

/** Whether code is a name, a number, a member or a call. */
function isAtom(code: string): boolean {
  let depth = 0;
  for (const letter of code) {
    if ('([{'.includes(letter)) depth++;
    else if (')]}'.includes(letter)) depth--;
    else if (depth === 0 && !/[\w.]/.test(letter)) return false;
  }
  return !code.startsWith('{');
}

/** Whether code means the same wherever it stands in the function. */
export function isLasting(code: string): boolean {
  return /^-?\d+$|^true$|^false$|^t\d+(?:\.\w+)*$/.test(code);
}
