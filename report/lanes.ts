/** The parts of a host that a packet passes, as columns of a sequence diagram, and which step belongs to which. */
import type { ShownStep } from './steps.ts';

export const LANES = ['program', 'socket', 'routing', 'netfilter', 'hash tables', 'wire', 'peer'] as const;

export type Lane = (typeof LANES)[number];

const FILES: readonly (readonly [pattern: RegExp, lane: Lane])[] = [
  [/(inet_hashtables|inet_timewait_sock)\.[a-z]+$/, 'hash tables'],
  [/(fib_|route\.|ip_input|vrf|l3mdev)/, 'routing'],
  [/(netfilter|model\/patch)/, 'netfilter'],
  [/^model\/host\//, 'peer'],
];

/** The column of a step. */
export function laneOf({ is, text, place }: ShownStep): Lane {
  if (is === 'event') return /^(answer|say|receive)\b/.test(text) ? 'peer' : 'program';
  if (is === 'effect') {
    if (text.startsWith('delivered to')) return 'socket';
    return / > .* (tcp|udp|icmp|\d+)\b/.test(text) && !/^(dropped|lost)/.test(text) ? 'wire' : 'netfilter';
  }
  return FILES.find(([pattern]) => pattern.test(place?.path ?? ''))?.[1] ?? 'socket';
}
