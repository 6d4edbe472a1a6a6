/** The whole state of a host, what a step shows of itself, and the record of functions that makes a kernel variant. */

import type { Event, EventOf, Picks } from './event.ts';
import type { Patch } from './faults.ts';
import type { HostCommand } from './host.ts';
import type { IpSet } from './ipset.ts';
import type { NetDevice, Sysctl } from './net.ts';
import type { SkBuff } from './packet.ts';
import type { FibRule, FibTable, FlowI4 } from './route.ts';
import type { InetBindBucket, Sock } from './sock.ts';
import type { NfConn, NfHookState, Rejection, XtTable } from './verdict.ts';
import type { XfrmPolicy } from './xfrm.ts';

/** What a step shows: in the order in which it happened. */
export type Effect =
  /** A packet left the host on `dev` towards `gateway` (0: the destination itself is the neighbour). */
  | { readonly kind: 'xmit'; readonly dev: number; readonly gateway: number; readonly skb: SkBuff }
  /** A packet was made; each must be consumed exactly once by xmit, free, deliver or steal. */
  | { readonly kind: 'alloc'; readonly skb: SkBuff }
  /** kfree_skb(), with the place that freed it and the errno it returned (0 for none). */
  | { readonly kind: 'free'; readonly skb: SkBuff; readonly where: string; readonly err: number }
  /** A packet reached a socket of this host (`sk`, 0 for the kernel itself). */
  | { readonly kind: 'deliver'; readonly skb: SkBuff; readonly sk: number }
  /** A packet that nothing will ever send or free again. */
  | { readonly kind: 'leak'; readonly skb: SkBuff; readonly where: string }
  /** A netfilter hook function returned. */
  | { readonly kind: 'verdict'; readonly where: string; readonly verdict: number }
  /**
   * The second lookup ran: the packet before and after it, its result, and the sockets as it found them. `line` here and
   * below is the line of the patch's text that did it, as `FILE:LINE`, '' where the kernel's own code did.
   */
  | {
      readonly kind: 'reroute';
      readonly before: SkBuff;
      readonly after: SkBuff;
      readonly err: number;
      readonly socks: readonly Sock[];
      readonly line: string;
    }
  /** The mangle hook of LOCAL_OUT is done with that packet; the sockets and ports as it leaves them. */
  | {
      readonly kind: 'mangled';
      readonly skb: SkBuff;
      readonly socks: readonly Sock[];
      readonly bhash: readonly InetBindBucket[];
    }
  /** A point inside a patched region at which another CPU could look; `socks` and `bhash` as they are there. */
  | {
      readonly kind: 'micro';
      readonly where: string;
      readonly socks: readonly Sock[];
      readonly bhash: readonly InetBindBucket[];
      readonly line: string;
    }
  /** A function of TCP full sockets was applied to `sk`, of kind `kind`; harmless reads are not reported. */
  | {
      readonly kind: 'wrong-kind';
      readonly where: string;
      readonly sk: number;
      readonly sk_kind: number;
      readonly line: string;
    }
  /** A read or write through a pointer into a buffer that was freed. */
  | {
      readonly kind: 'use-after-free';
      readonly where: string;
      readonly what: string;
      readonly writes: boolean;
      readonly line: string;
    }
  /** A system call returned `err` (0 or a negative errno) to the user of socket `sk`. */
  | { readonly kind: 'syscall'; readonly call: string; readonly sk: number; readonly err: number }
  /** A host command was refused. */
  | { readonly kind: 'refused'; readonly message: string };

/** The kernel crashed: in which function, and why, and at which line of the patch. `where` is '' while it has not. */
export interface Oops {
  readonly where: string;
  readonly why: string;
  readonly line: string;
}

export const NO_OOPS: Oops = { where: '', why: '', line: '' };

/** The last packet that socket `sk` sent, as it was on the wire, for `answer`. */
export interface Sent {
  readonly sk: number;
  readonly dev: number;
  readonly skb: SkBuff;
}

/** A packet that crossed a link of the host: it left under socket `sk`, or it came, for `say`. */
export interface Crossing extends Sent {
  readonly came: boolean;
}

