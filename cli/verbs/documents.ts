/** `reroute-check documents`: prints every generated table and number into the documents. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Ran } from '../documents/examples.ts';
import { documents } from '../documents/index.ts';
import { EXIT } from '../exit.ts';
import { writeWhole } from '../files.ts';
import { HOME, needSources } from '../place.ts';

/** This program in a process of its own. */
async function run(args: readonly string[]): Promise<Ran> {
  const [program = ''] = process.argv.slice(1);
  const { stdout, status } = spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' });
  return { stdout, status: status ?? EXIT.internal };
}

/** Writes the documents that differ, and names them. */
export async function documentsVerb(): Promise<void> {
  needSources('documents');
  for (const { path, now, printed } of await documents(run)) {
    if (now === printed) continue;
    writeWhole(join(HOME, path), printed);
    process.stdout.write(`written: ${path}\n`);
  }
}
