import { expect, test } from 'vitest';
import {
  __inet_check_established,
  inet_ehashfn,
  inet_hash_connect,
  inet_lookup,
  inet_put_port,
  inet_unhash,
} from '../../model/kernel/net/ipv4/inet_hashtables.ts';
import { stock } from '../../model/patch/stock.ts';
import { EADDRINUSE, EADDRNOTAVAIL } from '../../model/types/errno.ts';
import { NO_PICKS } from '../../model/types/event.ts';
import { getSock, sockByName } from '../../model/types/lookup.ts';
import { IPV4_TCP_SK, SOCK_RAW } from '../../model/types/sock.ts';
import type { World } from '../../model/types/world.ts';
import { changed, dotted, errnos, HERE, host, ONE_LINK, PEER, run, sysctl } from './build.ts';

const at = (port_offset: number) => ({ ...NO_PICKS, port_offset });
const raw = (s: string) => `socket ${s} raw tcp`;
const narrow = (low: number, high: number): World =>
  sysctl(host(...ONE_LINK), { local_port_low: low, local_port_high: high });

/** Ports that connections to the same peer get one after another. */
function ports(net: World, count: number, port_offset = 0): readonly number[] {
  let world = net;
  return Array.from({ length: count }, (_, i) => {
    world = run(world, [`socket c${i} tcp`, `connect c${i} 10.0.0.254:80`], stock, at(port_offset)).net;
    return sockByName(world, `c${i}`).inet_num;
  });
}

// Hand calculation: jhash_3words of include/linux/jhash.h, compiled with cc, over the three words, initval 0.
test('ehash is jhash of both addresses and both ports', () => {
  expect(inet_ehashfn(0x0a000001, 40000, 0x08080808, 80)).toBe(1209042650);
});

test('ports of the low parity come first, each search starts two beyond the last one, then come the others', () => {
  expect(ports(narrow(40000, 40005), 6)).toEqual([40000, 40002, 40004, 40001, 40003, 40005]);
});

test('a search that passes the upper end goes on at the lower end', () => {
  expect(ports(narrow(40000, 40005), 1, 5)).toEqual([40004]);
  expect(ports(narrow(40000, 40005), 2, 4)).toEqual([40004, 40000]);
});

test('reserved ports are left out', () => {
  const net = sysctl(narrow(40000, 40003), { local_reserved_ports: [40000, 40001] });
  expect(ports(net, 2)).toEqual([40002, 40003]);
});

test('a port that bind() took is no candidate for connect()', () => {
  const { net } = run(narrow(40000, 40001), [
    'socket b tcp',
    'bind b 10.0.0.1:40000',
    'socket c tcp',
    'connect c 10.0.0.254:80',
  ]);
  expect(sockByName(net, 'c').inet_num).toBe(40001);
});

test('two connections to different ports of the peer share a local port when there is no other', () => {
  const { net, effects } = run(narrow(40000, 40000), [
    'socket a tcp',
    'connect a 10.0.0.254:80',
    'socket b tcp',
    'connect b 10.0.0.254:81',
    'socket c tcp',
    'connect c 10.0.0.254:80',
  ]);
  expect([sockByName(net, 'a').inet_num, sockByName(net, 'b').inet_num]).toEqual([40000, 40000]);
  expect(net.bhash).toEqual([{ port: 40000, fastreuse: -1, fastreuseport: -1, owners: [3, 4] }]);
  expect(errnos(effects).at(-1)).toBe(-EADDRNOTAVAIL);
  expect(sockByName(net, 'c')).toMatchObject({ sk_state: 7, inet_num: 0, inet_saddr: 0, inet_dport: 0, hashed: false });
});

test('a failed connect() keeps an address and a port that were bound', () => {
  const { net, effects } = run(host(...ONE_LINK), ['socket a tcp', 'bind a 10.0.0.1:50000', 'connect a 224.0.0.1:80']);
  expect(errnos(effects).at(-1)).toBe(-101);
  expect(sockByName(net, 'a')).toMatchObject({ inet_num: 50000, inet_saddr: HERE, icsk_bind_hash: 50000 });
});

