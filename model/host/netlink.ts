/** What a tool prints about the kernel's answer to its netlink request. */
import { type NetlinkResult, rtnetlinkMessage } from '../types/netlink.ts';
import type { World } from '../types/world.ts';

/** Result of an operator's command: 0 or a negative errno, the line that the tool prints, and the host after it. */
export interface CommandResult {
  readonly err: number;
  /** '' when there is nothing to say. */
  readonly message: string;
  readonly net: World;
}

/** The result of a tool that passes on the kernel's answer. */
export function rtnetlinkResult(answer: NetlinkResult): CommandResult {
  return { err: answer.err, message: rtnetlinkMessage(answer.err, answer.extack), net: answer.net };
}

/** A command that the tool refuses by itself. */
export function refused(net: World, err: number, message: string): CommandResult {
  return { err, message, net };
}
