/**
 * The purpose: what a mark sends by another link is of use to its sender. A promise for every kind of sender.
 *
 * Whether a packet is one of these follows from the operator's rules alone: they lead its destination by the link that it
 * left by, from the source that is right there too, and would lead it by another one without its mark, or without any rules
 * (a rule by destination, port or user may stand in a mark's place). A route with several paths names no link. What is asked
 * is the packet on the wire, so that NAT counts, and what comes back.
 */
import { signatureCorrect } from '../model/host/peer.ts';
import { ipChecksumCorrect, transportChecksumCorrect } from '../model/kernel/include/net/checksum.ts';
import { fib_get_table } from '../model/kernel/net/ipv4/fib_frontend.ts';
import { fib_lookup } from '../model/kernel/net/ipv4/fib_rules.ts';
import { fib_table_lookup } from '../model/kernel/net/ipv4/fib_trie.ts';
import { ICMP_ECHO } from '../model/kernel/net/ipv4/icmp.ts';
import { inet_sk_get_local_port_range } from '../model/kernel/net/ipv4/inet_connection_sock.ts';
import { inet_bind_bucket_find } from '../model/kernel/net/ipv4/inet_hashtables.ts';
import { __ip_route_output_key } from '../model/kernel/net/ipv4/route.ts';
import { l3mdev_master_ifindex_by_index } from '../model/kernel/net/l3mdev/l3mdev.ts';
import { askLocalOut } from '../model/kernel/net/netfilter/core.ts';
import { getCt } from '../model/kernel/net/netfilter/nf_conntrack_core.ts';
import { decode_session4, xfrm_policy_lookup } from '../model/kernel/net/xfrm/xfrm_policy.ts';
import { getSock, sockByName } from '../model/types/lookup.ts';
import { LOOPBACK_IFINDEX } from '../model/types/net.ts';
import { IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP, type SkBuff, TCPHDR_RST, TCPHDR_SYN } from '../model/types/packet.ts';
import { type FlowI4, RT_TABLE_MAIN, RTN_UNICAST } from '../model/types/route.ts';
import {
  NO_SOCK,
  SOCK_BINDPORT_LOCK,
  SOCK_TCP,
  SOCK_UDP,
  type Sock,
  TCP_CLOSE,
  TCP_ESTABLISHED,
  TCP_SYN_SENT,
} from '../model/types/sock.ts';
import { IP_CT_DIR_REPLY, NF_ACCEPT, NF_INET_LOCAL_OUT } from '../model/types/verdict.ts';
import type { Kernel, World } from '../model/types/world.ts';
import { XFRM_POLICY_BLOCK } from '../model/types/xfrm.ts';
import { asking, comesTooLate, keptOut, lastSent, reaches } from './answers.ts';
import { hasTwin } from './oneTuple.ts';
import {
  callOn,
  connects,
  dontRoute,
  givenSource,
  goesToPeer,
  hasTuple,
  isFirstMangled,
  isSyn,
  kernelChoseSource,
  kernelSends,
  keyOf,
  leaves,
  markedAsFirst,
  messageDevice,
  NO_XMIT,
  namesDevice,
  ownerOf,
  parted,
  remarkedSinceConnect,
  routeSource,
  synBefore,
  userSocket,
  worldAfter,
  type Xmit,
} from './packets.ts';
import { effectsOf, eventOf, everyStep, type Property, type Run, type Stated, worldBefore } from './property.ts';
import { routedBack } from './providers.ts';
import { fastOpenHosts, openConversations, signedSessions, twoUplinks } from './scopes/runs.ts';
import { departureOf } from './sentences.ts';

/** A question about a packet that left in step `i`. */
type Question = (run: Run, i: number, e: Xmit) => boolean;

interface Parts {
  /** Whether the packet is of that kind of sender. */
  readonly isOne: Question;
  /** What must be true of it on the wire. */
  readonly isRight: Question;
}

/** What all of them share. */
type Shared = 'purpose' | 'onStock';

const PURPOSE: Pick<Property, Shared> = {
  purpose: true,
  onStock: 'the problem the patch sets out to solve: the second lookup changes the route and leaves the source',
};

