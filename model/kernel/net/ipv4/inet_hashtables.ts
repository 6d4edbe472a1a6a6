/**
 * The tables in which TCP finds its sockets and its ports. C: net/ipv4/inet_hashtables.c, include/net/inet_hashtables.h.
 *
 * ehash is the set of hashed sockets in any state but LISTEN; `sk_hash` is the hash each was put there under. Because
 * a chain holds every socket whose hash falls into it and a look-up compares the stored hash first, equality of hashes
 * decides and the number of chains does not matter. The socket that was put there last stands in front (`ehash_place`),
 * which matters when two share a tuple, one of them bound to a device. bhash is net.bhash.
 *
 * Left out: bhash2, the second index of bind buckets by address; locks; SO_REUSEPORT groups and BPF look-ups, for which
 * there is no event.
 */

import { emit } from '../../../types/effects.ts';
import { EADDRNOTAVAIL, ENOENT } from '../../../types/errno.ts';
import { dropSock, getSock, oops, setSock } from '../../../types/lookup.ts';
import {
  type InetBindBucket,
  NO_BUCKET,
  NO_SOCK,
  SOCK_BINDADDR_LOCK,
  SOCK_RAW,
  SOCK_REQUEST,
  SOCK_TCP,
  SOCK_TIMEWAIT,
  type Sock,
  TCP_LISTEN,
  TCP_TIME_WAIT,
} from '../../../types/sock.ts';
import type { Kernel, Result, World } from '../../../types/world.ts';
import { jhash_3words } from '../../include/linux/jhash.ts';
import { inet_bound_dev_eq } from '../../include/net/inet_sock.ts';
import { l3mdev_master_ifindex_by_index } from '../l3mdev/l3mdev.ts';
import { inet_is_local_reserved_port, inet_sk_get_local_port_range } from './inet_connection_sock.ts';
import { inet_twsk_bind_unhash, inet_twsk_deschedule_put } from './inet_timewait_sock.ts';
import { raw_next } from './raw.ts';
import { tcp_twsk_unique } from './tcp_ipv4.ts';

/** Notes that a function for TCP's full sockets was given something else. */
function checkKind(net: World, where: string, sk: Sock): World {
  return sk.kind === SOCK_TCP ? net : emit(net, { kind: 'wrong-kind', where, sk: sk.id, sk_kind: sk.kind, line: '' });
}

/**
 * Hash of a four-tuple.
 *
 * C: net/ipv4/inet_hashtables.c, inet_ehashfn(), as on a big-endian machine, with secret and namespace mix 0.
 */
export function inet_ehashfn(laddr: number, lport: number, faddr: number, fport: number): number {
  return jhash_3words(laddr, faddr, ((lport << 16) | fport) >>> 0, 0);
}

/** Hash of a socket's tuple as its fields are now. C: net/ipv4/inet_hashtables.c, sk_ehashfn(). */
export function sk_ehashfn(kernel: Kernel, sk: Sock): number {
  return kernel.inet_ehashfn(sk.inet_rcv_saddr, sk.inet_num, sk.inet_daddr, sk.inet_dport);
}

/** Whether the socket is in ehash. */
export function inEhash(sk: Sock): boolean {
  return (
    sk.hashed &&
    sk.sk_state !== TCP_LISTEN &&
    (sk.kind === SOCK_TCP || sk.kind === SOCK_REQUEST || sk.kind === SOCK_TIMEWAIT)
  );
}

/** Whether a TCP socket takes packets of that device. C: include/net/inet_sock.h, inet_sk_bound_dev_eq(); tcp_l3mdev_accept is off. */
export function inet_sk_bound_dev_eq(bound_dev_if: number, dif: number, sdif: number): boolean {
  return inet_bound_dev_eq(false, bound_dev_if, dif, sdif);
}

