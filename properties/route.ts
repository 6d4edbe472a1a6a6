/** Routes: by which rules, for which device, and from which memory a packet's route is chosen. */

import { step } from '../model/host/step.ts';
import { ipv4_is_multicast } from '../model/kernel/include/linux/in.ts';
import { dev_get_by_index, dev_get_by_name } from '../model/kernel/net/core/dev.ts';
import { fib_lookup } from '../model/kernel/net/ipv4/fib_rules.ts';
import { __ip_route_output_key } from '../model/kernel/net/ipv4/route.ts';
import { l3mdev_master_dev_rcu, l3mdev_master_ifindex_by_index } from '../model/kernel/net/l3mdev/l3mdev.ts';
import { getCt } from '../model/kernel/net/netfilter/nf_conntrack_core.ts';
import { decode_session4, xfrm_policy_lookup } from '../model/kernel/net/xfrm/xfrm_policy.ts';
import { mayDependOnStack } from '../model/types/effects.ts';
import { sockByName } from '../model/types/lookup.ts';
import { formatAddress } from '../model/types/net.ts';
import type { SkBuff } from '../model/types/packet.ts';
import { type FibAlias, type FlowI4, RT_SCOPE_HOST, type Rtable } from '../model/types/route.ts';
import { NO_SOCK, SOCK_RAW, type Sock } from '../model/types/sock.ts';
import type { Effect, World } from '../model/types/world.ts';
import { XFRM_POLICY_BLOCK } from '../model/types/xfrm.ts';
import { everyDeparture, everyMangled, everyReroute } from './every.ts';
import {
  callOn,
  dontRoute,
  inSocks,
  keyOf,
  leaves,
  messageDevice,
  namesDevice,
  ownerOf,
  type Reroute,
  rerouted,
  rewiredSince,
  sameTuple,
  sourcePort,
  userSocket,
  worldAfter,
  type Xmit,
} from './packets.ts';
import { at, effectsOf, eventOf, everyStep, type Property, type Run, worldBefore } from './property.ts';
import { oneProvider, otherPaths, protectedHosts, severalPaths, twoUplinks, vrfHosts } from './scopes/runs.ts';
import { departure, departureOr, lastDeparture } from './sentences.ts';

