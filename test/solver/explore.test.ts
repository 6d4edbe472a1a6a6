import { beforeAll, describe, expect, test } from 'vitest';
import { BitVectorProver } from '../../solver/bitVectorProver.ts';
import { type ExploreOptions, explore as exploreOn, exploreWith } from '../../solver/explore.ts';
import { assume, type Fresh, freshBoolean, uninterpreted } from '../../solver/inputs.ts';
import * as $ from '../../solver/runtime.ts';
import { loadZ3, type Z3 } from '../../solver/smt.ts';
import { type Bool, InternalError } from '../../solver/terms/term.ts';
import { Valuation } from '../../solver/terms/valuation.ts';
import * as loops from './fixtures/loops.ts?lifted';
import * as mangle from './fixtures/mangle.ts';
import * as liftedMangle from './fixtures/mangle.ts?lifted';
import * as liftedRouting from './fixtures/routing.ts?lifted';
import { networkShape } from './networks.ts';

let z3: Z3;
beforeAll(async () => {
  z3 = await loadZ3();
});

const explore = (holds: (fresh: Fresh) => unknown, options: ExploreOptions = {}) => exploreOn(z3, holds, options);

const WORD = 2 ** 32 - 1;

describe('the routing model', () => {
  test('finds an input that breaks a property, and it breaks the plain source', () => {
    const found = explore((fresh) => liftedMangle.sourceFits.holds(liftedMangle.stock, networkShape(fresh, 2, 2, 2)));
    expect(found.outcome).toBe('violated');
    const input = networkShape((name) => found.witness?.[name] ?? 0, 2, 2, 2) as unknown as mangle.Input;
    expect(mangle.sourceFits.holds(mangle.stock, input)).toBe(false);
    expect(mangle.sourceFits.holds(mangle.patched, input)).toBe(true);
  });

  test('closes the repaired kernel as one formula', () => {
    const closed = explore((fresh) =>
      liftedMangle.sourceFits.holds(liftedMangle.patched, networkShape(fresh, 3, 3, 3)),
    );
    expect(closed).toMatchObject({ outcome: 'exhausted', paths: 1 });
  });

  test('ifs and expressions find the same route', () => {
    const closed = explore((fresh) => {
      const [table] = networkShape(fresh, 0, 1, 4).net.tables;
      const daddr = fresh('to', 0, WORD);
      return $.same(liftedRouting.lookup(table, daddr), liftedRouting.lookupByIf(table, daddr));
    });
    expect(closed).toMatchObject({ outcome: 'exhausted', paths: 1 });
  });

  test('proves that a state is never reached that bug() names', () => {
    const closed = explore((fresh) =>
      liftedMangle.everAccepts.holds(liftedMangle.patched, networkShape(fresh, 2, 2, 2)),
    );
    expect(closed.outcome).toBe('exhausted');
  });

  test('a reachable bug() stops everything', () => {
    const run = (fresh: Fresh) => {
      const verdict = fresh('verdict', 0, 9);
      const kernel = {
        ...liftedMangle.stock,
        mangle: (_: unknown, net: unknown, skb: unknown) => ({ verdict, net, skb }),
      };
      return liftedMangle.everAccepts.holds(kernel, networkShape(fresh, 1, 1, 1));
    };
    expect(() => explore(run)).toThrow(/the model stopped: model bug: verdict \(a term\), on \{.*"verdict":\d/);
  });
});

describe('uninterpreted functions', () => {
  const run = (property: typeof liftedMangle.sameBucket) => (fresh: Fresh) => {
    const kernel = { ...liftedMangle.stock, hash: uninterpreted('hash', 0, WORD) };
    return property.holds(kernel, networkShape(fresh, 0, 0, 0));
  };

  test('give equal results for equal arguments', () => {
    expect(explore(run(liftedMangle.sameBucket))).toMatchObject({ outcome: 'exhausted' });
  });

  test('may collide, and the witness says where', () => {
    const found = explore(run(liftedMangle.differentBucket));
    expect(found.outcome).toBe('violated');
    const table = found.functions?.hash ?? [];
    expect(table.length).toBeGreaterThanOrEqual(2);
    const hash = (...args: number[]) => table.find((use) => use.args.every((arg, at) => arg === args[at]))?.value ?? 0;
    const input = networkShape((name) => found.witness?.[name] ?? 0, 0, 0, 0) as unknown as mangle.Input;
    expect(mangle.differentBucket.holds({ ...mangle.stock, hash }, input)).toBe(false);
  });
});

/** Ends with a different length for each of its eight ways, so that nothing merges. */
function forks(fresh: Fresh, holds: (bits: readonly Bool[]) => unknown): unknown {
  const bits = ['a', 'b', 'c'].map((name) => freshBoolean(name));
  fresh('unused', 0, 1);
  const chosen = bits.map((bit) =>
    $.choose(
      bit,
      () => ['yes'],
      () => [],
    ),
  );
  return holds(chosen.map((list) => (list as unknown[]).length > 0));
}

describe('paths', () => {
  test('what does not merge is explored path by path', () => {
    expect(explore((fresh) => forks(fresh, () => true))).toMatchObject({ outcome: 'exhausted', paths: 8 });
  });

  test('the one wrong path is found', () => {
    const found = explore((fresh) => forks(fresh, ([a, b, c]) => !(a && !b && c)));
    expect(found).toMatchObject({ outcome: 'violated', witness: { a: 1, b: 0, c: 1 } });
  });

  test('a budget of paths ends undecided and says how far it got', () => {
    const result = explore((fresh) => forks(fresh, () => true), { budget: { paths: 3 } });
    expect(result).toMatchObject({ outcome: 'undecided', paths: 3, reason: '3 paths were tried' });
  });

  test('no time ends undecided', () => {
    const result = explore((fresh) => forks(fresh, () => true), { budget: { milliseconds: 0 } });
    expect(result).toMatchObject({ outcome: 'undecided', paths: 0, reason: 'the time was up after 0 paths' });
  });

  test('a question that takes too many steps ends undecided, and the other paths are still closed', () => {
    const factors = (fresh: Fresh) => {
      const product = $.mul(fresh('p', 2, 2 ** 26), fresh('q', 2, 2 ** 26));
      return $.choose(
        freshBoolean('hard'),
        () => $.different(product, 1125899772623531),
        () => true,
      );
    };
    const result = explore(factors, { budget: { rlimit: 100_000 } });
    expect(result).toMatchObject({ outcome: 'undecided', paths: 1 });
    expect(result.reason).toMatch(/a path could not be decided: /);
  });

  test('what terms cannot do ends undecided, never exhausted', () => {
    const result = explore((fresh) => $.lt($.mul($.mul(fresh('x', 0, WORD), WORD), WORD), 5));
    expect(result).toMatchObject({ outcome: 'undecided', reason: expect.stringContaining('leaves the safe integers') });
  });

  test('a loop that counts to a term ends undecided and says where; one that counts to a number is closed', () => {
    const result = explore((fresh) => $.lt(loops.triangle(fresh('n', 0, 9)), 100));
    expect(result).toMatchObject({
      outcome: 'undecided',
      reason: expect.stringContaining('test/solver/fixtures/loops.ts:4:3: a loop that counts from or to a term'),
    });
    const closed = explore((fresh) => $.lt($.add(loops.triangle(9), fresh('n', 0, 9)), 46));
    expect(closed).toMatchObject({ outcome: 'exhausted', paths: 1 });
  });

  test('a function made during a run ends undecided: the next run would make another one', () => {
    const result = explore((fresh) => {
      const record = $.call('a', () => ({ f: $.made('m.ts:1:1', () => true) }), []);
      return record.f() && $.lt(fresh('x', 0, 9), 10);
    });
    expect(result).toMatchObject({
      outcome: 'undecided',
      reason: expect.stringContaining('m.ts:1:1: a function made during a run'),
    });
  });

  test('what terms cannot do on a way that nothing takes does not matter', () => {
    const result = explore((fresh) => {
      const x = fresh('x', 0, 9);
      const big = (y: unknown): unknown => $.mul($.mul($.mul(y, WORD), WORD), WORD);
      const isEven = $.same($.bitAnd($.mul(x, $.add(x, 1)), 1), 0);
      return $.choose(
        isEven,
        () => true,
        () => $.lt(big(fresh('y', 0, WORD)), 5),
      );
    });
    expect(result.outcome).toBe('exhausted');
  });

  test('progress is reported after every path', () => {
    const seen: number[] = [];
    explore((fresh) => forks(fresh, () => true), { onProgress: ({ paths }) => seen.push(paths) });
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });
});

describe('assumptions', () => {
  test('leave out inputs', () => {
    const run = (limit: number) => (fresh: Fresh) => {
      const x = fresh('x', 0, 100);
      assume($.gt(x, limit));
      return $.gt(x, 50);
    };
    expect(explore(run(50))).toMatchObject({ outcome: 'exhausted' });
    expect(explore(run(20))).toMatchObject({ outcome: 'violated', witness: { x: 21 } });
  });

  test('that nothing meets leave nothing', () => {
    const run = (fresh: Fresh) => {
      const x = fresh('x', 0, 100);
      assume($.same($.bitAnd($.mul(x, $.add(x, 1)), 1), 1));
      return false;
    };
    expect(explore(run)).toMatchObject({ outcome: 'exhausted' });
  });

  test('inside the model are an error', () => {
    const run = () => $.call('here', () => assume(true), []);
    expect(() => explore(run)).toThrow(InternalError);
  });
});

describe('witnesses', () => {
  const sum = (fresh: Fresh) => $.lt($.add(fresh('saddr', 0, WORD), fresh('port', 1, 65535)), 3_000_000_000);

  test('are small', () => {
    expect(explore(sum).witness).toEqual({ saddr: 3_000_000_000 - 65535, port: 65535 });
  });

  test('are familiar where they can be', () => {
    const familiar = (name: string) => (name === 'port' ? [80] : []);
    expect(explore(sum, { familiar }).witness).toEqual({ saddr: 3_000_000_000 - 80, port: 80 });
  });
});

describe('internal errors', () => {
  test('a run that does not repeat itself', () => {
    let runs = 0;
    const moody = (fresh: Fresh) => {
      runs++;
      $.choose(
        $.lt(fresh(`x${runs}`, 0, 9), 5),
        () => [],
        () => [1],
      );
      return true;
    };
    expect(() => explore(moody)).toThrow(/did not repeat itself/);
  });

  test('a solved input that does not follow its predicted path', () => {
    const prover = new BitVectorProver(z3);
    const lying = {
      queries: 0,
      isPossible: () => undefined,
      solve: () => ({ answer: 'sat' as const, input: new Valuation([['a', 0]]) }),
      solveQuickly: () => ({ answer: 'unsat' as const }),
      solveAlone: () => ({ answer: 'unsat' as const }),
    };
    expect(() => exploreWith(lying, (fresh) => forks(fresh, () => true), {})).toThrow(
      /the solved input breaks condition \d of its own path/,
    );
    prover.dispose();
  });

  test('a term that reaches code which was not lifted', () => {
    expect(() => explore((fresh) => `${fresh('x', 0, 9)}` === '1')).toThrow('code that was not lifted');
    expect(() => explore((fresh) => (fresh('x', 0, 9) as number) > 5)).toThrow('code that was not lifted');
    expect(() => explore((fresh) => JSON.stringify({ x: fresh('x', 0, 9) }) === '')).toThrow('written as JSON');
  });
});

test('a question can be written as SMT-LIB', () => {
  const prover = new BitVectorProver(z3);
  let text = '';
  explore((fresh) => {
    const x = fresh('x', 0, 99);
    text = prover.smtlib([], $.lt(x, 7));
    return true;
  });
  prover.dispose();
  expect(text).toMatch(/^\(set-logic QF_BV\)[\s\S]*declare-fun x \(\) \(_ BitVec 7\)[\s\S]*\(check-sat\)\n$/);
});
