/**
 * Translates terms to integers of z3, without widths: for claims about sums and quotients, which bit-vectors hide.
 *
 * Shifts and masks by constants are exact here: a number is a multiple of a power of two and a rest. Any other bit
 * operation is a number of its interval of which nothing else is known: what is closed so is closed, and an input that
 * is found so counts only when the terms, computed with it, agree.
 */
import type { Z3_ast } from 'z3-solver';
import type { SmtContext } from './smt.ts';
import { intervalOf } from './terms/arithmetic.ts';
import type { Interval } from './terms/range.ts';
import {
  type AnyTerm,
  type Bool,
  type BoolTerm,
  InternalError,
  isTerm,
  type Num,
  NumTerm,
  type Operand,
  partsOf,
} from './terms/term.ts';

interface Division {
  readonly quotient: Z3_ast;
  readonly rest: Z3_ast;
}

/** The interval of a number after `>>> 0`. */
const UNSIGNED: Interval = { lo: 0, hi: 0xffffffff };

/** k for 2^k - 1, else -1. */
function maskBits(mask: Num): number {
  if (typeof mask !== 'number' || mask < 1 || mask > 0x7fffffff) return -1;
  const bits = Math.log2(mask + 1);
  return Number.isInteger(bits) ? bits : -1;
}

export class IntegerLowering {
  readonly ranges: Z3_ast[] = [];
  readonly variables = new Map<string, Z3_ast>();
  private readonly smt: SmtContext;
  private readonly done = new Map<number, Z3_ast>();
  private readonly divisions = new Map<string, Division>();
  private unnamed = 0;

  constructor(smt: SmtContext) {
    this.smt = smt;
  }

  condition(condition: Bool): Z3_ast {
    for (const part of partsOf([condition], (term) => this.done.has(term.id))) {
      this.done.set(part.id, part instanceof NumTerm ? this.number(part) : this.boolean(part));
    }
    return this.at(condition);
  }

  private at(operand: Operand): Z3_ast {
    const { api } = this.smt.z3;
    const { context } = this.smt;
    if (isTerm(operand)) return this.part(operand);
    if (typeof operand === 'number') return api.mk_int64(context, BigInt(operand), api.mk_int_sort(context));
    return operand ? api.mk_true(context) : api.mk_false(context);
  }

  private part(term: AnyTerm): Z3_ast {
    const ast = this.done.get(term.id);
    if (ast === undefined) throw new InternalError('a term was lowered before its parts');
    return ast;
  }

  private number(term: NumTerm): Z3_ast {
    const { api } = this.smt.z3;
    const c = this.smt.context;
    const arg = (index: number): Z3_ast => this.at(term.args[index] as Operand);
    switch (term.op) {
      case 'variable':
        return this.variable(term);
      case 'add':
        return api.mk_add(c, [arg(0), arg(1)]);
      case 'sub':
        return api.mk_sub(c, [arg(0), arg(1)]);
      case 'mul':
        return term.args.some((part) => typeof part === 'number') ? api.mk_mul(c, [arg(0), arg(1)]) : this.anyOf(term);
      case 'ite':
        return api.mk_ite(c, arg(0), arg(1), arg(2));
      case 'min':
        return api.mk_ite(c, api.mk_lt(c, arg(0), arg(1)), arg(0), arg(1));
      case 'max':
        return api.mk_ite(c, api.mk_lt(c, arg(0), arg(1)), arg(1), arg(0));
      case 'bitAnd':
        return this.masked(term);
      case 'shiftRightUnsigned':
        return this.shiftedRight(term);
      case 'shiftLeft':
        return this.shiftedLeft(term);
      case 'bitXor':
        return this.complemented(term);
      default:
        return this.anyOf(term);
    }
  }

  private variable(term: NumTerm): Z3_ast {
    const ast = this.named(term.name, term);
    this.variables.set(term.name, ast);
    return ast;
  }

  /** A number of that interval, of which nothing else is known. */
  private anyOf(interval: Interval): Z3_ast {
    this.unnamed++;
    return this.named(`any#${this.unnamed}`, interval);
  }

  private named(name: string, { lo, hi }: Interval): Z3_ast {
    const { api } = this.smt.z3;
    const c = this.smt.context;
    const ast = api.mk_const(c, this.smt.symbol(name), api.mk_int_sort(c));
    this.ranges.push(api.mk_le(c, this.at(lo), ast), api.mk_le(c, ast, this.at(hi)));
    return ast;
  }

