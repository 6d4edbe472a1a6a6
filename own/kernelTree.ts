/** The file of Linux 6.1 that a diff may be against: from a tree that is at hand, or Debian's package of the source. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { cwd, env } from 'node:process';

/** The file that has the hook. */
export const KERNEL_FILE = 'net/ipv4/netfilter/iptable_mangle.c';

const DEBIAN_SOURCE = '/usr/src/linux-source-6.1.tar.xz';

/** That file of the tree that the folder lies in; undefined when it lies in none. */
function inTreeOf(folder: string): string | undefined {
  for (let at = resolve(folder); ; at = dirname(at)) {
    const file = join(at, KERNEL_FILE);
    if (existsSync(file) && existsSync(join(at, 'Kbuild'))) return readFileSync(file, 'utf8');
    if (at === dirname(at)) return undefined;
  }
}

/** That file from a package of the source. Unpacking takes half a minute, so it is kept beside the test kernels. */
function fromPackage(source: string): string | undefined {
  const { size, mtimeMs } = statSync(source);
  const cache = join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'reroute-check');
  const kept = join(cache, `iptable_mangle-${size}-${Math.floor(mtimeMs)}.c`);
  if (existsSync(kept)) return readFileSync(kept, 'utf8');
  let text: string;
  try {
    const words = ['-xJOf', source, '--wildcards', '--occurrence=1', `*/${KERNEL_FILE}`];
    text = execFileSync('tar', words, { encoding: 'utf8', stdio: 'pipe' });
  } catch {
    return undefined;
  }
  try {
    mkdirSync(cache, { recursive: true });
    const writing = `${kept}.${process.pid}`;
    writeFileSync(writing, text);
    renameSync(writing, kept);
  } catch {
    // It is unpacked again next time.
  }
  return text;
}

/**
 * The text of the file: REROUTE_KERNEL_SOURCE, a tree or a package; else the tree that the diff or the working folder lies
 * in; else Debian's package. Undefined when there is none.
 */
export function kernelFile(diffFile: string): string | undefined {
  const named = env.REROUTE_KERNEL_SOURCE;
  if (named !== undefined) {
    if (!existsSync(named)) return undefined;
    return statSync(named).isDirectory() ? inTreeOf(named) : fromPackage(named);
  }
  const near = inTreeOf(dirname(diffFile)) ?? inTreeOf(cwd());
  if (near !== undefined) return near;
  return existsSync(DEBIAN_SOURCE) ? fromPackage(DEBIAN_SOURCE) : undefined;
}
