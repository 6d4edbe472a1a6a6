/** A mutant that the environment names stands in its file while tests read it, and nowhere else. */
import { env } from 'node:process';
import { afterEach, expect, it } from 'vitest';
import { VARIABLE, vitePluginMutant } from '../../tools/mutants/mutantPlugin.ts';

const NAMED = { file: 'model/a.ts', start: 4, end: 7, original: 'one', text: 'two' };

afterEach(() => {
  delete env[VARIABLE];
});

type Transform = (code: string, id: string) => { readonly code: string } | undefined;

function transform(): Transform {
  env[VARIABLE] = JSON.stringify(NAMED);
  return vitePluginMutant()[0]?.transform as unknown as Transform;
}

it('does nothing where none is named', () => {
  expect(vitePluginMutant()).toEqual([]);
});

it('changes its place in its file', () => {
  expect(transform()('let one = 1;', '/x/model/a.ts?v=1')?.code).toBe('let two = 1;');
  expect(transform()('let one = 1;', '/x/other/a.ts')).toBeUndefined();
  expect(transform()('what it became', '/x/model/a.ts?lifted')).toBeUndefined();
});

it('fails where the file has something else there', () => {
  expect(() => transform()('let six = 1;', '/x/model/a.ts')).toThrow('model/a.ts has not one at 4');
});
