/** Sockets of every kind that a packet can point to, and the tables they are hashed in. */
import { type FlowI4, NO_DST, NO_FLOW, type Rtable } from './route.ts';

/** TCP states as in the kernel. C: include/net/tcp_states.h. Datagram sockets use ESTABLISHED (connected) and CLOSE. */
export const TCP_ESTABLISHED = 1;
export const TCP_SYN_SENT = 2;
export const TCP_SYN_RECV = 3;
export const TCP_FIN_WAIT1 = 4;
export const TCP_FIN_WAIT2 = 5;
export const TCP_TIME_WAIT = 6;
export const TCP_CLOSE = 7;
export const TCP_CLOSE_WAIT = 8;
export const TCP_LAST_ACK = 9;
export const TCP_LISTEN = 10;
export const TCP_CLOSING = 11;
export const TCP_NEW_SYN_RECV = 12;

/** Which C struct a socket really is. A field outside that struct reads as garbage, see `oops`. */
export const SOCK_NONE = 0;

/** struct tcp_sock, listeners included. */
export const SOCK_TCP = 1;

/** struct tcp_request_sock. */
export const SOCK_REQUEST = 2;

/** struct tcp_timewait_sock. */
export const SOCK_TIMEWAIT = 3;

/** struct udp_sock. */
export const SOCK_UDP = 4;

/** struct raw_sock, opened by a user. */
export const SOCK_RAW = 5;

/** struct inet_sock of a ping socket. */
export const SOCK_PING = 6;

/** struct raw_sock, the kernel's own: ipv4_tcp_sk and ipv4_icmp_sk. C: inet_ctl_sock_create(). */
export const SOCK_CONTROL = 7;

/** Ids of the control sockets, the same in every world. C: ipv4_tcp_sk in net/ipv4/tcp_ipv4.c, ipv4_icmp_sk in icmp.c. */
export const IPV4_TCP_SK = 1;
export const IPV4_ICMP_SK = 2;

/** socket.state of a stream socket: how far connect() has got with its user. C: include/uapi/linux/net.h. */
export const SS_UNCONNECTED = 1;
export const SS_CONNECTING = 2;
export const SS_CONNECTED = 3;

export const SOCK_BINDADDR_LOCK = 4;
export const SOCK_BINDPORT_LOCK = 8;

/** TFO state of the SYN in flight and what the client knows of a peer. */
export interface TcpFastopen {
  /** A cookie was asked for or used by the current attempt (tp->syn_fastopen). */
  readonly syn_fastopen: boolean;
  /** The SYN carried data (tp->syn_data). */
  readonly syn_data: boolean;
  /** TCP_FASTOPEN_CONNECT: connect() returned before any SYN. */
  readonly defer_connect: boolean;
  /** Option on listener or client socket (TCP_FASTOPEN, TCP_FASTOPEN_CONNECT). */
  readonly fastopen_connect: boolean;
  /** tp->fastopen_req is set: a call that may send data with the SYN is under way. */
  readonly req: boolean;
  /** fastopen_req->cookie: 0 none (len -1), -1 ask for one (len 0), else the cookie. */
  readonly req_cookie: number;
  /** fastopen_req->size and ->copied: bytes the user gave, and how many of them the SYN took. */
  readonly req_size: number;
  readonly req_copied: number;
  /** Listener: fastopenq.max_qlen is not 0. */
  readonly listener: boolean;
  /** tp->fastopen_rsk: id of the request of a child that was made from the SYN alone, 0 for none. */
  readonly rsk: number;
}

/** A segment in the write queue that may have to be sent again. */
export interface WriteQueueSeg {
  readonly seq: number;
  readonly len: number;
  /** TCPHDR_* of the segment. */
  readonly flags: number;
  /** Whether it has been sent (tcp_rtx_queue) or still waits (sk_write_queue). */
  readonly sent: boolean;
  /** Its last clone was neither sent nor freed. C: include/linux/skbuff.h, skb_fclone_busy(). */
  readonly busy: boolean;
}

