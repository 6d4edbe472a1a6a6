/** `sysctl -w KEY=VALUE` for the settings that decide something modelled. */
import type { HostCommand } from '../../model/types/host.ts';
import { wrong } from '../error.ts';
import { readDevice, readNumber, U32 } from '../words.ts';

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

function shapeOf(key: string): SettingShape {
  const conf = /^net\.ipv4\.conf\.([^.]+)\.([^.]+)$/.exec(key);
  if (conf !== null && CONF.includes(conf[2] as string)) {
    readDevice((conf[1] as string).replaceAll('/', '.'));
    return 'number';
  }
  const shape = key.startsWith('net.ipv4.') ? IPV4[key.slice('net.ipv4.'.length)] : undefined;
  if (shape !== undefined) return shape;
  return wrong(
    `"${key}" is not a setting that is modelled; those are net.ipv4.conf.LINK.{${CONF.join(',')}} and net.ipv4.{${Object.keys(IPV4).join(',')}}`,
  );
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

/** Parses the words behind `sysctl`. */
export function parseSysctl(words: string[]): HostCommand {
  const assignments = words.filter((word) => !['-w', '--write', '-q', '--quiet'].includes(word));
  const [assignment = '', more] = assignments;
  if (assignment.startsWith('-')) wrong(`"${assignment}" of "sysctl" is not modelled; write sysctl -w KEY=VALUE`);
  const equals = assignment.indexOf('=');
  if (equals < 1) wrong(`"${assignment}" sets nothing; write sysctl -w KEY=VALUE`);
  if (more !== undefined)
    wrong(`"${more}" is a second word; write one KEY=VALUE a command, quoted when it contains blanks`);
  const key = canonicalKey(assignment.slice(0, equals).trim());
  const value = assignment.slice(equals + 1).trim();
  const shape = shapeOf(key);
  if (shape === 'port list') return { kind: 'sysctl', key, values: readPorts(value) };
  const values = value.split(/\s+/).map(readSigned);
  const count = shape === 'pair' ? 2 : 1;
  if (values.length !== count)
    wrong(`"${value}" is not a value of ${key}; write ${count === 2 ? 'two numbers, quoted' : 'one number'}`);
  return { kind: 'sysctl', key, values };
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
