/** z3's answer for one property on one variant: every shape of the scope with all its numbers at once, on this thread. */
import type { Kernel } from '../model/types/world.ts';
import type { Property } from '../properties/property.ts';
import type { ShapeScope } from '../properties/scopes/proofs.ts';
import { Cells, type Job, type SolvedCell, STAGES } from './cells.ts';
import type { Z3 } from './smt.ts';
import {
  breakDrawn,
  type LiftedKernel,
  liftedKernel,
  type ShapeQuestion,
  type SolvedShape,
  solveApart,
  solveTogether,
} from './solveShape.ts';

export interface CellOptions {
  /** Milliseconds. */
  readonly budget: number;
  readonly seed: number;
  /** The lifted twin of the kernel, of one that is no variant. */
  readonly twin?: LiftedKernel;
}

/** Answers a question of a stage. */
export function solveStage(z3: Z3, stage: Job['stage'], question: ShapeQuestion): SolvedShape {
  if (stage === 'drawn') return breakDrawn(question);
  return stage === 'together' ? solveTogether(z3, question) : solveApart(z3, question);
}

/** Searches a cell until it is broken, closed, or the time is up. */
export function solveCell(
  z3: Z3,
  property: Property,
  kernel: Kernel,
  scope: ShapeScope,
  { budget, seed, twin = liftedKernel(kernel) }: CellOptions,
): SolvedCell {
  const cells = new Cells([{ property, kernel, scope }], budget);
  for (const stage of STAGES) {
    for (const planned of cells.planned(stage)) {
      const job = cells.job(planned);
      if (job === undefined) continue;
      const started = performance.now();
      const { places } = scope;
      const question = { places, shape: job.shape, properties: [property], kernel, twin, seed, budget: job.budget };
      cells.take(job, solveStage(z3, stage, question), performance.now() - started);
    }
  }
  return cells.result(0);
}
