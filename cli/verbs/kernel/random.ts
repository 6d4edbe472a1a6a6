/** `reroute-check kernel random`: random scenarios on the test kernel, beside the model. */
import { portOf } from '../../../conformance/patched/ports.ts';
import { playRandom, RANDOM_TOOLS, type RandomRun, randomText } from '../../../conformance/patched/random.ts';
import { variants } from '../../../model/patch/index.ts';
import type { Kernel } from '../../../model/types/world.ts';
import { wrong } from '../../../scenario/error.ts';
import { choosePatch, chooseVariant } from '../../choose.ts';
import { EXIT } from '../../exit.ts';
import { needTestKernel } from '../../machine.ts';
import { progress } from '../../progress.ts';
import { needToRecord, readResult, record, today } from '../../results.ts';
import { chanceSeed } from '../conformance.ts';

export interface RandomVerbOptions {
  /** Scenarios for each variant. */
  readonly cases: number;
  readonly seed?: number;
  readonly variant?: string;
  readonly patch?: string;
  /** On the kernel that watches memory, locks and sleep. */
  readonly watching?: boolean;
  readonly record?: boolean;
}

function chosen({ variant: name, patch }: RandomVerbOptions): readonly Kernel[] {
  if (patch !== undefined) return [choosePatch(patch)];
  if (name === undefined) return variants;
  const kernel = portOf(name);
  return [kernel ?? wrong(`${chooseVariant(name).name} has no port in the test kernel`)];
}

/** Prints the seed, what was compared, and every disagreement that shows twice; exit code 1 when there are some. */
export async function random({ cases, seed = chanceSeed(), ...options }: RandomVerbOptions): Promise<void> {
  const kernels = chosen({ cases, ...options });
  if (options.record) needToRecord();
  const { patch, watching = false } = options;
  if (watching && patch !== undefined) wrong('--watching has the texts of the matrix, and takes no --patch');
  const kernel = needTestKernel(RANDOM_TOOLS, patch, watching);
  const show = progress();
  for (const one of kernels) {
    const said = (done: number) => show.say(`${one.name}: ${done} of ${cases}`);
    const run = await playRandom(one, { kernel, watching, seed, cases, progress: said });
    show.done();
    process.stdout.write(`${randomText(run)}\n`);
    if (options.record) recordRun(run, watching);
    if (run.disagreements.length > 0 || run.complaints.length > 0) process.exitCode = EXIT.violated;
  }
}

/** Records the run beside those of other variants and seeds. */
function recordRun(
  { disagreements, unsteady, seconds, afterwards: _, complaints, ...counts }: RandomRun,
  watching: boolean,
): void {
  const run = {
    date: today(),
    ...counts,
    disagreements: disagreements.length,
    ...(watching ? { complaints: complaints.length } : {}),
    unsteady: unsteady.length,
    seconds: Math.round(seconds),
  };
  const others = readResult('random').runs.filter(
    (one) => one.variant !== run.variant || one.seed !== run.seed || (one.complaints !== undefined) !== watching,
  );
  record('random', { runs: [...others, run] });
}
