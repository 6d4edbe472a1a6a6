import { describe, expect, test } from 'vitest';
import {
  EACCES,
  EADDRINUSE,
  EADDRNOTAVAIL,
  EALREADY,
  EBADF,
  ECONNREFUSED,
  EDESTADDRREQ,
  EINPROGRESS,
  EINVAL,
  EISCONN,
  EMSGSIZE,
  ENETUNREACH,
  ENODEV,
  EOPNOTSUPP,
  EPIPE,
} from '../../model/types/errno.ts';
import type { EventOf } from '../../model/types/event.ts';
import { sockByName } from '../../model/types/lookup.ts';
import type { World } from '../../model/types/world.ts';
import { parseEvent } from '../../scenario/events.ts';
import { errnos, type Happening, host, ip, last, play, run } from './build.ts';

/** What the events' system calls return. */
const errnosOf = (net: World, events: readonly Happening[]) => errnos(run(net, events).effects);

/*
 * The errnos were seen with Python's socket module on Linux 6.18.44 in a network namespace with these commands,
 * 2026-11-22, unless a test says otherwise.
 */
const ONE_LINK = host(
  'ip link add eth0 type veth peer name eth0p',
  'ip link set eth0 up',
  'ip addr add 10.0.0.1/24 dev eth0',
  'ip route add default via 10.0.0.254 dev eth0',
);

describe('bind', () => {
  test('refuses an address that is not local', () => {
    for (const type of ['udp', 'tcp', 'ping', 'raw tcp'] as const) {
      expect(errnosOf(ONE_LINK, [`socket s ${type}`, 'bind s 9.9.9.9'])).toEqual([0, -EADDRNOTAVAIL]);
    }
  });

  test('takes one with ip_nonlocal_bind, from which nothing can then be sent', () => {
    const events = [
      'host sysctl -w net.ipv4.ip_nonlocal_bind=1',
      'socket s udp',
      'bind s 9.9.9.9',
      'send s 1 to 10.0.0.254:7',
    ];
    expect(errnosOf(ONE_LINK, events)).toEqual([0, 0, -ENETUNREACH]);
  });

  test('refuses a port that a wildcard socket shares, and leaves the socket as it was', () => {
    const events = [
      'socket a udp',
      'bind a 10.0.0.1:5000',
      'socket b udp',
      'bind b 0.0.0.0:5000',
      'bind b 127.0.0.1:5000',
    ];
    expect(errnosOf(ONE_LINK, events)).toEqual([0, 0, 0, -EADDRINUSE, 0]);
  });

  test('works once, also after connect', () => {
    const twice = ['socket s udp', 'bind s 10.0.0.1:5000', 'bind s 10.0.0.1:5001'];
    expect(errnosOf(ONE_LINK, twice)).toEqual([0, 0, -EINVAL]);
    const connected = ['socket s udp', 'connect s 10.0.0.254:5', 'bind s 10.0.0.1:5009'];
    expect(errnosOf(ONE_LINK, connected)).toEqual([0, 0, -EINVAL]);
  });

  test('of a raw socket has no port, works again, but not once it is connected', () => {
    const events = [
      'socket s raw 6',
      'bind s 10.0.0.1',
      'bind s 0.0.0.0',
      'connect s 10.0.0.254:80',
      'bind s 10.0.0.1',
    ];
    expect(errnosOf(ONE_LINK, events)).toEqual([0, 0, 0, 0, -EINVAL]);
  });

  test('to a broadcast address is for UDP and leaves the choice of source open', () => {
    const { world } = last(ONE_LINK, ['socket s udp', 'bind s 10.0.0.255:5001']);
    const sk = sockByName(world, 's');
    expect([sk.inet_rcv_saddr, sk.inet_saddr]).toEqual([ip('10.0.0.255'), 0]);
    expect(errnosOf(ONE_LINK, ['socket s ping', 'bind s 10.0.0.255'])).toEqual([0, -EADDRNOTAVAIL]);
  });

  test('takes an echo identifier that another ping socket has', () => {
    const events = ['socket a ping', 'bind a 10.0.0.1:77', 'socket b ping', 'bind b 10.0.0.1:77'];
    expect(errnosOf(ONE_LINK, events)).toEqual([0, 0, 0, 0]);
  });
});

