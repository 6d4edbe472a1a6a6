import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { MUTANTS, mutated } from '../../conformance/mutants.ts';

test.each(MUTANTS.map((mutant) => [mutant.what, mutant] as const))('the line to break is there: %s', (_, mutant) => {
  const source = readFileSync(mutant.file, 'utf8');
  expect(mutated(source, mutant)).not.toBe(source);
});

test('a text that occurs twice, or not at all, is refused', () => {
  const [mutant] = MUTANTS as [(typeof MUTANTS)[number]];
  expect(() => mutated(mutant.text + mutant.text, mutant)).toThrow('occurs 2 times');
  expect(() => mutated('', mutant)).toThrow('occurs 0 times');
});