/** Whether the socket has that tuple. C: include/net/inet_hashtables.h, inet_match(). */
export function inet_match(
  sk: Sock,
  saddr: number,
  sport: number,
  daddr: number,
  hnum: number,
  dif: number,
  sdif: number,
): boolean {
  return (
    sk.inet_dport === sport &&
    sk.inet_num === hnum &&
    sk.inet_daddr === saddr &&
    sk.inet_rcv_saddr === daddr &&
    inet_sk_bound_dev_eq(sk.sk_bound_dev_if, dif, sdif)
  );
}

/** The world with a socket in front of its chain of ehash. C: include/net/sock.h, __sk_nulls_add_node_rcu(). */
export function sk_nulls_add_node(net: World, sk: Sock): World {
  const placed = { ...net, next_ehash: net.next_ehash + 1 };
  return setSock(placed, { ...sk, hashed: true, ehash_place: net.next_ehash });
}

/** What stands in front of a chain. */
export const CHAIN_HEAD = -1;

/**
 * The socket that stands behind that one (an id, or CHAIN_HEAD) in ehash, its id or 0: what was put there last stands in
 * front. C: include/linux/rculist_nulls.h, hlist_nulls_for_each_entry_rcu().
 */
export function nextInEhash(net: World, behind: number): number {
  if (behind === 0) return 0;
  const before = behind === CHAIN_HEAD ? net.next_ehash : getSock(net, behind).ehash_place;
  let found = 0;
  let place = 0;
  for (const sk of net.socks) {
    const hit = inEhash(sk) && sk.ehash_place < before && sk.ehash_place > place;
    found = hit ? sk.id : found;
    place = hit ? sk.ehash_place : place;
  }
  return found;
}

/** The first socket of a chain that has that hash and tuple, its id or 0. C: net/ipv4/inet_hashtables.c, sk_nulls_for_each_rcu() with inet_match(). */
function firstInChain(
  net: World,
  hash: number,
  saddr: number,
  sport: number,
  daddr: number,
  hnum: number,
  dif: number,
  sdif: number,
): number {
  let found = 0;
  let place = 0;
  for (const sk of net.socks) {
    const hit =
      inEhash(sk) &&
      sk.sk_hash === hash &&
      sk.ehash_place > place &&
      inet_match(sk, saddr, sport, daddr, hnum, dif, sdif);
    found = hit ? sk.id : found;
    place = hit ? sk.ehash_place : place;
  }
  return found;
}

/** The bind bucket of a port, NO_BUCKET when there is none. C: net/ipv4/inet_hashtables.c, inet_bind_bucket_match(). */
export function inet_bind_bucket_find(net: World, port: number): InetBindBucket {
  for (const tb of net.bhash) if (tb.port === port) return tb;
  return NO_BUCKET;
}

/** The world with the bucket of that port replaced. */
export function setBucket(net: World, changed: InetBindBucket): World {
  let bhash: readonly InetBindBucket[] = [];
  for (const tb of net.bhash) bhash = [...bhash, tb.port === changed.port ? changed : tb];
  return { ...net, bhash };
}

/** A new bucket. C: net/ipv4/inet_hashtables.c, inet_bind_bucket_create(). */
export function inet_bind_bucket_create(net: World, port: number, fastreuse: number, fastreuseport: number): World {
  return { ...net, bhash: [...net.bhash, { port, fastreuse, fastreuseport, owners: [] }] };
}

/** Frees a bucket without owners. C: net/ipv4/inet_hashtables.c, inet_bind_bucket_destroy(). */
export function inet_bind_bucket_destroy(net: World, tb: InetBindBucket): World {
  if (tb.owners.length > 0) return net;
  let bhash: readonly InetBindBucket[] = [];
  for (const other of net.bhash) bhash = other.port === tb.port ? bhash : [...bhash, other];
  return { ...net, bhash };
}

