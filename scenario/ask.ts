/**
 * Asks properties about a run, all of them in one pass over its steps and what these show: what several of them want to
 * know of a step natively is found once (`tools/copies/remembered.ts`).
 */
import type { Effect } from '../model/types/world.ts';
import {
  anywhere,
  type Each,
  effectsOf,
  eventOf,
  type Property,
  type Run,
  type Shown,
} from '../properties/property.ts';
import { NOTHING, type Noted } from './twins.ts';

/** A property as it is asked; records of one form are asked faster. */
export interface Question {
  /** Its place among all. */
  readonly at: number;
  /** The bits of what a step must show to be asked about. */
  readonly asksOf: number;
  readonly asksWhere: Property['asksWhere'];
  readonly holds: Property['holds'];
  readonly sometimes: Property['sometimes'];
  readonly each: Each;
  /** Whether it was seen to play further on the run's kernel. */
  plays: boolean;
}

/** A bit for each event and effect, and one for what every step has. */
const BITS: Readonly<Record<Shown, number>> = {
  socket: 1 << 1,
  bind: 1 << 2,
  listen: 1 << 3,
  connect: 1 << 4,
  close: 1 << 5,
  send: 1 << 6,
  answer: 1 << 7,
  say: 1 << 8,
  receive: 1 << 9,
  retransmit: 1 << 10,
  host: 1 << 11,
  wait: 1 << 12,
  xmit: 1 << 13,
  alloc: 1 << 14,
  free: 1 << 15,
  deliver: 1 << 16,
  leak: 1 << 17,
  verdict: 1 << 18,
  reroute: 1 << 19,
  mangled: 1 << 20,
  micro: 1 << 21,
  'wrong-kind': 1 << 22,
  'use-after-free': 1 << 23,
  syscall: 1 << 24,
  refused: 1 << 25,
};
const ANY = 1;

/** What a step shows, in bits, and the effects of it that may be asked about one by one. */
interface Showing {
  readonly bits: number;
  readonly single: readonly Single[];
}

type Single = Extract<Effect, { kind: Exclude<Each['about'], ''> }>;

const NONE: readonly Single[] = [];

function showingOf(run: Run, i: number): Showing {
  let bits = ANY | BITS[eventOf(run, i).kind];
  let single = NONE;
  for (const e of effectsOf(run, i)) {
    const { kind } = e;
    bits |= BITS[kind];
    if (kind === 'xmit' || kind === 'reroute' || kind === 'mangled') single = [...single, e];
  }
  return { bits, single };
}

/** All of them, in the order of the properties. */
export function questionsOf(properties: readonly Property[]): readonly Question[] {
  return properties.map(({ asksOf, asksWhere, holds, sometimes, each }, at) => {
    const bits = asksOf.length === 0 ? ANY : asksOf.reduce((all, kind) => all | BITS[kind], 0);
    return { at, asksOf: bits, asksWhere, holds, sometimes, each, plays: false };
  });
}

/** Questions that are asked together: about each step as a whole, and about one kind of effect. */
export class Questions {
  readonly all: readonly Question[];
  readonly ofEach: Readonly<Record<Exclude<Each['about'], ''>, readonly Question[]>>;
  private readonly ofAnyStep: readonly Question[];
  private readonly known = new Map<number, OfSteps>();
  private parted: Parts | undefined;

  constructor(all: readonly Question[]) {
    const about = (kind: Each['about']) => all.filter(({ each }) => each.about === kind);
    this.all = all;
    this.ofEach = { xmit: about('xmit'), reroute: about('reroute'), mangled: about('mangled') };
    this.ofAnyStep = about('');
  }

  /** Those about a step that shows these bits. */
  ofSteps(shown: number): OfSteps {
    const before = this.known.get(shown);
    if (before !== undefined) return before;
    const all = this.ofAnyStep.filter(({ asksOf }) => (asksOf & shown) !== 0);
    const places = [...new Set(all.map(({ asksWhere }) => asksWhere))];
    const fresh = places.map((where) => ({ where, questions: all.filter(({ asksWhere }) => asksWhere === where) }));
    this.known.set(shown, fresh);
    return fresh;
  }

