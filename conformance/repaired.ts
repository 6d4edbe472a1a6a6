/**
 * What `host flows` says is broken, and the remedies that it tells, on the running kernel: random marked hosts send a flow of a
 * broken class before a remedy and after it.
 */
import { release } from 'node:os';
import { type FlowClass, type Flows, flowsOf } from '../flows/classes.ts';
import { eventsOf, type Fate, type Left } from '../flows/play.ts';
import { isBroken, Remedies, type Remedy } from '../flows/remedies.ts';
import { onRelease } from '../model/patch/releases/index.ts';
import { stock } from '../model/patch/stock.ts';
import { formatAddress } from '../scenario/format.ts';
import { readHostList } from '../scenario/host.ts';
import { markedCase } from './marked.ts';
import { kernelSees } from './modelTrace.ts';
import type { Player } from './running/player.ts';
import { releaseOf } from './running/release.ts';

const running = onRelease(stock, releaseOf(release()));

/** A packet as both name it. */
interface First {
  readonly dev: string;
  readonly saddr: string;
}

/** What was said of a flow, and what a kernel sent. */
export interface Asked {
  readonly index: number;
  readonly host: readonly string[];
  /** '' before a remedy. */
  readonly remedy: string;
  readonly commands: readonly string[];
  readonly events: readonly string[];
  readonly said: First;
  readonly seen: First | undefined;
}

export interface Repairs {
  /** Hosts on which something was broken that a remedy repairs, and those that were passed over. */
  readonly hosts: number;
  readonly passed: number;
  /** Remedies that were applied, by name. */
  readonly remedies: Readonly<Record<string, number>>;
  readonly different: readonly Asked[];
}

function firstOf({ dev, saddr }: Left): First {
  return { dev, saddr: formatAddress(saddr) };
}

interface Case {
  readonly flows: Flows;
  readonly broken: FlowClass;
  readonly remedies: readonly Remedy[];
}

/** The first class of the host whose source is wrong and that a remedy repairs; undefined where there is none. */
function caseOf(host: readonly string[]): Case | undefined {
  const flows = flowsOf(readHostList('host', host).net, { kernels: [running], bound: 0 });
  if (!flows.space.complete) return undefined;
  for (const broken of flows.classes) {
    if (!isBroken(broken) || !(broken.fates[0] as Fate).broken.includes('source-fits-route')) continue;
    const remedies = new Remedies(flows).for(broken);
    if (remedies.length > 0) return { flows, broken, remedies };
  }
  return undefined;
}

async function ask(player: Player, one: Omit<Asked, 'seen'>): Promise<Asked> {
  const { packets } = kernelSees(await player.run({ host: [...one.host, ...one.commands], events: one.events }));
  const [packet] = packets;
  return { ...one, seen: packet === undefined ? undefined : { dev: packet.dev, saddr: packet.saddr } };
}

/** Asks of that many random hosts. */
export async function repairs(
  player: Player,
  seed: number,
  hosts: number,
  progress: (done: number) => void = () => {},
): Promise<Repairs> {
  const remedies: Record<string, number> = {};
  const different: Asked[] = [];
  let done = 0;
  let index = 0;
  for (; done < hosts; index++) {
    const { host } = markedCase(seed, index);
    const found = caseOf(host);
    if (found === undefined) continue;
    const { flows, broken } = found;
    const all: Omit<Asked, 'seen'>[] = [
      {
        index,
        host,
        remedy: '',
        commands: [],
        events: eventsOf(flows.net, broken.flow),
        said: firstOf(broken.fates[0]?.first as Left),
      },
      ...found.remedies.map(({ name, commands, flow, fate }) => ({
        index,
        host,
        remedy: name,
        commands,
        events: eventsOf(flows.net, flow),
        said: firstOf(fate.first as Left),
      })),
    ];
    for (const one of all) {
      const asked = await ask(player, one);
      if (one.remedy !== '') remedies[one.remedy] = (remedies[one.remedy] ?? 0) + 1;
      if (asked.seen?.dev !== asked.said.dev || asked.seen.saddr !== asked.said.saddr) different.push(asked);
    }
    progress(++done);
  }
  return { hosts: done, passed: index - done, remedies, different };
}
