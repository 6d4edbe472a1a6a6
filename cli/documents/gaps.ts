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
  [/`frame\.looked`/, 'whether a text looked a route up itself is settled at each line that gives one to the packet'],
  [/mended\.h.*`t1\.verdict !== 1`/, 'what connection tracking refuses it has refused before the mangle table'],
  [/mended\.h.*`ct !== 0` false/, 'what was tracked under its first source is tracked under the new one'],
  [/mended\.h.*`err < 0` true/, 'decode_session4() does not fail'],
  [
    /mended\.h.*`t[25]` (?:true|false)/,
    'settled by what was asked before: that the socket is one of TCP, that there is room for the header',
  ],
  [/`skb\.dst\.dev === 0` true/, 'whatever comes here has a route; a text that takes it away and gives none crashes'],
  [
    /mended\.h.*(`bound` true|`!?keeps_port` (?:true|false))/,
    "the port that a socket is bound to is nobody else's without SO_REUSEADDR, which the model has not",
  ],
  [/mended\.h.*`port >= low` false/, 'the port of a socket that is connecting lies in the range'],
  [/mended\.h.*`dst\.xfrm` true/, 'a route that the text has looked up has not been asked for policies yet'],
  [/mended\.h.*fastreuse >= 0/, 'reroute_is_shared() has asked before: only another CPU makes it true'],
  [
    /mended\.h.*(`err === 0 \|\| \(faults|`port !== old_port|`t9`)/,
    'a move that was asked about fails only where another CPU takes what was free',
  ],
  [/mended\.h.*`t3\d` true/, 'the first mended text moves no SYN, so that later rules refuse none'],
  [/mended\.h.*`!t6` false/, 'asked again behind a condition in which it was true'],
  [/addr_type === RTN_UNSPEC` false/, 'every caller in the model leaves the type of the address open'],
  [/`skb\.cloned` true/, "a TCP segment has MAX_TCP_HEADER bytes of headroom, more than any link's header"],
  [/`sum === 0` true/, 'one datagram in 65,536; the lemma on the zero rule covers it'],
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
