/** Boolean connectives over terms, with the simplifications that keep merged formulas small. */
import { type Bool, type BoolTerm, boolTerm } from './term.ts';

export function not(a: Bool): Bool {
  if (typeof a === 'boolean') return !a;
  return a.op === 'not' ? (a.args[0] as BoolTerm) : boolTerm('not', [a]);
}

function ordered(a: BoolTerm, b: BoolTerm): [BoolTerm, BoolTerm] {
  return a.id < b.id ? [a, b] : [b, a];
}

/** Whether one of the terms that `op` joins in `whole` is `part`. */
function contains(whole: BoolTerm, op: 'and' | 'or', part: BoolTerm): boolean {
  return whole.op === op && whole.args.includes(part);
}

export function and(a: Bool, b: Bool): Bool {
  if (typeof a === 'boolean') return a ? b : false;
  if (typeof b === 'boolean') return b ? a : false;
  if (a === b || contains(a, 'and', b) || contains(b, 'or', a)) return a;
  if (contains(b, 'and', a) || contains(a, 'or', b)) return b;
  if (a === not(b)) return false;
  const within = under(b, a, true);
  if (within !== b) return and(a, within);
  const back = under(a, b, true);
  if (back !== a) return and(back, b);
  return boolTerm('and', ordered(a, b));
}

export function or(a: Bool, b: Bool): Bool {
  if (typeof a === 'boolean') return a ? true : b;
  if (typeof b === 'boolean') return b ? true : a;
  if (a === b || contains(a, 'or', b) || contains(b, 'and', a)) return a;
  if (contains(b, 'or', a) || contains(a, 'and', b)) return b;
  if (a === not(b)) return true;
  const within = under(b, a, false);
  if (within !== b) return or(a, within);
  const back = under(a, b, false);
  if (back !== a) return or(back, b);
  return boolTerm('or', ordered(a, b));
}

/** `term` where `condition` is known to be `value`; looks at the outermost connective only. */
function under(term: BoolTerm, condition: BoolTerm, value: boolean): Bool {
  if (term.op === 'ite') {
    const [test, yes, no] = term.args as [BoolTerm, Bool, Bool];
    if (test === condition) return value ? yes : no;
    if (test === not(condition)) return value ? no : yes;
  }
  if (term.op !== 'and' && term.op !== 'or') return term;
  const [left, right] = term.args as [BoolTerm, BoolTerm];
  const opposite = not(condition);
  const drops = term.op === 'and' ? !value : value;
  if (left === condition) return drops ? term.op === 'or' : right;
  if (right === condition) return drops ? term.op === 'or' : left;
  if (left === opposite) return drops ? right : term.op === 'or';
  if (right === opposite) return drops ? left : term.op === 'or';
  return term;
}

/** Whether two conditions agree. */
export function iff(a: Bool, b: Bool): Bool {
  if (typeof a === 'boolean') return a ? b : not(b);
  if (typeof b === 'boolean') return b ? a : not(a);
  if (a === b) return true;
  if (a === not(b)) return false;
  return boolTerm('iff', ordered(a, b));
}

export function iteBool(condition: Bool, yes: Bool, no: Bool): Bool {
  if (typeof condition === 'boolean') return condition ? yes : no;
  if (condition.op === 'not') return iteBool(condition.args[0] as BoolTerm, no, yes);
  if (yes === no) return yes;
  if (typeof yes === 'boolean') return yes ? or(condition, no) : and(not(condition), no);
  if (typeof no === 'boolean') return no ? or(not(condition), yes) : and(condition, yes);
  const then = under(yes, condition, true);
  const otherwise = under(no, condition, false);
  if (then !== yes || otherwise !== no) return iteBool(condition, then, otherwise);
  if (yes === condition) return or(condition, no);
  if (no === condition) return and(condition, yes);
  if (yes === not(condition)) return and(not(condition), no);
  if (no === not(condition)) return or(not(condition), yes);
  if (yes === not(no)) return iff(condition, yes);
  return boolTerm('ite', [condition, yes, no]);
}
