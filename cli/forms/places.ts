/** Where a counterexample goes wrong: in the text of the patch, and event by event in its own file. */
import { firstBroken, play } from '../../scenario/play.ts';
import { checkScenario } from '../../scenario/scenario.ts';
import type { Counterexample } from '../../search/outcome.ts';
import { chooseProperty, chooseVariant } from '../choose.ts';
import { counterexamplePath } from '../files.ts';

export interface Place {
  readonly file: string;
  readonly line: number;
  readonly text: string;
}

export interface Places {
  /** The line of the patch that acted last before the promise broke; the event at which it broke where no patch acted. */
  readonly broken: Place;
  /** Every event with what it made visible. */
  readonly steps: readonly Place[];
}

export function placesOf(counterexample: Counterexample): Places {
  const { property, variant, release, host, events, trace, finding } = counterexample;
  const path = counterexamplePath(property, variant, release);
  const lines = JSON.stringify(counterexample, null, 2).split('\n');
  const first = lines.indexOf('  "events": [') + 2;
  const steps = events.map((event, i): Place => {
    const seen = trace.filter((line) => line.startsWith(`events[${i}] `)).map((line) => line.replace(/^\S+ /, ''));
    return { file: path, line: first + i, text: [event, ...seen].join('; ') };
  });
  const run = play(chooseVariant(variant, release), checkScenario(path, { host, events }).scenario);
  const at = firstBroken(chooseProperty(property), run);
  const [file = '', line = ''] =
    run.steps
      .slice(0, at + 1)
      .flatMap(({ effects }) => effects)
      .flatMap((effect) => ('line' in effect && effect.line !== '' ? [effect.line] : []))
      .at(-1)
      ?.split(':') ?? [];
  const event = steps[at] ?? { file: path, line: 1, text: finding };
  const broken = file === '' ? { ...event, text: finding } : { file, line: Number(line), text: finding };
  return { broken, steps };
}