/** Adds an owner to the bucket of that port. C: include/net/sock.h, sk_add_bind_node(). */
export function sk_add_bind_node(net: World, sk: number, port: number): World {
  const tb = inet_bind_bucket_find(net, port);
  return setBucket(net, { ...tb, owners: [...tb.owners, sk] });
}

/** Removes an owner. C: include/net/sock.h, __sk_del_bind_node(). */
export function sk_del_bind_node(net: World, sk: number, port: number): World {
  const tb = inet_bind_bucket_find(net, port);
  let owners: readonly number[] = [];
  for (const owner of tb.owners) owners = owner === sk ? owners : [...owners, owner];
  return setBucket(net, { ...tb, owners });
}

/** Gives the socket a port, and makes it an owner of that bucket. C: net/ipv4/inet_hashtables.c, inet_bind_hash(). */
export function inet_bind_hash(net: World, sk: number, tb: number, port: number): World {
  const bound = setSock(net, { ...getSock(net, sk), inet_num: port, icsk_bind_hash: tb });
  return sk_add_bind_node(bound, sk, tb);
}

/**
 * Gives a socket's port back, without asking whether it has one.
 *
 * C: net/ipv4/inet_hashtables.c, __inet_put_port(). It unlinks the bind node unconditionally: a socket without a
 * bucket crashes it, and so does an object that ends before icsk_bind_hash. The crash is named after inet_put_port(),
 * which the compiler puts it into.
 * Observed: control and request sockets crash in inet_put_port (6.1.192 with the port of the patch, 2026-11-22).
 */
export function __inet_put_port(net: World, sk: number): World {
  const inet = getSock(net, sk);
  if (inet.kind !== SOCK_TCP) {
    return oops(
      checkKind(net, '__inet_put_port', inet),
      'inet_put_port',
      'icsk_bind_hash lies beyond the end of the object',
    );
  }
  if (inet.icsk_bind_hash === 0) return oops(net, 'inet_put_port', 'icsk_bind_hash is NULL');
  const removed = sk_del_bind_node(net, sk, inet.icsk_bind_hash);
  const cleared = setSock(removed, { ...inet, icsk_bind_hash: 0, inet_num: 0 });
  return inet_bind_bucket_destroy(cleared, inet_bind_bucket_find(cleared, inet.icsk_bind_hash));
}

/** C: net/ipv4/inet_hashtables.c, inet_put_port(). */
export function inet_put_port(net: World, sk: number): World {
  return __inet_put_port(net, sk);
}

/**
 * Makes a child an owner of its listener's bind bucket.
 *
 * C: net/ipv4/inet_hashtables.c, __inet_inherit_port().
 */
export function __inet_inherit_port(net: World, sk: Sock, child: number): Result {
  const port = getSock(net, child).inet_num;
  if (sk.icsk_bind_hash === 0) return { err: -ENOENT, net };
  if (sk.icsk_bind_hash === port) return { err: 0, net: inet_bind_hash(net, child, port, port) };
  const exists = inet_bind_bucket_find(net, port).port !== 0;
  const created = exists ? net : inet_bind_bucket_create(net, port, 0, 0);
  return { err: 0, net: inet_bind_hash(created, child, port, port) };
}

/** How well a listener fits. C: net/ipv4/inet_hashtables.c, compute_score(), without the CPU. */
function compute_score(sk: Sock, hnum: number, daddr: number, dif: number, sdif: number): number {
  const fits =
    sk.inet_num === hnum && sk.inet_rcv_saddr === daddr && inet_sk_bound_dev_eq(sk.sk_bound_dev_if, dif, sdif);
  return fits ? (sk.sk_bound_dev_if === 0 ? 2 : 3) : -1;
}

/**
 * The best listener in the chain of an address, its id or 0.
 *
 * C: net/ipv4/inet_hashtables.c, inet_lhash2_lookup(). A listener's sk_hash is the address it was hashed under: it
 * stands for the hash of address and port, which selects the chain and is not looked at again.
 */
