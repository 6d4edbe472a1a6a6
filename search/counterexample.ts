/** A scenario that breaks a property, as it is stored and shown. */
import { REFERENCE } from '../model/patch/releases/index.ts';
import type { Kernel } from '../model/types/world.ts';
import type { Property, Run } from '../properties/property.ts';
import { firstBroken } from '../scenario/play.ts';
import type { Text } from '../scenario/text.ts';
import { traceLines } from '../scenario/trace.ts';
import { superfluous } from './minimise.ts';
import type { Counterexample } from './outcome.ts';
import { breaks, runOf } from './replays.ts';
import { failing, isStock, isWorse } from './worse.ts';

/** A scenario that was found before. */
export type Stored = Pick<Counterexample, 'host' | 'events' | 'found'>;

/** What a stored scenario shows when it is played again; it still breaks its property. */
export interface Replayed {
  /** Whether stock keeps the property in it. */
  readonly worse: boolean;
  /** The counterexample, if nothing can be left out. */
  readonly example: Counterexample | null;
}

/** Plays a stored scenario again, which may be said to be as small as it gets; null when it breaks its property no more. */
export function replayed(property: Property, kernel: Kernel, stored: Stored, isSaidSmall: boolean): Replayed | null {
  if (!breaks(property, kernel, stored)) return null;
  const worse = isWorse(property, kernel, stored);
  const isSmall = isSaidSmall || superfluous(stored, failing(property, kernel, worse)).length === 0;
  return { worse, example: isSmall ? written(property, kernel, stored, stored.found, worse) : null };
}

/** What a run that breaks the property shows, as a whole sentence; the name of a kernel function keeps its spelling. */
export function findingOf(property: Property, run: Run): string {
  const text = property.finding(run, firstBroken(property, run));
  return /^\w+_/.test(text) ? `${text}.` : `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

/** The counterexample as it is stored; checks that it is 1-minimal, unless there was no time for that. */
export function counterexampleOf(
  property: Property,
  kernel: Kernel,
  text: Text,
  found: Counterexample['found'],
  isSmall = true,
): Counterexample {
  const worse = isWorse(property, kernel, text);
  const rest = isSmall ? superfluous(text, failing(property, kernel, worse)) : [];
  if (rest.length > 0)
    throw new Error(`internal error: ${property.id} on ${kernel.name} is not minimal: ${rest.join('; ')}`);
  return written(property, kernel, text, found, worse);
}

function written(
  property: Property,
  kernel: Kernel,
  text: Text,
  found: Counterexample['found'],
  worse: boolean,
): Counterexample {
  const run = runOf(kernel, text);
  return {
    finding: findingOf(property, run),
    property: property.id,
    variant: kernel.name,
    ...(kernel.release === REFERENCE ? {} : { release: kernel.release }),
    ...(isStock(kernel) ? {} : { stock: worse ? 'keeps' : 'breaks' }),
    host: text.host,
    events: text.events,
    trace: traceLines(run),
    found,
  };
}
