/** Address consistency: whose address a packet carries, and who may change it. */

import { step } from '../model/host/step.ts';
import { dev_get_by_index } from '../model/kernel/net/core/dev.ts';
import { getSock, setSock, sockByName } from '../model/types/lookup.ts';
import type { NetDevice } from '../model/types/net.ts';
import type { SkBuff } from '../model/types/packet.ts';
import { NO_SOCK, SOCK_TCP, SOCK_UDP, type Sock, TCP_CLOSE } from '../model/types/sock.ts';
import type { Effect } from '../model/types/world.ts';
import {
  givenSource,
  inSocks,
  kernelChoseSource,
  kernelSends,
  leaves,
  ownerOf,
  routeSource,
  senderOf,
  sockName,
  sourcePort,
  userSocket,
  worldAfter,
} from './packets.ts';
import { always, effectsOf, eventOf, type Property, type Run, worldBefore } from './property.ts';
import { silentPeers, twoUplinks } from './scopes/runs.ts';

/** Whether `addr` lies in a subnet that the device has an address in: what a provider's strict filter lets through. */
function coveredBy(dev: NetDevice, addr: number): boolean {
  let covered = false;
  for (const ifa of dev.ifa_list) {
    const mask = ifa.ifa_prefixlen === 0 ? 0 : (0xffffffff << (32 - ifa.ifa_prefixlen)) >>> 0;
    covered = covered || ((addr ^ ifa.ifa_address) & mask) === 0;
  }
  return covered;
}

export const sourceFitsRoute: Property = always({
  id: 'source-fits-route',
  concern: 'address',
  claim: 'A packet whose source the kernel chose carries the source of the route it leaves by.',
  asked: [
    'ip-route(8): src ADDRESS is the source to prefer for the destinations of the route',
    'RFC 1122 section 3.3.4.3',
  ],
  onStock: 'the problem the patch sets out to solve: the second lookup changes the route and leaves the source',
  scope: twoUplinks,
  holds(run, i) {
    let ok = true;
    for (const e of effectsOf(run, i)) {
      ok =
        ok &&
        (!leaves(e) || !kernelChoseSource(run, i, e.skb) || e.skb.iph.saddr === routeSource(worldAfter(run, i), e.skb));
    }
    return ok;
  },
  sometimes(run, i) {
    let seen = false;
    for (const e of effectsOf(run, i))
      seen = seen || (leaves(e) && e.skb.mark !== 0 && kernelChoseSource(run, i, e.skb));
    return seen;
  },
});

export const sourcePassesProviderFilter: Property = always({
  id: 'source-passes-provider-filter',
  concern: 'address',
  claim: 'A packet whose source the kernel chose passes the strict reverse-path filter of the provider it is sent to.',
  asked: ['RFC 2827 (BCP 38)', 'RFC 3704 section 2.2 (strict reverse path forwarding)'],
  onStock: "the problem the patch sets out to solve: the provider drops what carries the other provider's address",
  scope: twoUplinks,
  holds(run, i) {
    let ok = true;
    for (const e of effectsOf(run, i)) {
      ok =
        ok &&
        (!leaves(e) ||
          e.gateway === 0 ||
          !kernelChoseSource(run, i, e.skb) ||
          coveredBy(dev_get_by_index(worldAfter(run, i), e.dev), e.skb.iph.saddr));
    }
    return ok;
  },
  sometimes(run, i) {
    let seen = false;
    for (const e of effectsOf(run, i))
      seen = seen || (leaves(e) && e.gateway !== 0 && kernelChoseSource(run, i, e.skb));
    return seen;
  },
});

/** Whether that packet belongs to a connected socket of a user that still lives, and was sent in its name. */
function fromConnected(run: Run, i: number, skb: SkBuff): boolean {
  const event = eventOf(run, i);
  const sk = getSock(worldAfter(run, i), senderOf(skb));
  const otherName = event.kind === 'send' && event.from !== 0;
  return !otherName && userSocket(sk) && sk.inet_daddr !== 0 && sk.sk_state !== TCP_CLOSE;
}

