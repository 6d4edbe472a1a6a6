/** What `host flows` says on random hosts, on the running kernel; `conformance repaired` asks more hosts. */
import { afterAll, expect, test } from 'vitest';
import { repairs } from '../../conformance/repaired.ts';
import { openPlayer, prerequisites } from '../../conformance/running/player.ts';

const missing = prerequisites();
if (missing.length > 0) console.log(`skipped: remedies on the running kernel (${missing.join('; ')})`);
const player = openPlayer();
afterAll(() => player.close());

test.skipIf(missing.length > 0)(
  'what is said to be broken leaves so, and what is said to be repaired, too',
  async () => {
    const { hosts, remedies, different } = await repairs(player, 3, 6);
    expect(different).toEqual([]);
    expect(hosts).toBe(6);
    expect(Object.values(remedies).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(6);
  },
  120_000,
);
