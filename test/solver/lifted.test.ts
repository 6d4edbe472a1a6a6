import { describe, expect, test } from 'vitest';
import { evaluateRun, evaluateRuns, type Sample } from '../../solver/evaluate.ts';
import type { Fresh } from '../../solver/inputs.ts';
import { plainValue } from '../../solver/terms/valuation.ts';
import * as mangle from './fixtures/mangle.ts';
import * as liftedMangle from './fixtures/mangle.ts?lifted';
import * as statements from './fixtures/statements.ts';
import * as liftedStatements from './fixtures/statements.ts?lifted';
import { networkShape, networkValues, numbersOf } from './networks.ts';

const liftedFunctions: Readonly<Record<string, (...args: number[]) => unknown>> = { ...liftedStatements };

type Run = (fresh: Fresh) => unknown;

/** Every input plainly, with plain numbers through the lifted source, on terms, and on terms along its own path. */
function agree(samples: readonly Sample[], plain: Run, lifted: Run): void {
  const known =
    (sample: Sample): Fresh =>
    (name) =>
      sample[name] as number;
  const expected = samples.map((sample) => plainValue(plain(known(sample))));
  expect(samples.map((sample) => plainValue(lifted(known(sample))))).toEqual(expected);
  expect(evaluateRuns(samples, lifted, 'following')).toEqual(expected);
  expect(evaluateRuns(samples, lifted)).toEqual(expected);
}

describe('plain and lifted source agree', () => {
  test.each([
    ['stock', mangle.stock, liftedMangle.stock],
    ['patched', mangle.patched, liftedMangle.patched],
  ] as const)('on what the %s kernel does with random packets', (_, kernel, liftedKernel) => {
    const next = numbersOf(17);
    let marked = 0;
    const samples = Array.from({ length: 1000 }, () => networkValues(next, 3, 2, 3));
    agree(
      samples,
      (fresh) => {
        const { net, skb } = networkShape(fresh, 3, 2, 3) as unknown as mangle.Input;
        const result = kernel.mangle(kernel, net, skb);
        if (result.net.sent > 0) marked++;
        return { result, holds: mangle.sourceFits.holds(kernel, { net, skb }) };
      },
      (fresh) => {
        const { net, skb } = networkShape(fresh, 3, 2, 3);
        const result = liftedKernel.mangle(liftedKernel, net, skb);
        return { result, holds: liftedMangle.sourceFits.holds(liftedKernel, { net, skb }) };
      },
    );
    expect(marked).toBeGreaterThan(150);
  });

  test.each(Object.entries(statements).map(([name, plain]) => [name, plain, liftedFunctions[name]] as const))(
    'on %s()',
    (_, plain, lifted) => {
      const input = (fresh: Fresh) =>
        [fresh('a', -3, 3), fresh('b', -3, 3), fresh('c', -3, 3), fresh('d', 0, 2)] as [number, number, number, number];
      agree(
        everySample(),
        (fresh) => plain(...input(fresh)),
        (fresh) => lifted?.(...input(fresh)),
      );
    },
  );
});

/** All values of the four small numbers. */
function everySample(): Sample[] {
  const samples: Sample[] = [];
  for (let a = -3; a <= 3; a++) {
    for (let b = -3; b <= 3; b++) {
      for (let c = -3; c <= 3; c++) for (let d = 0; d <= 2; d++) samples.push({ a, b, c, d });
    }
  }
  return samples;
}

test('an input without a value for a variable is an error', () => {
  expect(() => evaluateRun({}, (fresh) => fresh('x', 0, 9))).toThrow('the input has no value for x');
});