export const routeProperties: readonly Property[] = [
  everyDeparture({
    id: 'bound-device-kept',
    concern: 'route',
    gravity: 'wrong path',
    claim: 'A socket that is bound to a device sends by that device; one that is bound to a VRF, where its rules lead.',
    asked: ['socket(7): SO_BINDTODEVICE', 'Documentation/networking/vrf.rst'],
    onStock: '',
    scope: otherPaths,
    speaksOf: (run, i, { skb }) => boundDevice(run, i, ownerOf(run, i, skb)) !== 0,
    holds(run, i, { dev, skb }) {
      const sk = ownerOf(run, i, skb);
      const net = worldBefore(run, i);
      const demanded = boundDevice(run, i, sk);
      return namesDevice(run, i, sk) || goesBy(net, dev, demanded) || leadsOut(net, demanded, skb, sk);
    },
    sometimes: (run, i, { skb }) => rerouted(run, i, skb.id),
    finding: (run, i) => `${departure(run, i)}, although its socket is bound to another link`,
  }),

  everyDeparture({
    id: 'message-device-kept',
    concern: 'route',
    gravity: 'wrong path',
    claim: 'A datagram whose device its user named leaves by that device.',
    asked: ['ip(7): IP_PKTINFO, ipi_ifindex', 'include/uapi/linux/in.h: IP_UNICAST_IF, which says nothing of groups'],
    onStock: 'the second lookup knows the device a socket is bound to, not that of one message or of IP_UNICAST_IF',
    scope: otherPaths,
    speaksOf: (run, i, { skb }) =>
      messageDevice(run, i, ownerOf(run, i, skb)) !== 0 &&
      (namesDevice(run, i, ownerOf(run, i, skb)) || !ipv4_is_multicast(skb.iph.daddr)),
    holds: (run, i, { dev, skb }) => goesBy(worldBefore(run, i), dev, messageDevice(run, i, ownerOf(run, i, skb))),
    sometimes: (run, i, { skb }) => rerouted(run, i, skb.id),
    finding: (run, i) => `${departure(run, i)}, although its user named another link for it`,
  }),

  everyDeparture({
    id: 'dontroute-stays-on-link',
    concern: 'route',
    gravity: 'wrong path',
    claim: 'A packet sent with SO_DONTROUTE or MSG_DONTROUTE goes to its destination directly, never to a gateway.',
    asked: ['socket(7): SO_DONTROUTE', 'send(2): MSG_DONTROUTE'],
    onStock: 'the second lookup takes its TOS from the IP header, which has no bit for it',
    scope: otherPaths,
    speaksOf: (run, i, { skb }) => dontRoute(run, i, ownerOf(run, i, skb)),
    holds: (_run, _i, { gateway }) => gateway === 0,
    sometimes: (run, i, { skb }) => rerouted(run, i, skb.id),
    finding: (run, i) => `${departure(run, i)}, to a gateway, although its user asked for no routing`,
  }),

  everyMangled({
    id: 'rerouted-by-ports',
    concern: 'route',
    gravity: 'wrong path',
    claim: 'A packet that is routed a second time takes the route that the rules give for its protocol and ports.',
    asked: ['ip-rule(8): ipproto, sport, dport'],
    onStock: '',
    scope: otherPaths,
    speaksOf: (run, i, { skb }) => portRules(worldBefore(run, i)) && routedAgain(run, i, skb),
    holds(run, i, { skb }) {
      const net = worldBefore(run, i);
      const sk = ownerOf(run, i, skb);
      return leadsEither(net, skb, sk, sk.sk_uid) || leadsEither(net, skb, sk, 0);
    },
    finding: (run, i) => `${departure(run, i)}, which is not the route that the rules give for its protocol and ports`,
  }),

  everyMangled({
    id: 'rerouted-by-user',
    concern: 'route',
    gravity: 'wrong path',
    claim: 'A packet that is routed a second time takes the route that the rules give for its user.',
    asked: ['ip-rule(8): uidrange'],
    onStock: 'the second lookup has no user: to uidrange rules every packet is of user 0',
    scope: otherPaths,
    speaksOf: (run, i, { skb }) => userRules(worldBefore(run, i)) && routedAgain(run, i, skb),
    holds(run, i, { skb }) {
      const net = worldBefore(run, i);
      const sk = ownerOf(run, i, skb);
      return leadsEither(net, skb, sk, sk.sk_uid) || !leadsEither(net, skb, sk, 0);
    },
    sometimes: (run, i, { skb }) => ownerOf(run, i, skb).sk_uid !== 0,
    finding: (run, i) => `${departure(run, i)}, which is not the route that the rules give for its user`,
  }),

  everyMangled({
    id: 'rerouted-by-tos',
    concern: 'route',
    gravity: 'wrong path',
    claim: 'A packet that is routed a second time takes the route that the rules give for the TOS it then carries.',
    asked: ['ip-rule(8): tos', 'RFC 1349 section 4'],
    onStock: '',
    scope: twoUplinks,
    proof: 'own-mark',
    speaksOf: (run, i, { skb }) => tosRules(worldBefore(run, i)) && routedAgain(run, i, skb),
    holds(run, i, { skb }) {
      const net = worldBefore(run, i);
      const sk = ownerOf(run, i, skb);
      const without = { ...skb, iph: { ...skb.iph, tos: 0 } };
      return leadsAny(net, skb, sk) || !leadsAny(net, without, sk);
    },
    sometimes: (_run, _i, { skb }) => skb.iph.tos !== 0,
    finding: (run, i) => `${departure(run, i)}, which is not the route that the rules give for its TOS`,
  }),

  everyMangled({
    id: 'rerouted-by-source',
    concern: 'route',
    gravity: 'wrong path',
    claim: 'A packet that is routed a second time takes the route that the rules give for the source it then carries.',
    asked: ['ip-rule(8): from', 'RFC 3704 section 4.3: with several providers, a source goes out by its own'],
    onStock: '',
    scope: otherPaths,
    speaksOf: (run, i, { skb }) => sourceRules(worldBefore(run, i)) && routedAgain(run, i, skb),
    holds(run, i, { skb }) {
      const net = worldBefore(run, i);
      const sk = ownerOf(run, i, skb);
      return leadsThere(net, keyOf(skb, sk, skb.iph.saddr, 0), skb) || !leadsThere(net, keyOf(skb, sk, 0, 0), skb);
    },
    finding: (run, i) => `${departure(run, i)}, which is not the route that the rules give for that source`,
  }),

  everyReroute({
    id: 'vrf-kept',
    concern: 'route',
    gravity: 'wrong path',
    claim:
      'A packet that is in a VRF when it is routed a second time stays there, unless the rules lead packets of that VRF elsewhere.',
    asked: [
      'Documentation/networking/vrf.rst: a rule directs lookups to the table of the device',
      'ip-rule(8): l3mdev',
    ],
    onStock: '',
    scope: vrfHosts,
    speaksOf: (run, i, e) => vrfBefore(worldBefore(run, i), e) !== 0,
    holds(run, i, e) {
      const net = worldBefore(run, i);
      const vrf = vrfBefore(net, e);
      const stays = l3mdev_master_ifindex_by_index(net, e.after.dst.dev) === vrf;
      return stays || leadsFromVrf(net, vrf, e.after, ownerOf(run, i, e.after));
    },
    finding: (run, i) => `${departure(run, i)}, outside of the VRF that its route was in`,
  }),

  everyStep({
    id: 'route-ignores-garbage',
    concern: 'route',
    gravity: 'wrong path',
    claim: 'By which link, gateway and address a packet leaves does not depend on memory that nobody initialised.',
    asked: ['C17 section 6.7.9: an object without initialiser is indeterminate', 'ip-rule(8): the selectors there are'],
    onStock: '',
    scope: otherPaths,
    asksOf: ['reroute'],
    holds(run, i) {
      if (!lookedUpAgain(run, i) || !mayDependOnStack(at(run, i).world)) return true;
      const event = eventOf(run, i);
      let ok = true;
      for (const stack of MEMORIES) {
        if (ok && stack !== event.picks.stack) {
          const again = step(run.kernel, worldBefore(run, i), { ...event, picks: { ...event.picks, stack } });
          ok = sameDepartures(effectsOf(run, i), again.effects);
        }
      }
      return ok;
    },
    sometimes: lookedUpAgain,
    finding: (run, i) => `${departure(run, i)}, and not so when memory that nobody initialised holds something else`,
  }),

  everyReroute({
    id: 'unchanged-packet-stays',
    concern: 'route',
    gravity: 'wrong path',
    claim:
      'A packet that still has the mark that it was made with, the TOS of its socket, and its addresses, is not routed a second time.',
    asked: ['iptables(8): OUTPUT', 'net/ipv4/netfilter/iptable_mangle.c as it stands: what changed is routed again'],
    onStock: '',
    scope: twoUplinks,
    proof: 'own-mark',
    // What leaves by a link in a VRF passes the rules twice, and the first time may have changed it.
    speaksOf: (run, i, { before }) =>
      userSocket(ownerOf(run, i, before)) &&
      !before.hdrincl &&
      l3mdev_master_ifindex_by_index(worldBefore(run, i), before.dst.dev) === 0 &&
      !routedTwiceAgain(run, i, before.id),
    holds(run, i, { before }) {
      const { srcNat, dstNat } = getCt(worldAfter(run, i), before.ct);
      const marked = before.mark !== madeWith(effectsOf(run, i), before);
      return marked || before.iph.tos !== ownerOf(run, i, before).tos || srcNat || dstNat;
    },
    sometimes: (run, i, { before }) => ownerOf(run, i, before).sk_mark !== 0,
    finding: (run, i) => `${departureOr(run, i, 'a packet')}, routed a second time although no rule changed it`,
  }),

  everyReroute({
    id: 'mark-alone-changes-nothing',
    concern: 'route',
    gravity: 'wrong address',
    claim:
      "A mark or TOS that leaves a packet's route as it was leaves its source, its port and its socket's name, too.",
    asked: ['iptables-extensions(8): MARK, TOS, DSCP: what they set', 'tc-fw(8): marks that select a class'],
    onStock: '',
    scope: oneProvider,
    speaksOf: (_run, _i, e) => sameRouteAgain(e),
    holds(run, i, { before, socks }) {
      let ok = true;
      for (const e of effectsOf(run, i)) {
        if (e.kind === 'mangled' && e.skb.id === before.id)
          ok =
            ok &&
            e.skb.iph.saddr === before.iph.saddr &&
            sourcePort(e.skb) === sourcePort(before) &&
            sameName(inSocks(e.socks, before.sk), inSocks(socks, before.sk));
      }
      return ok;
    },
    finding: (run, i) =>
      `${departureOr(run, i, 'a packet')}, with another source or port than before a mark or TOS that changed no route`,
  }),

  everyDeparture({
    id: 'source-is-an-address',
    concern: 'route',
    gravity: 'lost packet',
    claim: 'A host that has an address sends nothing from 0.0.0.0, from a group or from a broadcast address.',
    asked: ['RFC 1122 section 3.2.1.3'],
    onStock: 'a VRF without links has no address to give, and lets what its table does not answer out by the main one',
    scope: otherPaths,
    speaksOf: (run, i) => hasAddress(worldBefore(run, i)),
    holds: (_run, _i, { skb }) => skb.iph.saddr !== 0 && skb.iph.saddr < 0xe0000000,
    sometimes(run, i, { gateway }) {
      const event = eventOf(run, i);
      const sk = event.kind === 'send' ? sockByName(worldBefore(run, i), event.s) : NO_SOCK;
      return gateway === 0 && sk.inet_saddr === 0;
    },
    finding: (run, i) => `${departure(run, i)}, which is no address of a host`,
  }),

  everyDeparture({
    id: 'policies-obeyed',
    concern: 'route',
    gravity: 'sent in clear',
    claim: 'A packet leaves as the IPsec policy for its addresses says: protected, as it is, or not at all.',
    asked: ['RFC 4301 section 5.1: every outbound packet is processed by the policy that its selectors match'],
    onStock: '',
    scope: protectedHosts,
    speaksOf: (run, i, e) => underPolicies(run, i, e),
    holds(run, i, { skb }) {
      const policy = xfrm_policy_lookup(worldBefore(run, i), decode_session4(skb));
      return policy.action !== XFRM_POLICY_BLOCK && skb.dst.xfrm === policy.tmpl;
    },
    sometimes: (run, i, { skb }) => rerouted(run, i, skb.id),
    finding(run, i) {
      const how = lastDeparture(run, i).skb.dst.xfrm ? 'protected' : 'in clear';
      return `${departure(run, i)}, ${how}, which is not what the IPsec policy for its addresses says`;
    },
  }),

  everyDeparture({
    id: 'flow-keeps-path',
    concern: 'route',
    gravity: 'wrong path',
    claim: 'Packets of one flow, with one mark, take one path of a route that has several.',
    asked: ['RFC 2992 section 2', 'ip-sysctl: fib_multipath_hash_policy'],
    onStock: '',
    scope: severalPaths,
    speaksOf: (run, i, { skb }) => hashChooses(run, i, skb),
    holds: (run, i, e) => asBefore(run, i, e).same,
    sometimes: (run, i, e) => rerouted(run, i, e.skb.id) && asBefore(run, i, e).found,
    finding(run, i) {
      const { gateway } = lastDeparture(run, i);
      const via = gateway === 0 ? 'no gateway' : formatAddress(gateway);
      return `${departure(run, i)} via ${via}, another path than an earlier packet of the same flow took`;
    },
  }),
];
/** The mark of that packet when it was made. */
function madeWith(effects: readonly Effect[], { id, mark }: SkBuff): number {
  let made = mark;
  for (const e of effects) made = e.kind === 'alloc' && e.skb.id === id ? e.skb.mark : made;
  return made;
}

