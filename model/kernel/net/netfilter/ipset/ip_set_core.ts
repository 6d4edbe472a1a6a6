/**
 * Sets: how they are asked for a packet, and how they change.
 *
 * C: net/netfilter/ipset/ip_set_core.c and the files of the types, ip_set_hash_*.c, ip_set_bitmap_*.c and ip_set_list_set.c, of
 * which one function here stands for all: a type is its dimensions.
 */

import { type IpSet, NO_ENTRY, NO_SET, type SetEntry, type SetType } from '../../../../types/ipset.ts';
import { IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP, type SkBuff } from '../../../../types/packet.ts';
import type { SetDim } from '../../../../types/verdict.ts';
import type { World } from '../../../../types/world.ts';
import { inet_make_mask } from '../../../include/linux/in.ts';
import { dportOf, sportOf } from '../xt_tcpudp.ts';

/** What the parts of an element are compared with. */
type Part = 'ip' | 'port' | 'ip2' | 'iface';

/** The parts of an element, in order. C: net/netfilter/ipset/ip_set_core.c, ip_set_create(); dimension of struct ip_set_type in each type's file. */
export function partsOf(type: SetType): readonly Part[] {
  switch (type) {
    case 'hash:ip':
    case 'hash:net':
    case 'bitmap:ip':
      return ['ip'];
    case 'hash:ip,port':
    case 'hash:net,port':
      return ['ip', 'port'];
    case 'hash:ip,port,ip':
    case 'hash:ip,port,net':
    case 'hash:net,port,net':
      return ['ip', 'port', 'ip2'];
    case 'hash:net,net':
      return ['ip', 'ip2'];
    case 'hash:net,iface':
      return ['ip', 'iface'];
    case 'bitmap:port':
      return ['port'];
    case 'list:set':
      return [];
  }
}

/** C: net/netfilter/ipset/ip_set_core.c, ip_set_get_byname(). */
export function ip_set_get_byname(net: World, name: string): IpSet {
  let found = NO_SET;
  for (const set of net.ipsets) found = set.name === name ? set : found;
  return found;
}

/** What a packet has where an element has its parts. */
interface Asked {
  readonly ip: number;
  readonly proto: number;
  readonly port: number;
  readonly ip2: number;
  readonly iface: string;
}

/** The port, or the type and code of an ICMP message. C: net/netfilter/ipset/ip_set_core.c, ip_set_test(); net/netfilter/ipset/ip_set_getport.c, get_port(). */
function portOf(skb: SkBuff, dim: SetDim): number {
  const { protocol } = skb.iph;
  if (protocol === IPPROTO_ICMP) return (skb.icmph.type << 8) | skb.icmph.code;
  const has = protocol === IPPROTO_TCP || protocol === IPPROTO_UDP;
  return !has ? 0 : dim === 'src' ? sportOf(skb) : dportOf(skb);
}

/** The packet as the set sees it through the dimensions that a rule names. C: net/netfilter/ipset/ip_set_core.c, ip_set_test(); net/netfilter/ipset/ip_set_hash_netport.c and its like, hash_netport4_kadt(). */
function askedOf(set: IpSet, skb: SkBuff, dims: readonly SetDim[], indev: string, outdev: string): Asked {
  let asked: Asked = { ip: 0, proto: skb.iph.protocol, port: 0, ip2: 0, iface: '' };
  let i = 0;
  for (const part of partsOf(set.type)) {
    const dim: SetDim = dims[i] as SetDim;
    const address = dim === 'src' ? skb.iph.saddr : skb.iph.daddr;
    asked =
      part === 'ip'
        ? { ...asked, ip: (address & inet_make_mask(set.netmask)) >>> 0 }
        : part === 'port'
          ? { ...asked, port: portOf(skb, dim) }
          : part === 'ip2'
            ? { ...asked, ip2: address }
            : { ...asked, iface: dim === 'src' ? indev : outdev };
    i = i + 1;
  }
  return asked;
}

/** Whether the element's time is over. C: include/linux/netfilter/ipset/ip_set.h, ip_set_timeout_expired(). */
export function ip_set_timeout_expired(net: World, { expires }: SetEntry): boolean {
  return expires >= 0 && net.now > expires;
}

/** Whether the element fits all that is asked. */
function entryFits(net: World, type: SetType, e: SetEntry, asked: Asked): boolean {
  const bitmapPort = type === 'bitmap:port';
  const ports = e.port === asked.port && (bitmapPort || e.proto === asked.proto);
  const hasPort = bitmapPort || e.proto !== 0;
  return (
    ((e.addr ^ asked.ip) & inet_make_mask(e.plen)) === 0 &&
    (!hasPort || ports) &&
    ((e.addr2 ^ asked.ip2) & inet_make_mask(e.plen2)) === 0 &&
    e.iface === asked.iface &&
    !ip_set_timeout_expired(net, e)
  );
}

/** The element with the longest prefix that fits, NO_ENTRY with `found` false for none. C: net/netfilter/ipset/ip_set_hash_gen.h, mtype_test_cidrs(). */
function mtype_test_cidrs(net: World, set: IpSet, asked: Asked): { found: boolean; entry: SetEntry } {
  let found = false;
  let entry = NO_ENTRY;
  for (const e of set.entries) {
    const longer: boolean = !found || e.plen > entry.plen || (e.plen === entry.plen && e.plen2 > entry.plen2);
    const here: boolean = longer && entryFits(net, set.type, e, asked);
    entry = here ? e : entry;
    found = found || here;
  }
  return { found, entry };
}

/**
 * Whether the packet is in the set, as a rule asks.
 *
 * C: net/netfilter/ipset/ip_set_core.c, ip_set_test(); net/netfilter/ipset/ip_set_list_set.c, list_set_ktest().
 */
export function ip_set_test(
  net: World,
  name: string,
  skb: SkBuff,
  dims: readonly SetDim[],
  indev: string,
  outdev: string,
): boolean {
  const set = ip_set_get_byname(net, name);
  if (set.inet6 || dims.length < partsOf(set.type).length) return false;
  if (set.type === 'list:set') {
    for (const e of set.entries) if (ip_set_test(net, e.member, skb, dims, indev, outdev)) return true;
    return false;
  }
  const asked = askedOf(set, skb, dims, indev, outdev);
  const { protocol } = skb.iph;
  if (set.type === 'bitmap:port' && protocol !== IPPROTO_TCP && protocol !== IPPROTO_UDP) return false;
  if (set.type === 'hash:net,iface' && asked.iface === '') return false;
  const { found, entry } = mtype_test_cidrs(net, set, asked);
  return found && !entry.nomatch;
}

/** Whether two elements have the same key. */
export function sameEntry(a: SetEntry, b: SetEntry): boolean {
  return (
    a.addr === b.addr &&
    a.plen === b.plen &&
    a.proto === b.proto &&
    a.port === b.port &&
    a.addr2 === b.addr2 &&
    a.plen2 === b.plen2 &&
    a.iface === b.iface &&
    a.member === b.member
  );
}

/** The sets with that one in the place of the one of its name, or at the end. */
export function setIpSet(net: World, changed: IpSet): World {
  let ipsets: readonly IpSet[] = [];
  let placed = false;
  for (const set of net.ipsets) {
    const here: boolean = set.name === changed.name;
    ipsets = [...ipsets, here ? changed : set];
    placed = placed || here;
  }
  return { ...net, ipsets: placed ? ipsets : [...ipsets, changed] };
}
