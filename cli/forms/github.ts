/** A review for GitHub Actions: an annotation for what fails, and a summary of the job. */
import type { Cell } from '../../search/outcome.ts';
import type { Judged } from '../judge.ts';
import { markdown } from './markdown.ts';
import { placesOf } from './places.ts';

/** Errors of one step that GitHub shows. */
const MOST = 10;

/** Bytes of a summary that GitHub takes. */
const MOST_SUMMARY = 1_000_000;

/** The workflow commands, a line each. */
export function annotations({ review, failure }: Judged): string {
  const failing = review.cells.flatMap((cell) => {
    const message = failure(cell);
    return message === undefined ? [] : [{ cell, message }];
  });
  const shown = failing.length <= MOST ? failing : failing.slice(0, MOST - 1);
  const lines = shown.map(({ cell, message }) => annotation(cell, message));
  const rest = failing.slice(shown.length).map(({ cell }) => `${cell.property} on ${cell.variant}`);
  if (rest.length > 0) lines.push(`::error title=${rest.length} more::${data(rest.join('\n'))}`);
  return lines.map((line) => `${line}\n`).join('');
}

/** The text for the job's summary. */
export function summary(judged: Judged): string {
  const { review, failure } = judged;
  const failing = review.cells.filter((cell) => failure(cell) !== undefined);
  const head = failing.map((cell) => `- **${cell.property} on ${cell.variant}**: ${failure(cell)}`);
  const text = [...(head.length === 0 ? ['Nothing fails.'] : head), '', markdown(review)].join('\n');
  return text.length < MOST_SUMMARY ? text : `${head.join('\n').slice(0, MOST_SUMMARY)}\n`;
}

function annotation(cell: Cell, message: string): string {
  const { counterexample, property, variant } = cell;
  const title = `title=${field(`${property} on ${variant}`)}`;
  if (counterexample === null) return `::error ${title}::${data(message)}`;
  const { broken } = placesOf(counterexample);
  const { finding, host, events, found } = counterexample;
  const text = [...new Set([message, finding]), ...host, ...events, `again: ${found.command}`].join('\n');
  return `::error file=${field(broken.file)},line=${broken.line},${title}::${data(text)}`;
}

function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function field(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
