/** Netfilter: verdicts, hooks, tables and connection tracking. */

import type { SkBuff } from './packet.ts';

export const NF_DROP = 0;
export const NF_ACCEPT = 1;
export const NF_STOLEN = 2;
export const NF_QUEUE = 3;
export const NF_REPEAT = 4;
export const NF_STOP = 5;

/** NF_DROP with an errno in its high half; `err` is negative. C: include/uapi/linux/netfilter.h, NF_DROP_ERR(). */
export function NF_DROP_ERR(err: number): number {
  return ((-err << 16) | NF_DROP) >>> 0;
}

/** What a target returns that leaves the decision to the next rule. C: include/uapi/linux/netfilter/x_tables.h. */
export const XT_CONTINUE = 0xffffffff;

export const NF_INET_PRE_ROUTING = 0;
export const NF_INET_LOCAL_IN = 1;
export const NF_INET_FORWARD = 2;
export const NF_INET_LOCAL_OUT = 3;
export const NF_INET_POST_ROUTING = 4;

export const IP_CT_ESTABLISHED = 0;
export const IP_CT_RELATED = 1;
export const IP_CT_NEW = 2;

/** Not a kernel constant: a packet without entry, `--ctstate INVALID`. */
export const CT_INVALID = 7;

/** `--ctstate UNTRACKED`. */
export const IP_CT_UNTRACKED = 8;

/** Bits of a connection's status. C: include/uapi/linux/netfilter/nf_conntrack_common.h, enum ip_conntrack_status. */
export const IPS_EXPECTED = 1 << 0;
export const IPS_SEEN_REPLY = 1 << 1;
export const IPS_ASSURED = 1 << 2;
export const IPS_CONFIRMED = 1 << 3;

export const IP_CT_DIR_ORIGINAL = 0;
export const IP_CT_DIR_REPLY = 1;

/** What the hook knows about its place. C: include/linux/netfilter.h, struct nf_hook_state. `out` is a snapshot and stays the first device. */
export interface NfHookState {
  readonly hook: number;
  /** ifindex. */
  readonly in: number;
  readonly out: number;
  /** state->sk: a socket id. */
  readonly sk: number;
}

/** `--reject-with tcp-reset`: not an ICMP code. */
export const IPT_TCP_RESET = 256;

/** A packet that a rule rejects, and what its sender is to be sent: see XtTarget. `sk` is state->sk. */
export interface Rejection {
  readonly skb: SkBuff;
  readonly sk: number;
  readonly reject: number;
}

/** One match of an iptables rule. `invert` is the `!` before it. */
export type XtMatch =
  | { readonly kind: 'src' | 'dst'; readonly addr: number; readonly mask: number; readonly invert: boolean }
  | { readonly kind: 'proto'; readonly protocol: number; readonly invert: boolean }
  /** `dev` may end in `+`. */
  | { readonly kind: 'in' | 'out'; readonly dev: string; readonly invert: boolean }
  | { readonly kind: 'sport' | 'dport'; readonly first: number; readonly last: number; readonly invert: boolean }
  | {
      readonly kind: 'multiport';
      readonly which: 'source' | 'dest' | 'any';
      readonly ports: readonly PortRange[];
      readonly invert: boolean;
    }
  | { readonly kind: 'tcp-flags'; readonly mask: number; readonly comp: number; readonly invert: boolean }
  | {
      readonly kind: 'icmp-type';
      readonly type: number;
      readonly codeFirst: number;
      readonly codeLast: number;
      readonly invert: boolean;
    }
  | { readonly kind: 'mark'; readonly mark: number; readonly mask: number; readonly invert: boolean }
  | { readonly kind: 'ctstate'; readonly states: readonly string[]; readonly invert: boolean }
  /** `-m conntrack` with more than a state; no states: none asked for. */
  | {
      readonly kind: 'conntrack';
      readonly states: readonly string[];
      readonly statesInvert: boolean;
      readonly tests: readonly CtTest[];
      readonly invert: boolean;
    }
  | { readonly kind: 'connmark'; readonly mark: number; readonly mask: number; readonly invert: boolean }
  | { readonly kind: 'owner'; readonly uidFirst: number; readonly uidLast: number; readonly invert: boolean }
  | { readonly kind: 'owner-gid'; readonly gidFirst: number; readonly gidLast: number; readonly invert: boolean }
  | { readonly kind: 'socket-exists'; readonly invert: boolean }
  /** A path of the unified hierarchy without its first slash, or ('') a net_cls class. */
  | { readonly kind: 'cgroup'; readonly path: string; readonly classid: number; readonly invert: boolean }
  | { readonly kind: 'set'; readonly set: string; readonly dims: readonly SetDim[]; readonly invert: boolean }
  | { readonly kind: 'statistic-nth'; readonly every: number; readonly packet: number; readonly invert: boolean }
  /** Of 0x80000000. */
  | { readonly kind: 'statistic-random'; readonly probability: number; readonly invert: boolean }
  | {
      readonly kind: 'iprange';
      readonly which: 'src' | 'dst';
      readonly first: number;
      readonly last: number;
      readonly invert: boolean;
    }
  | { readonly kind: 'length'; readonly first: number; readonly last: number; readonly invert: boolean }
  /** IPsec: `--dir out --pol ipsec`, or none. */
  | { readonly kind: 'policy'; readonly out: boolean; readonly ipsec: boolean; readonly invert: boolean }
  | { readonly kind: 'tos'; readonly value: number; readonly mask: number; readonly invert: boolean }
  | { readonly kind: 'dscp'; readonly dscp: number; readonly invert: boolean }
  /** `types` has the bit of every RTN_* that is meant. */
  | {
      readonly kind: 'addrtype';
      readonly which: 'src' | 'dst';
      readonly types: number;
      readonly limit: '' | 'in' | 'out';
      readonly invert: boolean;
    }
  | {
      readonly kind: 'socket';
      readonly transparent: boolean;
      readonly nowildcard: boolean;
      readonly invert: boolean;
    };

