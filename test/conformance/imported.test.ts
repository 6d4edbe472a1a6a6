/** Hosts that were built in a namespace, printed by their own tools and imported, against the kernel they were built on. */
import { afterAll, describe, expect, test } from 'vitest';
import { importedCampaign, importedText, pasted } from '../../conformance/imported.ts';
import { openPlayer, prerequisites } from '../../conformance/running/player.ts';
import { wordsOfSeed } from '../../scenario/random.ts';

const missing = prerequisites();
if (missing.length > 0) console.log(`skipped: imported hosts on the running kernel (${missing.join('; ')})`);
const player = openPlayer();
afterAll(() => player.close());

test('a dump is pasted in any order, and whole', () => {
  const dump = ['ip rule', 'ip addr', 'sysctl -a'].map((command) => ({ command, text: `what ${command} prints\n` }));
  const orders = new Set(Array.from({ length: 40 }, (_, seed) => pasted(wordsOfSeed(seed), dump)));
  expect(orders.size).toBeGreaterThan(6);
  for (const order of orders) for (const { text } of dump) expect(order).toContain(text);
});

describe.skipIf(missing.length > 0)('imported hosts', () => {
  test('answer as the kernel that printed them', async () => {
    const { disagreements, answers, packets } = await importedCampaign(player, { seed: 1, hosts: 30 });
    expect(disagreements.map(importedText)).toEqual([]);
    expect(answers).toBeGreaterThanOrEqual(30 * 25);
    expect(packets).toBeGreaterThan(30);
  }, 90_000);
});
