/** The kernel releases that are compared, oldest first, and a kernel on another one than the reference. */
import type { Kernel, Release } from '../../types/world.ts';
import { linux41 } from './linux-4.1.ts';
import { linux61 } from './linux-6.1.ts';
import { linux618 } from './linux-6.18.ts';

export const releases: readonly Release[] = [linux41, linux61, linux618];

/** The release that `C:` lines refer to. */
export const REFERENCE: string = linux61.release;

/** The release of that number. */
export function releaseNumbered(number: string): Release {
  let found = linux61;
  for (const release of releases) found = release.release === number ? release : found;
  return found;
}

/** The same patch on that release. */
export function onRelease(kernel: Kernel, release: Release): Kernel {
  return kernel.release === release.release ? kernel : { ...kernel, ...release };
}
