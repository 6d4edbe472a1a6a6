/** TCP over IPv4: connecting, receiving, and answers without a socket of their own. C: net/ipv4/tcp_ipv4.c. */

import { ENETUNREACH } from '../../../types/errno.ts';
import { dropSock, getSock, setSock } from '../../../types/lookup.ts';
import { LOOPBACK_IFINDEX } from '../../../types/net.ts';
import {
  CHECKSUM_PARTIAL,
  CHECKSUM_UNNECESSARY,
  NO_TH,
  type SkBuff,
  TCPHDR_ACK,
  TCPHDR_FIN,
  TCPHDR_RST,
  TCPHDR_SYN,
  type Tcphdr,
} from '../../../types/packet.ts';
import { RTN_BROADCAST, RTN_LOCAL, RTN_MULTICAST, type Rtable } from '../../../types/route.ts';
import {
  NO_SOCK,
  SOCK_REQUEST,
  SOCK_TCP,
  type Sock,
  TCP_CLOSE,
  TCP_FIN_WAIT2,
  TCP_LISTEN,
  TCP_SYN_SENT,
  TCP_TIME_WAIT,
} from '../../../types/sock.ts';
import type { Kernel, Result, World } from '../../../types/world.ts';
import { jhash_3words } from '../../include/linux/jhash.ts';
import { transportChecksumCorrect } from '../../include/net/checksum.ts';
import { TCP_TW_ACK, TCP_TW_RST, TCP_TW_SUCCESS, TCP_TW_SYN, tcp_time_stamp } from '../../include/net/tcp.ts';
import { tcp_v4_init_seq } from '../core/secure_seq.ts';
import { consume_skb, kfree_skb } from '../core/skbuff.ts';
import { sk_setup_caps } from '../core/sock.ts';
import { inet_csk_reqsk_queue_drop, inet_csk_route_child_sock, inet_csk_route_req } from './inet_connection_sock.ts';
import {
  __inet_inherit_port,
  __inet_lookup_listener,
  inet_bhash2_reset_saddr,
  inet_bhash2_update_saddr,
  inet_ehash_nolisten,
  inet_hash_connect,
  inet_put_port,
} from './inet_hashtables.ts';
import { inet_twsk_deschedule_put } from './inet_timewait_sock.ts';
import { ip_build_and_send_pkt, ip_send_unicast_reply } from './ip_output.ts';
import { inet_iif, ip_route_connect, ip_route_newports } from './route.ts';
import { tcp_inbound_md5_hash, tcp_set_state } from './tcp.ts';
import { tcp_fastopen_defer_connect } from './tcp_fastopen.ts';
import { md5sigAt, segmentOf, tcp_parse_md5sig_option, tcp_rcv_state_process } from './tcp_input.ts';
import {
  tcp_check_req,
  tcp_child_process,
  tcp_create_openreq_child,
  tcp_timewait_state_process,
} from './tcp_minisocks.ts';
import { MD5SIG_UNSIGNED, tcp_connect, tcp_make_synack, tcp_select_window } from './tcp_output.ts';

/** C: include/linux/in.h, ipv4_is_loopback(). */
function ipv4_is_loopback(addr: number): boolean {
  return addr >>> 24 === 127;
}

/**
 * Whether a new connection may take the tuple of a TIME_WAIT socket. It then starts beyond the old one's sequence
 * numbers, whatever `write_seq` was.
 *
 * C: net/ipv4/tcp_ipv4.c, tcp_twsk_unique(). The stamp has to be a second old.
 */