describe('listen', () => {
  test('is for TCP, and finds a port by itself', () => {
    expect(errnosOf(ONE_LINK, ['socket s udp', 'listen s'])).toEqual([0, -EOPNOTSUPP]);
    const { world } = last(ONE_LINK, ['socket s tcp', 'listen s']);
    expect(sockByName(world, 's').inet_sport).toBeGreaterThanOrEqual(32768);
  });

  test('works twice, and rules out connect, bind and send', () => {
    const events = [
      'socket s tcp',
      'listen s',
      'listen s',
      'connect s 10.0.0.254:5',
      'bind s 10.0.0.1:1234',
      'send s 1',
    ];
    expect(errnosOf(ONE_LINK, events)).toEqual([0, 0, 0, -EISCONN, -EINVAL, -EPIPE]);
  });
});

describe('connect', () => {
  test('on a stream socket does not wait', () => {
    const events = [
      'socket s tcp',
      'connect s 10.0.0.254:5',
      'connect s 10.0.0.254:5',
      'listen s',
      'bind s 10.0.0.1:77',
    ];
    expect(errnosOf(ONE_LINK, events)).toEqual([0, -EINPROGRESS, -EALREADY, -EINVAL, -EINVAL]);
  });

  test('says once more that it succeeded, then that the socket is connected', () => {
    const events = [
      'socket s tcp',
      'connect s 10.0.0.254:5',
      'answer s',
      'connect s 10.0.0.254:5',
      'connect s 10.0.0.254:5',
    ];
    expect(errnosOf(ONE_LINK, events)).toEqual([0, -EINPROGRESS, 0, -EISCONN]);
  });

  test('to a closed port of the host itself is refused, after which the socket may try again', () => {
    const again = [0, 1, 2].map(() => 'connect s 127.0.0.1:5');
    expect(errnosOf(ONE_LINK, ['socket s tcp', ...again])).toEqual([0, -EINPROGRESS, -ECONNREFUSED, -EINPROGRESS]);
  });

  test('to a broadcast address is unreachable for TCP and forbidden for UDP', () => {
    expect(errnosOf(ONE_LINK, ['socket s tcp', 'connect s 10.0.0.255:5'])).toEqual([0, -ENETUNREACH]);
    expect(errnosOf(ONE_LINK, ['socket s udp', 'connect s 10.0.0.255:5'])).toEqual([0, -EACCES]);
  });

  test('from a loopback address does not lead out of the host', () => {
    const events = ['socket s udp', 'bind s 127.0.0.1', 'connect s 10.0.0.254:7'];
    expect(errnosOf(ONE_LINK, events)).toEqual([0, 0, -EINVAL]);
  });

  test('without a route returns what the lookup says', () => {
    const world = host('ip link set lo up', 'ip link add eth0 type dummy', 'ip route add prohibit 9.0.0.0/8');
    expect(errnosOf(world, ['socket s udp', 'connect s 8.8.8.8:7'])).toEqual([0, -ENETUNREACH]);
    expect(errnosOf(world, ['socket s tcp', 'connect s 9.9.9.9:7'])).toEqual([0, -EACCES]);
  });

  test('on a connected datagram socket gives it another peer', () => {
    const events = ['socket s udp', 'connect s 10.0.0.254:5', 'connect s 10.0.0.253:6'];
    const sk = sockByName(last(ONE_LINK, events).world, 's');
    expect([sk.inet_daddr, sk.inet_dport, sk.inet_saddr]).toEqual([ip('10.0.0.253'), 6, ip('10.0.0.1')]);
  });
});

