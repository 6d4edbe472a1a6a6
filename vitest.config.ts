import { defineConfig } from 'vitest/config';
import { vitePluginCopies } from './search/native/copies.ts';
import { vitePluginLift } from './search/z3/plugins.ts';

export default defineConfig({
  plugins: [vitePluginLift(), vitePluginCopies()],
  test: {
    include: ['test/**/*.test.ts'],
    benchmark: { include: ['test/**/*.bench.ts'] },
    testTimeout: 30_000,
  },
});
