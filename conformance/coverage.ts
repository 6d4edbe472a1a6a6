/** What wire scenarios show: parts of the model, each counted where its effect is seen, not where it is merely set up. */
import type { Text } from '../scenario/text.ts';
import type { Seen, SeenPacket } from './modelTrace.ts';
import type { KernelDelivery } from './running/player.ts';

/** A scenario with what was seen, in the words that the parts look at. */
interface Told {
  readonly text: Text;
  readonly seen: Seen;
  /** Packets that left in an event of that verb, by a socket of that kind where one is given. */
  readonly sent: (verb: RegExp, kind?: string) => readonly SeenPacket[];
  /** What sockets of that kind received. */
  readonly received: (kind: string) => readonly KernelDelivery[];
}

function told(text: Text, seen: Seen): Told {
  const kinds = new Map<string, string>();
  const kindAt = text.events.map((event) => {
    const [verb, name = '', kind = ''] = event.split(' ');
    if (verb === 'socket') kinds.set(name, kind);
    return kinds.get(name.replace(/\..*/, '')) ?? '';
  });
  const sent: Told['sent'] = (verb, kind) =>
    seen.packets.filter(
      ({ event }) => verb.test(text.events[event] ?? '') && (kind === undefined || kindAt[event] === kind),
    );
  const received: Told['received'] = (kind) =>
    seen.deliveries.filter(({ socket }) => kinds.get(socket.replace(/\..*/, '')) === kind);
  return { text, seen, sent, received };
}

/** Whether a packet left by a device that a command names behind `-o`, or by any where it names none. */
function leavesBy({ text, seen }: Told, rule: RegExp): boolean {
  const devices = text.host.filter((line) => rule.test(line)).map((line) => line.match(/ -o (\S+)/)?.[1]);
  return seen.packets.some(({ dev }) => devices.some((device) => device === undefined || device === dev));
}

const has = (lines: readonly string[], words: RegExp): boolean => lines.some((line) => words.test(line));

