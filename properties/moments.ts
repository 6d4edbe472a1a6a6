/**
 * What another CPU can do while a packet is in the mangle hook: receive, bind and send between its statements.
 *
 * A moment is a point between two statements of a patched region (`micro`), or the end of the hook (`mangled`), which
 * every kernel has. The other CPU acts on the host as it was before the step, with the sockets and ports of that moment;
 * what it does goes no further.
 */

import { step } from '../model/host/step.ts';
import { ipChecksumCorrect, transportChecksumCorrect } from '../model/kernel/include/net/checksum.ts';
import { inet_bind, inet_create, type SocketCall } from '../model/kernel/net/ipv4/af_inet.ts';
import { getCt } from '../model/kernel/net/netfilter/nf_conntrack_core.ts';
import { EADDRINUSE } from '../model/types/errno.ts';
import { getSock } from '../model/types/lookup.ts';
import { IPPROTO_TCP } from '../model/types/packet.ts';
import { SOCK_BINDPORT_LOCK, SOCK_TCP, type Sock, TCP_CLOSE } from '../model/types/sock.ts';
import type { Kernel, Sent, World } from '../model/types/world.ts';
import { firstDeparture, unconnectedSender } from './address.ts';
import { hasTuple, worldAfter } from './packets.ts';
import { always, effectsOf, eventOf, type Property, type Run, worldBefore } from './property.ts';
import { owners } from './scopes/runs.ts';

/** The host as another CPU finds it at each moment of step `i`. */
function moments(run: Run, i: number): readonly World[] {
  const before: World = { ...worldBefore(run, i), next_sock: worldAfter(run, i).next_sock, effects: [] };
  let found: readonly World[] = [];
  for (const e of effectsOf(run, i)) {
    const moment = e.kind === 'micro' || e.kind === 'mangled';
    found = moment ? [...found, { ...before, socks: e.socks, bhash: e.bhash }] : found;
  }
  return found;
}

/** Whether step `i` has a moment at all. */
function hasMoment(run: Run, i: number): boolean {
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
function answerFinds(kernel: Kernel, net: World, { sk, dev, skb }: Sent): boolean {
  const { iph, th } = skb;
  return kernel.inet_lookup(kernel, net, iph.daddr, th.dest, iph.saddr, th.source, dev, 0).id === sk;
}

/** The last segments of connections that live through step `i`, as far as their answers would arrive before it. */
function answerableSent(run: Run, i: number): readonly Sent[] {
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

export const answerFoundAtAnyMoment: Property = always({
  id: 'answer-found-at-any-moment',
  concern: 'tuple',
  claim: "The answer to a connection's last segment finds the connection at every moment at which it may arrive.",
  asked: [
    'RFC 9293 section 3.10.7: a segment for a connection is processed by it',
    '__inet_lookup_established(): receives without a lock, on any CPU',
  ],
  onStock: '',
  scope: owners,
  holds(run, i) {
    if (!hasMoment(run, i)) return true;
    const sent = answerableSent(run, i);
    let ok = true;
    for (const net of moments(run, i)) for (const one of sent) ok = ok && answerFinds(run.kernel, net, one);
    return ok;
  },
  sometimes(run, i) {
    return hasMoment(run, i) && answerableSent(run, i).length > 0;
  },
});

/** What bind() of another process's new socket to that port returns. */
function bindElsewhere(net: World, port: number): number {
  const opened = inet_create(net, OTHER);
  return inet_bind(opened.net, opened.sk, 0, port).err;
}

/** The other process's socket. */
const OTHER: SocketCall = { s: 'other', type: 'tcp', protocol: IPPROTO_TCP, uid: 0, gid: 0, cgroup: '', classid: 0 };

/** The ports that users gave to their TCP sockets, and that these hold through step `i`. */
function heldPorts(run: Run, i: number): readonly number[] {
  let ports: readonly number[] = [];
  for (const sk of worldBefore(run, i).socks) {
    const given = sk.kind === SOCK_TCP && sk.parent === 0 && (sk.sk_userlocks & SOCK_BINDPORT_LOCK) !== 0;
    ports = given && sk.inet_num !== 0 && !sk.orphan && livesOn(run, i, sk) ? [...ports, sk.inet_num] : ports;
  }
  return ports;
}

export const boundPortRefusedToOthers: Property = always({
  id: 'bound-port-refused-to-others',
  concern: 'tuple',
  claim: 'While a socket is bound to a port, another process cannot bind that port, at whatever moment it tries.',
  asked: ['bind(2): EADDRINUSE', 'POSIX.1-2017 bind()'],
  onStock: '',
  scope: owners,
  holds(run, i) {
    if (!hasMoment(run, i)) return true;
    const ports = heldPorts(run, i);
    let ok = true;
    for (const net of moments(run, i)) for (const port of ports) ok = ok && bindElsewhere(net, port) === -EADDRINUSE;
    return ok;
  },
  sometimes(run, i) {
    return hasMoment(run, i) && heldPorts(run, i).length > 0;
  },
});

export const concurrentSendUnaffected: Property = always({
  id: 'concurrent-send-unaffected',
  concern: 'address',
  claim:
    'A datagram that another thread sends on the same unconnected socket leaves by the same link and from the same address, at whatever moment of the first one it is sent.',
  asked: [
    'sendto(2), udp(7): each datagram of an unconnected socket is routed on its own',
    'POSIX.1-2017: send functions are thread-safe',
  ],
  onStock: '',
  scope: owners,
  holds(run, i) {
    const sk = unconnectedSender(run, i);
    if (sk.id === 0 || !hasMoment(run, i)) return true;
    const before = worldBefore(run, i);
    let ok = true;
    for (const event of run.events) {
      if (event.kind === 'send' && event.s === sk.name) {
        const alone = firstDeparture(step(run.kernel, before, event).effects, sk.id);
        for (const net of moments(run, i)) {
          const beside = firstDeparture(step(run.kernel, net, event).effects, sk.id);
          ok = ok && beside.dev === alone.dev && beside.saddr === alone.saddr;
        }
      }
    }
    return ok;
  },
  sometimes(run, i) {
    return hasMoment(run, i) && unconnectedSender(run, i).id !== 0;
  },
});
