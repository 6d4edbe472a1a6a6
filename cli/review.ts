/** `reroute-check review`: the matrix, and a sentence for every violated cell. */
import { rmSync } from 'node:fs';
import { variants } from '../model/variants/index.ts';
import packageJson from '../package.json' with { type: 'json' };
import { properties } from '../properties/index.ts';
import { searchWith } from '../search/engines.ts';
import type { Engine, Review } from '../search/outcome.ts';
import { RUNS, SEED } from '../search/review.ts';
import { counterexamplePath, writeCounterexample, writeLastReview } from './files.ts';
import { matrixText } from './matrix.ts';
import { progress } from './progress.ts';

export interface ReviewOptions {
  readonly engine?: Engine | 'all';
  readonly seed?: number;
  readonly runs?: number;
  readonly budget?: number;
}

/** Makes a review; nothing is written. */
export async function makeReview(options: ReviewOptions): Promise<Review> {
  const seed = options.seed ?? SEED;
  const runs = options.runs ?? RUNS;
  const show = progress();
  const engine = options.engine ?? 'fast-check';
  const cells = await searchWith(engine, {
    properties,
    kernels: variants,
    seed,
    runs,
    budget: (options.budget ?? Number.POSITIVE_INFINITY) * 1000,
    progress: show.say,
  });
  show.done();
  return {
    version: packageJson.version,
    seed,
    command: `reroute-check review --seed ${seed} --runs ${runs}${engine === 'fast-check' ? '' : ` --engine ${engine}`}`,
    properties: properties.map(({ id, concern, claim }) => ({ id, concern, claim })),
    variants: variants.map(({ name, title }) => ({ name, title })),
    cells,
  };
}

/** Makes a review, stores it and its counterexamples, and prints it. */
export async function review(options: ReviewOptions): Promise<void> {
  const result = await makeReview(options);
  for (const cell of result.cells) {
    if (cell.counterexample !== null) writeCounterexample(cell.counterexample);
    else if (cell.outcome !== 'undecided') rmSync(counterexamplePath(cell.property, cell.variant), { force: true });
  }
  writeLastReview(result);
  process.stdout.write(matrixText(result));
}