/** The promise for one kind of sender: its packets are right, and the answers to them get to it. */
function served({
  isOne,
  isRight,
  ...stated
}: Omit<Stated, Shared | 'holds' | 'sometimes' | 'finding'> & Parts): Property {
  return everyStep({
    ...PURPOSE,
    ...stated,
    asksOf: ['xmit', 'answer'],
    asksWhere: mayConcern,
    holds: (run, i) => wrongOne(run, i, { isOne, isRight }).dev === 0 && unheard(run, i, isOne).id === 0,
    sometimes(run, i) {
      let seen = false;
      for (const e of effectsOf(run, i)) seen = seen || (leaves(e) && sentElsewhere(run, i, e) && isOne(run, i, e));
      return seen;
    },
    finding(run, i) {
      const wrong = wrongOne(run, i, { isOne, isRight });
      const why = intact(wrong.skb) ? 'which is no source for that link' : 'with a wrong checksum';
      return wrong.dev === 0
        ? `socket ${unheard(run, i, isOne).name} hears nothing of the answer to what a mark sent by another link`
        : `${departureOf(run, i, wrong)}, where the rules lead it, ${why}`;
    },
  });
}

/** Whether something leaves in step `i` by another link, or an answer comes, which may be to something that did. */
function mayConcern(run: Run, i: number): boolean {
  let may = eventOf(run, i).kind === 'answer';
  for (const e of effectsOf(run, i)) may = may || (leaves(e) && sentElsewhere(run, i, e));
  return may;
}

/** The first packet of that kind in step `i` that is not right, on device 0 when there is none. */
function wrongOne(run: Run, i: number, { isOne, isRight }: Parts): Xmit {
  let wrong = NO_XMIT;
  for (const e of effectsOf(run, i)) {
    if (leaves(e) && wrong.dev === 0)
      wrong = sentElsewhere(run, i, e) && isOne(run, i, e) && !isRight(run, i, e) ? e : wrong;
  }
  return wrong;
}

/** The socket that sent one of that kind and does not hear the answer that step `i` brings, NO_SOCK when it does. */
function unheard(run: Run, i: number, isOne: Question): Sock {
  const sk = asking(run, i);
  if (sk.id === 0) return NO_SOCK;
  const sent = lastSent(worldBefore(run, i), sk.id);
  const { step, e } = departureOfPacket(run, i, sent.skb.id);
  if (step < 0 || !isOne(run, step, e) || !sentElsewhere(run, step, e) || keptOut(run, i, sent)) return NO_SOCK;
  return reaches(run, i, sk) && opened(run, i, sk) ? NO_SOCK : sk;
}

