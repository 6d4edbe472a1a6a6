/** Measures what the search exercises and writes COVERAGE.md; exits 1 when a gap has no reason. */
import { parseArgs } from 'node:util';
import { properties } from '../properties/index.ts';
import { measureCoverage } from '../tools/coverage/measure.ts';
import { coverageReport } from '../tools/coverage/report.ts';
import { writeWhole } from './files.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '4000' },
    seed: { type: 'string', default: '1' },
    output: { type: 'string' },
  },
});
const command = `npm run coverage -- --runs ${values.runs} --seed ${values.seed}`;
const { text, unexplained } = coverageReport(
  measureCoverage(properties, Number(values.seed), Number(values.runs)),
  command,
);
if (values.output === undefined) process.stdout.write(text);
else writeWhole(values.output, text);
for (const gap of unexplained) process.stderr.write(`without a reason: ${gap}\n`);
process.exitCode = unexplained.length > 0 ? 1 : 0;
