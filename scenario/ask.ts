/**
 * Asks properties about a run, all of them in one pass over its steps and what these show: what several of them want to
 * know of a step natively is found once (`tools/copies/remembered.ts`).
 */
import type { Effect } from '../model/types/world.ts';
import { type Each, effectsOf, eventOf, type Property, type Run, type Shown } from '../properties/property.ts';
import { NOTHING, type Noted } from './twins.ts';

/** A property as it is asked; records of one form are asked faster. */
export interface Question {
  /** Its place among all. */
  readonly at: number;
  /** The bits of what a step must show to be asked about. */
  readonly asksOf: number;
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

function shownBy(run: Run, i: number): number {
  let shown = ANY | BITS[eventOf(run, i).kind];
  for (const { kind } of effectsOf(run, i)) shown |= BITS[kind];
  return shown;
}

/** Questions that are asked together: about each step as a whole, and about one kind of effect. */
export interface Questions {
  readonly all: readonly Question[];
  /** Those about a step that shows these bits. */
  ofSteps(shown: number): readonly Question[];
  readonly ofEach: Readonly<Record<Exclude<Each['about'], ''>, readonly Question[]>>;
}

/** All of them, in the order of the properties. */
export function questionsOf(properties: readonly Property[]): readonly Question[] {
  return properties.map(({ asksOf, holds, sometimes, each }, at) => {
    const bits = asksOf.length === 0 ? ANY : asksOf.reduce((all, kind) => all | BITS[kind], 0);
    return { at, asksOf: bits, holds, sometimes, each, plays: false };
  });
}

export function together(all: readonly Question[]): Questions {
  const about = (kind: Each['about']) => all.filter(({ each }) => each.about === kind);
  const ofEach = { xmit: about('xmit'), reroute: about('reroute'), mangled: about('mangled') };
  const ofAnyStep = about('');
  const known = new Map<number, readonly Question[]>();
  const ofSteps = (shown: number) => {
    const before = known.get(shown);
    if (before !== undefined) return before;
    const fresh = ofAnyStep.filter(({ asksOf }) => (asksOf & shown) !== 0);
    known.set(shown, fresh);
    return fresh;
  };
  return { all, ofSteps, ofEach };
}

/** Bits of what is known of a question. */
const ASKED = 1;
const OF_KERNEL = 2;

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
  private readonly known: number[];
  /** The first step in which the case of a property occurs, and the first that breaks it. */
  private readonly occursAt: number[];
  private readonly brokenAt: number[];
  /** It has answered already what does not depend on the kernel. */
  private readonly twin: Twin | undefined;
  /** The run's kernel, if it tells when a question has it route a packet again. */
  private readonly noted: Noted | undefined;
  /** How many questions depend on the kernel. */
  private ofKernel = 0;
  private hasRerouted = false;
  private hasAnswered = false;

  /** `count` properties may be asked. */
  constructor(run: Run, count: number, { twin, noted }: { twin?: Twin; noted?: Noted } = {}) {
    this.run = run;
    this.known = new Array<number>(count).fill(0);
    this.occursAt = new Array<number>(count).fill(NEVER);
    this.brokenAt = new Array<number>(count).fill(NEVER);
    this.twin = twin;
    this.noted = noted;
  }

  ask(questions: Questions): void {
    const { known, noted } = this;
    if (questions.all.every(({ at }) => this.isAsked(at))) return;
    this.twin?.answers.ask(questions);
    noted?.take();
    this.askAll(questions, false);
    if (noted !== undefined && questions.all.some(({ plays }) => plays)) this.askAll(questions, true);
    for (const { at } of questions.all) known[at] = (known[at] as number) | ASKED;
    this.hasAnswered = true;
  }

  private isAsked(at: number): boolean {
    return ((this.known[at] as number) & ASKED) !== 0;
  }

  /** Where the kernel is noted, questions that play further on it are asked last. */
  private askAll({ ofSteps, ofEach }: Questions, playing: boolean): void {
    const { run, twin } = this;
    const first = twin !== undefined && twin.answers.ofKernel === 0 ? twin.steps : 0;
    for (let i = first; i < run.steps.length; i++) {
      for (const question of ofSteps(shownBy(run, i))) {
        if (this.isOpen(question, i, playing)) this.askOfStep(question, i);
      }
      for (const e of effectsOf(run, i)) {
        if (e.kind !== 'xmit' && e.kind !== 'reroute' && e.kind !== 'mangled') continue;
        const about = ofEach[e.kind];
        if (about[0]?.each.isOne(e) !== true) continue;
        for (const question of about) if (this.isOpen(question, i, playing)) this.askOfOne(question, i, e);
      }
    }
  }

  private isOpen({ at, plays }: Question, i: number, playing: boolean): boolean {
    const { twin, noted, hasAnswered } = this;
    return (
      !(hasAnswered && this.isAsked(at)) &&
      (twin === undefined || i >= twin.steps || twin.answers.isOfKernel(at)) &&
      (noted === undefined || plays === playing)
    );
  }

  private askOfStep(question: Question, i: number): void {
    const { run, occursAt, brokenAt } = this;
    const { at, holds, sometimes } = question;
    if (occursAt[at] === NEVER && sometimes(run, i)) occursAt[at] = i;
    if (brokenAt[at] === NEVER && !holds(run, i)) brokenAt[at] = i;
    this.noteKernel(question);
  }

  private askOfOne(question: Question, i: number, e: Effect): void {
    const { run, occursAt, brokenAt } = this;
    const { at, each } = question;
    if (each.speaksOf(run, i, e)) {
      if (occursAt[at] === NEVER && each.sometimes(run, i, e)) occursAt[at] = i;
      if (brokenAt[at] === NEVER && !each.holds(run, i, e)) brokenAt[at] = i;
    }
    this.noteKernel(question);
  }

  /** A question that had the kernel route a packet again, or choose a source, depends on it; so may all later ones, for what is remembered of the run. */
  private noteKernel(question: Question): void {
    const { noted, known } = this;
    if (noted === undefined) return;
    if (noted.take() !== NOTHING) {
      this.hasRerouted = true;
      question.plays = true;
    }
    const bits = known[question.at] as number;
    if (!this.hasRerouted || (bits & OF_KERNEL) !== 0) return;
    known[question.at] = bits | OF_KERNEL;
    this.ofKernel++;
  }

  private isOfKernel(at: number): boolean {
    return ((this.known[at] as number) & OF_KERNEL) !== 0;
  }

  /** Whether the case of the property at that place occurs. */
  occurs(at: number): boolean {
    return this.occursBefore(at, NEVER);
  }

  isBroken(at: number): boolean {
    return this.firstBroken(at) < NEVER;
  }

  /** The first step that breaks the property at that place; past all of them where none does. */
  firstBroken(at: number): number {
    const { twin } = this;
    const own = this.brokenAt[at] as number;
    if (!this.sharesWith(twin, at)) return own;
    const before = twin.answers.firstBroken(at);
    return before < twin.steps ? before : own;
  }

  private occursBefore(at: number, step: number): boolean {
    const { twin, occursAt } = this;
    return (occursAt[at] as number) < step || (this.sharesWith(twin, at) && twin.answers.occursBefore(at, twin.steps));
  }

  private sharesWith(twin: Twin | undefined, at: number): twin is Twin {
    return twin !== undefined && !twin.answers.isOfKernel(at);
  }
}
