/** What netfilter asks of a hook function, and what everybody asks of a packet's end. */

import { dev_get_by_index } from '../model/kernel/net/core/dev.ts';
import { NF_ACCEPT, NF_DROP, NF_STOP } from '../model/types/verdict.ts';
import type { Effect } from '../model/types/world.ts';
import { asking, keptOut, lastSent, reaches } from './answers.ts';
import { everyDeparture } from './every.ts';
import { worldAfter } from './packets.ts';
import { at, effectsOf, everyStep, OF_STEPS, type Property, worldBefore } from './property.ts';
import { owners, steadyMarks } from './scopes/runs.ts';
import { departure } from './sentences.ts';
import { ownOf, routedTo } from './tunnels.ts';

export const netfilterProperties: readonly Property[] = [
  everyStep({
    id: 'verdict-legal',
    concern: 'netfilter',
    gravity: 'books',
    claim: 'A hook function returns a verdict that netfilter knows.',
    asked: ['include/uapi/linux/netfilter.h: NF_DROP to NF_STOP, errno and queue number in the high half'],
    onStock: '',
    scope: steadyMarks,
    asksOf: ['verdict'],
    holds(run, i) {
      let ok = true;
      for (const e of effectsOf(run, i)) ok = ok && (e.kind !== 'verdict' || legal(e.verdict));
      return ok;
    },
    sometimes(run, i) {
      let seen = false;
      for (const e of effectsOf(run, i)) seen = seen || (e.kind === 'verdict' && e.verdict !== NF_ACCEPT);
      return seen;
    },
    finding(run, i) {
      let first = NF_ACCEPT;
      for (const e of effectsOf(run, i)) first = legal(first) && e.kind === 'verdict' ? e.verdict : first;
      return `the hook returns ${first}, an errno, where netfilter expects a verdict`;
    },
  }),

  everyStep({
    id: 'packet-consumed-once',
    concern: 'netfilter',
    gravity: 'books',
    claim: 'Every packet is sent, delivered or freed, exactly once.',
    asked: [
      'nf_hook_slow(): the caller frees on NF_DROP, the hook owns it on NF_STOLEN',
      'skbs are reference counted objects with one owner',
    ],
    onStock: '',
    scope: steadyMarks,
    asksOf: ['alloc', 'verdict'],
    holds(run, i) {
      if (at(run, i).world.oops.where !== '') return true;
      let ok = true;
      for (const e of effectsOf(run, i)) ok = ok && (e.kind !== 'alloc' || ends(effectsOf(run, i), e.skb.id) === 1);
      return ok;
    },
    sometimes(run, i) {
      let seen = false;
      for (const e of effectsOf(run, i)) seen = seen || (e.kind === 'verdict' && (e.verdict & 0xff) === NF_DROP);
      return seen;
    },
    finding: () => 'a packet is neither sent nor freed',
  }),

  everyStep({
    id: 'answer-reaches-sender',
    concern: 'netfilter',
    gravity: 'dead connection',
    claim: 'A correct peer answers what a socket sent, and its answer reaches that socket.',
    asked: ['RFC 9293 section 3.10.7', 'RFC 1122 section 3.2.2.6', 'socket(7)'],
    onStock: 'a VRF without an address gives a packet its source behind its checksums: vrf_process_v4_outbound()',
    scope: steadyMarks,
    asksOf: ['answer'],
    holds(run, i) {
      const sk = asking(run, i);
      return sk.id === 0 || reaches(run, i, sk) || keptOut(run, i, lastSent(worldBefore(run, i), sk.id));
    },
    sometimes: (run, i) => asking(run, i).id !== 0,
    finding: (run, i) => `what socket ${asking(run, i).name} sent gets no answer that reaches it`,
  }),

  {
    ...everyDeparture({
      id: 'tunnel-does-not-loop',
      concern: 'netfilter',
      gravity: 'lost packet',
      claim: "A tunnel's outer packet does not enter that tunnel again, unless the operator's routes lead there.",
      asked: ['RFC 2003 section 3.2: routing loops within a tunnel', 'ip_tunnel_xmit(): collisions'],
      onStock: 'before 5.10 ip_route_me_harder() itself asked the socket of the inner packet for its device',
      scope: owners,
      speaksOf: (run, i, { dev, skb }) => ownOf(dev_get_by_index(worldAfter(run, i), dev), skb),
      holds: (run, i, { dev, skb }) => routedTo(worldAfter(run, i), skb, dev),
      finding: (run, i) => `the outer packet of a tunnel is routed into the tunnel again: ${departure(run, i)}`,
    }),
    // Where the promise is kept, no such packet leaves: what shows its case is the second lookup.
    asksOf: ['xmit', 'reroute'],
    each: OF_STEPS,
    sometimes(run, i) {
      let seen = false;
      for (const e of effectsOf(run, i))
        seen = seen || (e.kind === 'reroute' && e.err === 0 && e.before.encapsulated > 0);
      return seen;
    },
  },
];

/** Whether a verdict word is one that nf_hook_slow() knows: a verdict in the low byte, a plausible errno above NF_DROP. */
function legal(verdict: number): boolean {
  const low = verdict & 0xff;
  const high = verdict >>> 16;
  return low <= NF_STOP && (verdict & 0xff00) === 0 && (low === NF_DROP ? high < 4096 : true);
}

/** How often packet `id` came to an end in a list of effects. */
function ends(effects: readonly Effect[], id: number): number {
  let count = 0;
  for (const e of effects) {
    const ended = e.kind === 'xmit' || e.kind === 'free' || e.kind === 'deliver';
    count = ended && e.skb.id === id ? count + 1 : count;
  }
  return count;
}
