/** A host with two uplinks for the netfilter tests: 10.0.0.1/24 on eth0, 172.16.0.9/24 and 10.1.0.1/30 on eth1. */

import { hostCommand } from '../../model/host/commands.ts';
import { iptablesCommand } from '../../model/host/iptables.ts';
import { newWorld } from '../../model/host/newWorld.ts';
import { setTransportChecksum } from '../../model/kernel/include/net/checksum.ts';
import { dev_get_by_name } from '../../model/kernel/net/core/dev.ts';
import { ip_send_check } from '../../model/kernel/net/ipv4/ip_output.ts';
import type { HostCommand } from '../../model/types/host.ts';
import {
  IPPROTO_ICMP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  NO_ICMPH,
  NO_IPH,
  NO_SKB,
  NO_TH,
  NO_UH,
  type SkBuff,
} from '../../model/types/packet.ts';
import {
  NF_ACCEPT,
  NF_INET_LOCAL_IN,
  NF_INET_LOCAL_OUT,
  NF_INET_POST_ROUTING,
  NF_INET_PRE_ROUTING,
  type NfHookState,
  NO_XT_RULE,
  type XtMatch,
  type XtTarget,
} from '../../model/types/verdict.ts';
import type { World } from '../../model/types/world.ts';
import { parseHostLine } from '../../scenario/host.ts';

/** 'a.b.c.d' as a number. */
export function ip(text: string): number {
  return text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

/** The world after the commands, each of which has to succeed. */
export function typed(net: World, ...commands: readonly HostCommand[]): World {
  return commands.reduce((before, one) => {
    const { err, message, net: after } = hostCommand(before, one);
    if (err !== 0) throw new Error(message);
    return after;
  }, net);
}

/** The post's host: mark 100 leads to eth1 through table 100. */
export const host: World = typed(
  newWorld(),
  ...[
    'ip link add eth0 type dummy',
    'ip link add eth1 type dummy',
    'ip link set eth0 up',
    'ip link set eth1 up',
    'ip addr add 10.0.0.1/24 dev eth0',
    'ip addr add 172.16.0.9/24 dev eth1',
    'ip addr add 10.1.0.1/30 dev eth1',
    'ip route add default via 10.0.0.254',
    'ip route add default via 10.1.0.2 table 100',
    'ip rule add fwmark 100 table 100',
  ].map(parseHostLine),
);

export const ETH0 = dev_get_by_name(host, 'eth0').ifindex;
export const ETH1 = dev_get_by_name(host, 'eth1').ifindex;

type Iptables = Extract<HostCommand, { kind: 'iptables' }>;

export function command(table: string, op: Iptables['op'], chain: string, more: Partial<Iptables> = {}): Iptables {
  const rule = NO_XT_RULE;
  return { kind: 'iptables', nft: false, table, op, chain, index: 1, policy: NF_ACCEPT, rule, ...more };
}

export function append(table: string, chain: string, matches: readonly XtMatch[], target: XtTarget): Iptables {
  return command(table, 'A', chain, { rule: { id: 0, matches, target, count: 0 } });
}

/** The host after the commands, each of which has to succeed. */
export function configured(net: World, ...commands: readonly Iptables[]): World {
  return commands.reduce((before, one) => {
    const { err, message, net: after } = iptablesCommand(before, one);
    if (err !== 0) throw new Error(message);
    return after;
  }, net);
}

/** What the command is refused with, '' when it is not. */
export function refusal(net: World, one: Iptables): string {
  return iptablesCommand(net, one).message;
}

export function at(hook: number, inDev = 0, out = 0): NfHookState {
  return { hook, in: inDev, out, sk: 0 };
}

export const OUT = at(NF_INET_LOCAL_OUT, 0, ETH0);
export const POST = at(NF_INET_POST_ROUTING, 0, ETH1);
export const PRE = at(NF_INET_PRE_ROUTING, ETH1, 0);
export const IN = at(NF_INET_LOCAL_IN, ETH1, 0);

function finish(skb: SkBuff): SkBuff {
  return setTransportChecksum({ ...skb, iph: ip_send_check(skb.iph) }, skb.iph.saddr, skb.iph.daddr);
}

/** A UDP datagram with `words` as its payload, all checksums right. */
export function udp(
  saddr: string,
  source: number,
  daddr: string,
  dest: number,
  words: readonly number[] = [0x6869],
): SkBuff {
  const len = words.length * 2;
  return finish({
    ...NO_SKB,
    id: 1,
    iph: { ...NO_IPH, ttl: 64, protocol: IPPROTO_UDP, tot_len: 28 + len, saddr: ip(saddr), daddr: ip(daddr) },
    uh: { ...NO_UH, source, dest, len: 8 + len },
    payload: { len, words },
  });
}

/** A TCP segment without payload. */
export function tcp(saddr: string, source: number, daddr: string, dest: number, flags: number, more = {}): SkBuff {
  return finish({
    ...NO_SKB,
    id: 1,
    iph: { ...NO_IPH, ttl: 64, protocol: IPPROTO_TCP, tot_len: 40, saddr: ip(saddr), daddr: ip(daddr) },
    th: { ...NO_TH, source, dest, flags, seq: 1000, window: 1000, ...more },
  });
}

/** An ICMP message. */
export function icmp(
  saddr: string,
  daddr: string,
  type: number,
  code: number,
  id: number,
  words: readonly number[] = [],
): SkBuff {
  const len = words.length * 2;
  return finish({
    ...NO_SKB,
    id: 1,
    iph: { ...NO_IPH, ttl: 64, protocol: IPPROTO_ICMP, tot_len: 28 + len, saddr: ip(saddr), daddr: ip(daddr) },
    icmph: { ...NO_ICMPH, type, code, id, sequence: 1 },
    payload: { len, words },
  });
}
