import { expect, test } from 'vitest';
import { stock } from '../../model/patch/stock.ts';
import { NO_PICKS } from '../../model/types/event.ts';
import { sockByName } from '../../model/types/lookup.ts';
import { parseEvent } from '../../scenario/events.ts';
import { changed, errnos, type Happening, host, POST, run, wire } from './build.ts';

const UPLINKS = host(...POST);

// net/ipv4/ping.c, ping_get_port(): the next identifier that nobody has, and never 0.
test.each([
  [77, [], 77],
  [77, [77], 78],
  [77, [77, 78], 79],
  [77, [78], 77],
  [65535, [], 65535],
  [65535, [65535], 1],
  [65535, [65535, 1], 2],
])('the search from identifier %i, where %j are taken, ends at %i', (from, taken, found) => {
  const others = taken.flatMap((ident) => [`socket s${ident} ping`, `bind s${ident} 0.0.0.0:${ident}`]);
  const before = run(UPLINKS, [...others, 'socket p ping']).net;
  // The socket's own number is a part of where the search begins.
  const port_offset = from - 1 - sockByName(before, 'p').id;
  const { net } = run(before, ['connect p 8.8.8.8'], stock, { ...NO_PICKS, port_offset });
  expect(sockByName(net, 'p').inet_num).toBe(found);
});

// Observed: Linux 6.18.44, 2026-11-30: with 8 bytes of ICMP header and 20 of IP, 65507 bytes fit into a packet.
test.each([
  [65507, 0],
  [65508, -90],
  [65527, -90],
  [65528, -90],
])('of %i bytes the call says %i', (len, err) => {
  const sent = { ...parseEvent('send p 1 to 8.8.8.8'), len } as Happening;
  expect(errnos(run(UPLINKS, ['socket p ping', sent]).effects).at(-1)).toBe(err);
});

test('an error that waits is told once, and nothing is sent', () => {
  const { net } = run(UPLINKS, ['socket p ping', 'connect p 8.8.8.8']);
  const failed = run(changed(net, sockByName(net, 'p').id, { sk_err: 111 }), ['send p 1']);
  expect([errnos(failed.effects), wire(failed.effects)]).toEqual([[-111], []]);
  const again = run(failed.net, ['send p 1']);
  expect([errnos(again.effects), wire(again.effects).length]).toEqual([[0], 1]);
});
