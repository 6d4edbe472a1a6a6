/** The test kernel, or what this machine needs to have one. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { missingTools } from '../tools.ts';
import { builtKernel } from './boot.ts';
import { patchedFolder } from './play.ts';

export type TestKernel = { readonly kernel: string } | { readonly missing: readonly string[] };

/** What the guest runs from the host's file system. */
const TOOLS: Readonly<Record<string, string>> = {
  python3: 'python3',
  ip: 'iproute2',
  'iptables-legacy': 'iptables',
};

/** A text of one's own: its C file, and as the user named it. */
export interface NamedText {
  readonly file: string;
  readonly named: string;
}

/** Of a kernel that watches memory, locks and sleep. */
const WATCHING: readonly string[] = ['config.kasan', 'config.locks'];

/** The built kernel, with a text of one's own where one is named, or one that watches itself; or a line for everything that is missing, `tools` of scenarios among it. */
export function testKernel({
  patch,
  watching,
  tools = [],
}: {
  patch?: NamedText | undefined;
  watching?: boolean;
  tools?: readonly string[];
} = {}): TestKernel {
  const missing = [...missingTools(Object.keys(TOOLS), TOOLS), ...missingTools(tools)];
  if (process.platform !== 'linux' || process.arch !== 'x64') missing.push('user-mode Linux needs Linux on x86-64');
  // The guest's programs run as this user on the host; what root alone may read there, /etc or iptables, they must read.
  if (process.getuid?.() !== 0) missing.push('not root');
  const config = watching ? WATCHING : [];
  const kernel = builtKernel(patchedFolder(), { config, patch: patch?.file });
  const words = [
    ...config.map((file) => ` --with ${file}`),
    ...(patch === undefined ? [] : [` --patch ${patch.named}`]),
  ];
  const build = `reroute-check kernel build${words.join('')}`;
  if (kernel === undefined) missing.push(`it is not built ('${build}' builds it)`);
  return kernel === undefined || missing.length > 0 ? { missing } : { kernel };
}

/** A kernel with KASAN, if one was built: `build.sh --with config.kasan`, or one that watches locks, too. */
export function sanitizingKernel(): string | undefined {
  const directory = patchedFolder();
  return builtKernel(directory, { config: ['config.kasan'] }) ?? builtKernel(directory, { config: WATCHING });
}

/**
 * Builds the kernel where it is not built; gives the exit code of build.sh. A signal to this program ends the build, too.
 * The path of the kernel goes to standard output with `inherit`.
 */
export function buildKernel(words: readonly string[], path: 'inherit' | 'ignore' = 'ignore'): Promise<number> {
  const build = spawn(join(patchedFolder(), 'build.sh'), words, { stdio: ['ignore', path, 'inherit'] });
  const signals = ['SIGINT', 'SIGTERM'] as const;
  const pass = (signal: NodeJS.Signals) => build.kill(signal);
  for (const signal of signals) process.on(signal, pass);
  return new Promise((done, failed) => {
    build.on('error', failed);
    build.on('exit', (code) => {
      for (const signal of signals) process.removeListener(signal, pass);
      done(code ?? 1);
    });
  });
}
