/** Measures with the patched functions instrumented: builds measure.ts so, and runs it. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { esbuildPluginC } from '../../compiler/plugins.ts';
import { esbuildPluginInstrument } from './instrument.ts';
import type { Coverage } from './measure.ts';

/** What the search exercises; `folder` has the sources. */
export async function runCoverage(folder: string, seed: number, runs: number, stop?: AbortSignal): Promise<Coverage> {
  const outfile = join(folder, '.reroute-check', 'coverage.mjs');
  await build({
    absWorkingDir: folder,
    entryPoints: ['tools/coverage/measure.ts'],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    plugins: [esbuildPluginInstrument(folder), esbuildPluginC()],
    logLevel: 'warning',
  });
  const { measureCoverage } = (await import(pathToFileURL(outfile).href)) as typeof import('./measure.ts');
  return measureCoverage(seed, runs, stop);
}
