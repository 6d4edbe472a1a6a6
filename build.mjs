/** Builds the installed program: one entry with lazily loaded chunks; packages stay packages. */
import { chmodSync, rmSync } from 'node:fs';
import { build } from 'esbuild';

/** The build's own plugins are TypeScript; they are bundled once to be imported. */
const { outputFiles } = await build({
  entryPoints: ['search/native/copies.ts'],
  bundle: true,
  format: 'esm',
  platform: 'node',
  packages: 'external',
  write: false,
});
