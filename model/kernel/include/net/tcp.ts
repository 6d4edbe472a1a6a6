/** What TCP's files share: sequence arithmetic, the clock of timestamps, option kinds and sizes. */
import type { World } from '../../../types/world.ts';

/** Whether seq1 comes before seq2, modulo 2^32. C: include/net/tcp.h, before(). */
export function before(seq1: number, seq2: number): boolean {
  return ((seq1 - seq2) | 0) < 0;
}

/** C: include/net/tcp.h, after(). */
export function after(seq2: number, seq1: number): boolean {
  return before(seq1, seq2);
}

/** What the clock of timestamps showed when the scenario began; not 0, which means "none" in many places. */
const TCP_TS_START = 1000;

/** The clock of timestamps, in milliseconds. C: include/net/tcp.h, tcp_time_stamp(). */
export function tcp_time_stamp(net: World): number {
  return net.now + TCP_TS_START;
}

/** C: include/net/tcp.h. */
const TCPOPT_EOL = 0;
const TCPOPT_NOP = 1;
export const TCPOPT_MSS = 2;
export const TCPOPT_WINDOW = 3;
export const TCPOPT_SACK_PERM = 4;
export const TCPOPT_TIMESTAMP = 8;
export const TCPOPT_MD5SIG = 19;
export const TCPOLEN_WINDOW = 3;
export const TCPOLEN_MD5SIG = 18;

/** The largest shift of a window. RFC: 7323 section 2.3. */
export const TCP_MAX_WSCALE = 14;

/** C: include/net/tcp.h, TCPOPT_FASTOPEN. */
export const TCPOPT_FASTOPEN = 34;

/** C: include/net/tcp.h, bits of sysctl tcp_fastopen. */
export const TFO_CLIENT_ENABLE = 1;
export const TFO_SERVER_ENABLE = 2;
export const TFO_CLIENT_NO_COOKIE = 4;
export const TFO_SERVER_COOKIE_NOT_REQD = 0x200;

/** Every listener takes Fast Open SYNs without TCP_FASTOPEN. */
export const TFO_SERVER_WO_SOCKOPT1 = 0x400;

/**
 * Headroom that TCP reserves for all headers.
 *
 * C: include/net/tcp.h, MAX_TCP_HEADER, with MAX_HEADER 176 as in Debian's configuration.
 */
export const MAX_TCP_HEADER = 320;

/** C: include/net/tcp.h. */
export const TCPOLEN_TSTAMP_ALIGNED = 12;
export const TCPOLEN_MD5SIG_ALIGNED = 20;
export const MAX_TCP_OPTION_SPACE = 40;

/** C: include/net/tcp.h, enum tcp_tw_status. */
export const TCP_TW_SUCCESS = 0;
export const TCP_TW_RST = 1;
export const TCP_TW_ACK = 2;
export const TCP_TW_SYN = 3;

/** An option of a TCP header: `length` counts all its bytes, `at` is the place of its value among the bytes of all options. */
export interface TcpOption {
  readonly kind: number;
  readonly length: number;
  readonly at: number;
}

/** The options in a header's words, in their order, up to their end or to one whose length cannot be. */
export function tcpOptions(words: readonly number[]): readonly TcpOption[] {
  const end = 2 * words.length;
  let options: readonly TcpOption[] = [];
  let kind = TCPOPT_EOL;
  let start = 0;
  for (let at = 0; at < end; at += 1) {
    const word = words[at >> 1] as number;
    const byte = (at & 1) === 0 ? word >>> 8 : word & 0xff;
    if (at === start) {
      if (byte === TCPOPT_EOL) return options;
      kind = byte;
      start = byte === TCPOPT_NOP ? at + 1 : at;
    } else if (at === start + 1) {
      if (byte < 2 || start + byte > end) return options;
      options = [...options, { kind, length: byte, at: at + 1 }];
      start = start + byte;
    }
  }
  return options;
}

/** So many bytes of an option's value as one number. */
export function optionValue(words: readonly number[], at: number, bytes: number): number {
  let value = 0;
  for (let i = at; i < at + bytes; i += 1) {
    const word = words[i >> 1] as number;
    value = ((value << 8) | ((i & 1) === 0 ? word >>> 8 : word & 0xff)) >>> 0;
  }
  return value;
}
