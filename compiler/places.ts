/** Places that a text reads and writes: variables, and members of structures behind pointers. */
import type { Expression } from './ast.ts';
import { type Context, structureRow } from './context.ts';
import { codeOf, convertTo, tableType } from './conversions.ts';
import { listed, meant, type Place, Refused } from './messages.ts';
import { factsOf, followHeader, heldOf, heldPointer, isFresh, reach, requireSet, socketCode } from './pointers.ts';
import type { Variable } from './scope.ts';
import type { FieldRow, StructureRow } from './table/index.ts';
import { type IntegerType, pointerTo, rangeOf, structureOf, type Type, typeText } from './types.ts';
import { integerValue, type Location, NOTHING_KNOWN, operand, typedValue, type Value } from './values.ts';

/** The place that an expression names. */
export function locate(ctx: Context, of: Expression): Location {
  switch (of.kind) {
    case 'name': {
      const variable = ctx.scope.find(of.name);
      if (variable !== undefined) return variableLocation(ctx, variable, of.place);
      throw new Refused(of.place, `${of.name} is no variable of the text`, meant(of.name, visibleNames(ctx)));
    }
    case 'member':
      return memberLocation(ctx, of);
    case 'dereference': {
      const pointer = ctx.value(of.of);
      if (pointer.target !== undefined) return pointer.target;
      throw new Refused(of.place, `* of ${typeText(pointer.type)}`, 'members are reached with ->');
    }
    case 'index': {
      ctx.value(of.index);
      const base = ctx.value(of.of);
      if (base.type.kind === 'pointer' && heldOf(base.type) === 'nothing')
        return readOnly({ ...base, type: base.type.to }, of.place);
      throw new Refused(of.place, 'an element of an array', 'variables and members of structures are supported');
    }
    case 'call': {
      const value = ctx.value(of);
      return readOnly(value, of.place);
    }
    default:
      throw new Refused(of.place, 'this is no place that can be written', 'variables and members of structures are');
  }
}

/** What a call gives can be read once. */
function readOnly(value: Value, place: Place): Location {
  return {
    type: value.type,
    read: () => value,
    write: () => {
      throw new Refused(place, 'the result of a call cannot be written');
    },
  };
}

export function visibleNames(ctx: Context): string[] {
  return [...ctx.scope.visible()].map(({ name }) => name);
}

/** A variable by itself; of a pointer to a known place, what it leads to is behind `target`. */
export function variableLocation(ctx: Context, variable: Variable, place: Place): Location {
  const { type, code, role, id, name } = variable;
  const read = (): Value => {
    if (role === 'constant') return variable.value as Value;
    if (!ctx.facts.has('is', id) && (role === 'value' || role === 'implicit')) noteUnset(variable, place);
    const facts = factsOf(ctx, id, name);
    if (role === 'implicit') return typedValue(type, implicitCode(type), { ...facts, isSet: true });
    if (role === 'value' && type.kind === 'integer') return integerValue(type, code);
    if (role === 'value' || type.kind !== 'pointer') return typedValue(type, code, facts);
    return { ...typedValue(type, '', { ...facts, isSet: true }), target: targetLocation(ctx, variable, place) };
  };
  const write = (value: Value): void => {
    const converted = convertTo(ctx, value, type, place, name);
    if (role === 'implicit' && !converted.isNull) ctx.facts.learn('is', id);
    else if (role === 'value') {
      ctx.add(`${code} = ${codeOf(converted)};`);
      remember(ctx, variable, converted);
    } else throw new Refused(place, `${name} gets another value`, `${typeText(type)} keeps the one that it began with`);
  };
  return { type, read, write };
}

function implicitCode(type: Type): string {
  const held = heldOf(type);
  return held === 'packet' ? 'skb' : held === 'host' ? 'net' : 'state';
}

/** A variable has that value from here on. */
export function remember({ facts }: Context, { id }: Variable, { pointer }: Value): void {
  // `p = p` leaves p where it was.
  if (pointer.variable === id) return;
  facts.forget(id);
  facts.learn('is', id);
  if (pointer.variable >= 0) facts.follow(id, pointer.variable);
  if (pointer.isSet) facts.learn('not-null', id);
  if (pointer.isFresh) facts.learn('fresh', id);
}

function noteUnset(variable: Variable, place: Place): void {
  if (variable.type.kind === 'pointer') {
    throw new Refused(
      place,
      `${variable.name} is used where it may not be set`,
      'an integer would hold what the stack held',
    );
  }
  variable.isReadUnset = true;
}