test('a socket is found by its own tuple, and by no other', () => {
  const { net } = run(host(...ONE_LINK), ['socket c tcp', 'connect c 10.0.0.254:80']);
  const c = sockByName(net, 'c');
  expect(inet_lookup(stock, net, PEER, 80, HERE, c.inet_num, 3, 0).id).toBe(c.id);
  expect(inet_lookup(stock, net, PEER, 81, HERE, c.inet_num, 3, 0).id).toBe(0);
  expect(inet_lookup(stock, net, PEER, 80, HERE + 1, c.inet_num, 3, 0).id).toBe(0);
});

test('a socket whose address changed while it was hashed is found under neither address', () => {
  const { net } = run(host(...ONE_LINK), ['socket c tcp', 'connect c 10.0.0.254:80']);
  const c = sockByName(net, 'c');
  const moved = changed(net, c.id, { inet_rcv_saddr: HERE + 1 });
  expect(inet_lookup(stock, moved, PEER, 80, HERE, c.inet_num, 3, 0).id).toBe(0);
  expect(inet_lookup(stock, moved, PEER, 80, HERE + 1, c.inet_num, 3, 0).id).toBe(0);
});

// net/ipv4/inet_hashtables.c, __inet_lookup_established(): the hash of the old tuple leads to the socket, inet_match() refuses it.
test.each([
  ['remote port', { inet_dport: 81 }],
  ['local port', { inet_num: 9 }],
  ['remote address', { inet_daddr: PEER + 1 }],
  ['local address', { inet_rcv_saddr: HERE + 1 }],
  ['device', { sk_bound_dev_if: 77 }],
])('a socket whose %s changed while it was hashed is not found by its old tuple', (_, fields) => {
  const { net } = run(host(...ONE_LINK), ['socket c tcp', 'connect c 10.0.0.254:80']);
  const c = sockByName(net, 'c');
  expect(inet_lookup(stock, changed(net, c.id, fields), PEER, 80, HERE, c.inet_num, 3, 0).id).toBe(0);
});

test('a listener on the address is preferred to one on any address, and a device counts more', () => {
  const { net } = run(host(...ONE_LINK), [
    'socket any tcp',
    'bind any 0.0.0.0:8080',
    'listen any',
    'socket other tcp',
    'bind other 10.0.0.1:8081',
    'listen other',
  ]);
  expect(inet_lookup(stock, net, PEER, 999, HERE, 8080, 3, 0).name).toBe('any');
  const exact = changed(net, sockByName(net, 'other').id, { inet_num: 8080 });
  expect(inet_lookup(stock, exact, PEER, 999, HERE, 8080, 3, 0).name).toBe('other');
  expect(inet_lookup(stock, exact, PEER, 999, HERE + 1, 8080, 3, 0).name).toBe('any');
  const bound = changed(exact, sockByName(net, 'other').id, { sk_bound_dev_if: 7 });
  expect(inet_lookup(stock, bound, PEER, 999, HERE, 8080, 3, 0).name).toBe('any');
});

test('bind() refuses a port whose owner would receive the same', () => {
  const own = run(host(...ONE_LINK), ['socket a tcp', 'bind a 10.0.0.1:50000']).net;
  const again = (addr: number) => errnos(run(own, ['socket b tcp', `bind b ${dotted(addr)}:50000`]).effects).at(-1);
  expect([again(HERE), again(0), again(HERE + 1)]).toEqual([-EADDRINUSE, -EADDRINUSE, 0]);
});

