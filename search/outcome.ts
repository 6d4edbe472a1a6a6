/** What a search can say about a property on a variant. Four outcomes, never merged. */
import type { Property } from '../properties/property.ts';
import type { Text } from '../scenario/text.ts';
import type { Verdict } from './verdicts.ts';

export type EngineName = 'fast-check' | 'z3';

export type Outcome = 'violated' | 'exhausted' | 'sampled' | 'undecided';

/** A scenario that breaks a property, and where it came from. */
export interface Counterexample {
  readonly finding: string;
  readonly property: string;
  readonly variant: string;
  /** The kernel release, where it is not the reference. */
  readonly release?: string;
  /** What stock of the same release does with the promise in this scenario; absent where it is stock's own. */
  readonly stock?: 'keeps' | 'breaks';
  readonly host: readonly string[];
  readonly events: readonly string[];
  readonly trace: readonly string[];
  readonly found: { readonly by: EngineName; readonly seed: number; readonly command: string };
}

/** The answer for one property on one variant. */
export interface Cell extends Answer {
  readonly property: string;
  readonly variant: string;
  readonly counterexample: Counterexample | null;
  /** What the other engine answered, when both were asked. The two speak of different scopes and stay apart. */
  readonly beside?: Answer;
}

/** What one engine says. */
export interface Answer {
  readonly outcome: Outcome;
  /** Whether it is violated in a scenario in which stock of the same release keeps the promise. */
  readonly worse: boolean;
  readonly engine: EngineName;
  /** Scopes that the answer speaks of. */
  readonly scope: string;
  /** Runs checked, and in how many of them the property's case occurred. */
  readonly runs: number;
  readonly occurred: number;
  /** Further runs in which the variant could not do what it stands for, and why not in one of them. */
  readonly inexpressible?: { readonly runs: number; readonly why: string };
  /** Why it is undecided; '' otherwise. */
  readonly reason: string;
  /** What z3 did for it. */
  readonly solved?: Solving;
}

/** How much z3 had to look at. */
export interface Solving {
  /** Shapes of the scope, and how many of them were closed. */
  readonly shapes: number;
  readonly closed: number;
  readonly paths: number;
  readonly queries: number;
  readonly milliseconds: number;
}

export interface Review {
  readonly version: string;
  /** The day on which it ended. */
  readonly date: string;
  readonly release: string;
  readonly seed: number;
  /** Scenarios of a whole scope. */
  readonly runs: number;
  readonly interrupted: boolean;
  /** How far it came, in words. */
  readonly reached: string;
  readonly command: string;
  readonly properties: readonly Pick<Property, 'id' | 'concern' | 'gravity' | 'purpose' | 'claim'>[];
  readonly variants: readonly { readonly name: string; readonly title: string }[];
  /** What a reviewer asks first, for each variant. */
  readonly verdicts: readonly Verdict[];
  readonly cells: readonly Cell[];
}

/** A failing scenario before it is made small. */
export interface Failure {
  readonly property: string;
  readonly variant: string;
  /** Whether stock of the same release keeps the promise in it. */
  readonly worse: boolean;
  readonly text: Text;
  /** The name of the scope that it was drawn from. */
  readonly scope: string;
  /** Which run of that scope it is; its words follow from that. */
  readonly path: string;
}

/** The answers for a cell, one an engine. */
export function answersOf(cell: Cell): readonly Answer[] {
  return cell.beside === undefined ? [cell] : [cell, cell.beside];
}

/** An outcome in words; a violation says when stock keeps the promise. */
export function outcomeText(outcome: string, worse: boolean): string {
  return worse ? `${outcome}, worse than stock` : outcome;
}

/** Whether an outcome is the recorded one. Where z3 once ran out of time, it may close the cell on another day. */
export function asRecorded(outcome: string, record: string): boolean {
  return outcome === record || (record === 'undecided' && outcome === 'exhausted');
}
