/** The mended texts with a wrong line: for tests that a promise notices it. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Kernel } from '../../model/types/world.ts';
import { kernelOfOwn, readOwnPatch } from '../../own/patch.ts';

/** The kernel with that mended text, in which something of mended.h is replaced. */
export function changed(text: string, from: string | RegExp, to: string): Kernel {
  const folder = mkdtempSync(join(tmpdir(), 'changed-'));
  try {
    cpSync('model/patch', folder, { recursive: true });
    const shared = join(folder, 'mended.h');
    const before = readFileSync(shared, 'utf8');
    const after = before.replace(from, to);
    expect(after).not.toBe(before);
    writeFileSync(shared, after);
    return kernelOfOwn(readOwnPatch(join(folder, `${text}.c`), folder));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
