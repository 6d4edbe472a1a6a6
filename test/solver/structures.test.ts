import { beforeAll, describe, expect, test } from 'vitest';
import { stock } from '../../model/patch/stock.ts';
import { properties } from '../../properties/index.ts';
import type { Property } from '../../properties/property.ts';
import { proofScopes, type ShapeScope } from '../../properties/scopes/proofs.ts';
import { severalPaths, twoUplinks } from '../../properties/scopes/runs.ts';
import { play, refusal } from '../../scenario/play.ts';
import { compile, type Text } from '../../scenario/text.ts';
import { breaks } from '../../search/replays.ts';
import { rareHost } from '../../solver/planted.ts';
import * as lifted from '../../solver/planted.ts?lifted';
import { familiarNumbers, placesOf, textOf } from '../../solver/shapeText.ts';
import { loadZ3, type Z3 } from '../../solver/smt.ts';
import { solveCell } from '../../solver/solveCell.ts';
import { structuresOf } from '../../solver/structures.ts';

let z3: Z3;
beforeAll(async () => {
  z3 = await loadZ3();
});

const familiar = (scope: ShapeScope) =>
  scope.shapes.map((shape) => textOf(scope, shape, familiarNumbers(placesOf(scope, shape))));

describe('structures', () => {
  const small = structuresOf(twoUplinks, { features: 1, events: 2 });

  test('are what the life of a socket allows, and the kernel takes most hosts', () => {
    const runs = familiar(small).map((text) => play(stock, compile(text)));
    expect(runs.length).toBeGreaterThan(100);
    expect(runs.filter((run) => refusal(run) === '').length / runs.length).toBeGreaterThan(0.9);
  });

  test('come smallest first, none twice', () => {
    const texts = familiar(small).map((text) => JSON.stringify(text));
    expect(new Set(texts).size).toBe(texts.length);
    const none = structuresOf(twoUplinks, { features: 0, events: 2 });
    expect(small.shapes.slice(0, none.shapes.length).map(({ events }) => events)).toEqual(
      none.shapes.map(({ events }) => events),
    );
  });

  test('no sequence is the beginning of another', () => {
    const { shapes } = structuresOf(twoUplinks, { features: 0, events: 3 });
    const lines = shapes.map(({ events }) => events.join('\n'));
    expect(lines.filter((one) => lines.some((other) => other.startsWith(`${one}\n`)))).toEqual([]);
  });
});

describe('a fault that needs a route of two paths, a rule with a TOS and a device-bound socket beside the sender', () => {
  /** Few kinds of sockets and matches, so that structures of this size are hundreds and not a million. */
  const narrow = {
    ...severalPaths,
    sockets: ['tcp'],
    socketOptions: ['dev eth0'],
    extra: [],
    table100: severalPaths.table100.slice(0, 2),
    rules: twoUplinks.rules,
    mangle: { matches: ['-d 8.8.8.8'], targets: ['MARK --set-mark 100'] },
    arrivals: [],
  };
  const PARTS = ['nexthop', 'tos', 'dev eth0'];
  const matches = properties.find(({ id }) => id === 'header-matches-socket') as Property;

  test('is in no shape that is written by hand', () => {
    const written = Object.values(proofScopes).flatMap(({ shapes }) => shapes);
    const has = ({ host, events }: { host: readonly string[]; events: readonly string[] }, part: string) =>
      [...host, ...events].some((line) => line.includes(part));
    expect(written.filter((one) => PARTS.every((part) => has(one, part)))).toEqual([]);
  });

  test('is found by the enumeration', () => {
    const scope = structuresOf(narrow, { features: 3, events: 3 });
    const cell = solveCell(z3, matches, rareHost, scope, { budget: 120_000, seed: 1, twin: lifted.rareHost });
    expect(cell.outcome).toBe('violated');
    const text = cell.text as Text;
    expect(breaks(matches, rareHost, text)).toBe(true);
    const lines = [...text.host, ...text.events].join('\n');
    for (const part of PARTS) expect(lines).toContain(part);
  }, 120_000);
});
