/** The recorded matrix: what became of each promise, what each claims, and on which release it is otherwise. */
import { variants } from '../../model/patch/index.ts';
import { REFERENCE } from '../../model/patch/releases/index.ts';
import { properties } from '../../properties/index.ts';
import { sectionsOf } from '../../report/sections.ts';
import { outcomeText } from '../../search/outcome.ts';
import { type Judged, verdictsOf, verdictText } from '../../search/verdicts.ts';
import { readCounterexample } from '../files.ts';
import { readResult, recordedOn, solvedOn, worseOn } from '../results.ts';
import { WORSE } from '../terminal.ts';
import { table } from './markdown.ts';

/** A recorded cell. */
export interface RecordedCell {
  readonly property: string;
  readonly variant: string;
  readonly outcome: string;
}

export function cellsOf(outcomes: Readonly<Record<string, Readonly<Record<string, string>>>>): readonly RecordedCell[] {
  return Object.entries(outcomes).flatMap(([property, row]) =>
    Object.entries(row).map(([variant, outcome]) => ({ property, variant, outcome })),
  );
}

/** The recorded outcomes on a release in words, which say what is worse than stock. */
function wordsOn(release: string): Readonly<Record<string, Readonly<Record<string, string>>>> {
  const worse = worseOn(release);
  const words: Record<string, Record<string, string>> = {};
  for (const { property, variant, outcome } of cellsOf(recordedOn(release)))
    words[property] = {
      ...words[property],
      [variant]: outcomeText(outcome, worse[property]?.includes(variant) === true),
    };
  return words;
}

/** Cells whose outcome on another release is not that of the reference, by release. */
function differences(): readonly (RecordedCell & { readonly release: string })[] {
  const reference = wordsOn(REFERENCE);
  return Object.keys(readResult('matrix').releases).flatMap((release) =>
    cellsOf(wordsOn(release))
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
  const reference = wordsOn(REFERENCE);
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
  const recorded = wordsOn(REFERENCE);
  const cellText = (id: string, name: string) => {
    const closed = solved[id]?.[name] === 'exhausted' ? ', exhausted' : '';
    const words = recorded[id]?.[name] ?? '';
    return words.startsWith('violated') ? `**${words}**` : `${words}${closed}`;
  };
  const rows = sectionsOf(properties).flatMap(({ heading, promises }) => [
    [`_${heading}_`, ...variants.map(() => '')],
    ...promises.map(({ id }) => [id, ...variants.map(({ name }) => cellText(id, name))]),
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
  const worse = worseOn(REFERENCE);
  const keptByStock = [
    'of these, where stock keeps it',
    '',
    ...variants.map(({ name }) => String(properties.filter(({ id }) => worse[id]?.includes(name)).length)),
  ];
  const names = variants.map(({ name }) => name);
  return table([['promises about', 'all', ...names], ...rows, rowOf('all', properties), keptByStock]);
}

/** The recorded cells of the reference, with what verdicts ask of them. */
export function judgedCells(): readonly Judged[] {
  const worse = worseOn(REFERENCE);
  return cellsOf(recordedOn(REFERENCE)).map((cell) => ({
    ...cell,
    worse: worse[cell.property]?.includes(cell.variant) === true,
    finding: readCounterexample(cell.property, cell.variant)?.finding ?? '',
  }));
}

/** What a reviewer asks first, for each variant. */
export function verdictsList(): string {
  const names = variants.map(({ name }) => name);
  return verdictsOf(properties, names, judgedCells())
    .map((verdict) => `- **${verdict.variant}** ${verdictText(verdict)}`)
    .join('\n');
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

On Linux ${REFERENCE}. \`violated\`: a stored counterexample replays; worse than stock: ${WORSE}. \`sampled\`: fast-check ran its scenarios and none failed.
\`exhausted\` behind an outcome: z3 closed every path of every shape in its own scope, too. \`undecided\`: the budget ended
first, or the case that the property speaks of never occurred.

${verdictsList()}

${matrixTable()}

## On other releases

The cells that differ. No cell speaks of what the guard at the top of the texts is for: a raw socket's header that is too short for one of IP
(\`send … short\`) reaches the hook on 4.1 alone, where the texts let it pass, and such a packet breaks no promise; 6.1 and 6.18 refuse it.

${differencesTable()}

## What each property claims

${claims.join('\n')}
`;
}
