import { expect, test } from 'vitest';
import { tcp_twsk_unique } from '../../model/kernel/net/ipv4/tcp_ipv4.ts';
import { sockByName } from '../../model/types/lookup.ts';
import { TCPHDR_ACK as ACK } from '../../model/types/packet.ts';
import { SOCK_TIMEWAIT, type Sock, TCP_FIN_WAIT2 } from '../../model/types/sock.ts';
import type { World } from '../../model/types/world.ts';
import { errnos, host, ip, ONE_LINK, run, segment, sysctl, wire } from './build.ts';

/** A TIME_WAIT of HERE:50000 to the peer's port 80. */
const timewait = (values: Parameters<typeof sysctl>[1]): World =>
  run(sysctl(host(...ONE_LINK), values), [
    'socket a tcp',
    'bind a 10.0.0.1:50000',
    'connect a 10.0.0.254:80',
    'answer a',
    'close a',
    'answer a',
  ]).net;

test('a bound socket may take the tuple of a TIME_WAIT, beyond its sequence numbers', () => {
  const old = timewait({});
  const tw = old.socks.at(-1);
  expect(tw).toMatchObject({ kind: SOCK_TIMEWAIT, inet_num: 50000 });
  const blocked = run(old, ['socket b tcp', 'bind b 10.0.0.1:50000']);
  expect(errnos(blocked.effects)).toEqual([0, -98]);
  const rebound = run(old, ['socket b tcp']).net;
  const free = {
    ...rebound,
    socks: rebound.socks.map((sk) => (sk.name === 'b' ? { ...sk, inet_num: 50000, inet_sport: 50000 } : sk)),
  };
  const { net, effects } = run(free, ['connect b 10.0.0.254:80']);
  expect(wire(effects)[0]?.th.seq).toBe(((tw?.snd_nxt ?? 0) + 65537) >>> 0);
  expect(net.socks.some((sk) => sk.kind === SOCK_TIMEWAIT)).toBe(false);
});

test('without timestamps a TIME_WAIT keeps its tuple', () => {
  const rebound = run(timewait({ tcp_timestamps: 0 }), ['socket b tcp']).net;
  const free = { ...rebound, socks: rebound.socks.map((sk) => (sk.name === 'b' ? { ...sk, inet_num: 50000 } : sk)) };
  expect(errnos(run(free, ['connect b 10.0.0.254:80']).effects)).toEqual([-99]);
});

test('a port search takes a tuple in TIME_WAIT only with tcp_tw_reuse 1, after a second', () => {
  const only = { local_port_low: 40000, local_port_high: 40000 };
  const again = (reuse: number, ms: number) => {
    const start = sysctl(host(...ONE_LINK), { ...only, tcp_tw_reuse: reuse });
    const { net, effects } = run(start, [
      'socket a tcp',
      'connect a 10.0.0.254:80',
      'answer a',
      'close a',
      'answer a',
      `wait ${ms / 1000}`,
      'socket b tcp',
      'connect b 10.0.0.254:80',
    ]);
    return [errnos(effects).at(-1), sockByName(net, 'b').inet_num, net.socks.length];
  };
  expect(again(2, 1000)).toEqual([-99, 0, 4]);
  expect(again(1, 999)).toEqual([-99, 0, 4]);
  expect(again(1, 1000)).toEqual([-115, 40000, 3]);
});

// Observed: Linux 6.18.44, 2026-11-30. 2 is for addresses in 127/8, not for all that passes lo.
test.each([
  [0, '127.0.0.1', -99],
  [1, '127.0.0.1', -115],
  [2, '127.0.0.1', -115],
  [0, '10.0.0.1', -99],
  [1, '10.0.0.1', -115],
  [2, '10.0.0.1', -99],
])(
  'with tcp_tw_reuse %i a connect() to the tuple of an old connection of the host to its %s: %i',
  (tcp_tw_reuse, to, err) => {
    const start = sysctl(host(...ONE_LINK), { local_port_low: 40000, local_port_high: 40000, tcp_tw_reuse });
    const { effects } = run(start, [
      'socket l tcp',
      'bind l 0.0.0.0:80',
      'listen l',
      'socket a tcp',
      `connect a ${to}:80`,
      'close a',
      'close l.1',
      'wait 1',
      'socket b tcp',
      `connect b ${to}:80`,
    ]);
    expect(errnos(effects).at(-1)).toBe(err);
  },
);

