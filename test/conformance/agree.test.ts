/** The model against stored observations everywhere, and against the running kernel where it can be asked. */
import { release } from 'node:os';
import { afterAll, describe, expect, test } from 'vitest';
import { kernelDiffers, loadCases, modelDiffers } from '../../conformance/cases.ts';
import { differenceText } from '../../conformance/compare.ts';
import { disagreementText } from '../../conformance/report.ts';
import { campaign, type Kind } from '../../conformance/run.ts';
import { openPlayer, prerequisites } from '../../conformance/running/player.ts';
import { isAtLeast } from '../../conformance/running/release.ts';

const missing = prerequisites();
if (missing.length > 0) console.log(`skipped: the model against the running kernel (${missing.join('; ')})`);
const player = openPlayer();
afterAll(() => player.close());

const cases = [...loadCases()];

describe('stored cases', () => {
  test.each(cases)('the model does what the kernel did: %s', (_, stored) => {
    expect(modelDiffers(stored).map(differenceText)).toEqual([]);
  });

  const known = cases.filter(([, stored]) => stored.release === undefined || isAtLeast(release(), stored.release));
  test.skipIf(missing.length > 0).each(known)('the running kernel still does it: %s', async (_, stored) => {
    expect((await kernelDiffers(player, stored)).map(differenceText)).toEqual([]);
  });
});

/** Cases of a run short enough for every change; `npm run conformance` asks for more. */
const SHORT: readonly (readonly [Kind, number])[] = [
  ['routing', 60],
  ['wire', 200],
  ['proxy', 60],
  ['corners', 100],
];

describe.skipIf(missing.length > 0)('generated cases', () => {
  test.each(SHORT)(
    'the model and the running kernel agree: %s, %i cases',
    async (kind, count) => {
      const options = { kind, seed: 1, cases: count, enough: 1, shrinking: 20, progress: () => {} };
      const { disagreements } = await campaign(player, options);
      expect(disagreements.map(disagreementText)).toEqual([]);
    },
    90_000,
  );
});
