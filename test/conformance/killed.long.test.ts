/** A run of conformance that is killed leaves nothing behind. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { prerequisites } from '../../conformance/running/player.ts';

const missing = prerequisites();
if (missing.length > 0) console.log(`skipped: killing a run of conformance (${missing.join('; ')})`);

const processes = (): string[] => readdirSync('/proc').filter((name) => /^\d+$/.test(name));

function namespaceOf(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return '';
  }
}

function parentOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[1] ?? '';
  } catch {
    return '';
  }
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

/** The process's children, and theirs. */
function descendants(pid: string): readonly string[] {
  const children = processes().filter((one) => parentOf(one) === pid);
  return [...children, ...children.flatMap(descendants)];
}

/** Network namespaces with a name: `ip netns`. */
function named(): readonly string[] {
  try {
    return readdirSync('/run/netns');
  } catch {
    return [];
  }
}

const OWN = namespaceOf('self');

/** Starts a long run; its temporary files go to the folder. */
function start(folder: string): ChildProcess {
  const args = ['--import', 'tsx', 'cli/main.ts', 'conformance', '--cases', '5000', '--seed', '1'];
  const env = { ...process.env, TMPDIR: folder, TSX_DISABLE_CACHE: '1' };
  return spawn(process.execPath, args, { stdio: 'ignore', env });
}

describe.skipIf(missing.length > 0)('a run of conformance', () => {
  test.each([
    ['SIGINT', 'checks the machine', 0],
    ['SIGINT', 'plays', 1000],
    ['SIGTERM', 'plays', 300],
    ['SIGKILL', 'plays', 3000],
  ] as const)(
    'ended by %s when it %s, after %i ms, leaves no process, namespace or file',
    async (signal, doing, ms) => {
      const folder = mkdtempSync(join(tmpdir(), 'reroute-check-'));
      const before = named();
      const child = start(folder);
      const ended = new Promise((resolve) => child.once('close', resolve));
      const checks = doing === 'checks the machine';
      const helpers = () =>
        descendants(String(child.pid)).filter(
          (pid) =>
            ![OWN, ''].includes(namespaceOf(pid)) &&
            commandOf(pid).trimEnd().endsWith('--check') === checks &&
            commandOf(pid).includes('player.py'),
        );
      await expect.poll(helpers, { timeout: 20_000, interval: 20 }).not.toEqual([]);
      await setTimeout(ms);
      const left = descendants(String(child.pid));
      const namespaces = new Set(helpers().map(namespaceOf));
      expect(namespaces.size).toBeGreaterThan(0);
      child.kill(signal);
      await ended;
      const behind = () => processes().filter((pid) => left.includes(pid) || namespaces.has(namespaceOf(pid)));
      await expect.poll(behind, { timeout: 5000 }).toEqual([]);
      expect(named().filter((name) => !before.includes(name))).toEqual([]);
      expect(readdirSync(folder)).toEqual([]);
      rmSync(folder, { recursive: true });
    },
    60_000,
  );
});
