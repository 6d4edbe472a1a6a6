import { expect, test } from 'vitest';
import { tcp_parse_options } from '../../model/kernel/net/ipv4/tcp_input.ts';
import { sockByName } from '../../model/types/lookup.ts';
import {
  TCPHDR_ACK as ACK,
  TCPHDR_FIN as FIN,
  NO_TH,
  TCPHDR_PSH as PSH,
  TCPHDR_RST as RST,
  TCPHDR_SYN as SYN,
  TCPHDR_SYN,
} from '../../model/types/packet.ts';
import {
  SOCK_REQUEST,
  SOCK_TIMEWAIT,
  TCP_CLOSE,
  TCP_CLOSE_WAIT,
  TCP_ESTABLISHED,
  TCP_FIN_WAIT1,
  TCP_FIN_WAIT2,
  TCP_LISTEN,
  TCP_SYN_RECV,
  TCP_SYN_SENT,
  TCP_TIME_WAIT,
} from '../../model/types/sock.ts';
import type { Effect, World } from '../../model/types/world.ts';
import { errnos, type Happening, HERE, host, letters, ONE_LINK, PEER, run, segment, sysctl, wire } from './build.ts';

const opened = (): World => run(host(...ONE_LINK), ['socket c tcp', 'connect c 10.0.0.254:80', 'answer c']).net;
const seen = (effects: readonly Effect[]): readonly (string | number)[][] =>
  wire(effects).map((skb) => [letters(skb), skb.th.seq, skb.th.ack_seq]);

test('options are read whatever stands between them', () => {
  const options = [
    0x0101, 0x0204, 0x05b4, 0x0402, 0x080a, 0x0001, 0x0002, 0xffff, 0xfffe, 0x0103, 0x0307, 0x2202, 0x0101,
  ];
  expect(tcp_parse_options({ ...NO_TH, flags: TCPHDR_SYN, options })).toEqual({
    mss: 1460,
    saw_tstamp: true,
    rcv_tsval: 0x00010002,
    rcv_tsecr: 0xfffffffe,
    wscale_ok: true,
    snd_wscale: 7,
    sack_ok: true,
    foc: -1,
  });
});

test('nothing is read behind the end of options or of an option too short', () => {
  expect(tcp_parse_options({ ...NO_TH, flags: TCPHDR_SYN, options: [0x0002, 0x0405, 0xb400] }).mss).toBe(0);
  expect(tcp_parse_options({ ...NO_TH, flags: TCPHDR_SYN, options: [0x0501, 0x0204, 0x05b4] }).mss).toBe(0);
});

test('the handshake ends with an ACK, in ESTABLISHED, with the timer off', () => {
  const start = run(host(...ONE_LINK), ['socket c tcp', 'connect c 10.0.0.254:80']);
  const isn = sockByName(start.net, 'c').snd_una;
  const { net, effects } = run(start.net, ['answer c']);
  const c = sockByName(net, 'c');
  expect(seen(effects)).toEqual([['.', (isn + 1) >>> 0, c.rcv_nxt]]);
  expect(c).toMatchObject({
    sk_state: TCP_ESTABLISHED,
    snd_una: (isn + 1) >>> 0,
    write_queue: [],
    icsk_timeout: 0,
    retrans_stamp: 0,
    tcp_header_len: 32,
  });
});

// Observed: Linux 6.18, 2026-11-22: RST with seq = the segment's ack_seq, ack 0, window 0, and the SYN again at once.
test('an acknowledgement of something never sent is refused with a RST from the control socket', () => {
  const start = run(host(...ONE_LINK), ['socket c tcp', 'connect c 10.0.0.254:80']).net;
  const c = sockByName(start, 'c');
  const { net, effects } = run(start, [segment(SYN | ACK, 80, c.inet_num, 500, c.snd_una + 77)]);
  expect(seen(effects)).toEqual([['R', (c.snd_una + 77) >>> 0, 0]]);
  expect(wire(effects)[0]).toMatchObject({ sk: 1, th: { source: c.inet_num, dest: 80, doff: 5, window: 0 } });
  expect(sockByName(net, 'c')).toMatchObject({ sk_state: TCP_SYN_SENT, icsk_timeout: 8 });
});

