/** Symbolic inputs of a search, for the code that builds a scenario's shape around the lifted model. */
import type { Engine } from './engine.ts';
import { runningEngine } from './runtime.ts';
import { iteNum } from './terms/arithmetic.ts';
import { eqNum } from './terms/compare.ts';
import { and } from './terms/logic.ts';
import { type Bool, type Num, variable } from './terms/term.ts';

/** A number from `lo` to `hi`; one name is one number. */
export type Fresh = (name: string, lo: number, hi: number) => Num;

export const fresh: Fresh = variable;

/** A truth value. */
export function freshBoolean(name: string): Bool {
  return eqNum(variable(name, 0, 1), 1);
}

/** Leaves out inputs for which the condition does not hold. Call it outside of lifted code. */
export function assume(condition: Bool): void {
  runningEngine().require(condition);
}

/**
 * A function of which nothing is known but that equal arguments have equal results. Every use compares its arguments
 * with those of the uses before it, and has a number of its own when all differ.
 */
export function uninterpreted(name: string, lo: number, hi: number): (...args: readonly Num[]) => Num {
  return (...args) => apply(runningEngine(), name, lo, hi, args);
}

function apply(engine: Engine, name: string, lo: number, hi: number, args: readonly Num[]): Num {
  const uses = engine.applications.get(name) ?? [];
  engine.applications.set(name, uses);
  const known = uses.find((use) => use.args.length === args.length && use.args.every((arg, at) => arg === args[at]));
  if (known) return known.result;
  let result = variable(`${name}#${uses.length}`, lo, hi);
  for (const use of uses.toReversed()) {
    if (use.args.length === args.length) result = iteNum(equalAll(use.args, args), use.result, result);
  }
  uses.push({ args, result });
  return result;
}

function equalAll(left: readonly Num[], right: readonly Num[]): Bool {
  return left.reduce<Bool>((all, arg, at) => and(all, eqNum(arg, right[at] as Num)), true);
}