// net/ipv4/tcp_ipv4.c, tcp_twsk_unique().
test.each([
  ['of another host', {}, false],
  ['bound to lo', { sk_bound_dev_if: 1 }, true],
  ['bound to another link', { sk_bound_dev_if: 3 }, false],
  ['to 127.0.0.2', { inet_daddr: ip('127.0.0.2') }, true],
  ['from 127.0.0.2', { inet_rcv_saddr: ip('127.0.0.2') }, true],
  ['from 127.0.0.2 in FIN_WAIT2', { inet_rcv_saddr: ip('127.0.0.2'), tw_substate: TCP_FIN_WAIT2 }, false],
])('with tcp_tw_reuse 2 a port search takes the tuple of a TIME_WAIT %s: %s', (_, fields, unique) => {
  const { net } = run(timewait({ tcp_tw_reuse: 2 }), ['wait 1', 'socket b tcp']);
  const tw = { ...net.socks.find((sk) => sk.kind === SOCK_TIMEWAIT), ...fields } as Sock;
  expect(tcp_twsk_unique(net, sockByName(net, 'b').id, tw, true).unique).toBe(unique);
  expect(tcp_twsk_unique(net, sockByName(net, 'b').id, tw, false).unique).toBe(true);
});

test('a tuple in FIN_WAIT2 is not taken by a port search', () => {
  const only = { local_port_low: 40000, local_port_high: 40000, tcp_tw_reuse: 1 };
  const open = run(sysctl(host(...ONE_LINK), only), ['socket a tcp', 'connect a 10.0.0.254:80', 'answer a']).net;
  const a = sockByName(open, 'a');
  const acked = segment(ACK, 80, 40000, a.rcv_nxt, a.snd_nxt + 1);
  const { net, effects } = run(open, ['close a', acked, 'wait 1', 'socket b tcp', 'connect b 10.0.0.254:80']);
  expect(net.socks.find((sk) => sk.kind === SOCK_TIMEWAIT)?.tw_substate).toBe(TCP_FIN_WAIT2);
  expect(errnos(effects).at(-1)).toBe(-99);
});

// net/core/dev.c, dev_loopback_xmit(): PACKET_LOOPBACK, which tcp_v4_rcv() discards.
test.each(['10.0.0.255', '224.0.0.1'])('a segment to %s that comes back to its sender is for no listener', (to) => {
  const { effects } = run(host(...ONE_LINK, 'ip route add 224.0.0.0/4 dev eth0'), [
    'socket l tcp transparent',
    'bind l 0.0.0.0:80',
    'listen l',
    'socket r raw 6 broadcast',
    `send r 0 to ${to}:80 flags .`,
  ]);
  expect(wire(effects).length).toBe(1);
  expect(effects.flatMap((e) => (e.kind === 'deliver' ? [e.sk] : []))).toEqual([4]);
  expect(effects.flatMap((e) => (e.kind === 'free' ? [e.where] : []))).toEqual(['tcp_v4_rcv']);
});

test('sequence numbers of one tuple grow by the clock of 64 ns', () => {
  const isn = (ms: number) =>
    sockByName(run(host(...ONE_LINK), [`wait ${ms / 1000}`, 'socket c tcp', 'connect c 10.0.0.254:80']).net, 'c')
      .snd_una;
  expect((isn(8) - isn(0)) >>> 0).toBe(125000);
});
