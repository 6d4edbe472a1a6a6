/** `reroute-check search`: some properties, made small, stored on request. */
import { availableParallelism } from 'node:os';
import { searchWith } from '../../search/engines.ts';
import type { Cell, EngineName } from '../../search/outcome.ts';
import { RUNS, SEED } from '../../search/review.ts';
import { chooseProperties, chooseVariants } from '../choose.ts';
import { EXIT } from '../exit.ts';
import { writeCounterexample } from '../files.ts';
import { progress } from '../progress.ts';

export interface SearchVerbOptions {
  readonly variant?: string;
  readonly release?: string;
  readonly engine?: EngineName | 'all';
  readonly runs?: number;
  readonly seed?: number;
  readonly budget?: number;
  readonly path?: string;
  readonly jobs?: number;
  readonly save?: boolean;
}

export async function searchVerb(ids: readonly string[], options: SearchVerbOptions): Promise<void> {
  const properties = chooseProperties(ids);
  const kernels = chooseVariants(options.variant, options.release);
  const seed = options.seed ?? SEED;
  const show = progress();
  const cells = await searchWith(options.engine ?? 'fast-check', {
    properties,
    kernels,
    seed,
    runs: options.runs ?? RUNS,
    budget: (options.budget ?? Number.POSITIVE_INFINITY) * 1000,
    jobs: options.jobs ?? availableParallelism(),
    progress: show.say,
    ...(options.path === undefined ? {} : { path: options.path }),
  });
  show.done();
  for (const cell of cells) {
    const how = `${cell.property} on ${cell.variant}: ${cell.outcome}`;
    const { counterexample } = cell;
    if (counterexample === null) {
      process.stdout.write(`${how}, ${lookedAt(cell)}${cell.reason === '' ? '' : `; ${cell.reason}`}\n`);
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

/** What an answer without a counterexample rests on. */
function lookedAt({ scope, runs, occurred, inexpressible, engine, solved }: Cell): string {
  const [count, cases] = [runs.toLocaleString('en'), occurred.toLocaleString('en')];
  const without =
    inexpressible === undefined
      ? ''
      : `; ${inexpressible.runs.toLocaleString('en')} more are not expressible, such as: ${inexpressible.why}`;
  if (engine !== 'z3' || !solved) return `${count} runs in ${scope}, its case occurred in ${cases}${without}`;
  const { closed, shapes, paths, queries, milliseconds } = solved;
  const seconds = (milliseconds / 1000).toFixed(1);
  return `${closed} of ${shapes} shapes of ${scope} closed on ${paths} paths with ${queries} queries in ${seconds} s; its case occurred in ${cases} of ${count} runs`;
}
