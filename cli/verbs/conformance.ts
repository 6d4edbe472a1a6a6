/** `reroute-check conformance`: generated scenarios and routing answers, on the model and on the running kernel. */
import { release } from 'node:os';
import { join } from 'node:path';
import { CASES, observe } from '../../conformance/cases.ts';
import { coverageText } from '../../conformance/coverage.ts';
import { campaignText, disagreementText } from '../../conformance/report.ts';
import { type Campaign, campaign, type Disagreement, QUESTIONS_PER_HOST } from '../../conformance/run.ts';
import { openPlayer, type Player } from '../../conformance/running/player.ts';
import { EXIT } from '../exit.ts';
import { writeWhole } from '../files.ts';
import { needRunningKernel } from '../machine.ts';
import { HOME, needSources } from '../place.ts';
import { progress } from '../progress.ts';
import { needToRecord, readResult, record, today } from '../results.ts';

export interface ConformanceOptions {
  /** Scenarios. */
  readonly cases: number;
  readonly seed?: number;
  readonly save?: boolean;
  readonly record?: boolean;
}

/** Routing answers for each scenario. */
const ANSWERS_PER_CASE = 20;

/** Disagreements that are made small before a part of the run stops, and seconds for each. */
const ENOUGH = 3;
const SHRINKING = 60;

/** Hosts with questions that stand beside so many scenarios. */
export function hostsFor(cases: number): number {
  return Math.ceil((cases * ANSWERS_PER_CASE) / QUESTIONS_PER_HOST);
}

/** Scenarios of a proxy stand beside ten times as many of the other kinds. */
function countOf(kind: Campaign['kind'], cases: number): number {
  if (kind === 'routing') return hostsFor(cases);
  return kind === 'proxy' ? Math.ceil(cases / 10) : cases;
}

/** A seed that nobody chose. */
export function chanceSeed(): number {
  return Math.floor(Math.random() * 1e9);
}

/** Stores a disagreement as a case, with what the kernel does. */
async function save(player: Player, seed: number, found: Disagreement): Promise<void> {
  const told = {
    title: found.differences.map(({ what, kernel }) => `${what}: ${kernel}`).join('; '),
    origin: `reroute-check conformance --seed ${seed}, ${found.kind} case ${found.index}`,
    observed: `Linux ${release()}, ${new Date().toISOString().slice(0, 10)}`,
  };
  const path = join(CASES, `${found.kind}-${seed}-${found.index}.json`);
  writeWhole(join(HOME, path), `${JSON.stringify(await observe(player, found.text, told), null, 2)}\n`);
  process.stdout.write(`written: ${path}\n`);
}

/** Prints the seed, what was compared, and every disagreement as a small scenario; exit code 1 when there are some. */
export async function conformance(options: ConformanceOptions): Promise<void> {
  if (options.save) needSources('--save');
  if (options.record) needToRecord();
  needRunningKernel();
  const { cases, seed = chanceSeed() } = options;
  const player = openPlayer();
  const show = progress();
  const results: Campaign[] = [];
  try {
    process.stdout.write(`Linux ${release()}, seed ${seed}\n`);
    for (const kind of ['routing', 'wire', 'proxy', 'corners'] as const) {
      const count = countOf(kind, cases);
      const result = await campaign(player, {
        kind,
        seed,
        cases: count,
        enough: ENOUGH,
        shrinking: SHRINKING,
        progress: (done) => show.say(`${kind}: ${done} of ${count}`),
      });
      show.done();
      results.push(result);
      process.stdout.write(`${campaignText(result)}\n`);
      if (kind === 'wire') process.stdout.write(`${coverageText(result.coverage)}\n`);
      for (const found of result.disagreements) {
        process.stdout.write(`${disagreementText(found)}\n`);
        if (options.save) await save(player, seed, found);
      }
      if (result.disagreements.length > 0) process.exitCode = EXIT.violated;
    }
  } finally {
    await player.close();
  }
  if (options.record) recordRun(seed, results);
}

/** Records the run beside those with other seeds. */
function recordRun(seed: number, results: readonly Campaign[]): void {
  const scenarios = results.filter(({ kind }) => kind !== 'routing');
  const sum = (all: readonly Campaign[], what: (one: Campaign) => number) => all.reduce((n, one) => n + what(one), 0);
  const run = {
    kernel: `Linux ${release()}`,
    date: today(),
    seed,
    answers: sum(results, ({ kind, compared }) => (kind === 'routing' ? compared : 0)),
    scenarios: sum(scenarios, ({ cases }) => cases),
    packets: sum(scenarios, ({ compared }) => compared),
    disagreements: sum(results, ({ disagreements }) => disagreements.length),
    seconds: Math.round(sum(results, ({ seconds }) => seconds)),
  };
  const others = readResult('conformance').runs.filter((one) => one.seed !== seed);
  record('conformance', { runs: [...others, run] });
}
