/** Expressions: each becomes an expression of the dialect, and statements before it for what it does on the way. */
import type { BinaryOperator, Expression, FieldValue, TypeName } from './ast.ts';
import { call } from './calls.ts';
import { calculate, choice, truthAsValue } from './conditions.ts';
import { type Context, structureRow } from './context.ts';
import { codeOf, convertTo, normal, tableType, textType } from './conversions.ts';
import { binary, convert, literal, unary } from './integers.ts';
import { meant, type Place, Refused } from './messages.ts';
import { inOrder } from './order.ts';
import { beginning, locate, memberOfRecord, variableLocation, visibleNames } from './places.ts';
import { heldOf, isImplicit, nullOf } from './pointers.ts';
import { Scope, type Variable } from './scope.ts';
import { table } from './table/index.ts';
import { INT, type IntegerType, pointerTo, structureOf, type Type, typeText, UNSIGNED_LONG, VOID } from './types.ts';
import { constantValue, isLasting, type Location, typedValue, type Value } from './values.ts';
import { Writer } from './writer.ts';

/** The value of an expression. */
export function expression(ctx: Context, of: Expression): Value {
  switch (of.kind) {
    case 'number':
      return literal(of.text, of.place);
    case 'character':
      return constantValue(INT, of.value);
    case 'string':
      throw new Refused(of.place, 'a string', 'strings may stand in calls that log');
    case 'name':
      return name(ctx, of.name, of.place);
    case 'unary':
      return of.operator === '!' ? truthAsValue(ctx, of) : unaryValue(ctx, of);
    case 'logical':
      return truthAsValue(ctx, of);
    case 'binary':
      return binaryValue(ctx, of.operator, of.left, of.right, of.place);
    case 'conditional':
      return choice(ctx, of);
    case 'assignment':
      return assignment(ctx, of, true);
    case 'step':
      return step(ctx, of);
    case 'call':
      return call(ctx, of);
    case 'member':
    case 'dereference':
    case 'index':
      return locate(ctx, of).read();
    case 'address':
      return address(ctx, of);
    case 'cast':
      return cast(ctx, of.type, of.of, of.place);
    case 'sizeof':
      return constantValue(UNSIGNED_LONG, sizeOf(ctx, of.of, of.place));
    case 'comma':
      effect(ctx, of.left);
      return ctx.value(of.right);
    case 'compound': {
      const type = textType(of.type);
      return recordValue(ctx, type, of.fields, of.place);
    }
  }
}

/** An expression whose value nobody wants. */
export function effect(ctx: Context, of: Expression): void {
  if (of.kind === 'assignment') assignment(ctx, of, false);
  else if (of.kind === 'step') step(ctx, { ...of, isPrefix: true });
  else if (of.kind === 'comma') {
    effect(ctx, of.left);
    effect(ctx, of.right);
  } else ctx.value(of);
}

/** The value of an expression if a variable had that value; nothing may be done in it. */
export function valueIf(ctx: Context, of: Expression, { name, type, place }: Variable, value: Value): Value {
  const { scope, writer } = ctx;
  ctx.scope = new Scope(scope);
  ctx.declare(name, type, 'constant', place, { value });
  ctx.writer = new Writer();
  const result = ctx.value(of);
  ctx.scope = scope;
  ctx.writer = writer;
  return result;
}

function name(ctx: Context, text: string, place: Place): Value {
  const variable = ctx.scope.find(text);
  if (variable !== undefined) return variableLocation(ctx, variable, place).read();
  if (text === 'NULL') return { ...nullOf(pointerTo(VOID)) };
  const enumerator = ctx.unit.enumerator(text);
  if (enumerator !== undefined) return constantValue(INT, enumerator);
  const row = Object.hasOwn(table.constants, text) ? table.constants[text] : undefined;
  if (row !== undefined) return constantValue(tableType(row.type ?? 'int', place) as IntegerType, row.value);
  const why = ctx.unit.unusable(text);
  if (why !== '') throw new Refused(place, `${text} is ${why}`, 'constants, and variables of functions are supported');
  const near = meant(text, [...visibleNames(ctx), ...Object.keys(table.constants)]);
  throw new Refused(place, `${text} is not among the constants of the kernel that the model knows`, near);
}

// operators

function unaryValue(ctx: Context, of: Expression & { kind: 'unary' }): Value {
  const value = ctx.value(of.of);
  if (value.type.kind !== 'integer') throw new Refused(of.place, `${of.operator} of ${typeText(value.type)}`);
  return unary(of.operator as '-' | '~' | '+', value, of.place);
}

function binaryValue(ctx: Context, operator: BinaryOperator, left: Expression, right: Expression, place: Place): Value {
  const [a, b] = inOrder(ctx, [() => ctx.value(left), () => ctx.value(right)]) as [Value, Value];
  return calculate(ctx, operator, a, b, place);
}

// assignments

