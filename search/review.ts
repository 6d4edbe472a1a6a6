/** Searches properties on variants and makes what it finds small: the matrix, with a counterexample for every violated cell. */
import type { Kernel } from '../model/types/world.ts';
import { kernelWords } from '../own/patch.ts';
import type { Property } from '../properties/property.ts';
import { type RunScope, runScopes } from '../properties/scopes/runs.ts';
import { type Plan, scopesOf, type Tally, unseen } from './bulk.ts';
import { counterexampleOf, type Replayed, type Stored } from './counterexample.ts';
import { type Crew, hire } from './crew.ts';
import type { Cell, Counterexample } from './outcome.ts';
import { breaks } from './replays.ts';
import { type Closed, Schedule } from './schedule.ts';
import { Assembled, type PlayedPiece } from './shard.ts';
import { cellAt, type ReplayTask, type Small, type StoredCell } from './tasks.ts';

/** Fixed so that two people see the same review. */
export const SEED = 1;

/** Scenarios of a whole scope in a review. */
export const RUNS = 30_000;

/** Failing scenarios that are made small for a cell; the smallest result is kept. */
export const FAILURES = 6;

export interface SearchOptions {
  readonly properties: readonly Property[];
  readonly kernels: readonly Kernel[];
  /** Where scenarios are drawn from; the properties' own scopes without it. */
  readonly scopes?: readonly RunScope[];
  readonly seed: number;
  readonly runs: number;
  /** Milliseconds for everything; Infinity for no end. */
  readonly budget: number;
  /** Failing scenarios that are made small for a cell. */
  readonly failures?: number;
  /** Only the run of that path; all without it. */
  readonly path?: string;
  /** Threads that do the work; 1 without it. What is found does not depend on it. */
  readonly jobs?: number;
  /** What other machines played of it: all pieces. */
  readonly played?: readonly PlayedPiece[];
  /** A scenario that is known to break the property on that kernel. It proves the cell, if it still does. */
  readonly stored?: (property: Property, kernel: Kernel) => Stored | undefined;
  /** Whether it is taken to be as small as it gets: who only asks for contradictions makes nothing small that is known. */
  readonly storedAreSmall?: boolean;
  /** Hears of each of them whether it still does. */
  readonly onReplayed?: (property: Property, kernel: Kernel, isBroken: boolean) => void;
  /** Hears how far it is, in words and as a part of 1. */
  readonly progress: (message: string, part: number) => void;
  /** Ends the search at once; what is known then is the result. */
  readonly stop?: AbortSignal;
  /** Hears of each cell once, when its outcome is decided; it may be seen in more runs, and its counterexample get smaller, before the end. */
  readonly onCell?: (cell: Cell) => void;
}

/** Stored scenarios that are played again at a time. */
const STORED = 8;

/** What is to be played. */
export function planFor({
  properties,
  kernels,
  scopes = scopesOf({ properties }),
  seed,
  runs,
  path = '',
  failures = FAILURES,
}: Pick<SearchOptions, 'properties' | 'kernels' | 'scopes' | 'seed' | 'runs' | 'path' | 'failures'>): Plan {
  return { properties, kernels, scopes, seed, runs, path, failures };
}

/** Searches every property on every kernel with fast-check's outcomes. */
export async function search(options: SearchOptions): Promise<readonly Cell[]> {
  const plan = planFor(options);
  const crew = options.played === undefined ? hire(plan, options.jobs ?? 1) : new Assembled(plan, options.played);
  try {
    return await new Search(plan, options, crew).run();
  } finally {
    await crew.end();
  }
}

/** One search, from the first task to the last cell. */
class Search {
  private readonly plan: Plan;
  private readonly options: SearchOptions;
  private readonly crew: Crew;
  private readonly schedule: Schedule;
  /** What is decided so far, in the order properties × kernels. */
  private readonly cells: Cell[] = [];
  /** What was stored and still breaks its property, and the counterexamples among it, which cannot be made smaller. */
  private readonly stored = new Map<number, Stored>();
  private readonly examples = new Map<number, Counterexample>();
  private readonly replays: ReplayTask[];
  private replaying: number;
  private heardAll: () => void = () => {};
  /** Fulfilled when everything that was stored has been played again. */
  private readonly replayed = new Promise<void>((resolve) => {
    this.heardAll = resolve;
  });
  private busy = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(plan: Plan, options: SearchOptions, crew: Crew) {
    this.plan = plan;
    this.options = options;
    this.crew = crew;
    this.schedule = new Schedule(plan, options.budget, (closed) => this.decide(closed));
    this.replays = this.storedCells();
    this.replaying = this.replays.length;
    if (this.replaying === 0) this.heardAll();
  }

  async run(): Promise<readonly Cell[]> {
    const { stop } = this.options;
    await (stop === undefined ? this.searched() : Promise.race([this.searched(), aborted(stop)]));
    if (stop?.aborted) this.decideOpen();
    return this.cells;
  }

  private async searched(): Promise<void> {
    await Promise.all(Array.from({ length: this.crew.size }, () => this.work()));
  }

  /** Decides by what was seen so far what the search was stopped from deciding. */
  private decideOpen(): void {
    const { properties, kernels } = this.plan;
    this.schedule.finished = false;
    for (let cell = 0; cell < properties.length * kernels.length; cell++) {
      if (this.cells[cell] !== undefined) continue;
      const tally = this.schedule.tallyOf(cell);
      const legal = tally.failures.filter(({ text }) => breaks(tally.property, tally.kernel, text));
      const seen = legal.find(({ worse }) => worse) ?? legal[0];
      const small = seen && { text: seen.text, scope: seen.scope, path: seen.path, finished: false };
      this.decide({ cell, tally, small: this.examples.has(cell) ? null : (small ?? null) });
    }
  }

