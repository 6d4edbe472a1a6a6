/** `reroute-check search`: some properties, made small, stored on request. */
import { RUNS, SEED, search } from '../search/review.ts';
import { chooseProperties, chooseVariants } from './choose.ts';
import { EXIT } from './exit.ts';
import { writeCounterexample } from './files.ts';
import { progress } from './progress.ts';

export interface SearchVerbOptions {
  readonly variant?: string;
  readonly runs?: number;
  readonly seed?: number;
  readonly budget?: number;
  readonly path?: string;
  readonly save?: boolean;
}

export function searchVerb(ids: readonly string[], options: SearchVerbOptions): void {
  const properties = chooseProperties(ids);
  const kernels = chooseVariants(options.variant);
  const seed = options.seed ?? SEED;
  const show = progress();
  const cells = search({
    properties,
    kernels,
    seed,
    runs: options.runs ?? RUNS,
    budget: (options.budget ?? Number.POSITIVE_INFINITY) * 1000,
    progress: show.say,
    ...(options.path === undefined ? {} : { path: options.path }),
  });
  show.done();
  for (const cell of cells) {
    const how = `${cell.property} on ${cell.variant}: ${cell.outcome}`;
    const { counterexample } = cell;
    if (counterexample === null) {
      process.stdout.write(
        `${how}, ${cell.runs.toLocaleString('en')} runs in ${cell.scope}, its case in ${cell.occurred.toLocaleString('en')}${cell.reason === '' ? '' : `; ${cell.reason}`}\n`,
      );
      continue;
    }
    process.stdout.write(`${how}\n  ${counterexample.finding}\n`);
    for (const line of [...counterexample.host, ...counterexample.events]) process.stdout.write(`    ${line}\n`);
    process.stdout.write(`  again: ${counterexample.found.command}\n`);
    if (options.save) process.stdout.write(`  written: ${writeCounterexample(counterexample)}\n`);
  }
  if (cells.some((cell) => cell.outcome === 'violated')) process.exitCode = EXIT.violated;
  else if (cells.some((cell) => cell.outcome === 'undecided')) process.exitCode = EXIT.undecided;
}
