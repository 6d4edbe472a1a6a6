/** `reroute-check replay --on kernel`: scenarios on the running kernel, beside what the model says. */
import { release } from 'node:os';
import { closest } from '../../conformance/choices.ts';
import { compareSeen } from '../../conformance/compare.ts';
import { kernelSees, modelSees, type Seen } from '../../conformance/modelTrace.ts';
import { sideBySide, verdictLines } from '../../conformance/report.ts';
import { type KernelTrace, openPlayer } from '../../conformance/running/player.ts';
import { releaseOf } from '../../conformance/running/release.ts';
import { toolsOf } from '../../conformance/tools.ts';
import { alternatives } from '../../model/patch/index.ts';
import { masquerade } from '../../model/patch/masquerade.ts';
import { onRelease } from '../../model/patch/releases/index.ts';
import { stock } from '../../model/patch/stock.ts';
import type { Kernel } from '../../model/types/world.ts';
import { wrong } from '../../scenario/error.ts';
import { typed } from '../../scenario/play.ts';
import { loadScenario } from '../../scenario/scenario.ts';
import { inexpressibleText } from '../../scenario/trace.ts';
import { choosePatch, chooseVariant } from '../choose.ts';
import { EXIT } from '../exit.ts';
import { MissingError } from '../fail.ts';
import { needRunningKernel } from '../machine.ts';

/** Variants that need no patched kernel. */
const UNPATCHED = [stock, masquerade, ...alternatives];

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

/** What a tool says where the kernel has no driver for a link, or no module for a match or target. */
const NO_DRIVER = /Unknown device type|missing kernel module|Operation not supported/;

/** The commands of the host for which the running kernel lacks a part, of those that the model takes. */
function lacking({ setup }: KernelTrace, model: Seen): readonly string[] {
  return setup
    .filter(({ index, message }) => !model.setup.includes(index) && NO_DRIVER.test(message))
    .map(({ command, message }) => `${command}: ${message.trim().split('\n')[0]}`);
}

export interface OnKernelOptions {
  readonly variant?: string;
  /** A text of one's own: the running kernel does not have it, so it is told what it would change there. */
  readonly patch?: string;
}

/** Prints both traces of each scenario side by side, and in what they differ; exit code 1 when they do. */
export async function replayOnKernel(files: readonly string[], options: OnKernelOptions): Promise<void> {
  const { patch } = options;
  if (patch !== undefined && options.variant !== undefined) wrong('--variant and --patch name two kernels; name one');
  const running = releaseOf(release());
  const own = patch === undefined ? undefined : choosePatch(patch, running.release);
  const chosen = files.map((file) => {
    const { host, events, variant } = loadScenario(file);
    const kernel = own === undefined ? chooseUnpatched(options.variant ?? variant ?? 'stock') : stock;
    return { file, kernel, text: typed(kernel, { host, events }) };
  });
  needRunningKernel(toolsOf(chosen.map(({ text }) => text)));
  const player = openPlayer({ workers: 1, timeout: TIMEOUT });
  try {
    for (const { file, kernel, text } of chosen) {
      if (text.why !== '') {
        process.stdout.write(`${file}: ${inexpressibleText(kernel, text.why)}\n`);
        continue;
      }
      const trace = await player.run(text, LIMITS);
      const theirs = kernelSees(trace);
      const { model: ours, differences } = closest(
        text.host,
        (secret) => modelSees(onRelease(stock, running), text, 0, secret),
        (model) => compareSeen(text, model, theirs),
      );
      const [part] = lacking(trace, ours);
      if (part !== undefined) throw new MissingError(`${file}: the running kernel lacks a part: ${part}`);
      const lines = [
        `${file}: ${kernel.name} on Linux ${release()}`,
        ...text.commands.map((command) => `    ${command}`),
        ...sideBySide(text, ours, theirs),
        ...verdictLines(differences),
        ...(own === undefined
          ? []
          : [
              `the running kernel is not patched; on the model, ${own.name} makes of it:`,
              ...sideBySide(text, modelSees(own, text), theirs, [own.name, 'kernel, unpatched']),
            ]),
      ];
      process.stdout.write(`${lines.join('\n')}\n`);
      if (differences.length > 0) process.exitCode = EXIT.violated;
    }
  } finally {
    await player.close();
  }
}
