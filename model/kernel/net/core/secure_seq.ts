/** Initial sequence numbers and port offsets that depend on a tuple. C: net/core/secure_seq.c. */

import type { Kernel, World } from '../../../types/world.ts';
import { jhash_3words } from '../../include/linux/jhash.ts';

/** Stands for net_secret. */
const NET_SECRET = 0x5eed;

/**
 * The keyed hash of a tuple that an initial sequence number starts from.
 *
 * C: net/core/secure_seq.c, secure_tcp_seq_and_ts_off() without seq_scale().
 * RFC: 6528.
 * Left out: siphash, because any function of the four values that the peer cannot guess serves; the timestamp offset
 * taken from the same hash, because only differences of timestamps decide anything.
 */
export function secure_tcp_seq(saddr: number, daddr: number, sport: number, dport: number): number {
  return jhash_3words(saddr, daddr, ((sport << 16) | dport) >>> 0, NET_SECRET);
}

/** Adds the clock of 64 ns steps: 15625 in a millisecond. C: net/core/secure_seq.c, seq_scale(). */
export function seq_scale(net: World, seq: number): number {
  return (seq + ((net.now * 15625) % 4294967296)) >>> 0;
}

/** The initial sequence number of a tuple at this moment. C: net/core/secure_seq.c, secure_tcp_seq_and_ts_off(). */
export function tcp_v4_init_seq(
  kernel: Kernel,
  net: World,
  saddr: number,
  daddr: number,
  sport: number,
  dport: number,
): number {
  return (seq_scale(net, kernel.secure_tcp_seq(saddr, daddr, sport, dport)) + net.picks.isn) >>> 0;
}
