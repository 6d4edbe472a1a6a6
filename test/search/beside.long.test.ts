/** 20,064 scenarios on the six variants, beside each other and alone. */
import { expect, it } from 'vitest';
import { variants } from '../../model/patch/index.ts';
import { runScopes } from '../../properties/scopes/runs.ts';
import { compared } from './alone.ts';

it.each(runScopes)('come to the same on kernels together and alone, in $name', { timeout: 600_000 }, (scope) => {
  const { scenarios, different } = compared(scope, variants, 57, 12);
  expect(scenarios).toBe(912);
  expect(different).toEqual([]);
});
