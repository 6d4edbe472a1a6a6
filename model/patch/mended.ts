/**
 * The patch with its faults as switches. With all of them on it does what the published version does, statement by
 * statement; each one that is off is mended in the least obtrusive way that was found.
 */
import { inet_proto_csum_replace2 } from '../kernel/include/net/checksum.ts';
import { tcp_v4_init_seq } from '../kernel/net/core/secure_seq.ts';
import { inet_proto_csum_replace4 } from '../kernel/net/core/utils.ts';
import { fib4_rules_early_flow_dissect } from '../kernel/net/ipv4/fib_rules.ts';
import {
  inet_bind_bucket_create,
  inet_bind_bucket_find,
  inet_bind_hash,
  inet_hash,
  inet_hash_connect,
  inet_put_port,
  inet_unhash,
} from '../kernel/net/ipv4/inet_hashtables.ts';
import { ip_send_check } from '../kernel/net/ipv4/ip_output.ts';
import { ipt_do_table } from '../kernel/net/ipv4/netfilter/ip_tables.ts';
import { ip_route_output_key } from '../kernel/net/ipv4/route.ts';
import { tfoCookieOf } from '../kernel/net/ipv4/tcp_fastopen.ts';
import { l3mdev_master_ifindex_by_index } from '../kernel/net/l3mdev/l3mdev.ts';
import { nf_conntrack_in, nf_conntrack_put } from '../kernel/net/netfilter/nf_conntrack_core.ts';
import { nf_xfrm_me_harder } from '../kernel/net/netfilter/nf_nat_core.ts';
import { type Faults, NO_FAULTS, type Patch } from '../types/faults.ts';
import { getSock, setSock } from '../types/lookup.ts';
import { IPPROTO_TCP, IPPROTO_UDP, type SkBuff, TCPHDR_ACK, TCPHDR_SYN } from '../types/packet.ts';
import { type FlowI4, RTN_UNSPEC } from '../types/route.ts';
import {
  SOCK_BINDADDR_LOCK,
  SOCK_BINDPORT_LOCK,
  SOCK_CONTROL,
  SOCK_RAW,
  SOCK_REQUEST,
  SOCK_TCP,
  SOCK_TIMEWAIT,
  type Sock,
  TCP_LISTEN,
  type WriteQueueSeg,
} from '../types/sock.ts';
import { NF_DROP, NF_DROP_ERR, NF_STOLEN, type NfHookState } from '../types/verdict.ts';
import type { HookResult, Kernel, World } from '../types/world.ts';
import { inet_sk, ip_route_reroute, micro, rerouteKey, uninitialisedKey, writeIph, writeTh } from './reroute.ts';
import { stock } from './stock.ts';

/** Whether the patch looks at a packet of that owner at all. */
function admitted(faults: Faults, sk: Sock): boolean {
  const small = sk.kind === SOCK_REQUEST || sk.kind === SOCK_TIMEWAIT;
  const answers = sk.kind === SOCK_CONTROL || sk.sk_state === TCP_LISTEN;
  const signed = sk.md5 && !faults['signed-segments'];
  return (faults['small-sockets'] || !small) && (faults['control-sockets'] || !answers) && !signed;
}

/** Whether the user said which source this packet has to carry. */
function sourceGiven(faults: Faults, sk: Sock, skb: SkBuff): boolean {
  const bound = (sk.sk_userlocks & SOCK_BINDADDR_LOCK) !== 0 && !faults['bound-address'];
  return bound || (skb.saddr_given && !faults['packet-source']);
}

/** The key of the patch's own lookup, as far as it is mended. */
function lookupKey(faults: Faults, net: World, skb: SkBuff, sk: Sock, syn: boolean): FlowI4 {
  const domain = faults['no-l3mdev'] ? 0 : l3mdev_master_ifindex_by_index(net, skb.dst.dev);
  const key = { ...rerouteKey(skb, sk), flowi4_l3mdev: domain };
  const known = faults['bare-key']
    ? key
    : fib4_rules_early_flow_dissect(net, skb, {
        ...key,
        flowi4_uid: sk.sk_uid,
      });
  return syn && faults['wild-key'] ? uninitialisedKey(net, known) : known;
}

