/** Tuple uniqueness: who owns which four-tuple and which port. */
import { getCt } from '../model/kernel/net/netfilter/nf_conntrack_core.ts';
import { EADDRINUSE } from '../model/types/errno.ts';
import { getSock } from '../model/types/lookup.ts';
import { IPPROTO_TCP, type SkBuff } from '../model/types/packet.ts';
import {
  type InetBindBucket,
  SOCK_BINDPORT_LOCK,
  SOCK_REQUEST,
  SOCK_TCP,
  type Sock,
  TCP_CLOSE,
  TCP_LISTEN,
  TCP_SYN_SENT,
} from '../model/types/sock.ts';
import type { World } from '../model/types/world.ts';
import { everyDeparture } from './every.ts';
import { answerableSent, answerFinds, bindElsewhere, hasMoment, heldPorts, moments } from './moments.ts';
import { onOneTuple, otherDevice, wasHidden } from './oneTuple.ts';
import {
  hasTuple,
  inSocks,
  leaves,
  ownerOf,
  sameTuple,
  senderOf,
  sourcePort,
  userSocket,
  worldAfter,
} from './packets.ts';
import { effectsOf, eventOf, everyStep, type Property, type Run, worldBefore } from './property.ts';
import { owners, twoUplinks } from './scopes/runs.ts';
import { departure, lastDeparture, ownerWord } from './sentences.ts';

