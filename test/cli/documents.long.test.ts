/** Commands that README.md shows without output, run by the built program: long ones, too. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { commandsIn } from '../../cli/documents/examples.ts';

const PROGRAM = 'npx reroute-check ';
const readme = readFileSync('README.md', 'utf8');
const commands = commandsIn(readme).filter((command) => command.startsWith(PROGRAM));

/** A folder in which commands may write. */
const folder = mkdtempSync(join(tmpdir(), 'reroute-check-'));
for (const name of ['conformance', 'counterexamples', 'examples', 'experiments'])
  cpSync(name, join(folder, name), { recursive: true });

/** The host of the machine, as README captures it. */
const [capture = ''] = readme.split('\n').filter((line) => line.includes('> my.host'));
spawnSync('sh', ['-c', capture], { cwd: folder });

it.each(commands)('%s does its work, or says what the machine lacks', { timeout: 1_200_000 }, (command) => {
  const args = [resolve('dist/reroute-check.js'), ...command.slice(PROGRAM.length).split(/\s+/)];
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
  expect([0, 1, 4], stderr).toContain(status);
});
