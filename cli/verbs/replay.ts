/** `reroute-check replay`: stored counterexamples again. */

import { REFERENCE } from '../../model/patch/releases/index.ts';
import { properties } from '../../properties/index.ts';
import { firstBroken, inexpressible, play } from '../../scenario/play.ts';
import { loadScenario } from '../../scenario/scenario.ts';
import { inexpressibleText, traceLines } from '../../scenario/trace.ts';
import { chooseProperty, chooseVariant } from '../choose.ts';
import { EXIT } from '../exit.ts';

export interface ReplayOptions {
  readonly variant?: string;
  readonly release?: string;
}

export function replay(files: readonly string[], options: ReplayOptions): void {
  const loaded = files.map((file) => ({ file, stored: loadScenario(file) }));
  let violated = false;
  for (const { file, stored } of loaded) {
    const kernel = chooseVariant(options.variant ?? stored.variant ?? 'stock', options.release ?? stored.release);
    const run = play(kernel, stored.scenario);
    const why = inexpressible(run);
    if (why !== '') {
      process.stdout.write(`${file}: ${inexpressibleText(kernel, why)}\n`);
      continue;
    }
    const asked = stored.property === undefined ? properties : [chooseProperty(stored.property)];
    const broken = asked.flatMap((property) => {
      const i = firstBroken(property, run);
      return i < 0 ? [] : [`${property.id} at events[${i}]`];
    });
    const same =
      stored.trace === undefined ||
      kernel.name !== stored.variant ||
      kernel.release !== (stored.release ?? REFERENCE) ||
      JSON.stringify(traceLines(run)) === JSON.stringify(stored.trace);
    const what = stored.property === undefined ? 'every property' : stored.property;
    const verdict = broken.length === 0 ? `keeps ${what}` : `violates ${broken.join(', ')}`;
    process.stdout.write(
      `${file}: on ${kernel.name}${kernel.release === REFERENCE ? '' : `, Linux ${kernel.release},`} ${verdict}${same ? '' : '; its trace is not the stored one'}\n`,
    );
    violated ||= broken.length > 0;
  }
  if (violated) process.exitCode = EXIT.violated;
}
