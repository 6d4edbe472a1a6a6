/** What kernels take from each other in a search is what each of them does, and what is said of it, alone. */
import { describe, expect, it } from 'vitest';
import { kernelNamed, variants } from '../../model/patch/index.ts';
import { mended } from '../../model/patch/mended.ts';
import { EVERY_FAULT } from '../../model/types/faults.ts';
import type { Kernel } from '../../model/types/world.ts';
import { runScopes } from '../../properties/scopes/runs.ts';
import { compared } from './alone.ts';

const everyFault = mended('every-fault', '', true, EVERY_FAULT);
const old = ['stock', 'tcp-rehash'].map((name) => kernelNamed(name, '4.1') as Kernel);

describe.each(runScopes.map((scope) => [scope.name, scope] as const))('scenarios of %s', (_, scope) => {
  it('come to the same on kernels together and alone', { timeout: 60_000 }, () => {
    for (const kernels of [[...variants, everyFault], old]) {
      const { taken, different } = compared(scope, kernels, 2, 11);
      expect(different).toEqual([]);
      expect(taken).toBeGreaterThan(0);
    }
  });
});
