/**
 * Stored cases: scenarios, and hosts with questions, with what a kernel did. The model is held to them everywhere; the
 * running kernel where it can be asked.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { onRelease, REFERENCE } from '../model/patch/releases/index.ts';
import { stock } from '../model/patch/stock.ts';
import type { Text } from '../scenario/text.ts';
import { closest } from './choices.ts';
import { compareAnswers, compareSeen, type Difference } from './compare.ts';
import { kernelSees, modelSees, type Seen } from './modelTrace.ts';
import { modelAnswers, QUESTION } from './routing.ts';
import type { Player, RouteAnswer } from './running/player.ts';
import { releaseOf } from './running/release.ts';

/** The folder of stored cases, below the project's. */
export const CASES = 'conformance/cases';

interface Told {
  /** One sentence: what the kernel does. */
  readonly title: string;
  /** The test that it restates, or the run that found it. */
  readonly origin: string;
  /** Kernel and date. */
  readonly observed: string;
  /** The first modelled release that does so; absent: the reference release does, too. */
  readonly release?: string;
  readonly host: readonly string[];
}

export interface RoutingCase extends Told {
  /** Arguments of `ip route get`. */
  readonly questions: readonly string[];
  readonly refused: readonly number[];
  readonly answers: readonly RouteAnswer[];
}

export interface WireCase extends Told {
  readonly events: readonly string[];
  readonly seen: Omit<Seen, 'events' | 'oops'>;
}

export type StoredCase = RoutingCase | WireCase;

/** The stored cases by the names of their files. */
export function loadCases(folder = CASES): ReadonlyMap<string, StoredCase> {
  const files = readdirSync(folder).filter((file) => file.endsWith('.json'));
  return new Map(files.sort().map((file) => [file, JSON.parse(readFileSync(join(folder, file), 'utf8'))]));
}

export function isRouting(stored: StoredCase): stored is RoutingCase {
  return 'questions' in stored;
}

/** The case as a text, questions as events. */
export function textOf(stored: StoredCase): Text {
  return isRouting(stored)
    ? { host: stored.host, events: stored.questions.map((question) => QUESTION + question) }
    : { host: stored.host, events: stored.events };
}

function answersOf({ refused, answers }: RoutingCase) {
  return { refused: refused.map((index) => ({ index, command: '', message: '' })), routes: answers };
}

function seenOf({ seen, events }: WireCase): Seen {
  return { ...seen, events: events.length, oops: '' };
}

/** In what the model differs from the stored case. */
export function modelDiffers(stored: StoredCase): readonly Difference[] {
  const text = textOf(stored);
  const kernel = onRelease(stock, releaseOf(stored.release ?? REFERENCE));
  return isRouting(stored)
    ? compareAnswers(text, (secret) => modelAnswers(kernel, text, secret), answersOf(stored))
    : closest(
        text.host,
        (secret) => modelSees(kernel, text, 0, secret),
        (model) => compareSeen(text, model, seenOf(stored)),
      ).differences;
}

/** In what the running kernel differs from the stored case; `kernel` then is the running one, `model` the stored. */
export async function kernelDiffers(player: Player, stored: StoredCase): Promise<readonly Difference[]> {
  const text = textOf(stored);
  if (!isRouting(stored)) return compareSeen(text, seenOf(stored), kernelSees(await player.run(text)));
  const routes = await player.routes(stored.host, stored.questions);
  return compareAnswers(text, () => answersOf(stored), routes);
}

/** The case with what the running kernel does. */
export async function observe(
  player: Player,
  text: Text,
  told: Pick<Told, 'title' | 'origin' | 'observed'>,
): Promise<StoredCase> {
  const { host, events } = text;
  if (events.every((event) => event.startsWith(QUESTION))) {
    const questions = events.map((event) => event.slice(QUESTION.length));
    const { refused, routes } = await player.routes(host, questions);
    return { ...told, host, questions, refused: refused.map(({ index }) => index), answers: routes };
  }
  const { events: _, oops: __, ...seen } = kernelSees(await player.run(text));
  return { ...told, host, events, seen };
}
