/**
 * What C takes for granted of memory: pointers into a packet that may move, sockets that end before the field that is
 * read, pointers that are NULL, and what nobody has initialised. Compiled texts use it (`compiler/`).
 */

import { emit, showInstead } from '../types/effects.ts';
import { getSock, oops } from '../types/lookup.ts';
import {
  type Icmphdr,
  type Iphdr,
  NO_ICMPH,
  NO_IPH,
  NO_TH,
  NO_UH,
  type SkBuff,
  type Tcphdr,
  type Udphdr,
} from '../types/packet.ts';
import { type FlowI4, NO_DST, NO_FLOW, type Rtable } from '../types/route.ts';
import { SOCK_REQUEST, SOCK_TCP, SOCK_TIMEWAIT, type Sock } from '../types/sock.ts';
import type { Effect, World } from '../types/world.ts';

/** The headers of a packet, in the buffer that a pointer leads to. */
interface Headers {
  readonly iph: Iphdr;
  readonly th: Tcphdr;
  readonly uh: Udphdr;
  readonly icmph: Icmphdr;
}

/**
 * What a run of the hook keeps besides packet and host.
 *
 * A pointer to a header is the number of the buffer that it was taken in, 0 for NULL. Left out: more than one buffer that
 * was left behind; a pointer into an older one leads to the last.
 */
export interface Frame extends Headers {
  /** Number of the buffer that the packet is in. */
  readonly buffer: number;
  /** Whether the buffer that it left, whose headers these are, went with that: no clone holds it. */
  readonly freed: boolean;
  /** The packet and the sockets as the mangle table left them. */
  readonly before: SkBuff;
  readonly socks: readonly Sock[];
  /** Whether the text has looked up a route that no packet has yet. */
  readonly looked: boolean;
}

/** The frame at the start of the hook. */
export function newFrame(net: World, skb: SkBuff): Frame {
  return {
    buffer: 1,
    freed: false,
    iph: NO_IPH,
    th: NO_TH,
    uh: NO_UH,
    icmph: NO_ICMPH,
    before: skb,
    socks: net.socks,
    looked: false,
  };
}

/** The frame after the packet got another buffer. */
export function moved(frame: Frame, before: SkBuff): Frame {
  const { iph, th, uh, icmph } = before;
  return { ...frame, buffer: frame.buffer + 1, freed: !before.cloned, iph, th, uh, icmph };
}

/** The frame after a call that may have given the packet another buffer: then it has more room in front. */
export function movedIf(frame: Frame, before: SkBuff, after: SkBuff): Frame {
  return before.headroom === after.headroom ? frame : moved(frame, before);
}

/** The headers that a pointer leads to. */
export function headersAt(skb: SkBuff, frame: Frame, pointer: number): Headers {
  return pointer === frame.buffer ? skb : frame;
}

/** What a pointer to a header does before it is followed: it may be NULL, and its buffer may be gone. */
export function follow(
  net: World,
  frame: Frame,
  pointer: number,
  what: string,
  writes: boolean,
  where: string,
  line: string,
): World {
  if (pointer === frame.buffer) return net;
  if (pointer === 0) return crash(net, where, `${what} is NULL`, line);
  return frame.freed ? emit(net, { kind: 'use-after-free', where, what, writes, line }) : net;
}

/** Packet and frame after a write to the IP header. Who still follows an old pointer writes to the buffer that was left. */
export function writeIph(skb: SkBuff, frame: Frame, pointer: number, iph: Iphdr): { skb: SkBuff; frame: Frame } {
  return pointer === frame.buffer ? { skb: { ...skb, iph }, frame } : { skb, frame: { ...frame, iph } };
}

/** The same for the TCP header. */
export function writeTh(skb: SkBuff, frame: Frame, pointer: number, th: Tcphdr): { skb: SkBuff; frame: Frame } {
  return pointer === frame.buffer ? { skb: { ...skb, th }, frame } : { skb, frame: { ...frame, th } };
}

/** The same for the UDP header. */
export function writeUh(skb: SkBuff, frame: Frame, pointer: number, uh: Udphdr): { skb: SkBuff; frame: Frame } {
  return pointer === frame.buffer ? { skb: { ...skb, uh }, frame } : { skb, frame: { ...frame, uh } };
}

