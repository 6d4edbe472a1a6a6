/** A prover that hands on every question that it answers with unsat, for a second opinion. */
import type { Prover, ShowingProver, Solution } from './prover.ts';
import type { Bool, BoolTerm } from './terms/term.ts';

/** Hears a question as SMT-LIB text. */
export type OnClosed = (smtlib: string) => void;

export class Recorder implements Prover {
  private readonly inner: ShowingProver;
  private readonly closed: OnClosed;

  constructor(inner: ShowingProver, closed: OnClosed) {
    this.inner = inner;
    this.closed = closed;
  }

  get queries(): number {
    return this.inner.queries;
  }

  isPossible(assumptions: readonly BoolTerm[], condition: Bool): boolean | undefined {
    const possible = this.inner.isPossible(assumptions, condition);
    if (possible === false) this.closed(this.inner.smtlib(assumptions, condition));
    return possible;
  }

  solve(assumptions: readonly BoolTerm[], condition: Bool): Solution {
    return this.noted(this.inner.solve(assumptions, condition), assumptions, condition);
  }

  solveQuickly(assumptions: readonly BoolTerm[], condition: Bool): Solution {
    return this.noted(this.inner.solveQuickly(assumptions, condition), assumptions, condition);
  }

  solveAlone(assumptions: readonly BoolTerm[], condition: Bool): Solution {
    return this.noted(this.inner.solveAlone(assumptions, condition), assumptions, condition);
  }

  private noted(solution: Solution, assumptions: readonly BoolTerm[], condition: Bool): Solution {
    if (solution.answer === 'unsat') this.closed(this.inner.smtlib(assumptions, condition));
    return solution;
  }
}
