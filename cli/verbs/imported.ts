/** `reroute-check conformance imported`: hosts as their own tools print them, imported, against the kernel they were built on. */
import { release } from 'node:os';
import {
  type ImportedCampaign,
  importedCampaign,
  importedCampaignText,
  importedText,
} from '../../conformance/imported.ts';
import { EXIT } from '../exit.ts';
import { readResult, record, today } from '../results.ts';
import { type KernelCampaignOptions, withKernel } from './kernelCampaign.ts';

/** Prints what was compared, and every host that differs after its import; exit code 1 when there is one. */
export async function imported(options: KernelCampaignOptions): Promise<void> {
  const { hosts } = options;
  await withKernel(options, async (player, seed, show) => {
    process.stdout.write(`Linux ${release()}, seed ${seed}\n`);
    const said = (done: number) => show.say(`${done} of ${2 * hosts}`);
    const campaign = await importedCampaign(player, { seed, hosts, progress: said });
    show.done();
    process.stdout.write(`${importedCampaignText(campaign)}\n`);
    for (const found of campaign.disagreements) process.stdout.write(`${importedText(found)}\n`);
    if (campaign.disagreements.length > 0) process.exitCode = EXIT.violated;
    if (options.record) recordRun(seed, campaign);
  });
}

/** Records the run beside those with other seeds. */
function recordRun(seed: number, { hosts, answers, packets, hidden, disagreements, seconds }: ImportedCampaign): void {
  const run = {
    kernel: `Linux ${release()}`,
    date: today(),
    seed,
    hosts,
    answers,
    packets,
    hidden,
    disagreements: disagreements.length,
    seconds: Math.round(seconds),
  };
  record('imported', { runs: [...readResult('imported').runs.filter((one) => one.seed !== seed), run] });
}