/** The device that the user demands for all packets of that socket: SO_BINDTODEVICE. 0 for none. */
function boundDevice(run: Run, i: number, sk: Sock): number {
  let dev = 0;
  let k = 0;
  for (const event of run.events) {
    const opened = k <= i && event.kind === 'socket' && callOn(run, k, sk);
    dev = opened && event.kind === 'socket' ? dev_get_by_name(worldBefore(run, i), event.dev).ifindex : dev;
    k = k + 1;
  }
  return userSocket(sk) && sk.parent === 0 ? dev : 0;
}

/** Whether what leaves by link `dev` goes by the device that a user demands: a VRF stands for each of its links. */
function goesBy(net: World, dev: number, demanded: number): boolean {
  return dev === demanded || l3mdev_master_ifindex_by_index(net, dev) === demanded;
}

/** Whether the device is a VRF, from which the rules lead on to where the packet goes: its own table may have no answer. */
function leadsOut(net: World, demanded: number, skb: SkBuff, sk: Sock): boolean {
  const isVrf = dev_get_by_index(net, demanded).vrf_tb_id !== 0;
  return isVrf && leadsEither(net, skb, sk, sk.sk_uid);
}

/** Whether that packet was routed again more than once in step `i`. */
function routedTwiceAgain(run: Run, i: number, id: number): boolean {
  let times = 0;
  for (const e of effectsOf(run, i)) times = e.kind === 'reroute' && e.before.id === id ? times + 1 : times;
  return times > 1;
}