  /** Those that were seen to play further on the run's kernel, and the others. */
  get parts(): Parts {
    this.parted ??= {
      quiet: together(this.all.filter(({ plays }) => !plays)),
      playing: together(this.all.filter(({ plays }) => plays)),
    };
    return this.parted;
  }

  /** One of them has been seen to play. */
  part(): void {
    this.parted = undefined;
  }
}

/** Questions about a step, together those that are asked where the same is true. */
type OfSteps = readonly { readonly where: Property['asksWhere']; readonly questions: readonly Question[] }[];

interface Parts {
  readonly quiet: Questions;
  readonly playing: Questions;
}

export function together(all: readonly Question[]): Questions {
  return new Questions(all);
}

/** Which questions have been asked. What is still to be asked is the same for run after run, and found once. */
class Asked {
  private readonly places: ReadonlySet<number>;
  private readonly after = new WeakMap<Questions, { readonly rest: Questions; readonly asked: Asked }>();

  constructor(places: ReadonlySet<number>) {
    this.places = places;
  }

  /** Those that are still to be asked, and what has been asked then. */
  with(questions: Questions): { readonly rest: Questions; readonly asked: Asked } {
    const known = this.after.get(questions);
    if (known !== undefined) return known;
    const open = questions.all.filter(({ at }) => !this.places.has(at));
    const rest = open.length === questions.all.length ? questions : together(open);
    const asked = open.length === 0 ? this : new Asked(new Set([...this.places, ...open.map(({ at }) => at)]));
    this.after.set(questions, { rest, asked });
    return { rest, asked };
  }
}

const NOTHING_ASKED = new Asked(new Set());

/** In no step; a small integer, as steps are, for V8's sake. */
const NEVER = 2 ** 30;

/** Another kernel's answers about a run that is the same up to a step, and the number of that step. */
export interface Twin {
  readonly answers: Answers;
  readonly steps: number;
}

/** What a run says about properties, each asked once. */
export class Answers {
  private readonly run: Run;
  private readonly count: number;
  /** The first step in which the case of a property occurs, and the first that breaks it; those of the twin while they are the same. */
  private occursAt: number[] = [];
  private brokenAt: number[] = [];
  private isOwn = false;
  /** What its own steps show, as far as that was asked. */
  private readonly shown: Showing[] = [];
  private asked = NOTHING_ASKED;
  /** It has answered already what does not depend on the kernel. */
  private readonly twin: Twin | undefined;
  /** The run's kernel, if it tells when a question has it route a packet again. */
  private readonly noted: Noted | undefined;
  /** What is being asked. */
  private asking: Questions | undefined;
  /** The places of the questions that depend on the kernel. */
  private readonly ofKernel = new Set<number>();

  /** `count` properties may be asked. */
  constructor(run: Run, count: number, twin?: Twin, noted?: Noted) {
    this.run = run;
    this.count = count;
    this.twin = twin;
    this.noted = noted;
  }

  private showing(i: number): Showing {
    const { twin, shown } = this;
    if (twin !== undefined && i < twin.steps) return twin.answers.showing(i);
    shown[i] ??= showingOf(this.run, i);
    return shown[i];
  }

  ask(questions: Questions): void {
    const { rest, asked } = this.asked.with(questions);
    if (rest.all.length === 0) return;
    const isFirst = this.asked === NOTHING_ASKED;
    this.asked = asked;
    if (this.twin !== undefined) this.askBesideTwin(this.twin, questions, rest, isFirst);
    else if (this.noted !== undefined) this.askNoted(this.noted, rest);
    else this.askFrom(rest, 0);
  }

  /** Questions that play further on the kernel are asked last. */
  private askNoted(noted: Noted, questions: Questions): void {
    const { quiet, playing } = questions.parts;
    this.asking = questions;
    noted.take();
    this.askFrom(quiet, 0);
    if (playing.all.length > 0) this.askFrom(playing, 0);
  }

