/** What a run showed: as data for programs, as lines that must be seen again on replay, and step by step for people. */

import { signatureCorrect } from '../model/host/peer.ts';
import { ipChecksumCorrect, transportChecksumCorrect } from '../model/kernel/include/net/checksum.ts';
import { skb_checksum_help } from '../model/kernel/net/core/dev.ts';
import { tcp_parse_md5sig_option, tcp_parse_options } from '../model/kernel/net/ipv4/tcp_input.ts';
import { EINPROGRESS } from '../model/types/errno.ts';
import { sockByName } from '../model/types/lookup.ts';
import { LOOPBACK_IFINDEX } from '../model/types/net.ts';
import { CHECKSUM_PARTIAL, IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP, type SkBuff } from '../model/types/packet.ts';
import { RT_TABLE_LOCAL, RT_TABLE_MAIN, RT_TABLE_UNSPEC, type Rtable } from '../model/types/route.ts';
import {
  SOCK_CONTROL,
  SOCK_NONE,
  SOCK_PING,
  SOCK_RAW,
  SOCK_REQUEST,
  SOCK_TCP,
  SOCK_TIMEWAIT,
  SOCK_UDP,
  type Sock,
} from '../model/types/sock.ts';
import { NF_ACCEPT, NF_DROP, NF_QUEUE, NF_REPEAT, NF_STOLEN, NF_STOP } from '../model/types/verdict.ts';
import type { Effect, Kernel, World } from '../model/types/world.ts';
import type { Run } from '../properties/property.ts';
import { errorName, formatError } from './errno.ts';
import { formatAddress, formatFlags, formatProtocol, formatTable } from './format.ts';
import { printEndpoints, printProtocol } from './tcpdump.ts';

type Xmit = Extract<Effect, { readonly kind: 'xmit' }>;

/** A packet that left the host. */
export interface TracePacket {
  /** Index into the scenario's events. */
  readonly event: number;
  readonly dev: string;
  /** null: the destination itself is the neighbour. */
  readonly gateway: string | null;
  readonly saddr: string;
  readonly daddr: string;
  readonly protocol: string | number;
  /** null for protocols without ports. */
  readonly sport: number | null;
  readonly dport: number | null;
  /** TCP: as tcpdump writes them. */
  readonly flags: string | null;
  readonly payload: number;
  readonly mark: number;
  readonly ip_checksum: 'correct' | 'incorrect';
  readonly checksum: 'correct' | 'incorrect' | 'none';
  /** Fast Open cookie, where one is sent. */
  readonly cookie?: string;
  /** What a receiver says about the MD5 signature, where the segment has one. */
  readonly signature?: 'correct' | 'incorrect';
}

export interface TraceSocket {
  readonly state: string;
  readonly saddr: string;
  readonly rcv_saddr: string;
  readonly daddr: string;
  readonly sport: number;
  readonly dport: number;
  readonly hashed: boolean;
}

/** A property and the event at which it is first broken. */
export interface Violation {
  readonly property: string;
  readonly event: number;
}

export interface Trace {
  readonly variant: string;
  readonly packets: readonly TracePacket[];
  readonly sockets: Readonly<Record<string, TraceSocket>>;
  readonly outcome: 'ok' | { readonly oops: string; readonly why: string } | { readonly inexpressible: string };
  readonly violations: readonly Violation[];
}

// packets

function leaves(effect: Effect): effect is Xmit {
  return effect.kind === 'xmit' && effect.dev !== LOOPBACK_IFINDEX;
}

/** What a receiver says about the transport checksum. */
export function checksumOf(skb: SkBuff): TracePacket['checksum'] {
  const { protocol } = skb.iph;
  if (protocol === IPPROTO_UDP && skb.uh.check === 0 && skb.ip_summed !== CHECKSUM_PARTIAL) return 'none';
  if (protocol !== IPPROTO_TCP && protocol !== IPPROTO_UDP && protocol !== IPPROTO_ICMP) return 'none';
  return transportChecksumCorrect(skb_checksum_help(skb)) ? 'correct' : 'incorrect';
}

function ipChecksumOf(skb: SkBuff): TracePacket['ip_checksum'] {
  return ipChecksumCorrect(skb.iph) ? 'correct' : 'incorrect';
}

