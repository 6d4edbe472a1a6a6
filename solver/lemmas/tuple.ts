/**
 * Uniqueness of four-tuples is inductive, together with the bucket invariant: the hash that a hashed socket is stored
 * under is the hash of its own tuple. The hash is uninterpreted. Where a port is searched, every port has a bind bucket.
 */

import { newWorld } from '../../model/host/newWorld.ts';
import { inet_hash_connect, sk_ehashfn } from '../../model/kernel/net/ipv4/inet_hashtables.ts';
import { getSock, setSock } from '../../model/types/lookup.ts';
import {
  type InetBindBucket,
  NO_BUCKET,
  NO_SOCK,
  SOCK_TCP,
  type Sock,
  TCP_ESTABLISHED,
  TCP_SYN_SENT,
} from '../../model/types/sock.ts';
import type { Kernel, World } from '../../model/types/world.ts';
import { asDrawn, type Lemma, lemma, many, type NumberShape, number, port, truth, word } from './lemma.ts';

const MOVER = 3;

/** The ports that a search may take: one of each parity. */
const LOW = 40000;
const HIGH = 40001;

const ADDRESSES = { rcv_saddr: word, daddr: word, dport: port, dev: number(0, 2) };

interface Tuple {
  readonly rcv_saddr: number;
  readonly daddr: number;
  readonly num: number;
  readonly dport: number;
  readonly dev: number;
}

/** `hash` is where a socket lies if the bucket invariant is not assumed; `offset` where a port search starts. */
interface Sockets {
  readonly others: readonly { readonly tuple: Tuple; readonly hashed: boolean; readonly hash: number }[];
  readonly mover: Tuple;
  readonly offset: number;
}

function cell(name: string, count: number, num: NumberShape) {
  const others = many(count - 1, { tuple: { ...ADDRESSES, num: port }, hashed: truth, hash: word });
  return { name: `${count} sockets, ${name}`, shape: { others, mover: { ...ADDRESSES, num }, offset: word, to: word } };
}

function boundCell(count: number) {
  return cell('the port is bound', count, port);
}

function searchCell(count: number) {
  return cell('a port is searched', count, number(0, 0));
}

function socket(id: number, t: Tuple): Sock {
  return {
    ...NO_SOCK,
    id,
    name: 's',
    kind: SOCK_TCP,
    sk_state: TCP_ESTABLISHED,
    inet_saddr: t.rcv_saddr,
    inet_rcv_saddr: t.rcv_saddr,
    inet_daddr: t.daddr,
    inet_num: t.num,
    inet_sport: t.num,
    inet_dport: t.dport,
    sk_bound_dev_if: t.dev,
  };
}

/** Bind buckets that connect() made, one for each port that a search may take. */
function buckets(): readonly InetBindBucket[] {
  return [
    { ...NO_BUCKET, port: LOW },
    { ...NO_BUCKET, port: HIGH },
  ];
}

/** The sockets, each stored under the hash of its own tuple (`inBucket`) or under the one that was given. */
function world(kernel: Kernel, s: Sockets, inBucket: boolean): World {
  const net = newWorld();
  let socks: readonly Sock[] = [];
  for (const other of s.others) {
    const sk = socket(MOVER + 1 + socks.length, other.tuple);
    const sk_hash = inBucket ? sk_ehashfn(kernel, sk) : other.hash;
    socks = [...socks, { ...sk, sk_hash, hashed: other.hashed, ehash_place: socks.length + 1 }];
  }
  const mover = { ...socket(MOVER, s.mover), inet_sport: 0, sk_state: TCP_SYN_SENT };
  const sysctl = { ...net.sysctl, local_port_low: LOW, local_port_high: HIGH };
  const picks = { ...net.picks, port_offset: s.offset };
  return { ...net, socks: [...socks, mover], next_ehash: socks.length + 1, bhash: buckets(), sysctl, picks };
}

function sameFourTuple(a: Sock, b: Sock): boolean {
  return (
    a.inet_rcv_saddr === b.inet_rcv_saddr &&
    a.inet_daddr === b.inet_daddr &&
    a.inet_num === b.inet_num &&
    a.inet_dport === b.inet_dport &&
    a.sk_bound_dev_if === b.sk_bound_dev_if
  );
}

