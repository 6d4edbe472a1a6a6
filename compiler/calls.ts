/** Calls: of functions of the text, of functions of the kernel that the table has, and of a few that are part of the language. */
import type { Expression } from './ast.ts';
import { integer } from './conditions.ts';
import { emptyCode } from './contents.ts';
import { type Context, type KnownFunction, structureRow } from './context.ts';
import { codeOf, convertTo, tableType } from './conversions.ts';
import { binary, choiceType, convert, numberCode, retyped } from './integers.ts';
import { meant, type Place, Refused } from './messages.ts';
import { inOrder } from './order.ts';
import { recordCode, writeRecord } from './places.ts';
import { heldOf, reach, requireNoError, requireSet } from './pointers.ts';
import { type FunctionRow, table } from './table/index.ts';
import { type IntegerType, structureOf, type Type, typeText, UNSIGNED_LONG, VOID } from './types.ts';
import { constantValue, integerValue, isLasting, operand, typedValue, type Value } from './values.ts';

type Call = Expression & { kind: 'call' };

/** The value of a call. */
export function call(ctx: Context, of: Call): Value {
  const special = Object.hasOwn(SPECIAL, of.name) ? SPECIAL[of.name] : undefined;
  if (special !== undefined) {
    if (of.args.length !== special.args) throw argumentCount(of, special.args);
    return special.call(ctx, of);
  }
  const known = ctx.unit.known(of.name, of.place);
  if (known !== undefined) return callOfText(ctx, of, known);
  const row = Object.hasOwn(table.functions, of.name) ? table.functions[of.name] : undefined;
  if (row !== undefined) return callOfKernel(ctx, of, row);
  if (ctx.scope.find(of.name) !== undefined) {
    throw new Refused(of.place, 'a call through a pointer', 'functions are called by their names');
  }
  const near = meant(of.name, [...Object.keys(table.functions), ...ctx.unit.functionNames]);
  throw new Refused(of.place, `${of.name}() is not in the table of kernel functions`, near);
}

function argumentCount({ name, args, place }: Call, expected: number): Refused {
  return new Refused(place, `${name}() with ${args.length} arguments`, `it has ${expected}`);
}

// parts of the language

/** What C or the kernel has as a macro or builtin, and what has a meaning of its own here. */
const SPECIAL: Readonly<Record<string, { readonly args: number; readonly call: (ctx: Context, of: Call) => Value }>> = {
  memset: { args: 3, call: memset },
  BIT: { args: 1, call: bit },
  WRITE_ONCE: { args: 2, call: writeOnce },
  min: { args: 2, call: (ctx, of) => extreme(ctx, of, '<') },
  max: { args: 2, call: (ctx, of) => extreme(ctx, of, '>') },
};

/** memset(&x, 0, sizeof(x)): a structure of zeros. */
function memset(ctx: Context, { args, place }: Call): Value {
  const [to, byte] = args as [Expression, Expression];
  const pointer = ctx.value(to);
  const value = ctx.value(byte);
  if (value.constant !== 0)
    throw new Refused(place, 'memset() with something else than 0', 'structures can be cleared');
  const structure = structureOf(pointer.type);
  if (heldOf(pointer.type) === 'nothing') return typedValue(VOID, '');
  const zero = structure === '' ? undefined : structureRow(structure).zero;
  if (zero === undefined || pointer.target === undefined) {
    throw new Refused(place, `memset() of ${typeText(pointer.type)}`, 'keys of lookups can be cleared');
  }
  pointer.target.write(typedValue(pointer.target.type, zero));
  return typedValue(VOID, '');
}

function bit(ctx: Context, { args: [number], place }: Call): Value {
  const value = integer(ctx, number as Expression);
  return binary('<<', constantValue(UNSIGNED_LONG, 1), value, place);
}

function writeOnce(ctx: Context, { args, place }: Call): Value {
  const [left, right] = args as [Expression, Expression];
  return ctx.value({ kind: 'assignment', place, operator: undefined, left, right });
}

function extreme(ctx: Context, { args, place }: Call, operator: '<' | '>'): Value {
  const parts = args.map((arg) => () => integer(ctx, arg));
  const [a, b] = inOrder(ctx, parts) as [Value, Value];
  const type = choiceType(a, b);
  const [x, y] = [convert(a, type, place), convert(b, type, place)];
  const [lo, hi] =
    operator === '<' ? [Math.min(x.lo, y.lo), Math.min(x.hi, y.hi)] : [Math.max(x.lo, y.lo), Math.max(x.hi, y.hi)];
  if (type.isNetwork)
    throw new Refused(place, 'the order of numbers in network order', 'ntohl() and ntohs() turn them around');
  return integerValue(type, `Math.${operator === '<' ? 'min' : 'max'}(${numberCode(x)}, ${numberCode(y)})`, [lo, hi]);
}

