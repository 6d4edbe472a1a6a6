/** Which variants the test kernel can play, and how it is told. */

import { alternatives, variants } from '../../model/patch/index.ts';
import { mended } from '../../model/patch/mended.ts';
import { singleFaults, versionName } from '../../model/patch/single-faults.ts';
import { soMark } from '../../model/patch/so-mark.ts';
import { EVERY_FAULT } from '../../model/types/faults.ts';
import { SOCK_CONTROL } from '../../model/types/sock.ts';
import type { Kernel } from '../../model/types/world.ts';

import { play } from '../../scenario/play.ts';
import { compile, type Text } from '../../scenario/text.ts';

/** The published versions as the mended texts have them. */
const everyFault: readonly Kernel[] = [false, true].map((movesSyn) =>
  mended(`${versionName(movesSyn)}-every-fault`, 'the published version as mended.h has it', movesSyn, EVERY_FAULT),
);

/** The variants that have a port, among them the patch with one fault left. Left out: programs that set SO_MARK. */
export const ported: readonly Kernel[] = [...variants, ...alternatives, ...singleFaults, ...everyFault].filter(
  (kernel) => kernel !== soMark,
);

export function portOf(name: string): Kernel | undefined {
  return ported.find((kernel) => kernel.name === name);
}

/** What the kernel chooses freely in an event, where a file says so. */
interface Pick {
  readonly event: number;
  readonly stack?: number | undefined;
}

/** One run on the test kernel. */
export interface PatchedScenario extends Text {
  /** A variant of the model that has a port. */
  readonly variant: Kernel;
  /** The garbage in the key of version 2: net.ipv4.reroute_key_fill. */
  readonly keyFill?: number;
}

/** The sysctls of the scenario's namespace, below net/. */
export function sysctlsOf({ variant, keyFill = 0 }: PatchedScenario): Readonly<Record<string, string>> {
  const { text, bits } = variant.patch;
  return {
    'ipv4/reroute_variant': text === '' ? 'stock' : text,
    'ipv4/reroute_faults': String(bits),
    'ipv4/reroute_key_fill': String(keyFill),
  };
}

/**
 * The filling of the key that stands for a scenario's garbage, or why there is none: there is one for all events of a
 * scenario, and nobody can choose what lies behind a request socket.
 */
export function keyFillOf(picks: readonly Pick[] | undefined): { readonly fill: number } | { readonly reason: string } {
  const garbage = [...new Set((picks ?? []).map(({ stack = 0 }) => stack).filter((stack) => stack !== 0))];
  const [stack = 0, ...others] = garbage;
  if (others.length === 0) return { fill: stack };
  return { reason: `memory that nobody initialised holds ${garbage.join(', ')}; the port has one filling for it` };
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