export const headerMatchesSocket: Property = always({
  id: 'header-matches-socket',
  concern: 'address',
  claim: 'A packet of a connected socket carries the address and port that getsockname reports for it.',
  asked: ['getsockname(2)', 'POSIX.1-2017 connect()', 'RFC 9293 section 3.3.1 (a connection is a pair of sockets)'],
  onStock: '',
  scope: twoUplinks,
  alsoIn: [silentPeers],
  holds(run, i) {
    let ok = true;
    for (const e of effectsOf(run, i)) {
      if (leaves(e) && fromConnected(run, i, e.skb)) {
        const sk = getSock(worldAfter(run, i), e.skb.sk);
        const port = sk.kind === SOCK_TCP || sk.kind === SOCK_UDP ? sourcePort(e.skb) : 0;
        ok = ok && e.skb.iph.saddr === sockName(sk) && (port === 0 || port === sk.inet_sport);
      }
    }
    return ok;
  },
  sometimes(run, i) {
    let seen = false;
    for (const e of effectsOf(run, i)) seen = seen || (leaves(e) && e.skb.mark !== 0 && fromConnected(run, i, e.skb));
    return seen;
  },
});

export const localNameStays: Property = always({
  id: 'local-name-stays',
  concern: 'address',
  claim:
    'What getsockname reports for a socket that is connected or bound changes only by its own bind, connect or close.',
  asked: ['getsockname(2)', 'POSIX.1-2017 bind(), connect()'],
  onStock: '',
  scope: twoUplinks,
  holds(run, i) {
    const event = eventOf(run, i);
    const own = event.kind === 'bind' || event.kind === 'connect' || event.kind === 'close' || event.kind === 'socket';
    let ok = true;
    for (const sk of worldBefore(run, i).socks) {
      const after = inSocks(worldAfter(run, i).socks, sk.id);
      const named = userSocket(sk) && !sk.orphan && sk.name !== '' && sockName(sk) !== 0 && sk.sk_state !== TCP_CLOSE;
      const acted = own && event.s === sk.name;
      const alive = after.id !== 0 && after.sk_state !== TCP_CLOSE && !after.orphan;
      ok =
        ok && (!named || acted || !alive || (sockName(after) === sockName(sk) && after.inet_sport === sk.inet_sport));
    }
    return ok;
  },
  sometimes(run, i) {
    let seen = false;
    for (const sk of worldBefore(run, i).socks)
      seen = seen || (userSocket(sk) && sockName(sk) !== 0 && sk.sk_state !== TCP_CLOSE);
    return seen;
  },
});

/** The source that packet of step `i` must carry because its user said so, 0 when nobody did. */
function demandedSource(run: Run, i: number, skb: SkBuff): number {
  const sk = ownerOf(run, i, skb);
  return userSocket(sk) ? givenSource(run, i, sk) : 0;
}

export const explicitSourceKept: Property = always({
  id: 'explicit-source-kept',
  concern: 'address',
  claim: 'An address that the user gave with bind, IP_PKTINFO or a header of its own is the source on the wire.',
  asked: ['bind(2)', 'ip(7): IP_PKTINFO, ipi_spec_dst', 'raw(7): IP_HDRINCL'],
  onStock: '',
  scope: twoUplinks,
  holds(run, i) {
    let ok = true;
    for (const e of effectsOf(run, i)) {
      ok =
        ok && (!leaves(e) || demandedSource(run, i, e.skb) === 0 || e.skb.iph.saddr === demandedSource(run, i, e.skb));
    }
    return ok;
  },
  sometimes(run, i) {
    let seen = false;
    for (const e of effectsOf(run, i)) seen = seen || (leaves(e) && demandedSource(run, i, e.skb) !== 0);
    return seen;
  },
});

/** Whether that packet of step `i` is the kernel's own answer to the packet that the step received. */
function answersReceived(run: Run, i: number, e: Effect): boolean {
  return eventOf(run, i).kind === 'receive' && leaves(e) && kernelSends(ownerOf(run, i, e.skb));
}

/** The destination of the packet that step `i` received. */
function askedAddress(run: Run, i: number): number {
  const event = eventOf(run, i);
  return event.kind === 'receive' ? event.packet.skb.iph.daddr : 0;
}

export const replyCarriesAskedAddress: Property = always({
  id: 'reply-carries-asked-address',
  concern: 'address',
  claim:
    "The kernel's own answer to a packet (echo reply, SYN-ACK, RST, port unreachable) carries the address that was asked.",
  asked: [
    'RFC 1122 sections 3.2.2.6 and 4.1.3.5',
    'RFC 9293 section 3.5.2 (a reset takes the place of the asked socket)',
  ],
  onStock: '',
  scope: twoUplinks,
  holds(run, i) {
    let ok = true;
    for (const e of effectsOf(run, i))
      ok = ok && (!answersReceived(run, i, e) || (leaves(e) && e.skb.iph.saddr === askedAddress(run, i)));
    return ok;
  },
  sometimes(run, i) {
    let seen = false;
    for (const e of effectsOf(run, i)) seen = seen || answersReceived(run, i, e);
    return seen;
  },
});