export const tupleProperties: readonly Property[] = [
  everyStep({
    id: 'four-tuple-unique',
    concern: 'tuple',
    gravity: 'wrong connection',
    claim:
      'At no moment do two live sockets in the table of connections share a four-tuple, unless one in TIME_WAIT has hidden another there.',
    asked: ['RFC 9293 section 3.4.1', 'inet_hash_connect() and __inet_check_established(): what they check for'],
    onStock: '',
    scope: twoUplinks,
    holds(run, i) {
      let ok = tuplesUnique(run, i, worldAfter(run, i).socks);
      for (const e of effectsOf(run, i)) ok = ok && (e.kind !== 'micro' || tuplesUnique(run, i, e.socks));
      return ok;
    },
    sometimes: (run, i) => tupleCount(worldAfter(run, i).socks) > 1,
    finding(run, i) {
      const when = tuplesUnique(run, i, worldAfter(run, i).socks) ? FROM_ANOTHER_CPU : '';
      return `${when}two sockets stand in the table of connections under one four-tuple`;
    },
  }),

  everyStep({
    id: 'hashed-socket-found',
    concern: 'tuple',
    gravity: 'dead connection',
    claim: 'A packet for the four-tuple of a connected TCP socket finds that socket whenever it arrives.',
    asked: ['RFC 9293 section 3.3.1', '__inet_lookup_established(): receives without a lock, at any moment'],
    onStock: '',
    scope: twoUplinks,
    holds(run, i) {
      const net = worldAfter(run, i);
      let ok = allFound(run, i, net.socks);
      for (const e of effectsOf(run, i)) ok = ok && (e.kind !== 'micro' || allFound(run, i, e.socks));
      return ok;
    },
    sometimes: (run, i) => tupleCount(worldAfter(run, i).socks) > 0,
    finding(run, i) {
      const when = allFound(run, i, worldAfter(run, i).socks) ? FROM_ANOTHER_CPU : '';
      return `${when}a connected socket stands in the table under another four-tuple than its own, and what arrives for it does not find it`;
    },
  }),

  everyStep({
    id: 'answer-found-at-any-moment',
    concern: 'tuple',
    gravity: 'dead connection',
    claim: "The answer to a connection's last segment finds the connection at every moment at which it may arrive.",
    asked: [
      'RFC 9293 section 3.10.7: a segment for a connection is processed by it',
      '__inet_lookup_established(): receives without a lock, on any CPU',
    ],
    onStock: '',
    scope: owners,
    asksOf: ['micro', 'mangled'],
    holds(run, i) {
      if (!hasMoment(run, i)) return true;
      const sent = answerableSent(run, i);
      let ok = true;
      for (const net of moments(run, i))
        for (const one of sent)
          ok = ok && (answerFinds(run.kernel, net, one) || wasHidden(run, i, getSock(net, one.sk)));
      return ok;
    },
    sometimes: (run, i) => hasMoment(run, i) && answerableSent(run, i).length > 0,
    finding: () =>
      'while the hook is at work, an answer to a segment that left before does not find its connection, and is answered with a reset',
  }),

  everyDeparture({
    id: 'one-connection-one-tuple',
    concern: 'tuple',
    gravity: 'dead connection',
    claim:
      'All segments of one connection, retransmitted ones included, carry the addresses and ports of its first SYN.',
    asked: ['RFC 9293 sections 3.3.1 and 3.8.1', 'RFC 1122 section 4.2.3.7'],
    onStock:
      'NAT of the operator: a connection that changes its link loses its translation there, and goes on under its own name',
    scope: twoUplinks,
    speaksOf: (run, i, { skb }) => ofConnection(run, i, skb),
    holds(run, i, { skb }) {
      let ok = true;
      for (const first of firstSegment(run, i, skb.sk)) ok = ok && sameTuple(first, skb);
      return ok;
    },
    sometimes(run, i, { skb }) {
      if (skb.mark === 0) return false;
      let seen = false;
      for (const first of firstSegment(run, i, skb.sk)) seen = seen || first.id !== skb.id;
      return seen;
    },
    finding: (run, i) => `${departure(run, i)}, another tuple than that of the connection's first SYN`,
  }),

  everyDeparture({
    id: 'bound-port-kept',
    concern: 'tuple',
    gravity: 'wrong address',
    claim: 'A socket that was bound to a port sends from that port, where nobody translates it.',
    asked: ['bind(2)', 'POSIX.1-2017 bind()'],
    onStock: '',
    scope: twoUplinks,
    speaksOf: (run, i, { skb }) =>
      sourcePort(skb) !== 0 && boundPort(run, i, senderOf(skb)) !== 0 && !getCt(worldAfter(run, i), skb.ct).srcNat,
    holds: (run, i, { skb }) => sourcePort(skb) === boundPort(run, i, senderOf(skb)),
    finding: (run, i) => `${departure(run, i)}, although its socket was bound to another port`,
  }),

  everyStep({
    id: 'bound-port-refused-to-others',
    concern: 'tuple',
    gravity: 'wrong connection',
    claim: 'While a socket is bound to a port, another process cannot bind that port, at whatever moment it tries.',
    asked: ['bind(2): EADDRINUSE', 'POSIX.1-2017 bind()'],
    onStock: '',
    scope: owners,
    asksOf: ['micro', 'mangled'],
    holds(run, i) {
      if (!hasMoment(run, i)) return true;
      const ports = heldPorts(run, i);
      let ok = true;
      for (const net of moments(run, i)) for (const port of ports) ok = ok && bindElsewhere(net, port) === -EADDRINUSE;
      return ok;
    },
    sometimes: (run, i) => hasMoment(run, i) && heldPorts(run, i).length > 0,
    finding: () => 'while the hook is at work, another process can bind the port that the socket is bound to',
  }),

  everyStep({
    id: 'ports-accounted',
    concern: 'tuple',
    gravity: 'books',
    claim:
      'A port has one bind bucket, whose owners hold the port and stand there once; every TCP socket with a port is among them, and every one that is connecting or connected has a port and a place in the table.',
    asked: [
      'inet_bind_hash(), inet_put_port(), inet_hash_connect(): the books they keep',
      'inet_csk_destroy_sock(): a socket with a port that is not in a bucket is a warning',
      'connect(2): EADDRNOTAVAIL',
    ],
    onStock: '',
    scope: twoUplinks,
    holds(run, i) {
      const net = worldAfter(run, i);
      let ok = true;
      for (const sk of net.socks) ok = ok && (sk.kind !== SOCK_TCP || portInOrder(net, sk));
      for (const bucket of net.bhash) ok = ok && isOnly(net, bucket) && ownersKnow(net, bucket);
      return ok;
    },
    sometimes(run, i) {
      let seen = false;
      for (const sk of worldAfter(run, i).socks) seen = seen || (sk.kind === SOCK_TCP && sk.sk_state === TCP_SYN_SENT);
      return seen;
    },
    finding(run, i) {
      let placed = true;
      for (const sk of worldAfter(run, i).socks) placed = placed && (sk.kind !== SOCK_TCP || inPlace(sk));
      return placed
        ? 'the bind buckets miss a socket that has a port, or have one twice: others are told that the port is free'
        : 'a socket is left connecting without a port, a bind bucket or a place in the table';
    },
  }),

  everyStep({
    id: 'listener-stays',
    concern: 'tuple',
    gravity: 'dead connection',
    claim: 'A listening socket keeps its port, its address and its place in the table until its user closes it.',
    asked: ['listen(2)', 'RFC 9293 section 3.10.7.2'],
    onStock: '',
    scope: twoUplinks,
    holds(run, i) {
      const event = eventOf(run, i);
      let ok = true;
      for (const sk of worldBefore(run, i).socks) {
        if (sk.sk_state === TCP_LISTEN && !(event.kind === 'close' && event.s === sk.name)) {
          const after = inSocks(worldAfter(run, i).socks, sk.id);
          ok =
            ok &&
            after.sk_state === TCP_LISTEN &&
            after.hashed &&
            after.inet_num === sk.inet_num &&
            after.inet_rcv_saddr === sk.inet_rcv_saddr;
        }
      }
      return ok;
    },
    sometimes(run, i) {
      let seen = false;
      for (const sk of worldBefore(run, i).socks)
        seen = seen || (sk.sk_state === TCP_LISTEN && eventOf(run, i).kind === 'receive');
      return seen;
    },
    finding: () => 'a listening socket loses its port or its place in the table',
  }),

  everyStep({
    id: 'tcp-operations-on-tcp-sockets',
    concern: 'tuple',
    gravity: 'crash',
    claim: 'Functions and fields of full TCP sockets are applied to full TCP sockets only.',
    asked: ['sk_fullsock() and inet_sk(): requests, time-wait and raw sockets are smaller objects'],
    onStock: '',
    scope: twoUplinks,
    asksOf: ['wrong-kind', 'mangled'],
    holds(run, i) {
      let ok = true;
      for (const e of effectsOf(run, i)) ok = ok && e.kind !== 'wrong-kind';
      return ok;
    },
    sometimes(run, i) {
      let seen = false;
      for (const e of effectsOf(run, i))
        seen = seen || (e.kind === 'mangled' && senderOf(e.skb) !== 0 && !userSocket(ownerOf(run, i, e.skb)));
      return seen;
    },
    finding(run, i) {
      const { dev, skb } = lastDeparture(run, i);
      const owner = dev === 0 ? 'a socket of another kind' : ownerWord(ownerOf(run, i, skb).kind);
      return `${misled(run, i)} treats ${owner} as a full TCP socket`;
    },
  }),

  everyStep({
    id: 'kernel-survives',
    concern: 'tuple',
    gravity: 'crash',
    claim: 'No packet that a user or a peer may send makes the kernel crash or write to memory it has freed.',
    asked: ['the kernel: no user input may cause an oops'],
    onStock: '',
    scope: twoUplinks,
    holds(run, i) {
      let ok = worldAfter(run, i).oops.where === '';
      for (const e of effectsOf(run, i)) ok = ok && e.kind !== 'use-after-free';
      return ok;
    },
    sometimes(run, i) {
      let seen = false;
      for (const e of effectsOf(run, i)) seen = seen || (e.kind === 'reroute' && e.err === 0);
      return seen;
    },
    finding(run, i) {
      const { where, why } = worldAfter(run, i).oops;
      return where === '' ? writesFreed(run, i) : `the kernel crashes in ${where}: ${why}`;
    },
  }),
];

