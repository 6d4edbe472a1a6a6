/** `reroute-check check`: a review held against the recorded results. */

import { answersOf, asRecorded } from '../../search/outcome.ts';
import { EXIT } from '../exit.ts';
import { recordedOn, solvedOn } from '../results.ts';
import { makeReview, type ReviewOptions } from './review.ts';

export async function check(options: ReviewOptions): Promise<void> {
  const review = await makeReview(options);
  const records = { 'fast-check': recordedOn(review.release), z3: solvedOn(review.release) };
  let asked = 0;
  let different = 0;
  let open = 0;
  for (const cell of review.cells) {
    for (const { engine, scope, outcome, reason } of answersOf(cell)) {
      const record = records[engine][cell.property]?.[cell.variant];
      if (record === undefined && engine === 'z3') continue;
      asked++;
      const recorded = record ?? 'nothing';
      if (asRecorded(outcome, recorded)) continue;
      if (outcome === 'undecided') open++;
      else different++;
      const by = engine === 'z3' ? `, z3 in ${scope}` : '';
      process.stdout.write(
        `${cell.property} on ${cell.variant}${by}: recorded ${recorded}, now ${outcome}${reason === '' ? '' : ` (${reason})`}\n`,
      );
      if (cell.counterexample !== null && cell.engine === engine)
        process.stdout.write(`  ${cell.counterexample.finding}\n  again: ${cell.counterexample.found.command}\n`);
    }
  }
  process.stdout.write(`${asked - different - open} of ${asked} answers are as recorded\n`);
  process.exitCode = different > 0 ? EXIT.violated : open > 0 ? EXIT.undecided : EXIT.done;
}
