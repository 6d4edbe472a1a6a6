/**
 * z3's answer for one property on one variant: every shape of the scope, smallest first, with all its numbers at once.
 *
 * Hash functions are uninterpreted: of jhash and of the initial sequence number nothing is known but that equal tuples
 * give equal values. What z3 finds counts only after the plain source has done the same with the real functions.
 */

import * as liftedPatch from '../model/patch/index.ts?lifted';
import type { Kernel } from '../model/types/world.ts';
import * as liftedProperties from '../properties/index.ts?lifted';
import * as liftedKeeps from '../properties/keeps.ts?lifted';
import type { Property } from '../properties/property.ts';
import type { ProofShape, ShapeScope } from '../properties/scopes/proofs.ts';
import { firstBroken, legalRun, occurs } from '../scenario/play.ts';
import { wordsOfSeed } from '../scenario/random.ts';
import type { Text } from '../scenario/text.ts';
import { evaluateRuns } from './evaluate.ts';
import { explore } from './explore.ts';
import { type Fresh, uninterpreted } from './inputs.ts';
import { templateOf } from './shapeTerms.ts';
import { contradiction, drawNumbers, familiarNumbers, placesOf, textOf } from './shapeText.ts';
import type { Z3 } from './smt.ts';
import { InternalError } from './terms/term.ts';

/** Inputs on which the plain and the lifted source must agree before a shape counts as closed. */
export const AGREEMENTS = 24;

/** Milliseconds for making the numbers of a witness familiar; the text is made small afterwards. */
const FAMILIAR = 150;

/** Milliseconds that a shape may use at least, while there are any left. */
const LEAST = 5_000;

const WORD = 2 ** 32 - 1;

export interface CellOptions {
  /** Milliseconds. */
  readonly budget: number;
  readonly seed: number;
  /** The lifted twin of the kernel, of one that is no variant. */
  readonly twin?: Lifted['kernel'];
  readonly onProgress?: (progress: CellProgress) => void;
}

/** How far a cell has come. */
export interface CellProgress {
  readonly shape: string;
  readonly closed: number;
  readonly shapes: number;
  readonly paths: number;
  readonly queries: number;
}

