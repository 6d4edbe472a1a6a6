/**
 * Scenarios on the running kernel: a typed front to `conformance/player/player.py`.
 *
 * The helper processes hold the network namespaces; they end with this process, and the namespaces with them.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { eventJson } from '../../scenario/events.ts';
import { DRAWN_TOOLS, missingTools } from '../tools.ts';

/** A packet that left the host, in the words of `trace --json`, with what else a capture shows. */
export interface KernelPacket {
  readonly event: number;
  /** The socket it belongs to; '' for the kernel's own. */
  readonly socket: string;
  readonly dev: string;
  /** The neighbour it was handed to; '' where the link has no neighbours. */
  readonly nexthop: string;
  /** `nexthop`, where that is not the destination itself. */
  readonly gateway?: string;
  readonly saddr: string;
  readonly daddr: string;
  readonly protocol: string | number;
  readonly sport?: number;
  readonly dport?: number;
  readonly flags?: string;
  readonly seq?: number;
  readonly ack?: number;
  readonly icmp_type?: number;
  readonly icmp_code?: number;
  readonly icmp_id?: number;
  readonly payload: number;
  readonly tos: number;
  readonly ip_checksum: 'correct' | 'incorrect';
  readonly checksum: 'correct' | 'incorrect' | 'none';
  /** Part of a fragmented packet: ports are absent, the checksum is not judged. */
  readonly fragment?: boolean;
  readonly cookie?: string;
  readonly cookie_request?: boolean;
  readonly signature?: 'correct' | 'incorrect';
}

/** A packet that left by loopback or a tunnel. */
export type LocalPacket = Omit<KernelPacket, 'socket' | 'nexthop' | 'gateway'>;

export interface KernelSocket {
  readonly closed: boolean;
  readonly state: string;
  /** From getsockname(). */
  readonly saddr: string;
  readonly sport: number;
  /** Whether it is in its protocol's table, with the rest from there. A TCP socket that is only bound is not. */
  readonly hashed: boolean;
  readonly rcv_saddr?: string;
  readonly daddr?: string;
  readonly dport?: number;
}

/** A system call and its errno, '' for success. `recv` appears only where it returned a pending error. */
export interface KernelCall {
  readonly event: number;
  readonly socket: string;
  readonly call: string;
  readonly errno: string;
}

/** What a program read of a socket: a datagram with its sender, of which the payload counts, or so many bytes of a connection. */
export interface KernelDelivery {
  readonly event: number;
  readonly socket: string;
  readonly from: string;
  readonly length: number;
}

export interface SetupRefusal {
  readonly index: number;
  readonly command: string;
  readonly message: string;
}

export interface KernelTrace {
  readonly packets: readonly KernelPacket[];
  readonly sockets: Readonly<Record<string, KernelSocket>>;
  readonly outcome: 'ok';
  /** getsockname() of every open socket after each event, `ADDR:PORT`. */
  readonly names: readonly Readonly<Record<string, string>>[];
  readonly calls: readonly KernelCall[];
  readonly deliveries: readonly KernelDelivery[];
  /** Commands of `host` that were refused. */
  readonly setup: readonly SetupRefusal[];
  /** `host` events that were refused. */
  readonly refused: readonly { readonly event: number; readonly command: string; readonly message: string }[];
  readonly loopback: readonly LocalPacket[];
  /** Retransmissions that came in a later event than they were asked for. */
  readonly late: readonly KernelPacket[];
  /** What an event could not do; after a `not_expressible` nothing more was played. */
  readonly notes: readonly { readonly event: number; readonly note?: string; readonly not_expressible?: string }[];
  readonly seconds: number;
  /** Where a dump was asked for. */
  readonly dump?: Dump;
}

/** What the tools of a host print about it, each with its command. */
export type Dump = readonly { readonly command: string; readonly text: string }[];

export type DumpForm = 'text' | 'json';

/** The object of `ip -j route get`, or `{ error }` in iproute2's words. */
export type RouteAnswer = Readonly<Record<string, unknown>> & { readonly error?: string };

export interface RouteAnswers {
  readonly refused: readonly SetupRefusal[];
  readonly routes: readonly RouteAnswer[];
  readonly seconds: number;
  readonly dump?: Dump;
}

export interface Limits {
  /** Longest `wait` that is waited, in seconds. */
  readonly wait?: number;
  /** How long `retransmit` waits for the kernel's timer, in seconds. */
  readonly retransmit?: number;
}

export interface PlayerOptions {
  /** Helper processes; two use both processors of a small machine. */
  readonly workers?: number;
  /** Seconds after which a request is given up and its helper replaced. */
  readonly timeout?: number;
}