/** What TCP remembers of a peer, by address pair. C: net/ipv4/tcp_metrics.c, struct tcp_metrics_block, its Fast Open part. */
export interface TcpMetrics {
  readonly saddr: number;
  readonly daddr: number;
  /** The MSS that the peer announced, 0 when unknown. */
  readonly mss: number;
  /** Fast Open cookie, 0 for none (a model cookie is a 32-bit number, sent as 8 bytes). */
  readonly cookie: number;
}

/**
 * How the host's kernel chooses among the paths of a route: its secret, and whether paths that have the source of the
 * flow go first. It is part of the host because look-ups see nothing else; boot() takes the latter from the release.
 */
export interface Multipath {
  readonly hash_key: number;
  readonly by_saddr: boolean;
}

/** struct net of the host, with everything reachable from it. The kernel's functions take and return it as `net`. */
export interface World {
  /** In the order of the namespace's list: lo first. */
  readonly devs: readonly NetDevice[];
  /** By rising pref, equal prefs in order of insertion. */
  readonly rules: readonly FibRule[];
  readonly fib_has_custom_rules: boolean;
  /** The first VRF has brought its rule. C: drivers/net/vrf.c, struct netns_vrf, add_fib_rules, turned round. */
  readonly vrf_rules_added: boolean;
  /** A local route was added by hand. */
  readonly fib_has_custom_local_routes: boolean;
  readonly tables: readonly FibTable[];
  readonly rt_genid: number;
  readonly multipath: Multipath;
  /** IPsec policies of output, in the order in which they are asked. */
  readonly xfrm_policy: readonly XfrmPolicy[];
  readonly sysctl: Sysctl;
  readonly raw: XtTable;
  readonly mangle: XtTable;
  readonly nat: XtTable;
  readonly filter: XtTable;
  readonly ipsets: readonly IpSet[];
  /** Connection tracking runs: a NAT rule or a ctstate match was loaded. */
  readonly ct_enabled: boolean;
  readonly conntrack: readonly NfConn[];
  readonly socks: readonly Sock[];
  readonly bhash: readonly InetBindBucket[];
  /** One entry of the kernel's table_perturb for all tuples: every search starts beyond the last one. */
  readonly table_perturb: number;
  readonly metrics: readonly TcpMetrics[];
  readonly sent: readonly Sent[];
  /** All packets so far that left for peers and came from them. */
  readonly crossed: readonly Crossing[];
  /** Packets sent to the host itself, to be received on lo before the step ends. C: net/core/dev.c, the per-CPU backlog. */
  readonly backlog: readonly SkBuff[];
  /** What REJECT rules have still to send before the hook goes on. */
  readonly rejections: readonly Rejection[];
  /** Milliseconds since the scenario began. */
  readonly now: number;
  readonly next_ifindex: number;
  readonly next_sock: number;
  readonly next_skb: number;
  readonly next_ct: number;
  readonly next_rule: number;
  /** The place of the socket that is put into ehash next. */
  readonly next_ehash: number;
  /** How many packets nobody will ever send or free. */
  readonly leaked: number;
  /** Of the running step. */
  readonly picks: Picks;
  readonly effects: readonly Effect[];
  readonly oops: Oops;
  /** Why a variant without a patch cannot do here what it stands for, '' while it can; behind that nothing happens. */
  readonly inexpressible: string;
}

/** Result of a hook function: the verdict word, and skb and net as they are after it. */
export interface HookResult {
  readonly verdict: number;
  readonly skb: SkBuff;
  readonly net: World;
}

/** A `int` result together with the world after it. */
export interface Result {
  readonly err: number;
  readonly net: World;
}

/**
 * A kernel release: the functions that differ between releases and change what becomes of a marked packet. Everything
 * else calls them through the record. Records are in `model/patch/releases/`.
 */
