/**
 * Scenarios on the test kernel: many in one boot, with the player of the running kernel.
 *
 * A crash ends the boot and costs the scenario that it happened in; the others follow in the next boot.
 */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventJson } from '../../scenario/events.ts';
import { typed } from '../../scenario/play.ts';
import type { KernelTrace, Limits } from '../running/player.ts';
import { type BootOutcome, type BootReport, boot, readConsole, type Warning } from './boot.ts';
import { leavesTraces, type PatchedScenario, sysctlsOf } from './ports.ts';

/** How a scenario's kernel ended. */
export type Ending = Exclude<BootOutcome, { readonly tag: 'exited' | 'aborted' }>;

/** What the test kernel did. */
export interface PatchedTrace extends Omit<KernelTrace, 'outcome'> {
  /** Everything was played, or how the kernel ended in the event that `names` does not reach. */
  readonly outcome: 'ok' | Ending;
  /** How the kernel ended when all was played and the host was taken down; absent when it did not end. */
  readonly afterwards?: Ending;
  /** What the kernel complained about and survived. Most complaints come once in a boot. */
  readonly warnings: readonly Warning[];
}

/** What was written about a request, before its last event or after. */
type Reply = Partial<Omit<PatchedTrace, 'warnings'>> & { readonly invalid?: string; readonly failed?: string };

/** A scenario that was played, with what the player wrote. */
export interface Answered {
  readonly id: number;
  readonly trace: PatchedTrace;
}

const EMPTY: PatchedTrace = {
  packets: [],
  sockets: {},
  outcome: 'ok',
  names: [],
  calls: [],
  setup: [],
  refused: [],
  loopback: [],
  late: [],
  deliveries: [],
  notes: [],
  seconds: 0,
  warnings: [],
};

/** The console of a boot, cut where the player began a request. */
export function consoleParts(console: string): ReadonlyMap<number, string> {
  const parts = console.replaceAll('\r', '').split(/^request (\d+)$/m);
  const found = new Map<number, string>();
  for (let n = 1; n + 1 < parts.length; n += 2) found.set(Number(parts[n]), parts[n + 1] as string);
  return found;
}

/**
 * What a boot says about the requests that it was given, in their order; the first of those that follow is to be played
 * in the next boot.
 *
 * The request that the kernel ended in has no whole reply. A kernel that ended before the next one's first event ended
 * while a host was taken down: that belongs to the request before.
 */
export function readReplies(
  ids: readonly number[],
  replies: ReadonlyMap<number, Reply>,
  report: Pick<BootReport, 'outcome' | 'console'>,
): readonly Answered[] {
  const parts = consoleParts(report.console);
  const answered: Answered[] = [];
  const { outcome } = report;
  for (const id of ids) {
    const reply = replies.get(id);
    const warnings = readConsole(parts.get(id) ?? '').warnings;
    if (reply?.invalid !== undefined) throw new Error(reply.invalid);
    if (reply?.failed !== undefined) throw new Error(`the player failed:\n${reply.failed}`);
    const seen = reply === undefined ? undefined : { ...EMPTY, ...reply, warnings };
    if (reply?.outcome !== undefined && seen !== undefined) {
      answered.push({ id, trace: seen });
      continue;
    }
    if (outcome.tag === 'exited')
      throw new Error(`the player ended with status ${outcome.status}\n${tail(report.console)}`);
    if (outcome.tag === 'aborted') throw new Error('interrupted');
    const last = answered.at(-1);
    if (seen === undefined && last !== undefined) {
      answered[answered.length - 1] = { ...last, trace: { ...last.trace, afterwards: outcome } };
    } else if (outcome.tag === 'not-booted') {
      throw new Error(`the test kernel does not run: ${outcome.reason}\n${tail(report.console)}`);
    } else {
      answered.push({ id, trace: { ...(seen ?? { ...EMPTY, warnings }), outcome } });
    }
    break;
  }
  return answered;
}

function tail(console: string): string {
  return console.trimEnd().split('\n').slice(-12).join('\n');
}

const PLAYER = ['player.py', 'events.py', 'kernel.py', 'packets.py'] as const;

/** The folder of this module's companions, beside the sources or beside the built program. */
function beside(...places: readonly string[]): string {
  const paths = places.map((place) => fileURLToPath(new URL(place, import.meta.url)));
  return paths.find((path) => existsSync(path)) ?? (paths[0] as string);
}

/** The folder of init.sh, build.sh and the patch. */
export function patchedFolder(): string {
  return beside('../conformance/patched/', './').replace(/\/$/, '');
}

function playerFolder(): string {
  return beside('../player/', '../conformance/player/');
}

const SCRIPT = '#!/bin/sh\nexec python3 "$REROUTE_IN/player.py" --files "$REROUTE_IN/requests" "$REROUTE_OUT"\n';

