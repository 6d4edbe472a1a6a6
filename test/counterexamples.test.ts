/** The committed counterexamples are the product: each still says what it said, and no line of it can be left out. */
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { cellsOf, differences } from '../cli/documents/matrix.ts';
import { counterexampleFiles, counterexamplePath } from '../cli/files.ts';
import { readResult, recordedOn } from '../cli/results.ts';
import { variants } from '../model/patch/index.ts';
import { icmpOnlyMended, tcpRehashMended } from '../model/patch/mended.ts';
import { onRelease, REFERENCE, releases } from '../model/patch/releases/index.ts';
import { singleFaults, withOnly } from '../model/patch/single-faults.ts';
import { faults } from '../model/types/faults.ts';
import { properties } from '../properties/index.ts';
import type { Property } from '../properties/property.ts';
import { firstBroken, play } from '../scenario/play.ts';
import { loadScenario } from '../scenario/scenario.ts';
import { traceLines } from '../scenario/trace.ts';
import { superfluous } from '../search/minimise.ts';
import { breaks } from '../search/replays.ts';
import { findingOf } from '../search/review.ts';

const files = counterexampleFiles();

describe.each(files)('%s', (file) => {
  const stored = loadScenario(file);
  const property = properties.find(({ id }) => id === stored.property);
  const variant = [...variants, ...singleFaults].find(({ name }) => name === stored.variant);
  const release = releases.find((one) => one.release === (stored.release ?? REFERENCE));
  const kernel = variant && release && onRelease(variant, release);

  it('violates its property with exactly its trace and in the words of its finding', () => {
    if (property === undefined || kernel === undefined) throw new Error('names no property or no variant');
    const run = play(kernel, stored.scenario);
    expect(firstBroken(property, run)).toBeGreaterThanOrEqual(0);
    expect(traceLines(run)).toEqual(stored.trace);
    expect(findingOf(property, run)).toBe(stored.finding);
  });

  it('needs each of its commands and events', () => {
    if (property === undefined || kernel === undefined) throw new Error('names no property or no variant');
    const text = { host: stored.host, events: stored.events };
    expect(superfluous(text, (smaller) => breaks(property, kernel, smaller))).toEqual([]);
  });

  it('has at most two mangle rules beside CONNMARK, two links, a tunnel or a VRF, and four events, more where something has to go before', () => {
    const ends = stored.events.some((event) => event.startsWith('close '));
    const cookie = property?.id.startsWith('cookie-');
    expect(stored.events.length).toBeLessThanOrEqual(ends ? 8 : cookie ? 5 : 4);
    const added = stored.host.filter((line) => line.startsWith('ip link add'));
    expect(added.filter((line) => !/ipip|vrf/.test(line)).length).toBeLessThanOrEqual(2);
    expect(added.length).toBeLessThanOrEqual(3);
    expect(stored.host.filter((line) => /-t mangle/.test(line) && !/CONNMARK/.test(line)).length).toBeLessThanOrEqual(
      2,
    );
  });
});

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
});

describe('the recorded results', () => {
  const expected = recordedOn(REFERENCE);
  const solved = readResult('solver').cells.outcomes;

  it('have a counterexample for every violated cell, and for no other', () => {
    const reference = cellsOf(expected).map((cell) => ({ ...cell, release: undefined }));
    const cells = [...reference, ...differences()];
    const wrong = cells.filter(
      ({ property, variant, release, outcome }) =>
        existsSync(counterexamplePath(property, variant, release)) !== (outcome === 'violated'),
    );
    expect(wrong).toEqual([]);
    const matrix = files.filter((file) => !/-only-(?!mended)/.test(file));
    expect(matrix.length).toBe(cells.filter(({ outcome }) => outcome === 'violated').length);
  });

  it('call violated what z3 breaks', () => {
    const broken = cellsOf(solved).filter(({ outcome }) => outcome === 'violated');
    expect(broken.length).toBeGreaterThan(0);
    expect(broken.filter(({ property, variant }) => expected[property]?.[variant] !== 'violated')).toEqual([]);
  });

  it("name every property, every variant and every release: 'reroute-check review --record' records them", () => {
    expect(Object.keys(readResult('matrix').releases).sort()).toEqual(releases.map((one) => one.release).sort());
    for (const { outcomes } of Object.values(readResult('matrix').releases)) {
      expect(Object.keys(outcomes)).toEqual(properties.map(({ id }) => id));
      for (const row of Object.values(outcomes)) expect(Object.keys(row)).toEqual(variants.map(({ name }) => name));
    }
  });
});
