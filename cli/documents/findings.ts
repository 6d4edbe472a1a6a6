/** The findings: a section for every fault of the patch, made from the stored counterexamples. */
import { recordOf } from '../../conformance/patched/confirmed.ts';
import { onRelease, releases } from '../../model/patch/releases/index.ts';
import { versionName, withOnly } from '../../model/patch/single-faults.ts';
import { type Fault, faults } from '../../model/types/faults.ts';
import { properties } from '../../properties/index.ts';
import { GRAVITIES, type Property } from '../../properties/property.ts';
import { firstBroken, play } from '../../scenario/play.ts';
import { type LoadedScenario, loadScenario } from '../../scenario/scenario.ts';
import { rankOf } from '../../search/verdicts.ts';
import { readResult } from '../results.ts';
import { differencesTable } from './matrix.ts';
import { recordedFiles } from './recorded.ts';

export interface Stored {
  readonly file: string;
  readonly scenario: LoadedScenario;
}

/** The stored counterexamples of a fault, that of the second version first. */
export function storedOf(fault: Fault, all: readonly Stored[]): readonly Stored[] {
  return [true, false].flatMap((movesSyn) => {
    const name = withOnly(movesSyn, fault).name;
    return all.filter(({ scenario }) => scenario.variant === name);
  });
}

export function propertyOf({ scenario }: Stored): Property {
  return properties.find(({ id }) => id === scenario.property) as Property;
}

/** Ids of all properties that the scenario breaks on the version with this fault alone. */
export function brokenBy(fault: Fault, movesSyn: boolean, { scenario }: Stored): readonly string[] {
  const run = play(withOnly(movesSyn, fault), scenario.scenario);
  return properties.filter((property) => firstBroken(property, run) >= 0).map(({ id }) => id);
}

/** The releases on which the scenario breaks its property, too. */
export function brokenOn(fault: Fault, movesSyn: boolean, stored: Stored): readonly string[] {
  return releases
    .filter((release) => {
      const run = play(onRelease(withOnly(movesSyn, fault), release), stored.scenario.scenario);
      return firstBroken(propertyOf(stored), run) >= 0;
    })
    .map(({ release }) => release);
}

export function confirmation({ scenario }: Stored): string {
  const record = recordOf(readResult('confirmations').records, scenario);
  if (record === undefined) return 'on the model only, so far';
  const where = `${record.kernel}, ${record.date}`;
  if (record.outcome === 'not expressible') return `not on the test kernel (${where}): ${record.reason}`;
  if (record.outcome === 'refuted') return `no, refuted (${where}): ${record.reason}`;
  return `on a real kernel with this fault alone (${where})`;
}

function section(fault: Fault, number: number, all: readonly Stored[]): string {
  const [first, ...others] = storedOf(fault, all);
  const title = `## ${number}. ${fault.id}`;
  if (first === undefined) return `${title}\n\n${fault.cause}\n\nNo scenario was found in which this matters.\n`;
  const { file, scenario } = first;
  const movesSyn = scenario.variant === withOnly(true, fault).name;
  const { claim, asked } = propertyOf(first);
  const also = brokenBy(fault, movesSyn, first).filter((id) => id !== scenario.property);
  return `${title}

**${scenario.finding}**

${fault.cause}

- In: ${fault.inFirst ? 'both versions' : 'version 2'}; on Linux ${brokenOn(fault, movesSyn, first).join(', ')}.
- Contract: ${claim} (\`${scenario.property}\`; ${asked.join('; ')})
- The same scenario also breaks: ${also.length === 0 ? 'nothing else' : also.map((id) => `\`${id}\``).join(', ')}.
- Mended by: ${fault.repair}; the scenario then keeps the promise.
- Confirmed: ${confirmation(first)}.
- Counterexample: \`${file}\`${others.map((other) => `, \`${other.file}\``).join('')}; found with \`${scenario.found?.command ?? ''}\`.

\`\`\`
${[...scenario.host, ...scenario.events, ...(scenario.trace ?? []).map((line) => `# ${line}`)].join('\n')}
\`\`\`
`;
}

/** How grave the promise is that the fault breaks; those without a counterexample come last. */
function rankIn(fault: Fault, all: readonly Stored[]): number {
  const [first] = storedOf(fault, all);
  return first === undefined ? GRAVITIES.length : rankOf(propertyOf(first));
}

/** All faults, the gravest first; the place of one is its number. */
function sortedFaults(all: readonly Stored[]): readonly Fault[] {
  return faults.toSorted((a, b) => rankIn(a, all) - rankIn(b, all));
}

/** The sections of these faults. */
export function someFindings(some: readonly Fault[]): string {
  const all = recordedFiles().map((file): Stored => ({ file, scenario: loadScenario(file) }));
  const sorted = sortedFaults(all);
  return some.map((fault) => section(fault, sorted.indexOf(fault) + 1, all)).join('\n');
}

/** FINDINGS.md. */
export function findingsText(): string {
  const all = recordedFiles().map((file): Stored => ({ file, scenario: loadScenario(file) }));
  const found = faults.filter((fault) => storedOf(fault, all).length > 0);
  const sorted = sortedFaults(all);
  const mended = [false, true].map((movesSyn) => {
    const name = `${versionName(movesSyn)}-mended`;
    const left = all.filter(({ scenario }) => scenario.variant === name && scenario.release === undefined);
    return left.map(({ file, scenario }) => `- ${name}: ${scenario.finding} (\`${scenario.property}\`, \`${file}\`)`);
  });
  const elsewhere = all
    .filter(({ scenario }) => scenario.release !== undefined)
    .map(
      ({ file, scenario }) =>
        `- ${scenario.variant} on Linux ${scenario.release}: ${scenario.finding} (\`${scenario.property}\`, \`${file}\`)`,
    );
  return `# Findings

Generated by \`reroute-check findings -o FINDINGS.md\` from \`counterexamples/\`.

${found.length} independent faults. Each was found by the search, not by a script, on the version of the patch in which it alone is
left and all others are mended (\`model/patch/mended.ts\`), so that none hides or causes another; each counterexample is
1-minimal, and keeps the promise once that fault is mended, too.

The gravest come first.

${sorted.map((fault, at) => section(fault, at + 1, all)).join('\n')}
## What remains when every fault is mended

The design itself: sockets that are connected, or bound by their first lookup, keep their source, and what the stock
kernel's second lookup forgets stays forgotten.

${mended.flat().join('\n')}

## On other releases

\`reroute-check review --release 4.1\` and \`--release 6.18\` give the same outcomes but for these cells. Undecided means that
the case does not occur: rules of 4.1 have neither ports nor users, and it has no VRFs.

${differencesTable()}

${elsewhere.join('\n')}
`;
}
