/** `reroute-check trace`: one scenario on one kernel, step by step. */
import { properties } from '../../properties/index.ts';
import type { Run } from '../../properties/property.ts';
import { firstBroken, play, typed } from '../../scenario/play.ts';
import { loadScenario } from '../../scenario/scenario.ts';
import { traceOf, traceText, type Violation } from '../../scenario/trace.ts';
import { chooseVariant } from '../choose.ts';

export interface TraceOptions {
  readonly variant?: string;
  readonly release?: string;
  readonly json?: boolean;
}

/** Where each property is first broken, in the order of the steps. */
function violationsOf(run: Run): Violation[] {
  return properties
    .map((property) => ({ property: property.id, event: firstBroken(property, run) }))
    .filter(({ event }) => event >= 0)
    .sort((a, b) => a.event - b.event);
}

export function trace(file: string, options: TraceOptions): void {
  const loaded = loadScenario(file);
  const kernel = chooseVariant(options.variant ?? loaded.variant ?? 'stock', options.release ?? loaded.release);
  const run = play(kernel, loaded.scenario);
  const violations = violationsOf(run);
  const { commands } = typed(kernel, loaded);
  const text = options.json
    ? JSON.stringify(traceOf(run, violations), null, 2)
    : traceText(run, violations, commands).join('\n');
  process.stdout.write(`${text}\n`);
}
