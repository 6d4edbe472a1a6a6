/** The recorded outcome of every property on every variant, by fast-check; z3's are in solved.ts. Nothing else states results; `reroute-check check` compares. */

/** One row a property; the columns are the variants in the order of the matrix. */
const ROWS: Readonly<
  Record<
    string,
    readonly [
      stock: string,
      masquerade: string,
      icmpOnly: string,
      tcpRehash: string,
      icmpOnlyMended: string,
      tcpRehashMended: string,
    ]
  >
> = {
  'source-fits-route': ['violated', 'violated', 'violated', 'violated', 'violated', 'violated'],
  'source-passes-provider-filter': ['violated', 'violated', 'violated', 'violated', 'violated', 'violated'],
  'header-matches-socket': ['sampled', 'violated', 'sampled', 'violated', 'sampled', 'sampled'],
  'local-name-stays': ['sampled', 'sampled', 'sampled', 'violated', 'sampled', 'sampled'],
  'explicit-source-kept': ['sampled', 'violated', 'violated', 'violated', 'sampled', 'sampled'],
  'reply-carries-asked-address': ['sampled', 'sampled', 'violated', 'violated', 'sampled', 'sampled'],
  'send-leaves-next-send-alone': ['sampled', 'sampled', 'violated', 'violated', 'sampled', 'sampled'],
  'concurrent-send-unaffected': ['sampled', 'sampled', 'violated', 'violated', 'sampled', 'sampled'],
  'tunnel-header-kept': ['sampled', 'violated', 'violated', 'violated', 'sampled', 'sampled'],
  'tunnelled-sender-kept': ['sampled', 'sampled', 'violated', 'violated', 'sampled', 'sampled'],
  'failed-reroute-leaves-socket': ['sampled', 'sampled', 'sampled', 'violated', 'sampled', 'sampled'],
  'four-tuple-unique': ['sampled', 'sampled', 'sampled', 'violated', 'sampled', 'sampled'],
  'hashed-socket-found': ['sampled', 'sampled', 'sampled', 'violated', 'sampled', 'sampled'],
  'answer-found-at-any-moment': ['sampled', 'sampled', 'sampled', 'violated', 'sampled', 'sampled'],
  'one-connection-one-tuple': ['sampled', 'violated', 'sampled', 'violated', 'sampled', 'sampled'],
  'bound-port-kept': ['sampled', 'sampled', 'sampled', 'violated', 'sampled', 'sampled'],
  'bound-port-refused-to-others': ['sampled', 'sampled', 'sampled', 'violated', 'sampled', 'sampled'],
  'ports-accounted': ['sampled', 'sampled', 'sampled', 'violated', 'sampled', 'sampled'],
  'listener-stays': ['sampled', 'sampled', 'sampled', 'sampled', 'sampled', 'sampled'],
  'tcp-operations-on-tcp-sockets': ['sampled', 'sampled', 'violated', 'violated', 'sampled', 'sampled'],
  'kernel-survives': ['sampled', 'sampled', 'violated', 'violated', 'sampled', 'sampled'],
  'ip-checksum-correct': ['sampled', 'sampled', 'sampled', 'sampled', 'sampled', 'sampled'],
  'transport-checksum-correct': ['sampled', 'sampled', 'violated', 'violated', 'sampled', 'sampled'],
  'verdict-legal': ['sampled', 'sampled', 'sampled', 'violated', 'sampled', 'sampled'],
  'packet-consumed-once': ['sampled', 'sampled', 'sampled', 'violated', 'sampled', 'sampled'],
  'answer-reaches-sender': ['sampled', 'sampled', 'violated', 'violated', 'sampled', 'sampled'],
  'tunnel-does-not-loop': ['sampled', 'sampled', 'violated', 'violated', 'sampled', 'sampled'],
  'bound-device-kept': ['sampled', 'sampled', 'sampled', 'sampled', 'sampled', 'sampled'],
  'message-device-kept': ['violated', 'violated', 'violated', 'violated', 'violated', 'violated'],
  'dontroute-stays-on-link': ['violated', 'violated', 'violated', 'violated', 'violated', 'violated'],
  'rerouted-by-ports': ['sampled', 'sampled', 'violated', 'violated', 'sampled', 'sampled'],
  'rerouted-by-user': ['violated', 'violated', 'violated', 'violated', 'violated', 'violated'],
  'rerouted-by-source': ['sampled', 'sampled', 'violated', 'violated', 'sampled', 'sampled'],
  'vrf-kept': ['sampled', 'sampled', 'violated', 'violated', 'sampled', 'sampled'],
  'route-ignores-garbage': ['sampled', 'sampled', 'violated', 'violated', 'sampled', 'sampled'],
  'mark-alone-changes-nothing': ['sampled', 'sampled', 'violated', 'violated', 'sampled', 'sampled'],
  'source-is-an-address': ['sampled', 'sampled', 'sampled', 'sampled', 'sampled', 'sampled'],
  'policies-obeyed': ['sampled', 'sampled', 'violated', 'violated', 'sampled', 'sampled'],
  'flow-keeps-path': ['sampled', 'sampled', 'violated', 'violated', 'sampled', 'sampled'],
  'cookie-from-its-address': ['sampled', 'violated', 'sampled', 'violated', 'sampled', 'sampled'],
  'cookie-used-again': ['sampled', 'violated', 'sampled', 'violated', 'sampled', 'sampled'],
  'syn-data-delivered-once': ['sampled', 'sampled', 'sampled', 'violated', 'sampled', 'sampled'],
  'fast-open-fallback-answerable': ['sampled', 'sampled', 'sampled', 'violated', 'sampled', 'sampled'],
  'isn-of-own-tuple': ['sampled', 'violated', 'sampled', 'violated', 'sampled', 'sampled'],
  'new-incarnation-beyond-old': ['sampled', 'sampled', 'sampled', 'violated', 'sampled', 'sampled'],
  'sequence-numbers-continue': ['sampled', 'sampled', 'sampled', 'violated', 'sampled', 'sampled'],
  'mss-fits-link': ['violated', 'violated', 'violated', 'violated', 'violated', 'violated'],
  'signature-fits-header': ['sampled', 'violated', 'sampled', 'violated', 'sampled', 'sampled'],
  'conntrack-tuple-on-wire': ['sampled', 'sampled', 'violated', 'violated', 'sampled', 'sampled'],
  'answer-is-established': ['sampled', 'sampled', 'violated', 'violated', 'sampled', 'sampled'],
  'dropped-packet-leaves-socket': ['sampled', 'sampled', 'violated', 'violated', 'sampled', 'violated'],
};

