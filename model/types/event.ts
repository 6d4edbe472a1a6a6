/** What can happen to a host, one event a step. See the scenario format in the README. */
import type { HostCommand } from './host.ts';
import type { SkBuff } from './packet.ts';

/** Everything the kernel chooses freely in a step; all 0 unless a search chose otherwise. */
export interface Picks {
  /** Added to the port search's start offset, 0..0xffffffff. */
  readonly port_offset: number;
  /** Added to the initial sequence number, 0..0xffffffff. */
  readonly isn: number;
  /** What memory holds that nobody initialised or that lies beyond an object, 0..0xffffffff. */
  readonly stack: number;
}

export const NO_PICKS: Picks = { port_offset: 0, isn: 0, stack: 0 };

export type Event = { readonly picks: Picks } & (
  | {
      readonly kind: 'socket';
      readonly s: string;
      readonly type: 'tcp' | 'udp' | 'ping' | 'raw' | 'hdrincl';
      /** raw and hdrincl: the protocol; else implied. */
      readonly protocol: number;
      readonly mark: number;
      /** '' for none. */
      readonly dev: string;
      readonly uid: number;
      /** TCP_MD5SIG_EXT with a key for all peers. */
      readonly md5: boolean;
      /** SO_DONTROUTE. */
      readonly dontroute: boolean;
      /** SO_BROADCAST. */
      readonly broadcast: boolean;
      /** IP_UNICAST_IF, '' for none. */
      readonly unicastIf: string;
    }
  | { readonly kind: 'bind'; readonly s: string; readonly addr: number; readonly port: number }
  | {
      readonly kind: 'listen';
      readonly s: string;
      /** TCP_FASTOPEN is set before. */
      readonly tfo: boolean;
    }
  | {
      readonly kind: 'connect';
      readonly s: string;
      readonly addr: number;
      readonly port: number;
      readonly tfo: boolean;
    }
  | { readonly kind: 'close'; readonly s: string }
  | {
      readonly kind: 'send';
      readonly s: string;
      readonly len: number;
      /** 0.0.0.0:0 when absent (see `hasTo`). */
      readonly hasTo: boolean;
      readonly to: number;
      readonly toPort: number;
      /** PKTINFO source or hdrincl header source, 0 none. */
      readonly from: number;
      /** PKTINFO device, '' for none. */
      readonly via: string;
      /** MSG_DONTROUTE. */
      readonly dontroute: boolean;
      /** TCPHDR_* of a hand-made TCP header, -1 when absent. */
      readonly flags: number;
      readonly tfo: boolean;
    }
  | { readonly kind: 'answer'; readonly s: string }
  /** The packet as it arrives: headers complete and correct, `dst` empty. */
  | {
      readonly kind: 'receive';
      readonly dev: string;
      readonly skb: SkBuff;
      /** A SYN presents the Fast Open cookie that this host gives to that address; 0 for none. */
      readonly cookieFor: number;
    }
  | { readonly kind: 'retransmit'; readonly s: string }
  | { readonly kind: 'host'; readonly command: HostCommand }
  | { readonly kind: 'wait'; readonly ms: number }
);

/** What sendmsg(2) is given. */
export type Msghdr = Extract<Event, { kind: 'send' }>;
