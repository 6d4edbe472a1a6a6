import { defineConfig } from 'vitest/config';
import { vitePluginLift } from '../../../search/z3/plugins.ts';

export default defineConfig({
  plugins: [vitePluginLift()],
  test: { root: '.', include: ['test/search/z3/**/*.test.ts'], testTimeout: 30_000 },
});