/** The 8 bytes of the Fast Open cookie that a segment carries, '' without one. */
function cookieOf(skb: SkBuff): string {
  if (skb.iph.protocol !== IPPROTO_TCP) return '';
  const { foc } = tcp_parse_options(skb.th);
  return foc > 0 ? foc.toString(16).padStart(8, '0').repeat(2) : '';
}

/** Whether the segment asks for a Fast Open cookie. */
function asksForCookie(skb: SkBuff): boolean {
  return skb.iph.protocol === IPPROTO_TCP && tcp_parse_options(skb.th).foc < 0;
}

/** What a receiver says about a segment's MD5 signature, '' where there is none. */
export function signatureOf(skb: SkBuff): 'correct' | 'incorrect' | '' {
  if (skb.iph.protocol !== IPPROTO_TCP || !tcp_parse_md5sig_option(skb.th)) return '';
  return signatureCorrect(skb) ? 'correct' : 'incorrect';
}

function deviceName(net: World, ifindex: number): string {
  return net.devs.find((dev) => dev.ifindex === ifindex)?.name ?? `if${ifindex}`;
}

function tracePacket(net: World, event: number, { dev, gateway, skb }: Xmit): TracePacket {
  const { iph, th, uh } = skb;
  const isTcp = iph.protocol === IPPROTO_TCP;
  const isUdp = iph.protocol === IPPROTO_UDP;
  const protocol = formatProtocol(iph.protocol);
  const cookie = cookieOf(skb);
  const signature = signatureOf(skb);
  return {
    event,
    dev: deviceName(net, dev),
    gateway: gateway === 0 ? null : formatAddress(gateway),
    saddr: formatAddress(iph.saddr),
    daddr: formatAddress(iph.daddr),
    protocol: protocol === String(iph.protocol) ? iph.protocol : protocol,
    sport: isTcp ? th.source : isUdp ? uh.source : null,
    dport: isTcp ? th.dest : isUdp ? uh.dest : null,
    flags: isTcp ? formatFlags(th.flags) : null,
    payload: skb.payload.len,
    mark: skb.mark,
    ip_checksum: ipChecksumOf(skb),
    checksum: checksumOf(skb),
    ...(cookie === '' ? {} : { cookie }),
    ...(signature === '' ? {} : { signature }),
  };
}

/** `10.0.0.1:40000 > 8.8.8.8:80 tcp S`. */
export function packetName(skb: SkBuff): string {
  return `${printEndpoints(skb)} ${printProtocol(skb)}`;
}

/** `10.0.0.1:40000 > 8.8.8.8:80 tcp S, mark 100, transport checksum incorrect`. */
function packetText(skb: SkBuff): string {
  const words = [packetName(skb)];
  const cookie = cookieOf(skb);
  if (cookie !== '') words.push(`cookie ${cookie}`);
  const signature = signatureOf(skb);
  if (signature !== '') words.push(signature === 'correct' ? 'signed' : 'signature incorrect');
  if (asksForCookie(skb)) words.push('asks for a cookie');
  if (skb.mark !== 0) words.push(`mark ${skb.mark}`);
  if (skb.iph.tos !== 0) words.push(`tos 0x${skb.iph.tos.toString(16)}`);
  if (skb.iph.ihl < 5) words.push('header too short');
  if (ipChecksumOf(skb) === 'incorrect') words.push('IP checksum incorrect');
  if (skb.dst.xfrm) words.push('protected by IPsec');
  if (checksumOf(skb) === 'incorrect') words.push('transport checksum incorrect');
  return words.join(', ');
}

function routeText(net: World, dev: number, gateway: number): string {
  return gateway === 0 ? deviceName(net, dev) : `${deviceName(net, dev)} via ${formatAddress(gateway)}`;
}

// sockets

const STATES = [
  '',
  'ESTABLISHED',
  'SYN_SENT',
  'SYN_RECV',
  'FIN_WAIT1',
  'FIN_WAIT2',
  'TIME_WAIT',
  'CLOSE',
  'CLOSE_WAIT',
  'LAST_ACK',
  'LISTEN',
  'CLOSING',
  'NEW_SYN_RECV',
];

