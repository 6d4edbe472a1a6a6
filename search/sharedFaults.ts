/** Asks a text which of the known faults it has: where a fault by itself breaks a promise that stock keeps, whether the text breaks it, too. */
import type { Fault } from '../model/types/faults.ts';
import type { Kernel } from '../model/types/world.ts';
import type { Property } from '../properties/property.ts';
import type { Text } from '../scenario/text.ts';
import { findingOf } from './counterexample.ts';
import { breaksAlone, drawLone, type LoneFault, loneFaults } from './faults.ts';
import { minimise } from './minimise.ts';
import { breaks, keeps, runOf } from './replays.ts';
import { isWorse, stockOf } from './worse.ts';

export interface SharedOptions {
  readonly kernel: Kernel;
  readonly faults: readonly Fault[];
  readonly properties: readonly Property[];
  /** Stored counterexamples of single faults, by the name of the variant. */
  readonly stored: readonly StoredFault[];
  readonly seed: number;
  /** Scenarios of a whole scope. */
  readonly runs: number;
  readonly progress: (message: string) => void;
  /** Ends the search at once; what is known then is the result. */
  readonly stop?: AbortSignal;
}

/** A stored counterexample, and where it is. */
export interface StoredFault {
  readonly file: string;
  readonly variant: string;
  readonly property: string;
  readonly text: Text;
}

/** A scenario in which the fault by itself and the text break the same promise. */
export interface ShownFault extends Text {
  readonly property: string;
  /** What the text does there, in a sentence. */
  readonly finding: string;
  /** Where the scenario is stored, '' when it was drawn. */
  readonly file: string;
}

export interface SharedFault {
  readonly fault: Fault;
  /** Where the text breaks what the fault breaks; null where it does so nowhere. */
  readonly shown: ShownFault | null;
  /** Scenarios in which the fault breaks a promise by itself, and that the text was asked about. */
  readonly asked: number;
}

interface Asked extends LoneFault {
  shown: { readonly property: Property; readonly text: Text; readonly file: string } | undefined;
  asked: number;
}

/** Faults that are in both versions are one: it is enough that the text has one of them. */
export async function sharedFaults(options: SharedOptions): Promise<readonly SharedFault[]> {
  const { kernel, properties, stored } = options;
  const all = loneFaults(options.faults).map((one): Asked => ({ ...one, shown: undefined, asked: 0 }));
  const isShown = ({ fault }: Asked) => all.some((one) => one.fault === fault && one.shown !== undefined);
  const ask = (one: Asked, property: Property, text: Text, file: string): void => {
    if (!keeps(property, stockOf(kernel), text)) return;
    one.asked++;
    if (breaks(property, kernel, text)) one.shown ??= { property, text, file };
  };
  for (const one of all) {
    for (const { file, variant, property: id, text } of stored) {
      const property = properties.find((other) => other.id === id);
      if (variant === one.kernel.name && property !== undefined) ask(one, property, text, file);
    }
  }
  await drawLone(all, options, {
    plays: (one) => !isShown(one),
    asks: (one) => !isShown(one),
    broke: (one, property, { host, lines }) => ask(one, property, { host, events: lines }, ''),
  });
  return options.faults.map((fault) => {
    const both = all.filter((one) => one.fault === fault);
    const asked = both.reduce((sum, one) => sum + one.asked, 0);
    const one = both.find(({ shown }) => shown !== undefined);
    return { fault, asked, shown: one === undefined ? null : shownBy(one, kernel) };
  });
}

/** The scenario, as small as it can be with both; a stored one stays as it is. */
function shownBy(one: Asked, kernel: Kernel): ShownFault {
  const { property, text, file } = one.shown as NonNullable<Asked['shown']>;
  const isAlone = breaksAlone(property, one);
  const both = (other: Text) => isAlone(other) && isWorse(property, kernel, other);
  const small = file === '' ? minimise(text, both) : text;
  const finding = findingOf(property, runOf(kernel, small));
  return { ...small, property: property.id, finding, file };
}