  /** Does one task after the other, while there are some: what was found before is played again first. */
  private async work(): Promise<void> {
    const { schedule, crew, options } = this;
    for (let task = this.replays.shift(); task !== undefined; task = this.replays.shift()) {
      if (options.stop?.aborted) return;
      this.takeReplayed(task, await crew.do(task));
    }
    for (;;) {
      const task = options.stop?.aborted ? undefined : schedule.next();
      if (task === undefined) {
        if (this.busy === 0) return;
        await new Promise<void>((resolve) => this.waiting.push(resolve));
        continue;
      }
      this.busy++;
      if (task.kind === 'small') schedule.takeSmall(task, await crew.do(task));
      else {
        const result = await crew.do(task);
        await this.replayed;
        schedule.takePiece(task, result);
      }
      this.busy--;
      this.sayHowFar();
      for (const wake of this.waiting.splice(0)) wake();
    }
  }

  private sayHowFar(): void {
    const { runs, allRuns } = this.schedule;
    const words = `${runs.toLocaleString('en')} of ${allRuns.toLocaleString('en')} scenarios`;
    this.options.progress(words, runs / allRuns);
  }

  /** What was found before, in tasks; the first of them are small, so that something shows soon. */
  private storedCells(): ReplayTask[] {
    const { properties, kernels } = this.plan;
    const { storedAreSmall: areSmall = false } = this.options;
    const tasks: ReplayTask[] = [];
    let cells: StoredCell[] = [];
    for (let cell = 0; cell < properties.length * kernels.length; cell++) {
      const stored = this.options.stored?.(...cellAt(properties, kernels, cell));
      if (stored === undefined) continue;
      cells.push({ cell, stored });
      if (cells.length < (tasks.length < this.crew.size ? 1 : STORED)) continue;
      tasks.push({ kind: 'replay', cells, areSmall });
      cells = [];
    }
    return cells.length === 0 ? tasks : [...tasks, { kind: 'replay', cells, areSmall }];
  }

  /** What was found before proves its cell, if it still breaks the property. */
  private takeReplayed({ cells }: ReplayTask, answers: readonly (Replayed | null)[]): void {
    const { properties, kernels } = this.plan;
    for (const [i, { cell, stored }] of cells.entries()) {
      const [property, kernel] = cellAt(properties, kernels, cell);
      const answer = answers[i];
      this.options.onReplayed?.(property, kernel, Boolean(answer));
      if (!answer) continue;
      const { worse, example } = answer;
      this.schedule.know(cell, { text: stored, isSmall: example !== null, worse });
      this.stored.set(cell, stored);
      if (example === null) continue;
      this.examples.set(cell, example);
      this.options.onCell?.(violated(this.plan, { property, kernel, ...unseen() }, example));
    }
    this.replaying--;
    if (this.replaying === 0) this.heardAll();
  }

  /** Takes in a cell of which nothing more will be played. */
  private decide({ cell, tally, small }: Closed): void {
    const known = this.examples.get(cell);
    const example = small === null ? known : this.exampleOf(cell, tally, small);
    const cut = small !== null && !small.finished ? `${this.ending} before its counterexample was small` : '';
    const decided = example === undefined ? this.unbroken(tally) : violated(this.plan, tally, example, cut);
    this.cells[cell] = decided;
    if (known === undefined) this.options.onCell?.(decided);
  }

  /** What ended a search that is not finished. */
  private get ending(): string {
    return this.options.stop?.aborted ? 'it was interrupted' : 'the budget ended';
  }

  private exampleOf(cell: number, { property, kernel }: Tally, { text, scope, path, finished }: Small): Counterexample {
    const { seed } = this.plan;
    const elsewhere = scope === property.scope.name ? '' : ` --scope ${scope}`;
    const command = `reroute-check search ${property.id} ${kernelWords(kernel)} --seed ${seed}${elsewhere} --path ${path}`;
    const fresh = { by: 'fast-check', seed, command } as const;
    const found = path === '' ? (this.stored.get(cell) as Stored).found : fresh;
    return counterexampleOf(property, kernel, text, found, finished);
  }

  private unbroken(tally: Tally): Cell {
    const end = this.schedule.finished ? '' : `${this.ending} after ${tally.runs.toLocaleString('en')} runs`;
    const reason = end === '' && tally.occurred === 0 ? 'the case it speaks of never occurred' : end;
    const outcome = reason === '' ? 'sampled' : 'undecided';
    return { ...answerOf(this.plan, tally), outcome, worse: false, reason, counterexample: null };
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function violated(plan: Plan, tally: Tally, counterexample: Counterexample, reason = ''): Cell {
  const worse = counterexample.stock === 'keeps';
  return { ...answerOf(plan, tally), outcome: 'violated', worse, reason, counterexample };
}

function answerOf(plan: Plan, { property, kernel, runs, occurred, inexpressible, why }: Tally) {
  const names = scopesOf(plan).map(({ name }) => name);
  const scope = names.length === runScopes.length ? 'every scope' : names.join(', ');
  return {
    property: property.id,
    variant: kernel.name,
    engine: 'fast-check',
    scope,
    runs,
    occurred,
    ...(inexpressible === 0 ? {} : { inexpressible: { runs: inexpressible, why } }),
  } as const;
}
