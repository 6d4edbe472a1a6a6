/** What z3 says of the classes of a host's flows: whether all flows of one leave alike, and whether none is missing. */

import { AXES, type Axis, type Cell, type Range } from '../flows/axes.ts';
import type { Leaving, Spans } from '../flows/claims.ts';
import * as liftedClaims from '../flows/claims.ts?lifted';
import type { FlowClass, Flows } from '../flows/classes.ts';
import { eventsOf, type Fate, hostOn } from '../flows/play.ts';
import type { Box, Node } from '../flows/sets.ts';
import * as liftedPatch from '../model/patch/index.ts?lifted';
import type { Kernel, World } from '../model/types/world.ts';
import type { ShapeScope } from '../properties/scopes/proofs.ts';
import { explore } from './explore.ts';
import { uninterpreted } from './inputs.ts';
import { templateOf } from './shapeTerms.ts';
import type { Z3 } from './smt.ts';
import { InternalError, type Num } from './terms/term.ts';

const WORD = 2 ** 32 - 1;

/** Boxes of a class that are asked about. */
const MOST = 4096;

/** Axes whose value stands in the events that a proof plays. */
const FREE_AXES: readonly Axis[] = ['daddr', 'uid', 'dport'];

export interface Certificate {
  /** Whether every flow that is asked about is in a class. */
  readonly complete: 'exhausted' | 'undecided';
  /** Ranges of flows that all leave as their class, and those that were not decided in the time. */
  readonly uniform: number;
  readonly undecided: number;
  readonly milliseconds: number;
}

/** A host, and a time to ask about its flows. */
export interface CertifyOptions {
  /** Milliseconds. */
  readonly budget: number;
  readonly onProgress?: (done: number, all: number) => void;
}

function spansOf(flows: Flows, set: Node): readonly Spans[] {
  const { sets, cells } = flows.space;
  const { boxes, all } = sets.boxes(set, MOST);
  if (!all) throw new InternalError('a class in more boxes than a solver is asked about');
  return boxes.map((box) =>
    AXES.map((axis, at) => (box[at] as readonly number[]).flatMap((n) => (cells[axis][n] as Cell).ranges)),
  );
}

/** Asks z3 for a flow that is asked about and in no class. */
function isComplete(z3: Z3, flows: Flows, free: readonly FlowClass[], deadline: number): Certificate['complete'] {
  const asked = spansOf(flows, flows.space.all);
  const classes = free.flatMap(({ set }) => spansOf(flows, set));
  const statement = (fresh: (name: string, lo: number, hi: number) => Num) => {
    const numbers = AXES.map((axis) => fresh(axis, 0, WORD));
    return liftedClaims.covers(asked, classes, numbers);
  };
  const { outcome } = explore(z3, statement, { budget: { milliseconds: Math.max(1, deadline - performance.now()) } });
  if (outcome === 'violated') throw new InternalError('z3 knows a flow that is in no class');
  return outcome;
}

/** Values in a range that a place of a proof needs at least; of fewer each is asked about by itself. */
const WIDE = 16;

function wideOrSingle({ first, last }: Range): readonly Range[] {
  if (last - first >= WIDE) return [{ first, last }];
  return Array.from({ length: last - first + 1 }, (_, n) => ({ first: first + n, last: first + n }));
}

/** A part of a class in which every number has one range. */
interface Part {
  readonly flowClass: FlowClass;
  readonly ranges: Readonly<Record<Axis, Range>>;
}

function partsOf({ space }: Flows, flowClass: FlowClass): readonly Part[] {
  const cellsOf = (axis: Axis, box: Box) =>
    (box[AXES.indexOf(axis)] as readonly number[]).map((n) => space.cells[axis][n] as Cell);
  return space.sets.boxes(flowClass.set, MOST).boxes.flatMap((box) => {
    let parts: readonly Readonly<Record<string, Range>>[] = [{}];
    for (const axis of AXES) {
      const isFree = FREE_AXES.includes(axis);
      const ranges = cellsOf(axis, box).flatMap((cell) =>
        isFree ? cell.ranges.flatMap(wideOrSingle) : [{ first: cell.value, last: cell.value }],
      );
      parts = parts.flatMap((part) => ranges.map((range) => ({ ...part, [axis]: range })));
    }
    return parts.map((ranges) => ({ flowClass, ranges: ranges as Part['ranges'] }));
  });
}