export function tcp_twsk_unique(
  net: World,
  sk: number,
  tw: Sock,
  twp: boolean,
): { readonly unique: boolean; readonly net: World } {
  const loopback =
    tw.sk_bound_dev_if === LOOPBACK_IFINDEX || ipv4_is_loopback(tw.inet_daddr) || ipv4_is_loopback(tw.inet_rcv_saddr);
  const { tcp_tw_reuse } = net.sysctl;
  const reuse = tw.tw_substate !== TCP_FIN_WAIT2 && (tcp_tw_reuse === 1 || (tcp_tw_reuse === 2 && loopback));
  const old = net.now - tw.ts_recent_stamp >= 1000;
  if (!(tw.tw_has_timestamp && (!twp || (reuse && old)))) return { unique: false, net };
  const tp = getSock(net, sk);
  const seq = (tw.snd_nxt + 65535 + 2) >>> 0;
  return {
    unique: true,
    net: setSock(net, {
      ...tp,
      write_seq: seq === 0 ? 1 : seq,
      ts_recent: tw.ts_recent,
      ts_recent_stamp: tw.ts_recent_stamp,
    }),
  };
}

/** Takes back what tcp_v4_connect() did. C: net/ipv4/tcp_ipv4.c, tcp_v4_connect(), label failure. */
function connectFailure(net: World, sk: number, err: number): Result {
  const reset = inet_bhash2_reset_saddr(tcp_set_state(net, sk, TCP_CLOSE), sk);
  return { err, net: setSock(reset, { ...getSock(reset, sk), inet_dport: 0 }) };
}

/**
 * Starts a connection: route and source without a packet, port and place in ehash, sequence number, SYN.
 *
 * C: net/ipv4/tcp_ipv4.c, tcp_v4_connect(). The flow key is the socket's cork.fl.
 * Left out: source routing, repair mode.
 */
export function tcp_v4_connect(kernel: Kernel, start: World, sk: number, addr: number, port: number): Result {
  let net = start;
  let inet = getSock(net, sk);
  const orig_sport = inet.inet_sport;
  const orig_dport = port;
  const route = ip_route_connect(
    kernel,
    net,
    addr,
    inet.inet_saddr,
    inet.sk_bound_dev_if,
    inet.sk_protocol,
    orig_sport,
    orig_dport,
    inet,
  );
  let rt = route.rt;
  let fl4 = route.fl4;
  net = route.net;
  inet = { ...getSock(net, sk), sk_mark: fl4.flowi4_mark, cork_fl: fl4 };
  net = setSock(net, inet);
  if (rt.err < 0) return { err: rt.err, net };
  if (rt.rt_type === RTN_MULTICAST || rt.rt_type === RTN_BROADCAST) return { err: -ENETUNREACH, net };

  const daddr = fl4.daddr;
  net = inet_bhash2_update_saddr(net, sk, inet.inet_saddr === 0 ? fl4.saddr : inet.inet_saddr);
  inet = getSock(net, sk);
  if (inet.ts_recent_stamp !== 0 && inet.inet_daddr !== daddr) {
    inet = { ...inet, ts_recent: 0, ts_recent_stamp: 0, write_seq: 0 };
  }
  net = setSock(net, { ...inet, inet_dport: port, inet_daddr: daddr });

  net = tcp_set_state(net, sk, TCP_SYN_SENT);
  const hashed = inet_hash_connect(kernel, net, sk);
  net = hashed.net;
  if (hashed.err !== 0) return connectFailure(net, sk, hashed.err);

  inet = getSock(net, sk);
  const ports = ip_route_newports(net, fl4, rt, orig_sport, orig_dport, inet.inet_sport, inet.inet_dport, inet);
  rt = ports.rt;
  fl4 = ports.fl4;
  net = setSock(net, { ...inet, cork_fl: fl4 });
  if (rt.err < 0) return connectFailure(net, sk, rt.err);
  inet = sk_setup_caps(getSock(net, sk), rt);

  const isn = tcp_v4_init_seq(kernel, net, inet.inet_saddr, inet.inet_daddr, inet.inet_sport, port);
  net = setSock(net, { ...inet, write_seq: inet.write_seq === 0 ? isn : inet.write_seq });

  const defer = tcp_fastopen_defer_connect(net, sk);
  if (defer.ret) return { err: 0, net: defer.net };
  const sent = tcp_connect(kernel, defer.net, sk);
  return sent.err === 0 ? sent : connectFailure(sent.net, sk, sent.err);
}

