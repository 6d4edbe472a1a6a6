/** A host with one link for the TCP tests: 10.0.0.1/24 and 10.0.0.2/24 on eth0, and lo. */

import { hostCommand } from '../../model/host/commands.ts';
import { newWorld } from '../../model/host/newWorld.ts';
import { step } from '../../model/host/step.ts';
import { setTransportChecksum, transportChecksumCorrect } from '../../model/kernel/include/net/checksum.ts';
import { payloadOf } from '../../model/kernel/net/core/skbuff.ts';
import { ip_send_check } from '../../model/kernel/net/ipv4/ip_output.ts';
import { stock } from '../../model/patch/stock.ts';
import { type Event, NO_ENDPOINT, NO_PICKS, type Picks } from '../../model/types/event.ts';
import type { HostCommand } from '../../model/types/host.ts';
import { getSock, setSock, sockByName } from '../../model/types/lookup.ts';
import {
  CHECKSUM_NONE,
  IPPROTO_TCP,
  NO_IPH,
  NO_SKB,
  NO_TH,
  type SkBuff,
  TCPHDR_ACK,
  TCPHDR_FIN,
  TCPHDR_PSH,
  TCPHDR_RST,
  TCPHDR_SYN,
} from '../../model/types/packet.ts';
import { RTN_LOCAL } from '../../model/types/route.ts';
import type { Sock } from '../../model/types/sock.ts';
import type { Effect, Kernel, World } from '../../model/types/world.ts';
import { parseEvent } from '../../scenario/events.ts';
import { parseHostLine } from '../../scenario/host.ts';
import { ip } from './netfilterHost.ts';

export { ip };

export const HERE = ip('10.0.0.1');
export const PEER = ip('10.0.0.254');

const COMMANDS: readonly HostCommand[] = [
  'ip link add eth0 type veth peer name eth0p',
  'ip link set eth0 up',
  'ip addr add 10.0.0.1/24 dev eth0',
  'ip addr add 10.0.0.2/24 dev eth0',
].map(parseHostLine);

export function command(net: World, ...commands: readonly HostCommand[]): World {
  return commands.reduce((world, one) => {
    const { err, message, net: after } = hostCommand(world, one);
    if (err !== 0) throw new Error(message);
    return after;
  }, net);
}

/** Nothing leaves, and everything does again. */
export const DROP_OUTPUT = parseHostLine('iptables -P OUTPUT DROP');
export const ACCEPT_OUTPUT = parseHostLine('iptables -P OUTPUT ACCEPT');

export const sysctl = (net: World, values: Partial<World['sysctl']>): World => ({
  ...net,
  sysctl: { ...net.sysctl, ...values },
});

export const host = (): World => command(newWorld(), ...COMMANDS);

type Bare = Event extends infer E ? (E extends Event ? Omit<E, 'picks'> : never) : never;

export function events(
  kernel: Kernel,
  net: World,
  list: readonly Bare[],
  picks: Picks = NO_PICKS,
): { net: World; effects: readonly Effect[] } {
  return list.reduce<{ net: World; effects: readonly Effect[] }>(
    (run, event) => {
      const { world, effects } = step(kernel, run.net, { ...event, picks } as Event);
      return { net: world, effects: [...run.effects, ...effects] };
    },
    { net, effects: [] },
  );
}

export const tcp = (s: string): Bare => parseEvent(`socket ${s} tcp`);
export const connect = (s: string, port = 80, tfo = false, addr = PEER): Bare => ({
  kind: 'connect',
  s,
  to: { given: true, addr, port },
  tfo,
});
export const bind = (s: string, addr: number, port: number): Bare => ({
  kind: 'bind',
  s,
  to: { given: true, addr, port },
});
export const listen = (s: string, tfo = false): Bare => ({ kind: 'listen', s, tfo });
export const answer = (s: string): Bare => ({ kind: 'answer', s });
export const close = (s: string): Bare => ({ kind: 'close', s });
export const retransmit = (s: string): Bare => ({ kind: 'retransmit', s });
export const wait = (ms: number): Bare => ({ kind: 'wait', ms });
export const send = (s: string, len: number, tfo = false): Bare => ({
  kind: 'send',
  s,
  len,
  to: tfo ? { given: true, addr: PEER, port: 80 } : NO_ENDPOINT,
  from: 0,
  via: '',
  dontroute: false,
  flags: -1,
  tfo,
});

/** A segment from the peer. */
export function segment(
  flags: number,
  sport: number,
  dport: number,
  seq: number,
  ack_seq: number,
  len = 0,
  options: readonly number[] = [],
  cookieFor = 0,
  mark = 0,
): Bare {
  const skb: SkBuff = {
    ...NO_SKB,
    mark,
    ip_summed: CHECKSUM_NONE,
    iph: { ...NO_IPH, protocol: IPPROTO_TCP, ttl: 64, saddr: PEER, daddr: HERE },
    th: {
      ...NO_TH,
      source: sport,
      dest: dport,
      seq: seq >>> 0,
      ack_seq: ack_seq >>> 0,
      flags,
      window: 65535,
      doff: 5 + options.length / 2,
      options,
    },
    payload: payloadOf(len),
  };
  const iph = ip_send_check({ ...skb.iph, tot_len: 20 + skb.th.doff * 4 + len });
  return {
    kind: 'receive',
    dev: 'eth0',
    packet: { skb: setTransportChecksum({ ...skb, iph }, PEER, HERE), cookieFor },
  };
}

export { RTN_LOCAL, TCPHDR_ACK as ACK, TCPHDR_FIN as FIN, TCPHDR_PSH as PSH, TCPHDR_RST as RST, TCPHDR_SYN as SYN };

/** What left the host. */
export const wire = (effects: readonly Effect[]): readonly SkBuff[] =>
  effects.flatMap((e) => (e.kind === 'xmit' ? [e.skb] : []));

/** tcpdump's letters. */
export const letters = (skb: SkBuff): string =>
  [
    skb.th.flags & TCPHDR_FIN ? 'F' : '',
    skb.th.flags & TCPHDR_SYN ? 'S' : '',
    skb.th.flags & TCPHDR_RST ? 'R' : '',
    skb.th.flags & TCPHDR_PSH ? 'P' : '',
    skb.th.flags & TCPHDR_ACK ? '.' : '',
  ].join('') + (transportChecksumCorrect(skb) ? '' : ' bad checksum');

export const errs = (effects: readonly Effect[]): readonly number[] =>
  effects.flatMap((e) => (e.kind === 'syscall' ? [e.err] : []));

export const sock = (net: World, s: string): Sock => sockByName(net, s);

/** The world with a socket's fields changed. */
export const changed = (net: World, id: number, fields: Partial<Sock>): World =>
  setSock(net, { ...getSock(net, id), ...fields });

export const hex = (words: readonly number[]): string =>
  words.map((word) => word.toString(16).padStart(4, '0')).join('');

export { stock };