/** No two hashed sockets share a tuple. */
function unique(net: World): boolean {
  let ok = true;
  for (const a of net.socks) {
    for (const b of net.socks) ok = ok && (a.id >= b.id || !a.hashed || !b.hashed || !sameFourTuple(a, b));
  }
  return ok;
}

/** The bucket invariant. */
function inOwnBucket(kernel: Kernel, net: World): boolean {
  let ok = true;
  for (const sk of net.socks) ok = ok && (!sk.hashed || sk.sk_hash === sk_ehashfn(kernel, sk));
  return ok;
}

export const connectKeepsUnique: Lemma = lemma({
  id: 'connect-keeps-tuples-unique',
  claim:
    'inet_hash_connect() of the unchanged kernel keeps four-tuples unique, and every hashed socket in the bucket of its own tuple.',
  asked: ['RFC 9293 section 3.4.1', '__inet_check_established(): looks into one bucket only'],
  over: 'words',
  scope:
    'a connecting socket and up to seven established ones, hashed or not, any addresses, ports and devices, any hash function; its port bound, or (up to four sockets) searched among two ports that have bind buckets',
  cells: [boundCell(2), boundCell(4), boundCell(8), searchCell(2), searchCell(4)],
  assumes: 'before the step: tuples are unique; sk_hash is the hash of the own tuple (bucket invariant)',
  given(kernel, s) {
    return unique(world(kernel, s, true));
  },
  holds(kernel, s) {
    const { net } = inet_hash_connect(kernel, world(kernel, s, true), MOVER);
    return unique(net) && inOwnBucket(kernel, net);
  },
  instance: asDrawn,
  expected: 'exhausted',
});

export const tupleLemmas: readonly Lemma[] = [connectKeepsUnique];

/** The step that writes an address into a hashed socket. */
export const addressMovedAlone: Lemma = lemma({
  id: 'connect-keeps-tuples-unique/address-moved',
  claim: 'Writing another address into a hashed socket, without hashing it again, keeps both invariants.',
  asked: ['twin of connect-keeps-tuples-unique'],
  over: 'words',
  scope: 'two sockets',
  cells: [boundCell(2)],
  assumes: 'both invariants before the step',
  given(kernel, s) {
    return unique(world(kernel, s, true));
  },
  holds(kernel, s) {
    const { net } = inet_hash_connect(kernel, world(kernel, s, true), MOVER);
    const moved = setSock(net, { ...getSock(net, MOVER), inet_saddr: s.to, inet_rcv_saddr: s.to });
    return unique(moved) && inOwnBucket(kernel, moved);
  },
  instance: asDrawn,
  expected: 'violated',
});

/** Uniqueness alone is not inductive. */
export const uniqueAlone: Lemma = lemma({
  id: 'connect-keeps-tuples-unique/without-bucket-invariant',
  claim: 'inet_hash_connect() keeps four-tuples unique whatever buckets the sockets lie in.',
  asked: ['twin of connect-keeps-tuples-unique'],
  over: 'words',
  scope: 'two sockets',
  cells: [boundCell(2)],
  assumes: 'tuples are unique before the step',
  given(kernel, s) {
    return unique(world(kernel, s, false));
  },
  holds(kernel, s) {
    return unique(inet_hash_connect(kernel, world(kernel, s, false), MOVER).net);
  },
  instance: asDrawn,
  expected: 'violated',
});

/** A search that finds no bind bucket for a port takes it without a look into ehash. */
export const withoutBindBuckets: Lemma = lemma({
  id: 'connect-keeps-tuples-unique/without-bind-buckets',
  claim: 'inet_hash_connect() keeps four-tuples unique even if a hashed socket has no bind bucket for its port.',
  asked: ['twin of connect-keeps-tuples-unique'],
  over: 'words',
  scope: 'two sockets, no bind bucket',
  cells: [searchCell(2)],
  assumes: 'both invariants before the step',
  given(kernel, s) {
    return unique(world(kernel, s, true));
  },
  holds(kernel, s) {
    return unique(inet_hash_connect(kernel, { ...world(kernel, s, true), bhash: [] }, MOVER).net);
  },
  instance: asDrawn,
  expected: 'violated',
});

export const tupleTwins: readonly Lemma[] = [addressMovedAlone, uniqueAlone, withoutBindBuckets];
