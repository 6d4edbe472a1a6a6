/** Translates terms to bit-vectors of z3: as many bits as the interval of a number needs, signed where it is negative. */
import type { Z3_ast } from 'z3-solver';
import type { SmtContext } from './smt.ts';
import { intervalOf } from './terms/arithmetic.ts';
import { bitsOf, hull, type Interval } from './terms/range.ts';
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

interface Format {
  readonly width: number;
  readonly isSigned: boolean;
}

/** The narrowest bit-vector that holds every value of an interval. */
export function formatOf({ lo, hi }: Interval): Format {
  if (lo >= 0) return { width: Math.max(1, bitsOf(hi)), isSigned: false };
  return { width: 1 + Math.max(hi > 0 ? bitsOf(hi) : 0, bitsOf(-lo - 1)), isSigned: true };
}

export class BitVectorLowering {
  /** Formulas that hold whatever is asserted: variables stay in their ranges. Grows with the variables. */
  readonly ranges: Z3_ast[] = [];
  readonly variables = new Map<string, { readonly term: NumTerm; readonly ast: Z3_ast }>();
  private readonly smt: SmtContext;
  private readonly done = new Map<number, Z3_ast>();

  constructor(smt: SmtContext) {
    this.smt = smt;
  }

  /** The formula of a condition. */
  condition(condition: Bool): Z3_ast {
    this.prepare(condition);
    return this.bool(condition);
  }

  /** The bit-vector of a number, in the format of its interval. */
  number(a: Num): Z3_ast {
    this.prepare(a);
    return this.at(a, formatOf(intervalOf(a)).width);
  }

  /** A value in the format of a term. */
  constant(term: NumTerm, value: number): Z3_ast {
    return this.at(value, formatOf(term).width);
  }

  private prepare(root: Operand): void {
    for (const part of partsOf([root], (term) => this.done.has(term.id))) {
      this.done.set(part.id, part instanceof NumTerm ? this.lowerNumber(part) : this.lowerCondition(part));
    }
  }

  private part(term: AnyTerm): Z3_ast {
    const ast = this.done.get(term.id);
    if (ast === undefined) throw new InternalError('a term was lowered before its parts');
    return ast;
  }

  private bool(condition: Bool): Z3_ast {
    const { api } = this.smt.z3;
    if (isTerm(condition)) return this.part(condition);
    return condition ? api.mk_true(this.smt.context) : api.mk_false(this.smt.context);
  }

  /** A number in exactly `width` bits: extended by its own sign, or its lowest bits. */
  private at(a: Num, width: number): Z3_ast {
    const { api } = this.smt.z3;
    const { context } = this.smt;
    if (typeof a === 'number') {
      return api.mk_unsigned_int64(context, BigInt.asUintN(width, BigInt(a)), api.mk_bv_sort(context, width));
    }
    const own = formatOf(a);
    const ast = this.part(a);
    if (width < own.width) return api.mk_extract(context, width - 1, 0, ast);
    if (width === own.width) return ast;
    return own.isSigned
      ? api.mk_sign_ext(context, width - own.width, ast)
      : api.mk_zero_ext(context, width - own.width, ast);
  }

  private lowerNumber(term: NumTerm): Z3_ast {
    const { api } = this.smt.z3;
    const c = this.smt.context;
    const { width } = formatOf(term);
    const [a, b] = term.args as [Num, Num];
    switch (term.op) {
      case 'variable':
        return this.lowerVariable(term, width);
      case 'ite': {
        const [condition, yes, no] = term.args as [Bool, Num, Num];
        return api.mk_ite(c, this.bool(condition), this.at(yes, width), this.at(no, width));
      }
      case 'add':
        return api.mk_bvadd(c, this.at(a, width), this.at(b, width));
      case 'sub':
        return api.mk_bvsub(c, this.at(a, width), this.at(b, width));
      case 'mul':
      case 'imul':
        return api.mk_bvmul(c, this.at(a, width), this.at(b, width));
      case 'bitAnd':
        return api.mk_bvand(c, this.at(a, width), this.at(b, width));
      case 'bitOr':
        return api.mk_bvor(c, this.at(a, width), this.at(b, width));
      case 'bitXor':
        return api.mk_bvxor(c, this.at(a, width), this.at(b, width));
      case 'shiftLeft':
        return this.lowest(width, 32, api.mk_bvshl(c, this.at(a, 32), this.shift(b)));
      case 'shiftRight':
        return this.lowest(width, 32, api.mk_bvashr(c, this.at(a, 32), this.shift(b)));
      case 'shiftRightUnsigned':
        return this.lowest(width, 32, api.mk_bvlshr(c, this.at(a, 32), this.shift(b)));
      case 'mod':
        return this.lowerMod(a, b, width);
      case 'min':
        return api.mk_ite(c, this.less(a, b), this.at(a, width), this.at(b, width));
      case 'max':
        return api.mk_ite(c, this.less(a, b), this.at(b, width), this.at(a, width));
    }
  }

