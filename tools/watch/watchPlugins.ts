/** Loads the watched twins of the model, in Vite (for tests) and in esbuild (for the program and the page). */
import { dirname, relative, resolve } from 'node:path';
import { cwd } from 'node:process';
import { fileURLToPath } from 'node:url';
import type { Plugin as EsbuildPlugin } from 'esbuild';
import type { Plugin as VitePlugin } from 'vite';
import { readModule } from '../../compiler/readModule.ts';
import { isWatched, WATCHED } from './statements.ts';
import { watch } from './watch.ts';

const LISTENER = fileURLToPath(new URL('../../scenario/story/watch.ts', import.meta.url));

function watchFile(path: string): { code: string; map: string } {
  return watch(readModule(path).text, {
    path: relative(cwd(), path),
    listener: LISTENER,
    isTwin: (specifier) => specifier.startsWith('.') && isWatched(resolve(dirname(path), specifier)),
  });
}

export function vitePluginWatch(): VitePlugin {
  return {
    name: 'watch',
    enforce: 'pre',
    resolveId(id, importer) {
      if (importer?.endsWith(WATCHED) && !id.endsWith(WATCHED) && id.startsWith('.'))
        return resolve(dirname(importer), id);
      if (!id.endsWith(WATCHED)) return undefined;
      const path = id.slice(0, -WATCHED.length);
      return (importer ? resolve(dirname(importer), path) : path) + WATCHED;
    },
    load(id) {
      if (!id.endsWith(WATCHED)) return undefined;
      const path = id.slice(0, -WATCHED.length);
      this.addWatchFile(path);
      return watchFile(path);
    },
  };
}

export function esbuildPluginWatch(): EsbuildPlugin {
  return {
    name: 'watch',
    setup(build) {
      const root = build.initialOptions.absWorkingDir ?? cwd();
      build.onResolve({ filter: /\?watched$/ }, ({ path, resolveDir }) => ({
        path: relative(root, resolve(resolveDir, path.slice(0, -WATCHED.length))),
        namespace: 'watched',
      }));
      build.onLoad({ filter: /./, namespace: 'watched' }, ({ path: shown }) => {
        const path = resolve(root, shown);
        const { code, map } = watchFile(path);
        const encoded = Buffer.from(map).toString('base64');
        return {
          contents: `${code}\n//# sourceMappingURL=data:application/json;base64,${encoded}`,
          loader: 'ts',
          resolveDir: dirname(path),
          watchFiles: [path],
        };
      });
    },
  };
}
