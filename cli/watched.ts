/** The kernels of which every statement can be watched. */
import type * as Patch from '../model/patch/index.ts';
import * as watchedPatch from '../model/patch/index.ts?watched';
import type { Kernel } from '../model/types/world.ts';

const { kernelNamed } = watchedPatch as typeof Patch;

/** The watched twin of a kernel; the kernel itself where it has none. */
export function watchedKernel(kernel: Kernel): Kernel {
  return kernelNamed(kernel.name, kernel.release) ?? kernel;
}
