/** What netfilter asks of a hook function, and what everybody asks of a packet's end. */

import { dev_get_by_index } from '../model/kernel/net/core/dev.ts';
import { sockByName } from '../model/types/lookup.ts';
import {
  IPPROTO_ICMP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  type SkBuff,
  TCPHDR_FIN,
  TCPHDR_RST,
  TCPHDR_SYN,
} from '../model/types/packet.ts';
import { NO_SOCK, SOCK_PING, SOCK_TCP, SOCK_UDP, type Sock } from '../model/types/sock.ts';
import { NF_ACCEPT, NF_DROP, NF_STOP, type XtRule } from '../model/types/verdict.ts';
import type { Effect, World } from '../model/types/world.ts';
import { everyDeparture } from './every.ts';
import { destinationPort, hostChanged, worldAfter } from './packets.ts';
import { at, effectsOf, eventOf, everyStep, type Property, type Run, worldBefore } from './property.ts';
import { mangledHosts, owners, statefulHost, steadyMarks } from './scopes/runs.ts';
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
    alsoIn: [mangledHosts],
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
    alsoIn: [mangledHosts],
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
    onStock: '',
    scope: steadyMarks,
    alsoIn: [statefulHost],
    holds(run, i) {
      const sk = asker(run, i);
      let reached = sk.id === 0;
      for (const e of effectsOf(run, i)) reached = reached || (e.kind === 'deliver' && e.sk === sk.id);
      return reached;
    },
    sometimes: (run, i) => asker(run, i).id !== 0,
    finding: (run, i) => `what socket ${asker(run, i).name} sent gets no answer that reaches it`,
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

const ICMP_ECHO = 8;

/** Whether a correct peer answers that packet; without a source it cannot. */
function answerable(skb: SkBuff): boolean {
  const { flags } = skb.th;
  const segment = (flags & TCPHDR_RST) === 0 && ((flags & (TCPHDR_SYN | TCPHDR_FIN)) !== 0 || skb.payload.len > 0);
  const { protocol, saddr } = skb.iph;
  if (saddr === 0) return false;
  return protocol === IPPROTO_TCP
    ? segment
    : protocol === IPPROTO_UDP || (protocol === IPPROTO_ICMP && skb.icmph.type === ICMP_ECHO);
}

/** Whether a rule of the operator drops what belongs to a connection, or what has none to speak of. */
function dropsAnswers(net: World): boolean {
  let drops = false;
  for (const chain of net.filter.chains) {
    if (chain.name === 'INPUT') {
      drops = drops || (chain.policy === NF_DROP && !takesEstablished(chain.rules));
      for (const rule of chain.rules) drops = drops || (refuses(rule) && !sparesEstablished(rule));
    }
  }
  return drops;
}

/** Whether the rule lets nothing through. */
function refuses({ target }: XtRule): boolean {
  return target.kind === 'DROP' || target.kind === 'REJECT';
}

/** Whether a rule accepts what belongs to a connection. */
function takesEstablished(rules: readonly XtRule[]): boolean {
  let takes = false;
  for (const { target, matches } of rules) {
    const alone = target.kind === 'ACCEPT' && matches.length === 1;
    for (const match of matches) {
      if (alone && match.kind === 'ctstate' && !match.invert)
        for (const state of match.states) takes = takes || state === 'ESTABLISHED';
    }
  }
  return takes;
}

/** Whether the rule matches by connection state, and not what belongs to a connection. */
function sparesEstablished(rule: XtRule): boolean {
  let spares = false;
  for (const match of rule.matches) {
    if (match.kind === 'ctstate' && !match.invert) {
      let established = false;
      for (const state of match.states) established = established || state === 'ESTABLISHED';
      spares = spares || !established;
    }
  }
  return spares;
}

/** Whether the socket has one address and sent from another, whose answers it does not hear. */
function deafToAnswers(run: Run, i: number, sk: Sock): boolean {
  let deaf = false;
  let k = 0;
  for (const event of run.events) {
    deaf =
      deaf || (k < i && event.kind === 'send' && event.s === sk.name && event.from !== 0 && sk.inet_rcv_saddr !== 0);
    k = k + 1;
  }
  return deaf;
}

/** Whether a datagram socket was connected after it sent what is to be answered: it then hears its new peer only, at its new address. */
function connectedSince(run: Run, i: number, sk: Sock): boolean {
  let since = false;
  let k = 0;
  for (const event of run.events) {
    const own = k < i && sk.kind !== SOCK_TCP && (event.kind === 'connect' || event.kind === 'send');
    since = own && event.s === sk.name ? event.kind === 'connect' : since;
    k = k + 1;
  }
  return since;
}

/** The socket that step `i` brings an answer to, NO_SOCK when there is nothing to answer. */
export function asking(run: Run, i: number): Sock {
  const event = eventOf(run, i);
  if (event.kind !== 'answer') return NO_SOCK;
  const net = worldBefore(run, i);
  const sk = sockByName(net, event.s);
  let asked = false;
  for (const sent of net.sent) {
    const current =
      sk.inet_daddr === 0 ||
      (sk.inet_daddr === sent.skb.iph.daddr && (sk.kind === SOCK_PING || sk.inet_dport === destinationPort(sent.skb)));
    asked = sent.sk === sk.id ? current && answerable(sent.skb) : asked;
  }
  const own = sk.kind === SOCK_TCP || sk.kind === SOCK_UDP || sk.kind === SOCK_PING;
  return own && asked && !hostChanged(run, i) && !deafToAnswers(run, i, sk) && !connectedSince(run, i, sk)
    ? sk
    : NO_SOCK;
}

/** The same where no rule of the operator drops the answer. */
function asker(run: Run, i: number): Sock {
  return dropsAnswers(worldBefore(run, i)) ? NO_SOCK : asking(run, i);
}
