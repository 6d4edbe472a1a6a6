import { describe, expect, test } from 'vitest';
import { ipChecksumCorrect, transportChecksumCorrect } from '../../model/kernel/include/net/checksum.ts';
import { __ip_queue_xmit } from '../../model/kernel/net/ipv4/ip_output.ts';
import { masquerade } from '../../model/patch/masquerade.ts';
import { stock } from '../../model/patch/stock.ts';
import { EPERM } from '../../model/types/errno.ts';
import { getSock, setSock, sockByName } from '../../model/types/lookup.ts';
import { CHECKSUM_PARTIAL, IPPROTO_TCP } from '../../model/types/packet.ts';
import { NO_DST } from '../../model/types/route.ts';
import { IPV4_TCP_SK } from '../../model/types/sock.ts';
import type { Step } from '../../model/types/world.ts';
import { arrives, booted, firstSent, host, ip, last, MARK, POST, packet, play } from './build.ts';

const UPLINKS = host(...POST);
const MARKING = host(...POST, MARK);

describe('a marked packet leaves by the second link with the first one’s address, as the original post reports', () => {
  test.each([
    ['ping', 'send s 8 to 8.8.8.8'],
    ['udp', 'send s 8 to 8.8.8.8:53'],
    ['tcp', 'connect s 8.8.8.8:80'],
  ] as const)('%s', (type, event) => {
    const packet = firstSent(last(MARKING, [`socket s ${type}`, event]));
    expect(packet.gateway).toBe(ip('10.1.0.254'));
    expect(packet.skb.iph.saddr).toBe(ip('10.0.0.1'));
    expect(packet.skb.mark).toBe(100);
    expect(ipChecksumCorrect(packet.skb.iph)).toBe(true);
    expect(transportChecksumCorrect(packet.skb)).toBe(true);
  });

  test('and with the second one’s when it is masqueraded there', () => {
    const world = booted(masquerade, ...POST, MARK);
    const packet = firstSent(last(world, ['socket s udp', 'send s 8 to 8.8.8.8:53'], masquerade));
    expect(packet.skb.iph.saddr).toBe(ip('10.1.0.1'));
    expect(transportChecksumCorrect(packet.skb)).toBe(true);
  });
});

test('a dropped packet makes the sender hear EPERM and is freed by the hook', () => {
  const world = host(...POST, 'iptables -A OUTPUT -d 8.8.8.8 -j DROP');
  const { effects } = last(world, ['socket s udp', 'send s 8 to 8.8.8.8:53']);
  expect(effects.filter((e) => e.kind === 'xmit')).toEqual([]);
  expect(effects.filter((e) => e.kind === 'free').map((e) => e.where)).toEqual(['iptable_filter']);
  expect(effects.at(-1)).toEqual({ kind: 'syscall', call: 'send', sk: 3, err: -EPERM });
});

describe('the addresses of a connected TCP socket', () => {
  const steps = play(UPLINKS, ['socket c tcp', 'connect c 8.8.8.8:80', 'answer c']);
  const world = (steps[2] as Step).world;
  const sk = sockByName(world, 'c');
  const moved = setSock(world, { ...sk, inet_saddr: ip('10.1.0.1') });

  test('come from the key of the last lookup while its route may be used', () => {
    const packet = firstSent(last(moved, ['send c 4']));
    expect(packet.skb.iph.saddr).toBe(ip('10.0.0.1'));
  });

  test('come from the socket once a route has changed, and are the key from then on', () => {
    const events = ['host ip route add 9.9.9.0/24 via 10.0.0.254', 'send c 4'];
    const steps = play(moved, events);
    expect(getSock((steps[0] as Step).world, sk.id).cork_fl.saddr).toBe(ip('10.0.0.1'));
    expect(firstSent(last(moved, events)).skb.iph.saddr).toBe(ip('10.1.0.1'));
    expect(getSock((steps[1] as Step).world, sk.id).cork_fl.saddr).toBe(ip('10.1.0.1'));
  });

  test('are looked up in vain without a route: -EHOSTUNREACH, and the packet is freed', () => {
    const cut = last(world, ['host ip route del default']).world;
    const { err, net } = __ip_queue_xmit(
      stock,
      cut,
      sk.id,
      { ...firstSent(last(UPLINKS, ['socket c tcp', 'connect c 8.8.8.8:80'])).skb, dst: NO_DST },
      0,
    );
    expect(err).toBe(-113);
    expect(net.effects.at(-1)).toMatchObject({ kind: 'free', where: '__ip_queue_xmit', err: -113 });
  });
});

test('headroom at the hook is the first device’s: 16 bytes for Ethernet', () => {
  const { effects } = last(UPLINKS, ['socket s udp', 'send s 8 to 8.8.8.8:53']);
  expect(effects[0]).toMatchObject({ kind: 'alloc', skb: { headroom: 16 } });
});

test('the device finishes a UDP checksum, unless the datagram is longer than its packets', () => {
  const summed = (len: number) => {
    const { effects } = last(UPLINKS, ['socket s udp', `send s ${len} to 8.8.8.8:53`]);
    return effects.flatMap((e) => (e.kind === 'alloc' ? [e.skb.ip_summed] : []))[0];
  };
  expect(summed(1472)).toBe(CHECKSUM_PARTIAL);
  expect(summed(1473)).toBe(0);
});

describe('a RST for nobody’s segment', () => {
  const syn = packet('9.9.9.9:4000 > 10.1.0.1:81 tcp S seq 1000');

  test('comes from the control socket and carries the asked address', () => {
    const packet = firstSent(last(UPLINKS, [arrives('eth1', syn)]));
    expect(packet.skb.sk).toBe(IPV4_TCP_SK);
    expect(packet.skb.iph).toMatchObject({ saddr: ip('10.1.0.1'), daddr: ip('9.9.9.9'), protocol: IPPROTO_TCP });
    expect(packet.skb.th).toMatchObject({ source: 81, dest: 4000 });
    expect(transportChecksumCorrect(packet.skb)).toBe(true);
  });

  test('has no mark, unless fwmark_reflect gives it the request’s', () => {
    const marking = [...POST, 'iptables -t mangle -A PREROUTING -j MARK --set-mark 100'];
    const mark = (lines: readonly string[]) => firstSent(last(host(...lines), [arrives('eth1', syn)])).skb.mark;
    expect(mark(marking)).toBe(0);
    expect(mark([...marking, 'sysctl -w net.ipv4.fwmark_reflect=1'])).toBe(100);
  });
});

test('a packet to the host itself comes back on lo before the step ends, with its mark and its route', () => {
  const marked = host(...POST, 'iptables -t mangle -A OUTPUT -d 10.1.0.1 -j MARK --set-mark 7');
  const events = ['socket r udp', 'bind r 0.0.0.0:53', 'socket s udp', 'send s 8 to 10.1.0.1:53'];
  const { world, effects } = last(marked, events);
  expect(world.backlog).toEqual([]);
  expect(effects.filter((e) => e.kind === 'xmit')).toEqual([]);
  expect(effects.find((e) => e.kind === 'deliver')).toMatchObject({ sk: 3, skb: { mark: 7, iif: 1, sk: 0 } });
});
