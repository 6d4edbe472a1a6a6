import { beforeAll, describe, expect, test } from 'vitest';
import { kernelNamed, kernels } from '../../model/patch/index.ts';
import * as liftedPatch from '../../model/patch/index.ts?lifted';
import { releases } from '../../model/patch/releases/index.ts';
import { stock } from '../../model/patch/stock.ts';
import type { Kernel } from '../../model/types/world.ts';
import { properties } from '../../properties/index.ts';
import type { Property } from '../../properties/property.ts';
import { type ProofShape, postHost, proofScopes, type ShapeScope } from '../../properties/scopes/proofs.ts';
import { occurs, play } from '../../scenario/play.ts';
import { compile, type Text } from '../../scenario/text.ts';
import { bulkSearch } from '../../search/bulk.ts';
import { combined } from '../../search/engines.ts';
import type { Cell } from '../../search/outcome.ts';
import { breaks } from '../../search/replays.ts';
import { rareMark } from '../../solver/planted.ts';
import * as lifted from '../../solver/planted.ts?lifted';
import { isInside, placesOf, textOf } from '../../solver/shapeText.ts';
import { loadZ3, type Z3 } from '../../solver/smt.ts';
import { solveCell } from '../../solver/solveCell.ts';

let z3: Z3;
beforeAll(async () => {
  z3 = await loadZ3();
});

function property(id: string): Property {
  return properties.find((one) => one.id === id) as Property;
}

function kernel(name: string, release?: string): Kernel {
  return kernelNamed(name, release) as Kernel;
}

/** The scenario of a shape with the numbers that a reader expects. */
function familiarText(scope: ShapeScope, shape: ProofShape): Text {
  const numbers = placesOf(scope, shape).map(({ name, familiar }) => [name, familiar[0] as number]);
  return textOf(scope, shape, Object.fromEntries(numbers));
}

function shapes(...names: readonly string[]): ShapeScope {
  return { ...postHost, shapes: postHost.shapes.filter(({ name }) => names.includes(name)) };
}

const solve = (id: string, name: string, scope: ShapeScope, budget = 20_000) =>
  solveCell(z3, property(id), kernel(name), scope, { budget, seed: 1 });

describe('a shape', () => {
  test('is a legal scenario with the familiar numbers in its places, and recognises it', () => {
    for (const scope of Object.values(proofScopes))
      for (const shape of scope.shapes) {
        const text = familiarText(scope, shape);
        expect(play(stock, compile(text)).boot.effects, shape.name).toEqual([]);
        expect(scope.shapes.find((one) => isInside(scope, one, text))?.name).toBe(shape.name);
      }
  });

  test('does not recognise numbers outside of its ranges, or two numbers in the places of one name', () => {
    const [ping] = postHost.shapes as [(typeof postHost.shapes)[number]];
    const text = familiarText(postHost, ping);
    expect(isInside(postHost, ping, { ...text, events: text.events.with(1, 'send c 4 to 7.8.8.8') })).toBe(false);
    const host = text.host.map((line) => line.replace('src 10.0.0.1', 'src 10.0.0.2'));
    expect(isInside(postHost, ping, { ...text, host })).toBe(false);
  });
});

test.each(properties.map((one) => [one.id, one] as const))('the case of %s occurs in its scope', (_, one) => {
  const scope = proofScopes[one.proof];
  const shapes = scope.shapes.filter((shape) => occurs(one, play(stock, compile(familiarText(scope, shape)))));
  expect(shapes).not.toEqual([]);
});

test('every kernel has a name of its own, and by it a lifted twin with the same faults on every release', () => {
  const said = (one: Kernel | undefined) => one && [one.name, one.title, one.release, one.patch];
  expect(new Set(kernels.map(({ name }) => name)).size).toBe(kernels.length);
  for (const { name } of kernels)
    for (const { release } of releases) {
      const twin = liftedPatch.kernelNamed(name, release) as Kernel | undefined;
      expect(said(twin)).toEqual([name, kernel(name).title, release, kernel(name).patch]);
    }
  expect(liftedPatch.kernelNamed('no-such')).toBeUndefined();
  expect(kernelNamed('stock', '2.4')).toBeUndefined();
});

describe('a cell', () => {
  test.each([
    ['source-fits-route', 'stock', 'udp'],
    ['signature-fits-header', 'masquerade', 'tcp-signed'],
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

  test('is violated by numbers that its condition does not speak of, too', () => {
    expect(solve('message-device-kept', 'stock', shapes('device-asked')).outcome).toBe('violated');
  });

  test.each([
    ['listener-stays', 'tcp-rehash', '4.1', 'listener', 'exhausted'],
    ['header-matches-socket', 'tcp-rehash-only-stale-cork', '6.1', 'tcp-answered-marked', 'violated'],
    ['header-matches-socket', 'tcp-rehash-only-pinned-socket', '6.1', 'tcp-answered-marked', 'exhausted'],
    ['cookie-used-again', 'tcp-rehash-not-fast-open', '6.18', 'cookie', 'exhausted'],
    // Its programs cannot do what that host does: what is not expressible says nothing.
    ['source-fits-route', 'so-mark', '6.1', 'rule-by-user', 'undecided'],
  ])('%s on %s, Linux %s, shape %s, is %s', (id, name, release, shape, outcome) => {
    const asked = kernel(name, release);
    const cell = solveCell(z3, property(id), asked, shapes(shape), { budget: 20_000, seed: 1 });
    expect(cell.outcome).toBe(outcome);
    if (outcome === 'violated') expect(cell.text && breaks(property(id), asked, cell.text)).toBe(true);
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
  const options = { properties: [matches], kernels: [rareMark], seed: 1, failures: 1, path: '' };
  expect(bulkSearch({ ...options, runs: 5_000 })[0]?.failures).toEqual([]);
  const cell = solveCell(z3, matches, rareMark, shapes('tcp'), { budget: 20_000, seed: 1, twin: lifted.rareMark });
  expect(cell.outcome).toBe('violated');
  expect(cell.text?.host.at(-1)).toContain(`--set-mark ${0x2bad1234 ^ 0x5eed}`);
  expect(cell.text && breaks(matches, rareMark, cell.text)).toBe(true);
  expect(cell.text && breaks(matches, stock, cell.text)).toBe(false);
});

test('a finding of fast-check inside of what z3 calls exhausted stops everything', () => {
  const [ping] = postHost.shapes as [(typeof postHost.shapes)[number]];
  const text = familiarText(postHost, ping);
  const cell: Cell = {
    property: 'kernel-survives',
    variant: 'stock',
    outcome: 'exhausted',
    worse: false,
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
