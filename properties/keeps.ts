/** Properties asked about a whole scenario. */
import { runScenario } from '../model/host/step.ts';
import type { Effect, Kernel, Scenario } from '../model/types/world.ts';
import type { Property, Run } from './property.ts';

function anyRefused(effects: readonly Effect[]): boolean {
  let refused = false;
  for (const e of effects) refused = refused || e.kind === 'refused';
  return refused;
}

/** The scenario as it is played. */
export function played(kernel: Kernel, scenario: Scenario): Run {
  const { boot, steps } = runScenario(kernel, scenario);
  return { kernel, events: scenario.events, boot, steps };
}

/** Whether the property holds in every step. A scenario with a refused command is none, so that nothing is asked of it. */
export function keeps(property: Property, run: Run): boolean {
  let refused = anyRefused(run.boot.effects);
  let ok = true;
  let i = 0;
  for (const { effects } of run.steps) {
    refused = refused || anyRefused(effects);
    ok = ok && property.holds(run, i);
    i = i + 1;
  }
  return refused || ok;
}
