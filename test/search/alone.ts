/** Plays drawn scenarios on kernels beside each other, as a search does, and each by itself, and compares. */
import type { Kernel, World } from '../../model/types/world.ts';
import { properties } from '../../properties/index.ts';
import type { Run } from '../../properties/property.ts';
import type { RunScope } from '../../properties/scopes/runs.ts';
import { type Answers, questionsOf, together } from '../../scenario/ask.ts';
import { Beside } from '../../scenario/beside.ts';
import { firstBroken, occurs, playOn } from '../../scenario/play.ts';
import { eventOfLine } from '../../scenario/text.ts';
import { drawBooted, eventsPerHost, eventWords } from '../../search/bulk.ts';
import { drawEvents } from '../../search/generate.ts';

const questions = together(questionsOf(properties));

/** A run without what is said to people only: which line of a patch did something. */
function shownBy({ steps }: Run): string {
  return JSON.stringify(steps, (field, value) => (field === 'line' ? undefined : value));
}

function saidBy(answers: Answers): string {
  answers.ask(questions);
  return properties.map(({ id }, at) => `${id}: ${answers.occurs(at)}, ${answers.isBroken(at)}`).join('\n');
}

/** What the properties say of every step of a run, each asked by itself. */
function saidPlainly(run: Run): string {
  return properties
    .map((property) => `${property.id}: ${occurs(property, run)}, ${firstBroken(property, run) >= 0}`)
    .join('\n');
}

export interface Compared {
  readonly scenarios: number;
  /** Runs that a kernel took from the first one. */
  readonly taken: number;
  /** Where a kernel does something else, or something else is said of it, than alone: `H:E on KERNEL`. */
  readonly different: readonly string[];
}

/** So many hosts of a scope, each with its sequences of events. */
export function compared(scope: RunScope, kernels: readonly Kernel[], hosts: number, seed: number): Compared {
  const beside = new Beside(kernels, properties.length);
  const different: string[] = [];
  let taken = 0;
  for (let h = 0; h < hosts; h++) {
    const { host, booted } = drawBooted(scope, seed, h, kernels);
    for (let e = 0; e < eventsPerHost; e++) {
      const events = drawEvents(scope, host, eventWords(seed, h, e)).map(eventOfLine);
      const played = beside.play(booted, events);
      for (const [k, { run, answers }] of played.entries()) {
        const kernel = kernels[k] as Kernel;
        const alone = playOn(kernel, booted[k] as World, events);
        const isSame = shownBy(run) === shownBy(alone) && saidBy(answers) === saidPlainly(alone);
        if (!isSame) different.push(`${h}:${e} on ${kernel.name}`);
        if (k > 0 && run.steps === played[0]?.run.steps) taken++;
      }
    }
  }
  return { scenarios: hosts * eventsPerHost, taken, different };
}
