/** What a search asks of a prover, whatever it takes numbers for: bit-vectors, integers, or both. */
import { type Bool, type BoolTerm, InternalError } from './terms/term.ts';
import type { Valuation } from './terms/valuation.ts';

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

export interface Prover {
  /** How many times z3 was asked. */
  readonly queries: number;
  /** A quick answer to whether the condition can hold together with the others. */
  isPossible(assumptions: readonly BoolTerm[], condition: Bool): boolean | undefined;
  /** An input for which all of them hold, or that there is none. */
  solve(assumptions: readonly BoolTerm[], condition: Bool): Solution;
  /** The same, given up early. */
  solveQuickly(assumptions: readonly BoolTerm[], condition: Bool): Solution;
  /** The same on a solver of its own: better for a single large formula. */
  solveAlone(assumptions: readonly BoolTerm[], condition: Bool): Solution;
}

/** A prover that shows its questions, for a second opinion. */
export interface ShowingProver extends Prover {
  /** The question as SMT-LIB text. */
  smtlib(assumptions: readonly BoolTerm[], condition: Bool): string;
  /** Gives everything back that z3 holds for it. */
  dispose(): void;
}

/** Throws when an input does not do what the solver said: then one of the two computes wrongly. */
export function verifyInput(input: Valuation, conditions: readonly Bool[]): void {
  const broken = conditions.findIndex((condition) => !input.boolean(condition));
  if (broken >= 0) throw new InternalError(`the solved input breaks condition ${broken + 1} of its own path`);
}
