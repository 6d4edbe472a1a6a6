/** The layout that CONTRIBUTING.md describes: which folder may import which, and what may be imported from packages. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';

const LAYERS = [
  'model/types',
  'model',
  'model/variants',
  'properties',
  'search',
  'conformance',
  'cli',
  'test',
] as const;

function layerOf(path: string): number {
  const best = LAYERS.map((layer, rank) => ({ layer, rank })).filter(({ layer }) => path.startsWith(`${layer}/`));
  return best.sort((a, b) => b.layer.length - a.layer.length)[0]?.rank ?? -1;
}

function sources(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name));
}

const files = ['model', 'properties', 'search', 'conformance', 'cli'].flatMap(sources);

function importsOf(file: string): readonly string[] {
  const text = readFileSync(file, 'utf8');
  return [...text.matchAll(/(?:^|\n)\s*(?:import|export)\b[^;]*?\bfrom\s+'([^']+)'|\bimport\('([^']+)'\)/g)].map(
    (m) => (m[1] ?? m[2]) as string,
  );
}

describe('imports', () => {
  it('run one way: types, model, variants, properties, search, then conformance and cli', () => {
    const wrong = files.flatMap((file) =>
      importsOf(file)
        .filter((name) => name.startsWith('.'))
        .map((name) => normalize(join(dirname(file), name.replace(/\?.*$/, ''))))
        .filter((target) => layerOf(target) > layerOf(file))
        .map((target) => `${file} imports ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  it('below search name no package', () => {
    const wrong = files
      .filter((file) => layerOf(file) < LAYERS.indexOf('search'))
      .flatMap((file) =>
        importsOf(file)
          .filter((name) => !name.startsWith('.'))
          .map((name) => `${file} imports ${name}`),
      );
    expect(wrong).toEqual([]);
  });

  it('of a variant name the stock kernel and at most one other variant', () => {
    const shared = new Set(['model/variants/index.ts', 'model/variants/reroute.ts', 'model/variants/stock.ts']);
    const wrong = sources('model/variants')
      .filter((file) => !shared.has(file))
      .filter((file) => {
        const others = importsOf(file).filter(
          (name) => name.startsWith('./') && !['./stock.ts', './reroute.ts'].includes(name),
        );
        return others.length > 1;
      });
    expect(wrong).toEqual([]);
  });
});