export const purposeProperties: readonly Property[] = [
  served({
    id: 'marked-echo-works',
    concern: 'address',
    gravity: 'wrong address',
    scope: twoUplinks,
    claim:
      "An echo request that a mark sends by another link leaves from that link's source, and its answer reaches the sender.",
    asked: ['the post, first patch', 'RFC 1122 sections 3.2.2.6 and 3.3.4.3'],
    isOne: (run, i, e) => isEcho(e.skb) && !isConnected(run, i, e) && kernelChoseSource(run, i, e.skb),
    isRight: hasLinkSource,
  }),

  served({
    id: 'marked-datagram-works',
    concern: 'address',
    gravity: 'wrong address',
    scope: twoUplinks,
    claim:
      "A datagram from a port that the kernel chose and that a mark sends by another link leaves from that link's source with a right checksum, and its answer reaches the sender.",
    asked: ['the post, first patch', 'RFC 1122 section 4.1.3.5'],
    isOne: (run, i, e) => isDatagram(run, i, e) && !isConnected(run, i, e) && !hasPort(ownerOf(run, i, e.skb)),
    isRight: hasLinkSource,
  }),

  served({
    id: 'marked-connected-datagram-works',
    concern: 'address',
    gravity: 'wrong address',
    scope: twoUplinks,
    claim:
      "A datagram, from a port that the kernel chose, or echo request of a connected socket to its peer that a mark sends by another link leaves from that link's source with a right checksum, and its answer reaches the sender.",
    asked: ['udp(7): connect', 'RFC 1122 section 4.1.3.5'],
    isOne: (run, i, e) =>
      ((isDatagram(run, i, e) && !hasPort(ownerOf(run, i, e.skb))) || isEcho(e.skb)) &&
      isOfConnected(run, i, e) &&
      kernelChoseSource(run, i, e.skb),
    isRight: hasLinkSource,
  }),

  served({
    id: 'marked-syn-works',
    concern: 'connection',
    gravity: 'dead connection',
    scope: twoUplinks,
    claim:
      "A SYN that a mark sends by another link leaves from that link's source with a right checksum, if a port is left there, and its answer opens the connection.",
    asked: ['the post, second patch', 'RFC 9293 section 3.5'],
    isOne: (run, i, e) => isSyn(e.skb) && !sentAgain(run, i) && ofPlainClient(run, i, e.skb),
    isRight: hasLinkSource,
  }),

  served({
    id: 'marked-connection-works',
    concern: 'connection',
    gravity: 'dead connection',
    scope: openConversations,
    claim:
      "What a connection sends behind its SYN, the first of which has left, by the link that a mark gives it leaves from that link's source, too, and is answered to the connection.",
    asked: ['the post, second patch', 'RFC 9293 section 3.10.7.4'],
    isOne: (run, i, e) =>
      isLaterSegment(e.skb) && !sentAgain(run, i) && ofPlainClient(run, i, e.skb) && synWentBy(run, i, e),
    isRight: hasLinkSource,
  }),

  served({
    id: 'marked-retransmission-works',
    concern: 'connection',
    gravity: 'dead connection',
    scope: openConversations,
    claim:
      "A segment that is sent once more, also behind one that a rule dropped, and that a mark sends by another link, leaves from that link's source, and is answered to the connection.",
    asked: ['RFC 9293 section 3.8.1', 'RFC 1122 section 4.2.3.5 (a SYN that was lost is sent again)'],
    isOne: (run, i, e) =>
      sentAgain(run, i) &&
      ofClient(run, i, e.skb) &&
      !opensFast(run, i, ownerOf(run, i, e.skb)) &&
      (isFirstSyn(run, i, e) || synWentBy(run, i, e)),
    isRight: (run, i, e) => (!ownerOf(run, i, e.skb).md5 || signatureCorrect(e.skb)) && hasLinkSource(run, i, e),
  }),

  served({
    id: 'marked-fast-open-works',
    concern: 'connection',
    gravity: 'dead connection',
    scope: fastOpenHosts,
    claim:
      "What a connection with Fast Open sends by another link because of its mark, the SYN first, leaves from that link's source with a right checksum, and its answer reaches the connection.",
    asked: ['RFC 7413 section 4.2', 'RFC 9293 section 3.5'],
    isOne: (run, i, e) =>
      ofClient(run, i, e.skb) &&
      !parted(run, i, e.skb) &&
      opensFast(run, i, ownerOf(run, i, e.skb)) &&
      (isFirstSyn(run, i, e) || synWentBy(run, i, e)),
    isRight: hasLinkSource,
  }),

  served({
    id: 'marked-signed-session-works',
    concern: 'connection',
    gravity: 'dead connection',
    scope: signedSessions,
    claim:
      "What a connection with TCP-MD5 sends by another link because of its mark, the SYN first, leaves from that link's source, rightly signed, and its answer reaches the connection.",
    asked: ['RFC 2385 section 2.0', 'RFC 9293 section 3.5'],
    isOne: (run, i, e) =>
      !sentAgain(run, i) &&
      ofClient(run, i, e.skb) &&
      ownerOf(run, i, e.skb).md5 &&
      (isFirstSyn(run, i, e) || synWentBy(run, i, e)),
    isRight: (run, i, e) => signatureCorrect(e.skb) && hasLinkSource(run, i, e),
  }),

  served({
    id: 'marked-reply-works',
    concern: 'address',
    gravity: 'wrong address',
    scope: twoUplinks,
    claim:
      'What answers a caller (echo reply, SYN-ACK, RST, the segments of an accepted connection) and is sent by another link by a mark keeps the asked address, and leaves by a link that routes it back.',
    asked: ['RFC 1122 section 3.2.2.6', 'RFC 9293 section 3.5.2', 'RFC 2827 (BCP 38)'],
    isOne: (run, i, e) => isReply(run, i, e) && !comesTooLate(run, i),
    isRight: (run, i, e) =>
      intact(e.skb) && routedBack(worldAfter(run, i), e.dev, e.skb.iph.saddr) && asAsked(run, i, e),
  }),

  served({
    id: 'marked-bound-sender-works',
    concern: 'address',
    gravity: 'wrong address',
    scope: twoUplinks,
    claim:
      'What a mark sends by another link from an address that its user gave, or as a datagram from such a port, leaves with a source that is routed back there, and its answer reaches the sender under the address that he gave.',
    asked: ['bind(2)', 'ip(7): IP_PKTINFO', 'RFC 2827 (BCP 38)'],
    isOne: isBound,
    isRight: (run, i, e) =>
      intact(e.skb) && routedBack(worldAfter(run, i), e.dev, e.skb.iph.saddr) && keepsGiven(run, i, e),
  }),

  everyStep({
    ...PURPOSE,
    id: 'marked-greeting-works',
    concern: 'connection',
    gravity: 'dead connection',
    scope: openConversations,
    asksOf: ['say'],
    claim:
      'What a server says before its client does reaches a client whose packets, the first SYN among them, a mark sends by another link.',
    asked: ['RFC 9293 section 3.10.7.4', 'RFC 5321 section 3.1 (the server greets)'],
    holds(run, i) {
      const { sk, step, last } = spokenTo(run, i);
      if (sk.id === 0) return true;
      const heard = getSock(worldAfter(run, i), sk.id).received > sk.received;
      const silent = !came(run, i);
      return (
        hasLinkSource(run, step, last) &&
        (silent || heard || keptOut(run, i, { sk: sk.id, dev: last.dev, skb: last.skb }))
      );
    },
    sometimes: (run, i) => spokenTo(run, i).sk.id !== 0,
    finding: (run, i) =>
      `what the server says does not reach socket ${spokenTo(run, i).sk.name}, whose packets a mark sends by another link`,
  }),
];

