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

/** Finds what the text of that file includes: beside it, then in the other folders. Files are named by the path from the working folder. */
export function includeFrom(path: string, ...folders: readonly string[]): Include {
  return (name) => {
    const found = [dirname(path), ...folders].map((folder) => resolve(folder, name)).find((one) => existsSync(one));
    return found === undefined ? undefined : { file: relative(cwd(), found), text: readFileSync(found, 'utf8') };
  };
}

/** Reads a module. Effects show lines of C by the path from the working folder. */
export function readModule(path: string): ModuleText {
  const text = readFileSync(path, 'utf8');
  if (!COMPILED.test(path)) return { text, files: [path] };
  const files = [path];
  const find = includeFrom(path);
  const include: Include = (name, from) => {
    const found = find(name, from);
    if (found !== undefined) files.push(resolve(found.file));
    return found;
  };
  return { text: moduleText(compileText({ file: relative(cwd(), path), text }, { include }), './bindings.ts'), files };
}
