/**
 * What is wrong in the patch, one field a fault: true as the post has it, false mended.
 *
 * A published version has all of its faults. A kernel with one of them shows that this one alone breaks a promise, and
 * what it breaks; a kernel with none is what a reviewer could ask the author for.
 */
export interface Faults {
  /** inet->cork.fl and sk_dst_cache keep the first lookup's result, and later segments follow them. */
  readonly staleCork: boolean;
  /** skb->sk is taken for an inet_sock when it is a request or a time-wait socket. */
  readonly smallSockets: boolean;
  /** The kernel's shared control sockets, and listeners where SYN-ACKs belong to them, are treated as one connection's. */
  readonly controlSockets: boolean;
  /** The outer packet of a tunnel is treated as one that the inner packet's sender sent. */
  readonly innerSender: boolean;
  /** A segment of a raw socket is treated as one of TCP. */
  readonly rawSegments: boolean;
  /** An address that the user bound is replaced. */
  readonly boundAddress: boolean;
  /** An address that the user gave for this packet, by IP_PKTINFO or IP_HDRINCL, is replaced. */
  readonly packetSource: boolean;
  /** A port that the user bound is replaced. */
  readonly boundPort: boolean;
  /** The new source becomes the source of an unconnected socket. */
  readonly pinnedSocket: boolean;
  /** UDP's checksum is left as it was. */
  readonly udpChecksum: boolean;
  /** A failed lookup writes the source all the same. */
  readonly failedLookup: boolean;
  /** A failed search for a port leaves the socket without one. */
  readonly failedPort: boolean;
  /** An errno is returned as a verdict. */
  readonly errnoVerdict: boolean;
  /** The socket's address changes while it is hashed under the old one. */
  readonly hashedMove: boolean;
  /** A SYN that was sent before, and its socket, move again. */
  readonly movesAgain: boolean;
  /** A SYN moves away from the address that its Fast Open cookie was given to, or that will be asked for one next time. */
  readonly movesCookies: boolean;
  /** On the way past its initialiser the key holds what the stack held. */
  readonly wildKey: boolean;
  /** The key lacks what rules may ask for: protocol, ports and user. */
  readonly bareKey: boolean;
  /** The route is that of a packet without source; with the chosen one the rules may lead elsewhere. */
  readonly oneLookup: boolean;
  /** Headers are written through pointers taken before the buffer could move. */
  readonly stalePointers: boolean;
  /** The SYN keeps the initial sequence number of the first tuple. */
  readonly staleIsn: boolean;
  /** A TIME_WAIT socket that gives way sets the socket's next sequence number while the SYN is on its way. */
  readonly jumpingNumbers: boolean;
  /** A segment that is signed for one header gets another. */
  readonly signedSegments: boolean;
  /** Connection tracking keeps the tuple from before the change. */
  readonly trackedTuple: boolean;
  /** The new route is taken without asking the IPsec policies. */
  readonly unaskedPolicies: boolean;
  /** The key lacks the VRF that the packet is in. */
  readonly noL3mdev: boolean;
}

/** The patch and its faults, as a kernel carries them. */
export interface Patch {
  /** Version 2: the first SYN and its socket move, too. */
  readonly movesSyn: boolean;
  readonly faults: Faults;
}

export const NO_FAULTS: Faults = {
  staleCork: false,
  smallSockets: false,
  controlSockets: false,
  innerSender: false,
  rawSegments: false,
  boundAddress: false,
  packetSource: false,
  boundPort: false,
  pinnedSocket: false,
  udpChecksum: false,
  failedLookup: false,
  failedPort: false,
  errnoVerdict: false,
  hashedMove: false,
  movesAgain: false,
  movesCookies: false,
  wildKey: false,
  bareKey: false,
  oneLookup: false,
  stalePointers: false,
  staleIsn: false,
  jumpingNumbers: false,
  signedSegments: false,
  trackedTuple: false,
  unaskedPolicies: false,
  noL3mdev: false,
};

export const NO_PATCH: Patch = { movesSyn: false, faults: NO_FAULTS };
