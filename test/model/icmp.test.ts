import { describe, expect, test } from 'vitest';
import { transportChecksumCorrect } from '../../model/kernel/include/net/checksum.ts';
import { getSock } from '../../model/types/lookup.ts';
import type { SkBuff } from '../../model/types/packet.ts';
import { IPV4_ICMP_SK } from '../../model/types/sock.ts';
import { arrives, firstSent, type Happening, host, ip, last, POST, packet, sentIn } from './build.ts';

const UPLINKS = host(...POST);

describe('an echo request', () => {
  const request = packet('9.9.9.9 > 10.1.0.1 icmp 8/0 5 id 77 seq 3');

  test('is answered from the address it asked, through the control socket, with its data and TOS', () => {
    const tos = { ...request, iph: { ...request.iph, tos: 0x10, check: request.iph.check - 0x10 } };
    const step = last(UPLINKS, [arrives('eth1', tos)]);
    const packet = firstSent(step);
    expect(packet.skb).toMatchObject({
      sk: IPV4_ICMP_SK,
      iph: { saddr: ip('10.1.0.1'), daddr: ip('9.9.9.9'), tos: 0x10, frag_off: 0 },
      icmph: { type: 0, id: 77, sequence: 3 },
      payload: request.payload,
    });
    expect(transportChecksumCorrect(packet.skb)).toBe(true);
    expect(step.effects.at(-1)).toMatchObject({ kind: 'deliver', sk: 0 });
  });

  test('is not answered with icmp_echo_ignore_all, to a broadcast address, or with a wrong checksum', () => {
    const silent = host(...POST, 'sysctl -w net.ipv4.icmp_echo_ignore_all=1');
    expect(sentIn(last(silent, [arrives('eth1', request)]))).toEqual([]);
    expect(sentIn(last(UPLINKS, ['receive eth1 10.1.0.9 > 10.1.0.255 icmp 8/0 id 7 seq 1']))).toEqual([]);
    const wrong = { ...request, icmph: { ...request.icmph, checksum: 0 } };
    expect(sentIn(last(UPLINKS, [arrives('eth1', wrong)]))).toEqual([]);
  });
});

test('a protocol without a handler is answered with protocol unreachable, unless a raw socket took it', () => {
  const gre = packet('9.9.9.9 > 10.0.0.1 47 8');
  expect(firstSent(last(UPLINKS, [arrives('eth0', gre)])).skb.icmph).toMatchObject({ type: 3, code: 2 });
  const taken = last(UPLINKS, ['socket r raw 47', arrives('eth0', gre)]);
  expect(sentIn(taken)).toEqual([]);
  expect(taken.effects.flatMap((e) => (e.kind === 'deliver' ? [e.sk] : []))).toEqual([3, 0]);
});

test('no error answers an error', () => {
  const gre = packet('9.9.9.9 > 10.0.0.1 47 8');
  const unreachable = firstSent(last(UPLINKS, [arrives('eth0', gre)])).skb;
  const returned = packet(
    `10.0.0.254 > 10.0.0.1 icmp unreachable/2 ${unreachable.payload.len}`,
    unreachable.payload.words,
  );
  expect(sentIn(last(UPLINKS, [arrives('eth0', returned)]))).toEqual([]);
});

// net/ipv4/icmp.c, icmp_pointers[].error and NR_ICMP_TYPES.
test('a rule that rejects ICMP answers queries and replies, but no error and no type that is not known', () => {
  const rejects = host(...POST, 'iptables -A INPUT -p icmp -j REJECT');
  const answered = (type: number) =>
    sentIn(last(rejects, [arrives('eth0', packet(`9.9.9.9 > 10.0.0.1 icmp ${type}/0 5 id 7 seq 1`))])).length === 1;
  const types = Array.from({ length: 21 }, (_, type) => type);
  expect(types.filter(answered)).toEqual([0, 8, 13, 14, 15, 16, 17, 18]);
});

describe('port unreachable for a datagram of this host', () => {
  const sent = (events: readonly Happening[]) => firstSent(last(UPLINKS, events)).skb;
  const refused = (skb: SkBuff) => {
    const peer = host(
      'ip link add eth0 type dummy',
      'ip link set eth0 up',
      'ip addr add 8.8.8.8/32 dev eth0',
      'ip route add default dev eth0',
    );
    const error = firstSent(last(peer, [arrives('eth0', { ...skb, mark: 0, dst: { ...skb.dst, dev: 0 } })])).skb;
    return arrives('eth0', { ...error, dst: { ...error.dst, dev: 0 } });
  };

  test('is told to a connected socket', () => {
    const events = ['socket s udp', 'bind s 0.0.0.0:4000', 'connect s 8.8.8.8:9', 'send s 3 to 8.8.8.8:9'];
    const { world } = last(UPLINKS, [...events, refused(sent(events))]);
    expect(getSock(world, 3).sk_err).toBe(111);
  });

  test('is not told to an unconnected one', () => {
    const events = ['socket s udp', 'bind s 0.0.0.0:4000', 'send s 3 to 8.8.8.8:9'];
    expect(getSock(last(UPLINKS, [...events, refused(sent(events))]).world, 3).sk_err).toBe(0);
  });
});

describe('a ping socket', () => {
  const events = ['socket p ping', 'send p 5 to 8.8.8.8'];

  test('sends echo requests with its identifier', () => {
    const step = last(UPLINKS, events);
    const packet = firstSent(step);
    expect(packet.skb.icmph).toMatchObject({ type: 8, code: 0, id: getSock(step.world, 3).inet_num, sequence: 1 });
    expect(transportChecksumCorrect(packet.skb)).toBe(true);
  });

  test('receives the reply to its own', () => {
    expect(last(UPLINKS, [...events, 'answer p']).effects.at(-1)).toMatchObject({
      kind: 'deliver',
      sk: 3,
    });
    const other = packet('8.8.8.8 > 10.0.0.1 icmp 0/0 5 id 9999 seq 1');
    expect(last(UPLINKS, [...events, arrives('eth0', other)]).effects.at(-1)).toMatchObject({
      kind: 'free',
      where: 'ping_rcv',
    });
  });
});
