/**
 * Explores every path of a run on symbolic inputs.
 *
 * Each path follows a concrete input; z3 then solves for inputs that leave it at one of its decisions, the last first,
 * until no side of a decision is left. At the end of a path the property must hold under its path condition.
 */
import { type Application, DEFAULT_LIMITS, Engine, type EngineSolver, Stop } from './engine.ts';
import { type Fresh, fresh } from './inputs.ts';
import { Portfolio } from './portfolio.ts';
import { DEFAULT_PROVER_LIMITS, type Prover, type Solution, verifyInput } from './prover.ts';
import type { OnClosed } from './recorder.ts';
import { runOn, test } from './runtime.ts';
import type { Z3 } from './smt.ts';
import { forgetComparisons } from './terms/compare.ts';
import { not } from './terms/logic.ts';
import { type Bool, type BoolTerm, forgetTerms, InternalError, type NumTerm, Unsupported } from './terms/term.ts';
import { smallest, Valuation } from './terms/valuation.ts';
import { type Familiar, nothingFamiliar, smallWitness } from './witness.ts';

export interface Budget {
  /** Wall-clock limit. None by default. */
  readonly milliseconds?: number;
  /** Paths of the whole run. None by default. */
  readonly paths?: number;
  /** z3 steps for each question that the verdict depends on; results then repeat on every machine. None by default. */
  readonly rlimit?: number;
}

export interface ExploreOptions {
  readonly budget?: Budget;
  /** Values that a reader knows, tried first for the variable of that name. */
  readonly familiar?: Familiar;
  /** How long a witness is made smaller, 0 for not at all. */
  readonly minimising?: number;
  /** Ways through one piece of the model that are merged at most. */
  readonly ways?: number;
  /** Whether sums are compared modulo 65535 before z3 is asked. */
  readonly sums?: boolean;
  /** Hears every question that was answered with unsat, as SMT-LIB text. */
  readonly onClosed?: OnClosed | undefined;
  readonly onProgress?: (progress: Progress) => void;
}

export interface Progress {
  readonly paths: number;
  readonly queries: number;
}

/** A table of an uninterpreted function: what it must return for a witness to work. */
export interface FunctionTable {
  readonly [name: string]: readonly { readonly args: readonly number[]; readonly value: number }[];
}

/** What was found out about one promise. */
export interface Answer {
  /** `violated` comes with a witness; `exhausted` means that every path was closed. */
  readonly outcome: 'violated' | 'exhausted' | 'undecided';
  /** An input that breaks the property, by variable. */
  readonly witness?: Readonly<Record<string, number>>;
  readonly functions?: FunctionTable;
  /** What was left open, and why. */
  readonly reason?: string;
}

export interface Exploration extends Progress, Answer {
  readonly milliseconds: number;
}

/** A path at its end: what leads there, and what each promise is worth. */
export interface Path {
  readonly conditions: readonly BoolTerm[];
  readonly promises: readonly Bool[];
}

/** What was found out about several promises on the same paths. */
export interface JointExploration extends Progress {
  readonly answers: readonly Answer[];
  readonly ends: readonly Path[];
  /** Uses of uninterpreted functions, by the name of the function. */
  readonly applications: ReadonlyMap<string, readonly Application[]>;
}

/** Several promises, asked at the end of each path. */
export interface Promises {
  readonly count: number;
  /** What each is worth: truth values or terms. */
  readonly of: (fresh: Fresh) => readonly unknown[];
  /** Why a promise cannot be asked on these paths; '' where it can. */
  readonly unasked?: (at: number) => string;
  /** The ways that were merged into the last path: where a question about it is too hard, each of them is asked. */
  readonly ways?: () => readonly Path[];
}

/** Milliseconds for making a witness smaller. */
const MINIMISING = 2_000;

/** An input that breaks a promise, and the conditions of its path. */
interface Breaking {
  readonly broken: Valuation;
  readonly conditions: readonly BoolTerm[];
}

/** Runs `holds` on every input that `fresh` can give. Its result is the property: a truth value or a term. */
export function explore(z3: Z3, holds: (fresh: Fresh) => unknown, options: ExploreOptions = {}): Exploration {
  const started = performance.now();
  const { answers, paths, queries } = exploreAll(z3, alone(holds), options);
  return { ...(answers[0] as Answer), paths, queries, milliseconds: performance.now() - started };
}