// functions of the text

function callOfText(ctx: Context, of: Call, known: KnownFunction): Value {
  const { parameters } = known;
  if (of.args.length !== parameters.length) throw argumentCount(of, parameters.length);
  const values = inOrder(
    ctx,
    parameters.map(({ variable }, i) => () => {
      const arg = of.args[i] as Expression;
      const value = convertTo(ctx, ctx.value(arg), variable.type, arg.place, variable.name);
      if (!isSegmentOfQueue(value) && !(value.isNull && variable.role === 'implicit')) return value;
      throw new Refused(arg.place, `NULL or a segment of a queue for ${variable.name}`, 'the packet in the hook is');
    }),
  );
  const given: string[] = [];
  for (const [i, { variable }] of parameters.entries()) {
    const value = values[i] as Value;
    if (variable.role === 'value') given.push(codeOf(value));
    if (variable.role !== 'target') continue;
    if (value.target === undefined)
      throw new Refused((of.args[i] as Expression).place, `NULL or an unknown place for ${variable.name}`);
    given.push(variable.isReadUnset ? codeOf(value.target.read()) : emptyCode(value.target.type));
  }
  const code = `${known.code}(${[...known.takes, ...given].join(', ')})`;
  const back = parameters.filter(({ variable, isWritten }) => variable.role === 'target' && isWritten);
  if (known.gives.length === 0 && back.length === 0) return resultOf(known.returns, code);
  const held = ctx.held(code);
  for (const name of known.gives) ctx.add(`${name} = ${held}.${name};`);
  if (known.moves) ctx.packetMoves();
  for (const parameter of back) {
    const value = values[parameters.indexOf(parameter)] as Value;
    const { type } = value.target as NonNullable<Value['target']>;
    value.target?.write(resultOf(type, `${held}.${parameter.variable.code}`));
  }
  return resultOf(known.returns, `${held}.returned`);
}

function resultOf(type: Type, code: string): Value {
  return type.kind === 'integer' ? integerValue(type, code) : typedValue(type, code);
}

// functions of the kernel

interface Parameter {
  readonly type: Type | 'any' | 'route';
  readonly isIgnored: boolean;
  readonly isNullable: boolean;
  readonly isWritten: boolean;
  readonly isSegment: boolean;
}

function parametersOf(row: FunctionRow, place: Place): readonly Parameter[] {
  return row.params.map((text) => {
    const bare = text.replace(/^-/, '').replace(/[?&@]$/, '');
    const type = bare === 'any' || bare === 'route' ? bare : tableType(bare.replace(/^const /, ''), place);
    return {
      type,
      isIgnored: text.startsWith('-'),
      isNullable: text.endsWith('?'),
      isWritten: text.endsWith('&'),
      isSegment: text.endsWith('@'),
    };
  });
}

/** A parameter that is a route, which the kernel follows even where only its count changes. */
const ROUTE = /^-struct (?:rtable|dst_entry) \*/;

function callOfKernel(ctx: Context, of: Call, row: FunctionRow): Value {
  const { name, args, place } = of;
  if (row.ignored !== undefined) ctx.unit.ignores(`${name}()`, row.ignored, place);
  if (row.ignored !== undefined && row.returns === 'void') {
    for (const arg of args) refuseEffects(name, arg);
    for (const [i, text] of row.params.entries()) {
      const given = args[i];
      if (given !== undefined && ROUTE.test(text)) requireNoError(ctx, ctx.value(given));
    }
    return typedValue(VOID, '');
  }
  const parameters = parametersOf(row, place);
  if (args.length !== parameters.length) throw argumentCount(of, parameters.length);
  const values = inOrder(
    ctx,
    args.map((arg, i) => () => argument(ctx, arg, parameters[i] as Parameter, `argument ${i + 1} of ${name}()`)),
  );
  if (row.reach !== undefined) {
    const socket = values.find(({ type }) => heldOf(type) === 'socket');
    if (socket !== undefined) reach(ctx, socket, row.reach, place);
  }
  const filled = fill(ctx, of, row, parameters, values);
  return result(name, row, place, values, filled);
}

function isSegmentOfQueue({ type, target }: Value): boolean {
  return structureOf(type) === 'sk_buff' && target !== undefined;
}

/** In a call that is passed over nothing may be done. */
function refuseEffects(name: string, of: Expression): void {
  if (of.kind === 'assignment' || of.kind === 'step') {
    throw new Refused(of.place, `an assignment inside ${name}()`, 'it is passed over, with all that it is given');
  }
  for (const part of Object.values(of)) {
    if (typeof part === 'object' && part !== null && 'kind' in part) refuseEffects(name, part as Expression);
    if (Array.isArray(part)) for (const one of part) refuseEffects(name, one as Expression);
  }
}