  /** A number of that interval as quotient * 2^bits + rest. */
  private divide({ lo, hi }: Interval, ast: Z3_ast, bits: number): Division {
    const { api } = this.smt.z3;
    const c = this.smt.context;
    const power = 2 ** bits;
    if (lo >= 0 && hi < power) return { quotient: this.at(0), rest: ast };
    const key = `${ast},${bits}`;
    const known = this.divisions.get(key);
    if (known) return known;
    const quotient = this.anyOf({ lo: Math.floor(lo / power), hi: Math.floor(hi / power) });
    const rest = this.anyOf({ lo: 0, hi: power - 1 });
    this.ranges.push(api.mk_eq(c, ast, api.mk_add(c, [api.mk_mul(c, [this.at(power), quotient]), rest])));
    const division = { quotient, rest };
    this.divisions.set(key, division);
    return division;
  }

  /** The same of a term; of a choice, the choice of what its sides give. */
  private divideTerm(value: Num, bits: number): Division {
    if (typeof value === 'number') {
      const power = 2 ** bits;
      const quotient = Math.floor(value / power);
      return { quotient: this.at(quotient), rest: this.at(value - quotient * power) };
    }
    if (value.op !== 'ite' || (value.lo >= 0 && value.hi < 2 ** bits)) {
      return this.divide(value, this.at(value), bits);
    }
    const key = `${value.id}/${bits}`;
    const known = this.divisions.get(key);
    if (known) return known;
    const { api } = this.smt.z3;
    const [condition, a, b] = value.args as [BoolTerm, Num, Num];
    const [yes, no] = [this.divideTerm(a, bits), this.divideTerm(b, bits)];
    const choose = (x: Z3_ast, y: Z3_ast): Z3_ast => api.mk_ite(this.smt.context, this.at(condition), x, y);
    const division = { quotient: choose(yes.quotient, no.quotient), rest: choose(yes.rest, no.rest) };
    this.divisions.set(key, division);
    return division;
  }

  private masked(term: NumTerm): Z3_ast {
    const [a, b] = term.args as [Num, Num];
    const bits = Math.max(maskBits(a), maskBits(b));
    if (bits < 0) return this.anyOf(term);
    return this.divideTerm(maskBits(b) < 0 ? b : a, bits).rest;
  }

  private shiftedRight(term: NumTerm): Z3_ast {
    const [a, by] = term.args as [Num, Num];
    if (typeof by !== 'number' || by < 0 || by > 31) return this.anyOf(term);
    const { lo, hi } = intervalOf(a);
    if (lo >= 0 && hi <= UNSIGNED.hi) return this.divideTerm(a, by).quotient;
    const unsigned = this.divideTerm(a, 32).rest;
    return by === 0 ? unsigned : this.divide(UNSIGNED, unsigned, by).quotient;
  }

  private shiftedLeft(term: NumTerm): Z3_ast {
    const { api } = this.smt.z3;
    const [a, by] = term.args as [Num, Num];
    const { lo, hi } = intervalOf(a);
    const isExact = typeof by === 'number' && by >= 0 && by < 31 && lo >= 0 && hi * 2 ** by <= 0x7fffffff;
    return isExact ? api.mk_mul(this.smt.context, [this.at(a), this.at(2 ** by)]) : this.anyOf(term);
  }

  /** `a ^ b` where one of them is -1, or all bits of the other. */
  private complemented(term: NumTerm): Z3_ast {
    const { api } = this.smt.z3;
    const c = this.smt.context;
    const [a, b] = term.args as [Num, Num];
    const [value, mask] = typeof a === 'number' ? [b, a] : [a, b];
    if (typeof mask !== 'number') return this.anyOf(term);
    const { lo, hi } = intervalOf(value);
    if (maskBits(mask) > 0 && lo >= 0 && hi <= mask) return api.mk_sub(c, [this.at(mask), this.at(value)]);
    if (mask !== -1) return this.anyOf(term);
    const complement = (ast: Z3_ast): Z3_ast => api.mk_sub(c, [this.at(-1), ast]);
    if (lo >= -0x80000000 && hi <= 0x7fffffff) return complement(this.at(value));
    const unsigned = this.divide({ lo, hi }, this.at(value), 32).rest;
    const signed = api.mk_sub(c, [unsigned, this.at(2 ** 32)]);
    return complement(api.mk_ite(c, api.mk_lt(c, unsigned, this.at(2 ** 31)), unsigned, signed));
  }

  private boolean(term: BoolTerm): Z3_ast {
    const { api } = this.smt.z3;
    const c = this.smt.context;
    const arg = (index: number): Z3_ast => this.at(term.args[index] as Operand);
    switch (term.op) {
      case 'not':
        return api.mk_not(c, arg(0));
      case 'and':
        return api.mk_and(c, [arg(0), arg(1)]);
      case 'or':
        return api.mk_or(c, [arg(0), arg(1)]);
      case 'iff':
      case 'eq':
        return api.mk_eq(c, arg(0), arg(1));
      case 'ite':
        return api.mk_ite(c, arg(0), arg(1), arg(2));
      case 'lt':
        return api.mk_lt(c, arg(0), arg(1));
    }
  }
}
