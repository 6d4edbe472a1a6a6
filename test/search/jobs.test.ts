/** A search finds the same whatever the number of its threads, in whatever order their work is done. */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { stock } from '../../model/patch/stock.ts';
import { tcpRehash } from '../../model/patch/tcp-rehash.ts';
import { properties } from '../../properties/index.ts';
import { bulkSearch, type Plan } from '../../search/bulk.ts';
import { type Closed, Schedule } from '../../search/schedule.ts';
import { doTask, type PlayTask, type Task } from '../../search/tasks.ts';

const plan: Plan = { properties, kernels: [stock, tcpRehash], seed: 5, runs: 60, path: '', failures: 2 };

describe('the built program', async () => {
  const built = pathToFileURL(resolve('dist/index.js')).href;
  const { search, properties, variants } = (await import(
    /* @vite-ignore */ built
  )) as typeof import('../../search/index.ts');
  const find = async (jobs: number): Promise<string> => {
    const options = {
      kernels: variants,
      seed: 5,
      runs: 60,
      budget: Number.POSITIVE_INFINITY,
      failures: 1,
      progress() {},
    };
    const some = properties.filter((_, i) => i % 2 === 0);
    return JSON.stringify(await search({ ...options, properties: some, jobs }), null, 1);
  };
  const alone = await find(1);

  it('finds something in 60 scenarios', () => {
    expect(alone.match(/"outcome": "violated"/g)?.length).toBeGreaterThan(5);
  });

  it.each([2, 4])('finds the same with %i threads, byte for byte', { timeout: 120_000 }, async (jobs) => {
    expect(await find(jobs)).toBe(alone);
  });
});

describe('a schedule', () => {
  const atOnce = bulkSearch(plan);

  /** Does all that a schedule hands out, up to `most` tasks before the first of them is taken in. */
  function run(most: number, order: (tasks: Task[]) => Task[]): readonly Closed[] {
    const closed: Closed[] = [];
    const schedule = new Schedule(plan, Number.POSITIVE_INFINITY, (one) => closed.push(one));
    for (;;) {
      const tasks: Task[] = [];
      for (let task = schedule.next(); task !== undefined; task = tasks.length < most ? schedule.next() : undefined)
        tasks.push(task);
      if (tasks.length === 0) break;
      for (const task of order(tasks)) {
        if (task.kind === 'play') schedule.takePiece(task, doTask<PlayTask>(plan, task));
        else schedule.takeSmall(task, { text: { host: [], events: [] }, scope: '', path: '', finished: true });
      }
    }
    expect(schedule.runs).toBe(schedule.allRuns);
    return closed.sort((a, b) => a.cell - b.cell);
  }

  it.each([
    ['in their order', 1, (tasks: Task[]) => tasks],
    ['backwards', 5, (tasks: Task[]) => tasks.reverse()],
    ['all at once and backwards', 1000, (tasks: Task[]) => tasks.reverse()],
  ])('counts the same when its tasks are done %s', (_, most, order) => {
    const closed = run(most, order);
    expect(closed.map(({ tally }) => tally)).toEqual(atOnce);
    expect(closed.map(({ small }) => small !== null)).toEqual(atOnce.map(({ failures }) => failures.length > 0));
  });
});
