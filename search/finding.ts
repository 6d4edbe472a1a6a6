/** Says in one sentence, for a network engineer, what a counterexample shows. */
import { getSock } from '../model/types/lookup.ts';
import { LOOPBACK_IFINDEX } from '../model/types/net.ts';
import type { SkBuff } from '../model/types/packet.ts';
import {
  IPPROTO_ICMP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  TCPHDR_ACK,
  TCPHDR_FIN,
  TCPHDR_RST,
  TCPHDR_SYN,
} from '../model/types/packet.ts';
import type { Effect, World } from '../model/types/world.ts';
import { destinationPort, ownerOf, sockName, sourcePort } from '../properties/packets.ts';
import { at, effectsOf, eventOf, type Property, type Run, worldBefore } from '../properties/property.ts';
import { formatAddress, formatEndpoint } from '../scenario/format.ts';

type Xmit = Extract<Effect, { kind: 'xmit' }>;

/** What kind of packet that is, as one says it. */
function kindOf(run: Run, i: number, skb: SkBuff): string {
  const { protocol } = skb.iph;
  if (protocol === IPPROTO_UDP) return 'the datagram';
  if (protocol === IPPROTO_ICMP)
    return skb.icmph.type === 8 ? 'the echo request' : skb.icmph.type === 0 ? 'the echo reply' : 'the ICMP error';
  if (skb.encapsulated > 0) return "a tunnel's packet";
  if (protocol !== IPPROTO_TCP) return 'the packet';
  const { flags } = skb.th;
  if (flags & TCPHDR_SYN)
    return flags & TCPHDR_ACK
      ? 'the SYN-ACK'
      : eventOf(run, i).kind === 'retransmit'
        ? 'the retransmitted SYN'
        : 'the SYN';
  if (flags & TCPHDR_RST) return 'the RST';
  if (flags & TCPHDR_FIN) return 'the FIN';
  return skb.payload.len > 0 ? 'the data segment' : 'the ACK';
}

function end(address: number, port: number): string {
  return port === 0 ? formatAddress(address) : formatEndpoint(address, port);
}

/** The packet that tells the story: the last one that left in that step. */
function lastPacket(run: Run, i: number): Xmit | undefined {
  return effectsOf(run, i).findLast((e): e is Xmit => e.kind === 'xmit' && e.dev !== LOOPBACK_IFINDEX);
}

function deviceName(net: World, ifindex: number): string {
  return net.devs.find((dev) => dev.ifindex === ifindex)?.name ?? '?';
}

/** `the SYN to 8.8.8.8:80 leaves by eth1 from 10.0.0.1`. */
function departure(run: Run, i: number, xmit: Xmit): string {
  const { skb } = xmit;
  return `${kindOf(run, i, skb)} to ${end(skb.iph.daddr, destinationPort(skb))} leaves by ${deviceName(at(run, i).world, xmit.dev)} from ${end(skb.iph.saddr, sourcePort(skb))}`;
}

