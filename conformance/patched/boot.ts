/**
 * Boots the test kernel, runs one script in it and says how that ended.
 *
 * The kernel is user-mode Linux: a process, without privileges of its own and without a network. It sees
 * the host's file system read-only; `init.sh` prepares the rest. One boot takes a second or two, so a script
 * should play many scenarios.
 */

import { execFileSync, spawn } from 'node:child_process';
import {
  accessSync,
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface BootRequest {
  /** The `linux` binary that build.sh made. */
  readonly kernel: string;
  /** An executable file on the host, run as root inside. */
  readonly script: string;
  /** Seen inside under $REROUTE_IN, read-only. */
  readonly inputDir?: string;
  /** Seen inside under $REROUTE_OUT. What the script closed or synced there survives a crash. */
  readonly outputDir: string;
  /** Real seconds, not the kernel's: with time travel a minute of waiting costs it nothing. */
  readonly timeoutSeconds?: number;
  readonly memory?: string;
  /** More words for the kernel command line. */
  readonly kernelArguments?: readonly string[];
  /** Files next to this one (`init.sh`, `watch.sh`), if this module was bundled away from them. */
  readonly directory?: string;
  /** The caller's temporary folder, which goes when this program is killed; the boot's own is made in it. */
  readonly folder?: string;
  readonly signal?: AbortSignal;
}

export type BootOutcome =
  | { readonly tag: 'exited'; readonly status: number }
  | { readonly tag: 'oops'; readonly function: string; readonly reason: string; readonly callers: readonly string[] }
  | { readonly tag: 'timeout' }
  | { readonly tag: 'aborted' }
  | { readonly tag: 'not-booted'; readonly reason: string };

/** Something the kernel complained about and survived. */
export interface Warning {
  readonly function: string;
  readonly reason: string;
}

export interface BootReport {
  readonly outcome: BootOutcome;
  readonly warnings: readonly Warning[];
  /** What the script printed, line by line. */
  readonly output: readonly string[];
  readonly console: string;
  readonly seconds: number;
}

/** What the console says by itself, without the exit status. */
export interface ConsoleReading {
  readonly oops: Extract<BootOutcome, { tag: 'oops' }> | undefined;
  readonly warnings: readonly Warning[];
  readonly output: readonly string[];
  /** The script was reached. */
  readonly started: boolean;
}

const here = fileURLToPath(new URL('.', import.meta.url));

/** What lockdep and the check for sleeping say (kernel/locking/lockdep.c, kernel/sched/core.c), each on a line of its own. */
const locks =
  /^(?:WARNING: |BUG: |\[ BUG: )((?:possible |inconsistent |suspicious |bad unlock|held lock|Nested lock|lock held|still has locks|sleeping function|scheduling while atomic|Invalid wait context|key ).*?)(?: \])?$/;

const kernelLine = /^\[ *\d+\.\d+\] ?/;
const symbol = /([A-Za-z_][\w.]*)\+0x[0-9a-f]+\/0x[0-9a-f]+/;

/**
 * Separates the kernel's lines from the script's, and finds the crash and the warnings.
 *
 * The function of a crash is that of the instruction pointer; a failed BUG_ON() names its own. A call trace here
 * also lists stale words of the stack, marked with `?`; they are left out.
 */
export function readConsole(text: string): ConsoleReading {
  const warnings: Warning[] = [];
  const output: string[] = [];
  const callers: string[] = [];
  let started = false;
  let rip = '';
  let reason = '';
  let bug = '';
  let inTrace = false;

  for (const line of text.replaceAll('\r', '').split('\n')) {
    if (!kernelLine.test(line)) {
      if (line === 'reroute-init: start') started = true;
      else if (started && line !== '' && !line.startsWith('reroute-init: ')) output.push(line);
      continue;
    }
    const message = line.replace(kernelLine, '');
    const name = symbol.exec(message)?.[1];

    if (message.startsWith('Kernel panic')) reason = message.replace(/^Kernel panic - not syncing: /, '');
    // The last registers printed are those of the panic.
    if (message.startsWith('RIP:') && name !== undefined) rip = name;
    const failure = /^BUG: failure at ([^/\s]*(?:\/[^/\s]*)*)\/(\w+)\(\)!/.exec(message);
    if (failure !== null) bug = failure[2] ?? '';

    const warning = /^WARNING: .* at (\S+)/.exec(message);
    if (warning !== null) warnings.push({ function: name ?? '?', reason: warning[1] ?? '' });
    const sanitizer = /^BUG: (KASAN: \S+) in /.exec(message);
    if (sanitizer !== null) warnings.push({ function: name ?? '?', reason: sanitizer[1] ?? '' });
    const ofLocks = locks.exec(message);
    if (ofLocks !== null) warnings.push({ function: '?', reason: ofLocks[1] ?? '' });

    if (message.startsWith('Call Trace:')) {
      inTrace = true;
      callers.length = 0;
    } else if (inTrace) {
      const frame = /^ *\[<[0-9a-f]+>\] (\? )?/.exec(message);
      if (frame === null) inTrace = false;
      else if (frame[1] === undefined && name !== undefined) callers.push(name);
    }
  }

  const oops =
    reason === ''
      ? undefined
      : ({ tag: 'oops', function: bug || rip || (callers[0] ?? '?'), reason, callers } as const);
  return { oops, warnings, output, started };
}

/** What build.sh may be told besides. */
export interface KernelExtras {
  /** Files that add to the configuration. */
  readonly config?: readonly string[];
  /** A text of one's own. */
  readonly patch?: string | undefined;
}

/** The kernel that build.sh made for the present texts and configuration, if there is one. */
export function builtKernel(directory = here, { config = [], patch }: KernelExtras = {}): string | undefined {
  const more = config.flatMap((file) => ['--with', join(directory, file)]);
  if (patch !== undefined) more.push('--patch', patch);
  try {
    return execFileSync(join(directory, 'build.sh'), ['--path', ...more], { encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    return undefined;
  }
}

export async function boot(request: BootRequest): Promise<BootReport> {
  const began = performance.now();
  const directory = mkdtempSync(join(request.folder ?? tmpdir(), 'reroute-boot-'));
  try {
    mkdirSync(request.outputDir, { recursive: true });
    accessSync(request.kernel, constants.X_OK);
    copyFileSync(join(request.directory ?? here, 'init.sh'), join(directory, 'init'));
    copyFileSync(request.script, join(directory, 'script'));
    for (const file of ['init', 'script']) chmodSync(join(directory, file), 0o755);
    const empty = join(directory, 'empty');
    mkdirSync(empty);
    symlinkSync(resolve(request.inputDir ?? empty), join(directory, 'in'));
    symlinkSync(resolve(request.outputDir), join(directory, 'out'));

    const ended = await run(request, directory);
    const reading = readConsole(ended.console);
    const status = join(directory, 'status');
    return {
      outcome: outcomeOf(ended.by, reading, existsSync(status) ? Number(readFileSync(status, 'utf8')) : undefined),
      warnings: reading.warnings,
      output: reading.output,
      console: ended.console,
      seconds: (performance.now() - began) / 1000,
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

type EndedBy = 'itself' | 'timeout' | 'abort';

function outcomeOf(by: EndedBy, reading: ConsoleReading, status: number | undefined): BootOutcome {
  if (reading.oops !== undefined) return reading.oops;
  if (status !== undefined) return { tag: 'exited', status };
  if (by === 'timeout') return { tag: 'timeout' };
  if (by === 'abort') return { tag: 'aborted' };
  return {
    tag: 'not-booted',
    reason: reading.started ? 'the kernel ended before the script did' : 'the kernel did not reach the script',
  };
}

/** Runs the kernel until it ends, under watch.sh: if this program is killed, the kernel ends and the folder goes. */
function run(request: BootRequest, directory: string): Promise<{ by: EndedBy; console: string }> {
  const commandLine = [
    `mem=${request.memory ?? '512M'}`,
    'root=/dev/root',
    'rootfstype=hostfs',
    'rootflags=/',
    'ro',
    `init=${join(directory, 'init')}`,
    `reroute_boot=${directory}`,
    `uml_dir=${directory}`,
    'con=null',
    'con0=null,fd:1',
    'panic=-1',
    'time-travel',
    ...(request.kernelArguments ?? []),
  ];
  return new Promise((done, failed) => {
    // A terminal's interrupt is for this program alone, hence a process group of their own.
    const watch = join(request.directory ?? here, 'watch.sh');
    const kernel = spawn(watch, [request.folder ?? directory, request.kernel, ...commandLine], {
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      cwd: directory,
    });
    const chunks: Buffer[] = [];
    let by: EndedBy = 'itself';

    // It may have ended already.
    kernel.stdin.on('error', () => {});
    const end = (how: EndedBy) => () => {
      by = how;
      kernel.stdin.write('end\n');
    };
    const abort = end('abort');
    const timer = setTimeout(end('timeout'), (request.timeoutSeconds ?? 120) * 1000);
    request.signal?.addEventListener('abort', abort, { once: true });

    kernel.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    kernel.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
    const finish = () => {
      clearTimeout(timer);
      request.signal?.removeEventListener('abort', abort);
    };
    kernel.on('error', (error) => {
      finish();
      failed(error);
    });
    kernel.on('close', () => {
      finish();
      done({ by, console: Buffer.concat(chunks).toString('utf8') });
    });
  });
}
