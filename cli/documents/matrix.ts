/** The recorded matrix: what became of each promise, what each claims, and on which release it is otherwise. */
import { variants } from '../../model/patch/index.ts';
import { REFERENCE } from '../../model/patch/releases/index.ts';
import { properties } from '../../properties/index.ts';
import { type Outcomes, readResult, recordedOn, solvedOn } from '../results.ts';
import { table } from './markdown.ts';

/** A recorded cell. */
export interface RecordedCell {
  readonly property: string;
  readonly variant: string;
  readonly outcome: string;
}

export function cellsOf(outcomes: Outcomes): readonly RecordedCell[] {
  return Object.entries(outcomes).flatMap(([property, row]) =>
    Object.entries(row).map(([variant, outcome]) => ({ property, variant, outcome })),
  );
}

/** Cells whose outcome on another release is not that of the reference, by release. */
export function differences(): readonly (RecordedCell & { readonly release: string })[] {
  const reference = recordedOn(REFERENCE);
  return Object.entries(readResult('matrix').releases).flatMap(([release, { outcomes }]) =>
    cellsOf(outcomes)
      .filter(({ property, variant, outcome }) => outcome !== reference[property]?.[variant])
      .map((cell) => ({ ...cell, release })),
  );
}

/** The words that occur, each once. */
function together(words: readonly string[]): string {
  return [...new Set(words)].join(' or ');
}

/** A row for every release and property. */
export function differencesTable(): string {
  const reference = recordedOn(REFERENCE);
  const all = differences();
  const rows = [...new Set(all.map(({ release, property }) => `${release} ${property}`))].map((row) => {
    const cells = all.filter(({ release, property }) => `${release} ${property}` === row);
    const [release = '', property = ''] = row.split(' ');
    const recorded = reference[property] ?? {};
    const names = cells.map(({ variant }) => variant);
    return [
      release,
      property,
      names.length === Object.keys(recorded).length ? 'all' : names.join(', '),
      together(names.map((name) => recorded[name] ?? '')),
      together(cells.map(({ outcome }) => outcome)),
    ];
  });
  return table([['on', 'property', 'variants', `outcome, ${REFERENCE}`, 'outcome there'], ...rows]);
}

/** A row for every property: what fast-check found, and behind it that z3 closed the cell in its scope. */
export function matrixTable(): string {
  const solved = solvedOn(REFERENCE);
  const rows = Object.entries(recordedOn(REFERENCE)).map(([id, row]) => [
    id,
    ...variants.map(({ name }) => {
      const closed = solved[id]?.[name] === 'exhausted' ? ', exhausted' : '';
      return row[name] === 'violated' ? '**violated**' : `${row[name]}${closed}`;
    }),
  ]);
  return table([['property', ...variants.map(({ name }) => name)], ...rows]);
}

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
