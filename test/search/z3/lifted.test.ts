import { describe, expect, test } from 'vitest';
import { evaluateRun } from '../../../search/z3/explore.ts';
import type { Fresh } from '../../../search/z3/inputs.ts';
import { plainValue } from '../../../search/z3/terms/valuation.ts';
import * as mangle from './fixtures/mangle.ts';
import * as liftedMangle from './fixtures/mangle.ts?lifted';
import * as statements from './fixtures/statements.ts';
import * as liftedStatements from './fixtures/statements.ts?lifted';
import { networkShape, networkValues, xorshift } from './networks.ts';

const liftedFunctions: Readonly<Record<string, (...args: number[]) => unknown>> = { ...liftedStatements };

/** Every input both ways: plainly, and on terms along the path of the same numbers. */
function agree(values: Readonly<Record<string, number>>, plain: (fresh: Fresh) => unknown, lifted: typeof plain): void {
  const known: Fresh = (name) => values[name] as number;
  const expected = plainValue(plain(known));
  expect(evaluateRun(values, lifted)).toEqual(expected);
  expect(evaluateRun(values, () => lifted(known))).toEqual(expected);
}

describe('plain and lifted source agree', () => {
  test.each([
    ['stock', mangle.stock, liftedMangle.stock],
    ['patched', mangle.patched, liftedMangle.patched],
  ] as const)('on what the %s kernel does with random packets', (_, kernel, liftedKernel) => {
    const next = xorshift(17);
    let marked = 0;
    for (let round = 0; round < 150; round++) {
      const values = networkValues(next, 3, 2, 3);
      agree(
        values,
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
    }
    expect(marked).toBeGreaterThan(20);
  });

  test.each(Object.entries(statements).map(([name, plain]) => [name, plain, liftedFunctions[name]] as const))(
    'on %s()',
    (_, plain, lifted) => {
      const next = xorshift(99);
      for (let round = 0; round < 200; round++) {
        const values = { a: next(7) - 3, b: next(7) - 3, c: next(7) - 3, d: next(3) };
        const input = (fresh: Fresh) =>
          [fresh('a', -3, 3), fresh('b', -3, 3), fresh('c', -3, 3), fresh('d', 0, 2)] as [
            number,
            number,
            number,
            number,
          ];
        agree(
          values,
          (fresh) => plain(...input(fresh)),
          (fresh) => lifted?.(...input(fresh)),
        );
      }
    },
  );
});
