/** Sets that rules of iptables ask. C: net/netfilter/ipset. */

export type SetType =
  | 'hash:ip'
  | 'hash:net'
  | 'hash:ip,port'
  | 'hash:net,port'
  | 'hash:ip,port,ip'
  | 'hash:ip,port,net'
  | 'hash:net,net'
  | 'hash:net,port,net'
  | 'hash:net,iface'
  | 'bitmap:ip'
  | 'bitmap:port'
  | 'list:set';

/** One element; what its type has no place for is 0 or ''. */
export interface SetEntry {
  readonly addr: number;
  readonly plen: number;
  readonly proto: number;
  readonly port: number;
  /** The second address of a type that has two. */
  readonly addr2: number;
  readonly plen2: number;
  readonly iface: string;
  /** A set that is a member of this one. */
  readonly member: string;
  /** What fits this element is not in the set. */
  readonly nomatch: boolean;
  /** Milliseconds at which it goes, -1 for never. */
  readonly expires: number;
}

export const NO_ENTRY: SetEntry = {
  addr: 0,
  plen: 0,
  proto: 0,
  port: 0,
  addr2: 0,
  plen2: 0,
  iface: '',
  member: '',
  nomatch: false,
  expires: -1,
};

export interface IpSet {
  readonly name: string;
  readonly type: SetType;
  /** It holds elements of IPv6, which no packet here has. */
  readonly inet6: boolean;
  /** Length to which addresses are cut, 32 for not at all. */
  readonly netmask: number;
  /** Seconds that elements stay which say nothing else, 0 for ever. */
  readonly timeout: number;
  /** The least and the greatest address or port of a bitmap, 0 to 0 for another type. */
  readonly first: number;
  readonly last: number;
  readonly entries: readonly SetEntry[];
}

/** No set: NULL. */
export const NO_SET: IpSet = {
  name: '',
  type: 'hash:ip',
  inet6: false,
  netmask: 32,
  timeout: 0,
  first: 0,
  last: 0,
  entries: [],
};
