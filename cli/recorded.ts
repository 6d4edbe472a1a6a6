/** The recorded matrix and what differs on other releases, as FINDINGS.md and README.md show them. */

import { variants } from '../model/patch/index.ts';
import { REFERENCE } from '../model/patch/releases/index.ts';
import { DIFFERENCES, expected } from '../properties/expected.ts';
import { solved } from '../properties/solved.ts';

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
  return table([HEAD, ...rows]);
}

/** The matrix: what fast-check found, and behind it that z3 closed the cell in its scope. */
export function matrixTable(): string {
  const rows = Object.entries(expected).map(([id, row]) => [
    id,
    ...variants.map(({ name }) => {
      const closed = solved[id]?.[name] === 'exhausted' ? ', exhausted' : '';
      return row[name] === 'violated' ? '**violated**' : `${row[name]}${closed}`;
    }),
  ]);
  return table([['property', ...variants.map(({ name }) => name)], ...rows]);
}

function table([head = [], ...rows]: readonly (readonly string[])[]): string {
  const widths = head.map((word, at) => Math.max(word.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const lines = [head, widths.map((width) => '-'.repeat(width)), ...rows];
  return lines.map((row) => `| ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`).join('\n');
}
