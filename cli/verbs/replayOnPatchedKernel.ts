/** `reroute-check replay --on patched-kernel`: scenarios on the test kernel, beside what the model says. */
import { closestPatched, endingLines, patchedSees } from '../../conformance/patched/compare.ts';
import { expressible } from '../../conformance/patched/confirmed.ts';
import { type PatchedTrace, playOnPatchedKernel } from '../../conformance/patched/play.ts';
import { sideBySide, verdictLines } from '../../conformance/report.ts';
import { toolsOf } from '../../conformance/tools.ts';
import { wrong } from '../../scenario/error.ts';
import { loadScenario } from '../../scenario/scenario.ts';
import type { Text } from '../../scenario/text.ts';
import { choosePatch, chooseVariant } from '../choose.ts';
import { EXIT } from '../exit.ts';
import { needTestKernel } from '../machine.ts';
import type { ReplayOptions } from './replay.ts';

/** The scenario without the event in which the kernel ended, and what follows. */
function upTo({ host, events }: Text, { outcome, names }: PatchedTrace): Text {
  return { host, events: outcome === 'ok' ? events : events.slice(0, names.length) };
}

/** Prints both traces of each scenario side by side, and in what they differ; exit code 1 when they do. */
export async function replayOnPatched(files: readonly string[], options: ReplayOptions): Promise<void> {
  const chosen = files.map((file) => {
    const stored = loadScenario(file);
    const variant = options.variant ?? stored.variant ?? 'stock';
    const own = options.patch === undefined ? undefined : choosePatch(options.patch);
    const asked = expressible({ ...stored, variant: own?.name ?? chooseVariant(variant).name }, own);
    return 'reason' in asked
      ? wrong(`${file} cannot run on the test kernel: ${asked.reason}`)
      : { file, scenario: asked.scenario };
  });
  const scenarios = chosen.map(({ scenario }) => scenario);
  const kernel = needTestKernel(toolsOf(scenarios), options.patch);
  const traces = await playOnPatchedKernel(scenarios, { kernel });
  for (const [n, trace] of traces.entries()) {
    const { file, scenario } = chosen[n] as (typeof chosen)[number];
    const { model, differences } = closestPatched(scenario, trace);
    const lines = [
      `${file}: ${scenario.variant.name} on the test kernel, Linux 6.1`,
      ...sideBySide(upTo(scenario, trace), model, patchedSees(trace)),
      ...endingLines(scenario, model, trace),
      ...verdictLines(differences),
    ];
    process.stdout.write(`${lines.join('\n')}\n`);
    if (differences.length > 0) process.exitCode = EXIT.violated;
  }
}
