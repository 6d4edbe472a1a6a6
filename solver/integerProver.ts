/** Asks z3 about terms as integers. Every question has a solver of its own. */
import { IntegerLowering } from './integers.ts';
import type { ProverLimits, ShowingProver, Solution } from './prover.ts';
import { SmtContext, type SmtSolver, type Z3 } from './smt.ts';
import type { Bool, BoolTerm } from './terms/term.ts';
import { type Fallback, smallest, Valuation } from './terms/valuation.ts';

/** Why an input does not count: what stood for a bit operation is not what that gives. */
export const NOT_LINEAR = 'a bit operation is not linear';

/** A question as z3 takes it, in a context of its own. */
class Question {
  readonly smt: SmtContext;
  readonly solver: SmtSolver;
  private readonly lowering: IntegerLowering;

  constructor(z3: Z3, conditions: readonly Bool[]) {
    this.smt = new SmtContext(z3);
    this.lowering = new IntegerLowering(this.smt);
    const formulas = conditions.map((condition) => this.lowering.condition(condition));
    this.solver = this.smt.solver('integers');
    for (const formula of [...this.lowering.ranges, ...formulas]) this.solver.assert(formula);
  }

  /** The numbers that z3 found. */
  input(fallback: Fallback): Valuation {
    const names = [...this.lowering.variables.keys()];
    const values = this.solver.values([...this.lowering.variables.values()]);
    return new Valuation(
      names.map((name, at) => [name, Number(values[at] ?? 0n)] as const),
      fallback,
    );
  }

  dispose(): void {
    this.solver.dispose();
    this.smt.dispose();
  }
}

export class IntegerProver implements ShowingProver {
  queries = 0;
  private readonly z3: Z3;
  private readonly limits: ProverLimits;
  private readonly fallback: Fallback;

  constructor(z3: Z3, limits: ProverLimits, fallback: Fallback = smallest) {
    this.z3 = z3;
    this.limits = limits;
    this.fallback = fallback;
  }

  isPossible(assumptions: readonly BoolTerm[], condition: Bool): boolean | undefined {
    const { answer } = this.ask(assumptions, condition, this.limits.quick);
    return answer === 'unknown' ? undefined : answer === 'sat';
  }

  solveQuickly(assumptions: readonly BoolTerm[], condition: Bool): Solution {
    return this.ask(assumptions, condition, this.limits.quick);
  }

  solve(assumptions: readonly BoolTerm[], condition: Bool): Solution {
    return this.ask(assumptions, condition, this.limits.full);
  }

  solveAlone(assumptions: readonly BoolTerm[], condition: Bool): Solution {
    return this.ask(assumptions, condition, this.limits.full);
  }

  smtlib(assumptions: readonly BoolTerm[], condition: Bool): string {
    const question = new Question(this.z3, [...assumptions, condition]);
    const text = question.solver.smtlib();
    question.dispose();
    return text;
  }

  /** Every question gave back what it held. */
  dispose(): void {}

  private ask(assumptions: readonly BoolTerm[], condition: Bool, rlimit: number): Solution {
    const left = this.limits.deadline - performance.now();
    if (left <= 0) return { answer: 'unknown', reason: 'the time was up' };
    const conditions = [...assumptions, condition];
    const question = new Question(this.z3, conditions);
    try {
      this.queries++;
      const answer = question.solver.check({ rlimit, timeout: Number.isFinite(left) ? left : 0 });
      if (answer === 'unsat') return { answer };
      if (answer === 'unknown') return { answer, reason: question.solver.reasonUnknown() };
      const input = question.input(this.fallback);
      return conditions.every((one) => input.boolean(one))
        ? { answer, input }
        : { answer: 'unknown', reason: NOT_LINEAR };
    } finally {
      question.dispose();
    }
  }
}
