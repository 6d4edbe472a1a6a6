/** `sysctl -w KEY=VALUE` for the settings that decide something modelled. */
import type { HostCommand } from '../../model/types/host.ts';
import { wrong } from '../error.ts';
import { readDevice, readNumber, U32 } from '../words.ts';
import { leaveOut, leaveOutAsked, type Reading } from './reading.ts';

type Sysctl = Extract<HostCommand, { readonly kind: 'sysctl' }>;

/** How the value of a setting is written. */
type SettingShape = 'number' | 'pair' | 'port list';

/** Settings below net.ipv4. */
const IPV4: Readonly<Record<string, SettingShape>> = {
  ip_local_port_range: 'pair',
  ip_local_reserved_ports: 'port list',
  ping_group_range: 'pair',
  tcp_tw_reuse: 'number',
  tcp_timestamps: 'number',
  tcp_sack: 'number',
  tcp_window_scaling: 'number',
  tcp_fastopen: 'number',
  tcp_syn_retries: 'number',
  tcp_retries1: 'number',
  tcp_fwmark_accept: 'number',
  fwmark_reflect: 'number',
  fib_multipath_hash_policy: 'number',
  ip_nonlocal_bind: 'number',
  ip_forward: 'number',
  icmp_echo_ignore_all: 'number',
  icmp_errors_use_inbound_ifaddr: 'number',
  'route.flush': 'number',
};

/** Settings below net.ipv4.conf.LINK. */
const CONF = ['rp_filter', 'accept_local', 'src_valid_mark', 'route_localnet', 'promote_secondaries'];

/** Settings below net.ipv4 that are not modelled and can matter: their usual value, and what is different without another one. */
const DECISIVE: Readonly<Record<string, readonly [usual: string, consequence: string]>> = {
  tcp_l3mdev_accept: ['0', 'a TCP socket hears its own VRF alone'],
  udp_l3mdev_accept: ['0', 'a UDP socket hears its own VRF alone'],
  raw_l3mdev_accept: ['1', 'a raw socket hears its own VRF alone'],
  fib_multipath_use_neigh: ['0', 'a path can be chosen whose neighbour does not answer'],
  fib_multipath_hash_fields: ['7', 'paths are chosen by the usual fields'],
  ip_dynaddr: ['0', 'a connection that is being opened keeps its address when its link gets another one'],
  ip_no_pmtu_disc: ['0', 'packets forbid fragmentation'],
  icmp_echo_ignore_broadcasts: ['1', 'echo requests to a broadcast address are not answered'],
  tcp_ecn: ['2', 'a SYN does not ask for ECN'],
  tcp_reflect_tos: ['0', 'answers do not repeat the type of service of the SYN'],
  tcp_rfc1337: ['0', 'a reset ends a TIME_WAIT'],
  tcp_syncookies: ['1', 'cookies are sent under load alone'],
  tcp_migrate_req: ['0', 'a request stays with its listener'],
};

/** The same of net.ipv4.conf.LINK. */
const DECISIVE_CONF: Readonly<Record<string, readonly [usual: string, consequence: string]>> = {
  disable_xfrm: ['0', 'IPsec policies apply to the link'],
  disable_policy: ['0', 'IPsec policies apply to the link'],
};

/** Settings below net.ipv4 and net.ipv4.conf.LINK that decide nothing modelled, beside those that begin like these. */
const HARMLESS =
  'fib_notify_on_flag_change fib_sync_mem fib_multipath_hash_seed icmp_ icmp_echo_enable_probe igmp_ inet_peer_ ip_autobind_reuse ip_default_ttl ip_early_demux ip_forward_ ip_unprivileged_port_start ipfrag_ nexthop_compat_mode tcp_ udp_ cipso_ xfrm4_gc_thresh neigh. route. vs. netfilter.'.split(
    ' ',
  );
const HARMLESS_CONF =
  'accept_redirects accept_source_route arp_ bc_forwarding bootp_relay drop_ force_igmp_version forwarding igmpv2_ igmpv3_ ignore_routes_with_linkdown log_martians mc_forwarding medium_id proxy_arp secure_redirects send_redirects shared_media tag'.split(
    ' ',
  );

/** How the value of that setting is written, undefined where it is not modelled. */
function shapeOf(key: string): SettingShape | undefined {
  const [, link = '', name = ''] = /^net\.ipv4\.conf\.([^.]+)\.([^.]+)$/.exec(key) ?? [];
  if (link === 'default' && name !== 'rp_filter') return undefined;
  if (CONF.includes(name)) {
    readDevice(link.replaceAll('/', '.'));
    return 'number';
  }
  return key.startsWith('net.ipv4.') ? IPV4[key.slice('net.ipv4.'.length)] : undefined;
}

