/** Why something is never exercised. A gap that no pattern explains fails the coverage run. */
const REASONS: readonly (readonly [gap: RegExp, reason: string])[] = [
  [/skb\.iph\.saddr [!=]== saddr/, 'no target of the mangle table changes an address'],
  [/syn-filters\.h/, 'a condition for the first SYN is asked of the variants that are named after it alone'],
  [/skbLen\(skb\) < 20|hasShortHeader/, 'only raw sockets on 4.1 send a header that is too short'],
  [/net\.mangle\.nft/, 'the scopes draw hosts of iptables-legacy; `host flows` meets the others'],
  [
    /mended\.h.*(`tb === (?:port|0)`|`!t1`|`err !== 0`|`err === 0` false|`err !== 0 && !back`)/,
    'bookkeeping that fails only for lack of memory, or between two processors',
  ],
  [/mended\.h.*uh\.check === 0/, 'one datagram in 65,536; a test works its port out'],
  [/mended\.h.*rt\.err < 0|mended\.h.*now\.err < 0/, 'the lookup before it, by the same key, has not failed either'],
  [/`frame\.looked`/, 'whether a text looked a route up itself is settled at each line that gives one to the packet'],
  [
    /mended\.h.*`ctinfo === 2` false/,
    'a packet of a connection that is open under both sources, marked unlike the one before',
  ],
  [/mended\.h.*`t1\.verdict !== 1`/, 'what connection tracking refuses it has refused before the mangle table'],
  [/mended\.h.*`ct !== 0` false/, 'what was tracked under its first source is tracked under the new one'],
  [
    /mended\.h.*`allowed` false/,
    'a policy that blocks the port which a move has found, and not the one before; no scope has one',
  ],
  [/mended\.h.*`err < 0` true/, 'decode_session4() does not fail'],
  [
    /mended\.h.*`t[25]` (?:true|false)/,
    'settled by what was asked before: that the socket is one of TCP, that there is room for the header',
  ],
  [/addr_type === RTN_UNSPEC` false/, 'every caller in the model leaves the type of the address open'],
  [/`skb\.cloned` true/, "a TCP segment has MAX_TCP_HEADER bytes of headroom, more than any link's header"],
  [/`sum === 0` true/, 'one datagram in 65,536; the lemma on the zero rule covers it'],
  [/`bucket` false/, 'a port that nobody else holds is free for the search, which then does not fail'],
  [
    /`dst\.err < 0` true/,
    'source and destination are those of the first lookup, where a policy that blocks them has done so',
  ],
  [/CLOSE_WAIT|LAST_ACK/, 'the peer closes first only on accepted connections, which the search does not close'],
  [
    /FIN_WAIT2|CLOSING/,
    "`answer` acknowledges a FIN and closes in one segment; the conformance cases take the peer's steps one by one",
  ],
];

/** The reason of a gap, '' when none is known. */
export function reasonOf(gap: string): string {
  return REASONS.find(([pattern]) => pattern.test(gap))?.[1] ?? '';
}