function inet_lhash2_lookup(net: World, daddr: number, hnum: number, dif: number, sdif: number): number {
  let result = 0;
  let hiscore = 0;
  for (const sk of net.socks) {
    const candidate = sk.kind === SOCK_TCP && sk.hashed && sk.sk_state === TCP_LISTEN && sk.sk_hash === daddr;
    const score = candidate ? compute_score(sk, hnum, daddr, dif, sdif) : -1;
    result = score > hiscore ? sk.id : result;
    hiscore = Math.max(score, hiscore);
  }
  return result;
}

/** C: net/ipv4/inet_hashtables.c, __inet_lookup_listener(). */
export function __inet_lookup_listener(net: World, daddr: number, hnum: number, dif: number, sdif: number): Sock {
  const exact = inet_lhash2_lookup(net, daddr, hnum, dif, sdif);
  if (exact !== 0) return getSock(net, exact);
  const any = inet_lhash2_lookup(net, 0, hnum, dif, sdif);
  return any === 0 ? NO_SOCK : getSock(net, any);
}

/**
 * The socket that a packet from (saddr, sport) to (daddr, hnum) belongs to.
 *
 * C: net/ipv4/inet_hashtables.c, __inet_lookup_established(). The stored hash is compared first: a socket whose address
 * changed while it was hashed is found under neither.
 */
export function __inet_lookup_established(
  kernel: Kernel,
  net: World,
  saddr: number,
  sport: number,
  daddr: number,
  hnum: number,
  dif: number,
  sdif: number,
): Sock {
  const hash = kernel.inet_ehashfn(daddr, hnum, saddr, sport);
  const found = firstInChain(net, hash, saddr, sport, daddr, hnum, dif, sdif);
  return found === 0 ? NO_SOCK : getSock(net, found);
}

/** Established sockets before listeners. C: include/net/inet_hashtables.h, __inet_lookup(). */
export function inet_lookup(
  kernel: Kernel,
  net: World,
  saddr: number,
  sport: number,
  daddr: number,
  dport: number,
  dif: number,
  sdif: number,
): Sock {
  const sk = __inet_lookup_established(kernel, net, saddr, sport, daddr, dport, dif, sdif);
  if (sk.id !== 0) return sk;
  return __inet_lookup_listener(net, daddr, dport, dif, sdif);
}

/** The result of a check of one tuple: `tw` is the TIME_WAIT socket that gave way, 0 for none. */
interface Check {
  readonly err: number;
  readonly net: World;
  readonly tw: number;
}

/**
 * Takes a tuple for the socket if nobody has it: number, source port and hash are set and the socket is hashed.
 *
 * C: net/ipv4/inet_hashtables.c, __inet_check_established(); `twp` says whether the caller passed a pointer.
 */
export function __inet_check_established(kernel: Kernel, net: World, sk: number, lport: number, twp: boolean): Check {
  const inet = getSock(net, sk);
  const daddr = inet.inet_rcv_saddr;
  const saddr = inet.inet_daddr;
  const dif = inet.sk_bound_dev_if;
  const sdif = l3mdev_master_ifindex_by_index(net, dif);
  const hash = kernel.inet_ehashfn(daddr, lport, saddr, inet.inet_dport);
  const first = firstInChain(net, hash, saddr, inet.inet_dport, daddr, lport, dif, sdif);
  if (first === 0) return takeTuple(net, sk, lport, hash, 0, twp);
  const sk2 = getSock(net, first);
  if (sk2.sk_state !== TCP_TIME_WAIT) return { err: -EADDRNOTAVAIL, net, tw: 0 };
  const unique = tcp_twsk_unique(net, sk, sk2, twp);
  if (!unique.unique) return { err: -EADDRNOTAVAIL, net, tw: 0 };
  return takeTuple(unique.net, sk, lport, hash, sk2.id, twp);
}

