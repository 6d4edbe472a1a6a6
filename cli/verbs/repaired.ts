/** `reroute-check conformance repaired`: what `host flows` says is broken, and its remedies, on random hosts and the running kernel. */
import { release } from 'node:os';
import { type Asked, type Repairs, repairs } from '../../conformance/repaired.ts';
import { EXIT } from '../exit.ts';
import { readResult, record, today } from '../results.ts';
import { type KernelCampaignOptions, withKernel } from './kernelCampaign.ts';

/** Prints how many remedies were applied, and every flow that left otherwise than was said; exit code 1 when there is one. */
export async function repaired(options: KernelCampaignOptions): Promise<void> {
  const { hosts } = options;
  await withKernel(options, async (player, seed, show) => {
    process.stdout.write(`Linux ${release()}, seed ${seed}\n`);
    const found = await repairs(player, seed, hosts, (done) => show.say(`${done} of ${hosts}`));
    show.done();
    process.stdout.write(`${summary(found)}\n`);
    for (const one of found.different) process.stdout.write(`${askedText(one)}\n`);
    if (found.different.length > 0) process.exitCode = EXIT.violated;
    if (options.record) recordRun(seed, found);
  });
}

function summary({ hosts, passed, remedies, different }: Repairs): string {
  const applied = Object.entries(remedies).map(([name, count]) => `${count} times ${name}`);
  const verdict = different.length === 0 ? 'every packet as said' : `${different.length} packets otherwise than said`;
  return `${hosts} hosts with a wrong source and a remedy, ${passed} others passed over; applied: ${applied.join(', ')}; ${verdict}`;
}

function askedText({ index, host, remedy, commands, events, said, seen }: Asked): string {
  const sent = seen === undefined ? 'nothing' : `${seen.dev} from ${seen.saddr}`;
  return [
    `host ${index}, ${remedy === '' ? 'as it is' : remedy}: said ${said.dev} from ${said.saddr}, the kernel sent ${sent}`,
    ...[...host, ...commands, ...events].map((line) => `  ${line}`),
  ].join('\n');
}

/** Records the run beside those with other seeds. */
function recordRun(seed: number, { hosts, remedies, different }: Repairs): void {
  const run = { kernel: `Linux ${release()}`, date: today(), seed, hosts, remedies, different: different.length };
  record('repaired', { runs: [...readResult('repaired').runs.filter((one) => one.seed !== seed), run] });
}
