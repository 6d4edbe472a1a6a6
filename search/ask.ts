/**
 * Asks properties about a run, all of them in one pass over its steps: what several of them want to know of a step
 * natively is found once (`tools/copies/remembered.ts`).
 */
import type { Effect, Step } from '../model/types/world.ts';
import type { About, Property, Run } from '../properties/property.ts';

/** A property as it is asked; records of one form are asked faster. */
export interface Question {
  /** Its place among all. */
  readonly at: number;
  /** The bit of what a step must show to be asked about. */
  readonly about: number;
  readonly holds: Property['holds'];
  readonly sometimes: Property['sometimes'];
}

export function questionsOf(properties: readonly Property[]): readonly Question[] {
  return properties.map(({ about, holds, sometimes }, at) => ({ at, about: BITS[about], holds, sometimes }));
}

/** A bit for each kind of effect that a property may speak of alone, and one for what every step has. */
const BITS: Readonly<Record<About, number>> = { '': 1, xmit: 2, reroute: 4, mangled: 8 };

function shownBy({ effects }: Step): number {
  let shown = BITS[''];
  for (const { kind } of effects) shown |= bitOf(kind);
  return shown;
}

function bitOf(kind: Effect['kind']): number {
  return kind === 'xmit' || kind === 'reroute' || kind === 'mangled' ? BITS[kind] : 0;
}

/** Bits of an answer. */
const ASKED = 1;
const OCCURS = 2;
const BROKEN = 4;

/** What a run says about properties, each asked once. */
export class Answers {
  private readonly run: Run;
  private readonly known: number[];

  /** `count` properties may be asked. */
  constructor(run: Run, count: number) {
    this.run = run;
    this.known = new Array<number>(count).fill(0);
  }

  ask(questions: readonly Question[]): void {
    const { run, known } = this;
    const open = questions.filter(({ at }) => known[at] === 0);
    if (open.length === 0) return;
    for (const { at } of open) known[at] = ASKED;
    for (let i = 0; i < run.steps.length; i++) {
      const shown = shownBy(run.steps[i] as Step);
      for (const question of open) {
        if ((question.about & shown) !== 0) this.askOf(question, i);
      }
    }
  }

  private askOf({ at, holds, sometimes }: Question, i: number): void {
    const { run, known } = this;
    const before = known[at] as number;
    const occurs = (before & OCCURS) === 0 && sometimes(run, i) ? OCCURS : 0;
    const broken = (before & BROKEN) === 0 && !holds(run, i) ? BROKEN : 0;
    known[at] = before | occurs | broken;
  }

  /** Whether the case of the property at that place occurs. */
  occurs(at: number): boolean {
    return ((this.known[at] as number) & OCCURS) !== 0;
  }

  isBroken(at: number): boolean {
    return ((this.known[at] as number) & BROKEN) !== 0;
  }
}
