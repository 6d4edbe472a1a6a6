import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { esbuildPluginLift, type LiftPluginOptions } from '../../solver/liftPlugins.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lift-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

async function bundle(entry: string, options: LiftPluginOptions = {}) {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    logLevel: 'silent',
    plugins: [esbuildPluginLift(options)],
  });
  return outputFiles[0]?.text ?? '';
}

test('esbuild bundles the plain and the lifted file, and what the lifted one imports', async () => {
  write('numbers.ts', 'export const TWO: number = 2;');
  write('model.ts', "import { TWO } from './numbers.ts';\nexport const twice = (x: number): number => x * TWO;");
  const entry = write('main.ts', "export * as plain from './model.ts';\nexport * as lifted from './model.ts?lifted';");
  const out = write('out.mjs', await bundle(entry));
  const { plain, lifted } = await import(pathToFileURL(out).href);
  expect([plain.twice(21), lifted.twice(21)]).toEqual([42, 42]);
  expect(String(lifted.twice)).toContain('call(');
});

test('a refused construct fails the build with its place', async () => {
  write('bad.ts', 'export const f = (x: number): number =>\n  x / 2;');
  const entry = write('main2.ts', "export * from './bad.ts?lifted';");
  await expect(bundle(entry)).rejects.toThrow(/bad\.ts:2:3: operator \//);
});

test('native files stay as they are and are shared', async () => {
  write('scope.ts', 'export const port = (n: number) => [n].map((x) => x / 1);');
  write('property.ts', "import { port } from './scope.ts';\nexport const scope = { port: port(80) };");
  const entry = write('main3.ts', "export { scope } from './property.ts?lifted';");
  await expect(bundle(entry)).rejects.toThrow(/scope\.ts:1:/);
  const text = await bundle(entry, { isNative: (path) => path.endsWith('scope.ts') });
  expect(text).toContain('map((x) => x / 1)');
});

test('no path of the machine gets into the bundle', async () => {
  const entry = fileURLToPath(new URL('./fixtures/entry.ts', import.meta.url));
  expect(await bundle(entry)).not.toContain(process.cwd());
});
