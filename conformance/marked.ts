/**
 * Random marked hosts, and whether the alternatives without a patch do there what the marks do: a host with marks and the
 * same host with the commands of an alternative are played on the running kernel, and compared packet by packet.
 *
 * Both must send the same packets by the same links and neighbours. The source may be another one: that is what the
 * alternatives are for. It then is an address of the link.
 */

import { selectorRules } from '../model/patch/selector-rules.ts';
import { soMark } from '../model/patch/so-mark.ts';
import { stock } from '../model/patch/stock.ts';
import type { Kernel } from '../model/types/world.ts';
import { formatAddress } from '../scenario/format.ts';
import { bootHost, typed } from '../scenario/play.ts';
import { below, chance, oneOf, type WordSource, wordsOfSeed } from '../scenario/random.ts';
import { commandOf, type Text } from '../scenario/text.ts';
import { acceptedCommands } from '../search/replays.ts';
import { packetText } from './compare.ts';
import { kernelSees, type Seen, type SeenPacket } from './modelTrace.ts';
import type { Player } from './running/player.ts';

/** Addresses of packets: far away, on the links, in the network of a LAN rule, of groups. */
const FAR = ['8.8.8.8', '9.9.9.9', '192.168.7.7', '203.0.113.5'] as const;
const NEAR = ['10.0.0.9', '10.1.0.9'] as const;
const PORTS = [53, 80, 443, 5000] as const;
const USERS = [0, 1000, 1001, 1002] as const;
const MARKS = [100, 100, 100, 200, 200, 0x164] as const;

function drawSelector(words: WordSource): string {
  return oneOf(words, [
    '',
    '',
    '',
    ' to 8.8.8.0/24',
    ' to 192.168.0.0/16',
    ' ipproto udp',
    ' ipproto tcp dport 80',
    ' uidrange 1000-1001',
    ' oif eth1',
    ...(chance(words, 1, 4) ? [' from 10.1.0.1'] : []),
  ]);
}

/** Policy rules: most ask for a mark, some for something else as well, or for something else alone. */
function drawRule(words: WordSource): string {
  const mark = oneOf(words, ['100', '100', '200', '0x64/0xff', '0/0xff', '0x100/0x100']);
  const action = oneOf(words, [
    'table 100',
    'table 100',
    'table 200',
    'table main',
    'table main suppress_prefixlength 0',
    'unreachable',
    'goto 32766',
  ]);
  const pref = oneOf(words, ['', '', ' pref 1000', ' pref 500', ' pref 501', ' pref 32000']);
  const kind = below(words, 16);
  if (kind < 11) return `ip rule add fwmark ${mark}${drawSelector(words)} ${action}${pref}`;
  if (kind < 13) return `ip rule add not fwmark ${mark} ${oneOf(words, ['table 100', 'table 200'])}${pref}`;
  if (kind === 13) return `ip rule add to 10.0.0.0/8 lookup main${pref}`;
  if (kind === 14) return `ip rule add uidrange 1001-1002 table 200${pref}`;
  return `ip rule add from 10.0.0.1 table ${oneOf(words, [100, 200])}${pref}`;
}

function drawMatch(words: WordSource): string {
  return oneOf(words, [
    '',
    '-d 8.8.8.8',
    '-d 192.168.0.0/16',
    '! -d 192.168.0.0/16',
    '-d 10.0.0.0/8',
    '-p tcp',
    '-p udp',
    '! -p tcp',
    '-p icmp',
    '-p tcp --dport 80',
    '-p udp --dport 53',
    '-p udp --dport 1024:65535',
    '-p tcp ! --dport 443',
    '-p udp --sport 4000',
    '-p tcp -m multiport --dports 80,443',
    '-p udp -m multiport ! --dports 53,1000:6000',
    '-m owner --uid-owner 1001',
    '-m owner --uid-owner 1000-1001',
    '-m owner ! --uid-owner 1002',
    '-m owner --uid-owner 1001 -p udp',
    '-d 8.8.8.0/24 -m owner --uid-owner 1001',
    '-m mark --mark 100',
    '-m mark ! --mark 0',
    '-m addrtype --dst-type LOCAL',
    '-o lo',
    ...(chance(words, 1, 8)
      ? ['-s 10.0.0.1', '-o eth0', '-p tcp --syn', '-m conntrack --ctstate NEW', '-p icmp --icmp-type echo-request']
      : []),
  ]);
}