/** The second half of __inet_check_established(): the tuple is unique. */
function takeTuple(net: World, sk: number, lport: number, hash: number, tw: number, twp: boolean): Check {
  const hashed = sk_nulls_add_node(net, {
    ...getSock(net, sk),
    inet_num: lport,
    inet_sport: lport,
    sk_hash: hash,
  });
  if (tw === 0) return { err: 0, net: hashed, tw: 0 };
  const recycled = setSock(hashed, { ...getSock(hashed, tw), hashed: false });
  if (twp) return { err: 0, net: recycled, tw };
  return { err: 0, net: inet_twsk_deschedule_put(recycled, tw), tw: 0 };
}

/**
 * Puts a socket into ehash in place of `osk` (0: of nobody). `ok` is false when `osk` was no longer there.
 *
 * C: net/ipv4/inet_hashtables.c, inet_ehash_insert().
 */
export function inet_ehash_insert(
  kernel: Kernel,
  net: World,
  sk: number,
  osk: number,
): { readonly ok: boolean; readonly net: World } {
  const inet = getSock(net, sk);
  const hash = sk_ehashfn(kernel, inet);
  if (osk === 0) return { ok: true, net: sk_nulls_add_node(net, { ...inet, sk_hash: hash }) };
  const old = getSock(net, osk);
  if (!old.hashed) return { ok: false, net: setSock(net, { ...inet, sk_hash: hash }) };
  const replaced = sk_nulls_add_node(net, { ...inet, sk_hash: hash });
  return { ok: true, net: setSock(replaced, { ...old, hashed: false }) };
}

/**
 * C: net/ipv4/inet_hashtables.c, inet_ehash_nolisten().
 * Left out: closing the socket when `osk` has gone, which takes a second CPU.
 */
export function inet_ehash_nolisten(
  kernel: Kernel,
  net: World,
  sk: number,
  osk: number,
): { readonly ok: boolean; readonly net: World } {
  return inet_ehash_insert(kernel, net, sk, osk);
}

/**
 * Takes a socket out of the table it is in, if it is in one.
 *
 * C: net/ipv4/inet_hashtables.c, inet_unhash(). It unlinks a nulls list's entry: of a raw socket, which is in a list that
 * ends with NULL, it takes that NULL for the next entry.
 * Observed: a raw socket crashes in inet_unhash, unless an older one of its protocol follows in the list (6.1.192 with the
 * port of the patch, 2026-11-22).
 */
export function inet_unhash(net: World, sk: number): World {
  const inet = getSock(net, sk);
  const checked = checkKind(net, 'inet_unhash', inet);
  if (!inet.hashed) return checked;
  if (inet.kind === SOCK_RAW && !raw_next(net, inet))
    return oops(checked, 'inet_unhash', 'the end of a raw list is NULL');
  return setSock(checked, { ...inet, hashed: false });
}

/** Sets both local addresses. C: net/ipv4/inet_hashtables.c, inet_bhash2_update_saddr(), without bhash2. */
export function inet_bhash2_update_saddr(net: World, sk: number, saddr: number): World {
  return setSock(net, { ...getSock(net, sk), inet_saddr: saddr, inet_rcv_saddr: saddr });
}

/** Forgets an address that the user did not choose. C: net/ipv4/inet_hashtables.c, inet_bhash2_reset_saddr(). */
export function inet_bhash2_reset_saddr(net: World, sk: number): World {
  const inet = getSock(net, sk);
  if ((inet.sk_userlocks & SOCK_BINDADDR_LOCK) !== 0) return net;
  return setSock(net, { ...inet, inet_saddr: 0, inet_rcv_saddr: 0 });
}

/** Where a port search stopped: at `port`, `step` ports from its start, or nowhere. */
interface Scan {
  readonly found: boolean;
  readonly port: number;
  readonly step: number;
  readonly tw: number;
  readonly net: World;
}

/** Whether connect() may use a port; `tw` is the TIME_WAIT that gives way, 0 for none. */
export interface TriedPort {
  readonly found: boolean;
  readonly tw: number;
  readonly net: World;
}

