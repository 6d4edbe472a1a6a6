/** The packed package in a project of somebody else: the one in `examples/`, and what `export --as vitest` writes. */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exportVerb } from '../cli/verbs/export.ts';

let folder: string;
let project: string;

function run(command: string, args: readonly string[], cwd = project): string {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });
  return `${stdout}${stderr}status ${status}`;
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'library-'));
  project = join(folder, 'own-promise');
  const modules = join(project, 'node_modules');
  cpSync('examples/own-promise', project, { recursive: true });
  mkdirSync(modules);
  expect(run('npx', ['tsc', '-p', 'tsconfig.lib.json'], '.')).toBe('status 0');
  expect(run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder], '.')).toContain('status 0');
  const packed = readdirSync(folder).find((name) => name.endsWith('.tgz')) as string;
  expect(run('tar', ['-xzf', join(folder, packed), '-C', folder], '.')).toBe('status 0');
  // What npm would install beside it is what this checkout has.
  for (const name of readdirSync('node_modules')) {
    if (!name.startsWith('.')) symlinkSync(resolve('node_modules', name), join(modules, name));
  }
  symlinkSync(join(folder, 'package'), join(modules, 'reroute-check'));
  symlinkSync(resolve('node_modules'), join(folder, 'package', 'node_modules'));
}, 240_000);

afterAll(() => rmSync(folder, { recursive: true }));

test('the example is well typed against the declarations of the package', { timeout: 120_000 }, () => {
  expect(run(join(project, 'node_modules/typescript/bin/tsc'), ['--noEmit'])).toBe('status 0');
});

test('the example keeps its promise on its own kernel, and stock breaks it', { timeout: 240_000 }, () => {
  const text = run(join(project, 'node_modules/vitest/vitest.mjs'), ['run', '--testTimeout=120000']);
  expect(text).toContain('3 passed');
});

test('an exported test passes beside it', { timeout: 240_000 }, () => {
  exportVerb('counterexamples/kernel-survives/tcp-rehash.json', {
    as: 'vitest',
    output: join(project, 'exported.test.ts'),
  });
  const text = run(join(project, 'node_modules/vitest/vitest.mjs'), ['run', 'exported', '--testTimeout=120000']);
  expect(text).toContain('1 passed');
});

test('the installed program reads what it ships, in any folder', { timeout: 240_000 }, () => {
  const program = join(folder, 'package', 'dist', 'reroute-check.js');
  expect(run('node', [program, 'list', 'counterexamples'])).toContain('transport-checksum-correct');
  expect(run('node', [program, 'findings', 'stale-cork', '--format', 'mail'])).toContain('Subject: ');
  for (const file of ['FINDINGS.md', 'COVERAGE.md', 'README.md'])
    expect(existsSync(join(folder, 'package', file))).toBe(true);
});
