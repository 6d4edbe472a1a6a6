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
export const TCPOPT_NOP = 1;
export const TCPOPT_MSS = 2;
export const TCPOPT_WINDOW = 3;
export const TCPOPT_SACK_PERM = 4;
export const TCPOPT_TIMESTAMP = 8;
export const TCPOPT_MD5SIG = 19;
export const TCPOLEN_MD5SIG = 18;

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