function drawTarget(words: WordSource): string {
  const mark = oneOf(words, MARKS);
  return oneOf(words, [
    ...Array.from({ length: 6 }, () => `MARK --set-mark ${mark}`),
    `MARK --set-xmark ${mark}/0xff`,
    ...(chance(words, 1, 3) ? ['MARK --set-mark 0'] : []),
    'RETURN',
    'ACCEPT',
    ...(chance(words, 1, 6) ? ['DROP', 'TOS --set-tos 0x10', 'CONNMARK --save-mark'] : []),
  ]);
}

/** A chain of mangle: what decides for some packets, then marks, then perhaps more. */
function drawChain(words: WordSource, chain: string, targets: readonly string[]): readonly string[] {
  return Array.from({ length: 1 + below(words, 4) }, () => {
    const target = targets.length > 0 && chance(words, 1, 5) ? oneOf(words, targets) : drawTarget(words);
    return `iptables -t mangle -A ${chain} ${drawMatch(words)} -j ${target}`.replace(/ {2,}/g, ' ');
  });
}

/** What else of a host may ask for marks, links or sources. */
const OTHERS = [
  'iptables -t nat -A POSTROUTING -o eth1 -j MASQUERADE',
  'iptables -t nat -A POSTROUTING -m mark --mark 100 -j MASQUERADE',
  'iptables -A OUTPUT -m mark --mark 200 -j DROP',
  'iptables -A OUTPUT -d 9.9.9.9 -j DROP',
  'iptables -A OUTPUT -o eth0 -p udp -j DROP',
  'iptables -t nat -A OUTPUT -p udp --dport 443 -j DNAT --to-destination 9.9.9.9',
  'ip route add unreachable 203.0.113.0/24',
  'ip route add throw 203.0.113.0/24 table 100',
  'ip route add 8.8.8.8 dev eth0 table 100',
] as const;

/** A host with two providers, or three, and marks. */
export function drawMarkedHost(words: WordSource): readonly string[] {
  const chains = chance(words, 1, 3) ? ['VPN'] : [];
  const rules = Array.from({ length: 1 + below(words, 3) }, () => drawRule(words));
  const usual = chance(words, 5, 6) ? ['ip rule add fwmark 100 table 100'] : [];
  return [
    'ip link add eth0 type veth peer name eth0p',
    'ip link set eth0 up',
    'ip addr add 10.0.0.1/24 dev eth0',
    'ip link add eth1 type veth peer name eth1p',
    'ip link set eth1 up',
    'ip addr add 10.1.0.1/24 dev eth1',
    'ip link add eth2 type veth peer name eth2p',
    'ip link set eth2 up',
    'ip addr add 10.2.0.1/24 dev eth2',
    ...(chance(words, 19, 20) ? ['ip route add default via 10.0.0.254'] : []),
    'ip route add default via 10.1.0.254 table 100',
    oneOf(words, ['ip route add default via 10.2.0.254 table 200', 'ip route add 8.0.0.0/8 via 10.2.0.254 table 200']),
    ...usual,
    ...rules,
    ...chains.map((chain) => `iptables -t mangle -N ${chain}`),
    ...chains.flatMap((chain) => drawChain(words, chain, [])),
    ...drawChain(words, 'OUTPUT', chains),
    ...(chance(words, 1, 4) ? [oneOf(words, OTHERS)] : []),
  ];
}

function drawPeer(words: WordSource): string {
  return oneOf(words, [...FAR, ...FAR, ...NEAR]);
}

