/** What a set says of a packet. Expected values: net/netfilter/ipset of Linux 6.1, by hand. */
import { describe, expect, it } from 'vitest';
import { ip_set_test } from '../../model/kernel/net/netfilter/ipset/ip_set_core.ts';
import type { SetDim } from '../../model/types/verdict.ts';
import type { World } from '../../model/types/world.ts';
import { on, packet, says } from './build.ts';
import { uplinks } from './hooks.ts';

/** The host with a set `s`. */
function made(type: string, ...entries: readonly string[]): World {
  return on(uplinks, `ipset create s ${type}`, ...entries.map((entry) => `ipset add s ${entry}`));
}

/** Whether the packet is in the set, from eth0 to eth1. */
function isIn(net: World, way: string, ...dims: readonly SetDim[]): boolean {
  return ip_set_test(net, 's', packet(way), dims, 'eth0', 'eth1');
}

const UDP = '10.0.0.1:4000 > 8.8.8.8:53 udp 2';
const TCP = '10.0.0.1:4000 > 8.8.8.8:53 tcp S';

describe('ip_set_test', () => {
  it.each([
    ['hash:ip', '8.8.8.8', ['dst'], true, true],
    ['hash:ip', '8.8.8.8', ['src'], false, false],
    ['hash:ip netmask 24', '8.8.8.0', ['dst'], true, true],
    ['hash:net', '8.8.0.0/16', ['dst'], true, true],
    ['hash:ip,port', '8.8.8.8,udp:53', ['dst', 'dst'], true, false],
    ['hash:ip,port', '8.8.8.8,udp:53', ['dst', 'src'], false, false],
    ['hash:ip,port', '8.8.8.8,udp:53', ['dst'], false, false],
    ['hash:net,port', '10.0.0.0/8,tcp:4000', ['src', 'src'], false, true],
    ['hash:ip,port,ip', '8.8.8.8,udp:53,10.0.0.1', ['dst', 'dst', 'src'], true, false],
    ['hash:ip,port,ip', '8.8.8.8,udp:53,10.0.0.1', ['dst', 'dst', 'dst'], false, false],
    ['hash:ip,port,net', '8.8.8.8,udp:53,10.0.0.0/24', ['dst', 'dst', 'src'], true, false],
    ['hash:ip,port,net', '8.8.8.8,udp:53,10.0.1.0/24', ['dst', 'dst', 'src'], false, false],
    ['hash:net,net', '8.8.0.0/16,10.0.0.0/24', ['dst', 'src'], true, true],
    ['hash:net,net', '8.8.0.0/16,10.0.0.0/24', ['dst', 'dst'], false, false],
    ['hash:net,port,net', '8.8.0.0/16,udp:53,10.0.0.0/24', ['dst', 'dst', 'src'], true, false],
    ['hash:net,iface', '8.8.0.0/16,eth1', ['dst', 'dst'], true, true],
    ['hash:net,iface', '8.8.0.0/16,eth1', ['dst', 'src'], false, false],
    ['bitmap:ip range 8.8.8.0-8.8.8.255', '8.8.8.8', ['dst'], true, true],
    ['bitmap:port range 0-100', '53', ['dst'], true, true],
    ['bitmap:port range 0-100', '53', ['src'], false, false],
  ] as const)('compares the parts of %s with those of the packet: %s by %j', (type, entry, dims, udp, tcp) => {
    const net = made(type, entry);
    expect([isIn(net, UDP, ...dims), isIn(net, TCP, ...dims)]).toEqual([udp, tcp]);
  });

  it('asks the members of a list of sets one after the other', () => {
    const commands = [
      'create m hash:ip',
      'create n hash:ip',
      'add n 8.8.8.8',
      'create s list:set',
      'add s m',
      'add s n',
    ];
    const net = on(uplinks, ...commands.map((one) => `ipset ${one}`));
    expect([UDP, UDP.replace('8.8.8.8', '9.9.9.9')].map((way) => isIn(net, way, 'dst'))).toEqual([true, false]);
  });

  it('asks an element until its time is over, and then takes it anew', () => {
    // C: ip_set_timeout_expired(): over is what lies before now.
    const at = (now: number): World => ({ ...made('hash:ip timeout 5', '8.8.8.8', '9.9.9.9 timeout 0'), now });
    expect([0, 5000, 5001].map((now) => isIn(at(now), UDP, 'dst'))).toEqual([true, true, false]);
    expect(isIn(at(99999), UDP.replace('8.8.8.8', '9.9.9.9'), 'dst')).toBe(true);
    const again = [5000, 5001].map((now) => says(at(now), 'ipset add s 8.8.8.8'));
    expect(again).toEqual([expect.stringContaining('already added'), '']);
    const gone = [5000, 5001].map((now) => says(at(now), 'ipset del s 8.8.8.8'));
    expect(gone).toEqual(['', expect.stringContaining('not added')]);
  });
});