test('a RST ends an attempt; the user learns of it at the next call', () => {
  const start = run(host(...ONE_LINK), ['socket c tcp', 'connect c 10.0.0.254:80']).net;
  const c = sockByName(start, 'c');
  const { net, effects } = run(start, [segment(RST | ACK, 80, c.inet_num, 0, c.snd_nxt), 'connect c 10.0.0.254:80']);
  expect(wire(effects)).toEqual([]);
  expect(errnos(effects)).toEqual([-111]);
  expect(sockByName(net, 'c')).toMatchObject({ sk_state: TCP_CLOSE, inet_num: 0, hashed: false, inet_saddr: 0 });
});

// Observed: Linux 6.18, 2026-11-22, ports 555 > 99: R. 0 43; R 4711 0; R. 0 46.
test('a segment that nobody waits for is refused with a RST', () => {
  const reset = (flags: number, seq: number, ack: number, len: number) =>
    seen(run(host(...ONE_LINK), [segment(flags, 555, 99, seq, ack, len)]).effects);
  expect(reset(SYN, 42, 0, 0)).toEqual([['R.', 0, 43]]);
  expect(reset(ACK, 42, 4711, 3)).toEqual([['R', 4711, 0]]);
  expect(reset(SYN | FIN, 42, 0, 2)).toEqual([['R.', 0, 46]]);
  expect(reset(RST | ACK, 42, 1, 0)).toEqual([]);
});

test('data is acknowledged, old data again, data beyond a gap not', () => {
  const net = opened();
  const c = sockByName(net, 'c');
  const data = segment(PSH | ACK, 80, c.inet_num, c.rcv_nxt, c.snd_nxt, 5);
  const late = segment(PSH | ACK, 80, c.inet_num, c.rcv_nxt + 20, c.snd_nxt, 5);
  const { net: after, effects } = run(net, [data, data, late]);
  expect(sockByName(after, 'c').received).toBe(5);
  expect(seen(effects)).toEqual(Array.from({ length: 3 }, () => ['.', c.snd_nxt, (c.rcv_nxt + 5) >>> 0]));
});

test('a RST inside the window is challenged, an exact one ends the connection', () => {
  const net = opened();
  const c = sockByName(net, 'c');
  const near = run(net, [segment(RST, 80, c.inet_num, c.rcv_nxt + 9, 0)]);
  expect([seen(near.effects).length, sockByName(near.net, 'c').sk_state]).toEqual([1, TCP_ESTABLISHED]);
  const exact = run(net, [segment(RST, 80, c.inet_num, c.rcv_nxt, 0)]);
  expect([seen(exact.effects).length, sockByName(exact.net, 'c').sk_state]).toEqual([0, TCP_CLOSE]);
});

// Observed: Linux 6.18, 2026-11-22: F., then the ACK of the peer's FIN with seq one beyond, and the same ACK for the FIN
// repeated in TIME_WAIT.
test('closing first leads over FIN_WAIT1 and FIN_WAIT2 to a minute of TIME_WAIT', () => {
  const net = opened();
  const c = sockByName(net, 'c');
  const fin = run(net, ['close c']);
  expect(seen(fin.effects)).toEqual([['F.', c.snd_nxt, c.rcv_nxt]]);
  expect(fin.net.socks.at(-1)).toMatchObject({ sk_state: TCP_FIN_WAIT1, orphan: true });

  const acked = run(fin.net, [segment(ACK, 80, c.inet_num, c.rcv_nxt, c.snd_nxt + 1)]);
  expect(acked.net.socks.at(-1)).toMatchObject({ kind: SOCK_TIMEWAIT, tw_substate: TCP_FIN_WAIT2, hashed: true });

  const peer = segment(FIN | ACK, 80, c.inet_num, c.rcv_nxt, c.snd_nxt + 1);
  const both = run(acked.net, [peer]);
  expect(seen(both.effects)).toEqual([['.', (c.snd_nxt + 1) >>> 0, (c.rcv_nxt + 1) >>> 0]]);
  expect(wire(both.effects)[0]?.sk).toBe(1);
  expect(both.net.socks.at(-1)).toMatchObject({
    tw_substate: TCP_TIME_WAIT,
    inet_rcv_saddr: HERE,
    inet_num: c.inet_num,
  });
  expect(both.net.bhash.map((tb) => tb.owners.length)).toEqual([1]);

  const again = run(both.net, [peer]);
  expect(seen(again.effects)).toEqual([['.', (c.snd_nxt + 1) >>> 0, (c.rcv_nxt + 1) >>> 0]]);
  expect(run(again.net, ['wait 59.999']).net.socks.length).toBe(3);
  const over = run(again.net, ['wait 60']).net;
  expect([over.socks.length, over.bhash]).toEqual([2, []]);
});