test('bind() to a port of a connection succeeds for another address, and closes the bucket to connect()', () => {
  const net = run(narrow(40000, 40000), [
    'socket c tcp',
    'connect c 10.0.0.254:80',
    'socket b tcp',
    `bind b ${dotted(HERE + 1)}:40000`,
  ]).net;
  expect(net.bhash).toEqual([{ port: 40000, fastreuse: 0, fastreuseport: 0, owners: [3, 4] }]);
  expect(errnos(run(net, ['socket d tcp', 'connect d 10.0.0.254:81']).effects).at(-1)).toBe(-EADDRNOTAVAIL);
});

test('bind() without a port begins with odd distances from the lower end', () => {
  const net = narrow(40000, 40003);
  const first = run(net, [
    'socket a tcp',
    'bind a 10.0.0.1',
    'socket b tcp',
    'bind b 10.0.0.1',
    'socket c tcp',
    'bind c 10.0.0.1',
  ]);
  expect(['a', 'b', 'c'].map((s) => sockByName(first.net, s).inet_num)).toEqual([40001, 40003, 40000]);
  expect(sockByName(first.net, 'a').sk_userlocks).toBe(4);
});

test('closing gives the port back and frees the bucket', () => {
  const { net } = run(host(...ONE_LINK), ['socket c tcp', 'connect c 10.0.0.254:80', 'close c']);
  expect([net.bhash, net.socks.length]).toEqual([[], 2]);
});

test('a port given before connect() is kept, or the tuple is taken', () => {
  const twice = ['socket a tcp', 'bind a 10.0.0.1:50000', 'connect a 10.0.0.254:80'];
  const { net } = run(host(...ONE_LINK), twice);
  expect(sockByName(net, 'a')).toMatchObject({ inet_num: 50000, inet_sport: 50000, hashed: true });
  const other = run(net, ['socket b tcp']).net;
  const b = changed(other, sockByName(other, 'b').id, {
    inet_num: 50000,
    inet_rcv_saddr: HERE,
    inet_daddr: PEER,
    inet_dport: 80,
  });
  expect(inet_hash_connect(stock, b, sockByName(b, 'b').id).err).toBe(-EADDRNOTAVAIL);
});

test('giving back a port that a socket does not have crashes', () => {
  const { net } = run(host(...ONE_LINK), ['socket c tcp']);
  expect(inet_put_port(net, sockByName(net, 'c').id).oops).toEqual({
    where: 'inet_put_port',
    line: '',
    why: 'icsk_bind_hash is NULL',
  });
});

test('giving back the port of the control socket reads beyond its end', () => {
  const net = inet_put_port(host(...ONE_LINK), IPV4_TCP_SK);
  expect(net.oops.where).toBe('inet_put_port');
  expect(net.effects).toEqual([
    { kind: 'wrong-kind', where: '__inet_put_port', sk: IPV4_TCP_SK, sk_kind: 7, line: '' },
  ]);
});

test('the function for TCP takes a raw socket out of its table when an older one follows', () => {
  const { net } = run(host(...ONE_LINK), [raw('a'), raw('b')]);
  const b = sockByName(net, 'b').id;
  const after = inet_unhash(net, b);
  expect(getSock(after, b).hashed).toBe(false);
  expect(after.oops.where).toBe('');
  expect(after.effects.at(-1)).toEqual({
    kind: 'wrong-kind',
    where: 'inet_unhash',
    sk: b,
    sk_kind: SOCK_RAW,
    line: '',
  });
});

// Observed on 6.1.192 with the port of the patch, 2026-11-22: raw_hdrincl_syn in conformance/patched/NOTES.md.
test('it crashes on a raw socket that is the last in its list', () => {
  const { net } = run(host(...ONE_LINK), [raw('a')]);
  expect(inet_unhash(net, sockByName(net, 'a').id).oops.where).toBe('inet_unhash');
});

test('a check with its own socket still hashed finds that socket', () => {
  const { net } = run(host(...ONE_LINK), ['socket c tcp', 'connect c 10.0.0.254:80']);
  const c = sockByName(net, 'c');
  expect(__inet_check_established(stock, net, c.id, c.inet_num, true).err).toBe(-EADDRNOTAVAIL);
});
