import { beforeAll, describe, expect, test } from 'vitest';
import type { Kernel } from '../../../model/types/world.ts';
import { variants } from '../../../model/variants/index.ts';
import { stock } from '../../../model/variants/stock.ts';
import { properties } from '../../../properties/index.ts';
import type { Property } from '../../../properties/property.ts';
import { postHost, type ShapeScope } from '../../../properties/shapes.ts';
import { bulkSearch } from '../../../search/bulk.ts';
import { combined } from '../../../search/engines.ts';
import type { Cell } from '../../../search/outcome.ts';
import { play } from '../../../search/play.ts';
import { breaks } from '../../../search/review.ts';
import { compile } from '../../../search/text.ts';
import { solveCell } from '../../../search/z3/cells.ts';
import { rareMark } from '../../../search/z3/planted.ts';
import * as lifted from '../../../search/z3/planted.ts?lifted';
import { isInside, placesOf, textOf } from '../../../search/z3/shapeText.ts';
import { loadZ3, type Z3 } from '../../../search/z3/smt.ts';

let z3: Z3;
beforeAll(async () => {
  z3 = await loadZ3();
});

function property(id: string): Property {
  return properties.find((one) => one.id === id) as Property;
}

function kernel(name: string): Kernel {
  return variants.find((one) => one.name === name) as Kernel;
}

function shapes(...names: readonly string[]): ShapeScope {
  return { ...postHost, shapes: postHost.shapes.filter(({ name }) => names.includes(name)) };
}

const solve = (id: string, name: string, scope: ShapeScope, budget = 20_000) =>
  solveCell(z3, property(id), kernel(name), scope, { budget, seed: 1 });

describe('a shape', () => {
  test('is a legal scenario with the familiar numbers in its places, and recognises it', () => {
    for (const shape of postHost.shapes) {
      const numbers = Object.fromEntries(
        placesOf(postHost, shape).map(({ name, familiar }) => [name, familiar[0] as number]),
      );
      const text = textOf(postHost, shape, numbers);
      expect(play(stock, compile(text)).boot.effects, shape.name).toEqual([]);
      expect(postHost.shapes.find((one) => isInside(postHost, one, text))?.name).toBe(shape.name);
    }
  });

  test('does not recognise numbers outside of its ranges, or two numbers in the places of one name', () => {
    const [ping] = postHost.shapes as [(typeof postHost.shapes)[number]];
    const numbers = Object.fromEntries(
      placesOf(postHost, ping).map(({ name, familiar }) => [name, familiar[0] as number]),
    );
    const text = textOf(postHost, ping, numbers);
    expect(isInside(postHost, ping, { ...text, events: text.events.with(1, 'send c 4 to 7.8.8.8') })).toBe(false);
    const host = text.host.map((line) => line.replace('src 10.0.0.1', 'src 10.0.0.2'));
    expect(isInside(postHost, ping, { ...text, host })).toBe(false);
  });
});

describe('a cell', () => {
  test.each([
    ['source-fits-route', 'stock', 'udp'],
    ['header-matches-socket', 'masquerade', 'tcp'],
    ['send-leaves-next-send-alone', 'tcp-rehash', 'udp-twice'],
  ])('%s on %s is violated, and the scenario breaks the plain source', (id, name, shape) => {
    const cell = solve(id, name, shapes(shape));
    expect(cell.outcome).toBe('violated');
    expect(cell.text && breaks(property(id), kernel(name), cell.text)).toBe(true);
  });

  test.each([
    ['local-name-stays', 'stock', ['udp-connected', 'tcp-answered']],
    ['header-matches-socket', 'stock', ['udp-connected', 'tcp']],
    ['four-tuple-unique', 'stock', ['tcp-two', 'tcp-two-marked']],
    ['kernel-survives', 'masquerade', ['ping', 'udp', 'tcp']],
    ['ip-checksum-correct', 'stock', ['udp', 'tcp']],
    ['transport-checksum-correct', 'stock', ['udp-bound']],
  ])('%s on %s is exhausted', (id, name, names) => {
    expect(solve(id, name, shapes(...names))).toMatchObject({
      outcome: 'exhausted',
      closed: names.length,
      shapes: names.length,
    });
  });

  test('without time is undecided and says what is left', () => {
    expect(solve('local-name-stays', 'stock', shapes('udp-connected', 'tcp'), 0)).toMatchObject({
      outcome: 'undecided',
      closed: 0,
      reason: 'left: tcp, udp-connected',
    });
  });

  test('in which the case never occurs is not called exhausted', () => {
    expect(solve('listener-stays', 'stock', shapes('ping'))).toMatchObject({
      outcome: 'undecided',
      reason: 'the case it speaks of never occurred',
    });
  });

  test('whose plain source breaks what the lifted one keeps is an internal error', () => {
    const broken: Kernel = { ...kernel('stock'), ipt_mangle_out: kernel('tcp-rehash').ipt_mangle_out };
    expect(() =>
      solveCell(z3, property('send-leaves-next-send-alone'), broken, shapes('udp-twice'), { budget: 20_000, seed: 1 }),
    ).toThrow(/the plain and the lifted source disagree about send-leaves-next-send-alone on stock, shape udp-twice/);
  });
});

test('z3 finds the one mark that a search by chance does not', () => {
  const matches = property('header-matches-socket');
  const options = { properties: [matches], kernels: [rareMark], seed: 1, budget: 60_000, failures: 1, path: '' };
  const { tallies } = bulkSearch({ ...options, runs: 5_000, progress() {} });
  expect(tallies[0]?.failures).toEqual([]);
  const cell = solveCell(z3, matches, rareMark, shapes('tcp'), { budget: 20_000, seed: 1, twin: lifted.rareMark });
  expect(cell.outcome).toBe('violated');
  expect(cell.text?.host.at(-1)).toContain(`--set-mark ${0x2bad1234 ^ 0x5eed}`);
  expect(cell.text && breaks(matches, rareMark, cell.text)).toBe(true);
  expect(cell.text && breaks(matches, stock, cell.text)).toBe(false);
});

test('a finding of fast-check inside of what z3 calls exhausted stops everything', () => {
  const [ping] = postHost.shapes as [(typeof postHost.shapes)[number]];
  const numbers = Object.fromEntries(
    placesOf(postHost, ping).map(({ name, familiar }) => [name, familiar[0] as number]),
  );
  const text = textOf(postHost, ping, numbers);
  const cell: Cell = {
    property: 'kernel-survives',
    variant: 'stock',
    outcome: 'exhausted',
    engine: 'z3',
    scope: postHost.name,
    runs: 12,
    occurred: 12,
    reason: '',
    counterexample: null,
  };
  const found = { by: 'fast-check', seed: 1, command: '' } as const;
  const counterexample = { finding: '', property: cell.property, variant: 'stock', ...text, trace: [], found };
  const sampled: Cell = { ...cell, outcome: 'violated', engine: 'fast-check', scope: 'two-uplinks', counterexample };
  expect(() => combined(sampled, cell)).toThrow(
    /z3 calls shape ping exhausted.*\nyet this scenario of it does:\n {2}ip link/,
  );
  const outside = { ...counterexample, events: ['socket c ping', 'send c 4 to 7.7.7.7'] };
  expect(combined({ ...sampled, counterexample: outside }, cell).outcome).toBe('violated');
});