test('FIN and ACK in one segment lead straight to TIME_WAIT, acknowledged by the socket itself', () => {
  const { net, effects } = run(opened(), ['close c', 'answer c']);
  expect(wire(effects).map(letters)).toEqual(['F.', '.']);
  expect(wire(effects)[1]?.sk).toBe(3);
  expect(net.socks.at(-1)).toMatchObject({ kind: SOCK_TIMEWAIT, tw_substate: TCP_TIME_WAIT });
});

test('closing second leads over CLOSE_WAIT and LAST_ACK to nothing', () => {
  const net = opened();
  const c = sockByName(net, 'c');
  const fin = run(net, [segment(FIN | ACK, 80, c.inet_num, c.rcv_nxt, c.snd_nxt)]);
  expect(seen(fin.effects)).toEqual([['.', c.snd_nxt, (c.rcv_nxt + 1) >>> 0]]);
  expect(sockByName(fin.net, 'c').sk_state).toBe(TCP_CLOSE_WAIT);
  const done = run(fin.net, ['close c', segment(ACK, 80, c.inet_num, c.rcv_nxt + 1, c.snd_nxt + 1)]);
  expect(wire(done.effects).map(letters)).toEqual(['F.']);
  expect([done.net.socks.length, done.net.bhash]).toEqual([2, []]);
});

test('data for a socket that its user has closed is refused', () => {
  const net = opened();
  const c = sockByName(net, 'c');
  const { net: after, effects } = run(net, [
    'close c',
    segment(PSH | ACK, 80, c.inet_num, c.rcv_nxt, c.snd_nxt + 1, 4),
  ]);
  expect(wire(effects).map(letters)).toEqual(['F.', 'R']);
  expect(after.socks.length).toBe(2);
});

test('SYNs that cross open the connection over SYN_RECV', () => {
  const start = run(host(...ONE_LINK), ['socket c tcp', 'connect c 10.0.0.254:80']).net;
  const c = sockByName(start, 'c');
  const crossed = run(start, [segment(SYN, 80, c.inet_num, 900, 0)]);
  expect(seen(crossed.effects)).toEqual([['S.', c.snd_una, 901]]);
  expect(sockByName(crossed.net, 'c').sk_state).toBe(TCP_SYN_RECV);
  const { net } = run(crossed.net, [segment(ACK, 80, c.inet_num, 901, c.snd_una + 1)]);
  expect(sockByName(net, 'c').sk_state).toBe(TCP_ESTABLISHED);
});

test('a connection to the host itself opens and closes over lo', () => {
  const { net } = run(host(...ONE_LINK), [
    'socket l tcp',
    'bind l 10.0.0.1:8080',
    'listen l',
    'socket c tcp',
    'connect c 10.0.0.1:8080',
    'send c 7',
  ]);
  expect([sockByName(net, 'c').sk_state, sockByName(net, 'l.1').sk_state]).toEqual([TCP_ESTABLISHED, TCP_ESTABLISHED]);
  expect(sockByName(net, 'l.1')).toMatchObject({ received: 7, inet_dport: sockByName(net, 'c').inet_num });
  const closed = run(net, ['close c', 'close l.1']).net;
  expect(closed.socks.map((sk) => [sk.name, sk.sk_state])).toEqual([
    ['', TCP_CLOSE],
    ['', TCP_CLOSE],
    ['l', TCP_LISTEN],
    ['c', TCP_TIME_WAIT],
  ]);
});

