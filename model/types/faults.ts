/**
 * What is wrong in the patch, a row a fault; everything else that is said of faults follows from the rows.
 *
 * A published version has all of its faults. A kernel with one of them shows that this one alone breaks a promise, and
 * what it breaks; a kernel with none is what a reviewer could ask the author for.
 */

interface Row {
  /** kebab-case: the name in commands and files, and of the switch in `Faults`. */
  readonly id: string;
  /** Its bit in net.ipv4.reroute_faults of the test kernel, where it is FAULT_ and the id. A new fault takes the next. */
  readonly bit: number;
  /** Where the patch is at fault, for its author. */
  readonly cause: string;
  /** What was mended to show that this is the cause. */
  readonly repair: string;
  /** Whether version 1 has it, too. */
  readonly inFirst: boolean;
}

const rows = [
  {
    id: 'stale-cork',
    bit: 0,
    cause: 'The socket moves, inet->cork.fl and sk_dst_cache do not: ip_queue_xmit() copies the old source from there.',
    repair: "cork.fl and sk_dst_cache follow, as in inet_sk_reselect_saddr(), and the SYN's MSS",
    inFirst: false,
  },
  {
    id: 'small-sockets',
    bit: 1,
    cause:
      'skb->sk is cast with inet_sk() although it may be a request or time-wait socket, which end before inet_saddr.',
    repair: 'sk_fullsock() is asked first',
    inFirst: true,
  },
  {
    id: 'control-sockets',
    bit: 2,
    cause: "The kernel's shared control sockets (resets, ICMP) have no source and are taken for a user's.",
    repair: 'they are left alone: an answer carries the address that was asked',
    inFirst: true,
  },
  {
    id: 'inner-sender',
    bit: 20,
    cause:
      "skb->sk of a tunnel's outer packet is the socket that sent the inner one; its device and source decide, and it is written to.",
    repair: 'state->sk is asked, as ip_route_me_harder() does since 5.10',
    inFirst: true,
  },
  {
    id: 'raw-segments',
    bit: 3,
    cause:
      'The protocol of the packet decides, not that of the socket: raw sockets that send TCP reach inet_unhash() and inet_put_port().',
    repair: "only TCP's own sockets are rehashed",
    inFirst: false,
  },
  {
    id: 'bound-address',
    bit: 4,
    cause: 'SOCK_BINDADDR_LOCK is not consulted on the path of the SYN.',
    repair: 'a bound address stays',
    inFirst: false,
  },
  {
    id: 'packet-source',
    bit: 5,
    cause:
      'inet_saddr is 0 although the user gave a source for this packet, with IP_PKTINFO or IP_HDRINCL, or refused gateways.',
    repair: 'the packet remembers who chose its source or refused gateways',
    inFirst: true,
  },
  {
    id: 'bound-port',
    bit: 6,
    cause: 'inet_put_port() forgets the port, and inet_hash_connect() then takes any, SOCK_BINDPORT_LOCK or not.',
    repair: 'a bound port is checked in its new place and kept',
    inFirst: false,
  },
  {
    id: 'pinned-socket',
    bit: 7,
    cause:
      'The new source is written into inet_saddr of a socket that has none, and is the source of everything it sends later.',
    repair: 'only the packet changes',
    inFirst: true,
  },
  {
    id: 'udp-checksum',
    bit: 8,
    cause:
      "Only the IP header's checksum is repaired; UDP's covers the addresses, too, and that of a connection without a source.",
    repair: 'inet_proto_csum_replace4() for UDP, with its zero rule; segments get no source by themselves',
    inFirst: true,
  },
  {
    id: 'failed-lookup',
    bit: 9,
    cause:
      'After a failed lookup the key holds no source, and it is written into the socket all the same; under version 1 that is a socket without one.',
    repair: 'nothing is written after an error',
    inFirst: false,
  },
  {
    id: 'failed-port',
    bit: 10,
    cause: 'When no port is free at the new address the socket has already lost its old one, its bucket and its place.',
    repair: 'the socket goes back to where it was',
    inFirst: false,
  },
  {
    id: 'errno-verdict',
    bit: 11,
    cause: 'The errno of inet_hash_connect() is returned as a verdict.',
    repair: 'NF_DROP_ERR()',
    inFirst: false,
  },
  {
    id: 'hashed-move',
    bit: 12,
    cause: 'Addresses change while the socket stands in the table under the old ones.',
    repair: 'it is taken out first',
    inFirst: false,
  },
  {
    id: 'moves-again',
    bit: 13,
    cause: 'Every SYN is moved, a retransmitted one, too.',
    repair: 'only the first transmission moves',
    inFirst: false,
  },
  {
    id: 'moves-cookies',
    bit: 21,
    cause:
      'Fast Open cookies are found and kept under inet_saddr: looked up before the SYN moves, stored after it has.',
    repair: 'a SYN with a Fast Open option stays where it is',
    inFirst: false,
  },
  {
    id: 'wild-key',
    bit: 14,
    cause:
      'goto jumps past the initialiser of the key: protocol, ports, user and layer-3 master are what the stack held.',
    repair: 'the key is initialised on both ways',
    inFirst: false,
  },
  {
    id: 'bare-key',
    bit: 15,
    cause: 'The key has no protocol and ports, which rules may ask for.',
    repair: 'they are filled in',
    inFirst: true,
  },
  {
    id: 'one-lookup',
    bit: 16,
    cause:
      'The route is that of a packet without source; rules that select by source may lead the chosen one elsewhere.',
    repair: 'a second lookup with the chosen source, as in ip_route_connect()',
    inFirst: true,
  },
  {
    id: 'stale-pointers',
    bit: 17,
    cause: 'iph and th are taken before pskb_expand_head() may move the headers.',
    repair: 'they are taken again',
    inFirst: true,
  },
  {
    id: 'tracked-tuple',
    bit: 18,
    cause: 'Connection tracking has recorded the packet before mangle changes its source.',
    repair: 'the packet is tracked again',
    inFirst: true,
  },
  {
    id: 'stale-isn',
    bit: 22,
    cause: 'The SYN keeps the initial sequence number that was generated for the first four-tuple.',
    repair: 'SYN and socket begin with the number of the new one',
    inFirst: false,
  },
  {
    id: 'jumping-numbers',
    bit: 23,
    cause:
      'inet_hash_connect() may take the tuple of a TIME_WAIT socket; tcp_twsk_unique() then sets write_seq, while the SYN has its number already.',
    repair: 'what the socket sends next follows the SYN',
    inFirst: false,
  },
  {
    id: 'signed-segments',
    bit: 24,
    cause: 'The SYN of a socket with a TCP_MD5SIG key is signed before the hook changes its address and port.',
    repair: 'a socket with a key is left alone',
    inFirst: false,
  },
  {
    id: 'unasked-policies',
    bit: 19,
    cause: 'ip_route_reroute() lacks the IPsec lookup of ip_route_me_harder(): the new route leads past the policies.',
    repair: 'they are asked again with the final addresses and ports',
    inFirst: true,
  },
  {
    id: 'no-l3mdev',
    bit: 25,
    cause:
      'The key has no layer-3 master: a packet whose route lies in a VRF is looked up outside of it, unless its socket is bound there.',
    repair: "flowi4_l3mdev is that of the packet's device, as in ip_route_me_harder()",
    inFirst: true,
  },
  {
    id: 'needless-choice',
    bit: 26,
    cause:
      'The source is chosen again whether or not the change of mark or TOS leads the packet elsewhere, and even where there is none (0.0.0.0). For its SYN connect() looked up without a port, and had another answer.',
    repair:
      'two lookups, with the mark and TOS of before and with those of now, have to differ, from the old source and from the new one, and there is a source',
    inFirst: false,
  },
  {
    id: 'foreign-tuple',
    bit: 27,
    cause:
      'The tuple is looked for among sockets of no device: one that is bound to the link of the new route may have it, and both are found by its answers.',
    repair: 'the socket looks for its tuple as if it were bound to that link',
    inFirst: false,
  },
  {
    id: 'new-port',
    bit: 28,
    cause:
      'The port goes back before a new one is looked for: the search begins elsewhere, so that the socket leaves by another port though its own is free there.',
    repair: 'the port that it has is tried first',
    inFirst: false,
  },
  {
    id: 'server-port',
    bit: 29,
    cause:
      'A datagram from a port that its user bound is given another source: a server on any address answers from one that nobody asked.',
    repair: 'what a UDP socket sends from a bound port keeps its source',
    inFirst: true,
  },
  {
    id: 'unasked-rules',
    bit: 30,
    cause:
      'The socket moves before the rules behind the mangle table have spoken: where one of them drops the SYN, it has moved for nothing.',
    repair: 'these rules are asked about a copy that nobody sends, and what they drop moves nothing',
    inFirst: false,
  },
] as const satisfies readonly Row[];

