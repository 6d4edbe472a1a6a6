/**
 * What a search draws, one JSON line a scenario, in the form of Hypothesis' observability, which Tyche draws as distributions.
 *
 * The scenarios are fast-check's own of that seed, drawn again; a search of many runs draws them by a faster way.
 */
import fc from 'fast-check';
import type { Kernel } from '../model/types/world.ts';
import type { Property } from '../properties/property.ts';
import { firstBroken, legalRun, occurs } from '../scenario/play.ts';
import type { Text } from '../scenario/text.ts';
import { decode, wordLists } from '../search/fastCheck.ts';

/** Numbers and names of a scenario whose distribution tells something. */
function featuresOf({ host, events }: Text): Record<string, number | string> {
  const count = (lines: readonly string[], begin: string) => lines.filter((line) => line.startsWith(begin)).length;
  const kinds = events.flatMap((line) => /^socket \S+ (\S+)/.exec(line)?.[1] ?? []);
  return {
    commands: host.length,
    links: count(host, 'ip link add'),
    rules: count(host, 'ip rule add'),
    'mangle rules': host.filter((line) => line.includes('-t mangle')).length,
    events: events.length,
    sockets: kinds.length,
    'kind of socket': [...new Set(kinds)].sort().join('+') || 'none',
    sends: count(events, 'send '),
    arrivals: count(events, 'receive '),
  };
}

function observation(property: Property, kernel: Kernel, text: Text, start: number): object {
  const began = performance.now();
  const run = legalRun(kernel, text);
  const at = run === undefined ? -1 : firstBroken(property, run);
  const status = run === undefined ? 'gave_up' : at >= 0 ? 'failed' : 'passed';
  return {
    type: 'test_case',
    run_start: start,
    property: `${property.id} on ${kernel.name}`,
    status,
    status_reason: run === undefined ? 'no legal scenario' : at >= 0 ? `broken at events[${at}]` : '',
    representation: [...text.host, ...text.events].join('\n'),
    arguments: { host: text.host, events: text.events },
    how_generated: `fast-check, scope ${property.scope.name}`,
    features: { ...featuresOf(text), 'case occurs': run !== undefined && occurs(property, run) ? 'yes' : 'no' },
    coverage: null,
    timing: { execute: (performance.now() - began) / 1000 },
    metadata: {},
  };
}

/** The observations of a property on a kernel, as lines. */
export function observations(property: Property, kernel: Kernel, runs: number, seed: number): string[] {
  const start = Date.now() / 1000;
  return fc
    .sample(wordLists, { numRuns: runs, seed })
    .map((words) => JSON.stringify(observation(property, kernel, decode(property.scope, kernel, words), start)));
}
