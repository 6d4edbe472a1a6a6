/** What the solver looks at for one promise is looked at by every other, too: drawn runs of every shape break nothing that is not recorded. */
import { expect, test } from 'vitest';
import { recordedOn, worseOn } from '../../cli/results.ts';
import { variants } from '../../model/patch/index.ts';
import { REFERENCE } from '../../model/patch/releases/index.ts';
import { properties } from '../../properties/index.ts';
import { proofScopes, type ShapeScope } from '../../properties/scopes/proofs.ts';
import { firstBroken, legalRun } from '../../scenario/play.ts';
import { wordsOfSeed } from '../../scenario/random.ts';
import type { Text } from '../../scenario/text.ts';
import { isStock } from '../../search/worse.ts';
import { drawNumbers, familiarNumbers, placesOf, textOf } from '../../solver/shapeText.ts';

const DRAWN = 8;

/** The shape with familiar numbers, and with drawn ones. */
function textsOf(scope: ShapeScope, shape: ShapeScope['shapes'][number]): readonly Text[] {
  const places = placesOf(scope, shape);
  const words = wordsOfSeed(1);
  const drawn = Array.from({ length: DRAWN }, () => drawNumbers(places, words));
  return [familiarNumbers(places), ...drawn].map((numbers) => textOf(scope, shape, numbers));
}

/** What the text breaks on the variants, as it would be recorded. */
function brokenBy(text: Text): readonly string[] {
  const stock = variants.find(isStock);
  const onStock = stock && legalRun(stock, text);
  return variants.flatMap((kernel) => {
    const run = legalRun(kernel, text);
    if (run === undefined) return [];
    return properties
      .filter((property) => firstBroken(property, run) >= 0)
      .map((property) => {
        const worse = onStock !== undefined && firstBroken(property, onStock) < 0;
        return `${property.id} on ${kernel.name}${worse ? ', worse than stock' : ''}`;
      });
  });
}

const recorded = new Set(
  Object.entries(recordedOn(REFERENCE)).flatMap(([id, row]) =>
    Object.entries(row).flatMap(([name, outcome]) => {
      if (outcome !== 'violated') return [];
      const worse = worseOn(REFERENCE)[id]?.includes(name) ? [`${id} on ${name}, worse than stock`] : [];
      return [`${id} on ${name}`, ...worse];
    }),
  ),
);

test.each(Object.values(proofScopes))('$name', (scope) => {
  const unrecorded = new Map<string, Text>();
  for (const shape of scope.shapes) {
    for (const text of textsOf(scope, shape))
      for (const broken of brokenBy(text)) if (!recorded.has(broken)) unrecorded.set(broken, text);
  }
  expect([...unrecorded]).toEqual([]);
});
