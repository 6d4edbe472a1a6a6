/** Tunnels: the outer header is the tunnel's, and the socket that the packet points to is the inner sender's. */
import { dev_get_by_index } from '../model/kernel/net/core/dev.ts';
import { ip_route_output_key } from '../model/kernel/net/ipv4/route.ts';
import type { NetDevice } from '../model/types/net.ts';
import type { SkBuff } from '../model/types/packet.ts';
import { NO_FLOW } from '../model/types/route.ts';
import type { World } from '../model/types/world.ts';
import { sameEnds, socksMangled } from './address.ts';
import { inSocks, leaves, worldAfter } from './packets.ts';
import { always, effectsOf, type Property } from './property.ts';
import { owners } from './scopes/runs.ts';

/** Whether a tunnel of the host goes to the packet's destination under the packet's source, or under any it has not been given. */
function addressedByTunnel(net: World, skb: SkBuff): boolean {
  let known = false;
  for (const dev of net.devs) {
    const right = dev.tunnel_saddr === 0 || dev.tunnel_saddr === skb.iph.saddr;
    known = known || (dev.tunnel_daddr === skb.iph.daddr && right);
  }
  return known;
}

export const tunnelHeaderKept: Property = always({
  id: 'tunnel-header-kept',
  concern: 'address',
  claim: "The outer header of a tunnelled packet carries the tunnel's own address, whoever sent the inner packet.",
  asked: ['ip-link(8): local ADDR is the fixed local address of tunneled packets', 'RFC 2003 section 3.1'],
  onStock: '',
  scope: owners,
  holds(run, i) {
    let ok = true;
    for (const e of effectsOf(run, i))
      ok = ok && (!leaves(e) || e.skb.encapsulated === 0 || addressedByTunnel(worldAfter(run, i), e.skb));
    return ok;
  },
  sometimes(run, i) {
    let seen = false;
    for (const e of effectsOf(run, i)) seen = seen || (leaves(e) && e.skb.encapsulated > 0 && e.skb.mark !== 0);
    return seen;
  },
});

export const tunnelledSenderKept: Property = always({
  id: 'tunnelled-sender-kept',
  concern: 'address',
  claim: 'Routing the outer packet of a tunnel changes nothing of the socket whose packet is inside.',
  asked: [
    'RFC 2003 section 3: encapsulation leaves the inner datagram to its sender',
    'ip(7): a socket changes by its own calls',
  ],
  onStock: '',
  scope: owners,
  holds(run, i) {
    let ok = true;
    for (const e of effectsOf(run, i)) {
      if (e.kind === 'reroute' && e.before.encapsulated > 0 && e.before.sk !== 0) {
        const left = socksMangled(effectsOf(run, i), e.before.id);
        ok = ok && (left.length === 0 || sameEnds(inSocks(e.socks, e.before.sk), inSocks(left, e.before.sk)));
      }
    }
    return ok;
  },
  sometimes(run, i) {
    let seen = false;
    for (const e of effectsOf(run, i))
      seen = seen || (e.kind === 'reroute' && e.before.encapsulated > 0 && e.before.sk !== 0);
    return seen;
  },
});

/** Whether the packet is one of that tunnel's own. */
function ownOf(dev: NetDevice, skb: SkBuff): boolean {
  return skb.encapsulated > 0 && dev.tunnel_daddr !== 0 && skb.iph.daddr === dev.tunnel_daddr;
}

/** Whether the operator's rules and routes lead a packet with that mark and destination to the device. */
function routedTo(net: World, skb: SkBuff, dev: number): boolean {
  const { rt } = ip_route_output_key(net, {
    ...NO_FLOW,
    daddr: skb.iph.daddr,
    flowi4_mark: skb.mark,
    flowi4_tos: skb.iph.tos,
  });
  return rt.dev === dev;
}

export const tunnelDoesNotLoop: Property = always({
  id: 'tunnel-does-not-loop',
  concern: 'netfilter',
  claim: "A tunnel's outer packet does not enter that tunnel again, unless the operator's routes lead there.",
  asked: ['RFC 2003 section 3.2: routing loops within a tunnel', 'ip_tunnel_xmit(): collisions'],
  onStock: 'before 5.10 ip_route_me_harder() itself asked the socket of the inner packet for its device',
  scope: owners,
  holds(run, i) {
    const net = worldAfter(run, i);
    let ok = true;
    for (const e of effectsOf(run, i)) {
      if (leaves(e) && ownOf(dev_get_by_index(net, e.dev), e.skb)) ok = ok && routedTo(net, e.skb, e.dev);
    }
    return ok;
  },
  sometimes(run, i) {
    let seen = false;
    for (const e of effectsOf(run, i))
      seen = seen || (e.kind === 'reroute' && e.err === 0 && e.before.encapsulated > 0);
    return seen;
  },
});
