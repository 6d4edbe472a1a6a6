/** The conditions on SYNs as tables: which SYNs each would move, and what becomes of the promises. */
import { synFilters } from '../../model/patch/syn-filters.ts';
import { filterRows, SYN_KINDS } from '../../search/synShapes.ts';
import { type Results, readResult } from '../results.ts';
import { table } from './markdown.ts';

/** `all`, `none`, or `4 of 32`. */
function share([moved, all]: readonly [number, number]): string {
  return moved === 0 ? 'none' : moved === all ? 'all' : `${moved} of ${all}`;
}

/** The condition as code where it is C. */
function quoted(condition: string): string {
  return condition.includes('tp->') || condition.includes('skb->') ? `\`${condition}\`` : condition;
}

/** A row for every condition, a column for every kind of SYN. */
export function shapesTable(): string {
  const rows = filterRows().map(({ condition, moved }) => [
    quoted(condition),
    ...SYN_KINDS.map((kind) => share(moved[kind])),
  ]);
  return table([['moves a SYN if', ...SYN_KINDS], ...rows]);
}

/** A row for every condition, a column for every promise. */
export function promisesTable(paths: Results['syn-filters']['paths']): string {
  const conditions = [{ name: 'always', condition: 'always, as published' }, ...synFilters];
  const promises = Object.keys(paths.always ?? {});
  const rows = conditions.map(({ name, condition }) => [
    quoted(condition),
    ...promises.map((promise) => (paths[name]?.[promise] === '' ? 'sampled' : '**violated**')),
  ]);
  return table([['moves a SYN if', ...promises], ...rows]);
}

/** results/syn-filters.md. */
export function synFiltersText(): string {
  const { command, runs, paths } = readResult('syn-filters');
  return `# Conditions on the SYNs that move

Printed by \`npm run documents\`; the second table is what \`${command} --record\` recorded.

The post wanted to keep Fast Open out with \`tcp_header_len == skb->len\`, which it has switched off because it "did not
work". Which SYNs would each condition move, of all that \`tcp_connect()\` sends: MSS, SACK, timestamps, window scaling and
MD5, cookies of 4 to 16 bytes, with and without data?

${shapesTable()}

What becomes of the promises about Fast Open under version 2 with that condition, in ${runs.toLocaleString('en')} scenarios each
(\`--variant tcp-rehash-no-payload\` and so on)?

${promisesTable(paths)}
`;
}