/** Where a table is in order again when the hook is done. */
const FROM_ANOTHER_CPU = 'while the hook is at work, seen from another CPU, ';

/** Whether two sockets stand in the table under one four-tuple. The device a socket is bound to is part of it. */
function clash(a: Sock, b: Sock): boolean {
  return a.id !== b.id && onOneTuple(a, b) && a.sk_bound_dev_if === b.sk_bound_dev_if;
}

/** Whether no two hashed sockets of that list, of a moment of step `i`, share a four-tuple. */
function tuplesUnique(run: Run, i: number, socks: readonly Sock[]): boolean {
  let ok = true;
  for (const a of socks) {
    if (isLive(socks, a)) for (const b of socks) ok = ok && (!isLive(socks, b) || !clash(a, b) || wasHidden(run, i, a));
  }
  return ok;
}

/** Whether the socket has a four-tuple, and is not the request to a listener that is gone, which only waits for its timer. */
function isLive(socks: readonly Sock[], sk: Sock): boolean {
  return hasTuple(sk) && (sk.kind !== SOCK_REQUEST || inSocks(socks, sk.parent).sk_state === TCP_LISTEN);
}

/** How many sockets of that list have a four-tuple. */
function tupleCount(socks: readonly Sock[]): number {
  let count = 0;
  for (const sk of socks) count = hasTuple(sk) ? count + 1 : count;
  return count;
}