const VARIANTS = ['stock', 'masquerade', 'icmp-only', 'tcp-rehash', 'icmp-only-mended', 'tcp-rehash-mended'];

/** Outcome by property id and variant name. */
export const expected: Readonly<Record<string, Readonly<Record<string, string>>>> = Object.fromEntries(
  Object.entries(ROWS).map(([id, row]) => [
    id,
    Object.fromEntries(VARIANTS.map((name, i) => [name, row[i] as string])),
  ]),
);

/** The same outcome for every variant. */
function every(outcome: string): Readonly<Record<string, string>> {
  return Object.fromEntries(VARIANTS.map((name) => [name, outcome]));
}

/** Cells whose outcome on another release is not that of the reference, by release, property and variant. */
export const DIFFERENCES: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, string>>>>>> = {
  '4.1': {
    'listener-stays': { 'tcp-rehash': 'violated' },
    'tcp-operations-on-tcp-sockets': { 'icmp-only': 'sampled' },
    'tunnel-does-not-loop': {
      stock: 'violated',
      masquerade: 'violated',
      'icmp-only-mended': 'violated',
      'tcp-rehash-mended': 'violated',
    },
    'rerouted-by-ports': every('undecided'),
    'rerouted-by-user': every('undecided'),
    'vrf-kept': every('undecided'),
    'route-ignores-garbage': { 'icmp-only': 'sampled' },
  },
  '6.18': {
    'listener-stays': { 'tcp-rehash': 'violated' },
  },
};

/** The recorded outcomes on a release. */
export function expectedOn(release: string): typeof expected {
  const differences = DIFFERENCES[release] ?? {};
  return Object.fromEntries(Object.entries(expected).map(([id, row]) => [id, { ...row, ...differences[id] }]));
}
