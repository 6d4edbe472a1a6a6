/**
 * What a comparison with kernels finds: the stored cases, and cases of a conformance run, are played on the model as it is,
 * which does there what kernels do, and on each mutant that they reach. Nothing is asked of a kernel here; it was asked before.
 */
import { loadCases, modelDiffers, type StoredCase } from '../../conformance/cases.ts';
import { compareAnswers, compareSeen } from '../../conformance/compare.ts';
import { modelSees } from '../../conformance/modelTrace.ts';
import { modelAnswers } from '../../conformance/routing.ts';
import { drawCase, type Kind, running } from '../../conformance/run.ts';
import type { Text } from '../../scenario/text.ts';
import { reachedSince, withMutant } from './switches.ts';

/** Cases of each kind in a turn. */
const TURN: readonly (readonly [kind: Kind, cases: number])[] = [
  ['wire', 10],
  ['corners', 10],
  ['proxy', 1],
  ['routing', 1],
];

export interface ComparedOptions {
  readonly ids: readonly string[];
  /** The folder of the cases that a kernel has been asked already. */
  readonly cases: string;
  readonly seed: number;
  /** Turns at most, and time after which no further stored case and no turn but the first begins. */
  readonly turns: number;
  readonly seconds: number;
  readonly progress: (left: number) => void;
}

/** The mutants that show a difference. */
export function comparedMutants({ ids, cases, seed, turns, seconds, progress }: ComparedOptions): ReadonlySet<string> {
  const alive = new Set(ids);
  const until = Date.now() + seconds * 1000;
  for (const stored of loadCases(cases).values()) {
    if (Date.now() > until) break;
    for (const id of noticed(alive, () => storedDiffers(stored))) alive.delete(id);
  }
  for (let turn = 0; turn < turns && alive.size > 0 && (turn === 0 || Date.now() < until); turn++) {
    for (const [kind, count] of TURN) {
      for (let n = 0; n < count; n++) {
        for (const id of foundBy(kind, drawCase(seed, kind, turn * count + n), alive)) alive.delete(id);
      }
    }
    progress(alive.size);
  }
  return new Set(ids.filter((id) => !alive.has(id)));
}

function foundBy(kind: Kind, text: Text, alive: ReadonlySet<string>): readonly string[] {
  // A kernel chooses among paths and throws dice as it likes.
  if (text.host.some((line) => /nexthop|--mode random/.test(line))) return [];
  return noticed(alive, () => (kind === 'routing' ? answersDiffer(text) : tracesDiffer(text)));
}

/** The mutants on which a case differs; `play` plays it on the model as it is, and gives what asks once more. */
function noticed(alive: ReadonlySet<string>, play: () => () => boolean): readonly string[] {
  reachedSince();
  const differs = play();
  return reachedSince().filter((id) => alive.has(id) && throwsOr(() => withMutant(id, differs)));
}

function storedDiffers(stored: StoredCase): () => boolean {
  const differs = () => modelDiffers(stored).length > 0;
  differs();
  return differs;
}

function answersDiffer(text: Text): () => boolean {
  const original = modelAnswers(running, text);
  return () => compareAnswers(text, () => modelAnswers(running, text), original).length > 0;
}

function tracesDiffer(text: Text): () => boolean {
  const original = modelSees(running, text);
  return () => compareSeen(text, modelSees(running, text), original, true).length > 0;
}

/** A mutant that throws what no kernel does is found, too. */
function throwsOr(differs: () => boolean): boolean {
  try {
    return differs();
  } catch (error) {
    if (error instanceof TypeError || error instanceof ReferenceError || error instanceof RangeError) return true;
    throw error;
  }
}
