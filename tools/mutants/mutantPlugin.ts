/** Vitest reads one file of the model with a mutant in it: the one that the environment names. */
import { env } from 'node:process';
import type { Plugin } from 'vite';

/** The variable that names it. */
export const VARIABLE = 'REROUTE_MUTANT';

/** Characters of a file of the model, and what stands in their place. */
export interface Replacement {
  /** From the folder of the sources. */
  readonly file: string;
  readonly start: number;
  readonly end: number;
  readonly original: string;
  readonly text: string;
}

/** Nothing where no mutant is named. */
export function vitePluginMutant(): Plugin[] {
  const { [VARIABLE]: named } = env;
  if (named === undefined) return [];
  const { file, start, end, original, text } = JSON.parse(named) as Replacement;
  const transform = (code: string, id: string) => {
    const [path = '', query] = id.split('?');
    // What other plugins make of the file is not its text.
    const isMade = query !== undefined && code.slice(start, end) !== original;
    if (!path.endsWith(`/${file}`) || isMade) return;
    if (code.slice(start, end) !== original) throw new Error(`${file} has not ${original} at ${start}`);
    return { code: `${code.slice(0, start)}${text}${code.slice(end)}`, map: null };
  };
  return [{ name: 'mutant', enforce: 'pre', transform }];
}
