import { describe, expect, it } from 'vitest';
import {
  getCt,
  nf_conntrack_confirm,
  nf_conntrack_in,
  nf_ct_get_tuple,
  nf_ct_invert_tuple,
  nf_ct_invertible,
} from '../../model/kernel/net/netfilter/nf_conntrack_core.ts';
import type { SkBuff, Tcphdr } from '../../model/types/packet.ts';
import {
  CT_INVALID,
  IP_CT_ESTABLISHED,
  IP_CT_NEW,
  IP_CT_RELATED,
  IP_CT_UNTRACKED,
  type NfHookState,
} from '../../model/types/verdict.ts';
import type { World } from '../../model/types/world.ts';
import { complete } from '../../scenario/tcpdump.ts';
import { ip, packet } from './build.ts';
import { OUT, PRE, uplinks } from './hooks.ts';

const SYN = 0x02;
const ACK = 0x10;
const SYNACK = 0x12;
const FINACK = 0x11;
const RST = 0x04;

/** The states that packets get one after the other, each confirmed. */
function states(
  start: World,
  ...packets: readonly (readonly [SkBuff, NfHookState, number?])[]
): { seen: number[]; net: World } {
  let net = start;
  const seen = packets.map(([skb, state, wait]) => {
    net = { ...net, now: net.now + (wait ?? 0) };
    const tracked = nf_conntrack_in(net, skb, state);
    net = nf_conntrack_confirm(tracked.net, tracked.skb).net;
    return tracked.skb.ctinfo;
  });
  return { seen, net };
}

const tcp = (way: string, flags: number, more: Partial<Tcphdr>): SkBuff => {
  const skb = packet(`${way} tcp none`);
  return complete({ ...skb, th: { ...skb.th, seq: 1000, window: 1000, flags, ...more } });
};
const out = (flags: number, more = {}): readonly [SkBuff, NfHookState] => [
  tcp('10.0.0.1:40000 > 8.8.8.8:80', flags, more),
  OUT,
];
const back = (flags: number, more = {}): readonly [SkBuff, NfHookState] => [
  tcp('8.8.8.8:80 > 10.0.0.1:40000', flags, more),
  PRE,
];

describe('tuples', () => {
  it('inverts ports, and keeps the identifier of an echo while its type becomes the answer', () => {
    expect(nf_ct_invert_tuple(nf_ct_get_tuple(packet('10.0.0.1:1 > 8.8.8.8:53 udp 2')))).toEqual({
      src: ip('8.8.8.8'),
      dst: ip('10.0.0.1'),
      sport: 53,
      dport: 1,
      protonum: 17,
    });
    expect(nf_ct_invert_tuple(nf_ct_get_tuple(packet('10.0.0.1 > 8.8.8.8 icmp 8/0 id 77 seq 1')))).toEqual({
      src: ip('8.8.8.8'),
      dst: ip('10.0.0.1'),
      sport: 77,
      dport: 0,
      protonum: 1,
    });
  });

  it('cannot invert an ICMP error', () => {
    expect(nf_ct_invertible(nf_ct_get_tuple(packet('10.0.0.1 > 8.8.8.8 icmp 3/1 id 0 seq 1')))).toBe(false);
    expect(nf_ct_invertible(nf_ct_get_tuple(packet('10.0.0.1 > 8.8.8.8 icmp 13/0 id 0 seq 1')))).toBe(true);
  });
});

