/** TCP Fast Open: from where a cookie is shown, and what becomes of the data in a SYN. RFC: 7413. */

import { step } from '../model/host/step.ts';
import { ipChecksumCorrect, transportChecksumCorrect } from '../model/kernel/include/net/checksum.ts';
import { tfoCookieOf } from '../model/kernel/net/ipv4/tcp_fastopen.ts';
import { NO_PICKS } from '../model/types/event.ts';
import { IPPROTO_TCP, type SkBuff, TCPHDR_ACK, TCPHDR_SYN } from '../model/types/packet.ts';
import { SOCK_TCP, type Sock, TCP_ESTABLISHED, TCP_SYN_SENT } from '../model/types/sock.ts';
import type { Effect } from '../model/types/world.ts';
import { everyDeparture } from './every.ts';
import { inSocks, isSyn, leaves, ownerOf, rewiredSinceConnect, worldAfter } from './packets.ts';
import { effectsOf, everyStep, type Property, type Run, worldBefore } from './property.ts';
import { fastOpenHosts } from './scopes/runs.ts';
import { departure } from './sentences.ts';

export const fastOpenProperties: readonly Property[] = [
  everyDeparture({
    id: 'cookie-from-its-address',
    concern: 'address',
    gravity: 'wrong address',
    claim: 'A Fast Open cookie leaves only from the address that the server gave it to.',
    asked: [
      'RFC 7413 section 4.1.2 (the cookie authenticates the source address of the SYN)',
      'RFC 7413 section 4.1.3 (cookies are kept for pairs of client and server address)',
    ],
    onStock: '',
    scope: fastOpenHosts,
    speaksOf: (_run, _i, { skb }) => shownCookie(skb) !== 0,
    holds: (run, i, { skb }) => givenTo(run, i, skb.iph.saddr, skb.iph.daddr, shownCookie(skb)),
    finding: (run, i) =>
      `${departure(run, i)} with a Fast Open cookie that the server gave to another address and will refuse`,
  }),

  everyDeparture({
    id: 'cookie-used-again',
    concern: 'address',
    gravity: 'books',
    claim: 'A client that took a cookie does not ask the same server for one again from the same address.',
    asked: ['RFC 7413 section 3 (a cookie is asked for once, and used afterwards)', 'RFC 7413 section 4.1.3'],
    onStock: 'a cookie that comes when the socket has lost its route is not kept: tcp_get_metrics() needs one',
    scope: fastOpenHosts,
    speaksOf: (run, i, { skb }) =>
      isSyn(skb) && tfoCookieOf(skb.th) !== 0 && cookieTaken(run, i, skb.iph.saddr, skb.iph.daddr),
    // What replaces a SYN that was lost on the way out asks for none.
    holds: (run, i, { skb }) => tfoCookieOf(skb.th) > 0 || fellBack(effectsOf(run, i), skb.sk),
    finding: (run, i) =>
      `${departure(run, i)} and asks for a Fast Open cookie that the server has given to that address before`,
  }),

  everyStep({
    id: 'syn-data-delivered-once',
    concern: 'tuple',
    gravity: 'dead connection',
    claim: 'Data given with the SYN has reached the peer, in order and once, when the connection is open.',
    asked: [
      'RFC 7413 section 4.2.2 (data that the SYN-ACK does not acknowledge is sent again at once)',
      'RFC 9293 section 3.4 (a byte stream, in order and without duplicates)',
    ],
    onStock: '',
    scope: fastOpenHosts,
    holds(run, i) {
      let ok = true;
      for (const sk of worldAfter(run, i).socks) {
        if (openedWithData(run, i, sk) && !refused(run, i, sk)) {
          const data = synData(run, i, sk);
          const at = answered(run, i, sk, data);
          const has = peerHas(run, i, sk, data, at);
          ok = ok && has >= data.len && (has === 0 || !takenElsewhere(run, i, sk, data, at));
        }
      }
      return ok;
    },
    sometimes(run, i) {
      let seen = false;
      for (const sk of worldAfter(run, i).socks) seen = seen || openedWithData(run, i, sk);
      return seen;
    },
    finding: (run, i) =>
      `the connection is open, but data given with its SYN has not reached the peer: ${departure(run, i)}`,
  }),

  everyDeparture({
    id: 'fast-open-fallback-answerable',
    concern: 'checksum',
    gravity: 'dead connection',
    claim:
      'When the SYN of a Fast Open connect cannot leave, the plain SYN that replaces it is one whose answer opens the connection.',
    asked: ['RFC 9293 sections 3.1 and 3.5 (checksum, handshake)', 'tcp(7)'],
    onStock: '',
    scope: fastOpenHosts,
    speaksOf: (run, i, { skb }) => isSyn(skb) && skb.payload.len === 0 && fellBack(effectsOf(run, i), skb.sk),
    holds: (run, i, { skb }) => intact(skb) && answerOpens(run, i, skb),
    finding: (run, i) =>
      `the SYN with cookie or data cannot leave, and ${departure(run, i)}, which the peer cannot answer`,
  }),
];

