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

/** The second connection finds no port at the address that it should move to, and stays. */
const TAKEN = ['socket c tcp dev eth1', 'connect c 8.8.8.8:80', 'socket d tcp', 'connect d 8.8.8.8:80'];

/** It finds the other port, which a connection to somebody else has, too. */
const SHARED = [
  'socket a tcp dev eth1',
  'connect a 9.9.9.9:80',
  'socket b tcp dev eth1',
  'connect b 9.9.9.9:80',
  ...TAKEN,
];

/** The match of the bucket that a socket is put into. */
const MATCH = 'if (inet_bind_bucket_match(tb, net, port, l3mdev))\n\t\t\tbreak;';

const CASES = [
  {
    id: 'ports-accounted',
    what: 'a second bucket for a port',
    from: MATCH,
    to: 'if (!tb)\n\t\t\tbreak;',
    host: TWO_PORTS,
    events: SHARED,
  },
  {
    id: 'ports-accounted',
    what: 'a socket in the bucket of another port',
    from: MATCH,
    to: 'if (tb)\n\t\t\tbreak;',
    host: TWO_PORTS,
    events: SHARED,
  },
  {
    id: 'ports-accounted',
    what: 'a socket that stays in the bucket of its old port',
    from: 'inet_put_port(sk);\n\t\tif (port)',
    to: 'if (port)',
    host: TWO_PORTS,
    events: SHARED,
  },
  {
    id: 'failed-move-leaves-socket',
    what: 'a kept route that changes for a packet that keeps its source',
    from: 'skb_dst_drop(skb);\n\t\t\t\tskb_dst_set(skb, dst_clone(old));',
    to: 'reroute_keep_route(sk, skb, true);\n\t\t\t\tskb_dst_drop(skb);\n\t\t\t\tskb_dst_set(skb, dst_clone(old));',
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