/** Runs promises on every input that `fresh` can give, each path once for all of them. */
export function exploreAll(z3: Z3, promises: Promises, options: ExploreOptions = {}): JointExploration {
  forgetTerms();
  forgetComparisons(options.sums);
  const deadline = performance.now() + (options.budget?.milliseconds ?? Number.POSITIVE_INFINITY);
  const limits = { ...DEFAULT_PROVER_LIMITS, full: options.budget?.rlimit ?? 0, deadline };
  const familiar = options.familiar ?? nothingFamiliar;
  const prover = new Portfolio(z3, limits, {
    fallback: (variable) => first(familiar, variable),
    onClosed: options.onClosed,
  });
  try {
    return new Explorer(prover, promises, { ...options, deadline }).explore();
  } finally {
    prover.dispose();
  }
}

function alone(holds: (fresh: Fresh) => unknown): Promises {
  return { count: 1, of: (fresh) => [holds(fresh)] };
}

function first(familiar: Familiar, variable: NumTerm): number {
  const known = familiar(variable.name).find((value) => value >= variable.lo && value <= variable.hi);
  return known ?? smallest(variable);
}

/** explore() on a given prover. */
export function exploreWith(
  prover: Prover,
  holds: (fresh: Fresh) => unknown,
  options: ExploreOptions & { readonly deadline?: number },
): Omit<Exploration, 'milliseconds'> {
  const { answers, paths, queries } = new Explorer(prover, alone(holds), options).explore();
  return { ...(answers[0] as Answer), paths, queries };
}

/** The conditions of a path, and that the promise is broken. */
function together(conditions: readonly BoolTerm[], promise: Bool): readonly BoolTerm[] {
  const broken = not(promise);
  return broken === true ? conditions : [...conditions, broken as BoolTerm];
}

class Explorer {
  private paths = 0;
  /** What was left open of every promise. */
  private readonly open = new Set<string>();
  /** What was left open of each. */
  private readonly openOf: readonly Set<string>[];
  private readonly violated: (Answer | undefined)[];
  private readonly ends: Path[] = [];
  private readonly engine: Engine;
  private readonly prover: Prover;
  private readonly promises: Promises;
  private readonly options: ExploreOptions & { readonly deadline?: number };
  private readonly deadline: number;

  constructor(prover: Prover, promises: Promises, options: ExploreOptions & { readonly deadline?: number }) {
    const familiar = options.familiar ?? nothingFamiliar;
    const solver: EngineSolver = {
      isPossible: (assumptions, condition) => prover.isPossible(assumptions, condition),
      satisfy: (assumptions, condition) => this.satisfy(assumptions, condition),
    };
    this.prover = prover;
    this.promises = promises;
    this.openOf = Array.from({ length: promises.count }, () => new Set<string>());
    this.violated = Array.from({ length: promises.count }, () => undefined);
    this.options = options;
    this.deadline = options.deadline ?? Number.POSITIVE_INFINITY;
    const input = new Valuation([], (variable) => first(familiar, variable));
    const limits = { ...DEFAULT_LIMITS, ways: options.ways ?? DEFAULT_LIMITS.ways, deadline: this.deadline };
    this.engine = new Engine(input, limits, solver);
  }

  explore(): JointExploration {
    do {
      const stop = this.outOfBudget();
      if (stop) {
        this.open.add(stop);
        break;
      }
      this.paths++;
      this.runPath();
      if (!this.violated.includes(undefined)) break;
      this.options.onProgress?.({ paths: this.paths, queries: this.prover.queries });
    } while (this.nextPath());
    const { paths, ends, engine } = this;
    const answers = this.violated.map((found, at) => found ?? this.unbroken(at));
    return { answers, ends, applications: engine.applications, paths, queries: this.prover.queries };
  }

  private outOfBudget(): string | undefined {
    if (performance.now() > this.deadline) return `the time was up after ${this.paths} paths`;
    const most = this.options.budget?.paths ?? Number.POSITIVE_INFINITY;
    return this.paths >= most ? `${this.paths} paths were tried` : undefined;
  }

  /** The answer for a promise that no path broke. */
  private unbroken(at: number): Answer {
    const unasked = this.promises.unasked?.(at) ?? '';
    const reasons = [...this.open, ...(this.openOf[at] ?? []), ...(unasked === '' ? [] : [unasked])];
    return reasons.length > 0 ? { outcome: 'undecided', reason: reasons.join('; ') } : { outcome: 'exhausted' };
  }