/** Its lookup: mended, the chosen source has to lead the same way, as in ip_route_connect(). */
function lookup(faults: Faults, net: World, skb: SkBuff, key: FlowI4): ReturnType<typeof ip_route_reroute> {
  if (faults['one-lookup']) return ip_route_reroute(net, skb, key);
  const { rt, fl4 } = ip_route_output_key(net, key);
  return ip_route_reroute(net, skb, rt.err < 0 ? key : { ...key, saddr: fl4.saddr });
}

/** The datagram's checksum for another source. C: inet_proto_csum_replace4(); RFC 768: 0 means none, and is sent as 0xffff. */
function writeUdp(net: World, skb: SkBuff, moved: boolean, saddr: number): { skb: SkBuff; net: World } {
  if (skb.iph.protocol !== IPPROTO_UDP || skb.uh.check === 0 || moved) return { skb, net };
  const sum = inet_proto_csum_replace4(skb.uh.check, skb, saddr, skb.iph.saddr, true);
  return { skb: { ...skb, uh: { ...skb.uh, check: sum === 0 ? 0xffff : sum } }, net };
}

/** The socket back where it was: address, port, bucket and place in the table. */
function restore(kernel: Kernel, before: World, sk: Sock): World {
  const net = setSock(before, { ...sk, hashed: false, icsk_bind_hash: 0 });
  const bucket = inet_bind_bucket_find(net, sk.inet_num).port !== 0;
  const bound = inet_bind_hash(bucket ? net : inet_bind_bucket_create(net, sk.inet_num, -1, -1), sk.id, sk.inet_num);
  return inet_hash(kernel, bound, sk.id).net;
}

/** Moves a connecting socket to `saddr` and to a port that is free there. */
function moveSock(kernel: Kernel, before: World, id: number, saddr: number): { err: number; net: World } {
  const { faults } = kernel.patch;
  const old = getSock(before, id);
  const keepsPort = !faults['bound-port'] && (old.sk_userlocks & SOCK_BINDPORT_LOCK) !== 0;
  let net = before;
  if (faults['hashed-move']) {
    net = setSock(net, { ...getSock(net, id), inet_saddr: saddr });
    net = micro(net, 'inet_saddr written');
    net = setSock(net, { ...getSock(net, id), inet_rcv_saddr: saddr });
    net = micro(net, 'inet_rcv_saddr written');
    net = inet_unhash(net, id);
    net = micro(net, 'inet_unhash returned');
  } else {
    net = inet_unhash(net, id);
    net = micro(net, 'inet_unhash returned');
    net = setSock(net, { ...getSock(net, id), inet_saddr: saddr, inet_rcv_saddr: saddr });
  }
  if (!keepsPort) {
    net = inet_put_port(net, id);
    net = micro(net, 'inet_put_port returned');
  }
  const hashed = keepsPort ? kernel.__inet_hash_connect(kernel, net, id, 0) : inet_hash_connect(kernel, net, id);
  net = micro(hashed.net, 'inet_hash_connect returned');
  if (hashed.err !== 0 && !faults['failed-port']) return { err: hashed.err, net: restore(kernel, net, old) };
  const sk = getSock(net, id);
  net = setSock(net, { ...sk, inet_sport: sk.inet_num });
  return { err: hashed.err, net };
}

/** The segments with all their numbers further on. */
function shifted(queue: readonly WriteQueueSeg[], by: number): readonly WriteQueueSeg[] {
  let all: readonly WriteQueueSeg[] = [];
  for (const seg of queue) all = [...all, { ...seg, seq: (seg.seq + by) >>> 0 }];
  return all;
}

/**
 * Socket and SYN begin with the number of their new four-tuple: the one that a TIME_WAIT socket left to its successor,
 * else the generator's. C: tcp_v4_connect(), which chooses it when the tuple is known; tcp_twsk_unique().
 */
