/** Makes `import { ipt_mangle_out } from './x.c'` load what the text compiles to: in Vite (tests) and in esbuild (the program). */
import type { Plugin as EsbuildPlugin } from 'esbuild';
import type { Plugin as VitePlugin } from 'vite';
import { COMPILED, readModule } from './readModule.ts';

export function vitePluginC(): VitePlugin {
  return {
    name: 'c',
    enforce: 'pre',
    load(id) {
      if (!COMPILED.test(id)) return undefined;
      const { text, files } = readModule(id);
      for (const file of files) this.addWatchFile(file);
      return { code: text, map: null };
    },
  };
}

export interface CPluginOptions {
  /** What else happens to the code; undefined where nothing does. */
  readonly rewrite?: (path: string, code: string) => { readonly code: string } | undefined;
}

export function esbuildPluginC({ rewrite }: CPluginOptions = {}): EsbuildPlugin {
  return {
    name: 'c',
    setup(build) {
      build.onLoad({ filter: COMPILED, namespace: 'file' }, ({ path }) => {
        const { text, files } = readModule(path);
        return { contents: rewrite?.(path, text)?.code ?? text, loader: 'js', watchFiles: [...files] };
      });
    },
  };
}
