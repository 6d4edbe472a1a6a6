/**
 * Runs lifted code on terms.
 *
 * A piece of program (a function, an `if`, one arm of `?:`) is run once for every way through it, and what the ways end
 * with is merged. Only what cannot be merged becomes a decision of the piece around it, and at last of the whole run.
 */
import { Facts } from './facts.ts';
import { type Ending, mergeWays, Thrown, type Way } from './merge.ts';
import { not } from './terms/logic.ts';
import { type Bool, type BoolTerm, InternalError, isTerm, type Num } from './terms/term.ts';
import type { Valuation } from './terms/valuation.ts';

/** What the engine asks of a solver. Without one it runs the one path of its input. */
export interface EngineSolver {
  /** Whether a condition can hold together with others; undefined when that is unknown. */
  isPossible(assumptions: readonly BoolTerm[], condition: Bool): boolean | undefined;
  /** An input for which all of them hold. Throws a Stop when there is none or none was found. */
  satisfy(assumptions: readonly BoolTerm[], condition: BoolTerm): Valuation;
}

export interface EngineLimits {
  /** A piece with more ways than this is not merged; its decisions go to the piece around it. */
  readonly ways: number;
  /** After so many ways through a piece, the solver is asked before another one is tried. */
  readonly pruneAfter: number;
  /** The clock's reading at which everything stops. */
  readonly deadline: number;
}

/** A piece that had too many ways so often is not tried again. */
const MOST_OVERFLOWS = 2;

export const DEFAULT_LIMITS: EngineLimits = { ways: 256, pruneAfter: 64, deadline: Number.POSITIVE_INFINITY };

/** Ends a run from within: the budget is used up, or the input is outside of the assumptions. Never merged. */
export class Stop extends Error {
  readonly why: 'deadline' | 'ways' | 'assumption' | 'solver';

  constructor(why: Stop['why']) {
    super(why);
    this.name = 'Stop';
    this.why = why;
  }
}

/** One use of an uninterpreted function. */
export interface Application {
  readonly args: readonly Num[];
  readonly result: Num;
}

/** A branch: where the program is, exactly one of the sides holds. */
export interface Decision {
  readonly sides: readonly BoolTerm[];
  /** Index of the side that is being followed. */
  readonly taken: number;
  /** Indices of the sides that are still to be tried. */
  readonly open: readonly number[];
}

/** The condition that a decision adds to the path condition. */
export function sideOf({ sides, taken }: Pick<Decision, 'sides' | 'taken'>): BoolTerm {
  const side = sides[taken];
  if (!side) throw new InternalError('a decision without this side');
  return side;
}

/** What a nested piece came to; undefined when it was not merged and its decisions follow one by one. */
interface Piece {
  readonly site: string;
  /** What the piece was given. */
  readonly inputs: readonly unknown[];
  readonly endings: readonly Ending[] | undefined;
}

type FrameEvent = Decision | Piece;

const isDecision = (event: FrameEvent): event is Decision => 'sides' in event;

/** The events of one way through a piece. The next way repeats them up to the decision that it changes. */
export class Frame {
  /** How many ways through the piece were run. */
  ways = 0;
  private readonly events: FrameEvent[] = [];
  private cursor = 0;

  /** Starts the next way. */
  begin(): void {
    this.cursor = 0;
  }

  decisions(): Decision[] {
    return this.events.filter(isDecision);
  }

  /** Takes the next event of an earlier way that is being repeated. */
  repeat(): FrameEvent | undefined {
    return this.events[this.cursor++];
  }

  append(event: FrameEvent): void {
    this.events.push(event);
    this.cursor = this.events.length;
  }

  /**
   * Moves to the next open side of the last decision that has one, and forgets the events after it. Says what led
   * there and the side itself; undefined when no side is open. A side that turns out impossible is left by the next call.
   */
  turn(): { readonly before: readonly BoolTerm[]; readonly side: BoolTerm } | undefined {
    for (let last = this.events.pop(); last; last = this.events.pop()) {
      if (!isDecision(last)) continue;
      const [taken, ...open] = last.open;
      if (taken === undefined) continue;
      const before = this.decisions().map(sideOf);
      const decision = { sides: last.sides, taken, open };
      this.events.push(decision);
      return { before, side: sideOf(decision) };
    }
    return undefined;
  }
}