export interface Player {
  /** Plays a scenario; several at a time are spread over the helpers. Rejects when the scenario is not one. */
  run(
    scenario: { readonly host: readonly string[]; readonly events: readonly string[] },
    limits?: Limits,
    dump?: DumpForm,
  ): Promise<KernelTrace>;
  /** Builds a host once and answers `ip route get` questions about it, in their order. */
  routes(host: readonly string[], queries: readonly string[], dump?: DumpForm): Promise<RouteAnswers>;
  /** Ends the helpers and waits for them. */
  close(): Promise<void>;
}

interface Request {
  readonly body: object;
  readonly resolve: (reply: never) => void;
  readonly reject: (error: Error) => void;
}

/** The helper's script: beside the sources, or beside the built program. */
function script(): string {
  const places = ['../player/player.py', '../conformance/player/player.py', './player/player.py'];
  const paths = places.map((place) => fileURLToPath(new URL(place, import.meta.url)));
  return paths.find((path) => existsSync(path)) ?? (paths[0] as string);
}

/** What this machine lacks to play scenarios, which may need those programs besides, a line for each; empty when it lacks nothing. */
export function prerequisites(tools: readonly string[] = DRAWN_TOOLS): readonly string[] {
  if (process.platform !== 'linux') return [`the running kernel is not Linux but ${process.platform}`];
  if (process.getuid?.() !== 0) return ['not root'];
  const { stdout, stderr, error } = spawnSync('python3', [script(), '--check'], { encoding: 'utf8', timeout: 30_000 });
  if (error) return [`python3 does not run: ${error.message}`];
  try {
    return [...JSON.parse(stdout), ...missingTools(tools)];
  } catch {
    return [`the player does not start: ${stderr.trim().split('\n').at(-1) || 'no output'}`];
  }
}

/** One helper process and the request it works on. */
class Worker {
  private readonly number: number;
  private readonly timeout: number;
  private child: ChildProcess | undefined;
  private request: Request | undefined;
  private timer: NodeJS.Timeout | undefined;
  private complaint = '';
  idle: () => void = () => {};

  constructor(number: number, timeout: number) {
    this.number = number;
    this.timeout = timeout;
  }

  get busy(): boolean {
    return this.request !== undefined;
  }

  send(request: Request): void {
    this.request = request;
    this.child ??= this.start();
    this.child.ref();
    this.timer = setTimeout(() => this.child?.kill('SIGKILL'), this.timeout * 1000);
    this.child.stdin?.write(`${JSON.stringify(request.body)}\n`);
  }

  private start(): ChildProcess {
    const child = spawn('python3', [script(), String(this.number)], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.complaint = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.complaint = (this.complaint + text).slice(-2000);
    });
    child.stdin.on('error', () => {}); // it ended; 'close' says so
    child.on('error', (error) => this.ended(child, error.message));
    child.on('close', (code, signal) => this.ended(child, `${signal ?? `status ${code}`}`));
    createInterface({ input: child.stdout }).on('line', (line) => {
      const reply = JSON.parse(line);
      if (!('ready' in reply)) this.settle(reply);
    });
    return child;
  }

  private settle(reply: { readonly invalid?: string; readonly failed?: string }): void {
    const request = this.request;
    clearTimeout(this.timer);
    this.request = undefined;
    if (reply.invalid !== undefined) request?.reject(new Error(reply.invalid));
    else if (reply.failed !== undefined) request?.reject(new Error(`the player failed:\n${reply.failed}`));
    else request?.resolve(reply as never);
    this.idle();
  }

  /** A helper that ended takes the request it worked on with it; the next request starts another helper. */
  private ended(child: ChildProcess, how: string): void {
    if (child !== this.child) return;
    this.child = undefined;
    if (this.request) this.settle({ failed: `it ended with ${how}. ${this.complaint}` });
  }

  async close(): Promise<void> {
    const child = this.child;
    if (!child) return;
    const gone = new Promise((resolve) => child.once('close', resolve));
    child.stdin?.end();
    const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
    await gone;
    clearTimeout(timer);
  }
}

/** Opens the helpers, each when it is first needed. Call `prerequisites` before. */
export function openPlayer(options: PlayerOptions = {}): Player {
  const count = options.workers ?? Math.min(2, availableParallelism());
  const workers = Array.from({ length: count }, (_, n) => new Worker(n, options.timeout ?? 120));
  const waiting: Request[] = [];

  const next = (): void => {
    const worker = workers.find((w) => !w.busy);
    const request = worker && waiting.shift();
    if (request) worker.send(request);
  };
  for (const worker of workers) worker.idle = next;

  const ask = <T>(body: object): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      waiting.push({ body, resolve: resolve as (reply: never) => void, reject });
      next();
    });

  return {
    run: async ({ host, events }, limits, dump) => ask({ host, events: events.map(eventJson), limits, dump }),
    routes: (host, queries, dump) => ask({ host, routes: queries, dump }),
    close: async () => {
      for (const request of waiting.splice(0)) request.reject(new Error('the player was closed'));
      await Promise.all(workers.map((worker) => worker.close()));
    },
  };
}
