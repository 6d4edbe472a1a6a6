import { describe, expect, test } from 'vitest';
import { sockByName } from '../../model/types/lookup.ts';
import {
  TCPHDR_ACK as ACK,
  TCPHDR_FIN as FIN,
  TCPHDR_PSH as PSH,
  TCPHDR_RST as RST,
  TCPHDR_SYN as SYN,
} from '../../model/types/packet.ts';
import { SOCK_TIMEWAIT, TCP_CLOSE, TCP_FIN_WAIT2, TCP_TIME_WAIT } from '../../model/types/sock.ts';
import type { World } from '../../model/types/world.ts';
import { errnos, type Happening, host, letters, ONE_LINK, run, segment, wire } from './build.ts';

const stamps = (tsval: number) => [0x0101, 0x080a, tsval >>> 16, tsval & 0xffff, 0, 0];
const SERVER = ['socket l tcp', 'bind l 10.0.0.1:8080', 'listen l'];

/** A connection that the listener has accepted, whose peer's last timestamp is 500. */
function accepted(): World {
  const options = stamps(500);
  const asked = run(host(...ONE_LINK), [...SERVER, segment(SYN, 3000, 8080, 100, 0, 0, { options })]).net;
  const { snd_una } = asked.socks.at(-1) ?? { snd_una: 0 };
  return run(asked, [segment(ACK, 3000, 8080, 101, snd_una + 1, 0, { options })]).net;
}

const timewait = (net: World) => net.socks.find((sk) => sk.kind === SOCK_TIMEWAIT);

/** The host after its user and perhaps the peer have closed that connection. */
function closed(flags: number): World {
  const net = accepted();
  const { rcv_nxt, snd_nxt } = sockByName(net, 'l.1');
  return run(net, ['close l.1', segment(flags, 3000, 8080, rcv_nxt, snd_nxt + 1)]).net;
}

/** What the peer's segment, 10 s later, brings: what leaves, and what is left of the socket. */
function brings(net: World, flags: number, at: number, len: number, tsval = 0) {
  const tw = timewait(net);
  const seq = (tw?.rcv_nxt ?? 0) + at;
  const options = tsval === 0 ? [] : stamps(tsval);
  const came: Happening = segment(flags, 3000, 8080, seq, tw?.snd_nxt ?? 0, len, { options });
  const after = run(net, ['wait 10', came]);
  const left = timewait(after.net);
  return { sent: wire(after.effects).map(letters), state: left?.tw_substate ?? 0, ends: left?.expires ?? 0, after };
}

// net/ipv4/tcp_minisocks.c, tcp_timewait_state_process(), in the order of its decisions.
describe('a closed socket that waits for the peer’s FIN', () => {
  const WAITS = TCP_FIN_WAIT2;
  test.each([
    ['answers what lies beyond its window', ACK | PSH, 70000, 1, ['.'], WAITS],
    ['answers what it has had', ACK | PSH, -2, 1, ['.'], WAITS],
    ['is ended by a RST', RST, 0, 0, [], 0],
    ['refuses a SYN', SYN, 0, 0, ['R.'], 0],
    ['answers an old SYN', SYN, -1, 0, ['.'], WAITS],
    ['passes over a SYN that begins in what it has had', SYN, -1, 2, [], WAITS],
    ['passes over an ACK', ACK, 0, 0, [], WAITS],
    ['passes over an ACK within its window', ACK, 5, 0, [], WAITS],
    ['passes over data without ACK', PSH, 0, 3, [], WAITS],
    ['refuses data', ACK | PSH, 0, 3, ['R'], 0],
    ['refuses data with a FIN', ACK | FIN, 0, 3, ['R'], 0],
    ['refuses a FIN behind a gap', ACK | FIN, 1, 0, ['R'], 0],
    ['goes on to TIME_WAIT with the FIN', ACK | FIN, 0, 0, ['.'], TCP_TIME_WAIT],
  ])('%s', (_, flags, at, len, sent, state) => {
    expect(brings(closed(ACK), flags, at, len)).toMatchObject({
      sent,
      state,
      ends: state === 0 ? 0 : state === WAITS ? 60000 : 70000,
    });
  });
});

