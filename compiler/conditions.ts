/** Truth: conditions, and choices that hang on them. What is done on one way only happens there. */
import type { BinaryOperator, Expression } from './ast.ts';
import type { Context } from './context.ts';
import { codeOf } from './conversions.ts';
import type { Fact } from './facts.ts';
import { binary, choiceType, convert, negation, numberCode, truth, truthCode, truthOf } from './integers.ts';
import { type Place, Refused } from './messages.ts';
import { inOrder } from './order.ts';
import { isSet, nullOf, samePointer } from './pointers.ts';
import { table } from './table/index.ts';
import { type Type, typeText } from './types.ts';
import { constantValue, integerValue, isLasting, typedValue, type Value } from './values.ts';
import { Writer } from './writer.ts';

/** An expression of integer type. */
export function integer(ctx: Context, of: Expression): Value {
  const value = ctx.value(of);
  if (value.type.kind === 'integer') return value;
  if (value.type.kind === 'pointer') return isSet(ctx, value);
  throw new Refused(of.place, `${typeText(value.type)} where a number is expected`);
}

/** What an operator makes of two values. */
export function calculate(ctx: Context, operator: BinaryOperator, a: Value, b: Value, place: Place): Value {
  if (a.type.kind === 'integer' && b.type.kind === 'integer') return binary(operator, a, b, place);
  const isEquality = operator === '==' || operator === '!=';
  if (isEquality && (a.type.kind === 'pointer' || b.type.kind === 'pointer')) {
    const same = samePointer(ctx, orNull(a, b.type), orNull(b, a.type), place);
    return operator === '==' ? same : negation(same);
  }
  const met = `${typeText(a.type)} ${operator} ${typeText(b.type)}`;
  throw new Refused(place, met, 'pointers are compared with == and !=, and followed');
}

/** 0 as a pointer. */
function orNull(value: Value, type: Type): Value {
  return value.constant === 0 && value.type.kind === 'integer' ? nullOf(type) : value;
}

/** A condition: its value, and what is known where it holds and where it does not. */
export interface Condition {
  /** A truth value. */
  readonly value: Value;
  readonly yes: readonly Fact[];
  readonly no: readonly Fact[];
}

/** Whether a condition holds, where that is known. */
export function outcome({ value: { constant } }: Condition): boolean | undefined {
  return constant === undefined ? undefined : constant !== 0;
}

export function condition(ctx: Context, of: Expression): Condition {
  if (of.kind === 'unary' && of.operator === '!') {
    const { value, yes, no } = condition(ctx, of.of);
    return { value: negation(value), yes: no, no: yes };
  }
  if (of.kind === 'logical') return logical(ctx, of);
  if (of.kind === 'binary' && (of.operator === '==' || of.operator === '!=')) {
    const [a, b] = inOrder(ctx, [() => ctx.value(of.left), () => ctx.value(of.right)]) as [Value, Value];
    const value = calculate(ctx, of.operator, a, b, of.place);
    const compared = a.isNull || a.constant === 0 ? b : b.isNull || b.constant === 0 ? a : undefined;
    const facts = compared === undefined ? [] : setFacts(compared);
    return of.operator === '!=' ? { value, yes: facts, no: [] } : { value, yes: [], no: facts };
  }
  const tested =
    of.kind === 'call' && of.args.length === 1 && saysUnset(of.name) ? (of.args[0] as Expression) : undefined;
  const value = ctx.value(of);
  if (value.type.kind === 'pointer') return { value: isSet(ctx, value), yes: setFacts(value), no: [] };
  if (value.type.kind !== 'integer') throw new Refused(of.place, `${typeText(value.type)} as a condition`);
  return { value, yes: [], no: tested?.kind === 'name' ? setFacts(ctx.value(tested)) : [] };
}

/** Whether a function of the table says that a pointer leads nowhere. */
function saysUnset(called: string): boolean {
  return Object.hasOwn(table.functions, called) && table.functions[called]?.saysUnset === true;
}

function setFacts({ type, pointer }: Value): readonly Fact[] {
  return type.kind === 'pointer' && pointer.variable >= 0 ? [`not-null:${pointer.variable}`] : [];
}

/** `a && b` and `a || b`: b is evaluated only where it counts. */
function logical(ctx: Context, { operator, left, right }: Expression & { kind: 'logical' }): Condition {
  const isAnd = operator === '&&';
  const a = condition(ctx, left);
  const known = outcome(a);
  if (known === !isAnd) return { ...a, value: truth(known) };
  const { writer: outer } = ctx;
  const before = ctx.facts.copy();
  ctx.facts.learnAll(isAnd ? a.yes : a.no);
  ctx.writer = known === undefined ? new Writer() : outer;
  const b = condition(ctx, right);
  const inner = ctx.writer;
  ctx.writer = outer;
  if (known !== undefined) return { ...b, value: truthOrConstant(b) };
  // Where both were asked, everything that was found out on the way holds.
  const both = [...ctx.facts, ...(isAnd ? b.yes : b.no)];
  ctx.facts = before.meet(ctx.facts);
  const yes = isAnd ? both : [];
  const no = isAnd ? [] : both;
  const decided = outcome(b);
  const isAlways = decided === !isAnd;
  const [first, second] = [truthCode(a.value), truthCode(b.value)];
  if (inner.length === 0) {
    if (isAlways) return { value: truth(decided), yes, no };
    if (decided !== undefined) return { value: truthOf(first), yes, no };
    return {
      value: truthOf(`${parenthesised(first, operator)} ${operator} ${parenthesised(second, operator)}`),
      yes,
      no,
    };
  }
  const held = ctx.temporary();
  ctx.add(`let ${held} = ${first};`);
  if (!isAlways) inner.add(`${held} = ${second};`);
  outer.block(`if (${isAnd ? held : `!${held}`})`, inner);
  return { value: isAlways ? truth(decided) : truthOf(held), yes, no };
}

