/** `reroute-check check`: a review held against the recorded expectations. */
import { expectedOn } from '../properties/expected.ts';
import { EXIT } from './exit.ts';
import { makeReview, type ReviewOptions } from './review.ts';

export async function check(options: ReviewOptions): Promise<void> {
  const review = await makeReview(options);
  let different = 0;
  let open = 0;
  for (const cell of review.cells) {
    const recorded = expectedOn(review.release)[cell.property]?.[cell.variant] ?? 'nothing';
    if (cell.outcome === recorded) continue;
    if (cell.outcome === 'undecided') open++;
    else different++;
    process.stdout.write(
      `${cell.property} on ${cell.variant}: recorded ${recorded}, now ${cell.outcome}${cell.reason === '' ? '' : ` (${cell.reason})`}\n`,
    );
    if (cell.counterexample !== null)
      process.stdout.write(`  ${cell.counterexample.finding}\n  again: ${cell.counterexample.found.command}\n`);
  }
  process.stdout.write(`${review.cells.length - different - open} of ${review.cells.length} cells are as recorded\n`);
  process.exitCode = different > 0 ? EXIT.violated : open > 0 ? EXIT.undecided : EXIT.done;
}
