/** Every kernel that has a name: the columns of the matrix, and those that are asked for. */

import type { Kernel } from '../types/world.ts';
import { singleFaults } from './faults.ts';
import { alternatives, variants } from './index.ts';
import { onRelease, REFERENCE, releases } from './releases/index.ts';
import { filtered } from './syn-filters.ts';

export const kernels: readonly Kernel[] = [...variants, ...alternatives, ...singleFaults, ...filtered];

/** The kernel of that name on the release of that number; undefined when there is none. */
export function kernelNamed(name: string, number: string = REFERENCE): Kernel | undefined {
  const kernel = kernels.find((one) => one.name === name);
  const release = releases.find((one) => one.release === number);
  if (kernel === undefined || release === undefined) return undefined;
  return number === REFERENCE ? kernel : onRelease(kernel, release);
}
