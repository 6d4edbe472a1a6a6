/** Where this program lies: in a checkout with its sources, or installed as a package. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cwd } from 'node:process';
import { fileURLToPath } from 'node:url';
import { MissingError } from './fail.ts';

/** The folder of package.json: one above this file, and one above the built program. */
export const HOME = dirname(dirname(fileURLToPath(import.meta.url)));

/** Stops unless this is the folder of a checkout; `what` works on the sources, or beside them. */
export function needSources(what: string): void {
  if (!existsSync(join(HOME, 'model/types')) || cwd() !== HOME)
    throw new MissingError(`${what} needs the sources: clone the repository and run it in its folder`);
}
