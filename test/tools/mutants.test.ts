/** Mutants of a text are switched on one at a time in one build, and promises kill them. */
import { cwd } from 'node:process';
import { expect, it } from 'vitest';
import { properties } from '../../properties/index.ts';
import { runMutants } from '../../tools/mutants/run.ts';

it('a hunt of a few seconds kills mutants of version 1, and says where the others stand', async () => {
  const hunted = await runMutants({
    folder: cwd(),
    what: 'icmp-only',
    sample: 25,
    seed: 2,
    seconds: 6,
    progress: () => {},
  });
  expect(hunted).toHaveLength(25);
  const killed = hunted.filter(({ promise }) => promise !== '');
  expect(killed.length).toBeGreaterThan(2);
  const ids = properties.map(({ id }) => id);
  for (const { promise, different, reached } of killed) {
    expect(ids).toContain(promise);
    expect(different).toBeGreaterThan(0);
    expect(reached).toBeGreaterThanOrEqual(different);
  }
  for (const { file, line, from, to } of hunted) {
    expect(file).toMatch(/^model\/patch\/[a-z-]+\.[ch]$/);
    expect(line).toBeGreaterThan(0);
    expect(to).not.toBe(from);
  }
});
