/** One line of the model broken by hand: in both sources a closed cell is violated, in the lifted one alone it never closes. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { esbuildPluginC } from '../../compiler/plugins.ts';
import { esbuildPluginLift } from '../../solver/liftPlugins.ts';
import { loadZ3, type Z3 } from '../../solver/smt.ts';
import * as asItIs from './fixtures/engine.ts';

interface Mutation {
  readonly file: string;
  readonly line: string;
  readonly broken: string;
}

let z3: Z3;
let folder: string;
beforeAll(async () => {
  z3 = await loadZ3();
  mkdirSync('node_modules/.cache', { recursive: true });
  folder = mkdtempSync(resolve('node_modules/.cache/mutations-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function mutated({ file, line, broken }: Mutation, path: string, text: string): string {
  if (!path.endsWith(file)) return text;
  expect(text.split(line)).toHaveLength(2);
  return text.replace(line, broken);
}

/** Loads the plain file with the broken line, too. */
function plainPlugin(mutation: Mutation): Plugin {
  return {
    name: 'mutated',
    setup(building) {
      building.onLoad({ filter: /\/model\/.*\.ts$/, namespace: 'file' }, ({ path }) => ({
        contents: mutated(mutation, path, readFileSync(path, 'utf8')),
        loader: 'ts',
      }));
    },
  };
}

async function engine(mutation: Mutation, where: 'both' | 'lifted alone'): Promise<typeof asItIs> {
  const lifting = esbuildPluginLift({ replace: (path, text) => mutated(mutation, path, text) });
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('./fixtures/engine.ts', import.meta.url))],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    logLevel: 'silent',
    plugins: [lifting, esbuildPluginC(), ...(where === 'both' ? [plainPlugin(mutation)] : [])],
  });
  const file = join(folder, `${mutation.file.replaceAll('/', '-')}-${where.replace(' ', '-')}.mjs`);
  writeFileSync(file, outputFiles[0]?.text ?? '');
  return import(pathToFileURL(file).href);
}

function cellOf({ properties, variants, postHost, solveCell }: typeof asItIs, id: string, name: string, shape: string) {
  const property = properties.find((one) => one.id === id) as (typeof properties)[number];
  const kernel = variants.find((one) => one.name === name) as (typeof variants)[number];
  const scope = { ...postHost, shapes: postHost.shapes.filter((one) => one.name === shape) };
  return { property, kernel, solve: () => solveCell(z3, property, kernel, scope, { budget: 60_000, seed: 1 }) };
}

describe.each<[string, string, string, Mutation]>([
  [
    'header-matches-socket',
    'stock',
    'tcp',
    {
      file: 'model/kernel/net/ipv4/ip_output.ts',
      line: 'inet.cork_fl.saddr, inet.cork_fl.daddr)',
      broken: 'inet.cork_fl.daddr, inet.cork_fl.daddr)',
    },
  ],
  [
    'ip-checksum-correct',
    'masquerade',
    'tcp-retransmitted-marked',
    {
      file: 'model/kernel/net/netfilter/nf_nat_proto.ts',
      line: 'csum_replace4(iph.check, iph.saddr, target.src)',
      broken: 'csum_replace4(iph.check, iph.saddr, target.dst)',
    },
  ],
  [
    'hashed-socket-found',
    'stock',
    'tcp-bound',
    {
      file: 'model/kernel/net/ipv4/inet_hashtables.ts',
      line: 'sk_hash: hash,\n',
      broken: 'sk_hash: hash ^ 1,\n',
    },
  ],
])('%s on %s, shape %s, which closes as it is', (id, name, shape, mutation) => {
  test('is violated when the line is broken, and the scenario breaks the broken plain source', async () => {
    const broken = await engine(mutation, 'both');
    const { property, kernel, solve } = cellOf(broken, id, name, shape);
    const cell = solve();
    expect(cell).toMatchObject({ outcome: 'violated' });
    expect(cell.text && broken.breaks(property, kernel, cell.text)).toBe(true);
  }, 120_000);

  test('does not close when the line is broken in the lifted source alone', async () => {
    const { solve } = cellOf(await engine(mutation, 'lifted alone'), id, name, shape);
    expect(solve()).toMatchObject({ outcome: 'undecided', closed: 0 });
  }, 120_000);

  test('is exhausted as it is', () => {
    const { solve } = cellOf(asItIs, id, name, shape);
    expect(solve()).toMatchObject({ outcome: 'exhausted' });
  }, 120_000);
});
