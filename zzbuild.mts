import { build } from 'esbuild';
import { esbuildPluginCopies } from './search/native/copies.ts';
await build({ entryPoints: [process.argv[2]], bundle: true, platform: 'node', format: 'esm', packages: 'external', outfile: '/tmp/prof/zz.mjs', logLevel: 'error', plugins: [esbuildPluginCopies()] });