/** Whether that packet was routed again for a user who demanded no path. */
function routedAgain(run: Run, i: number, skb: SkBuff): boolean {
  let there = false;
  // A packet passes the hook twice on its way through a VRF.
  for (const e of effectsOf(run, i))
    there = there || (e.kind === 'reroute' && e.err === 0 && e.after.id === skb.id && e.after.dst.dev === skb.dst.dev);
  if (!there) return false;
  const sk = ownerOf(run, i, skb);
  return userSocket(sk) && messageDevice(run, i, sk) === 0 && !dontRoute(run, i, sk);
}

/** Whether the rules lead a packet with that key where `skb` goes, as one of the VRF that this is in or not. */
export function leadsThere(net: World, key: FlowI4, skb: SkBuff): boolean {
  const vrf = l3mdev_master_ifindex_by_index(net, skb.dst.dev);
  return leads(net, key, skb) || (vrf !== 0 && leads(net, { ...key, flowi4_l3mdev: vrf }, skb));
}

function leads(net: World, key: FlowI4, { dst }: SkBuff): boolean {
  const { rt } = __ip_route_output_key(net, key);
  const there = rt.dev === dst.dev && rt.rt_gw4 === dst.rt_gw4;
  return rt.err === 0 && (there || (rt.table === dst.table && onePathOf(fib_lookup(net, key).fa, dst)));
}

