/**
 * Planted faults: a kernel that forgets the source of packets with one mark of four thousand million, and one that does so
 * only on hosts of a rare structure. No search by chance meets them, a solver does. They are no variants; they show that
 * the second engine sees what the first cannot, and that structures are tried that nobody wrote down.
 */
import { ip_send_check } from '../model/kernel/net/ipv4/ip_output.ts';
import { stock } from '../model/patch/stock.ts';
import type { SkBuff } from '../model/types/packet.ts';
import type { NfHookState } from '../model/types/verdict.ts';
import type { HookResult, Kernel, World } from '../model/types/world.ts';

function ipt_mangle_out(kernel: Kernel, before: World, packet: SkBuff, state: NfHookState): HookResult {
  const { verdict, skb, net } = stock.ipt_mangle_out(kernel, before, packet, state);
  if ((skb.mark ^ 0x5eed) !== 0x2bad1234) return { verdict, skb, net };
  return { verdict, skb: forgotten(skb), net };
}

/** The packet with an address for its source that the host does not have. */
function forgotten(skb: SkBuff): SkBuff {
  return { ...skb, iph: ip_send_check({ ...skb.iph, saddr: 0x0a0000fe }) };
}

export const rareMark: Kernel = { ...stock, name: 'rare-mark', ipt_mangle_out };

/** Whether the host has a route of several paths, a rule that asks for a TOS, and a socket other than the packet's that is bound to a device. */
function isRare(net: World, skb: SkBuff): boolean {
  let paths = false;
  for (const { aliases } of net.tables) for (const fa of aliases) paths = paths || fa.fib_nhs.length > 1;
  let tos = false;
  for (const rule of net.rules) tos = tos || rule.tos !== 0;
  let bound = false;
  for (const sk of net.socks) bound = bound || (sk.id !== skb.sk && sk.sk_bound_dev_if !== 0);
  return paths && tos && bound;
}

function mangleOnRareHosts(kernel: Kernel, before: World, packet: SkBuff, state: NfHookState): HookResult {
  const { verdict, skb, net } = stock.ipt_mangle_out(kernel, before, packet, state);
  if (!isRare(net, skb) || (skb.mark ^ 0x5eed) !== 0x2bad1234) return { verdict, skb, net };
  return { verdict, skb: forgotten(skb), net };
}

/** The same fault on hosts alone that no shape written by hand has. */
export const rareHost: Kernel = { ...stock, name: 'rare-host', ipt_mangle_out: mangleOnRareHosts };
