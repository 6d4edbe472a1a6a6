/** What a property is: stated once, read by every engine, the command line and the report. */
import type { Event } from '../model/types/event.ts';
import type { Effect, Kernel, Step, World } from '../model/types/world.ts';
import type { ProofScope } from './scopes/proofs.ts';
import type { RunScope } from './scopes/runs.ts';

/** The promise a property belongs to. */
export type Concern = 'address' | 'tuple' | 'checksum' | 'connection' | 'netfilter' | 'route';

/** What it means for those who use the host when a promise is broken, the gravest first. */
export const GRAVITIES = [
  'crash',
  'sent in clear',
  'dead connection',
  'wrong connection',
  'lost packet',
  'wrong address',
  'wrong path',
  'books',
] as const;

export type Gravity = (typeof GRAVITIES)[number];

/** One scenario played on one kernel: steps[i] is what events[i] did. An oops ends it early. */
export interface Run {
  readonly kernel: Kernel;
  readonly events: readonly Event[];
  /** The configured host, before the first event. */
  readonly boot: World;
  readonly steps: readonly Step[];
}

/** A claim about every step of every run. */
export interface Property {
  /** kebab-case. */
  readonly id: string;
  readonly concern: Concern;
  readonly gravity: Gravity;
  /** Whether it says what the patch is for. */
  readonly purpose: boolean;
  /** One sentence that somebody could dispute. */
  readonly claim: string;
  /** RFC sections, man pages, parts of the socket API that ask for it. */
  readonly asked: readonly string[];
  /** Why a violation on a kernel without the patch is no fault of this suite; '' where none is known. */
  readonly onStock: string;
  /** The scope in which its case occurs. It is asked of every run of every scope. */
  readonly scope: RunScope;
  /** The scope in which z3 looks at all numbers at once. */
  readonly proof: ProofScope;
  /** Whether step `i` keeps the promise, looking back at what led there. */
  readonly holds: (run: Run, i: number) => boolean;
  /** Whether step `i` is a case the claim speaks of: the partner of `holds`, without which it could hold of nothing. */
  readonly sometimes: (run: Run, i: number) => boolean;
  /** Events and effects of which a step must have one to be asked about: without any it keeps the promise and is no case. Empty for all steps. */
  readonly asksOf: readonly Shown[];
  /** What is true of every step that breaks the promise or is a case, where several properties ask it first: it is asked once for all of them. */
  readonly asksWhere: (run: Run, i: number) => boolean;
  /** What `holds` and `sometimes` ask of each effect of one kind, where that is all; OF_STEPS elsewhere. */
  readonly each: Each;
  /** What step `i` shows, the first that breaks the promise: a sentence for a network engineer, without capital and full stop. */
  readonly finding: (run: Run, i: number) => string;
}

/** What a step can be known by: its event, and what it shows. */
export type Shown = Event['kind'] | Effect['kind'];

/** A claim about effects of one kind: which of them are meant, of which the claim speaks, and what it says of those. */
export interface Each {
  readonly about: 'xmit' | 'reroute' | 'mangled' | '';
  isOne(e: Effect): boolean;
  speaksOf(run: Run, i: number, e: Effect): boolean;
  holds(run: Run, i: number, e: Effect): boolean;
  sometimes(run: Run, i: number, e: Effect): boolean;
}

function no(): boolean {
  return false;
}

/** For a claim about whole steps. */
export const OF_STEPS: Each = { about: '', isOne: no, speaksOf: no, holds: no, sometimes: no };

/** A property as it is written down. */
export type Stated = Omit<Property, Defaults> & Partial<Pick<Property, Defaults>>;

type Defaults = 'purpose' | 'proof' | 'asksOf' | 'asksWhere' | 'each';

/** In any step. */
export function anywhere(): boolean {
  return true;
}

/** A property stated of steps. */
export function everyStep(stated: Stated): Property {
  return { purpose: false, proof: 'post-host', asksOf: [], asksWhere: anywhere, each: OF_STEPS, ...stated };
}

/** The world in which step `i` began. */
export function worldBefore(run: Run, i: number): World {
  return i === 0 ? run.boot : at(run, i - 1).world;
}

/** Step `i`. */
export function at(run: Run, i: number): Step {
  return run.steps[i] as Step;
}

/** What step `i` showed. */
export function effectsOf(run: Run, i: number): readonly Effect[] {
  return at(run, i).effects;
}

/** Event `i`. */
export function eventOf(run: Run, i: number): Event {
  return run.events[i] as Event;
}
