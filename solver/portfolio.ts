/**
 * Two provers for one search: bit-vectors for what compares and masks, integers for what adds up modulo 65535.
 *
 * Conditions on checksums do not end over bit-vectors. Over the integers they do, case by case; what a bit operation
 * hides there can only leave more inputs, so that an `unsat` counts, and an input that is found counts when the terms,
 * computed with it, agree.
 */
import { BitVectorProver } from './bitVectorProver.ts';
import { IntegerProver, NOT_LINEAR } from './integerProver.ts';
import type { Prover, ProverLimits, ShowingProver, Solution } from './prover.ts';
import { type OnClosed, Recorder } from './recorder.ts';
import type { Z3 } from './smt.ts';
import { not } from './terms/logic.ts';
import { consequences, substitute } from './terms/substitute.ts';
import { type Bool, type BoolTerm, NumTerm, partsOf } from './terms/term.ts';
import type { Fallback } from './terms/valuation.ts';

/** Steps of z3 for a case before it is split. */
const CASE_STEPS = 100_000;

/** Steps for a case that has nothing left to split. */
const LAST_STEPS = 100_000_000;

export interface PortfolioOptions {
  /** What a number is that z3 says nothing of. */
  readonly fallback?: Fallback;
  /** Hears every question that one of the provers answers with unsat. */
  readonly onClosed?: OnClosed | undefined;
}

export class Portfolio implements Prover {
  private readonly words: Prover;
  private readonly cases: Prover;
  private readonly last: Prover;
  private readonly provers: readonly ShowingProver[];

  constructor(z3: Z3, limits: ProverLimits, { fallback, onClosed }: PortfolioOptions = {}) {
    const atMost = (steps: number) => ({ ...limits, full: limits.full === 0 ? steps : Math.min(steps, limits.full) });
    const words = new BitVectorProver(z3, limits, fallback);
    const cases = new IntegerProver(z3, atMost(CASE_STEPS), fallback);
    const last = new IntegerProver(z3, atMost(LAST_STEPS), fallback);
    const shown = (prover: ShowingProver): Prover => (onClosed ? new Recorder(prover, onClosed) : prover);
    [this.words, this.cases, this.last] = [shown(words), shown(cases), shown(last)];
    this.provers = [words, cases, last];
  }

  get queries(): number {
    return this.words.queries + this.cases.queries + this.last.queries;
  }

  isPossible(assumptions: readonly BoolTerm[], condition: Bool): boolean | undefined {
    return this.words.isPossible(assumptions, condition);
  }

  solveQuickly(assumptions: readonly BoolTerm[], condition: Bool): Solution {
    return this.words.solveQuickly(assumptions, condition);
  }

  solve(assumptions: readonly BoolTerm[], condition: Bool): Solution {
    const quick = this.words.solveQuickly(assumptions, condition);
    return quick.answer === 'unknown' ? this.solveAlone(assumptions, condition) : quick;
  }

  solveAlone(assumptions: readonly BoolTerm[], condition: Bool): Solution {
    const summed = this.byCases([], [...assumptions, condition]);
    return summed.answer === 'unknown' ? this.words.solveAlone(assumptions, condition) : summed;
  }

  dispose(): void {
    for (const prover of this.provers) prover.dispose();
  }

  /** All of them at once; where that takes too long, once with a choice decided each way. */
  private byCases(facts: readonly BoolTerm[], conditions: readonly Bool[]): Solution {
    if (conditions.includes(false)) return { answer: 'unsat' };
    const terms = conditions.filter((condition) => condition !== true) as BoolTerm[];
    const asked = this.cases.solve([...facts, ...terms], true);
    if (asked.answer !== 'unknown' || asked.reason === NOT_LINEAR) return asked;
    const choice = nextChoice(terms);
    if (choice === undefined) return this.last.solve([...facts, ...terms], true);
    for (const value of [true, false]) {
      const known = value ? choice : (not(choice) as BoolTerm);
      if (this.words.isPossible(facts, known) === false) continue;
      const solution = this.byCases([...facts, known], substitute(terms, consequences(choice, value)));
      if (solution.answer !== 'unsat') return solution;
    }
    return { answer: 'unsat' };
  }
}

/** The smallest condition of a choice between numbers. */
function nextChoice(conditions: readonly Bool[]): BoolTerm | undefined {
  let best: BoolTerm | undefined;
  let size = Number.POSITIVE_INFINITY;
  for (const part of partsOf(conditions)) {
    if (!(part instanceof NumTerm) || part.op !== 'ite') continue;
    const condition = part.args[0] as BoolTerm;
    const parts = partsOf([condition]).length;
    if (parts < size) [best, size] = [condition, parts];
  }
  return best;
}
