/** The coverage report: a row a property, then what nothing exercised, each gap with its reason. */
import { LIFE } from '../../scenario/life.ts';
import { branchText, sites } from './branches.ts';
import { reasonOf } from './gaps.ts';
import type { Exercised } from './measure.ts';

/** Kinds of owner that a packet can have, as the report names them. */
const OWNERS = [
  'no socket',
  'a TCP socket',
  'a request socket',
  'a time-wait socket',
  'a UDP socket',
  'a raw socket',
  'a ping socket',
  "the kernel's control socket",
];

export interface CoverageReport {
  readonly text: string;
  /** Gaps without a reason. */
  readonly unexplained: readonly string[];
}

function table(rows: readonly (readonly string[])[]): string {
  return rows.map((row) => `| ${row.join(' | ')} |`).join('\n');
}

/** Reports what was exercised; `command` repeats it. */
export function coverageReport(exercised: readonly Exercised[], command: string): CoverageReport {
  const branches = sites.length * 2;
  const rows = exercised.map(({ property, runs, owners, transitions, branches: taken, releases }) => [
    property,
    runs.toLocaleString('en'),
    `${owners.size} of ${OWNERS.length}`,
    String(transitions.size),
    `${taken.size} of ${branches}`,
    [...releases].sort().join(', '),
  ]);
  const union = <T>(pick: (one: Exercised) => ReadonlySet<T>) => new Set(exercised.flatMap((one) => [...pick(one)]));
  const owners = union((one) => one.owners);
  const transitions = [...union((one) => one.transitions)].map((text) => text.replace(/ --.*--> .*/, ''));
  const taken = union((one) => one.branches);
  const gaps = [
    ...OWNERS.filter((owner) => !owners.has(owner)).map((owner) => `owner: ${owner}`),
    ...[...new Set(LIFE.map(({ fromState }) => fromState))]
      .filter((state) => !transitions.includes(state))
      .map((state) => `state that nothing leaves: ${state}`),
    ...Array.from({ length: branches }, (_, n) => n)
      .filter((branch) => !taken.has(branch))
      .map((branch) => `branch: ${branchText(branch)}`),
  ];
  const perProperty = exercised.map(({ property, owners: seen }) => {
    const missing = OWNERS.filter((owner) => !seen.has(owner));
    return `- \`${property}\`: ${missing.length === 0 ? 'none missing' : `not ${missing.join(', ')}`}`;
  });
  const unexplained = gaps.filter((gap) => reasonOf(gap) === '');
  const text = `# What the search exercises

\`${command}\`

Counted are runs in which the case of a property occurs: the owners of the packets that reach the mangle hook, the
transitions that sockets make, the branches of the patched functions and of the stock kernel's second lookup, and the
releases.

${table([['property', 'runs', 'owners', 'transitions', 'branches', 'releases'], ['---', '---:', '---:', '---:', '---:', '---'], ...rows])}

## Owners, property by property

${perProperty.join('\n')}

## What nothing exercised

${gaps.length === 0 ? 'Nothing is left out.' : gaps.map((gap) => `- ${gap}: ${reasonOf(gap) || '**no reason known**'}`).join('\n')}
`;
  return { text, unexplained };
}
