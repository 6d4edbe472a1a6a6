/** The post's second patch: version 1, and the first SYN is moved to the new source together with its socket. */
import { inet_proto_csum_replace2 } from '../kernel/include/net/checksum.ts';
import { inet_proto_csum_replace4 } from '../kernel/net/core/utils.ts';
import { inet_hash_connect, inet_put_port, inet_unhash } from '../kernel/net/ipv4/inet_hashtables.ts';
import { ip_send_check } from '../kernel/net/ipv4/ip_output.ts';
import { ipt_do_table } from '../kernel/net/ipv4/netfilter/ip_tables.ts';
import { getSock, setSock } from '../types/lookup.ts';
import { IPPROTO_TCP, type SkBuff, TCPHDR_ACK, TCPHDR_SYN } from '../types/packet.ts';
import { RTN_UNSPEC } from '../types/route.ts';
import { NF_DROP, NF_DROP_ERR, NF_STOLEN, type NfHookState } from '../types/verdict.ts';
import type { HookResult, Kernel, World } from '../types/world.ts';
import { inet_sk, ip_route_reroute, micro, rerouteKey, uninitialisedKey, writeIph, writeTh } from './reroute.ts';
import { stock } from './stock.ts';

/**
 * Runs the mangle OUTPUT chain, then looks up the route again if the packet's addresses, TOS or mark changed.
 *
 * C: net/ipv4/netfilter/iptable_mangle.c, ipt_mangle_out().
 * Patch: version 2. As version 1; and a SYN without ACK takes the same path whatever source its socket has, after
 * which socket and segment get a new address, a new port and a corrected checksum. The label lies behind the
 * initialiser of the key, so that only the assigned fields of it are known on that path.
 */
export function ipt_mangle_out(kernel: Kernel, before: World, packet: SkBuff, state: NfHookState): HookResult {
  const { mark } = packet;
  const { saddr, daddr, tos } = packet.iph;
  let { verdict: ret, skb, net } = ipt_do_table(before, packet, state, before.mangle);
  if (ret !== NF_DROP && ret !== NF_STOLEN) {
    let recheck = false;
    if (skb.iph.saddr !== saddr || skb.iph.daddr !== daddr || skb.mark !== mark || skb.iph.tos !== tos) {
      if (skb.sk !== 0) {
        const inet = inet_sk(net, skb.sk, 'ipt_mangle_out');
        net = inet.net;
        const th = skb.iph.protocol === IPPROTO_TCP;
        const syn = th && (skb.th.flags & TCPHDR_SYN) !== 0 && (skb.th.flags & TCPHDR_ACK) === 0;
        const doit = syn && kernel.syn_filter(net, inet.sk, skb);
        if (doit || inet.sk.inet_saddr === 0) {
          const key = doit ? uninitialisedKey(net, rerouteKey(skb, inet.sk)) : rerouteKey(skb, inet.sk);
          const { err, fl4, skb: rerouted, moved, net: after } = ip_route_reroute(net, skb, key);
          skb = rerouted;
          net = after;
          if (err < 0) ret = NF_DROP_ERR(err);
          if (saddr !== fl4.saddr) {
            ({ skb, net } = writeIph(net, skb, moved, { ...skb.iph, saddr: fl4.saddr }));
            net = setSock(net, { ...getSock(net, skb.sk), inet_saddr: fl4.saddr });
            net = micro(net, 'inet_saddr written');
            ({ skb, net } = writeIph(net, skb, moved, ip_send_check(skb.iph)));
            if (th) {
              const oldport = skb.th.source;
              net = setSock(net, { ...getSock(net, skb.sk), inet_rcv_saddr: fl4.saddr });
              net = micro(net, 'inet_rcv_saddr written');
              net = inet_unhash(net, skb.sk);
              net = micro(net, 'inet_unhash returned');
              net = inet_put_port(net, skb.sk);
              net = micro(net, 'inet_put_port returned');
              const hashed = inet_hash_connect(kernel, net, skb.sk);
              net = micro(hashed.net, 'inet_hash_connect returned');
              const sk = getSock(net, skb.sk);
              net = setSock(net, { ...sk, inet_sport: sk.inet_num });
              ({ skb, net } = writeTh(net, skb, moved, { ...skb.th, source: sk.inet_num }));
              if (hashed.err !== 0) return { verdict: -hashed.err, skb, net };
              const port = inet_proto_csum_replace2(skb.th.check, skb, oldport, sk.inet_num, false);
              ({ skb, net } = writeTh(net, skb, moved, { ...skb.th, check: port }));
              const check = inet_proto_csum_replace4(skb.th.check, skb, saddr, fl4.saddr, true);
              ({ skb, net } = writeTh(net, skb, moved, { ...skb.th, check }));
            }
          }
          recheck = true;
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

export const tcpRehash: Kernel = {
  ...stock,
  name: 'tcp-rehash',
  title: "the post's second patch: the first SYN and its socket move to the new source, too",
  ipt_mangle_out,
};