/** What a pointer variable leads to, where that is a place that is known. */
function targetLocation(ctx: Context, variable: Variable, place: Place): Location {
  const { location, role, code, id } = variable;
  if (role === 'alias' && location !== undefined) return location;
  const to = (variable.type as { to: Type }).to;
  const type: Type = role === 'segment' ? { kind: 'structure', name: 'tcp_skb_cb' } : to;
  return {
    type,
    read: () => {
      if (role === 'target' && !ctx.facts.has('is', id)) variable.isReadUnset = true;
      return type.kind === 'integer' ? integerValue(type, code) : typedValue(type, code);
    },
    write: (value) => {
      ctx.add(`${code} = ${codeOf(convertTo(ctx, value, type, place, `*${variable.name}`))};`);
      ctx.facts.learn('is', id);
    },
  };
}

// members

/** Where a chain of members begins: a pointer, or a structure. */
interface Chain {
  readonly base: Expression;
  readonly path: readonly { readonly name: string; readonly place: Place }[];
  readonly isPointer: boolean;
}

function chainOf(of: Expression & { kind: 'member' }): Chain {
  const path: { name: string; place: Place }[] = [];
  let at: Expression = of;
  while (at.kind === 'member') {
    path.unshift({ name: at.name, place: at.place });
    if (at.isArrow) return { base: at.of, path, isPointer: true };
    at = at.of;
  }
  return { base: at, path, isPointer: false };
}

function memberLocation(ctx: Context, of: Expression & { kind: 'member' }): Location {
  const { base, path, isPointer } = chainOf(of);
  if (isPointer) {
    const given = ctx.value(base);
    const pointer = ctx.keepsPointers ? heldPointer(ctx, given) : given;
    const structure = structureOf(pointer.type);
    if (structure === '')
      throw new Refused(of.place, `-> of ${typeText(pointer.type)}`, 'pointers to structures have members');
    if (pointer.target !== undefined) return memberOfRecord(ctx, pointer.target, path);
    return memberBehind(ctx, pointer, structure, path);
  }
  const record = locate(ctx, base);
  if (record.type.kind !== 'structure')
    throw new Refused(of.place, `. of ${typeText(record.type)}`, 'structures have members');
  return memberOfRecord(ctx, record, path);
}

/** The row of the longest beginning of a path that the structure has, and how much of the path is left. */
function rowOf(
  structure: string,
  path: Chain['path'],
): { readonly row: FieldRow; readonly name: string; readonly rest: Chain['path'] } {
  const { fields, begins } = structureRow(structure);
  for (let length = path.length; length > 0; length--) {
    const name = path
      .slice(0, length)
      .map((one) => one.name)
      .join('.');
    const row = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (row !== undefined) return { row, name, rest: path.slice(length) };
  }
  const [first] = path as [{ name: string; place: Place }];
  if (begins?.member === first.name && path.length > 1) return rowOf(begins.with, path.slice(1));
  const known = Object.keys(fields);
  const name = path.map((one) => one.name).join('.');
  const near = meant(name, known);
  throw new Refused(
    first.place,
    `struct ${structure} has no ${name} in the model`,
    near !== '' ? near : known.length === 0 ? 'it has no members there' : `it has ${listed(known)}`,
  );
}

/** A pointer to the structure that another begins with: `&rt->dst`. undefined when the member is no such structure. */
export function beginning(pointer: Value, member: string): Value | undefined {
  const { begins } = structureRow(structureOf(pointer.type));
  if (begins?.member !== member) return undefined;
  return { ...pointer, type: pointerTo({ kind: 'structure', name: begins.with }) };
}

/** A member of a structure that a pointer leads to. */
function memberBehind(ctx: Context, pointer: Value, structure: string, path: Chain['path']): Location {
  const { place } = path[0] as { place: Place };
  const begin = beginning(pointer, path[0]?.name ?? '');
  if (begin !== undefined && path.length > 1) return memberBehind(ctx, begin, structureOf(begin.type), path.slice(1));
  const { row, name, rest } = rowOf(structure, path);
  const location = fieldLocation(ctx, pointer, structureRow(structure), row, name, place);
  return rest.length === 0 ? location : memberOfRecord(ctx, location, rest);
}

/** A member of a structure that is a place itself. */
export function memberOfRecord(ctx: Context, record: Location, path: Chain['path']): Location {
  const structure = (record.type as { name: string }).name;
  const { row, name, rest } = rowOf(structure, path);
  const { place } = path[0] as { place: Place };
  const type = tableType(row.type, place);
  const location: Location = {
    type,
    isIgnored: row.ignored !== undefined,
    read: () => fieldValue(row, name, type, record.read().code, place),
    write: (value) => {
      if (row.ignored !== undefined) {
        ctx.unit.ignores(`${name} of struct ${structure}`, row.ignored, place);
        return;
      }
      const code = codeOf(convertTo(ctx, value, type, place, name));
      const whole = record.read();
      const to: Value = typedValue(
        record.type,
        `{ ...${whole.code}, ${writeCode(row, name, whole.code, code, structure, place)} }`,
      );
      record.write(to);
    },
  };
  return rest.length === 0 ? location : memberOfRecord(ctx, location, rest);
}

