/** A property asked about a whole scenario. */
import { runScenario } from '../model/host/step.ts';
import type { Effect, Kernel, Scenario } from '../model/types/world.ts';
import type { Property } from './property.ts';

function anyRefused(effects: readonly Effect[]): boolean {
  let refused = false;
  for (const e of effects) refused = refused || e.kind === 'refused';
  return refused;
}

/** Whether the property holds in every step. A scenario with a refused command is none, so that nothing is asked of it. */
export function keeps(property: Property, kernel: Kernel, scenario: Scenario): boolean {
  const { boot, steps } = runScenario(kernel, scenario);
  const run = { kernel, events: scenario.events, boot, steps };
  let refused = anyRefused(boot.effects);
  let ok = true;
  let i = 0;
  for (const { effects } of steps) {
    refused = refused || anyRefused(effects);
    ok = ok && property.holds(run, i);
    i = i + 1;
  }
  return refused || ok;
}
