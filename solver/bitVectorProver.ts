/** Asks z3 about terms as bit-vectors: many small questions on one growing solver, hard ones on a solver of their own. */
import { BitVectorLowering, decode } from './bitVectors.ts';
import { DEFAULT_PROVER_LIMITS, type ProverLimits, type ShowingProver, type Solution } from './prover.ts';
import { type Effort, type SmtAnswer, SmtContext, type SmtSolver, type Z3 } from './smt.ts';
import { type Bool, type BoolTerm, InternalError } from './terms/term.ts';
import { type Fallback, smallest, Valuation } from './terms/valuation.ts';

export class BitVectorProver implements ShowingProver {
  queries = 0;
  private readonly smt: SmtContext;
  private readonly lowering: BitVectorLowering;
  private readonly limits: ProverLimits;
  private readonly fallback: Fallback;
  private readonly many: SmtSolver;
  /** What is asserted in `many`, a level each. */
  private readonly stack: BoolTerm[] = [];
  private rangesAsserted = 0;

  constructor(z3: Z3, limits: ProverLimits = DEFAULT_PROVER_LIMITS, fallback: Fallback = smallest) {
    this.smt = new SmtContext(z3);
    this.lowering = new BitVectorLowering(this.smt);
    this.limits = limits;
    this.fallback = fallback;
    this.many = this.smt.solver('many');
  }

  isPossible(assumptions: readonly BoolTerm[], condition: Bool): boolean | undefined {
    const answer = this.ask(assumptions, condition, this.limits.quick, () => undefined).answer;
    return answer === 'unknown' ? undefined : answer === 'sat';
  }

  solve(assumptions: readonly BoolTerm[], condition: Bool): Solution {
    const solution = this.solveQuickly(assumptions, condition);
    return solution.answer === 'unknown' ? this.solveAlone(assumptions, condition) : solution;
  }

  solveQuickly(assumptions: readonly BoolTerm[], condition: Bool): Solution {
    const asked = this.ask(assumptions, condition, this.limits.quick, (solver) => this.input(solver));
    if (asked.answer === 'sat') return { answer: 'sat', input: asked.value as Valuation };
    return asked.answer === 'unsat' ? { answer: 'unsat' } : { answer: 'unknown', reason: this.many.reasonUnknown() };
  }

  solveAlone(assumptions: readonly BoolTerm[], condition: Bool): Solution {
    const solver = this.smt.solver('one');
    this.assertAll(solver, assumptions, condition);
    const answer = this.check(solver, this.limits.full);
    if (answer === 'sat') return { answer, input: this.input(solver) };
    const solution: Solution = answer === 'unsat' ? { answer } : { answer, reason: solver.reasonUnknown() };
    solver.dispose();
    return solution;
  }

  smtlib(assumptions: readonly BoolTerm[], condition: Bool): string {
    const solver = this.smt.solver('many');
    this.assertAll(solver, assumptions, condition);
    const text = solver.smtlib();
    solver.dispose();
    return text;
  }

  /** Gives everything back that z3 holds for this prover. */
  dispose(): void {
    this.many.dispose();
    this.smt.dispose();
  }

  private assertAll(solver: SmtSolver, assumptions: readonly BoolTerm[], condition: Bool): void {
    const formulas = [...assumptions, condition].map((term) => this.lowering.condition(term));
    for (const formula of [...this.lowering.ranges, ...formulas]) solver.assert(formula);
  }

  private ask<T>(
    assumptions: readonly BoolTerm[],
    condition: Bool,
    rlimit: number,
    read: (solver: SmtSolver) => T,
  ): { answer: SmtAnswer; value?: T } {
    const formula = this.lowering.condition(condition);
    this.bring(assumptions);
    this.many.push();
    this.many.assert(formula);
    const answer = this.check(this.many, rlimit);
    const result = answer === 'sat' ? { answer, value: read(this.many) } : { answer };
    this.many.pop(1);
    return result;
  }

  /** Makes the stack of the growing solver hold exactly these assumptions. */
  private bring(assumptions: readonly BoolTerm[]): void {
    const formulas = assumptions.map((term) => this.lowering.condition(term));
    if (this.lowering.ranges.length > this.rangesAsserted) {
      this.many.pop(this.stack.length);
      this.stack.length = 0;
      for (const range of this.lowering.ranges.slice(this.rangesAsserted)) this.many.assert(range);
      this.rangesAsserted = this.lowering.ranges.length;
    }
    let common = 0;
    while (common < this.stack.length && this.stack[common] === assumptions[common]) common++;
    this.many.pop(this.stack.length - common);
    this.stack.length = common;
    for (let at = common; at < assumptions.length; at++) {
      const [term, formula] = [assumptions[at], formulas[at]];
      if (term === undefined || formula === undefined) throw new InternalError('an assumption is missing');
      this.many.push();
      this.many.assert(formula);
      this.stack.push(term);
    }
  }

  /** A limit of steps ends small questions; z3's timer would need a thread of its own. */
  private check(solver: SmtSolver, rlimit: number): SmtAnswer {
    const left = this.limits.deadline - performance.now();
    if (left <= 0) return 'unknown';
    this.queries++;
    const effort: Effort = { rlimit, timeout: rlimit === 0 && Number.isFinite(left) ? left : 0 };
    return solver.check(effort);
  }

  private input(solver: SmtSolver): Valuation {
    const variables = [...this.lowering.variables.values()];
    const patterns = solver.values(variables.map(({ ast }) => ast));
    const values = variables.map(({ term }, at) => [term.name, decode(term, patterns[at] ?? 0n)] as const);
    return new Valuation(values, this.fallback);
  }
}
