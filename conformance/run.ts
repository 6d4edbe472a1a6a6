/** Asks the model and the running kernel the same things, and makes small what they disagree about. */
import { release } from 'node:os';
import { onRelease } from '../model/patch/releases/index.ts';
import { stock } from '../model/patch/stock.ts';
import { impossibleEvent } from '../scenario/life.ts';
import { type WordSource, wordsOfSeed } from '../scenario/random.ts';
import { parseRouteGetLine } from '../scenario/routeGet.ts';
import { commandOf, compile, type Text } from '../scenario/text.ts';
import { minimiseAsync } from '../search/minimise.ts';
import { closest } from './choices.ts';
import { compareAnswers, compareSeen, type Difference } from './compare.ts';
import { drawCorners } from './corners/index.ts';
import { type Coverage, cover, NOTHING_COVERED } from './coverage.ts';
import { kernelSees, modelSees, type Seen } from './modelTrace.ts';
import { drawProxy } from './proxy.ts';
import { drawRouting, modelAnswers, QUESTION } from './routing.ts';
import type { Player } from './running/player.ts';
import { releaseOf } from './running/release.ts';
import { drawWire } from './wire.ts';

export type Kind = 'routing' | 'wire' | 'proxy' | 'corners';

/** Routing questions about one host. */
export const QUESTIONS_PER_HOST = 100;

/** A scenario, or a host with questions, that the two see differently. */
export interface Disagreement {
  readonly kind: Kind;
  /** With the seed, the case again. */
  readonly index: number;
  readonly text: Text;
  readonly differences: readonly Difference[];
}

export interface Campaign {
  readonly kind: Kind;
  readonly seed: number;
  /** Scenarios, or hosts with questions. */
  readonly cases: number;
  /** Routing answers, or packets, that were compared. */
  readonly compared: number;
  readonly disagreements: readonly Disagreement[];
  /** Cases in which they differed once and agreed the second time. */
  readonly unsteady: number;
  /** Parts of the model that the scenarios showed. */
  readonly coverage: Coverage;
  readonly seconds: number;
}

/** The words of a case. */
export function caseWords(seed: number, kind: Kind, index: number): WordSource {
  return wordsOfSeed(
    Math.imul(seed + 1, 0x01000193) ^ Math.imul(index * 2 + (kind === 'routing' ? 0 : 1) + 1, 0x9e3779b1),
  );
}

export function drawCase(seed: number, kind: Kind, index: number): Text {
  const words = caseWords(seed, kind, index);
  switch (kind) {
    case 'routing':
      return drawRouting(words, QUESTIONS_PER_HOST);
    case 'wire':
      return drawWire(words);
    case 'proxy':
      return drawProxy(words);
    case 'corners':
      return drawCorners(words);
  }
}

/** Seconds: the first retransmission of a SYN comes after one. */
export const LIMITS = { retransmit: 3 };

interface Comparison {
  readonly differences: readonly Difference[];
  readonly compared: number;
  /** A scenario that was played, as the kernel showed it. */
  readonly seen: readonly Seen[];
}

/** The model of the running kernel. */
export const running = onRelease(stock, releaseOf(release()));

/** Asks both, and compares. */
export async function compareCase(player: Player, kind: Kind, text: Text): Promise<Comparison> {
  if (kind === 'routing') {
    const kernel = await player.routes(
      text.host,
      text.events.map((event) => event.slice(QUESTION.length)),
    );
    const differences = compareAnswers(text, (secret) => modelAnswers(running, text, secret), kernel);
    return { differences, compared: kernel.routes.length, seen: [] };
  }
  const kernel = kernelSees(await player.run(text, LIMITS));
  const { differences } = closest(
    text.host,
    (secret) => modelSees(running, text, 0, secret),
    (model) => compareSeen(text, model, kernel),
  );
  return { differences, compared: kernel.packets.length, seen: [kernel] };
}

/** Whether the case can be asked at all. */
function isLegal(kind: Kind, { host, events }: Text): boolean {
  try {
    if (events.length === 0) return false;
    if (kind !== 'routing') return impossibleEvent(compile({ host, events }).events) === undefined;
    for (const line of host) commandOf(line);
    return events.every(
      (event) => event.startsWith(QUESTION) && parseRouteGetLine(event.slice(QUESTION.length)) !== undefined,
    );
  } catch {
    return false;
  }
}

/** The smallest case in which they still differ, as far as the time allows. */
export async function shrink(player: Player, kind: Kind, text: Text, seconds: number): Promise<Text> {
  const deadline = performance.now() + seconds * 1000;
  const differs = async (smaller: Text): Promise<boolean> => {
    if (performance.now() > deadline || !isLegal(kind, smaller)) return false;
    return (await compareCase(player, kind, smaller)).differences.length > 0;
  };
  return minimiseAsync(text, differs);
}

export interface CampaignOptions {
  readonly kind: Kind;
  readonly seed: number;
  readonly cases: number;
  /** Disagreements to collect before it stops. */
  readonly enough: number;
  /** Seconds for making one disagreement small. */
  readonly shrinking: number;
  readonly progress: (done: number) => void;
}

/** Runs generated cases, as many at once as the player has helpers. */
export async function campaign(player: Player, options: CampaignOptions): Promise<Campaign> {
  const { kind, seed, cases, enough } = options;
  const began = performance.now();
  const found: { readonly index: number; readonly text: Text }[] = [];
  let next = 0;
  let done = 0;
  let compared = 0;
  let unsteady = 0;
  let coverage = NOTHING_COVERED;
  const lane = async (): Promise<void> => {
    while (next < cases && found.length < enough) {
      const index = next++;
      const text = drawCase(seed, kind, index);
      const first = await compareCase(player, kind, text);
      compared += first.compared;
      for (const seen of first.seen) coverage = cover(coverage, text, seen);
      done++;
      if (first.differences.length > 0) {
        // A port that the kernel chose can coincide with another, and a timer can fire on a busy machine.
        const again = await compareCase(player, kind, text);
        if (again.differences.length > 0) found.push({ index, text });
        else unsteady++;
      }
      options.progress(done);
    }
  };
  await Promise.all([lane(), lane(), lane()]);
  const disagreements: Disagreement[] = [];
  for (const { index, text } of found.slice(0, enough)) {
    const small = await shrink(player, kind, text, options.shrinking);
    const { differences } = await compareCase(player, kind, small);
    disagreements.push({ kind, index, text: small, differences });
  }
  const seconds = (performance.now() - began) / 1000;
  return { kind, seed, cases: done, compared, disagreements, unsteady, coverage, seconds };
}
