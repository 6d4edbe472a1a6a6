import { describe, expect, test } from 'vitest';
import { __udp4_lib_lookup } from '../../model/kernel/net/ipv4/udp.ts';
import { getSock } from '../../model/types/lookup.ts';
import type { SkBuff } from '../../model/types/packet.ts';
import { CHECKSUM_NONE } from '../../model/types/packet.ts';
import {
  arrives,
  changed,
  errnos,
  firstSent,
  type Happening,
  host,
  ip,
  last,
  MARK,
  POST,
  packet,
  run,
  sentIn,
  wire,
} from './build.ts';

const UPLINKS = host(...POST);

describe('a datagram is received', () => {
  const from = (addr: string, sport: number, to: string) => packet(`${addr}:${sport} > ${to}:53 udp 4`);
  const receiver = (events: readonly Happening[], skb: SkBuff, dev = 'eth0') =>
    last(UPLINKS, [...events, arrives(dev, skb)]).effects.flatMap((e) => (e.kind === 'deliver' ? [e.sk] : []));

  test('by the socket bound to its address before the one bound to all', () => {
    const both = ['socket any udp dev eth1', 'bind any 0.0.0.0:53', 'socket one udp dev eth0', 'bind one 10.0.0.1:53'];
    expect(receiver(both, from('9.9.9.9', 1, '10.0.0.1'))).toEqual([4]);
    expect(receiver(both, from('9.9.9.9', 1, '10.1.0.1'), 'eth1')).toEqual([3]);
  });

  test('by a connected socket from its peer only', () => {
    const one = ['socket s udp', 'bind s 0.0.0.0:53', 'connect s 9.9.9.9:1'];
    expect(receiver(one, from('9.9.9.9', 1, '10.0.0.1'))).toEqual([3]);
    expect(receiver(one, from('9.9.9.9', 2, '10.0.0.1'))).toEqual([]);
    expect(receiver(one, from('9.9.9.8', 1, '10.0.0.1'))).toEqual([]);
  });

  test('by every socket on its port when it is a broadcast', () => {
    const two = ['socket a udp dev eth0', 'bind a 0.0.0.0:53', 'socket b udp dev eth1', 'bind b 0.0.0.0:53'];
    const { effects } = last(UPLINKS, [...two, arrives('eth0', from('10.0.0.9', 1, '10.0.0.255'))]);
    expect(effects.flatMap((e) => (e.kind === 'deliver' ? [e.sk] : []))).toEqual([3]);
  });

  test('by nobody when its checksum is wrong', () => {
    const skb = from('9.9.9.9', 1, '10.0.0.1');
    const { effects } = last(UPLINKS, [
      'socket s udp',
      'bind s 0.0.0.0:53',
      arrives('eth0', { ...skb, uh: { ...skb.uh, check: 1 } }),
    ]);
    expect(effects.map((e) => e.kind)).toEqual(['alloc', 'free']);
  });
});

test('the lookup prefers the socket that names more of the datagram', () => {
  const world = last(UPLINKS, [
    'socket dev udp dev eth0',
    'bind dev 10.0.0.1:53',
    'socket other udp dev eth1',
    'bind other 10.0.0.1:53',
  ]).world;
  expect(__udp4_lib_lookup(world, ip('9.9.9.9'), 1, ip('10.0.0.1'), 53, 5, 0).id).toBe(
    world.devs.find((dev) => dev.ifindex === 5)?.name === 'eth1' ? 4 : 3,
  );
  expect(__udp4_lib_lookup(world, ip('9.9.9.9'), 1, ip('10.0.0.1'), 54, 5, 0).id).toBe(0);
});

describe('the source of a datagram', () => {
  const source = (events: readonly Happening[]) => firstSent(last(UPLINKS, events)).skb.iph.saddr;

  test('is the route’s, the bound one, or that of IP_PKTINFO', () => {
    expect(source(['socket s udp', 'send s 1 to 8.8.8.8:53'])).toBe(ip('10.0.0.1'));
    expect(source(['socket s udp', 'bind s 10.1.0.1', 'send s 1 to 8.8.8.8:53'])).toBe(ip('10.1.0.1'));
    const pktinfo = 'send s 1 to 8.8.8.8:53 from 10.1.0.1';
    expect(source(['socket s udp', pktinfo])).toBe(ip('10.1.0.1'));
  });

  test('fits the route that the socket’s mark chooses, because the mark is in the first lookup', () => {
    expect(source(['socket s udp mark 100', 'send s 1 to 8.8.8.8:53'])).toBe(ip('10.1.0.1'));
  });
});

describe('a connected socket', () => {
  const connected = last(UPLINKS, ['socket s udp', 'connect s 8.8.8.8:53']).world;

  test('sends from the key of its connect while the route may be used', () => {
    const sk = getSock(connected, 3);
    expect(sk).toMatchObject({ inet_saddr: ip('10.0.0.1'), inet_rcv_saddr: ip('10.0.0.1') });
    const moved = changed(connected, 3, { inet_saddr: ip('10.1.0.1') });
    expect(firstSent(last(moved, ['send s 1'])).skb.iph.saddr).toBe(ip('10.0.0.1'));
    const later = ['host ip route add 9.9.9.0/24 via 10.0.0.254', 'send s 1'];
    expect(firstSent(last(moved, later)).skb.iph.saddr).toBe(ip('10.1.0.1'));
  });

  test('hears of an error at the next send, once, and nothing is sent then', () => {
    const failed = run(changed(connected, 3, { sk_err: 111 }), ['send s 1']);
    expect([errnos(failed.effects), wire(failed.effects)]).toEqual([[-111], []]);
    const again = run(failed.net, ['send s 1']);
    expect([errnos(again.effects), wire(again.effects).length]).toEqual([[0], 1]);
  });

  test('keeps its route for the next send', () => {
    const { world } = last(connected, ['host ip route add 9.9.9.0/24 via 10.0.0.254', 'send s 1']);
    expect(getSock(world, 3).sk_dst_cache.rt_genid).toBe(world.rt_genid);
  });
});

describe('a datagram to a closed port', () => {
  const marking = host(...POST, MARK);
  const closed = packet('9.9.9.9:4000 > 10.1.0.1:9 udp 3');

  /* The layout was seen on lo, Linux 6.18.44, 2026-11-22: tos 0xc0, code 3, then the whole datagram. */
  test('is answered with port unreachable, from the asked address, with the datagram inside', () => {
    const packet = firstSent(last(marking, [arrives('eth1', closed)]));
    expect(packet.skb).toMatchObject({
      sk: 2,
      ip_summed: CHECKSUM_NONE,
      iph: { saddr: ip('10.1.0.1'), daddr: ip('9.9.9.9'), tos: 0xc0, frag_off: 0, tot_len: 59 },
      icmph: { type: 3, code: 3 },
    });
    expect(packet.skb.payload.len).toBe(31);
    expect(packet.skb.payload.words.slice(0, 2)).toEqual([0x4500, 31]);
    expect(packet.skb.payload.words.slice(10)).toEqual([4000, 9, 11, closed.uh.check, 0x0001, 0x0200]);
  });

  test('is not answered when it is a broadcast, or its checksum wrong', () => {
    const wrong = { ...closed, uh: { ...closed.uh, check: closed.uh.check ^ 1 } };
    expect(sentIn(last(marking, [arrives('eth1', wrong)]))).toEqual([]);
    expect(sentIn(last(marking, ['receive eth1 10.1.0.9:4000 > 10.1.0.255:9 udp 3']))).toEqual([]);
  });
});