/** A socket of some user, perhaps bound to an address or a link. */
function opened(words: WordSource, name: string, kind: string): readonly string[] {
  const uid = ` uid ${oneOf(words, USERS)}`;
  const dev = chance(words, 1, 10) ? ` dev ${oneOf(words, ['eth0', 'eth1'])}` : '';
  const address = oneOf(words, ['10.0.0.1', '10.1.0.1']);
  const port = kind === 'udp' && chance(words, 1, 2) ? ':4000' : '';
  const bound = chance(words, 1, 6) ? [`bind ${name} ${chance(words, 1, 3) ? '0.0.0.0' : address}${port}`] : [];
  return [`socket ${name} ${kind}${uid}${dev}`, ...bound];
}

function drawStory(words: WordSource, name: string): readonly string[] {
  const peer = () => `${drawPeer(words)}:${oneOf(words, PORTS)}`;
  switch (below(words, 7)) {
    case 0:
    case 1:
      return [
        ...opened(words, name, 'udp'),
        `send ${name} 4 to ${peer()}`,
        ...(chance(words, 1, 2) ? [`answer ${name}`] : []),
        `send ${name} 5 to ${peer()}`,
        ...(chance(words, 1, 4) ? [`send ${name} 6 to ${oneOf(words, ['239.1.2.3:53', '224.0.0.1:53'])}`] : []),
      ];
    case 2:
      return [
        ...opened(words, name, 'udp'),
        `connect ${name} ${peer()}`,
        `send ${name} 4`,
        `answer ${name}`,
        `send ${name} 6`,
      ];
    case 3:
    case 4: {
      const to = peer();
      const open = [
        ...opened(words, name, 'tcp'),
        `connect ${name} ${to}`,
        `answer ${name}`,
        `send ${name} 4`,
        `answer ${name}`,
      ];
      return chance(words, 1, 2) ? [...open, `send ${name} 5`, `close ${name}`] : open;
    }
    case 5:
      return [
        ...opened(words, name, oneOf(words, ['ping', 'raw icmp'])),
        `send ${name} 8 to ${drawPeer(words)}`,
        `answer ${name}`,
      ];
    default:
      return [
        `receive eth0 ${drawPeer(words)}:5000 > 10.0.0.1:${oneOf(words, PORTS)} ${oneOf(words, ['tcp S', 'tcp .', 'udp 4'])}`,
        `receive eth1 ${oneOf(words, FAR)} > 10.1.0.1 icmp echo-request 5`,
      ];
  }
}

/** A marked host, and what is sent there. */
export function drawMarked(words: WordSource): Text {
  const host = drawMarkedHost(words);
  const names = ['a', 'b', 'c', 'd'].slice(0, 1 + below(words, 4));
  return { host, events: names.flatMap((name) => drawStory(words, name)) };
}

/** One packet that the two hosts do not send alike. */
export interface Unlike {
  readonly event: number;
  readonly marked: string;
  readonly translated: string;
}

/** A packet without what the kernel chooses, and without its source. */
function way(p: SeenPacket): string {
  const { dev, nexthop, daddr, protocol, dport, flags, payload, tos, icmp_type, icmp_code } = p;
  const checksums = `${p.ip_checksum} ${p.checksum}`;
  return [dev, nexthop, daddr, protocol, dport, flags, payload, tos, icmp_type, icmp_code, checksums].join(' ');
}

/** The addresses of each link of the host. */
function addressesOf(host: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const { devs } = bootHost(stock, host.map(commandOf));
  return new Map(devs.map(({ name, ifa_list }) => [name, ifa_list.map(({ ifa_local }) => formatAddress(ifa_local))]));
}

