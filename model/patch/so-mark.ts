/** The unchanged kernel with programs that set SO_MARK: the first lookup has the mark, and mangle has nothing to change. */
import { dev_get_by_name } from '../kernel/net/core/dev.ts';
import type { EventOf } from '../types/event.ts';
import { IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP } from '../types/packet.ts';
import type { XtMatch } from '../types/verdict.ts';
import type { Kernel, World } from '../types/world.ts';
import { markings } from './alternatives.ts';
import { stock } from './stock.ts';

type SocketEvent = EventOf<'socket'>;

/** What a socket's packets are, as far as its program knows when it opens it. */
function protocolOf(event: SocketEvent): number {
  const known = event.type === 'tcp' ? IPPROTO_TCP : event.type === 'udp' ? IPPROTO_UDP : IPPROTO_ICMP;
  return event.type === 'tcp' || event.type === 'udp' || event.type === 'ping' ? known : event.protocol;
}

/** Whether every packet of that socket fits. */
function fits(event: SocketEvent, match: XtMatch): boolean {
  if (match.kind === 'proto') return (match.protocol === protocolOf(event)) !== match.invert;
  if (match.kind === 'owner') {
    return (event.uid >= match.uidFirst && event.uid <= match.uidLast) !== match.invert;
  }
  return false;
}

/** The mark that mangle would give to all packets of the socket; its own when it has one, or is bound to a device. */
function socketMark(net: World, event: SocketEvent): number {
  if (event.mark !== 0 || dev_get_by_name(net, event.dev).ifindex !== 0) return event.mark;
  let mark = 0;
  for (const marking of markings(net)) {
    let all = true;
    for (const match of marking.rule.matches) all = all && fits(event, match);
    mark = all && mark === 0 ? marking.mark : mark;
  }
  return mark;
}

export const soMark: Kernel = {
  ...stock,
  name: 'so-mark',
  title: 'Linux 6.1 with programs that set SO_MARK as mangle would mark their packets',
  socketMark,
};