/** The same for the ICMP header. */
export function writeIcmph(skb: SkBuff, frame: Frame, pointer: number, icmph: Icmphdr): { skb: SkBuff; frame: Frame } {
  return pointer === frame.buffer ? { skb: { ...skb, icmph }, frame } : { skb, frame: { ...frame, icmph } };
}

/** A crash at a line of the patch. */
function crash(net: World, where: string, why: string, line: string): World {
  return atLine(oops(net, where, why), net.effects.length, line);
}

/** Any other pointer before it is followed. */
export function present(net: World, pointer: number, what: string, where: string, line: string): World {
  return pointer === 0 ? crash(net, where, `${what} is NULL`, line) : net;
}

/** A pointer to a route before it is followed: it may also be an error. */
export function presentRoute(net: World, rt: Rtable, what: string, where: string, line: string): World {
  if (rt.err < 0) return crash(net, where, `${what} is an error`, line);
  return rt.dev === 0 ? crash(net, where, `${what} is NULL`, line) : net;
}

/** A route that is taken for one with an IPsec policy. C: include/net/xfrm.h, struct xfrm_dst, which is longer than others. */
export function protectedRoute(net: World, rt: Rtable, where: string, line: string): World {
  if (rt.xfrm) return net;
  return crash(net, where, 'what struct xfrm_dst has lies beyond the end of the object', line);
}

/**
 * A route that is given back: its count is in it, so an error is followed there. NULL is welcome.
 *
 * C: net/core/dst.c, dst_release().
 */
export function releasedRoute(net: World, rt: Rtable, what: string, where: string, line: string): World {
  return rt.err < 0 ? crash(net, where, `${what} is an error`, line) : net;
}

/** Room in front of a packet as it is asked for. C: net/core/skbuff.c, pskb_expand_head(): BUG_ON(nhead < 0). */
export function roomAsked(net: World, nhead: number, line: string): World {
  return nhead < 0 ? crash(net, 'pskb_expand_head', 'the room that is asked for is negative', line) : net;
}

/** Whether the object of a request or of a time-wait socket ends before what struct sock has behind struct sock_common. */
function isSmall(sk: Sock): boolean {
  return sk.kind === SOCK_REQUEST || sk.kind === SOCK_TIMEWAIT;
}

/** A socket before a field of struct sock or inet_sock is touched that small ones do not have. */
export function reachInet(net: World, id: number, where: string, line: string): World {
  const sk = getSock(net, id);
  return isSmall(sk) ? emit(net, { kind: 'wrong-kind', where, sk: id, sk_kind: sk.kind, line }) : net;
}

/** The same for a field of struct inet_connection_sock or tcp_sock, which TCP's own sockets have. */
export function reachTcp(net: World, id: number, where: string, line: string): World {
  const sk = getSock(net, id);
  return sk.kind === SOCK_TCP ? net : emit(net, { kind: 'wrong-kind', where, sk: id, sk_kind: sk.kind, line });
}

/** What lies in memory where the model has nothing: what was written there, else `picks.stack`. */
function beyond(net: World, known: number): number {
  return known === 0 ? net.picks.stack : known;
}

/**
 * The socket as code sees it that takes it for an inet_sock: of a small one the fields beyond its end hold what the
 * memory behind it holds, or what the patch has written there.
 *
 * Observed: the first SYN-ACK of a marked listener leaves from the new address, its repetition from the old one (6.1.192
 * with the port of the patch, version 1, 2026-11-22).
 */
export function inetOf(net: World, id: number): Sock {
  const sk = getSock(net, id);
  return isSmall(sk) ? { ...sk, inet_saddr: beyond(net, sk.inet_saddr) } : sk;
}

/** The socket as code sees it that takes it for a tcp_sock. */
export function tcpOf(net: World, id: number): Sock {
  const sk = getSock(net, id);
  if (sk.kind === SOCK_TCP) return sk;
  return {
    ...sk,
    write_seq: beyond(net, sk.write_seq),
    snd_una: beyond(net, sk.snd_una),
    snd_nxt: beyond(net, sk.snd_nxt),
    snd_sml: beyond(net, sk.snd_sml),
    rcv_nxt: beyond(net, sk.rcv_nxt),
    tcp_header_len: beyond(net, sk.tcp_header_len) & 0xffff,
    retransmits: beyond(net, sk.retransmits) & 0xff,
    icsk_bind_hash: beyond(net, sk.icsk_bind_hash) & 0xffff,
  };
}

