/** The ipset command, and what it is refused with. Observed: ipset 7.17 on Linux 6.18, 2026-11-28. */
import { inet_make_mask } from '../kernel/include/linux/in.ts';
import {
  ip_set_get_byname,
  ip_set_timeout_expired,
  partsOf,
  sameEntry,
  setIpSet,
} from '../kernel/net/netfilter/ipset/ip_set_core.ts';
import { EBUSY, EEXIST, EINVAL, ENOENT } from '../types/errno.ts';
import type { HostCommand } from '../types/host.ts';
import type { IpSet, SetEntry, SetType } from '../types/ipset.ts';
import type { XtTable } from '../types/verdict.ts';
import type { World } from '../types/world.ts';
import { sameWords } from './iptables.ts';
import { type CommandResult, refused } from './netlink.ts';

type Ipset = Extract<HostCommand, { readonly kind: 'ipset' }>;

function done(net: World): CommandResult {
  return { err: 0, message: '', net };
}

function no(net: World, err: number, words: string): CommandResult {
  return refused(net, -err, `ipset v7.17: ${words}`);
}

function noSet(net: World): CommandResult {
  return no(net, ENOENT, 'The set with the given name does not exist');
}

/** Whether a rule of the table asks the set. */
function asks(table: XtTable, name: string): boolean {
  let found = false;
  for (const chain of table.chains) {
    for (const rule of chain.rules) {
      for (const m of rule.matches) found = found || (m.kind === 'set' && m.set === name);
    }
  }
  return found;
}

/** Whether a rule or another set needs the set. C: net/netfilter/ipset/ip_set_core.c, set->ref. */
function inUse(net: World, name: string): boolean {
  let used = asks(net.raw, name) || asks(net.mangle, name) || asks(net.nat, name) || asks(net.filter, name);
  for (const set of net.ipsets) for (const e of set.entries) used = used || e.member === name;
  return used;
}

function withoutSet(net: World, name: string): World {
  let ipsets: readonly IpSet[] = [];
  for (const set of net.ipsets) ipsets = set.name === name ? ipsets : [...ipsets, set];
  return { ...net, ipsets };
}

/** The elements without that one, and without those whose time is up. */
function withoutEntry(net: World, set: IpSet, entry: SetEntry): readonly SetEntry[] {
  let entries: readonly SetEntry[] = [];
  for (const e of set.entries) {
    const stays = !sameEntry(e, entry) && !ip_set_timeout_expired(net, e);
    entries = stays ? [...entries, e] : entries;
  }
  return entries;
}

function hasEntry(net: World, set: IpSet, entry: SetEntry): boolean {
  let found = false;
  for (const e of set.entries) found = found || (sameEntry(e, entry) && !ip_set_timeout_expired(net, e));
  return found;
}

/** The element as the set keeps it: with the time that it has. */
function kept(net: World, set: IpSet, command: Ipset): SetEntry {
  const seconds = command.timeout >= 0 ? command.timeout : set.timeout;
  return { ...command.entry, expires: seconds === 0 ? -1 : net.now + seconds * 1000 };
}

/** The command with its element cut to a network of the set's netmask. C: net/netfilter/ipset/ip_set_hash_ip.c, hash_ip4_uadt(). */
function cut(set: IpSet, command: Ipset): Ipset {
  const addr = (command.entry.addr & inet_make_mask(set.netmask)) >>> 0;
  return { ...command, entry: { ...command.entry, addr } };
}

/** Whether a bitmap has no place for the element. C: net/netfilter/ipset/ip_set_bitmap_ip.c, bitmap_ip_uadt(); ip_set_bitmap_port.c, bitmap_port_uadt(). */
function outOfRange({ type, first, last }: IpSet, { addr, plen, port }: SetEntry): boolean {
  if (type === 'bitmap:port') return port < first || port > last;
  return type === 'bitmap:ip' && (addr < first || (addr | ~inet_make_mask(plen)) >>> 0 > last);
}

const OUT_OF_RANGE = 'Element is out of the range of the set';

function add(net: World, set: IpSet, command: Ipset): CommandResult {
  if (outOfRange(set, command.entry)) return no(net, EINVAL, OUT_OF_RANGE);
  const { member } = command.entry;
  if (member !== '') {
    const other = ip_set_get_byname(net, member);
    if (other.name === '') return no(net, EINVAL, 'Set to be added/deleted/tested as element does not exist.');
    if (other.type === 'list:set') return no(net, EINVAL, 'Sets with list:set type cannot be added to the set.');
  }
  if (hasEntry(net, set, command.entry) && !command.exist) {
    return no(net, EEXIST, "Element cannot be added to the set: it's already added");
  }
  const entries = [...withoutEntry(net, set, command.entry), kept(net, set, command)];
  return done(setIpSet(net, { ...set, entries }));
}

