/** What terms are worth for given values of their variables. */
import { NATIVE } from './arithmetic.ts';
import {
  type AnyTerm,
  type BinaryTermOp,
  type Bool,
  BoolTerm,
  InternalError,
  isNum,
  isTerm,
  type Num,
  type NumTerm,
  type Operand,
  partsOf,
} from './term.ts';

/** Chooses the value of a variable that has none yet. */
export type Fallback = (variable: NumTerm) => number;

export const smallest: Fallback = (variable) => Math.min(Math.max(0, variable.lo), variable.hi);

export class Valuation {
  readonly values: Map<string, number>;
  private readonly fallback: Fallback;
  private readonly known = new Map<number, number | boolean>();

  constructor(values: Iterable<readonly [string, number]> = [], fallback: Fallback = smallest) {
    this.values = new Map(values);
    this.fallback = fallback;
  }

  number(term: Num): number {
    return this.value(term) as number;
  }

  boolean(term: Bool): boolean {
    return this.value(term) as boolean;
  }

  private value(operand: Operand): number | boolean {
    if (!isTerm(operand)) return operand;
    const known = this.known.get(operand.id);
    if (known !== undefined) return known;
    for (const part of partsOf([operand], (term) => this.known.has(term.id))) {
      this.known.set(part.id, this.compute(part));
    }
    return this.value(operand);
  }

  private compute(term: AnyTerm): number | boolean {
    const arg = (index: number): number | boolean => this.value(term.args[index] as Operand);
    switch (term.op) {
      case 'variable':
        return this.variable(term as NumTerm);
      case 'ite':
        return arg(0) ? arg(1) : arg(2);
      case 'not':
        return !arg(0);
      case 'and':
        return arg(0) && arg(1);
      case 'or':
        return arg(0) || arg(1);
      case 'iff':
      case 'eq':
        return arg(0) === arg(1);
      case 'lt':
        return arg(0) < arg(1);
      default:
        return NATIVE[term.op as BinaryTermOp](arg(0) as number, arg(1) as number);
    }
  }

  private variable(term: NumTerm): number {
    const value = this.values.get(term.name) ?? this.fallback(term);
    if (value < term.lo || value > term.hi) {
      throw new InternalError(`${term.name} is ${value}, outside ${term.lo}..${term.hi}`);
    }
    this.values.set(term.name, value);
    return value;
  }
}

/** A copy of a plain value, for comparison with valueIn(): terms know no -0. */
export function plainValue(value: unknown): unknown {
  return valueIn(new Valuation(), value);
}

/** The value with every term in it replaced by what it is worth. */
export function valueIn(valuation: Valuation, value: unknown): unknown {
  if (isNum(value)) return valuation.number(value) + 0;
  if (value instanceof BoolTerm) return valuation.boolean(value);
  if (Array.isArray(value)) return value.map((item) => valueIn(valuation, item));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, valueIn(valuation, item)]));
}