function argument(ctx: Context, of: Expression, parameter: Parameter, what: string): Value {
  const { type, isIgnored, isNullable, isSegment } = parameter;
  const value = ctx.value(of);
  if (type === 'any' || isIgnored) return value;
  if (isSegment !== isSegmentOfQueue(value)) {
    if (isSegment) throw new Refused(of.place, `the packet in the hook for ${what}`, 'segments of a queue are');
    throw new Refused(of.place, `a segment of a queue for ${what}`, 'the packet in the hook is');
  }
  if (type === 'route') {
    if (heldOf(value.type) === 'route') return value;
    throw new Refused(of.place, `${typeText(value.type)} for ${what}`, 'routes are pointers or errors');
  }
  const converted = convertTo(ctx, value, type, of.place, what);
  const held = heldOf(converted.type);
  if (!isNullable && ['socket', 'device', 'bucket', 'entry', 'route'].includes(held))
    requireSet(ctx, converted, of.place);
  return converted;
}

/** What stands for the holes of a row, and what its value became. */
function fill(
  ctx: Context,
  { name, place }: Call,
  row: FunctionRow,
  parameters: readonly Parameter[],
  values: readonly Value[],
): string {
  const { does = [] } = row;
  const texts = [...does, row.value ?? ''];
  const uses = (i: number): number =>
    texts
      .join('\n')
      .replace(/^\$\d+ = /gm, '')
      .split(`$${i + 1}`).length - 1;
  const holes = values.map((value, i) => {
    const { isIgnored, isWritten } = parameters[i] as Parameter;
    if (isIgnored || uses(i) === 0) return '';
    const code = holeCode(ctx, value, isWritten, place);
    const isHeld = uses(i) > 1 || does.length > 1;
    return isHeld && !isWritten && !isLasting(code) && !/^\w+$/.test(code) ? ctx.held(code) : code;
  });
  const locals = new Map<string, string>();
  const expanded = (text: string): string =>
    text.replace(/\$(\w+)/g, (hole, word: string) => {
      if (word === 'line') return ctx.line;
      if (word === 'where') return ctx.where;
      if (/^\d+$/.test(word)) return operand(holes[Number(word) - 1] as string);
      const local = locals.get(word) ?? ctx.temporary();
      locals.set(word, local);
      return hole === '' ? '' : local;
    });
  const shown = row.shows ? ctx.held('net.effects.length') : '';
  for (const line of does) {
    const [, written, source] = /^\$(\d+) = (.*);$/.exec(line) ?? [];
    if (written === undefined) ctx.add(expanded(line));
    else writeHole(ctx, values[Number(written) - 1] as Value, expanded(source as string), place);
  }
  if (row.moves) ctx.packetMoves();
  if (row.shows) ctx.add(`net = atLine(net, ${shown}, ${ctx.line});`);
  if (row.isSeen) ctx.add(`net = micro(net, '${name} returned', ${ctx.line});`);
  return row.value === undefined ? '' : expanded(row.value);
}

/** Code for an argument: a number, a truth value, or the record of a header or structure. */
function holeCode(ctx: Context, value: Value, writes: boolean, place: Place): string {
  if (value.type.kind === 'integer') return codeOf(value);
  if (value.target !== undefined) return codeOf(value.target.read());
  const structure = structureOf(value.type);
  if (heldOf(value.type) === 'header') return recordCode(ctx, value, structureRow(structure), 'common', writes, place);
  return value.code;
}

function writeHole(ctx: Context, value: Value, code: string, place: Place): void {
  if (value.target !== undefined) {
    const { type } = value.target;
    value.target.write(type.kind === 'integer' ? integerValue(type, code) : typedValue(type, code));
    return;
  }
  writeRecord(ctx, value, structureRow(structureOf(value.type)), code, place);
}

function result(name: string, row: FunctionRow, place: Place, values: readonly Value[], code: string): Value {
  const [first] = values;
  if (row.returns === 'void') return typedValue(VOID, '');
  if (row.returns === 'any') return first as Value;
  const type = tableType(row.returns, place);
  if (row.value === '$1' && first !== undefined) {
    return type.kind === 'integer' ? retyped(first, type) : { ...first, type };
  }
  if (type.kind === 'integer') return integerValue(type as IntegerType, code, row.range);
  const held = heldOf(type);
  const isFresh = held === 'header';
  const isSet = row.isSet === true || isFresh || ['host', 'nothing'].includes(held);
  const facts = { isSet, isFresh, reached: [], variable: -1, name: `${name}()` };
  return typedValue(type, code, facts);
}
