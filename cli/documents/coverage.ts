/** The coverage report: a row a property, then what nothing exercised, each gap with its reason. */

import type { Results } from '../results.ts';
import { reasonOf } from './gaps.ts';
import { table } from './markdown.ts';

type Coverage = Results['coverage'];

/** Gaps without a reason. */
export function unexplained({ gaps }: Pick<Coverage, 'gaps'>): readonly string[] {
  return gaps.filter((gap) => reasonOf(gap) === '');
}

/** COVERAGE.md. */
export function coverageText({ command, properties, owners, branches, gaps }: Coverage): string {
  const rows = properties.map((one) => [
    one.property,
    one.runs.toLocaleString('en'),
    `${one.owners.length} of ${owners.length}`,
    String(one.transitions),
    `${one.branches} of ${branches}`,
    one.releases.join(', '),
  ]);
  const perProperty = properties.map((one) => {
    const missing = owners.filter((owner) => !one.owners.includes(owner));
    return `- \`${one.property}\`: ${missing.length === 0 ? 'none missing' : `not ${missing.join(', ')}`}`;
  });
  return `# What the search exercises

Recorded by \`${command} --record\`.

Counted are runs in which the case of a property occurs: the owners of the packets that reach the mangle hook, the
transitions that sockets make, the branches of the patched functions and of the stock kernel's second lookup, and the
releases.

${table([['property', 'runs', 'owners', 'transitions', 'branches', 'releases'], ...rows])}

## Owners, property by property

${perProperty.join('\n')}

## What nothing exercised

${gaps.length === 0 ? 'Nothing is left out.' : gaps.map((gap) => `- ${gap}: ${reasonOf(gap) || '**no reason known**'}`).join('\n')}
`;
}
