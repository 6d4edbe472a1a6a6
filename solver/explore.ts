/**
 * Explores every path of a run on symbolic inputs.
 *
 * Each path follows a concrete input; z3 then solves for inputs that leave it at one of its decisions, the last first,
 * until no side of a decision is left. At the end of a path the property must hold under its path condition.
 */
import { DEFAULT_LIMITS, Engine, type EngineSolver, Stop } from './engine.ts';
import { type Fresh, fresh } from './inputs.ts';
import { Portfolio } from './portfolio.ts';
import { DEFAULT_PROVER_LIMITS, type Prover, type Solution, verifyInput } from './prover.ts';
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

export interface Exploration extends Progress {
  /** `violated` comes with a witness; `exhausted` means that every path was closed. */
  readonly outcome: 'violated' | 'exhausted' | 'undecided';
  /** An input that breaks the property, by variable. */
  readonly witness?: Readonly<Record<string, number>>;
  readonly functions?: FunctionTable;
  /** What was left open, and why. */
  readonly reason?: string;
  readonly milliseconds: number;
}

/** Milliseconds for making a witness smaller. */
const MINIMISING = 2_000;

/** What one path of a run showed. */
type PathResult = { readonly broken: Valuation; readonly conditions: readonly BoolTerm[] } | undefined;

/** Runs `holds` on every input that `fresh` can give. Its result is the property: a truth value or a term. */
export function explore(z3: Z3, holds: (fresh: Fresh) => unknown, options: ExploreOptions = {}): Exploration {
  forgetTerms();
  forgetComparisons();
  const started = performance.now();
  const deadline = started + (options.budget?.milliseconds ?? Number.POSITIVE_INFINITY);
  const limits = { ...DEFAULT_PROVER_LIMITS, full: options.budget?.rlimit ?? 0, deadline };
  const familiar = options.familiar ?? nothingFamiliar;
  const prover = new Portfolio(z3, limits, (variable) => first(familiar, variable));
  try {
    return { ...exploreWith(prover, holds, { ...options, deadline }), milliseconds: performance.now() - started };
  } finally {
    prover.dispose();
  }
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
  return new Explorer(prover, holds, options).explore();
}

class Explorer {
  private paths = 0;
  private readonly open = new Set<string>();
  private readonly engine: Engine;
  private readonly prover: Prover;
  private readonly holds: (fresh: Fresh) => unknown;
  private readonly options: ExploreOptions & { readonly deadline?: number };
  private readonly deadline: number;

  constructor(
    prover: Prover,
    holds: (fresh: Fresh) => unknown,
    options: ExploreOptions & { readonly deadline?: number },
  ) {
    const familiar = options.familiar ?? nothingFamiliar;
    const solver: EngineSolver = {
      isPossible: (assumptions, condition) => prover.isPossible(assumptions, condition),
      satisfy: (assumptions, condition) => this.satisfy(assumptions, condition),
    };
    this.prover = prover;
    this.holds = holds;
    this.options = options;
    this.deadline = options.deadline ?? Number.POSITIVE_INFINITY;
    const input = new Valuation([], (variable) => first(familiar, variable));
    const limits = { ...DEFAULT_LIMITS, ways: options.ways ?? DEFAULT_LIMITS.ways, deadline: this.deadline };
    this.engine = new Engine(input, limits, solver);
  }

  explore(): Omit<Exploration, 'milliseconds'> {
    do {
      const stop = this.outOfBudget();
      if (stop) return this.result('undecided', { reason: stop });
      this.paths++;
      const path = this.runPath();
      if (path) return this.violated(path);
      this.options.onProgress?.({ paths: this.paths, queries: this.prover.queries });
    } while (this.nextPath());
    if (this.open.size > 0) return this.result('undecided', { reason: [...this.open].join('; ') });
    return this.result('exhausted', {});
  }

  private outOfBudget(): string | undefined {
    if (performance.now() > this.deadline) return `the time was up after ${this.paths} paths`;
    const most = this.options.budget?.paths ?? Number.POSITIVE_INFINITY;
    return this.paths >= most ? `${this.paths} paths were tried` : undefined;
  }

  private result(outcome: Exploration['outcome'], rest: Partial<Exploration>): Omit<Exploration, 'milliseconds'> {
    return { outcome, paths: this.paths, queries: this.prover.queries, ...rest };
  }

  /** Runs to the end of one path and looks whether the property can be broken there. */
  private runPath(): PathResult {
    const { engine } = this;
    let property: Bool;
    try {
      property = test(runOn(engine, () => this.holds(fresh)));
    } catch (error) {
      this.stopped(error);
      return undefined;
    }
    const conditions = [...engine.pathCondition()];
    verifyInput(engine.input, conditions);
    if (property === true) return undefined;
    const broken = not(property);
    const all = broken === true ? conditions : [...conditions, broken as BoolTerm];
    if (!engine.input.boolean(property)) return { broken: engine.input, conditions: all };
    const isOnly = this.paths === 1 && engine.root.decisions().every(({ open }) => open.length === 0);
    const solution = isOnly ? this.prover.solveAlone(conditions, broken) : this.prover.solve(conditions, broken);
    if (solution.answer === 'unknown') this.open.add(`a path could not be decided: ${solution.reason}`);
    if (solution.answer !== 'sat') return undefined;
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

  private violated({ broken, conditions }: NonNullable<PathResult>): Omit<Exploration, 'milliseconds'> {
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
    return this.result('violated', this.engine.applications.size > 0 ? { witness, functions } : { witness });
  }
}
