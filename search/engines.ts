/** The engines together: one minimiser, one form of counterexample, and no two answers that contradict each other. */
import type { Kernel } from '../model/types/world.ts';
import { kernelWords } from '../own/patch.ts';
import type { Property } from '../properties/property.ts';
import { proofScopes } from '../properties/scopes/proofs.ts';
import type { Text } from '../scenario/text.ts';
import type { SolvedCell } from '../solver/cells.ts';
import { contradiction, isInside } from '../solver/shapeText.ts';
import { counterexampleOf } from './counterexample.ts';
import { measure, minimise, smaller } from './minimise.ts';
import type { Cell, EngineName } from './outcome.ts';
import { type SearchOptions, search } from './review.ts';
import { failing, isWorse } from './worse.ts';

/** Milliseconds for a cell of z3's unless somebody says otherwise. */
const CELL_BUDGET = 60_000;

/** Searches with one engine or with both. `budget` is fast-check's as a whole, and z3's for each cell. */
export async function searchWith(engine: EngineName | 'all', options: SearchOptions): Promise<readonly Cell[]> {
  if (engine === 'fast-check') return search(options);
  const solved = await solve(options);
  if (engine === 'z3') return solved;
  return (await search(options)).map((cell, at) => combined(cell, solved[at] as Cell));
}

/** z3's cells. */
async function solve(options: SearchOptions): Promise<readonly Cell[]> {
  const { solveCells } = await import('../solver/solveCells.ts');
  const cells = options.properties.flatMap((property) => options.kernels.map((kernel) => ({ property, kernel })));
  const budget = Number.isFinite(options.budget) ? options.budget : CELL_BUDGET;
  const { seed, progress, stop, onCell } = options;
  const solved = new Map<number, Cell>();
  await solveCells(cells, {
    budget,
    seed,
    progress,
    ...(stop === undefined ? {} : { stop }),
    onSolved({ property, kernel, cell }, at) {
      const answer = asCell(property, kernel, cell, seed);
      solved.set(at, answer);
      onCell?.(answer);
    },
  });
  return cells.map(({ property, kernel }, at) => solved.get(at) ?? unsolved(property, kernel));
}

/** What z3 said of a cell; what it found is made small. */
function asCell(property: Property, kernel: Kernel, cell: SolvedCell, seed: number): Cell {
  const { outcome, reason, text, agreed, occurred, smallest: _, ...counts } = cell;
  const command = `reroute-check search ${property.id} ${kernelWords(kernel)} --engine z3`;
  const found = { by: 'z3', seed, command } as const;
  const small = (broken: Text) => minimise(broken, failing(property, kernel, isWorse(property, kernel, broken)));
  const counterexample = text === null ? null : counterexampleOf(property, kernel, small(text), found);
  return {
    property: property.id,
    variant: kernel.name,
    outcome,
    worse: counterexample?.stock === 'keeps',
    engine: 'z3',
    scope: property.proof,
    runs: agreed,
    occurred,
    reason,
    counterexample,
    solved: counts,
  };
}

/** A cell that z3 was not asked, or kept from answering. */
function unsolved({ id, proof }: Property, { name }: Kernel): Cell {
  return {
    property: id,
    variant: name,
    outcome: 'undecided',
    worse: false,
    engine: 'z3',
    scope: proof,
    runs: 0,
    occurred: 0,
    reason: 'it was interrupted',
    counterexample: null,
  };
}

/** One cell of two: a violation before anything else, of two the one that is worse than stock, else the smaller one; then what was exhausted. The other stays beside it. */
export function combined(sampled: Cell, solved: Cell): Cell {
  if (sampled.counterexample && solved.outcome === 'exhausted') refuseInside(solved.scope, sampled);
  if (sampled.counterexample && solved.counterexample) {
    const isSmaller = smaller(measure(solved.counterexample), measure(sampled.counterexample));
    const isBetter = solved.worse === sampled.worse ? isSmaller : solved.worse;
    return isBetter ? beside(solved, sampled) : beside(sampled, solved);
  }
  if (solved.counterexample) return beside(solved, sampled);
  if (sampled.counterexample || solved.outcome !== 'exhausted') return beside(sampled, solved);
  return beside(solved, sampled);
}

function beside(cell: Cell, other: Cell): Cell {
  const { property: _, variant: __, counterexample: ___, ...answer } = other;
  return { ...cell, beside: answer };
}

/** Stops when fast-check's finding lies where z3 saw that there is none. */
function refuseInside(name: string, { property, variant, counterexample }: Cell): void {
  const scope = Object.values(proofScopes).find((one) => one.name === name);
  if (!counterexample || !scope) return;
  const shape = scope.shapes.find((one) => isInside(scope, one, counterexample));
  if (shape) throw contradiction(property, variant, shape, counterexample);
}
