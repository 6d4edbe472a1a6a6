/** Asks the test kernel about stored counterexamples: each is played, compared with the model, and judged. */
import type { LoadedScenario } from '../../scenario/scenario.ts';
import type { Warning } from './boot.ts';
import {
  type Confirmed,
  expressible,
  judge,
  type Records,
  recordHash,
  recordKey,
  recordOf,
  UNSEEN,
} from './confirmed.ts';
import { type PatchedTrace, playOnPatchedKernel } from './play.ts';
import type { PatchedScenario } from './ports.ts';

export interface ConfirmOptions {
  /** The `linux` binary. */
  readonly kernel: string;
  /** The same with KASAN, if it was built. */
  readonly sanitizing: string | undefined;
  /** What is recorded. A record stays as it is while its outcome does. */
  readonly known: Records;
  /** Leave those alone of which a record speaks. */
  readonly onlyNew: boolean;
  readonly progress: (done: number, of: number) => void;
}

/** What was said, and how many were played for it. */
export interface Confirmations {
  readonly records: Records;
  readonly played: number;
}

const KERNEL = 'Linux 6.1.192, user-mode, with the texts of model/patch';

/** How often what is refuted is asked: a port that NAT or the socket took by chance can coincide with another, and a timer fire on a busy machine. */
const TIMES = 4;

interface Waiting {
  readonly key: string;
  readonly hash: string;
  readonly scenario: PatchedScenario;
}

/** A report of KASAN about the function that the patch changes. */
function isSanitizers({ function: where, reason }: Warning): boolean {
  return reason.startsWith('KASAN') && /^(ipt_mangle_out|iptable_mangle_hook)/.test(where);
}

/** Plays the counterexamples, once more on the kernel with KASAN where nothing showed. */
export async function confirmAll(stored: readonly LoadedScenario[], options: ConfirmOptions): Promise<Confirmations> {
  const { kernel, sanitizing, known, onlyNew } = options;
  const records: Record<string, Confirmed> = {};
  const date = new Date().toISOString().slice(0, 10);
  const waiting: Waiting[] = [];
  for (const one of stored) {
    const [key, hash] = [recordKey(one), recordHash(one)];
    const record = onlyNew ? recordOf(known, one) : undefined;
    const asked = expressible(one);
    if (record !== undefined && record.outcome !== 'refuted') records[key] = record;
    else if ('reason' in asked)
      records[key] = { outcome: 'not expressible', hash, kernel: KERNEL, date, seen: [], reason: asked.reason };
    else waiting.push({ key, hash, scenario: asked.scenario });
  }
  const play = (list: readonly Waiting[], on: string, kernelArguments: readonly string[] = []) =>
    playOnPatchedKernel(
      list.map(({ scenario }) => scenario),
      { kernel: on, kernelArguments, progress: (done) => options.progress(done, list.length) },
    );
  let open = waiting;
  for (let time = 0; time < TIMES && open.length > 0; time++) {
    const traces = await play(open, kernel);
    for (const [n, { key, hash, scenario }] of open.entries()) {
      const { outcome, seen, reason } = judge(scenario, traces[n] as PatchedTrace, key.split('/')[0]);
      records[key] = { outcome, hash, kernel: KERNEL, date, seen, reason };
    }
    open = open.filter(({ key }) => records[key]?.outcome === 'refuted' && records[key]?.reason !== UNSEEN);
  }
  const unseen = waiting.filter(({ key }) => records[key]?.reason === UNSEEN);
  const again = sanitizing === undefined ? [] : await play(unseen, sanitizing, ['kasan_multi_shot']);
  for (const [n, { warnings }] of again.entries()) {
    const { key, hash } = unseen[n] as Waiting;
    const seen = warnings.filter(isSanitizers).map(({ function: where, reason }) => `${where}: ${reason}`);
    if (seen.length === 0) continue;
    records[key] = { outcome: 'confirmed', hash, kernel: `${KERNEL}, KASAN`, date, seen, reason: '' };
  }
  for (const [key, now] of Object.entries(records)) {
    const before = known[key];
    const needsKasan = now.reason === UNSEEN && sanitizing === undefined;
    if (before?.hash === now.hash && (before.outcome === now.outcome || needsKasan)) records[key] = before;
  }
  const sorted = Object.entries(records).sort(([a], [b]) => (a < b ? -1 : 1));
  return { records: Object.fromEntries(sorted), played: waiting.length };
}
