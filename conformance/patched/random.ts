/**
 * Random scenarios on the test kernel and the model, on every variant that has a port.
 *
 *     npx tsx conformance/patched/random.ts [--cases N] [--seed S] [--variant V]
 *
 * Prints the seed, what was compared, and every disagreement that shows twice.
 * Exit codes: 0 they agree, 1 they differ, 2 usage, 4 something is missing on this machine.
 */
import { parseArgs } from 'node:util';
import { variants } from '../../model/patch/index.ts';
import type { Kernel } from '../../model/types/world.ts';
import type { Text } from '../../scenario/text.ts';
import { type Difference, differenceText } from '../compare.ts';
import { drawCase } from '../run.ts';
import { closestPatched } from './compare.ts';
import { type PatchedTrace, playOnPatchedKernel } from './play.ts';
import { type PatchedScenario, ported } from './ports.ts';
import { testKernel } from './prerequisites.ts';

interface Compared {
  readonly index: number;
  readonly scenario: PatchedScenario;
  readonly trace: PatchedTrace;
  readonly differences: readonly Difference[];
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function compare(
  kernel: string,
  scenarios: readonly (readonly [index: number, scenario: PatchedScenario])[],
): Promise<readonly Compared[]> {
  const progress = process.stderr.isTTY ? (done: number) => process.stderr.write(`\r${done} `) : () => {};
  const traces = await playOnPatchedKernel(
    scenarios.map(([, scenario]) => scenario),
    { kernel, progress },
  );
  return scenarios.map(([index, scenario], n) => {
    const trace = traces[n] as PatchedTrace;
    return { index, scenario, trace, differences: closestPatched(scenario, trace).differences };
  });
}

/** The case with another protocol for arriving GRE packets, which the test kernel takes (excluded.ts). */
function askable({ host, events }: Text): Text {
  return { host, events: events.map((event) => event.replace(/^(receive .*) 47 (\d+)$/, '$1 99 $2')) };
}

/** One variant; gives the number of disagreements. */
async function variantCampaign(kernel: string, variant: Kernel, seed: number, cases: number): Promise<number> {
  const began = performance.now();
  const drawn = Array.from(
    { length: cases },
    (_, index) => [index, { ...askable(drawCase(seed, 'wire', index)), variant }] as const,
  );
  const first = await compare(kernel, drawn);
  const suspects = first.filter(({ differences }) => differences.length > 0);
  // A port that the kernel chose can coincide with another, and a timer can fire on a busy machine.
  const again =
    suspects.length === 0
      ? []
      : await compare(
          kernel,
          suspects.map(({ index, scenario }) => [index, scenario]),
        );
  const disagreements = again.filter(({ differences }) => differences.length > 0);
  const packets = first.reduce((sum, { trace }) => sum + trace.packets.length, 0);
  const crashes = first.filter(({ trace }) => trace.outcome !== 'ok' && trace.outcome.tag === 'oops').length;
  const afterwards = first.filter(({ trace }) => trace.afterwards !== undefined).length;
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  say(
    `${variant.name}: ${cases} scenarios, ${packets} packets, ${crashes} crashes, ${disagreements.length} disagreements, ` +
      `${suspects.length - disagreements.length} that agreed when asked again, ${afterwards} crashes afterwards (seed ${seed}, ${seconds} s)`,
  );
  for (const { index, scenario, differences } of disagreements) {
    say(
      `case ${index}: ${JSON.stringify({ variant: variant.name, host: scenario.host, events: scenario.events }, null, 2)}`,
    );
    for (const difference of differences) say(differenceText(difference));
  }
  for (const { index, differences } of suspects) {
    if (disagreements.some((one) => one.index === index)) continue;
    say(`case ${index}, once: ${differences.map(differenceText).join('; ')}`);
  }
  return disagreements.length;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { cases: { type: 'string' }, seed: { type: 'string' }, variant: { type: 'string' } },
  });
  const [cases, seed] = [Number(values.cases ?? 500), Number(values.seed ?? Math.floor(Math.random() * 1e9))];
  const named = (wanted: string) => ported.filter(({ name }) => name === wanted);
  const chosen = values.variant === undefined ? variants : named(values.variant);
  if (!Number.isInteger(cases) || !Number.isInteger(seed) || chosen.length === 0) {
    process.stderr.write('usage: random.ts [--cases N] [--seed S] [--variant V]\n');
    return 2;
  }
  const machine = testKernel();
  if ('missing' in machine) {
    process.stderr.write(`random: ${machine.missing.join('; ')}\n`);
    return 4;
  }
  let differ = 0;
  for (const variant of chosen) differ += await variantCampaign(machine.kernel, variant, seed, cases);
  return differ === 0 ? 0 : 1;
}

process.exitCode = await main();
