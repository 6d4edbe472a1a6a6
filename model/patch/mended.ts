/** The patch with its faults as switches: with all of them on it does what the published versions do, with all off it is mended. */
import { type Faults, faultBits, NO_FAULTS, type Patch } from '../types/faults.ts';
import type { Kernel } from '../types/world.ts';
import { ipt_mangle_out as withoutSyns } from './icmp-only-mended.c';
import { stock } from './stock.ts';
import { ipt_mangle_out as withSyns } from './tcp-rehash-mended.c';

/** The patch of that version with those faults. */
export function mended(name: string, title: string, movesSyn: boolean, faults: Faults): Kernel {
  const text = movesSyn ? 'tcp-rehash-mended' : 'icmp-only-mended';
  const patch: Patch = { text, faults, bits: faultBits(faults), synFilter: 0 };
  return { ...stock, name, title, ipt_mangle_out: movesSyn ? withSyns : withoutSyns, patch };
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
