/** Which variants the test kernel can play, and how it is told. */

import { alternatives, variants } from '../../model/patch/index.ts';
import { mended, tcpRehashMended } from '../../model/patch/mended.ts';
import { singleFaults, versionName } from '../../model/patch/single-faults.ts';
import { EVERY_FAULT } from '../../model/types/faults.ts';
import { SOCK_CONTROL } from '../../model/types/sock.ts';
import type { Kernel } from '../../model/types/world.ts';

import { play } from '../../scenario/play.ts';
import { compile, type Text } from '../../scenario/text.ts';

/** Values of net.ipv4.reroute_variant for the variants whose code is not model/patch/mended.ts. */
const PORTS: Readonly<Record<string, number>> = {
  stock: 0,
  masquerade: 0,
  'selector-rules': 0,
  'icmp-only': 1,
  'tcp-rehash': 2,
};

/** net.ipv4.reroute_faults: the published texts, FAULTS_AS_PUBLISHED of model/patch/faults.h. */
const AS_PUBLISHED = 0xffff_ffff;

function isMended({ ipt_mangle_out }: Kernel): boolean {
  return ipt_mangle_out === tcpRehashMended.ipt_mangle_out;
}

/** The published versions in the code of mended.c. */
const everyFault: readonly Kernel[] = [false, true].map((movesSyn) =>
  mended(`${versionName(movesSyn)}-every-fault`, 'the published version as mended.c has it', movesSyn, EVERY_FAULT),
);

/** The variants that have a port, among them the patch with one fault left. */
export const ported: readonly Kernel[] = [...variants, ...alternatives, ...singleFaults, ...everyFault].filter(
  (kernel) => kernel.name in PORTS || isMended(kernel),
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
  const mended = isMended(variant);
  const version = mended ? (variant.patch.movesSyn ? 2 : 1) : (PORTS[variant.name] ?? 0);
  return {
    'ipv4/reroute_variant': String(version),
    'ipv4/reroute_faults': String(mended ? variant.patch.bits : AS_PUBLISHED),
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
