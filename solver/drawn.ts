/** What the plain source does with drawn numbers in the places of a shape: the first look, and what terms have to agree with. */
import type { Kernel } from '../model/types/world.ts';
import type { Property } from '../properties/property.ts';
import type { ProofShape, ShapeScope } from '../properties/scopes/proofs.ts';
import { firstBroken, legalRun, occurs } from '../scenario/play.ts';
import { wordsOfSeed } from '../scenario/random.ts';
import type { Text } from '../scenario/text.ts';
import { drawNumbers, familiarNumbers, type Numbers, placesOf, textOf } from './shapeText.ts';

/** Inputs on which the plain and the lifted source must agree before a shape counts as closed. */
export const AGREEMENTS = 24;

/** Values of a place that are tried beside those of a witness that needs other hash values. */
const SWEPT = 256;

/** One input on the plain source: whether each property is kept, and whether its case occurs. */
export interface Played {
  readonly numbers: Numbers;
  readonly text: Text;
  readonly kept: readonly boolean[];
  readonly occurs: readonly boolean[];
}

/** Plays the familiar input and drawn ones. What is no legal scenario breaks nothing. */
export function playDrawn(
  scope: Pick<ShapeScope, 'places'>,
  shape: ProofShape,
  properties: readonly Property[],
  kernel: Kernel,
  seed: number,
): readonly Played[] {
  const places = placesOf(scope, shape);
  const words = wordsOfSeed(seed);
  const inputs = [familiarNumbers(places), ...Array.from({ length: AGREEMENTS - 1 }, () => drawNumbers(places, words))];
  return inputs.map((numbers) => {
    const text = textOf(scope, shape, numbers);
    const run = legalRun(kernel, text);
    return {
      numbers,
      text,
      kept: properties.map((property) => run === undefined || firstBroken(property, run) < 0),
      occurs: properties.map((property) => run !== undefined && occurs(property, run)),
    };
  });
}

/**
 * A scenario with those numbers that breaks the property on the plain source, or one in which a single number is another:
 * the real hash functions need not give what the witness asks of them.
 */
export function breakingNear(
  scope: Pick<ShapeScope, 'places'>,
  shape: ProofShape,
  property: Property,
  kernel: Kernel,
  numbers: Numbers,
): Text | undefined {
  const broken = (some: Numbers): Text | undefined => {
    const text = textOf(scope, shape, some);
    const run = legalRun(kernel, text);
    return run !== undefined && firstBroken(property, run) >= 0 ? text : undefined;
  };
  const itself = broken(numbers);
  if (itself !== undefined) return itself;
  for (const { name, lo, hi } of placesOf(scope, shape)) {
    for (let value = lo; value <= hi && value < lo + SWEPT; value++) {
      const text = broken({ ...numbers, [name]: value });
      if (text !== undefined) return text;
    }
  }
  return undefined;
}
