import { describe, expect, test } from 'vitest';
import { transportChecksumCorrect } from '../../model/kernel/include/net/checksum.ts';
import { getSock } from '../../model/types/lookup.ts';
import { IPV4_ICMP_SK } from '../../model/types/sock.ts';
import { bytes, type datagram, icmp } from './packets.ts';
import {
  bind,
  connect,
  firstSent,
  host,
  ip,
  last,
  receive,
  sendTo,
  sentIn,
  simple,
  socket,
  TWO_UPLINKS,
} from './play.ts';

const UPLINKS = host(TWO_UPLINKS);

describe('an echo request', () => {
  const request = icmp('9.9.9.9', '10.1.0.1', { id: 77, sequence: 3 }, 5);

  test('is answered from the address it asked, through the control socket, with its data and TOS', () => {
    const tos = { ...request, iph: { ...request.iph, tos: 0x10, check: request.iph.check - 0x10 } };
    const step = last(UPLINKS, [receive('eth1', tos)]);
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
    const silent = host([...TWO_UPLINKS, 'sysctl -w net.ipv4.icmp_echo_ignore_all=1']);
    expect(sentIn(last(silent, [receive('eth1', request)]))).toEqual([]);
    expect(sentIn(last(UPLINKS, [receive('eth1', icmp('10.1.0.9', '10.1.0.255', {}))]))).toEqual([]);
    const wrong = { ...request, icmph: { ...request.icmph, checksum: 0 } };
    expect(sentIn(last(UPLINKS, [receive('eth1', wrong)]))).toEqual([]);
  });
});

test('a protocol without a handler is answered with protocol unreachable, unless a raw socket took it', () => {
  const gre = bytes('9.9.9.9', '10.0.0.1', 47, 8);
  expect(firstSent(last(UPLINKS, [receive('eth0', gre)])).skb.icmph).toMatchObject({ type: 3, code: 2 });
  const taken = last(UPLINKS, [socket('r', 'raw', { protocol: 47 }), receive('eth0', gre)]);
  expect(sentIn(taken)).toEqual([]);
  expect(taken.effects.flatMap((e) => (e.kind === 'deliver' ? [e.sk] : []))).toEqual([3, 0]);
});

test('no error answers an error', () => {
  const gre = bytes('9.9.9.9', '10.0.0.1', 47, 8);
  const unreachable = firstSent(last(UPLINKS, [receive('eth0', gre)])).skb;
  const returned = { ...icmp('10.0.0.254', '10.0.0.1', unreachable.icmph), payload: unreachable.payload };
  expect(sentIn(last(UPLINKS, [receive('eth0', returned)]))).toEqual([]);
});

describe('port unreachable for a datagram of this host', () => {
  const sent = (events: Parameters<typeof last>[1]) => firstSent(last(UPLINKS, events)).skb;
  const refused = (skb: ReturnType<typeof datagram>) => {
    const peer = host([
      'ip link add eth0 type dummy',
      'ip link set eth0 up',
      'ip addr add 8.8.8.8/32 dev eth0',
      'ip route add default dev eth0',
    ]);
    const error = firstSent(last(peer, [receive('eth0', { ...skb, mark: 0, dst: { ...skb.dst, dev: 0 } })])).skb;
    return receive('eth0', { ...error, dst: { ...error.dst, dev: 0 } });
  };

  test('is told to a connected socket', () => {
    const events = [
      socket('s', 'udp'),
      bind('s', '0.0.0.0', 4000),
      connect('s', '8.8.8.8', 9),
      { ...sendTo('s', 3, '8.8.8.8', 9) },
    ];
    const { world } = last(UPLINKS, [...events, refused(sent(events))]);
    expect(getSock(world, 3).sk_err).toBe(111);
  });

  test('is not told to an unconnected one', () => {
    const events = [socket('s', 'udp'), bind('s', '0.0.0.0', 4000), sendTo('s', 3, '8.8.8.8', 9)];
    expect(getSock(last(UPLINKS, [...events, refused(sent(events))]).world, 3).sk_err).toBe(0);
  });
});

describe('a ping socket', () => {
  const events = [socket('p', 'ping'), sendTo('p', 5, '8.8.8.8')];

  test('sends echo requests with its identifier', () => {
    const step = last(UPLINKS, events);
    const packet = firstSent(step);
    expect(packet.skb.icmph).toMatchObject({ type: 8, code: 0, id: getSock(step.world, 3).inet_num, sequence: 1 });
    expect(transportChecksumCorrect(packet.skb)).toBe(true);
  });

  test('receives the reply to its own', () => {
    expect(last(UPLINKS, [...events, simple('answer', 'p')]).effects.at(-1)).toMatchObject({
      kind: 'deliver',
      sk: 3,
    });
    const other = icmp('8.8.8.8', '10.0.0.1', { type: 0, id: 9999 }, 5);
    expect(last(UPLINKS, [...events, receive('eth0', other)]).effects.at(-1)).toMatchObject({
      kind: 'free',
      where: 'ping_rcv',
    });
  });
});