/** The header of a reply of the control socket with a signature behind its other options. */
function replySigned(rep: Tcphdr, saddr: number, daddr: number): Tcphdr {
  const options = [...rep.options, ...MD5SIG_UNSIGNED];
  return tcp_v4_md5_sign({ ...rep, options, doff: 5 + (options.length >> 1) }, 0, saddr, daddr);
}

/**
 * Refuses a segment with a RST from the control socket. `sk` is the socket it was for, NO_SOCK when there is none; one that
 * the segment has ended is there until the RST is sent, because its receiver holds it; its key is not, on most releases.
 *
 * C: net/ipv4/tcp_ipv4.c, tcp_v4_send_reset(), and tcp_v4_destroy_sock() for the key; include/net/sock.h, sock_net_uid(): a
 * TIME_WAIT has no user, as no socket has none. Left out: a listener at the peer's port whose key would sign.
 */
export function tcp_v4_send_reset(kernel: Kernel, net: World, sk: Sock, skb: SkBuff): World {
  const { th, iph } = skb;
  if ((th.flags & TCPHDR_RST) !== 0) return net;
  if (sk.id === 0 && skb.dst.rt_type !== RTN_LOCAL) return net;
  const answered = (th.flags & TCPHDR_ACK) !== 0;
  const rep: Tcphdr = {
    ...NO_TH,
    source: th.dest,
    dest: th.source,
    seq: answered ? th.ack_seq : 0,
    ack_seq: answered ? 0 : segmentOf(skb).end_seq,
    flags: answered ? TCPHDR_RST : TCPHDR_RST | TCPHDR_ACK,
  };
  const full = sk.kind === SOCK_TCP;
  if (!full && tcp_parse_md5sig_option(th)) return net;
  const gone = full && getSock(net, sk.id).id === 0;
  const hasKey = full && sk.md5 && (!gone || kernel.md5UntilDestruct);
  const signed = hasKey ? replySigned(rep, iph.daddr, iph.saddr) : rep;
  const held = gone
    ? { ...net, socks: [...net.socks, { ...sk, sk_state: TCP_CLOSE, hashed: false, orphan: true }] }
    : net;
  const sent = ip_send_unicast_reply(kernel, held, sk, skb, iph.saddr, iph.daddr, signed, {
    tos: iph.tos,
    bound_dev_if: sk.sk_bound_dev_if,
    uid: sk.sk_uid,
    nosrccheck: sk.transparent,
    mark: sk.sk_mark,
  });
  return gone ? dropSock(sent, sk.id) : sent;
}

/** Sends an ACK from the control socket. C: net/ipv4/tcp_ipv4.c, tcp_v4_send_ack(). */
function tcp_v4_send_ack(
  kernel: Kernel,
  net: World,
  sk: Sock,
  skb: SkBuff,
  seq: number,
  ack: number,
  win: number,
  tsecr: number,
  oif: number,
  tos: number,
): World {
  const tsval = tcp_time_stamp(net);
  const options = tsecr === 0 ? [] : [0x0101, 0x080a, tsval >>> 16, tsval & 0xffff, tsecr >>> 16, tsecr & 0xffff];
  const rep: Tcphdr = {
    ...NO_TH,
    source: skb.th.dest,
    dest: skb.th.source,
    seq,
    ack_seq: ack,
    doff: 5 + (options.length >> 1),
    flags: TCPHDR_ACK,
    window: win,
    options,
  };
  const signed = sk.md5 ? replySigned(rep, skb.iph.daddr, skb.iph.saddr) : rep;
  return ip_send_unicast_reply(kernel, net, sk, skb, skb.iph.saddr, skb.iph.daddr, signed, {
    tos,
    bound_dev_if: oif,
    uid: sk.sk_uid,
    nosrccheck: sk.transparent,
    mark: sk.sk_mark,
  });
}

