/**
 * fast-check's side of the search: a scenario is decoded from two lists of words, one for the host and one for the
 * events, so that fast-check can draw it, name it by seed and path, and shrink it.
 */
import fc from 'fast-check';
import type { Kernel } from '../model/types/world.ts';
import type { Property } from '../properties/property.ts';
import type { RunScope } from '../properties/scopes/runs.ts';
import { bootHost, firstBroken, playOn } from '../scenario/play.ts';
import { wordsOfList } from '../scenario/random.ts';
import { commandOf, eventOfLine, type Text } from '../scenario/text.ts';
import { acceptedCommands } from './accepted.ts';
import { drawEvents, drawHost } from './generate.ts';

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

function breaksWords(property: Property, scope: RunScope, kernel: Kernel, lists: WordLists): boolean {
  const { host, events } = decode(scope, kernel, lists);
  return firstBroken(property, playOn(kernel, bootHost(kernel, host.map(commandOf)), events.map(eventOfLine))) >= 0;
}

/** Lets fast-check shrink failing words; gives the scenario they then stand for. */
export function shrinkWords(property: Property, scope: RunScope, kernel: Kernel, lists: WordLists): Text {
  let evaluations = 0;
  const details = fc.check(
    fc.property(wordLists, (candidate) => {
      evaluations++;
      return evaluations > SHRINKS || !breaksWords(property, scope, kernel, candidate);
    }),
    { examples: [[[[...lists[0]], [...lists[1]]]]], numRuns: 1, seed: 1 },
  );
  return decode(scope, kernel, (details.counterexample?.[0] ?? lists) as WordLists);
}

/** Plain fast-check on a property: what `fc.check` says, with its seed and path. */
export function checkPlain(
  property: Property,
  kernel: Kernel,
  numRuns: number,
  seed: number,
): fc.RunDetails<[[number[], number[]]]> {
  return fc.check(
    fc.property(wordLists, (lists) => !breaksWords(property, property.scope, kernel, lists)),
    { numRuns, seed },
  );
}