/** Reads over a setting that is not modelled, or says what it would change. */
function leaveOutSetting(key: string, value: string, reading: Reading): void {
  const [, link = '', name = ''] = /^net\.ipv4\.(?:conf\.([^.]+)\.)?(.+)$/.exec(key) ?? [];
  const [known, consequence] = (link === '' ? DECISIVE : DECISIVE_CONF)[name] ?? [];
  const usual = link === 'lo' && known !== undefined ? '1' : known;
  if (usual !== undefined && consequence !== undefined) {
    if (value === usual) leaveOut(reading, key, 'sysctl', 'this is its usual value');
    else leaveOutAsked(reading, key, 'sysctl', consequence);
    return;
  }
  if (link === 'default' && CONF.includes(name)) {
    if (value === '0') leaveOut(reading, key, 'sysctl', 'this is its usual value');
    else leaveOutAsked(reading, key, 'sysctl', 'a link that is made later begins with 0');
    return;
  }
  const harmless = link === '' ? HARMLESS : HARMLESS_CONF;
  const isKnown = !key.startsWith('net.ipv4.') || harmless.some((start) => name.startsWith(start));
  if (!isKnown) {
    wrong(
      `"${key}" is not a setting that is known here; modelled are net.ipv4.conf.LINK.{${CONF.join(',')}} and net.ipv4.{${Object.keys(IPV4).join(',')}}`,
    );
  }
  leaveOut(reading, key, 'sysctl', 'it is not about where packets of IPv4 go, and as whom');
}

/** Dots between the parts; a dot inside a link's name is written `/` then. */
function canonicalKey(key: string): string {
  const slash = key.indexOf('/');
  const dot = key.indexOf('.');
  if (slash < 0 || (dot >= 0 && dot < slash)) return key;
  return key.replace(/[./]/g, (c) => (c === '.' ? '/' : '.'));
}

/** `8000,9000-9002` as its ports. */
function readPorts(value: string): number[] {
  const ports = new Set<number>();
  for (const part of value.split(',').filter((word) => word !== '')) {
    const [first = '', last = first, more] = part.split('-');
    if (more !== undefined) wrong(`"${part}" is not a range of ports; write FIRST-LAST`);
    const end = readNumber(last, 'a port', 65535);
    for (let port = readNumber(first, 'a port', 65535); port <= end; port++) ports.add(port);
  }
  return [...ports].sort((a, b) => a - b);
}

function readSigned(word: string): number {
  return word.startsWith('-') ? -readNumber(word.slice(1), 'a value', U32) : readNumber(word, 'a value', U32);
}

/** One setting, as `sysctl -w` is given it or as `sysctl -a` prints it; nothing where it is left out. */
export function readSetting(given: string, value: string, reading: Reading): HostCommand[] {
  const key = canonicalKey(given);
  const shape = shapeOf(key);
  if (shape === undefined) {
    leaveOutSetting(key, value, reading);
    return [];
  }
  if (shape === 'port list') return [{ kind: 'sysctl', key, values: readPorts(value) }];
  const values = value.split(/\s+/).map(readSigned);
  const count = shape === 'pair' ? 2 : 1;
  if (values.length !== count)
    wrong(`"${value}" is not a value of ${key}; write ${count === 2 ? 'two numbers, quoted' : 'one number'}`);
  return [{ kind: 'sysctl', key, values }];
}

const OPTIONS = ['-w', '--write', '-q', '--quiet', '-e', '--ignore', '-n', '--values', '-N', '--names', '-o', '-x'];

/** Whether the words behind `sysctl` only show something. */
export function showsSettings(words: readonly string[]): boolean {
  return !words.some((word) => word.includes('=') || ['-p', '--load', '-f', '--system'].includes(word));
}

/** Parses the words behind `sysctl`. */
export function parseSysctl(words: readonly string[], reading: Reading): readonly HostCommand[] {
  const assignments = words.filter((word) => !OPTIONS.includes(word));
  const [first = ''] = assignments;
  if (['-p', '--load', '-f', '--system'].some((option) => first.startsWith(option)))
    wrong(`"${first}" of "sysctl" reads a file that is not here; write its lines`);
  if (first.startsWith('-')) wrong(`"${first}" of "sysctl" is not modelled; write sysctl -w KEY=VALUE`);
  if (first === '') wrong('"sysctl" sets nothing; write sysctl -w KEY=VALUE');
  return assignments.flatMap((assignment) => {
    const equals = assignment.indexOf('=');
    if (equals < 1)
      wrong(`"${assignment}" sets nothing; write KEY=VALUE in one word, quoted when the value contains blanks`);
    return readSetting(assignment.slice(0, equals).trim(), assignment.slice(equals + 1).trim(), reading);
  });
}

/** Ports as `8000,9000-9002`. */
function printPorts(ports: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const port of ports) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === port - 1) last[1] = port;
    else ranges.push([port, port]);
  }
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(',');
}

export function printSysctl({ key, values }: Sysctl): string {
  if (key === 'net.ipv4.route.flush') return 'ip route flush cache';
  const shape = shapeOf(key);
  if (shape === 'port list') return `sysctl -w ${key}=${printPorts(values)}`;
  return shape === 'pair' ? `sysctl -w ${key}="${values.join(' ')}"` : `sysctl -w ${key}=${values[0]}`;
}
