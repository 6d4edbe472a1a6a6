/** The recorded matrix as a document: what each promise is, what became of it, and on which release otherwise. */
import { variants } from '../../model/patch/index.ts';
import { REFERENCE } from '../../model/patch/releases/index.ts';
import { properties } from '../../properties/index.ts';
import { readResult, recordedOn } from '../results.ts';
import { table } from './markdown.ts';
import { differencesTable, matrixTable } from './matrix.ts';

/** How many promises of each class a variant breaks. */
export function summaryTable(): string {
  const recorded = recordedOn(REFERENCE);
  const concerns = [...new Set(properties.map(({ concern }) => concern))];
  const rowOf = (name: string, of: typeof properties) => [
    name,
    String(of.length),
    ...variants.map((variant) => String(of.filter(({ id }) => recorded[id]?.[variant.name] === 'violated').length)),
  ];
  const rows = concerns.map((concern) =>
    rowOf(
      concern,
      properties.filter((one) => one.concern === concern),
    ),
  );
  return table([['promises about', 'all', ...variants.map(({ name }) => name)], ...rows, rowOf('all', properties)]);
}

/** results/matrix.md. */
export function matrixText(): string {
  const commands = Object.values(readResult('matrix').releases).map(({ command }) => `- \`${command} --record\``);
  const claims = properties.map(({ id, claim, asked, onStock }) => {
    const why = onStock === '' ? '' : ` On the stock kernel: ${onStock}`;
    return `- \`${id}\`: ${claim} (${asked.join('; ')})${why}`;
  });
  return `# The matrix

Printed by \`npm run documents\` from what these commands recorded:

${commands.join('\n')}
- \`reroute-check prove --record\`

On Linux ${REFERENCE}. \`violated\`: a stored counterexample replays. \`sampled\`: fast-check ran its scenarios and none failed.
\`exhausted\` behind an outcome: z3 closed every path of every shape in its own scope, too. \`undecided\`: the budget ended
first, or the case that the property speaks of never occurred.

${matrixTable()}

## On other releases

The cells that differ:

${differencesTable()}

## What each property claims

${claims.join('\n')}
`;
}