export type FaultId = (typeof rows)[number]['id'];

export interface Fault extends Row {
  readonly id: FaultId;
}

/** In the order in which they are reported. */
export const faults: readonly Fault[] = rows;

/** Which faults a kernel has: true as the post has it, false mended. */
export type Faults = Readonly<Record<FaultId, boolean>>;

function each(left: boolean): Faults {
  let all = {} as Faults;
  for (const { id } of faults) all = { ...all, [id]: left };
  return all;
}

export const NO_FAULTS: Faults = each(false);

export const EVERY_FAULT: Faults = each(true);

/** The bits of the faults that are left. */
export function faultBits(left: Faults): number {
  let bits = 0;
  for (const { id, bit } of faults) bits = left[id] ? bits | (1 << bit) : bits;
  return bits;
}

/** The patch and its faults, as a kernel carries them. */
export interface Patch {
  /** The name of its text in model/patch/, '' for none: net.ipv4.reroute_variant of the test kernel. */
  readonly text: string;
  readonly faults: Faults;
  /** The faults once more, as the text reads them: net.ipv4.reroute_faults. */
  readonly bits: number;
  /** The condition by which version 2 moves a SYN, 0 for none: net.ipv4.reroute_syn_filter. */
  readonly synFilter: number;
}

/** The name of a text of one's own. */
export const OWN = 'own';

export const NO_PATCH: Patch = { text: '', faults: NO_FAULTS, bits: 0, synFilter: 0 };
