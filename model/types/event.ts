/**
 * What can happen to a host, one event a step.
 *
 * EVENTS is the one table of events. From a row follow the event's type here, and how it is read, printed, refused,
 * drawn, documented and given to the player of a real kernel (scenario/events.ts). A word's key is the event's field;
 * the option `unicastIf` is written `unicast-if`.
 */
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
  /** How the dice of random matches fall: bit i is 1 where the i-th packet that asks is not hit. */
  readonly random: number;
}

export const NO_PICKS: Picks = { port_offset: 0, isn: 0, stack: 0, random: 0 };

export type SocketType = 'tcp' | 'udp' | 'ping' | 'raw' | 'hdrincl';

/** An address, perhaps with a port; all 0 where the words are missing. */
export interface Endpoint {
  readonly given: boolean;
  readonly addr: number;
  readonly port: number;
}

export const NO_ENDPOINT: Endpoint = { given: false, addr: 0, port: 0 };

/** A packet as it arrives: headers complete and correct, `dst` empty. */
export interface Arrival {
  readonly skb: SkBuff;
  /** A SYN presents the Fast Open cookie that this host gives to that address; 0 for none. */
  readonly cookieFor: number;
}

/** What a word stands for, by the kind of word. */
export interface Meanings {
  /** The name that a new socket gets. */
  readonly newSocket: string;
  /** The name of a socket; accepted connections are NAME.1, NAME.2, … */
  readonly socket: string;
  readonly type: SocketType;
  /** A transport protocol, 0 for none. */
  readonly protocol: number;
  readonly endpoint: Endpoint;
  /** 0 for none. */
  readonly address: number;
  /** The name of a link, '' for none. */
  readonly link: string;
  /** A path without its first slash, '' for the root. */
  readonly cgroup: string;
  /** From 0 to the row's `max`; 0 where the word is missing. */
  readonly number: number;
  /** TCPHDR_* of a hand-made TCP header, -1 for none. */
  readonly tcpFlags: number;
  /** A word that says all by standing there. */
  readonly set: boolean;
  readonly packet: Arrival;
  readonly command: HostCommand;
  /** Milliseconds, written as seconds. */
  readonly seconds: number;
}

/** A word of an event. */
export interface Word {
  readonly is: keyof Meanings;
  /** The types of sockets that it is for; all where this is absent. */
  readonly only?: readonly SocketType[];
  /** The types of sockets that need a port in it. */
  readonly port?: readonly SocketType[];
  /** Of a number: what it is, how a manual writes it, and the greatest that there is. */
  readonly what?: string;
  readonly sign?: string;
  readonly max?: number;
}

/** A word, or a word with a value, that may be left out. */
export interface Option extends Word {
  /** What it does, in the words of a manual. */
  readonly says: string;
  /** Why other types of sockets than `only` do not take it. */
  readonly why?: string;
  /** The option that makes it fit for every type of socket. */
  readonly unless?: string;
  /** The option that it cannot stand beside. */
  readonly without?: string;
  /** Values that a generator may draw; none where it needs to know more than the type of the socket. */
  readonly draws?: readonly string[];
}

export interface EventRow {
  /** What happens, in the words of a manual. */
  readonly says: string;
  /** Stand behind the name in this order. */
  readonly words: Readonly<Record<string, Word>>;
  /** Stand behind the words in any order, each at most once. */
  readonly options: Readonly<Record<string, Option>>;
}

/** Payload bytes, as many as fit into an IPv4 packet with any header of the model. */
export const LEN = { is: 'number', what: 'a number of bytes', sign: 'LEN', max: 65535 - 20 - 60 } as const;

