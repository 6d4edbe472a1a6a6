/** What a search from nothing finds, and that it finds the same again. */
import { describe, expect, it } from 'vitest';
import { recordedOn } from '../../cli/results.ts';
import { REFERENCE } from '../../model/patch/releases/index.ts';
import { stock } from '../../model/patch/stock.ts';
import { tcpRehash } from '../../model/patch/tcp-rehash.ts';
import { properties } from '../../properties/index.ts';
import { checkPlain, decode } from '../../search/fastCheck.ts';
import type { Cell } from '../../search/outcome.ts';
import { search } from '../../search/review.ts';

const kernels = [stock, tcpRehash];
const options = { seed: 7, budget: Number.POSITIVE_INFINITY, failures: 1, progress() {} };
const cells: readonly Cell[] = await search({ ...options, properties, kernels, runs: 2000 });
const violated = cells.filter(({ outcome }) => outcome === 'violated');

describe('a search of 2,000 scenarios from another seed', () => {
  it('finds violations of addresses, tuples and checksums under tcp-rehash', () => {
    const concerns = violated
      .filter(({ variant }) => variant === 'tcp-rehash')
      .map(({ property }) => properties.find(({ id }) => id === property)?.concern);
    for (const concern of ['address', 'tuple', 'checksum'] as const) expect(concerns).toContain(concern);
  });

  it('finds on the stock kernel the problem the patch sets out to solve, and nothing that is neither explained nor recorded', () => {
    const onStock = violated.filter(({ variant }) => variant === 'stock').map(({ property }) => property);
    const known = ['marked-syn-works', 'source-fits-route', 'source-passes-provider-filter'];
    expect(onStock.filter((id) => known.includes(id))).toEqual(known);
    const explained = (id: string) => properties.find((property) => property.id === id)?.onStock !== '';
    for (const id of onStock) expect(explained(id) || recordedOn(REFERENCE)[id]?.stock === 'violated', id).toBe(true);
  });

  it('calls no cell sampled whose case never occurred', () => {
    for (const cell of cells) if (cell.outcome === 'sampled') expect(cell.occurred).toBeGreaterThan(0);
  });

  it('finds the same scenarios again', async () => {
    const some = properties.filter(({ id }) => id === 'bound-port-kept' || id === 'transport-checksum-correct');
    const find = () => search({ ...options, properties: some, kernels: [tcpRehash], runs: 1000 });
    expect(await find()).toEqual(await find());
  });

  it('ends undecided when its budget does', async () => {
    const short = await search({ ...options, properties, kernels, runs: 1_000_000, budget: 1 });
    const open = short.filter(({ outcome }) => outcome !== 'violated');
    expect(open.length).toBeGreaterThan(0);
    for (const { outcome, reason } of open) {
      expect(outcome).toBe('undecided');
      expect(reason).toMatch(/budget ended after|never occurred/);
    }
  });
});

describe('fast-check on word lists', () => {
  const fits = properties.find(({ id }) => id === 'source-fits-route');
  if (fits === undefined) throw new Error('no such property');

  it('breaks source-fits-route on the stock kernel and shrinks the words', () => {
    const details = checkPlain(fits, stock, 2000, 1);
    expect(details.failed).toBe(true);
    const [lists] = details.counterexample ?? [];
    expect(lists?.flat().filter((word) => word !== 0).length).toBeLessThan(12);
  });

  it('decodes the empty lists to a scenario of the post', () => {
    const { host, events } = decode(fits.scope, stock, [[], []]);
    expect(host).toContain('ip rule add fwmark 100 table 100');
    expect(events[0]).toBe('socket c tcp');
  });
});
