/** The types of the subset: integers as wide as C has them on x86-64, structures of the kernel, and pointers to them. */
import type { TypeName } from './ast.ts';
import { meant, Refused } from './messages.ts';

export interface IntegerType {
  readonly kind: 'integer';
  readonly name: string;
  readonly bits: 8 | 16 | 32 | 64;
  readonly isSigned: boolean;
  /** `__be32` and its like: a number is kept as the kernel means it, so that htonl() changes nothing. */
  readonly isNetwork: boolean;
  /** `bool`, and what comparisons give: kept as a truth value. */
  readonly isTruth: boolean;
}

export interface StructureType {
  readonly kind: 'structure';
  readonly name: string;
}

export interface PointerType {
  readonly kind: 'pointer';
  readonly to: Type;
}

export interface VoidType {
  readonly kind: 'void';
}

export type Type = IntegerType | StructureType | PointerType | VoidType;

function integer(name: string, bits: IntegerType['bits'], isSigned: boolean, isNetwork = false): IntegerType {
  return { kind: 'integer', name, bits, isSigned, isNetwork, isTruth: false };
}

export const VOID: VoidType = { kind: 'void' };
export const INT = integer('int', 32, true);
export const UNSIGNED = integer('unsigned int', 32, false);
export const LONG = integer('long', 64, true);
export const UNSIGNED_LONG = integer('unsigned long', 64, false);
export const BOOL: IntegerType = { ...integer('bool', 8, false), isTruth: true };

/** Types by the words that name them, in any order but `signed`, `unsigned`, width. */
const SPELT: Readonly<Record<string, IntegerType>> = {
  char: integer('char', 8, true),
  'signed char': integer('signed char', 8, true),
  'unsigned char': integer('unsigned char', 8, false),
  short: integer('short', 16, true),
  'unsigned short': integer('unsigned short', 16, false),
  int: INT,
  signed: INT,
  'unsigned int': UNSIGNED,
  unsigned: UNSIGNED,
  long: LONG,
  'unsigned long': UNSIGNED_LONG,
  'long long': integer('long long', 64, true),
  'unsigned long long': integer('unsigned long long', 64, false),
  _Bool: BOOL,
};

const WIDTHS = [8, 16, 32, 64] as const;

function typedefs(): Record<string, IntegerType> {
  const all: Record<string, IntegerType> = {};
  for (const bits of WIDTHS) {
    for (const name of [`u${bits}`, `__u${bits}`, `u_int${bits}_t`, `uint${bits}_t`])
      all[name] = integer(name, bits, false);
    for (const name of [`s${bits}`, `__s${bits}`, `int${bits}_t`]) all[name] = integer(name, bits, true);
  }
  for (const name of ['__be16', '__sum16']) all[name] = integer(name, 16, false, true);
  for (const name of ['__be32', '__wsum']) all[name] = integer(name, 32, false, true);
  for (const name of ['size_t']) all[name] = integer(name, 64, false);
  for (const name of ['ssize_t', 'ptrdiff_t']) all[name] = integer(name, 64, true);
  for (const name of ['kuid_t', 'kgid_t', 'gfp_t', 'possible_net_t', 'uint', 'in_addr_t'])
    all[name] = integer(name, 32, false);
  return { ...all, bool: BOOL, uchar: integer('uchar', 8, false), ushort: integer('ushort', 16, false) };
}

const TYPEDEFS = typedefs();

/** The names of integer types that the parser has to know. */
export const TYPE_NAMES: ReadonlySet<string> = new Set(Object.keys(TYPEDEFS));

/** A type as it is written. `structures` are those that the table has. */
export function typeOf(name: TypeName, structures: ReadonlySet<string>): Type {
  let type = baseType(name, structures);
  for (let i = 0; i < name.pointers; i++) type = pointerTo(type);
  return type;
}

function baseType({ place, base }: TypeName, structures: ReadonlySet<string>): Type {
  if (base === 'void') return VOID;
  if (base.startsWith('enum ')) return UNSIGNED;
  if (base.startsWith('struct ')) {
    const name = base.slice('struct '.length);
    if (structures.has(name)) return { kind: 'structure', name };
    throw new Refused(place, `${base}, which the model does not have`, meant(name, structures));
  }
  const words = base.split(' ').filter((word) => word !== 'int' || base === 'int' || base === 'unsigned int');
  const found = SPELT[words.join(' ')] ?? SPELT[words.toSorted(signFirst).join(' ')] ?? TYPEDEFS[base];
  if (found !== undefined) return found;
  throw new Refused(place, `the type ${base}`, 'integers, structures of the kernel and pointers to them are supported');
}

function signFirst(a: string, b: string): number {
  return Number(b.includes('signed')) - Number(a.includes('signed'));
}

export function pointerTo(to: Type): PointerType {
  return { kind: 'pointer', to };
}

/** As C writes it. */
export function typeText(type: Type): string {
  switch (type.kind) {
    case 'void':
      return 'void';
    case 'integer':
      return type.name;
    case 'structure':
      return `struct ${type.name}`;
    case 'pointer':
      return `${typeText(type.to)}${type.to.kind === 'pointer' ? '' : ' '}*`;
  }
}

/** The structure that a pointer leads to; '' for other types. */
export function structureOf(type: Type): string {
  return type.kind === 'pointer' && type.to.kind === 'structure' ? type.to.name : '';
}

/** The least and the greatest number of a type. */
export function rangeOf({ bits, isSigned, isTruth }: IntegerType): readonly [number, number] {
  if (isTruth) return [0, 1];
  return isSigned ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1];
}
