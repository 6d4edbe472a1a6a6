/** Fast copies of records: the rewritten source does what the source does. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rewriteCopies } from '../../tools/copies/copies.ts';

const SOURCE = `
export const ZERO = { a: 0, b: 0, nested: { x: 1, y: 2 } };

/** Copies, copies of copies, a copy inside a copy, a shorthand, and a field that the record lacks. */
export function work(a: number, b: number) {
  const first = { ...ZERO, a };
  const second = { ...first, b: a + b, nested: { ...first.nested, y: b } };
  const third = { ...second };
  const wider = { ...third, extra: a - b };
  const again = { ...wider, a: wider.a + 1 };
  return { first, second, third, wider, again, fresh: { a, b } };
}

export function order() {
  const log: string[] = [];
  const say = (word: string, value: number) => { log.push(word); return value; };
  const copied = { ...ZERO, b: say('b', 2), a: say('a', 1) };
  return { log, copied };
}

/** Lists that grow where nobody else sees it, and one that somebody keeps in between. */
export function lists(items: readonly number[]) {
  let doubled: readonly number[] = [];
  let odd: readonly number[] = [];
  for (const item of items) {
    doubled = [...doubled, item, item];
    odd = item % 2 === 1 ? [...odd, item] : odd;
  }
  let prefixes: readonly (readonly number[])[] = [];
  let kept: readonly number[] = [];
  for (const item of items) {
    kept = [...kept, item];
    prefixes = [...prefixes, kept];
  }
  return { doubled, odd, prefixes, more: [...doubled, 0] };
}
`;

interface Sample {
  readonly ZERO: unknown;
  work(a: number, b: number): unknown;
  order(): unknown;
  lists(items: readonly number[]): unknown;
}

async function load(code: string, name: string): Promise<Sample> {
  const folder = mkdtempSync(join(tmpdir(), 'reroute-copies-'));
  writeFileSync(join(folder, `${name}.ts`), code);
  const outfile = join(folder, `${name}.mjs`);
  buildSync({ entryPoints: [join(folder, `${name}.ts`)], bundle: true, format: 'esm', outfile, logLevel: 'error' });
  return (await import(/* @vite-ignore */ pathToFileURL(outfile).href)) as Sample;
}

describe('rewritten records', async () => {
  const rewritten = rewriteCopies('model/sample.ts', SOURCE);
  if (rewritten === undefined) throw new Error('nothing was rewritten');
  const plain = await load(SOURCE, 'plain');
  const fast = await load(rewritten.code, 'fast');

  it('hold the same fields in the same order', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer(), (a, b) => {
        expect(JSON.stringify(fast.work(a, b))).toBe(JSON.stringify(plain.work(a, b)));
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  it('leave what they were copied from as it was', () => {
    fast.work(5, 6);
    expect(JSON.stringify(fast.ZERO)).toBe('{"a":0,"b":0,"nested":{"x":1,"y":2}}');
  });

  it('evaluate their fields in the order of the source', () => {
    expect(JSON.stringify(fast.order())).toBe(JSON.stringify(plain.order()));
  });

  it('push to a list only where nobody else has it', () => {
    expect(rewritten.code).toContain('doubled.push(item, item)');
    expect(rewritten.code).toContain('odd.push(');
    expect(rewritten.code).toContain('prefixes.push(kept)');
    expect(rewritten.code).not.toContain('kept.push');
    expect(fast.lists([1, 2, 3])).toEqual(plain.lists([1, 2, 3]));
  });

  it('keep the places of the source', () => {
    expect(JSON.parse(rewritten.map)).toMatchObject({ sources: ['model/sample.ts'] });
  });
});
