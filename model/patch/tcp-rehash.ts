/** The post's second patch: version 1, and the first SYN is moved to the new source together with its socket. */
import { NO_PATCH } from '../types/faults.ts';
import type { Kernel } from '../types/world.ts';
import { stock } from './stock.ts';
import { ipt_mangle_out } from './tcp-rehash.c';

export const tcpRehash: Kernel = {
  ...stock,
  name: 'tcp-rehash',
  title: "the post's second patch: the first SYN and its socket move to the new source, too",
  ipt_mangle_out,
  patch: { ...NO_PATCH, text: 'tcp-rehash' },
};