/** The state's name in the kernel, without TCP_. */
export function stateName(sk: Sock): string {
  const state = sk.kind === SOCK_TIMEWAIT && sk.tw_substate !== 0 ? sk.tw_substate : sk.sk_state;
  return STATES[state] ?? String(state);
}

function traceSocket(sk: Sock): TraceSocket {
  return {
    state: stateName(sk),
    saddr: formatAddress(sk.inet_saddr),
    rcv_saddr: formatAddress(sk.inet_rcv_saddr),
    daddr: formatAddress(sk.inet_daddr),
    sport: sk.inet_sport,
    dport: sk.inet_dport,
    hashed: sk.hashed,
  };
}

/** The sockets that have a name; one that lives on without its user only while nobody else has taken the name. */
export function namedSockets(net: World): ReadonlyMap<string, Sock> {
  const named = new Map<string, Sock>();
  for (const sk of net.socks) {
    const known = named.get(sk.name);
    if (sk.name !== '' && sk.kind !== SOCK_REQUEST && (known === undefined || known.orphan)) named.set(sk.name, sk);
  }
  return named;
}

// the trace as data

export function lastWorld(run: Run): World {
  return run.steps.at(-1)?.world ?? run.boot;
}

/** The run as `trace --json` prints it. */
export function traceOf(run: Run, violations: readonly Violation[] = []): Trace {
  const net = lastWorld(run);
  const { oops } = net;
  return {
    variant: run.kernel.name,
    packets: run.steps.flatMap(({ world, effects }, event) =>
      effects.filter(leaves).map((xmit) => tracePacket(world, event, xmit)),
    ),
    sockets: Object.fromEntries([...namedSockets(net)].map(([name, sk]) => [name, traceSocket(sk)])),
    outcome:
      net.inexpressible !== ''
        ? { inexpressible: net.inexpressible }
        : oops.where === ''
          ? 'ok'
          : { oops: oops.where, why: oops.why },
    violations,
  };
}

// the trace as lines

const VERDICTS: ReadonlyMap<number, string> = new Map([
  [NF_DROP, 'NF_DROP'],
  [NF_ACCEPT, 'NF_ACCEPT'],
  [NF_STOLEN, 'NF_STOLEN'],
  [NF_QUEUE, 'NF_QUEUE'],
  [NF_REPEAT, 'NF_REPEAT'],
  [NF_STOP, 'NF_STOP'],
]);

/** `NF_DROP`, `NF_DROP with Network is unreachable`, or what else a hook returned. */
function verdictText(verdict: number): string {
  const name = VERDICTS.get(verdict);
  if (name !== undefined) return name;
  const low = verdict & 0xffff;
  if (low === NF_DROP) return `NF_DROP with ${formatError(-(verdict >>> 16))}`;
  return low <= NF_STOP && (verdict & 0xff) === low ? (VERDICTS.get(low) as string) : `${verdict}, which is no verdict`;
}

/** A socket as people call it. */
export function socketText(net: World, id: number): string {
  const sk = net.socks.find((one) => one.id === id);
  if (sk === undefined || id === 0) return 'the kernel';
  if (sk.kind === SOCK_CONTROL) return "the kernel's control socket";
  return sk.name === '' ? `socket ${id}` : sk.name;
}

const KINDS: ReadonlyMap<number, string> = new Map([
  [SOCK_NONE, 'no socket'],
  [SOCK_TCP, 'a TCP socket'],
  [SOCK_REQUEST, 'a request socket'],
  [SOCK_TIMEWAIT, 'a TIME_WAIT socket'],
  [SOCK_UDP, 'a UDP socket'],
  [SOCK_RAW, 'a raw socket'],
  [SOCK_PING, 'a ping socket'],
  [SOCK_CONTROL, 'a control socket'],
]);

