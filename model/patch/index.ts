/** Every kernel that has a name: those that are compared, and those that are asked for. */
import type { Kernel } from '../types/world.ts';
import { askFirst } from './ask-first.ts';
import { icmpOnly } from './icmp-only.ts';
import { masquerade } from './masquerade.ts';
import { icmpOnlyMended, tcpRehashMended } from './mended.ts';
import { onRelease, REFERENCE, releases } from './releases/index.ts';
import { selectorRules } from './selector-rules.ts';
import { singleFaults } from './single-faults.ts';
import { soMark } from './so-mark.ts';
import { stock } from './stock.ts';
import { filtered } from './syn-filters.ts';
import { tcpRehash } from './tcp-rehash.ts';

/** The kernels that are compared, in the order of the matrix. */
export const variants: readonly Kernel[] = [
  stock,
  masquerade,
  icmpOnly,
  tcpRehash,
  icmpOnlyMended,
  tcpRehashMended,
  askFirst,
];

/** What an operator can do without a patch. */
export const alternatives: readonly Kernel[] = [selectorRules, soMark];

/** Kernels of one kind; `name` is its heading in a list. */
export interface KernelGroup {
  readonly name: string;
  readonly kernels: readonly Kernel[];
}

export const kernelGroups: readonly KernelGroup[] = [
  { name: 'matrix', kernels: variants },
  { name: 'alternatives', kernels: alternatives },
  { name: 'single faults', kernels: singleFaults },
  { name: 'SYN filters', kernels: filtered },
];

function allKernels(): readonly Kernel[] {
  let all: readonly Kernel[] = [];
  for (const group of kernelGroups) all = [...all, ...group.kernels];
  return all;
}

/** The kernels of all groups, on the reference release. */
export const kernels: readonly Kernel[] = allKernels();

/** The kernel of that name on the release of that number; undefined when there is none. */
export function kernelNamed(name: string, number: string = REFERENCE): Kernel | undefined {
  let found: readonly Kernel[] = [];
  for (const release of releases) {
    for (const kernel of kernels) {
      if (release.release === number && kernel.name === name) found = [onRelease(kernel, release)];
    }
  }
  return found[0];
}