describe('send', () => {
  test('on an unconnected socket wants a destination; the port is chosen all the same', () => {
    for (const type of ['udp', 'ping', 'raw tcp'] as const) {
      expect(errnosOf(ONE_LINK, [`socket s ${type}`, 'send s 2'])).toEqual([0, -EDESTADDRREQ]);
    }
    expect(sockByName(last(ONE_LINK, ['socket s udp', 'send s 2']).world, 's').inet_sport).not.toBe(0);
    expect(errnosOf(ONE_LINK, ['socket s tcp', 'send s 2'])).toEqual([0, -EPIPE]);
  });

  test('to port 0 is invalid, to a broadcast address forbidden', () => {
    const events = [
      'socket s udp',
      'send s 1 to 10.0.0.254',
      'send s 1 to 10.0.0.255:5',
      'send s 1 to 255.255.255.255:5',
    ];
    expect(errnosOf(ONE_LINK, events)).toEqual([0, -EINVAL, -EACCES, -EACCES]);
  });

  test('with IP_PKTINFO needs a local source that may leave', () => {
    const from = (addr: string) => `send s 3 to 10.0.0.254:9 from ${addr}`;
    const events = ['socket s udp', from('10.0.0.1'), from('9.9.9.9'), from('127.0.0.1'), from('224.0.0.5')];
    expect(errnosOf(ONE_LINK, events)).toEqual([0, 0, -ENETUNREACH, -EINVAL, -EINVAL]);
  });

  test('takes what fits into an IP packet, with a header of one’s own what fits the link', () => {
    const send = (len: number) => ({ ...parseEvent('send s 0 to 10.0.0.254:7'), len }) as EventOf<'send'>;
    const udp = ['socket s udp', send(65507), send(65508)];
    expect(errnosOf(ONE_LINK, udp)).toEqual([0, 0, -EMSGSIZE]);
    const own = ['socket s hdrincl', 'send s 1472 to 10.0.0.254:7', 'send s 1473 to 10.0.0.254:7'];
    expect(errnosOf(ONE_LINK, own)).toEqual([0, 0, -EMSGSIZE]);
  });

  test('to a closed port of the host itself is refused the next time', () => {
    const events = ['socket s udp', 'connect s 127.0.0.1:9', 'send s 1', 'send s 1', 'send s 1'];
    expect(errnosOf(ONE_LINK, events)).toEqual([0, 0, 0, -ECONNREFUSED, 0]);
  });
});

describe('socket', () => {
  test('needs the device it is bound to, and ping_group_range for echo requests', () => {
    expect(errnosOf(ONE_LINK, ['socket s udp dev eth9'])).toEqual([-ENODEV]);
    expect(errnosOf(ONE_LINK, ['host sysctl -w net.ipv4.ping_group_range="1 0"', 'socket s ping'])).toEqual([-EACCES]);
  });

  test('is gone after close; its number of a datagram socket is free at once', () => {
    const events = [
      'socket s udp',
      'bind s 10.0.0.1:5000',
      'close s',
      'send s 1',
      'socket s udp',
      'bind s 10.0.0.1:5000',
    ];
    expect(errnosOf(ONE_LINK, events)).toEqual([0, 0, 0, -EBADF, 0, 0]);
  });
});

test('ports and identifiers that the kernel chooses differ from socket to socket', () => {
  const events = ['a', 'b', 'c'].flatMap((s) => [`socket ${s} udp`, `send ${s} 1 to 10.0.0.254:7`]);
  const ports = play(ONE_LINK, events).map(({ world }) => world.socks.map((sk) => sk.inet_sport))[5] as number[];
  expect(new Set(ports.slice(2)).size).toBe(3);
});

test('a port search passes what is taken or reserved, and ends when nothing is left', () => {
  const world = host(
    'ip link set lo up',
    'sysctl -w net.ipv4.ip_local_port_range="40000 40002"',
    'sysctl -w net.ipv4.ip_local_reserved_ports=40001',
  );
  const events = ['a', 'b', 'c'].flatMap((s) => [`socket ${s} udp`, `bind ${s} 127.0.0.1`]);
  expect(errnosOf(world, events)).toEqual([0, 0, 0, 0, 0, -EADDRINUSE]);
  const taken = last(world, events).world.socks.map((sk) => sk.inet_sport);
  expect(taken.filter((port) => port !== 0).sort()).toEqual([40000, 40002]);
});
