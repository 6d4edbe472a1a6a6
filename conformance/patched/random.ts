/** Random scenarios on the test kernel and the model: what a run of them on one variant comes to. */
import type { Kernel } from '../../model/types/world.ts';
import type { Text } from '../../scenario/text.ts';
import { type Difference, differenceText } from '../compare.ts';
import { drawCase } from '../run.ts';
import type { Warning } from './boot.ts';
import { closestPatched } from './compare.ts';
import { hasStandIn } from './confirmed.ts';
import { type PatchedTrace, playOnPatchedKernel } from './play.ts';
import type { PatchedScenario } from './ports.ts';

interface Compared {
  readonly index: number;
  readonly scenario: PatchedScenario;
  readonly trace: PatchedTrace;
  readonly differences: readonly Difference[];
}

/** What a run on one variant showed. */
export interface RandomRun {
  readonly variant: string;
  readonly seed: number;
  readonly scenarios: number;
  readonly packets: number;
  readonly crashes: number;
  /** Crashes when all was played and the host was taken down. */
  readonly afterwards: number;
  /** Scenarios that differ twice. */
  readonly disagreements: readonly Compared[];
  /** Scenarios that differed once and agreed when asked again. */
  readonly unsteady: readonly Compared[];
  /** What a kernel that watches itself complained about: those scenarios are not compared. */
  readonly complaints: readonly { readonly index: number; readonly warning: Warning }[];
  readonly seconds: number;
}

export interface RandomOptions {
  /** The `linux` binary. */
  readonly kernel: string;
  /** Whether it watches memory, locks and sleep. */
  readonly watching: boolean;
  readonly seed: number;
  readonly cases: number;
  readonly progress: (done: number) => void;
}

async function compare(
  { kernel, watching, progress }: RandomOptions,
  scenarios: readonly (readonly [index: number, scenario: PatchedScenario])[],
): Promise<readonly Compared[]> {
  if (scenarios.length === 0) return [];
  const traces = await playOnPatchedKernel(
    scenarios.map(([, scenario]) => scenario),
    { kernel, progress, kernelArguments: watching ? ['kasan_multi_shot'] : [] },
  );
  return scenarios.map(([index, scenario], n) => {
    const trace = traces[n] as PatchedTrace;
    return { index, scenario, trace, differences: closestPatched(scenario, trace).differences };
  });
}

/** The case with another protocol for GRE packets, which the test kernel takes, and translates otherwise (excluded.ts). */
function askable({ host, events }: Text): Text {
  return { host, events: events.map((event) => event.replace(/^(receive .*|socket \S+ raw) 47\b/, '$1 99')) };
}

/** What drawn scenarios may need of the machine; the others are lacking there. */
export const RANDOM_TOOLS: readonly string[] = ['ipset'];

/** What the test kernel was not built with (excluded.ts). */
const LACKING = /iptables-nft|-m cgroup\b|conntrack -[DF]|ipset create \S+ (?:bitmap|list|hash:\w+,)/;

/** The first scenarios of the seed that can be asked there. */
function drawAskable(seed: number, cases: number, variant: Kernel): readonly (readonly [index: number, text: Text])[] {
  const drawn: (readonly [number, Text])[] = [];
  for (let index = 0; drawn.length < cases; index++) {
    const text = askable(drawCase(seed, 'wire', index));
    const lacks = [...text.host, ...text.events].some((line) => LACKING.test(line));
    if (!lacks && !hasStandIn(variant, text.host)) drawn.push([index, text]);
  }
  return drawn;
}

/** Plays drawn scenarios on both. A port that the kernel chose can coincide with another, and a timer can fire on a busy machine, so that what differs is asked twice. */
export async function playRandom(variant: Kernel, options: RandomOptions): Promise<RandomRun> {
  const { seed, cases } = options;
  const began = performance.now();
  const drawn = drawAskable(seed, cases, variant).map(([index, text]) => [index, { ...text, variant }] as const);
  const first = await compare(options, drawn);
  const complaints = options.watching
    ? first.flatMap(({ index, trace }) => trace.warnings.map((warning) => ({ index, warning })))
    : [];
  // What lies behind an object is KASAN's own: a text that reads it does something else there.
  const isComplainedOf = (index: number) => complaints.some((one) => one.index === index);
  const suspects = first.filter(({ index, differences }) => differences.length > 0 && !isComplainedOf(index));
  const again = await compare(
    options,
    suspects.map(({ index, scenario }) => [index, scenario]),
  );
  const disagreements = again.filter(({ differences }) => differences.length > 0);
  return {
    variant: variant.name,
    seed,
    scenarios: cases,
    packets: first.reduce((sum, { trace }) => sum + trace.packets.length, 0),
    crashes: first.filter(({ trace }) => trace.outcome !== 'ok' && trace.outcome.tag === 'oops').length,
    afterwards: first.filter(({ trace }) => trace.afterwards !== undefined).length,
    disagreements,
    unsteady: suspects.filter(({ index }) => !disagreements.some((one) => one.index === index)),
    complaints,
    seconds: (performance.now() - began) / 1000,
  };
}

/** A line with the counts, then every disagreement as a scenario. */
export function randomText(run: RandomRun): string {
  const { variant, seed, scenarios, packets, crashes, afterwards, disagreements, unsteady, complaints, seconds } = run;
  const lines = [
    `${variant}: ${scenarios} scenarios, ${packets} packets, ${crashes} crashes, ${disagreements.length} disagreements, ` +
      `${unsteady.length} that agreed when asked again, ${afterwards} crashes afterwards (seed ${seed}, ${seconds.toFixed(1)} s)`,
  ];
  for (const { index, scenario, differences } of disagreements) {
    const { host, events } = scenario;
    lines.push(
      `case ${index}: ${JSON.stringify({ variant, host, events }, null, 2)}`,
      ...differences.map(differenceText),
    );
  }
  for (const { index, differences } of unsteady)
    lines.push(`case ${index}, once: ${differences.map(differenceText).join('; ')}`);
  for (const { index, warning } of complaints)
    lines.push(
      `case ${index}, the kernel: ${warning.reason}${warning.function === '?' ? '' : ` in ${warning.function}()`}`,
    );
  return lines.join('\n');
}
