/** Flows: what a packet shares with the others of its connection, its mark, its group or its caller. */
import { dev_get_by_index } from '../model/kernel/net/core/dev.ts';
import { getCt } from '../model/kernel/net/netfilter/nf_conntrack_core.ts';
import { EXDEV } from '../model/types/errno.ts';
import { IPPROTO_TCP, IPPROTO_UDP, type SkBuff, TCPHDR_RST, TCPHDR_SYN } from '../model/types/packet.ts';
import { RTN_BROADCAST, RTN_MULTICAST } from '../model/types/route.ts';
import { SOCK_BINDPORT_LOCK, SOCK_TCP, SOCK_UDP } from '../model/types/sock.ts';
import { NF_ACCEPT } from '../model/types/verdict.ts';
import type { World } from '../model/types/world.ts';
import { asking, forgotten, lastSent } from './answers.ts';
import { everyDeparture, everyReroute } from './every.ts';
import {
  isSyn,
  keyOf,
  leaves,
  markedAsFirst,
  NO_XMIT,
  ownerOf,
  remarkedSinceConnect,
  rewiredSince,
  senderName,
  senderOf,
  userSocket,
  worldAfter,
  type Xmit,
} from './packets.ts';
import { effectsOf, eventOf, everyStep, type Property, type Run, worldBefore } from './property.ts';
import { leadsEither, leadsThere } from './route.ts';
import { connectionMarks, groupTraffic, marksByLink, otherPaths, wildcardServers } from './scopes/runs.ts';
import { departure } from './sentences.ts';