  /** What the twin's run says is said of this one, too, up to the step in which they part, but for what depends on the kernel. */
  private askBesideTwin({ answers, steps }: Twin, questions: Questions, rest: Questions, isFirst: boolean): void {
    answers.ask(questions);
    if (isFirst && steps === this.run.steps.length && answers.ofKernel.size === 0) {
      this.occursAt = answers.occursAt;
      this.brokenAt = answers.brokenAt;
      return;
    }
    this.makeOwn();
    for (const { at } of rest.all) {
      if (answers.ofKernel.has(at)) continue;
      if ((answers.occursAt[at] as number) < steps) this.occursAt[at] = answers.occursAt[at] as number;
      if ((answers.brokenAt[at] as number) < steps) this.brokenAt[at] = answers.brokenAt[at] as number;
    }
    if (answers.ofKernel.size > 0) {
      const ofKernel = rest.all.filter(({ at }) => answers.ofKernel.has(at));
      for (let i = 0; i < steps; i++) this.askEach(ofKernel, i);
    }
    this.askFrom(rest, steps);
  }

  private makeOwn(): void {
    if (this.isOwn) return;
    const { occursAt, brokenAt, count } = this;
    this.occursAt = occursAt.length === 0 ? new Array<number>(count).fill(NEVER) : [...occursAt];
    this.brokenAt = brokenAt.length === 0 ? new Array<number>(count).fill(NEVER) : [...brokenAt];
    this.isOwn = true;
  }

  /** Asks about all steps from that one on. */
  private askFrom(asked: Questions, from: number): void {
    const { run } = this;
    const { ofEach } = asked;
    this.makeOwn();
    for (let i = from; i < run.steps.length; i++) {
      const { bits, single } = this.showing(i);
      for (const { where, questions } of asked.ofSteps(bits))
        if (this.isWhere(where, questions, i)) for (const question of questions) this.askOfStep(question, i);
      for (const e of single) {
        const about = ofEach[e.kind];
        if (about[0]?.each.isOne(e) !== true) continue;
        for (const question of about) this.askOfOne(question, i, e);
      }
    }
  }

  /** Asks a few about one step. */
  private askEach(questions: readonly Question[], i: number): void {
    const { bits, single } = this.showing(i);
    for (const question of questions) {
      const { asksOf, each } = question;
      if (each.about === '' && (asksOf & bits) !== 0) this.askOfStep(question, i);
      if (each.about === '') continue;
      for (const e of single) if (e.kind === each.about && each.isOne(e)) this.askOfOne(question, i, e);
    }
  }

  private isWhere(where: Property['asksWhere'], questions: readonly Question[], i: number): boolean {
    if (where === anywhere) return true;
    const { noted } = this;
    const is = where(this.run, i);
    const plays = noted !== undefined && noted.take() !== NOTHING;
    if (plays || this.ofKernel.size > 0) for (const question of questions) this.note(question, plays);
    return is;
  }

  private askOfStep(question: Question, i: number): void {
    const { run, occursAt, brokenAt } = this;
    const { at, holds, sometimes } = question;
    if (occursAt[at] === NEVER && sometimes(run, i)) occursAt[at] = i;
    if (brokenAt[at] === NEVER && !holds(run, i)) brokenAt[at] = i;
    if (this.noted !== undefined) this.noteOne(this.noted, question);
  }

  private askOfOne(question: Question, i: number, e: Effect): void {
    const { run, occursAt, brokenAt } = this;
    const { at, each } = question;
    if (each.speaksOf(run, i, e)) {
      if (occursAt[at] === NEVER && each.sometimes(run, i, e)) occursAt[at] = i;
      if (brokenAt[at] === NEVER && !each.holds(run, i, e)) brokenAt[at] = i;
    }
    if (this.noted !== undefined) this.noteOne(this.noted, question);
  }

  private noteOne(noted: Noted, question: Question): void {
    const plays = noted.take() !== NOTHING;
    if (plays || this.ofKernel.size > 0) this.note(question, plays);
  }

  /** A question that had the kernel route a packet again, or choose a source, depends on it; so may all later ones, for what is remembered of the run. */
  private note(question: Question, plays: boolean): void {
    this.ofKernel.add(question.at);
    if (!plays || question.plays) return;
    question.plays = true;
    this.asking?.part();
  }

  /** Whether the case of the property at that place occurs. */
  occurs(at: number): boolean {
    return (this.occursAt[at] as number) < NEVER;
  }

  isBroken(at: number): boolean {
    return this.firstBroken(at) < NEVER;
  }

  /** The first step that breaks the property at that place; past all of them where none does. */
  firstBroken(at: number): number {
    return this.brokenAt[at] ?? NEVER;
  }
}
