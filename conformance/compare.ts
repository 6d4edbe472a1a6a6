/**
 * What is compared between the model and a kernel, and how.
 *
 * A routing answer: every key of `ip -j route get`. A scenario: refused commands, every packet with its device, next hop,
 * addresses, ports, flags, type of service, payload length and both checksums, what programs receive, the result of every system call,
 * getsockname() of every open socket after every event, and the state of the sockets in the end.
 *
 * Ports and echo identifiers that the kernel chooses are compared for equal or different: one that the model chose stands
 * for one that the kernel chose, both inside the range. Sequence numbers are the peer's affair: wrong ones show in what
 * follows. The packet's mark cannot be seen on a wire.
 */
import type { Text } from '../scenario/text.ts';
import { SECRETS } from './choices.ts';
import { EXCLUDED } from './excluded.ts';
import type { Seen, SeenPacket } from './modelTrace.ts';
import type { KernelDelivery, RouteAnswer, RouteAnswers } from './running/player.ts';

/** One thing in which the two differ. */
export interface Difference {
  /** Index into the host's commands or the events. */
  readonly at: number;
  readonly what: string;
  readonly model: string;
  readonly kernel: string;
}

/** `events[3]: source: 10.0.0.1 on the model, 10.1.0.1 on the kernel`. */
export function differenceText({ at, what, model, kernel }: Difference): string {
  return `${what.startsWith('host') ? 'host' : 'events'}[${at}]: ${what}: ${model} on the model, ${kernel} on the kernel`;
}

/** An object with its keys in order, so that equal ones print alike. */
function sorted(value: object): string {
  return JSON.stringify(Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))));
}

/** The answer without what is excluded. */
function comparable(question: string, answer: RouteAnswer, host: readonly string[]): string {
  let seen = answer;
  for (const { answer: change } of EXCLUDED) if (change !== undefined) seen = change(question, seen, host);
  return sorted(seen);
}

/** Differences between two lists of indices of refused commands. */
function refusals(lines: readonly string[], what: string, model: readonly number[], kernel: readonly number[]) {
  return lines.flatMap((line, at): Difference[] =>
    model.includes(at) === kernel.includes(at)
      ? []
      : [{ at, what: `${what} "${line}"`, model: said(model.includes(at)), kernel: said(kernel.includes(at)) }],
  );
}

function said(refused: boolean): string {
  return refused ? 'refused' : 'accepted';
}

type Answers = Pick<RouteAnswers, 'refused' | 'routes'>;

/**
 * Compares the answers to the questions of a host; answers of hosts that differ are not compared. Where a route has
 * several paths, an answer that the model gives under some secret agrees.
 */
export function compareAnswers(
  { host, events }: Text,
  model: (secret: number) => Answers,
  kernel: Answers,
): readonly Difference[] {
  const own = model(0);
  const [mine, theirs] = [own, kernel].map(({ refused }) => refused.map(({ index }) => index));
  const setup = refusals(host, 'host command', mine as number[], theirs as number[]);
  if (setup.length > 0) return setup;
  const said = ({ routes }: Answers, at: number) =>
    comparable(events[at] as string, routes[at] ?? { error: 'no answer' }, host);
  const differ = events.flatMap((_, at) => (said(own, at) === said(kernel, at) ? [] : [at]));
  const others = differ.length > 0 && host.some(hasPaths) ? SECRETS.map(model) : [];
  return differ
    .filter((at) => !others.some((other) => said(other, at) === said(kernel, at)))
    .map((at) => ({ at, what: events[at] as string, model: said(own, at), kernel: said(kernel, at) }));
}

/** Whether a command makes a route of several paths. */
function hasPaths(command: string): boolean {
  return / nexthop .* nexthop /.test(command);
}

/** Which chosen number of the model stands for which of the kernel. */
class Pairs {
  private readonly forward = new Map<string, number>();
  private readonly backward = new Map<string, number>();

  /** Whether nothing stands for that number of the model yet. */
  isNew(space: string, model: number): boolean {
    return !this.forward.has(`${space} ${model}`);
  }

  /** Whether the two numbers may stand for each other; `choosable` tells which a kernel may have chosen. */
  match(space: string, model: number, kernel: number, choosable: (n: number) => boolean): boolean {
    const [a, b] = [`${space} ${model}`, `${space} ${kernel}`];
    const known = this.forward.get(a);
    if (known !== undefined || this.backward.has(b)) return known === kernel && this.backward.get(b) === model;
    if (model !== kernel && !(choosable(model) && choosable(kernel))) return false;
    this.forward.set(a, kernel);
    this.backward.set(b, model);
    return true;
  }
}

