/** Values as other types, and types as they are written. */
import type { Context } from './context.ts';
import { convert, numberCode } from './integers.ts';
import { type Place, Refused } from './messages.ts';
import { isSet, nullOf } from './pointers.ts';
import { table } from './table/index.ts';
import { BOOL, type Type, typeOf, typeText } from './types.ts';
import type { Value } from './values.ts';

const STRUCTURES: ReadonlySet<string> = new Set(Object.keys(table.structures));

/** A type that the table names. */
export function tableType(text: string, place: Place): Type {
  const [, base = '', stars = ''] = /^(?:const )?(.*?) ?(\**)$/.exec(text) ?? [];
  return typeOf({ place, base, pointers: stars.length }, STRUCTURES);
}

/** A type of the text. */
export function textType(name: Parameters<typeof typeOf>[0]): Type {
  return typeOf(name, STRUCTURES);
}

/** The value as that type, as assignments, arguments and `return` convert it. */
export function convertTo(ctx: Context, value: Value, type: Type, place: Place, what: string): Value {
  const wrongType = (): Refused =>
    new Refused(place, `${typeText(value.type)} for ${what}, which is ${typeText(type)}`);
  if (type.kind === 'integer') {
    if (value.type.kind === 'integer') return convert(value, type, place);
    if (value.type.kind === 'pointer' && type.isTruth) return convert(isSet(ctx, value), BOOL, place);
    throw wrongType();
  }
  if (type.kind === 'pointer') {
    if (value.isNull || (value.type.kind === 'integer' && value.constant === 0)) return nullOf(type);
    if (value.type.kind !== 'pointer') throw wrongType();
    if (typeText(value.type) === typeText(type) || type.to.kind === 'void') return value;
    throw wrongType();
  }
  if (type.kind === 'structure' && value.type.kind === 'structure' && value.type.name === type.name) return value;
  throw wrongType();
}

/** The value as a variable of its type holds it. */
export function normal(value: Value): Value {
  return value.type.kind === 'integer' ? { ...value, isTruth: value.type.isTruth } : value;
}

/** Code that hands a value on. */
export function codeOf(value: Value): string {
  if (value.type.kind !== 'integer') return value.code;
  return value.type.isTruth ? value.code : numberCode(value);
}
