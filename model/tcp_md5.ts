/**
 * TCP MD5 signatures: the parts of net/ipv4/tcp.c, tcp_ipv4.c and tcp_output.c under CONFIG_TCP_MD5SIG.
 *
 * RFC: 2385. The signature covers addresses, ports, header without options, length and payload; a key is shared.
 * Left out: MD5 itself, for which any function of the same values serves that another header changes; keys for some peers
 * only, since all sockets with a key have the same one.
 */
import { jhash_3words } from './jhash.ts';
import type { Tcphdr } from './types/packet.ts';

/** NOP, NOP, kind and length, then 16 bytes for the signature. C: net/ipv4/tcp_output.c, tcp_options_write(). */
export const MD5SIG_UNSIGNED: readonly number[] = [0x0101, 0x1312, 0, 0, 0, 0, 0, 0, 0, 0];

/** C: include/net/tcp.h. */
const TCPOPT_NOP = 1;
const TCPOPT_MD5SIG = 19;
const TCPOLEN_MD5SIG = 18;

/** Stands for the shared key. */
const MD5SIG_KEY = 0x2385;

/**
 * What signs a segment of `len` payload bytes; the payload's bytes follow from its length.
 *
 * C: net/ipv4/tcp_ipv4.c, tcp_v4_md5_hash_skb() and tcp_v4_md5_hash_hdr().
 */
export function tcp_v4_md5_hash(th: Tcphdr, len: number, saddr: number, daddr: number): number {
  const tuple = jhash_3words(saddr, daddr, ((th.source << 16) | th.dest) >>> 0, MD5SIG_KEY);
  const numbers = jhash_3words(th.seq, th.ack_seq, ((th.doff << 12) | th.flags) >>> 0, tuple);
  return jhash_3words(th.window, th.urg_ptr, len, numbers);
}

/** Where the signature begins among a header's option words, -1 where there is none. The values of other options are stepped over. */
function md5sigAt(th: Tcphdr): number {
  let found = -1;
  let end = false;
  let kind = 0;
  let length = 0;
  let at = 0;
  let i = 0;
  for (const word of th.options) {
    for (const byte of [word >>> 8, word & 0xff]) {
      if (!end && at === 0) {
        end = byte === 0;
        kind = byte;
        at = byte === TCPOPT_NOP ? 0 : 1;
      } else if (!end && at === 1) {
        end = byte < 2;
        length = byte;
        found = kind === TCPOPT_MD5SIG && length === TCPOLEN_MD5SIG ? i + 1 : found;
        at = length === 2 ? 0 : 2;
      } else if (!end) {
        at = at + 1 === length ? 0 : at + 1;
      }
    }
    i += 1;
  }
  return found;
}

/** Whether the segment is signed. C: net/ipv4/tcp_input.c, tcp_parse_md5sig_option(). */
export function tcp_parse_md5sig_option(th: Tcphdr): boolean {
  return md5sigAt(th) >= 0;
}

/** The header with the signature filled in. */
export function tcp_v4_md5_sign(th: Tcphdr, len: number, saddr: number, daddr: number): Tcphdr {
  const hash = tcp_v4_md5_hash(th, len, saddr, daddr);
  const at = md5sigAt(th);
  let options: readonly number[] = [];
  let i = 0;
  for (const word of th.options) {
    const inside = at >= 0 && i >= at && i < at + 8;
    options = [...options, inside ? (((i - at) & 1) === 0 ? hash >>> 16 : hash & 0xffff) : word];
    i += 1;
  }
  return { ...th, options };
}

/** Whether a signed segment's signature is the one for the header that it came with. */
export function md5sigCorrect(th: Tcphdr, len: number, saddr: number, daddr: number): boolean {
  const hash = tcp_v4_md5_hash(th, len, saddr, daddr);
  const at = md5sigAt(th);
  let ok = true;
  let i = 0;
  for (const word of th.options) {
    const inside = at >= 0 && i >= at && i < at + 8;
    ok = ok && (!inside || word === (((i - at) & 1) === 0 ? hash >>> 16 : hash & 0xffff));
    i += 1;
  }
  return ok;
}

/**
 * Whether a socket with or without a key takes the segment: signed rightly with one, unsigned without.
 *
 * C: net/ipv4/tcp.c, tcp_inbound_md5_hash().
 */
export function tcp_inbound_md5_hash(md5: boolean, th: Tcphdr, len: number, saddr: number, daddr: number): boolean {
  const signed = tcp_parse_md5sig_option(th);
  return signed === md5 && (!signed || md5sigCorrect(th, len, saddr, daddr));
}
