/**
 * Makes `import * as lifted from './x.ts?lifted'` load the lifted twin of a file, and the twins of what it imports,
 * beside the files themselves: in Vite (for tests) and in esbuild (for the shipped program).
 */
import { dirname, relative, resolve } from 'node:path';
import { cwd } from 'node:process';
import { fileURLToPath } from 'node:url';
import type { Plugin as EsbuildPlugin } from 'esbuild';
import type { Plugin as VitePlugin } from 'vite';
import { readModule } from '../compiler/readModule.ts';
import { LIFTED } from './lift/modules.ts';
import { type Lifted, lift } from './lift.ts';

const RUNTIME = fileURLToPath(new URL('./runtime.ts', import.meta.url));

export interface LiftPluginOptions {
  /** Files (by absolute path) that stay as they are when a lifted file imports them. */
  readonly isNative?: (path: string) => boolean;
  /** The text to lift in place of a file's own: for tests that break a line of the model. */
  readonly replace?: (path: string, text: string) => string;
}

function liftFile(path: string, { isNative, replace }: LiftPluginOptions): Lifted {
  const { text } = readModule(path);
  return lift(relative(cwd(), path), replace ? replace(path, text) : text, {
    runtime: RUNTIME,
    isNative: (specifier) => isNative?.(resolve(dirname(path), specifier)) ?? false,
  });
}

export function vitePluginLift(options: LiftPluginOptions = {}): VitePlugin {
  return {
    name: 'lift',
    enforce: 'pre',
    resolveId(id, importer) {
      if (importer?.endsWith(LIFTED) && !id.endsWith(LIFTED) && id.startsWith('.')) {
        return resolve(dirname(importer), id);
      }
      if (!id.endsWith(LIFTED)) return undefined;
      const path = id.slice(0, -LIFTED.length);
      return (importer ? resolve(dirname(importer), path) : path) + LIFTED;
    },
    load(id) {
      if (!id.endsWith(LIFTED)) return undefined;
      const path = id.slice(0, -LIFTED.length);
      this.addWatchFile(path);
      const { code, map } = liftFile(path, options);
      return { code, map };
    },
  };
}

export function esbuildPluginLift(options: LiftPluginOptions = {}): EsbuildPlugin {
  return {
    name: 'lift',
    setup(build) {
      const root = build.initialOptions.absWorkingDir ?? cwd();
      build.onResolve({ filter: /\?lifted$/ }, ({ path, resolveDir }) => ({
        path: relative(root, resolve(resolveDir, path.slice(0, -LIFTED.length))),
        namespace: 'lifted',
      }));
      build.onLoad({ filter: /./, namespace: 'lifted' }, ({ path: shown }) => {
        const path = resolve(root, shown);
        const { code, map } = liftFile(path, options);
        const encoded = Buffer.from(map).toString('base64');
        return {
          contents: `${code}\n//# sourceMappingURL=data:application/json;base64,${encoded}`,
          loader: 'js',
          resolveDir: dirname(path),
          watchFiles: [path],
        };
      });
    },
  };
}