  /** Runs to the end of one path and looks whether a promise can be broken there. */
  private runPath(): void {
    const { engine } = this;
    let promises: readonly Bool[];
    try {
      promises = runOn(engine, () => this.promises.of(fresh)).map(test);
    } catch (error) {
      this.stopped(error);
      return;
    }
    const conditions = [...engine.pathCondition()];
    verifyInput(engine.input, conditions);
    this.ends.push({ conditions, promises });
    for (const [at, promise] of promises.entries()) {
      if (this.violated[at] !== undefined || (this.promises.unasked?.(at) ?? '') !== '') continue;
      const path = this.breaking(at, promise, conditions);
      if (path !== undefined) this.violated[at] = this.violation(path);
    }
  }

  /** An input on the path that breaks the promise. */
  private breaking(at: number, promise: Bool, conditions: readonly BoolTerm[]): Breaking | undefined {
    const { engine } = this;
    if (promise === true) return undefined;
    if (!engine.input.boolean(promise)) return { broken: engine.input, conditions: together(conditions, promise) };
    const ways = this.promises.ways?.() ?? [];
    const solution = this.ask(conditions, promise, ways.length > 1);
    if (typeof solution !== 'string') return solution;
    let reason = solution;
    if (ways.length > 1) {
      reason = '';
      for (const way of ways) {
        const found = this.ask(way.conditions, way.promises[at] ?? true, false);
        if (typeof found === 'string') reason = found;
        else if (found !== undefined) return found;
      }
    }
    if (reason !== '') this.openOf[at]?.add(`a path could not be decided: ${reason}`);
    return undefined;
  }

  /** An input with which the conditions hold and the promise does not; or why that is not known. */
  private ask(conditions: readonly BoolTerm[], promise: Bool, quick: boolean): Breaking | string | undefined {
    if (promise === true) return undefined;
    const isOnly = this.paths === 1 && this.engine.root.decisions().every(({ open }) => open.length === 0);
    const broken = not(promise);
    const solution = quick
      ? this.prover.solveQuickly(conditions, broken)
      : isOnly && this.promises.count === 1
        ? this.prover.solveAlone(conditions, broken)
        : this.prover.solve(conditions, broken);
    if (solution.answer === 'unknown') return solution.reason;
    if (solution.answer === 'unsat') return undefined;
    const all = together(conditions, promise);
    verifyInput(solution.input, all);
    return { broken: solution.input, conditions: all };
  }

  /** A path that ended in an exception. */
  private stopped(error: unknown): void {
    if (error instanceof Stop) {
      if (error.why !== 'assumption') this.open.add(`a path could not be finished: ${error.why}`);
    } else if (error instanceof Unsupported) this.open.add(`outside of what terms can do: ${error.message}`);
    else if (error instanceof InternalError) throw error;
    else {
      const input = JSON.stringify(Object.fromEntries(this.engine.input.values));
      throw new Error(`the model stopped: ${error instanceof Error ? error.message : String(error)}, on ${input}`, {
        cause: error,
      });
    }
  }

  /** Finds an input for the other side of the last open decision; false when all sides are closed. */
  private nextPath(): boolean {
    const { engine } = this;
    for (let turned = engine.root.turn(); turned; turned = engine.root.turn()) {
      if (performance.now() > this.deadline) return true;
      const solution = this.prover.solve(turned.before, turned.side);
      if (solution.answer === 'sat') {
        verifyInput(solution.input, [...turned.before, turned.side]);
        engine.input = solution.input;
        return true;
      }
      if (solution.answer === 'unknown') this.open.add(`a path could not be reached: ${solution.reason}`);
    }
    return false;
  }

  private satisfy(assumptions: readonly BoolTerm[], condition: BoolTerm): Valuation {
    const solution: Solution = this.prover.solve(assumptions, condition);
    if (solution.answer === 'unsat') throw new Stop('assumption');
    if (solution.answer === 'unknown') throw new Stop('solver');
    verifyInput(solution.input, [...assumptions, condition]);
    return solution.input;
  }

  private violation({ broken, conditions }: Breaking): Answer {
    const milliseconds = this.options.minimising ?? MINIMISING;
    const until = Math.min(this.deadline, performance.now() + milliseconds);
    const input =
      milliseconds > 0 ? smallWitness(this.prover, conditions, broken, this.options.familiar, until) : broken;
    verifyInput(input, conditions);
    const functions: Record<string, { args: number[]; value: number }[]> = {};
    for (const [name, uses] of this.engine.applications) {
      functions[name] = uses.map(({ args, result }) => ({
        args: args.map((arg) => input.number(arg)),
        value: input.number(result),
      }));
    }
    const witness = Object.fromEntries(input.values);
    return { outcome: 'violated', witness, ...(this.engine.applications.size > 0 ? { functions } : {}) };
  }
}