  private lowest(width: number, from: number, ast: Z3_ast): Z3_ast {
    if (width > from) throw new InternalError('a result is wider than its operation');
    return width === from ? ast : this.smt.z3.api.mk_extract(this.smt.context, width - 1, 0, ast);
  }

  /** JavaScript uses the lowest five bits of a shift. */
  private shift(by: Num): Z3_ast {
    if (typeof by === 'number') return this.at(by & 31, 32);
    return this.smt.z3.api.mk_bvand(this.smt.context, this.at(by, 32), this.at(31, 32));
  }

  /** The sign of a remainder is that of the dividend, for JavaScript and for bvsrem. */
  private lowerMod(a: Num, b: Num, width: number): Z3_ast {
    const { api } = this.smt.z3;
    const { context } = this.smt;
    const format = formatOf(hull(intervalOf(a), intervalOf(b)));
    const [x, y] = [this.at(a, format.width), this.at(b, format.width)];
    const rest = format.isSigned ? api.mk_bvsrem(context, x, y) : api.mk_bvurem(context, x, y);
    return this.lowest(width, format.width, rest);
  }

  private lowerVariable(term: NumTerm, width: number): Z3_ast {
    const { api } = this.smt.z3;
    const { context } = this.smt;
    const ast = api.mk_const(context, this.smt.symbol(term.name), api.mk_bv_sort(context, width));
    this.variables.set(term.name, { term, ast });
    const { isSigned } = formatOf(term);
    const [lo, hi] = [this.at(term.lo, width), this.at(term.hi, width)];
    const atLeast = isSigned ? api.mk_bvsge(context, ast, lo) : api.mk_bvuge(context, ast, lo);
    const atMost = isSigned ? api.mk_bvsle(context, ast, hi) : api.mk_bvule(context, ast, hi);
    const first = isSigned ? -(2 ** (width - 1)) : 0;
    if (term.lo > first) this.ranges.push(atLeast);
    if (term.hi < first + 2 ** width - 1) this.ranges.push(atMost);
    return ast;
  }

  private less(a: Num, b: Num): Z3_ast {
    const { api } = this.smt.z3;
    const { context } = this.smt;
    const format = formatOf(hull(intervalOf(a), intervalOf(b)));
    const [x, y] = [this.at(a, format.width), this.at(b, format.width)];
    return format.isSigned ? api.mk_bvslt(context, x, y) : api.mk_bvult(context, x, y);
  }

  private lowerCondition(term: BoolTerm): Z3_ast {
    const { api } = this.smt.z3;
    const c = this.smt.context;
    const bool = (index: number): Z3_ast => this.bool(term.args[index] as Bool);
    switch (term.op) {
      case 'not':
        return api.mk_not(c, bool(0));
      case 'and':
        return api.mk_and(c, [bool(0), bool(1)]);
      case 'or':
        return api.mk_or(c, [bool(0), bool(1)]);
      case 'iff':
        return api.mk_eq(c, bool(0), bool(1));
      case 'ite':
        return api.mk_ite(c, bool(0), bool(1), bool(2));
      case 'lt':
        return this.less(term.args[0] as Num, term.args[1] as Num);
      case 'eq': {
        const [a, b] = term.args as [Num, Num];
        const { width } = formatOf(hull(intervalOf(a), intervalOf(b)));
        return api.mk_eq(c, this.at(a, width), this.at(b, width));
      }
    }
  }
}

/** The number that an unsigned bit pattern in the format of an interval stands for. */
export function decode(interval: Interval, pattern: bigint): number {
  const { width, isSigned } = formatOf(interval);
  return Number(isSigned ? BigInt.asIntN(width, pattern) : pattern);
}
