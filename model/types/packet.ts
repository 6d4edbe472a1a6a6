/** Packets: struct sk_buff with the headers the model reads and writes. Header fields are numbers in host order. */
import { NO_DST, type Rtable } from './route.ts';
import { type CtZone, NO_ZONE } from './verdict.ts';

export const IPPROTO_ICMP = 1;
export const IPPROTO_TCP = 6;
export const IPPROTO_UDP = 17;
export const IPPROTO_RAW = 255;

export const CHECKSUM_NONE = 0;
export const CHECKSUM_UNNECESSARY = 1;
export const CHECKSUM_COMPLETE = 2;
export const CHECKSUM_PARTIAL = 3;

/** Bits of tcphdr.flags, as in byte 13 of the header. */
export const TCPHDR_FIN = 0x01;
export const TCPHDR_SYN = 0x02;
export const TCPHDR_RST = 0x04;
export const TCPHDR_PSH = 0x08;
export const TCPHDR_ACK = 0x10;

/** C: include/uapi/linux/ip.h, struct iphdr; RFC 791. No options: ihl is 5, or 4 where the user of a raw socket wrote a header that is too short. */
export interface Iphdr {
  readonly ihl: number;
  readonly tos: number;
  readonly tot_len: number;
  readonly id: number;
  readonly frag_off: number;
  readonly ttl: number;
  readonly protocol: number;
  readonly check: number;
  readonly saddr: number;
  readonly daddr: number;
}

/** C: include/uapi/linux/tcp.h, struct tcphdr; RFC 9293. `options` are the option bytes as 16-bit words. */
export interface Tcphdr {
  readonly source: number;
  readonly dest: number;
  readonly seq: number;
  readonly ack_seq: number;
  readonly doff: number;
  readonly flags: number;
  readonly window: number;
  readonly check: number;
  readonly urg_ptr: number;
  readonly options: readonly number[];
}

/** C: include/uapi/linux/udp.h, struct udphdr; RFC 768. */
export interface Udphdr {
  readonly source: number;
  readonly dest: number;
  readonly len: number;
  readonly check: number;
}

/** C: include/uapi/linux/icmp.h, struct icmphdr; RFC 792. `id` and `sequence` are the second word for errors, too. */
export interface Icmphdr {
  readonly type: number;
  readonly code: number;
  readonly checksum: number;
  readonly id: number;
  readonly sequence: number;
}

/** The transport payload: its length in bytes, and the bytes as big-endian 16-bit words (an odd last byte padded with 0). */
export interface Payload {
  readonly len: number;
  readonly words: readonly number[];
}

export const NO_PAYLOAD: Payload = { len: 0, words: [] };

/**
 * A packet on its way. C: include/linux/skbuff.h, struct sk_buff.
 *
 * All transport headers are present; iph.protocol says which one is on the wire, the others are zero. Protocols other
 * than TCP, UDP and ICMP have their bytes in `payload`.
 */
export interface SkBuff {
  /** Unique in a run; a clone has its own. */
  readonly id: number;
  /** skb->sk: the socket's id, 0 for none. */
  readonly sk: number;
  readonly mark: number;
  readonly dst: Rtable;
  /** CHECKSUM_*: under PARTIAL the transport checksum field holds the folded pseudo-header sum. */
  readonly ip_summed: number;
  /** Bytes in front of the network header. */
  readonly headroom: number;
  /** Whether another skb shares the header area's buffer (a TCP segment that also waits in the write queue). */
  readonly cloned: boolean;
  /** How many headers tunnels of this host have put in front of it. */
  readonly encapsulated: number;
  /** IP_HDRINCL: the user built the IP header. */
  readonly hdrincl: boolean;
  /** The user gave source or link of this packet (IP_PKTINFO, IP_HDRINCL), or refused gateways. Not in the kernel: a mended patch has to know it. */
  readonly saddr_given: boolean;
  /** Index of the connection-tracking entry, 0 for none; IP_CT_DIR_* and IP_CT_* of this packet. */
  readonly ct: number;
  /** A rule with the target CT has given the packet a template, whose zone is `ct_zone`. C: skb->_nfct. */
  readonly ct_tmpl: boolean;
  readonly ct_zone: CtZone;
  readonly ctdir: number;
  readonly ctinfo: number;
  /** Device it came in by, the VRF for a link enslaved to one; 0 for local output. C: skb_iif. */
  readonly iif: number;
  /** The enslaved link where `iif` is its VRF, else 0. C: inet_sdif(). */
  readonly sdif: number;
  readonly iph: Iphdr;
  readonly th: Tcphdr;
  readonly uh: Udphdr;
  readonly icmph: Icmphdr;
  readonly payload: Payload;
}

export const NO_IPH: Iphdr = {
  ihl: 5,
  tos: 0,
  tot_len: 0,
  id: 0,
  frag_off: 0,
  ttl: 0,
  protocol: 0,
  check: 0,
  saddr: 0,
  daddr: 0,
};
export const NO_TH: Tcphdr = {
  source: 0,
  dest: 0,
  seq: 0,
  ack_seq: 0,
  doff: 5,
  flags: 0,
  window: 0,
  check: 0,
  urg_ptr: 0,
  options: [],
};
export const NO_UH: Udphdr = { source: 0, dest: 0, len: 0, check: 0 };
export const NO_ICMPH: Icmphdr = { type: 0, code: 0, checksum: 0, id: 0, sequence: 0 };

export const NO_SKB: SkBuff = {
  id: 0,
  sk: 0,
  mark: 0,
  dst: NO_DST,
  ip_summed: CHECKSUM_NONE,
  headroom: 0,
  cloned: false,
  encapsulated: 0,
  hdrincl: false,
  saddr_given: false,
  ct: 0,
  ct_tmpl: false,
  ct_zone: NO_ZONE,
  ctdir: 0,
  ctinfo: 0,
  iif: 0,
  sdif: 0,
  iph: NO_IPH,
  th: NO_TH,
  uh: NO_UH,
  icmph: NO_ICMPH,
  payload: NO_PAYLOAD,
};
