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

/** A packet at its hook, and how long it waits before. */
type Arrival = readonly [SkBuff, NfHookState, number?];

/** The states that packets get one after the other, each confirmed. */
function states(start: World, ...packets: readonly Arrival[]): { seen: number[]; net: World } {
  let net = start;
  const seen = packets.map(([skb, state, wait]) => {
    net = { ...net, now: net.now + (wait ?? 0) };
    const tracked = nf_conntrack_in(net, skb, state);
    net = nf_conntrack_confirm(tracked.net, tracked.skb).net;
    return tracked.skb.ctinfo;
  });
  return { seen, net };
}

const tcp = (way: string, flags: number, more: Partial<Tcphdr>, len = 0): SkBuff => {
  const skb = packet(`${way} tcp none ${len}`);
  return complete({ ...skb, th: { ...skb.th, seq: 1000, window: 1000, flags, ...more } });
};
const out = (flags: number, more = {}): Arrival => [tcp('10.0.0.1:40000 > 8.8.8.8:80', flags, more), OUT];
const back = (flags: number, more = {}, len = 0): Arrival => [
  tcp('8.8.8.8:80 > 10.0.0.1:40000', flags, more, len),
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

  it('calls a connection that it meets in its middle assured with what follows an answer', () => {
    const assured = (...came: readonly Arrival[]) => states(uplinks, ...came).net.conntrack[0]?.assured;
    expect(assured(out(ACK), back(ACK))).toBe(false);
    expect(assured(out(ACK), back(ACK), out(ACK))).toBe(true);
    expect(assured(out(ACK), out(ACK), out(ACK))).toBe(false);
  });

  it('lets a UDP flow that goes on after two seconds stay, and calls it assured', () => {
    const there = packet('10.0.0.1:4000 > 8.8.8.8:53 udp 2');
    const here = packet('8.8.8.8:53 > 10.0.0.1:4000 udp 2');
    const entry = (wait: number) => {
      const { net } = states(uplinks, [there, OUT], [here, PRE], [there, OUT, wait]);
      return { ...net.conntrack[0], left: (net.conntrack[0]?.timeout ?? 0) - net.now };
    };
    expect(entry(2000)).toMatchObject({ assured: false, left: 30000 });
    expect(entry(2001)).toMatchObject({ assured: true, left: 120000 });
  });

  it.each([
    [47, 30000, 180000, true],
    [50, 600000, 600000, false],
  ])('keeps a flow of protocol %i without ports', (protocol, alone, answered, assured) => {
    const there = packet(`10.0.0.1 > 8.8.8.8 ${protocol} 4`);
    const here = packet(`8.8.8.8 > 10.0.0.1 ${protocol} 4`);
    const first = states(uplinks, [there, OUT]);
    expect(first.net.conntrack[0]).toMatchObject({ assured: false, timeout: alone });
    const { seen, net } = states(first.net, [here, PRE], [there, OUT]);
    expect(seen).toEqual([IP_CT_ESTABLISHED, IP_CT_ESTABLISHED]);
    expect(net.conntrack[0]).toMatchObject({ assured, timeout: answered });
  });

  it.each([
    [47, [0x0001, 0x0203, 0, 0], CT_INVALID],
    [47, [0x0001, 0x880b, 0, 0], IP_CT_NEW],
    [47, [0x0000, 0x0203, 0, 0], IP_CT_NEW],
    [47, [0x0003, 0x0203, 0, 0], IP_CT_NEW],
    [47, [0x0001, 0x0203], IP_CT_NEW],
    [50, [0x0001, 0x0203, 0, 0], IP_CT_NEW],
  ])('calls GRE of version 1 invalid that does not carry PPP: %i %j', (protocol, words, ctinfo) => {
    expect(states(uplinks, [packet(`10.0.0.1 > 8.8.8.8 ${protocol} ${2 * words.length}`, words), OUT]).seen).toEqual([
      ctinfo,
    ]);
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
    const next = (segment: Arrival): number | undefined => states(open, segment).seen[0];
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

  it.each([
    [8, 0],
    [13, 14],
    [15, 16],
    [17, 18],
  ])('calls an ICMP query of type %i new, and its answer of type %i established', (query, reply) => {
    const there = packet(`10.0.0.1 > 8.8.8.8 icmp ${query}/0 id 7 seq 1`);
    const here = (id: number): Arrival => [packet(`8.8.8.8 > 10.0.0.1 icmp ${reply}/0 id ${id} seq 1`), PRE];
    expect(states(uplinks, [there, OUT], here(7), here(8)).seen).toEqual([IP_CT_NEW, IP_CT_ESTABLISHED, CT_INVALID]);
    expect(states(uplinks, here(7)).seen).toEqual([CT_INVALID]);
  });

  it('calls ICMP invalid that is neither query nor error, or has a wrong checksum', () => {
    const of = (type: number) => packet(`8.8.8.8 > 10.0.0.1 icmp ${type}/0 id 7 seq 1`);
    const invalid = [1, 2, 6, 7, 9, 10, 19, 40];
    expect(states(uplinks, ...invalid.map((type): Arrival => [of(type), PRE])).seen).toEqual(
      invalid.map(() => CT_INVALID),
    );
    const bad = { ...of(8), icmph: { ...of(8).icmph, checksum: of(8).icmph.checksum ^ 1 } };
    expect(states(uplinks, [bad, PRE], [of(8), PRE], [bad, PRE]).seen).toEqual([CT_INVALID, IP_CT_NEW, CT_INVALID]);
  });

  it('leaves packets alone that are untracked or have come over lo with their entry', () => {
    const there = packet('10.0.0.1:4000 > 8.8.8.8:53 udp 2');
    expect(nf_conntrack_in(uplinks, { ...there, ctinfo: IP_CT_UNTRACKED }, OUT).net.conntrack).toHaveLength(0);
    expect(nf_conntrack_in(uplinks, { ...there, ct: 3, ctinfo: IP_CT_NEW }, PRE).skb).toMatchObject({
      ct: 3,
      ctinfo: IP_CT_NEW,
    });
  });

  const flow = packet('10.0.0.1:4000 > 8.8.8.8:53 udp 2');
  const quoted = [0x4500, 30, 0, 0, 0x4011, flow.iph.check, 0x0a00, 1, 0x0808, 0x0808, 4000, 53, 10, flow.uh.check];
  const error = packet('10.0.0.254 > 10.0.0.1 icmp unreachable/1 28 seq 1', quoted);

  it('relates an ICMP error to the flow that it quotes, if it goes to that flow', () => {
    const { net } = states(uplinks, [flow, OUT]);
    expect(nf_conntrack_in(net, error, PRE).skb).toMatchObject({ ctinfo: IP_CT_RELATED, ctdir: 1, ct: 1 });
    expect(states(net, [packet('10.0.0.254 > 10.1.0.1 icmp unreachable/1 28 seq 1', quoted), PRE]).seen).toEqual([
      CT_INVALID,
    ]);
    expect(
      states(net, [packet('10.0.0.254 > 10.0.0.1 icmp unreachable/1 26 seq 1', quoted.slice(0, 13)), PRE]).seen,
    ).toEqual([CT_INVALID]);
    expect(states(uplinks, [error, PRE]).seen).toEqual([CT_INVALID]);
  });

  it.each([
    ['a datagram', flow, IP_CT_NEW],
    ['an error about a flow', error, IP_CT_RELATED],
    [
      'an error about none',
      packet('10.0.0.254 > 10.0.0.1 icmp unreachable/1 28 seq 1', quoted.slice(0, 13)),
      CT_INVALID,
    ],
    ['an answer to nothing', packet('10.0.0.254 > 10.0.0.1 icmp 0/0 id 1 seq 1'), CT_INVALID],
  ])('takes the template of a rule from %s', (_what, skb, ctinfo) => {
    const zoned = { ...skb, ct_tmpl: true };
    const net = ctinfo === IP_CT_RELATED ? states(uplinks, [flow, OUT]).net : uplinks;
    expect(nf_conntrack_in(net, zoned, PRE).skb).toMatchObject({ ctinfo, ct_tmpl: false });
  });
});

/** What `conntrack -L` shows of the connection after segments that are all let through: its state as a number. */
function stateAfter(...segments: readonly Arrival[]): number | undefined {
  const { seen, net } = states(uplinks, ...segments);
  expect(seen).not.toContain(CT_INVALID);
  return net.conntrack[0]?.tcpState;
}

// Expected values: net/netfilter/nf_conntrack_proto_tcp.c of Linux 6.1, by hand. Observed: Linux 6.18 says the same of all of these
// segments, hand-made ones, by `-m conntrack --ctstate` and `conntrack -L` (2026-11-30).
describe('tcp_in_window', () => {
  const [SS, SR, ES, FW] = [1, 2, 3, 4];
  const scale = (...options: readonly number[]) => ({ options, doff: 5 + options.length / 2 });
  const wscale = (shift: number) => scale(0x0103, 0x0300 | shift);
  const opening = (syn: object, synack: object, ack: object) => [
    out(SYN, syn),
    back(SYNACK, { seq: 5000, ack_seq: 1001, ...synack }),
    out(ACK, { seq: 1001, ack_seq: 5001, ...ack }),
  ];

  it.each([
    ['none offers one', {}, {}, 1000],
    ['both offer one', wscale(7), wscale(2), 128000],
    ['the shift is 0', wscale(0), wscale(2), 1000],
    ['only the client offers one', wscale(7), {}, 1000],
    ['only the server offers one', {}, wscale(7), 1000],
    ['the shift is more than 14', wscale(15), wscale(7), 16384000],
    ['the option has a wrong length', scale(0x0304, 0x0707), wscale(7), 1000],
    ['another option has that length', scale(0x0103, 0x0307, 0x0104, 0x0301), wscale(7), 128000],
  ])('shifts the window of the client where %s', (_what, syn, synack, window) => {
    const fin = (seq: number) => [...opening(syn, synack, {}), back(FINACK, { seq, ack_seq: 1001 })];
    expect(stateAfter(...fin(5001 + window))).toBe(FW);
    expect(stateAfter(...fin(5002 + window))).toBe(ES);
  });

  it.each([
    [0, 1],
    [1, 1],
    [2, 2],
  ])('lets the peer send up to the end of a window of %i, and one byte into a closed one', (window, most) => {
    const fin = (seq: number) => [...opening({}, {}, { window }), back(FINACK, { seq, ack_seq: 1001 })];
    expect(stateAfter(...fin(5001 + most))).toBe(FW);
    expect(stateAfter(...fin(5002 + most))).toBe(ES);
  });

  it('follows a client that begins anew with larger numbers before it is answered', () => {
    expect(stateAfter(out(SYN), out(SYN, { seq: 90000 }))).toBe(SS);
    expect(stateAfter(out(SYN), out(SYN, { seq: 90000 }), back(SYNACK, { seq: 5000, ack_seq: 90001 }))).toBe(SR);
  });

  it('gives the first side no window by a SYN of the other one', () => {
    const wrong = back(SYNACK, { seq: 5000, ack_seq: 2000 });
    const answer = (seq: number) => out(SYNACK, { seq, ack_seq: 6001 });
    const told = (seq: number) => states(uplinks, out(SYN), wrong, back(SYN, { seq: 6000 }), answer(seq));
    expect(told(1001).seen).toEqual([IP_CT_NEW, CT_INVALID, IP_CT_ESTABLISHED, IP_CT_ESTABLISHED]);
    expect(told(1001).net.conntrack[0]?.tcpState).toBe(SR);
    expect(told(1500).net.conntrack[0]?.tcpState).toBe(9);
  });

  it('takes a RST for valid from the last number on that was acknowledged, whatever comes late', () => {
    const open = opening({}, {}, {});
    const later = [back(ACK, { seq: 5001, ack_seq: 1001 }, 500), out(ACK, { seq: 1001, ack_seq: 5501 })];
    const older = out(ACK, { seq: 1001, ack_seq: 4900 });
    const rst = (seq: number, ...before: readonly Arrival[]) =>
      states(uplinks, ...open, ...before, back(RST, { seq })).seen.at(-1);
    expect([rst(5000), rst(5001)]).toEqual([CT_INVALID, IP_CT_ESTABLISHED]);
    expect([rst(5000, older), rst(5001, older)]).toEqual([CT_INVALID, IP_CT_ESTABLISHED]);
    expect([rst(5500, ...later), rst(5501, ...later)]).toEqual([CT_INVALID, IP_CT_ESTABLISHED]);
  });

  it('forgets what a side acknowledged with the options of a new SYN-ACK', () => {
    const again = (options: object) => [
      out(SYN),
      back(SYNACK, { seq: 5000, ack_seq: 1001 }),
      out(SYNACK, { seq: 2000, ack_seq: 5001, ...options }),
      out(SYNACK, { seq: 3000, ack_seq: 5000, ...options }),
      back(RST, { seq: 5000 }),
    ];
    expect(states(uplinks, ...again(wscale(7))).seen.at(-1)).toBe(IP_CT_ESTABLISHED);
    expect(states(uplinks, ...again({})).seen.at(-1)).toBe(CT_INVALID);
  });
});

describe('nf_conntrack_tcp_packet', () => {
  const [SR, ES, LA, TW] = [2, 3, 6, 7];
  const OPEN = [out(SYN), back(SYNACK, { seq: 5000, ack_seq: 1001 }), out(ACK, { seq: 1001, ack_seq: 5001 })];
  const far = { seq: 200000, ack_seq: 1001 };
  const FAR = { seq: 200000, ack_seq: 5001 };

  it.each([
    ['a FIN and a RST', out(FINACK, FAR), back(RST, far), 300000],
    ['a RST and a FIN', out(RST, FAR), back(FINACK, far), 300000],
    ['a RST and a RST', out(RST, FAR), back(RST, far), 300000],
    ['a FIN and a FIN', out(FINACK, FAR), back(FINACK, far), 300000],
    ['a FIN and an ACK', out(FINACK, FAR), back(ACK, far), 432000000],
    ['an ACK and a FIN', out(ACK, FAR), back(FINACK, far), 432000000],
    ['two FINs of one side', out(FINACK, FAR), out(FINACK, FAR), 432000000],
  ])('keeps an open connection after %s out of its windows', (_what, first, second, timeout) => {
    const { seen, net } = states(uplinks, ...OPEN, first, second);
    expect(seen.slice(3)).toEqual([CT_INVALID, CT_INVALID]);
    expect(net.conntrack[0]).toMatchObject({ tcpState: ES, timeout: net.now + timeout });
  });

  it('keeps a half-open connection as it is after the same', () => {
    const { net } = states(uplinks, ...OPEN.slice(0, 2), out(FINACK, FAR), back(RST | ACK, { ...far, ack_seq: 1001 }));
    expect(net.conntrack[0]).toMatchObject({ tcpState: SR, timeout: net.now + 60000 });
  });

  const LAST = [...OPEN, out(FINACK, { seq: 1001, ack_seq: 5001 }), back(FINACK, { seq: 5001, ack_seq: 1002 })];
  const NEW = out(SYN, { seq: 9000 });
  const ack = back(ACK, { seq: 5002, ack_seq: 1002 });
  const fin = out(FINACK, { seq: 1001, ack_seq: 5001 });

  it.each([
    ['an ACK', [ack], TW],
    ['an ACK of the peer behind a SYN, which disputes that', [NEW, ack], LA],
    ['a second ACK of the peer', [NEW, ack, ack], TW],
    ['an ACK of the same side behind its SYN', [NEW, out(ACK, { seq: 1002, ack_seq: 5002 })], TW],
    ['an ACK of the peer behind a SYN and a FIN', [NEW, fin, ack], TW],
  ])('takes the last FIN for acknowledged, or not, by %s', (_what, segments, state) => {
    expect(stateAfter(...LAST, ...segments)).toBe(state);
  });

  const rst = back(RST, { seq: 5001 });

  it.each([
    ['after FINs', [...LAST.slice(3), ack], IP_CT_NEW],
    [
      "after FINs of which the first was the peer's",
      [back(FINACK, { seq: 5001, ack_seq: 1001 }), out(FINACK, { seq: 1001, ack_seq: 5002 }), ack],
      IP_CT_NEW,
    ],
    ['after a FIN that a RST answers', [...LAST.slice(3, 4), rst], IP_CT_NEW],
    ['after its own RST', [out(RST, { seq: 1001 })], IP_CT_NEW],
    ['after a RST of the peer', [rst], IP_CT_ESTABLISHED],
    [
      'after a RST of the peer, where it had got in step anew since its FIN',
      [
        ...LAST.slice(3, 4),
        NEW,
        back(SYNACK, { seq: 7000, ack_seq: 9001 }),
        out(ACK, { seq: 9001, ack_seq: 7001 }),
        back(RST, { seq: 7001 }),
      ],
      IP_CT_ESTABLISHED,
    ],
  ])('opens a connection anew with a SYN, or waits for its answer, %s', (_what, segments, ctinfo) => {
    expect(states(uplinks, ...OPEN, ...segments, out(SYN, { seq: 20000 })).seen.at(-1)).toBe(ctinfo);
  });

  it('takes an ACK of the second SYN of two for the last one, until one side begins anew', () => {
    const both = [
      out(SYN),
      back(SYN, { seq: 5000 }),
      out(SYNACK, { seq: 1000, ack_seq: 5001 }),
      back(ACK, { seq: 5001, ack_seq: 1001 }),
    ];
    expect(stateAfter(...both)).toBe(ES);
    const anew = [out(SYN, { seq: 9000 }), back(SYNACK, { seq: 7000, ack_seq: 9001 })];
    expect(stateAfter(...both, ...anew, back(ACK, { seq: 7001, ack_seq: 9001 }))).toBe(SR);
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