const listening = (): World => run(host(...ONE_LINK), ['socket l tcp', 'bind l 10.0.0.1:8080', 'listen l']).net;

// Observed: Linux 6.18, 2026-11-22: SYN-ACK 020405b4 with window 64240 to a SYN with MSS only; RST with seq = ack_seq to a
// wrong ACK; the data of the final ACK acknowledged at once.
test('a listener answers a SYN through a request, and the ACK makes the child', () => {
  const syn = run(listening(), [segment(SYN, 3000, 8080, 100, 0, 0, { options: [0x0204, 0x05b4] })]);
  const req = syn.net.socks.at(-1);
  if (req === undefined) throw new Error('no request');
  expect(req).toMatchObject({ kind: SOCK_REQUEST, hashed: true, inet_rcv_saddr: HERE, inet_daddr: PEER, parent: 3 });
  expect(seen(syn.effects)).toEqual([['S.', req.snd_una, 101]]);
  expect(wire(syn.effects)[0]).toMatchObject({ sk: req.id, th: { window: 64240, options: [0x0204, 1460] } });

  const wrong = run(syn.net, [segment(ACK, 3000, 8080, 101, req.snd_una + 9)]);
  expect(seen(wrong.effects)).toEqual([['R', (req.snd_una + 9) >>> 0, 0]]);

  const final = run(wrong.net, [segment(PSH | ACK, 3000, 8080, 101, req.snd_una + 1, 5)]);
  expect(seen(final.effects)).toEqual([['.', (req.snd_una + 1) >>> 0, 106]]);
  const child = sockByName(final.net, 'l.1');
  expect(child).toMatchObject({ sk_state: TCP_ESTABLISHED, received: 5, tcp_header_len: 20, icsk_bind_hash: 8080 });
  expect(final.net.socks.some((sk) => sk.kind === SOCK_REQUEST)).toBe(false);
  expect(final.net.bhash).toEqual([{ port: 8080, fastreuse: 0, fastreuseport: 0, owners: [3, child.id] }]);
  const gone = run(final.net, ['close l']).net;
  expect(sockByName(gone, 'l.1').sk_state).toBe(TCP_ESTABLISHED);
});

test('a repeated SYN is answered again, a RST takes the request away', () => {
  const syn = segment(SYN, 3000, 8080, 100, 0);
  const twice = run(listening(), [syn, syn]);
  expect(wire(twice.effects).map(letters)).toEqual(['S.', 'S.']);
  expect(run(twice.net, [segment(RST, 3000, 8080, 101, 0)]).net.socks.length).toBe(3);
});

test('with tcp_fwmark_accept the mark of the SYN becomes that of SYN-ACK and child', () => {
  const marked = segment(SYN, 3000, 8080, 100, 0, 0, { mark: 9 });
  const marks = (value: number) => {
    const { net, effects } = run(sysctl(listening(), { tcp_fwmark_accept: value }), [marked, 'answer l']);
    return [wire(effects)[0]?.mark, sockByName(net, 'l.1').sk_mark];
  };
  expect([marks(0), marks(1)]).toEqual([
    [0, 0],
    [9, 9],
  ]);
});

/** A segment of the peer to c, `at` bytes from what c expects, with a timestamp unless that is 0. */
const toC = (net: World, flags: number, at: number, len = 0, tsval = 0): Happening => {
  const c = sockByName(net, 'c');
  const options = tsval === 0 ? [] : [0x0101, 0x080a, tsval >>> 16, tsval & 0xffff, 0, 0];
  return segment(flags, 80, c.inet_num, c.rcv_nxt + at, c.snd_nxt, len, { options });
};