/** One question of `-m conntrack` to a packet's entry; `first` and `last` are an address and its mask, ports, or bits. */
export interface CtTest {
  readonly what:
    | 'dir'
    | 'proto'
    | 'status'
    | 'origsrc'
    | 'origdst'
    | 'replsrc'
    | 'repldst'
    | 'origsrcport'
    | 'origdstport'
    | 'replsrcport'
    | 'repldstport';
  readonly first: number;
  readonly last: number;
  readonly invert: boolean;
}

/** Which address or port of a packet a dimension of a set is compared with. */
export type SetDim = 'src' | 'dst';

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

export type XtTarget =
  /** No -j: counts only. */
  | { readonly kind: 'none' }
  | { readonly kind: 'ACCEPT' | 'DROP' | 'RETURN' }
  | { readonly kind: 'jump' | 'goto'; readonly chain: string }
  /** MARK, CONNMARK and the packet mark: new = (old & ~mask) ^ value. */
  | { readonly kind: 'MARK'; readonly value: number; readonly mask: number }
  | {
      readonly kind: 'CONNMARK';
      readonly op: 'set' | 'save' | 'restore';
      readonly value: number;
      /** Of save and restore: the bits of the connection's mark, as of all three, and those of the packet's. */
      readonly mask: number;
      readonly nfmask: number;
    }
  /** new tos = (old & ~mask) ^ value. */
  | { readonly kind: 'TOS'; readonly value: number; readonly mask: number }
  | { readonly kind: 'DSCP'; readonly dscp: number }
  /** `portFirst` 0: no ports given. `random`: --random or --random-fully. */
  | {
      readonly kind: 'MASQUERADE' | 'REDIRECT';
      readonly portFirst: number;
      readonly portLast: number;
      readonly random: boolean;
    }
  /** `addr` 0: ports alone. */
  | {
      readonly kind: 'SNAT' | 'DNAT';
      readonly addr: number;
      readonly portFirst: number;
      readonly portLast: number;
      readonly random: boolean;
    }
  | { readonly kind: 'NOTRACK' }
  /** `-j CT --zone`: which directions the zone is for, `both` or one. */
  | { readonly kind: 'zone'; readonly zone: number; readonly dir: 'both' | 'orig' | 'reply' }
  /** `laddr` 0: an address of the link that the packet came by; `lport` 0: the port that it is for. The mark changes as in MARK. */
  | {
      readonly kind: 'TPROXY';
      readonly laddr: number;
      readonly lport: number;
      readonly value: number;
      readonly mask: number;
    }
  /** The code of the ICMP error, or IPT_TCP_RESET. */
  | { readonly kind: 'REJECT'; readonly reject: number };

export interface XtRule {
  /** Unique in a world: the identity of a rule's own counters. */
  readonly id: number;
  readonly matches: readonly XtMatch[];
  readonly target: XtTarget;
  /** xt_statistic: packets counted by this rule's nth match. */
  readonly count: number;
}

/** A rule that matches everything and does nothing. */
export const NO_XT_RULE: XtRule = { id: 0, matches: [], target: { kind: 'none' }, count: 0 };

export interface XtChain {
  readonly name: string;
  readonly builtin: boolean;
  /** NF_ACCEPT or NF_DROP; only for built-in chains. */
  readonly policy: number;
  readonly rules: readonly XtRule[];
}

export interface XtTable {
  readonly name: string;
  /** Whether anything has touched it: an untouched nat table keeps connection tracking off. */
  readonly used: boolean;
  /** The table is one of nf_tables, where the patch is not. */
  readonly nft: boolean;
  readonly chains: readonly XtChain[];
}

