/**
 * The bulk search: plays generated scenarios on every variant and asks every property about each run.
 *
 * A host is configured once and used for several event sequences; the words of run H:E depend on the seed and on
 * H and E alone, so that any run can be played again by its path. For the same reason the work can be cut into pieces
 * that are played anywhere and in any order: what they found is taken in the order of their paths, as if one after the
 * other had been played.
 */
import type { Kernel, World } from '../model/types/world.ts';
import { type Property, type Run, scopesOf } from '../properties/property.ts';
import type { RunScope } from '../properties/scopes/runs.ts';
import { firstBroken, inexpressible, occurs, playOn } from '../scenario/play.ts';
import { recorded, type WordSource, wordsOfSeed } from '../scenario/random.ts';
import { eventOfLine } from '../scenario/text.ts';
import type { WordLists } from './fastCheck.ts';
import { drawEvents, drawHost } from './generate.ts';
import type { Failure } from './outcome.ts';
import { acceptedCommands, bootLines } from './replays.ts';
import { firstTwins, playFrom, rerouted } from './twins.ts';

/** Event sequences that are played on one host. */
export const eventsPerHost = 16;

/** Hosts of the first pieces, which are small so that something shows soon, and of all later ones. */
const FIRST_HOSTS = 2;
const MOST_HOSTS = 64;

export interface Plan {
  readonly properties: readonly Property[];
  readonly kernels: readonly Kernel[];
  readonly seed: number;
  /** Scenarios of a scope, if its share is 100; each is played on every kernel. */
  readonly runs: number;
  /** Only the run of that path (`H:E`); '' for all. */
  readonly path: string;
  /** Failing scenarios to collect for a cell before it is left alone. */
  readonly failures: number;
}

/** A piece of the work: runs of a scope, from that path on. */
export interface Piece {
  readonly scope: string;
  readonly host: number;
  readonly events: number;
  readonly runs: number;
}

/** How many runs were looked at. */
export interface Counts {
  readonly runs: number;
  /** Those in which the property's case occurred. */
  readonly occurred: number;
  /** Further ones in which the variant could not do what it stands for; they say nothing. */
  readonly inexpressible: number;
}

type Counting = { -readonly [count in keyof Counts]: number };

/** What the search saw of one property on one variant. */
export interface Tally extends Counting {
  readonly property: Property;
  readonly kernel: Kernel;
  /** Why the variant could not do what it stands for in the first such run; '' where there is none. */
  why: string;
  readonly failures: Failure[];
}

/** Nothing yet. */
export function unseen(): Counting & { why: string; failures: [] } {
  return { runs: 0, occurred: 0, inexpressible: 0, why: '', failures: [] };
}

/** What a piece saw of one cell, which is named by its place in the order properties × kernels. */
export interface Seen extends Counting {
  readonly cell: number;
  why: string;
  /** Each with what was counted in the piece up to it. */
  readonly failures: { readonly failure: Failure; readonly counts: Counts }[];
}

/** What a piece saw of all its cells, and how many runs it came to before its time was up. */
export interface PieceResult {
  readonly runs: number;
  readonly seen: readonly Seen[];
}

/** The words of the host of run H:E, and of its events. */
export function hostWords(seed: number, host: number): WordSource {
  return wordsOfSeed(Math.imul(seed + 1, 0x01000193) ^ (host * 2 + 1));
}

export function eventWords(seed: number, host: number, events: number): WordSource {
  return wordsOfSeed(Math.imul(seed + 1, 0x01000193) ^ Math.imul(host * eventsPerHost + events + 1, 0x9e3779b1));
}

/** Every scope that some property is searched in. */
export function scopesOfAll(properties: readonly Property[]): readonly RunScope[] {
  return [...new Set(properties.flatMap(scopesOf))];
}

/** Scenarios that are played in a scope. */
export function runsIn({ share }: RunScope, { runs, path }: Plan): number {
  return path === '' ? Math.ceil((runs * share) / 100) : 1;
}

/** The pieces of the work in one scope, in the order of their paths. */
export function* piecesOf(scope: RunScope, plan: Plan): Generator<Piece> {
  const { name } = scope;
  const [onlyHost, onlyEvents = 0] = plan.path.split(':').map(Number);
  if (plan.path !== '') {
    yield { scope: name, host: onlyHost as number, events: onlyEvents, runs: 1 };
    return;
  }
  const all = runsIn(scope, plan);
  let hosts = FIRST_HOSTS;
  for (let host = 0; host * eventsPerHost < all; host += hosts, hosts = Math.min(hosts * 2, MOST_HOSTS)) {
    yield { scope: name, host, events: 0, runs: Math.min(hosts * eventsPerHost, all - host * eventsPerHost) };
  }
}

/** Plays a piece until its time is up; cells that are closed are not asked. */
export function playPiece(plan: Plan, piece: Piece, closed: ReadonlySet<number>, until: number): PieceResult {
  const { kernels, seed, failures } = plan;
  const scope = scopeNamed(plan.properties, piece.scope);
  const asked = askedIn(scope, plan, closed);
  const twins = firstTwins(kernels);
  let runs = 0;
  let e = piece.events;
  for (let h = piece.host; runs < piece.runs && e < eventsPerHost; h++, e = 0) {
    const { host, booted } = drawBooted(scope, seed, h, kernels, twins);
    for (; e < eventsPerHost && runs < piece.runs; e++, runs++) {
      const lines = drawEvents(scope, host, eventWords(seed, h, e));
      const events = lines.map(eventOfLine);
      const where = () => ({
        text: { host, events: lines },
        scope: scope.name,
        words: wordsOfRun(scope, seed, h, e, host),
        path: `${h}:${e}`,
      });
      const played: Played[] = [];
      for (const [k, kernel] of kernels.entries()) {
        const now = playBeside(played[twins[k] as number], kernel, booted[k] as World, events);
        played.push(now);
        const why = inexpressible(now.run);
        for (const { property, at, seen } of asked[k] as readonly Asked[]) {
          if (seen.failures.length >= failures) continue;
          if (why !== '') {
            seen.inexpressible++;
            seen.why ||= why;
            continue;
          }
          now.answers[at] ??= answer(property, now.run);
          note(seen, now.answers[at], () => ({ property: property.id, variant: kernel.name, ...where() }));
        }
      }
    }
    if (Date.now() > until) break;
  }
  return { runs, seen: asked.flat().map(({ seen }) => seen) };
}