function renumber(kernel: Kernel, before: World, packet: SkBuff, old: Sock): { skb: SkBuff; net: World } {
  const { 'stale-isn': staleIsn, 'jumping-numbers': jumpingNumbers } = kernel.patch.faults;
  const tp = getSock(before, packet.sk);
  const { seq } = packet.th;
  const left = tp.write_seq !== old.write_seq;
  const { inet_saddr, inet_daddr, inet_sport, inet_dport } = tp;
  const fresh = left ? tp.write_seq : tcp_v4_init_seq(kernel, before, inet_saddr, inet_daddr, inet_sport, inet_dport);
  const isn = staleIsn ? seq : fresh;
  const by = isn - seq;
  const net = setSock(before, {
    ...tp,
    write_seq: left && jumpingNumbers ? tp.write_seq : (old.write_seq + by) >>> 0,
    snd_una: (tp.snd_una + by) >>> 0,
    snd_nxt: (tp.snd_nxt + by) >>> 0,
    snd_sml: (tp.snd_sml + by) >>> 0,
    write_queue: shifted(tp.write_queue, by),
  });
  const check = inet_proto_csum_replace4(packet.th.check, packet, seq, isn, false);
  return { skb: { ...packet, th: { ...packet.th, seq: isn, check } }, net };
}

/** The segment's port and checksum after its socket has moved. */
function writeSegment(
  before: World,
  packet: SkBuff,
  moved: boolean,
  saddr: number,
  to: number,
): { skb: SkBuff; net: World } {
  const { inet_num } = getSock(before, packet.sk);
  const oldport = packet.th.source;
  let { skb, net } = writeTh(before, packet, moved, { ...packet.th, source: inet_num });
  const port = inet_proto_csum_replace2(skb.th.check, skb, oldport, inet_num, false);
  ({ skb, net } = writeTh(net, skb, moved, { ...skb.th, check: port }));
  const check = inet_proto_csum_replace4(skb.th.check, skb, saddr, to, true);
  return writeTh(net, skb, moved, { ...skb.th, check });
}

/** The socket's cached flow and route follow. C: inet_sk_reselect_saddr() does so by looking up in cork.fl itself. */
function writeCork(net: World, skb: SkBuff, saddr: number): World {
  const sk = getSock(net, skb.sk);
  const cork_fl = { ...sk.cork_fl, saddr, fl4_sport: sk.inet_sport };
  return setSock(net, { ...sk, cork_fl, sk_dst_cache: skb.dst });
}

/** Connection tracking sees the packet again, as it is now. C: nf_reset_ct(), nf_conntrack_in(). */
function trackAgain(net: World, skb: SkBuff, state: NfHookState): { skb: SkBuff; net: World } {
  if (skb.ct === 0) return { skb, net };
  const tracked = nf_conntrack_in(nf_conntrack_put(net, skb), { ...skb, ct: 0, ctdir: 0, ctinfo: 0 }, state);
  return { skb: tracked.skb, net: tracked.net };
}

/**
 * Runs the mangle OUTPUT chain, then looks up the route again if the packet's addresses, TOS or mark changed.
 *
 * C: net/ipv4/netfilter/iptable_mangle.c, ipt_mangle_out().
 * Patch: kernel.patch says which version, and which of its faults are left.
 */
