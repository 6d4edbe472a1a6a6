/** Says what in the given files is outside the dialect: `npx tsx tools/checkDialect.ts FILE…`. */
import { readFileSync } from 'node:fs';
import { argv } from 'node:process';
import { dialectErrors } from '../solver/lift.ts';

const errors = argv.slice(2).flatMap((path) => dialectErrors(path, readFileSync(path, 'utf8')));
for (const error of errors) console.log(error);
process.exitCode = errors.length > 0 ? 1 : 0;
