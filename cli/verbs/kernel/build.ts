/** `reroute-check kernel build`: the test kernel, built where it is not there yet. */
import { buildKernel } from '../../../conformance/patched/prerequisites.ts';
import { choosePatchFile } from '../../choose.ts';

/** Prints the path of the kernel; the exit code is that of build.sh. A diff becomes the text that it makes. */
export async function build(words: readonly string[]): Promise<void> {
  const all = words.map((word, n) => (words[n - 1] === '--patch' ? choosePatchFile(word) : word));
  process.exitCode = await buildKernel(all, 'inherit');
}