/** C: net/ipv4/tcp_ipv4.c, tcp_v4_timewait_ack(). */
export function tcp_v4_timewait_ack(kernel: Kernel, net: World, tw: Sock, skb: SkBuff): World {
  const win = tcp_select_window(tw);
  return tcp_v4_send_ack(kernel, net, tw, skb, tw.snd_nxt, tw.rcv_nxt, win, tw.ts_recent, tw.sk_bound_dev_if, tw.tos);
}

/** C: net/ipv4/tcp_ipv4.c, tcp_v4_reqsk_send_ack(); `sk` is the listener, or the Fast Open child. */
export function tcp_v4_reqsk_send_ack(kernel: Kernel, net: World, sk: Sock, skb: SkBuff, req: Sock): World {
  const seq = sk.sk_state === TCP_LISTEN ? (req.snd_una + 1) >>> 0 : sk.snd_nxt;
  const win = tcp_select_window(req);
  return tcp_v4_send_ack(kernel, net, sk, skb, seq, req.rcv_nxt, win, req.ts_recent, 0, skb.iph.tos);
}

/**
 * Sends the SYN-ACK of a request; `dst` without device asks for a new route, `foc` is the cookie in it.
 *
 * C: net/ipv4/tcp_ipv4.c, tcp_v4_send_synack(). Left out: sysctl tcp_reflect_tos.
 */
export function tcp_v4_send_synack(
  kernel: Kernel,
  net: World,
  sk: Sock,
  dst: Rtable,
  req: number,
  foc: number,
  fastopen: boolean,
): Result {
  const ireq = getSock(net, req);
  const rt = dst.dev === 0 ? inet_csk_route_req(net, sk, ireq) : dst;
  if (rt.err < 0) return { err: -1, net };
  const made = tcp_make_synack(kernel, net, sk, rt, ireq, foc, fastopen);
  return ip_build_and_send_pkt(kernel, made.net, made.skb, sk.id, ireq.inet_rcv_saddr, ireq.inet_daddr);
}

/** The first sequence number of the answer to a SYN. C: net/ipv4/tcp_ipv4.c, tcp_v4_init_seq_and_ts_off(). */
export function tcp_v4_init_seq_of(kernel: Kernel, net: World, skb: SkBuff): number {
  return tcp_v4_init_seq(kernel, net, skb.iph.daddr, skb.iph.saddr, skb.th.dest, skb.th.source);
}

/**
 * A full socket out of a request: route, port and place in ehash, where it takes the request's.
 *
 * C: net/ipv4/tcp_ipv4.c, tcp_v4_syn_recv_sock(). `req_unhash` is false for a Fast Open child, whose request is not
 * hashed. Left out: a full accept queue.
 */
export function tcp_v4_syn_recv_sock(
  kernel: Kernel,
  start: World,
  sk: number,
  req: number,
  req_unhash: boolean,
): { readonly child: number; readonly net: World } {
  const listener = getSock(start, sk);
  const ireq = getSock(start, req);
  const { rt, fl4 } = inet_csk_route_child_sock(start, listener, ireq);
  if (rt.err < 0) return { child: 0, net: start };
  const made = tcp_create_openreq_child(start, sk, req);
  let net = setSock(made.net, {
    ...sk_setup_caps(getSock(made.net, made.child), rt),
    cork_fl: fl4,
    inet_daddr: ireq.inet_daddr,
    inet_rcv_saddr: ireq.inet_rcv_saddr,
    inet_saddr: ireq.inet_rcv_saddr,
    sk_bound_dev_if: ireq.sk_bound_dev_if,
  });
  const inherited = __inet_inherit_port(net, listener, made.child);
  if (inherited.err < 0) return { child: 0, net: dropSock(start, made.child) };
  net = inherited.net;
  const own = inet_ehash_nolisten(kernel, net, made.child, req_unhash ? req : 0);
  if (own.ok) return { child: made.child, net: own.net };
  return { child: 0, net: dropSock(inet_put_port(own.net, made.child), made.child) };
}