/** As a sentence; the name of a kernel function keeps its spelling. */
function capital(text: string): string {
  return /^\w+_/.test(text) ? `${text}.` : `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

/** The sentence for the step at which the property is first broken. */
export function finding(property: Property, run: Run, i: number): string {
  const world = at(run, i).world;
  if (property.id === 'kernel-survives' && world.oops.where !== '')
    return capital(`the kernel crashes in ${world.oops.where}: ${world.oops.why}`);
  const freed = effectsOf(run, i).find((e) => e.kind === 'use-after-free');
  if (property.id === 'kernel-survives' && freed?.kind === 'use-after-free')
    return capital(`${freed.where} writes ${freed.what} of a packet into the buffer that pskb_expand_head() has freed`);
  const verdict = effectsOf(run, i).find(
    (e) => e.kind === 'verdict' && property.id === 'verdict-legal' && !property.holds(run, i) && (e.verdict & 0xff) > 5,
  );
  if (verdict?.kind === 'verdict')
    return capital(`the hook returns ${verdict.verdict}, an errno, where netfilter expects a verdict`);
  const xmit = lastPacket(run, i);
  const packet = xmit === undefined ? `after ${eventOf(run, i).kind}` : departure(run, i, xmit);
  const sk = xmit === undefined ? undefined : getSock(world, xmit.skb.sk);
  switch (property.id) {
    case 'source-fits-route':
      return capital(`${packet}, which is not the source of the route it leaves by`);
    case 'source-passes-provider-filter':
      return capital(`${packet}, an address that the provider there does not route back and may drop`);
    case 'header-matches-socket':
      return capital(`${packet}, while getsockname says ${sk === undefined ? '?' : end(sockName(sk), sk.inet_sport)}`);
    case 'local-name-stays': {
      const moved = worldBefore(run, i).socks.find((before) => {
        const after = getSock(world, before.id);
        return (
          after.id !== 0 &&
          sockName(before) !== 0 &&
          (sockName(after) !== sockName(before) || after.inet_sport !== before.inet_sport)
        );
      });
      const now = getSock(world, moved?.id ?? 0);
      return capital(
        `${eventOf(run, i).kind} turns the name of socket ${moved?.name ?? '?'} from ${end(sockName(moved ?? now), moved?.inet_sport ?? 0)} into ${end(sockName(now), now.inet_sport)}`,
      );
    }
    case 'explicit-source-kept':
      return capital(`${packet}, although its user gave another address`);
    case 'reply-carries-asked-address':
      return capital(`${packet}, which is not the address that was asked`);
    case 'send-leaves-next-send-alone':
      return capital(`${packet}, because an earlier send of the same unconnected socket went elsewhere`);
    case 'tunnel-header-kept':
      return capital(`${packet}, an address that is not the tunnel's`);
    case 'tunnelled-sender-kept': {
      const owner = xmit === undefined ? undefined : worldBefore(run, i).socks.find(({ id }) => id === xmit.skb.sk);
      return capital(
        `routing the tunnel's outer packet gives socket ${owner?.name ?? '?'}, whose packet is inside, the address ${sk === undefined ? '?' : formatAddress(sk.inet_saddr)}`,
      );
    }
    case 'tunnel-does-not-loop':
      return capital(`the outer packet of a tunnel is routed into the tunnel again: ${packet}`);
    case 'concurrent-send-unaffected':
      return capital(
        `while the hook is at work on one datagram, another thread's on the same unconnected socket takes the first one's link or address`,
      );
    case 'answer-found-at-any-moment':
      return capital(
        'while the hook is at work, an answer to a segment that left before does not find its connection, and is answered with a reset',
      );
    case 'bound-port-refused-to-others':
      return capital('while the hook is at work, another process can bind the port that the socket is bound to');
    case 'failed-reroute-leaves-socket':
      return capital('the second lookup fails and the packet is dropped, yet its socket has lost its address or port');
    case 'four-tuple-unique':
      return capital(`${moment(property, run, i)}two sockets stand in the table of connections under one four-tuple`);
    case 'hashed-socket-found':
      return capital(
        `${moment(property, run, i)}a connected socket stands in the table under another four-tuple than its own, and what arrives for it does not find it`,
      );
    case 'one-connection-one-tuple':
      return capital(`${packet}, another tuple than that of the connection's first SYN`);
    case 'bound-port-kept':
      return capital(`${packet}, although its socket was bound to another port`);
    case 'ports-accounted':
      return capital('a socket is left connecting without a port, a bind bucket or a place in the table');
    case 'listener-stays':
      return capital('a listening socket loses its port or its place in the table');
    case 'tcp-operations-on-tcp-sockets': {
      const wrong = effectsOf(run, i).find((e) => e.kind === 'wrong-kind');
      return capital(
        `${wrong?.kind === 'wrong-kind' ? wrong.where : 'a function'} treats ${xmit === undefined ? 'a socket of another kind' : ownerWord(ownerOf(run, i, xmit.skb).kind)} as a full TCP socket`,
      );
    }
    case 'transport-checksum-correct':
      return capital(`${packet} with a transport checksum that its receiver finds wrong`);
    case 'ip-checksum-correct':
      return capital(`${packet} with a wrong IP header checksum`);
    case 'packet-consumed-once':
      return capital('a packet is neither sent nor freed');
    case 'answer-reaches-sender':
      return capital(
        `what socket ${'s' in eventOf(run, i) ? (eventOf(run, i) as { s: string }).s : '?'} sent gets no answer that reaches it`,
      );
    case 'bound-device-kept':
      return capital(`${packet}, although its socket is bound to another link`);
    case 'message-device-kept':
      return capital(`${packet}, although its user named another link for it`);
    case 'dontroute-stays-on-link':
      return capital(`${packet}, to a gateway, although its user asked for no routing`);
    case 'rerouted-by-ports':
      return capital(`${packet}, which is not the route that the rules give for its protocol and ports`);
    case 'rerouted-by-user':
      return capital(`${packet}, which is not the route that the rules give for its user`);
    case 'rerouted-by-source':
      return capital(`${packet}, which is not the route that the rules give for that source`);
    case 'vrf-kept':
      return capital(`${packet}, outside of the VRF that its route was in`);
    case 'route-ignores-garbage':
      return capital(`${packet}, and not so when memory that nobody initialised holds something else`);
    case 'mark-alone-changes-nothing':
      return capital(
        `${xmit === undefined ? 'a packet' : packet}, with another source or port than before a mark or TOS that changed no route`,
      );
    case 'flow-keeps-path':
      return capital(
        `${packet} via ${xmit === undefined || xmit.gateway === 0 ? 'no gateway' : formatAddress(xmit.gateway)}, another path than an earlier packet of the same flow took`,
      );
    case 'policies-obeyed':
      return capital(
        `${packet}${xmit?.skb.dst.xfrm ? ', protected' : ', in clear'}, which is not what the IPsec policy for its addresses says`,
      );
    case 'source-is-an-address':
      return capital(`${packet}, which is no address of a host`);
    case 'cookie-from-its-address':
      return capital(`${packet} with a Fast Open cookie that the server gave to another address and will refuse`);
    case 'cookie-used-again':
      return capital(`${packet} and asks for a Fast Open cookie that the server has given to that address before`);
    case 'syn-data-delivered-once':
      return capital(`the connection is open, but data given with its SYN has not reached the peer: ${packet}`);
    case 'fast-open-fallback-answerable':
      return capital(`the SYN with cookie or data cannot leave, and ${packet}, which the peer cannot answer`);
    case 'isn-of-own-tuple':
      return capital(`${packet} with the initial sequence number of another four-tuple`);
    case 'new-incarnation-beyond-old':
      return capital(
        `${packet}, a four-tuple still in TIME_WAIT, with a sequence number that the old connection was already beyond`,
      );
    case 'sequence-numbers-continue':
      return capital(
        `${packet} with one sequence number, and the socket goes on with another: what it sends next can never be in order`,
      );
    case 'mss-fits-link':
      return capital(`${packet} with an MSS for the link of the first lookup, which is larger`);
    case 'signature-fits-header':
      return capital(`${packet} with an MD5 signature for another header`);
    case 'conntrack-tuple-on-wire':
      return capital(`${packet}, which is not what connection tracking recorded for it`);
    case 'answer-is-established':
      return capital(
        'the answer of a correct peer belongs to no connection that is tracked, so that a rule for ESTABLISHED does not let it in',
      );
    case 'dropped-packet-leaves-socket':
      return capital('a later rule drops the packet, yet its socket has moved to another address, port or place');
    default:
      return capital(packet);
  }
}

/** `inside the hook, …`, when the property is broken only between two statements of a patched region. */
function moment(property: Property, run: Run, i: number): string {
  const settled = run.steps.map((step) => ({ ...step, effects: step.effects.filter((e) => e.kind !== 'micro') }));
  return property.holds({ ...run, steps: settled }, i) ? 'while the hook is at work, seen from another CPU, ' : '';
}

/** The owner of a packet, as one says it. */
export function ownerWord(kind: number): string {
  return (
    [
      'no socket',
      'a TCP socket',
      'a request socket',
      'a time-wait socket',
      'a UDP socket',
      'a raw socket',
      'a ping socket',
      "the kernel's control socket",
    ][kind] ?? 'a socket'
  );
}
