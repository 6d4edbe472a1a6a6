/** What the place of the mangle table among the hooks asks of whoever changes a packet there: conntrack before it, filters behind it. */
import {
  ctTuple,
  getCt,
  nf_ct_get_tuple,
  nf_ct_invert_tuple,
  nf_ct_tuple_equal,
} from '../model/kernel/net/netfilter/nf_conntrack_core.ts';
import type { SkBuff } from '../model/types/packet.ts';
import { SOCK_TCP, type Sock, TCP_CLOSE } from '../model/types/sock.ts';
import {
  IP_CT_DIR_ORIGINAL,
  IP_CT_DIR_REPLY,
  IP_CT_ESTABLISHED,
  IP_CT_RELATED,
  IP_CT_UNTRACKED,
  type NfConn,
} from '../model/types/verdict.ts';
import type { Effect } from '../model/types/world.ts';
import { sameEnds, socksMangled } from './address.ts';
import { asking, forgotten, lastSent } from './answers.ts';
import { everyDeparture, everyReroute } from './every.ts';
import { inSocks, type Reroute, userSocket, worldAfter } from './packets.ts';
import { effectsOf, everyStep, type Property, type Run, worldBefore } from './property.ts';
import { statefulHost } from './scopes/runs.ts';
import { departure } from './sentences.ts';

export const orderProperties: readonly Property[] = [
  everyDeparture({
    id: 'conntrack-tuple-on-wire',
    concern: 'netfilter',
    gravity: 'books',
    claim:
      'A packet leaves with the addresses and ports that connection tracking recorded for it, translated as its NAT entry says.',
    asked: [
      'nf_conntrack_confirm(): the recorded tuples go into the table, not the packet',
      'iptables-extensions(8), conntrack: the state of a packet is that of its connection',
    ],
    onStock: '',
    scope: statefulHost,
    speaksOf: (run, i, { skb }) => skb.sk !== 0 && entryOf(run, i, skb).id !== 0,
    holds(run, i, { skb }) {
      const recorded = nf_ct_invert_tuple(ctTuple(entryOf(run, i, skb), otherDir(skb.ctdir)));
      return nf_ct_tuple_equal(recorded, nf_ct_get_tuple(skb));
    },
    sometimes: (_run, _i, { skb }) => skb.mark !== 0,
    finding: (run, i) => `${departure(run, i)}, which is not what connection tracking recorded for it`,
  }),

  everyStep({
    id: 'answer-is-established',
    concern: 'netfilter',
    gravity: 'dead connection',
    claim: "A correct peer's answer belongs, for connection tracking, to the connection that it answers.",
    asked: [
      'iptables-extensions(8), conntrack: ESTABLISHED is a packet of a connection which has seen packets in both directions',
    ],
    onStock: '',
    scope: statefulHost,
    asksOf: ['answer'],
    holds(run, i) {
      if (!answeredTracked(run, i)) return true;
      let ok = true;
      for (const e of effectsOf(run, i)) {
        const known = (e.kind === 'deliver' || e.kind === 'free') && e.skb.ct !== 0;
        const own = known && (e.skb.ctinfo === IP_CT_ESTABLISHED || e.skb.ctinfo === IP_CT_RELATED);
        ok = ok && (!arrived(e) || own);
      }
      return ok;
    },
    sometimes: answeredTracked,
    finding: () =>
      'the answer of a correct peer belongs to no connection that is tracked, so that a rule for ESTABLISHED does not let it in',
  }),

  everyReroute({
    id: 'dropped-packet-leaves-socket',
    concern: 'netfilter',
    gravity: 'wrong address',
    claim: 'A packet that a later rule drops leaves its socket with the addresses, the port and the place that it had.',
    asked: [
      'netfilter: a verdict decides about a packet',
      'getsockname(2), send(2): a call that fails with EPERM changes no name',
    ],
    onStock: '',
    scope: statefulHost,
    speaksOf: (run, i, e) => droppedLater(run, i, e),
    holds: (run, i, { before, socks }) =>
      sameEnds(inSocks(socks, before.sk), leftBy(effectsOf(run, i), before.id, before.sk)),
    finding: () => 'a later rule drops the packet, yet its socket has moved to another address, port or place',
  }),
];

/** The entry that packet of step `i` belongs to, id 0 for none; an ICMP error is only related to one. */
function entryOf(run: Run, i: number, skb: SkBuff): NfConn {
  return getCt(worldAfter(run, i), skb.ctinfo === IP_CT_RELATED ? 0 : skb.ct);
}

/** The opposite direction. */
function otherDir(dir: number): number {
  return dir === IP_CT_DIR_ORIGINAL ? IP_CT_DIR_REPLY : IP_CT_DIR_ORIGINAL;
}

/** Whether that is the end of a packet that came in while connections are tracked. */
function arrived(e: Effect): boolean {
  return (e.kind === 'deliver' || e.kind === 'free') && e.skb.iif !== 0;
}

/**
 * Whether step `i` is a peer's answer that a rule on connection states decides about: what left a VRF that it was routed
 * out of again is not tracked (vrf_nf_set_untracked()).
 */
function answeredTracked(run: Run, i: number): boolean {
  const sk = asking(run, i);
  const before = worldBefore(run, i);
  const { skb } = lastSent(before, sk.id);
  if (!before.ct_enabled || sk.id === 0 || forgotten(before, skb) || skb.ctinfo === IP_CT_UNTRACKED) return false;
  let seen = false;
  for (const e of effectsOf(run, i)) seen = seen || arrived(e);
  return seen;
}

/** Whether that packet was dropped at the end of a list of effects. */
function dropped(effects: readonly Effect[], id: number): boolean {
  let freed = false;
  for (const e of effects) freed = freed || (e.kind === 'free' && e.skb.id === id);
  return freed;
}

/** The socket as the mangle hook left it when it was done with packet `id`, NO_SOCK when it never was. */
function leftBy(effects: readonly Effect[], id: number, sk: number): Sock {
  return inSocks(socksMangled(effects, id), sk);
}

/** Whether the second lookup went well for a user's packet that was dropped behind it. */
function droppedLater(run: Run, i: number, { err, before }: Reroute): boolean {
  if (err < 0 || !dropped(effectsOf(run, i), before.id)) return false;
  const sk = leftBy(effectsOf(run, i), before.id, before.sk);
  return userSocket(sk) && (sk.kind !== SOCK_TCP || sk.sk_state !== TCP_CLOSE);
}
