/** Whole runs: everything that the plain source computes, the lifted one computes on terms, merged as a search runs it. */
import { expect, test } from 'vitest';
import { runScenario } from '../../model/host/step.ts';
import * as liftedStep from '../../model/host/step.ts?lifted';
import { variants } from '../../model/patch/index.ts';
import * as liftedVariants from '../../model/patch/index.ts?lifted';
import { type Place, postHost } from '../../properties/scopes/proofs.ts';
import { compile } from '../../scenario/text.ts';
import { evaluateRuns } from '../../solver/evaluate.ts';
import { templateOf } from '../../solver/shapeTerms.ts';
import { placesOf, textOf } from '../../solver/shapeText.ts';
import { plainValue } from '../../solver/terms/valuation.ts';
import { numbersOf } from './networks.ts';

const INPUTS = 12;

const twins = liftedVariants.variants as unknown as readonly { readonly name: string }[];

function draw(next: (below: number) => number, { lo, hi, familiar }: Place): number {
  return next(2) === 0 ? (familiar[next(familiar.length)] as number) : lo + next(hi - lo + 1);
}

test.each(postHost.shapes.map((shape, at) => [shape.name, shape, at] as const))(
  'shape %s: packets, sockets and everything else are the same on every variant',
  (_, shape, at) => {
    const next = numbersOf(at + 1);
    const places = placesOf(postHost, shape);
    const template = templateOf(postHost, shape);
    for (const kernel of variants) {
      const inputs = Array.from({ length: INPUTS }, () =>
        Object.fromEntries(places.map((place) => [place.name, draw(next, place)])),
      );
      const twin = twins.find(({ name }) => name === kernel.name);
      const onTerms = evaluateRuns(inputs, (fresh) => liftedStep.runScenario(twin, template(fresh)));
      for (const [i, numbers] of inputs.entries()) {
        const plain = runScenario(kernel, compile(textOf(postHost, shape, numbers)));
        expect(onTerms[i], `${kernel.name} ${JSON.stringify(numbers)}`).toEqual(plainValue(plain));
      }
    }
  },
  60_000,
);
