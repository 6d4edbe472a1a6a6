/** Random hosts: any flow fares as the class that it is in. */
import { describe, expect, test } from 'vitest';
import { drawMarkedHost } from '../../conformance/marked.ts';
import { AXES, type Axis } from '../../flows/axes.ts';
import { type Flows, FREE, flowsOf, signature } from '../../flows/classes.ts';
import { Fates, type Flow, hostOn } from '../../flows/play.ts';
import { cellsOfFlow } from '../../flows/why.ts';
import { stock } from '../../model/patch/stock.ts';
import { tcpRehash } from '../../model/patch/tcp-rehash.ts';
import type { World } from '../../model/types/world.ts';
import { readHostList } from '../../scenario/host.ts';
import { oneOf, type WordSource, wordsOfSeed } from '../../scenario/random.ts';
import { acceptedCommands } from '../../search/replays.ts';

const HOSTS = 25;
const FLOWS = 40;

const kernels = [stock, tcpRehash];

function hostOf(seed: number): World {
  return readHostList('host', acceptedCommands(stock, drawMarkedHost(wordsOfSeed(seed)))).net;
}

/** Any flow, its values near those that the host asks for. */
function drawFlow(words: WordSource, { space }: Flows): Flow {
  const value = (axis: Axis): number => {
    const { ranges } = oneOf(words, space.cells[axis]);
    const { first, last } = oneOf(words, ranges);
    return first + (words.next() % (last - first + 1));
  };
  const values = Object.fromEntries(AXES.map((axis) => [axis, value(axis)])) as Record<Axis, number>;
  // Where no rule asks for it, a program that binds to a port is a case of its own.
  if (space.cells.sport.length === 1) values.sport = 0;
  return { values, cgroup: '', mark: 0, saddr: 0, dev: '' };
}

describe('random hosts', () => {
  test('a flow fares as its class, each kernel played by itself', () => {
    const alone = kernels.map((kernel) => new Fates([kernel]));
    let asked = 0;
    for (let seed = 0; seed < HOSTS; seed++) {
      const net = hostOf(seed);
      const flows = flowsOf(net, { kernels, bound: 0 });
      const hosts = kernels.map((kernel) => hostOn(kernel, net));
      const words = wordsOfSeed(1000 + seed);
      for (let n = 0; n < FLOWS; n++) {
        const flow = drawFlow(words, flows);
        const cells = cellsOfFlow(flows.space, flow);
        if (!flows.space.sets.has(flows.space.all, cells)) continue;
        const homes = flows.classes.filter(({ set }) => flows.space.sets.has(set, cells));
        expect(homes.length).toBe(1);
        const fates = alone.flatMap((one, at) => one.of([hosts[at] as World], flow));
        expect([seed, flow.values, signature(fates, FREE)]).toEqual([
          seed,
          flow.values,
          signature(homes[0]?.fates ?? [], FREE),
        ]);
        asked++;
      }
    }
    expect(asked).toBeGreaterThan(HOSTS * FLOWS * 0.3);
  });

  test('all flows are in the classes', () => {
    for (let seed = 0; seed < HOSTS; seed++) {
      const { space, classes } = flowsOf(hostOf(seed), { kernels: [stock], bound: 0 });
      const { sets } = space;
      expect(classes.reduce((all, { set }) => sets.or(all, set), sets.none)).toBe(space.all);
      for (const [n, { set }] of classes.entries()) {
        for (const other of classes.slice(0, n)) expect(sets.and(set, other.set)).toBe(sets.none);
      }
    }
  });
});
