/**
 * The scope of proofs: scenarios whose structure is given and whose numbers are ranges. `{name}` in a line stands for
 * any number of that name; the solver takes all of them at once, fast-check's agreement check draws some.
 */

/** What a place may stand for: every whole number from `lo` to `hi`. */
export interface Place {
  readonly name: string;
  readonly is: 'address' | 'number';
  readonly lo: number;
  readonly hi: number;
  /** What a reader knows, tried first. */
  readonly familiar: readonly number[];
}

/** A scenario with places in it: the commands of the host, then events. */
export interface Shape {
  /** kebab-case. */
  readonly name: string;
  readonly host: readonly string[];
  readonly events: readonly string[];
}

export interface ShapeScope {
  /** kebab-case. */
  readonly name: string;
  /** One line for the report: what is inside. */
  readonly text: string;
  readonly places: readonly Place[];
  /** Smallest first. */
  readonly shapes: readonly Shape[];
}

const U32 = 0xffffffff;

/** 10.0.0.1 and the like. */
function address(a: number, b: number, c: number, d: number): number {
  return a * 0x1000000 + b * 0x10000 + c * 0x100 + d;
}

const places: readonly Place[] = [
  { name: 'a0', is: 'address', lo: address(10, 0, 0, 1), hi: address(10, 0, 0, 126), familiar: [address(10, 0, 0, 1)] },
  { name: 'a1', is: 'address', lo: address(10, 1, 0, 1), hi: address(10, 1, 0, 126), familiar: [address(10, 1, 0, 1)] },
  {
    name: 'g0',
    is: 'address',
    lo: address(10, 0, 0, 129),
    hi: address(10, 0, 0, 254),
    familiar: [address(10, 0, 0, 254)],
  },
  {
    name: 'g1',
    is: 'address',
    lo: address(10, 1, 0, 129),
    hi: address(10, 1, 0, 254),
    familiar: [address(10, 1, 0, 254)],
  },
  {
    name: 'to',
    is: 'address',
    lo: address(8, 0, 0, 0),
    hi: address(8, 255, 255, 255),
    familiar: [address(8, 8, 8, 8)],
  },
  {
    name: 'and',
    is: 'address',
    lo: address(9, 0, 0, 0),
    hi: address(9, 255, 255, 255),
    familiar: [address(9, 9, 9, 9)],
  },
  { name: 'port', is: 'number', lo: 1, hi: 65535, familiar: [80] },
  { name: 'wanted', is: 'number', lo: 1, hi: U32, familiar: [100] },
  { name: 'mask', is: 'number', lo: 1, hi: U32, familiar: [U32] },
  { name: 'mark', is: 'number', lo: 0, hi: U32, familiar: [100] },
];

/** The post's host: two uplinks, and a rule that sends what the mangle table marks through the second. */
const host: readonly string[] = [
  'ip link add eth0 type veth peer name eth0p',
  'ip link set eth0 up',
  'ip addr add {a0}/24 dev eth0',
  'ip link add eth1 type veth peer name eth1p',
  'ip link set eth1 up',
  'ip addr add {a1}/24 dev eth1',
  'ip route add default via {g0} src {a0}',
  'ip route add default via {g1} src {a1} table 100',
  'ip rule add fwmark {wanted}/{mask} table 100',
  'sysctl -w net.ipv4.ping_group_range="0 2147483647"',
  'iptables -t mangle -A OUTPUT -d 8.8.8.8 -j MARK --set-mark {mark}',
];

/** The same, where the marked packets' second lookup fails. */
const unreachable = host.map((line) =>
  line.endsWith('table 100') && line.includes('default') ? 'ip route add unreachable default table 100' : line,
);

function shape(name: string, ...events: readonly string[]): Shape {
  return { name, host, events };
}

/** Long scenarios, once with all packets marked and the rule's mark, once with none: which it is decides the structure. */
function steady(name: string, ...events: readonly string[]): readonly Shape[] {
  const known = host.map((line) => line.replace('{wanted}/{mask}', '100').replace('{mark}', '100'));
  const to = (end: string) => events.map((line) => line.replace('TO', end));
  return [
    { name: `${name}-marked`, host: known, events: to('8.8.8.8') },
    { name, host: known, events: to('{and}') },
  ];
}

export const postHost: ShapeScope = {
  name: 'post-host',
  text: "the post's host, every address and gateway in its two /24s, every mark, rule mark and mask; packets to 8.8.8.8 are marked; any destination in 8.0.0.0/8 (9.0.0.0/8 for a second one), any port; the marked packets' table may also be unreachable; what one or two sockets, or one arriving packet, make the host send; long TCP exchanges with the mark 100 or none, a listener's peers in 9.0.0.0/8",
  places,
  shapes: [
    shape('ping', 'socket c ping', 'send c 4 to {to}'),
    shape('udp', 'socket c udp', 'send c 4 to {to}:{port}'),
    shape('tcp', 'socket c tcp', 'connect c {to}:{port}'),
    { ...shape('udp-unreachable', 'socket c udp', 'send c 4 to {to}:{port}'), host: unreachable },
    { ...shape('tcp-unreachable', 'socket c tcp', 'connect c {to}:{port}'), host: unreachable },
    shape('udp-bound', 'socket c udp', 'bind c {a0}:5000', 'send c 4 to {to}:{port}'),
    shape('udp-twice', 'socket c udp', 'send c 4 to {to}:{port}', 'send c 4 to {and}:{port}'),
    shape('udp-connected', 'socket c udp', 'connect c {to}:{port}', 'send c 4'),
    shape('ping-connected', 'socket c ping', 'connect c {to}:0', 'send c 4'),
    shape('echo', 'receive eth0 {to} > {a0} icmp echo-request'),
    shape('closed-port', 'receive eth0 {to}:{port} > {a0}:80 tcp S'),
    shape('tcp-bound', 'socket c tcp', 'bind c 0.0.0.0:5000', 'connect c {to}:{port}'),
    shape('listener', 'socket c tcp', 'bind c {a0}:80', 'listen c', 'receive eth0 {and}:{port} > {a0}:80 tcp S'),
    ...steady('tcp-retransmitted', 'socket c tcp', 'connect c TO:{port}', 'retransmit c'),
    ...steady('tcp-two', 'socket c tcp', 'connect c TO:{port}', 'socket d tcp', 'connect d TO:{port}'),
    ...steady('tcp-answered', 'socket c tcp', 'connect c TO:{port}', 'answer c'),
    ...steady('tcp-data', 'socket c tcp', 'connect c TO:{port}', 'answer c', 'send c 4'),
  ],
};