/** Packets that one host sends and the other does not, or not by the same way. */
export function unlike(host: readonly string[], marked: Seen, translated: Seen): readonly Unlike[] {
  const addresses = addressesOf(host);
  const found: Unlike[] = [];
  const text = (p: SeenPacket | undefined) => (p === undefined ? 'none' : `${packetText(p)} to ${p.nexthop}`);
  for (let event = 0; event < marked.events; event++) {
    const [a, b] = [marked, translated].map(({ packets }) => packets.filter((p) => p.event === event));
    for (let n = 0; n < Math.max(a?.length ?? 0, b?.length ?? 0); n++) {
      const [mine, theirs] = [a?.[n], b?.[n]];
      const own = theirs !== undefined && (addresses.get(theirs.dev) ?? []).includes(theirs.saddr);
      const same =
        mine !== undefined && theirs !== undefined && way(mine) === way(theirs) && (own || mine.saddr === theirs.saddr);
      if (!same) found.push({ event, marked: text(mine), translated: text(theirs) });
    }
  }
  return found;
}

/** The alternatives that have to do what marks do. */
const TRANSLATED: readonly Kernel[] = [selectorRules, soMark];

/** A host on which an alternative does something else. */
export interface Unfaithful {
  readonly kernel: string;
  readonly index: number;
  readonly text: Text;
  readonly commands: readonly string[];
  readonly unlike: readonly Unlike[];
}

/** What an alternative came to on the hosts of a run. */
export interface Translation {
  readonly kernel: string;
  /** Hosts on which it was compared, and why it was not on the others. */
  readonly compared: number;
  readonly inexpressible: readonly string[];
  readonly packets: number;
  /** Packets that got another source than on the marked host. */
  readonly moved: number;
  readonly unfaithful: readonly Unfaithful[];
}

/** The host and the events of that number, without commands that are refused. */
export function markedCase(seed: number, index: number): Text {
  const words = wordsOfSeed(Math.imul(seed + 1, 0x01000193) ^ Math.imul(index + 1, 0x85ebca6b));
  const { host, events } = drawMarked(words);
  return { host: acceptedCommands(stock, host), events };
}

/** The text without what is sent to groups, which the mark of a socket moves and that of mangle does not. */
function withoutGroups({ host, events }: Text): Text {
  return { host, events: events.filter((event) => !/ to 2(2[4-9]|3\d)\./.test(event)) };
}

const NOTHING = { compared: 0, inexpressible: [], packets: 0, moved: 0, unfaithful: [] } as const;

/** Adds what an alternative makes of one host. */
async function translate(
  player: Player,
  kernel: Kernel,
  seed: number,
  index: number,
  all: Translation,
): Promise<Translation> {
  const drawn = markedCase(seed, index);
  const text = kernel === soMark ? withoutGroups(drawn) : drawn;
  const { why, commands, host, events } = typed(kernel, text);
  if (why !== '') return { ...all, inexpressible: [...all.inexpressible, why] };
  const [marked, translated] = (await Promise.all([player.run(text), player.run({ host, events })])).map(kernelSees);
  const differ = unlike(text.host, marked as Seen, translated as Seen);
  const unfaithful = differ.length === 0 ? [] : [{ kernel: kernel.name, index, text, commands, unlike: differ }];
  const others = (translated as Seen).packets.filter(({ saddr }, n) => saddr !== marked?.packets[n]?.saddr);
  return {
    ...all,
    compared: all.compared + 1,
    packets: all.packets + (translated as Seen).packets.length,
    moved: all.moved + others.length,
    unfaithful: [...all.unfaithful, ...unfaithful],
  };
}

/** Plays that many random marked hosts, and what each alternative makes of them. */
export async function translations(
  player: Player,
  seed: number,
  hosts: number,
  progress: (done: number) => void = () => {},
): Promise<readonly Translation[]> {
  let all: readonly Translation[] = TRANSLATED.map(({ name }) => ({ ...NOTHING, kernel: name }));
  for (let index = 0; index < hosts; index++) {
    all = await Promise.all(all.map((one, n) => translate(player, TRANSLATED[n] as Kernel, seed, index, one)));
    progress(index + 1);
  }
  return all;
}
