/** Address consistency: whose address a packet carries, and who may change it. */

import { step } from '../model/host/step.ts';
import { areSameSockets } from '../model/types/effects.ts';
import { getSock, setSock, sockByName } from '../model/types/lookup.ts';
import { formatAddress } from '../model/types/net.ts';
import type { SkBuff } from '../model/types/packet.ts';
import { NO_SOCK, SOCK_TCP, SOCK_UDP, type Sock, TCP_CLOSE } from '../model/types/sock.ts';
import type { Effect, World } from '../model/types/world.ts';
import { everyDeparture, everyReroute } from './every.ts';
import { hasMoment, moments } from './moments.ts';
import {
  givenSource,
  inSocks,
  kernelChoseSource,
  kernelSends,
  leaves,
  ownerOf,
  parted,
  type Reroute,
  rerouted,
  routeSource,
  senderName,
  senderOf,
  sockName,
  userSocket,
  worldAfter,
} from './packets.ts';
import { effectsOf, eventOf, everyStep, type Property, type Run, worldBefore } from './property.ts';
import { goesToProvider, routedBack } from './providers.ts';
import { owners, twoUplinks } from './scopes/runs.ts';
import { departure, end, lastDeparture } from './sentences.ts';
import { addressedByTunnel } from './tunnels.ts';

