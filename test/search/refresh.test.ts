/** When a socket's cached route and flow are refreshed, and that the search gets there: each cause occurs in the scope for it. */
import { describe, expect, it } from 'vitest';
import { stock } from '../../model/patch/stock.ts';
import { tcpRehash } from '../../model/patch/tcp-rehash.ts';
import { getSock } from '../../model/types/lookup.ts';
import type { Step, World } from '../../model/types/world.ts';
import { silentPeers } from '../../properties/scopes/runs.ts';
import { bootHost, playOn } from '../../scenario/play.ts';
import { commandOf, eventOfLine } from '../../scenario/text.ts';
import { eventWords, hostWords } from '../../search/bulk.ts';
import { drawEvents, drawHost } from '../../search/generate.ts';
import { acceptedCommands } from '../../search/replays.ts';

const HOSTS = 150;
const SEQUENCES = 4;

/** What happened to the cached route of a socket in a step, '' for nothing; each later firing of the timer drops it again. */
function refreshOf(before: World, { world: after, effects }: Step, id: number): string {
  const then = getSock(before, id).sk_dst_cache;
  const now = getSock(after, id).sk_dst_cache;
  if (then.dev !== 0 && now.dev !== 0 && then.rt_genid !== now.rt_genid)
    return 'looked up again after a change of routes';
  if (then.dev !== 0 && now.dev === 0 && getSock(after, id).retransmits > 0) return 'dropped by the timer';
  const sent = effects.some((e) => e.kind === 'xmit' && e.skb.sk === id);
  if (then.dev === 0 && sent && getSock(before, id).retransmits > 0) return 'looked up again for the next copy';
  return '';
}

describe.each([stock, tcpRehash])('$name', (kernel) => {
  it('drops and refreshes cached routes for each reason', () => {
    const seen = new Map<string, number>();
    for (let h = 0; h < HOSTS; h++) {
      const host = acceptedCommands(kernel, drawHost(silentPeers, hostWords(1, h)));
      const booted = bootHost(kernel, host.map(commandOf));
      for (let e = 0; e < SEQUENCES; e++) {
        const { steps } = playOn(kernel, booted, drawEvents(silentPeers, host, eventWords(1, h, e)).map(eventOfLine));
        let before = booted;
        for (const step of steps) {
          const { world } = step;
          for (const { id } of world.socks) {
            const cause = refreshOf(before, step, id);
            seen.set(cause, (seen.get(cause) ?? 0) + 1);
          }
          before = world;
        }
      }
    }
    for (const cause of [
      'looked up again after a change of routes',
      'dropped by the timer',
      'looked up again for the next copy',
    ])
      expect(seen.get(cause) ?? 0, cause).toBeGreaterThan(0);
  });
});
