/** Makes a solved input small and familiar, one variable after the other, without losing what it shows. */
import type { Prover } from './prover.ts';
import { eqNum, ltNum } from './terms/compare.ts';
import { type Bool, type BoolTerm, type NumTerm, partsOf } from './terms/term.ts';
import { smallest, Valuation } from './terms/valuation.ts';

/** Values that a reader knows, best first, for a variable of that name. */
export type Familiar = (name: string) => readonly number[];

export const nothingFamiliar: Familiar = () => [];

type Solver = Pick<Prover, 'solveQuickly'>;

/**
 * An input for which the conditions still hold, with small and familiar numbers; variables that have familiar values come
 * first. It begins by changing one variable at a time and only computes; then the solver moves what does not move alone,
 * until the deadline.
 */
export function smallWitness(
  solver: Solver,
  conditions: readonly BoolTerm[],
  found: Valuation,
  familiar: Familiar = nothingFamiliar,
  deadline: number = Number.POSITIVE_INFINITY,
): Valuation {
  const all = partsOf(conditions).filter((part): part is NumTerm => part.op === 'variable');
  const isFamiliar = ({ name }: NumTerm): boolean => familiar(name).length > 0;
  const variables = [...all.filter(isFamiliar), ...all.filter((variable) => !isFamiliar(variable))];
  const alone = variables.reduce((input, variable) => moveAlone(conditions, input, variable, familiar), found);
  const fixed: BoolTerm[] = [...conditions];
  let input = alone;
  for (const variable of variables) {
    if (performance.now() > deadline) return input;
    input = moveTogether(solver, fixed, input, variable, familiar);
    const stays = eqNum(variable, input.number(variable));
    fixed.push(stays as BoolTerm);
  }
  return input;
}

/** The values to try for a variable, best first, up to the one that it has. */
function candidates(input: Valuation, variable: NumTerm, familiar: Familiar): number[] {
  const known = familiar(variable.name).filter((value) => value >= variable.lo && value <= variable.hi);
  const all = [...known, smallest(variable)];
  const now = all.indexOf(input.number(variable));
  return now < 0 ? all : all.slice(0, now);
}

function holdAll(conditions: readonly BoolTerm[], input: Valuation): boolean {
  return conditions.every((condition) => input.boolean(condition));
}

/** The input with a better value of one variable, all others as they are. */
function moveAlone(
  conditions: readonly BoolTerm[],
  input: Valuation,
  variable: NumTerm,
  familiar: Familiar,
): Valuation {
  for (const value of candidates(input, variable, familiar)) {
    const moved = new Valuation([...input.values, [variable.name, value]]);
    if (holdAll(conditions, moved)) return moved;
  }
  return input;
}

/** The input with the best value of one variable that the conditions allow; others may move. */
function moveTogether(
  solver: Solver,
  conditions: readonly BoolTerm[],
  input: Valuation,
  variable: NumTerm,
  familiar: Familiar,
): Valuation {
  const wanted = candidates(input, variable, familiar);
  for (const value of wanted) {
    const moved = solved(solver, conditions, eqNum(variable, value));
    if (moved) return moved;
  }
  return wanted.length === 0 ? input : descend(solver, conditions, input, variable);
}

function solved(solver: Solver, conditions: readonly BoolTerm[], condition: Bool): Valuation | undefined {
  const solution = solver.solveQuickly(conditions, condition);
  return solution.answer === 'sat' ? solution.input : undefined;
}

/** The smallest value, halving what is left; from 0 upwards, or from the lowest when only negative ones are possible. */
function descend(solver: Solver, conditions: readonly BoolTerm[], found: Valuation, variable: NumTerm): Valuation {
  let input = found;
  let least = input.number(variable) >= 0 ? Math.max(0, variable.lo) : variable.lo;
  while (least < input.number(variable)) {
    const middle = Math.floor((least + input.number(variable)) / 2);
    const moved = solved(solver, conditions, ltNum(variable, middle + 1));
    if (moved) input = moved;
    else least = middle + 1;
  }
  return input;
}
