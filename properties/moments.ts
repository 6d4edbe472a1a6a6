/**
 * What another CPU can do while a packet is in the mangle hook: receive, bind and send between its statements.
 *
 * A moment is a point between two statements of a patched region (`micro`), or the end of the hook (`mangled`), which
 * every kernel has. The other CPU acts on the host as it was before the step, with the sockets and ports of that moment;
 * what it does goes no further.
 */

import { ipChecksumCorrect, transportChecksumCorrect } from '../model/kernel/include/net/checksum.ts';
import { inet_bind, inet_create, type SocketCall } from '../model/kernel/net/ipv4/af_inet.ts';
import { getCt } from '../model/kernel/net/netfilter/nf_conntrack_core.ts';
import { areSameSockets } from '../model/types/effects.ts';
import { getSock } from '../model/types/lookup.ts';
import { IPPROTO_TCP } from '../model/types/packet.ts';
import { SOCK_BINDPORT_LOCK, SOCK_TCP, type Sock, TCP_CLOSE } from '../model/types/sock.ts';
import type { Kernel, Sent, World } from '../model/types/world.ts';
import { otherDevice } from './oneTuple.ts';
import { hasTuple, worldAfter } from './packets.ts';
import { effectsOf, eventOf, type Run, worldBefore } from './property.ts';

/** The host as another CPU finds it at each moment of step `i`; moments between which nothing was written are one. */
export function moments(run: Run, i: number): readonly World[] {
  const before: World = { ...worldBefore(run, i), next_sock: worldAfter(run, i).next_sock, effects: [] };
  let found: readonly World[] = [];
  for (const e of effectsOf(run, i)) {
    if (e.kind === 'micro' || e.kind === 'mangled') {
      const isKnown: boolean = found.length > 0 && areSameSockets(found[found.length - 1] as World, e);
      found = isKnown ? found : [...found, { ...before, socks: e.socks, bhash: e.bhash }];
    }
  }
  return found;
}

/** Whether step `i` has a moment at all. */
export function hasMoment(run: Run, i: number): boolean {
  let seen = false;
  for (const e of effectsOf(run, i)) seen = seen || e.kind === 'micro' || e.kind === 'mangled';
  return seen;
}

/** Whether the user lets that socket live through step `i`, and so does the peer. */
function livesOn(run: Run, i: number, sk: Sock): boolean {
  const event = eventOf(run, i);
  const after = getSock(worldAfter(run, i), sk.id);
  const closed = event.kind === 'close' && event.s === sk.name;
  return sk.id !== 0 && !closed && after.kind === sk.kind && after.sk_state !== TCP_CLOSE;
}

/** Whether the answer to a segment finds the socket that sent it. */
export function answerFinds(kernel: Kernel, net: World, { sk, dev, skb }: Sent): boolean {
  const { iph, th } = skb;
  const found = kernel.inet_lookup(kernel, net, iph.daddr, th.dest, iph.saddr, th.source, dev, 0);
  return found.id === sk || otherDevice(found, getSock(net, sk));
}

/** The last segments of connections that live through step `i`, as far as their answers would arrive before it. */
export function answerableSent(run: Run, i: number): readonly Sent[] {
  const net = worldBefore(run, i);
  let list: readonly Sent[] = [];
  for (const sent of net.sent) {
    const sk = getSock(net, sent.sk);
    const ct = getCt(net, sent.skb.ct);
    const segment = sent.skb.iph.protocol === IPPROTO_TCP && sk.kind === SOCK_TCP && hasTuple(sk);
    const right = segment && ipChecksumCorrect(sent.skb.iph) && transportChecksumCorrect(sent.skb);
    const plain = !ct.srcNat && !ct.dstNat && livesOn(run, i, sk);
    list = right && plain && answerFinds(run.kernel, net, sent) ? [...list, sent] : list;
  }
  return list;
}

/** What bind() of another process's new socket to that port returns. */
export function bindElsewhere(net: World, port: number): number {
  const opened = inet_create(net, OTHER);
  return inet_bind(opened.net, opened.sk, 0, port).err;
}

/** The other process's socket. */
const OTHER: SocketCall = { s: 'other', type: 'tcp', protocol: IPPROTO_TCP, uid: 0, gid: 0, cgroup: '', classid: 0 };

/** The ports that users gave to their TCP sockets, and that these hold through step `i`. */
export function heldPorts(run: Run, i: number): readonly number[] {
  let ports: readonly number[] = [];
  for (const sk of worldBefore(run, i).socks) {
    const given = sk.kind === SOCK_TCP && sk.parent === 0 && (sk.sk_userlocks & SOCK_BINDPORT_LOCK) !== 0;
    ports = given && sk.inet_num !== 0 && !sk.orphan && livesOn(run, i, sk) ? [...ports, sk.inet_num] : ports;
  }
  return ports;
}
