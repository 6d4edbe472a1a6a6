/** Plays the same events on several kernels, and takes from each other what comes to the same: the runs, and what properties say about them. */
import type { Event } from '../model/types/event.ts';
import type { Kernel, World } from '../model/types/world.ts';
import type { Run } from '../properties/property.ts';
import { Answers } from './ask.ts';
import { playOn } from './play.ts';
import { firstOwnStep, firstTwins, Noted, type NotedRun, playFrom, playNoted } from './twins.ts';

/** A run, and what the properties say about it. */
export interface Played {
  readonly run: Run;
  readonly answers: Answers;
  /** What its steps did, where twins are played beside it. */
  readonly noted: NotedRun | undefined;
}

/** Whether a kernel has the host of its twin: the same one, where their operators are others. */
function hasSameHost(kernel: Kernel, { noted, run }: Played, booted: World): boolean {
  return kernel.operator === noted?.original.operator || booted === run.boot;
}

/** Kernels that are played beside each other. */
export class Beside {
  private readonly kernels: readonly Kernel[];
  private readonly twins: readonly number[];
  private readonly noted: readonly (Noted | undefined)[];
  private readonly count: number;

  /** `count` properties may be asked about each run. */
  constructor(kernels: readonly Kernel[], count: number) {
    const twins = firstTwins(kernels);
    this.kernels = kernels;
    this.twins = twins;
    this.noted = kernels.map((kernel, k) => (twins.lastIndexOf(k) > k ? new Noted(kernel) : undefined));
    this.count = count;
  }

  /** Plays events on the hosts that these kernels have. */
  play(booted: readonly World[], events: readonly Event[]): readonly Played[] {
    const played: Played[] = [];
    for (const k of this.kernels.keys()) played.push(this.playOne(k, booted[k] as World, events, played));
    return played;
  }

  private playOne(k: number, booted: World, events: readonly Event[], before: readonly Played[]): Played {
    const { count } = this;
    const kernel = this.kernels[k] as Kernel;
    const noted = this.noted[k];
    if (noted !== undefined) {
      const played = playNoted(noted, booted, events);
      const { run } = played;
      return { run, answers: new Answers(run, count, undefined, noted), noted: played };
    }
    const twin = before[this.twins[k] as number];
    if (twin?.noted === undefined || !hasSameHost(kernel, twin, booted)) {
      const run = playOn(kernel, booted, events);
      return { run, answers: new Answers(run, count), noted: undefined };
    }
    const steps = firstOwnStep(twin.noted, kernel);
    const run = playFrom(twin.run, steps, kernel, booted, events);
    return { run, answers: new Answers(run, count, { answers: twin.answers, steps }), noted: undefined };
  }
}
