import { env } from 'node:process';
import { defineConfig } from 'vitest/config';
import { vitePluginC } from './compiler/plugins.ts';
import { vitePluginLift } from './solver/liftPlugins.ts';
import { vitePluginCopies } from './tools/copies/copies.ts';
import { vitePluginWatch } from './tools/watch/watchPlugins.ts';

export default defineConfig({
  plugins: [vitePluginLift(), vitePluginWatch(), vitePluginC(), vitePluginCopies()],
  test: {
    include: env.LONG === undefined ? ['test/**/*.test.ts'] : ['test/**/*.long.test.ts'],
    exclude: env.LONG === undefined ? ['test/**/*.long.test.ts'] : [],
    benchmark: { include: ['test/**/*.bench.ts'] },
    testTimeout: 30_000,
  },
});