/**
 * A socket. C: struct sock, inet_sock, inet_connection_sock, tcp_sock, inet_timewait_sock, inet_request_sock.
 *
 * One record for all; `kind` says which of them it is. Ports are host order, so inet_num and inet_sport hold the same
 * number when the kernel keeps them in step.
 */
export interface Sock {
  readonly id: number;
  /** The scenario's name; accepted children are NAME.1, NAME.2 …; '' for the kernel's own. */
  readonly name: string;
  /** SOCK_*. */
  readonly kind: number;
  /** Closed by its user: events can no longer name it. */
  readonly orphan: boolean;
  readonly sk_protocol: number;
  readonly sk_state: number;
  /** SS_*: only connect() on a stream socket reads it. */
  readonly ss_state: number;
  readonly sk_mark: number;
  readonly sk_bound_dev_if: number;
  readonly sk_uid: number;
  /** The group of the user who has the socket's file open. */
  readonly sk_gid: number;
  /** sk_cgrp_data: a path of the unified hierarchy without its first slash, '' for the root; the class of net_cls. */
  readonly sk_cgroup: string;
  readonly sk_classid: number;
  /** SOCK_BIND*_LOCK. */
  readonly sk_userlocks: number;
  readonly inet_saddr: number;
  readonly inet_rcv_saddr: number;
  readonly inet_daddr: number;
  readonly inet_num: number;
  readonly inet_sport: number;
  readonly inet_dport: number;
  readonly tos: number;
  readonly hdrincl: boolean;
  /** IP_TRANSPARENT; of a request no_srccheck, of a TIME_WAIT tw_transparent. */
  readonly transparent: boolean;
  /** tp->md5sig_info: a TCP_MD5SIG key for all peers, the same for all sockets. */
  readonly md5: boolean;
  /** SO_DONTROUTE. */
  readonly sk_localroute: boolean;
  /** SO_BROADCAST. */
  readonly sk_broadcast: boolean;
  /** IP_UNICAST_IF: ifindex, 0 for none. */
  readonly uc_index: number;
  /** inet->cork.fl.u.ip4: the addresses that ip_queue_xmit copies into a packet while sk_dst_cache is valid. */
  readonly cork_fl: FlowI4;
  readonly sk_dst_cache: Rtable;
  /** Whether it is in the table of its protocol (ehash, UDP, raw or ping table); sk_hash is the key it was put there under. */
  readonly hashed: boolean;
  readonly sk_hash: number;
  /** Its place in the chains of ehash: of two the one with the larger number stands in front. */
  readonly ehash_place: number;
  /** icsk_bind_hash: the port of the bind bucket it owns, 0 for NULL. */
  readonly icsk_bind_hash: number;
  readonly write_seq: number;
  readonly snd_una: number;
  readonly snd_nxt: number;
  /** The peer's window, in bytes, and the scale of those that its next segments announce. */
  readonly snd_wnd: number;
  /** The largest that the peer has announced. */
  readonly max_window: number;
  /** The sequence number of the segment that announced it last. */
  readonly snd_wl1: number;
  readonly snd_wscale: number;
  readonly rcv_nxt: number;
  /** tp->tcp_header_len: TCP header with the options of every segment. */
  readonly tcp_header_len: number;
  readonly write_queue: readonly WriteQueueSeg[];
  readonly retransmits: number;
  /** Milliseconds; 0 when nothing is outstanding. */
  readonly retrans_stamp: number;
  readonly fastopen: TcpFastopen;
  /** SOCK_REQUEST, SOCK_TIMEWAIT, children: the listener's or original socket's id. */
  readonly parent: number;
  /** Accepted children so far. */
  readonly children: number;
  /** SOCK_TIMEWAIT: tw_snd_nxt, tw_ts_recent_stamp != 0. */
  readonly tw_has_timestamp: boolean;
  /** Milliseconds at which a TIME_WAIT ends. */
  readonly expires: number;
  /** Bytes delivered to the user in order. */
  readonly received: number;
  /** Positive errno that the next call reports. */
  readonly sk_err: number;
  /** rx_opt and the request's copy of it: options that both ends agreed on. */
  readonly tstamp_ok: boolean;
  readonly sack_ok: boolean;
  readonly wscale_ok: boolean;
  /** The peer's last timestamp, and when it came (milliseconds). */
  readonly ts_recent: number;
  readonly ts_recent_stamp: number;
  /** tp->advmss and tp->rcv_wnd, from the route of the first lookup. */
  readonly advmss: number;
  readonly rcv_wnd: number;
  /** End of the last small segment sent, for Nagle's rule. */
  readonly snd_sml: number;
  /** The retransmission timeout in milliseconds. */
  readonly icsk_rto: number;
  /** The round trip of the handshake in milliseconds (tp->srtt_us >> 3). */
  readonly srtt: number;
  /** Milliseconds: the moment at which the retransmission timer fires (0: not armed). */
  readonly icsk_timeout: number;
  /** SOCK_REQUEST: the peer's initial sequence number. */
  readonly rcv_isn: number;
  /** SOCK_TIMEWAIT: TCP_FIN_WAIT2 or TCP_TIME_WAIT. */
  readonly tw_substate: number;
  /** When the last ACK for a segment out of window was sent (milliseconds), -1 for never. */
  readonly last_oow_ack_time: number;
}