/** The value of a member of that record. */
function fieldValue(row: FieldRow, name: string, type: Type, record: string, place: Place): Value {
  if (row.ignored !== undefined) throw new Refused(place, `${name} is read`, row.ignored);
  const code = row.read === undefined ? `${record}.${name}` : row.read.replaceAll('$', record);
  if (type.kind !== 'integer') return typedValue(type, code, { ...NOTHING_KNOWN, isSet: row.isSet === true, name });
  return integerValue(type as IntegerType, code, row.range ?? rangeOf(type));
}

/** The fields of a record that a write changes. */
function writeCode(
  row: FieldRow,
  name: string,
  record: string,
  value: string,
  structure: string,
  place: Place,
): string {
  if (row.write === undefined)
    throw new Refused(place, `${name} of struct ${structure} is written`, 'the model can only read it');
  return row.write.replace(/\$v?/g, (hole) => (hole === '$v' ? value : record));
}

/** A member behind a pointer that the model keeps as a number, or that there is one of. */
function fieldLocation(
  ctx: Context,
  pointer: Value,
  structure: StructureRow,
  row: FieldRow,
  name: string,
  place: Place,
): Location {
  const type = tableType(row.type, place);
  const part = row.part ?? 'common';
  const structureName = structureOf(pointer.type);
  const read = (): Value => fieldValue(row, name, type, recordCode(ctx, pointer, structure, part, false, place), place);
  const write = (given: Value): void => {
    const value = convertTo(ctx, given, type, place, name);
    if (row.ignored !== undefined) {
      ctx.unit.ignores(`${name} of struct ${structureName}`, row.ignored, place);
      return;
    }
    const known = recordCode(ctx, pointer, structure, part, true, place);
    const record = structure.held === 'socket' ? socketCode(pointer, 'common') : known;
    const changed = `{ ...${record}, ${writeCode(row, name, record, codeOf(value), structureName, place)} }`;
    writeRecord(ctx, pointer, structure, changed, place);
    if (row.isSeen) ctx.add(`net = micro(net, '${name} written', ${ctx.line});`);
  };
  return { type, isIgnored: row.ignored !== undefined, read, write };
}

/** Code for the record that a pointer leads to. */
export function recordCode(
  ctx: Context,
  pointer: Value,
  structure: StructureRow,
  part: 'common' | 'inet' | 'tcp',
  writes: boolean,
  place: Place,
): string {
  switch (structure.held) {
    case 'packet':
      return 'skb';
    case 'host':
      return 'net';
    case 'state':
      return 'state';
    case 'header':
      return followHeader(ctx, pointer, writes);
    case 'socket':
      reach(ctx, pointer, part, place);
      return socketCode(pointer, part);
    case 'device':
      requireSet(ctx, pointer, place);
      return `dev_get_by_index(net, ${pointer.code})`;
    case 'bucket':
      requireSet(ctx, pointer, place);
      return `inet_bind_bucket_find(net, ${pointer.code})`;
    case 'entry':
      requireSet(ctx, pointer, place);
      return `getCt(net, ${pointer.code})`;
    case 'route':
      requireSet(ctx, pointer, place);
      if (structure.made !== undefined)
        ctx.add(`net = ${structure.made}(net, ${pointer.code}, ${ctx.where}, ${ctx.line});`);
      return operand(pointer.code);
    case 'record':
    case 'segment':
      return pointer.target?.read().code ?? pointer.code;
    case 'nothing':
      return '1';
  }
}

/** Replaces the record that a pointer leads to. */
export function writeRecord(ctx: Context, pointer: Value, structure: StructureRow, record: string, place: Place): void {
  switch (structure.held) {
    case 'packet':
      ctx.add(`skb = ${record};`);
      return;
    case 'header':
      writeHeader(ctx, pointer, String(structure.header), record);
      return;
    case 'socket':
      ctx.add(`net = setSock(net, ${record});`);
      return;
    case 'bucket':
      ctx.add(`net = setBucket(net, ${record});`);
      return;
    case 'entry':
      ctx.add(`net = setCt(net, ${record});`);
      return;
    case 'record':
    case 'segment':
      pointer.target?.write(typedValue(pointer.target.type, record));
      return;
    default:
      throw new Refused(
        place,
        `a write to ${structure.what}`,
        'packets, headers, sockets and structures of the text can be written',
      );
  }
}

const HEADER_WRITERS: Readonly<Record<string, string>> = {
  iph: 'writeIph',
  th: 'writeTh',
  uh: 'writeUh',
  icmph: 'writeIcmph',
};

function writeHeader(ctx: Context, pointer: Value, header: string, record: string): void {
  if (isFresh(ctx, pointer)) {
    ctx.add(`skb = { ...skb, ${header}: ${record} };`);
    return;
  }
  const held = ctx.held(`${HEADER_WRITERS[header]}(skb, frame, ${pointer.code}, ${record})`);
  ctx.add(`skb = ${held}.skb;`);
  ctx.add(`frame = ${held}.frame;`);
}