/** The range of ports that a kernel may choose from under the commands of a scenario that it has taken. */
function portRange(text: Text, { setup, refused }: Seen): readonly [number, number] {
  const host = text.host.filter((_, index) => !setup.includes(index));
  const events = text.events.filter((_, index) => !refused.includes(index));
  const set = [...host, ...events]
    .map((line) => line.match(/ip_local_port_range="?(\d+)\s+(\d+)/))
    .filter((m) => m !== null);
  const lows = set.map((m) => Number(m[1]));
  const highs = set.map((m) => Number(m[2]));
  // C: net/netfilter/nf_nat_core.c, nf_nat_l4proto_unique_tuple(): on a clash NAT takes any port from 1024.
  if ([...host, ...events].some((line) => / (MASQUERADE|SNAT)\b/.test(line))) return [1024, 65535];
  return set.length === 0 ? [32768, 60999] : [Math.min(...lows), Math.max(...highs)];
}

/** How many numbers translation tries one after the other. C: net/netfilter/nf_nat_core.c, NF_NAT_MAX_ATTEMPTS. */
const NAT_ATTEMPTS = 128;

/** A field of a packet that is compared for equality. */
const FIELDS = [
  'dev',
  'nexthop',
  'saddr',
  'daddr',
  'protocol',
  'flags',
  'icmp_type',
  'icmp_code',
  'payload',
  'tos',
  'ip_checksum',
  'checksum',
  'cookie',
  'cookie_request',
  'signature',
  'fragment',
] as const satisfies readonly (keyof SeenPacket)[];

/** `eth0 10.0.0.1:40000 > 8.8.8.8:80 tcp S 0`. */
export function packetText(p: SeenPacket | undefined): string {
  if (p === undefined) return 'none';
  const end = (address: string, port: number | undefined) => (port === undefined ? address : `${address}:${port}`);
  const type = p.icmp_type === undefined ? '' : ` ${p.icmp_type}/${p.icmp_code}`;
  return `${p.dev} ${end(p.saddr, p.sport)} > ${end(p.daddr, p.dport)} ${p.protocol}${type}${p.flags === undefined ? '' : ` ${p.flags || 'none'}`} ${p.payload}`;
}

/** `c 4 bytes from 8.8.8.8:53`. */
export function deliveryText(one: KernelDelivery | undefined): string {
  if (one === undefined) return 'nothing';
  return `${one.socket} ${one.length} bytes${one.from === '' ? '' : ` from ${one.from}`}`;
}

/** Whether a FIN, with data or without, waits on the kernel until what was sent again is acknowledged: excluded.ts. */
function isHeldBack(model: readonly SeenPacket[], kernel: readonly SeenPacket[]): boolean {
  const [fin] = model;
  return model.length === 1 && fin?.flags?.includes('F') === true && kernel.length === 0;
}

/** Compares what both saw, up to the event that one of them could not play. What later releases do otherwise is passed over, unless the kernel is one of the reference release. */
export function compareSeen(text: Text, model: Seen, kernel: Seen, isReference = false): readonly Difference[] {
  const setup = refusals(text.host, 'host command', model.setup, kernel.setup);
  if (setup.length > 0) return setup;
  const pairs = new Pairs();
  const [low, high] = portRange(text, kernel);
  const anyId = (n: number) => n >= 0 && n <= 0xffff;
  // A clash of translated connections is solved with any port.
  const translates = [...text.host, ...text.events].some((line) => /MASQUERADE|SNAT|DNAT/.test(line));
  const inRange = translates ? anyId : (n: number) => n >= low && n <= high;
  const differences: Difference[] = [];
  const differ = (at: number, what: string, a: unknown, b: unknown) =>
    differences.push({ at, what, model: String(a ?? 'none'), kernel: String(b ?? 'none') });
  const count = Math.min(model.events, kernel.events);

  /** Sockets by kind: ports of UDP and TCP are spaces of their own. */
  const kinds = new Map<string, string>();
  const name = (at: number, socket: string, a: string, b: string) => {
    const kind = kinds.get(socket.replace(/\..*/, '')) ?? 'tcp';
    const space = kind === 'ping' ? 'icmp' : kind;
    const [addressA = '', portA = ''] = a.split(':');
    const [addressB = '', portB = ''] = b.split(':');
    const choosable = kind === 'ping' ? anyId : inRange;
    // 0 is no port here; an identifier that translation chooses may be 0.
    const ports = (portA === '0' && portB === '0') || pairs.match(space, Number(portA), Number(portB), choosable);
    if (addressA !== addressB || !ports) differ(at, `getsockname of ${socket}`, a, b);
  };

  const packet = (at: number, a: SeenPacket | undefined, b: SeenPacket | undefined) => {
    if (a === undefined || b === undefined) {
      differ(at, 'packet', packetText(a), packetText(b));
      return;
    }
    for (const field of FIELDS) {
      if ((a[field] || undefined) !== (b[field] || undefined))
        differ(at, `${field} of ${packetText(b)}`, a[field], b[field]);
    }
    const space = String(b.protocol);
    for (const port of ['sport', 'dport'] as const) {
      const fits =
        (a[port] === undefined) === (b[port] === undefined) &&
        pairs.match(space, a[port] ?? -1, b[port] ?? -1, inRange);
      if (!fits) differ(at, `${port} of ${packetText(b)}`, a[port], b[port]);
    }
    // The identifier of an answer is the peer's, which no kernel chose.
    const answers = b.icmp_type === 0 && a.icmp_id === b.icmp_id;
    const echo = b.icmp_type === 8 || b.icmp_type === 0;
    const [idA, idB] = [a.icmp_id ?? 0, b.icmp_id ?? 0];
    // Later releases look for an identifier from 0 on, so that two flows get the same one after each other: excluded.ts.
    const fromZero = !isReference && translates && idB < NAT_ATTEMPTS && pairs.isNew('icmp', idA);
    if (echo && !answers && !fromZero && !pairs.match('icmp', idA, idB, anyId))
      differ(at, 'echo identifier', a.icmp_id, b.icmp_id);
  };

  /** What each program read; the sockets of a host have no order among each other. */
  const read = (at: number) => {
    const [mine, theirs] = [model, kernel].map(({ deliveries }) =>
      deliveries
        .filter(({ event }) => event === at)
        .sort((a, b) => (a.socket < b.socket ? -1 : a.socket > b.socket ? 1 : 0)),
    ) as [KernelDelivery[], KernelDelivery[]];
    for (let n = 0; n < Math.max(mine.length, theirs.length); n++) {
      const [a, b] = [mine[n], theirs[n]];
      const [addressA = '', portA = ''] = a?.from.split(':') ?? [];
      const [addressB = '', portB = ''] = b?.from.split(':') ?? [];
      const same = a?.socket === b?.socket && addressA === addressB && a?.length === b?.length;
      if (!same || !pairs.match('udp', Number(portA), Number(portB), inRange))
        differ(at, 'received', deliveryText(a), deliveryText(b));
    }
  };

  for (let at = 0; at < count && differences.length === 0; at++) {
    const event = text.events[at] as string;
    const [verb, socket = '', kind = ''] = event.split(' ');
    if (verb === 'socket') kinds.set(socket, kind);
    if (model.refused.includes(at) !== kernel.refused.includes(at)) {
      differ(at, `host event "${event}"`, said(model.refused.includes(at)), said(kernel.refused.includes(at)));
    }
    const [callsA, callsB] = [model, kernel].map(({ calls }) =>
      calls
        .filter((call) => call.event === at)
        .map(({ socket, call, errno }) => `${call} of ${socket} ${errno || 'succeeds'}`),
    ) as [string[], string[]];
    if (callsA.join() !== callsB.join()) differ(at, 'calls', callsA.join(', '), callsB.join(', '));
    const [packetsA, packetsB] = [model, kernel].map(({ packets }) => packets.filter(({ event }) => event === at)) as [
      SeenPacket[],
      SeenPacket[],
    ];
    const again = !isReference && text.events.slice(0, at).includes(`retransmit ${socket}`);
    if (verb === 'close' && again && isHeldBack(packetsA, packetsB)) return differences;
    for (let n = 0; n < Math.max(packetsA.length, packetsB.length); n++) packet(at, packetsA[n], packetsB[n]);
    read(at);
    const [a, b] = [model.names[at] ?? {}, kernel.names[at] ?? {}];
    for (const one of new Set([...Object.keys(a), ...Object.keys(b)]))
      name(at, one, a[one] ?? 'none', b[one] ?? 'none');
  }
  if (differences.length > 0 || count < text.events.length) return differences;
  for (const [socket, { state, hashed }] of Object.entries(kernel.sockets)) {
    const mine = model.sockets[socket] ?? { state: 'CLOSE', hashed: false };
    if (mine.state !== state) differ(count - 1, `state of ${socket}`, mine.state, state);
    else if (mine.hashed !== hashed) differ(count - 1, `place of ${socket} in the table`, mine.hashed, hashed);
  }
  return differences;
}
