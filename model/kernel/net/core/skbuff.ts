/** Packets come and go: every one is shown when it is made and when it ends. */

import { emit } from '../../../types/effects.ts';
import {
  IPPROTO_ICMP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  type Iphdr,
  NO_PAYLOAD,
  type Payload,
  type SkBuff,
} from '../../../types/packet.ts';
import type { World } from '../../../types/world.ts';
import { transportLen } from '../../include/net/checksum.ts';
import { dev_get_by_index } from './dev.ts';

/** HH_DATA_MOD: what headroom is rounded to. C: include/linux/netdevice.h. */
const HH_DATA_MOD = 16;

/** The packet with an identity of its own. C: include/linux/skbuff.h, alloc_skb(). */
export function alloc_skb(net: World, template: SkBuff): { net: World; skb: SkBuff } {
  const skb = { ...template, id: net.next_skb };
  return { net: emit({ ...net, next_skb: net.next_skb + 1 }, { kind: 'alloc', skb }), skb };
}

/** A second packet with the same content. C: net/core/skbuff.c, skb_clone(). */
export function skb_clone(net: World, skb: SkBuff): { net: World; skb: SkBuff } {
  return alloc_skb(net, { ...skb, cloned: true });
}

/** The packet is dropped in `where`, which returned `err`. C: net/core/skbuff.c, kfree_skb(). */
export function kfree_skb(net: World, skb: SkBuff, where: string, err: number): World {
  return emit(net, { kind: 'free', skb, where, err });
}

/** The packet has served its purpose at socket `sk`, 0 for the kernel itself. C: net/core/skbuff.c, consume_skb(). */
export function consume_skb(net: World, skb: SkBuff, sk: number): World {
  return emit(net, { kind: 'deliver', skb, sk });
}

/** skb->len with the network header in front: the length of the IP packet. One whose header says too little has its 20 bytes, too. */
export function skbLen(skb: SkBuff): number {
  return Math.max(skb.iph.ihl, 5) * 4 + transportLen(skb);
}

/** "Root is playing with raw sockets": the header says that it is shorter than one of IP. */
export function hasShortHeader(skb: SkBuff): boolean {
  return skb.iph.ihl < 5;
}

/** Bytes that a sender leaves in front of the IP header. C: include/linux/netdevice.h, LL_RESERVED_SPACE(). Left out: needed_headroom. */
export function LL_RESERVED_SPACE(net: World, dev: number): number {
  return (dev_get_by_index(net, dev).hard_header_len & ~(HH_DATA_MOD - 1)) + HH_DATA_MOD;
}

/** Payload bytes repeat after this many. */
const PERIOD = 256;

/** The payloads of 0 to 255 bytes. */
const SHORT_PAYLOADS: readonly Payload[] = shortPayloads([NO_PAYLOAD], 0);

/** The same with the longer ones behind `payloads`, of which the last has the even length `len`. */
function shortPayloads(payloads: readonly Payload[], len: number): readonly Payload[] {
  const { words } = payloads[len] as Payload;
  const odd = { len: len + 1, words: [...words, len << 8] };
  if (len + 1 === PERIOD - 1) return [...payloads, odd];
  return shortPayloads([...payloads, odd, { len: len + 2, words: [...words, (len << 8) | (len + 1)] }], len + 2);
}

/** The words of 256 payload bytes. */
const PERIOD_WORDS: readonly number[] = [...(SHORT_PAYLOADS[PERIOD - 2] as Payload).words, 0xfeff];

/** What a program sends: `len` bytes, byte i being i modulo 256. */
export function payloadOf(len: number): Payload {
  return len < PERIOD ? (SHORT_PAYLOADS[len] as Payload) : { len, words: payloadWords([], len) };
}

function payloadWords(words: readonly number[], len: number): readonly number[] {
  if (len < PERIOD) return [...words, ...(SHORT_PAYLOADS[len] as Payload).words];
  return payloadWords([...words, ...PERIOD_WORDS], len - PERIOD);
}

/** The words of an IP header as it stands. RFC: 791 section 3.1. */
function ipWords(iph: Iphdr): readonly number[] {
  return [
    0x4000 | (iph.ihl << 8) | iph.tos,
    iph.tot_len,
    iph.id,
    iph.frag_off,
    (iph.ttl << 8) | iph.protocol,
    iph.check,
    iph.saddr >>> 16,
    iph.saddr & 0xffff,
    iph.daddr >>> 16,
    iph.daddr & 0xffff,
  ];
}

/** The words of the transport header that iph.protocol says. RFC: 9293 section 3.1, 768, 792. */
function transportWords(skb: SkBuff): readonly number[] {
  const { th, uh, icmph } = skb;
  if (skb.iph.protocol === IPPROTO_TCP) {
    return [
      th.source,
      th.dest,
      th.seq >>> 16,
      th.seq & 0xffff,
      th.ack_seq >>> 16,
      th.ack_seq & 0xffff,
      (th.doff << 12) | th.flags,
      th.window,
      th.check,
      th.urg_ptr,
      ...th.options,
    ];
  }
  if (skb.iph.protocol === IPPROTO_UDP) return [uh.source, uh.dest, uh.len, uh.check];
  if (skb.iph.protocol === IPPROTO_ICMP) {
    return [(icmph.type << 8) | icmph.code, icmph.checksum, icmph.id, icmph.sequence];
  }
  return [];
}

/** The first `len` bytes of a packet, from its IP header on. C: net/core/skbuff.c, skb_copy_and_csum_bits(). */
export function packetWords(skb: SkBuff, len: number): Payload {
  const all = [...ipWords(skb.iph), ...transportWords(skb), ...skb.payload.words];
  let words: readonly number[] = [];
  let at = 0;
  for (const word of all) {
    const kept = at + 1 === len ? word & 0xff00 : word;
    words = at < len ? [...words, kept] : words;
    at = at + 2;
  }
  return { len, words };
}

/** C: include/linux/netdevice.h, HH_DATA_ALIGN(). */
export function HH_DATA_ALIGN(len: number): number {
  return (len + 15) & ~15;
}

/** The packet in a buffer of its own with `nhead` bytes more in front. C: net/core/skbuff.c, pskb_expand_head(). */
export function pskb_expand_head(skb: SkBuff, nhead: number): SkBuff {
  return { ...skb, headroom: skb.headroom + nhead, cloned: false };
}