/** Whether a route of several paths has that one: which is taken is the hash's to say. */
function onePathOf({ fib_nhs }: FibAlias, dst: Rtable): boolean {
  let one = false;
  for (const { nh_dev, nh_gw } of fib_nhs) one = one || (nh_dev === dst.dev && nh_gw === dst.rt_gw4);
  return one;
}

/** The same with the packet's source or without one: a source that the kernel chose may be asked for or not. */
export function leadsEither(net: World, skb: SkBuff, sk: Sock, uid: number): boolean {
  return leadsThere(net, keyOf(skb, sk, skb.iph.saddr, uid), skb) || leadsThere(net, keyOf(skb, sk, 0, uid), skb);
}

/** The same for its user or for none, whom a second lookup may not know. */
function leadsAny(net: World, skb: SkBuff, sk: Sock): boolean {
  return leadsEither(net, skb, sk, sk.sk_uid) || leadsEither(net, skb, sk, 0);
}

/** Whether some rule selects by protocol or port. */
function portRules(net: World): boolean {
  let found = false;
  for (const rule of net.rules)
    found = found || rule.ip_proto !== 0 || rule.sport_start !== 0 || rule.dport_start !== 0;
  return found;
}

/** Whether some rule or route selects by TOS. */
function tosRules(net: World): boolean {
  let found = false;
  for (const rule of net.rules) found = found || rule.tos !== 0;
  for (const { aliases } of net.tables) for (const { fa_tos } of aliases) found = found || fa_tos !== 0;
  return found;
}

/** Whether some rule selects by user. */
function userRules(net: World): boolean {
  let found = false;
  for (const rule of net.rules) found = found || rule.uid_start <= rule.uid_end;
  return found;
}

/** Whether some rule selects by source. */
function sourceRules(net: World): boolean {
  let found = false;
  for (const rule of net.rules) found = found || rule.src_len !== 0;
  return found;
}

/** The VRF that a packet was in when it was routed again, 0 for none and for one that is down. */
function vrfBefore(net: World, { err, before }: Reroute): number {
  if (err !== 0) return 0;
  const vrf = l3mdev_master_dev_rcu(net, dev_get_by_index(net, before.dst.dev));
  return vrf.up ? vrf.ifindex : 0;
}

/** Whether the rules lead packets of that VRF where `skb` goes, with the key of this or that lookup. */
function leadsFromVrf(net: World, vrf: number, skb: SkBuff, sk: Sock): boolean {
  let leads = false;
  for (const saddr of [skb.iph.saddr, 0]) {
    for (const uid of [sk.sk_uid, 0]) {
      leads = leads || leadsThere(net, { ...keyOf(skb, sk, saddr, uid), flowi4_l3mdev: vrf }, skb);
    }
  }
  return leads;
}

/** Values of uninitialised memory: nothing, all bits, a port and a protocol, a user, the numbers of lo and of the first link. */
export const MEMORIES: readonly number[] = [0, 0xffffffff, 0x00500600, 0x03e80000, 0x00010000, 0x00020000];

