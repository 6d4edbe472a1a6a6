/** The test kernel beside the model: the comparison of the running kernel, and how the two ended. */
import { typed } from '../../scenario/play.ts';
import { type Compared, closest } from '../choices.ts';
import { compareSeen, type Difference, packetText } from '../compare.ts';
import { kernelSees, modelSees, type Seen } from '../modelTrace.ts';
import type { Ending, PatchedTrace } from './play.ts';
import type { PatchedScenario } from './ports.ts';

function endingText(ending: 'ok' | Ending): string {
  if (ending === 'ok') return 'no crash';
  switch (ending.tag) {
    case 'oops':
      return `oops in ${ending.function}`;
    case 'timeout':
      return 'no answer in time';
    case 'not-booted':
      return ending.reason;
  }
}

/** What the player saw, and the function in which the kernel crashed. */
export function patchedSees(trace: PatchedTrace): Seen {
  const seen = kernelSees({ ...trace, outcome: 'ok' });
  const { outcome } = trace;
  return outcome !== 'ok' && outcome.tag === 'oops' ? { ...seen, oops: outcome.function } : seen;
}

/** What the model sees on the scenario's variant, as far as the kernel can be compared with it. */
export function variantSees({ variant, host, events, keyFill }: PatchedScenario, secret = 0): Seen {
  return modelSees(variant, { host, events }, keyFill, secret);
}

/** Compares with the model under the secret that comes closest to the kernel's. */
export function closestPatched(scenario: PatchedScenario, trace: PatchedTrace): Compared {
  return closest(
    scenario.host,
    (secret) => variantSees(scenario, secret),
    (model) => comparePatched(scenario, model, trace),
  );
}

/** Compares both up to the event in which one of them crashed, and then how that event ended. */
export function comparePatched(scenario: PatchedScenario, model: Seen, trace: PatchedTrace): readonly Difference[] {
  const kernel = patchedSees(trace);
  const before = model.oops === '' ? model : { ...model, events: model.events - 1 };
  const differences = compareSeen(typed(scenario.variant, scenario), before, kernel, true);
  if (differences.length > 0) return differences;
  const { outcome, notes } = trace;
  if (outcome === 'ok' && notes.some(({ not_expressible }) => not_expressible !== undefined)) return [];
  const [mine, theirs] = [model.oops === '' ? 'no crash' : `oops in ${model.oops}`, endingText(outcome)];
  // A socket that could not be opened ends the comparison of packets, not the run.
  const ended = trace.names.length;
  const at = Math.min(before.events, ended, scenario.events.length - 1);
  const same = mine === theirs && (model.oops === '' || before.events === ended);
  return same ? [] : [{ at, what: 'outcome', model: mine, kernel: theirs }];
}

/** The kernel's warnings, and the event in which one of the two ended. */
export function endingLines({ events }: PatchedScenario, model: Seen, trace: PatchedTrace): readonly string[] {
  const mine = model.oops === '' ? 'no crash' : `oops in ${model.oops}`;
  const theirs = endingText(trace.outcome);
  const at = trace.outcome === 'ok' ? model.events - 1 : trace.names.length;
  return [
    ...trace.warnings.map(({ function: where, reason }) => `    the kernel warns in ${where}: ${reason}`),
    ...(trace.outcome === 'ok' && model.oops === ''
      ? []
      : [`${at}  ${events[at] ?? ''}`, `    the model: ${mine}; the kernel: ${theirs}`]),
  ];
}

/** What was seen, a line for each packet and each call that failed, and how it ended. */
export function seenLines(trace: PatchedTrace): readonly string[] {
  const seen = patchedSees(trace);
  const lines = seen.names.flatMap((names, event) =>
    [
      ...seen.packets
        .filter((packet) => packet.event === event)
        .map((packet) => {
          const wrong = packet.checksum === 'incorrect' ? ', transport checksum incorrect' : '';
          return `${packetText(packet)}${wrong}`;
        }),
      ...seen.calls
        .filter((call) => call.event === event && call.errno !== '')
        .map(({ call, socket, errno }) => `${call} of ${socket} fails: ${errno}`),
      ...Object.entries(names)
        .filter(([socket, name]) => seen.names[event - 1]?.[socket] !== name && name !== '0.0.0.0:0')
        .map(([socket, name]) => `getsockname of ${socket} says ${name}`),
    ].map((text) => `events[${event}] ${text}`),
  );
  const { outcome, warnings, afterwards } = trace;
  return [
    ...lines,
    ...warnings.map(({ function: where, reason }) => `warning in ${where}: ${reason}`),
    ...(outcome === 'ok'
      ? []
      : [`events[${seen.names.length}] ${endingText(outcome)}${outcome.tag === 'oops' ? `: ${outcome.reason}` : ''}`]),
    ...(afterwards === undefined ? [] : [`while the host is taken down: ${endingText(afterwards)}`]),
  ];
}
