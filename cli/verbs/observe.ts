/** `reroute-check search --observations FILE`: what a search draws, as JSON lines for Tyche. */
import { observations } from '../../report/tyche.ts';
import { SEED } from '../../search/review.ts';
import { chooseProperties, chooseVariants } from '../choose.ts';
import { writeWhole } from '../files.ts';

export interface ObserveOptions {
  readonly observations: string;
  readonly variant?: readonly string[];
  readonly release?: string;
  readonly runs?: number;
  readonly seed?: number;
}

/** Scenarios that are drawn of each property and kernel unless somebody says otherwise. */
const DRAWN = 200;

export function observe(ids: readonly string[], options: ObserveOptions): void {
  const { runs = DRAWN, seed = SEED } = options;
  const kernels = chooseVariants(options.variant ?? [], options.release);
  const lines = chooseProperties(ids).flatMap((property) =>
    kernels.flatMap((kernel) => observations(property, kernel, runs, seed)),
  );
  writeWhole(options.observations, `${lines.join('\n')}\n`);
  process.stdout.write(`${lines.length} observations: ${options.observations}\n`);
}
