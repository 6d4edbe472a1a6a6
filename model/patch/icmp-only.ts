/** The post's first patch: inside the reroute of mangle OUTPUT the source is chosen again for sockets without one. */
import { NO_PATCH } from '../types/faults.ts';
import type { Kernel } from '../types/world.ts';
import { ipt_mangle_out } from './icmp-only.c';
import { stock } from './stock.ts';

export const icmpOnly: Kernel = {
  ...stock,
  name: 'icmp-only',
  title: "the post's first patch: sockets without a source get the new route's",
  ipt_mangle_out,
  patch: { ...NO_PATCH, text: 'icmp-only' },
};