export const addressProperties: readonly Property[] = [
  everyDeparture({
    id: 'source-fits-route',
    concern: 'address',
    gravity: 'wrong address',
    claim:
      'A packet whose source the kernel chose, marked as when it was chosen, carries the source of the route it leaves by.',
    asked: [
      'ip-route(8): src ADDRESS is the source to prefer for the destinations of the route',
      'RFC 1122 section 3.3.4.3',
    ],
    onStock: 'the problem the patch sets out to solve: the second lookup changes the route and leaves the source',
    scope: twoUplinks,
    speaksOf: (run, i, { skb }) => kernelChoseSource(run, i, skb) && !parted(run, i, skb),
    holds: (run, i, { skb }) => skb.iph.saddr === routeSource(worldAfter(run, i), skb),
    sometimes: (_run, _i, { skb }) => skb.mark !== 0,
    finding: (run, i) => `${departure(run, i)}, which is not the source of the route it leaves by`,
  }),

  everyDeparture({
    id: 'source-passes-provider-filter',
    concern: 'address',
    gravity: 'lost packet',
    claim:
      'A packet whose source the kernel chose, marked as when it was chosen, passes the strict reverse-path filter of the provider it is sent to.',
    asked: ['RFC 2827 (BCP 38)', 'RFC 3704 section 2.2 (strict reverse path forwarding)'],
    onStock: "the problem the patch sets out to solve: the provider drops what carries the other provider's address",
    scope: twoUplinks,
    speaksOf: (run, i, e) =>
      goesToProvider(worldAfter(run, i), e) && kernelChoseSource(run, i, e.skb) && !parted(run, i, e.skb),
    holds: (run, i, { dev, skb }) => routedBack(worldAfter(run, i), dev, skb.iph.saddr),
    finding: (run, i) => `${departure(run, i)}, an address that the provider there does not route back and may drop`,
  }),

  everyDeparture({
    id: 'header-matches-socket',
    concern: 'address',
    gravity: 'wrong address',
    claim:
      'A packet of a connected socket carries the address and port that getsockname reports for it, before NAT changes them.',
    asked: ['getsockname(2)', 'POSIX.1-2017 connect()', 'RFC 9293 section 3.3.1 (a connection is a pair of sockets)'],
    onStock: '',
    scope: twoUplinks,
    // A VRF without an address leaves it open: 0.0.0.0.
    speaksOf: (run, i, { skb }) => fromConnected(run, i, skb) && sockName(getSock(worldAfter(run, i), skb.sk)) !== 0,
    holds(run, i, { skb }) {
      const sk = getSock(worldAfter(run, i), skb.sk);
      const { addr, port } = senderName(worldAfter(run, i), skb);
      const ofPorts = (sk.kind === SOCK_TCP || sk.kind === SOCK_UDP) && port !== 0;
      return addr === sockName(sk) && (!ofPorts || port === sk.inet_sport);
    },
    sometimes: (_run, _i, { skb }) => skb.mark !== 0,
    finding(run, i) {
      const sk = getSock(worldAfter(run, i), lastDeparture(run, i).skb.sk);
      return `${departure(run, i)}, while getsockname says ${end(sockName(sk), sk.inet_sport)}`;
    },
  }),

  everyStep({
    id: 'local-name-stays',
    concern: 'address',
    gravity: 'wrong address',
    claim:
      'What getsockname reports for a socket that is connected or bound changes only by its own bind, connect or close.',
    asked: ['getsockname(2)', 'POSIX.1-2017 bind(), connect()'],
    onStock: '',
    scope: twoUplinks,
    holds(run, i) {
      const event = eventOf(run, i);
      const own =
        event.kind === 'bind' || event.kind === 'connect' || event.kind === 'close' || event.kind === 'socket';
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
    finding(run, i) {
      const then = renamed(run, i);
      const now = getSock(worldAfter(run, i), then.id);
      const names = `${end(sockName(then), then.inet_sport)} into ${end(sockName(now), now.inet_sport)}`;
      return `${eventOf(run, i).kind} turns the name of socket ${then.name} from ${names}`;
    },
  }),

  everyDeparture({
    id: 'explicit-source-kept',
    concern: 'address',
    gravity: 'wrong address',
    claim:
      'An address that the user gave with bind, IP_PKTINFO or a header of its own is the source on the wire, unless NAT replaces it.',
    asked: ['bind(2)', 'ip(7): IP_PKTINFO, ipi_spec_dst', 'raw(7): IP_HDRINCL'],
    onStock: '',
    scope: twoUplinks,
    speaksOf: (run, i, { skb }) => demandedSource(run, i, skb) !== 0,
    holds: (run, i, { skb }) => senderName(worldAfter(run, i), skb).addr === demandedSource(run, i, skb),
    finding: (run, i) => `${departure(run, i)}, although its user gave another address`,
  }),

  everyDeparture({
    id: 'reply-carries-asked-address',
    concern: 'address',
    gravity: 'dead connection',
    claim:
      "The kernel's own answer to a packet (echo reply, SYN-ACK, RST, port unreachable) carries the address that was asked.",
    asked: [
      'RFC 1122 sections 3.2.2.6 and 4.1.3.5',
      'RFC 9293 section 3.5.2 (a reset takes the place of the asked socket)',
    ],
    onStock: '',
    scope: twoUplinks,
    speaksOf: (run, i, { skb }) => eventOf(run, i).kind === 'receive' && kernelSends(ownerOf(run, i, skb)),
    holds: (run, i, { skb }) => skb.iph.saddr === askedAddress(run, i),
    finding: (run, i) => `${departure(run, i)}, which is not the address that was asked`,
  }),

  everyStep({
    id: 'send-leaves-next-send-alone',
    concern: 'address',
    gravity: 'wrong path',
    claim: 'What an unconnected socket sent before does not change by which link and from which address it sends next.',
    asked: [
      'sendto(2), udp(7): each datagram of an unconnected socket is routed on its own',
      'RFC 1122 section 4.1.3.5',
    ],
    onStock: '',
    scope: twoUplinks,
    asksOf: ['send'],
    holds(run, i) {
      const sk = unconnectedSender(run, i);
      if (sk.id === 0) return true;
      const then = asUserLeftIt(run, i, sk);
      if (isAsLeft(sk, then)) return true;
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
    finding: (run, i) => `${departure(run, i)}, because an earlier send of the same unconnected socket went elsewhere`,
  }),

  everyStep({
    id: 'concurrent-send-unaffected',
    concern: 'address',
    gravity: 'wrong path',
    claim:
      'A datagram that another thread sends on the same unconnected socket leaves by the same link and from the same address, at whatever moment of the first one it is sent.',
    asked: [
      'sendto(2), udp(7): each datagram of an unconnected socket is routed on its own',
      'POSIX.1-2017: send functions are thread-safe',
    ],
    onStock: '',
    scope: owners,
    asksOf: ['send'],
    holds(run, i) {
      const sk = unconnectedSender(run, i);
      if (sk.id === 0 || !hasMoment(run, i)) return true;
      const before = worldBefore(run, i);
      let others: readonly World[] = [];
      for (const net of moments(run, i)) others = areSameSockets(net, before) ? others : [...others, net];
      if (others.length === 0) return true;
      let ok = true;
      for (const event of run.events) {
        if (event.kind === 'send' && event.s === sk.name) {
          const alone = firstDeparture(step(run.kernel, before, event).effects, sk.id);
          for (const net of others) {
            const beside = firstDeparture(step(run.kernel, net, event).effects, sk.id);
            ok = ok && beside.dev === alone.dev && beside.saddr === alone.saddr;
          }
        }
      }
      return ok;
    },
    sometimes: (run, i) => hasMoment(run, i) && unconnectedSender(run, i).id !== 0,
    finding: () =>
      "while the hook is at work on one datagram, another thread's on the same unconnected socket takes the first one's link or address",
  }),

  everyDeparture({
    id: 'tunnel-header-kept',
    concern: 'address',
    gravity: 'lost packet',
    claim: "The outer header of a tunnelled packet carries the tunnel's own address, whoever sent the inner packet.",
    asked: ['ip-link(8): local ADDR is the fixed local address of tunneled packets', 'RFC 2003 section 3.1'],
    onStock: '',
    scope: owners,
    speaksOf: (_run, _i, { skb }) => skb.encapsulated > 0,
    holds: (run, i, { skb }) => addressedByTunnel(worldAfter(run, i), skb),
    sometimes: (_run, _i, { skb }) => skb.mark !== 0,
    finding: (run, i) => `${departure(run, i)}, an address that is not the tunnel's`,
  }),

  everyReroute({
    id: 'tunnelled-sender-kept',
    concern: 'address',
    gravity: 'wrong address',
    claim: 'Routing the outer packet of a tunnel changes nothing of the socket whose packet is inside.',
    asked: [
      'RFC 2003 section 3: encapsulation leaves the inner datagram to its sender',
      'ip(7): a socket changes by its own calls',
    ],
    onStock: '',
    scope: owners,
    speaksOf: (_run, _i, { before }) => before.encapsulated > 0 && before.sk !== 0,
    holds: (run, i, e) => leavesEndsAlone(run, i, e),
    finding(run, i) {
      const { sk } = lastDeparture(run, i).skb;
      const { name } = inSocks(worldBefore(run, i).socks, sk);
      const { inet_saddr } = getSock(worldAfter(run, i), sk);
      return `routing the tunnel's outer packet gives socket ${name}, whose packet is inside, the address ${formatAddress(inet_saddr)}`;
    },
  }),

  everyReroute({
    id: 'failed-reroute-leaves-socket',
    concern: 'address',
    gravity: 'dead connection',
    claim:
      'A packet whose second route lookup fails is dropped, and its socket keeps its addresses, its port and its place in the tables.',
    asked: [
      'ip_route_me_harder() as every caller uses it: an error drops the packet, nothing else',
      'send(2): an error leaves the socket usable',
    ],
    onStock: '',
    scope: twoUplinks,
    // A lookup that failed was a question of the patch, where the packet left by another that did not.
    speaksOf: (run, i, { err, before }) => err < 0 && !(left(run, i, before.id) && rerouted(run, i, before.id)),
    holds: (run, i, e) => !left(run, i, e.before.id) && (e.before.sk === 0 || leavesEndsAlone(run, i, e)),
    finding: (run, i) =>
      leftAnyway(run, i)
        ? 'the second lookup fails, and the packet leaves'
        : 'the second lookup fails and the packet is dropped, yet its socket has lost its address or port',
  }),
];

/** Whether that packet left in step `i`. */
function left(run: Run, i: number, id: number): boolean {
  let seen = false;
  for (const e of effectsOf(run, i)) seen = seen || (leaves(e) && e.skb.id === id);
  return seen;
}

/** Whether a packet left in step `i` whose second lookup had failed. */
function leftAnyway(run: Run, i: number): boolean {
  let seen = false;
  for (const e of effectsOf(run, i)) seen = seen || (e.kind === 'reroute' && e.err < 0 && left(run, i, e.before.id));
  return seen;
}

/** Whether that packet belongs to a connected socket of a user that still lives, and was sent in its name. */
function fromConnected(run: Run, i: number, skb: SkBuff): boolean {
  const event = eventOf(run, i);
  const sk = getSock(worldAfter(run, i), senderOf(skb));
  const otherName = event.kind === 'send' && (event.from !== 0 || event.via !== '');
  return !otherName && userSocket(sk) && sk.inet_daddr !== 0 && sk.sk_state !== TCP_CLOSE;
}

/** The first socket that has another name after step `i` than before it, as it was before; NO_SOCK when none has. */
function renamed(run: Run, i: number): Sock {
  let found = NO_SOCK;
  for (const sk of worldBefore(run, i).socks) {
    const after = getSock(worldAfter(run, i), sk.id);
    const other = sockName(after) !== sockName(sk) || after.inet_sport !== sk.inet_sport;
    found = found.id === 0 && after.id !== 0 && sockName(sk) !== 0 && other ? sk : found;
  }
  return found;
}

/** The source that packet of step `i` must carry because its user said so, 0 when nobody did. */
function demandedSource(run: Run, i: number, skb: SkBuff): number {
  const sk = ownerOf(run, i, skb);
  return userSocket(sk) ? givenSource(run, i, sk) : 0;
}

/** The destination of the packet that step `i` received. */
function askedAddress(run: Run, i: number): number {
  const event = eventOf(run, i);
  return event.kind === 'receive' ? event.packet.skb.iph.daddr : 0;
}

/** The first packet of that socket to leave in a list of effects, as (device, source); 0, 0 when there is none. */
function firstDeparture(effects: readonly Effect[], id: number): { dev: number; saddr: number } {
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

/** Whether nothing that a send may change of an unconnected socket has changed. */
function isAsLeft(sk: Sock, then: Sock): boolean {
  return (
    sk.inet_saddr === then.inet_saddr &&
    sk.inet_rcv_saddr === then.inet_rcv_saddr &&
    sk.cork_fl.saddr === then.cork_fl.saddr &&
    sk.cork_fl.daddr === then.cork_fl.daddr
  );
}

/** The unconnected datagram or raw socket that step `i` sends on, NO_SOCK when it is another event. */
function unconnectedSender(run: Run, i: number): Sock {
  const event = eventOf(run, i);
  if (event.kind !== 'send' || event.tfo) return NO_SOCK;
  const sk = sockByName(worldBefore(run, i), event.s);
  return userSocket(sk) && sk.kind !== SOCK_TCP && sk.inet_daddr === 0 ? sk : NO_SOCK;
}

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

/** Whether the mangle hook, when it is done with that packet, leaves its socket as the second lookup found it. */
function leavesEndsAlone(run: Run, i: number, { before, socks }: Reroute): boolean {
  const left = socksMangled(effectsOf(run, i), before.id);
  return left.length === 0 || sameEnds(inSocks(socks, before.sk), inSocks(left, before.sk));
}