/** C: net/ipv4/inet_hashtables.c, __inet_hash_connect(): the body of its loop over ports. */
export function tryPort(kernel: Kernel, net: World, sk: number, port: number): TriedPort {
  if (inet_is_local_reserved_port(net, port)) return { found: false, tw: 0, net };
  const tb = inet_bind_bucket_find(net, port);
  if (tb.port === 0) return { found: true, tw: 0, net: inet_bind_bucket_create(net, port, -1, -1) };
  if (tb.fastreuse >= 0 || tb.fastreuseport >= 0) return { found: false, tw: 0, net };
  const check = __inet_check_established(kernel, net, sk, port, true);
  return check.err === 0 ? { found: true, tw: check.tw, net: check.net } : { found: false, tw: 0, net };
}

/** Binds the port that was found and hashes the socket. C: net/ipv4/inet_hashtables.c, __inet_hash_connect(), label ok. */
export function takePort(kernel: Kernel, net: World, sk: number, port: number, tw: number): Result {
  const bound = inet_bind_hash(net, sk, port, port);
  const owner = getSock(bound, sk);
  const hashed = owner.hashed
    ? bound
    : inet_ehash_nolisten(kernel, setSock(bound, { ...owner, inet_sport: port }), sk, tw).net;
  if (tw === 0) return { err: 0, net: hashed };
  return { err: 0, net: dropSock(inet_twsk_bind_unhash(hashed, tw), tw) };
}

/**
 * One pass of the port search: every second port from `start`, wrapping before `high`.
 *
 * C: net/ipv4/inet_hashtables.c, the loop of __inet_hash_connect().
 */
function scanParity(kernel: Kernel, net: World, sk: number, start: number, high: number, remaining: number): Scan {
  for (let step = 0; step < remaining; step += 2) {
    const port = start + step >= high ? start + step - remaining : start + step;
    const tried = tryPort(kernel, net, sk, port);
    if (tried.found) return { found: true, port, step, tw: tried.tw, net: tried.net };
  }
  return { found: false, port: 0, step: 0, tw: 0, net };
}

/**
 * Finds a local port for a connection and hashes the socket, or checks the port that it has.
 *
 * C: net/ipv4/inet_hashtables.c, __inet_hash_connect().
 * Left out: the random part of the next start, which comes as picks.port_offset; the port range of one socket;
 * allocation failures.
 */
export function __inet_hash_connect(kernel: Kernel, net: World, sk: number, port_offset: number): Result {
  const inet = getSock(net, sk);
  if (inet.inet_num !== 0) return __inet_check_established(kernel, net, sk, inet.inet_num, false);

  const { low, high: last } = inet_sk_get_local_port_range(net);
  const high = last + 1;
  const remaining = high - low > 1 ? (high - low) & ~1 : high - low;
  const offset = (((net.table_perturb + port_offset) >>> 0) % remaining) & ~1;

  const first = scanParity(kernel, net, sk, low + offset, high, remaining);
  const scan = first.found || remaining <= 1 ? first : scanParity(kernel, net, sk, low + offset + 1, high, remaining);
  if (!scan.found) return { err: -EADDRNOTAVAIL, net };

  const perturbed: World = { ...scan.net, table_perturb: (scan.net.table_perturb + scan.step + 2) >>> 0 };
  return takePort(kernel, perturbed, sk, scan.port, scan.tw);
}

/** Binds a port for a connection and hashes it. C: net/ipv4/inet_hashtables.c, inet_hash_connect(). */
export function inet_hash_connect(kernel: Kernel, net: World, sk: number): Result {
  const inet = getSock(net, sk);
  const port_offset = inet.inet_num === 0 ? net.picks.port_offset : 0;
  return kernel.__inet_hash_connect(kernel, checkKind(net, 'inet_hash_connect', inet), sk, port_offset);
}
