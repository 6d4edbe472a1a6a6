/** Every kernel that has a name: the columns of the matrix, and those that are asked for. */

import { onRelease, REFERENCE, releases } from '../model/releases/index.ts';
import type { Kernel } from '../model/types/world.ts';
import { alternatives, variants } from '../model/variants/index.ts';
import { filtered } from '../model/variants/syn-filters.ts';
import { singleFaults } from '../properties/faults.ts';

export const kernels: readonly Kernel[] = [...variants, ...alternatives, ...singleFaults, ...filtered];

/** The kernel of that name on the release of that number; undefined when there is none. */
export function kernelNamed(name: string, number: string = REFERENCE): Kernel | undefined {
  const kernel = kernels.find((one) => one.name === name);
  const release = releases.find((one) => one.release === number);
  if (kernel === undefined || release === undefined) return undefined;
  return number === REFERENCE ? kernel : onRelease(kernel, release);
}
