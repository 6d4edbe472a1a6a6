/** The model in the page: plays what is shown on each of the chosen kernels. */
import type * as Patch from '../../model/patch/index.ts';
import * as watchedPatch from '../../model/patch/index.ts?watched';
import { NO_PICKS, type Picks } from '../../model/types/event.ts';
import type { Scenario } from '../../model/types/world.ts';
import { properties } from '../../properties/index.ts';
import { Wrong } from '../../scenario/error.ts';
import { impossibleEvent } from '../../scenario/life.ts';
import { firstBroken } from '../../scenario/play.ts';
import { type Story, storyOf } from '../../scenario/story/story.ts';
import { commandOf, eventOfLine } from '../../scenario/text.ts';
import type { Violation } from '../../scenario/trace.ts';
import { type ShownStep, stepsOf } from '../steps.ts';
import type { Shown } from './address.ts';

const { kernelNamed } = watchedPatch as typeof Patch;

/** A line that cannot be read, and why. */
export interface Fault {
  readonly where: 'host' | 'events';
  readonly line: number;
  readonly message: string;
}

export interface Played {
  readonly variant: string;
  readonly story: Story;
  readonly violations: readonly Violation[];
  readonly steps: readonly ShownStep[];
}

function read<T>(where: Fault['where'], lines: readonly string[], parse: (line: string) => T): T[] | Fault {
  const all: T[] = [];
  for (const [line, text] of lines.entries()) {
    try {
      all.push(parse(text));
    } catch (error) {
      if (!(error instanceof Wrong)) throw error;
      return { where, line, message: error.message };
    }
  }
  return all;
}

/** What the lines stand for, with the choices of the kernel. */
export function scenarioOf({ host, events, picks }: Shown): Scenario | Fault {
  const commands = read('host', host, commandOf);
  if (!Array.isArray(commands)) return commands;
  const calls = read('events', events, eventOfLine);
  if (!Array.isArray(calls)) return calls;
  const impossible = impossibleEvent(calls);
  if (impossible !== undefined) return { where: 'events', line: impossible.index, message: impossible.message };
  return {
    host: commands,
    events: calls.map((call, i) => {
      const { event: _, ...chosen } = picks.find(({ event }) => event === i) ?? { event: i };
      return { ...call, picks: { ...NO_PICKS, ...chosen } as Picks };
    }),
  };
}

export function playAll({ variants, release }: Shown, scenario: Scenario): readonly Played[] {
  return variants.flatMap((variant) => {
    const kernel = kernelNamed(variant, release);
    if (kernel === undefined) return [];
    const story = storyOf(kernel, scenario);
    const violations = properties
      .map(({ id }, i) => ({
        property: id,
        event: firstBroken(properties[i] as (typeof properties)[number], story.run),
      }))
      .filter(({ event }) => event >= 0)
      .sort((a, b) => a.event - b.event);
    return [{ variant, story, violations, steps: stepsOf(story, violations) }];
  });
}
