/** Conditions with parts of them known: what follows is computed, and the rest stays. */
import { binary, iteNum } from './arithmetic.ts';
import { eqNum, ltNum } from './compare.ts';
import { and, iff, iteBool, not, or } from './logic.ts';
import {
  type AnyTerm,
  type BinaryTermOp,
  type Bool,
  type BoolTerm,
  isTerm,
  type Num,
  NumTerm,
  type Operand,
  partsOf,
} from './term.ts';

/** What is known of terms that a condition is made of. */
export type Known = ReadonlyMap<AnyTerm, number | boolean>;

/** What follows for single terms when a condition is true, or false: its parts, and numbers that it names. */
export function consequences(condition: Bool, value: boolean): Map<AnyTerm, number | boolean> {
  const known = new Map<AnyTerm, number | boolean>();
  const learn = (one: Bool, is: boolean): void => {
    if (typeof one === 'boolean') return;
    known.set(one, is);
    const [a, b] = one.args;
    if (one.op === 'not') learn(a as Bool, !is);
    else if (one.op === (is ? 'and' : 'or')) {
      learn(a as Bool, is);
      learn(b as Bool, is);
    } else if (one.op === 'eq' && is && a instanceof NumTerm && typeof b === 'number') known.set(a, b);
  };
  learn(condition, value);
  return known;
}

/** The conditions, with what is known in its places. */
export function substitute(conditions: readonly Bool[], known: Known): Bool[] {
  const done = new Map<number, Operand>();
  const now = (operand: Operand): Operand => (isTerm(operand) ? (done.get(operand.id) ?? operand) : operand);
  for (const part of partsOf(conditions)) {
    const args = part.args.map(now);
    const isSame = args.every((arg, at) => arg === part.args[at]);
    done.set(
      part.id,
      known.get(part) ?? (isSame ? part : part instanceof NumTerm ? number(part, args) : truth(part, args)),
    );
  }
  return conditions.map((condition) => now(condition) as Bool);
}

function number(term: NumTerm, args: readonly Operand[]): Num {
  if (term.op === 'ite') return iteNum(args[0] as Bool, args[1] as Num, args[2] as Num);
  return binary(term.op as BinaryTermOp, args[0] as Num, args[1] as Num);
}

function truth(term: BoolTerm, args: readonly Operand[]): Bool {
  const [a, b] = args;
  switch (term.op) {
    case 'not':
      return not(a as Bool);
    case 'and':
      return and(a as Bool, b as Bool);
    case 'or':
      return or(a as Bool, b as Bool);
    case 'iff':
      return iff(a as Bool, b as Bool);
    case 'eq':
      return eqNum(a as Num, b as Num);
    case 'lt':
      return ltNum(a as Num, b as Num);
    case 'ite':
      return iteBool(a as Bool, b as Bool, args[2] as Bool);
  }
}