function truthOrConstant(of: Condition): Value {
  const known = outcome(of);
  return known === undefined ? truthOf(truthCode(of.value)) : truth(known);
}

/** An operand of && or ||, in parentheses where the other of the two stands in it. */
function parenthesised(code: string, operator: '&&' | '||'): string {
  const other = operator === '&&' ? '||' : '&&';
  return code.includes(` ${other} `) || code.includes(' ? ') ? `(${code})` : code;
}

export function truthAsValue(ctx: Context, of: Expression): Value {
  return truthOrConstant(condition(ctx, of));
}

// choices

export function choice(ctx: Context, of: Expression & { kind: 'conditional' }): Value {
  const { test: tested, yes, no } = of;
  if (yes === undefined) return elvis(ctx, of);
  const asked = condition(ctx, tested);
  const known = outcome(asked);
  if (known !== undefined) {
    const value = ctx.value(known ? yes : no);
    const other = ctx.aside(() => ctx.value(known ? no : yes));
    return together(value, other, of.place)[0];
  }
  const before = ctx.facts.copy();
  const { writer: outer } = ctx;
  const branch = (facts: readonly Fact[], part: Expression): { value: Value; writer: Writer } => {
    ctx.facts = before.copy();
    ctx.facts.learnAll(facts);
    ctx.writer = new Writer();
    const value = ctx.value(part);
    return { value, writer: ctx.writer };
  };
  const first = branch(asked.yes, yes);
  const factsOfFirst = ctx.facts;
  const second = branch(asked.no, no);
  ctx.writer = outer;
  ctx.facts = before.meet(factsOfFirst).meet(ctx.facts);
  const [a, b, type] = together(first.value, second.value, of.place);
  const pointer = {
    ...a.pointer,
    variable: -1,
    isSet: a.pointer.isSet && b.pointer.isSet,
    isFresh:
      (a.pointer.isFresh || a.isNull === true) &&
      (b.pointer.isFresh || b.isNull === true) &&
      a.pointer.isSet &&
      b.pointer.isSet,
    reached: [],
  };
  const range: readonly [number, number] = [Math.min(a.lo, b.lo), Math.max(a.hi, b.hi)];
  const result = (code: string): Value =>
    type.kind === 'integer'
      ? { ...integerValue(type, code, range), isTruth: type.isTruth }
      : typedValue(type, code, pointer);
  if (first.writer.length === 0 && second.writer.length === 0) {
    return result(
      `${operandOfChoice(truthCode(asked.value))} ? ${operandOfChoice(codeIn(a, type))} : ${operandOfChoice(codeIn(b, type))}`,
    );
  }
  const held = ctx.temporary();
  ctx.add(`let ${held} = ${codeIn(emptyOf(type), type)};`);
  first.writer.add(`${held} = ${codeIn(a, type)};`);
  second.writer.add(`${held} = ${codeIn(b, type)};`);
  outer.block(`if (${truthCode(asked.value)})`, first.writer);
  outer.block('else', second.writer);
  return result(held);
}

function operandOfChoice(code: string): string {
  return code.includes(' ? ') || code.startsWith('{') ? `(${code})` : code;
}

function codeIn(value: Value, type: Type): string {
  if (type.kind !== 'integer') return value.code;
  return type.isTruth ? truthCode(value) : numberCode(value);
}

function emptyOf(type: Type): Value {
  return type.kind === 'integer' ? constantValue(type, 0) : nullOf(type);
}

/** Two values of a choice in their common type. */
function together(a: Value, b: Value, place: Place): readonly [Value, Value, Type] {
  if (a.type.kind === 'integer' && b.type.kind === 'integer') {
    const type = choiceType(a, b);
    return [convert(a, type, place), convert(b, type, place), type];
  }
  const type = a.isNull || a.constant === 0 ? b.type : a.type;
  const [x, y] = [orNull(a, type), orNull(b, type)];
  const [left, right] = [x.isNull ? nullOf(type) : x, y.isNull ? nullOf(type) : y];
  if (typeText(left.type) === typeText(right.type)) return [left, right, type];
  throw new Refused(place, `a choice between ${typeText(a.type)} and ${typeText(b.type)}`);
}

/** `a ?: b`. */
function elvis(ctx: Context, { test: tested, no, place }: Expression & { kind: 'conditional' }): Value {
  const first = ctx.value(tested);
  const a =
    isLasting(first.code) || first.type.kind === 'structure' ? first : { ...first, code: ctx.held(codeOf(first)) };
  const asked = first.type.kind === 'pointer' ? isSet(ctx, a) : a;
  if (asked.constant !== undefined) return asked.constant !== 0 ? a : ctx.value(no);
  const before = ctx.writer.length;
  const b = ctx.value(no);
  if (ctx.writer.length > before)
    throw new Refused(place, '?: with something that is done on its right', 'if … else is supported');
  const [left, right, type] = together(a, b, place);
  const code = `${truthCode(asked)} ? ${codeIn(left, type)} : ${codeIn(right, type)}`;
  return type.kind === 'integer' ? integerValue(type, code) : typedValue(type, code);
}
