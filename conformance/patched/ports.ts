/** Which variants the test kernel can play, and how it is told. */

import { SOCK_CONTROL } from '../../model/types/sock.ts';
import type { Kernel } from '../../model/types/world.ts';
import { bootHost, play } from '../../search/play.ts';
import { printHostCommand } from '../../search/scenario/host.ts';
import { commandOf, compile, type Text } from '../../search/text.ts';

/** Values of net.ipv4.reroute_variant. */
const PORTS: Readonly<Record<string, number>> = { stock: 0, masquerade: 0, 'icmp-only': 1, 'tcp-rehash': 2 };

export function hasPort(variant: string): boolean {
  return variant in PORTS;
}

export const PORTED = Object.keys(PORTS);

/** What the kernel chooses freely in an event, where a file says so. */
interface Pick {
  readonly event: number;
  readonly stack?: number | undefined;
}

/** One run on the test kernel. */
export interface PatchedScenario extends Text {
  /** A variant of the model that has a port. */
  readonly variant: Kernel;
  /** The garbage in the key of tcp-rehash: net.ipv4.reroute_key_fill. */
  readonly keyFill?: number;
}

/** The rules that the variant's operator adds, in the words of the tool. */
export function operatorCommands(kernel: Kernel, host: readonly string[]): readonly string[] {
  return kernel.operator(bootHost({ ...kernel, operator: () => [] }, host.map(commandOf))).map(printHostCommand);
}

/** The sysctls of the scenario's namespace, below net/. */
export function sysctlsOf({ variant, keyFill = 0 }: PatchedScenario): Readonly<Record<string, string>> {
  return { 'ipv4/reroute_variant': String(PORTS[variant.name] ?? 0), 'ipv4/reroute_key_fill': String(keyFill) };
}

/**
 * The filling of the key that stands for a scenario's garbage, or why there is none: the port fills protocol and ports
 * with one byte, and nobody can choose what lies behind a request socket.
 */
export function keyFillOf(picks: readonly Pick[] | undefined): { readonly fill: number } | { readonly reason: string } {
  const garbage = [...new Set((picks ?? []).map(({ stack = 0 }) => stack).filter((stack) => stack !== 0))];
  const [stack = 0, ...others] = garbage;
  if (others.length === 0 && stack <= 0xff) return { fill: stack };
  return { reason: `memory that nobody initialised holds ${garbage.join(', ')}; the port fills it with one byte` };
}

/**
 * Whether the scenario leaves an address in a control socket.
 *
 * Those sockets belong to a processor, not to a namespace: what the patch writes there in one scenario is found by all
 * that follow in the same boot.
 */
export function leavesTraces({ variant, host, events }: PatchedScenario): boolean {
  const { steps, boot } = play(variant, compile({ host, events }));
  const { socks } = steps.at(-1)?.world ?? boot;
  return socks.some(({ kind, inet_saddr }) => kind === SOCK_CONTROL && inet_saddr !== 0);
}
