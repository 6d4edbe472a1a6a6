/** What the test kernel said of the counterexamples, counted. */
import type { Confirmed, Records } from '../../conformance/patched/confirmed.ts';
import { variants } from '../../model/patch/index.ts';
import { properties } from '../../properties/index.ts';
import { readResult } from '../results.ts';
import { table } from './markdown.ts';

/** What a record speaks of that is no more. */
const UNKNOWN = 'unknown';

/** The records with that outcome. */
export function withOutcome(records: Records, outcome: Confirmed['outcome']): readonly Confirmed[] {
  return Object.values(records).filter((one) => one.outcome === outcome);
}

/** Whether the kernel crashed. */
export function isCrash({ seen }: Confirmed): boolean {
  return seen.some((line) => line.includes('oops in '));
}

/** A row for every group of records that occurs. */
function countTable(
  head: string,
  groups: readonly string[],
  records: Records,
  groupOf: (key: string) => string,
): string {
  const occurring = new Set(Object.keys(records).map(groupOf));
  const rows = groups
    .filter((group) => occurring.has(group))
    .map((group) => {
      const mine = Object.fromEntries(Object.entries(records).filter(([key]) => groupOf(key) === group));
      const counts = [
        withOutcome(mine, 'confirmed'),
        Object.values(mine).filter(isCrash),
        withOutcome(mine, 'refuted'),
        withOutcome(mine, 'not expressible'),
      ];
      return [group, ...counts.map(({ length }) => String(length))];
    });
  return table([[head, 'confirmed', 'by a crash', 'refuted', 'not expressible'], ...rows]);
}

/** Counts for every class of promise. */
export function classTable(records: Records): string {
  const classOf = (key: string) => properties.find(({ id }) => id === key.split('/')[0])?.concern ?? UNKNOWN;
  return countTable('class', [...new Set(properties.map(({ concern }) => concern)), UNKNOWN], records, classOf);
}

/** Counts for every variant; those with one fault, and those of other releases, together. */
function variantTable(records: Records): string {
  const oneFault = 'one fault (`-only-`)';
  const others = 'of other releases';
  return countTable('variant', [...variants.map(({ name }) => name), oneFault, others, UNKNOWN], records, (key) => {
    const variant = key.split('/')[1] ?? '';
    if (variant.includes('@')) return others;
    if (/-only-(?!mended)/.test(variant)) return oneFault;
    return variants.some(({ name }) => name === variant) ? variant : UNKNOWN;
  });
}

/** Why records cannot be asked, and how many, the most frequent reason first. */
function reasonsOf(records: Records): readonly (readonly [reason: string, count: number])[] {
  const reasons = withOutcome(records, 'not expressible').map(({ reason }) => reason);
  const count = (reason: string) => reasons.filter((one) => one === reason).length;
  return [...new Set(reasons)].map((reason) => [reason, count(reason)] as const).sort(([, a], [, b]) => b - a);
}

/** What `kernel confirm` recorded, as NOTES.md has it. */
export function confirmationsText(): string {
  const { records, played, seconds, date } = readResult('confirmations');
  const count = (outcome: Confirmed['outcome']) => withOutcome(records, outcome).length;
  const crashed = Object.entries(records)
    .filter(([, record]) => isCrash(record))
    .map(([key, { seen }]) => `- \`${key}\` in \`${/oops in (\w+)/.exec(seen.join('\n'))?.[1]}\``);
  const reasons = reasonsOf(records).map(([reason, times]) => `- ${times}: ${reason}`);
  return `\`reroute-check kernel confirm\`, ${date}: ${count('confirmed')} confirmed, ${crashed.length} of them by a crash, ${count('refuted')} refuted,
${count('not expressible')} not expressible; ${played} were played, in ${seconds} s.

${classTable(records)}

${variantTable(records)}

Crashes:

${crashed.join('\n')}

Not expressible:

${reasons.join('\n')}`;
}

/** A row for every recorded run of random scenarios. */
export function randomTable(): string {
  const rows = readResult('random').runs.map(
    ({ variant, seed, scenarios, packets, crashes, complaints = '-', disagreements, unsteady, seconds, date }) => [
      variant,
      ...[seed, scenarios, packets, crashes, complaints, disagreements, unsteady].map(String),
      `${seconds} s`,
      date,
    ],
  );
  const head = [
    'variant',
    'seed',
    'scenarios',
    'packets',
    'crashes',
    'complaints',
    'disagreements',
    'once',
    'time',
    'date',
  ];
  return table([head, ...rows]);
}