/** What has to leave, as the model numbers links. */
function leavingOf(net: World, { first }: Fate): Leaving {
  if (first === undefined) return { left: false, dev: 0, gateway: 0, saddr: 0, mark: 0 };
  const { gateway, saddr, mark } = first;
  const dev = net.devs.find(({ name }) => name === first.dev)?.ifindex ?? 0;
  return { left: true, dev, gateway, saddr, mark };
}

/** The first packet alone is asked about. */
function beginning(events: readonly string[]): readonly string[] {
  const first = events.findIndex((event) => /^(connect|send) /.test(event));
  return events.slice(0, first + 1);
}

/** Asks z3 for a flow of the part that does not leave as its class. */
function isUniform(z3: Z3, kernel: Kernel, booted: World, { flowClass, ranges }: Part, deadline: number): boolean {
  const { flow, fates } = flowClass;
  const values = Object.fromEntries(AXES.map((axis) => [axis, ranges[axis].first])) as Record<Axis, number>;
  const places = FREE_AXES.filter((axis) => ranges[axis].last > ranges[axis].first).map((axis) => ({
    name: axis,
    is: axis === 'daddr' ? ('address' as const) : ('number' as const),
    lo: ranges[axis].first,
    hi: ranges[axis].last,
    familiar: [],
  }));
  const words = Object.fromEntries(places.map(({ name }) => [name, `{${name}}`]));
  const shape = { name: 'flow', host: [], events: beginning(eventsOf(booted, { ...flow, values }, words)) };
  const scope: ShapeScope = { name: 'flows', text: '', places, shapes: [shape] };
  const template = templateOf(scope, shape);
  const twin = liftedPatch.kernelNamed(kernel.name, kernel.release) as Readonly<Record<string, unknown>>;
  const wanted = leavingOf(booted, fates[0] as Fate);
  const { outcome } = explore(
    z3,
    (fresh) => {
      const hashes = {
        inet_ehashfn: uninterpreted('ehash', 0, WORD),
        secure_tcp_seq: uninterpreted('isn', 0, WORD),
      };
      return liftedClaims.leavesAs({ ...twin, ...hashes }, booted, template(fresh).events, wanted);
    },
    { budget: { milliseconds: Math.max(1, deadline - performance.now()) }, minimising: 0 },
  );
  if (outcome === 'violated')
    throw new InternalError(`z3 knows a flow that leaves otherwise than its class: ${shape.events.join(', ')}`);
  return outcome === 'exhausted';
}

/** Asks z3 about the classes of free sockets on the first kernel. */
export function certify(z3: Z3, flows: Flows, { budget, onProgress }: CertifyOptions): Certificate {
  const began = performance.now();
  const deadline = began + budget;
  const [kernel] = flows.kernels as [Kernel];
  const free = flows.classes.filter(
    ({ bound }) => bound.port === 0 && bound.saddr === 0 && bound.dev === '' && bound.mark === 0,
  );
  const complete = isComplete(z3, flows, free, deadline);
  // Terms are spread into plain records alone.
  const booted = JSON.parse(JSON.stringify(hostOn(kernel, flows.net))) as World;
  const parts = free.flatMap((one) => partsOf(flows, one));
  let uniform = 0;
  for (const [n, part] of parts.entries()) {
    if (performance.now() > deadline) break;
    if (isUniform(z3, kernel, booted, part, deadline)) uniform++;
    onProgress?.(n + 1, parts.length);
  }
  return { complete, uniform, undecided: parts.length - uniform, milliseconds: performance.now() - began };
}