/** Events of a socket come in the order in which a generator lists what is possible. */
export const EVENTS = {
  socket: {
    says: 'opens socket S; connections accepted by a listener l are called l.1, l.2, …',
    words: { s: { is: 'newSocket' }, type: { is: 'type' }, protocol: { is: 'protocol', only: ['raw'] } },
    options: {
      mark: { is: 'number', what: 'a mark', sign: 'M', max: 0xffffffff, says: 'SO_MARK', draws: ['100'] },
      dev: { is: 'link', says: 'SO_BINDTODEVICE', draws: ['eth0', 'eth1'] },
      uid: {
        is: 'number',
        what: 'a user',
        sign: 'U',
        max: 0xfffffffe,
        says: 'the user who owns it',
        draws: ['1000'],
      },
      gid: {
        is: 'number',
        what: 'a group',
        sign: 'G',
        max: 0xfffffffe,
        says: 'the group of that user',
        draws: ['1000'],
      },
      cgroup: { is: 'cgroup', says: 'the control group it is made in, a path of the unified hierarchy' },
      classid: {
        is: 'number',
        what: 'a class',
        sign: 'C',
        max: 0xffffffff,
        says: 'the class of net_cls that it is made in',
      },
      dontroute: { is: 'set', says: 'SO_DONTROUTE', draws: [''] },
      broadcast: { is: 'set', says: 'SO_BROADCAST', draws: [''] },
      unicastIf: { is: 'link', says: 'IP_UNICAST_IF', without: 'dev', draws: ['eth0', 'eth1'] },
      tos: {
        is: 'number',
        what: 'a type of service',
        sign: 'T',
        max: 0xff,
        says: 'IP_TOS',
        draws: ['16', '19'],
      },
      transparent: { is: 'set', says: 'IP_TRANSPARENT' },
      md5: {
        is: 'set',
        says: 'TCP_MD5SIG, with a key for all peers',
        only: ['tcp'],
        why: 'only TCP signs its segments',
        draws: [''],
      },
    },
  },
  bind: { says: 'bind(2)', words: { s: { is: 'socket' }, to: { is: 'endpoint' } }, options: {} },
  listen: {
    says: 'listen(2)',
    words: { s: { is: 'socket' } },
    options: { tfo: { is: 'set', says: 'TCP_FASTOPEN' } },
  },
  connect: {
    says: 'connect(2)',
    words: { s: { is: 'socket' }, to: { is: 'endpoint', port: ['tcp', 'udp'] } },
    options: {
      tfo: { is: 'set', says: 'TCP_FASTOPEN_CONNECT', only: ['tcp'], why: 'only TCP has Fast Open' },
    },
  },
  send: {
    says: 'sendmsg(2) with LEN bytes, of which byte i is i',
    words: { s: { is: 'socket' }, len: LEN },
    options: {
      to: {
        is: 'endpoint',
        says: 'the destination',
        only: ['udp', 'ping', 'raw', 'hdrincl'],
        why: 'it sends where it is connected to',
        unless: 'tfo',
        port: ['udp'],
      },
      from: {
        is: 'address',
        says: "the source, of IP_PKTINFO or in a hdrincl socket's header",
        only: ['udp', 'ping', 'raw', 'hdrincl'],
        why: 'a connection has one source for all packets',
      },
      via: {
        is: 'link',
        says: 'the link of IP_PKTINFO',
        only: ['udp', 'ping', 'raw', 'hdrincl'],
        why: 'a connection has one route for all packets',
        draws: ['eth0', 'eth1'],
      },
      dontroute: {
        is: 'set',
        says: 'MSG_DONTROUTE',
        only: ['udp', 'ping', 'raw', 'hdrincl'],
        why: 'a connection has one route for all packets, for which "socket" takes dontroute',
        draws: [''],
      },
      flags: {
        is: 'tcpFlags',
        says: 'the TCP flags in a header that the user built',
        only: ['raw', 'hdrincl'],
        why: 'the kernel builds its headers',
      },
      short: {
        is: 'set',
        says: 'the IP header that the user built says that it has 16 bytes, too few; 4.1 sends it past the rules of OUTPUT, later releases refuse it',
        only: ['hdrincl'],
        why: 'the kernel builds its headers',
      },
      tfo: { is: 'set', says: 'MSG_FASTOPEN', only: ['tcp'], why: 'only TCP has Fast Open' },
    },
  },
  answer: {
    says: 'the peer answers the last packet of S as a correct peer would, if the checksums of that packet are correct',
    words: { s: { is: 'socket' } },
    options: {},
  },
  say: {
    says: 'the peer of S sends LEN bytes of its own accord: in order on the connection that is open, or to the address and port that S last sent from; they arrive on the link by which the last packet of the peer came',
    words: { s: { is: 'socket' }, len: LEN },
    options: {},
  },
  retransmit: { says: 'the retransmission timer of S fires', words: { s: { is: 'socket' } }, options: {} },
  close: { says: 'close(2)', words: { s: { is: 'socket' } }, options: {} },
  receive: {
    says: 'a packet arrives, written as tcpdump would: `10.0.0.254:5000 > 10.0.0.1:80 tcp S`; behind a SYN, `tfo` asks for a Fast Open cookie, and `tfo ADDR` presents the one that was given to ADDR',
    words: { dev: { is: 'link' }, packet: { is: 'packet' } },
    options: {},
  },
  host: { says: 'the operator runs a command', words: { command: { is: 'command' } }, options: {} },
  wait: { says: 'time passes', words: { ms: { is: 'seconds' } }, options: {} },
} as const satisfies Readonly<Record<string, EventRow>>;

export type EventName = keyof typeof EVENTS;

/** The fields that words stand for. */
type Fields<Words> = {
  readonly [F in keyof Words]: Words[F] extends { readonly is: infer Kind extends keyof Meanings }
    ? Meanings[Kind]
    : never;
};

/** An intersection as one record, for whoever reads a type error. */
type Flat<T> = { [F in keyof T]: T[F] };

/** The event of that name. */
export type EventOf<Name extends EventName> = {
  [N in Name]: Flat<
    { readonly kind: N; readonly picks: Picks } & Fields<(typeof EVENTS)[N]['words']> &
      Fields<(typeof EVENTS)[N]['options']>
  >;
}[Name];

export type Event = EventOf<EventName>;

/** What sendmsg(2) is given. */
export type Msghdr = EventOf<'send'>;
