/** The random scenarios reach what they are meant to reach; asked of the model, so on every machine. */
import { expect, test } from 'vitest';
import { cover, NOTHING_COVERED } from '../../conformance/coverage.ts';
import { modelSees } from '../../conformance/modelTrace.ts';
import { drawCase } from '../../conformance/run.ts';
import { stock } from '../../model/patch/stock.ts';

const SCENARIOS = 1000;

/** Scenarios in a thousand that show the rarest part at least. */
const LEAST = 10;

/** Needs a close and a timer in this order, a second each on a kernel. */
const RARE: Readonly<Record<string, number>> = { 'retransmission joined': 2 };

test('every part occurs in a run of a thousand scenarios', () => {
  let coverage = NOTHING_COVERED;
  for (let index = 0; index < SCENARIOS; index++) {
    const text = drawCase(1, 'wire', index);
    coverage = cover(coverage, text, modelSees(stock, text));
  }
  const thin = Object.entries(coverage).filter(([part, count]) => count < (RARE[part] ?? LEAST));
  expect(thin).toEqual([]);
});

test('corners are played to their end, are refused commands and calls, and let packets out', () => {
  let [setup, calls, packets] = [0, 0, 0];
  for (let index = 0; index < 200; index++) {
    const text = drawCase(1, 'corners', index);
    const seen = modelSees(stock, text);
    expect(seen.events).toBe(text.events.length);
    setup += seen.setup.length;
    calls += seen.calls.filter(({ errno }) => errno !== '').length;
    packets += seen.packets.length;
  }
  expect(setup).toBeGreaterThan(100);
  expect(calls).toBeGreaterThan(100);
  expect(packets).toBeGreaterThan(500);
});
