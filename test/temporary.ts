/** What tests write to the folder for temporary files goes when they end. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env } from 'node:process';

let folder = '';

export function setup(): void {
  folder = mkdtempSync(join(tmpdir(), 'reroute-tests-'));
  env.TMPDIR = folder;
}

export function teardown(): void {
  rmSync(folder, { recursive: true, force: true });
}
