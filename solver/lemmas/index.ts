/** All lemmas, in the order in which they are proved, and broken twins of them, which must be refuted. */
import { checksumLemmas, checksumTwins } from './checksum.ts';
import type { Lemma } from './lemma.ts';
import { routingLemmas, routingTwins } from './routing.ts';
import { synLemmas, synTwins } from './syn.ts';
import { tupleLemmas, tupleTwins } from './tuple.ts';

export { stock } from '../../model/patch/stock.ts';
export { coarseHash } from './lemma.ts';

export const lemmas: readonly Lemma[] = [...checksumLemmas, ...synLemmas, ...tupleLemmas, ...routingLemmas];
export const twins: readonly Lemma[] = [...checksumTwins, ...synTwins, ...tupleTwins, ...routingTwins];