/** Whether a receiver finds both checksums right. */
function intact(skb: SkBuff): boolean {
  return ipChecksumCorrect(skb.iph) && transportChecksumCorrect(skb);
}

/**
 * Whether the operator's rules, and no source that was chosen before, send that packet by the link that it left by, and
 * would send it by another one if it had no mark, or if there were no rules. That link has to have a source, from which
 * they lead there, too; no IPsec policy may block what comes from there, a connection has to find a port there, and the
 * user may not have named another link himself, or refused gateways; and rules of mangle OUTPUT may not lead what its sender
 * sends from that source away again.
 */
function sentElsewhere(run: Run, i: number, { dev, skb }: Xmit): boolean {
  if (skb.dst.rt_type !== RTN_UNICAST || skb.encapsulated > 0) return false;
  const net = worldBefore(run, i);
  const sk = ownerOf(run, i, skb);
  if (namesDevice(run, i, sk) || messageDevice(run, i, sk) !== 0 || dontRoute(run, i, sk)) return false;
  const bound = sk.sk_bound_dev_if;
  if (bound !== 0 && dev !== bound && l3mdev_master_ifindex_by_index(net, dev) !== bound) return false;
  const key = keyOf(skb, sk, 0, sk.sk_uid);
  if (!isLedByMark(net, key, dev) && !isLedByRules(net, key, dev)) return false;
  const source = routeSource(net, skb);
  if (source === 0 || !leadsBy(net, key, dev) || !leadsBy(net, { ...key, saddr: source }, dev)) return false;
  if (isSyn(skb) && !findsPort(net, sk, source, skb)) return false;
  if (isBlocked(net, { ...skb, iph: { ...skb.iph, saddr: source } })) return false;
  return canBeSent(run, i, { dev, skb }, source);
}

/** Whether it would leave by another link without its mark. */
function isLedByMark(net: World, key: FlowI4, dev: number): boolean {
  if (key.flowi4_mark === 0) return false;
  const { rt } = __ip_route_output_key(net, { ...key, flowi4_mark: 0 });
  return rt.err === 0 && rt.rt_type === RTN_UNICAST && otherLink(net, rt.dev, dev);
}

/** Whether it would leave by another link if there were no rules. */
function isLedByRules(net: World, key: FlowI4, dev: number): boolean {
  const { err, fa } = fib_table_lookup(net, fib_get_table(net, RT_TABLE_MAIN), key);
  return err === 0 && fa.fa_type === RTN_UNICAST && fa.fib_nhs.length === 0 && otherLink(net, fa.nh_dev, dev);
}

/**
 * Whether the mangle table lets its sender send that from `source` by this link, as bind(2) makes it, with the mark that the
 * packet has now (SO_MARK), or with its own. Asked of what begins an exchange and has another source: where rules lead that away
 * again, by its source or its link, nobody can be right.
 */