/** Whether two lists of effects show the same packets on the same links. */
function sameDepartures(a: readonly Effect[], b: readonly Effect[]): boolean {
  const left = departures(a);
  const right = departures(b);
  let same = left.length === right.length;
  let k = 0;
  for (const x of left) {
    const y = k < right.length ? (right[k] as Xmit) : x;
    same = same && x.dev === y.dev && x.gateway === y.gateway && x.skb.iph.saddr === y.skb.iph.saddr;
    k = k + 1;
  }
  return same;
}

/** The packets that left. */
function departures(effects: readonly Effect[]): readonly Xmit[] {
  let list: readonly Xmit[] = [];
  for (const e of effects) list = leaves(e) ? [...list, e] : list;
  return list;
}

/** Whether the second lookup ran in step `i`. */
function lookedUpAgain(run: Run, i: number): boolean {
  let seen = false;
  for (const e of effectsOf(run, i)) seen = seen || e.kind === 'reroute';
  return seen;
}

/** Whether two states of a socket have the same name, port and place in the tables. */
function sameName(a: Sock, b: Sock): boolean {
  return (
    a.inet_saddr === b.inet_saddr &&
    a.inet_rcv_saddr === b.inet_rcv_saddr &&
    a.inet_num === b.inet_num &&
    a.inet_sport === b.inet_sport
  );
}

/** Whether a second lookup gave the route of the first. */
function sameRouteAgain({ err, before, after }: Reroute): boolean {
  return (
    err === 0 &&
    before.dst.dev === after.dst.dev &&
    before.dst.rt_gw4 === after.dst.rt_gw4 &&
    before.dst.table === after.dst.table
  );
}

/** Whether the host has an address on a link that is up. */
function hasAddress(net: World): boolean {
  let found = false;
  for (const dev of net.devs)
    for (const ifa of dev.ifa_list) found = found || (dev.up && ifa.ifa_scope < RT_SCOPE_HOST && ifa.ifa_local !== 0);
  return found;
}

/** Whether IPsec's policies speak of that packet; a user of raw sockets may show the lookup another one than the wire. */
function underPolicies(run: Run, i: number, e: Xmit): boolean {
  return !e.skb.hdrincl && ownerOf(run, i, e.skb).kind !== SOCK_RAW && worldBefore(run, i).xfrm_policy.length > 0;
}

/** Whether two packets belong to one flow that is marked alike. */
function sameFlow(a: SkBuff, b: SkBuff): boolean {
  return (
    a.sk === b.sk &&
    a.mark === b.mark &&
    a.iph.tos === b.iph.tos &&
    a.iph.protocol === b.iph.protocol &&
    a.icmph.type === b.icmph.type &&
    sameTuple(a, b)
  );
}

/** Whether the path of what leaves in step `i` is the hash's to choose: the user has no say. */
function hashChooses(run: Run, i: number, skb: SkBuff): boolean {
  const sk = ownerOf(run, i, skb);
  const event = eventOf(run, i);
  const said = event.kind === 'send' && event.s === sk.name && (event.from !== 0 || event.via !== '');
  return userSocket(sk) && !skb.hdrincl && !said;
}

/** Whether the user bound or connected the socket after step `since`, up to step `i`: its lookups then have other keys. */
function renamedSince(run: Run, since: number, i: number, sk: Sock): boolean {
  let renamed = false;
  for (let k = since + 1; k < i + 1; k += 1) {
    const { kind } = eventOf(run, k);
    renamed = renamed || ((kind === 'bind' || kind === 'connect') && callOn(run, k, sk));
  }
  return renamed;
}

/** Whether `e`, of step `i`, leaves as an earlier packet of its flow did by the same table; `found` whether there is one. */
function asBefore(run: Run, i: number, e: Xmit): { same: boolean; found: boolean } {
  let same = true;
  let found = false;
  let k = 0;
  for (const { effects } of run.steps) {
    for (const other of effects) {
      const earlier =
        k <= i &&
        leaves(other) &&
        other.skb.id < e.skb.id &&
        sameFlow(other.skb, e.skb) &&
        other.skb.dst.table === e.skb.dst.table &&
        hashChooses(run, k, other.skb) &&
        !renamedSince(run, k, i, ownerOf(run, i, e.skb)) &&
        !rewiredSince(run, k, i);
      found = found || earlier;
      same = same && (!earlier || !leaves(other) || (other.dev === e.dev && other.gateway === e.gateway));
    }
    k = k + 1;
  }
  return { same, found };
}
