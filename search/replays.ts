/**
 * Plays scenarios that have much in common, as those of the minimiser have: no line is read twice, no host configured
 * twice and no event played twice. Hosts that begin with the same commands share a path of a tree, and so do the event
 * sequences on one host. Nothing is thrown for a text that is no legal scenario.
 */

import { ended, finishBoot, newHost, operate, step } from '../model/host/step.ts';
import type { Event } from '../model/types/event.ts';
import type { HostCommand } from '../model/types/host.ts';
import type { Effect, Kernel, Step, World } from '../model/types/world.ts';
import type { Property, Run } from '../properties/property.ts';
import { impossibleEvent } from '../scenario/life.ts';
import { firstBroken, inexpressible, isComparable, isKept, occurs } from '../scenario/play.ts';
import { commandIn, commandOf, eventIn, eventOfLine, type Text } from '../scenario/text.ts';

/** Nodes of all trees together, and sequences of events that were judged; with more of them they grow anew. */
const MOST_NODES = 5_000;
const MOST_SEQUENCES = 20_000;

/** A host after some commands. */
interface HostNode {
  readonly net: World;
  readonly next: Map<string, HostNode>;
  /** The host before its first event; made when it is asked for. */
  ready: EventNode | undefined;
}

/** A configured host after some events. */
interface EventNode {
  readonly boot: World;
  readonly steps: readonly Step[];
  /** Whether no command was refused so far, those of events included, and the variant could do what it stands for. */
  readonly accepted: boolean;
  readonly next: Map<string, EventNode>;
  /** What the run that ends here says of a property, as far as that was asked. */
  readonly said: Map<Property, Said>;
}

/** What a run says of a property; a run in which the variant could not do what it stands for says nothing. */
type Said = 'breaks' | 'keeps' | 'nothing';

function isAccepted(effects: readonly Effect[]): boolean {
  return !effects.some(({ kind }) => kind === 'refused');
}

function allOf<T>(lines: readonly string[], read: (line: string) => T | undefined): readonly T[] | undefined {
  const all: T[] = [];
  for (const line of lines) {
    const one = read(line);
    if (one === undefined) return undefined;
    all.push(one);
  }
  return all;
}

/** The roots of the trees, by kernel. */
const roots = new Map<Kernel, HostNode>();
let nodes = 0;

function rootOf(kernel: Kernel): HostNode {
  if (nodes >= MOST_NODES) {
    roots.clear();
    nodes = 0;
  }
  const known = roots.get(kernel);
  if (known !== undefined) return known;
  const root: HostNode = { net: newHost(kernel), next: new Map(), ready: undefined };
  roots.set(kernel, root);
  return root;
}

/** The node behind that line, which `grow` makes where there is none. */
function follow<N extends { readonly next: Map<string, N> }>(node: N, line: string, grow: () => N): N {
  const known = node.next.get(line);
  if (known !== undefined) return known;
  const fresh = grow();
  node.next.set(line, fresh);
  nodes++;
  return fresh;
}

function configured(kernel: Kernel, lines: readonly string[], commands: readonly HostCommand[]): EventNode {
  let node = rootOf(kernel);
  for (const [i, line] of lines.entries()) {
    const { net } = node;
    node = follow(node, line, () => ({
      net: operate(kernel, net, commands[i] as HostCommand),
      next: new Map(),
      ready: undefined,
    }));
  }
  node.ready ??= beforeEvents(finishBoot(kernel, node.net));
  return node.ready;
}

function beforeEvents(boot: World): EventNode {
  return { boot, steps: [], accepted: isAccepted(boot.effects), next: new Map(), said: new Map() };
}

function played(kernel: Kernel, ready: EventNode, lines: readonly string[], events: readonly Event[]): EventNode {
  let node = ready;
  for (const [i, line] of lines.entries()) {
    const before = node;
    node = follow(node, line, () => afterEvent(kernel, before, events[i] as Event));
  }
  return node;
}

