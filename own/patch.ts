/** A patch of one's own: a C text that becomes a kernel while the program runs. */
import { basename } from 'node:path';
import { instantiate } from '../compiler/load.ts';
import { Refused } from '../compiler/messages.ts';
import type { Compiled, Ignored } from '../compiler/unit.ts';
import { askFirst } from '../model/patch/ask-first.ts';
import * as bindings from '../model/patch/bindings.ts';
import { kernelNamed } from '../model/patch/index.ts';
import { onRelease, REFERENCE, releaseNumbered } from '../model/patch/releases/index.ts';
import { stock } from '../model/patch/stock.ts';
import { NO_PATCH, OWN } from '../model/types/faults.ts';
import type { Kernel } from '../model/types/world.ts';
import { InputError } from '../scenario/error.ts';
import { readOwnText, type TextFile } from './text.ts';

/** What such a text compiles to, so that threads can be told. */
export interface OwnPatch extends Pick<Compiled, 'code' | 'bindings' | 'exports'> {
  /** As it was named to the program. */
  readonly file: string;
  /** The variant: the name of the file without its folders. */
  readonly name: string;
  /** What it uses that the model has no meaning for. */
  readonly ignored: readonly Ignored[];
  /** Of a diff the files that it changes or adds, the one with the hook first. */
  readonly files: readonly TextFile[];
}

/** The patch that each hook is of. */
const known = new Map<unknown, OwnPatch>();

/** The functions of a compiled text, as a kernel has them: one that asks first does so as the kernel `asking` does. */
export function hooksOf(
  { ipt_mangle_out, ipt_mangle_source }: Readonly<Record<string, unknown>>,
  asking: { readonly chooseSource?: unknown },
): Readonly<Record<string, unknown>> {
  const hook = ipt_mangle_out === undefined ? {} : { ipt_mangle_out };
  return ipt_mangle_source === undefined ? hook : { ...hook, ipt_mangle_source, chooseSource: asking.chooseSource };
}

/** Reads a file, C or a diff. What it includes is looked for beside it, then in that folder, which has the published texts. */
export function readOwnPatch(file: string, folder: string): OwnPatch {
  try {
    const { compiled, files } = readOwnText(file, folder);
    const { code, bindings: names, exports, ignored } = compiled;
    return { file, name: basename(file), code, bindings: names, exports, ignored, files };
  } catch (error) {
    if (error instanceof Refused) throw new InputError(error.place.file, error.place.line, error.detail);
    throw error;
  }
}

/** The kernel with that patch. */
export function kernelOfOwn(patch: OwnPatch, release: string = REFERENCE): Kernel {
  const { name } = patch;
  const own = { ...stock, name, title: `the text of ${name}`, patch: { ...NO_PATCH, text: OWN } };
  const hooks: Partial<Kernel> = hooksOf(instantiate(patch, bindings), askFirst);
  for (const hook of [hooks.ipt_mangle_out, hooks.ipt_mangle_source]) if (hook !== undefined) known.set(hook, patch);
  return onRelease({ ...own, ...hooks }, releaseNumbered(release));
}

/** The patch of one's own that a kernel has, if it has one. */
export function ownPatchOf({ ipt_mangle_out, ipt_mangle_source }: Kernel): OwnPatch | undefined {
  return known.get(ipt_mangle_out) ?? known.get(ipt_mangle_source);
}

/** The words of a command that choose that kernel. */
export function kernelWords(kernel: Kernel): string {
  const own = ownPatchOf(kernel);
  const release = kernel.release === REFERENCE ? '' : ` --release ${kernel.release}`;
  return `${own === undefined ? `--variant ${kernel.name}` : `--patch ${own.file}`}${release}`;
}

/** A kernel as a thread is told of it: its name, or its own patch. */
export interface NamedKernel {
  readonly kernel: string | OwnPatch;
  readonly release: string;
}

export function namedKernel(kernel: Kernel): NamedKernel {
  return { kernel: ownPatchOf(kernel) ?? kernel.name, release: kernel.release };
}

/** The kernel that is meant. */
export function kernelMeant({ kernel, release }: NamedKernel): Kernel | undefined {
  return typeof kernel === 'string' ? kernelNamed(kernel, release) : kernelOfOwn(kernel, release);
}
