/** The lifted twin of a patch of one's own, made while the program runs: the same rewriting, on a parser that needs no machine code. */
import { parse } from 'acorn';
import type { Program } from 'oxc-parser';
import { instantiate } from '../compiler/load.ts';
import * as liftedBindings from '../model/patch/bindings.ts?lifted';
import * as liftedPatch from '../model/patch/index.ts?lifted';
import { hooksOf, type OwnPatch } from '../own/patch.ts';
import { Lifting } from './lift/lifting.ts';
import { liftProgram } from './lift/modules.ts';
import { refusalsOf, SourceFile } from './lift/source.ts';
import * as runtime from './runtime.ts';
import { InternalError } from './terms/term.ts';

/** The kernel with that patch, in the source that takes terms. */
export function twinOfOwn(patch: OwnPatch, release: string): Readonly<Record<string, unknown>> {
  const made = instantiate({ ...patch, code: liftedCode(patch) }, liftedBindings, runtime);
  const lifted = (name: string) => liftedPatch.kernelNamed(name, release) as Readonly<Record<string, unknown>>;
  return { ...lifted('stock'), name: patch.name, ...hooksOf(made, lifted('ask-first')) };
}

/** The code of a patch, lifted. */
function liftedCode({ name, code, bindings }: OwnPatch): string {
  const source = new SourceFile(name, `import { ${bindings.join(', ')} } from './bindings.ts';\n${code}`);
  const program = parse(source.text, { ecmaVersion: 2022, sourceType: 'module', preserveParens: true });
  liftProgram(new Lifting(source, () => false), program as unknown as Program);
  const [refused] = refusalsOf(source);
  if (refused !== undefined) throw new InternalError(`compiled code is outside of the dialect: ${refused}`);
  return source.edits.toString().replace(/^import .*\n/, '');
}
