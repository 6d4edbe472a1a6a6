/** The operator's commands, parsed: what `ip`, `iptables` and `sysctl` ask of the kernel. Devices are named, as typed. */

import type { IpSet, SetEntry } from './ipset.ts';
import type { FibRule } from './route.ts';
import type { CtTest, XtRule } from './verdict.ts';
import type { XfrmPolicy } from './xfrm.ts';

/** `nexthop via GW dev DEV weight N`. */
export interface RouteNexthop {
  readonly gw: number;
  readonly dev: string;
  readonly weight: number;
  readonly onlink: boolean;
}

export type HostCommand =
  | {
      readonly kind: 'link add';
      readonly name: string;
      readonly type: string;
      readonly peer: string;
      readonly mtu: number;
      /** The ends of a tunnel of kind ipip, 0 when not given. */
      readonly local: number;
      readonly remote: number;
    }
  | { readonly kind: 'vrf add'; readonly name: string; readonly table: number }
  | { readonly kind: 'link del'; readonly name: string }
  /** `up`, `arp`: -1 leave, 0 off, 1 on. `mtu` 0: leave. */
  | {
      readonly kind: 'link set';
      readonly name: string;
      readonly up: number;
      readonly arp: number;
      readonly mtu: number;
      /** -1: leave. */
      readonly group: number;
    }
  /** '': nomaster. */
  | { readonly kind: 'link master'; readonly name: string; readonly master: string }
  | {
      /** `addr change` and `addr replace` are one to the kernel. */
      readonly kind: 'addr add' | 'addr replace' | 'addr del';
      readonly dev: string;
      readonly local: number;
      readonly peer: number;
      readonly prefixlen: number;
      /** -1: not given (host for 127/8, else universe). */
      readonly scope: number;
      /** 0: none. */
      readonly broadcast: number;
      readonly noprefixroute: boolean;
      readonly metric: number;
    }
  | { readonly kind: 'addr flush'; readonly dev: string }
  | {
      readonly kind: 'route';
      /** The netlink meaning of `ip route` OP. */
      readonly op: 'add' | 'append' | 'prepend' | 'replace' | 'change' | 'del';
      readonly table: number;
      readonly type: number;
      readonly dst: number;
      readonly plen: number;
      readonly tos: number;
      readonly gw: number;
      /** '' when not given. */
      readonly dev: string;
      readonly prefsrc: number;
      /** -1: not given; iproute2 then derives it from type and gateway. */
      readonly scope: number;
      readonly metric: number;
      readonly onlink: boolean;
      readonly protocol: number;
      /** Two or more, or none. */
      readonly nexthops: readonly RouteNexthop[];
    }
  /** table 0: main. */
  | { readonly kind: 'route flush'; readonly table: number }
  /** rule.pref -1: not given. */
  | { readonly kind: 'rule add' | 'rule del'; readonly rule: FibRule }
  | { readonly kind: 'rule flush' }
  /** An output policy. */
  | { readonly kind: 'xfrm policy add'; readonly policy: XfrmPolicy }
  | { readonly kind: 'xfrm policy flush' }
  | {
      readonly kind: 'iptables';
      /** The back end is nf_tables. */
      readonly nft: boolean;
      readonly table: string;
      /** -A -C -I -D -R -N -P -F -X; 'D#' deletes by `index`. */
      readonly op: 'A' | 'C' | 'I' | 'D' | 'D#' | 'R' | 'N' | 'P' | 'F' | 'X';
      /** '' for all chains (-F, -X). */
      readonly chain: string;
      /** From 1; for I, R and D#. */
      readonly index: number;
      readonly policy: number;
      readonly rule: XtRule;
    }
  | {
      readonly kind: 'ipset';
      readonly op: 'create' | 'add' | 'del' | 'destroy' | 'flush' | 'rename' | 'swap';
      /** '' for all sets (destroy, flush). */
      readonly set: string;
      /** The new set, of which the name counts only in `set`. */
      readonly made: IpSet;
      readonly entry: SetEntry;
      /** Seconds that the element stays: -1 where nothing was said, 0 for ever. */
      readonly timeout: number;
      /** The other name, of rename and swap. */
      readonly other: string;
      /** -exist: what is there already, or not there, is no error. */
      readonly exist: boolean;
    }
  /** `conntrack -F`, or `conntrack -D` of what fits all. */
  | {
      readonly kind: 'conntrack';
      readonly tests: readonly CtTest[];
      readonly mark: number;
      readonly mask: number;
      /** -1: any. */
      readonly zone: number;
      /** Only connections whose source, or destination, was translated. */
      readonly nat: '' | 'src' | 'dst';
    }
  /** `key` with dots; values as numbers ("40000 40100" is two). */
  | { readonly kind: 'sysctl'; readonly key: string; readonly values: readonly number[] };
