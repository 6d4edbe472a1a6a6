import { availableParallelism } from 'node:os';
import { env } from 'node:process';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { vitePluginC } from './compiler/plugins.ts';
import { vitePluginLift } from './solver/liftPlugins.ts';
import { vitePluginCopies } from './tools/copies/copies.ts';
import { vitePluginMutant } from './tools/mutants/mutantPlugin.ts';
import { vitePluginWatch } from './tools/watch/watchPlugins.ts';

/** Files that take longest: they begin first, so that no process works on one of them while the others have nothing left. */
const LONG = ['solver/lemmas', 'cli/program', 'cli/own', 'solver/solveCell'].map((name) => `test/${name}.test.ts`);

class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification) => LONG.some((name) => moduleId.endsWith(name));
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

export default defineConfig({
  plugins: [...vitePluginMutant(), vitePluginLift(), vitePluginWatch(), vitePluginC(), vitePluginCopies()],
  test: {
    include: env.LONG === undefined ? ['test/**/*.test.ts'] : ['test/**/*.long.test.ts'],
    exclude: env.LONG === undefined ? ['test/**/*.long.test.ts'] : [],
    benchmark: { include: ['test/**/*.bench.ts'] },
    globalSetup: ['test/built.ts', 'test/temporary.ts'],
    testTimeout: 30_000,
    // Nearly every file imports the model: a process imports it once, and there is one for every core.
    isolate: false,
    maxWorkers: availableParallelism(),
    sequence: { sequencer: LongFirst },
  },
});