export interface SolvedCell {
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

/** A property and a kernel in the source that takes terms. */
interface Lifted {
  readonly property: unknown;
  readonly kernel: Readonly<Record<string, unknown>>;
}

function liftedOf(property: Property, kernel: Kernel, known: Lifted['kernel'] | undefined): Lifted {
  const properties = liftedProperties.properties as { readonly id: string }[];
  const twin = properties.find(({ id }) => id === property.id);
  const kernelTwin = known ?? (liftedPatch.kernelNamed(kernel.name, kernel.release) as Lifted['kernel'] | undefined);
  if (!twin || !kernelTwin) throw new InternalError(`${property.id} on ${kernel.name} has no lifted twin`);
  return { property: twin, kernel: kernelTwin };
}

/** The property on a shape as the solver takes it. */
function statement(scope: ShapeScope, shape: ProofShape, { property, kernel }: Lifted): (fresh: Fresh) => unknown {
  const template = templateOf(scope, shape);
  return (fresh) => {
    const hashes = {
      inet_ehashfn: uninterpreted('ehash', 0, WORD),
      secure_tcp_seq: uninterpreted('isn', 0, WORD),
    };
    return liftedKeeps.keeps(property, { ...kernel, ...hashes }, template(fresh));
  };
}

/** What drawn inputs showed: on which the two sources disagree, which break the property, in how many its case occurs. */
interface Agreement {
  readonly disagreement: Text | undefined;
  readonly broken: Text | undefined;
  readonly occurred: number;
}

/** Runs drawn inputs through the plain source with the real hash functions, and through the lifted one. */
function checkAgreement(
  scope: ShapeScope,
  shape: ProofShape,
  property: Property,
  kernel: Kernel,
  lifted: Lifted,
  seed: number,
): Agreement {
  const template = templateOf(scope, shape);
  const places = placesOf(scope, shape);
  const words = wordsOfSeed(seed);
  const inputs = [familiarNumbers(places), ...Array.from({ length: AGREEMENTS - 1 }, () => drawNumbers(places, words))];
  const onTerms = evaluateRuns(inputs, (fresh) => liftedKeeps.keeps(lifted.property, lifted.kernel, template(fresh)));
  let occurred = 0;
  let broken: Text | undefined;
  for (const [at, numbers] of inputs.entries()) {
    const text = textOf(scope, shape, numbers);
    const run = legalRun(kernel, text);
    const isKept = run === undefined || firstBroken(property, run) < 0;
    if (run !== undefined && occurs(property, run)) occurred++;
    if (!isKept) broken ??= text;
    if (onTerms[at] !== isKept) return { disagreement: text, broken, occurred };
  }
  return { disagreement: undefined, broken, occurred };
}

/** The time for the next of some shapes: twice its part of what is left, but at least LEAST. */
function share(left: number, shapes: number): number {
  return Math.min(left, Math.max(LEAST, (2 * left) / (shapes + 1)));
}

/**
 * Searches a cell until it is broken, closed, or the time is up.
 */
export function solveCell(
  z3: Z3,
  property: Property,
  kernel: Kernel,
  scope: ShapeScope,
  options: CellOptions,
): SolvedCell {
  const started = performance.now();
  const deadline = started + options.budget;
  const familiar = (name: string) => scope.places.find((place) => place.name === name)?.familiar ?? [];
  const lifted = liftedOf(property, kernel, options.twin);
  const open: string[] = [];
  let closed = 0;
  let agreed = 0;
  let occurred = 0;
  let paths = 0;
  let queries = 0;
  const result = (outcome: SolvedCell['outcome'], reason: string, text: Text | null): SolvedCell => {
    const counts = { shapes: scope.shapes.length, closed, paths, queries, agreed, occurred };
    return { outcome, text, reason, ...counts, milliseconds: performance.now() - started };
  };
  /** What its share of the time was too short for is asked again at the end, with what the others have left. */
  const queue = [...scope.shapes];
  for (const [at, shape] of queue.entries()) {
    const say = (more: { readonly paths: number; readonly queries: number }) =>
      options.onProgress?.({
        shape: shape.name,
        closed,
        shapes: scope.shapes.length,
        paths: paths + more.paths,
        queries: queries + more.queries,
      });
    say({ paths: 0, queries: 0 });
    if (performance.now() > deadline) {
      open.push(shape.name);
      continue;
    }
    const asked = performance.now();
    const milliseconds = share(deadline - asked, queue.length - at);
    const found = explore(z3, statement(scope, shape, lifted), {
      budget: { milliseconds },
      familiar,
      minimising: FAMILIAR,
      onProgress: say,
    });
    paths += found.paths;
    queries += found.queries;
    if (found.outcome === 'violated') {
      const text = textOf(scope, shape, { ...familiarNumbers(placesOf(scope, shape)), ...found.witness });
      const run = legalRun(kernel, text);
      if (run !== undefined && firstBroken(property, run) >= 0) return result('violated', '', text);
      open.push(`${shape.name} (needs hash values that the real functions do not give there)`);
      continue;
    }
    if (found.outcome === 'undecided') {
      const isLate = performance.now() - asked >= milliseconds;
      if (isLate && at < scope.shapes.length) queue.push(shape);
      else open.push(isLate ? shape.name : `${shape.name} (${found.reason ?? ''})`);
      continue;
    }
    const agreement = checkAgreement(scope, shape, property, kernel, lifted, options.seed);
    agreed += AGREEMENTS;
    occurred += agreement.occurred;
    if (agreement.disagreement) throw disagreement(property, kernel, shape, agreement.disagreement);
    if (agreement.broken) throw contradiction(property.id, kernel.name, shape, agreement.broken);
    closed++;
  }
  if (open.length > 0) return result('undecided', `left: ${open.join(', ')}`, null);
  if (occurred === 0) return result('undecided', 'the case it speaks of never occurred', null);
  return result('exhausted', '', null);
}

function shown({ host, events }: Text): string {
  return [...host, ...events].map((line) => `  ${line}`).join('\n');
}

function disagreement(property: Property, kernel: Kernel, shape: ProofShape, text: Text): InternalError {
  return new InternalError(
    `the plain and the lifted source disagree about ${property.id} on ${kernel.name}, shape ${shape.name}:\n${shown(text)}`,
  );
}
