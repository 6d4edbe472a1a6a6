/** What variables hold that nobody has set: something, where that is never looked at, else what the memory held before. */
import { structureRow } from './context.ts';
import { nullOf } from './pointers.ts';
import type { Type } from './types.ts';

/** Code for a value that is never looked at. */
export function emptyCode(type: Type): string {
  if (type.kind === 'integer') return type.isTruth ? 'false' : '0';
  if (type.kind === 'structure') return structureRow(type.name).zero ?? '1';
  return nullOf(type).code;
}

/** What a variable of that type holds while nobody has set it. */
export function wildCode(type: Type): string {
  if (type.kind === 'structure') return structureRow(type.name).wild ?? emptyCode(type);
  if (type.kind !== 'integer') return emptyCode(type);
  const { bits, isSigned, isTruth } = type;
  if (isTruth) return 'net.picks.stack !== 0';
  if (bits >= 32) return isSigned ? 'net.picks.stack | 0' : 'net.picks.stack';
  return isSigned ? `(net.picks.stack << ${32 - bits}) >> ${32 - bits}` : `net.picks.stack & ${2 ** bits - 1}`;
}
