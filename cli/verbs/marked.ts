/** `reroute-check conformance marked`: whether the alternatives without a patch do what marks do, on random hosts and the running kernel. */
import { release } from 'node:os';
import { type Translation, translations, type Unfaithful } from '../../conformance/marked.ts';
import { EXIT } from '../exit.ts';
import { readResult, record, today } from '../results.ts';
import { type KernelCampaignOptions, withKernel } from './kernelCampaign.ts';

/** Prints what each alternative came to, and every host on which it does something else; exit code 1 when there is one. */
export async function marked(options: KernelCampaignOptions): Promise<void> {
  const { hosts } = options;
  await withKernel(options, async (player, seed, show) => {
    process.stdout.write(`Linux ${release()}, ${hosts} marked hosts, seed ${seed}\n`);
    const all = await translations(player, seed, hosts, (done) => show.say(`${done} of ${hosts}`));
    show.done();
    for (const one of all) process.stdout.write(`${lines(one).join('\n')}\n`);
    if (all.some(({ unfaithful }) => unfaithful.length > 0)) process.exitCode = EXIT.violated;
    if (options.record) recordRun(seed, hosts, all);
  });
}

/** A rule of a chain or of routing as any. */
function anyRule(why: string): string {
  return why.replace(/\d+/g, 'N');
}

function lines({ kernel, compared, inexpressible, packets, moved, unfaithful }: Translation): readonly string[] {
  const reasons = new Map<string, number>();
  for (const why of inexpressible.map(anyRule)) reasons.set(why, (reasons.get(why) ?? 0) + 1);
  return [
    `${kernel}: ${compared} hosts, ${packets} packets, ${moved} of them from another source: ${unfaithful.length === 0 ? 'no disagreement' : `${unfaithful.length} disagreements`}; ${inexpressible.length} hosts not expressible`,
    ...[...reasons].sort(([, a], [, b]) => b - a).map(([why, count]) => `  ${String(count).padStart(4)}  ${why}`),
    ...unfaithful.flatMap(unfaithfulLines),
  ];
}

function unfaithfulLines({ index, text, commands, unlike }: Unfaithful): readonly string[] {
  return [
    `host ${index}: ${JSON.stringify({ host: text.host, events: text.events }, null, 2)}`,
    ...commands.map((command) => `  ${command}`),
    ...unlike.map((one) => `events[${one.event}]: ${one.marked} with marks, ${one.translated} without`),
  ];
}

/** Records the run beside those with other seeds. */
function recordRun(seed: number, hosts: number, all: readonly Translation[]): void {
  const variants = Object.fromEntries(
    all.map(({ kernel, compared, inexpressible, packets, moved, unfaithful }) => [
      kernel,
      { compared, inexpressible: inexpressible.length, packets, moved, disagreements: unfaithful.length },
    ]),
  );
  const run = { kernel: `Linux ${release()}`, date: today(), seed, hosts, variants };
  record('marked', { runs: [...readResult('marked').runs.filter((one) => one.seed !== seed), run] });
}
