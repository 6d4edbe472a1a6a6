/** `reroute-check replay --on kernel`: scenarios on the running kernel, beside what the model says. */
import { release } from 'node:os';
import { closest } from '../../conformance/choices.ts';
import { compareSeen } from '../../conformance/compare.ts';
import { kernelSees, modelSees } from '../../conformance/modelTrace.ts';
import { sideBySide, verdictLines } from '../../conformance/report.ts';
import { openPlayer } from '../../conformance/running/player.ts';
import { releaseOf } from '../../conformance/running/release.ts';
import { masquerade } from '../../model/patch/masquerade.ts';
import { onRelease } from '../../model/patch/releases/index.ts';
import { stock } from '../../model/patch/stock.ts';
import type { Kernel } from '../../model/types/world.ts';
import { wrong } from '../../scenario/error.ts';
import { printHostCommand } from '../../scenario/host.ts';
import { bootHost } from '../../scenario/play.ts';
import { type LoadedScenario, loadScenario } from '../../scenario/scenario.ts';
import type { Text } from '../../scenario/text.ts';
import { chooseVariant } from '../choose.ts';
import { EXIT } from '../exit.ts';
import { needRunningKernel } from '../machine.ts';

/** Variants that need no patched kernel. */
const UNPATCHED = [stock, masquerade];

/** Longest wait and longest retransmission timer, in seconds: long enough for TIME_WAIT to end. */
const LIMITS = { wait: 600, retransmit: 60 };
const TIMEOUT = 3600;

function chooseUnpatched(name: string): Kernel {
  const kernel = chooseVariant(name);
  if (UNPATCHED.includes(kernel)) return kernel;
  return wrong(
    `the running kernel is not patched, so "${name}" cannot run on it; write --variant ${UNPATCHED.map((one) => one.name).join(' or --variant ')}`,
  );
}

/** The scenario with what the variant's operator adds to the host. */
function textFor(kernel: Kernel, { host, events, scenario }: LoadedScenario): Text {
  const added = kernel.operator(bootHost(stock, scenario.host)).map(printHostCommand);
  return { host: [...host, ...added], events };
}

/** Prints both traces of each scenario side by side, and in what they differ; exit code 1 when they do. */
export async function replayOnKernel(files: readonly string[], options: { readonly variant?: string }): Promise<void> {
  const chosen = files.map((file) => {
    const stored = loadScenario(file);
    const kernel = chooseUnpatched(options.variant ?? stored.variant ?? 'stock');
    return { file, kernel, text: textFor(kernel, stored) };
  });
  needRunningKernel();
  const player = openPlayer({ workers: 1, timeout: TIMEOUT });
  try {
    for (const { file, kernel, text } of chosen) {
      const theirs = kernelSees(await player.run(text, LIMITS));
      const { model: ours, differences } = closest(
        (secret) => modelSees(onRelease(stock, releaseOf(release())), text, 0, secret),
        (model) => compareSeen(text, model, theirs),
      );
      const lines = [
        `${file}: ${kernel.name} on Linux ${release()}`,
        ...sideBySide(text, ours, theirs),
        ...verdictLines(differences),
      ];
      process.stdout.write(`${lines.join('\n')}\n`);
      if (differences.length > 0) process.exitCode = EXIT.violated;
    }
  } finally {
    await player.close();
  }
}
