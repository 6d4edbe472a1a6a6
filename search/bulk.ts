/**
 * The bulk search: plays generated scenarios on every variant and asks every property about each run.
 *
 * A host is configured once and used for several event sequences; the words of run H:E depend on the seed and on
 * H and E alone, so that any run can be played again by its path. For the same reason the work can be cut into pieces
 * that are played anywhere and in any order: what they found is taken in the order of their paths, as if one after the
 * other had been played.
 */
import type { Kernel, World } from '../model/types/world.ts';
import type { Property } from '../properties/property.ts';
import type { RunScope } from '../properties/scopes/runs.ts';
import { type Question, type Questions, questionsOf, together } from '../scenario/ask.ts';
import { Beside, type Played } from '../scenario/beside.ts';
import { inexpressible, isComparable, isKept } from '../scenario/play.ts';
import { recorded, type WordSource, wordsOfSeed } from '../scenario/random.ts';
import { eventOfLine } from '../scenario/text.ts';
import { bootsSame, firstTwins } from '../scenario/twins.ts';
import type { WordLists } from './fastCheck.ts';
import { drawEvents, drawHost } from './generate.ts';
import type { Failure } from './outcome.ts';
import { acceptedCommands, bootLines } from './replays.ts';
import { isStock, withStocks } from './worse.ts';

/** Event sequences that are played on one host. */
export const eventsPerHost = 16;

/** Hosts of the first pieces, which are small so that something shows soon, and of all later ones. */
const FIRST_HOSTS = 2;
const MOST_HOSTS = 64;

export interface Plan {
  readonly properties: readonly Property[];
  readonly kernels: readonly Kernel[];
  /** Where scenarios are drawn from; every property is asked about each. Without it, the properties' own scopes. */
  readonly scopes?: readonly RunScope[];
  readonly seed: number;
  /** Scenarios of a scope, if its share is 100; each is played on every kernel. */
  readonly runs: number;
  /** Only the run of that path (`H:E`); '' for all. */
  readonly path: string;
  /** Failing scenarios to collect for a cell: those that are worse than stock until it is left alone, and as many others. */
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

/** The scopes that scenarios are drawn from. */
export function scopesOf({ scopes, properties }: Pick<Plan, 'scopes' | 'properties'>): readonly RunScope[] {
  return scopes ?? [...new Set(properties.map(({ scope }) => scope))];
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
  const player = new Player(plan, scopeNamed(plan, piece.scope), closed);
  let runs = 0;
  let e = piece.events;
  for (let h = piece.host; runs < piece.runs && e < eventsPerHost; h++, e = 0) {
    const configured = player.configure(h);
    for (; e < eventsPerHost && runs < piece.runs; e++, runs++) player.play(configured, e);
    if (Date.now() > until) break;
  }
  return { runs, seen: player.seen };
}

/** A host of a scope as each kernel has it. */
interface Configured {
  readonly h: number;
  readonly host: readonly string[];
  readonly booted: readonly World[];
}

/** Plays the runs of a piece one after the other, and keeps what they show. */
class Player {
  readonly seen: readonly Seen[];
  private readonly plan: Plan;
  private readonly scope: RunScope;
  private readonly kernels: readonly Kernel[];
  /** For each kernel, where that without a patch stands. */
  private readonly stockAt: readonly number[];
  private readonly twins: readonly number[];
  private readonly beside: Beside;
  /** Each question by itself. */
  private readonly alone: readonly Questions[];
  /** What is still asked on each kernel. */
  private readonly open: Open[];

  constructor(plan: Plan, scope: RunScope, closed: ReadonlySet<number>) {
    const { properties } = plan;
    const { all, stockAt } = withStocks(plan.kernels);
    const questions = questionsOf(properties);
    const asked = all.map((kernel) => askedOf(kernel, plan, questions, closed));
    this.plan = plan;
    this.scope = scope;
    this.kernels = all;
    this.stockAt = stockAt;
    this.twins = firstTwins(all);
    this.beside = new Beside(all, properties.length);
    this.alone = questions.map((question) => together([question]));
    this.open = asked.map(openOf);
    this.seen = asked.flat().map(({ seen }) => seen);
  }

  /** Configures host `h` on all kernels. */
  configure(h: number): Configured {
    return { h, ...drawBooted(this.scope, this.plan.seed, h, this.kernels, this.twins) };
  }

  /** Plays event sequence `e` on a host. */
  play({ h, host, booted }: Configured, e: number): void {
    const { scope, open } = this;
    const events = drawEvents(scope, host, eventWords(this.plan.seed, h, e));
    const played = this.beside.play(booted, events.map(eventOfLine));
    for (const k of open.keys()) {
      const broken = count(open[k] as Open, played[k] as Played);
      for (const one of broken)
        this.take(one, k, played, { text: { host, events }, scope: scope.name, path: `${h}:${e}` });
    }
  }

