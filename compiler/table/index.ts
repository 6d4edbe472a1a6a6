/** What a text may use of the kernel, in one table, and how the model does it. */
import { constants } from './constants.ts';
import { functions } from './functions.ts';
import { structures } from './structures.ts';
import { config, idleWords, walks } from './words.ts';

export const table = { functions, structures, constants, walks, config, idleWords };

export type { ConstantRow, FieldRow, FunctionRow, Held, Part, StructureRow, WalkRow } from './rows.ts';