/**
 * A key that nobody has initialised. Scope, protocol, and the words for ports, user and layer-3 master take different bits
 * of `picks.stack`; the rest is as if it had all of them.
 */
export function wildFlow(net: World): FlowI4 {
  const { stack } = net.picks;
  return {
    ...NO_FLOW,
    flowi4_oif: stack,
    flowi4_mark: stack,
    flowi4_tos: stack & 0xff,
    flowi4_scope: stack & 0xff,
    flowi4_proto: (stack >>> 8) & 0xff,
    flowi4_flags: stack & 0xff,
    flowi4_uid: stack >>> 16,
    flowi4_l3mdev: stack >>> 16,
    saddr: stack,
    daddr: stack,
    fl4_sport: stack >>> 16,
    fl4_dport: stack >>> 16,
  };
}

/** A point between two statements of the text, as another CPU would find the sockets. */
export function micro(net: World, where: string, line: string): World {
  return emit(net, { kind: 'micro', where, socks: net.socks, bhash: net.bhash, line });
}

/** What a call of the kernel has shown since `from`, and a crash in it, get the line of the text that called. */
export function atLine(after: World, from: number, line: string): World {
  const { oops: crashed } = after;
  const net: World = crashed.where !== '' && crashed.line === '' ? { ...after, oops: { ...crashed, line } } : after;
  if (net.effects.length === from) return net;
  let effects: readonly Effect[] = [];
  for (let at = 0; at < net.effects.length; at += 1) {
    const effect = net.effects[at] as Effect;
    effects = [...effects, at < from ? effect : withLine(effect, line)];
  }
  return showInstead(net, effects);
}

function withLine(effect: Effect, line: string): Effect {
  switch (effect.kind) {
    case 'reroute':
    case 'micro':
    case 'wrong-kind':
    case 'use-after-free':
      return effect.line === '' ? { ...effect, line } : effect;
    default:
      return effect;
  }
}

/** A lookup of the text failed. */
export function failedLookup(net: World, skb: SkBuff, frame: Frame, err: number, line: string): World {
  return emit(net, { kind: 'reroute', before: frame.before, after: skb, err, socks: frame.socks, line });
}

/** The text gives the packet a route: the second lookup has gone well, whatever other lookups failed before. */
export function rerouted(net: World, skb: SkBuff, frame: Frame, line: string): World {
  return emit(withoutFailures(net, skb), {
    kind: 'reroute',
    before: frame.before,
    after: skb,
    err: 0,
    socks: frame.socks,
    line,
  });
}

/** What was shown, without the lookups that the text made for the packet and that failed. */
function withoutFailures(net: World, skb: SkBuff): World {
  let effects: readonly Effect[] = [];
  for (const effect of net.effects) {
    const failed = effect.kind === 'reroute' && effect.err < 0 && effect.line !== '' && effect.before.id === skb.id;
    effects = failed ? effects : [...effects, effect];
  }
  return effects.length === net.effects.length ? net : showInstead(net, effects);
}

/** The packet without a route. */
export function withoutRoute(skb: SkBuff): SkBuff {
  return { ...skb, dst: NO_DST };
}

/** Whether two pointers to a route lead to the same. */
export function sameRoute(a: Rtable, b: Rtable): boolean {
  return a.dev === b.dev && a.rt_gw4 === b.rt_gw4 && a.table === b.table && a.rt_type === b.rt_type;
}

/** The bytes of a 16-bit number in the other order. */
export function swab16(x: number): number {
  return ((x & 0xff) << 8) | (x >>> 8);
}

/** The bytes of a 32-bit number in the other order. */
export function swab32(x: number): number {
  return ((x << 24) | ((x & 0xff00) << 8) | ((x >>> 8) & 0xff00) | (x >>> 24)) >>> 0;
}
