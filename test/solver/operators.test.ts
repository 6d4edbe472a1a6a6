import { afterAll, beforeAll, expect, test } from 'vitest';
import { BitVectorLowering, decode } from '../../solver/bitVectors.ts';
import { IntegerProver } from '../../solver/integerProver.ts';
import { DEFAULT_PROVER_LIMITS } from '../../solver/prover.ts';
import { loadZ3, SmtContext } from '../../solver/smt.ts';
import { binary, iteNum } from '../../solver/terms/arithmetic.ts';
import { eqNum, leNum, ltNum } from '../../solver/terms/compare.ts';
import { and, iff, iteBool, not, or } from '../../solver/terms/logic.ts';
import { consequences, substitute } from '../../solver/terms/substitute.ts';
import {
  type BinaryTermOp,
  type Bool,
  BoolTerm,
  isTerm,
  type Num,
  NumTerm,
  type Operand,
  Unsupported,
  variable,
} from '../../solver/terms/term.ts';
import { Valuation } from '../../solver/terms/valuation.ts';
import { numbersOf } from './networks.ts';

/** The operators once more, on integers of any size. */
const EXACT: Readonly<Record<BinaryTermOp, (a: bigint, b: bigint) => bigint>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  mod: (a, b) => a % b,
  bitAnd: (a, b) => BigInt.asIntN(32, a & b),
  bitOr: (a, b) => BigInt.asIntN(32, a | b),
  bitXor: (a, b) => BigInt.asIntN(32, a ^ b),
  shiftLeft: (a, b) => BigInt.asIntN(32, a << BigInt.asUintN(5, b)),
  shiftRight: (a, b) => BigInt.asIntN(32, a) >> BigInt.asUintN(5, b),
  shiftRightUnsigned: (a, b) => BigInt.asUintN(32, a) >> BigInt.asUintN(5, b),
  imul: (a, b) => BigInt.asIntN(32, a * b),
  min: (a, b) => [b, a][Number(a < b)] as bigint,
  max: (a, b) => [b, a][Number(a > b)] as bigint,
};

const NATIVE: Readonly<Record<BinaryTermOp, (a: number, b: number) => number>> = {
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
  imul: (a, b) => Math.imul(a, b),
  min: (a, b) => Math.min(a, b),
  max: (a, b) => Math.max(a, b),
};

/** What a term is worth, computed from its parts without the engine's own arithmetic. */
function exact(term: Operand, values: ReadonlyMap<string, number>, known = new Map<Operand, bigint | boolean>()) {
  const cached = known.get(term);
  if (cached !== undefined) return cached;
  const result = compute(term, values, known);
  known.set(term, result);
  return result;
}

function compute(
  term: Operand,
  values: ReadonlyMap<string, number>,
  known: Map<Operand, bigint | boolean>,
): bigint | boolean {
  if (typeof term === 'boolean') return term;
  if (typeof term === 'number') return BigInt(term);
  const arg = (index: number): bigint | boolean => exact(term.args[index] as Operand, values, known);
  switch (term.op) {
    case 'variable':
      return BigInt(values.get((term as NumTerm).name) as number);
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
    case 'ite':
      return arg(0) ? arg(1) : arg(2);
    default:
      return EXACT[term.op as BinaryTermOp](arg(0) as bigint, arg(1) as bigint);
  }
}

interface Sample {
  readonly term: Operand;
  readonly native: number | boolean;
}

/** Grows a pool of numbers and conditions from a few variables, by random operators. */
function grow(seed: number, steps: number): { samples: Sample[]; values: Map<string, number> } {
  const next = numbersOf(seed);
  const values = new Map<string, number>();
  const numbers: { term: Num; native: number }[] = [];
  const conditions: { term: Bool; native: boolean }[] = [];
  for (let index = 0; index < 4; index++) {
    const size = 2 ** (1 + next(34));
    const lo = next(3) === 0 ? -next(size) : next(3) === 0 ? next(size) : 0;
    const hi = lo + next(size);
    const native = lo + next(hi - lo + 1);
    values.set(`${seed}.${index}`, native);
    numbers.push({ term: variable(`${seed}.${index}`, lo, hi), native });
  }
  for (const native of [0, 1, -1, 31, next(2 ** 32), 0xffff, -next(2 ** 31)]) numbers.push({ term: native, native });
  conditions.push({ term: true, native: true });
  const number = () => {
    const pool = next(5) === 0 ? numbers : numbers.filter(({ term }) => isTerm(term));
    return pool[Math.max(next(pool.length), next(pool.length))] ?? (numbers[0] as (typeof numbers)[number]);
  };
  const condition = () => conditions[next(conditions.length)] as (typeof conditions)[number];
  for (let step = 0; step < steps; step++) {
    try {
      const [a, b, c, d] = [number(), number(), condition(), condition()];
      const op = Object.keys(NATIVE)[next(13)] as BinaryTermOp;
      switch (next(12)) {
        case 0:
          conditions.push({ term: eqNum(a.term, b.term), native: a.native === b.native });
          break;
        case 1:
          conditions.push({ term: ltNum(a.term, b.term), native: a.native < b.native });
          break;
        case 2:
          conditions.push({ term: leNum(a.term, b.term), native: a.native <= b.native });
          break;
        case 3:
          conditions.push({ term: and(c.term, d.term), native: c.native && d.native });
          conditions.push({ term: iff(c.term, d.term), native: c.native === d.native });
          break;
        case 4:
          conditions.push({ term: or(c.term, d.term), native: c.native || d.native });
          conditions.push({ term: not(c.term), native: !c.native });
          break;
        case 5: {
          const e = condition();
          conditions.push({ term: iteBool(c.term, d.term, e.term), native: c.native ? d.native : e.native });
          break;
        }
        case 6:
          numbers.push({ term: iteNum(c.term, a.term, b.term), native: c.native ? a.native : b.native });
          break;
        default: {
          const native = NATIVE[op](a.native, b.native);
          if (!Number.isSafeInteger(native)) break;
          numbers.push({ term: binary(op, a.term, b.term), native: native + 0 });
        }
      }
    } catch (error) {
      if (!(error instanceof Unsupported)) throw error;
    }
  }
  return { samples: [...numbers, ...conditions], values };
}

