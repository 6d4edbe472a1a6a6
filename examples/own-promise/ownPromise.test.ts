import { fc, test } from '@fast-check/vitest';
import { brokenBy, type Kernel, minimised, play, scenario, scenarios, searchFor, variantNamed } from 'reroute-check';
import { expect } from 'vitest';
import { sourceIsOfTheLink, strict } from './ownPromise.ts';

const stock = variantNamed('stock');

/** Whether the kernel keeps the promise in every drawn scenario. */
const kept = (kernel: Kernel) =>
  fc.property(scenarios(), (text) => brokenBy(play(kernel, scenario(text)), [sourceIsOfTheLink]).length === 0);

test.prop([scenarios()], { seed: 1, numRuns: 200 })('the strict kernel keeps the promise', (text) => {
  expect(brokenBy(play(strict, scenario(text)), [sourceIsOfTheLink])).toEqual([]);
});

test('stock breaks it; what is found is read as text, replayed by seed and path, and made small', () => {
  const found = fc.check(kept(stock), { seed: 7, numRuns: 2000 });
  expect(found.failed).toBe(true);
  const [text] = found.counterexample ?? [];
  if (text === undefined) throw new Error('nothing was found');
  const again = fc.check(kept(stock), { seed: found.seed, path: found.counterexamplePath ?? '', endOnFailure: true });
  expect(again.counterexample).toEqual(found.counterexample);
  const small = minimised(sourceIsOfTheLink, stock, text);
  expect(small.events.length).toBeLessThanOrEqual(2);
  expect(small.host.join('\n')).toContain('iptables -t mangle -A OUTPUT');
});

test('a search says how much it looked at', { timeout: 60_000 }, async () => {
  const broken = await searchFor(sourceIsOfTheLink, stock, { runs: 2000 });
  expect(broken).toMatchObject({ outcome: 'violated', engine: 'fast-check' });
  const cell = await searchFor(sourceIsOfTheLink, strict, { runs: 2000 });
  expect(cell).toMatchObject({ outcome: 'sampled', counterexample: null });
  expect(cell.occurred).toBeGreaterThan(10);
});