export function scopeNamed(properties: readonly Property[], name: string): RunScope {
  return scopesOfAll(properties).find((scope) => scope.name === name) as RunScope;
}

/** A property that is asked on one kernel; `at` is its place among those of the scope. */
interface Asked {
  readonly property: Property;
  readonly at: number;
  readonly seen: Seen;
}

/** What is asked in a scope on each kernel. */
function askedIn(
  scope: RunScope,
  { properties, kernels }: Plan,
  closed: ReadonlySet<number>,
): readonly (readonly Asked[])[] {
  return kernels.map((_, k) =>
    properties.flatMap((property, at): Asked[] => {
      const cell = at * kernels.length + k;
      if (!scopesOf(property).includes(scope) || closed.has(cell)) return [];
      return [{ property, at, seen: { cell, ...unseen() } }];
    }),
  );
}

/** A run, and what the properties said about it, as far as they were asked. */
interface Played {
  readonly run: Run;
  readonly answers: (Answer | undefined)[];
}

interface Answer {
  readonly occurs: boolean;
  readonly broken: boolean;
}

/** Plays events where a twin has played them, if there is one; without a second lookup nothing can be different. */
function playBeside(
  twin: Played | undefined,
  kernel: Kernel,
  booted: World,
  events: Parameters<typeof playOn>[2],
): Played {
  if (twin === undefined) return { run: playOn(kernel, booted, events), answers: [] };
  return rerouted(twin.run) ? { run: playFrom(twin.run, kernel, booted, events), answers: [] } : twin;
}

function answer(property: Property, run: Run): Answer {
  return { occurs: occurs(property, run), broken: firstBroken(property, run) >= 0 };
}

/** Counts the answer, and keeps the run that it speaks against. */
function note(seen: Seen, { occurs: occurred, broken }: Answer, failure: () => Failure): void {
  seen.runs++;
  if (occurred) seen.occurred++;
  if (!broken) return;
  const { runs, inexpressible: others } = seen;
  seen.failures.push({ failure: failure(), counts: { runs, occurred: seen.occurred, inexpressible: others } });
}

/** What all pieces saw, taken in the order of their paths. */
export class Tallies {
  readonly all: readonly Tally[];
  private readonly most: number;

  constructor({ properties, kernels, failures }: Plan) {
    this.most = failures;
    this.all = properties.flatMap((property) => kernels.map((kernel): Tally => ({ property, kernel, ...unseen() })));
  }

  /** Takes in what the next piece saw; gives the cells that are closed with it. */
  add({ seen }: PieceResult): readonly number[] {
    return seen.filter((one) => this.take(one)).map(({ cell }) => cell);
  }

  isClosed(cell: number): boolean {
    return (this.all[cell] as Tally).failures.length >= this.most;
  }

  private take(seen: Seen): boolean {
    const tally = this.all[seen.cell] as Tally;
    const room = this.most - tally.failures.length;
    if (room <= 0) return false;
    const last = seen.failures[room - 1];
    const { runs, occurred, inexpressible: others } = last?.counts ?? seen;
    tally.runs += runs;
    tally.occurred += occurred;
    tally.inexpressible += others;
    tally.why ||= seen.why;
    for (const { failure } of seen.failures.slice(0, room)) tally.failures.push(failure);
    return last !== undefined;
  }
}

/** Plays all of it here and now; the tallies come in the order properties × kernels. */
export function bulkSearch(plan: Plan, progress?: (done: number, of: number) => void): readonly Tally[] {
  const tallies = new Tallies(plan);
  const closed = new Set<number>();
  const scopes = scopesOfAll(plan.properties);
  const all = scopes.reduce((sum, scope) => sum + runsIn(scope, plan), 0);
  let runs = 0;
  for (const scope of scopes) {
    for (const piece of piecesOf(scope, plan)) {
      const result = playPiece(plan, piece, closed, Number.POSITIVE_INFINITY);
      for (const cell of tallies.add(result)) closed.add(cell);
      runs += result.runs;
      progress?.(runs, all);
    }
  }
  return tallies.all;
}

/** A host of the scope without the commands that the kernel refuses, configured on every kernel. */
export function drawBooted(
  scope: RunScope,
  seed: number,
  h: number,
  kernels: readonly Kernel[],
  twins: readonly number[] = firstTwins(kernels),
): { host: readonly string[]; booted: readonly World[] } {
  const host = acceptedCommands(kernels[0] as Kernel, drawHost(scope, hostWords(seed, h)));
  const booted: World[] = [];
  for (const [k, kernel] of kernels.entries()) booted.push(booted[twins[k] as number] ?? bootLines(kernel, host));
  return { host, booted };
}

/** The words that run H:E consumes. */
export function wordsOfRun(scope: RunScope, seed: number, h: number, e: number, host: readonly string[]): WordLists {
  const ofHost = recorded(hostWords(seed, h));
  const ofEvents = recorded(eventWords(seed, h, e));
  drawHost(scope, ofHost);
  drawEvents(scope, host, ofEvents);
  return [ofHost.list, ofEvents.list];
}
