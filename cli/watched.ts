/** The kernels of which every statement can be watched. */
import { parse } from 'acorn';
import { instantiate } from '../compiler/load.ts';
import * as watchedBindings from '../model/patch/bindings.ts?watched';
import type * as Patch from '../model/patch/index.ts';
import * as watchedPatch from '../model/patch/index.ts?watched';
import type { Kernel } from '../model/types/world.ts';
import { hooksOf, type OwnPatch, ownPatchOf } from '../own/patch.ts';
import * as listener from '../scenario/story/watch.ts';
import type { Node } from '../tools/copies/ast.ts';
import { LISTENERS, watchStatements } from '../tools/watch/statements.ts';

const { kernelNamed } = watchedPatch as typeof Patch;

/** The watched twin of a kernel. */
export function watchedKernel(kernel: Kernel): Kernel {
  const own = ownPatchOf(kernel);
  if (own === undefined) return kernelNamed(kernel.name, kernel.release) ?? kernel;
  const { name, title, patch } = kernel;
  const watched = (of: string) => kernelNamed(of, kernel.release) as Kernel;
  return { ...watched('stock'), name, title, patch, ...hooksOf(watchedText(own), watched('ask-first')) };
}

/** The functions of a text of one's own, made to tell of their statements while the program runs. */
function watchedText({ file, code, bindings, exports }: OwnPatch): Readonly<Record<string, unknown>> {
  const program = parse(code, { ecmaVersion: 2022, sourceType: 'module', preserveParens: true }) as unknown as Node;
  const edits = watchStatements(code, program, { path: file, isTwin: () => false });
  const told = Object.entries(LISTENERS).map(([name, of]) => `${of}: ${name}`);
  edits.prepend(`const { ${told.join(', ')} } = $;\n`);
  return instantiate({ code: edits.toString(), bindings, exports }, watchedBindings, listener);
}
