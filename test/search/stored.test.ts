/** What was found before proves its cell, and is made small again only where something smaller is found. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { stock } from '../../model/patch/stock.ts';
import { tcpRehash } from '../../model/patch/tcp-rehash.ts';
import { properties } from '../../properties/index.ts';
import type { Stored } from '../../search/counterexample.ts';
import type { Cell } from '../../search/outcome.ts';
import { type SearchOptions, search } from '../../search/review.ts';

const tested = properties.filter(({ id }) => id === 'source-fits-route' || id === 'bound-port-kept');
const options: SearchOptions = {
  properties: tested,
  kernels: [stock, tcpRehash],
  seed: 1,
  runs: 300,
  failures: 1,
  budget: Number.POSITIVE_INFINITY,
  progress() {},
};
const read = (id: string, name: string) =>
  JSON.parse(readFileSync(`counterexamples/${id}/${name}.json`, 'utf8')) as Stored;
const stored: SearchOptions['stored'] = ({ id }, { name }) =>
  id === 'bound-port-kept' && name === 'stock' ? undefined : read(id, name);

describe('a search that knows the stored counterexamples', async () => {
  const heard: Cell[] = [];
  const cells = await search({ ...options, stored, onCell: (cell) => heard.push(cell) });
  const without = await search(options);

  it('says at once what they prove, and of each cell once what it is', () => {
    expect(heard.slice(0, 3).map(({ outcome, runs }) => [outcome, runs])).toEqual(Array(3).fill(['violated', 0]));
    expect(heard).toHaveLength(cells.length);
  });

  it('keeps them as they are, and where they were found', () => {
    for (const { property, variant, counterexample, outcome } of cells.filter((cell) => cell.outcome === 'violated')) {
      expect(outcome).toBe('violated');
      expect(counterexample).toEqual(read(property, variant));
    }
    expect(cells.filter(({ counterexample }) => counterexample !== null)).toHaveLength(3);
  });

  it('counts what it would have counted without them', () => {
    const counts = (all: readonly Cell[]) => all.map(({ runs, occurred }) => [runs, occurred]);
    expect(counts(cells)).toEqual(counts(without));
  });
});

describe('a stored scenario', () => {
  const fits = tested.filter(({ id }) => id === 'source-fits-route');
  const known = read('source-fits-route', 'stock');
  const searchWith = async (scenario: Stored) => {
    const [cell] = await search({ ...options, properties: fits, kernels: [stock], stored: () => scenario });
    return cell as Cell;
  };

  it('that could be shorter is made so', async () => {
    const cell = await searchWith({ ...known, events: [...known.events, 'socket d udp'] });
    expect(cell.counterexample?.events).toEqual(known.events);
    expect(cell.counterexample?.found).toEqual(known.found);
  });

  it('that breaks nothing any more proves nothing', async () => {
    const cell = await searchWith({ ...known, events: ['socket c udp'] });
    expect(cell.outcome).toBe('violated');
    expect(cell.counterexample?.found.command).toMatch(/--path \d+:\d+$/);
  });

  it('that is no scenario proves nothing', async () => {
    expect((await searchWith({ ...known, host: ['no such command'] })).counterexample?.host).not.toContain(
      'no such command',
    );
  });

  it('is not made small when the budget is over, and the cell says so', async () => {
    const cell = await searchWith({ ...known, events: [...known.events, 'socket d udp'] });
    expect(cell.reason).toBe('');
    const [late] = await search({ ...options, properties: fits, kernels: [stock], budget: 1 });
    expect(late?.outcome === 'violated' ? late.reason : 'the budget ended').toMatch(/budget ended/);
  });
});
