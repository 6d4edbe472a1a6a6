/** The operator's commands, parsed: what `ip`, `iptables` and `sysctl` ask of the kernel. Devices are named, as typed. */

import type { FibRule } from './route.ts';
import type { XtRule } from './verdict.ts';
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
    }
  /** '': nomaster. */
  | { readonly kind: 'link master'; readonly name: string; readonly master: string }
  | {
      readonly kind: 'addr add' | 'addr del';
      readonly dev: string;
      readonly local: number;
      readonly peer: number;
      readonly prefixlen: number;
      /** -1: not given (host for 127/8, else universe). */
      readonly scope: number;
      /** 0: none. */
      readonly broadcast: number;
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
      readonly table: string;
      /** -A -I -D -N -P -F -X; 'D#' deletes by `index`. */
      readonly op: 'A' | 'I' | 'D' | 'D#' | 'N' | 'P' | 'F' | 'X';
      /** '' for all chains (-F, -X). */
      readonly chain: string;
      /** From 1; for I and D#. */
      readonly index: number;
      readonly policy: number;
      readonly rule: XtRule;
    }
  /** `key` with dots; values as numbers ("40000 40100" is two). */
  | { readonly kind: 'sysctl'; readonly key: string; readonly values: readonly number[] };
