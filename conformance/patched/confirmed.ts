/**
 * What the test kernel says about a stored counterexample, and the record that is kept of it.
 *
 * The counterexamples are written anew by every review; a record stays as long as host, events and trace stay.
 */
import { createHash } from 'node:crypto';
import { REFERENCE } from '../../model/patch/releases/index.ts';
import { stock } from '../../model/patch/stock.ts';
import type { Kernel } from '../../model/types/world.ts';
import { properties } from '../../properties/index.ts';
import { MEMORIES } from '../../properties/route.ts';
import { firstBroken, play } from '../../scenario/play.ts';
import type { LoadedScenario } from '../../scenario/scenario.ts';
import { compile } from '../../scenario/text.ts';
import type { Difference } from '../compare.ts';
import { differenceText } from '../compare.ts';
import { modelSees } from '../modelTrace.ts';
import { comparePatched, seenLines, variantSees } from './compare.ts';
import type { PatchedTrace } from './play.ts';
import { keyFillOf, type PatchedScenario, portOf } from './ports.ts';

export type Confirmation = 'confirmed' | 'refuted' | 'not expressible';

/** The kernel's word on a counterexample. */
export interface Confirmed {
  readonly outcome: Confirmation;
  /** Of property, variant, host, events and trace. */
  readonly hash: string;
  readonly kernel: string;
  readonly date: string;
  /** What was seen, line by line. */
  readonly seen: readonly string[];
  /** Why it was refuted or cannot be expressed; '' when it was confirmed. */
  readonly reason: string;
}

export type Records = Readonly<Record<string, Confirmed>>;

export function recordKey({
  property = '',
  variant = '',
  release,
}: Pick<LoadedScenario, 'property' | 'variant' | 'release'>): string {
  return `${property}/${variant}${release === undefined ? '' : `@${release}`}`;
}

export function recordHash(stored: Pick<LoadedScenario, 'property' | 'variant' | 'host' | 'events' | 'trace'>): string {
  const { property, variant, host, events, trace } = stored;
  return createHash('sha256')
    .update(JSON.stringify([property, variant, host, events, trace]))
    .digest('hex')
    .slice(0, 16);
}

/** The record of a counterexample, if it speaks of this one. */
export function recordOf(
  records: Records,
  stored: Pick<LoadedScenario, 'property' | 'variant' | 'release' | 'host' | 'events' | 'trace'>,
): Confirmed | undefined {
  const record = records[recordKey(stored)];
  return record?.hash === recordHash(stored) ? record : undefined;
}

/** The scenario with memory in which it departs from stock, if its property says that memory must not matter. */
function withMemory(scenario: PatchedScenario, property: string | undefined): PatchedScenario {
  if (property !== 'route-ignores-garbage' || !showsNothing(scenario, property)) return scenario;
  const filled = MEMORIES.map((keyFill) => ({ ...scenario, keyFill }));
  return filled.find((one) => !showsNothing(one, property)) ?? scenario;
}

/** Whether a link of the host is another one there, in a way that a patched kernel meets: it may move a packet for its sake. */
export function hasStandIn({ ipt_mangle_out }: Kernel, host: readonly string[]): boolean {
  return ipt_mangle_out !== stock.ipt_mangle_out && host.some((line) => / type (?:ppp|wireguard)\b/.test(line));
}

/** The scenario for the test kernel, or why there is none; `own` is the kernel of a text of one's own. */
export function expressible(
  stored: Pick<LoadedScenario, 'variant' | 'release' | 'host' | 'events' | 'picks'> & {
    readonly property?: string | undefined;
  },
  own?: Kernel,
): { readonly scenario: PatchedScenario } | { readonly reason: string } {
  const { variant: name = 'stock', release = REFERENCE, host, events } = stored;
  if (release !== REFERENCE) return { reason: `the test kernel is Linux ${REFERENCE}, not ${release}` };
  const variant = own ?? portOf(name);
  if (variant === undefined) return { reason: `${name} has no port in the test kernel` };
  if (host.some((line) => / nexthop /.test(line)))
    return { reason: 'which of several paths a kernel takes depends on a secret' };
  if (host.some((line) => / type gre local \S+$/.test(line)))
    return { reason: 'nobody answers for a neighbour on a gre link without a remote end' };
  if (hasStandIn(variant, host))
    return { reason: 'a tun stands for a link with a program behind it, and needs less room in front of a packet' };
  const key = keyFillOf(stored.picks);
  if ('reason' in key) return key;
  return { scenario: withMemory({ variant, host, events, keyFill: key.fill }, stored.property) };
}

/** Whether a kernel without the violation would show just the same: then nothing that was seen speaks of it. */
export function showsNothing(scenario: PatchedScenario, id: string | undefined): boolean {
  const property = properties.find((one) => one.id === id);
  const { variant, host, events } = scenario;
  const stockBreaks = property === undefined || firstBroken(property, play(stock, compile({ host, events }))) >= 0;
  if (stockBreaks || variant.ipt_mangle_out === stock.ipt_mangle_out) return false;
  return JSON.stringify(modelSees(stock, { host, events })) === JSON.stringify(variantSees(scenario));
}

export const UNSEEN =
  'packets, system calls, names and tables are those of the stock kernel; a kernel with KASAN may show more (build.sh --with config.kasan)';

/** What a played counterexample comes to. */
export function judge(
  scenario: PatchedScenario,
  trace: PatchedTrace,
  property: string | undefined,
): Pick<Confirmed, 'outcome' | 'seen' | 'reason'> & { readonly differences: readonly Difference[] } {
  const differences = comparePatched(scenario, variantSees(scenario), trace);
  const { keyFill = 0 } = scenario;
  const filled = keyFill === 0 ? [] : [`memory that nobody initialised holds 0x${keyFill.toString(16)}`];
  const seen = [...filled, ...seenLines(trace)];
  if (differences.length > 0) {
    return { outcome: 'refuted', seen, reason: differences.map(differenceText).join('; '), differences };
  }
  const refused = trace.notes.find((note) => note.not_expressible !== undefined);
  const reason =
    refused !== undefined
      ? `events[${refused.event}]: ${refused.not_expressible}`
      : showsNothing(scenario, property)
        ? UNSEEN
        : '';
  return { outcome: reason === '' ? 'confirmed' : 'not expressible', seen, reason, differences };
}
