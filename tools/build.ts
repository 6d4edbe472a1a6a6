/** Builds the installed program: one entry with lazily loaded chunks; packages stay packages. */
import { chmodSync, existsSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';
import { esbuildPluginC } from '../compiler/plugins.ts';
import { esbuildPluginLift } from '../solver/liftPlugins.ts';
import { esbuildPluginCopies, rewriteCopies } from './copies/copies.ts';
import { buildPage } from './page.ts';
import { esbuildPluginWatch } from './watch/watchPlugins.ts';

/** Types are made by `npm run declarations` and stay. */
for (const name of existsSync('dist') ? readdirSync('dist') : [])
  if (name !== 'types') rmSync(`dist/${name}`, { recursive: true });
await build({
  entryPoints: {
    'reroute-check': 'cli/main.ts',
    index: 'search/index.ts',
    'search-worker': 'search/worker.ts',
    'z3-worker': 'solver/worker.ts',
    'proof-worker': 'cli/proofWorker.ts',
  },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  packages: 'external',
  sourcemap: true,
  plugins: [
    esbuildPluginLift(),
    esbuildPluginWatch(),
    esbuildPluginC({ rewrite: rewriteCopies }),
    esbuildPluginCopies(),
  ],
  logLevel: 'warning',
  // What a lifted file lacks would be undefined at run time, without a word.
  logOverride: { 'import-is-undefined': 'error' },
});
writeFileSync('dist/report.html', await buildPage());
chmodSync('dist/reroute-check.js', 0o755);

/** In a checkout `npx` finds programs of other packages only; this makes it find ours. */
if (existsSync('node_modules/.bin')) {
  rmSync('node_modules/.bin/reroute-check', { force: true });
  symlinkSync('../../start.js', 'node_modules/.bin/reroute-check');
}