export class Engine {
  /** The concrete input beside the terms. */
  input: Valuation;
  readonly root = new Frame();
  readonly limits: EngineLimits;
  /** Uses of uninterpreted functions, by the name of the function. */
  readonly applications = new Map<string, Application[]>();
  private readonly solver: EngineSolver | undefined;
  private frame: Frame = this.root;
  private readonly facts = new Facts();
  private readonly assumptions: BoolTerm[] = [];
  /** How often a piece had too many ways, by its place. */
  private overflows = new Map<string, number>();
  /** Pieces that were to become one value and did not. */
  private readonly abandoned = new Set<string>();
  /** Ways that were run so far, through any piece, and at which number a piece that has to become one value is given up. */
  private waysRun = 0;
  private mostWays = Number.POSITIVE_INFINITY;

  constructor(input: Valuation, limits: EngineLimits, solver?: EngineSolver) {
    this.input = input;
    this.limits = limits;
    this.solver = solver;
  }

  /** The path condition of the place where the program is. */
  pathCondition(): readonly BoolTerm[] {
    return this.assumptions;
  }

  /** Starts a run from the beginning, along the events of the root frame. */
  begin(): void {
    this.facts.forget(0);
    this.assumptions.length = 0;
    this.frame = this.root;
    this.root.begin();
  }

  /** Whether the program takes the branch. */
  branch(condition: Bool): boolean {
    const known = this.facts.known(condition);
    return known ?? this.decide([condition as BoolTerm, not(condition) as BoolTerm]) === 0;
  }

  /** Keeps only inputs for which the condition holds; outside of every piece. */
  require(condition: Bool): void {
    if (this.frame !== this.root) throw new InternalError('an assumption inside the model');
    const known = this.facts.known(condition);
    if (known === true) return;
    if (known === false) throw new Stop('assumption');
    const term = condition as BoolTerm;
    if (!this.repeatedDecision([term])) {
      if (!this.input.boolean(term)) {
        if (!this.solver) throw new Stop('assumption');
        this.input = this.solver.satisfy(this.assumptions, term);
      }
      this.root.append({ sides: [term], taken: 0, open: [] });
    }
    this.assume({ sides: [term], taken: 0 });
  }

  /** Runs a piece of program on all its ways and continues with what they have in common. */
  piece<T>(site: string, inputs: readonly unknown[], body: () => T): T {
    const endings = this.endingsOf(site, inputs, () => this.explore(site, body));
    return endings ? (this.pick(endings) as T) : body();
  }

  /**
   * Runs a piece that has to become one value: whatever happens in it, nothing around it is decided or merged less for it.
   * Undefined when it becomes none, or takes more than so many ways through its own pieces; it is then not tried again.
   */
  whole<T>(site: string, ways: number, body: () => T): T | undefined {
    const endings = this.endingsOf(site, [], () => {
      const one = this.abandoned.has(site) ? undefined : this.exploreApart(site, ways, body);
      if (one === undefined) this.abandoned.add(site);
      return one;
    });
    return endings?.[0]?.value as T | undefined;
  }

  /** What a piece ends with, as of the way that is being repeated where there is one. */
  private endingsOf(
    site: string,
    inputs: readonly unknown[],
    explore: () => readonly Ending[] | undefined,
  ): readonly Ending[] | undefined {
    const outer = this.frame;
    const repeated = outer.repeat();
    if (repeated) {
      if (isDecision(repeated) || repeated.site !== site || !sameInputs(repeated.inputs, inputs)) {
        throw new InternalError(`${site}: a run did not repeat itself`);
      }
      return repeated.endings;
    }
    const endings = explore();
    outer.append({ site, inputs, endings });
    return endings;
  }

  private exploreApart(site: string, ways: number, body: () => unknown): readonly Ending[] | undefined {
    const overflows = new Map(this.overflows);
    this.mostWays = this.waysRun + ways;
    try {
      const endings = this.explore(site, body);
      return endings?.length === 1 && !(endings[0]?.value instanceof Thrown) ? endings : undefined;
    } catch (error) {
      if (error instanceof Stop && error.why === 'ways') return undefined;
      throw error;
    } finally {
      this.overflows = overflows;
      this.mostWays = Number.POSITIVE_INFINITY;
    }
  }

  private pick(endings: readonly Ending[]): unknown {
    const chosen = endings[endings.length === 1 ? 0 : this.choose(endings.map(({ guard }) => guard))];
    if (chosen?.value instanceof Thrown) throw chosen.value.error;
    return chosen?.value;
  }

