import { expect, test } from 'vitest';
import { sockByName } from '../../model/types/lookup.ts';
import { TCPHDR_SYN as SYN } from '../../model/types/packet.ts';
import { SOCK_REQUEST } from '../../model/types/sock.ts';
import type { World } from '../../model/types/world.ts';
import { changed, HERE, host, ip, letters, ONE_LINK, on, run, segment, wire } from './build.ts';

const times = <T>(count: number, value: T): readonly T[] => Array.from({ length: count }, () => value);

/** When the copies of a segment leave. */
function copies(
  net: World,
  s: string,
  count: number,
): { at: readonly number[]; letters: readonly string[]; net: World } {
  let world = net;
  const sent = times(count, 0).flatMap(() => {
    const next = run(world, [`retransmit ${s}`]);
    world = next.net;
    return wire(next.effects).map((skb) => ({ at: world.now, letters: letters(skb) }));
  });
  return { at: sent.map((one) => one.at), letters: sent.map((one) => one.letters), net: world };
}

// RFC 6298 section 2 and 5; Documentation/networking/ip-sysctl.rst, tcp_syn_retries: the last SYN after 63 seconds, and
// the attempt fails 64 seconds later.
test('a SYN is sent again after 1, 3, 7, 15, 31 and 63 seconds, then the attempt fails', () => {
  const { net } = run(host(...ONE_LINK), ['socket c tcp', 'connect c 10.0.0.254:80']);
  const sent = copies(net, 'c', 7);
  expect(sent.at).toEqual([1000, 3000, 7000, 15000, 31000, 63000]);
  expect(sent.letters).toEqual(times(6, 'S'));
  expect([sent.net.now, sockByName(sent.net, 'c').sk_err, sockByName(sent.net, 'c').inet_num]).toEqual([
    127000, 110, 0,
  ]);
});

// RFC 6298 section 2.2 and 5, with the kernel's smallest variance of 200 ms.
test('the timeout of data is the round trip of the handshake and 200 ms, or three of the first where that is more', () => {
  const after = (rtt: number) =>
    run(host(...ONE_LINK), ['socket c tcp', 'connect c 10.0.0.254:80', `wait ${rtt / 1000}`, 'answer c', 'send c 4'])
      .net;
  expect(copies(after(10), 'c', 3).at).toEqual([220, 640, 1480]);
  expect(copies(after(300), 'c', 2).at).toEqual([1200, 3000]);
});

test('data is sent again with timeouts that double from 200 ms', () => {
  const { net } = run(host(...ONE_LINK), ['socket c tcp', 'connect c 10.0.0.254:80', 'answer c', 'send c 4']);
  const sent = copies(net, 'c', 5);
  expect(sent.at).toEqual([200, 600, 1400, 3000, 6200]);
  expect(sent.letters).toEqual(times(5, 'P.'));
});

// Hand calculation with net/ipv4/tcp_timer.c, tcp_model_timeout(): 31 times the base with tcp_retries1 = 3. For a SYN the
// clock runs from the first one, for data from the first copy.
test('the remembered route is dropped after the SYN of 31 s, and after the copy of data at 12.6 s', () => {
  const { net } = run(host(...ONE_LINK), ['socket c tcp', 'connect c 10.0.0.254:80']);
  const before = copies(net, 'c', 4).net;
  expect(sockByName(before, 'c').sk_dst_cache.dev).toBe(3);
  expect(sockByName(copies(before, 'c', 1).net, 'c').sk_dst_cache.dev).toBe(0);
  const data = run(host(...ONE_LINK), ['socket c tcp', 'connect c 10.0.0.254:80', 'answer c', 'send c 4']).net;
  const six = copies(data, 'c', 6);
  expect([six.net.now, sockByName(six.net, 'c').sk_dst_cache.dev]).toEqual([12600, 0]);
  expect(sockByName(copies(data, 'c', 5).net, 'c').sk_dst_cache.dev).toBe(3);
});