// net/ipv4/tcp_input.c, tcp_oow_rate_limited() and tcp_send_challenge_ack(); sysctl tcp_invalid_ratelimit, 500 ms.
test.each([
  ['an old ACK', ACK, -9, 0, [1, 0, 1]],
  ['an old SYN', SYN, -9, 0, [1, 0, 1]],
  ['an old SYN with data', SYN, -9, 3, [1, 0, 1]],
  ['a SYN in the window', SYN, 9, 0, [1, 0, 1]],
  ['a RST in the window', RST, 9, 0, [1, 0, 1]],
  ['old data', PSH | ACK, -9, 3, [1, 1, 1]],
  ['data beyond the window', PSH | ACK, 70000, 3, [1, 1, 1]],
])('%s is answered at once, after 499 and after 500 ms: %j', (_, flags, at, len, counts) => {
  const net = opened();
  const seg = toC(net, flags, at, len);
  const first = run(net, [seg]);
  const second = run(first.net, ['wait 0.499', seg]);
  const third = run(second.net, ['wait 0.001', seg]);
  expect([first, second, third].map(({ effects }) => wire(effects).length)).toEqual(counts);
});

// RFC 7323 sections 4.3 and 5.3; net/ipv4/tcp_input.c, tcp_paws_discard() and tcp_replace_ts_recent(). The last one is 1000.
test.each([
  ['data, newer', 0, 3, 1005, 1005, 3],
  ['data, the same', 0, 3, 1000, 1000, 3],
  ['data, one older', 0, 3, 999, 1000, 3],
  ['data, two older', 0, 3, 998, 1000, 0],
  ['data without', 0, 3, 0, 1000, 3],
  ['data that is known in part, newer', -1, 3, 1005, 1005, 2],
  ['data beyond a gap, newer', 1, 3, 1005, 1000, 0],
  ['known data, newer', -3, 2, 1005, 1000, 0],
])('timestamps: %s', (_, at, len, tsval, ts_recent, received) => {
  const net = opened();
  expect(sockByName(net, 'c').ts_recent).toBe(1000);
  const after = run(net, [toC(net, PSH | ACK, at, len, tsval)]);
  expect(sockByName(after.net, 'c')).toMatchObject({ ts_recent, received });
  expect(wire(after.effects).map((skb) => skb.th.options.slice(-2))).toEqual([[0, ts_recent]]);
});

// net/ipv4/tcp_input.c, tcp_disordered_ack(): 1024/1000 of the timeout, which is 200 ms.
test('an ACK that was overtaken is no reason to answer, unless it is too old or says something', () => {
  const start = opened();
  const acked = run(start, [toC(start, ACK, 0, 0, 1000)]).net;
  const answers = (net: World, at: number, tsval: number) =>
    wire(run(net, [toC(net, ACK, at, 0, tsval)]).effects).length;
  expect([answers(acked, 0, 796), answers(acked, 0, 795), answers(acked, 9, 796)]).toEqual([0, 1, 1]);
  expect(answers(start, 0, 796)).toBe(1);
  const sent = run(acked, ['send c 5']).net;
  expect(answers(sent, 0, 796)).toBe(1);
  expect(wire(run(sent, [toC(sent, ACK, 0, 0, 1000), toC(acked, ACK, 0, 0, 796)]).effects).length).toBe(1);
  const data = run(acked, [toC(acked, PSH | ACK, 0, 3, 998)]);
  expect(sockByName(data.net, 'c').received).toBe(0);
});

test('a connection without timestamps keeps none', () => {
  const plain = run(sysctl(host(...ONE_LINK), { tcp_timestamps: 0 }), [
    'socket c tcp',
    'connect c 10.0.0.254:80',
    'answer c',
  ]).net;
  const { net } = run(plain, [toC(plain, PSH | ACK, 0, 3, 7), toC(plain, PSH | ACK, 3, 3)]);
  expect(sockByName(net, 'c')).toMatchObject({ ts_recent: 0, ts_recent_stamp: 0, received: 6 });
});