test('operators, their terms and an independent evaluation agree on random chains', () => {
  let compared = 0;
  for (let seed = 1; seed <= 1500; seed++) {
    const { samples, values } = grow(seed * 7919, 60);
    const valuation = new Valuation(values);
    const known = new Map<Operand, bigint | boolean>();
    for (const { term, native } of samples) {
      if (!isTerm(term)) {
        expect(term === native, `${seed}: ${term} for ${native}`).toBe(true);
        continue;
      }
      compared++;
      const shadow = term instanceof NumTerm ? valuation.number(term) : valuation.boolean(term);
      const independent = exact(term, values, known);
      const isInside = !(term instanceof NumTerm) || (Number(native) >= term.lo && Number(native) <= term.hi);
      const isRight =
        shadow === native && (typeof independent === 'bigint' ? Number(independent) : independent) === native;
      if (!isRight || !isInside) expect({ seed, op: term.op, shadow, independent, isInside }).toBe(native);
    }
  }
  expect(compared).toBeGreaterThan(40_000);
});

test('what is known of a condition changes nothing for inputs of which it is true', () => {
  let changed = 0;
  for (let seed = 1; seed <= 150; seed++) {
    const { samples, values } = grow(seed * 15_485_863, 60);
    const valuation = new Valuation(values);
    const conditions = samples.map(({ term }) => term).filter((term) => term instanceof BoolTerm);
    for (const condition of conditions.slice(0, 6)) {
      const known = consequences(condition, valuation.boolean(condition));
      const now = substitute(conditions, known);
      for (const [at, one] of conditions.entries()) {
        const value = now[at] as Bool;
        if (value !== one) changed++;
        if (valuation.boolean(value) !== valuation.boolean(one)) expect({ seed, op: one.op }).toBe('unchanged');
      }
    }
  }
  expect(changed).toBeGreaterThan(500);
});

let smt: SmtContext;

beforeAll(async () => {
  smt = new SmtContext(await loadZ3());
});

afterAll(() => smt.dispose());

test('z3 computes the same from the bit-vectors', () => {
  const { api } = smt.z3;
  const lowering = new BitVectorLowering(smt);
  let compared = 0;
  for (let seed = 1; seed <= 150; seed++) {
    const { samples, values } = grow(seed * 104_729, 50);
    for (const { term, native } of samples) {
      if (!isTerm(term)) continue;
      const ast = term instanceof NumTerm ? lowering.number(term) : lowering.condition(term);
      const used = [...lowering.variables.values()].filter(({ term: { name } }) => values.has(name));
      const constants = used.map(({ term: known }) => lowering.constant(known, values.get(known.name) as number));
      const result = smt.simplify(
        api.substitute(
          smt.context,
          ast,
          used.map((one) => one.ast),
          constants,
        ),
      );
      compared++;
      const value =
        term instanceof NumTerm ? decode(term, smt.numeral(result)) : result === smt.simplify(api.mk_true(smt.context));
      if (value !== native) expect({ seed, op: term.op, value }).toBe(native);
    }
  }
  expect(compared).toBeGreaterThan(3_000);
});

test('over the integers z3 never excludes what the operators compute', () => {
  const prover = new IntegerProver(smt.z3, { ...DEFAULT_PROVER_LIMITS, full: 200_000 });
  const answers = { sat: 0, unsat: 0, unknown: 0 };
  for (let seed = 1; seed <= 30; seed++) {
    const { samples, values } = grow(seed * 32_452_843, 40);
    const terms = samples.filter(({ term }) => isTerm(term)).slice(-12);
    const is = ({ term, native }: Sample): Bool =>
      typeof native === 'number' ? eqNum(term as Num, native) : native ? (term as Bool) : not(term as Bool);
    const known = [...values].flatMap(([name, value]) =>
      samples
        .filter(({ term }) => term instanceof NumTerm && term.name === name)
        .map(({ term }) => eqNum(term as Num, value)),
    );
    const assumed = [...known, ...terms.map(is)].filter((condition) => condition instanceof BoolTerm);
    answers[prover.solve(assumed, true).answer]++;
    if (answers.unsat > 0) expect(seed).toBe('possible');
  }
  expect(answers.sat).toBeGreaterThan(3);
});