function del(net: World, set: IpSet, command: Ipset): CommandResult {
  if (outOfRange(set, command.entry)) return no(net, EINVAL, OUT_OF_RANGE);
  if (!hasEntry(net, set, command.entry) && !command.exist) {
    return no(net, ENOENT, "Element cannot be deleted from the set: it's not added");
  }
  return done(setIpSet(net, { ...set, entries: withoutEntry(net, set, command.entry) }));
}

/** Of one set, or of all: then all or none. C: net/netfilter/ipset/ip_set_core.c, ip_set_destroy(). */
function destroy(net: World, name: string): CommandResult {
  const busy = 'Set cannot be destroyed: it is in use by a kernel component';
  if (name !== '') return inUse(net, name) ? no(net, EBUSY, busy) : done(withoutSet(net, name));
  for (const set of net.ipsets) if (inUse(net, set.name)) return no(net, EBUSY, busy);
  return done({ ...net, ipsets: [] });
}

function flush(net: World, name: string): CommandResult {
  let ipsets: readonly IpSet[] = [];
  for (const set of net.ipsets) ipsets = [...ipsets, name === '' || set.name === name ? { ...set, entries: [] } : set];
  return done({ ...net, ipsets });
}

function rename(net: World, set: IpSet, other: string): CommandResult {
  if (ip_set_get_byname(net, other).name !== '') {
    return no(net, EEXIST, 'Set cannot be renamed: a set with the new name already exists');
  }
  if (inUse(net, set.name)) return no(net, EBUSY, 'Set cannot be renamed: it is in use by another system');
  return done(setIpSet(withoutSet(net, set.name), { ...set, name: other }));
}

/** Whether elements have the same parts, and may be exceptions in both or in neither. C: net/netfilter/ipset/ip_set_core.c, ip_set_swap(): features of struct ip_set_type. */
function sameFeatures(a: SetType, b: SetType): boolean {
  return hasNomatch(a) === hasNomatch(b) && sameWords(partsOf(a), partsOf(b));
}

/** Whether elements may be exceptions: IPSET_TYPE_NOMATCH. */
function hasNomatch(type: SetType): boolean {
  switch (type) {
    case 'hash:net':
    case 'hash:net,port':
    case 'hash:ip,port,net':
    case 'hash:net,net':
    case 'hash:net,port,net':
    case 'hash:net,iface':
      return true;
    default:
      return false;
  }
}

/** C: net/netfilter/ipset/ip_set_core.c, ip_set_swap(): who asks for one name, asks the other set from now on. */
function swap(net: World, set: IpSet, other: IpSet): CommandResult {
  if (other.name === '') return no(net, ENOENT, 'Sets cannot be swapped: the second set does not exist');
  if (!sameFeatures(set.type, other.type) || set.inet6 !== other.inet6) {
    return no(net, EINVAL, 'The sets cannot be swapped: their type does not match');
  }
  return done(setIpSet(setIpSet(net, { ...other, name: set.name }), { ...set, name: other.name }));
}

/**
 * Whether a set is what somebody wants to create. The family counts only in the netmask of hash:ip, which has all bits of an
 * address where none was named.
 *
 * C: net/netfilter/ipset/ip_set_core.c, ip_set_create(); same_set of the types.
 * Observed: Linux 6.18 has bit masks instead: it takes another family of hash:ip where no netmask was named, and none where one was.
 */
function sameSet(set: IpSet, made: IpSet): boolean {
  return (
    set.type === made.type &&
    (set.inet6 === made.inet6 || set.type !== 'hash:ip' || set.netmask < 32) &&
    set.netmask === made.netmask &&
    set.timeout === made.timeout &&
    set.first === made.first &&
    set.last === made.last
  );
}

export function ipsetCommand(net: World, command: Ipset): CommandResult {
  const { op, set: name, made, other, exist } = command;
  const set = ip_set_get_byname(net, name);
  if (op === 'create') {
    if (set.name === '') return done(setIpSet(net, { ...made, name }));
    return exist && sameSet(set, made)
      ? done(net)
      : no(net, EEXIST, 'Set cannot be created: set with the same name already exists');
  }
  if (name !== '' && set.name === '') return noSet(net);
  switch (op) {
    case 'add':
      return add(net, set, cut(set, command));
    case 'del':
      return del(net, set, cut(set, command));
    case 'destroy':
      return destroy(net, name);
    case 'flush':
      return flush(net, name);
    case 'rename':
      return rename(net, set, other);
    case 'swap':
      return swap(net, set, ip_set_get_byname(net, other));
  }
}