export const NO_FASTOPEN: TcpFastopen = {
  syn_fastopen: false,
  syn_data: false,
  defer_connect: false,
  fastopen_connect: false,
  req: false,
  req_cookie: 0,
  req_size: 0,
  req_copied: 0,
  listener: false,
  rsk: 0,
};

export const NO_SOCK: Sock = {
  id: 0,
  name: '',
  kind: SOCK_NONE,
  orphan: false,
  sk_protocol: 0,
  sk_state: TCP_CLOSE,
  ss_state: SS_UNCONNECTED,
  sk_mark: 0,
  sk_bound_dev_if: 0,
  sk_uid: 0,
  sk_gid: 0,
  sk_cgroup: '',
  sk_classid: 0,
  sk_userlocks: 0,
  inet_saddr: 0,
  inet_rcv_saddr: 0,
  inet_daddr: 0,
  inet_num: 0,
  inet_sport: 0,
  inet_dport: 0,
  tos: 0,
  hdrincl: false,
  transparent: false,
  md5: false,
  sk_localroute: false,
  sk_broadcast: false,
  uc_index: 0,
  cork_fl: NO_FLOW,
  sk_dst_cache: NO_DST,
  hashed: false,
  sk_hash: 0,
  ehash_place: 0,
  icsk_bind_hash: 0,
  write_seq: 0,
  snd_una: 0,
  snd_nxt: 0,
  snd_wnd: 0,
  max_window: 0,
  snd_wl1: 0,
  snd_wscale: 0,
  rcv_nxt: 0,
  tcp_header_len: 0,
  write_queue: [],
  retransmits: 0,
  retrans_stamp: 0,
  fastopen: NO_FASTOPEN,
  parent: 0,
  children: 0,
  tw_has_timestamp: false,
  expires: 0,
  received: 0,
  sk_err: 0,
  tstamp_ok: false,
  sack_ok: false,
  wscale_ok: false,
  ts_recent: 0,
  ts_recent_stamp: 0,
  advmss: 0,
  rcv_wnd: 0,
  snd_sml: 0,
  icsk_rto: 0,
  srtt: 0,
  icsk_timeout: 0,
  rcv_isn: 0,
  tw_substate: 0,
  last_oow_ack_time: -1,
};

/** A bind bucket. C: include/net/inet_hashtables.h, struct inet_bind_bucket. */
export interface InetBindBucket {
  readonly port: number;
  /** -1 when connect created it, else 0 or 1. */
  readonly fastreuse: number;
  readonly fastreuseport: number;
  /** Ids of the sockets in tb->owners. */
  readonly owners: readonly number[];
}

export const NO_BUCKET: InetBindBucket = { port: 0, fastreuse: -1, fastreuseport: -1, owners: [] };
