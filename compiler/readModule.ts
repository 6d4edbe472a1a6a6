/** The text of a module: of a C file what it compiles to, of any other file its own. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { cwd } from 'node:process';
import type { Include } from './preprocess.ts';
import { compileText, moduleText } from './unit.ts';

/** Files that are compiled. */
export const COMPILED: RegExp = /\.c$/;

export interface ModuleText {
  readonly text: string;
  /** The files that it was made of. */
  readonly files: readonly string[];
}

/** Reads a module. Effects show lines of C by the path from the working folder. */
export function readModule(path: string): ModuleText {
  const text = readFileSync(path, 'utf8');
  if (!COMPILED.test(path)) return { text, files: [path] };
  const files = [path];
  const include: Include = (name) => {
    const beside = resolve(dirname(path), name);
    if (!existsSync(beside)) return undefined;
    files.push(beside);
    return { file: relative(cwd(), beside), text: readFileSync(beside, 'utf8') };
  };
  return { text: moduleText(compileText({ file: relative(cwd(), path), text }, { include }), './bindings.ts'), files };
}
