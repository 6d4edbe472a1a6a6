/** The seed of a check: the one that is asked for, else the commit's, so that every commit is searched elsewhere. */
import { SEED } from '../search/review.ts';

/** Variables in which CI systems name the commit. */
const COMMITS = ['CI_COMMIT_SHA', 'GITHUB_SHA'] as const;

export interface ChosenSeed {
  readonly seed: number;
  /** Where it comes from. */
  readonly from: string;
}

export function chooseSeed(asked: number | undefined, env: NodeJS.ProcessEnv = process.env): ChosenSeed {
  if (asked !== undefined) return { seed: asked, from: '--seed' };
  for (const name of COMMITS) {
    const [digits] = /^[0-9a-f]{8}/i.exec(env[name] ?? '') ?? [];
    if (digits !== undefined) return { seed: Number.parseInt(digits, 16), from: name };
  }
  return { seed: SEED, from: 'the default' };
}
