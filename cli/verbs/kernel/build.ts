/** `reroute-check kernel build`: the test kernel, built where it is not there yet. */
import { buildKernel } from '../../../conformance/patched/prerequisites.ts';

/** Prints the path of the kernel; the exit code is that of build.sh. */
export async function build(words: readonly string[]): Promise<void> {
  process.exitCode = await buildKernel(words, 'inherit');
}
