/** The committed counterexamples are the product: each still says what it said, and no line of it can be left out. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { counterexamplePath } from '../cli/files.ts';
import { findingsText } from '../cli/findings.ts';
import { counterexampleFiles } from '../cli/list.ts';
import { differencesTable, matrixTable } from '../cli/recorded.ts';
import { variants } from '../model/patch/index.ts';
import { icmpOnlyMended, tcpRehashMended } from '../model/patch/mended.ts';
import { onRelease, REFERENCE, releases } from '../model/patch/releases/index.ts';
import { singleFaults, withOnly } from '../model/patch/single-faults.ts';
import { faults } from '../model/types/faults.ts';
import { DIFFERENCES, expected } from '../properties/expected.ts';
import { properties } from '../properties/index.ts';
import type { Property } from '../properties/property.ts';
import { solved } from '../properties/solved.ts';
import { firstBroken, play } from '../scenario/play.ts';
import { loadScenario } from '../scenario/scenario.ts';
import { traceLines } from '../scenario/trace.ts';
import { superfluous } from '../search/minimise.ts';
import { breaks } from '../search/replays.ts';

const files = counterexampleFiles();

describe.each(files)('%s', (file) => {
  const stored = loadScenario(file);
  const property = properties.find(({ id }) => id === stored.property);
  const variant = [...variants, ...singleFaults].find(({ name }) => name === stored.variant);
  const release = releases.find((one) => one.release === (stored.release ?? REFERENCE));
  const kernel = variant && release && onRelease(variant, release);

  it('violates its property with exactly its trace', () => {
    if (property === undefined || kernel === undefined) throw new Error('names no property or no variant');
    const run = play(kernel, stored.scenario);
    expect(firstBroken(property, run)).toBeGreaterThanOrEqual(0);
    expect(traceLines(run)).toEqual(stored.trace);
  });

  it('needs each of its commands and events', () => {
    if (property === undefined || kernel === undefined) throw new Error('names no property or no variant');
    const text = { host: stored.host, events: stored.events };
    expect(superfluous(text, (smaller) => breaks(property, kernel, smaller))).toEqual([]);
  });

  it('has at most two mark rules, two links, a tunnel or a VRF, and four events, more where something has to go before', () => {
    const ends = stored.events.some((event) => event.startsWith('close '));
    const cookie = property?.id.startsWith('cookie-');
    expect(stored.events.length).toBeLessThanOrEqual(ends ? 8 : cookie ? 5 : 4);
    const added = stored.host.filter((line) => line.startsWith('ip link add'));
    expect(added.filter((line) => !/ipip|vrf/.test(line)).length).toBeLessThanOrEqual(2);
    expect(added.length).toBeLessThanOrEqual(3);
    expect(stored.host.filter((line) => line.includes('-t mangle')).length).toBeLessThanOrEqual(2);
  });
});

interface RecordedCell {
  readonly id: string;
  readonly name: string;
  readonly outcome: string;
  readonly release?: string;
}

function cellsOf(rows: Readonly<Record<string, Readonly<Record<string, string>>>>): readonly RecordedCell[] {
  return Object.entries(rows).flatMap(([id, row]) =>
    Object.entries(row).map(([name, outcome]) => ({ id, name, outcome })),
  );
}

describe('the faults of the patch', () => {
  const stored = files.map((file) => ({ ...loadScenario(file), file }));

  it.each(faults)('$id has a counterexample on every version that has it, which ends once it is mended', (fault) => {
    for (const movesSyn of fault.inFirst ? [false, true] : [true]) {
      const kernel = withOnly(movesSyn, fault);
      const mended = movesSyn ? tcpRehashMended : icmpOnlyMended;
      const own = stored.filter(({ variant }) => variant === kernel.name);
      expect(own.map(({ file }) => file)).toHaveLength(1);
      for (const { property: id, scenario } of own) {
        const property = properties.find((one) => one.id === id) as Property;
        expect(firstBroken(property, play(mended, scenario))).toBe(-1);
      }
    }
  });

  it('are described in FINDINGS.md as it is generated', () => {
    expect(readFileSync('FINDINGS.md', 'utf8')).toBe(findingsText());
  });
});

describe('the recorded results', () => {
  it('have a counterexample for every violated cell, and for no other', () => {
    const reference = cellsOf(expected);
    const others = Object.entries(DIFFERENCES).flatMap(([release, rows]) =>
      cellsOf(rows).map((cell) => ({ ...cell, release })),
    );
    const cells = [...reference, ...others];
    const wrong = cells.filter(
      ({ id, name, release, outcome }) =>
        existsSync(counterexamplePath(id, name, release)) !== (outcome === 'violated'),
    );
    expect(wrong).toEqual([]);
    const matrix = files.filter((file) => !/-only-(?!mended)/.test(file));
    expect(matrix.length).toBe(cells.filter(({ outcome }) => outcome === 'violated').length);
  });

  it('stand in the README as they are', () => {
    const readme = readFileSync('README.md', 'utf8');
    expect(/<!-- matrix -->\n([\s\S]*?)\n<!-- \/matrix -->/.exec(readme)?.[1]?.trim()).toBe(matrixTable());
  });

  it('on other releases stand in the README as they are', () => {
    const cells = (text: string) => text.replace(/[ -]+/g, ' ');
    expect(cells(readFileSync('README.md', 'utf8'))).toContain(cells(differencesTable()));
  });

  it('on other releases are listed where they differ from the reference', () => {
    for (const [release, rows] of Object.entries(DIFFERENCES)) {
      expect(releases.map((one) => one.release)).toContain(release);
      for (const { id, name, outcome } of cellsOf(rows)) expect(outcome).not.toBe(expected[id]?.[name]);
    }
  });

  it('call violated what z3 breaks', () => {
    const broken = cellsOf(solved).filter(({ outcome }) => outcome === 'violated');
    expect(broken.length).toBeGreaterThan(0);
    expect(broken.filter(({ id, name }) => expected[id]?.[name] !== 'violated')).toEqual([]);
  });

  it('name every property and every variant', () => {
    expect(Object.keys(expected)).toEqual(properties.map(({ id }) => id));
    for (const row of Object.values(expected)) expect(Object.keys(row)).toEqual(variants.map(({ name }) => name));
  });
});
