/** Whether the promises tell a run on a mutant from that of the text as it is. */
import { isDeepStrictEqual } from 'node:util';
import { properties } from '../../properties/index.ts';
import type { Run } from '../../properties/property.ts';
import { firstBroken, inexpressible } from '../../scenario/play.ts';

/** What became of a mutant. */
export interface Fate {
  /** The promise that killed it, by an answer that it has not on the text as it is; '' for none. */
  promise: string;
  /** Whether it is no program: the compiler refuses it, or it threw what no kernel does. */
  invalid: boolean;
  /** Whether a comparison with a kernel finds it where no promise does. */
  compared: boolean;
  /** The test that finds it where neither does; '' for none. */
  test: string;
  /** Scenarios in which its place was reached; in how many of them something was different, and packets or what sockets receive. */
  reached: number;
  different: number;
  seen: number;
}

/** A change of one place, what became of it, and why it is no other patch where that is known, else ''. */
export interface Tried extends Fate {
  readonly file: string;
  readonly line: number;
  readonly from: string;
  readonly to: string;
  readonly reason: string;
}

export function newFate(): Fate {
  return { promise: '', invalid: false, compared: false, test: '', reached: 0, different: 0, seen: 0 };
}

/** A run on the text as it is, and which promises it is known to keep. */
export interface Original {
  readonly run: Run;
  readonly kept: Map<number, boolean>;
}

/** What leaves the host, and what sockets receive. */
function seenOf({ steps }: Run): readonly unknown[] {
  return steps.flatMap(({ effects }) => effects.filter((e) => e.kind === 'xmit' || e.kind === 'deliver'));
}

/** Plays a mutant and asks the promises about its run; `ask` runs what it is given with the mutant switched on. */
export function judge(
  fate: Fate,
  { run, kept }: Original,
  play: () => Run,
  ask: <T>(what: () => T) => T = (what) => what(),
): void {
  fate.reached++;
  try {
    const mutated = ask(play);
    if (isDeepStrictEqual(mutated.steps, run.steps)) return;
    fate.different++;
    if (!isDeepStrictEqual(seenOf(mutated), seenOf(run))) fate.seen++;
    if (inexpressible(run) !== '') return;
    for (const [at, property] of properties.entries()) {
      const keeps = kept.get(at) ?? firstBroken(property, run) < 0;
      kept.set(at, keeps);
      if (ask(() => firstBroken(property, mutated) < 0) === keeps) continue;
      fate.promise = property.id;
      return;
    }
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof ReferenceError || error instanceof RangeError)) throw error;
    fate.invalid = true;
  }
}