describe('a TIME_WAIT', () => {
  test.each([
    ['is ended by a RST', RST, 0, 0, 0, [], 0],
    ['passes over another RST', RST, 1, 0, 0, [], 60000],
    ['begins again with an ACK', ACK, 0, 0, 0, [], 70000],
    ['answers an old ACK and begins again', ACK, -1, 0, 0, ['.'], 70000],
    ['answers data and begins again', ACK | PSH, 0, 3, 0, ['.'], 70000],
    ['makes way for a SYN beyond its numbers', SYN, 1, 0, 0, ['S.'], 0],
    ['answers a SYN at its number', SYN, 0, 0, 0, ['.'], 60000],
    ['answers an old SYN', SYN, -1, 0, 0, ['.'], 60000],
    ['makes way for a SYN with a newer timestamp', SYN, -1, 0, 501, ['S.'], 0],
    ['answers an old SYN with the same timestamp', SYN, -1, 0, 500, ['.'], 60000],
    ['answers a SYN with an older timestamp and begins again', SYN, 1, 0, 499, ['.'], 70000],
    ['answers a SYN-ACK and begins again', SYN | ACK, 1, 0, 0, ['.'], 70000],
    ['passes over a SYN with RST', SYN | RST, 1, 0, 0, [], 60000],
  ])('%s', (_, flags, at, len, tsval, sent, ends) => {
    expect(brings(closed(ACK | FIN), flags, at, len, tsval)).toMatchObject({ sent, ends });
  });

  test('leaves its successor a number beyond its own', () => {
    const net = closed(ACK | FIN);
    const { after } = brings(net, SYN, 1, 0);
    expect(wire(after.effects)[0]?.th.seq).toBe(((timewait(net)?.snd_nxt ?? 0) + 65537) >>> 0);
  });

  test('answers one old ACK in half a second, but all data', () => {
    const net = closed(ACK | FIN);
    const { rcv_nxt, snd_nxt } = timewait(net) ?? { rcv_nxt: 0, snd_nxt: 0 };
    const count = (flags: number, len: number) => {
      const old = segment(flags, 3000, 8080, rcv_nxt - 9, snd_nxt, len);
      return wire(run(net, [old, 'wait 0.499', old, 'wait 0.001', old]).effects).length;
    };
    expect([count(ACK, 0), count(SYN, 3), count(ACK | PSH, 3)]).toEqual([2, 2, 3]);
  });
});

// net/core/sock.c, sk_clone_lock(): SOCK_BINDPORT_LOCK is not inherited, so that tcp_set_state() gives the port back.
test('a connection keeps its listener’s address, and gives the port back when it is reset', () => {
  const open = accepted();
  const child = sockByName(open, 'l.1');
  expect([sockByName(open, 'l').sk_userlocks, child.sk_userlocks]).toEqual([12, 4]);
  const { net } = run(open, [segment(RST, 3000, 8080, child.rcv_nxt, 0)]);
  expect(sockByName(net, 'l.1')).toMatchObject({ sk_state: TCP_CLOSE, sk_err: 104, inet_num: 0 });
  expect(net.bhash.map((tb) => tb.owners)).toEqual([[sockByName(net, 'l').id]]);
});

// net/ipv4/af_inet.c, inet_accept(): SS_CONNECTED, which __inet_stream_connect() and inet_listen() refuse.
test('an accepted socket neither connects nor listens, not even after a reset', () => {
  const net = accepted();
  const reset = segment(RST, 3000, 8080, sockByName(net, 'l.1').rcv_nxt, 0);
  const calls = ['connect l.1 10.0.0.254:80', 'listen l.1'];
  expect(errnos(run(net, calls).effects)).toEqual([-106, -22]);
  expect(errnos(run(net, [reset, ...calls]).effects)).toEqual([-106, -22]);
});

// net/ipv4/tcp_minisocks.c, tcp_check_req(), in the order of its decisions.
describe('a request', () => {
  const asked = run(host(...ONE_LINK), [...SERVER, segment(SYN, 3000, 8080, 100, 0)]).net;
  const { snd_una } = asked.socks.at(-1) ?? { snd_una: 0 };
  /** What leaves when those segments arrive at once: each with flags, number and length. */
  const answers = (...came: readonly (readonly [flags: number, seq: number, len: number])[]) => {
    const segments = came.map(([flags, seq, len]) => segment(flags, 3000, 8080, seq, snd_una + 1, len));
    return wire(run(asked, segments).effects).map(letters);
  };

  test.each([
    ['is answered again by its SYN', [[SYN, 100, 0]], ['S.']],
    ['answers an ACK at the number of its SYN', [[ACK, 100, 0]], ['.']],
    ['answers an ACK beyond its window', [[ACK, 70000, 0]], ['.']],
    ['answers such ACKs once in a while', [[ACK, 99, 0], [ACK, 99, 0]], ['.']], // biome-ignore format: a line a case
    ['answers data before its window each time', [[ACK | PSH, 90, 1], [ACK | PSH, 90, 1]], ['.', '.']], // biome-ignore format: a line a case
    ['passes over a RST beyond its window', [[RST, 70000, 0]], []],
    ['answers a RST behind a gap', [[RST, 102, 0]], ['.']],
    ['becomes a connection with its ACK', [[ACK, 101, 0]], []],
  ] as const)('%s', (_, came, sent) => {
    expect(answers(...came)).toEqual(sent);
  });
});