export function ipt_mangle_out(kernel: Kernel, before: World, packet: SkBuff, state: NfHookState): HookResult {
  const { faults, movesSyn } = kernel.patch;
  const { mark } = packet;
  const { saddr, daddr, tos } = packet.iph;
  let { verdict: ret, skb, net } = ipt_do_table(before, packet, state, before.mangle);
  if (ret !== NF_DROP && ret !== NF_STOLEN) {
    let recheck = false;
    if (skb.iph.saddr !== saddr || skb.iph.daddr !== daddr || skb.mark !== mark || skb.iph.tos !== tos) {
      const sender = faults['inner-sender'] || state.sk === skb.sk;
      if (skb.sk !== 0 && sender && admitted(faults, getSock(net, skb.sk))) {
        const inet = inet_sk(net, skb.sk, 'ipt_mangle_out');
        net = inet.net;
        const raw = inet.sk.kind === SOCK_RAW && !faults['raw-segments'];
        const th = movesSyn && skb.iph.protocol === IPPROTO_TCP && !raw;
        const syn = th && (skb.th.flags & TCPHDR_SYN) !== 0 && (skb.th.flags & TCPHDR_ACK) === 0;
        const first = faults['moves-again'] || inet.sk.retransmits === 0;
        const doit = syn && first && (faults['moves-cookies'] || tfoCookieOf(skb.th) === 0);
        if ((doit || inet.sk.inet_saddr === 0) && !sourceGiven(faults, inet.sk, skb)) {
          const key = lookupKey(faults, net, skb, inet.sk, doit);
          const { err, fl4, skb: rerouted, moved: grown, net: after } = lookup(faults, net, skb, key);
          skb = rerouted;
          net = after;
          if (err < 0) ret = NF_DROP_ERR(err);
          if (err < 0 && !faults['failed-lookup']) return { verdict: ret, skb, net };
          const moved = grown && faults['stale-pointers'];
          if (saddr !== fl4.saddr) {
            ({ skb, net } = writeIph(net, skb, moved, { ...skb.iph, saddr: fl4.saddr }));
            if (!th && faults['pinned-socket']) {
              net = setSock(net, { ...getSock(net, skb.sk), inet_saddr: fl4.saddr });
              net = micro(net, 'inet_saddr written');
            }
            ({ skb, net } = writeIph(net, skb, moved, ip_send_check(skb.iph)));
            if (!th && !faults['udp-checksum']) ({ skb, net } = writeUdp(net, skb, moved, saddr));
            if (th) {
              const old = getSock(net, skb.sk);
              const socket = moveSock(kernel, net, skb.sk, fl4.saddr);
              net = socket.net;
              if (socket.err !== 0) {
                ({ skb, net } = writeTh(net, skb, moved, { ...skb.th, source: getSock(net, skb.sk).inet_num }));
                return { verdict: faults['errno-verdict'] ? -socket.err : NF_DROP_ERR(socket.err), skb, net };
              }
              ({ skb, net } = writeSegment(net, skb, moved, saddr, fl4.saddr));
              if (doit && inet.sk.kind === SOCK_TCP && !moved) ({ skb, net } = renumber(kernel, net, skb, old));
            }
            if (!faults['tracked-tuple']) ({ skb, net } = trackAgain(net, skb, state));
          }
          if (err >= 0 && !faults['unasked-policies']) {
            const asked = nf_xfrm_me_harder(net, skb);
            skb = asked.skb;
            if (asked.err < 0) ret = NF_DROP_ERR(asked.err);
          }
          if (th && saddr !== fl4.saddr && !faults['stale-cork']) net = writeCork(net, skb, fl4.saddr);
          recheck = movesSyn || err >= 0;
        }
      }
      if (!recheck) {
        const {
          err,
          skb: rerouted,
          net: after,
        } = kernel.ip_route_me_harder(net, getSock(net, state.sk), skb, RTN_UNSPEC);
        skb = rerouted;
        net = after;
        if (err < 0) ret = NF_DROP_ERR(err);
      }
    }
  }
  return { verdict: ret, skb, net };
}

/** The patch of that version with those faults. */
export function mended(name: string, title: string, movesSyn: boolean, faults: Faults): Kernel {
  const patch: Patch = { movesSyn, faults };
  return { ...stock, name, title, ipt_mangle_out, patch };
}

export const icmpOnlyMended: Kernel = mended(
  'icmp-only-mended',
  'the first patch without its faults: the packets of datagram sockets get the source, the sockets do not',
  false,
  NO_FAULTS,
);

export const tcpRehashMended: Kernel = mended(
  'tcp-rehash-mended',
  'the second patch without its faults: the first SYN and its socket move together, or not at all',
  true,
  NO_FAULTS,
);
