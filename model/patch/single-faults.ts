/** The kernels in which only one fault of the patch is left, all others mended. */
import { type Fault, faults, NO_FAULTS } from '../types/faults.ts';
import type { Kernel } from '../types/world.ts';
import { mended } from './mended.ts';

/** The name of a published version. */
export function versionName(movesSyn: boolean): string {
  return movesSyn ? 'tcp-rehash' : 'icmp-only';
}

/** A version in which that fault alone is left. */
export function withOnly(movesSyn: boolean, { id, cause }: Fault): Kernel {
  return mended(`${versionName(movesSyn)}-only-${id}`, cause, movesSyn, { ...NO_FAULTS, [id]: true });
}

/** A version with each of its faults. */
function eachOf(movesSyn: boolean): readonly Kernel[] {
  let all: readonly Kernel[] = [];
  for (const fault of faults) all = movesSyn || fault.inFirst ? [...all, withOnly(movesSyn, fault)] : all;
  return all;
}

/** Both versions, each with one of its faults. */
export const singleFaults: readonly Kernel[] = [...eachOf(false), ...eachOf(true)];
