/** Hosts, refusals and `ip route get` as text, for the routing tests. */
import { hostCommand } from '../../model/host/commands.ts';
import { newWorld } from '../../model/host/newWorld.ts';
import { inet_rtm_getroute } from '../../model/kernel/net/ipv4/route.ts';
import { NO_QUERY, type RouteQuery } from '../../model/types/route.ts';
import type { World } from '../../model/types/world.ts';
import { parseHostLine } from '../../scenario/host.ts';

/** 'a.b.c.d' as a number. */
export function ip(text: string): number {
  return text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

export function dotted(addr: number): string {
  return [24, 16, 8, 0].map((shift) => (addr >>> shift) & 255).join('.');
}

/** The host after more commands, all of which must be accepted. */
export function on(net: World, ...lines: readonly string[]): World {
  return lines.reduce((world, line) => {
    const done = hostCommand(world, parseHostLine(line));
    if (done.err !== 0) throw new Error(`${line}: ${done.message}`);
    return done.net;
  }, net);
}

export function host(...lines: readonly string[]): World {
  return on(newWorld(), ...lines);
}

/** What the tool prints about a command, '' when it is accepted. */
export function says(net: World, line: string): string {
  return hostCommand(net, parseHostLine(line)).message;
}

/** Two links, up, with the addresses of the original report. */
export const LINKS = [
  'ip link set lo up',
  'ip link add eth0 type veth peer name eth0p',
  'ip link add eth1 type veth peer name eth1p',
  'ip link set eth0 up',
  'ip link set eth1 up',
  'ip addr add 10.0.0.1/24 dev eth0',
  'ip addr add 10.1.0.1/24 dev eth1',
];

/** The host of the original report. */
export const POST = [
  ...LINKS,
  'ip route add 0.0.0.0/0 via 10.0.0.254 src 10.0.0.1',
  'ip rule add fwmark 100 table 100',
  'ip route add 0.0.0.0/0 via 10.1.0.254 src 10.1.0.1 table 100',
];

const TYPES = ['', '', 'local', 'broadcast', 'anycast', 'multicast'];

/** The first line that `ip route get` prints, without the uid; the words of a refusal. */
export function get(net: World, text: string): string {
  const [dst = '', ...words] = text.split(' ');
  let query: RouteQuery = { ...NO_QUERY, dst: ip(dst) };
  for (let i = 0; i < words.length; i += 2) {
    const [key = '', value = ''] = words.slice(i);
    if (key === 'from') query = { ...query, from: ip(value) };
    else if (key === 'iif') query = { ...query, iif: value };
    else if (key === 'oif') query = { ...query, oif: value };
    else query = { ...query, [key]: Number(value) };
  }
  const a = inet_rtm_getroute(net, query);
  if (a.err !== 0) return a.line;
  return [
    TYPES[a.type] ?? '',
    dotted(a.dst),
    a.from === 0 ? '' : `from ${dotted(a.from)}`,
    a.tos === 0 ? '' : `tos ${a.tos}`,
    a.gateway === 0 ? '' : `via ${dotted(a.gateway)}`,
    `dev ${a.dev}`,
    a.table === 0 ? '' : `table ${a.table}`,
    a.prefsrc === 0 ? '' : `src ${dotted(a.prefsrc)}`,
    a.iif === '' ? '' : `iif ${a.iif}`,
  ]
    .filter((word) => word !== '')
    .join(' ');
}
