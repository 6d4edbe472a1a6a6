/** What kernels take from each other in a search is what each of them does and what is said of it alone. */
import { describe, expect, it } from 'vitest';
import { kernelNamed, variants } from '../../model/patch/index.ts';
import { mended } from '../../model/patch/mended.ts';
import { EVERY_FAULT } from '../../model/types/faults.ts';
import type { Kernel } from '../../model/types/world.ts';
import { properties } from '../../properties/index.ts';
import type { Run } from '../../properties/property.ts';
import { type RunScope, runScopes } from '../../properties/scopes/runs.ts';
import { firstBroken, occurs, playOn } from '../../scenario/play.ts';
import { eventOfLine } from '../../scenario/text.ts';
import { type Answers, questionsOf, together } from '../../search/ask.ts';
import { Beside } from '../../search/beside.ts';
import { drawBooted, eventsPerHost, eventWords } from '../../search/bulk.ts';
import { drawEvents } from '../../search/generate.ts';

/** Hosts of each scope; the long run plays 20,000 scenarios. */
const HOSTS = process.env.LONG === '1' ? 100 : 2;

const everyFault = mended('every-fault', '', true, EVERY_FAULT);
const old = ['stock', 'tcp-rehash'].map((name) => kernelNamed(name, '4.1') as Kernel);
const questions = together(questionsOf(properties));

/** A run without what is said to people only: which line of a patch did something. */
function shownBy({ steps }: Run): string {
  return JSON.stringify(steps, (field, value) => (field === 'line' ? undefined : value));
}

function saidBy(answers: Answers): readonly string[] {
  answers.ask(questions);
  return properties.map(({ id }, at) => `${id}: ${answers.occurs(at)}, ${answers.isBroken(at)}`);
}

/** What the properties say of every step of a run, each asked by itself. */
function saidPlainly(run: Run): readonly string[] {
  return properties.map((property) => `${property.id}: ${occurs(property, run)}, ${firstBroken(property, run) >= 0}`);
}

/** Plays that scope on those kernels together and alone; counts the runs that one kernel took from another. */
function taken(scope: RunScope, kernels: readonly Kernel[]): number {
  const beside = new Beside(kernels, properties.length);
  let shared = 0;
  for (let h = 0; h < HOSTS; h++) {
    const { host, booted } = drawBooted(scope, 11, h, kernels);
    for (let e = 0; e < eventsPerHost; e++) {
      const events = drawEvents(scope, host, eventWords(11, h, e)).map(eventOfLine);
      const played = beside.play(booted, events);
      for (const [k, { run, answers }] of played.entries()) {
        const alone = playOn(kernels[k] as Kernel, booted[k] as never, events);
        expect(shownBy(run)).toBe(shownBy(alone));
        expect(saidBy(answers)).toEqual(saidPlainly(alone));
        if (k > 0 && run.steps === played[0]?.run.steps) shared++;
      }
    }
  }
  return shared;
}

describe.each(runScopes.map((scope) => [scope.name, scope] as const))('scenarios of %s', (_, scope) => {
  it('come to the same on kernels together and alone', { timeout: 600_000 }, () => {
    expect(taken(scope, [...variants, everyFault])).toBeGreaterThan(0);
    expect(taken(scope, old)).toBeGreaterThan(0);
  });
});
