/** The cells of the matrix that differ on another release, as FINDINGS.md and README.md list them. */
import { REFERENCE } from '../model/releases/index.ts';
import { DIFFERENCES, expected } from '../properties/expected.ts';

const HEAD: readonly string[] = ['on', 'property', 'variants', `outcome, ${REFERENCE}`, 'outcome there'];

/** The words that occur, each once. */
function together(words: readonly string[]): string {
  return [...new Set(words)].join(' or ');
}

/** A Markdown table with a row for every release and property. */
export function differencesTable(): string {
  const rows = Object.entries(DIFFERENCES).flatMap(([release, of]) =>
    Object.entries(of).map(([id, row]): readonly string[] => {
      const recorded = expected[id] ?? {};
      const names = Object.keys(row);
      const variants = names.length === Object.keys(recorded).length ? 'all' : names.join(', ');
      return [release, id, variants, together(names.map((name) => recorded[name] ?? '')), together(Object.values(row))];
    }),
  );
  const widths = HEAD.map((word, at) => Math.max(...[HEAD, ...rows].map((row) => row[at]?.length ?? word.length)));
  const lines = [HEAD, widths.map((width) => '-'.repeat(width)), ...rows];
  return lines.map((row) => `| ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`).join('\n');
}