/** The first packet of that socket to leave in a list of effects, as (device, source); 0, 0 when there is none. */
export function firstDeparture(effects: readonly Effect[], id: number): { dev: number; saddr: number } {
  let found = { dev: 0, saddr: 0 };
  for (const e of effects)
    found = found.dev === 0 && leaves(e) && senderOf(e.skb) === id ? { dev: e.dev, saddr: e.skb.iph.saddr } : found;
  return found;
}

/** The socket as its user left it: as it was after the last `socket`, `bind` or `connect` before step `i`. */
function asUserLeftIt(run: Run, i: number, sk: Sock): Sock {
  let then = sk;
  let k = 0;
  for (const event of run.events) {
    const own = (event.kind === 'socket' || event.kind === 'bind' || event.kind === 'connect') && event.s === sk.name;
    then = own && k < i ? inSocks(worldAfter(run, k).socks, sk.id) : then;
    k = k + 1;
  }
  return then;
}

/** The unconnected datagram or raw socket that step `i` sends on, NO_SOCK when it is another event. */
export function unconnectedSender(run: Run, i: number): Sock {
  const event = eventOf(run, i);
  if (event.kind !== 'send' || event.tfo) return NO_SOCK;
  const sk = sockByName(worldBefore(run, i), event.s);
  return userSocket(sk) && sk.kind !== SOCK_TCP && sk.inet_daddr === 0 ? sk : NO_SOCK;
}

export const sendLeavesNextSendAlone: Property = always({
  id: 'send-leaves-next-send-alone',
  concern: 'address',
  claim: 'What an unconnected socket sent before does not change by which link and from which address it sends next.',
  asked: ['sendto(2), udp(7): each datagram of an unconnected socket is routed on its own', 'RFC 1122 section 4.1.3.5'],
  onStock: '',
  scope: twoUplinks,
  holds(run, i) {
    const sk = unconnectedSender(run, i);
    if (sk.id === 0) return true;
    const then = asUserLeftIt(run, i, sk);
    const fresh = { ...sk, inet_saddr: then.inet_saddr, inet_rcv_saddr: then.inet_rcv_saddr, cork_fl: then.cork_fl };
    const again = step(run.kernel, setSock(worldBefore(run, i), fresh), eventOf(run, i));
    const sent = firstDeparture(effectsOf(run, i), sk.id);
    const anew = firstDeparture(again.effects, sk.id);
    return sent.dev === anew.dev && sent.saddr === anew.saddr;
  },
  sometimes(run, i) {
    const sk = unconnectedSender(run, i);
    let before = false;
    let k = 0;
    for (const event of run.events) {
      before = before || (k < i && event.kind === 'send' && event.s === sk.name);
      k = k + 1;
    }
    return sk.id !== 0 && before;
  },
});

/** Whether two states of a socket name the same ends and stand in the tables alike. */
export function sameEnds(a: Sock, b: Sock): boolean {
  return (
    a.inet_saddr === b.inet_saddr &&
    a.inet_rcv_saddr === b.inet_rcv_saddr &&
    a.inet_num === b.inet_num &&
    a.inet_sport === b.inet_sport &&
    a.hashed === b.hashed &&
    a.icsk_bind_hash === b.icsk_bind_hash
  );
}

/** The sockets as the mangle hook left them when it was done with packet `id`; empty when it never was. */
export function socksMangled(effects: readonly Effect[], id: number): readonly Sock[] {
  let socks: readonly Sock[] = [];
  for (const e of effects) socks = e.kind === 'mangled' && e.skb.id === id ? e.socks : socks;
  return socks;
}

export const failedRerouteLeavesSocket: Property = always({
  id: 'failed-reroute-leaves-socket',
  concern: 'address',
  claim:
    'A packet whose second route lookup fails is dropped, and its socket keeps its addresses, its port and its place in the tables.',
  asked: [
    'ip_route_me_harder() as every caller uses it: an error drops the packet, nothing else',
    'send(2): an error leaves the socket usable',
  ],
  onStock: '',
  scope: twoUplinks,
  holds(run, i) {
    let ok = true;
    for (const e of effectsOf(run, i)) {
      if (e.kind === 'reroute' && e.err < 0 && e.before.sk !== 0) {
        const left = socksMangled(effectsOf(run, i), e.before.id);
        ok = ok && (left.length === 0 || sameEnds(inSocks(e.socks, e.before.sk), inSocks(left, e.before.sk)));
      }
    }
    return ok;
  },
  sometimes(run, i) {
    let seen = false;
    for (const e of effectsOf(run, i)) seen = seen || (e.kind === 'reroute' && e.err < 0 && e.before.sk !== 0);
    return seen;
  },
});
