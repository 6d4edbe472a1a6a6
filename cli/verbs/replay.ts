/** `reroute-check replay`: stored counterexamples again. */

import { REFERENCE } from '../../model/patch/releases/index.ts';
import { properties } from '../../properties/index.ts';
import { firstBroken, inexpressible, play } from '../../scenario/play.ts';
import { type LoadedScenario, loadScenario } from '../../scenario/scenario.ts';
import { inexpressibleText, traceLines } from '../../scenario/trace.ts';
import { stockOf } from '../../search/worse.ts';
import { chooseKernel, chooseProperty, chooseVariant } from '../choose.ts';
import { EXIT } from '../exit.ts';
import { withoutPatch } from '../hostNotes.ts';

export interface ReplayOptions {
  readonly variant?: string;
  readonly patch?: string;
  readonly release?: string;
  readonly json?: boolean;
}

/** What a scenario shows when it is run again. */
interface Replayed {
  readonly file: string;
  readonly variant: string;
  readonly release: string;
  /** What is said before: that a patch does nothing there; absent where there is nothing. */
  readonly notes?: readonly string[];
  /** The property that it is about; absent where every property is asked. */
  readonly property?: string;
  /** Broken properties, with the event at which each is first broken. */
  readonly violations: readonly { readonly property: string; readonly event: number }[];
  /** Whether its trace is the stored one; true where none is stored for that kernel. */
  readonly asStored: boolean;
  /** What stock does with the property; absent where that is what is stored, or nothing is. */
  readonly stock?: 'keeps' | 'breaks';
  /** Why the variant cannot do what it stands for in this scenario; absent when it can. */
  readonly inexpressible?: string;
}

export function replay(files: readonly string[], options: ReplayOptions): void {
  const loaded = files.map((file) => ({ file, stored: loadScenario(file) }));
  const all = loaded.map(({ file, stored }) => replayed(file, stored, options));
  process.stdout.write(options.json ? `${JSON.stringify(all, null, 2)}\n` : all.map(textOf).join(''));
  if (all.some(({ violations }) => violations.length > 0)) process.exitCode = EXIT.violated;
}

function replayed(file: string, stored: LoadedScenario, options: ReplayOptions): Replayed {
  const kernel = chooseKernel(
    { patch: options.patch, release: options.release ?? stored.release },
    options.variant ?? stored.variant ?? 'stock',
  );
  const run = play(kernel, stored.scenario);
  const { property } = stored;
  const of = property === undefined ? {} : { property };
  const notes = withoutPatch([kernel], run.boot);
  const said = notes.length === 0 ? {} : { notes };
  const on = { file, variant: kernel.name, release: kernel.release, ...of, ...said };
  const why = inexpressible(run);
  if (why !== '') return { ...on, violations: [], asStored: true, inexpressible: inexpressibleText(kernel, why) };
  const asked = property === undefined ? properties : [chooseProperty(property)];
  const violations = asked
    .map((one) => ({ property: one.id, event: firstBroken(one, run) }))
    .filter(({ event }) => event >= 0);
  const asStored =
    stored.trace === undefined ||
    kernel.name !== stored.variant ||
    kernel.release !== (stored.release ?? REFERENCE) ||
    JSON.stringify(traceLines(run)) === JSON.stringify(stored.trace);
  const stock = stockNow(stored);
  return { ...on, violations, asStored, ...(stock === undefined || stock === stored.stock ? {} : { stock }) };
}

function textOf({ file, variant, release, property, violations, asStored, ...rest }: Replayed): string {
  const first = (rest.notes ?? []).map((note) => `${file}: ${note}\n`).join('');
  if (rest.inexpressible !== undefined) return `${first}${file}: ${rest.inexpressible}\n`;
  const broken = violations.map(({ property: id, event }) => `${id} at events[${event}]`).join(', ');
  const verdict = broken === '' ? `keeps ${property ?? 'every property'}` : `violates ${broken}`;
  const stock = rest.stock === undefined ? '' : `; stock ${rest.stock} it, which is not what the file says`;
  const on = `${variant}${release === REFERENCE ? '' : `, Linux ${release},`}`;
  return `${file}: on ${on} ${verdict}${asStored ? '' : '; its trace is not the stored one'}${stock}\n`;
}

/** What stock of the release that is stored does with the property; undefined where nothing is stored of that. */
function stockNow({ property, variant, release, stock, scenario }: LoadedScenario): 'keeps' | 'breaks' | undefined {
  if (property === undefined || variant === undefined || stock === undefined) return undefined;
  const run = play(stockOf(chooseVariant(variant, release)), scenario);
  return firstBroken(chooseProperty(property), run) < 0 ? 'keeps' : 'breaks';
}
