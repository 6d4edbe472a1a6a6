/** Which promises a run breaks. */
import { properties } from '../properties/index.ts';
import type { Run } from '../properties/property.ts';
import { firstBroken } from '../scenario/play.ts';
import type { Violation } from '../scenario/trace.ts';

/** Where each property is first broken, in the order of the steps. */
export function violationsOf(run: Run): Violation[] {
  return properties
    .map((property) => ({ property: property.id, event: firstBroken(property, run) }))
    .filter(({ event }) => event >= 0)
    .sort((a, b) => a.event - b.event);
}
