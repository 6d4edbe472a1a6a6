/**
 * What a kernel decides by secrets: sequence numbers, where a search for a port begins, which of several paths a flow takes,
 * and what its dice say. A model that agrees with it under some of them agrees.
 */
import type { Picks } from '../model/types/event.ts';
import type { Kernel, World } from '../model/types/world.ts';
import type { Difference } from './compare.ts';
import type { Seen } from './modelTrace.ts';

/** Secrets that are tried before two traces count as different; the first is the model's own. */
export const SECRETS: readonly number[] = secrets(64);

/** The same of a host with dice: every packet that asks them doubles what can come of it. */
const DICE = secrets(1024);

function secrets(count: number): readonly number[] {
  return Array.from({ length: count }, (_, n) => Math.imul(n, 0x9e3779b1) >>> 0);
}

/** The secrets that are tried for that host. */
function secretsFor(host: readonly string[]): readonly number[] {
  return host.some((line) => line.includes('--mode random')) ? DICE : SECRETS;
}

/** The kernel with that secret for its sequence numbers. */
export function withSecret(kernel: Kernel, secret: number): Kernel {
  if (secret === 0) return kernel;
  return {
    ...kernel,
    secure_tcp_seq: (saddr, daddr, sport, dport) =>
      Math.imul(kernel.secure_tcp_seq((saddr ^ secret) >>> 0, daddr, sport, dport), secret | 1) >>> 0,
  };
}

/** The host whose kernel has that secret for the hash of flows. */
export function withHashKey(net: World, secret: number): World {
  return { ...net, multipath: { ...net.multipath, hash_key: (net.multipath.hash_key ^ secret) >>> 0 } };
}

/** Choices that differ from event to event, as a kernel's do: else a port that was given back would always be chosen again. */
export function picksOf(index: number, secret: number, stack: number): Picks {
  return {
    stack,
    port_offset: mixed(index, 0x9e3779b1, secret),
    isn: (Math.imul(index + 1, 0x85ebca6b) ^ secret) >>> 0,
    random: mixed(index, 0xc2b2ae35, secret) >>> 16,
  };
}

/** A number of which no bit says that of another event. */
function mixed(index: number, factor: number, secret: number): number {
  const product = Math.imul(Math.imul(index + 1, factor) ^ secret, 0x27d4eb2f);
  return (product ^ (product >>> 15)) >>> 0;
}

/** What the model shows, and in what it differs. */
export interface Compared {
  readonly model: Seen;
  readonly differences: readonly Difference[];
}

/** The model with a secret under which nothing differs, else with its own. */
export function closest(
  host: readonly string[],
  see: (secret: number) => Seen,
  differ: (model: Seen) => readonly Difference[],
): Compared {
  const own = see(0);
  const differences = differ(own);
  if (differences.length === 0) return { model: own, differences };
  for (const secret of secretsFor(host)) {
    const model = see(secret);
    if (differ(model).length === 0) return { model, differences: [] };
  }
  return { model: own, differences };
}
