/** Builds the coverage run with the patched functions instrumented, and starts it. */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { esbuildPluginInstrument } from './instrument.ts';

const outfile = resolve('.reroute-check/coverage.mjs');
await build({
  entryPoints: ['cli/coverage.ts'],
  outfile,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  packages: 'external',
  plugins: [esbuildPluginInstrument()],
  logLevel: 'warning',
});
await import(pathToFileURL(outfile).href);