function canBeSent(run: Run, i: number, { dev, skb }: Pick<Xmit, 'dev' | 'skb'>, source: number): boolean {
  if (skb.iph.saddr === source || isLaterSegment(skb) || !kernelChoseSource(run, i, skb)) return true;
  const net = worldBefore(run, i);
  const sk = getSock(net, skb.sk);
  let sent = true;
  for (const e of effectsOf(run, i)) {
    if (e.kind === 'mangled' && e.skb.id === skb.id) {
      const own = { ...e.skb, mark: sk.sk_mark, iph: { ...e.skb.iph, saddr: source, tos: sk.tos } };
      sent = isLedBy(run.kernel, net, { ...own, mark: e.skb.mark }, dev) || isLedBy(run.kernel, net, own, dev);
    }
  }
  return sent;
}

/** Whether a packet that begins with that mark leaves by this link, as far as the rules of mangle OUTPUT say. */
function isLedBy(kernel: Kernel, net: World, skb: SkBuff, dev: number): boolean {
  const sk = getSock(net, skb.sk);
  const { rt } = __ip_route_output_key(net, keyOf(skb, sk, skb.iph.saddr, sk.sk_uid));
  if (rt.err !== 0) return false;
  const state = { hook: NF_INET_LOCAL_OUT, in: 0, out: rt.dev, sk: sk.id };
  const asked = askLocalOut(kernel, net, { ...skb, dst: rt }, state);
  return asked.verdict === NF_ACCEPT && leadsBy(net, keyOf(asked.skb, sk, asked.skb.iph.saddr, sk.sk_uid), dev);
}

/** Whether an IPsec policy lets no packet with those addresses out. */
function isBlocked(net: World, skb: SkBuff): boolean {
  return xfrm_policy_lookup(net, decode_session4(skb)).action === XFRM_POLICY_BLOCK;
}

/** Whether the rules lead that key by this link, and by no other. */
function leadsBy(net: World, key: FlowI4, dev: number): boolean {
  const { rt } = __ip_route_output_key(net, key);
  return rt.err === 0 && rt.dev === dev && fib_lookup(net, key).fa.fib_nhs.length === 0;
}

/**
 * Whether a connection from `source` to the packet's peer can have a port: the one that its user bound, else one of the
 * host's range that connections have for themselves, and nobody bound (inet_hash_connect()).
 */
function findsPort(net: World, sk: Sock, source: number, { iph, th }: SkBuff): boolean {
  const { low, high } = inet_sk_get_local_port_range(net);
  const own = hasPort(sk);
  let used = own ? 0 : net.sysctl.local_reserved_ports.length;
  for (const { port, fastreuse } of net.bhash)
    used = !own && port >= low && port <= high && fastreuse >= 0 ? used + 1 : used;
  for (const other of net.socks) {
    const inReach = own ? other.inet_num === sk.inet_num : other.inet_num >= low && other.inet_num <= high;
    const there = other.inet_rcv_saddr === source && other.inet_daddr === iph.daddr && other.inet_dport === th.dest;
    const counted = !own && inet_bind_bucket_find(net, other.inet_num).fastreuse >= 0;
    used = other.id !== sk.id && inReach && hasTuple(other) && there && !counted ? used + 1 : used;
  }
  return used < (own ? 1 : high - low + 1);
}

/** Whether that is another link than this one, and no VRF is one of them or parts the two. */
function otherLink(net: World, link: number, dev: number): boolean {
  const vrf = l3mdev_master_ifindex_by_index(net, dev);
  const another = link !== 0 && link !== LOOPBACK_IFINDEX && link !== dev && link !== vrf;
  return another && l3mdev_master_ifindex_by_index(net, link) === vrf;
}

/** Whether the packet is right, and has the source of its route, or one of its link that NAT has given it. */
function hasLinkSource(run: Run, i: number, { dev, skb }: Xmit): boolean {
  const net = worldAfter(run, i);
  const translated = getCt(net, skb.ct).srcNat && routedBack(net, dev, skb.iph.saddr);
  return intact(skb) && (translated || skb.iph.saddr === routeSource(net, skb));
}

/** Whether the packet asks for an echo. */
function isEcho({ iph, icmph, hdrincl }: SkBuff): boolean {
  return iph.protocol === IPPROTO_ICMP && icmph.type === ICMP_ECHO && !hdrincl;
}

