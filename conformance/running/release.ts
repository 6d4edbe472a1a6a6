/** Which modelled release a running kernel is compared with. */
import { releases } from '../../model/patch/releases/index.ts';
import type { Release } from '../../model/types/world.ts';

/** The newest modelled release that is not newer than the kernel of that version (`uname -r`), else the oldest. */
export function releaseOf(version: string): Release {
  const wanted = numbersOf(version);
  let found = releases[0] as Release;
  for (const one of releases) found = isNewer(numbersOf(one.release), wanted) ? found : one;
  return found;
}

/** Whether a running kernel of that version is of that release, or newer. */
export function isAtLeast(version: string, release: string): boolean {
  return !isNewer(numbersOf(release), numbersOf(version));
}

/** The first two numbers of a version. */
function numbersOf(version: string): readonly [number, number] {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(version) ?? [];
  return [Number(major ?? 0), Number(minor ?? 0)];
}

function isNewer([major, minor]: readonly [number, number], [ours, second]: readonly [number, number]): boolean {
  return major > ours || (major === ours && minor > second);
}