/** A zone of connection tracking, and the directions that it is for. C: include/net/netfilter/nf_conntrack_zones.h, struct nf_conntrack_zone. */
export interface CtZone {
  readonly id: number;
  readonly orig: boolean;
  readonly reply: boolean;
}

/** The zone of everything that is given none. C: net/netfilter/nf_conntrack_core.c, nf_ct_zone_dflt. */
export const NO_ZONE: CtZone = { id: 0, orig: true, reply: true };

/** One direction of a tracked connection; for ICMP echo sport is the id, dport type and code. */
export interface NfTuple {
  readonly src: number;
  readonly sport: number;
  readonly dst: number;
  readonly dport: number;
  readonly protonum: number;
}

export const NO_TUPLE: NfTuple = { src: 0, sport: 0, dst: 0, dport: 0, protonum: 0 };

/** The window of one side as connection tracking sees it. C: include/uapi/linux/netfilter/nf_conntrack_tcp.h, struct ip_ct_tcp_state. */
export interface IpCtTcpState {
  readonly td_end: number;
  readonly td_maxend: number;
  /** 0 until the side has sent something. */
  readonly td_maxwin: number;
  readonly td_maxack: number;
  readonly td_scale: number;
  /** IP_CT_TCP_FLAG_*. */
  readonly windowScale: boolean;
  readonly beLiberal: boolean;
  readonly maxackSet: boolean;
}

export const NO_TCP_SEEN: IpCtTcpState = {
  td_end: 0,
  td_maxend: 0,
  td_maxwin: 0,
  td_maxack: 0,
  td_scale: 0,
  windowScale: false,
  beLiberal: false,
  maxackSet: false,
};

/** A connection-tracking entry. C: include/net/netfilter/nf_conntrack.h, struct nf_conn. */
export interface NfConn {
  readonly id: number;
  readonly original: NfTuple;
  readonly reply: NfTuple;
  readonly confirmed: boolean;
  readonly seenReply: boolean;
  /** NAT decided for source (POST_ROUTING / LOCAL_IN), destination (PRE_ROUTING / LOCAL_OUT). */
  readonly srcNatDone: boolean;
  readonly dstNatDone: boolean;
  /** Device a MASQUERADE was made for, 0 without. */
  readonly masq_index: number;
  readonly mark: number;
  readonly zone: CtZone;
  /** TCP tracker: 0 none … as far as NEW, ESTABLISHED and INVALID need it. */
  readonly tcpState: number;
  /** IPS_SRC_NAT, IPS_DST_NAT: source or destination really changed. */
  readonly srcNat: boolean;
  readonly dstNat: boolean;
  /** IPS_DYING: removed from the table, still pointed to by a packet. */
  readonly dying: boolean;
  /** Milliseconds at which it times out. */
  readonly timeout: number;
  /** UDP: milliseconds after which two-way traffic counts as a stream. */
  readonly stream_ts: number;
  /** TCP: flag class, direction and end of the last segment; IP_CT_TCP_FLAG_CLOSE_INIT and IP_CT_TCP_SIMULTANEOUS_OPEN. */
  readonly tcpLastIndex: number;
  readonly tcpLastDir: number;
  readonly tcpLastEnd: number;
  readonly tcpLastAck: number;
  readonly tcpLastWin: number;
  /** Window scale that an ignored SYN offered, -1 for none. */
  readonly tcpLastWscale: number;
  /** IP_CT_EXP_CHALLENGE_ACK. */
  readonly tcpChallengeAck: boolean;
  readonly tcpCloseInit: boolean;
  readonly tcpSimultaneous: boolean;
  /** IPS_ASSURED. */
  readonly assured: boolean;
  /** TCP: the windows of the original direction and of the other. */
  readonly tcpSeenOriginal: IpCtTcpState;
  readonly tcpSeenReply: IpCtTcpState;
}

export const NO_CT: NfConn = {
  id: 0,
  original: NO_TUPLE,
  reply: NO_TUPLE,
  confirmed: false,
  seenReply: false,
  srcNatDone: false,
  dstNatDone: false,
  masq_index: 0,
  mark: 0,
  zone: NO_ZONE,
  tcpState: 0,
  srcNat: false,
  dstNat: false,
  dying: false,
  timeout: 0,
  stream_ts: 0,
  tcpLastIndex: 0,
  tcpLastDir: 0,
  tcpLastEnd: 0,
  tcpLastAck: 0,
  tcpLastWin: 0,
  tcpLastWscale: -1,
  tcpChallengeAck: false,
  tcpCloseInit: false,
  tcpSimultaneous: false,
  assured: false,
  tcpSeenOriginal: NO_TCP_SEEN,
  tcpSeenReply: NO_TCP_SEEN,
};