/** Whether the packet's socket has one peer. */
function isConnected(run: Run, i: number, { skb }: Xmit): boolean {
  return ownerOf(run, i, skb).inet_daddr !== 0;
}

/**
 * Whether the packet goes to the peer for which connect() chose the source, and is marked as the first one was, by rules that do
 * not count and are those of then; and rules by port lead it as they led connect(), which has the port of an echo's peer, too.
 */
function isOfConnected(run: Run, i: number, { dev, skb }: Xmit): boolean {
  const sk = ownerOf(run, i, skb);
  const since = connects(run, i, sk).last;
  const key = { ...keyOf(skb, sk, 0, sk.sk_uid), fl4_dport: sk.inet_dport };
  return (
    goesToPeer(sk, skb) &&
    leadsBy(worldBefore(run, i), key, dev) &&
    !parted(run, i, skb) &&
    markedAsFirst(run, Math.max(since, 0), i, skb, anyPacket)
  );
}

function anyPacket(_skb: SkBuff): boolean {
  return true;
}

/**
 * Whether the packet is a datagram whose source the kernel has to choose. One that connection tracking knows as the answer to
 * what came in first has the address that was asked.
 */
function isDatagram(run: Run, i: number, { skb }: Xmit): boolean {
  const isAnswer = skb.ct !== 0 && skb.ctdir === IP_CT_DIR_REPLY;
  const isOne = ownerOf(run, i, skb).kind === SOCK_UDP && skb.iph.protocol === IPPROTO_UDP;
  return isOne && !isAnswer && kernelChoseSource(run, i, skb);
}

/** Whether the packet is a segment of an open connection. */
function isLaterSegment({ iph, th }: SkBuff): boolean {
  return iph.protocol === IPPROTO_TCP && (th.flags & (TCPHDR_SYN | TCPHDR_RST)) === 0;
}

/** Whether a user's connection sends the packet, from an address that the kernel had to choose, by the marks of today. */
function ofClient(run: Run, i: number, skb: SkBuff): boolean {
  const sk = ownerOf(run, i, skb);
  const isSegment = sk.kind === SOCK_TCP && skb.iph.protocol === IPPROTO_TCP;
  return isSegment && kernelChoseSource(run, i, skb) && !remarkedSinceConnect(run, i, sk);
}

/** The same where the connection has neither Fast Open nor signatures. */
function ofPlainClient(run: Run, i: number, skb: SkBuff): boolean {
  const sk = ownerOf(run, i, skb);
  return !sk.md5 && !opensFast(run, i, sk) && ofClient(run, i, skb);
}

/** Whether the user asked for Fast Open on that socket by step `i`. */
function opensFast(run: Run, i: number, sk: Sock): boolean {
  let fast = false;
  for (let k = 0; k < i + 1; k += 1) {
    const event = eventOf(run, k);
    fast = fast || ((event.kind === 'connect' || event.kind === 'send') && event.tfo && callOn(run, k, sk));
  }
  return fast;
}

/** Whether the mark sent the connection's first SYN by the same link, so that no rule has parted the two, or dropped a SYN before. */
function synWentBy(run: Run, i: number, { dev, skb }: Xmit): boolean {
  const { step, e } = synBefore(run, i, skb);
  return step >= 0 && e.dev === dev && sentElsewhere(run, step, e) && isFirstMangled(run, step, e.skb);
}

/** Whether that is a SYN, marked as the first one of its connection, and none of them left before. */
function isFirstSyn(run: Run, i: number, { skb }: Xmit): boolean {
  return isSyn(skb) && synBefore(run, i, skb).step < 0 && markedAsFirst(run, 0, i, skb, isSyn);
}

/** Whether all that the packet's socket sent to its destination by step `i` left the mangle table with one mark. */
function markedAlike(run: Run, i: number, { sk, iph }: SkBuff): boolean {
  let mark = -1;
  let alike = true;
  for (let k = 0; k < i + 1; k += 1) {
    for (const e of effectsOf(run, k)) {
      const same = e.kind === 'mangled' && e.skb.sk === sk && e.skb.iph.daddr === iph.daddr;
      alike = alike && !(same && mark >= 0 && e.kind === 'mangled' && e.skb.mark !== mark);
      mark = same && e.kind === 'mangled' ? e.skb.mark : mark;
    }
  }
  return alike;
}

