/** What the verbs share that ask the running kernel about random hosts. */
import { openPlayer, type Player } from '../../conformance/running/player.ts';
import { needRunningKernel } from '../machine.ts';
import { type Progress, progress } from '../progress.ts';
import { needToRecord } from '../results.ts';
import { chanceSeed } from './conformance.ts';

export interface KernelCampaignOptions {
  readonly hosts: number;
  readonly seed?: number;
  readonly record?: boolean;
}

/** Does the work with a player of its own, once it is known that the kernel can be asked and the result can be kept. */
export async function withKernel(
  options: KernelCampaignOptions,
  work: (player: Player, seed: number, show: Progress) => Promise<void>,
): Promise<void> {
  if (options.record) needToRecord();
  needRunningKernel();
  const { seed = chanceSeed() } = options;
  const player = openPlayer();
  try {
    await work(player, seed, progress());
  } finally {
    await player.close();
  }
}
