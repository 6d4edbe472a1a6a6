import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { binary, iteNum } from '../../solver/terms/arithmetic.ts';
import { eqNum, forgetComparisons, ltNum } from '../../solver/terms/compare.ts';
import { type Num, variable } from '../../solver/terms/term.ts';
import { numbersOf } from './networks.ts';

beforeAll(() => forgetComparisons(true));
afterAll(() => forgetComparisons());

const add = (...values: readonly Num[]): Num => values.reduce((sum, value) => binary('add', sum, value));
const low = (x: Num): Num => binary('bitAnd', x, 0xffff);
const fold = (x: Num): Num => add(low(x), binary('shiftRightUnsigned', x, 16));
const complement = (x: Num): Num => low(binary('bitXor', x, -1));
const complement32 = (x: Num): Num => binary('shiftRightUnsigned', binary('bitXor', x, -1), 0);

/** A checksum as a sender computes it. */
const checksum = (sum: Num): Num => complement(fold(fold(sum)));

const [a, b, c] = [
  variable('residueA', 1, 0xffff),
  variable('residueB', 0, 0xffffffff),
  variable('residueC', 0, 0xffffffff),
];
const words = (x: Num): Num => fold(x);

describe('without a question', () => {
  const sum = add(a, words(b), words(c));

  test('a checksum that was just computed is right, in any order', () => {
    expect(eqNum(checksum(add(words(c), checksum(sum), a, words(b))), 0)).toBe(true);
  });

  test('what UDP sends for zero is right, too', () => {
    const sent = iteNum(eqNum(checksum(sum), 0), 0xffff, checksum(sum));
    expect(eqNum(checksum(add(sum, sent)), 0)).toBe(true);
  });

  test('a checksum into which an address was put in place of another is right', () => {
    const carried = (x: Num): Num => iteNum(ltNum(0xffffffff, x), add(x, -0xffffffff), x);
    const less = carried(add(complement32(checksum(sum)), complement32(b)));
    const replaced = complement(fold(fold(carried(add(less, c)))));
    expect(eqNum(checksum(add(a, words(c), words(c), replaced)), 0)).toBe(true);
  });

  test('a word that is counted once too often is seen, where it is not 0 or 65535', () => {
    expect(eqNum(checksum(add(sum, 1, checksum(sum))), 0)).toBe(false);
    expect(typeof eqNum(checksum(add(sum, a, checksum(sum))), 0)).toBe('object');
  });

  test('a sum that may be zero is left open: both zeros are possible', () => {
    const zero = words(b);
    expect(typeof eqNum(checksum(add(zero, checksum(zero))), 0)).toBe('object');
  });
});

test('what is decided is what plain numbers say', () => {
  let decided = 0;
  for (let seed = 1; seed <= 1000; seed++) {
    const next = numbersOf(seed * 6_700_417);
    const pool: { readonly term: Num; readonly native: number }[] = [];
    for (let n = 0; n < 3; n++) {
      const hi = n === 0 ? 0xffff : 0xffffffff;
      const lo = next(2);
      const native = [lo, hi, lo + next(hi - lo + 1)][next(3)] as number;
      pool.push({ term: variable(`${seed}.${n}`, lo, hi), native });
    }
    const any = () => pool[next(pool.length)] as (typeof pool)[number];
    for (let step = 0; step < 12; step++) {
      const [x, y] = [any(), any()];
      const grown = [
        { term: add(x.term, y.term), native: x.native + y.native },
        { term: fold(x.term), native: (x.native & 0xffff) + (x.native >>> 16) },
        { term: complement(x.term), native: ~x.native & 0xffff },
        { term: complement32(x.term), native: ~x.native >>> 0 },
        {
          term: iteNum(eqNum(x.term, 0xffff), 0, x.term),
          native: x.native === 0xffff ? 0 : x.native,
        },
        {
          term: iteNum(ltNum(x.term, y.term), x.term, y.term),
          native: Math.min(x.native, y.native),
        },
      ][next(6)] as (typeof pool)[number];
      if (grown.native <= 0xffffffff * 4) pool.push(grown);
      const [left, right] = [any(), any()];
      const said = eqNum(left.term, right.term);
      if (typeof said !== 'boolean' || left.term === right.term) continue;
      decided++;
      if (said !== (left.native === right.native)) expect({ seed, step, said }).toBe('as plain numbers say');
    }
  }
  expect(decided).toBeGreaterThan(300);
});
