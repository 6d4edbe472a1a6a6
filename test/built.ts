/** Before any test: the built program, which several of them start, is that of the sources as they are. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ROOMS } from '../tools/rooms.ts';

const BUILT = 'dist/reroute-check.js';

/** What is built from more than the rooms. */
const FURTHER = ['package.json', 'package-lock.json'];

export function setup(): void {
  const files = ROOMS.flatMap(({ folder }) => filesBelow(folder));
  const newest = Math.max(...[...files, ...FURTHER].map((path) => statSync(path).mtimeMs));
  if (existsSync(BUILT) && newest < statSync(BUILT).mtimeMs) return;
  execFileSync('npm', ['run', 'build'], { stdio: 'ignore' });
}

function filesBelow(folder: string): readonly string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
}
