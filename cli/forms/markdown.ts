/** A review as Markdown. */
import { type Outcome, outcomeText, type Review } from '../../search/outcome.ts';
import { verdictText } from '../../search/verdicts.ts';
import { counterexamplePath } from '../files.ts';
import { cellOf, exhaustedScopes, outcomesOf, WORSE } from '../terminal.ts';

/** What the outcomes mean, those that occur. */
const MEANINGS: Readonly<Record<Outcome, string>> = {
  violated: 'a counterexample replays',
  exhausted: 'every path of the scope was closed',
  sampled: 'scenarios were played, and none failed',
  undecided: 'the budget ended first, or its case never occurred',
};

/** Title, circumstances, the matrix as a table with its legend, then the findings. */
export function markdown(review: Review): string {
  const names = review.variants.map(({ name }) => name);
  const { release, date, seed, runs, version, interrupted, cells } = review;
  const lines = [
    `# Review of Linux ${release}, ${date}`,
    '',
    `${runs.toLocaleString('en')} scenarios of a whole scope, seed ${seed}, reroute-check ${version}${interrupted ? '; interrupted' : ''}. Again: \`${review.command}\``,
    '',
    ...review.verdicts.map((verdict) => `- ${verdict.variant} ${verdictText(verdict)}`),
    '',
    `| property | ${names.join(' | ')} |`,
    `| --- |${' --- |'.repeat(names.length)}`,
  ];
  for (const { id } of review.properties) {
    const row = names.map((name) => {
      const cell = cellOf(review, id, name);
      const { counterexample } = cell;
      const text = outcomesOf(cell)
        .map((outcome) => outcomeText(outcome, cell.worse))
        .join(' + ');
      return counterexample === null ? text : `[${text}](${counterexamplePath(id, name, counterexample.release)})`;
    });
    lines.push(`| ${id} | ${row.join(' | ')} |`);
  }
  const seen = new Set(cells.flatMap(outcomesOf));
  lines.push('');
  for (const [outcome, meaning] of Object.entries(MEANINGS))
    if (seen.has(outcome as Outcome)) lines.push(`- ${outcome}: ${meaning}`);
  if (cells.some(({ worse }) => worse)) lines.push(`- worse than stock: ${WORSE}`);
  for (const scope of exhaustedScopes(review)) lines.push('', scope);
  for (const name of names) {
    const violated = cells.filter((cell) => cell.variant === name && cell.counterexample !== null);
    if (violated.length > 0) lines.push('', `## ${name}`, '');
    for (const cell of violated) lines.push(`- \`${cell.property}\`: ${cell.counterexample?.finding}`);
  }
  return `${lines.join('\n')}\n`;
}
