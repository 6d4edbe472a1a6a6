/** The committed counterexamples are the product: each still says what it said, and no line of it can be left out. */
import { describe, expect, it } from 'vitest';
import { cellsOf } from '../cli/documents/matrix.ts';
import { counterexampleFiles } from '../cli/files.ts';
import { readResult, recordedOn, worseOn } from '../cli/results.ts';
import { storedFor } from '../cli/verbs/review.ts';
import { kernelNamed, variants } from '../model/patch/index.ts';
import { icmpOnlyMended, tcpRehashMended } from '../model/patch/mended.ts';
import { onRelease, REFERENCE, releases } from '../model/patch/releases/index.ts';
import { singleFaults, withOnly } from '../model/patch/single-faults.ts';
import { faults } from '../model/types/faults.ts';
import type { Kernel } from '../model/types/world.ts';
import { properties } from '../properties/index.ts';
import type { Property } from '../properties/property.ts';
import { firstBroken, isComparable, isKept, occurs, play } from '../scenario/play.ts';
import { loadScenario } from '../scenario/scenario.ts';
import { traceLines } from '../scenario/trace.ts';
import { findingOf } from '../search/counterexample.ts';
import { superfluous } from '../search/minimise.ts';
import { breaks } from '../search/replays.ts';
import { failing, isStock, isWorse, stockOf } from '../search/worse.ts';

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

  it('says what stock of its release does with the promise', () => {
    if (property === undefined || kernel === undefined) throw new Error('names no property or no variant');
    const run = play(stockOf(kernel), stored.scenario);
    const seen = { occurs: occurs(property, run), broken: firstBroken(property, run) >= 0 };
    const onStock = isKept(property, seen) ? 'keeps' : 'breaks';
    const own = play(kernel, stored.scenario);
    expect(
      isStock(kernel) || onStock === 'breaks' || isComparable(property, own, run, firstBroken(property, own)),
    ).toBe(true);
    expect(stored.stock).toBe(isStock(kernel) ? undefined : onStock);
  });

  it('needs each of its commands and events', () => {
    if (property === undefined || kernel === undefined) throw new Error('names no property or no variant');
    const text = { host: stored.host, events: stored.events };
    expect(superfluous(text, failing(property, kernel, stored.stock === 'keeps'))).toEqual([]);
  });

  it('has at most two mangle rules beside CONNMARK, two links, a tunnel or a VRF, and six events, nine where something ends', () => {
    const ends = stored.events.some((event) => event.startsWith('close ') || event.endsWith(' tcp R'));
    expect(stored.events.length).toBeLessThanOrEqual(ends ? 9 : 6);
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

  it.each(releases)('on $release: a counterexample shows what is recorded of every violated cell', (release) => {
    const on = release.release === REFERENCE ? undefined : release.release;
    const wrong = cellsOf(recordedOn(release.release)).filter(({ property: id, variant: name, outcome }) => {
      const property = properties.find((one) => one.id === id) as Property;
      const kernel = onRelease(variants.find((one) => one.name === name) as Kernel, release);
      const worse = worseOn(release.release)[id]?.includes(name) === true;
      const stored = storedFor(id, name, on);
      if (outcome !== 'violated') return stored !== undefined && breaks(property, kernel, stored);
      return stored === undefined || !breaks(property, kernel, stored) || isWorse(property, kernel, stored) !== worse;
    });
    expect(wrong).toEqual([]);
  });

  it('on other releases: no counterexample is kept where that of the reference shows the same', () => {
    const needless = files.filter((file) => {
      const { property: id = '', variant: name = '', release } = loadScenario(file);
      const reference = release === undefined ? undefined : storedFor(id, name, undefined);
      if (reference === undefined) return false;
      const kernel = kernelNamed(name, release) as Kernel;
      const property = properties.find((one) => one.id === id) as Property;
      const worse = worseOn(release as string)[id]?.includes(name) === true;
      return breaks(property, kernel, reference) && isWorse(property, kernel, reference) === worse;
    });
    expect(needless).toEqual([]);
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
