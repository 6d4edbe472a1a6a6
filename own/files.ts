/** One's own text as files that the test kernel can be built with. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readOwnPatch } from './patch.ts';

/** The C file of a text: of a diff one that is written to a folder of its own, which goes when the program ends. */
export function textFile(file: string, folder: string): string {
  const { files } = readOwnPatch(file, folder);
  const [first] = files;
  if (first === undefined) return file;
  const own = mkdtempSync(join(tmpdir(), 'reroute-own-'));
  process.once('exit', () => rmSync(own, { recursive: true, force: true }));
  for (const { name, text } of files) writeFileSync(join(own, name), text);
  return join(own, first.name);
}
