/** Which SYNs the post's disabled condition, and others, would move. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readResult } from '../../cli/results.ts';
import { conditionOf } from '../../cli/verbs/synFilters.ts';
import { tfoCookieOf } from '../../model/kernel/net/ipv4/tcp_fastopen.ts';
import { accepts, filtered, type SynFilter, synFilters } from '../../model/patch/syn-filters.ts';
import { tcpRehash } from '../../model/patch/tcp-rehash.ts';
import type { Kernel } from '../../model/types/world.ts';
import { properties } from '../../properties/index.ts';
import { play } from '../../scenario/play.ts';
import { compile } from '../../scenario/text.ts';
import { traceLines } from '../../scenario/trace.ts';
import { bulkSearch } from '../../search/bulk.ts';
import { filterRows, SYN_KINDS, type SynShape, synShapes } from '../../search/synShapes.ts';

const shapes = synShapes();
const { paths } = readResult('syn-filters');
const row = (name: string) => {
  const moved = filterRows().find((one) => one.name === name)?.moved;
  if (moved === undefined) throw new Error(name);
  return SYN_KINDS.map((kind) => (moved[kind][0] === 0 ? 'none' : moved[kind][0] === moved[kind][1] ? 'all' : 'some'));
};

describe('the shapes of SYN', () => {
  it('are those that the model sends, and those with MD5 and other cookies', () => {
    const look = ({ kind, sk, skb }: SynShape) =>
      [
        kind,
        sk.tcp_header_len,
        skb.th.doff,
        skb.payload.len,
        tfoCookieOf(skb.th) !== 0,
        sk.fastopen.req,
        sk.fastopen.syn_fastopen,
        sk.fastopen.syn_data,
      ].join();
    const all = new Set(shapes.map(look));
    const own = synShapes(true);
    expect(own.filter((shape) => !all.has(look(shape)))).toEqual([]);
    expect(own.length).toBeGreaterThan(50);
    expect(shapes.length).toBeGreaterThan(2 * own.length);
  });

  it('are of every kind, and no header exceeds 60 bytes', () => {
    for (const kind of SYN_KINDS) expect(shapes.filter((shape) => shape.kind === kind).length).toBeGreaterThan(4);
    for (const { skb } of shapes) expect(skb.th.doff).toBeLessThanOrEqual(15);
  });
});

describe('of these SYNs', () => {
  it("the post's condition moves none", () => {
    expect(row('header-len')).toEqual(SYN_KINDS.map(() => 'none'));
  });

  it('the condition on the length moves exactly those without data', () => {
    const filter = synFilters.find(({ name }) => name === 'no-payload') as SynFilter;
    for (const { net, sk, skb } of shapes) expect(accepts(filter, net, sk, skb)).toBe(skb.payload.len === 0);
  });

  it('the flag syn_data, set behind the first SYN, keeps none of the first ones', () => {
    expect(row('no-syn-data').slice(0, -1)).toEqual(SYN_KINDS.slice(1).map(() => 'all'));
  });
});

describe('under each condition', () => {
  const cells = [tcpRehash, ...filtered].flatMap((kernel) => {
    const row = paths[conditionOf(kernel.name)];
    if (row === undefined) throw new Error(kernel.name);
    return Object.entries(row).map(([id, path]) => ({ kernel, id, path }));
  });
  const failures = (kernel: Kernel, id: string, path: string, runs: number) =>
    bulkSearch({
      properties: properties.filter((property) => property.id === id),
      kernels: [kernel],
      seed: 1,
      runs,
      path,
      failures: 1,
    }).flatMap((tally) => tally.failures).length;

  it.each(cells.filter(({ path }) => path !== ''))('$kernel.name breaks $id', ({ kernel, id, path }) => {
    expect(failures(kernel, id, path, 1)).toBe(1);
  });

  it.each(cells.filter(({ path }) => path === ''))('$kernel.name keeps $id where others do not', ({ kernel, id }) => {
    for (const path of new Set(cells.filter((cell) => cell.id === id && cell.path !== '').map((cell) => cell.path)))
      expect(failures(kernel, id, path, 1)).toBe(0);
  });
});

describe("a SYN with data, on the post's host", () => {
  const host = readFileSync('conformance/cases/post.host', 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#') && !line.includes('mangle'));
  const events = [
    'socket c tcp',
    'send c 4 to 8.8.8.8:80 tfo',
    'answer c',
    'host iptables -t mangle -A OUTPUT -d 8.8.8.8 -j MARK --set-mark 100',
    'socket d tcp',
    'send d 4 to 8.8.8.8:80 tfo',
    'answer d',
  ];
  const last = (name: string) => {
    const kernel = filtered.find((one) => one.name === name);
    if (kernel === undefined) throw new Error(name);
    return traceLines(play(kernel, compile({ host, events }))).slice(-2);
  };

  it("keeps the first address and its cookie under the post's condition, and is taken", () => {
    const [syn, ack] = last('tcp-rehash-header-len');
    expect(syn).toMatch(/eth1 via 10\.1\.0\.254: 10\.0\.0\.1:\d+ > 8\.8\.8\.8:80 tcp S 4, cookie/);
    expect(ack).toMatch(/10\.0\.0\.1:\d+ > 8\.8\.8\.8:80 tcp \., mark 100$/);
  });

  it('moves with the cookie of the old address under the one on fragments, and is refused', () => {
    const [syn, data] = last('tcp-rehash-no-fragments');
    expect(syn).toMatch(/10\.1\.0\.1:\d+ > 8\.8\.8\.8:80 tcp S 4, cookie/);
    expect(data).toMatch(/10\.0\.0\.1:\d+ > 8\.8\.8\.8:80 tcp P\. 4, mark 100, transport checksum incorrect/);
  });
});