export const flowProperties: readonly Property[] = [
  everyDeparture({
    id: 'connection-mark-kept',
    concern: 'netfilter',
    gravity: 'lost packet',
    claim: 'The mark that CONNMARK saved of a packet is the mark of its connection when the packet leaves.',
    asked: [
      'iptables-extensions(8): CONNMARK --save-mark',
      'net/netfilter/xt_connmark.c: it writes to the entry of the packet',
    ],
    onStock: '',
    scope: connectionMarks,
    speaksOf: (run, i, { skb }) => skb.ct !== 0 && skb.mark !== 0 && savesAll(worldBefore(run, i)),
    holds: (run, i, { skb }) => getCt(worldAfter(run, i), skb.ct).mark === skb.mark,
    finding: (run, i) => `${departure(run, i)}, and the mark that CONNMARK saved of it is lost`,
  }),

  everyDeparture({
    id: 'connection-mark-stays',
    concern: 'netfilter',
    gravity: 'wrong path',
    claim:
      'What leaves does not change the mark that its connection has, where rules write such marks for nothing but what comes in.',
    asked: [
      'iptables-extensions(8): CONNMARK is what sets the mark of a connection',
      'net/netfilter/xt_connmark.c: nothing else writes it',
    ],
    onStock: '',
    proof: 'answered-mark',
    scope: marksByLink,
    speaksOf: (run, i, { skb }) =>
      getCt(worldBefore(run, i), skb.ct).id !== 0 && nothingArrives(run, i) && !writesMarks(worldBefore(run, i)),
    holds: (run, i, { skb }) => getCt(worldAfter(run, i), skb.ct).mark === getCt(worldBefore(run, i), skb.ct).mark,
    sometimes: (run, i, { skb }) => getCt(worldBefore(run, i), skb.ct).mark !== 0,
    finding: (run, i) => `${departure(run, i)}, and the connection that it is of has another mark than before`,
  }),

  everyStep({
    id: 'strict-filter-lets-answers-in',
    concern: 'netfilter',
    gravity: 'lost packet',
    claim:
      "The host's own strict reverse-path filter lets in the answer to what a mark sent, where CONNMARK gives the mark to answers and the filter sees it.",
    asked: ['ip-sysctl: rp_filter, src_valid_mark', 'RFC 3704 section 2.2'],
    onStock: '',
    scope: connectionMarks,
    asksOf: ['answer'],
    holds(run, i) {
      if (!filterSees(run, i)) return true;
      let ok = true;
      for (const e of effectsOf(run, i))
        ok = ok && !(e.kind === 'free' && e.skb.iif !== 0 && e.where === 'ip_rcv_finish' && e.err === -EXDEV);
      return ok;
    },
    sometimes: filterSees,
    finding: () => "the answer to what a mark sent by another link is dropped by the host's own reverse-path filter",
  }),

  everyStep({
    id: 'entries-are-freed',
    concern: 'netfilter',
    gravity: 'books',
    claim: 'An entry of connection tracking that is not confirmed goes with the packet that it was made for.',
    asked: ['nf_conntrack_put(): an entry that no packet carries and no table holds is freed'],
    onStock: '',
    scope: connectionMarks,
    holds(run, i) {
      let ok = true;
      for (const { id, confirmed } of worldAfter(run, i).conntrack) ok = ok && (confirmed || freedWith(run, i, id));
      return ok;
    },
    sometimes: (run, i) => worldAfter(run, i).conntrack.length > 0,
    finding: () => 'an entry of connection tracking is left without the packet that it was made for',
  }),

  everyReroute({
    id: 'group-traffic-stays',
    concern: 'route',
    gravity: 'wrong path',
    claim:
      'A packet to a group or broadcast address that is routed a second time leaves where its source or its device leads.',
    asked: ['ip(7): IP_MULTICAST_IF, a local interface is chosen with the source', 'RFC 1112 section 6.1'],
    onStock: '',
    scope: groupTraffic,
    speaksOf: (run, i, { err, before }) => err === 0 && toMany(before) && userSocket(ownerOf(run, i, before)),
    holds(run, i, { before, after }) {
      const net = worldBefore(run, i);
      const sk = ownerOf(run, i, before);
      const there = { ...after, iph: before.iph };
      const { saddr } = before.iph;
      const led =
        leadsThere(net, keyOf(there, sk, saddr, sk.sk_uid), there) ||
        leadsThere(net, keyOf(there, sk, saddr, 0), there);
      return led || after.dst.dev === before.dst.dev;
    },
    finding: (run, i) => `${departure(run, i)}, another link than that of the group's source`,
  }),

  everyDeparture({
    id: 'server-answers-as-asked',
    concern: 'address',
    gravity: 'lost packet',
    claim:
      'A UDP server on any address, at a port that it was bound to, answers a caller from the address that was asked, also when it connects to him.',
    asked: ['RFC 1122 section 4.1.3.5', 'udp(7): sendto of a socket that is bound to INADDR_ANY'],
    onStock: 'a server without IP_PKTINFO answers from the address that the route of its answer prefers',
    scope: wildcardServers,
    speaksOf: (run, i, { skb }) => askedBy(run, i, skb) !== 0,
    holds: (run, i, { skb }) => senderName(worldAfter(run, i), skb).addr === askedBy(run, i, skb),
    sometimes: (_run, _i, { skb }) => skb.mark !== 0,
    finding: (run, i) => `${departure(run, i)}, which is not the address that its caller asked`,
  }),

  everyDeparture({
    id: 'connection-keeps-link',
    concern: 'connection',
    gravity: 'dead connection',
    claim:
      'What a connection sends behind its SYN, marked as its first SYN was, leaves by the link of the SYN, as long as the rules are the same.',
    asked: ['RFC 9293 section 3.3.1', 'ip-rule(8): one answer for one key'],
    onStock: '',
    scope: otherPaths,
    speaksOf: (run, i, { skb }) =>
      isLater(run, i, skb) &&
      synOf(run, i, skb).e.dev !== 0 &&
      markedAsFirst(run, 0, i, skb, isSyn) &&
      !marksBehind(worldBefore(run, i)),
    holds(run, i, { dev, skb }) {
      const { step, e } = synOf(run, i, skb);
      return e.dev === dev || rewiredSince(run, step, i) || remarkedSinceConnect(run, i, ownerOf(run, i, skb));
    },
    sometimes: (_run, _i, { skb }) => skb.mark !== 0,
    finding: (run, i) => `${departure(run, i)}, another link than that of its SYN`,
  }),
];

/** Whether a packet with that entry came to its end in step `i`, or in one before. */
function freedWith(run: Run, i: number, ct: number): boolean {
  let freed = false;
  for (let k = 0; k < i + 1; k += 1) {
    for (const e of effectsOf(run, k))
      freed = freed || ((e.kind === 'free' || e.kind === 'deliver' || e.kind === 'xmit') && e.skb.ct === ct);
  }
  return freed;
}

/** Whether the last rule of mangle OUTPUT saves every packet's whole mark, and no later one changes it. */
function savesAll(net: World): boolean {
  let saves = false;
  for (const { name, rules } of net.mangle.chains) {
    for (const { target, matches } of rules) {
      if (name === 'OUTPUT') {
        const whole = target.kind === 'CONNMARK' && target.op === 'save' && target.mask === 0xffffffff;
        saves = whole && matches.length === 0;
      }
    }
  }
  return saves && !marksBehind(net);
}

