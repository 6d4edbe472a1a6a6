/** The kernels that are compared, in the order of the matrix. */
import type { Kernel } from '../types/world.ts';
import { icmpOnly } from './icmp-only.ts';
import { masquerade } from './masquerade.ts';
import { icmpOnlyMended, tcpRehashMended } from './mended.ts';
import { selectorRules } from './selector-rules.ts';
import { soMark } from './so-mark.ts';
import { stock } from './stock.ts';
import { tcpRehash } from './tcp-rehash.ts';

export const variants: readonly Kernel[] = [stock, masquerade, icmpOnly, tcpRehash, icmpOnlyMended, tcpRehashMended];

/** What an operator can do without a patch. They can be asked for by name, and are no columns of the matrix. */
export const alternatives: readonly Kernel[] = [selectorRules, soMark];