/** Seconds for a boot, and for a scenario, on a busy machine. */
const PATIENCE = { boot: 40, scenario: 6 } as const;

/** Scenarios of one boot. */
const PER_BOOT = 200;

/** Waiting costs nothing with time travel. */
const LIMITS: Limits = { wait: 7200, retransmit: 200 };

export interface PatchedOptions {
  /** The `linux` binary. */
  readonly kernel: string;
  /** Boots at the same time. */
  readonly workers?: number;
  readonly kernelArguments?: readonly string[];
  readonly progress?: (done: number) => void;
}

/** Status of a program that a signal ended. */
const INTERRUPTED = { SIGINT: 130, SIGTERM: 143 } as const;

type Numbered = readonly [id: number, scenario: PatchedScenario];

/** Boots once and gives what is known then of the first of the scenarios, at least one. */
async function playBoot(
  scenarios: readonly Numbered[],
  options: PatchedOptions,
  signal: AbortSignal,
): Promise<readonly Answered[]> {
  const directory = mkdtempSync(join(tmpdir(), 'reroute-play-'));
  try {
    const [input, output] = [join(directory, 'in'), join(directory, 'out')];
    mkdirSync(input);
    mkdirSync(output);
    for (const file of PLAYER) copyFileSync(join(playerFolder(), file), join(input, file));
    const requests = scenarios.map(([id, scenario]) => {
      const { host, events: lines } = typed(scenario.variant, scenario);
      const events = lines.map(eventJson);
      return JSON.stringify({ id, host, events, sysctls: sysctlsOf(scenario), limits: LIMITS });
    });
    writeFileSync(join(input, 'requests'), `${requests.join('\n')}\n`);
    const script = join(directory, 'script');
    writeFileSync(script, SCRIPT);
    chmodSync(script, 0o755);
    const report = await boot({
      kernel: options.kernel,
      script,
      inputDir: input,
      outputDir: output,
      directory: patchedFolder(),
      folder: directory,
      ...(options.kernelArguments === undefined ? {} : { kernelArguments: options.kernelArguments }),
      timeoutSeconds: PATIENCE.boot + PATIENCE.scenario * scenarios.length,
      signal,
    });
    const replies = new Map<number, Reply>();
    for (const file of readdirSync(output)) {
      const text = readFileSync(join(output, file), 'utf8');
      replies.set(Number.parseInt(file, 10), text === '' ? {} : JSON.parse(text));
    }
    return readReplies(
      scenarios.map(([id]) => id),
      replies,
      report,
    );
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Scenarios for each boot: full ones, each with one that leaves traces behind as its last, then the others of those alone. */
function shares(clean: readonly Numbered[], last: readonly Numbered[], workers: number): (readonly Numbered[])[] {
  const share = Math.min(PER_BOOT, Math.ceil(clean.length / workers));
  const boots = Array.from({ length: share === 0 ? 0 : Math.ceil(clean.length / share) }, (_, n) =>
    clean.slice(n * share, (n + 1) * share),
  );
  const ends = boots.map((boot, n) => [...boot, ...last.slice(n, n + 1)]);
  return [...ends, ...last.slice(ends.length).map((one) => [one])];
}

/** Plays scenarios on the test kernel; the traces come in their order. A signal ends kernels and program. */
export async function playOnPatchedKernel(
  scenarios: readonly PatchedScenario[],
  options: PatchedOptions,
): Promise<readonly PatchedTrace[]> {
  const traces: PatchedTrace[] = [];
  const numbered = scenarios.map((scenario, id): Numbered => [id, scenario]);
  const last = numbered.filter(([, scenario]) => leavesTraces(scenario));
  const workers = options.workers ?? Math.min(2, availableParallelism());
  const boots = shares(
    numbered.filter((one) => !last.includes(one)),
    last,
    workers,
  );
  // The kernels and their folders go before the program does.
  const interrupted = new AbortController();
  let status = 0;
  const signals = ['SIGINT', 'SIGTERM'] as const;
  const interrupt = (signal: (typeof signals)[number]) => {
    status = INTERRUPTED[signal];
    boots.length = 0;
    interrupted.abort();
  };
  for (const signal of signals) process.on(signal, interrupt);
  let done = 0;
  const lane = async (): Promise<void> => {
    for (let mine = boots.shift(); mine !== undefined; mine = boots.shift()) {
      for (let rest = mine; rest.length > 0; ) {
        const answered = await playBoot(rest, options, interrupted.signal);
        for (const { id, trace } of answered) traces[id] = trace;
        rest = rest.slice(answered.length);
        done += answered.length;
        options.progress?.(done);
      }
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: workers }, lane));
  for (const signal of signals) process.removeListener(signal, interrupt);
  if (status !== 0) process.exit(status);
  for (const one of ended) if (one.status === 'rejected') throw one.reason;
  return traces;
}
