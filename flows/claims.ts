/** What the solver is asked about flows, in the dialect: it runs on terms. */
import { step } from '../model/host/step.ts';
import type { Event } from '../model/types/event.ts';
import { LOOPBACK_IFINDEX } from '../model/types/net.ts';
import type { Kernel, World } from '../model/types/world.ts';

/** The first packet of a flow: `left` says whether there is one. */
export interface Leaving {
  readonly left: boolean;
  readonly dev: number;
  readonly gateway: number;
  readonly saddr: number;
  readonly mark: number;
}

/** Whether the first packet that these events make leave is that one. */
export function leavesAs(kernel: Kernel, booted: World, events: readonly Event[], wanted: Leaving): boolean {
  let net = booted;
  let left = false;
  let same = true;
  for (const event of events) {
    const next = step(kernel, net, event);
    for (const e of next.effects) {
      if (e.kind === 'xmit' && e.dev !== LOOPBACK_IFINDEX) {
        const fits: boolean =
          e.dev === wanted.dev &&
          e.gateway === wanted.gateway &&
          e.skb.iph.saddr === wanted.saddr &&
          e.skb.mark === wanted.mark;
        same = left ? same : fits;
        left = true;
      }
    }
    net = next.world;
  }
  return left === wanted.left && same;
}

/** Whole numbers from `first` to `last`. */
export interface Span {
  readonly first: number;
  readonly last: number;
}

/** For every number of a flow, the ranges in one of which it has to be. */
export type Spans = readonly (readonly Span[])[];

/** Whether the numbers are in one of the boxes. */
export function isIn(boxes: readonly Spans[], numbers: readonly number[]): boolean {
  let found = false;
  for (const box of boxes) {
    let inside = true;
    let axis = 0;
    for (const spans of box) {
      const value = numbers[axis] as number;
      let within = false;
      for (const { first, last } of spans) within = within || (value >= first && value <= last);
      inside = inside && within;
      axis = axis + 1;
    }
    found = found || inside;
  }
  return found;
}

/** Whether numbers that are in one of the first boxes are in one of the second. */
export function covers(asked: readonly Spans[], classes: readonly Spans[], numbers: readonly number[]): boolean {
  return !isIn(asked, numbers) || isIn(classes, numbers);
}