  /** Keeps a run that breaks a property on kernel `k`, while such a run is wanted. */
  private take(
    { question, seen }: Asked,
    k: number,
    played: readonly Played[],
    where: Pick<Failure, 'text' | 'scope' | 'path'>,
  ): void {
    const { open, plan } = this;
    const { at } = question;
    const property = plan.properties[at] as Property;
    const kernel = this.kernels[k] as Kernel;
    const now = played[k] as Played;
    const onStock = played[this.stockAt[k] as number] as Played;
    onStock.answers.ask(this.alone[at] as Questions);
    const onIt = { occurs: onStock.answers.occurs(at), broken: onStock.answers.isBroken(at) };
    const worse = isKept(property, onIt) && isComparable(property, now.run, onStock.run, now.answers.firstBroken(at));
    if (!hasRoom(failuresOf(seen), worse, plan.failures)) return;
    const { runs, occurred, inexpressible } = seen;
    const failure = { property: property.id, variant: kernel.name, worse, ...where };
    seen.failures.push({ failure, counts: { runs, occurred, inexpressible } });
    if (isEnough(kernel, failuresOf(seen), plan.failures))
      open[k] = openOf((open[k] as Open).asked.filter((one) => one.seen !== seen));
  }
}

/** Counts what a run says about the properties that are open; gives those that it breaks. */
function count({ asked, questions }: Open, { run, answers }: Played): readonly Asked[] {
  const why = inexpressible(run);
  if (why !== '') {
    for (const { seen } of asked) {
      seen.inexpressible++;
      seen.why ||= why;
    }
    return [];
  }
  answers.ask(questions);
  const broken: Asked[] = [];
  for (const one of asked) {
    const { question, seen } = one;
    seen.runs++;
    if (answers.occurs(question.at)) seen.occurred++;
    if (answers.isBroken(question.at)) broken.push(one);
  }
  return broken;
}

export function scopeNamed(plan: Pick<Plan, 'scopes' | 'properties'>, name: string): RunScope {
  return scopesOf(plan).find((scope) => scope.name === name) as RunScope;
}

/** A property that is asked on one kernel, and what was seen of it there. */
interface Asked {
  readonly question: Question;
  readonly seen: Seen;
}

/** What is still asked on a kernel. */
interface Open {
  readonly asked: readonly Asked[];
  readonly questions: Questions;
}

function openOf(asked: readonly Asked[]): Open {
  return { asked, questions: together(asked.map(({ question }) => question)) };
}

/** What is asked on a kernel: nothing where it is only compared with. */
function askedOf(
  kernel: Kernel,
  { kernels }: Plan,
  questions: readonly Question[],
  closed: ReadonlySet<number>,
): readonly Asked[] {
  const k = kernels.indexOf(kernel);
  if (k < 0) return [];
  return questions.flatMap((question): Asked[] => {
    const cell = question.at * kernels.length + k;
    return closed.has(cell) ? [] : [{ question, seen: { cell, ...unseen() } }];
  });
}

function failuresOf({ failures }: Seen): readonly Failure[] {
  return failures.map(({ failure }) => failure);
}

/** Whether a failure of that kind is still wanted. */
function hasRoom(failures: readonly Failure[], worse: boolean, most: number): boolean {
  return failures.filter((one) => one.worse === worse).length < most;
}

/** Whether no failure is wanted any more: those that are worse than stock are looked for to the end, and stock has none. */
function isEnough(kernel: Kernel, failures: readonly Failure[], most: number): boolean {
  return !hasRoom(failures, !isStock(kernel), most);
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

  private take(seen: Seen): boolean {
    const tally = this.all[seen.cell] as Tally;
    if (isEnough(tally.kernel, tally.failures, this.most)) return false;
    let last: Counts | undefined;
    for (const { failure, counts } of seen.failures) {
      if (last !== undefined || !hasRoom(tally.failures, failure.worse, this.most)) continue;
      tally.failures.push(failure);
      if (isEnough(tally.kernel, tally.failures, this.most)) last = counts;
    }
    const { runs, occurred, inexpressible } = last ?? seen;
    tally.runs += runs;
    tally.occurred += occurred;
    tally.inexpressible += inexpressible;
    tally.why ||= seen.why;
    return last !== undefined;
  }
}

/** Plays all of it here and now; the tallies come in the order properties × kernels. */
export function bulkSearch(plan: Plan, progress?: (done: number, of: number) => void): readonly Tally[] {
  const tallies = new Tallies(plan);
  const closed = new Set<number>();
  const scopes = scopesOf(plan);
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
  for (const [k, kernel] of kernels.entries()) {
    const twin = twins[k] as number;
    const before = booted[twin];
    const isSame = before !== undefined && bootsSame(kernel, kernels[twin] as Kernel, before);
    booted.push(isSame ? before : bootLines(kernel, host));
  }
  return { host, booted };
}

/** The words that the run of that path consumes on that host. */
export function wordsOfRun(scope: RunScope, seed: number, path: string, host: readonly string[]): WordLists {
  const [h, e] = path.split(':').map(Number) as [number, number];
  const ofHost = recorded(hostWords(seed, h));
  const ofEvents = recorded(eventWords(seed, h, e));
  drawHost(scope, ofHost);
  drawEvents(scope, host, ofEvents);
  return [ofHost.list, ofEvents.list];
}
