/**
 * fast-check's side of the search: a scenario is decoded from two lists of words, one for the host and one for the
 * events, so that fast-check can draw it, name it by seed and path, and shrink it.
 */
import fc from 'fast-check';
import type { Kernel } from '../model/types/world.ts';
import type { Property } from '../properties/property.ts';
import type { RunScope } from '../properties/scopes/runs.ts';
import { wordsOfList } from '../scenario/random.ts';
import type { Text } from '../scenario/text.ts';
import { drawEvents, drawHost } from './generate.ts';
import type { Breaks } from './minimise.ts';
import { acceptedCommands, breaksDrawn } from './replays.ts';

/** The words of a host and of its events. */
export type WordLists = readonly [host: readonly number[], events: readonly number[]];

/** Words enough for any host and any sequence of events; missing ones are 0. */
const MOST_WORDS = 48;

/** Evaluations after which fast-check's shrinking ends: the minimiser goes on from there. */
const SHRINKS = 400;

const words = () => fc.array(fc.nat({ max: 0xffffffff }), { maxLength: MOST_WORDS, size: 'max' });

/** Word lists as fast-check draws them. */
export const wordLists: fc.Arbitrary<[number[], number[]]> = fc.tuple(words(), words());

/** The scenario that the words stand for; commands that the kernel refuses are left out. */
export function decode(scope: RunScope, kernel: Kernel, [hostWords, eventWords]: WordLists): Text {
  const host = acceptedCommands(kernel, drawHost(scope, wordsOfList(hostWords)));
  return { host, events: drawEvents(scope, host, wordsOfList(eventWords)) };
}

/**
 * Shrinks failing words as fast-check does, and gives the scenario they then stand for.
 *
 * fast-check itself would go on asking when the evaluations are used up; it does not shrink what it could not have drawn.
 */
export function shrinkWords(fails: Breaks, scope: RunScope, kernel: Kernel, lists: WordLists): Text {
  const breaks = (words: WordLists) => fails(decode(scope, kernel, words));
  let words: [number[], number[]] = [[...lists[0]], [...lists[1]]];
  if (!breaks(words) || !wordLists.canShrinkWithoutContext(words)) return decode(scope, kernel, words);
  let candidates = wordLists.shrink(words, undefined);
  let evaluations = 1;
  for (let next = candidates.next(); !next.done && evaluations < SHRINKS; next = candidates.next()) {
    evaluations++;
    const { value, context } = next.value;
    if (!breaks(value)) continue;
    words = value;
    candidates = wordLists.shrink(value, context);
  }
  return decode(scope, kernel, words);
}

/** Plain fast-check on a property: what `fc.check` says, with its seed and path. */
export function checkPlain(
  property: Property,
  kernel: Kernel,
  numRuns: number,
  seed: number,
): fc.RunDetails<[[number[], number[]]]> {
  return fc.check(
    fc.property(wordLists, (lists) => !breaksDrawn(property, kernel, decode(property.scope, kernel, lists))),
    { numRuns, seed },
  );
}
