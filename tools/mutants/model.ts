/** Hunts mutants of the model with the promises, in the build that has the mutants in it. */
import { kernelNamed } from '../../model/patch/index.ts';
import type { HostCommand } from '../../model/types/host.ts';
import type { Kernel, World } from '../../model/types/world.ts';
import { runScopes } from '../../properties/scopes/runs.ts';
import { bootHost, playOn } from '../../scenario/play.ts';
import { commandOf, eventOfLine } from '../../scenario/text.ts';
import { drawBooted, eventsPerHost, eventWords } from '../../search/bulk.ts';
import { drawEvents } from '../../search/generate.ts';
import { comparedMutants } from './compared.ts';
import { type Fate, judge, newFate } from './judge.ts';
import { reachedSince, withMutant } from './switches.ts';
import type { StoredRun } from './texts.ts';

/** What the hunt is told. */
export interface HuntOptions {
  readonly ids: readonly string[];
  readonly stored: readonly StoredRun[];
  /** The folder of the cases that a kernel has been asked already. */
  readonly cases: string;
  readonly seed: number;
  /** Time after which the survivors have survived. */
  readonly seconds: number;
  /** Turns of a conformance run, two dozen cases each, that the survivors meet then; in as much time. */
  readonly turns: number;
  readonly progress: (left: number) => void;
}

const KERNELS: readonly Kernel[] = ['stock', 'tcp-rehash-mended'].map((name) => kernelNamed(name) as Kernel);

/** A hunt: who is left, and when it ends. */
interface Hunt {
  readonly alive: Set<string>;
  readonly fates: ReadonlyMap<string, Fate>;
  readonly until: number;
}

function isOver({ alive, until }: Hunt): boolean {
  return alive.size === 0 || Date.now() > until;
}

/** The fates of those mutants; behind the stored counterexamples the scopes take turns, a host at a time. */
export function hunt({ ids, stored, cases, seed, seconds, turns, progress }: HuntOptions): readonly Fate[] {
  const fates = new Map(ids.map((id): [string, Fate] => [id, newFate()]));
  const going: Hunt = { alive: new Set(ids), fates, until: Date.now() + seconds * 1000 };
  for (const { host, events } of stored) {
    for (const kernel of KERNELS) huntOnHost(kernel, host.map(commandOf), [events], going);
    progress(going.alive.size);
  }
  for (let h = 0; !isOver(going); h++) {
    for (const scope of runScopes) {
      for (const kernel of KERNELS) {
        if (isOver(going)) break;
        const { host } = drawBooted(scope, seed, h, [kernel]);
        const lives = Array.from({ length: eventsPerHost }, (_, e) => drawEvents(scope, host, eventWords(seed, h, e)));
        huntOnHost(kernel, host.map(commandOf), lives, going);
      }
    }
    progress(going.alive.size);
  }
  const left = ids.filter((id) => fates.get(id)?.promise === '' && fates.get(id)?.invalid === false);
  const compared = comparedMutants({ ids: left, cases, seed, turns, seconds, progress });
  return [...fates].map(([id, fate]) => ({ ...fate, compared: compared.has(id) }));
}

function huntOnHost(
  kernel: Kernel,
  commands: readonly HostCommand[],
  lives: readonly (readonly string[])[],
  going: Hunt,
): void {
  if (isOver(going)) return;
  const { alive, fates } = going;
  reachedSince();
  const booted = bootHost(kernel, commands);
  const reachedByBoot = new Set(reachedSince());
  const boots = new Map<string, World>();
  for (const life of lives) {
    const events = life.map(eventOfLine);
    reachedSince();
    const original = { run: playOn(kernel, booted, events), kept: new Map<number, boolean>() };
    for (const id of new Set([...reachedSince(), ...reachedByBoot])) {
      if (!alive.has(id)) continue;
      const fate = fates.get(id) as Fate;
      const play = () => {
        const boot = reachedByBoot.has(id) ? (boots.get(id) ?? bootHost(kernel, commands)) : booted;
        boots.set(id, boot);
        return playOn(kernel, boot, events);
      };
      judge(fate, original, play, (what) => withMutant(id, what));
      if (fate.promise !== '' || fate.invalid) alive.delete(id);
    }
  }
}
