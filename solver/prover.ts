/** Asks z3 about terms: many small questions on one growing solver, hard ones on a solver of their own. */
import { decode, Lowering } from './lower.ts';
import { type Effort, type SmtAnswer, SmtContext, type SmtSolver, type Z3 } from './smt.ts';
import { type Bool, type BoolTerm, InternalError } from './terms/term.ts';
import { type Fallback, smallest, Valuation } from './terms/valuation.ts';

export interface ProverLimits {
  /** Steps for a question that only saves work. */
  readonly quick: number;
  /** Steps for a question that the verdict depends on; 0 is no limit. */
  readonly full: number;
  /** The clock's reading at which every question is given up. */
  readonly deadline: number;
}

export const DEFAULT_PROVER_LIMITS: ProverLimits = { quick: 200_000, full: 0, deadline: Number.POSITIVE_INFINITY };

export type Solution =
  | { readonly answer: 'sat'; readonly input: Valuation }
  | { readonly answer: 'unsat' }
  | { readonly answer: 'unknown'; readonly reason: string };

export class Prover {
  /** How many times z3 was asked. */
  queries = 0;
  private readonly smt: SmtContext;
  private readonly lowering: Lowering;
  private readonly limits: ProverLimits;
  private readonly fallback: Fallback;
  private readonly many: SmtSolver;
  /** What is asserted in `many`, a level each. */
  private readonly stack: BoolTerm[] = [];
  private rangesAsserted = 0;

  constructor(z3: Z3, limits: ProverLimits = DEFAULT_PROVER_LIMITS, fallback: Fallback = smallest) {
    this.smt = new SmtContext(z3);
    this.lowering = new Lowering(this.smt);
    this.limits = limits;
    this.fallback = fallback;
    this.many = this.smt.solver('many');
  }

  /** A quick answer to whether the condition can hold together with the others. */
  isPossible(assumptions: readonly BoolTerm[], condition: Bool): boolean | undefined {
    const answer = this.ask(assumptions, condition, this.limits.quick, () => undefined).answer;
    return answer === 'unknown' ? undefined : answer === 'sat';
  }

  /** An input for which all of them hold, or that there is none. */
  solve(assumptions: readonly BoolTerm[], condition: Bool): Solution {
    const solution = this.solveQuickly(assumptions, condition);
    return solution.answer === 'unknown' ? this.solveAlone(assumptions, condition) : solution;
  }

  /** The same, given up early. */
  solveQuickly(assumptions: readonly BoolTerm[], condition: Bool): Solution {
    const asked = this.ask(assumptions, condition, this.limits.quick, (solver) => this.input(solver));
    if (asked.answer === 'sat') return { answer: 'sat', input: asked.value as Valuation };
    return asked.answer === 'unsat' ? { answer: 'unsat' } : { answer: 'unknown', reason: this.many.reasonUnknown() };
  }

  /** The same on a solver of its own: better for a single large formula. */
  solveAlone(assumptions: readonly BoolTerm[], condition: Bool): Solution {
    const solver = this.smt.solver('one');
    this.assertAll(solver, assumptions, condition);
    const answer = this.check(solver, this.limits.full);
    if (answer === 'sat') return { answer, input: this.input(solver) };
    const solution: Solution = answer === 'unsat' ? { answer } : { answer, reason: solver.reasonUnknown() };
    solver.dispose();
    return solution;
  }

  /** The question as SMT-LIB text, for a second opinion. */
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

/** Throws when an input does not do what the solver said: then one of the two computes wrongly. */
export function verifyInput(input: Valuation, conditions: readonly Bool[]): void {
  const broken = conditions.findIndex((condition) => !input.boolean(condition));
  if (broken >= 0) throw new InternalError(`the solved input breaks condition ${broken + 1} of its own path`);
}
