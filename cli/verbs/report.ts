/** `reroute-check report`: a review in a form for other programs and readers. */
import type { EngineName, Review } from '../../search/outcome.ts';
import { counterexamplePath, readLastReview, writeLastReview, writeWhole } from '../files.ts';
import { page } from '../page.ts';
import { cellOf, exhaustedScopes, outcomesOf } from '../terminal.ts';
import { makeReview } from './review.ts';

export interface ReportOptions {
  readonly format: 'json' | 'markdown' | 'html';
  readonly output?: string;
  readonly new?: boolean;
  readonly engine?: EngineName | 'all';
}

const FORMS: Record<ReportOptions['format'], (review: Review) => string> = {
  json: (review) => `${JSON.stringify(review, null, 2)}\n`,
  markdown,
  html: (review) => page(review),
};

export async function report(options: ReportOptions): Promise<void> {
  let review = options.new ? undefined : readLastReview();
  if (review === undefined) {
    review = await makeReview(options.engine === undefined ? {} : { engine: options.engine });
    writeLastReview(review);
  }
  const text = FORMS[options.format](review);
  if (options.output === undefined) process.stdout.write(text);
  else writeWhole(options.output, text);
}

/** The matrix as a Markdown table, then the findings. */
export function markdown(review: Review): string {
  const names = review.variants.map(({ name }) => name);
  const lines = [`| property | ${names.join(' | ')} |`, `| --- |${' --- |'.repeat(names.length)}`];
  for (const { id } of review.properties) {
    const cells = names.map((name) => {
      const cell = cellOf(review, id, name);
      const { counterexample } = cell;
      const text = outcomesOf(cell).join(' + ');
      return counterexample === null ? text : `[${text}](${counterexamplePath(id, name, counterexample.release)})`;
    });
    lines.push(`| ${id} | ${cells.join(' | ')} |`);
  }
  for (const scope of exhaustedScopes(review)) lines.push('', scope);
  for (const name of names) {
    const violated = review.cells.filter((cell) => cell.variant === name && cell.counterexample !== null);
    if (violated.length > 0) lines.push('', `## ${name}`, '');
    for (const cell of violated) lines.push(`- \`${cell.property}\`: ${cell.counterexample?.finding}`);
  }
  return `${lines.join('\n')}\n\n\`${review.command}\`\n`;
}
