/** What a move keeps of ports, buckets and sockets: the mended text keeps it, and with one wrong line it does not. */
import { describe, expect, it } from 'vitest';
import { kernelNamed } from '../../model/patch/index.ts';
import type { Kernel } from '../../model/types/world.ts';
import { properties } from '../../properties/index.ts';
import type { Property } from '../../properties/property.ts';
import { firstBroken, play } from '../../scenario/play.ts';
import { compile } from '../../scenario/text.ts';
import { MARK, POST } from '../model/build.ts';
import { changed } from './changed.ts';

const mended = kernelNamed('tcp-rehash-mended') as Kernel;
const stock = ['6.1', '4.1', '6.18'].map((release) => kernelNamed('stock', release) as Kernel);

const HOST = [...POST, MARK];
const ONE_PORT = [...HOST, 'sysctl -w net.ipv4.ip_local_port_range="40000 40000"'];
const TWO_PORTS = [...HOST, 'sysctl -w net.ipv4.ip_local_port_range="40000 40001"'];

/** The second connection finds no port at the address that it should move to, and goes back. */
const TAKEN = ['socket c tcp dev eth1', 'connect c 8.8.8.8:80', 'socket d tcp', 'connect d 8.8.8.8:80'];

/** The same with another bucket in front of its own. */
const BEHIND = [
  'socket a tcp dev eth1',
  'connect a 8.8.8.8:80',
  'socket b tcp dev eth1',
  'connect b 8.8.8.8:80',
  'socket c tcp',
  'connect c 8.8.8.8:80',
  'socket d tcp',
  'connect d 8.8.8.8:80',
];

/** The same with a port that the user gave, where a listener has left a caller behind. */
const LEFT_BEHIND = [
  'socket l tcp',
  'bind l 0.0.0.0:80',
  'listen l',
  'receive eth1 8.8.8.8:80 > 10.1.0.1:80 tcp S',
  'close l',
  'socket c tcp',
  'bind c 0.0.0.0:80',
  'connect c 8.8.8.8:80',
];

const CASES = [
  {
    id: 'ports-accounted',
    what: 'a second bucket for a port',
    from: 'if (inet_bind_bucket_match(tb, net, port, l3mdev))',
    to: 'if (!tb)',
    host: ONE_PORT,
    events: TAKEN,
  },
  {
    id: 'ports-accounted',
    what: 'a socket in the bucket of another port',
    from: 'if (inet_bind_bucket_match(tb, net, port, l3mdev))',
    to: 'if (tb)',
    host: TWO_PORTS,
    events: BEHIND,
  },
  {
    id: 'ports-accounted',
    what: 'a socket that stands twice in its bucket',
    from: 'if (!keeps_port && reroute_bind(sk, old_port))',
    to: 'if (reroute_bind(sk, old_port))',
    host: HOST,
    events: LEFT_BEHIND,
  },
  {
    id: 'failed-move-leaves-socket',
    what: 'a kept route that changes for a packet that keeps its source',
    from: 'bool syn, moved = false,',
    to: 'bool syn, moved = true,',
    host: ONE_PORT,
    events: TAKEN,
  },
  {
    id: 'failed-move-leaves-socket',
    what: 'a socket that moves for a SYN which the table drops',
    from: 'if (ret == NF_DROP || ret == NF_STOLEN)',
    to: 'if (ret == NF_STOLEN)',
    host: [...HOST, 'iptables -t mangle -A OUTPUT -j DROP'],
    events: ['socket c tcp', 'connect c 8.8.8.8:80'],
  },
];

describe.each(CASES)('$id: $what', ({ id, from, to, host, events }) => {
  const property = properties.find((one) => one.id === id) as Property;
  const text = compile({ host, events });

  it('breaks the promise, which the mended text keeps, and stock', () => {
    const run = play(changed('tcp-rehash-mended', from, to), text);
    const at = firstBroken(property, run);
    expect(at).toBe(events.length - 1);
    expect(property.finding(run, at)).toMatch(/bucket|its socket is not what it was/);
    for (const kernel of [mended, ...stock]) expect(firstBroken(property, play(kernel, text))).toBe(-1);
  });
});