/** Whether the packet answers one that does. */
function isSynAck(skb: SkBuff): boolean {
  const both = TCPHDR_SYN | TCPHDR_ACK;
  return skb.iph.protocol === IPPROTO_TCP && (skb.th.flags & both) === both;
}

/** Whether a receiver finds both checksums right. */
function intact(skb: SkBuff): boolean {
  return ipChecksumCorrect(skb.iph) && transportChecksumCorrect(skb);
}

/** Whether that effect is a SYN-ACK with a cookie, from server `daddr` to `saddr`. */
function givesCookie(e: Effect, saddr: number, daddr: number): boolean {
  return (
    e.kind === 'alloc' &&
    isSynAck(e.skb) &&
    e.skb.iph.saddr === daddr &&
    e.skb.iph.daddr === saddr &&
    tfoCookieOf(e.skb.th) > 0
  );
}

/** Whether server `daddr` has given that cookie to address `saddr` by the end of step `i`. */
function givenTo(run: Run, i: number, saddr: number, daddr: number, cookie: number): boolean {
  let given = false;
  let k = 0;
  for (const { effects } of run.steps) {
    for (const e of effects) {
      given =
        given || (k <= i && givesCookie(e, saddr, daddr) && e.kind === 'alloc' && tfoCookieOf(e.skb.th) === cookie);
    }
    k = k + 1;
  }
  return given;
}

/** The cookie that a packet shows to its destination, 0 for none. */
function shownCookie(skb: SkBuff): number {
  return isSyn(skb) ? Math.max(tfoCookieOf(skb.th), 0) : 0;
}

/** Whether an established client, connecting in step `k`, took a cookie from `daddr` that came to `saddr`. */
function tookCookie(run: Run, k: number, saddr: number, daddr: number): boolean {
  let came = false;
  for (const e of effectsOf(run, k)) came = came || givesCookie(e, saddr, daddr);
  let took = false;
  for (const sk of worldAfter(run, k).socks) {
    const opened = sk.kind === SOCK_TCP && sk.sk_state === TCP_ESTABLISHED && sk.fastopen.syn_fastopen;
    const was = inSocks(worldBefore(run, k).socks, sk.id);
    took = took || (came && opened && sk.inet_daddr === daddr && was.sk_state === TCP_SYN_SENT);
  }
  return took;
}

/** Whether a client of this host took a cookie that came from `daddr` to `saddr`, before step `i`. */
function cookieTaken(run: Run, i: number, saddr: number, daddr: number): boolean {
  let taken = false;
  let k = 0;
  for (const _ of run.steps) {
    taken = taken || (k < i && tookCookie(run, k, saddr, daddr));
    k = k + 1;
  }
  return taken;
}

/** Whether that socket made a SYN in that list of effects that did not leave: what follows is its replacement. */
function fellBack(effects: readonly Effect[], sk: number): boolean {
  let lost = false;
  for (const e of effects) {
    lost = lost || (e.kind === 'free' && e.skb.sk === sk && isSyn(e.skb));
  }
  return lost;
}

/** The data that a connection tried to send with its SYN: `len` bytes behind `isn`, 0 for none. */
interface SynData {
  readonly isn: number;
  readonly len: number;
}

/** What the last connection attempt of that socket by step `i` put into its SYN. */
function synData(run: Run, i: number, sk: Sock): SynData {
  let data: SynData = { isn: 0, len: 0 };
  let k = 0;
  for (const { effects } of run.steps) {
    for (const e of effects) {
      if (k <= i && e.kind === 'alloc' && e.skb.sk === sk.id && isSyn(e.skb)) {
        const { seq } = e.skb.th;
        const again = seq === data.isn && data.len > 0;
        data = again ? data : { isn: seq, len: e.skb.payload.len };
      }
    }
    k = k + 1;
  }
  return data;
}