/** C: net/ipv4/tcp_ipv4.c, tcp_v4_do_rcv(). */
export function tcp_v4_do_rcv(kernel: Kernel, net: World, sk: number, skb: SkBuff): World {
  const before = getSock(net, sk);
  const { ret, net: done } = tcp_rcv_state_process(kernel, net, sk, skb, 0);
  if (ret === 0) return done;
  const rsk = getSock(done, sk);
  return tcp_v4_send_reset(kernel, done, rsk.id === 0 ? before : rsk, skb);
}

/** Whether the receiver takes the segment for intact: one that never left the host is not looked at. */
function checksumOk(skb: SkBuff): boolean {
  return skb.ip_summed === CHECKSUM_PARTIAL || transportChecksumCorrect(skb);
}

/** Whether the socket takes the segment as it is signed, or not signed. */
function inboundSigned(sk: Sock, { th, iph, payload }: SkBuff): boolean {
  return tcp_inbound_md5_hash(sk.md5, th, payload.len, iph.saddr, iph.daddr);
}

/** A segment for a TIME_WAIT socket. C: net/ipv4/tcp_ipv4.c, tcp_v4_rcv(), label do_time_wait. */
function tcp_v4_rcv_timewait(kernel: Kernel, start: World, skb: SkBuff, tw: Sock): World {
  const { status, isn, net } = tcp_timewait_state_process(start, tw.id, skb);
  if (status === TCP_TW_SUCCESS) return net;
  if (status === TCP_TW_RST) {
    const reset = tcp_v4_send_reset(kernel, net, tw, skb);
    return inet_twsk_deschedule_put(reset, tw.id);
  }
  if (status === TCP_TW_SYN) {
    const sk2 = __inet_lookup_listener(net, skb.iph.daddr, skb.th.dest, inet_iif(skb), skb.sdif);
    if (sk2.id !== 0) {
      return tcp_rcv_state_process(kernel, inet_twsk_deschedule_put(net, tw.id), sk2.id, skb, isn).net;
    }
  }
  return status === TCP_TW_ACK || status === TCP_TW_SYN
    ? tcp_v4_timewait_ack(kernel, net, getSock(net, tw.id), skb)
    : net;
}

/** A segment for a request. C: net/ipv4/tcp_ipv4.c, tcp_v4_rcv(), the case TCP_NEW_SYN_RECV. */
function tcp_v4_rcv_request(kernel: Kernel, net: World, skb: SkBuff, req: Sock): World {
  const listener = getSock(net, req.parent);
  const checked = tcp_check_req(kernel, net, listener.id, skb, req.id, false);
  if (checked.sk === 0) return checked.net;
  if (checked.sk === listener.id) return tcp_v4_do_rcv(kernel, checked.net, listener.id, skb);
  const child = getSock(checked.net, checked.sk);
  const processed = tcp_child_process(kernel, checked.net, checked.sk, skb);
  return processed.ret === 0 ? processed.net : tcp_v4_send_reset(kernel, processed.net, child, skb);
}

/**
 * A segment for this host. A socket that TPROXY gave it is asked once. What ip_mc_output() has looped back is for nobody:
 * its pkt_type is PACKET_LOOPBACK, and nothing else that comes in is CHECKSUM_UNNECESSARY.
 *
 * C: net/ipv4/tcp_ipv4.c, tcp_v4_rcv(); include/net/inet_hashtables.h, __inet_lookup_skb(). Left out: XFRM, socket filters, the backlog of a locked socket.
 */
