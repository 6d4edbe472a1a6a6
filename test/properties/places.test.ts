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

/** A connection that is bound to the device of the second link, and one that is not; and the end of one. */
const OF_DEVICE = ['socket a tcp dev eth1', 'connect a 8.8.8.8:80', 'answer a'];
const OF_ANY = ['socket b tcp mark 100', 'connect b 8.8.8.8:80', 'answer b'];
const ends = (name: string) => [`close ${name}`, `answer ${name}`];

/** Where the walk of a chain ends. */
const WALK_ENDS = 'if (!unused || (faults & FAULT_FOREIGN_TUPLE))\n\t\t\tbreak;';
const REUSING = [...TWO_PORTS, 'sysctl -w net.ipv4.tcp_tw_reuse=1'];

/** A socket of which the port in the new bucket is the last one. */
const LAST_PORT = ['a', 'b', 'd', 'e'].flatMap((name) => [`socket ${name} tcp`, `connect ${name} 8.8.8.8:80`]);

/** The match of the bucket that a socket is put into. */
const MATCH = 'if (inet_bind_bucket_match(tb, net, port, l3mdev))\n\t\t\tbreak;';

const CASES = [
  {
    id: 'ports-accounted',
    says: /bucket/,
    what: 'a second bucket for a port',
    from: MATCH,
    to: 'if (!tb)\n\t\t\tbreak;',
    host: TWO_PORTS,
    events: SHARED,
  },
  {
    id: 'ports-accounted',
    says: /bucket/,
    what: 'a socket in the bucket of another port',
    from: MATCH,
    to: 'if (tb)\n\t\t\tbreak;',
    host: TWO_PORTS,
    events: SHARED,
  },
  {
    id: 'ports-accounted',
    says: /bucket/,
    what: 'a socket that stays in the bucket of its old port',
    from: 'inet_put_port(sk);\n\t\tif (port)',
    to: 'if (port)',
    host: TWO_PORTS,
    events: SHARED,
  },
  {
    id: 'moved-socket-takes-free-tuple',
    says: /the four-tuple of another socket/,
    what: 'a connection that one in TIME_WAIT hides',
    from: WALK_ENDS,
    to: 'break;',
    host: REUSING,
    events: [...OF_DEVICE, ...OF_ANY, ...ends('b'), 'wait 2', 'socket c tcp', 'connect c 8.8.8.8:80'],
  },
  {
    id: 'source-fits-route',
    says: /not the source of the route/,
    what: 'a connection that is overlooked for one in TIME_WAIT behind it',
    from: WALK_ENDS,
    to: ';',
    host: REUSING,
    events: [...OF_DEVICE, ...ends('a'), ...OF_ANY, 'wait 2', 'socket c tcp', 'connect c 8.8.8.8:80'],
  },
  {
    id: 'free-port-is-found',
    says: /finds no port/,
    what: 'a bucket of which other connections take it that somebody bound the port',
    from: 'tb->fastreuse = -1;',
    to: 'tb->fastreuse = 0;',
    host: TWO_PORTS,
    events: LAST_PORT,
  },
  {
    id: 'failed-move-leaves-socket',
    says: /its socket is not what it was/,
    what: 'a kept route that changes for a packet that keeps its source',
    from: 'skb_dst_drop(skb);\n\t\t\t\tskb_dst_set(skb, dst_clone(old));',
    to: 'reroute_keep_route(sk, skb);\n\t\t\t\tskb_dst_drop(skb);\n\t\t\t\tskb_dst_set(skb, dst_clone(old));',
    host: ONE_PORT,
    events: TAKEN,
  },
  {
    id: 'failed-move-leaves-socket',
    says: /its socket is not what it was/,
    what: 'a socket that moves for a SYN which the table drops',
    from: 'if (ret == NF_DROP || ret == NF_STOLEN)',
    to: 'if (ret == NF_STOLEN)',
    host: [...HOST, 'iptables -t mangle -A OUTPUT -j DROP'],
    events: ['socket c tcp', 'connect c 8.8.8.8:80'],
  },
];

describe.each(CASES)('$id: $what', ({ id, says, from, to, host, events }) => {
  const property = properties.find((one) => one.id === id) as Property;
  const text = compile({ host, events });

  it('breaks the promise, which the mended text keeps, and stock', () => {
    const run = play(changed('tcp-rehash-mended', from, to), text);
    const at = firstBroken(property, run);
    expect(at).toBe(events.length - 1);
    expect(property.finding(run, at)).toMatch(says);
    for (const kernel of id === 'source-fits-route' ? [mended] : [mended, ...stock])
      expect(firstBroken(property, play(kernel, text))).toBe(-1);
  });
});