  private explore(site: string, body: () => unknown): readonly Ending[] | undefined {
    const overflows = this.overflows.get(site) ?? 0;
    if (overflows >= MOST_OVERFLOWS) return undefined;
    const outer = this.frame;
    const frame = new Frame();
    const facts = this.facts.mark();
    const assumed = this.assumptions.length;
    const ways: Way[] = [];
    try {
      do {
        if (frame.ways >= this.limits.ways) {
          this.overflows.set(site, overflows + 1);
          return undefined;
        }
        if (performance.now() > this.limits.deadline) throw new Stop('deadline');
        if (this.waysRun++ >= this.mostWays) throw new Stop('ways');
        this.frame = frame;
        frame.begin();
        ways.push({ value: attempt(body), decisions: frame.decisions() });
        frame.ways++;
        this.facts.forget(facts);
        this.assumptions.length = assumed;
      } while (this.turn(frame));
    } finally {
      this.frame = outer;
      this.facts.forget(facts);
      this.assumptions.length = assumed;
    }
    return this.withoutImpossible(mergeWays(ways));
  }

  /** The index of the one condition that holds, of those that the facts allow. */
  private choose(conditions: readonly Bool[]): number {
    const known = conditions.map((condition) => this.facts.known(condition));
    const certain = known.indexOf(true);
    if (certain >= 0) return certain;
    const possible = [...conditions.keys()].filter((index) => known[index] === undefined);
    const [only] = possible;
    if (only === undefined) throw new InternalError('no ending is possible');
    if (possible.length === 1) return only;
    return possible[this.decide(possible.map((index) => conditions[index] as BoolTerm))] as number;
  }

  /** Moves on to the next way through a piece; false when all were tried. */
  private turn(frame: Frame): boolean {
    for (let turned = frame.turn(); turned; turned = frame.turn()) {
      if (!this.isImpossible(frame, [...this.assumptions, ...turned.before], turned.side)) return true;
    }
    return false;
  }

  /** Whether the solver excludes a condition; asked only in pieces with many ways. */
  private isImpossible(frame: Frame, assumptions: readonly BoolTerm[], condition: BoolTerm): boolean {
    return frame.ways >= this.limits.pruneAfter && this.solver?.isPossible(assumptions, condition) === false;
  }

  /** Leaves out exceptions that the solver knows cannot happen: a way that nothing can take may compute nonsense. */
  private withoutImpossible(endings: readonly Ending[]): readonly Ending[] {
    const { solver } = this;
    if (!solver || endings.length < 2) return endings;
    const possible = endings.filter(
      ({ guard, value }) => !(value instanceof Thrown) || solver.isPossible(this.assumptions, guard) !== false,
    );
    return possible.length > 0 ? possible : endings;
  }

  private repeatedDecision(sides: readonly BoolTerm[]): Decision | undefined {
    const repeated = this.frame.repeat();
    if (!repeated) return undefined;
    const isSame =
      isDecision(repeated) &&
      repeated.sides.length === sides.length &&
      repeated.sides.every((side, index) => side === sides[index]);
    if (!isSame) throw new InternalError('a run did not repeat itself');
    return repeated;
  }

  /** Takes one of the sides, of which exactly one holds, and returns its index. */
  private decide(sides: readonly BoolTerm[]): number {
    let decision = this.repeatedDecision(sides);
    if (!decision) {
      const taken = this.firstSide(sides);
      decision = { sides, taken, open: [...sides.keys()].filter((index) => index !== taken) };
      this.frame.append(decision);
    }
    this.assume(decision);
    return decision.taken;
  }

  /** The side that the concrete input takes, or the first that is not impossible. */
  private firstSide(sides: readonly BoolTerm[]): number {
    if (this.assumptions.every((condition) => this.input.boolean(condition))) {
      const taken = sides.findIndex((side) => this.input.boolean(side));
      if (taken < 0) throw new InternalError('the input takes no side of a decision');
      return taken;
    }
    return Math.max(
      0,
      sides.findIndex((side) => !this.isImpossible(this.frame, this.assumptions, side)),
    );
  }

  private assume(decision: Pick<Decision, 'sides' | 'taken'>): void {
    for (const [index, side] of decision.sides.entries()) this.facts.assume(side, index === decision.taken);
    this.assumptions.push(sideOf(decision));
  }
}

/** Whether numbers, texts and terms are the same; records are made anew by every run. */
function sameInputs(left: readonly unknown[], right: readonly unknown[]): boolean {
  const isComparable = (value: unknown): boolean => isTerm(value) || typeof value !== 'object';
  return left.length === right.length && left.every((value, at) => value === right[at] || !isComparable(value));
}

function attempt(body: () => unknown): unknown {
  try {
    return body();
  } catch (error) {
    if (error instanceof Stop || error instanceof InternalError || isStackOverflow(error)) throw error;
    return new Thrown(error);
  }
}

function isStackOverflow(error: unknown): boolean {
  return error instanceof RangeError && error.message.includes('call stack');
}