export function tcp_v4_rcv(kernel: Kernel, net: World, skb: SkBuff): World {
  const { iph, th } = skb;
  if (skb.ip_summed === CHECKSUM_UNNECESSARY || !checksumOk(skb)) return kfree_skb(net, skb, 'tcp_v4_rcv', 0);
  const sk =
    skb.sk === 0
      ? kernel.inet_lookup(kernel, net, iph.saddr, th.source, iph.daddr, th.dest, inet_iif(skb), skb.sdif)
      : getSock(net, skb.sk);
  if (sk.id === 0) {
    return kfree_skb(tcp_v4_send_reset(kernel, net, NO_SOCK, skb), skb, 'tcp_v4_rcv', 0);
  }
  if (sk.sk_state === TCP_TIME_WAIT) {
    return tcp_v4_rcv_timewait(kernel, consume_skb(net, skb, sk.id), skb, sk);
  }
  if (sk.kind === SOCK_REQUEST) {
    if (getSock(net, sk.parent).sk_state !== TCP_LISTEN) {
      return tcp_v4_rcv(kernel, inet_csk_reqsk_queue_drop(net, sk.id), { ...skb, sk: 0 });
    }
    if (!inboundSigned(getSock(net, sk.parent), skb)) return kfree_skb(net, skb, 'tcp_v4_rcv', 0);
    return tcp_v4_rcv_request(kernel, consume_skb(net, skb, sk.id), skb, sk);
  }
  if (!inboundSigned(sk, skb)) return kfree_skb(net, skb, 'tcp_v4_rcv', 0);
  return tcp_v4_do_rcv(kernel, consume_skb(net, skb, sk.id), sk.id, skb);
}

/** Sequence space of a segment beyond its payload. */
export function synFin(th: Tcphdr): number {
  return ((th.flags & TCPHDR_SYN) === 0 ? 0 : 1) + ((th.flags & TCPHDR_FIN) === 0 ? 0 : 1);
}

/** Stands for the shared key. */
const MD5SIG_KEY = 0x2385;

/**
 * What signs a segment of `len` payload bytes; the payload's bytes follow from its length.
 *
 * RFC: 2385. The signature covers addresses, ports, header without options, length and payload; a key is shared.
 * Left out: MD5 itself, for which any function of the same values serves that another header changes; keys for some peers
 * only, since all sockets with a key have the same one.
 *
 * C: net/ipv4/tcp_ipv4.c, tcp_v4_md5_hash_skb() and tcp_v4_md5_hash_hdr().
 */
function tcp_v4_md5_hash(th: Tcphdr, len: number, saddr: number, daddr: number): number {
  const tuple = jhash_3words(saddr, daddr, ((th.source << 16) | th.dest) >>> 0, MD5SIG_KEY);
  const numbers = jhash_3words(th.seq, th.ack_seq, ((th.doff << 12) | th.flags) >>> 0, tuple);
  return jhash_3words(th.window, th.urg_ptr, len, numbers);
}

/** The header with the signature filled in. */
export function tcp_v4_md5_sign(th: Tcphdr, len: number, saddr: number, daddr: number): Tcphdr {
  const hash = tcp_v4_md5_hash(th, len, saddr, daddr);
  const at = md5sigAt(th);
  let options: readonly number[] = [];
  for (let i = 0; i < th.options.length; i += 1) {
    const inside = at >= 0 && i >= at && i < at + 8;
    const half = ((i - at) & 1) === 0 ? hash >>> 16 : hash & 0xffff;
    options = [...options, inside ? half : (th.options[i] as number)];
  }
  return { ...th, options };
}

/** Whether a signed segment's signature is the one for the header that it came with. */
export function md5sigCorrect(th: Tcphdr, len: number, saddr: number, daddr: number): boolean {
  const { options } = tcp_v4_md5_sign(th, len, saddr, daddr);
  let ok = true;
  for (let i = 0; i < options.length; i += 1) ok = ok && th.options[i] === options[i];
  return ok;
}