function assignment(ctx: Context, of: Expression & { kind: 'assignment' }, isUsed: boolean): Value {
  const { operator, left, right, place } = of;
  if (operator === undefined) {
    const value = ctx.value(right);
    return store(ctx, locate(ctx, left), value, place, isUsed);
  }
  const location = locate(ctx, left);
  if (location.isIgnored) {
    const value = ctx.value(right);
    location.write(value);
    return value;
  }
  const [a, b] = inOrder(ctx, [() => location.read(), () => ctx.value(right)]) as [Value, Value];
  return store(ctx, location, calculate(ctx, operator, a, b, place), place, isUsed);
}

/** Writes a value; what an assignment is worth is the value that was written. */
function store(ctx: Context, location: Location, value: Value, place: Place, isUsed: boolean): Value {
  const converted = convertTo(ctx, value, location.type, place, 'the left side');
  const isKept =
    !isUsed || converted.target !== undefined || isLasting(codeOf(converted)) || isImplicit(converted.type);
  const held = isKept ? converted : { ...normal(converted), code: ctx.held(codeOf(converted)) };
  location.write(held);
  return held;
}

/** `++` and `--`. */
function step(ctx: Context, { of, by, isPrefix, place }: Expression & { kind: 'step' }): Value {
  const location = locate(ctx, of);
  if (location.type.kind !== 'integer')
    throw new Refused(place, `++ or -- of ${typeText(location.type)}`, 'numbers are counted');
  const before = location.read();
  const old = isPrefix ? before : { ...before, code: ctx.held(codeOf(before)) };
  const next = convert(binary('+', before, constantValue(INT, by), place), location.type, place);
  location.write(next);
  return isPrefix ? location.read() : old;
}

// types

/** Pointers between which a cast says how the same object is seen. */
function isView(from: Type, to: Type): boolean {
  const [a, b] = [heldOf(from), heldOf(to)];
  return a === b && (a === 'socket' || a === 'route');
}

function cast(ctx: Context, to: TypeName, of: Expression, place: Place): Value {
  const type = textType(to);
  const value = ctx.value(of);
  if (type.kind === 'void') return value;
  if (type.kind === 'integer' && value.type.kind === 'integer') return convert(value, type, place);
  if (type.kind === 'pointer' && value.type.kind === 'pointer') {
    if (typeText(type) === typeText(value.type) || value.isNull) return { ...value, type };
    if (isView(value.type, type)) return { ...value, type };
  }
  throw new Refused(
    place,
    `a cast of ${typeText(value.type)} to ${typeText(type)}`,
    'casts of integers, and between sockets, are supported',
  );
}

function sizeOf(ctx: Context, of: TypeName | Expression, place: Place): number {
  const type = 'base' in of ? textType(of) : typeOfExpression(ctx, of);
  if (type.kind === 'pointer') return 8;
  if (type.kind === 'integer') return type.bits / 8;
  const size = type.kind === 'structure' ? structureRow(type.name).size : undefined;
  if (size !== undefined) return size;
  throw new Refused(place, `sizeof ${typeText(type)}`, 'sizes of integers, pointers and headers are known');
}

/** The type of an expression, which is not evaluated. */
function typeOfExpression(ctx: Context, of: Expression): Type {
  return ctx.aside(() => (of.kind === 'dereference' ? pointedTo(ctx.value(of.of), of.place) : ctx.value(of).type));
}

function pointedTo({ type }: Value, place: Place): Type {
  if (type.kind === 'pointer') return type.to;
  throw new Refused(place, `* of ${typeText(type)}`);
}

// addresses and structures

function address(ctx: Context, { of, place }: Expression & { kind: 'address' }): Value {
  if (of.kind === 'dereference') return ctx.value(of.of);
  if (of.kind === 'member' && of.isArrow) {
    const begin = beginningOf(ctx, of);
    if (begin !== undefined) return begin;
  }
  const target = locate(ctx, of);
  if (target.type.kind === 'pointer') throw new Refused(place, 'the address of a pointer');
  const type = pointerTo(target.type);
  const held = heldOf(type);
  if (held === 'nothing') return typedValue(type, '1', { ...typedValue(type, '').pointer, isSet: true });
  return { ...typedValue(type, ''), target, pointer: { ...typedValue(type, '').pointer, isSet: true } };
}

function beginningOf(ctx: Context, { of, name: member }: Expression & { kind: 'member' }): Value | undefined {
  const type = typeOfExpression(ctx, of);
  if (structureOf(type) === '') return undefined;
  if (structureRow(structureOf(type)).begins?.member !== member) return undefined;
  return beginning(ctx.value(of), member);
}

/** A structure with those members, and all others 0. */
export function recordValue(ctx: Context, type: Type, fields: readonly FieldValue[], place: Place): Value {
  const structure = type.kind === 'structure' ? structureRow(type.name) : undefined;
  if (structure?.held === 'nothing') return typedValue(type, '1');
  if (structure?.zero === undefined) {
    throw new Refused(place, `an initialiser of ${typeText(type)}`, 'keys of lookups can be initialised');
  }
  let record = typedValue(type, structure.zero);
  for (const { name: member, value, place: at } of fields) {
    const given = ctx.value(value);
    const made: Location = {
      type,
      read: () => record,
      write: (changed) => {
        record = changed;
      },
    };
    const path = member.split('.').map((one) => ({ name: one, place: at }));
    memberOfRecord(ctx, made, path).write(given);
  }
  return record;
}