describe('nf_conntrack_in', () => {
  it('calls a UDP flow established from its first answer on', () => {
    const there = packet('10.0.0.1:4000 > 8.8.8.8:53 udp 2');
    const here = packet('8.8.8.8:53 > 10.0.0.1:4000 udp 2');
    expect(states(uplinks, [there, OUT], [there, OUT], [here, PRE], [there, OUT]).seen).toEqual([
      IP_CT_NEW,
      IP_CT_NEW,
      IP_CT_ESTABLISHED,
      IP_CT_ESTABLISHED,
    ]);
  });

  it('forgets a UDP flow 30 s after its last packet', () => {
    const there = packet('10.0.0.1:4000 > 8.8.8.8:53 udp 2');
    const here = packet('8.8.8.8:53 > 10.0.0.1:4000 udp 2');
    expect(states(uplinks, [there, OUT], [here, PRE, 29999]).seen).toEqual([IP_CT_NEW, IP_CT_ESTABLISHED]);
    expect(states(uplinks, [there, OUT], [here, PRE, 30000]).seen).toEqual([IP_CT_NEW, IP_CT_NEW]);
  });

  it('calls an answer from another address new for UDP, invalid for a SYN-ACK and an echo reply', () => {
    expect(states(uplinks, [packet('8.8.8.8:53 > 10.1.0.1:4000 udp 2'), PRE]).seen).toEqual([IP_CT_NEW]);
    expect(states(uplinks, back(SYNACK)).seen).toEqual([CT_INVALID]);
    expect(states(uplinks, [packet('8.8.8.8 > 10.1.0.1 icmp 0/0 id 7 seq 1'), PRE]).seen).toEqual([CT_INVALID]);
  });

  it('follows a TCP connection from SYN to the last ACK', () => {
    const { seen, net } = states(uplinks, out(SYN), back(SYNACK), out(ACK), out(FINACK), back(FINACK), out(ACK));
    expect(seen).toEqual([
      IP_CT_NEW,
      IP_CT_ESTABLISHED,
      IP_CT_ESTABLISHED,
      IP_CT_ESTABLISHED,
      IP_CT_ESTABLISHED,
      IP_CT_ESTABLISHED,
    ]);
    expect(net.conntrack).toHaveLength(1);
    expect(net.conntrack[0]?.tcpState).toBe(7);
  });

  it('picks up a connection in the middle, but not from a FIN or RST alone', () => {
    expect(states(uplinks, out(ACK)).seen).toEqual([IP_CT_NEW]);
    expect(states(uplinks, out(FINACK)).seen).toEqual([CT_INVALID]);
    expect(states(uplinks, out(RST)).seen).toEqual([CT_INVALID]);
  });

  it('calls impossible flags and a data segment before the SYN-ACK invalid', () => {
    expect(states(uplinks, out(SYN | 0x01)).seen).toEqual([CT_INVALID]);
    expect(states(uplinks, out(0)).seen).toEqual([CT_INVALID]);
    expect(states(uplinks, out(SYN), out(ACK)).seen).toEqual([IP_CT_NEW, CT_INVALID]);
  });

  it('forgets a connection whose only answer is a RST', () => {
    const { seen, net } = states(uplinks, out(SYN), back(RST | ACK));
    expect(seen).toEqual([IP_CT_NEW, IP_CT_ESTABLISHED]);
    expect(states(net, out(SYN)).seen).toEqual([IP_CT_NEW]);
  });

  it('opens a closed connection anew with a SYN on the same ports', () => {
    const closed = states(uplinks, out(SYN), back(SYNACK), out(ACK), out(FINACK), back(FINACK), out(ACK)).net;
    const { seen, net } = states(closed, out(SYN));
    expect(seen).toEqual([IP_CT_NEW]);
    expect(net.conntrack.map((ct) => ct.tcpState)).toEqual([1]);
  });

  it('gets in step again with a SYN-ACK to a SYN that it had ignored', () => {
    const open = states(uplinks, out(SYN), back(SYNACK), out(ACK)).net;
    const { seen, net } = states(open, out(SYN, { seq: 5000 }), back(SYNACK, { ack_seq: 5001 }));
    expect(seen).toEqual([IP_CT_ESTABLISHED, IP_CT_ESTABLISHED]);
    expect(net.conntrack[0]?.tcpState).toBe(2);
  });

  it('calls numbers outside the windows invalid', () => {
    // Hand calculation after tcp_in_window(): windows of 1000, no scaling.
    const open = states(
      uplinks,
      out(SYN),
      back(SYNACK, { seq: 5000, ack_seq: 1001 }),
      out(ACK, { seq: 1001, ack_seq: 5001 }),
    ).net;
    const next = (segment: readonly [SkBuff, NfHookState]): number | undefined => states(open, segment).seen[0];
    expect(next(out(ACK, { seq: 2001, ack_seq: 5001 }))).toBe(IP_CT_ESTABLISHED);
    expect(next(out(ACK, { seq: 71001, ack_seq: 5001 }))).toBe(CT_INVALID);
    expect(next(out(ACK, { seq: 1001, ack_seq: 6001 }))).toBe(CT_INVALID);
    expect(next(back(RST, { seq: 5000 }))).toBe(CT_INVALID);
    expect(next(back(RST, { seq: 5001 }))).toBe(IP_CT_ESTABLISHED);
  });

  it('calls an answer from a side that has not been heard yet invalid', () => {
    expect(states(uplinks, out(SYN), out(RST | ACK, { seq: 1001, ack_seq: 5001 })).seen).toEqual([
      IP_CT_NEW,
      CT_INVALID,
    ]);
  });

  it('takes an arriving packet with a wrong checksum for invalid, a leaving one for right', () => {
    const there = packet('10.0.0.1:4000 > 8.8.8.8:53 udp 2');
    const bad = { ...there, uh: { ...there.uh, check: there.uh.check ^ 1 } };
    expect(states(uplinks, [bad, OUT]).seen).toEqual([IP_CT_NEW]);
    expect(states(uplinks, [bad, PRE]).seen).toEqual([CT_INVALID]);
    expect(states(uplinks, [{ ...there, uh: { ...there.uh, check: 0 } }, PRE]).seen).toEqual([IP_CT_NEW]);
  });

  it('leaves packets alone that are untracked or have come over lo with their entry', () => {
    const there = packet('10.0.0.1:4000 > 8.8.8.8:53 udp 2');
    expect(nf_conntrack_in(uplinks, { ...there, ctinfo: IP_CT_UNTRACKED }, OUT).net.conntrack).toHaveLength(0);
    expect(nf_conntrack_in(uplinks, { ...there, ct: 3, ctinfo: IP_CT_NEW }, PRE).skb).toMatchObject({
      ct: 3,
      ctinfo: IP_CT_NEW,
    });
  });

  it('relates an ICMP error to the flow that it quotes, if it goes to that flow', () => {
    const there = packet('10.0.0.1:4000 > 8.8.8.8:53 udp 2');
    const { net } = states(uplinks, [there, OUT]);
    const quoted = [0x4500, 30, 0, 0, 0x4011, there.iph.check, 0x0a00, 1, 0x0808, 0x0808, 4000, 53, 10, there.uh.check];
    const error = packet('10.0.0.254 > 10.0.0.1 icmp unreachable/1 28 seq 1', quoted);
    expect(nf_conntrack_in(net, error, PRE).skb).toMatchObject({ ctinfo: IP_CT_RELATED, ctdir: 1, ct: 1 });
    expect(states(net, [packet('10.0.0.254 > 10.1.0.1 icmp unreachable/1 28 seq 1', quoted), PRE]).seen).toEqual([
      CT_INVALID,
    ]);
    expect(states(uplinks, [error, PRE]).seen).toEqual([CT_INVALID]);
  });
});

describe('nf_conntrack_confirm', () => {
  it('records the tuples taken at the first hook, whatever the packet says by then', () => {
    const tracked = nf_conntrack_in(uplinks, packet('10.0.0.1:4000 > 8.8.8.8:53 udp 2'), OUT);
    const moved = { ...tracked.skb, iph: { ...tracked.skb.iph, saddr: ip('10.1.0.1') } };
    const { net } = nf_conntrack_confirm(tracked.net, moved);
    expect(getCt(net, 1)).toMatchObject({
      confirmed: true,
      original: { src: ip('10.0.0.1') },
      reply: { dst: ip('10.0.0.1') },
    });
    expect(nf_conntrack_in(net, packet('8.8.8.8:53 > 10.1.0.1:4000 udp 2'), PRE).skb.ctinfo).toBe(IP_CT_NEW);
  });

  it('leaves an entry out of sight until then', () => {
    const tracked = nf_conntrack_in(uplinks, packet('10.0.0.1:4000 > 8.8.8.8:53 udp 2'), OUT);
    expect(nf_conntrack_in(tracked.net, packet('8.8.8.8:53 > 10.0.0.1:4000 udp 2'), PRE).skb.ctinfo).toBe(IP_CT_NEW);
  });
});
