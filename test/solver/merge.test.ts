import { describe, expect, test } from 'vitest';
import { explore as exploreOn } from '../../solver/explore.ts';
import { type Fresh, freshBoolean } from '../../solver/inputs.ts';
import { merge, mergeWays, sameValue, UNMERGEABLE } from '../../solver/merge.ts';
import * as $ from '../../solver/runtime.ts';
import { loadZ3 } from '../../solver/smt.ts';
import { iteNum } from '../../solver/terms/arithmetic.ts';
import { and, not, or } from '../../solver/terms/logic.ts';
import type { BoolTerm } from '../../solver/terms/term.ts';
import * as statements from './fixtures/statements.ts?lifted';

const c = freshBoolean('c') as BoolTerm;
const d = freshBoolean('d') as BoolTerm;

describe('merge()', () => {
  test('numbers become a choice, booleans a formula', () => {
    expect(merge(c, 1, 2)).toBe(iteNum(c, 1, 2));
    expect(merge(c, true, false)).toBe(c);
    expect(merge(c, d, false)).toBe(and(c, d));
  });

  test('what is identical stays itself', () => {
    const record = { f: () => 1 };
    expect(merge(c, record, record)).toBe(record);
    expect(merge(c, 'a', 'a')).toBe('a');
    expect(merge(c, { a: record, n: 1 }, { a: record, n: 2 })).toMatchObject({ a: record });
  });

  test('records merge field by field, arrays element by element', () => {
    expect(merge(c, { a: 1, b: [true, 5] }, { b: [false, 5], a: 1 })).toEqual({ a: 1, b: [c, 5] });
  });

  test.each([
    ['different strings', 'a', 'b'],
    ['different lengths', [1], [1, 2]],
    ['different keys', { a: 1 }, { b: 1 }],
    ['more keys', { a: 1 }, { a: 1, b: 1 }],
    ['functions', () => 1, () => 1],
    ['a number and a boolean', 1, true],
    ['a record and nothing', { a: 1 }, undefined],
    ['a record and an array', {}, []],
    ['something inside', { a: { s: 'x' } }, { a: { s: 'y' } }],
    ['numbers that are no safe integers', Number.NaN, 1],
  ])('%s do not merge', (_, yes, no) => {
    expect(merge(c, yes, no)).toBe(UNMERGEABLE);
  });

  test('a merged record is still the one or the other', () => {
    const [left, right] = [{ n: 1 }, { n: 1 }];
    const either = merge(c, left, right);
    expect(sameValue(either, left)).toBe(c);
    expect(sameValue(right, either)).toBe(not(c));
    expect(sameValue(either, { n: 1 })).toBe(false);
    expect(sameValue(either, merge(c, left, right))).toBe(true);
    expect(sameValue(merge(d, either, left), left)).toBe(or(not(d), c));
  });
});

test('ways that end alike become one ending, the others keep their guards', () => {
  const sides = (condition: BoolTerm) => [condition, not(condition) as BoolTerm];
  const endings = mergeWays([
    { decisions: [{ sides: sides(c), taken: 0 }], value: 1 },
    {
      decisions: [
        { sides: sides(c), taken: 1 },
        { sides: sides(d), taken: 0 },
      ],
      value: 'text',
    },
    {
      decisions: [
        { sides: sides(c), taken: 1 },
        { sides: sides(d), taken: 1 },
      ],
      value: 3,
    },
  ]);
  expect(endings).toEqual([
    { guard: or(c, not(d)), value: iteNum(c, 1, 3) },
    { guard: and(not(c), d), value: 'text' },
  ]);
});

describe('functions merge where they return', () => {
  const inputs = (fresh: Fresh) => [fresh('a', -9, 9), fresh('b', -9, 9), fresh('c', -9, 9), fresh('d', 0, 2)];

  test.each([
    ['early returns', statements.earlyReturns],
    ['loops that assign', statements.parameters],
    ['indices', statements.guarded],
  ])('%s', async (_, run) => {
    const result = exploreOn(await loadZ3(), (fresh) => $.different(run(...inputs(fresh)), undefined));
    expect(result).toMatchObject({ outcome: 'exhausted', paths: 1 });
  });

  test('only as far as they can: lengths make paths', async () => {
    const result = exploreOn(await loadZ3(), (fresh) => statements.lengthsDiffer(...inputs(fresh)).length < 5);
    expect(result).toMatchObject({ outcome: 'exhausted', paths: 5 });
  });

  test('a piece with too many ways is explored path by path instead', async () => {
    const z3 = await loadZ3();
    const run = (fresh: Fresh) => statements.stringsDiffer(...inputs(fresh)).kind !== 'other';
    expect(exploreOn(z3, run)).toMatchObject({ outcome: 'exhausted', paths: 3 });
    expect(exploreOn(z3, run, { ways: 1 })).toMatchObject({ outcome: 'exhausted', paths: 3 });
  });
});
