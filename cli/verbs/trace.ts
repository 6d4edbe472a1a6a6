/** `reroute-check trace`: one scenario on one kernel, step by step. */
import type { Kernel } from '../../model/types/world.ts';
import { readHostText } from '../../scenario/host.ts';
import { type LoadedScenario, loadScenario, readText } from '../../scenario/scenario.ts';
import { comparisonText, type Told } from '../../scenario/story/compare.ts';
import { storyOf, untilCrash } from '../../scenario/story/story.ts';
import { storyText } from '../../scenario/story/tell.ts';
import { traceOf } from '../../scenario/trace.ts';
import { choosePatch, chooseVariant } from '../choose.ts';
import { tellNotes, withoutPatch } from '../hostNotes.ts';
import { violationsOf } from '../violations.ts';
import { watchedKernel } from '../watched.ts';

export interface TraceOptions {
  readonly variant?: readonly string[];
  /** A text of one's own, behind the variants. */
  readonly patch?: string;
  readonly release?: string;
  /** A host in place of that of the file. */
  readonly host?: string;
  readonly json?: boolean;
}

function tell(kernel: Kernel, { scenario }: LoadedScenario): Told {
  const story = storyOf(watchedKernel(kernel), scenario);
  return { story, violations: violationsOf(story.run) };
}

/** One trace, or a list of those of several kernels. */
function asJson(all: readonly Told[]): string {
  const traces = all.map(({ story, violations }) => traceOf(untilCrash(story), violations));
  return JSON.stringify(traces.length === 1 ? traces[0] : traces, null, 2);
}

function asText(all: readonly Told[], kernels: readonly Kernel[]): string {
  const lines =
    all.length === 1 ? all.flatMap(({ story, violations }) => storyText(story, violations)) : comparisonText(all);
  const [first] = all as [Told];
  return [...withoutPatch(kernels, first.story.run.boot), ...lines].join('\n');
}

/** The scenario on another host. */
function onHost(loaded: LoadedScenario, file: string): LoadedScenario {
  const { lines, notes } = readHostText([{ file, text: readText(file) }]);
  tellNotes(notes);
  return { ...loaded, scenario: { ...loaded.scenario, host: lines.map(({ command }) => command) } };
}

export function trace(file: string, options: TraceOptions): void {
  const read = loadScenario(file);
  const loaded = options.host === undefined ? read : onHost(read, options.host);
  const { patch, variant: names = patch === undefined ? [loaded.variant ?? 'stock'] : [] } = options;
  const release = options.release ?? loaded.release;
  const kernels = [
    ...names.map((name) => chooseVariant(name, release)),
    ...(patch === undefined ? [] : [choosePatch(patch, release)]),
  ];
  const all = kernels.map((kernel) => tell(kernel, loaded));
  process.stdout.write(`${options.json ? asJson(all) : asText(all, kernels)}\n`);
}
