/** With every fault left in, the mended patch is the published one: same packets, same sockets, same crashes. */
import { describe, expect, it } from 'vitest';
import { icmpOnly } from '../../model/patch/icmp-only.ts';
import { mended } from '../../model/patch/mended.ts';
import { tcpRehash } from '../../model/patch/tcp-rehash.ts';
import { EVERY_FAULT } from '../../model/types/faults.ts';
import type { World } from '../../model/types/world.ts';
import { twoUplinks, vrfHosts } from '../../properties/scopes/runs.ts';
import { bootHost, playOn } from '../../scenario/play.ts';
import { commandOf, eventOfLine } from '../../scenario/text.ts';
import { traceLines } from '../../scenario/trace.ts';
import { eventWords, hostWords } from '../../search/bulk.ts';
import { drawEvents, drawHost } from '../../search/generate.ts';
import { acceptedCommands } from '../../search/replays.ts';

const HOSTS = 300;

/** Where and why a world ended; the line of the text is another one. */
function crash(world: World | undefined): unknown {
  return { where: world?.oops.where, why: world?.oops.why };
}

describe.each([
  ['icmp-only', icmpOnly, mended('icmp-only', icmpOnly.title, false, EVERY_FAULT)],
  ['tcp-rehash', tcpRehash, mended('tcp-rehash', tcpRehash.title, true, EVERY_FAULT)],
])('%s', (_, published, switched) => {
  it.each([twoUplinks, vrfHosts])(`does the same on ${HOSTS} hosts of $name`, (scope) => {
    let rerouted = 0;
    for (let h = 0; h < HOSTS; h++) {
      const host = acceptedCommands(published, drawHost(scope, hostWords(7, h)));
      const commands = host.map(commandOf);
      const events = drawEvents(scope, host, eventWords(7, h, 0)).map(eventOfLine);
      const [a, b] = [published, switched].map((kernel) => playOn(kernel, bootHost(kernel, commands), events));
      expect(traceLines(b as never)).toEqual(traceLines(a as never));
      expect(b?.steps.at(-1)?.world.socks).toEqual(a?.steps.at(-1)?.world.socks);
      expect(crash(b?.steps.at(-1)?.world)).toEqual(crash(a?.steps.at(-1)?.world));
      rerouted += a?.steps.some(({ effects }) => effects.some(({ kind }) => kind === 'reroute')) ? 1 : 0;
    }
    expect(rerouted).toBeGreaterThan(HOSTS / 10);
  });
});
