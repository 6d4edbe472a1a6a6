/**
 * Which questions about cells are asked, and in which order.
 *
 * First drawn inputs, which break most of what can be broken; then every shape once for all promises of a kernel that are
 * not broken yet; at last, one by one, what could not be answered together.
 */
import type { Kernel } from '../model/types/world.ts';
import type { Property } from '../properties/property.ts';
import type { ProofShape, ShapeScope } from '../properties/scopes/proofs.ts';
import type { Text } from '../scenario/text.ts';
import type { ShapeAnswer, SolvedShape } from './solveShape.ts';

/** Milliseconds that a question may take at least, while there are any left. */
const LEAST = 5_000;

export interface AskedCell {
  readonly property: Property;
  readonly kernel: Kernel;
  readonly scope: ShapeScope;
}

export interface SolvedCell {
  /** Whether no smaller shape of the scope breaks it, where it is violated and the shapes before that one were asked, too. */
  readonly smallest: boolean;
  readonly outcome: 'violated' | 'exhausted' | 'undecided';
  /** A scenario that breaks the property on the plain source; not yet small. */
  readonly text: Text | null;
  readonly reason: string;
  readonly shapes: number;
  readonly closed: number;
  readonly paths: number;
  readonly queries: number;
  /** Inputs of the agreement check, and in how many the property's case occurred. */
  readonly agreed: number;
  readonly occurred: number;
  readonly milliseconds: number;
}

/** `drawn`: drawn inputs. `together`: all promises on the same paths. `apart`: one promise by itself. */
export type Stage = 'drawn' | 'together' | 'apart';

export const STAGES: readonly Stage[] = ['drawn', 'together', 'apart'];

/** A question about one shape. */
export interface Job {
  readonly stage: Stage;
  readonly kernel: Kernel;
  readonly scope: ShapeScope;
  readonly shape: ProofShape;
  /** Which cells it is about. */
  readonly cells: readonly number[];
  /** Milliseconds. */
  readonly budget: number;
}

/** A job before it is known which of its cells still need it. */
type Planned = Omit<Job, 'budget'> & {
  /** Where the shape stands in its scope. */
  readonly order: number;
};

interface CellState {
  readonly asked: AskedCell;
  text: Text | null;
  /** Where the shape stands that breaks it. */
  broken: number;
  readonly closed: Set<ProofShape>;
  /** Shapes that are left, and why. */
  readonly open: Map<ProofShape, string>;
  paths: number;
  queries: number;
  agreed: number;
  occurred: number;
  milliseconds: number;
}

export class Cells {
  private readonly states: readonly CellState[];
  private readonly budget: number;
  private readonly solved = new Set<number>();
  private readonly isSmallestAsked: boolean;

  /** `smallest`: whether the shapes before one that breaks a promise are asked, too. */
  constructor(asked: readonly AskedCell[], budget: number, smallest = false) {
    this.budget = budget;
    this.isSmallestAsked = smallest;
    this.states = asked.map((one) => ({
      asked: one,
      text: null,
      broken: Number.POSITIVE_INFINITY,
      closed: new Set(),
      open: new Map(),
      paths: 0,
      queries: 0,
      agreed: 0,
      occurred: 0,
      milliseconds: 0,
    }));
  }

  /** The jobs of a stage, once the stage before it is done. */
  planned(stage: Stage): readonly Planned[] {
    const jobs = new Map<string, Planned & { readonly cells: number[] }>();
    for (const [at, { asked, open }] of this.states.entries()) {
      const { property, kernel, scope } = asked;
      const shapes = stage === 'apart' ? scope.shapes.filter((shape) => open.has(shape)) : scope.shapes;
      for (const [order, shape] of shapes.entries()) {
        const apart = stage === 'apart' ? property.id : '';
        const key = [kernel.name, kernel.release, scope.name, shape.name, apart].join(' ');
        const job = jobs.get(key) ?? { stage, kernel, scope, shape, cells: [], order };
        job.cells.push(at);
        jobs.set(key, job);
      }
    }
    return [...jobs.values()].sort((a, b) => a.order - b.order);
  }

  /** What of a planned job is still to be asked; undefined where nothing is. */
  job({ cells, ...planned }: Planned): Job | undefined {
    const left = cells.filter((at) => this.isNeeded(at, planned.order));
    const [first] = left;
    if (first === undefined) return undefined;
    const budget = Math.min(...left.map((at) => this.share(this.state(at), planned.stage)));
    if (budget > 0 || planned.stage === 'drawn') return { ...planned, cells: left, budget };
    for (const at of left) this.leave(at, planned.shape, '');
    return undefined;
  }

  /** Takes the answers to a job; gives the cells that are solved by it. */
  take(
    { cells, shape, stage }: Job,
    { answers, paths, queries }: Omit<SolvedShape, 'questions'>,
    milliseconds: number,
  ): readonly number[] {
    const done: number[] = [];
    for (const [n, at] of cells.entries()) {
      const state = this.state(at);
      const answer = answers[n] as ShapeAnswer;
      state.paths += paths;
      state.queries += queries;
      state.milliseconds += milliseconds / cells.length;
      const order = state.asked.scope.shapes.indexOf(shape);
      if (answer.outcome === 'violated' && order < state.broken) {
        state.text = answer.text;
        state.broken = order;
      } else if (answer.outcome === 'closed') {
        state.open.delete(shape);
        state.closed.add(shape);
        state.agreed += answer.agreed;
        state.occurred += answer.occurred;
      } else if (stage !== 'drawn') this.leave(at, shape, answer.reason);
      const isAll = state.closed.size === state.asked.scope.shapes.length;
      if ((state.text === null && !isAll) || this.solved.has(at)) continue;
      this.solved.add(at);
      done.push(at);
    }
    return done;
  }

  private isNeeded(at: number, order: number): boolean {
    return !this.solved.has(at) || (this.isSmallestAsked && order < this.state(at).broken);
  }

  get done(): number {
    return this.solved.size;
  }

  /** What is known of a cell so far. */
  result(at: number): SolvedCell {
    const { asked, text, broken, closed, open, ...effort } = this.state(at);
    const { shapes } = asked.scope;
    const result = (outcome: SolvedCell['outcome'], reason: string): SolvedCell => {
      const smallest = text !== null && shapes.slice(0, broken).every((shape) => closed.has(shape));
      return { outcome, text, smallest, reason, shapes: shapes.length, closed: closed.size, ...effort };
    };
    if (text !== null) return result('violated', '');
    const left = shapes.filter((shape) => !closed.has(shape));
    if (left.length > 0) {
      const why = (shape: ProofShape) => (open.get(shape) ? `${shape.name} (${open.get(shape)})` : shape.name);
      return result('undecided', `left: ${left.map(why).join(', ')}`);
    }
    if (effort.occurred === 0) return result('undecided', 'the case it speaks of never occurred');
    return result('exhausted', '');
  }

  /** The time for the next shape of a cell: twice its part of what is left, but at least LEAST. */
  private share({ asked, closed, open, milliseconds }: CellState, stage: Stage): number {
    const left = this.budget - milliseconds;
    const shapes = stage === 'apart' ? open.size : asked.scope.shapes.length - closed.size - open.size;
    return Math.min(left, Math.max(LEAST, (2 * left) / (shapes + 1)));
  }

  private leave(at: number, shape: ProofShape, reason: string): void {
    this.state(at).open.set(shape, reason);
  }

  private state(at: number): CellState {
    return this.states[at] as CellState;
  }
}