test.each([
  [-2, 5, 3],
  [-1, 1, 0],
  [-4, 5, 1],
  [0, 5, 5],
  [1, 5, 0],
])('of data that begins %i bytes from what is expected, %i long, %i are new', (at, len, received) => {
  const net = opened();
  const after = run(net, [toC(net, PSH | ACK, at, len)]).net;
  expect(sockByName(after, 'c')).toMatchObject({ received, rcv_nxt: (sockByName(net, 'c').rcv_nxt + received) >>> 0 });
});

// net/ipv4/tcp_input.c, tcp_rcv_state_process(): before anything else is looked at.
test.each([
  [PSH, 0, 3],
  [PSH, -9, 3],
  [FIN, 0, 0],
  [FIN, -9, 0],
  [0, 70000, 3],
])('flags %i without ACK, RST and SYN, %i bytes from what is expected, do nothing', (flags, at, len) => {
  const net = opened();
  const after = run(net, [toC(net, flags, at, len, 2000)]);
  expect([wire(after.effects), sockByName(after.net, 'c')]).toEqual([[], sockByName(net, 'c')]);
});

// net/ipv4/tcp_input.c, tcp_reset_check().
test.each([
  ['ESTABLISHED', [], false],
  ['CLOSE_WAIT', ['fin'], true],
  ['LAST_ACK', ['fin', 'close c'], true],
  ['CLOSING', ['close c', 'fin'], true],
] as const)('a RST one byte behind the next, as it follows a FIN, in %s', (_, before, ends) => {
  const start = opened();
  const fin = toC(start, FIN | ACK, 0);
  const { net } = run(
    start,
    before.map((one) => (one === 'fin' ? fin : one)),
  );
  const { id, inet_num } = sockByName(start, 'c');
  const { rcv_nxt } = net.socks.find((sk) => sk.id === id) ?? { rcv_nxt: 0 };
  const over = (at: number) => {
    const { net: after, effects } = run(net, [segment(RST, 80, inet_num, rcv_nxt + at, 0)]);
    expect(wire(effects)).toEqual([]);
    return (after.socks.find((sk) => sk.id === id)?.sk_state ?? TCP_CLOSE) === TCP_CLOSE;
  };
  expect([over(-2), over(-1), over(0)]).toEqual([false, ends, true]);
});

// net/ipv4/tcp_output.c, tcp_synack_options() and tcp_options_write(): what the SYN offered and the sysctl allows.
const OFFER = { mss: [0x0204, 0x05b4], stamps: [0x0402, 0x080a, 0, 7, 0, 0], scale: [0x0103, 0x0307] };
test.each([
  ['all', {}, [...OFFER.mss, 0x0402, 0x080a, 0, 1000, 0, 7, ...OFFER.scale]],
  ['no SACK', { tcp_sack: 0 }, [...OFFER.mss, 0x0101, 0x080a, 0, 1000, 0, 7, ...OFFER.scale]],
  ['no timestamps', { tcp_timestamps: 0 }, [...OFFER.mss, 0x0101, 0x0402, ...OFFER.scale]],
  ['no scale', { tcp_window_scaling: 0 }, [...OFFER.mss, 0x0402, 0x080a, 0, 1000, 0, 7]],
])('a SYN-ACK answers the options of the SYN: %s', (_, values, answer) => {
  const syn = segment(SYN, 3000, 8080, 100, 0, 0, { options: [...OFFER.mss, ...OFFER.stamps, ...OFFER.scale] });
  const { net, effects } = run(sysctl(listening(), values), [syn, 'answer l']);
  expect(wire(effects)[0]?.th.options).toEqual(answer);
  expect(sockByName(net, 'l.1').sack_ok).toBe(!('tcp_sack' in values));
});

test('a SYN without options is answered with the MSS alone', () => {
  const { effects } = run(listening(), [segment(SYN, 3000, 8080, 100, 0)]);
  expect(wire(effects)[0]?.th.options).toEqual(OFFER.mss);
});
