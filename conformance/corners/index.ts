/**
 * Random scenarios about what packets seldom meet elsewhere: chains and rules that are taken back, rules that nearly say the
 * same, sets that change, addresses that go, ports of a translation that run out, segments out of turn, and several sockets
 * that could have one packet.
 */
import { oneOf, type WordSource } from '../../scenario/random.ts';
import type { Text } from '../../scenario/text.ts';
import { drawChains, drawTwins } from './rules.ts';
import { drawAddresses, drawPolicies, drawSets } from './settings.ts';
import { drawCalls, drawReceivers, drawSegments, drawTranslated } from './traffic.ts';

const STORIES = [
  drawChains,
  drawTwins,
  drawTwins,
  drawSets,
  drawAddresses,
  drawTranslated,
  drawSegments,
  drawReceivers,
  drawCalls,
  drawPolicies,
] as const;

export function drawCorners(words: WordSource): Text {
  return oneOf(words, STORIES)(words);
}
