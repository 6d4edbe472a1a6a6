/** What the search exercises: owners of packets, transitions of a socket's life, branches of the patch, releases. */
import { setImmediate } from 'node:timers/promises';
import { icmpOnly } from '../../model/patch/icmp-only.ts';
import { variants } from '../../model/patch/index.ts';
import { mended } from '../../model/patch/mended.ts';
import { onRelease, REFERENCE, releases } from '../../model/patch/releases/index.ts';
import { versionName } from '../../model/patch/single-faults.ts';
import { tcpRehash } from '../../model/patch/tcp-rehash.ts';
import { EVERY_FAULT } from '../../model/types/faults.ts';
import { getSock } from '../../model/types/lookup.ts';
import type { Kernel, World } from '../../model/types/world.ts';
import { properties } from '../../properties/index.ts';
import type { Property, Run } from '../../properties/property.ts';
import { type RunScope, runScopes } from '../../properties/scopes/runs.ts';
import { ownerWord } from '../../properties/sentences.ts';
import { LIFE, type LifeState, stateOf } from '../../scenario/life.ts';
import { occurs, playOn } from '../../scenario/play.ts';
import { eventOfLine } from '../../scenario/text.ts';
import { drawBooted, eventsPerHost, eventWords } from '../../search/bulk.ts';
import { drawEvents } from '../../search/generate.ts';
import { branchText, sites, takenSince } from './branches.ts';

/** What runs in which a property's case occurred have exercised. */
export interface Exercised {
  readonly property: string;
  readonly runs: number;
  readonly owners: readonly string[];
  /** How many transitions of sockets, and how many branches. */
  readonly transitions: number;
  readonly branches: number;
  readonly releases: readonly string[];
}

export interface Coverage {
  readonly properties: readonly Exercised[];
  /** Kinds of owner that a packet can have, and branches of the instrumented functions. */
  readonly owners: readonly string[];
  readonly branches: number;
  /** What nothing exercised. */
  readonly gaps: readonly string[];
}

/** Kinds of owner that a packet can have, as findings name them. */
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

interface Counter {
  readonly property: Property;
  runs: number;
  readonly owners: Set<string>;
  readonly transitions: Set<string>;
  readonly branches: Set<number>;
  readonly releases: Set<string>;
}

/** Owners of the packets that a run takes to the mangle hook of LOCAL_OUT. */
function ownersOf(run: Run): readonly string[] {
  return run.steps.flatMap(({ effects, world }, i) => {
    const before = i === 0 ? run.boot : (run.steps[i - 1]?.world as World);
    return effects.flatMap((e) => {
      if (e.kind !== 'mangled') return [];
      const after = getSock(world, e.skb.sk);
      return [ownerWord((after.id === 0 ? getSock(before, e.skb.sk) : after).kind)];
    });
  });
}

/** `tcp SYN_SENT answer`: what happened to a socket in a state, for every socket that an event names or changes. */
function transitionsOf(run: Run): readonly string[] {
  return run.steps.flatMap(({ world }, i) => {
    const before = i === 0 ? run.boot : (run.steps[i - 1]?.world as World);
    const event = run.events[i] as Run['events'][number];
    const named = 's' in event ? event.s : '';
    return world.socks.flatMap((sk) => {
      const old = getSock(before, sk.id);
      const from: LifeState = old.id === 0 ? 'none' : stateOf(old);
      const to = stateOf(sk);
      const touched = sk.name !== '' && (sk.name === named || from !== to);
      return touched ? [`${from} --${event.kind}--> ${to}`] : [];
    });
  });
}

/** Plays `runs` scenarios of every scope, fewer when it is stopped, and asks each property whether its case occurs. */
export async function measureCoverage(seed: number, runs: number, stop?: AbortSignal): Promise<Coverage> {
  const counters = properties.map(
    (property): Counter => ({
      property,
      runs: 0,
      owners: new Set(),
      transitions: new Set(),
      branches: new Set(),
      releases: new Set(),
    }),
  );
  const others = releases.filter(({ release }) => release !== REFERENCE);
  const kernels = [
    ...variants,
    ...[false, true].map((movesSyn) => mended(`${versionName(movesSyn)}-switched`, '', movesSyn, EVERY_FAULT)),
    ...others.flatMap((release) => [icmpOnly, tcpRehash].map((kernel) => onRelease(kernel, release))),
  ];
  for (const scope of runScopes) {
    await playScope({ scope, kernels, seed, runs, stop }, (run, kernel, branches) => {
      for (const one of counters) {
        if (!occurs(one.property, run)) continue;
        one.runs++;
        for (const owner of ownersOf(run)) one.owners.add(owner);
        for (const transition of transitionsOf(run)) one.transitions.add(transition);
        for (const branch of branches) one.branches.add(branch);
        one.releases.add(kernel.release);
      }
    });
  }
  return {
    properties: counters.map(({ property, ...one }) => ({
      property: property.id,
      runs: one.runs,
      owners: OWNERS.filter((owner) => one.owners.has(owner)),
      transitions: one.transitions.size,
      branches: one.branches.size,
      releases: [...one.releases].sort(),
    })),
    owners: OWNERS,
    branches: sites.length * 2,
    gaps: gapsOf(counters),
  };
}

/** Owners, states and branches that no property's case has met. */
function gapsOf(counters: readonly Counter[]): readonly string[] {
  const owners = new Set(counters.flatMap((one) => [...one.owners]));
  const left = new Set(counters.flatMap((one) => [...one.transitions].map((text) => text.replace(/ --.*--> .*/, ''))));
  const taken = new Set(counters.flatMap((one) => [...one.branches]));
  const states = new Set(LIFE.map(({ fromState }) => fromState));
  const branches = Array.from({ length: sites.length * 2 }, (_, branch) => branch);
  return [
    ...OWNERS.filter((owner) => !owners.has(owner)).map((owner) => `owner: ${owner}`),
    ...[...states].filter((state) => !left.has(state)).map((state) => `state that nothing leaves: ${state}`),
    ...branches.filter((branch) => !taken.has(branch)).map((branch) => `branch: ${branchText(branch)}`),
  ];
}

interface Playing {
  readonly scope: RunScope;
  readonly kernels: readonly Kernel[];
  readonly seed: number;
  readonly runs: number;
  readonly stop: AbortSignal | undefined;
}

async function playScope(
  { scope, kernels, seed, runs, stop }: Playing,
  note: (run: Run, kernel: Kernel, branches: readonly number[]) => void,
): Promise<void> {
  for (let n = 0, h = 0; n < runs && !stop?.aborted; h++) {
    await setImmediate();
    const { host, booted } = drawBooted(scope, seed, h, kernels);
    for (let e = 0; e < eventsPerHost && n < runs; e++, n++) {
      const events = drawEvents(scope, host, eventWords(seed, h, e)).map(eventOfLine);
      kernels.forEach((kernel, k) => {
        takenSince();
        const run = playOn(kernel, booted[k] as World, events);
        note(run, kernel, takenSince());
      });
    }
  }
}
