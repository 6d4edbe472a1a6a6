import { describe, expect, test } from 'vitest';
import { sockByName } from '../../model/types/lookup.ts';
import {
  TCPHDR_ACK as ACK,
  TCPHDR_FIN as FIN,
  TCPHDR_RST as RST,
  TCPHDR_SYN as SYN,
} from '../../model/types/packet.ts';
import { TCP_CLOSE, TCP_FIN_WAIT1, TCP_LAST_ACK, TCP_SYN_SENT } from '../../model/types/sock.ts';
import type { World } from '../../model/types/world.ts';
import { errnos, type Happening, host, letters, ONE_LINK, run, segment, wire } from './build.ts';

const AGAIN = 'connect c 10.0.0.254:80';
const trying = (): World => run(host(...ONE_LINK), ['socket c tcp', AGAIN]).net;
const opened = (): World => run(trying(), ['wait 0.01', 'answer c']).net;
/** A segment of the peer to that socket, `at` bytes from what it expects next. */
const peer = (net: World, flags: number, at = 0, len = 0): Happening => {
  const c = sockByName(net, 'c');
  return segment(flags, 80, c.inet_num, c.rcv_nxt + at, c.snd_nxt, len);
};

// net/ipv4/tcp.c, tcp_disconnect(): write_seq + max_window + 2, and tcp_v4_connect() keeps it; max_window is 0 from the SYN
// on, and the largest window that the peer has announced later.
describe('a socket whose connection was reset can be used again', () => {
  test('the next connect() tells of it, the one after it sends a SYN three numbers on', () => {
    const net = trying();
    const { snd_una } = sockByName(net, 'c');
    const after = run(net, [peer(net, RST | ACK), AGAIN, AGAIN]);
    expect(errnos(after.effects)).toEqual([-111, -115]);
    expect(wire(after.effects).map((skb) => [letters(skb), skb.th.seq])).toEqual([['S', (snd_una + 3) >>> 0]]);
    expect(sockByName(after.net, 'c').sk_state).toBe(TCP_SYN_SENT);
  });

  const small = (net: World): Happening => {
    const { inet_num, rcv_nxt, snd_nxt } = sockByName(net, 'c');
    return `receive eth0 10.0.0.254:80 > 10.0.0.1:${inet_num} tcp . seq ${rcv_nxt} ack ${snd_nxt} win 5`;
  };
  test.each([
    ['the window of the SYN-ACK', opened, () => [], 65535],
    ['a larger one', opened, () => ['say c 1'], 65535 << 7],
    ['a smaller one', opened, (net: World) => [small(net)], 65535],
    ['the window of a SYN that crossed', trying, (net: World) => [peer(net, SYN)], 65535],
  ])('after %s it begins beyond the largest', (_, start, said, window) => {
    const { net } = run(start(), said(start()));
    const { snd_nxt } = sockByName(net, 'c');
    const after = run(net, [peer(net, RST), AGAIN, AGAIN]);
    expect(errnos(after.effects)).toEqual([-104, -115]);
    expect(wire(after.effects)[0]?.th.seq).toBe((snd_nxt + window + 2) >>> 0);
  });

  test('a window of the connection before the last does not count', () => {
    const net = run(opened(), ['say c 1']).net;
    const second = run(net, [peer(net, RST), AGAIN, AGAIN]).net;
    const third = run(second, [peer(second, RST | ACK), AGAIN, AGAIN]);
    expect(wire(third.effects)[0]?.th.seq).toBe((sockByName(second, 'c').snd_una + 3) >>> 0);
  });

  test('nothing of the old connection is left', () => {
    const net = opened();
    const sent = run(net, ['send c 3', peer(net, RST, 9)]).net;
    expect(sockByName(sent, 'c')).toMatchObject({ srtt: 10, last_oow_ack_time: 10, tstamp_ok: true });
    expect(sockByName(run(sent, [peer(net, RST), AGAIN]).net, 'c')).toMatchObject({
      sk_state: TCP_CLOSE,
      sk_err: 0,
      hashed: false,
      inet_num: 0,
      inet_dport: 0,
      inet_saddr: 0,
      inet_rcv_saddr: 0,
      sk_dst_cache: { dev: 0 },
      write_queue: [],
      icsk_timeout: 0,
      icsk_rto: 1000,
      srtt: 0,
      retransmits: 0,
      retrans_stamp: 0,
      tstamp_ok: false,
      sack_ok: false,
      wscale_ok: false,
      ts_recent: 0,
      ts_recent_stamp: 0,
      last_oow_ack_time: -1,
      fastopen: { defer_connect: false, syn_fastopen: false, syn_data: false },
    });
  });
});

// net/ipv4/tcp.c, new_state[].
test.each([
  ['SYN_SENT', trying, [], [], 0],
  ['SYN_RECV', trying, [SYN], ['F.'], TCP_FIN_WAIT1],
  ['ESTABLISHED', opened, [], ['F.'], TCP_FIN_WAIT1],
  ['CLOSE_WAIT', opened, [FIN | ACK], ['F.'], TCP_LAST_ACK],
])('close() in %s', (_, start, flags, sent, state) => {
  const net = start();
  const before = run(
    net,
    flags.map((one) => peer(net, one)),
  ).net;
  const after = run(before, ['close c']);
  expect(wire(after.effects).map(letters)).toEqual(sent);
  expect(after.net.socks.find((sk) => sk.id === sockByName(before, 'c').id)?.sk_state ?? 0).toBe(state);
});