/** What must be seen again on replay, '' for what may differ without harm. */
function essential(net: World, effect: Effect): string {
  switch (effect.kind) {
    case 'xmit':
      return leaves(effect) ? `${routeText(net, effect.dev, effect.gateway)}: ${packetText(effect.skb)}` : '';
    case 'syscall':
      return effect.err === 0 || effect.err === -EINPROGRESS
        ? ''
        : `${effect.call} of ${socketText(net, effect.sk)} fails: ${formatError(effect.err)} (${errorName(effect.err)})`;
    case 'refused':
      return `refused: ${effect.message}`;
    case 'verdict':
      return effect.verdict === NF_ACCEPT ? '' : `${effect.where} returns ${verdictText(effect.verdict)}`;
    case 'leak':
      return `lost in ${effect.where}, neither sent nor freed: ${packetText(effect.skb)}`;
    case 'wrong-kind':
      return `${effect.where} takes ${KINDS.get(effect.sk_kind) ?? 'something else'} for a TCP socket`;
    case 'use-after-free':
      return `${effect.where} ${effect.writes ? 'writes to' : 'reads'} ${effect.what} after it was freed`;
    default:
      return '';
  }
}

function changes(...parts: readonly (readonly [name: string, before: string, after: string])[]): string {
  const changed = parts.filter(([, before, after]) => before !== after);
  return changed.length === 0
    ? 'nothing changes'
    : changed.map(([name, before, after]) => `${name} ${before} -> ${after}`).join(', ');
}

export function dstText(net: World, { dev, rt_gw4, table }: Rtable): string {
  const usual = table === RT_TABLE_MAIN || table === RT_TABLE_UNSPEC || table === RT_TABLE_LOCAL;
  return `${routeText(net, dev, rt_gw4)}${usual ? '' : ` table ${formatTable(table)}`}`;
}

/** What else people want to know of a step. */
function further(net: World, effect: Effect): string {
  switch (effect.kind) {
    case 'reroute': {
      const { before, after, err } = effect;
      if (err < 0) return `reroute (mark ${before.mark}) fails: ${formatError(err)} (${errorName(err)})`;
      return `reroute with mark ${after.mark}: ${changes(
        ['source', formatAddress(before.iph.saddr), formatAddress(after.iph.saddr)],
        ['route', dstText(net, before.dst), dstText(net, after.dst)],
      )}`;
    }
    case 'xmit':
      return effect.dev === LOOPBACK_IFINDEX ? `lo: ${packetText(effect.skb)}` : '';
    case 'deliver':
      return `delivered to ${socketText(net, effect.sk)}: ${packetText(effect.skb)}`;
    case 'free':
      return `dropped in ${effect.where}${effect.err === 0 ? '' : `, ${formatError(effect.err)}`}: ${packetText(effect.skb)}`;
    default:
      return '';
  }
}

function oopsText(net: World): string[] {
  return net.oops.where === '' ? [] : [`oops in ${net.oops.where}: ${net.oops.why}`];
}

/** What an effect was, in words; '' for what nobody asks about. */
export function effectText(net: World, effect: Effect): string {
  return essential(net, effect) || further(net, effect);
}

/** What a replay must show again: one line for each packet that leaves, and for all that goes wrong. */
export function traceLines(run: Run): string[] {
  return run.steps.flatMap(({ world, effects }, event) =>
    [...effects.map((effect) => essential(world, effect)), ...oopsText(world)]
      .filter((text) => text !== '')
      .map((text) => `events[${event}] ${text}`),
  );
}

/** A socket's addresses in one line. */
export function socketLine(name: string, sk: Sock): string {
  const { state, saddr, rcv_saddr, sport, daddr, dport, hashed } = traceSocket(sk);
  const source = saddr === rcv_saddr ? saddr : `${saddr} (receives at ${rcv_saddr})`;
  return `${name}: ${state} ${source} port ${sport}, peer ${daddr} port ${dport}${hashed ? '' : ', not hashed'}`;
}

/** That a variant cannot do here what it stands for. */
export function inexpressibleText(kernel: Kernel, why: string): string {
  return `on ${kernel.name} not expressible: ${why}`;
}

/** The mark that a program gives its socket without being told. */
export function soMarkText(world: World, event: Run['events'][number]): string {
  if (event.kind !== 'socket') return '';
  const { sk_mark } = sockByName(world, event.s);
  return sk_mark === event.mark ? '' : `its program sets SO_MARK ${sk_mark}`;
}
