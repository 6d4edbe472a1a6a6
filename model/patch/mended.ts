/** The patch with its faults as switches: with all of them on it does what the published versions do, with all off it is mended. */
import { type Faults, faultBits, NO_FAULTS, type Patch } from '../types/faults.ts';
import type { Kernel } from '../types/world.ts';
import { ipt_mangle_out } from './mended.c';
import { stock } from './stock.ts';

/** The patch of that version with those faults. */
export function mended(name: string, title: string, movesSyn: boolean, faults: Faults): Kernel {
  const patch: Patch = { movesSyn, faults, bits: faultBits(faults), synFilter: 0 };
  return { ...stock, name, title, ipt_mangle_out, patch };
}

export const icmpOnlyMended: Kernel = mended(
  'icmp-only-mended',
  'the first patch without its faults: the packets of datagram sockets get the source, the sockets do not',
  false,
  NO_FAULTS,
);

export const tcpRehashMended: Kernel = mended(
  'tcp-rehash-mended',
  'the second patch without its faults: the first SYN and its socket move together, or not at all',
  true,
  NO_FAULTS,
);
