/**
 * Asks properties about a run, all of them in one pass over its steps and what these show: what several of them want to
 * know of a step natively is found once (`tools/copies/remembered.ts`).
 */
import type { Effect } from '../model/types/world.ts';
import { type Each, effectsOf, eventOf, type Property, type Run, type Shown } from '../properties/property.ts';
import type { Noted } from './twins.ts';

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
  readonly ofSteps: readonly Question[];
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
  return { all, ofSteps: about(''), ofEach };
}

/** Bits of an answer. */
const ASKED = 1;
const OCCURS = 2;
const BROKEN = 4;
const OF_KERNEL = 8;

/** What a run says about properties, each asked once. */
export class Answers {
  private readonly run: Run;
  private readonly known: number[];
  /** The same run on another kernel, which has answered already what does not depend on the kernel. */
  private readonly twin: Answers | undefined;
  /** The run's kernel, if it tells when a question has it route a packet again. */
  private readonly noted: Noted | undefined;
  /** How many questions depend on the kernel. */
  private ofKernel = 0;
  private hasRerouted = false;

  /** `count` properties may be asked. */
  constructor(run: Run, count: number, { twin, noted }: { twin?: Answers; noted?: Noted } = {}) {
    this.run = run;
    this.known = new Array<number>(count).fill(0);
    this.twin = twin;
    this.noted = noted;
  }

  ask(questions: Questions): void {
    const { known, twin, noted } = this;
    twin?.ask(questions);
    if (twin?.ofKernel === 0) return;
    noted?.take();
    this.askAll(questions, false);
    if (noted !== undefined) this.askAll(questions, true);
    for (const { at } of questions.all) known[at] = (known[at] as number) | ASKED;
  }

  /** Where the kernel is noted, questions that play further on it are asked last. */
  private askAll({ ofSteps, ofEach }: Questions, playing: boolean): void {
    const { run } = this;
    for (let i = 0; i < run.steps.length; i++) {
      const shown = shownBy(run, i);
      for (const question of ofSteps) {
        if ((question.asksOf & shown) !== 0 && this.isOpen(question, playing)) this.askOfStep(question, i);
      }
      for (const e of effectsOf(run, i)) {
        if (e.kind !== 'xmit' && e.kind !== 'reroute' && e.kind !== 'mangled') continue;
        const about = ofEach[e.kind];
        if (about[0]?.each.isOne(e) !== true) continue;
        for (const question of about) if (this.isOpen(question, playing)) this.askOfOne(question, i, e);
      }
    }
  }

  private isOpen({ at, plays }: Question, playing: boolean): boolean {
    const { known, twin, noted } = this;
    return (
      ((known[at] as number) & ASKED) === 0 &&
      (twin === undefined || twin.isOfKernel(at)) &&
      (noted === undefined || plays === playing)
    );
  }

  private askOfStep(question: Question, i: number): void {
    const { run, known } = this;
    const { at, holds, sometimes } = question;
    const before = known[at] as number;
    const occurs = (before & OCCURS) === 0 && sometimes(run, i) ? OCCURS : 0;
    const broken = (before & BROKEN) === 0 && !holds(run, i) ? BROKEN : 0;
    known[at] = before | occurs | broken;
    this.noteKernel(question);
  }

  private askOfOne(question: Question, i: number, e: Effect): void {
    const { run, known } = this;
    const { at, each } = question;
    if (each.speaksOf(run, i, e)) {
      const before = known[at] as number;
      const occurs = (before & OCCURS) === 0 && each.sometimes(run, i, e) ? OCCURS : 0;
      const broken = (before & BROKEN) === 0 && !each.holds(run, i, e) ? BROKEN : 0;
      known[at] = before | occurs | broken;
    }
    this.noteKernel(question);
  }

  /** A question that had the kernel route a packet again depends on it; so may all later ones, for what is remembered of the run. */
  private noteKernel(question: Question): void {
    const { noted, known } = this;
    if (noted === undefined) return;
    if (noted.take().length > 0) {
      this.hasRerouted = true;
      question.plays = true;
    }
    const bits = known[question.at] as number;
    if (!this.hasRerouted || (bits & OF_KERNEL) !== 0) return;
    known[question.at] = bits | OF_KERNEL;
    this.ofKernel++;
  }

  private answer(at: number): number {
    const { twin, known } = this;
    return twin === undefined || twin.isOfKernel(at) ? (known[at] as number) : twin.answer(at);
  }

  private isOfKernel(at: number): boolean {
    return ((this.known[at] as number) & OF_KERNEL) !== 0;
  }

  /** Whether the case of the property at that place occurs. */
  occurs(at: number): boolean {
    return (this.answer(at) & OCCURS) !== 0;
  }

  isBroken(at: number): boolean {
    return (this.answer(at) & BROKEN) !== 0;
  }
}
