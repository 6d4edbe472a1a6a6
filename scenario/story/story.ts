/** A run together with what each of its statements changed. */
import type * as Host from '../../model/host/step.ts';
import * as watchedHost from '../../model/host/step.ts?watched';
import { type Kernel, NO_OPERATION, type Scenario, type Step } from '../../model/types/world.ts';
import type { Run } from '../../properties/property.ts';
import { printHostCommand } from '../host.ts';
import { type Moment, type Packets, watching } from './watch.ts';

const { boot, ended, step } = watchedHost as typeof Host;

/** A run and its moments, those of `run.steps[i]` at `moments[i]`. */
export interface Story {
  readonly run: Run;
  /** What the variant's operator has done to the host. */
  readonly commands: readonly string[];
  readonly moments: readonly (readonly Moment[])[];
}

/** Plays a scenario and watches it; of a kernel whose functions are not watched only the beginning and end of its hook are known. */
export function storyOf(kernel: Kernel, { host, events }: Scenario): Story {
  const booted = boot(kernel, host);
  const { commands } = kernel.operator(boot({ ...kernel, operator: () => NO_OPERATION }, host));
  const packets: Packets = new Map();
  const steps: Step[] = [];
  const moments: (readonly Moment[])[] = [];
  let world = booted;
  for (const event of events) {
    if (ended(world)) break;
    const seen = watching(packets, world, (start) => step(kernel, start, event));
    steps.push(seen.value);
    moments.push(seen.moments);
    world = seen.value.world;
  }
  return { run: { kernel, events, boot: booted, steps }, commands: commands.map(printHostCommand), moments };
}

/** The run with what happened up to the crash, where there is one: what the model shows after it never happens. */
export function untilCrash({ run, moments }: Story): Run {
  const steps = run.steps.map((step, i): Step => {
    if (step.world.oops.where === '') return step;
    const seen = moments[i] ?? [];
    const crash = seen.findIndex(({ after }) => after.oops.where !== '');
    return { ...step, effects: seen.slice(0, crash + 1).flatMap(({ effects }) => effects) };
  });
  return { ...run, steps };
}