test('a copy has the port and the checksum of the socket as it is, and the IP source of the last lookup', () => {
  const { net } = run(host(...ONE_LINK), ['socket c tcp', 'connect c 10.0.0.254:80']);
  const c = sockByName(net, 'c');
  const moved = changed(net, c.id, { inet_saddr: ip('10.0.0.7'), inet_sport: 5555, inet_num: 5555 });
  const [syn] = wire(run(moved, ['retransmit c']).effects);
  expect(syn).toMatchObject({ iph: { saddr: HERE }, th: { source: 5555, seq: c.snd_una } });
  expect(syn === undefined ? '' : letters(syn)).toBe('S bad checksum');
});

test('an answer that comes after a wait still finds the connection', () => {
  const { net } = run(host(...ONE_LINK), [
    'socket c tcp',
    'connect c 10.0.0.254:80',
    'retransmit c',
    'retransmit c',
    'answer c',
  ]);
  expect(sockByName(net, 'c')).toMatchObject({ sk_state: 1, retransmits: 0, icsk_timeout: 0 });
});

test('a FIN is sent again until the socket without user gives up', () => {
  const { net } = run(host(...ONE_LINK), ['socket c tcp', 'connect c 10.0.0.254:80', 'answer c', 'close c']);
  const sent = copies(net, 'c', 12);
  expect(sent.letters).toEqual(times(sent.letters.length, 'F.'));
  expect(sent.net.socks.length).toBe(2);
});

// Documentation/networking/ip-sysctl.rst, tcp_synack_retries: 5, the last one after 31 seconds, failure after 63.
test('a SYN-ACK is sent again after 1, 3, 7, 15 and 31 seconds, then the request ends', () => {
  const { net } = run(host(...ONE_LINK), [
    'socket l tcp',
    'bind l 10.0.0.1:8080',
    'listen l',
    segment(SYN, 3000, 8080, 100, 0),
  ]);
  const sent = copies(net, 'l', 6);
  expect(sent.at).toEqual([1000, 3000, 7000, 15000, 31000]);
  expect(sent.letters).toEqual(times(5, 'S.'));
  expect(sent.net.now).toBe(63000);
  expect(sent.net.socks.some((sk) => sk.kind === SOCK_REQUEST)).toBe(false);
});

test('data that a rule dropped waits for the probe timer', () => {
  const open = run(host(...ONE_LINK), ['socket c tcp', 'connect c 10.0.0.254:80', 'answer c']).net;
  const dropped = run(on(open, 'iptables -P OUTPUT DROP'), ['send c 4']);
  expect(wire(dropped.effects)).toEqual([]);
  expect(sockByName(dropped.net, 'c').write_queue).toMatchObject([{ sent: false, len: 4 }]);
  const later = run(on(dropped.net, 'iptables -P OUTPUT ACCEPT'), ['retransmit c']);
  expect(wire(later.effects).map(letters)).toEqual(['P.']);
});

// Hand calculation with net/ipv4/tcp_timer.c, tcp_model_timeout(): 15 copies take 924.6 s from the first one on
// (Documentation/networking/ip-sysctl.rst, tcp_retries2), 8 copies of an orphan's FIN 102.2 s.
test('data is given up after 16 copies, two minutes apart in the end', () => {
  const { net } = run(host(...ONE_LINK), ['socket c tcp', 'connect c 10.0.0.254:80', 'answer c', 'send c 4']);
  const sent = copies(net, 'c', 17);
  const late = [324600, 444600, 564600, 684600, 804600, 924600];
  expect(sent.at).toEqual([200, 600, 1400, 3000, 6200, 12600, 25400, 51000, 102200, 204600, ...late]);
  expect([sent.net.now, sockByName(sent.net, 'c').sk_err]).toEqual([1044600, 110]);
});

test('the FIN of a socket without user is given up after 9 copies', () => {
  const { net } = run(host(...ONE_LINK), ['socket c tcp', 'connect c 10.0.0.254:80', 'answer c', 'close c']);
  const sent = copies(net, 'c', 10);
  expect(sent.at).toEqual([200, 600, 1400, 3000, 6200, 12600, 25400, 51000, 102200]);
  expect([sent.net.now, sent.net.socks.length]).toEqual([204600, 2]);
});
