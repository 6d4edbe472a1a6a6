import { expect, test } from 'vitest';
import { sockByName } from '../../model/types/lookup.ts';
import { SOCK_TIMEWAIT } from '../../model/types/sock.ts';
import type { World } from '../../model/types/world.ts';
import { errnos, host, ONE_LINK, run, sysctl, wire } from './build.ts';

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

test('sequence numbers of one tuple grow by the clock of 64 ns', () => {
  const isn = (ms: number) =>
    sockByName(run(host(...ONE_LINK), [`wait ${ms / 1000}`, 'socket c tcp', 'connect c 10.0.0.254:80']).net, 'c')
      .snd_una;
  expect((isn(8) - isn(0)) >>> 0).toBe(125000);
});
