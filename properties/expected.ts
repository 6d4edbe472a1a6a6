/** The recorded outcome of every property on every variant. Nothing else states results; `reroute-check check` compares. */

/** One row a property; the columns are the variants in the order of the matrix. */
const ROWS: Readonly<
  Record<string, readonly [stock: string, masquerade: string, icmpOnly: string, tcpRehash: string]>
> = {
  'source-fits-route': ['violated', 'violated', 'violated', 'violated'],
  'source-passes-provider-filter': ['violated', 'violated', 'violated', 'violated'],
  'header-matches-socket': ['sampled', 'violated', 'sampled', 'violated'],
  'local-name-stays': ['sampled', 'sampled', 'sampled', 'violated'],
  'explicit-source-kept': ['sampled', 'violated', 'violated', 'violated'],
  'reply-carries-asked-address': ['sampled', 'sampled', 'violated', 'violated'],
  'send-leaves-next-send-alone': ['sampled', 'sampled', 'violated', 'violated'],
  'failed-reroute-leaves-socket': ['sampled', 'sampled', 'sampled', 'violated'],
  'four-tuple-unique': ['sampled', 'sampled', 'sampled', 'violated'],
  'hashed-socket-found': ['sampled', 'sampled', 'sampled', 'violated'],
  'one-connection-one-tuple': ['sampled', 'violated', 'sampled', 'violated'],
  'bound-port-kept': ['sampled', 'sampled', 'sampled', 'violated'],
  'ports-accounted': ['sampled', 'sampled', 'sampled', 'violated'],
  'listener-stays': ['sampled', 'sampled', 'sampled', 'sampled'],
  'tcp-operations-on-tcp-sockets': ['sampled', 'sampled', 'violated', 'violated'],
  'kernel-survives': ['sampled', 'sampled', 'sampled', 'violated'],
  'ip-checksum-correct': ['sampled', 'sampled', 'sampled', 'sampled'],
  'transport-checksum-correct': ['sampled', 'sampled', 'violated', 'violated'],
  'verdict-legal': ['sampled', 'sampled', 'sampled', 'violated'],
  'packet-consumed-once': ['sampled', 'sampled', 'sampled', 'violated'],
  'answer-reaches-sender': ['sampled', 'sampled', 'violated', 'violated'],
  'bound-device-kept': ['sampled', 'sampled', 'sampled', 'sampled'],
  'message-device-kept': ['violated', 'violated', 'violated', 'violated'],
  'dontroute-stays-on-link': ['violated', 'violated', 'violated', 'violated'],
  'rerouted-by-ports': ['sampled', 'sampled', 'violated', 'violated'],
  'rerouted-by-user': ['violated', 'violated', 'violated', 'violated'],
  'rerouted-by-source': ['sampled', 'sampled', 'violated', 'violated'],
  'route-ignores-garbage': ['sampled', 'sampled', 'sampled', 'violated'],
  'mark-alone-changes-nothing': ['sampled', 'sampled', 'violated', 'violated'],
  'source-is-an-address': ['sampled', 'sampled', 'sampled', 'sampled'],
};

const VARIANTS = ['stock', 'masquerade', 'icmp-only', 'tcp-rehash'];

/** Outcome by property id and variant name. */
export const expected: Readonly<Record<string, Readonly<Record<string, string>>>> = Object.fromEntries(
  Object.entries(ROWS).map(([id, row]) => [
    id,
    Object.fromEntries(VARIANTS.map((name, i) => [name, row[i] as string])),
  ]),
);

/** Cells whose outcome on another release is not that of the reference, by release, property and variant. */
export const DIFFERENCES: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, string>>>>>> = {
  '4.1': {},
  '6.18': {},
};

/** The recorded outcomes on a release. */
export function expectedOn(release: string): typeof expected {
  const differences = DIFFERENCES[release] ?? {};
  return Object.fromEntries(Object.entries(expected).map(([id, row]) => [id, { ...row, ...differences[id] }]));
}
