/** `reroute-check search`: some properties, made small, stored on request. */
import { availableParallelism } from 'node:os';
import { wrong } from '../../scenario/error.ts';
import { eventsPerHost } from '../../search/bulk.ts';
import { searchWith } from '../../search/engines.ts';
import { type Cell, type EngineName, outcomeText } from '../../search/outcome.ts';
import { RUNS, SEED } from '../../search/review.ts';
import { type Choice, chooseKernels, chooseProperties, chooseScopes } from '../choose.ts';
import { EXIT } from '../exit.ts';
import { counterexamplePath, needToWrite, writeCounterexample } from '../files.ts';
import { interruptible } from '../interrupt.ts';
import { progress } from '../progress.ts';

export interface SearchVerbOptions extends Choice {
  readonly scope?: string;
  readonly engine?: EngineName | 'all';
  readonly runs?: number;
  readonly seed?: number;
  readonly budget?: number;
  readonly path?: string;
  readonly jobs?: number;
  readonly save?: boolean;
  readonly json?: boolean;
}

export async function searchVerb(ids: readonly string[], options: SearchVerbOptions): Promise<void> {
  const properties = chooseProperties(ids);
  const kernels = chooseKernels(options);
  const path = checkedPath(options.path);
  if (options.save) needToWrite(counterexamplePath('property', 'variant'));
  const seed = options.seed ?? SEED;
  const show = progress();
  const interrupt = interruptible();
  const cells = await searchWith(options.engine ?? 'fast-check', {
    properties,
    kernels,
    scopes: chooseScopes(options.scope, properties),
    seed,
    runs: options.runs ?? RUNS,
    budget: (options.budget ?? Number.POSITIVE_INFINITY) * 1000,
    jobs: options.jobs ?? availableParallelism(),
    progress: show.say,
    stop: interrupt.signal,
    ...(path === undefined ? {} : { path }),
  }).finally(() => show.done());
  process.stdout.write(options.json ? `${JSON.stringify(cells, null, 2)}\n` : cells.map(textOf).join(''));
  if (options.save) {
    for (const { counterexample, reason } of cells) {
      if (counterexample === null || reason !== '') continue;
      const written = writeCounterexample(counterexample);
      if (!options.json) process.stdout.write(`written: ${written}\n`);
    }
  }
  if (cells.some((cell) => cell.outcome === 'violated')) process.exitCode = EXIT.violated;
  else if (cells.some((cell) => cell.outcome === 'undecided')) process.exitCode = EXIT.undecided;
  interrupt.done();
}

/** A path of the option: which host, and which of its event sequences. */
function checkedPath(path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  const [, events] = /^\d{1,9}:(\d{1,9})$/.exec(path) ?? [];
  if (events === undefined || Number(events) >= eventsPerHost)
    wrong(
      `--path ${path}: a path is HOST:EVENTS, as a finding prints it; EVENTS is a number from 0 to ${eventsPerHost - 1}`,
    );
  return path;
}

/** What the search says of a cell. */
function textOf(cell: Cell): string {
  const reason = cell.reason === '' ? '' : `; ${cell.reason}`;
  const how = `${cell.property} on ${cell.variant}: ${outcomeText(cell.outcome, cell.worse)}`;
  const { counterexample } = cell;
  if (counterexample === null) return `${how}, ${lookedAt(cell)}${reason}\n`;
  const lines = [...counterexample.host, ...counterexample.events].map((line) => `    ${line}\n`).join('');
  return `${how}${reason}\n  ${counterexample.finding}\n${lines}  again: ${counterexample.found.command}\n`;
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