/** Whether a timer made step `i` send. */
function sentAgain(run: Run, i: number): boolean {
  const { kind } = eventOf(run, i);
  return kind === 'retransmit' || kind === 'wait';
}

/** Whether the packet answers a caller: from the kernel itself, or from an accepted connection. */
function isReply(run: Run, i: number, { skb }: Xmit): boolean {
  const sk = ownerOf(run, i, skb);
  return kernelSends(sk) || (sk.kind === SOCK_TCP && sk.parent !== 0);
}

/** Whether what answers a packet that came in step `i` carries the address that was asked, or what NAT has made of it. */
function asAsked(run: Run, i: number, { skb }: Xmit): boolean {
  const event = eventOf(run, i);
  const { srcNat, dstNat } = getCt(worldAfter(run, i), skb.ct);
  return event.kind !== 'receive' || srcNat || dstNat || skb.iph.saddr === event.packet.skb.iph.daddr;
}

/**
 * Whether a user sends the packet from an address of his choice, or a datagram from such a port; the kernel built the header, and
 * the rules mark alike what the socket sends there: NAT, which alone can give it another source, is chosen once for all of that.
 */
function isBound(run: Run, i: number, e: Xmit): boolean {
  const sk = ownerOf(run, i, e.skb);
  const served = isDatagram(run, i, e) && hasPort(sk);
  const chosen = givenSource(run, i, sk) !== 0 || served;
  return userSocket(sk) && sk.parent === 0 && !e.skb.hdrincl && chosen && markedAlike(run, i, e.skb);
}

/** Whether the socket's user chose its port. */
function hasPort(sk: Sock): boolean {
  return (sk.sk_userlocks & SOCK_BINDPORT_LOCK) !== 0;
}

/** Whether the packet carries the address that its user gave, if any, or what NAT has made of it. */
function keepsGiven(run: Run, i: number, { skb }: Xmit): boolean {
  const given = givenSource(run, i, ownerOf(run, i, skb));
  return given === 0 || skb.iph.saddr === given || getCt(worldAfter(run, i), skb.ct).srcNat;
}

/** Where packet `id` left before step `i`; step -1 when it did not leave by a link. */
function departureOfPacket(run: Run, i: number, id: number): { step: number; e: Xmit } {
  let found = { step: -1, e: NO_XMIT };
  for (let k = 0; k < i; k += 1) {
    for (const e of effectsOf(run, k)) if (leaves(e) && e.skb.id === id) found = { step: k, e };
  }
  return found;
}

/** Whether a connection that waited for that answer is open with it. */
function opened(run: Run, i: number, sk: Sock): boolean {
  const { sk_state } = getSock(worldAfter(run, i), sk.id);
  return sk.sk_state !== TCP_SYN_SENT || (sk_state !== TCP_SYN_SENT && sk_state !== TCP_CLOSE);
}

/** The socket that the peer speaks to in step `i`, id 0 for none, and the last packet of it that left before, in which step. */
function spokenTo(run: Run, i: number): { sk: Sock; step: number; last: Xmit } {
  const event = eventOf(run, i);
  const sk = event.kind === 'say' ? sockByName(worldBefore(run, i), event.s) : NO_SOCK;
  let step = -1;
  let last = NO_XMIT;
  for (let k = 0; k < i; k += 1) {
    for (const e of effectsOf(run, k)) {
      if (leaves(e)) {
        const own = sk.id !== 0 && e.skb.sk === sk.id;
        step = own ? k : step;
        last = own ? e : last;
      }
    }
  }
  const open = sk.kind === SOCK_TCP && sk.sk_state === TCP_ESTABLISHED && sk.parent === 0;
  const plain = !opensFast(run, i, sk) && !sk.md5 && !remarkedSinceConnect(run, i, sk);
  const alone = !hasTwin(worldBefore(run, i).socks, sk);
  const chosen = open && alone && step >= 0 && plain && kernelChoseSource(run, step, last.skb);
  return { sk: chosen && synWentBy(run, i, last) && sentElsewhere(run, step, last) ? sk : NO_SOCK, step, last };
}

/** Whether a packet came in step `i`. */
function came(run: Run, i: number): boolean {
  let seen = false;
  for (const e of effectsOf(run, i)) seen = seen || (e.kind === 'alloc' && e.skb.iif !== 0);
  return seen;
}