/** One event further; behind the end nothing happens any more. */
function afterEvent(kernel: Kernel, { boot, steps, accepted }: EventNode, event: Event): EventNode {
  const world = steps.at(-1)?.world ?? boot;
  if (ended(world)) return { boot, steps, accepted, next: new Map(), said: new Map() };
  const done = step(kernel, world, event);
  const still = accepted && isAccepted(done.effects);
  return { boot, steps: [...steps, done], accepted: still, next: new Map(), said: new Map() };
}

function saidOf(property: Property, kernel: Kernel, { boot, steps, said }: EventNode, events: readonly Event[]): Said {
  const known = said.get(property);
  if (known !== undefined) return known;
  const answer = judged(property, { kernel, events, boot, steps });
  said.set(property, answer);
  return answer;
}

/** The run of a text that can be played. */
export function runOf(kernel: Kernel, text: Text): Run {
  const events = text.events.map(eventOfLine);
  const ready = configured(kernel, text.host, text.host.map(commandOf));
  const { boot, steps } = played(kernel, ready, text.events, events);
  return { kernel, events, boot, steps };
}

/** Whether what breaks the property in a text can be compared with what the other kernel does there. */
export function isComparableOn(property: Property, kernel: Kernel, other: Kernel, text: Text): boolean {
  const run = runOf(kernel, text);
  return isComparable(property, run, runOf(other, text), firstBroken(property, run));
}

function judged(property: Property, run: Run): Said {
  if (inexpressible(run) !== '') return 'nothing';
  const broken = firstBroken(property, run) >= 0;
  if (broken) return 'breaks';
  return isKept(property, { broken, occurs: property.purpose && occurs(property, run) }) ? 'keeps' : 'nothing';
}

const possible = new Map<string, boolean>();

function isPossible(lines: readonly string[], events: readonly Event[]): boolean {
  const key = lines.join('\n');
  const known = possible.get(key);
  if (known !== undefined) return known;
  if (possible.size >= MOST_SEQUENCES) possible.clear();
  const answer = impossibleEvent(events) === undefined;
  possible.set(key, answer);
  return answer;
}

/** Whether a text is a legal scenario that breaks the property. */
export function breaks(property: Property, kernel: Kernel, text: Text): boolean {
  return answer(property, kernel, text) === 'breaks';
}

/** Whether a text is a legal scenario that keeps the property. */
export function keeps(property: Property, kernel: Kernel, text: Text): boolean {
  return answer(property, kernel, text) === 'keeps';
}

function answer(property: Property, kernel: Kernel, text: Text): Said | 'not legal' {
  const commands = allOf(text.host, commandIn);
  const events = allOf(text.events, eventIn);
  if (commands === undefined || events === undefined || !isPossible(text.events, events)) return 'not legal';
  const ready = configured(kernel, text.host, commands);
  if (!ready.accepted) return 'not legal';
  const end = played(kernel, ready, text.events, events);
  return end.accepted ? saidOf(property, kernel, end, events) : 'not legal';
}

/** Whether a text that was drawn breaks the property: it is played whatever is refused in it. */
export function breaksDrawn(property: Property, kernel: Kernel, text: Text): boolean {
  return answerDrawn(property, kernel, text) === 'breaks';
}

/** Whether such a text keeps the property. */
export function keepsDrawn(property: Property, kernel: Kernel, text: Text): boolean {
  return answerDrawn(property, kernel, text) === 'keeps';
}

function answerDrawn(property: Property, kernel: Kernel, text: Text): Said {
  const events = text.events.map(eventOfLine);
  const ready = configured(kernel, text.host, text.host.map(commandOf));
  return saidOf(property, kernel, played(kernel, ready, text.events, events), events);
}

/** The host as a kernel has it after all its commands. */
export function bootLines(kernel: Kernel, host: readonly string[]): World {
  return configured(kernel, host, host.map(commandOf)).boot;
}

/** The commands of a drawn host that the kernel takes, one after the other. */
export function acceptedCommands(kernel: Kernel, host: readonly string[]): readonly string[] {
  if (isAccepted(bootLines(kernel, host).effects)) return host;
  const accepted: string[] = [];
  for (const line of host) if (isAccepted(bootLines(kernel, [...accepted, line]).effects)) accepted.push(line);
  return accepted;
}
