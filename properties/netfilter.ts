/** What netfilter asks of a hook function, and what everybody asks of a packet's end. */

import { sockByName } from '../model/net.ts';
import { NF_DROP, NF_STOP } from '../model/types/verdict.ts';
import type { Effect } from '../model/types/world.ts';
import { always, at, effectsOf, eventOf, type Property, type Run, worldBefore } from './property.ts';
import { twoUplinks } from './scopes.ts';

/** Whether a verdict word is one that nf_hook_slow() knows: a verdict in the low byte, a plausible errno above NF_DROP. */
function legal(verdict: number): boolean {
  const low = verdict & 0xff;
  const high = verdict >>> 16;
  return low <= NF_STOP && (verdict & 0xff00) === 0 && (low === NF_DROP ? high < 4096 : true);
}

export const verdictLegal: Property = always({
  id: 'verdict-legal',
  concern: 'netfilter',
  claim: 'A hook function returns a verdict that netfilter knows.',
  asked: ['include/uapi/linux/netfilter.h: NF_DROP to NF_STOP, errno and queue number in the high half'],
  onStock: '',
  scope: twoUplinks,
  holds(run, i) {
    let ok = true;
    for (const e of effectsOf(run, i)) ok = ok && (e.effect !== 'verdict' || legal(e.verdict));
    return ok;
  },
  sometimes(run, i) {
    let seen = false;
    for (const e of effectsOf(run, i)) seen = seen || (e.effect === 'verdict' && e.verdict !== 1);
    return seen;
  },
});

/** How often packet `id` came to an end in a list of effects. */
function ends(effects: readonly Effect[], id: number): number {
  let count = 0;
  for (const e of effects) {
    const ended = e.effect === 'xmit' || e.effect === 'free' || e.effect === 'deliver';
    count = ended && e.skb.id === id ? count + 1 : count;
  }
  return count;
}

export const packetConsumedOnce: Property = always({
  id: 'packet-consumed-once',
  concern: 'netfilter',
  claim: 'Every packet is sent, delivered or freed, exactly once.',
  asked: [
    'nf_hook_slow(): the caller frees on NF_DROP, the hook owns it on NF_STOLEN',
    'skbs are reference counted objects with one owner',
  ],
  onStock: '',
  scope: twoUplinks,
  holds(run, i) {
    if (at(run, i).world.oops.where !== '') return true;
    let ok = true;
    for (const e of effectsOf(run, i)) ok = ok && (e.effect !== 'alloc' || ends(effectsOf(run, i), e.skb.id) === 1);
    return ok;
  },
  sometimes(run, i) {
    let seen = false;
    for (const e of effectsOf(run, i)) seen = seen || (e.effect === 'free' && e.where === 'nf_hook_slow');
    return seen;
  },
});

/** Whether the answer that step `i` brings went to the socket that had asked; true while the firewall of the host may drop it. */
function delivered(run: Run, i: number, id: number): boolean {
  let ok = false;
  for (const e of effectsOf(run, i))
    ok = ok || (e.effect === 'deliver' && e.sk === id) || (e.effect === 'free' && e.where === 'filter INPUT');
  return ok;
}

/** Whether the peer answers in step `i`: something arrived. */
function answered(run: Run, i: number): boolean {
  let seen = false;
  for (const e of effectsOf(run, i)) seen = seen || e.effect === 'deliver' || (e.effect === 'alloc' && e.skb.iif !== 0);
  return eventOf(run, i).event === 'answer' && seen;
}

export const answerReachesSender: Property = always({
  id: 'answer-reaches-sender',
  concern: 'netfilter',
  claim: 'A correct peer answers what a socket sent, and its answer reaches that socket.',
  asked: ['RFC 9293 section 3.10.7', 'RFC 1122 section 3.2.2.6', 'socket(7)'],
  onStock: '',
  scope: twoUplinks,
  holds(run, i) {
    const event = eventOf(run, i);
    if (event.event !== 'answer') return true;
    const sk = sockByName(worldBefore(run, i), event.s);
    return sk.id === 0 || delivered(run, i, sk.id);
  },
  sometimes(run, i) {
    return answered(run, i);
  },
});