/** Whether a lookup with the four-tuple of each hashed socket of that list, of a moment of step `i`, finds that socket. */
function allFound(run: Run, i: number, socks: readonly Sock[]): boolean {
  const then = { ...worldAfter(run, i), socks };
  let ok = true;
  for (const sk of socks) {
    if (hasTuple(sk) && sk.kind === SOCK_TCP) {
      const found = run.kernel.inet_lookup(
        run.kernel,
        then,
        sk.inet_daddr,
        sk.inet_dport,
        sk.inet_rcv_saddr,
        sk.inet_num,
        sk.sk_bound_dev_if,
        0,
      );
      ok = ok && (found.id === sk.id || otherDevice(found, sk) || wasHidden(run, i, sk));
    }
  }
  return ok;
}

/** The first packet with a connection's SYN that socket `id` sent in steps 0 to `i`, as a list of at most one. */
function firstSegment(run: Run, i: number, id: number): readonly SkBuff[] {
  let first: readonly SkBuff[] = [];
  let k = 0;
  for (const step of run.steps) {
    if (k <= i)
      for (const e of step.effects) first = first.length === 0 && leaves(e) && senderOf(e.skb) === id ? [e.skb] : first;
    k = k + 1;
  }
  return first;
}

/** Whether that packet is a TCP segment of a user's connection. */
function ofConnection(run: Run, i: number, skb: SkBuff): boolean {
  const sk = ownerOf(run, i, skb);
  return sk.kind === SOCK_TCP && sk.sk_state !== TCP_LISTEN && skb.iph.protocol === IPPROTO_TCP;
}

/** The port that the user bound that socket to, 0 when it did not. */
function boundPort(run: Run, i: number, id: number): number {
  const sk = getSock(worldBefore(run, i), id);
  return userSocket(sk) && (sk.sk_userlocks & SOCK_BINDPORT_LOCK) !== 0 ? sk.inet_num : 0;
}

/** Whether socket `id` is among a bucket's owners. */
function owns(bucket: InetBindBucket, id: number): boolean {
  let found = false;
  for (const owner of bucket.owners) found = found || owner === id;
  return found;
}

/** Whether exactly the bucket of that port has the socket among its owners. */
function inBucketOf(bhash: readonly InetBindBucket[], id: number, port: number): boolean {
  let right = false;
  let wrong = false;
  for (const bucket of bhash) {
    right = right || (bucket.port === port && owns(bucket, id));
    wrong = wrong || (bucket.port !== port && owns(bucket, id));
  }
  return right && !wrong;
}

/** Whether a TCP socket that is connecting or connected has a port, shows it, and stands in the table. */
function inPlace(sk: Sock): boolean {
  const connecting = sk.sk_state !== TCP_CLOSE && sk.sk_state !== TCP_LISTEN;
  return !connecting || (sk.hashed && sk.inet_num !== 0 && sk.inet_sport === sk.inet_num);
}

/** Whether a TCP socket is where its port says: in the bucket of that port, or in none when it has no port, and in the table. */
function portInOrder(net: World, sk: Sock): boolean {
  const bucket = sk.inet_num === 0 || inBucketOf(net.bhash, sk.id, sk.inet_num);
  return sk.icsk_bind_hash === sk.inet_num && bucket && inPlace(sk);
}

/** Whether every owner of a bucket is a live socket that knows it and stands there once. */
function ownersKnow(net: World, bucket: InetBindBucket): boolean {
  let ok = bucket.owners.length > 0;
  for (const owner of bucket.owners) {
    let count = 0;
    for (const other of bucket.owners) count = other === owner ? count + 1 : count;
    ok = ok && count === 1 && getSock(net, owner).icsk_bind_hash === bucket.port;
  }
  return ok;
}

/** Whether no other bucket has that one's port. */
function isOnly(net: World, { port }: InetBindBucket): boolean {
  let count = 0;
  for (const other of net.bhash) count = other.port === port ? count + 1 : count;
  return count === 1;
}

/** The first function in step `i` that takes a socket for another kind than it is. */
function misled(run: Run, i: number): string {
  let first = '';
  for (const e of effectsOf(run, i)) first = first === '' && e.kind === 'wrong-kind' ? e.where : first;
  return first;
}

/** What is first written to memory that was freed in step `i`. */
function writesFreed(run: Run, i: number): string {
  let first = '';
  for (const e of effectsOf(run, i)) {
    if (first === '' && e.kind === 'use-after-free')
      first = `${e.where} writes ${e.what} of a packet into the buffer that pskb_expand_head() has freed`;
  }
  return first;
}
