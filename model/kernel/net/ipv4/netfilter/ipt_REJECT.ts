/** The REJECT target: what is sent in answer. */
import type { SkBuff } from '../../../../types/packet.ts';
import { IPT_TCP_RESET, type NfHookState, type Rejection } from '../../../../types/verdict.ts';
import type { Kernel, World } from '../../../../types/world.ts';
import { nf_send_reset, nf_send_unreach } from './nf_reject_ipv4.ts';

/** Sends what a rule with the target REJECT asks for. C: net/ipv4/netfilter/ipt_REJECT.c, reject_tg(). */
export function sendRejection(kernel: Kernel, net: World, { skb, sk, reject }: Rejection): World {
  return reject === IPT_TCP_RESET ? nf_send_reset(kernel, net, sk, skb) : nf_send_unreach(kernel, net, skb, reject);
}

/**
 * Notes what is to be sent; the hook sends it when the table is done.
 *
 * C: net/ipv4/netfilter/ipt_REJECT.c, reject_tg(). It sends at once, but no rule comes behind it.
 */
export function reject_tg(net: World, skb: SkBuff, { sk }: NfHookState, reject: number): World {
  return { ...net, rejections: [...net.rejections, { skb, sk, reject }] };
}