/** The end of the connection at this host as the peer sees it, and how much of the SYN's data its SYN-ACK took; -1 without one. */
interface Answered {
  readonly saddr: number;
  readonly sport: number;
  readonly took: number;
}

/** The SYN-ACK by which that socket's connection was opened. */
function answered(run: Run, i: number, sk: Sock, { isn, len }: SynData): Answered {
  let found: Answered = { saddr: 0, sport: 0, took: -1 };
  let k = 0;
  for (const { effects } of run.steps) {
    for (const e of effects) {
      const opens =
        k <= i &&
        e.kind === 'alloc' &&
        isSynAck(e.skb) &&
        e.skb.iph.saddr === sk.inet_daddr &&
        e.skb.th.source === sk.inet_dport;
      if (opens && e.kind === 'alloc') {
        const took = (e.skb.th.ack_seq - isn - 1) >>> 0;
        found = took <= len ? { saddr: e.skb.iph.daddr, sport: e.skb.th.dest, took } : found;
      }
    }
    k = k + 1;
  }
  return found;
}

/** Whether that effect is an intact segment without SYN from that end to the socket's peer. */
function reachesPeer(e: Effect, sk: Sock, { saddr, sport }: Answered): boolean {
  return (
    leaves(e) &&
    e.skb.iph.protocol === IPPROTO_TCP &&
    (e.skb.th.flags & TCPHDR_SYN) === 0 &&
    e.skb.iph.saddr === saddr &&
    e.skb.th.source === sport &&
    e.skb.iph.daddr === sk.inet_daddr &&
    e.skb.th.dest === sk.inet_dport &&
    intact(e.skb)
  );
}

/** How many bytes of the SYN's data the peer has in order by the end of step `i`, in the connection that it answered. */
function peerHas(run: Run, i: number, sk: Sock, data: SynData, at: Answered): number {
  let next = at.took;
  let k = 0;
  for (const { effects } of run.steps) {
    for (const e of effects) {
      if (k <= i && reachesPeer(e, sk, at) && leaves(e)) {
        const from = (e.skb.th.seq - data.isn - 1) | 0;
        const to = from + e.skb.payload.len;
        next = from <= next && to > next ? to : next;
      }
    }
    k = k + 1;
  }
  return next;
}

/** Whether the peer took the same data in a SYN of this attempt from another end, with a cookie that was given to it. */
function takenElsewhere(run: Run, i: number, sk: Sock, data: SynData, at: Answered): boolean {
  let taken = false;
  let k = 0;
  for (const { effects } of run.steps) {
    for (const e of effects) {
      if (k <= i && leaves(e) && e.skb.sk === sk.id && isSyn(e.skb) && e.skb.payload.len > 0) {
        const other = e.skb.iph.saddr !== at.saddr || e.skb.th.source !== at.sport;
        const cookie = shownCookie(e.skb);
        const valid = cookie !== 0 && givenTo(run, i, e.skb.iph.saddr, e.skb.iph.daddr, cookie);
        taken = taken || (e.skb.th.seq === data.isn && other && valid && intact(e.skb));
      }
    }
    k = k + 1;
  }
  return taken;
}

/** Whether data of that socket was refused inside the host by step `i`: by a filter, or for want of a route. */
function refused(run: Run, i: number, sk: Sock): boolean {
  let lost = false;
  let k = 0;
  for (const { effects } of run.steps) {
    for (const e of effects) {
      const data = e.kind === 'free' && e.skb.sk === sk.id && !isSyn(e.skb) && e.skb.payload.len > 0;
      lost = lost || (k <= i && data);
    }
    k = k + 1;
  }
  return lost;
}

/** Whether that socket has opened a connection, in step `i` or before, whose SYN was to carry data. */
function openedWithData(run: Run, i: number, sk: Sock): boolean {
  const client = sk.kind === SOCK_TCP && sk.parent === 0 && sk.sk_state === TCP_ESTABLISHED;
  if (!client || rewiredSinceConnect(run, i, sk)) return false;
  const data = synData(run, i, sk);
  return data.len > 0 && answered(run, i, sk, data).took >= 0;
}

/** Whether the connection opens when the peer answers the packet that left in step `i`. */
function answerOpens(run: Run, i: number, skb: SkBuff): boolean {
  const { name, id } = ownerOf(run, i, skb);
  const next = step(run.kernel, worldAfter(run, i), { kind: 'answer', s: name, picks: NO_PICKS });
  return inSocks(next.world.socks, id).sk_state === TCP_ESTABLISHED;
}
