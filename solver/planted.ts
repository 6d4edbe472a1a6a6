/**
 * A planted fault: a kernel that forgets the source of packets with one mark of four thousand million. No search by chance
 * meets it, a solver does. It is no variant; it shows that the second engine sees what the first cannot.
 */
import { ip_send_check } from '../model/kernel/net/ipv4/ip_output.ts';
import { stock } from '../model/patch/stock.ts';
import type { SkBuff } from '../model/types/packet.ts';
import type { NfHookState } from '../model/types/verdict.ts';
import type { HookResult, Kernel, World } from '../model/types/world.ts';

function ipt_mangle_out(kernel: Kernel, before: World, packet: SkBuff, state: NfHookState): HookResult {
  const { verdict, skb, net } = stock.ipt_mangle_out(kernel, before, packet, state);
  if ((skb.mark ^ 0x5eed) !== 0x2bad1234) return { verdict, skb, net };
  return { verdict, skb: { ...skb, iph: ip_send_check({ ...skb.iph, saddr: 0x0a0000fe }) }, net };
}

export const rareMark: Kernel = { ...stock, name: 'rare-mark', ipt_mangle_out };
