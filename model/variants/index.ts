/** The kernels that are compared, in the order of the matrix. */
import type { Kernel } from '../types/world.ts';
import { icmpOnly } from './icmp-only.ts';
import { masquerade } from './masquerade.ts';
import { icmpOnlyMended, tcpRehashMended } from './mended.ts';
import { stock } from './stock.ts';
import { tcpRehash } from './tcp-rehash.ts';

export const variants: readonly Kernel[] = [stock, masquerade, icmpOnly, tcpRehash, icmpOnlyMended, tcpRehashMended];