export interface Release {
  /** As in `uname -r`, its first two numbers. */
  readonly release: string;
  /** What follows from the differences, in one line for people. */
  readonly about: string;
  /** Whose bound device the second lookup asks for: `owner` is state->sk. */
  readonly ip_route_me_harder: (
    net: World,
    owner: Sock,
    skb: SkBuff,
    addr_type: number,
  ) => { err: number; skb: SkBuff; net: World };
  /** skb->sk of a SYN-ACK; `sk` is the listener, or the child that Fast Open made from the SYN. */
  readonly synackOwner: (sk: Sock, req: Sock, fastopen: boolean) => number;
  /** skb->sk of a RST or ACK that answers for `orig_sk`, NO_SOCK when there is no socket. */
  readonly replyOwner: (orig_sk: Sock) => number;
  /** skb->mark of such an answer; `mark` is the one that its route was looked up with. */
  readonly replyMark: (mark: number) => number;
  /** How a segment finds its socket. */
  readonly inet_lookup: (
    kernel: Kernel,
    net: World,
    saddr: number,
    sport: number,
    daddr: number,
    dport: number,
    dif: number,
    sdif: number,
  ) => Sock;
  /** How connect() finds a port, or checks the one that the socket has. */
  readonly __inet_hash_connect: (kernel: Kernel, net: World, sk: number, port_offset: number) => Result;
  /** Whether there is a driver for that kind of link. */
  readonly rtnl_link_ops_get: (kind: string) => boolean;
  /** What the kernel understands of a routing rule. */
  readonly fib_nl2rule: (rule: FibRule) => FibRule;
  /** Whether a path that has the source of the flow goes before one that the hash chooses. */
  readonly multipath_by_saddr: boolean;
  /** Whether a socket that is destroyed has its key for TCP-MD5 as long as somebody holds it. */
  readonly md5UntilDestruct: boolean;
  /** Whether a header of the user's own that is too short for one of IP is an error. */
  readonly refusesShortHeader: boolean;
  /** Whether the RST of a rule closes the connection in the eyes of connection tracking. C: net/netfilter/nf_conntrack_core.c, nf_conntrack_set_closing(). */
  readonly resetCloses: boolean;
  /** The first timeout that the age of a socket's retransmissions is measured in. */
  readonly rtoBase: (sk: Sock) => number;
}

/** An operator's commands; `why` says why there are none that do what the marks do, '' otherwise. */
export interface Operation {
  readonly why: string;
  readonly commands: readonly HostCommand[];
}

export const NO_OPERATION: Operation = { why: '', commands: [] };

/** A program's mark for a socket; `why` as in Operation. */
export interface SocketMark {
  readonly why: string;
  readonly mark: number;
}

/** A source for a lookup, 0 where the route chooses, and the mark of lookup and packet. */
export interface ChosenSource {
  readonly saddr: number;
  readonly mark: number;
  readonly net: World;
}

/** A kernel: a release, the functions that variants replace, and its name. Everything else calls these through the record. */
export interface Kernel extends Release {
  /** kebab-case. */
  readonly name: string;
  /** One line for people. */
  readonly title: string;
  /** What this variant's operator does to a configured host (the MASQUERADE rule of the post); nothing for a patch. */
  readonly operator: (net: World) => Operation;
  /** The mark that a program gives a socket that it opens (SO_MARK). */
  readonly socketMark: (net: World, event: EventOf<'socket'>) => SocketMark;
  readonly ipt_mangle_out: (kernel: Kernel, net: World, skb: SkBuff, state: NfHookState) => HookResult;
  /** The source for a packet that is about to be made, as the verdict; asked by `chooseSource`, of a text that has it. */
  readonly ipt_mangle_source: (kernel: Kernel, net: World, skb: SkBuff, state: NfHookState) => HookResult;
  /** What connect() and sendmsg() ask before the lookup that chooses a source: `flp4` is its key, `transport` what is known of the packet. */
  readonly chooseSource: (kernel: Kernel, net: World, sk: Sock, flp4: FlowI4, transport: SkBuff) => ChosenSource;
  /** What the test kernel has as sysctls of the patch; only the patch's hook reads it. */
  readonly patch: Patch;
  /** C: net/ipv4/inet_hashtables.c. A parameter, because proofs need it uninterpreted. */
  readonly inet_ehashfn: (laddr: number, lport: number, faddr: number, fport: number) => number;
  /** Initial sequence number of a tuple, without the clock. C: net/core/secure_seq.c. A parameter for the same reason. */
  readonly secure_tcp_seq: (saddr: number, daddr: number, sport: number, dport: number) => number;
}

/** A step of the model. */
export interface Step {
  readonly world: World;
  readonly effects: readonly Effect[];
}

export interface Scenario {
  readonly host: readonly HostCommand[];
  readonly events: readonly Event[];
}