/** Whether step `i` begins on this host. */
function nothingArrives(run: Run, i: number): boolean {
  const { kind } = eventOf(run, i);
  return kind === 'send' || kind === 'connect' || kind === 'retransmit' || kind === 'close';
}

/** Whether a rule writes the marks of connections for what leaves. */
function writesMarks(net: World): boolean {
  let writes = false;
  for (const { name, rules } of net.mangle.chains) {
    for (const { target } of rules) {
      const incoming = name === 'PREROUTING' || name === 'INPUT';
      writes = writes || (!incoming && target.kind === 'CONNMARK' && target.op !== 'restore');
    }
  }
  return writes;
}

/** Whether rules behind the second lookup may give packets another mark. */
function marksBehind(net: World): boolean {
  let some = false;
  for (const { name, rules } of net.mangle.chains) some = some || (name === 'POSTROUTING' && rules.length > 0);
  return some;
}

/** Whether rules give answers the mark of their connection before anything else. */
function restores(net: World): boolean {
  let gives = false;
  for (const { name, rules, policy } of net.mangle.chains) {
    for (const { target, matches } of rules) {
      const restoring = target.kind === 'CONNMARK' && target.op === 'restore' && matches.length === 0;
      gives = gives || (name === 'PREROUTING' && restoring && rules.length === 1 && policy === NF_ACCEPT);
    }
  }
  return gives;
}

/** Whether step `i` brings an answer to what a mark sent, past a strict filter that is shown the mark. */
function filterSees(run: Run, i: number): boolean {
  const net = worldBefore(run, i);
  const sk = asking(run, i);
  const { dev, skb } = lastSent(net, sk.id);
  const saved = skb.mark !== 0 && getCt(net, skb.ct).mark === skb.mark;
  if (sk.id === 0 || !saved || skb.ct === 0 || forgotten(net, skb) || !savesAll(net) || !restores(net)) return false;
  const link = dev_get_by_index(net, dev);
  const shown = net.sysctl.src_valid_mark_all !== 0 || link.src_valid_mark !== 0;
  const strict = Math.max(net.sysctl.rp_filter_all, link.rp_filter) === 1;
  return shown && strict && link.up && leadsEither(net, skb, sk, sk.sk_uid);
}

/** Whether the packet is for more than one host. */
function toMany({ dst }: SkBuff): boolean {
  return dst.rt_type === RTN_MULTICAST || dst.rt_type === RTN_BROADCAST;
}

/** The address at which a UDP server on any address was asked by the one that it now sends to, 0 for none; he may be its peer by now. */
function askedBy(run: Run, i: number, skb: SkBuff): number {
  const sk = ownerOf(run, i, skb);
  const event = eventOf(run, i);
  const free = event.kind === 'send' && event.from === 0 && event.via === '';
  const serves = sk.kind === SOCK_UDP && (sk.sk_userlocks & SOCK_BINDPORT_LOCK) !== 0;
  if (!free || !serves || skb.iph.protocol !== IPPROTO_UDP) return 0;
  let asked = 0;
  for (let k = 0; k < i; k += 1) {
    for (const e of effectsOf(run, k)) {
      const heard = e.kind === 'deliver' && e.sk === sk.id && e.skb.iph.protocol === IPPROTO_UDP;
      if (heard && e.kind === 'deliver' && e.skb.iph.saddr === skb.iph.daddr && e.skb.uh.source === skb.uh.dest)
        asked = e.skb.iph.daddr;
    }
  }
  return asked;
}

/** Whether the packet is a segment of a client's connection behind its SYN. */
function isLater(run: Run, i: number, skb: SkBuff): boolean {
  const sk = ownerOf(run, i, skb);
  const segment = skb.iph.protocol === IPPROTO_TCP && (skb.th.flags & (TCPHDR_SYN | TCPHDR_RST)) === 0;
  return segment && sk.kind === SOCK_TCP && sk.parent === 0;
}

/** The last SYN of that connection before step `i`, if all its SYNs had the packet's mark and TOS; else step -1. */
function synOf(run: Run, i: number, skb: SkBuff): { step: number; e: Xmit } {
  let found = { step: -1, e: NO_XMIT };
  let alike = true;
  for (let k = 0; k < i; k += 1) {
    for (const e of effectsOf(run, k)) {
      const own = leaves(e) && senderOf(e.skb) === skb.sk;
      if (own && leaves(e) && isSyn(e.skb)) {
        alike = alike && e.skb.mark === skb.mark && e.skb.iph.tos === skb.iph.tos;
        found = { step: k, e };
      }
    }
  }
  return alike ? found : { step: -1, e: NO_XMIT };
}
