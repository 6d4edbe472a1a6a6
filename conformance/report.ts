/** What a run of comparisons says to people. */
import type { Text } from '../scenario/text.ts';
import { type Difference, deliveryText, differenceText, packetText } from './compare.ts';
import type { Seen } from './modelTrace.ts';
import { type Campaign, type Disagreement, QUESTIONS_PER_HOST } from './run.ts';

/** `20,000 routing answers agree (seed 7, 200 hosts, 12.3 s)`. */
export function campaignText({ kind, seed, cases, compared, disagreements, unsteady, seconds }: Campaign): string {
  const [what, inside] =
    kind === 'routing'
      ? [`${compared.toLocaleString('en')} routing answers`, `${cases} hosts, ${QUESTIONS_PER_HOST} questions each`]
      : [`${cases.toLocaleString('en')} ${kind} scenarios`, `${compared.toLocaleString('en')} packets`];
  const verdict = disagreements.length === 0 ? 'no disagreement' : `${disagreements.length} disagreements`;
  const again = unsteady === 0 ? '' : `, ${unsteady} that agreed when asked again`;
  return `${what}: ${verdict}${again} (seed ${seed}, ${inside}, ${seconds.toFixed(1)} s)`;
}

/** A disagreement as a scenario, with what differs. */
export function disagreementText({ kind, index, text, differences }: Disagreement): string {
  const scenario = JSON.stringify({ host: text.host, events: text.events }, null, 2);
  return [`${kind} case ${index}:`, scenario, ...differences.map(differenceText)].join('\n');
}

const WIDTH = 58;

/** The line with a chosen port as any. */
function anyPort(line: string): string {
  return line.replace(/:\d{5}\b/g, ':*');
}

function column(left: string, right: string): string {
  return `  ${anyPort(left) === anyPort(right) ? ' ' : '!'} ${left.padEnd(WIDTH)}  ${right}`.trimEnd();
}

/** What one side did in an event: calls, packets, what programs received. */
function deeds(seen: Seen, at: number): readonly string[] {
  return [
    ...seen.calls
      .filter((call) => call.event === at && call.errno !== '')
      .map(({ socket, call, errno }) => `${call} of ${socket}: ${errno}`),
    ...(seen.refused.includes(at) ? ['refused'] : []),
    ...seen.packets.filter(({ event }) => event === at).map(packetText),
    ...seen.deliveries.filter(({ event }) => event === at).map((one) => `received: ${deliveryText(one)}`),
  ];
}

/** Both traces, event by event, the model's on the left unless they have other names; `!` marks lines that differ in more than a chosen port. */
export function sideBySide(text: Text, model: Seen, kernel: Seen, names = ['model', 'kernel']): readonly string[] {
  const [left = '', right = ''] = names;
  const lines = [`    ${left.padEnd(WIDTH)}  ${right}`];
  for (const [at, event] of text.events.entries()) {
    lines.push(`${at}  ${event}`);
    const [ours, theirs] = [deeds(model, at), deeds(kernel, at)];
    for (let n = 0; n < Math.max(ours.length, theirs.length); n++) lines.push(column(ours[n] ?? '-', theirs[n] ?? '-'));
    if (at >= kernel.events) lines.push('    (the kernel cannot be asked for this, or for what follows)');
    if (at >= kernel.events) break;
  }
  for (const [name, { state }] of Object.entries(kernel.sockets)) {
    lines.push(column(`${name} ${model.sockets[name]?.state ?? 'CLOSE'}`, `${name} ${state}`));
  }
  return lines;
}

/** The lines for differences, or the one that says there are none. */
export function verdictLines(differences: readonly Difference[]): readonly string[] {
  return differences.length === 0 ? ['The model and the kernel agree.'] : differences.map(differenceText);
}
