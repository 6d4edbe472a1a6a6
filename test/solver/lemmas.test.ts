import { beforeAll, describe, expect, test } from 'vitest';
import { inet_ehashfn } from '../../model/kernel/net/ipv4/inet_hashtables.ts';
import { lemmas, twins } from '../../solver/lemmas/index.ts';
import { proveLemma } from '../../solver/proveLemma.ts';
import { loadZ3, type Z3 } from '../../solver/smt.ts';

let z3: Z3;
beforeAll(async () => {
  z3 = await loadZ3();
});

const runs = { milliseconds: 100_000, runs: 300, agreements: 8 };

describe('lemmas hold, and their broken twins do not', () => {
  test.each([...lemmas, ...twins].map((lemma) => [lemma.expected, lemma.id, lemma] as const))(
    '%s: %s',
    (expected, _, lemma) => {
      expect(proveLemma(z3, lemma, runs)).toMatchObject({ outcome: expected });
    },
    120_000,
  );

  test('every id is there once', () => {
    const ids = [...lemmas, ...twins].map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

test('10.0.0.2 and 10.1.0.1 are the first pair of hosts in 10.0.0.0/16 and 10.1.0.0/16 with one sum', () => {
  const sum = (address: number) => ((address >>> 16) + (address & 0xffff)) % 65535;
  const pairs = [1, 2, 3].flatMap((a) => [1, 2, 3].map((b) => [0x0a000000 + a, 0x0a010000 + b] as const));
  expect(pairs.find(([a, b]) => sum(a) === sum(b))).toEqual([0x0a000002, 0x0a010001]);
});

test('two four-tuples of one host share a bucket of the real hash', () => {
  const seen = new Map<number, number>();
  let pair: readonly number[] = [];
  for (let n = 0; pair.length === 0 && n < 1_000_000; n++) {
    const hash = inet_ehashfn(0x0a000001, 32768 + (n % 28000), 0x0a000100 + (n >>> 0), 80);
    const other = seen.get(hash);
    if (other !== undefined) pair = [other, n];
    seen.set(hash, n);
  }
  const hashOf = (n = 0) => inet_ehashfn(0x0a000001, 32768 + (n % 28000), 0x0a000100 + n, 80);
  expect(pair).toHaveLength(2);
  expect(hashOf(pair[0])).toBe(hashOf(pair[1]));
});
