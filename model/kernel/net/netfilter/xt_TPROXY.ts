/** The target TPROXY, which gives a packet to a socket that waits elsewhere. */
import type { SkBuff } from '../../../types/packet.ts';
import { TCP_TIME_WAIT } from '../../../types/sock.ts';
import { NF_ACCEPT, NF_DROP, type NfHookState } from '../../../types/verdict.ts';
import type { HookResult, Kernel, World } from '../../../types/world.ts';
import {
  nf_tproxy_get_established,
  nf_tproxy_get_listener,
  nf_tproxy_handle_time_wait4,
  nf_tproxy_laddr4,
} from '../ipv4/netfilter/nf_tproxy_ipv4.ts';
import { mark_tg } from './xt_mark.ts';
import { dportOf } from './xt_tcpudp.ts';

/** A packet without a transparent socket is dropped. C: net/netfilter/xt_TPROXY.c, tproxy_tg4(). */
export function tproxy_tg4(
  kernel: Kernel,
  net: World,
  skb: SkBuff,
  state: NfHookState,
  tgi: { readonly laddr: number; readonly lport: number; readonly value: number; readonly mask: number },
): HookResult {
  const laddr = nf_tproxy_laddr4(net, state.in, tgi.laddr, skb.iph.daddr);
  const lport = tgi.lport === 0 ? dportOf(skb) : tgi.lport;
  const established = nf_tproxy_get_established(kernel, net, skb, state.in);
  const found =
    established.sk_state === TCP_TIME_WAIT
      ? nf_tproxy_handle_time_wait4(net, skb, laddr, lport, state.in, established)
      : { sk: established, net };
  const sk = found.sk.id === 0 ? nf_tproxy_get_listener(net, skb, laddr, lport, state.in) : found.sk;
  if (!sk.transparent) return { verdict: NF_DROP, skb, net: found.net };
  return { verdict: NF_ACCEPT, skb: { ...mark_tg(skb, tgi.value, tgi.mask), sk: sk.id }, net: found.net };
}
