/** Builds the installed program: one entry with lazily loaded chunks; packages stay packages. */
import { chmodSync, rmSync } from 'node:fs';
import { build } from 'esbuild';
import { esbuildPluginCopies } from './search/native/copies.ts';
import { esbuildPluginLift } from './search/z3/plugins.ts';

rmSync('dist', { recursive: true, force: true });
await build({
  entryPoints: { 'reroute-check': 'cli/main.ts', index: 'search/index.ts' },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  packages: 'external',
  sourcemap: true,
  plugins: [esbuildPluginLift(), esbuildPluginCopies()],
  logLevel: 'warning',
});
chmodSync('dist/reroute-check.js', 0o755);