/** The parts that random scenarios are meant to reach, and how a scenario shows that it did. */
const PARTS: Readonly<Record<string, (one: Told) => boolean>> = {
  'UDP sent': ({ sent }) => sent(/^send/, 'udp').length > 0,
  'ping sent': ({ sent }) => sent(/^send/, 'ping').length > 0,
  'raw sent': ({ sent }) => sent(/^send/, 'raw').length > 0,
  'hdrincl sent': ({ sent }) => sent(/^send/, 'hdrincl').length > 0,
  'TCP connect': ({ sent }) => sent(/^connect/).some(({ flags }) => flags === 'S'),
  'TCP handshake done': ({ sent }) => sent(/^answer/, 'tcp').some(({ flags }) => flags === '.'),
  'TCP accept': ({ seen }) => seen.names.some((names) => Object.keys(names).some((name) => name.includes('.'))),
  'TCP data': ({ seen }) => seen.packets.some(({ flags, payload }) => flags?.includes('P') && payload > 0),
  'peer speaks, TCP': ({ sent }) => sent(/^say/, 'tcp').some(({ flags }) => flags === '.'),
  'peer speaks after close': ({ sent }) => sent(/^say/, 'tcp').some(({ flags }) => flags?.includes('R')),
  'peer speaks, UDP': ({ text, seen }) =>
    seen.deliveries.some(({ event, from }) => from !== '' && /^say/.test(text.events[event] ?? '')),
  'datagram read': ({ received }) => received('udp').length > 0,
  'echo reply read': ({ received }) => received('ping').length > 0,
  'raw packet read': ({ received }) => received('raw').length > 0,
  'stream read': ({ received }) => received('tcp').length > 0,
  'TCP close': ({ sent }) => sent(/^close/).some(({ flags }) => flags?.includes('F')),
  'Fast Open': ({ seen }) =>
    seen.packets.some(({ cookie, cookie_request }) => cookie === true || cookie_request === true),
  PKTINFO: ({ sent }) => ['udp', 'ping', 'raw'].some((kind) => sent(/^send .* from /, kind).length > 0),
  'bound address': ({ text, seen }) =>
    text.events.some((event) => {
      const address = event.match(/^bind \S+ ([\d.]+)/)?.[1];
      return address !== '0.0.0.0' && seen.packets.some(({ saddr }) => saddr === address);
    }),
  'bound device': ({ text, seen }) =>
    text.events.some((event, at) => {
      const [, name, dev] = event.match(/^socket (\S+) .* dev (\S+)/) ?? [];
      const own = (index: number) => index > at && text.events[index]?.split(' ')[1] === name;
      return name !== undefined && seen.packets.some((packet) => own(packet.event) && packet.dev === dev);
    }),
  'address or port refused': ({ seen }) => seen.calls.some(({ errno }) => /^EADDR/.test(errno)),
  'no route': ({ seen }) => seen.calls.some(({ errno }) => /^(ENETUNREACH|EHOSTUNREACH|EACCES|EINVAL)$/.test(errno)),
  'mark rule, second link': ({ text, seen }) =>
    has(text.host, /^ip rule add .*fwmark/) &&
    has(text.host, /-A OUTPUT .*MARK/) &&
    seen.packets.some(({ dev }) => dev === 'eth1'),
  'TOS on the wire': ({ seen }) => seen.packets.some(({ tos }) => tos !== 0),
  'TOS in rule or route': ({ text, seen }) =>
    has(text.host, /^ip r(ule|oute) .*(tos|dsfield)/) && seen.packets.length > 0,
  'user, port or protocol rule': ({ text, seen }) =>
    has(text.host, /^ip rule .*(uidrange|sport|dport|ipproto)/) && seen.packets.length > 0,
  MASQUERADE: (one) => leavesBy(one, / MASQUERADE/),
  'SNAT or DNAT': (one) => leavesBy(one, / [SD]NAT/),
  'OUTPUT drops': ({ seen }) => seen.calls.some(({ errno }) => errno === 'EPERM'),
  'stateful INPUT': ({ text, sent }) =>
    has(text.host, /-A INPUT .*ctstate/) && has(text.events, /^(answer|receive)/) && sent(/^(send|connect)/).length > 0,
  'INPUT drops': ({ text }) =>
    has([...text.host, ...text.events], /-P INPUT DROP|INPUT .*-j DROP/) && has(text.events, /^(answer|receive)/),
  retransmission: ({ sent }) => sent(/^retransmit/).length > 0,
  'retransmission joined': ({ sent }) => sent(/^retransmit/).some(({ flags }) => flags === 'FP.'),
  'closed port: RST': ({ sent }) => sent(/^receive/).some(({ flags }) => flags?.includes('R')),
  'closed port: ICMP': ({ sent }) => sent(/^receive/).some((p) => p.icmp_type === 3 && p.icmp_code === 3),
  'echo answered': ({ sent }) => sent(/^receive/).some(({ icmp_type }) => icmp_type === 0),
  'one port for several': ({ text, seen }) => has(text.host, /40000 40000/) && seen.packets.length > 0,
  'host changed under way': ({ text, seen }) => {
    const at = text.events.findIndex((event) => event.startsWith('host '));
    return at >= 0 && seen.packets.some(({ event }) => event > at);
  },
};

/** How many scenarios showed each part. */
export type Coverage = Readonly<Record<string, number>>;

export const NOTHING_COVERED: Coverage = Object.fromEntries(Object.keys(PARTS).map((part) => [part, 0]));

/** The counts with one more scenario. */
export function cover(before: Coverage, text: Text, seen: Seen): Coverage {
  const one = told(text, seen);
  return Object.fromEntries(
    Object.entries(PARTS).map(([part, shows]) => [part, (before[part] ?? 0) + (shows(one) ? 1 : 0)]),
  );
}

/** How many scenarios showed what, three parts in a line. */
export function coverageText(coverage: Coverage): string {
  const cells = Object.entries(coverage).map(([part, count]) => `${part.padEnd(28)}${String(count).padStart(5)}`);
  const lines = cells.flatMap((_, n) => (n % 3 === 0 ? [`  ${cells.slice(n, n + 3).join('    ')}`] : []));
  return ['scenarios that showed', ...lines].join('\n');
}
