/** Drawn hosts may hold commands that the kernel refuses; these are left out. */
import type { Kernel } from '../model/types/world.ts';
import { bootHost } from '../scenario/play.ts';
import { commandOf } from '../scenario/text.ts';

/** The commands of a host that the kernel takes, one after the other. */
export function acceptedCommands(kernel: Kernel, host: readonly string[]): readonly string[] {
  if (bootHost(kernel, host.map(commandOf)).effects.length === 0) return host;
  const accepted: string[] = [];
  for (const line of host) {
    if (bootHost(kernel, [...accepted, line].map(commandOf)).effects.length === 0) accepted.push(line);
  }
  return accepted;
}
