/** The reference release as it is. */

import { secure_tcp_seq } from '../kernel/net/core/secure_seq.ts';
import { inet_ehashfn } from '../kernel/net/ipv4/inet_hashtables.ts';
import { ipt_mangle_out } from '../kernel/net/ipv4/netfilter/iptable_mangle.ts';
import type { EventOf } from '../types/event.ts';
import { NO_PATCH } from '../types/faults.ts';
import type { SkBuff } from '../types/packet.ts';
import type { FlowI4 } from '../types/route.ts';
import type { Sock } from '../types/sock.ts';
import {
  type ChosenSource,
  type HookResult,
  type Kernel,
  NO_OPERATION,
  type Operation,
  type SocketMark,
  type World,
} from '../types/world.ts';
import { linux61 } from './releases/linux-6.1.ts';

/** Nothing is added to the host. */
function operator(): Operation {
  return NO_OPERATION;
}

/** What the event says. */
function socketMark(_net: World, event: EventOf<'socket'>): SocketMark {
  return { why: '', mark: event.mark };
}

/** The source that the user or an earlier lookup gave, else none, and the mark of the user. */
function chooseSource(
  _kernel: Kernel,
  net: World,
  _sk: Sock,
  { saddr, flowi4_mark }: FlowI4,
  _transport: SkBuff,
): ChosenSource {
  return { saddr, mark: flowi4_mark, net };
}

/** The source that the packet has. */
function ipt_mangle_source(_kernel: Kernel, net: World, skb: SkBuff): HookResult {
  return { verdict: skb.iph.saddr, skb, net };
}

export const stock: Kernel = {
  ...linux61,
  name: 'stock',
  title: 'Linux unchanged: the second lookup keeps the source of the first',
  operator,
  socketMark,
  ipt_mangle_out,
  ipt_mangle_source,
  chooseSource,
  patch: NO_PATCH,
  inet_ehashfn,
  secure_tcp_seq,
};
